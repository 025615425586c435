#include "registry/client/push.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/oci/reference.h"
#include "engine/store/image_index.h"
#include "engine/store/store.h"
#include "registry/client/http.h"
#include "registry/client/push_parts.h"
#include "registry/client/push_target.h"
#include "registry/client/registries.h"
#include "registry/client/remote.h"

#define AT_A_TIME HTTP_STREAMS

struct pusher {
	const struct push_options *o;
	struct store store;
	bool is_open;
	struct registries *registries;
	struct http *http;
};

/* ------------------------------------------------------------------ its life */

static int check_options(const struct push_options *o, struct err *e)
{
	static const char *const kinds[] = {"gzip", "zstd", "none"};
	bool known = !o->compression;

	for (size_t i = 0; !known && i < sizeof(kinds) / sizeof(*kinds); i++)
		known = strcmp(o->compression, kinds[i]) == 0;
	if (!known)
		return err_set(e, ERR_USAGE, "unknown compression \"%.100s\"; expected gzip, zstd or none",
		        o->compression);
	if (o->format && strcmp(o->format, "oci") != 0 && strcmp(o->format, "docker") != 0)
		return err_set(e, ERR_USAGE, "unknown format \"%.100s\"; expected oci or docker", o->format);
	return 0;
}

struct pusher *pusher_new(const struct push_options *o, struct err *e)
{
	if (check_options(o, e) < 0)
		return NULL;
	cleanup_pusher struct pusher *p = calloc(1, sizeof(*p));
	if (!p)
		return err_set_null(e, ERR_OTHER, "out of memory");
	p->o = o;
	if (store_open(&p->store, o->root, o->state, e) < 0)
		return NULL;
	p->is_open = true;
	if (!(p->registries = registries_load(o->certs_dir, e)) || !(p->http = http_new(e)))
		return NULL;
	return steal_ptr(&p);
}

void pusher_free(struct pusher *p)
{
	if (!p)
		return;
	http_free(p->http);
	registries_free(p->registries);
	if (p->is_open)
		store_close(&p->store);
	free(p);
}

void pusher_free_ptr(struct pusher **p)
{
	pusher_free(*p);
	*p = NULL;
}

void pushed_free(struct pushed *p)
{
	free(p->reference);
	*p = (struct pushed)PUSHED_INIT;
}

/* ------------------------------------------------------------------ names of the same registry */

static size_t count_shared(const struct push_parts *parts, const struct manifest *m)
{
	size_t n = 0;

	for (size_t i = 0; i < parts->n; i++)
		for (size_t k = 0; k < m->n_layers; k++)
			n += digest_equal(&parts->list[i].blob.digest, &m->layers[k].digest);
	return n;
}

/* The repository there that has most of these layers, as far as the store's names tell: blobs are mounted
 * from it instead of sent. NULL: none. */
static char *find_mount(
        const struct pusher *p, const struct push_parts *parts, const struct reference *target)
{
	struct image *list = NULL;
	size_t n = 0, most = 0;
	char *best = NULL;

	if (image_list(&p->store, &list, &n, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		cleanup_reference struct reference r = REFERENCE_INIT;
		size_t has = 0;

		if (list[i].reference && reference_parse(list[i].reference, &r, NULL) == 0 &&
		        strcmp(r.domain, target->domain) == 0 && strcmp(r.path, target->path) != 0)
			has = count_shared(parts, &list[i].manifest);
		if (has > most) {
			most = has;
			free(best);
			best = steal_ptr(&r.path);
		}
		image_free(&list[i]);
	}
	free(list);
	return best;
}

/* ------------------------------------------------------------------ uploads, six at a time */

struct sending;
struct flight {
	struct sending *sending;
	struct push_part *part;
	int fd;
};
struct sending {
	const struct pusher *pusher;
	const struct push_parts *parts;
	struct remote *remote;
	const char *mount_from;
	struct flight *flights; /* the largest first */
	size_t next, under_way;
	bool failed;
	struct err why;
};

static void start_next(struct sending *s);

static void on_progress(void *arg, uint64_t sent)
{
	const struct flight *f = arg;
	struct progress *p = f->sending->pusher->o->progress;

	if (p)
		progress_step(p, f->part->label, "pushing", sent, f->part->blob.size);
}

static void fail(struct sending *s, const struct err *why)
{
	if (!s->failed)
		s->why = *why;
	s->failed = true;
}

static void on_done(void *arg, enum remote_outcome outcome, const struct err *why)
{
	struct flight *f = arg;
	struct sending *s = f->sending;
	static const char *const words[] = {
	        [REMOTE_EXISTED] = "exists", [REMOTE_MOUNTED] = "mounted", [REMOTE_UPLOADED] = "done"};

	close_fd(&f->fd);
	s->under_way--;
	if (why)
		fail(s, why);
	else if (s->pusher->o->progress)
		progress_done(s->pusher->o->progress, f->part->label, words[outcome]);
	start_next(s);
}

static int start(struct flight *f, struct err *e)
{
	struct sending *s = f->sending;
	const struct remote_upload u = {.blob = &f->part->blob,
	        .fd = f->fd = push_part_open(s->parts, f->part, e),
	        .mount_from = s->mount_from,
	        .progress = on_progress,
	        .done = on_done,
	        .arg = f};

	if (f->fd < 0)
		return -1;
	s->under_way++;
	if (remote_upload(s->remote, &u, e) == 0)
		return 0;
	s->under_way--;
	close_fd(&f->fd);
	return -1;
}

static void start_next(struct sending *s)
{
	struct err why = ERR_INIT;

	while (!s->failed && s->under_way < AT_A_TIME && s->next < s->parts->n)
		if (start(&s->flights[s->next++], &why) < 0)
			fail(s, &why);
}

static int largest_first(const void *a, const void *b)
{
	const struct flight *x = a, *y = b;

	if (x->part->blob.size == y->part->blob.size)
		return 0;
	return x->part->blob.size < y->part->blob.size ? 1 : -1;
}

static int send_all(struct sending *s, struct err *e)
{
	start_next(s);
	while (s->under_way && !s->failed)
		if (http_step(s->pusher->http, -1, e) < 0)
			return -1;
	if (!s->failed)
		return 0;
	if (e)
		*e = s->why;
	return -1;
}

static int send_parts(struct sending *s, struct err *e)
{
	size_t n = s->parts->n;

	s->flights = calloc(n ? n : 1, sizeof(*s->flights));
	if (!s->flights)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++) {
		s->flights[i] = (struct flight){.sending = s, .part = &s->parts->list[i], .fd = -1};
		if (s->pusher->o->progress)
			progress_step(s->pusher->o->progress, s->parts->list[i].label, "waiting", 0,
			        s->parts->list[i].blob.size);
	}
	qsort(s->flights, n, sizeof(*s->flights), largest_first);
	return send_all(s, e);
}

