/* Logging in. */
#include "registry/client/login.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/reference.h"
#include "registry/client/credential_entry.h"
#include "registry/client/http.h"
#include "registry/client/registries.h"
#include "registry/client/remote.h"

/* A registry, and perhaps a namespace there, as the beginning of a name. */
static int parse(const char *registry, struct reference *ref, struct err *e)
{
	size_t host = strcspn(registry, "/");
	cleanup_free char *name = str_printf("%s%s", registry, registry[host] ? "" : "/login");
	if (!name)
		return err_no_memory(e);
	bool ok = !strpbrk(registry + host, ":@") && reference_parse(name, ref, NULL) == 0 &&
	          strlen(ref->domain) == host && strncmp(ref->domain, registry, host) == 0;
	return ok ? 0
	          : err_set(e, ERR_USAGE,
	                    "\"%.200s\" is no registry; expected HOST[:PORT], like quay.io or localhost:5000",
	                    registry);
}

int login_registry(const char *typed, char **registry, struct err *e)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	char key[CREDENTIAL_KEY_SIZE];
	*registry = NULL;
	if (!typed || !*typed)
		return registries_first(registry, e);
	if (!credential_key(typed, key))
		return err_set(e, ERR_USAGE, "\"%.200s\" is no registry; expected HOST[:PORT]", typed);
	if (parse(key, &ref, e) < 0)
		return -1;
	*registry = strdup(key);
	return *registry ? 0 : err_no_memory(e);
}

/* What the registry says to it is of use, the advice to log in is not. */
static int refused(const struct login_request *q, struct err *e)
{
	static const char unknown[] = "(401): ";
	char *advice = strstr(e->msg, "; log in first");
	char *user_advice = strstr(e->msg, "; look at the name");
	if (advice)
		*advice = '\0';
	if (user_advice)
		*user_advice = '\0';
	/* whoever gives tokens is asked on the way: that is of no interest */
	char *words = strstr(e->msg, unknown);
	if (words)
		memmove(e->msg, words + sizeof(unknown) - 1, strlen(words + sizeof(unknown) - 1) + 1);
	return err_wrap(e, "%s has not accepted this user and password", q->registry);
}

int login_check(const struct login_request *q, const struct credential *c, struct err *e)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	const struct remote_options o = {
	        .access = REMOTE_PULL, .authfile = q->authfile, .credential = c, .insecure = q->insecure};
	if (parse(q->registry, &ref, e) < 0)
		return -1;
	cleanup_registries struct registries *r = registries_load(q->cert_dir, e);
	cleanup_http struct http *h = r ? http_new(e) : NULL;
	cleanup_remote struct remote *remote = h ? remote_open(h, r, &ref, &o, e) : NULL;
	if (!remote)
		return -1;
	if (remote_ping(remote, e) == 0)
		return 0;
	return e->kind == ERR_PERMISSION ? refused(q, e) : -1;
}

int login(const struct login_request *q, const struct credential *c, char **where, struct err *e)
{
	*where = NULL;
	if (c->username && strchr(c->username, ':'))
		return err_set(e, ERR_USAGE, "a user name holds no ':'");
	if (login_check(q, c, e) < 0)
		return -1;
	return credential_store(q->authfile, q->registry, c, where, e);
}
