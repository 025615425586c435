/* Taking images away, by Docker's rules. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/image.h"
#include "engine/image_users.h"
#include "engine/oci/reference.h"
#include "engine/store/layer.h"
#include "engine/store/partial.h"

/* What is to be removed, with everything that the decision needs. */
struct removal {
	const struct store *store;
	struct image image;
	struct image_users users;
	struct image *all; /* every entry of the index */
	size_t n_all;
	unsigned n_names; /* entries of this image that have a name */
	char *named;      /* the full name that was asked for; NULL: asked by id or digest */
	const struct image_user *user;
	unsigned n_users;
	bool force;
	char ***done;
};

static void removal_free(struct removal *r)
{
	image_free(&r->image);
	image_users_free(&r->users);
	for (size_t i = 0; i < r->n_all; i++)
		image_free(&r->all[i]);
	free(r->all);
	free(r->named);
}
#define cleanup_removal __attribute__((cleanup(removal_free)))

static bool is_same(const struct removal *r, const struct image *other)
{
	return digest_equal(&other->config_digest, &r->image.config_digest);
}

/* Was the image asked for by a name that it has? */
static int find_name(struct removal *r, const char *ref, struct err *e)
{
	cleanup_reference struct reference name = REFERENCE_INIT;
	struct digest d;
	if (digest_read(ref, &d) || reference_parse(ref, &name, NULL) < 0 || digest_is_set(&name.digest))
		return 0;
	cleanup_free char *full = reference_full(&name);
	if (!full)
		return err_no_memory(e);
	if (r->image.reference && strcmp(r->image.reference, full) == 0)
		r->named = steal_ptr(&full);
	return 0;
}

static int look(struct removal *r, const char *ref, struct err *e)
{
	if (image_find(r->store, ref, &r->image, e) < 0 || find_name(r, ref, e) < 0 ||
	        image_users_read(r->store, &r->users, e) < 0 ||
	        image_list(r->store, &r->all, &r->n_all, e) < 0)
		return -1;
	for (size_t i = 0; i < r->n_all; i++)
		r->n_names += is_same(r, &r->all[i]) && r->all[i].reference;
	r->n_users = image_users_count(&r->users, &r->image.config_digest, &r->user);
	return 0;
}

/* Does the image itself go, and not only one of its names? */
static bool is_last(const struct removal *r)
{
	return !r->named || r->n_names <= 1;
}

static int refuse_in_use(const struct removal *r, const char *ref, struct err *e)
{
	if (r->named)
		return err_set(e, ERR_CONFLICT,
		        "conflict: unable to remove repository reference \"%.300s\" (must force) - container "
		        "%.12s is using its "
		        "referenced image %.12s",
		        ref, r->user->id, r->image.config_digest.hex);
	return err_set(e, ERR_CONFLICT,
	        "conflict: unable to delete %.12s (%s) - image is being used by %s container %.12s",
	        r->image.config_digest.hex, r->user->running ? "cannot be forced" : "must be forced",
	        r->user->running ? "running" : "stopped", r->user->id);
}

static int check(const struct removal *r, const char *ref, struct err *e)
{
	if (!is_last(r))
		return 0;
	if (!r->named && r->n_names > 1 && !r->force)
		return err_set(e, ERR_CONFLICT,
		        "conflict: unable to delete %.12s (must be forced) - image is referenced in multiple "
		        "repositories",
		        r->image.config_digest.hex);
	if (r->n_users && (!r->force || (!r->named && r->user->running)))
		return refuse_in_use(r, ref, e);
	return 0;
}

static int untag(struct removal *r, const char *full, bool keep, struct err *e)
{
	bool deleted;
	char id[DIGEST_TEXT_SIZE];
	cleanup_free char *name = reference_shorten(full);
	if ((keep ? image_index_untag(r->store, full, e) : image_index_remove(r->store, full, &deleted, e)) <
	        0)
		return -1;
	if (!name || strv_take(r->done, str_printf("Untagged: %s", name)) < 0)
		return err_no_memory(e);
	image_event(r->store, "untag", digest_text(&r->image.config_digest, id), name);
	return 0;
}

