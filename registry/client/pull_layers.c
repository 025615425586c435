#include "registry/client/pull_layers.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/proc.h"
#include "registry/client/pull_layer.h"

/* How many are under way at a time: what the streams bring, and as many that are unpacked meanwhile. */
#define UNDER_WAY (2 * HTTP_STREAMS)
#define TICK_MS   100

struct pull_layers {
	struct pull_layers_options o;
	struct pull_crew *crew;
	struct pull_history history;
	struct pull_layer *list;
	size_t n;
};

static void wake(void *http)
{
	http_wake(http);
}

/* Each layer keeps the lock of its draft open until all are named. */
static void allow_descriptors(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= 4096)
		return;
	r.rlim_cur = r.rlim_max < 4096 ? r.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* The same blob twice in one manifest comes once; the same content twice, compressed in two ways, is unpacked
 * once. One blob cannot have two contents. */
static int find_repeated(struct pull_layers *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		struct pull_layer *l = &p->list[i];
		for (size_t k = 0; k < i; k++) {
			const struct pull_layer *other = &p->list[k];
			bool same = digest_equal(l->diff_id, other->diff_id);
			if (same)
				l->unpack = false;
			if (!digest_equal(&l->blob->digest, &other->blob->digest))
				continue;
			if (!same || l->blob->size != other->blob->size)
				return err_set(e, ERR_CORRUPT,
				        "the image is damaged: layers %zu and %zu are one blob, said to be "
				        "two "
				        "different ones",
				        k + 1, i + 1);
			l->repeated = true;
		}
	}
	return 0;
}

/* What is protected first and found present then stays present (store/pull.h). */
static int protect(struct pull_layers *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		struct pull_layer *l = &p->list[i];
		if (pull_protect(p->o.store, p->o.pull, &l->blob->digest, e) < 0 ||
		        pull_protect(p->o.store, p->o.pull, l->diff_id, e) < 0)
			return -1;
		l->unpack = !layer_exists(p->o.store, l->diff_id);
	}
	return 0;
}

struct pull_layers *pull_layers_new(const struct pull_layers_options *o, struct err *e)
{
	if (o->manifest->n_layers != o->config->n_diff_ids)
		return err_set_null(e, ERR_CORRUPT,
		        "the image is damaged: it has %zu layers in its manifest and %zu in its config",
		        o->manifest->n_layers, o->config->n_diff_ids);
	cleanup_pull_layers struct pull_layers *p = calloc(1, sizeof(*p));
	size_t n = o->manifest->n_layers;
	if (!p || !(p->list = calloc(n ? n : 1, sizeof(*p->list))))
		return err_set_null(e, ERR_OTHER, "out of memory");
	p->o = *o;
	pull_history_init(&p->history);
	p->crew = pull_crew_new(pull_crew_size(), wake, o->http, e);
	if (!p->crew)
		return NULL;
	for (; p->n < n; p->n++)
		pull_layer_init(&p->list[p->n], &p->o, p->crew, &p->history, p->n);
	if (protect(p, e) < 0 || find_repeated(p, e) < 0)
		return NULL;
	allow_descriptors();
	return steal_ptr(&p);
}

/* How many are not done yet, or -1 with e. */
static int advance(struct pull_layers *p, struct err *e)
{
	int left = 0, under_way = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct pull_layer *l = &p->list[i];
		if (under_way < UNDER_WAY && pull_layer_advance(l, e) < 0)
			return err_wrap(e, "layer %zu of %zu (%s)", i + 1, p->n, l->label);
		bool busy = l->phase != PULL_DONE;
		under_way += busy && l->phase != PULL_NEW;
		left += busy;
	}
	return left;
}

static void report(struct pull_layers *p)
{
	for (size_t i = 0; i < p->n; i++)
		pull_layer_report(&p->list[i]);
}

int pull_layers_run(struct pull_layers *p, struct err *e)
{
	int left;
	int64_t told = 0;
	while ((left = advance(p, e)) > 0) {
		int64_t now = now_boottime();
		if (now - told >= TICK_MS * INT64_C(1000000)) {
			report(p);
			told = now;
		}
		int streams = http_step(p->o.http, TICK_MS, e);
		if (streams < 0)
			return -1;
		if (streams == 0)
			pull_crew_wait(p->crew, TICK_MS);
	}
	return left;
}

int pull_layers_commit(struct pull_layers *p, struct err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		struct pull_layer *l = &p->list[i];
		if (l->draft.fd >= 0 &&
		        layer_draft_commit(p->o.store, &l->draft, l->diff_id, l->bytes, e) < 0)
			return -1;
	}
	return 0;
}

void pull_layers_forget(const struct pull_layers *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].changed)
			partial_forget(p->o.store, &p->list[i].blob->digest);
}

void pull_layers_free(struct pull_layers *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		pull_layer_free(&p->list[i]);
	pull_crew_free(p->crew);
	pull_history_free(&p->history);
	free(p->list);
	free(p);
}

void pull_layers_free_ptr(struct pull_layers **p)
{
	pull_layers_free(*p);
}
