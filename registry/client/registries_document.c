/* What a registries.conf of version 2 says (containers-registries.conf(5)). A key that isn't known is told
 * of, since it is mostly one in the wrong place; a value that makes no sense is an error. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/oci/reference.h"
#include "registry/client/registry_rules.h"
#include "registry/client/toml.h"

struct document {
	struct registries *r;
	const char *file;
	size_t older; /* rules that were there before this file */
	struct err *e;
};

static const char *const top_keys[] = {"unqualified-search-registries", "short-name-mode",
        "credential-helpers", "aliases", "registry", NULL};
static const char *const registry_keys[] = {
        "prefix", "location", "insecure", "blocked", "mirror-by-digest-only", "mirror", NULL};
static const char *const mirror_keys[] = {"location", "insecure", "pull-from-mirror", NULL};

static int wrong(const struct document *d, const struct toml *at, const char *what)
{
	return err_set(d->e, ERR_USAGE, "%s:%u: %s", d->file, at->line, what);
}

static bool is_among(const char *key, const char *const *keys)
{
	while (*keys && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

/* A key behind [[registry.mirror]] belongs to the mirror, whatever the eye says (podman#14306). */
static void warn_unknown(const struct document *d, const struct toml *t, const char *where,
        const char *const *known, const char *const *elsewhere, const char *hint)
{
	for (const struct toml *c = t->first; c && !d->r->quiet; c = c->next) {
		if (is_among(c->key, known))
			continue;
		if (is_among(c->key, elsewhere))
			log_line(LOG_LEVEL_WARN, "%s:%u: %s is ignored: it stands under %s (line %u); %s",
			        d->file, c->line, c->key, where, t->line, hint);
		else
			log_line(LOG_LEVEL_WARN, "%s:%u: unknown key \"%s\" under %s is ignored", d->file,
			        c->line, c->key, where);
	}
}

/* ------------------------------------------------------------------ values */

/* t[key] when it is of that kind; NULL when missing or (with *bad) something else. */
static struct toml *value(
        const struct document *d, const struct toml *t, const char *key, enum toml_kind kind, bool *bad)
{
	struct toml *v = toml_get(t, key);
	if (!v || v->kind == kind)
		return v;
	const struct toml want = {.kind = kind};
	err_set(d->e, ERR_USAGE, "%s:%u: %s is %s, but %s is expected", d->file, v->line, key,
	        toml_kind_name(v), toml_kind_name(&want));
	*bad = true;
	return NULL;
}

static int read_bool(const struct document *d, const struct toml *t, const char *key, bool *out)
{
	bool bad = false;
	const struct toml *v = value(d, t, key, TOML_BOOL, &bad);
	if (v)
		*out = v->boolean;
	return bad ? -1 : 0;
}

static int read_strings(const struct document *d, const struct toml *t, const char *key, char ***out,
        bool *given, int (*check)(const struct document *d, const struct toml *v))
{
	bool bad = false;
	cleanup_strv char **list = NULL;
	const struct toml *array = value(d, t, key, TOML_ARRAY, &bad);
	if (!array)
		return bad ? -1 : 0;
	for (const struct toml *v = array->first; v; v = v->next) {
		if (v->kind != TOML_STRING)
			return wrong(d, v, "a list of strings is expected");
		if (check && check(d, v) < 0)
			return -1;
		if (strv_add(&list, v->string) < 0)
			return err_no_memory(d->e);
	}
	strv_free(*out);
	*out = steal_ptr(&list);
	if (given)
		*given = true;
	return 0;
}

/* HOST[:PORT][/PATH], as names begin. */
static bool place_ok(const char *place)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	size_t host = strcspn(place, "/");
	cleanup_free char *name = str_printf("%s%s", place, place[host] ? "" : "/x");
	if (!name || reference_parse(name, &ref, NULL) < 0 || digest_is_set(&ref.digest))
		return false;
	bool same = strlen(ref.domain) == host && strncmp(ref.domain, place, host) == 0;
	if (!same && !(host == 15 && strncmp(place, "index.docker.io", 15) == 0))
		return false;
	/* A tag would be there twice. */
	return !place[host] || !strchr(place + host, ':');
}

static int check_place(const struct document *d, const struct toml *v)
{
	const char *text = v->string;
	if (strstr(text, "://"))
		return err_set(d->e, ERR_USAGE,
		        "%s:%u: \"%.200s\" is a URL; write HOST[:PORT][/PATH], and insecure = true where "
		        "there is "
		        "no TLS",
		        d->file, v->line, text);
	if (strncmp(text, "*.", 2) == 0 && v->key && strcmp(v->key, "prefix") == 0) {
		text += 2;
		if (strchr(text, '/') || strchr(text, '*') || !place_ok(text))
			return err_set(d->e, ERR_USAGE, "%s:%u: \"%.200s\" is no prefix; write \"*.HOST\"",
			        d->file, v->line, v->string);
		return 0;
	}
	if (!place_ok(text))
		return err_set(d->e, ERR_USAGE,
		        "%s:%u: \"%.200s\" is no registry; write HOST[:PORT][/PATH]%s", d->file, v->line,
		        text, strpbrk(text, ":@") ? " without tag or digest" : "");
	return 0;
}

/* A place without the slashes at its end; *out stays NULL when the key is missing or empty. */
static int read_place(const struct document *d, const struct toml *t, const char *key, char **out)
{
	bool bad = false;
	struct toml *v = value(d, t, key, TOML_STRING, &bad);
	if (!v || !*v->string)
		return bad ? -1 : 0;
	for (size_t len = strlen(v->string); len > 0 && v->string[len - 1] == '/'; len--)
		v->string[len - 1] = '\0';
	if (check_place(d, v) < 0)
		return -1;
	*out = strdup(v->string);
	return *out ? 0 : err_no_memory(d->e);
}

/* ------------------------------------------------------------------ [[registry]] */

static int read_pulls(
        const struct document *d, const struct toml *t, bool digest_only, enum endpoint_pulls *p)
{
	static const char *const names[] = {"all", "digest-only", "tag-only"};
	bool bad = false;
	const struct toml *v = value(d, t, "pull-from-mirror", TOML_STRING, &bad);
	*p = digest_only ? ENDPOINT_PULLS_DIGEST : ENDPOINT_PULLS_ALL;
	if (!v || !*v->string)
		return bad ? -1 : 0;
	if (digest_only)
		return wrong(d, v, "pull-from-mirror cannot stand beside mirror-by-digest-only = true");
	for (size_t i = 0; i < 3; i++)
		if (strcmp(v->string, names[i]) == 0) {
			*p = (enum endpoint_pulls)i;
			return 0;
		}
	return wrong(d, v, "pull-from-mirror is one of \"all\", \"digest-only\", \"tag-only\"");
}

static int read_mirror(
        const struct document *d, const struct toml *t, bool digest_only, struct registry_mirror *m)
{
	warn_unknown(d, t, "[[registry.mirror]]", mirror_keys, registry_keys,
	        "keys of the registry go above its first [[registry.mirror]]");
	if (read_place(d, t, "location", &m->location) < 0 || read_bool(d, t, "insecure", &m->insecure) < 0)
		return -1;
	if (!m->location)
		return wrong(d, t, "a mirror needs a location");
	return read_pulls(d, t, digest_only, &m->pulls);
}

static int read_mirrors(const struct document *d, const struct toml *t, struct registry_rule *rule)
{
	bool bad = false, digest_only = false;
	if (read_bool(d, t, "mirror-by-digest-only", &digest_only) < 0)
		return -1;
	const struct toml *list = value(d, t, "mirror", TOML_ARRAY, &bad);
	size_t n = 0;
	if (bad)
		return -1;
	for (const struct toml *m = list ? list->first : NULL; m; m = m->next)
		n++;
	rule->mirrors = n ? calloc(n, sizeof(*rule->mirrors)) : NULL;
	if (n && !rule->mirrors)
		return err_no_memory(d->e);
	for (const struct toml *m = list ? list->first : NULL; m; m = m->next) {
		if (m->kind != TOML_TABLE)
			return wrong(d, m, "a mirror is a table: [[registry.mirror]]");
		if (read_mirror(d, m, digest_only, &rule->mirrors[rule->n_mirrors++]) < 0)
			return -1;
	}
	return 0;
}

static int read_rule(const struct document *d, const struct toml *t, struct registry_rule *rule)
{
	warn_unknown(
	        d, t, "[[registry]]", registry_keys, mirror_keys, "it belongs under [[registry.mirror]]");
	rule->source = str_printf("%s:%u", d->file, t->line);
	if (!rule->source)
		return err_no_memory(d->e);
	if (read_place(d, t, "prefix", &rule->prefix) < 0 ||
	        read_place(d, t, "location", &rule->location) < 0 ||
	        read_bool(d, t, "insecure", &rule->insecure) < 0 ||
	        read_bool(d, t, "blocked", &rule->blocked) < 0 || read_mirrors(d, t, rule) < 0)
		return -1;
	if (!rule->prefix && !rule->location)
		return wrong(d, t, "a registry needs a prefix or a location");
	if (!rule->prefix && !(rule->prefix = strdup(rule->location)))
		return err_no_memory(d->e);
	return 0;
}

/* Takes the place of an older file's rule for the same prefix. */
static int add_rule(const struct document *d, const struct toml *t, struct registry_rule *rule)
{
	struct registries *r = d->r;
	for (size_t i = 0; i < r->n_rules; i++) {
		if (strcasecmp(r->rules[i].prefix, rule->prefix) != 0)
			continue;
		if (i >= d->older)
			return err_set(d->e, ERR_USAGE,
			        "%s:%u: there is a [[registry]] for %.200s already: %s", d->file, t->line,
			        rule->prefix, r->rules[i].source);
		registry_rule_free(&r->rules[i]);
		r->rules[i] = *rule;
		memset(rule, 0, sizeof(*rule));
		return 0;
	}
	struct registry_rule *grown = realloc(r->rules, (r->n_rules + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(d->e);
	r->rules = grown;
	grown[r->n_rules++] = *rule;
	memset(rule, 0, sizeof(*rule));
	return 0;
}

static int read_rules(const struct document *d, const struct toml *doc)
{
	bool bad = false;
	const struct toml *list = value(d, doc, "registry", TOML_ARRAY, &bad);
	for (const struct toml *t = list ? list->first : NULL; t; t = t->next) {
		struct registry_rule rule = {0};
		if (t->kind != TOML_TABLE)
			return wrong(d, t, "a registry is a table: [[registry]]");
		int rc = read_rule(d, t, &rule) < 0 ? -1 : add_rule(d, t, &rule);
		registry_rule_free(&rule);
		if (rc < 0)
			return -1;
	}
	return bad ? -1 : 0;
}

/* ------------------------------------------------------------------ short names */

static int put_alias(const struct document *d, const char *name, const char *value_text)
{
	struct registries *r = d->r;
	cleanup_free char *v = strdup(value_text);
	if (!v)
		return err_no_memory(d->e);
	for (size_t i = 0; i < r->n_aliases; i++)
		if (strcmp(r->aliases[i].name, name) == 0) {
			free(r->aliases[i].value);
			r->aliases[i].value = steal_ptr(&v);
			return 0;
		}
	struct registry_alias *grown = realloc(r->aliases, (r->n_aliases + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(d->e);
	r->aliases = grown;
	grown[r->n_aliases].name = strdup(name);
	if (!grown[r->n_aliases].name)
		return err_no_memory(d->e);
	grown[r->n_aliases++].value = steal_ptr(&v);
	return 0;
}

static int read_aliases(const struct document *d, const struct toml *doc)
{
	bool bad = false;
	const struct toml *table = value(d, doc, "aliases", TOML_TABLE, &bad);
	for (const struct toml *a = table ? table->first : NULL; a; a = a->next) {
		bool whole = a->kind == TOML_STRING &&
		             (!*a->string || (strchr(a->string, '/') && place_ok(a->string)));
		if (!whole)
			return err_set(d->e, ERR_USAGE,
			        "%s:%u: the alias \"%.100s\" is not the full name of an image without tag, "
			        "like "
			        "docker.io/library/alpine",
			        d->file, a->line, a->key);
		if (put_alias(d, a->key, a->string) < 0)
			return -1;
	}
	return bad ? -1 : 0;
}

static int read_short_name_mode(const struct document *d, const struct toml *doc)
{
	static const char *const names[] = {
	        [SHORT_NAME_PERMISSIVE] = "permissive",
	        [SHORT_NAME_ENFORCING] = "enforcing",
	        [SHORT_NAME_DISABLED] = "disabled",
	};
	bool bad = false;
	const struct toml *v = value(d, doc, "short-name-mode", TOML_STRING, &bad);
	if (!v || !*v->string)
		return bad ? -1 : 0;
	for (size_t i = 0; i < 3; i++)
		if (strcmp(v->string, names[i]) == 0) {
			d->r->short_names = (enum short_name_mode)i;
			return 0;
		}
	return wrong(d, v, "short-name-mode is one of \"enforcing\", \"permissive\", \"disabled\"");
}

static int read_search(const struct document *d, const struct toml *doc)
{
	struct registries *r = d->r;
	if (read_strings(d, doc, "unqualified-search-registries", &r->search, &r->search_given, check_place) <
	        0)
		return -1;
	if (!toml_get(doc, "unqualified-search-registries"))
		return 0;
	free(r->search_source);
	r->search_source = strdup(d->file);
	return r->search_source ? 0 : err_no_memory(d->e);
}

static int refuse_version_1(const struct document *d, const struct toml *doc)
{
	const struct toml *t = toml_get(doc, "registries");
	if (!t || t->kind != TOML_TABLE)
		return 0;
	return wrong(d, t,
	        "[registries.…] is version 1 of this file, which Tare doesn't read; write "
	        "unqualified-search-registries = […] for search, and [[registry]] with insecure or blocked "
	        "for "
	        "the others (containers-registries.conf(5))");
}

int registries_read_document(struct registries *r, const struct toml *doc, const char *file, struct err *e)
{
	static const char *const none[] = {NULL};
	const struct document d = {.r = r, .file = file, .older = r->n_rules, .e = e};
	if (refuse_version_1(&d, doc) < 0)
		return -1;
	warn_unknown(&d, doc, "the top of the file", top_keys, none, "");
	if (read_search(&d, doc) < 0 || read_short_name_mode(&d, doc) < 0 ||
	        read_strings(&d, doc, "credential-helpers", &r->helpers, NULL, NULL) < 0)
		return -1;
	return read_aliases(&d, doc) < 0 ? -1 : read_rules(&d, doc);
}
