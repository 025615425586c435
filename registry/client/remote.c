/* A remote's life: where its endpoints are, who asks. */
#include "registry/client/remote.h"

#include <stdlib.h>
#include <string.h>

#include "registry/client/remote_private.h"

static char *copy_of(const char *s, bool *ok)
{
	char *copy = s ? strdup(s) : NULL;

	*ok &= !s || copy;
	return copy;
}

static int copy_options(struct remote *r, const struct remote_options *o)
{
	bool ok = true;

	r->access = o->access;
	r->authfile = copy_of(o->authfile, &ok);
	r->mount_from = copy_of(o->mount_from, &ok);
	if (o->credential) {
		r->given.username = copy_of(o->credential->username, &ok);
		r->given.password = copy_of(o->credential->password, &ok);
		r->given.identity_token = copy_of(o->credential->identity_token, &ok);
	}
	return ok ? 0 : -1;
}

static void set_endpoint(struct remote *r, size_t i, bool insecure)
{
	const struct registry_endpoint *is = &r->route.list[i];
	struct remote_endpoint *ep = &r->endpoints[i];

	ep->remote = r;
	ep->is = is;
	ep->tls = (struct http_tls){is->ca_file, is->cert_file, is->key_file, is->unverified || insecure};
	ep->plain_allowed = is->plain_http || is->http_only || insecure;
	if (is->http_only)
		ep->scheme = SCHEME_HTTP;
}

struct remote *remote_open_route(struct http *http, struct registry_route *route, const struct reference *ref,
        const struct remote_options *o, struct err *e)
{
	cleanup_remote struct remote *r = calloc(1, sizeof(*r));

	if (!r)
		return err_no_memory(e), NULL;
	r->http = http;
	r->route = *route;
	*route = (struct registry_route)REGISTRY_ROUTE_INIT;
	if (!r->route.n)
		return err_set_null(e, ERR_NOT_FOUND, "no registry has %s/%s", ref->domain, ref->path);
	r->n = r->route.n;
	r->endpoints = calloc(r->n, sizeof(*r->endpoints));
	r->domain = strdup(ref->domain);
	r->path = strdup(ref->path);
	r->name = str_printf("%s/%s", ref->domain, ref->path);
	if (!r->endpoints || !r->domain || !r->path || !r->name || copy_options(r, o) < 0)
		return err_no_memory(e), NULL;
	for (size_t i = 0; i < r->n; i++)
		set_endpoint(r, i, o->insecure);
	return steal_ptr(&r);
}

struct remote *remote_open(struct http *http, const struct registries *registries,
        const struct reference *ref, const struct remote_options *o, struct err *e)
{
	cleanup_route struct registry_route route = REGISTRY_ROUTE_INIT;

	if (registries_route(registries, ref->domain, ref->path, &route, e) < 0)
		return NULL;
	return remote_open_route(http, &route, ref, o, e);
}

void remote_free(struct remote *r)
{
	if (!r)
		return;
	r->closing = true;
	remote_calls_end(r);
	for (size_t i = 0; r->endpoints && i < r->n; i++)
		remote_auth_free(&r->endpoints[i].auth);
	free(r->endpoints);
	registry_route_free(&r->route);
	credential_free(&r->given);
	free(r->authfile);
	free(r->name);
	free(r->domain);
	free(r->path);
	free(r->mount_from);
	strv_free(r->warned);
	free(r);
}

void remote_free_ptr(struct remote **r)
{
	remote_free(*r);
	*r = NULL;
}

const char *remote_name(const struct remote *r)
{
	return r->name;
}

bool remote_may_ask(const struct remote *r, size_t at, bool by_digest)
{
	const struct remote_endpoint *ep = &r->endpoints[at];

	if (!ep->is->mirror)
		return true;
	if (ep->dead)
		return false;
	return ep->is->pulls == ENDPOINT_PULLS_ALL ||
	       ep->is->pulls == (by_digest ? ENDPOINT_PULLS_DIGEST : ENDPOINT_PULLS_TAG);
}

bool remote_may_ask_blob(const struct remote *r, size_t at)
{
	return remote_may_ask(r, at, true) || (r->endpoints[at].gave_manifest && !r->endpoints[at].dead);
}
