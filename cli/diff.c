/* diff: what a container has changed in its root. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

struct diff_options {
	struct list_format list;
};

#define OPTIONS struct diff_options
static const struct option diff_options[] = {
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPTION_END,
};
#undef OPTIONS

static const struct field diff_fields[] = {
        {"Type", "CHANGE TYPE", 0, false},
        {"Path", "PATH", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view diff_view = {
        .fields = diff_fields,
        .columns = "Type Path",
        .id = "Path",
};

static const char *letter_of(json *change)
{
	static const char *const letters[] = {"C", "A", "D"};
	int64_t kind = json_int(change, "Kind", 0);

	return kind >= 0 && kind < 3 ? letters[kind] : "?";
}

/* Docker's form. A path is as it is for a program, and harmless for a person. */
static void print_lines(json *changes)
{
	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		json *change = json_object_array_get_idx(changes, i);
		const char *path = json_str(change, "Path", "");
		cleanup_buf struct buf shown = BUF_INIT;

		if (output_is_terminal())
			text_harmless(&shown, path, strlen(path));
		printf("%s %s\n", letter_of(change), output_is_terminal() ? buf_str(&shown) : path);
	}
}

static int print_list(const struct cli *cli, const struct diff_options *o, json *changes, struct err *e)
{
	cleanup_rows struct rows rows = ROWS_INIT;

	for (size_t i = 0; i < json_object_array_length(changes); i++) {
		json *change = json_object_array_get_idx(changes, i), *row = json_object_new_object();

		json_set_str(row, "Type", letter_of(change));
		json_set_str(row, "Path", json_str(change, "Path", ""));
		if (rows_add(&rows, row, NULL, TONE_PLAIN, e) < 0)
			return -1;
	}
	return list_print(cli, &diff_view, &o->list, &rows, e);
}

static int diff_run(struct cli *cli, void *options, char **operands)
{
	const struct diff_options *o = options;
	struct err e = ERR_INIT;
	cleanup_json json *changes = NULL;
	struct tare_engine *engine = cli_engine(cli, &e);

	if (!engine || engine->diff(engine, operands[0], &changes, &e) < 0)
		return cli_fail(cli, &e);
	if (cli->json)
		return document_print(changes, NULL, &e) < 0 ? cli_fail(cli, &e) : 0;
	if (o->list.format)
		return print_list(cli, o, changes, &e) < 0 ? cli_fail(cli, &e) : 0;
	print_lines(changes);
	return 0;
}

const struct command diff_commands[] = {
        {
                .words = "diff",
                .aliases = "container diff",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Show which files a container has changed",
                .details = "A: added, C: changed, D: deleted. What is in volumes and other mounts is no part "
                           "of it.",
                .examples = "tare diff web\ntare diff --format '{{.Type}}:{{.Path}}' web",
                .complete = "containers",
                .options = diff_options,
                .size = sizeof(struct diff_options),
                .run = diff_run,
        },
        {0},
};
