/* Life and questions of a struct registries; its files are read in registries_file.c, its routes made in
 * registries_route.c. */
#include "registry/client/registries.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/reference.h"
#include "registry/client/certs.h"
#include "registry/client/registry_rules.h"

const char *registries_etc(void)
{
	const char *etc = getenv("TARE_ETC");
	return etc && etc[0] == '/' ? etc : "/etc";
}

char *registries_home_config(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (xdg && xdg[0] == '/')
		return strdup(xdg);
	return home && home[0] == '/' ? str_printf("%s/.config", home) : NULL;
}

void registry_rule_free(struct registry_rule *rule)
{
	for (size_t i = 0; i < rule->n_mirrors; i++)
		free(rule->mirrors[i].location);
	free(rule->mirrors);
	free(rule->prefix);
	free(rule->location);
	free(rule->source);
	memset(rule, 0, sizeof(*rule));
}

static struct registries *load(const char *certs_dir, bool quiet, struct err *e)
{
	cleanup_registries struct registries *r = calloc(1, sizeof(*r));
	if (!r)
		return err_no_memory(e), NULL;
	r->quiet = quiet;
	r->bundles = cert_bundles_new();
	if (!r->bundles)
		return err_no_memory(e), NULL;
	if (certs_dir && !(r->certs_dir = strdup(certs_dir)))
		return err_no_memory(e), NULL;
	if (registries_read_files(r, e) < 0)
		return NULL;
	return steal_ptr(&r);
}

struct registries *registries_load(const char *certs_dir, struct err *e)
{
	return load(certs_dir, false, e);
}

void registries_free(struct registries *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_rules; i++)
		registry_rule_free(&r->rules[i]);
	free(r->rules);
	for (size_t i = 0; i < r->n_aliases; i++) {
		free(r->aliases[i].name);
		free(r->aliases[i].value);
	}
	free(r->aliases);
	cert_bundles_free(r->bundles);
	strv_free(r->search);
	strv_free(r->helpers);
	free(r->search_source);
	free(r->certs_dir);
	free(r);
}

void registries_free_ptr(struct registries **r)
{
	registries_free(*r);
	*r = NULL;
}

int registries_helpers(char ***out, struct err *e)
{
	cleanup_registries struct registries *r = load(NULL, true, e);
	*out = NULL;
	if (!r)
		return -1;
	*out = steal_ptr(&r->helpers);
	return 0;
}

int registries_first(char **out, struct err *e)
{
	cleanup_registries struct registries *r = load(NULL, true, e);
	*out = r ? strdup(strv_len(r->search) ? r->search[0] : "docker.io") : NULL;
	return *out ? 0 : r ? err_no_memory(e) : -1;
}

int registries_search(const struct registries *r, char ***out, struct err *e)
{
	*out = NULL;
	if (!strv_len(r->search))
		return strv_add(out, "docker.io") < 0 ? err_no_memory(e) : 0;
	*out = strv_copy(r->search);
	return *out ? 0 : err_no_memory(e);
}

/* The host of "HOST[:PORT]" or "[IPv6][:PORT]". */
static bool cut_host(const char *domain, char host[256])
{
	bool literal = domain[0] == '[';
	const char *start = domain + literal;
	size_t len = literal ? strcspn(start, "]") : strcspn(start, ":");
	if (len == 0 || len >= 256 || (literal && start[len] != ']'))
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	return true;
}

/* Loopback is asked without TLS, so nothing may count as loopback that a name server or an odd spelling can
 * lead elsewhere: whole literal addresses, and the names that libcurl itself resolves to loopback (RFC 6761).
 * Attack: "127.0.0.1.example.com". Test: test_registry_config.c, test_loopback_is_only_loopback. */
bool registry_is_loopback(const char *domain)
{
	char host[256];
	struct in_addr v4;
	struct in6_addr v6;
	if (!cut_host(domain, host))
		return false;
	if (domain[0] == '[')
		return inet_pton(AF_INET6, host, &v6) == 1 &&
		       (IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127));
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	size_t len = strlen(host);
	return strcasecmp(host, "localhost") == 0 ||
	       (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0);
}
