/* Commands that look at containers: logs, top. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ logs */

struct logs_options {
	struct tare_log_options log;
};

static void logs_init(void *options)
{
	struct logs_options *o = options;

	o->log.tail = -1;
	o->log.harmless = true;
	o->log.out = STDOUT_FILENO;
	o->log.err = STDERR_FILENO;
}

static int parse_tail(void *options, const char *text, struct err *e)
{
	struct logs_options *o = options;

	o->log.tail = -1;
	if (strcmp(text, "all") == 0)
		return 0;
	return int_parse(text, -1, INT64_MAX, "number of lines", &o->log.tail, e);
}

static int parse_log_since(void *options, const char *text, struct err *e)
{
	return time_parse(text, now_realtime(), &((struct logs_options *)options)->log.since, e);
}

static int parse_log_until(void *options, const char *text, struct err *e)
{
	return time_parse(text, now_realtime(), &((struct logs_options *)options)->log.until, e);
}

#define OPTIONS struct logs_options
static const struct option logs_options[] = {
        OPT_FLAG("follow", 'f', log.follow, "Go on as the container writes"),
        OPT_CALL("tail", 'n', parse_tail, "NUMBER", "all 10 100",
                "Only the last lines; \"all\" is the default"),
        OPT_CALL("since", 0, parse_log_since, "TIME", "10m 1h",
                "Only what is newer: 2026-01-31T10:00:00Z, or 10m for ten minutes ago"),
        OPT_CALL("until", 0, parse_log_until, "TIME", "10m 1h", "Only what is older"),
        OPT_FLAG("timestamps", 't', log.timestamps, "Show the time of each line"),
        OPTION_END,
};
#undef OPTIONS

static int logs_run(struct cli *cli, void *options, char **operands)
{
	struct logs_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);

	if (!engine || engine->logs(engine, operands[0], &o->log, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ top */

#define TITLES_MAX 24

/* The columns are what the engine says they are. */
static int top_table(const struct cli *cli, json *doc, struct err *e)
{
	struct field fields[TITLES_MAX + 1] = {0};
	struct list_view view = {.fields = fields, .id = "PID"};
	struct list_format format = {0};
	cleanup_buf struct buf columns = BUF_INIT;
	cleanup_strv char **titles = json_strv(doc, "Titles");
	cleanup_rows struct rows rows = ROWS_INIT;
	json *processes = json_get(doc, "Processes");
	size_t n = strv_len(titles) < TITLES_MAX ? strv_len(titles) : TITLES_MAX;

	for (size_t k = 0; k < n; k++) {
		fields[k] = (struct field){titles[k], titles[k], k == n - 1, false};
		buf_printf(&columns, "%s%s", k ? " " : "", titles[k]);
	}
	view.columns = buf_str(&columns);
	for (size_t i = 0; processes && i < json_object_array_length(processes); i++) {
		json *process = json_object_array_get_idx(processes, i), *row = json_object_new_object();

		for (size_t k = 0; k < n && k < json_object_array_length(process); k++)
			json_set(row, titles[k], json_object_get(json_object_array_get_idx(process, k)));
		if (rows_add(&rows, row, NULL, TONE_PLAIN, e) < 0)
			return -1;
	}
	return list_print(cli, &view, &format, &rows, e);
}

static int top_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_json json *doc = NULL;

	(void)options;
	if (!engine || engine->top(engine, operands[0], &doc, &e) < 0)
		return cli_fail(cli, &e);
	if ((cli->json ? document_print(doc, NULL, &e) : top_table(cli, doc, &e)) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ the rows */

const struct command container_look_commands[] = {
        {
                .words = "logs",
                .aliases = "container logs",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Show what a container has written",
                .examples = "tare logs -f web\ntare logs --tail 20 -t web\ntare logs --since 10m web",
                .complete = "containers",
                .options = logs_options,
                .size = sizeof(struct logs_options),
                .init = logs_init,
                .run = logs_run,
        },
        {
                .words = "top",
                .aliases = "container top",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Show the processes of a container",
                .details = "The columns are fixed: options of ps are not taken.",
                .complete = "running",
                .run = top_run,
        },
        {0},
};
