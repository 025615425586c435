#include "cli/image_prune.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/filter.h"

struct context {
	int64_t now;
};

static bool match_until(const void *row, const char *value, const void *context)
{
	int64_t until = 0;

	time_parse(value, ((const struct context *)context)->now, &until, NULL);
	return ((const struct tare_image *)row)->created < until;
}

static int check_until(const char *value, const void *context, struct err *e)
{
	int64_t until;

	return time_parse(value, ((const struct context *)context)->now, &until, e);
}

static bool match_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(((const struct tare_image *)row)->labels, value);
}

static bool match_no_label(const void *row, const char *value, const void *context)
{
	return !match_label(row, value, context);
}

/* dangling=false is Docker's word for --all: it lets those with a name go, too. */
static bool match_dangling(const void *row, const char *value, const void *context)
{
	(void)context;
	return !filter_bool(value) || !((const struct tare_image *)row)->reference;
}

static const struct filter_key keys[] = {
        {"until", match_until, true, check_until},
        {"label", match_label, true, NULL},
        {"label!", match_no_label, true, NULL},
        {"dangling", match_dangling, true, filter_check_bool},
        {NULL, NULL, false, NULL},
};

static bool names_go_too(const struct image_prune *q)
{
	const char *dangling = filter_value(q->filters, "dangling");

	return q->all || (dangling && !filter_bool(dangling));
}

static int remove_one(struct tare_engine *engine, const struct tare_image *i, const struct image_prune *q,
        struct tare_prune_result *out, struct err *e)
{
	const char *name = i->reference ? i->reference : i->id;

	if (q->dry_run) {
		out->bytes += i->size;
		return strv_add(&out->removed, name) < 0 ? err_no_memory(e) : 0;
	}
	/* One that is gone or in use by now is not our business any more. */
	engine->image_remove(engine, name, false, &out->removed, NULL);
	return 0;
}

static uint64_t bytes_of_images(struct tare_engine *engine)
{
	struct tare_disk_usage usage = {0};

	return engine->disk_usage(engine, &usage, NULL) < 0 ? 0 : usage.images.size;
}

static int remove_fitting(struct tare_engine *engine, const struct image_prune *q,
        struct tare_image_list *list, struct tare_prune_result *out, struct err *e)
{
	const struct context context = {engine->now(engine)};
	bool all = names_go_too(q);

	if (filter_check(q->filters, keys, &context, e) < 0 || engine->image_list(engine, list, e) < 0)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		const struct tare_image *image = &list->rows[i];

		if (image->n_containers || (!all && image->reference) ||
		        !filters_match(q->filters, keys, image, &context))
			continue;
		if (remove_one(engine, image, q, out, e) < 0)
			return -1;
	}
	return 0;
}

int image_prune_filtered(
        struct tare_engine *engine, const struct image_prune *q, struct tare_prune_result *out, struct err *e)
{
	__attribute__((cleanup(tare_image_list_free))) struct tare_image_list list = {0};
	uint64_t before = q->dry_run ? 0 : bytes_of_images(engine);

	*out = (struct tare_prune_result){0};
	if (remove_fitting(engine, q, &list, out, e) < 0)
		return -1;
	uint64_t after = q->dry_run ? 0 : bytes_of_images(engine);
	if (before > after)
		out->bytes = before - after;
	return 0;
}
