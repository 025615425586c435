#include "registry/client/pull.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "engine/oci/reference.h"
#include "engine/store/image_index.h"
#include "registry/client/http.h"
#include "registry/client/pull_image.h"
#include "registry/client/pull_tags.h"
#include "registry/client/registries.h"
#include "registry/client/remote.h"

struct puller {
	const struct pull_options *o;
	struct store store;
	bool is_open;
	struct platform platform;
	struct registries *registries;
	struct http *http; /* made when it is first needed */
};

int pull_policy_parse(const char *text, enum pull_policy *p, struct err *e)
{
	static const char *const names[] = {"always", "newer", "missing", "never"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0) {
			*p = (enum pull_policy)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown policy \"%.100s\"; one of missing, always, newer, never", text);
}

struct puller *puller_new(const struct pull_options *o, struct err *e)
{
	cleanup_puller struct puller *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set_null(e, ERR_OTHER, "out of memory");
	p->o = o;
	if (store_open(&p->store, o->root, o->state, e) < 0)
		return NULL;
	p->is_open = true;
	if (platform_parse(o->platform, &p->platform, e) < 0 ||
	        !(p->registries = registries_load(o->certs_dir, e)))
		return NULL;
	return steal_ptr(&p);
}

void puller_free(struct puller *p)
{
	if (!p)
		return;
	http_free(p->http);
	registries_free(p->registries);
	if (p->is_open)
		store_close(&p->store);
	free(p);
}

void puller_free_ptr(struct puller **p)
{
	puller_free(*p);
}

void pulled_free(struct pulled *p)
{
	free(p->reference);
	*p = (struct pulled)PULLED_INIT;
}

static struct remote *open_remote(struct puller *p, const struct reference *ref, struct err *e)
{
	const struct remote_options o = {.access = REMOTE_PULL,
	        .authfile = p->o->authfile,
	        .credential = p->o->credential,
	        .insecure = p->o->insecure};
	if (!p->http && !(p->http = http_new(e)))
		return NULL;
	return remote_open(p->http, p->registries, ref, &o, e);
}

/* ------------------------------------------------------------------ one full reference */

/* The name that the image gets: with a tag it is that, else its digest is the name. */
static char *kept_name(const struct reference *ref)
{
	struct reference kept = *ref;
	if (kept.tag)
		memset(&kept.digest, 0, sizeof(kept.digest));
	return reference_full(&kept);
}

/* What the registry has. A digest says itself what it is. */
static int ask(struct remote *r, const struct reference *ref, struct descriptor *d, struct err *e)
{
	if (!digest_is_set(&ref->digest))
		return remote_head(r, ref->tag, d, e);
	d->digest = ref->digest;
	return 0;
}

static int pull_known(struct puller *p, const struct descriptor *target, struct remote **remote,
        struct pulled *out, struct err *e)
{
	bool named = false;
	const struct pull_image i = {.store = &p->store,
	        .progress = p->o->progress,
	        .platform = &p->platform,
	        .http = p->http,
	        .remote = remote,
	        .reference = out->reference,
	        .target = target};
	if (!pull_image_is_here(&i, out, &named))
		return pull_image_fetch(&i, out, e);
	out->changed = !named;
	return named ? 0 : pull_image_name(&i, e);
}

static int pull_remote(struct puller *p, const struct reference *ref, struct pulled *out, struct err *e)
{
	struct descriptor target = {0};
	cleanup_remote struct remote *remote = open_remote(p, ref, e);
	if (!remote)
		return -1;
	int rc = ask(remote, ref, &target, e);
	if (rc == 0)
		rc = pull_known(p, &target, &remote, out, e);
	descriptor_free(&target);
	return rc;
}

