/* Credentials: who we are at a registry. Read from where podman and docker keep them, in this order:
 * --authfile, $REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json (root: /run/containers/0/auth.json),
 * $XDG_CONFIG_HOME/containers/auth.json, $DOCKER_CONFIG or ~/.docker/config.json, ~/.dockercfg; helpers
 * (credHelpers, credsStore: docker-credential-NAME) where those files or registries.conf name them. Written
 * to the first of them that is not Docker's. Secrets never appear in an argument, a log or an error. */
#ifndef TARE_REGISTRY_CREDENTIAL_H
#define TARE_REGISTRY_CREDENTIAL_H

#include <stdbool.h>

struct err;

struct credential {
	char *username, *password;
	char *identity_token; /* an OAuth2 refresh token instead of a password, or NULL */
	char *source;         /* the file or helper it came from, for messages */
};
#define CREDENTIAL_INIT                                                                                      \
	{                                                                                                    \
		0                                                                                            \
	}
void credential_free(struct credential *c); /* wipes */
#define cleanup_credential __attribute__((cleanup(credential_free)))
static inline bool credential_is_set(const struct credential *c)
{
	return c->username || c->identity_token;
}

/* "USER:PASSWORD" of --creds; without a colon there is no password. */
int credential_from_text(const char *text, struct credential *c, struct err *e);
/* For `domain` as in references ("docker.io", "quay.io", "localhost:5000") and the repository there; the most
 * specific key wins. None: 0 and an empty one. authfile NULL: the order above. */
int credential_find(const char *authfile, const char *domain, const char *repository, struct credential *c,
        struct err *e);
/* login and logout. `where` gets the file or helper's name (allocated). */
int credential_store(
        const char *authfile, const char *domain, const struct credential *c, char **where, struct err *e);
/* ERR_NOT_FOUND when there was none. domain NULL: all. */
int credential_erase(const char *authfile, const char *domain, char **where, struct err *e);

#endif
