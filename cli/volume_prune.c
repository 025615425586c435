#include "cli/volume_prune.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/filter.h"

static bool match_label(const void *row, const char *value, const void *context)
{
	(void)context;
	return filter_has_label(((const struct tare_volume *)row)->labels, value);
}

static bool match_no_label(const void *row, const char *value, const void *context)
{
	return !match_label(row, value, context);
}

/* Docker's word for --all: it chooses among what goes, it does not match. */
static bool match_all(const void *row, const char *value, const void *context)
{
	(void)row, (void)value, (void)context;
	return true;
}

static const struct filter_key keys[] = {
        {"label", match_label, true, NULL},
        {"label!", match_no_label, true, NULL},
        {"all", match_all, true, filter_check_bool},
        {NULL, NULL, false, NULL},
};

static bool names_go_too(const struct volume_prune *q)
{
	const char *all = filter_value(q->filters, "all");

	return q->all || (all && filter_bool(all));
}

/* One that is gone or in use by now is not our business any more. */
static int remove_one(struct tare_engine *engine, const struct tare_volume *v, bool dry_run,
        struct tare_prune_result *out, struct err *e)
{
	uint64_t bytes = 0;

	if (strcmp(v->kind ? v->kind : "directory", "directory") == 0)
		engine->volume_size(engine, v->name, &bytes, NULL);
	if (!dry_run && engine->volume_remove(engine, v->name, NULL) < 0)
		return 0;
	out->bytes += bytes;
	return strv_add(&out->removed, v->name) < 0 ? err_no_memory(e) : 0;
}

int volume_prune_filtered(struct tare_engine *engine, const struct volume_prune *q,
        struct tare_prune_result *out, struct err *e)
{
	__attribute__((cleanup(tare_volume_list_free))) struct tare_volume_list list = {0};
	bool all = names_go_too(q);

	*out = (struct tare_prune_result){0};
	if (filter_check(q->filters, keys, NULL, e) < 0 || engine->volume_list(engine, &list, e) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct tare_volume *v = &list.rows[i];

		if ((v->used_by && v->used_by[0]) || (!all && !v->anonymous) ||
		        !filters_match(q->filters, keys, v, NULL))
			continue;
		if (remove_one(engine, v, q->dry_run, out, e) < 0)
			return -1;
	}
	return 0;
}
