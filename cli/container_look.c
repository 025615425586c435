/* Commands that look at containers: logs, top, events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/filter.h"
#include "cli/output.h"
#include "cli/template.h"
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

/* ------------------------------------------------------------------ events */

struct events_options {
	struct tare_event_options event;
	char **filters;
	const char *format;
};

static int parse_event_since(void *options, const char *text, struct err *e)
{
	return time_parse(text, now_realtime(), &((struct events_options *)options)->event.since, e);
}

static int parse_event_until(void *options, const char *text, struct err *e)
{
	return time_parse(text, now_realtime(), &((struct events_options *)options)->event.until, e);
}

#define OPTIONS struct events_options
static const struct option events_options[] = {
        OPT_LIST("filter", 'f', filters, "KEY=VALUE", "container= event= image= label= network= type=",
                "Show only some: container, event, image, label, network, type"),
        OPT_STRING("format", 0, format, "FORMAT", "json", "json or a Go template such as '{{.Action}}'"),
        OPT_CALL("since", 0, parse_event_since, "TIME", "10m 1h",
                "Begin with what was: a time, or 10m for ten minutes ago"),
        OPT_CALL("until", 0, parse_event_until, "TIME", "0s", "End there instead of going on"),
        OPTION_END,
};
#undef OPTIONS

static const char *event_attribute(json *event, const char *name)
{
	return json_str(json_path(event, "Actor.Attributes"), name, "");
}

static bool match_event_container(const void *row, const char *value, const void *context)
{
	json *event = *(json *const *)row;
	const char *id = json_str(json_get(event, "Actor"), "ID", "");

	(void)context;
	return strcmp(json_str(event, "Type", ""), "container") == 0 &&
	       (strcmp(event_attribute(event, "name"), value) == 0 ||
	               (*value && strncmp(id, value, strlen(value)) == 0));
}

static bool match_event_action(const void *row, const char *value, const void *context)
{
	const char *action = json_str(*(json *const *)row, "Action", "");

	(void)context;
	/* "exec_create: sh" is found by "exec_create" */
	return strncmp(action, value, strlen(value)) == 0 &&
	       (!action[strlen(value)] || action[strlen(value)] == ':');
}

static bool match_event_image(const void *row, const char *value, const void *context)
{
	json *event = *(json *const *)row;
	const char *key = strcmp(json_str(event, "Type", ""), "image") == 0 ? "name" : "image";

	(void)context;
	return strcmp(event_attribute(event, key), value) == 0;
}

static bool match_event_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(json_path(*(json *const *)row, "Actor.Attributes"), value);
}

static bool match_event_network(const void *row, const char *value, const void *context)
{
	json *event = *(json *const *)row;
	const char *id = json_str(json_get(event, "Actor"), "ID", "");

	(void)context;
	return strcmp(json_str(event, "Type", ""), "network") == 0 &&
	       (strcmp(event_attribute(event, "name"), value) == 0 ||
	               (*value && strncmp(id, value, strlen(value)) == 0));
}

static bool match_event_type(const void *row, const char *value, const void *context)
{
	(void)context;
	return strcmp(json_str(*(json *const *)row, "Type", ""), value) == 0;
}

static const struct filter_key event_filters[] = {
        {"container", match_event_container, false, NULL},
        {"event", match_event_action, false, NULL},
        {"image", match_event_image, false, NULL},
        {"label", match_event_label, true, NULL},
        {"network", match_event_network, false, NULL},
        {"type", match_event_type, false, NULL},
        {NULL, NULL, false, NULL},
};

struct event_view {
	const struct events_options *o;
	const struct template *template; /* NULL: a line, or JSON */
	bool json;
	struct err *e;
};

/* "2026-01-31T10:00:00.123456789Z container start ID (image=busybox, name=web)" */
static void event_line(json *event, struct buf *out)
{
	cleanup_buf struct buf line = BUF_INIT;
	json *attributes = json_path(event, "Actor.Attributes");
	char moment[TIME_TEXT_SIZE];
	bool first = true;

	buf_printf(&line, "%s %s %s %s", time_format(json_int(event, "timeNano", 0), moment),
	        json_str(event, "Type", ""), json_str(event, "Action", ""),
	        json_str(json_get(event, "Actor"), "ID", ""));
	if (attributes && json_object_is_type(attributes, json_type_object)) {
		json_object_object_foreach (attributes, key, value) {
			buf_printf(&line, "%s%s=%s", first ? " (" : ", ", key,
			        value ? json_object_get_string(value) : "");
			first = false;
		}
	}
	if (!first)
		buf_char(&line, ')');
	text_harmless(out, buf_str(&line), line.len);
}

static int show_event(json *event, void *arg)
{
	struct event_view *v = arg;
	struct template_run run = {.data = event, .harmless = output_is_terminal()};
	cleanup_buf struct buf out = BUF_INIT;

	if (!filters_match(v->o->filters, event_filters, &event, NULL))
		return 0;
	if (v->json)
		json_print(&out, event, JSON_COMPACT);
	else if (!v->template)
		event_line(event, &out);
	else if (template_execute(v->template, &run, &out, v->e) < 0)
		return 1;
	buf_char(&out, '\n');
	fwrite(buf_str(&out), 1, out.len, stdout);
	return fflush(stdout) != 0;
}

static int events_run(struct cli *cli, void *options, char **operands)
{
	struct events_options *o = options;
	struct err e = ERR_INIT, shown = ERR_INIT;
	bool json_lines = o->format ? strcmp(o->format, "json") == 0 : cli->json;
	cleanup_template struct template *t = NULL;
	struct event_view view = {.o = o, .json = json_lines, .e = &shown};
	struct tare_engine *engine;

	(void)operands;
	o->event.follow = o->event.until == 0 || o->event.until > now_realtime();
	if (filter_check(o->filters, event_filters, NULL, &e) < 0)
		return cli_fail(cli, &e);
	if (o->format && !json_lines && !(t = template_parse(o->format, &e))) {
		err_wrap(&e, "--format");
		return cli_fail(cli, &e);
	}
	view.template = t;
	engine = cli_engine(cli, &e);
	if (!engine || engine->events(engine, &o->event, show_event, &view, &e) < 0)
		return cli_fail(cli, &e);
	return *shown.msg ? cli_fail(cli, &shown) : 0;
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
        {
                .words = "events",
                .aliases = "system events",
                .group = GROUP_CONTAINERS,
                .summary = "Show what happens, as it happens",
                .examples =
                        "tare events --filter event=die\n"
                        "tare events --since 1h --until 0s --format '{{.Action}} {{.Actor.Attributes.name}}'",
                .options = events_options,
                .size = sizeof(struct events_options),
                .run = events_run,
        },
        {0},
};