static int drop_entries(struct removal *r, struct err *e)
{
	bool deleted, any = false;
	char text[DIGEST_TEXT_SIZE];
	for (size_t i = 0; i < r->n_all; i++) {
		const struct image *other = &r->all[i];
		if (!is_same(r, other))
			continue;
		any = true;
		if (other->reference ? untag(r, other->reference, false, e) < 0
		                     : image_index_remove(r->store,
		                               digest_text(&other->manifest_digest, text), &deleted, e) < 0)
			return -1;
	}
	/* the list leaves out what it could not read a moment after it was found */
	return any ? 0
	           : err_set(e, ERR_OTHER, "image %.12s cannot be read any more; nothing was removed",
	                     r->image.config_digest.hex);
}

static int delete_image(struct removal *r, struct err *e)
{
	char id[DIGEST_TEXT_SIZE];
	if (drop_entries(r, e) < 0)
		return -1;
	if (strv_take(r->done, str_printf("Deleted: %s", digest_text(&r->image.config_digest, id))) < 0)
		return err_no_memory(e);
	image_event(r->store, "delete", digest_text(&r->image.config_digest, id), NULL);
	return 0;
}

/* An image whose documents cannot be read can still be removed by its name: that is the way out. */
static int remove_damaged(const struct store *s, const char *ref, char ***done)
{
	bool deleted;
	cleanup_reference struct reference name = REFERENCE_INIT;
	if (reference_parse(ref, &name, NULL) < 0)
		return -1;
	cleanup_free char *full = reference_full(&name), *shown = reference_familiar(&name);
	if (!full || !shown || image_index_remove(s, full, &deleted, NULL) < 0)
		return -1;
	return strv_take(done, str_printf("Untagged: %s", shown));
}

/* Everything but the sweep. */
static int remove_one(const struct store *s, const char *ref, bool force, char ***done, struct err *e)
{
	cleanup_removal struct removal r = {.store = s, .force = force, .done = done};
	struct err why = ERR_INIT;
	if (look(&r, ref, &why) < 0) {
		if (why.kind == ERR_CORRUPT && remove_damaged(s, ref, done) == 0)
			return 0;
		if (e)
			*e = why;
		return -1;
	}
	if (check(&r, ref, e) < 0)
		return -1;
	if (!is_last(&r))
		return untag(&r, r.named, false, e);
	if (r.named && r.n_users && r.user->running)
		return untag(
		        &r, r.named, true, e); /* forced: the name goes, the image stays for who runs it */
	return delete_image(&r, e);
}

