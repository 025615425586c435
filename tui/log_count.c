#include "tui/log_count.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "tui/log_pattern.h"
#include "tui/log_task.h"
#include "tui/log_view.h"

#define CHUNK   ((uint64_t)32 << 20)
#define AT_ONCE 2
#define AT_HAND ((uint64_t)64 << 10) /* so little is counted on the spot */

struct count_task {
	struct log_task task;
	struct log_count *count;
	unsigned source;
	uint64_t from, to, n;
};
struct log_count {
	struct log_view *lv;
	struct log_pattern *pattern; /* NULL: all lines */
	struct log_filters filters;  /* with the pattern, for what is counted on the spot */
	uint64_t n;
	struct {
		uint64_t low, high; /* [low, high) is counted, or being counted */
	} done[LOG_SOURCES_MAX];
	struct count_task *running[AT_ONCE];
};

static void more(struct log_count *c);

static void run(struct log_task *t)
{
	struct count_task *ct = (struct count_task *)t;
	struct log_budget b = {.cancel = &t->work.cancel};

	ct->n = log_scan_count(&t->set.sources[ct->source]->scan, &t->set.filters, ct->from, ct->to, &b);
}

static void finish(struct log_task *t)
{
	struct count_task *ct = (struct count_task *)t;
	struct log_count *c = ct->count;

	c->n += ct->n;
	for (int i = 0; i < AT_ONCE; i++)
		if (c->running[i] == ct)
			c->running[i] = NULL;
	more(c);
	app_redraw(t->lv->view.app);
}

/* ------------------------------------------------------------------ which part is next */

/* What a log has grown by: a little is counted here and now. True: a worker has to. */
static bool new_part(struct log_count *c, unsigned i, uint64_t *from, uint64_t *to)
{
	struct log_source *s = c->lv->set.sources[i];
	uint64_t *high = &c->done[i].high, end = s->store.end - *high > CHUNK ? *high + CHUNK : s->store.end;
	struct log_budget forever = {0};

	/* a record in the making is counted when it is whole */
	if (end <= *high || (end = log_record_start(&s->scan.lines, end)) <= *high)
		return false;
	*from = *high;
	*to = *high = end;
	if (*to - *from > AT_HAND)
		return true;
	c->n += log_scan_count(&s->scan, &c->filters, *from, *to, &forever);
	return false;
}

static bool next_part(struct log_count *c, unsigned *source, uint64_t *from, uint64_t *to)
{
	for (unsigned i = 0; i < c->lv->set.n; i++) {
		struct log_source *s = c->lv->set.sources[i];
		uint64_t *low = &c->done[i].low;

		*source = i;
		if (new_part(c, i, from, to))
			return true;
		if (*low > s->store.begin) {
			*to = *low;
			*from = *low - s->store.begin > CHUNK ? log_record_start(&s->scan.lines, *low - CHUNK)
			                                      : s->store.begin;
			*low = *from;
			return true;
		}
	}
	return false;
}

static bool start(struct log_count *c, int slot)
{
	struct count_task *ct;
	unsigned source;
	uint64_t from, to;

	if (!next_part(c, &source, &from, &to) || !(ct = calloc(1, sizeof(*ct))))
		return false;
	ct->task.run = run;
	ct->task.finish = finish;
	ct->count = c;
	ct->source = source;
	ct->from = from;
	ct->to = to;
	if (log_task_start(&ct->task, c->lv, c->pattern, NULL) < 0)
		return false;
	c->running[slot] = ct;
	return true;
}

static void more(struct log_count *c)
{
	for (int i = 0; i < AT_ONCE; i++)
		if (!c->running[i] && !start(c, i))
			return;
}

/* ------------------------------------------------------------------ from outside */

struct log_count *log_count_new(struct log_view *lv, const struct log_pattern *pattern)
{
	struct log_count *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->lv = lv;
	if ((pattern && !(c->pattern = log_pattern_copy(pattern, NULL))) ||
	        log_filters_copy(&c->filters, &lv->set.filters, pattern, NULL) < 0) {
		log_count_free(c);
		return NULL;
	}
	c->filters.context = 0;
	for (size_t i = 0; i < lv->set.n; i++) {
		struct log_source *s = lv->set.sources[i];
		c->done[i].low = c->done[i].high = log_record_start(&s->scan.lines, s->store.end);
	}
	more(c);
	return c;
}

void log_count_free(struct log_count *c)
{
	if (!c)
		return;
	for (int i = 0; i < AT_ONCE; i++)
		log_task_give_up(c->running[i] ? &c->running[i]->task : NULL);
	log_filters_free(&c->filters);
	log_pattern_free(c->pattern);
	free(c);
}

void log_count_grew(struct log_count *c)
{
	more(c);
}

uint64_t log_count_value(const struct log_count *c, bool *busy)
{
	*busy = c->running[0] || c->running[1];
	return c->n;
}

void log_count_text(uint64_t n, char *dst, unsigned long size)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	size_t k = 0;

	for (int i = 0; i < len && k + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			dst[k++] = ',';
		dst[k++] = digits[i];
	}
	dst[k] = '\0';
}
