#include "tui/search_results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/request.h"

#define RESULTS_MOST 1000

/* What is shown: names as one pulls them. */
struct results {
	char **names, **details;
};

static void results_free(void *arg)
{
	struct results *r = arg;

	if (!r)
		return;
	strv_free(r->names);
	strv_free(r->details);
	free(r);
}

static void picked(struct app *a, int value, void *arg)
{
	const struct results *r = arg;

	image_pull(a, r->names[value], NULL);
}

static void opened(struct app *a, int value, void *arg)
{
	const struct results *r = arg;

	search_for_tags(a, r->names[value]);
}

/* Takes r. */
static void show(struct app *a, const char *title, struct results *r, bool has_tags)
{
	size_t n = strv_len(r->names);
	cleanup_free struct picker_item *items = calloc(n + 1, sizeof(*items));
	struct view *v;

	if (!items || n != strv_len(r->details)) {
		results_free(r);
		return;
	}
	for (size_t i = 0; i < n; i++)
		items[i] = (struct picker_item){r->names[i], r->details[i], (int)i};
	v = picker_new(a, &(struct picker_options){.title = title,
	                          .items = items,
	                          .n = n,
	                          .footer = has_tags ? "Enter pull  Right tags" : "Enter pull",
	                          .picked = picked,
	                          .opened = has_tags ? opened : NULL,
	                          .arg = r,
	                          .free_arg = results_free});
	if (v)
		app_push(a, v);
}

/* What was searched for: the last word of the command. */
static const char *term_of(const struct job *j)
{
	const char *blank = strrchr(j->title, ' ');

	return blank ? blank + 1 : j->title;
}

/* ------------------------------------------------------------------ repositories */

/* "official  12,345 stars  Description". */
static char *describe(json *row)
{
	int64_t stars = json_int(row, "StarCount", 0);
	const char *text = json_str(row, "Description", "");
	cleanup_buf struct buf b = BUF_INIT;

	if (json_bool(row, "IsOfficial", false))
		buf_str_add(&b, "official  ");
	if (stars > 0)
		buf_printf(&b, "%lld star%s  ", (long long)stars, stars == 1 ? "" : "s");
	buf_str_add(&b, text);
	return strdup(buf_str(&b));
}

static void found(struct app *a, const struct job *j, int value)
{
	cleanup_json json *doc = j->output ? json_parse(j->output, strlen(j->output), "search", NULL) : NULL;
	size_t n = json_object_is_type(doc, json_type_array) ? json_object_array_length(doc) : 0;
	struct results *r = calloc(1, sizeof(*r));
	char title[128];

	(void)value;
	for (size_t i = 0; r && i < n && i < RESULTS_MOST; i++) {
		json *row = json_object_array_get_idx(doc, i);

		if (!*json_str(row, "Name", ""))
			continue;
		strv_add(&r->names, json_str(row, "Name", ""));
		strv_take(&r->details, describe(row));
	}
	snprintf(title, sizeof(title), "Found for %.80s", term_of(j));
	if (r && r->names)
		show(a, title, steal_ptr(&r), true);
	else
		app_toast(a, TOAST_INFO, "nothing found for %.80s", term_of(j));
	results_free(r);
}

void search_for_images(struct app *a, const char *term)
{
	struct request *r = request_new("--json search");

	request_word(r, term);
	request_title(r, "search %s", term);
	if (r)
		r->done = found;
	request_start(a, r);
}

/* ------------------------------------------------------------------ tags */

static void add_tags(struct results *r, const char *name, char *const *tags)
{
	strv_foreach (t, tags) {
		if (strv_len(r->names) >= RESULTS_MOST)
			return;
		strv_take(&r->names, str_printf("%s:%s", name, *t));
		strv_add(&r->details, "");
	}
}

static void tags_found(struct app *a, const struct job *j, int value)
{
	cleanup_json json *doc = j->output ? json_parse(j->output, strlen(j->output), "search", NULL) : NULL;
	json *row = json_object_is_type(doc, json_type_array) ? json_object_array_get_idx(doc, 0) : doc;
	const char *name = term_of(j);
	cleanup_strv char **tags = json_strv(row, "Tags");
	struct results *r = calloc(1, sizeof(*r));
	char title[128];

	(void)value;
	if (r)
		add_tags(r, name, tags);
	snprintf(title, sizeof(title), "Tags of %.80s", name);
	if (r && r->names)
		show(a, title, steal_ptr(&r), false);
	else
		app_toast(a, TOAST_INFO, "%.80s has no tags that one can list", name);
	results_free(r);
}

void search_for_tags(struct app *a, const char *repository)
{
	struct request *r = request_new("--json search --list-tags");

	request_word(r, repository);
	request_title(r, "look for tags of %s", repository);
	if (r)
		r->done = tags_found;
	request_start(a, r);
}
