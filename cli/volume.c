/* The list of volumes. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/filter.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "engine/tare.h"

struct volume_options {
	struct list_format list;
	char **filters;
};

#define OPTIONS struct volume_options
static const struct option volume_options[] = {
        OPT_LIST(
                "filter", 'f', filters, "KEY=VALUE", "name= dangling=true", "Show only some: name, dangling"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only names"),
        OPTION_END,
};
#undef OPTIONS

static const struct field volume_fields[] = {
        {"Driver", "DRIVER", 0, false},
        {"Name", "VOLUME NAME", 0, false},
        {"Scope", "SCOPE", 0, false},
        {"Mountpoint", "MOUNTPOINT", 1, false},
        {"CreatedAt", "CREATED AT", 0, false},
        {"Links", "LINKS", 0, false},
        {"Labels", "LABELS", 2, false},
        {NULL, NULL, 0, false},
};

static const struct list_view volume_view = {
        .fields = volume_fields,
        .columns = "Driver Name",
        .id = "Name",
};

static bool match_name(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_regex(value, ((const struct tare_volume *)row)->name);
}

static bool match_dangling(const void *row, const char *value, const void *context)
{
	const struct tare_volume *v = row;

	(void)context;
	return filter_bool(value) == !(v->used_by && v->used_by[0]);
}

static const struct filter_key volume_filters[] = {
        {"name", match_name, false, filter_check_regex},
        {"dangling", match_dangling, false, filter_check_bool},
        {NULL, NULL, false, NULL},
};

static json *volume_row(const struct tare_volume *v)
{
	json *row = json_object_new_object();
	char moment[MOMENT_SIZE], links[24];

	snprintf(links, sizeof(links), "%zu", strv_len(v->used_by));
	json_set_str(row, "Driver", "local");
	json_set_str(row, "Name", v->name);
	json_set_str(row, "Scope", "local");
	json_set_str(row, "Mountpoint", v->path);
	json_set_str(row, "CreatedAt", moment_local(v->created, moment));
	json_set_str(row, "Links", links);
	json_set_str(row, "Labels", "");
	return row;
}

static int volume_rows(
        struct tare_engine *engine, const struct volume_options *o, struct rows *rows, struct err *e)
{
	__attribute__((cleanup(tare_volume_list_free))) struct tare_volume_list list = {0};

	if (filter_check(o->filters, volume_filters, NULL, e) < 0 ||
	        engine->volume_list(engine, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if (filters_match(o->filters, volume_filters, &list.rows[i], NULL) &&
		        rows_add(rows, volume_row(&list.rows[i]), NULL, TONE_PLAIN, e) < 0)
			return -1;
	return 0;
}

static int volume_run(struct cli *cli, void *options, char **operands)
{
	struct volume_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_rows struct rows rows = ROWS_INIT;

	(void)operands;
	if (!engine || volume_rows(engine, o, &rows, &e) < 0 ||
	        list_print(cli, &volume_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct command volume_commands[] = {
        {
                .words = "volume ls",
                .aliases = "volume list, volume-list",
                .group = GROUP_VOLUMES,
                .summary = "List volumes",
                .details =
                        "A named volume is made when a container first uses it: tare run -v NAME:/data ...",
                .examples = "tare volume ls\ntare volume ls -q --filter dangling=true",
                .options = volume_options,
                .size = sizeof(struct volume_options),
                .run = volume_run,
        },
        {0},
};