/* ------------------------------------------------------------------ one image */

static struct remote *open_remote(
        const struct pusher *p, const struct reference *target, const char *mount_from, struct err *e)
{
	const struct remote_options o = {.access = REMOTE_PUSH,
	        .authfile = p->o->authfile,
	        .credential = p->o->credential,
	        .insecure = p->o->insecure,
	        .mount_from = mount_from};

	return remote_open(p->http, p->registries, target, &o, e);
}

/* The tag is that image already: nothing is to be done, and nobody's rights to push are tried for it. */
static bool is_there(struct remote *r, const char *tag, const struct digest *digest)
{
	struct descriptor d = {0};
	bool same = remote_head(r, tag, &d, NULL) == 0 && digest_equal(&d.digest, digest);

	descriptor_free(&d);
	return same;
}

static int push_parts(const struct pusher *p, const struct push_parts *parts, const struct reference *target,
        struct pushed *out, struct err *e)
{
	cleanup_free char *mount_from = find_mount(p, parts, target);
	struct sending s = {.pusher = p, .parts = parts, .mount_from = mount_from};

	s.remote = open_remote(p, target, mount_from, e);
	if (!s.remote)
		return -1;
	int rc = 0;
	out->changed = !is_there(s.remote, target->tag, &parts->manifest.digest);
	if (out->changed)
		rc = send_parts(&s, e);
	if (rc == 0 && out->changed)
		rc = remote_put_manifest(s.remote, target->tag, &parts->manifest, parts->document.data,
		        parts->document.len, e);
	s.failed = true; /* what is dropped now starts nothing new */
	remote_free(s.remote);
	free(s.flights);
	return rc;
}

static int push_image(const struct pusher *p, const struct image *image, const struct reference *target,
        struct pushed *out, struct err *e)
{
	cleanup_push_parts struct push_parts parts = PUSH_PARTS_INIT;

	if (push_parts_make(&parts, &p->store, image, p->o, e) < 0 ||
	        push_parts(p, &parts, target, out, e) < 0)
		return -1;
	out->digest = parts.manifest.digest;
	out->size = parts.manifest.size;
	return 0;
}

/* An image that was named by its id has no place to go to; "c8e6d0a4" would be a repository of that name. */
static int check_name(const struct image *image, const char *name, struct err *e)
{
	cleanup_reference struct reference r = REFERENCE_INIT;

	if (reference_parse(name, &r, NULL) == 0 && !digest_is_set(&r.digest)) {
		cleanup_free char *full = reference_full(&r);
		if (full && image->reference && strcmp(full, image->reference) == 0)
			return 0;
	}
	return err_set(e, ERR_USAGE,
	        "\"%.100s\" is not a name to push to; say where: tare push %.100s HOST/NAME:TAG", name, name);
}

int pusher_push(
        struct pusher *p, const char *name, const char *destination, struct pushed *out, struct err *e)
{
	cleanup_image struct image image = IMAGE_INIT;
	cleanup_reference struct reference target = REFERENCE_INIT;

	*out = (struct pushed)PUSHED_INIT;
	if (image_find(&p->store, name, &image, e) < 0)
		return -1;
	if (!destination && check_name(&image, name, e) < 0)
		return -1;
	if (push_target(&p->store, destination ? destination : name, p->o->authfile, p->o->credential != NULL,
	            &target, &out->local, e) < 0)
		return -1;
	out->reference = reference_full(&target);
	if (!out->reference)
		return err_no_memory(e);
	if (push_image(p, &image, &target, out, e) == 0)
		return 0;
	/* What the registry said of the manifest comes with the name already. */
	return e && strncmp(e->msg, "cannot push ", 12) == 0 ? -1
	                                                     : err_wrap(e, "cannot push %s", out->reference);
}

int pusher_tags(struct pusher *p, const char *name, char ***out, struct err *e)
{
	cleanup_reference struct reference want = REFERENCE_INIT;
	struct image *list = NULL;
	size_t n = 0;
	int rc = 0;

	if (reference_parse(name, &want, e) < 0 || image_list(&p->store, &list, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		cleanup_reference struct reference r = REFERENCE_INIT;

		if (rc == 0 && list[i].reference && reference_parse(list[i].reference, &r, NULL) == 0 &&
		        r.tag && strcmp(r.domain, want.domain) == 0 && strcmp(r.path, want.path) == 0) {
			char *text = push_target_has_host(name) ? reference_full(&r) : reference_familiar(&r);
			rc = text ? strv_take(out, text) : -1;
		}
		image_free(&list[i]);
	}
	free(list);
	return rc < 0 ? err_no_memory(e) : 0;
}
