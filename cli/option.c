#include "cli/option.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"

/* More rows than any command has; only the words for "did you mean" are cut beyond it. */
#define NAMES_MAX 160

const struct option *option_find(const struct option *table, const char *name)
{
	for (const struct option *o = table; o && !OPTION_IS_END(o); o++)
		if (o->name && strcmp(o->name, name) == 0)
			return option_target(table, o);
	return NULL;
}

const struct option *option_target(const struct option *table, const struct option *o)
{
	return o->alias_of ? option_find(table, o->alias_of) : o;
}

void option_free(const struct option *table, void *options)
{
	for (const struct option *o = table; o && !OPTION_IS_END(o); o++) {
		void *at = (char *)options + o->offset;

		if (!o->name || o->alias_of)
			continue;
		if (o->kind == OPTION_LIST)
			strv_free_ptr(at);
		if (o->kind == OPTION_COPY)
			free_ptr(at);
	}
}

/* A row of either table, and where its value goes. */
struct match {
	const struct option *row;
	void *options;
};

static const struct option *by_letter(const struct option *table, char letter)
{
	for (const struct option *o = table; o && !OPTION_IS_END(o); o++)
		if (o->letter == letter)
			return option_target(table, o);
	return NULL;
}

static struct match match_name(const struct option_reader *r, const char *name)
{
	const struct option *o = option_find(r->own, name);

	if (o)
		return (struct match){o, r->options};
	return (struct match){option_find(r->global, name), r->global_options};
}

static struct match match_letter(const struct option_reader *r, char letter)
{
	const struct option *o = by_letter(r->own, letter);

	if (o)
		return (struct match){o, r->options};
	return (struct match){by_letter(r->global, letter), r->global_options};
}

static size_t collect_names(const struct option *table, const char **names, size_t n)
{
	for (const struct option *o = table; o && !OPTION_IS_END(o) && n < NAMES_MAX; o++)
		if (o->name && !o->hidden)
			names[n++] = o->name;
	return n;
}

static int unknown_name(const struct option_reader *r, const char *name, struct err *e)
{
	const char *names[NAMES_MAX];
	size_t n = collect_names(r->own, names, 0);
	const char *nearest;
	const char *hint = r->hint ? r->hint(name) : NULL;

	if (hint)
		return err_set(e, ERR_USAGE, "unknown flag --%s: %s", name, hint);
	n = collect_names(r->global, names, n);
	nearest = text_nearest(name, names, n);
	if (nearest)
		return err_set(e, ERR_USAGE, "unknown flag --%s; did you mean --%s? see: %s --help", name,
		        nearest, r->command);
	return err_set(e, ERR_USAGE, "unknown flag --%s; see: %s --help", name, r->command);
}

static int unknown_letter(const struct option_reader *r, char letter, const char *word, struct err *e)
{
	char single[2] = {letter, 0};
	struct match m = match_name(r, word + 1);
	const char *hint = r->hint ? r->hint(single) : NULL;

	/* "-rm": one dash where two were meant. */
	if (m.row && word[2])
		return err_set(e, ERR_USAGE, "unknown flag -%s in %s; did you mean -%s? see: %s --help",
		        single, word, word, r->command);
	if (hint)
		return err_set(e, ERR_USAGE, "unknown flag -%s: %s", single, hint);
	return err_set(e, ERR_USAGE, "unknown flag -%s%s%s; see: %s --help", single, word[2] ? " in " : "",
	        word[2] ? word : "", r->command);
}

static int flag_value(const char *text, bool *v)
{
	static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True", NULL};
	static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False", NULL};

	*v = strv_has((char *const *)yes, text);
	return *v || strv_has((char *const *)no, text) ? 0 : -1;
}

static int int_value(const struct option *o, int64_t *v, const char *text, struct err *e)
{
	int64_t min = o->min, max = o->max;

	if (min == 0 && max == 0) {
		min = INT64_MIN;
		max = INT64_MAX;
	}
	return int_parse(text, min, max, "value", v, e);
}