/* One that cannot be dropped now is dropped the next time. */
static void drop_spares(const struct store *s)
{
	struct image *list = NULL;
	size_t n = 0;
	bool deleted;
	char text[DIGEST_TEXT_SIZE];

	if (image_list(s, &list, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (image_is_spare(list, n, i))
			image_index_remove(s, digest_text(&list[i].manifest_digest, text), &deleted, NULL);
	for (size_t i = 0; i < n; i++)
		image_free(&list[i]);
	free(list);
}

static int sweep(const struct store *s, uint64_t *freed, struct err *e)
{
	drop_spares(s);
	return image_sweep(s, freed, e);
}

int image_remove(const struct store *s, const char *ref, bool force, char ***done, struct err *e)
{
	uint64_t freed;
	if (remove_one(s, ref, force, done, e) < 0)
		return -1;
	return sweep(s, &freed, e);
}

/* ------------------------------------------------------------------ prune, usage */

/* A layer counts once, however many images have it. */
static bool seen(const struct image *list, size_t at, const struct digest *layer)
{
	for (size_t i = 0; i < at; i++)
		for (size_t k = 0; k < list[i].config.n_diff_ids; k++)
			if (digest_equal(&list[i].config.diff_ids[k], layer))
				return true;
	return false;
}

/* Does the image go? */
static bool is_unused(const struct image *i, const struct image_users *users, bool all)
{
	return (all || !i->reference) && image_users_count(users, &i->config_digest, NULL) == 0;
}

/* Only what would go, and the layers that nothing else has. */
static void prune_preview(const struct store *s, const struct image *list, size_t n,
        const struct image_users *users, bool all, char ***removed, uint64_t *bytes)
{
	char text[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < n; i++) {
		if (!is_unused(&list[i], users, all) || image_is_spare(list, n, i))
			continue;
		const char *ref = list[i].reference;
		strv_add(removed, ref ? ref : digest_text(&list[i].config_digest, text));
		for (size_t k = 0; k < list[i].config.n_diff_ids; k++) {
			const struct digest *layer = &list[i].config.diff_ids[k];
			bool kept = seen(list, i, layer); /* counted already, or kept by one before */
			for (size_t j = i + 1; !kept && j < n; j++)
				kept = !is_unused(&list[j], users, all) && seen(&list[j], 1, layer);
			if (!kept)
				*bytes += layer_size(s, layer);
		}
	}
}

static void keep_running(struct image_users *users)
{
	size_t n = 0;

	for (size_t i = 0; i < users->n; i++)
		if (users->list[i].running)
			users->list[n++] = users->list[i];
	users->n = n;
}

/* Who asks for all that is not used means unfinished downloads, too. */
int image_gc(const struct store *s, bool partials, uint64_t *bytes, struct err *e)
{
	uint64_t freed = 0;

	if (sweep(s, bytes, e) < 0)
		return -1;
	if (partials && partial_sweep(s, INT64_MAX, &freed, e) < 0)
		return -1;
	*bytes += freed;
	return 0;
}

int image_prune(const struct store *s, unsigned flags, char ***removed, uint64_t *bytes, struct err *e)
{
	struct image *list = NULL;
	size_t n = 0;
	char text[DIGEST_TEXT_SIZE];
	bool all = flags & TARE_PRUNE_ALL, dry_run = flags & TARE_PRUNE_DRY_RUN;
	cleanup_image_users struct image_users users = IMAGE_USERS_INIT;
	if (image_users_read(s, &users, e) < 0 || image_list(s, &list, &n, e) < 0)
		return -1;
	if (dry_run && flags & TARE_PRUNE_FOR_RUNNING_ONLY)
		keep_running(&users);
	if (dry_run)
		prune_preview(s, list, n, &users, all, removed, bytes);
	/* What is spare goes with image_gc(): by its id an image with a name would go. */
	for (size_t i = 0; !dry_run && i < n; i++)
		if (is_unused(&list[i], &users, all) && !image_is_spare(list, n, i)) {
			/* One that is gone or in use by now is not our business any more. */
			const char *ref = list[i].reference;
			remove_one(s, ref ? ref : digest_text(&list[i].config_digest, text), false, removed,
			        NULL);
		}
	for (size_t i = 0; i < n; i++)
		image_free(&list[i]);
	free(list);
	return dry_run ? 0 : image_gc(s, all, bytes, e);
}

static bool same_image_before(const struct image *list, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (digest_equal(&list[i].config_digest, &list[at].config_digest))
			return true;
	return false;
}

static bool layer_in_use(
        const struct image *list, size_t n, const struct image_users *users, const struct digest *layer)
{
	for (size_t i = 0; i < n; i++)
		if (image_users_count(users, &list[i].config_digest, NULL) > 0 && seen(&list[i], 1, layer))
			return true;
	return false;
}

int images_usage(const struct store *s, unsigned *total, unsigned *active, uint64_t *size,
        uint64_t *reclaimable, struct err *e)
{
	struct image *list = NULL;
	size_t n = 0;
	cleanup_image_users struct image_users users = IMAGE_USERS_INIT;
	*total = *active = 0;
	*size = *reclaimable = 0;
	if (image_users_read(s, &users, e) < 0 || image_list(s, &list, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct image *im = &list[i];
		if (same_image_before(list, i))
			continue;
		++*total;
		*active += image_users_count(&users, &im->config_digest, NULL) > 0;
		for (size_t k = 0; k < im->config.n_diff_ids; k++) {
			const struct digest *layer = &im->config.diff_ids[k];
			if (seen(list, i, layer))
				continue;
			uint64_t bytes = layer_size(s, layer);
			*size += bytes;
			*reclaimable += layer_in_use(list, n, &users, layer) ? 0 : bytes;
		}
	}
	for (size_t i = 0; i < n; i++)
		image_free(&list[i]);
	free(list);
	return 0;
}