/* 0: it is here under that name, and described. */
static int look_here(struct puller *p, const struct reference *ref, struct pulled *out, struct err *e)
{
	cleanup_image struct image i = IMAGE_INIT;
	if (image_find(&p->store, out->reference, &i, e) < 0)
		return -1;
	if (digest_is_set(&ref->digest) && !digest_equal(&ref->digest, &i.manifest_digest) &&
	        !digest_equal(&ref->digest, &i.pulled))
		return err_set(e, ERR_NOT_FOUND, "%s is here, but with another digest", out->reference);
	if (p->o->platform && !platform_fits(&p->platform, &i.config))
		return err_set(
		        e, ERR_NOT_FOUND, "%s is here, but not for %s", out->reference, p->o->platform);
	out->digest = digest_is_set(&i.pulled) ? i.pulled : i.manifest_digest;
	out->id = i.config_digest;
	out->changed = false;
	return 0;
}

/* What the registry said comes with the name already. */
static int say_what(const char *full, struct err *e)
{
	return e && strncmp(e->msg, "cannot pull ", 12) == 0 ? -1 : err_wrap(e, "cannot pull %s", full);
}

static int pull_full(struct puller *p, const char *full, struct pulled *out, struct err *e)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	if (reference_parse(full, &ref, e) < 0)
		return -1;
	free(out->reference);
	out->reference = kept_name(&ref);
	if (!out->reference)
		return err_no_memory(e);
	if (p->o->policy == PULL_FROM_STORE)
		return look_here(p, &ref, out, e);
	if (p->o->policy == PULL_IF_MISSING && look_here(p, &ref, out, NULL) == 0)
		return 0;
	if (pull_remote(p, &ref, out, e) == 0)
		return 0;
	if (p->o->policy != PULL_ALWAYS_NEWER || look_here(p, &ref, out, NULL) < 0)
		return say_what(full, e);
	log_line(LOG_LEVEL_WARN, "%s; using %s as it is here", e ? e->msg : "it cannot be pulled",
	        out->reference);
	return 0;
}

/* ------------------------------------------------------------------ a name */

/* A short name may mean several; the first that is there is it. The first error is shown, for it is about
 * what was meant most likely. */
int puller_pull(struct puller *p, const char *name, struct pulled *out, struct err *e)
{
	cleanup_strv char **candidates = NULL;
	struct err first = ERR_INIT;
	*out = (struct pulled)PULLED_INIT;
	if (registries_names(p->registries, name, &candidates, e) < 0)
		return -1;
	strv_foreach (full, candidates) {
		struct err why = ERR_INIT;
		if (pull_full(p, *full, out, &why) == 0)
			return 0;
		if (!first.msg[0])
			first = why;
		if (why.kind == ERR_NO_SPACE)
			break;
	}
	pulled_free(out);
	if (e)
		*e = first;
	if (strv_len(candidates) > 1)
		err_wrap(e, "none of %zu registries has \"%.200s\"", strv_len(candidates), name);
	return -1;
}

static bool has_tag(const char *name)
{
	const char *last = strrchr(name, '/');
	return strchr(last ? last : name, ':') || strchr(name, '@');
}

int puller_tags(struct puller *p, const char *name, char ***out, struct err *e)
{
	cleanup_strv char **candidates = NULL, **tags = NULL;
	cleanup_reference struct reference ref = REFERENCE_INIT;
	*out = NULL;
	if (has_tag(name))
		return err_set(e, ERR_USAGE, "\"%.300s\" names one tag; for all of them leave it out", name);
	if (registries_names(p->registries, name, &candidates, e) < 0 ||
	        reference_parse(candidates[0], &ref, e) < 0)
		return -1;
	cleanup_remote struct remote *remote = open_remote(p, &ref, e);
	if (!remote || pull_tags(p->http, remote, &tags, e) < 0)
		return err_wrap(e, "cannot list the tags of %s/%s", ref.domain, ref.path);
	strv_foreach (tag, tags)
		if (strv_take(out, str_printf("%s/%s:%s", ref.domain, ref.path, *tag)) < 0) {
			strv_free_ptr(out);
			return err_no_memory(e);
		}
	return 0;
}
