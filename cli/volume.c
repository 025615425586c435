/* Volumes: making, listing and removing them. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/filter.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ create */

struct create_options {
	struct tare_volume_create create;
	char **labels;
};

#define OPTIONS struct create_options
static const struct option create_options[] = {
        OPT_STRING("name", 0, create.name, "NAME", "none", "Its name, as the operand"),
        OPT_STRING("driver", 'd', create.driver, "DRIVER", "local", "local, the only one"),
        OPT_LIST("label", 0, labels, "KEY=VALUE", "none", "Set a label"),
        OPT_LIST("opt", 'o', create.options, "KEY=VALUE", "type=tmpfs type=none device= o=bind o=size= size=",
                "size=10g, or type=tmpfs with o=size=64m, or type=none with o=bind and device=/PATH"),
        OPTION_END,
};
#undef OPTIONS

static int create_name(struct create_options *o, const char *operand, struct err *e)
{
	if (operand && o->create.name && strcmp(operand, o->create.name) != 0)
		return err_set(e, ERR_USAGE, "two names are given, %s and --name %s; leave one out", operand,
		        o->create.name);
	if (operand)
		o->create.name = operand;
	return o->create.name && tare_name_check(o->create.name, e) < 0 ? err_wrap(e, "volume") : 0;
}

static int create_labels(struct create_options *o, struct tare_create *scratch, struct err *e)
{
	strv_foreach (s, o->labels)
		if (tare_parse_label(scratch, *s, e) < 0)
			return err_wrap(e, "--label");
	o->create.labels = scratch->labels;
	return 0;
}

static int create_run(struct cli *cli, void *options, char **operands)
{
	struct create_options *o = options;
	struct err e = ERR_INIT;
	__attribute__((cleanup(tare_create_free))) struct tare_create scratch;
	struct tare_engine *engine;
	char name[TARE_VOLUME_NAME_SIZE];

	tare_create_init(&scratch);
	if (create_name(o, operands[0], &e) < 0 || create_labels(o, &scratch, &e) < 0)
		return cli_fail(cli, &e);
	engine = cli_engine(cli, &e);
	if (!engine || engine->volume_create(engine, &o->create, name, &e) < 0)
		return cli_fail(cli, &e);
	printf("%s\n", name);
	return 0;
}

/* ------------------------------------------------------------------ ls */

struct ls_options {
	struct list_format list;
	char **filters;
	bool size;
};

