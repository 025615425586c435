/* TOML: any text, as it is read, as registries.conf and as hosts.toml. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/registry_rules.h"
#include "registry/client/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every value must be, whatever the text was. */
static unsigned check(const struct toml *t, unsigned depth)
{
	unsigned n = 1;

	if (depth > 400 || (t->kind == TOML_STRING) != (t->string != NULL))
		abort();
	for (const struct toml *c = t->first; c; c = c->next) {
		if ((t->kind == TOML_TABLE) != (c->key != NULL))
			abort();
		if (t->kind == TOML_TABLE && toml_get(t, c->key) != c)
			abort(); /* a key that is there twice */
		n += check(c, depth + 1);
	}
	return n;
}

static void ask(const struct registries *r)
{
	static const char *const domains[] = {"docker.io", "a.io", "localhost:5000"};
	struct registry_route route = REGISTRY_ROUTE_INIT;
	char **names;

	for (size_t i = 0; i < 3; i++) {
		if (registries_route(r, domains[i], "a/b", &route, NULL) == 0 && route.n == 0)
			abort();
		registry_route_free(&route);
	}
	if (registries_names(r, "a", &names, NULL) == 0 && !names)
		abort();
	strv_free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct registry_route route = REGISTRY_ROUTE_INIT;
	struct registries *r;
	struct toml *doc;
	struct err e = ERR_INIT;

	setenv("TARE_ETC", "/nonexistent", 1);
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	log_set_level(LOG_LEVEL_ERROR);
	if (size > 4096)
		return 0;
	doc = toml_parse((const char *)data, size, "fuzz", &e);
	if (!doc) {
		if (!*e.msg)
			abort();
		return 0;
	}
	if (check(doc, 0) > TOML_VALUES + 1)
		abort();
	r = registries_load(NULL, &e);
	if (!r)
		abort();
	registries_read_hosts(r, doc, "docker.io", "library/a", &route, NULL);
	registry_route_free(&route);
	if (registries_read_document(r, doc, "fuzz", NULL) == 0)
		ask(r);
	registries_free(r);
	toml_free(doc);
	return 0;
}
