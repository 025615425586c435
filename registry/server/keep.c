#include "registry/server/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"

#define LAST_MAX 1000000

void keep_rules_free(struct keep_rules *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->list[i].repositories);
		free(k->list[i].tags);
	}
	free(k->list);
	*k = (struct keep_rules)KEEP_RULES_INIT;
}

static int parse_condition(struct keep_rule *r, const char *text, struct err *e)
{
	int64_t last;

	if (strncmp(text, "within=", 7) == 0)
		return duration_parse(text + 7, &r->within, e);
	if (strncmp(text, "last=", 5) != 0)
		return err_set(e, ERR_USAGE,
		        "unknown condition \"%.60s\"; expected last=N or within=DURATION", text);
	if (int_parse(text + 5, 1, LAST_MAX, "last", &last, e) < 0)
		return -1;
	r->last = (unsigned)last;
	return 0;
}

static int parse_rule(const char *text, struct keep_rule *r, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy;

	if (!copy)
		return err_no_memory(e);
	char *names = text_next_part(&rest, ",");
	char *repositories = text_next_part(&names, ":");
	if (!*repositories || (names && !*names))
		return err_set(e, ERR_USAGE, "an empty pattern");
	r->repositories = strdup(repositories);
	r->tags = strdup(names ? names : "*");
	if (!r->repositories || !r->tags)
		return err_no_memory(e);
	while (rest)
		if (parse_condition(r, text_next_part(&rest, ","), e) < 0)
			return -1;
	return 0;
}

int keep_rules_parse(char *const *texts, struct keep_rules *k, struct err *e)
{
	*k = (struct keep_rules)KEEP_RULES_INIT;
	if (!strv_len(texts))
		return 0;
	k->list = calloc(strv_len(texts), sizeof(*k->list));
	if (!k->list)
		return err_no_memory(e);
	strv_foreach (text, texts) {
		if (parse_rule(*text, &k->list[k->n++], e) == 0)
			continue;
		err_wrap(e, "--keep \"%.100s\" (a right one: ci/*:*,last=10)", *text);
		keep_rules_free(k);
		return -1;
	}
	return 0;
}

static int latest_first(const void *a, const void *b)
{
	const struct keep_tag *x = a, *y = b;

	if (x->pushed != y->pushed)
		return x->pushed < y->pushed ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void apply(const struct keep_rule *r, struct keep_tag *tags, size_t n, int64_t now)
{
	unsigned fitting = 0;

	for (size_t i = 0; i < n; i++) {
		if (!text_glob(r->tags, tags[i].name))
			continue;
		fitting++;
		if ((!r->last && !r->within) || fitting <= r->last ||
		        (r->within && tags[i].pushed > now - r->within))
			tags[i].kept = true;
	}
}

void keep_decide(
        const struct keep_rules *k, const char *repository, struct keep_tag *tags, size_t n, int64_t now)
{
	bool spoken_of = false;

	qsort(tags, n, sizeof(*tags), latest_first);
	for (size_t i = 0; i < n; i++)
		tags[i].kept = false;
	for (size_t i = 0; i < k->n; i++) {
		if (!text_glob(k->list[i].repositories, repository))
			continue;
		spoken_of = true;
		apply(&k->list[i], tags, n, now);
	}
	for (size_t i = 0; i < n && !spoken_of; i++)
		tags[i].kept = true;
}
