/* Security profiles: which there are, what is in one, whether one is right. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ show */

struct show_options {
	const char *format, *container;
};

#define OPTIONS struct show_options
static const struct option show_options[] = {
        OPT_STRING("container", 0, container, "CONTAINER", "containers",
                "Show what holds for a container instead: while it runs, as the kernel says"),
        OPT_STRING("format", 'f', format, "FORMAT", "json", "json or a Go template"),
        OPTION_END,
};
#undef OPTIONS

static int show_container(struct cli *cli, const char *ref, json **doc, struct err *e)
{
	struct tare_engine *engine = cli_engine(cli, e);

	if (!engine)
		return -1;
	if (!engine->security)
		return err_set(e, ERR_UNSUPPORTED, "simulated containers have no process to look at");
	return engine->security(engine, ref, doc, e);
}

/* Whoever gives a container where a profile is wanted is told the word for it. */
static int show_profile(struct cli *cli, const char *name, json **doc, struct err *e)
{
	char id[TARE_ID_LEN + 1];
	int rc = tare_security_profile(name, doc, e);

	if (rc == 0 || e->kind != ERR_NOT_FOUND)
		return rc;
	struct tare_engine *engine = cli_engine(cli, NULL);
	if (engine && engine->resolve(engine, name, id, NULL) == 0)
		return err_set(e, ERR_NOT_FOUND,
		        "%s is a container, not a security profile; for what holds for it: tare security "
		        "show "
		        "--container %s",
		        name, name);
	return rc;
}

static int show_run(struct cli *cli, void *options, char **operands)
{
	const struct show_options *o = options;
	struct err e = ERR_INIT;
	cleanup_json json *doc = NULL;

	if (o->container && operands[0]) {
		err_set(&e, ERR_USAGE, "give a profile or --container, not both");
		return cli_fail(cli, &e);
	}
	int rc = o->container ? show_container(cli, o->container, &doc, &e)
	                      : show_profile(cli, operands[0] ? operands[0] : "default", &doc, &e);
	if (rc < 0 || document_print(doc, o->format, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ list */

struct list_options {
	struct list_format list;
};

#define OPTIONS struct list_options
static const struct option list_options[] = {
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only names"),
        OPTION_END,
};
#undef OPTIONS

static const struct field list_fields[] = {
        {"Name", "NAME", 0, true},
        {"Source", "SOURCE", 0, false},
        {"Comment", "COMMENT", 1, false},
        {"Path", "PATH", 2, false},
        {"Valid", "VALID", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view profiles_view = {
        .fields = list_fields,
        .columns = "Name Source Comment",
        .id = "Name",
};

static int list_run(struct cli *cli, void *options, char **operands)
{
	struct list_options *o = options;
	struct err e = ERR_INIT;
	cleanup_json json *doc = NULL;
	cleanup_rows struct rows rows = ROWS_INIT;

	(void)operands;
	if (tare_security_profiles(&doc, &e) < 0)
		return cli_fail(cli, &e);
	for (size_t i = 0; i < json_object_array_length(doc); i++) {
		json *row = json_object_array_get_idx(doc, i);
		enum tone tone = json_bool(row, "Valid", false) ? TONE_PLAIN : TONE_BAD;
		if (rows_add(&rows, json_object_get(row), NULL, tone, &e) < 0)
			return cli_fail(cli, &e);
	}
	return list_print(cli, &profiles_view, &o->list, &rows, &e) < 0 ? cli_fail(cli, &e) : 0;
}

/* ------------------------------------------------------------------ check */

struct check_options {
	const char *format;
};

#define OPTIONS struct check_options
static const struct option check_options[] = {
        OPT_STRING("format", 'f', format, "FORMAT", "json", "json or a Go template"),
        OPTION_END,
};
#undef OPTIONS

static void print_lines(const char *word, json *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		printf("%s: %s\n", word, json_object_get_string(json_object_array_get_idx(list, i)));
}

static int check_run(struct cli *cli, void *options, char **operands)
{
	const struct check_options *o = options;
	struct err e = ERR_INIT;
	cleanup_json json *doc = NULL;

	if (tare_security_check(operands[0], &doc, &e) < 0)
		return cli_fail(cli, &e);
	bool valid = json_bool(doc, "Valid", false);
	if (o->format || cli->json) {
		if (document_print(doc, o->format, &e) < 0)
			return cli_fail(cli, &e);
		return !valid;
	}
	print_lines("wrong", json_get(doc, "Problems"));
	print_lines("note", json_get(doc, "Notes"));
	if (valid) {
		char path[512];
		text_harmless_to(path, sizeof path, json_str(doc, "Path", ""));
		printf("%s is in order.\n", path);
	}
	return !valid;
}

/* ------------------------------------------------------------------ the rows */

#define SHIPPED_NAMES "default restricted privileged"

const struct command security_commands[] = {
        {
                .words = "security show",
                .group = GROUP_SYSTEM,
                .operands = "[PROFILE]",
                .max_operands = 1,
                .summary = "Print a security profile, or what holds for a container",
                .details = "PROFILE is default (the default), restricted, privileged, a name from "
                           "/etc/tare/profiles or ~/.config/tare/profiles, or a file with a slash. What is "
                           "printed is a right profile itself: change it and give it to --security-profile.",
                .examples = "tare security show restricted >mine.json\n"
                            "tare run --security-profile ./mine.json alpine\n"
                            "tare security show --container web",
                .complete = SHIPPED_NAMES,
                .options = show_options,
                .size = sizeof(struct show_options),
                .run = show_run,
        },
        {
                .words = "security list",
                .aliases = "security ls",
                .group = GROUP_SYSTEM,
                .summary = "List security profiles",
                .details = "Of profiles with the same name the one in /etc/tare/profiles counts, then the "
                           "user's, then the shipped one.",
                .options = list_options,
                .size = sizeof(struct list_options),
                .run = list_run,
        },
        {
                .words = "security check",
                .group = GROUP_SYSTEM,
                .operands = "PROFILE",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Say what is wrong with a security profile, and what this host can't do of it",
                .details = "The exit code is 1 when something is wrong.",
                .examples = "tare security check ./mine.json",
                .complete = SHIPPED_NAMES,
                .options = check_options,
                .size = sizeof(struct check_options),
                .run = check_run,
        },
        {0},
};
