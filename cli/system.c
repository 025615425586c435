/* The host and the house: info, version, df, help, completion. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/host_info.h"
#include "cli/output.h"
#include "engine/tare.h"

struct format_options {
	const char *format;
};

#define OPTIONS struct format_options
static const struct option format_options[] = {
        OPT_STRING("format", 'f', format, "FORMAT", "json", "json or a Go template"),
        OPTION_END,
};
#undef OPTIONS

/* ------------------------------------------------------------------ info, version */

/* `text`: the document for people. */
static int show_document(struct cli *cli, json *doc, const char *format, const struct buf *text)
{
	struct err e = ERR_INIT;

	if (format || cli->json)
		return document_print(doc, format, &e) < 0 ? cli_fail(cli, &e) : 0;
	fwrite(buf_str(text), 1, text->len, stdout);
	return 0;
}

static int info_run(struct cli *cli, void *options, char **operands)
{
	struct format_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_json json *doc = NULL;
	cleanup_buf struct buf text = BUF_INIT;

	(void)operands;
	if (!engine || engine->info(engine, &doc, &e) < 0)
		return cli_fail(cli, &e);
	host_info_text(doc, &text);
	return show_document(cli, doc, o->format, &text);
}

static json *version_of(const struct utsname *host)
{
	json *o = json_object_new_object();

	json_set_str(o, "Version", TARE_VERSION);
	json_set_str(o, "Os", "linux");
	json_set_str(o, "Arch", host->machine);
	json_set_str(o, "KernelVersion", host->release);
	return o;
}

/* There is no server: what scripts ask of one is answered by the program itself. */
static int version_run(struct cli *cli, void *options, char **operands)
{
	struct format_options *o = options;
	cleanup_json json *doc = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct utsname host = {0};

	(void)operands;
	uname(&host);
	buf_printf(&text, "Version: %s\nOS/Arch: linux/%s\nKernel Version: %s\n", TARE_VERSION, host.machine,
	        host.release);
	doc = version_of(&host);
	json_set(doc, "Client", version_of(&host));
	json_set(doc, "Server", version_of(&host));
	return show_document(cli, doc, o->format, &text);
}

/* ------------------------------------------------------------------ system df */

struct df_options {
	struct list_format list;
};

#define OPTIONS struct df_options
static const struct option df_options[] = {
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPTION_END,
};
#undef OPTIONS

static const struct field df_fields[] = {
        {"Type", "TYPE", 0, false},
        {"TotalCount", "TOTAL", 0, false},
        {"Active", "ACTIVE", 0, false},
        {"Size", "SIZE", 0, false},
        {"Reclaimable", "RECLAIMABLE", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view df_view = {
        .fields = df_fields,
        .columns = "Type TotalCount Active Size Reclaimable",
        .id = "Type",
};

static int df_row(struct rows *rows, const char *type, unsigned total, unsigned active, uint64_t size,
        uint64_t reclaimable, struct err *e)
{
	json *row = json_object_new_object();
	char text[SIZE_TEXT_SIZE], number[16];
	cleanup_free char *share = str_printf("%s (%u%%)", size_format_decimal(reclaimable, text),
	        size ? (unsigned)(100.0 * (double)reclaimable / (double)size) : 0);

	json_set_str(row, "Type", type);
	snprintf(number, sizeof(number), "%u", total);
	json_set_str(row, "TotalCount", number);
	snprintf(number, sizeof(number), "%u", active);
	json_set_str(row, "Active", number);
	json_set_str(row, "Size", size_format_decimal(size, text));
	json_set_str(row, "Reclaimable", size ? share : "0B");
	return rows_add(rows, row, NULL, TONE_PLAIN, e);
}

static int df_run(struct cli *cli, void *options, char **operands)
{
	struct df_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	struct tare_disk_usage u = {0};
	cleanup_rows struct rows rows = ROWS_INIT;

	(void)operands;
	if (!engine || engine->disk_usage(engine, &u, &e) < 0 ||
	        df_row(&rows, "Images", u.images.total, u.images.active, u.images.size, u.images.reclaimable,
	                &e) < 0 ||
	        df_row(&rows, "Containers", u.containers.total, u.containers.active, u.containers.size,
	                u.containers.reclaimable, &e) < 0 ||
	        df_row(&rows, "Local Volumes", u.volumes.total, u.volumes.active, u.volumes.size,
	                u.volumes.reclaimable, &e) < 0 ||
	        list_print(cli, &df_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ help, completion */

static int help_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	const struct command *c;
	int used;

	(void)options;
	if (!operands[0])
		return help_general(cli->program, stdout);
	if (!operands[1] && command_is_family(cli->program, operands[0]))
		return help_family(cli->program, operands[0], stdout);
	c = command_find(cli->program, operands, &used, &e);
	return c ? help_command(c, stdout) : cli_fail(cli, &e);
}

static int completion_run(struct cli *cli, void *options, char **operands)
{
	static const struct {
		const char *shell;
		void (*print)(const struct program *p, struct buf *out);
	} shells[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
	struct err e = ERR_INIT;
	cleanup_buf struct buf out = BUF_INIT;

	(void)options;
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(shells[i].shell, operands[0]) != 0)
			continue;
		shells[i].print(cli->program, &out);
		fwrite(buf_str(&out), 1, out.len, stdout);
		return 0;
	}
	err_set(&e, ERR_USAGE, "unknown shell \"%s\"; one of bash, zsh, fish", operands[0]);
	return cli_fail(cli, &e);
}

/* ------------------------------------------------------------------ the rows */

const struct command system_commands[] = {
        {
                .words = "info",
                .aliases = "system info",
                .group = GROUP_SYSTEM,
                .summary = "Show what this host offers and where things are kept",
                .options = format_options,
                .size = sizeof(struct format_options),
                .run = info_run,
        },
        {
                .words = "system df",
                .group = GROUP_SYSTEM,
                .summary = "Show how much disk space is used",
                .options = df_options,
                .size = sizeof(struct df_options),
                .run = df_run,
        },
        {
                .words = "version",
                .group = GROUP_SYSTEM,
                .summary = "Show the version",
                .options = format_options,
                .size = sizeof(struct format_options),
                .run = version_run,
        },
        {
                .words = "help",
                .group = GROUP_SYSTEM,
                .operands = "[COMMAND]",
                .max_operands = 2,
                .summary = "Show help for a command",
                .complete = "commands",
                .run = help_run,
        },
        {
                .words = "completion",
                .group = GROUP_SYSTEM,
                .operands = "bash|zsh|fish",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Print the completion script for a shell",
                .examples = "source <(tare completion bash)\ntare completion fish | source",
                .complete = "bash zsh fish",
                .run = completion_run,
        },
        {0},
};
