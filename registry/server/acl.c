#include "registry/server/acl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "registry/server/access.h"

#define RULES_MAX   10000
#define PATTERN_MAX 255
#define BLANKS      " \t\r"

struct rule {
	char *pattern, *who; /* who: names separated by commas */
	unsigned rights;
};

struct acl {
	struct rule *rules;
	size_t n;
};

/* ---------------------------------------------------------------- rights */

int rights_parse(const char *text, unsigned *rights, struct err *e)
{
	static const struct {
		const char *word;
		unsigned rights;
	} words[] = {{"pull", RIGHT_PULL}, {"push", RIGHT_PUSH}, {"delete", RIGHT_DELETE}, {"all", RIGHT_ALL},
	        {"none", 0}};
	unsigned sum = 0;

	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ","), i = 0;

		while (i < sizeof words / sizeof *words &&
		        (strlen(words[i].word) != len || strncmp(p, words[i].word, len) != 0))
			i++;
		if (i == sizeof words / sizeof *words)
			return err_set(e, ERR_USAGE,
			        "\"%s\" is no right; rights are pull, push and delete, or all, or none",
			        text);
		sum |= words[i].rights;
		p += len;
		if (!*p)
			break;
	}
	*rights = sum;
	return 0;
}

/* ---------------------------------------------------------------- patterns */

struct positions {
	unsigned char at[PATTERN_MAX + 2]; /* the states of the pattern that the text so far can lead to */
};

/* What can be reached without a character: behind stars. */
static void skip_stars(const char *pattern, size_t len, struct positions *s)
{
	for (size_t i = 0; i < len; i++)
		if (s->at[i] && pattern[i] == '*')
			s->at[i + 1] = 1;
}

static bool step_takes(const char *pattern, size_t i, char c, bool *stays)
{
	bool star = pattern[i] == '*',
	     deep = star && (pattern[i + 1] == '*' || (i > 0 && pattern[i - 1] == '*'));

	*stays = star && (deep || c != '/');
	return !star && (pattern[i] == '?' ? c != '/' : pattern[i] == c);
}

/* All ways at once, so that no pattern and no name makes it slow. */
static bool matches(const char *pattern, const char *text)
{
	size_t len = strlen(pattern);
	struct positions now = {{1}};

	skip_stars(pattern, len, &now);
	for (; *text; text++) {
		struct positions next = {{0}};

		for (size_t i = 0; i < len; i++) {
			bool stays;

			if (!now.at[i])
				continue;
			if (step_takes(pattern, i, *text, &stays))
				next.at[i + 1] = 1;
			if (stays)
				next.at[i] = 1;
		}
		skip_stars(pattern, len, &next);
		now = next;
	}
	return now.at[len];
}

/* The text of the pattern with {user} replaced; a name that could be more than a name fits nowhere: with a
 * slash it would be in the rooms of another, with a star in all. */
static bool fill_in(const char *pattern, const char *user, char dst[PATTERN_MAX + 1])
{
	static const char word[] = "{user}";
	size_t used = 0;

	while (*pattern) {
		bool here = strncmp(pattern, word, sizeof word - 1) == 0;
		size_t len = here ? strlen(user) : 1;

		if (here && (!len || strpbrk(user, "/*?{}")))
			return false;
		if (used + len > PATTERN_MAX)
			return false;
		memcpy(dst + used, here ? user : pattern, len);
		used += len;
		pattern += here ? sizeof word - 1 : 1;
	}
	dst[used] = '\0';
	return true;
}

bool acl_matches(const char *pattern, const char *repository, const char *user)
{
	char filled[PATTERN_MAX + 1] = "";

	return fill_in(pattern, user, filled) && matches(filled, repository);
}

/* ---------------------------------------------------------------- rules */

static bool is_for(const char *who, const char *user)
{
	size_t user_len = strlen(user);

	for (const char *p = who; *p;) {
		size_t len = strcspn(p, ",");

		if (len == 4 && strncmp(p, "@all", len) == 0)
			return true;
		if (len == 6 && strncmp(p, "@users", len) == 0 && *user)
			return true;
		if (len == 10 && strncmp(p, "@anonymous", len) == 0 && !*user)
			return true;
		if (*user && *user != '@' && len == user_len && strncmp(p, user, len) == 0)
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

unsigned acl_rights(const struct acl *a, const char *repository, const char *user)
{
	for (size_t i = 0; i < a->n; i++)
		if (is_for(a->rules[i].who, user) && acl_matches(a->rules[i].pattern, repository, user))
			return a->rules[i].rights;
	return 0;
}

static int check_who(const char *who, unsigned number, struct err *e)
{
	static const char *const groups[] = {"@all", "@users", "@anonymous"};

	for (const char *p = who; *p;) {
		size_t len = strcspn(p, ","), i = 0;

		while (*p == '@' && i < 3 && (strlen(groups[i]) != len || strncmp(p, groups[i], len) != 0))
			i++;
		if (!len || i == 3)
			return err_set(e, ERR_USAGE,
			        "line %u: \"%.*s\" is neither a user nor @all, @users or @anonymous", number,
			        (int)len, p);
		p += len + (p[len] == ',');
	}
	return 0;
}

static char *word(char **rest)
{
	char *w = *rest + strspn(*rest, BLANKS);
	size_t len = strcspn(w, BLANKS);

	*rest = w + len + (w[len] != '\0');
	w[len] = '\0';
	return w;
}

static int parse_line(struct acl *a, char *line, unsigned number, struct err *e)
{
	char *rest = line, *pattern = word(&rest), *who, *rights;
	struct rule r = {0};

	if (!*pattern || *pattern == '#')
		return 0;
	who = word(&rest);
	rights = word(&rest);
	if (!*rights || *word(&rest))
		return err_set(e, ERR_USAGE,
		        "line %u is not PATTERN WHO RIGHTS, as in: team/* alice pull,push", number);
	if (strlen(pattern) > PATTERN_MAX)
		return err_set(
		        e, ERR_USAGE, "line %u: the pattern is longer than %d bytes", number, PATTERN_MAX);
	if (check_who(who, number, e) < 0)
		return -1;
	if (rights_parse(rights, &r.rights, e) < 0)
		return err_wrap(e, "line %u", number);
	if (a->n == RULES_MAX)
		return err_set(e, ERR_USAGE, "more than %d rules", RULES_MAX);
	struct rule *more = realloc(a->rules, (a->n + 1) * sizeof *more);
	if (!more)
		return err_no_memory(e);
	a->rules = more;
	r.pattern = strdup(pattern);
	r.who = strdup(who);
	a->rules[a->n++] = r;
	return r.pattern && r.who ? 0 : err_no_memory(e);
}

struct acl *acl_parse(const char *text, struct err *e)
{
	struct acl *a = calloc(1, sizeof *a);
	cleanup_free char *copy = strdup(text);
	unsigned number = 0;

	if (!a || !copy) {
		free(a);
		err_no_memory(e);
		return NULL;
	}
	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));)
		if (parse_line(a, line, ++number, e) < 0) {
			acl_free(a);
			return NULL;
		}
	return a;
}

void acl_free(struct acl *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++) {
		free(a->rules[i].pattern);
		free(a->rules[i].who);
	}
	free(a->rules);
	free(a);
}
