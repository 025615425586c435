#include "tui/log_pattern.h"

#include <regex.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tui/expression.h"

/* Bytes that are compared at once; every processor's vectors have as many. */
#define LANES 16
typedef unsigned char lanes __attribute__((vector_size(LANES)));

struct log_pattern {
	char *text;
	size_t len;
	bool literal, fold; /* fold: capitals count as small letters */
	size_t rare;        /* which of the literal's letters is looked for together with the first */
	regex_t regex;
};

static unsigned char folded(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* A letter that is seldom in logs makes few false alarms. */
static size_t rarest(const char *s, size_t len)
{
	static const char common[] = " etaoinsrlhdcumfpgwybv0123456789.,:=-_/\"";
	size_t best = len - 1, rank = 0;

	for (size_t i = len; i-- > 1;) {
		const char *at = strchr(common, folded((unsigned char)s[i]));
		size_t r = at ? (size_t)(at - common) : sizeof(common);
		if (r > rank) {
			rank = r;
			best = i;
		}
	}
	return best;
}

static int compile(struct log_pattern *p, struct err *e)
{
	int flags = REG_NEWLINE | (p->fold ? REG_ICASE : 0);
	char why[128];

	if (expression_compile(&p->regex, p->text, flags, why, sizeof(why)) == 0)
		return 0;
	return err_set(e, ERR_USAGE,
	        "not a regular expression: %s; put \\ before a character that shall stand for itself", why);
}

struct log_pattern *log_pattern_new(const char *text, struct err *e)
{
	size_t len = strlen(text);
	struct log_pattern *p;

	if (!len || len > LOG_PATTERN_MAX)
		return err_set_null(e, ERR_USAGE, "a pattern has 1 to %d bytes", LOG_PATTERN_MAX);
	p = calloc(1, sizeof(*p));
	if (!p || !(p->text = malloc(len + 1))) {
		free(p);
		err_no_memory(e);
		return NULL;
	}
	memcpy(p->text, text, len + 1);
	p->len = len;
	p->fold = !expression_has_capital(text);
	p->literal = !strpbrk(text, "\\.[]()*+?{}|^$\n");
	p->rare = rarest(text, len);
	if (!p->literal && compile(p, e) < 0) {
		free(p->text);
		free(p);
		return NULL;
	}
	return p;
}

struct log_pattern *log_pattern_copy(const struct log_pattern *p, struct err *e)
{
	return log_pattern_new(p->text, e);
}

void log_pattern_free(struct log_pattern *p)
{
	if (!p)
		return;
	if (!p->literal)
		regfree(&p->regex);
	free(p->text);
	free(p);
}

const char *log_pattern_text(const struct log_pattern *p)
{
	return p->text;
}

bool log_pattern_is_literal(const struct log_pattern *p)
{
	return p->literal;
}

/* ------------------------------------------------------------------ literals */

static bool is_here(const struct log_pattern *p, const char *s)
{
	if (!p->fold)
		return memcmp(s, p->text, p->len) == 0;
	for (size_t i = 0; i < p->len; i++)
		if (folded((unsigned char)s[i]) != (unsigned char)p->text[i])
			return false;
	return true;
}

static lanes repeat(unsigned char c)
{
	lanes v = {0};

	return v + c;
}

/* Setting bit 5 makes capitals small (and a few signs others: is_here() looks closely). */
static unsigned char fold_bit(const struct log_pattern *p, char c)
{
	return p->fold && c >= 'a' && c <= 'z' ? 0x20 : 0;
}

static bool any(lanes v)
{
	uint64_t w[LANES / 8];

	memcpy(w, &v, sizeof(w));
	return (w[0] | w[1]) != 0;
}

/* Two letters of the literal at their distance, 16 places at a time; the first place that is one, or `end`.
 */
static size_t find_by_two(const struct log_pattern *p, const char *s, size_t *i, size_t end)
{
	const lanes one = repeat((unsigned char)p->text[0]), bit_one = repeat(fold_bit(p, p->text[0]));
	const lanes two = repeat((unsigned char)p->text[p->rare]),
	            bit_two = repeat(fold_bit(p, p->text[p->rare]));
	lanes a, b, hit;

	for (; *i + LANES <= end; *i += LANES) {
		memcpy(&a, s + *i, LANES);
		memcpy(&b, s + *i + p->rare, LANES);
		hit = (lanes)(((a | bit_one) == one) & ((b | bit_two) == two));
		if (!any(hit))
			continue;
		for (size_t k = 0; k < LANES; k++)
			if (hit[k] && is_here(p, s + *i + k))
				return *i + k;
	}
	return end;
}

size_t log_pattern_find(const struct log_pattern *p, const char *s, size_t len)
{
	size_t i = 0;

	if (len < p->len)
		return len;
	size_t end = len - p->len + 1;
	size_t at = find_by_two(p, s, &i, end);
	if (at < end)
		return at;
	for (; i < end; i++)
		if (is_here(p, s + i))
			return i;
	return len;
}

/* ------------------------------------------------------------------ lines */

static bool match_regex(
        const struct log_pattern *p, const char *line, size_t len, size_t start, size_t *from, size_t *to)
{
	regmatch_t m = {.rm_so = (regoff_t)start, .rm_eo = (regoff_t)len};
	int flags = start ? REG_NOTBOL : 0;

#ifdef REG_STARTEND
	if (regexec(&p->regex, line, 1, &m, flags | REG_STARTEND))
		return false;
	size_t base = 0;
#else
	char copy[4096]; /* where there is no such flag, long lines are looked at as far as this */
	size_t n = len - start < sizeof(copy) - 1 ? len - start : sizeof(copy) - 1;
	memcpy(copy, line + start, n);
	copy[n] = '\0';
	if (regexec(&p->regex, copy, 1, &m, flags))
		return false;
	size_t base = start;
#endif
	if (from)
		*from = base + (size_t)m.rm_so;
	if (to)
		*to = base + (size_t)m.rm_eo;
	return true;
}

bool log_pattern_match(
        const struct log_pattern *p, const char *line, size_t len, size_t start, size_t *from, size_t *to)
{
	if (start > len)
		return false;
	if (!p->literal)
		return match_regex(p, line, len, start, from, to);
	size_t at = log_pattern_find(p, line + start, len - start);
	if (at == len - start)
		return false;
	if (from)
		*from = start + at;
	if (to)
		*to = start + at + p->len;
	return true;
}
