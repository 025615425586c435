/* Logging in: credentials are shown to the registry before they are kept. */
#ifndef TARE_REGISTRY_LOGIN_H
#define TARE_REGISTRY_LOGIN_H

#include <stdbool.h>

struct credential;
struct err;

struct login_request {
	const char *registry; /* as login_registry() gives it */
	const char *authfile, *cert_dir;
	bool insecure; /* --tls-verify=false */
};

/* The key for what a user typed: "https://Quay.io/" is "quay.io"; NULL: the first registry of the search
 * list. Allocated. */
int login_registry(const char *typed, char **registry, struct err *e);
/* Does the registry take them? ERR_PERMISSION when not. */
int login_check(const struct login_request *q, const struct credential *c, struct err *e);
/* Check, and keep them; *where gets the file or helper (allocated). */
int login(const struct login_request *q, const struct credential *c, char **where, struct err *e);

#endif
