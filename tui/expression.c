#include "tui/expression.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPIES_MAX 512 /* regcomp() of the worst takes some tens of milliseconds and megabytes */
#define DEPTH_MAX  64

/* What a pattern comes to when its repetitions are written out. */
struct expansion {
	unsigned long group[DEPTH_MAX]; /* of what stands in each open group so far */
	unsigned long last;             /* of what a repetition would repeat */
	unsigned long copies;           /* made by repetitions so far */
	int depth;
};

static void add(struct expansion *x, unsigned long weight)
{
	x->last = weight;
	x->group[x->depth] += weight;
}

/* `times` more of the last. */
static void repeat(struct expansion *x, unsigned long times)
{
	unsigned long more = times > COPIES_MAX ? COPIES_MAX + 1 : times * x->last;

	x->last += more;
	x->copies += more;
	x->group[x->depth] += more;
}

/* The larger number of the bound at p, "{2,5}"; *p: its last character. */
static unsigned long bound(const char **p)
{
	unsigned long most = 1;
	const char *s = *p + 1;

	while (isdigit((unsigned char)*s) || *s == ',') {
		unsigned long n = 0;
		char *end = (char *)s + 1;

		if (*s != ',')
			n = strtoul(s, &end, 10);
		most = n > most ? n : most;
		s = end;
	}
	if (*s == '}')
		*p = s;
	return most;
}

/* The last character of the bracket expression at p, or of the pattern. */
static const char *bracket_end(const char *p)
{
	const char *s = p + 1;

	s += *s == '^';
	s += *s == ']';
	while (*s && *s != ']') {
		/* [:alpha:] and the like */
		const char *close = *s == '[' && s[1] && strchr(":.=", s[1]) ? strchr(s + 2, ']') : NULL;
		s = close ? close + 1 : s + 1;
	}
	return *s ? s : s - 1;
}

/* One step through a pattern; false: too deep. */
static bool step(struct expansion *x, const char **p)
{
	switch (**p) {
	case '(':
		if (++x->depth == DEPTH_MAX)
			return false;
		x->group[x->depth] = 1;
		x->last = 0;
		return true;
	case ')':
		if (x->depth) {
			x->depth--;
			add(x, x->group[x->depth + 1]);
		}
		return true;
	case '{':
		repeat(x, bound(p) - 1);
		return true;
	case '+':
		repeat(x, 1);
		return true;
	case '*':
	case '?':
		x->last++;
		x->group[x->depth]++;
		return true;
	case '[':
		*p = bracket_end(*p);
		break;
	case '\\':
		*p += (*p)[1] != '\0';
		break;
	default:
		break;
	}
	add(x, 1);
	return true;
}

static bool is_too_large(const char *pattern)
{
	struct expansion x = {.depth = 0};

	for (const char *p = pattern; *p; p++)
		if (!step(&x, &p) || x.copies > COPIES_MAX)
			return true;
	return false;
}

static bool refers_back(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if (*p == '[')
			p = bracket_end(p);
		else if (*p == '\\' && *++p >= '1' && *p <= '9')
			return true;
		if (!*p)
			break;
	}
	return false;
}

int expression_compile(regex_t *r, const char *pattern, int flags, char *error, size_t size)
{
	int rc;

	if (is_too_large(pattern)) {
		snprintf(error, size, "too many repetitions in the expression");
		return -1;
	}
	if (refers_back(pattern)) {
		snprintf(error, size, "an expression cannot refer back to a group (\\1)");
		return -1;
	}
	rc = regcomp(r, pattern, REG_EXTENDED | flags);
	if (!rc)
		return 0;
	regerror(rc, r, error, size);
	return -1;
}

bool expression_has_capital(const char *pattern)
{
	for (; *pattern; pattern++) {
		/* \W and the like are no capitals */
		if (*pattern == '\\' && pattern[1])
			pattern++;
		else if (*pattern >= 'A' && *pattern <= 'Z')
			return true;
	}
	return false;
}
