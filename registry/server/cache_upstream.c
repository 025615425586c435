/* Upstreams: which names are copies of what. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/server/cache_private.h"

static bool host_ok(const char *host)
{
	return *host && strlen(host) < 256 &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
	               strlen(host);
}

static int parse_one(const char *text, struct upstream *u, struct err *e)
{
	const char *equals = strchr(text, '=');

	u->host = equals ? strndup(text, (size_t)(equals - text)) : strdup(text);
	u->prefix = strdup(equals ? equals + 1 : text);
	if (!u->host || !u->prefix)
		return err_no_memory(e);
	if (!host_ok(u->host))
		return err_set(
		        e, ERR_USAGE, "--upstream \"%.100s\": not a host; a right one: docker.io=hub", text);
	if (*u->prefix && !repository_name_ok(u->prefix))
		return err_set(e, ERR_USAGE,
		        "--upstream \"%.100s\": its names need a prefix of lower-case letters; a right one: "
		        "%.100s=copy",
		        text, u->host);
	return 0;
}

int upstreams_parse(char *const *texts, struct upstreams *u, struct err *e)
{
	*u = (struct upstreams){0};
	if (!strv_len(texts))
		return 0;
	u->list = calloc(strv_len(texts), sizeof(*u->list));
	if (!u->list)
		return err_no_memory(e);
	strv_foreach (text, texts) {
		if (parse_one(*text, &u->list[u->n++], e) == 0)
			continue;
		upstreams_free(u);
		return -1;
	}
	return 0;
}

void upstreams_free(struct upstreams *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->list[i].host);
		free(u->list[i].prefix);
	}
	free(u->list);
	*u = (struct upstreams){0};
}

/* The part of `name` behind "prefix/", or NULL. */
static const char *behind(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!name || len == 0)
		return name;
	return strncmp(name, prefix, len) == 0 && name[len] == '/' && name[len + 1] ? name + len + 1 : NULL;
}

const struct upstream *upstream_of(const struct upstreams *u, const char *repository, const char **path)
{
	const struct upstream *best = NULL;

	for (size_t i = 0; i < u->n; i++) {
		const char *rest = behind(repository, u->list[i].prefix);
		if (!rest || (best && strlen(best->prefix) >= strlen(u->list[i].prefix)))
			continue;
		best = &u->list[i];
		*path = rest;
	}
	return best;
}

const struct upstream *upstream_of_host(const struct upstreams *u, const char *host)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->list[i].host, host) == 0)
			return &u->list[i];
	return NULL;
}