/* `shown` is the option as it was typed. */
static int store(const struct match *m, const char *shown, const char *text, struct err *e)
{
	const struct option *o = m->row;
	void *at = (char *)m->options + o->offset;
	int rc = 0;

	switch (o->kind) {
	case OPTION_FLAG:
		if (flag_value(text, at) < 0)
			return err_set(e, ERR_USAGE, "%s takes true or false, not \"%s\"", shown, text);
		return 0;
	case OPTION_STRING:
		*(const char **)at = text;
		return 0;
	case OPTION_COPY:
		free_ptr(at);
		*(char **)at = strdup(text);
		return *(char **)at ? 0 : err_no_memory(e);
	case OPTION_LIST:
		if (strv_add(at, text) < 0)
			return err_no_memory(e);
		return 0;
	case OPTION_SIZE:
		rc = size_parse(text, at, e);
		break;
	case OPTION_INT:
		rc = int_value(o, at, text, e);
		break;
	case OPTION_DURATION:
		rc = duration_parse(text, at, e);
		break;
	case OPTION_CALL:
		rc = o->parse(m->options, text, e);
		break;
	}
	return rc < 0 ? err_wrap(e, "%s", shown) : 0;
}

static int missing_value(
        const struct option_reader *r, const struct option *o, const char *shown, struct err *e)
{
	return err_set(e, ERR_USAGE, "%s needs a value: %s %s; see: %s --help", shown, shown,
	        o->value ? o->value : "VALUE", r->command);
}

/* "--name", "--name=value" or "--name" "value"; the number of further words used, or -1. */
static int read_long(struct option_reader *r, char **word, struct err *e)
{
	cleanup_free char *name = strdup(word[0] + 2);
	cleanup_free char *shown = NULL;
	char *equal = name ? strchr(name, '=') : NULL;
	struct match m;

	if (equal)
		*equal = 0;
	shown = name ? str_printf("--%s", name) : NULL;
	if (!shown)
		return err_no_memory(e);
	m = match_name(r, name);
	if (!m.row && strcmp(name, "help") == 0) {
		r->help = true;
		return 0;
	}
	if (!m.row)
		return unknown_name(r, name, e);
	if (equal)
		return store(&m, shown, word[0] + 2 + (equal - name) + 1, e);
	if (m.row->kind == OPTION_FLAG)
		return store(&m, shown, "true", e);
	if (!word[1])
		return missing_value(r, m.row, shown, e);
	return store(&m, shown, word[1], e) < 0 ? -1 : 1;
}

/* "-a", "-abc", "-nvalue", "-n=value" or "-n" "value"; the number of further words used, or -1. */
static int read_short(struct option_reader *r, char **word, struct err *e)
{
	for (const char *c = word[0] + 1; *c; c++) {
		char shown[3] = {'-', *c, 0};
		struct match m = match_letter(r, *c);

		if (!m.row && *c == 'h' && !c[1]) {
			r->help = true;
			return 0;
		}
		if (!m.row)
			return unknown_letter(r, *c, word[0], e);
		if (m.row->kind == OPTION_FLAG && c[1] != '=') {
			if (store(&m, shown, "true", e) < 0)
				return -1;
			continue;
		}
		if (c[1])
			return store(&m, shown, c + (c[1] == '=' ? 2 : 1), e);
		if (!word[1])
			return missing_value(r, m.row, shown, e);
		return store(&m, shown, word[1], e) < 0 ? -1 : 1;
	}
	return 0;
}

static int add_operands(char ***operands, char **words)
{
	size_t n = strv_len(*operands), more = strv_len(words);
	char **grown = realloc(*operands, (n + more + 1) * sizeof(char *));

	if (!grown)
		return -1;
	for (size_t i = 0; i <= more; i++)
		grown[n + i] = words[i];
	*operands = grown;
	return 0;
}

int option_read(struct option_reader *r, char **argv, char ***operands, struct err *e)
{
	bool only_operands = false;
	int used;

	*operands = NULL;
	for (char **w = argv; *w && !only_operands; w++) {
		char *one[2] = {*w, NULL};

		if (strcmp(*w, "--") == 0) {
			only_operands = true;
			if (add_operands(operands, w + 1) < 0)
				return err_no_memory(e);
			break;
		}
		if ((*w)[0] != '-' || !(*w)[1]) {
			only_operands = r->stop_at_operand;
			if (add_operands(operands, only_operands ? w : one) < 0)
				return err_no_memory(e);
			continue;
		}
		used = (*w)[1] == '-' ? read_long(r, w, e) : read_short(r, w, e);
		if (used < 0)
			return -1;
		if (r->help)
			return 0;
		w += used;
	}
	return *operands || add_operands(operands, (char *[]){NULL}) == 0 ? 0 : err_no_memory(e);
}
