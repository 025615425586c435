/* Routes: from a repository's name to the servers that may have it. */
#include "registry/client/registries.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/certs.h"
#include "registry/client/registry_rules.h"

#define HUB_DOMAIN "docker.io"
#define HUB_HOST   "registry-1.docker.io"

static void endpoint_free(struct registry_endpoint *p)
{
	free(p->host);
	free(p->repository);
	free(p->api_path);
	free(p->ns);
	free(p->ca_file);
	free(p->cert_file);
	free(p->key_file);
}

void registry_route_free(struct registry_route *r)
{
	for (size_t i = 0; i < r->n; i++)
		endpoint_free(&r->list[i]);
	free(r->list);
	memset(r, 0, sizeof(*r));
}

/* How much of `name` (HOST/REPOSITORY) the prefix covers, or 0. It ends where a part of the name ends: that
 * "example.com" is not "example.com.evil.org" nor "example.com:5000", and "quay.io/a" not "quay.io/ab".
 * Test: test_registry_config.c, test_prefixes_end_at_borders. */
static size_t prefix_covers(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);
	if (strncmp(prefix, "*.", 2) != 0)
		return strncasecmp(name, prefix, len) == 0 && (name[len] == '/' || name[len] == '\0') ? len
		                                                                                      : 0;
	size_t host = strcspn(name, "/"), tail = len - 1;
	return host > tail && strncasecmp(name + host - tail, prefix + 1, tail) == 0 ? host : 0;
}

static const struct registry_rule *find_rule(const struct registries *r, const char *name, size_t *covered)
{
	const struct registry_rule *best = NULL;
	for (size_t i = 0; i < r->n_rules; i++) {
		size_t n = prefix_covers(r->rules[i].prefix, name);
		if (n && (!best || strlen(r->rules[i].prefix) > strlen(best->prefix))) {
			best = &r->rules[i];
			*covered = n;
		}
	}
	return best;
}

struct registry_endpoint *registry_route_add(struct registry_route *route)
{
	struct registry_endpoint *grown = realloc(route->list, (route->n + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	route->list = grown;
	memset(&grown[route->n], 0, sizeof(*grown));
	return &grown[route->n++];
}

/* Docker Hub goes by one name in references and by another on the wire. */
static int name_endpoint(struct registry_endpoint *p, const char *domain, const char *repository)
{
	bool hub = strcmp(domain, HUB_DOMAIN) == 0;
	bool official = hub && !strchr(repository, '/');
	p->host = strdup(hub ? HUB_HOST : domain);
	p->repository = str_printf("%s%s", official ? "library/" : "", repository);
	p->api_path = strdup("");
	return p->host && p->repository && p->api_path ? 0 : -1;
}

/* `place` is HOST[:PORT][/PATH], `rest` what follows of the name, with its slash, or "". */
static int add_place(const struct registries *r, struct registry_route *route, const char *place,
        const char *rest, bool insecure, struct err *e)
{
	cleanup_free char *whole = str_printf("%s%s", place, rest);
	struct registry_endpoint *p = registry_route_add(route);
	if (!whole || !p)
		return err_no_memory(e);
	char *slash = strchr(whole, '/');
	if (!slash || !slash[1])
		return err_set(e, ERR_USAGE, "registries.conf leads to \"%.300s\", which names no repository",
		        whole);
	*slash = '\0';
	if (name_endpoint(p, whole, slash + 1) < 0)
		return err_no_memory(e);
	p->plain_http = p->unverified = insecure || registry_is_loopback(whole);
	return certs_find(r, whole, p, e);
}

static int add_mirrors(const struct registries *r, const struct registry_rule *rule,
        struct registry_route *route, const char *rest, struct err *e)
{
	for (size_t i = 0; i < rule->n_mirrors; i++) {
		const struct registry_mirror *m = &rule->mirrors[i];
		if (add_place(r, route, m->location, rest, m->insecure, e) < 0)
			return -1;
		route->list[route->n - 1].mirror = true;
		route->list[route->n - 1].pulls = m->pulls;
	}
	return 0;
}

static int by_rule(const struct registries *r, const struct registry_rule *rule, const char *name,
        size_t covered, struct registry_route *route, struct err *e)
{
	if (rule->blocked)
		return err_set(e, ERR_PERMISSION, "%.300s is blocked by %s", name, rule->source);
	if (add_mirrors(r, rule, route, name + covered, e) < 0)
		return -1;
	if (rule->location)
		return add_place(r, route, rule->location, name + covered, rule->insecure, e);
	return add_place(r, route, name, "", rule->insecure, e);
}

int registries_route(const struct registries *r, const char *domain, const char *repository,
        struct registry_route *route, struct err *e)
{
	cleanup_free char *name = str_printf("%s/%s", domain, repository);
	size_t covered = 0;
	memset(route, 0, sizeof(*route));
	if (!name)
		return err_no_memory(e);
	const struct registry_rule *rule = find_rule(r, name, &covered);
	int rc = rule ? by_rule(r, rule, name, covered, route, e)
	              : registries_hosts(r, domain, repository, route, e);
	if (rc == 0 && route->n == 0)
		rc = add_place(r, route, name, "", false, e);
	if (rc < 0)
		registry_route_free(route);
	return rc < 0 ? -1 : 0;
}
