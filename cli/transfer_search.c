/* search. */
#include "cli/transfer_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/filter.h"
#include "cli/login_options.h"
#include "cli/transfer.h"
#include "registry/client/search.h"

#define LIMIT_USUAL 25

/* ------------------------------------------------------------------ filters */

static bool match_official(const void *row, const char *value, const void *context)
{
	const struct found_image *i = row;
	(void)context;
	return filter_bool(value) == i->official;
}

static bool match_stars(const void *row, const char *value, const void *context)
{
	const struct found_image *i = row;
	(void)context;
	return i->stars >= strtoll(value, NULL, 10);
}

static int check_stars(const char *value, const void *context, struct err *e)
{
	int64_t v;
	(void)context;
	return int_parse(value, 0, INT64_MAX, "stars", &v, e);
}

/* Docker Hub builds nothing by itself any more, so that all are false. */
static bool match_automated(const void *row, const char *value, const void *context)
{
	(void)row;
	(void)context;
	return !filter_bool(value);
}

static const struct filter_key search_filters[] = {
        {"is-official", match_official, false, filter_check_bool},
        {"is-automated", match_automated, false, filter_check_bool},
        {"stars", match_stars, true, check_stars},
        {NULL, NULL, false, NULL},
};

/* ------------------------------------------------------------------ images */

static const struct field search_fields[] = {
        {"Name", "NAME", 0, false},
        {"Description", "DESCRIPTION", 1, false},
        {"StarCount", "STARS", 0, false},
        {"Official", "OFFICIAL", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view search_view = {
        .fields = search_fields,
        .columns = "Name Description StarCount Official",
        .id = "Name",
};

/* A table's cells are texts. */
static int add_row(struct rows *rows, const struct found_image *i, struct err *e)
{
	char stars[24];
	json *row = json_object_new_object(), *hidden = json_object_new_object();
	snprintf(stars, sizeof(stars), "%lld", (long long)i->stars);
	json_set_str(row, "Name", i->name);
	json_set_str(row, "Description", i->description);
	json_set_str(row, "StarCount", stars);
	json_set_str(row, "Official", i->official ? "[OK]" : "");
	json_set_bool(hidden, "IsOfficial", i->official);
	return rows_add(rows, row, hidden, TONE_PLAIN, e);
}

static void add_object(json *list, const struct found_image *i)
{
	json *row = json_object_new_object();
	json_set_str(row, "Name", i->name);
	json_set_str(row, "Description", i->description);
	json_set_int(row, "StarCount", i->stars);
	json_set_bool(row, "IsOfficial", i->official);
	json_object_array_add(list, row);
}

static int search(struct cli *cli, const struct search_options *o, const struct search_request *q,
        const char *term, struct err *e)
{
	cleanup_found struct found f = FOUND_INIT;
	cleanup_rows struct rows rows = ROWS_INIT;
	size_t limit = o->limit ? (size_t)o->limit : LIMIT_USUAL;
	/* Filters are ours, so more has to come than is shown. */
	size_t want = o->filters ? SEARCH_MAX : limit;
	if (filter_check(o->filters, search_filters, NULL, e) < 0)
		return -1;
	if (search_images(q, term, want, &f, e) < 0)
		return -1;
	cleanup_json json *list = json_object_new_array();
	for (size_t i = 0; i < f.n && rows.n < limit; i++) {
		if (!filters_match(o->filters, search_filters, &f.list[i], NULL))
			continue;
		if (add_row(&rows, &f.list[i], e) < 0)
			return -1;
		add_object(list, &f.list[i]);
	}
	if (cli->json)
		return transfer_print_json(list);
	return list_print(cli, &search_view, &o->list, &rows, e);
}

/* ------------------------------------------------------------------ tags */

static const struct field tag_fields[] = {
        {"Name", "NAME", 0, false},
        {"Tag", "TAG", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view tag_view = {.fields = tag_fields, .columns = "Name Tag", .id = "Tag"};

static int print_tag_json(const char *name, char **tags)
{
	cleanup_json json *list = json_object_new_array();
	json *one = json_object_new_object();
	json_set_str(one, "Name", name);
	json_set_strv(one, "Tags", tags);
	json_object_array_add(list, one);
	return transfer_print_json(list);
}

static int list_tags(struct cli *cli, const struct search_options *o, const struct search_request *q,
        const char *name, struct err *e)
{
	cleanup_free char *full = NULL;
	cleanup_strv char **tags = NULL;
	cleanup_rows struct rows rows = ROWS_INIT;
	if (o->filters)
		return err_set(e, ERR_USAGE, "--filter does not go with --list-tags");
	if (search_tags(q, name, &full, &tags, e) < 0)
		return -1;
	for (size_t n = strv_len(tags); o->limit && n > (size_t)o->limit; n--) {
		free(tags[n - 1]);
		tags[n - 1] = NULL;
	}
	if (cli->json || (o->list.format && strcmp(o->list.format, "json") == 0))
		return print_tag_json(full, tags);
	strv_foreach (tag, tags) {
		json *row = json_object_new_object();
		json_set_str(row, "Name", full);
		json_set_str(row, "Tag", *tag);
		if (rows_add(&rows, row, NULL, TONE_PLAIN, e) < 0)
			return -1;
	}
	return list_print(cli, &tag_view, &o->list, &rows, e);
}

int transfer_search(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct search_options *o = options;
	const struct search_request q = {
	        .authfile = o->authfile, .cert_dir = o->cert_dir, .insecure = !o->tls_verify};
	return o->list_tags ? list_tags(cli, o, &q, operands[0], e) : search(cli, o, &q, operands[0], e);
}
