/* system check: what a crash left behind, and what stands in the way. */
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/output.h"
#include "engine/tare.h"

struct check_options {
	struct list_format list;
	bool repair;
};

#define OPTIONS struct check_options
static const struct option check_options[] = {
        OPT_FLAG("repair", 0, repair, "Remove or mend what is found"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPTION_END,
};
#undef OPTIONS

static const struct field check_fields[] = {
        {"Object", "OBJECT", 2, false},
        {"Problem", "PROBLEM", 3, false},
        {"State", "STATE", 0, true},
        {"Remedy", "REMEDY", 4, false},
        {NULL, NULL, 0, false},
};

static const struct list_view check_view = {
        .fields = check_fields,
        .columns = "Object Problem State Remedy",
        .id = "Object",
        .optional = "Remedy",
};

static int add_finding(struct rows *rows, const struct tare_finding *f, bool repair, struct err *e)
{
	json *row = json_object_new_object();
	const char *remedy = f->remedy ? f->remedy : f->repaired ? "" : "tare system check --repair";

	json_set_str(row, "Object", f->what);
	json_set_str(row, "Problem", f->problem);
	json_set_str(row, "State", f->repaired ? "repaired" : repair ? "left" : "found");
	json_set_str(row, "Remedy", remedy);
	return rows_add(rows, row, NULL, f->repaired ? TONE_GOOD : TONE_WARN, e);
}

static int check_run(struct cli *cli, void *options, char **operands)
{
	struct check_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	__attribute__((cleanup(tare_check_result_free))) struct tare_check_result found = {0};
	cleanup_rows struct rows rows = ROWS_INIT;
	bool left = false;

	(void)operands;
	if (!engine || engine->check(engine, o->repair, &found, &e) < 0)
		return cli_fail(cli, &e);
	for (size_t i = 0; i < found.n; i++) {
		left = left || !found.rows[i].repaired;
		if (add_finding(&rows, &found.rows[i], o->repair, &e) < 0)
			return cli_fail(cli, &e);
	}
	if (!found.n && !cli->json && !o->list.format)
		printf("All is in order.\n");
	else if (list_print(cli, &check_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return left;
}

const struct command check_commands[] = {
        {
                .words = "system check",
                .group = GROUP_SYSTEM,
                .summary = "Find what a crash left behind, and with --repair remove it",
                .details =
                        "Interfaces, rules, address leases, cgroups, processes and directories that belong "
                        "to no container any more, containers whose monitor was killed, whose restart "
                        "was lost or whose record cannot be read, images that are not whole, and what "
                        "of this host keeps networks from working. The exit code is 1 when something is left "
                        "as it was.",
                .examples = "tare system check\ntare system check --repair",
                .options = check_options,
                .size = sizeof(struct check_options),
                .run = check_run,
        },
        {0},
};
