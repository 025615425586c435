/* Registries: which servers a name leads to, and how they may be spoken to.
 *
 * Sources, the first that speaks wins per registry: --tls-verify and the like (the caller's), registries.conf
 * of the user, then of the host, each with registries.conf.d/ *.conf (containers-registries.conf(5), version
 * 2), and certs.d/HOST/ of Tare, containers and Docker (client certificates, and containerd's hosts.toml).
 * Unknown keys are warned about (podman#14306). CONTAINERS_REGISTRIES_CONF names another file, TARE_ETC
 * another /etc (for tests).
 *
 * Without any file: a name without a host means docker.io, whose API is at registry-1.docker.io; loopback
 * addresses (localhost, 127.0.0.0/8, ::1) are tried by plain http and then by https, with any certificate;
 * all others by https only. */
#ifndef TARE_REGISTRY_REGISTRIES_H
#define TARE_REGISTRY_REGISTRIES_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct registries;

/* Reads the files. `certs_dir` (--cert-dir) may be NULL. */
struct registries *registries_load(const char *certs_dir, struct err *e);
void registries_free(struct registries *r);
void registries_free_ptr(struct registries **r);
#define cleanup_registries __attribute__((cleanup(registries_free_ptr)))

enum endpoint_pulls { ENDPOINT_PULLS_ALL, ENDPOINT_PULLS_DIGEST, ENDPOINT_PULLS_TAG };

/* One server that may have the repository. Strings owned by the route. */
struct registry_endpoint {
	char *host;       /* "registry-1.docker.io", "localhost:5000", "[::1]:5000" */
	char *repository; /* as that server names it: "library/alpine", "mirror/docker/library/alpine" */
	char *api_path;   /* "" or a prefix before /v2/ (hosts.toml), no trailing slash */
	char *ns;         /* for a mirror that serves many (?ns=HOST), or NULL */
	bool mirror;      /* the registry itself comes last and is none */
	bool plain_http;  /* may be spoken to without TLS when https is not answered: insecure, or loopback */
	bool http_only;   /* hosts.toml said http:// */
	bool unverified;  /* any certificate will do */
	enum endpoint_pulls pulls;
	char *ca_file, *cert_file, *key_file; /* or NULL */
};
struct registry_route {
	struct registry_endpoint *list; /* mirrors in order, then the registry itself */
	size_t n;
};
#define REGISTRY_ROUTE_INIT                                                                                  \
	{                                                                                                    \
		0                                                                                            \
	}
void registry_route_free(struct registry_route *r);
#define cleanup_route __attribute__((cleanup(registry_route_free)))

/* `domain` and `repository` as reference_parse() gives them. A blocked one is ERR_PERMISSION. */
int registries_route(const struct registries *r, const char *domain, const char *repository,
        struct registry_route *route, struct err *e);

/* What a name may mean: full references ("docker.io/library/alpine:latest"), to be tried in this order. A
 * name with a host means itself; a short one goes by [aliases], then unqualified-search-registries (several
 * of them only when short-name-mode allows it: "enforcing" is an error that says what to write), else
 * docker.io. */
int registries_names(const struct registries *r, const char *name, char ***out, struct err *e);
/* Does a name as people write it begin with a registry's host? */
bool registry_in_name(const char *name);
/* "HOST[:PORT]": is it this machine, whatever a name server says? */
bool registry_is_loopback(const char *domain);
/* What others need of the files beforehand, without warnings, so that these come once: credential-helpers, or
 * NULL; and the first of registries_search(). Allocated. */
int registries_helpers(char ***out, struct err *e);
int registries_first(char **out, struct err *e);
/* Where `tare search` looks: unqualified-search-registries, or docker.io. */
int registries_search(const struct registries *r, char ***out, struct err *e);

#endif
