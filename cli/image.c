/* Images: list, remove, tag. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/filter.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/reference.h"
#include "engine/tare.h"

#define SHORT_ID 12
#define NONE     "<none>"

/* ------------------------------------------------------------------ images */

struct images_options {
	struct list_format list;
	bool all, digests;
	char **filters;
};

#define OPTIONS struct images_options
static const struct option images_options[] = {
        OPT_FLAG("all", 'a', all, "Accepted for Docker's sake: all are shown anyway"),
        OPT_FLAG("digests", 0, digests, "Show the digests of the manifests"),
        OPT_LIST("filter", 'f', filters, "KEY=VALUE", "dangling=true reference= label= before= since=",
                "Show only some: dangling, reference, label, before, since"),
        OPT_STRING("format", 0, list.format, "FORMAT", "json table", FORMAT_HELP),
        OPT_FLAG("no-trunc", 0, list.no_trunc, "Show ids and columns in full"),
        OPT_FLAG("quiet", 'q', list.quiet, "Print only ids"),
        OPTION_END,
};
#undef OPTIONS

static const struct field images_fields[] = {
        {"Repository", "REPOSITORY", 1, false},
        {"Tag", "TAG", 1, false},
        {"Digest", "DIGEST", 2, false},
        {"ID", "IMAGE ID", 0, false},
        {"CreatedSince", "CREATED", 0, false},
        {"CreatedAt", "CREATED AT", 0, false},
        {"Size", "SIZE", 0, false},
        {"Containers", "CONTAINERS", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view images_view = {
        .fields = images_fields,
        .columns = "Repository Tag ID CreatedSince Size",
        .id = "ID",
};
#define COLUMNS_WITH_DIGEST "Repository Tag Digest ID CreatedSince Size"

static bool is_dangling(const struct tare_image *i)
{
	return !i->reference;
}

static bool match_dangling(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_bool(value) == is_dangling(row);
}

static bool match_reference(const void *row, const char *value, const void *context)
{
	const struct tare_image *i = row;

	(void)context;
	return reference_glob(i->repository, i->tag, value);
}

static bool match_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(((const struct tare_image *)row)->labels, value);
}

static const struct tare_image *find_image(const struct tare_image_list *list, const char *ref)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->rows[i].reference && reference_same(list->rows[i].reference, ref))
			return &list->rows[i];
	for (size_t i = 0; i < list->n; i++)
		if (reference_is_id(list->rows[i].id, ref))
			return &list->rows[i];
	return NULL;
}

static int check_image(const char *value, const void *context, struct err *e)
{
	if (find_image(context, value))
		return 0;
	return err_set(e, ERR_NOT_FOUND, "there is no image \"%s\"; see: tare images", value);
}

static bool match_before(const void *row, const char *value, const void *context)
{
	return ((const struct tare_image *)row)->created < find_image(context, value)->created;
}

static bool match_since(const void *row, const char *value, const void *context)
{
	return ((const struct tare_image *)row)->created > find_image(context, value)->created;
}

static const struct filter_key images_filters[] = {
        {"dangling", match_dangling, false, filter_check_bool},
        {"reference", match_reference, false, NULL},
        {"label", match_label, true, NULL},
        {"before", match_before, false, check_image},
        {"since", match_since, false, check_image},
        {NULL, NULL, false, NULL},
};

static const char *digest_hex(const char *digest)
{
	const char *colon = strchr(digest, ':');

	return colon ? colon + 1 : digest;
}

