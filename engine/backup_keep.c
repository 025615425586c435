/* Each rule walks from the newest backup to the oldest and keeps the first that it meets in each hour, day,
 * week …, until it has kept as many as it was told. A rule that has not by then keeps the oldest as well, so
 * that what is kept reaches back as far as it can. What no rule keeps goes. */
#include "engine/backup_keep.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"

enum period { LAST, HOUR, DAY, WEEK, MONTH, YEAR, PERIODS };

struct rule {
	unsigned left; /* still to be kept */
	int64_t seen;  /* the period of the one before */
};

static void rules_begin(struct rule r[PERIODS], const struct tare_forget *q)
{
	const unsigned counts[PERIODS] = {q->last, q->hourly, q->daily, q->weekly, q->monthly, q->yearly};

	for (int p = 0; p < PERIODS; p++)
		r[p] = (struct rule){counts[p], INT64_MIN};
}

bool backup_keep_has_rules(const struct tare_forget *q)
{
	return q->last || q->hourly || q->daily || q->weekly || q->monthly || q->yearly;
}

/* A number for the period that the time is in. Those of LAST are all different. */
static int64_t period_of(enum period p, int64_t ns, size_t index)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm = {0};
	char week[16];

	if (p == LAST)
		return (int64_t)index;
	if (!localtime_r(&seconds, &tm))
		return 0;
	switch (p) {
	case HOUR:
		return (int64_t)tm.tm_year * 1000000 + tm.tm_mon * 10000 + tm.tm_mday * 100 + tm.tm_hour;
	case DAY:
		return (int64_t)tm.tm_year * 10000 + tm.tm_mon * 100 + tm.tm_mday;
	case WEEK: /* its year is another around New Year */
		strftime(week, sizeof(week), "%G%V", &tm);
		return strtoll(week, NULL, 10);
	case MONTH:
		return (int64_t)tm.tm_year * 100 + tm.tm_mon;
	default:
		return tm.tm_year;
	}
}

static bool rules_keep(struct rule r[PERIODS], int64_t ns, size_t index, bool oldest)
{
	bool keep = false;

	for (int p = 0; p < PERIODS; p++) {
		int64_t period = r[p].left ? period_of((enum period)p, ns, index) : 0;

		if (!r[p].left || (period == r[p].seen && !oldest))
			continue;
		r[p].seen = period;
		r[p].left--;
		keep = true;
	}
	return keep;
}

static bool same_group(const struct snapshot *a, const struct snapshot *b)
{
	return strcmp(a->volume, b->volume) == 0 &&
	       strcmp(a->host ? a->host : "", b->host ? b->host : "") == 0;
}

/* The group of row `newest`, which is the last of it. */
static void keep_group(
        const struct snapshot_list *l, size_t newest, const struct tare_forget *q, bool *keep, bool *decided)
{
	struct rule rules[PERIODS];
	size_t oldest = newest;

	for (size_t i = 0; i <= newest && oldest == newest; i++)
		if (same_group(&l->rows[i], &l->rows[newest]))
			oldest = i;
	rules_begin(rules, q);
	for (size_t i = newest + 1; i-- > oldest;) {
		if (!same_group(&l->rows[i], &l->rows[newest]))
			continue;
		keep[i] = rules_keep(rules, l->rows[i].time, i, i == oldest);
		decided[i] = true;
	}
}

int backup_keep(const struct snapshot_list *l, const struct tare_forget *q, bool *keep, struct err *e)
{
	cleanup_free bool *decided = calloc(l->n + 1, sizeof(*decided));

	if (!decided)
		return err_no_memory(e);
	for (size_t i = l->n; i-- > 0;)
		if (!decided[i])
			keep_group(l, i, q, keep, decided);
	return 0;
}