#define OPTIONS struct ls_options
static const struct option ls_options[] = {
        OPT_LIST("filter", 'f', filters, "KEY=VALUE", "name= dangling=true label= driver=local",
                "Show only some: name, dangling, label, driver"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only names"),
        OPT_FLAG("size", 's', size, "Show what each holds, and which containers use it"),
        OPTION_END,
};
#undef OPTIONS

static const struct field ls_fields[] = {
        {"Driver", "DRIVER", 0, false},
        {"Name", "VOLUME NAME", 0, false},
        {"Kind", "KIND", 0, false},
        {"Size", "SIZE", 0, false},
        {"Quota", "QUOTA", 0, false},
        {"UsedBy", "USED BY", 1, false},
        {"Scope", "SCOPE", 0, false},
        {"Mountpoint", "MOUNTPOINT", 1, false},
        {"CreatedAt", "CREATED AT", 0, false},
        {"Links", "LINKS", 0, false},
        {"Labels", "LABELS", 2, false},
        {NULL, NULL, 0, false},
};

static const struct list_view ls_view = {
        .fields = ls_fields,
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

static bool match_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(((const struct tare_volume *)row)->labels, value);
}

static bool match_driver(const void *row, const char *value, const void *context)
{
	(void)row, (void)context;
	return strcmp(value, "local") == 0;
}

static const struct filter_key ls_filters[] = {
        {"name", match_name, false, filter_check_regex},
        {"dangling", match_dangling, false, filter_check_bool},
        {"label", match_label, true, NULL},
        {"driver", match_driver, false, NULL},
        {NULL, NULL, false, NULL},
};

/* What costs time is only looked for when it is going to be seen. */
struct looked_at {
	bool size, users;
	struct tare_container_list containers;
};

static void set_users(json *row, const struct tare_volume *v, const struct tare_container_list *l)
{
	cleanup_buf struct buf names = BUF_INIT;

	strv_foreach (id, v->used_by) {
		const char *name = *id;
		for (size_t i = 0; i < l->n; i++)
			if (strcmp(l->rows[i].id, *id) == 0)
				name = l->rows[i].name;
		buf_printf(&names, "%s%s", names.len ? "," : "", name);
	}
	json_set_str(row, "UsedBy", buf_str(&names));
}

static void set_sizes(json *row, struct tare_engine *engine, const struct tare_volume *v, bool look)
{
	char text[SIZE_TEXT_SIZE];
	uint64_t bytes = 0;

	bool known = look && engine->volume_size(engine, v->name, &bytes, NULL) == 0;
	json_set_str(row, "Size", known ? size_format_decimal(bytes, text) : "N/A");
	json_set_str(row, "Quota", v->quota ? size_format_binary(v->quota, text) : "");
}

static json *ls_row(struct tare_engine *engine, const struct tare_volume *v, const struct looked_at *at)
{
	json *row = json_object_new_object();
	cleanup_buf struct buf labels = BUF_INIT;
	char moment[MOMENT_SIZE], links[24];

	snprintf(links, sizeof(links), "%zu", strv_len(v->used_by));
	labels_text(v->labels, &labels);
	json_set_str(row, "Driver", "local");
	json_set_str(row, "Name", v->name);
	json_set_str(row, "Kind", v->kind ? v->kind : "directory");
	set_sizes(row, engine, v, at->size);
	if (at->users)
		set_users(row, v, &at->containers);
	else
		json_set_str(row, "UsedBy", "N/A");
	json_set_str(row, "Scope", "local");
	json_set_str(row, "Mountpoint", v->path);
	json_set_str(row, "CreatedAt", moment_local(v->created, moment));
	json_set_str(row, "Links", links);
	json_set_str(row, "Labels", buf_str(&labels));
	return row;
}

static json *ls_hidden(const struct tare_volume *v)
{
	json *hidden = json_object_new_object();

	json_set(hidden, "Label", v->labels ? json_object_get(v->labels) : json_object_new_object());
	return hidden;
}

static int ls_rows(struct tare_engine *engine, const struct ls_options *o, struct rows *rows, struct err *e)
{
	__attribute__((cleanup(tare_volume_list_free))) struct tare_volume_list list = {0};
	const char *format = o->list.format ? o->list.format : "";
	struct looked_at at = {
	        .size = o->size || strstr(format, "Size"), .users = o->size || strstr(format, "UsedBy")};
	int rc = 0;

	if (filter_check(o->filters, ls_filters, NULL, e) < 0 || engine->volume_list(engine, &list, e) < 0 ||
	        (at.users && engine->list(engine, true, &at.containers, e) < 0))
		return -1;
	for (size_t i = 0; i < list.n && rc == 0; i++)
		if (filters_match(o->filters, ls_filters, &list.rows[i], NULL))
			rc = rows_add(rows, ls_row(engine, &list.rows[i], &at), ls_hidden(&list.rows[i]),
			        TONE_PLAIN, e);
	tare_container_list_free(&at.containers);
	return rc;
}

static int ls_run(struct cli *cli, void *options, char **operands)
{
	struct ls_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_rows struct rows rows = ROWS_INIT;

	(void)operands;
	if (o->size)
		o->list.columns = "Driver Name Kind Size UsedBy";
	if (!engine || ls_rows(engine, o, &rows, &e) < 0 ||
	        list_print(cli, &ls_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ rm */

struct rm_options {
	bool force;
};

#define OPTIONS struct rm_options
static const struct option rm_options[] = {
        OPT_FLAG("force", 'f', force, "Be content when there is no such volume"),
        OPTION_END,
};
#undef OPTIONS

/* What starts the backups is systemd's or cron's: it goes on, and fails each time. */
static void tell_schedule(json *doc, const char *name)
{
	json *schedule = doc ? json_get(doc, "Schedule") : NULL;
	cleanup_strv char **files = schedule ? json_strv(schedule, "Files") : NULL;

	if (files && files[0])
		log_line(LOG_LEVEL_WARN,
		        "the schedule of the backups of %s remains (%s); remove it with: tare volume backup "
		        "%s "
		        "--schedule none",
		        name, files[0], name);
}

static int rm_run(struct cli *cli, void *options, char **operands)
{
	const struct rm_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	int code = 0;

	if (!engine)
		return cli_fail(cli, &e);
	strv_foreach (name, operands) {
		cleanup_json json *doc = NULL; /* afterwards nobody knows it */
		e = (struct err)ERR_INIT;
		if (engine->volume_inspect(engine, *name, &doc, &e) < 0)
			doc = NULL;
		e = (struct err)ERR_INIT;
		if (engine->volume_remove(engine, *name, &e) == 0 || (o->force && e.kind == ERR_NOT_FOUND)) {
			printf("%s\n", *name);
			tell_schedule(doc, *name);
		} else {
			cli_fail(cli, &e);
			code = 1;
		}
	}
	return code;
}

/* ------------------------------------------------------------------ the rows */

const struct command volume_commands[] = {
        {
                .words = "volume create",
                .aliases = "volume-create",
                .group = GROUP_VOLUMES,
                .operands = "[NAME]",
                .max_operands = 1,
                .summary = "Make a volume",
                .details =
                        "Without a name it gets one of 64 digits. --opt size=10g limits it, where the file "
                        "system has project quotas. --opt type=tmpfs keeps it in memory as long as a "
                        "container that uses it runs. --opt type=none --opt o=bind --opt device=/PATH gives "
                        "a directory of this host the name of a volume.",
                .examples = "tare volume create data\n"
                            "tare volume create --label stage=test --opt size=10g db\n"
                            "tare volume create --opt type=tmpfs --opt o=size=64m,mode=700 scratch\n"
                            "tare volume create --opt type=none --opt o=bind,ro --opt device=/srv/www www",
                .complete = "none",
                .options = create_options,
                .size = sizeof(struct create_options),
                .run = create_run,
        },
        {
                .words = "volume ls",
                .aliases = "volume list, volume-list",
                .group = GROUP_VOLUMES,
                .summary = "List volumes",
                .details =
                        "A named volume is made when a container first uses it: tare run -v NAME:/data ...",
                .examples = "tare volume ls --size\ntare volume ls -q --filter dangling=true",
                .options = ls_options,
                .size = sizeof(struct ls_options),
                .run = ls_run,
        },
        {
                .words = "volume rm",
                .aliases = "volume remove, volume-rm",
                .group = GROUP_VOLUMES,
                .operands = "VOLUME [VOLUME...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Remove volumes and all that is in them",
                .details = "Not those that a container uses, running or not: tare volume inspect names it.",
                .examples = "tare volume rm data",
                .complete = "volumes",
                .options = rm_options,
                .size = sizeof(struct rm_options),
                .run = rm_run,
        },
        {0},
};