static json *images_row(const struct tare_image *i, const struct images_options *o, int64_t now)
{
	json *row = json_object_new_object();
	char moment[MOMENT_SIZE], words[AGO_TEXT_SIZE], size[SIZE_TEXT_SIZE], number[24];
	cleanup_free char *id =
	        o->list.no_trunc ? strdup(i->id) : str_printf("%.*s", SHORT_ID, digest_hex(i->id));
	cleanup_free char *ago = str_printf("%s ago", duration_words(now - i->created, words));

	snprintf(number, sizeof(number), "%u", i->n_containers);
	json_set_str(row, "Repository", i->repository ? i->repository : NONE);
	json_set_str(row, "Tag", i->tag ? i->tag : NONE);
	json_set_str(row, "Digest", i->digest ? i->digest : NONE);
	json_set_str(row, "ID", id);
	json_set_str(row, "CreatedSince", i->created ? ago : "N/A");
	json_set_str(row, "CreatedAt", i->created ? moment_local(i->created, moment) : "N/A");
	json_set_str(row, "Size", size_format_decimal(i->size, size));
	json_set_str(row, "Containers", number);
	return row;
}

static int images_rows(struct tare_engine *engine, const struct images_options *o, const char *pattern,
        struct rows *rows, struct err *e)
{
	__attribute__((cleanup(tare_image_list_free))) struct tare_image_list list = {0};

	if (engine->image_list(engine, &list, e) < 0 ||
	        filter_check(o->filters, images_filters, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct tare_image *image = &list.rows[i];

		if (!filters_match(o->filters, images_filters, image, &list))
			continue;
		if (pattern && !reference_glob(image->repository, image->tag, pattern))
			continue;
		if (rows_add(rows, images_row(image, o, engine->now(engine)), NULL, TONE_PLAIN, e) < 0)
			return -1;
	}
	return 0;
}

static int images_run(struct cli *cli, void *options, char **operands)
{
	struct images_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_rows struct rows rows = ROWS_INIT;

	if (o->digests)
		o->list.columns = COLUMNS_WITH_DIGEST;
	if (!engine || images_rows(engine, o, operands[0], &rows, &e) < 0 ||
	        list_print(cli, &images_view, &o->list, &rows, &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ rmi, tag */

struct image_options {
	bool force;
};

#define OPTIONS struct image_options
static const struct option rmi_options[] = {
        OPT_FLAG("force", 'f', force, "Remove it even when containers that do not run use it"),
        OPTION_END,
};
#undef OPTIONS

static int rmi_run(struct cli *cli, void *options, char **operands)
{
	struct image_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	int code = 0;

	if (!engine)
		return cli_fail(cli, &e);
	for (char **ref = operands; *ref; ref++) {
		cleanup_strv char **done = NULL;

		e = (struct err)ERR_INIT;
		if (engine->image_remove(engine, *ref, o->force, &done, &e) < 0 &&
		        !(o->force && e.kind == ERR_NOT_FOUND)) {
			cli_fail(cli, &e);
			code = 1;
		}
		strv_foreach (s, done)
			printf("%s\n", *s);
	}
	return code;
}

static int tag_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);

	(void)options;
	if (!engine || engine->image_tag(engine, operands[0], operands[1], &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

const struct command image_commands[] = {
        {
                .words = "images",
                .aliases = "image ls, image list",
                .group = GROUP_IMAGES,
                .operands = "[NAME[:TAG]]",
                .max_operands = 1,
                .summary = "List images",
                .examples = "tare images\ntare images 'alpine:3*'\ntare images -q --filter dangling=true",
                .complete = "images",
                .options = images_options,
                .size = sizeof(struct images_options),
                .run = images_run,
        },
        {
                .words = "rmi",
                .aliases = "image rm, image remove",
                .group = GROUP_IMAGES,
                .operands = "IMAGE [IMAGE...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Remove images",
                .details =
                        "An image with several names loses this one; the last name takes the image with it.",
                .complete = "images",
                .options = rmi_options,
                .size = sizeof(struct image_options),
                .run = rmi_run,
        },
        {
                .words = "tag",
                .aliases = "image tag",
                .group = GROUP_IMAGES,
                .operands = "IMAGE NAME[:TAG]",
                .min_operands = 2,
                .max_operands = 2,
                .summary = "Give an image a further name",
                .examples = "tare tag alpine:latest myalpine:v1",
                .complete = "images",
                .run = tag_run,
        },
        {0},
};
