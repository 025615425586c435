/* events: what happens, as it happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/event_runner.h"
#include "cli/filter.h"
#include "cli/output.h"
#include "cli/reference.h"
#include "cli/template.h"
#include "engine/tare.h"

struct events_options {
	struct tare_event_options event;
	char **filters;
	const char *format, *exec;
	bool no_stream;
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
        OPT_LIST("filter", 'f', filters, "KEY=VALUE",
                "container= event= image= label= network= type= volume=",
                "Show only some: container, event, image, label, network, type, volume"),
        OPT_STRING("format", 0, format, "FORMAT", "json", "json or a Go template such as '{{.Action}}'"),
        OPT_CALL("since", 0, parse_event_since, "TIME", "10m 1h",
                "Begin with what was: a time, or 10m for ten minutes ago"),
        OPT_CALL("until", 0, parse_event_until, "TIME", "0s", "End there instead of going on"),
        OPT_FLAG("no-stream", 0, no_stream, "Show what was, by default all that is known, and end"),
        OPT_STRING("exec", 0, exec, "COMMAND", "files",
                "Run it in a shell for each event, which it finds as JSON on its standard input and in "
                "TARE_EVENT_TYPE, _ACTION, _ID, _NAME, …; nothing is printed then without --format"),
        OPTION_END,
};
#undef OPTIONS

static const char *event_attribute(json *event, const char *name)
{
	return json_str(json_path(event, "Actor.Attributes"), name, "");
}

/* Docker's rule: the beginning of the id or of the name will do. */
static bool match_actor(json *event, const char *type, const char *value)
{
	size_t len = strlen(value);

	return strcmp(json_str(event, "Type", ""), type) == 0 && len &&
	       (strncmp(event_attribute(event, "name"), value, len) == 0 ||
	               strncmp(json_str(json_get(event, "Actor"), "ID", ""), value, len) == 0);
}

#define MATCH_ACTOR(type)                                                                                    \
	static bool match_event_##type(const void *row, const char *value, const void *context)              \
	{                                                                                                    \
		(void)context;                                                                               \
		return match_actor(*(json *const *)row, #type, value);                                       \
	}
MATCH_ACTOR(container)
MATCH_ACTOR(network)
MATCH_ACTOR(volume)

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
	bool own = strcmp(json_str(event, "Type", ""), "image") == 0;
	const char *name = event_attribute(event, own ? "name" : "image");

	(void)context;
	return reference_same(name, value) ||
	       (own && reference_is_id(json_str(json_get(event, "Actor"), "ID", ""), value));
}

static bool match_event_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(json_path(*(json *const *)row, "Actor.Attributes"), value);
}

static bool match_event_type(const void *row, const char *value, const void *context)
{
	(void)context;
	return strcmp(json_str(*(json *const *)row, "Type", ""), value) == 0;
}

static int check_type(const char *value, const void *context, struct err *e)
{
	static const char *const types[] = {"container", "image", "network", "volume", NULL};

	(void)context;
	if (strv_has((char *const *)types, value))
		return 0;
	return err_set(e, ERR_USAGE, "unknown type \"%s\"; one of container, image, network, volume", value);
}

static const struct filter_key event_filters[] = {
        {"container", match_event_container, false, NULL},
        {"event", match_event_action, false, NULL},
        {"image", match_event_image, false, NULL},
        {"label", match_event_label, true, NULL},
        {"network", match_event_network, false, NULL},
        {"type", match_event_type, false, check_type},
        {"volume", match_event_volume, false, NULL},
        {NULL, NULL, false, NULL},
};

struct event_view {
	const struct events_options *o;
	const struct template *template; /* NULL: a line, or JSON */
	bool json, silent;
	struct event_runner *runner; /* used with --exec */
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
	if (v->o->exec && event_runner_add(v->runner, event) < 0)
		return err_set(v->e, ERR_OTHER, "--exec: the process that runs the command is gone"), 1;
	if (v->silent)
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

/* From when to when, and whether to wait for more. */
static void settle_times(struct events_options *o)
{
	int64_t now = now_realtime();

	if (o->no_stream && (!o->event.until || o->event.until > now))
		o->event.until = now;
	if (o->no_stream && !o->event.since)
		o->event.since = 1; /* all that is known */
	o->event.follow = o->event.until == 0 || o->event.until > now;
}

static int watch(struct cli *cli, const struct events_options *o, struct event_view *view)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);

	if (!engine || (o->exec && event_runner_start(view->runner, o->exec, &e) < 0))
		return cli_fail(cli, &e);
	int rc = engine->events(engine, &o->event, show_event, view, &e);
	event_runner_end(view->runner);
	if (rc < 0)
		return cli_fail(cli, &e);
	return *view->e->msg ? cli_fail(cli, view->e) : 0;
}

static int events_run(struct cli *cli, void *options, char **operands)
{
	struct events_options *o = options;
	struct err e = ERR_INIT, shown = ERR_INIT;
	struct event_runner runner = {0};
	bool json_lines = o->format ? strcmp(o->format, "json") == 0 : cli->json;
	cleanup_template struct template *t = NULL;
	struct event_view view = {.o = o,
	        .json = json_lines,
	        .silent = o->exec && !o->format && !cli->json,
	        .runner = &runner,
	        .e = &shown};

	(void)operands;
	settle_times(o);
	if (filter_check(o->filters, event_filters, NULL, &e) < 0)
		return cli_fail(cli, &e);
	if (o->exec && !*o->exec) {
		err_set(&e, ERR_USAGE, "--exec is empty; write a command, as in --exec 'logger -t tare'");
		return cli_fail(cli, &e);
	}
	if (o->format && !json_lines && !(t = template_parse(o->format, &e))) {
		err_wrap(&e, "--format");
		return cli_fail(cli, &e);
	}
	view.template = t;
	return watch(cli, o, &view);
}

/* ------------------------------------------------------------------ the rows */

const struct command event_commands[] = {
        {
                .words = "events",
                .aliases = "system events",
                .group = GROUP_CONTAINERS,
                .summary = "Show what happens, as it happens",
                .details = "Values of one filter are alternatives (labels must all be there); different "
                           "filters must all hold. With --exec one command runs at a time; 1024 events "
                           "wait for it, and how many were left out beyond that is told. It gets what a "
                           "container chose, its name or labels, as data only: quote \"$TARE_EVENT_NAME\".",
                .examples =
                        "tare events --filter event=die --filter event=oom\n"
                        "tare events --since 1h --until 0s --format '{{.Action}} "
                        "{{.Actor.Attributes.name}}'\n"
                        "tare events --filter event=health_status --exec 'logger -t tare \"$TARE_EVENT_NAME: "
                        "$TARE_EVENT_ACTION\"'",
                .options = events_options,
                .size = sizeof(struct events_options),
                .run = events_run,
        },
        {0},
};
