/* Filters of lists. */
#include "tui/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/expression.h"

bool filter_contains(const char *text, const char *value)
{
	size_t n = strlen(value);

	if (!text)
		return false;
	for (; *text; text++) {
		size_t i = 0;

		while (i < n && tolower((unsigned char)text[i]) == tolower((unsigned char)value[i]))
			i++;
		if (i == n)
			return true;
	}
	return n == 0;
}

bool filter_label(json *labels, const char *value)
{
	const char *sign = strchr(value, '=');
	size_t len = sign ? (size_t)(sign - value) : strlen(value);
	char key[FILTER_TEXT_MAX];

	if (len >= sizeof key)
		return false;
	memcpy(key, value, len);
	key[len] = '\0';
	if (!json_get(labels, key))
		return false;
	return !sign || !strcmp(json_str(labels, key, ""), sign + 1);
}

static void compile(struct filter *f, struct filter_term *t)
{
	int flags = expression_has_capital(t->text) ? 0 : REG_ICASE;

	t->kind = FILTER_REGEX;
	t->broken = expression_compile(&t->regex, t->text, flags, f->error, sizeof f->error) < 0;
}

static int find_key(const char *text, size_t len, const char *const *keys)
{
	for (int i = 0; keys && keys[i]; i++)
		if (strlen(keys[i]) == len && !strncmp(keys[i], text, len))
			return i;
	return -1;
}

static void parse_term(struct filter *f, const char *word, size_t len, const char *const *keys)
{
	struct filter_term *t = &f->terms[f->n];
	const char *colon;
	int key;

	memset(t, 0, sizeof *t);
	if (len > 1 && *word == '!') {
		t->negated = true;
		word++, len--;
	}
	if (len == 1 && *word == '!')
		return; /* still being typed */
	colon = memchr(word, ':', len);
	key = colon ? find_key(word, (size_t)(colon - word), keys) : -1;
	if (key >= 0) {
		t->kind = FILTER_PROPERTY;
		t->property = key;
		len -= (size_t)(colon + 1 - word);
		word = colon + 1;
	} else if (*word == '~' || (len >= 3 && !strncmp(word, "re:", 3))) {
		t->kind = FILTER_REGEX;
		len -= *word == '~' ? 1 : 3;
		word += *word == '~' ? 1 : 3;
	}
	if (len == 0)
		return; /* "state:" or "~" alone: not finished yet */
	len = len < sizeof t->text - 1 ? len : sizeof t->text - 1;
	memcpy(t->text, word, len);
	t->text[len] = '\0';
	if (t->kind == FILTER_REGEX)
		compile(f, t);
	f->n++;
}

void filter_parse(struct filter *f, const char *text, const char *const *keys)
{
	filter_free(f);
	while (*text) {
		size_t len = strcspn(text, " \t");

		if (len && f->n == FILTER_TERMS_MAX) {
			snprintf(
			        f->error, sizeof f->error, "only the first %d terms count", FILTER_TERMS_MAX);
			return;
		}
		if (len)
			parse_term(f, text, len, keys);
		text += len;
		text += strspn(text, " \t");
	}
}

void filter_free(struct filter *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->terms[i].kind == FILTER_REGEX && !f->terms[i].broken)
			regfree(&f->terms[i].regex);
	f->n = 0;
	*f->error = '\0';
}

static bool text_matches(const struct filter_term *t, const char *text)
{
	if (t->kind == FILTER_REGEX)
		return regexec(&t->regex, text, 0, NULL, 0) == 0;
	return fuzzy_score(t->text, text, NULL) > 0;
}

static bool term_matches(const struct filter_term *t, const struct filter_row *row)
{
	if (t->broken)
		return true;
	if (t->kind == FILTER_PROPERTY)
		return row->has(row->row, t->property, t->text) != t->negated;
	for (size_t i = 0; i < sizeof row->texts / sizeof *row->texts && row->texts[i]; i++)
		if (text_matches(t, row->texts[i]))
			return !t->negated;
	return t->negated;
}

bool filter_match(const struct filter *f, const struct filter_row *row)
{
	for (size_t i = 0; i < f->n; i++)
		if (!term_matches(&f->terms[i], row))
			return false;
	return true;
}

size_t filter_spans(const struct filter *f, const char *name, struct filter_span *spans, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct filter_term *t = &f->terms[i];
		struct fuzzy_hits hits = {.n = 0};
		regmatch_t at;

		if (t->negated || t->broken || t->kind == FILTER_PROPERTY)
			continue;
		if (t->kind == FILTER_REGEX) {
			if (n < max && regexec(&t->regex, name, 1, &at, 0) == 0 && at.rm_eo > at.rm_so)
				spans[n++] = (struct filter_span){
				        (unsigned)at.rm_so, (unsigned)(at.rm_eo - at.rm_so)};
			continue;
		}
		if (fuzzy_score(t->text, name, &hits) <= 0)
			continue;
		for (size_t k = 0; k < hits.n && n < max; k++)
			spans[n++] = (struct filter_span){hits.at[k], 1};
	}
	return n;
}
