#include "registry/client/challenge.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 32

/* Where reading stands, and the challenge that is being read. */
struct reader {
	const char *p;
	struct challenge now;
	bool broken; /* something in it is too long */
};

static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_space(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t')
		r->p++;
}

static void skip_commas(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\t' || *r->p == ',')
		r->p++;
}

/* In a value that should have been quoted: a URL has more than a token's characters. */
static bool is_bare_char(char c)
{
	return c > ' ' && c <= '~' && c != ',' && c != '"';
}

/* What consists of such characters, cut to fit; false when there is none. */
static bool read_word(struct reader *r, bool (*is_part)(char c), char *dst, size_t size, bool *cut)
{
	const char *start = r->p;
	size_t kept = 0;

	*cut = false;
	for (; is_part(*r->p); r->p++) {
		if (kept + 1 < size)
			dst[kept++] = *r->p;
		else
			*cut = true;
	}
	dst[kept] = '\0';
	return r->p > start;
}

static bool read_quoted(struct reader *r, char *dst, size_t size, bool *cut)
{
	size_t kept = 0;

	*cut = false;
	for (r->p++; *r->p && *r->p != '"'; r->p++) {
		if (*r->p == '\\' && r->p[1])
			r->p++;
		if (kept + 1 < size)
			dst[kept++] = *r->p;
		else
			*cut = true;
	}
	dst[kept] = '\0';
	if (*r->p != '"')
		return false;
	r->p++;
	return true;
}

static char *field(struct challenge *c, const char *name, size_t *size)
{
	*size = CHALLENGE_TEXT_MAX + 1;
	if (!strcasecmp(name, "realm"))
		return c->realm;
	if (!strcasecmp(name, "service"))
		return c->service;
	if (!strcasecmp(name, "scope"))
		return c->scope;
	*size = sizeof(c->error);
	return !strcasecmp(name, "error") ? c->error : NULL;
}

/* What stands behind "name =". */
static bool read_value(struct reader *r, const char *name)
{
	char unused[8];
	size_t size;
	char *dst = field(&r->now, name, &size);
	bool cut, good;

	/* the first of two counts: what comes later can't replace what was checked */
	if (!dst || *dst) {
		dst = unused;
		size = sizeof(unused);
	}
	skip_space(r);
	good = *r->p == '"' ? read_quoted(r, dst, size, &cut) : read_word(r, is_bare_char, dst, size, &cut);
	if (good && cut && dst != unused)
		r->broken = true;
	return good;
}

/* Keep what was read, when it is better than what there is. */
static void keep(struct reader *r, struct challenge *best)
{
	bool usable = !r->broken && r->now.kind > best->kind;

	if (r->now.kind == CHALLENGE_BEARER && !*r->now.realm)
		usable = false;
	if (usable)
		*best = r->now;
	memset(&r->now, 0, sizeof(r->now));
	r->broken = false;
}

static enum challenge_kind kind_of(const char *scheme)
{
	if (!strcasecmp(scheme, "bearer"))
		return CHALLENGE_BEARER;
	return !strcasecmp(scheme, "basic") ? CHALLENGE_BASIC : CHALLENGE_NONE;
}

/* "Negotiate YIIJvw==": skip what stands behind a scheme that is no parameter. */
static void skip_token68(struct reader *r)
{
	while (*r->p && *r->p != ',')
		r->p++;
}

/* A word: the next parameter of this challenge, or the scheme of another. */
static bool read_part(struct reader *r, struct challenge *best)
{
	char word[NAME_MAX_LEN];
	bool cut;

	if (!read_word(r, is_token_char, word, sizeof(word), &cut))
		return false;
	if (cut)
		*word = '\0';
	skip_space(r);
	if (*r->p == '=') {
		r->p++;
		return read_value(r, word);
	}
	keep(r, best);
	r->now.kind = kind_of(word);
	if (r->now.kind == CHALLENGE_NONE && is_token_char(*r->p)) {
		const char *start = r->p;
		char name[NAME_MAX_LEN];
		bool ignored;
		read_word(r, is_token_char, name, sizeof(name), &ignored);
		skip_space(r);
		if (*r->p == '=' && r->p[1] != '=' && r->p[1] && r->p[1] != ',')
			r->p = start;
		else
			skip_token68(r);
	}
	return true;
}

void challenge_read(const char *header, struct challenge *c)
{
	struct reader r = {.p = header};

	skip_commas(&r);
	while (*r.p) {
		if (!read_part(&r, c)) {
			/* ill-formed from here on: what was read of this one is not believed */
			r.broken = true;
			break;
		}
		skip_commas(&r);
	}
	keep(&r, c);
}
