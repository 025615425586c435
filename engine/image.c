#include "engine/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "base/units.h"
#include "engine/events.h"
#include "engine/image_users.h"
#include "engine/oci/reference.h"
#include "engine/store/blob.h"
#include "engine/store/layer.h"

/* All images; freed together. */
struct image_set {
	struct image *list;
	size_t n;
};

static void image_set_free(struct image_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		image_free(&set->list[i]);
	free(set->list);
}
#define cleanup_image_set __attribute__((cleanup(image_set_free)))

/* ------------------------------------------------------------------ the image that a run needs */

/* The file that ships docker.io/library/NAME:latest. -1 when there is none. */
static int embedded_path(const char *ref, char *dst, size_t size)
{
	cleanup_reference struct reference r = REFERENCE_INIT;
	if (reference_parse(ref, &r, NULL) < 0 || strcmp(r.domain, "docker.io") != 0 ||
	        strncmp(r.path, "library/", 8) != 0 || !r.tag || strcmp(r.tag, "latest") != 0 ||
	        digest_is_set(&r.digest))
		return -1;
	cleanup_free char *name = str_printf("images/%s.tar", r.path + 8);
	return name ? data_path(name, dst, size, NULL) : -1;
}

static int run_load(const struct store *s, const char *file, struct err *e)
{
	char helper[4096];
	int status;
	if (helper_path("tare-transfer", helper, sizeof(helper), e) < 0)
		return -1;
	char *argv[] = {helper, "load", "--quiet", "--root", s->root, "--state", s->state, "--input",
	        (char *)(uintptr_t)file, NULL};
	const struct spawn spawn = {.argv = argv, .keep_fd = -1};
	if (spawn_wait(&spawn, &status, e) < 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(e, ERR_OTHER, "tare-transfer could not load %s", file);
	return 0;
}

/* Of many that want it at the same time one loads it. */
static int load_embedded(
        const struct store *s, const char *ref, const char *file, struct image *out, struct err *e)
{
	cleanup_fd int lock = lock_take(s->root_fd, "embedded.lock", LOCK_EXCLUSIVE, e);
	if (lock < 0)
		return -1;
	if (image_find(s, ref, out, NULL) == 0)
		return 0;
	return run_load(s, file, e) < 0 ? -1 : image_find(s, ref, out, e);
}

int image_ensure(const struct store *s, const char *ref, struct image *out, struct err *e)
{
	char file[4096];
	struct err why = ERR_INIT;
	if (image_find(s, ref, out, &why) == 0)
		return 0;
	if (why.kind == ERR_NOT_FOUND && embedded_path(ref, file, sizeof(file)) == 0)
		return load_embedded(s, ref, file, out, e);
	if (e)
		*e = why;
	return -1;
}

/* ------------------------------------------------------------------ list */

static int name_row(const struct image *i, struct tare_image *row)
{
	cleanup_reference struct reference r = REFERENCE_INIT;
	if (!i->reference) {
		row->repository = strdup("<none>");
		row->tag = strdup("<none>");
	} else if (reference_parse(i->reference, &r, NULL) == 0) {
		row->reference = strdup(i->reference);
		row->repository = reference_familiar_repository(&r);
		row->tag = strdup(r.tag ? r.tag : "<none>");
	} else { /* another program wrote the layout: shown as it is */
		row->reference = strdup(i->reference);
		row->repository = strdup(i->reference);
		row->tag = strdup("<none>");
	}
	return row->repository && row->tag ? 0 : -1;
}

/* What a registry knows the image by. */
static const struct digest *repo_digest(const struct image *i)
{
	return digest_is_set(&i->pulled) ? &i->pulled : &i->manifest_digest;
}

static int fill_row(const struct image *i, const struct image_users *users, struct tare_image *row)
{
	char text[DIGEST_TEXT_SIZE];
	row->id = strdup(digest_text(&i->config_digest, text));
	row->digest = strdup(digest_text(repo_digest(i), text));
	row->created = i->config.created;
	row->size = i->size;
	row->n_layers = (unsigned)i->config.n_diff_ids;
	row->n_containers = image_users_count(users, &i->config_digest, NULL);
	row->labels = i->config.labels ? json_object_get(i->config.labels) : NULL;
	return name_row(i, row) < 0 || !row->id || !row->digest ? -1 : 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct tare_image *x = a, *y = b;
	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	int name = strcmp(x->repository, y->repository);
	return name ? name : strcmp(x->tag, y->tag);
}

bool image_is_spare(const struct image *list, size_t n, size_t at)
{
	for (size_t i = 0; !list[at].reference && i < n; i++)
		if (list[i].reference && digest_equal(&list[i].config_digest, &list[at].config_digest))
			return true;
	return false;
}

int images_list(const struct store *s, struct tare_image_list *out, struct err *e)
{
	cleanup_image_set struct image_set set = {0};
	cleanup_image_users struct image_users users = IMAGE_USERS_INIT;
	memset(out, 0, sizeof(*out));
	if (image_list(s, &set.list, &set.n, e) < 0 || image_users_read(s, &users, e) < 0)
		return -1;
	out->rows = calloc(set.n ? set.n : 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t i = 0; i < set.n; i++) {
		if (image_is_spare(set.list, set.n, i))
			continue;
		if (fill_row(&set.list[i], &users, &out->rows[out->n++]) < 0) {
			tare_image_list_free(out);
			return err_no_memory(e);
		}
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof(*out->rows), newest_first);
	return 0;
}

/* ------------------------------------------------------------------ inspect */

/* RepoTags and RepoDigests: all names of the same image. */
static int add_names(const struct store *s, const struct image *i, json *tags, json *digests, struct err *e)
{
	cleanup_image_set struct image_set set = {0};
	char text[DIGEST_TEXT_SIZE];
	if (image_list(s, &set.list, &set.n, e) < 0)
		return -1;
	for (size_t k = 0; k < set.n; k++) {
		const struct image *other = &set.list[k];
		cleanup_reference struct reference r = REFERENCE_INIT;
		if (!other->reference || !digest_equal(&other->config_digest, &i->config_digest) ||
		        reference_parse(other->reference, &r, NULL) < 0)
			continue;
		cleanup_free char *name = reference_familiar(&r),
		                  *repository = reference_familiar_repository(&r);
		cleanup_free char *by_digest =
		        repository ? str_printf("%s@%s", repository, digest_text(repo_digest(other), text))
		                   : NULL;
		if (!name || !by_digest)
			return err_no_memory(e);
		json_add_str(tags, name);
		json_add_str(digests, by_digest);
	}
	return 0;
}

static const char *last_comment(json *history)
{
	size_t n = history ? json_object_array_length(history) : 0;
	return n ? json_str(json_object_array_get_idx(history, n - 1), "comment", "") : "";
}

static json *rootfs_json(const struct image_config *c)
{
	char text[DIGEST_TEXT_SIZE];
	json *rootfs = json_object_new_object(), *layers = json_object_new_array();
	for (size_t i = 0; i < c->n_diff_ids; i++)
		json_add_str(layers, digest_text(&c->diff_ids[i], text));
	json_set_str(rootfs, "Type", "layers");
	json_set(rootfs, "Layers", layers);
	return rootfs;
}

static json *descriptor_json(const struct store *s, const struct image *i)
{
	struct descriptor d = {.media_type = i->media_type, .digest = i->manifest_digest};
	blob_exists(s, &d.digest, &d.size);
	return descriptor_to_json(&d);
}

int image_inspect(const struct store *s, const char *ref, json **out, struct err *e)
{
	char text[DIGEST_TEXT_SIZE], when[TIME_TEXT_SIZE];
	cleanup_image struct image i = IMAGE_INIT;
	if (image_ensure(s, ref, &i, e) < 0)
		return -1;
	cleanup_json json *j = json_object_new_object();
	json *tags = json_object_new_array(), *digests = json_object_new_array();
	const struct image_config *c = &i.config;
	json_set_str(j, "Id", digest_text(&i.config_digest, text));
	json_set(j, "RepoTags", tags);
	json_set(j, "RepoDigests", digests);
	if (add_names(s, &i, tags, digests, e) < 0)
		return -1;
	json_set_str(j, "Comment", last_comment(c->history));
	json_set_str(j, "Created", time_format(c->created, when));
	json_set_str(j, "Author", c->author ? c->author : "");
	json_set(j, "Config", image_config_run_json(c));
	json_set_str(j, "Architecture", c->architecture ? c->architecture : "");
	if (c->variant)
		json_set_str(j, "Variant", c->variant);
	json_set_str(j, "Os", c->os ? c->os : "");
	json_set_int(j, "Size", (int64_t)image_unpacked_size(s, &i));
	json_set(j, "RootFS", rootfs_json(c));
	json_set(j, "Descriptor", descriptor_json(s, &i));
	if (c->history)
		json_set(j, "History", json_object_get(c->history));
	*out = steal_ptr(&j);
	return 0;
}

/* ------------------------------------------------------------------ tag */

int image_tag(const struct store *s, const char *ref, const char *new_ref, struct err *e)
{
	cleanup_image struct image i = IMAGE_INIT;
	cleanup_reference struct reference r = REFERENCE_INIT;
	char text[DIGEST_TEXT_SIZE];
	if (reference_parse(new_ref, &r, e) < 0)
		return -1;
	if (digest_is_set(&r.digest))
		return err_set(
		        e, ERR_USAGE, "\"%.300s\" names a digest; a tag is like busybox:mine", new_ref);
	if (image_ensure(s, ref, &i, e) < 0)
		return -1;
	cleanup_free char *full = reference_full(&r);
	if (!full)
		return err_no_memory(e);
	struct descriptor d = {.media_type = i.media_type, .digest = i.manifest_digest};
	if (!blob_exists(s, &d.digest, &d.size))
		return err_set(
		        e, ERR_CORRUPT, "the image store is damaged: blob %.64s is missing", d.digest.hex);
	if (image_index_add(s, full, &d, e) < 0)
		return -1;
	json *attributes = json_object_new_object();
	json_set_str(attributes, "name", new_ref);
	event_emit(s, "image", "tag", digest_text(&i.config_digest, text), attributes);
	return 0;
}

void image_event(const struct store *s, const char *action, const char *id, const char *name)
{
	json *attributes = json_object_new_object();
	json_set_str(attributes, "name", name ? name : id);
	event_emit(s, "image", action, id, attributes);
}

/* As Docker has it: the reference is the actor. */
static void moved(const char *root, const char *state, const char *reference, const char *action)
{
	struct store s;
	cleanup_reference struct reference r = REFERENCE_INIT;
	if (reference_parse(reference, &r, NULL) < 0)
		return;
	cleanup_free char *name = reference_familiar(&r), *repository = reference_familiar_repository(&r);
	if (!name || !repository || store_open(&s, root, state, NULL) < 0)
		return;
	json *attributes = json_object_new_object();
	json_set_str(attributes, "name", repository);
	event_emit(&s, "image", action, name, attributes);
	store_close(&s);
}

void tare_image_pulled(const char *root, const char *state, const char *reference)
{
	moved(root, state, reference, "pull");
}

void tare_image_pushed(const char *root, const char *state, const char *reference)
{
	moved(root, state, reference, "push");
}
