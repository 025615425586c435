#include "cli/filter.h"

#include <regex.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

/* The value, when `text` begins with "key="; NULL otherwise. */
static const char *value_if(const char *text, const char *key)
{
	size_t len = strlen(key);

	return strncmp(text, key, len) == 0 && text[len] == '=' ? text + len + 1 : NULL;
}

static const struct filter_key *key_of(const char *text, const struct filter_key *keys, const char **value)
{
	for (const struct filter_key *k = keys; k->name; k++)
		if ((*value = value_if(text, k->name)))
			return k;
	return NULL;
}

static int unknown_key(const char *text, const struct filter_key *keys, struct err *e)
{
	cleanup_buf struct buf known = BUF_INIT;

	for (const struct filter_key *k = keys; k->name; k++)
		buf_printf(&known, "%s%s", k == keys ? "" : ", ", k->name);
	if (!strchr(text, '='))
		return err_set(e, ERR_USAGE, "invalid filter \"%s\": write KEY=VALUE; keys are %s", text,
		        buf_str(&known));
	return err_set(e, ERR_USAGE, "unknown filter \"%.*s\"; keys are %s", (int)strcspn(text, "="), text,
	        buf_str(&known));
}

int filter_check(char *const *filters, const struct filter_key *keys, const void *context, struct err *e)
{
	strv_foreach (f, filters) {
		const char *value;
		const struct filter_key *k = key_of(*f, keys, &value);

		if (!k)
			return unknown_key(*f, keys, e);
		if (k->check && k->check(value, context, e) < 0)
			return err_wrap(e, "--filter %s", k->name);
	}
	return 0;
}

static bool key_matches(
        char *const *filters, const struct filter_key *k, const void *row, const void *context)
{
	bool any = false, asked = false;

	strv_foreach (f, filters) {
		const char *value = value_if(*f, k->name);
		bool match;

		if (!value)
			continue;
		asked = true;
		match = k->match(row, value, context);
		if (k->all && !match)
			return false;
		any = any || match;
	}
	return any || !asked;
}

bool filters_match(char *const *filters, const struct filter_key *keys, const void *row, const void *context)
{
	for (const struct filter_key *k = keys; k->name; k++)
		if (!key_matches(filters, k, row, context))
			return false;
	return true;
}

const char *filter_value(char *const *filters, const char *key)
{
	strv_foreach (f, filters) {
		const char *value = value_if(*f, key);

		if (value)
			return value;
	}
	return NULL;
}

bool filter_has_label(json *labels, const char *text)
{
	const char *equal = strchr(text, '=');
	cleanup_free char *key = equal ? strndup(text, (size_t)(equal - text)) : strdup(text);
	const char *value = key ? json_str(labels, key, NULL) : NULL;

	return value && (!equal || strcmp(value, equal + 1) == 0);
}

bool filter_regex(const char *pattern, const char *text)
{
	regex_t re;
	bool match;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	match = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return match;
}

int filter_check_regex(const char *value, const void *context, struct err *e)
{
	regex_t re;
	char reason[128];
	int rc = regcomp(&re, value, REG_EXTENDED | REG_NOSUB);

	(void)context;
	if (rc == 0) {
		regfree(&re);
		return 0;
	}
	regerror(rc, &re, reason, sizeof(reason));
	return err_set(e, ERR_USAGE, "bad expression \"%s\": %s", value, reason);
}

int filter_check_bool(const char *value, const void *context, struct err *e)
{
	static const char *const words[] = {"true", "false", "1", "0", NULL};

	(void)context;
	if (strv_has((char *const *)words, value))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is neither true nor false", value);
}

bool filter_bool(const char *value)
{
	return strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}
