/* What registries.conf said, for registries*.c: rules by prefix, aliases, the search list. */
#ifndef TARE_REGISTRY_RULES_H
#define TARE_REGISTRY_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "registry/client/registries.h"

struct registry_mirror {
	char *location; /* HOST[:PORT][/PATH] */
	bool insecure;
	enum endpoint_pulls pulls;
};

struct registry_rule {
	char *prefix;   /* HOST[:PORT][/PATH], or "*.HOST" */
	char *location; /* what stands in its place, or NULL */
	bool insecure, blocked;
	struct registry_mirror *mirrors;
	size_t n_mirrors;
	char *source; /* "FILE:LINE", for messages */
};

struct registry_alias {
	char *name, *value; /* "alpine", "docker.io/library/alpine" */
};

enum short_name_mode { SHORT_NAME_PERMISSIVE, SHORT_NAME_ENFORCING, SHORT_NAME_DISABLED };

struct registries {
	struct registry_rule *rules;
	size_t n_rules;
	struct registry_alias *aliases;
	size_t n_aliases;
	bool search_given; /* an empty list was written down: short names lead nowhere */
	char **search;
	char *search_source; /* the file that has the list */
	enum short_name_mode short_names;
	char **helpers;               /* credential-helpers, or NULL */
	char *certs_dir;              /* --cert-dir, or NULL */
	bool quiet;                   /* no warnings */
	struct cert_bundles *bundles; /* certs.h */
};

struct toml;

void registry_rule_free(struct registry_rule *rule);
/* registries_document.c: what a file says takes the place of what was said before, rules by prefix, aliases
 * by name. */
int registries_read_document(struct registries *r, const struct toml *doc, const char *file, struct err *e);
/* registries_file.c: reads all of registries.conf into a fresh r. */
int registries_read_files(struct registries *r, struct err *e);

/* registries_route.c: a fresh endpoint at the end; NULL without memory. */
struct registry_endpoint *registry_route_add(struct registry_route *route);
/* registries_hosts.c: endpoints as containerd's hosts.toml for `domain` has them. 1 when there is one. */
int registries_hosts(const struct registries *r, const char *domain, const char *repository,
        struct registry_route *route, struct err *e);

/* For tests: what one such file says, already read. */
int registries_read_hosts(const struct registries *r, const struct toml *doc, const char *domain,
        const char *repository, struct registry_route *route, struct err *e);

/* "/etc", or $TARE_ETC. */
const char *registries_etc(void);
/* $XDG_CONFIG_HOME or ~/.config, allocated; NULL when there is no home. */
char *registries_home_config(void);

#endif
