/* One repository is gone through: what its tags reach is kept. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/gc.h"
#include "registry/server/quota.h"
#include "registry/server/repository.h"

#define DOCUMENT_MAX ((size_t)64 << 20)

/* A blob of the repository, and what of the index is about it. */
struct item {
	struct digest digest;
	uint64_t size;
	int64_t touched;
	bool manifest; /* in the index */
	bool kept;
};
struct tag {
	char name[TAG_MAX + 1];
	struct digest digest;
};
struct sweep {
	struct repository *r;
	const struct gc_options *options;
	struct gc_result *result;
	int64_t limit;      /* what was touched then or later stays */
	struct item *items; /* by digest */
	size_t n_items, cap_items;
	struct tag *tags;
	size_t n_tags, cap_tags;
	struct item **pending; /* kept manifests whose documents have not been read yet */
	size_t n_pending;
	bool unsure; /* a document could not be read: no blob is removed */
};

static void *grow(void *list, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	size_t more = *cap ? *cap * 2 : 64;
	void *grown = realloc(list, more * size);
	if (grown)
		*cap = more;
	return grown;
}

static int by_digest(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int alg = strcmp(x->digest.alg, y->digest.alg);
	return alg ? alg : strcmp(x->digest.hex, y->digest.hex);
}

static struct item *find(const struct sweep *w, const struct digest *d)
{
	struct item key = {.digest = *d};
	return w->n_items ? bsearch(&key, w->items, w->n_items, sizeof(key), by_digest) : NULL;
}

/* ------------------------------------------------------------------ what there is */

static int add_item(void *arg, const struct digest *d, uint64_t size, unsigned links, int64_t touched)
{
	struct sweep *w = arg;
	struct item *grown = grow(w->items, w->n_items, &w->cap_items, sizeof(*grown));
	(void)links;
	if (!grown)
		return -1;
	w->items = grown;
	w->items[w->n_items++] = (struct item){.digest = *d, .size = size, .touched = touched};
	return 0;
}

static int add_manifest(void *arg, const struct digest *d, const char *media_type, const char *tag)
{
	struct sweep *w = arg;
	struct item *item = find(w, d);
	(void)media_type;
	if (item)
		item->manifest = true;
	if (!*tag)
		return 0;
	struct tag *grown = grow(w->tags, w->n_tags, &w->cap_tags, sizeof(*grown));
	if (!grown)
		return -1;
	w->tags = grown;
	struct tag *t = &w->tags[w->n_tags++];
	memccpy(t->name, tag, '\0', sizeof(t->name));
	t->name[TAG_MAX] = '\0';
	t->digest = *d;
	return 0;
}

static int look(struct sweep *w, struct err *e)
{
	if (blobs_each(w->r->storage, w->r, add_item, w, e) < 0)
		return err_wrap(e, "%s", w->r->name);
	if (w->n_items)
		qsort(w->items, w->n_items, sizeof(*w->items), by_digest);
	return manifests_each(w->r, add_manifest, w) < 0 ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ what is kept */

static json *document(struct sweep *w, const struct digest *d)
{
	uint64_t size;
	cleanup_buf struct buf b = BUF_INIT_MAX(DOCUMENT_MAX);
	cleanup_fd int fd = blob_get(w->r, d, &size);
	json *j =
	        fd >= 0 && read_to_buf(fd, &b) == 0 ? json_parse(buf_str(&b), b.len, "manifest", NULL) : NULL;
	/* What it names is unknown then; better too much left than too much removed. */
	w->unsure |= !j;
	return j;
}

static void mark(struct sweep *w, struct item *item)
{
	if (item->kept)
		return;
	item->kept = true;
	if (item->manifest)
		w->pending[w->n_pending++] = item;
}

static void mark_named(struct sweep *w, json *descriptor)
{
	struct digest d;
	struct item *item = digest_read(json_str(descriptor, "digest", NULL), &d) ? find(w, &d) : NULL;
	if (item)
		mark(w, item);
}

static void mark_list(struct sweep *w, json *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++)
		mark_named(w, json_object_array_get_idx(list, i));
}

/* The item and all that it names. A list instead of recursion: who pushes an index of an index of an index
 * decides how deep it goes. Each item gets into the list once. */
static void keep(struct sweep *w, struct item *item)
{
	mark(w, item);
	while (w->n_pending > 0) {
		cleanup_json json *doc = document(w, &w->pending[--w->n_pending]->digest);
		mark_named(w, json_get(doc, "config"));
		mark_list(w, json_get(doc, "layers"));
		mark_list(w, json_get(doc, "blobs"));
		mark_list(w, json_get(doc, "manifests"));
	}
}

static bool refers_to_kept(struct sweep *w, const struct item *item)
{
	struct digest d;
	cleanup_json json *doc = document(w, &item->digest);
	const struct item *subject =
	        digest_read(json_str(json_get(doc, "subject"), "digest", NULL), &d) ? find(w, &d) : NULL;
	return subject && subject->kept;
}

/* Signatures and the like live as long as what they speak of. */
static void keep_referrers(struct sweep *w)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < w->n_items; i++) {
			struct item *item = &w->items[i];
			if (!item->manifest || item->kept || !refers_to_kept(w, item))
				continue;
			keep(w, item);
			more = true;
		}
	}
}

/* The tags that are given up, in front; how many. */
static size_t decide_tags(struct sweep *w, int64_t now, struct err *e)
{
	struct keep_tag *tags = calloc(w->n_tags + 1, sizeof(*tags));
	size_t n = 0;
	if (!tags) {
		err_no_memory(e);
		return SIZE_MAX;
	}
	for (size_t i = 0; i < w->n_tags; i++) {
		const struct item *item = find(w, &w->tags[i].digest);
		tags[i] = (struct keep_tag){.name = w->tags[i].name, .pushed = item ? item->touched : now};
	}
	keep_decide(&w->options->keep, w->r->name, tags, w->n_tags, now);
	for (size_t i = 0; i < w->n_tags; i++) {
		if (tags[i].kept)
			continue;
		for (size_t k = n; k < w->n_tags; k++) {
			if (w->tags[k].name != tags[i].name)
				continue;
			struct tag given_up = w->tags[k];
			w->tags[k] = w->tags[n];
			w->tags[n++] = given_up;
			break;
		}
	}
	free(tags);
	return n;
}

static void decide_manifests(struct sweep *w, size_t given_up)
{
	for (size_t i = given_up; i < w->n_tags; i++) {
		struct item *item = find(w, &w->tags[i].digest);
		if (item)
			keep(w, item);
	}
	for (size_t i = 0; i < w->n_items; i++)
		if (w->items[i].manifest && (w->options->keep_untagged || w->items[i].touched >= w->limit))
			keep(w, &w->items[i]);
	keep_referrers(w);
}

/* ------------------------------------------------------------------ what goes */

static int drop_manifests(struct sweep *w, size_t given_up, struct err *e)
{
	size_t n = 0;
	cleanup_strv char **tags = NULL;
	struct digest *gone = calloc(w->n_items + 1, sizeof(*gone));
	if (!gone)
		return err_no_memory(e);
	for (size_t i = 0; i < w->n_items; i++)
		if (w->items[i].manifest && !w->items[i].kept)
			gone[n++] = w->items[i].digest;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < given_up; i++)
		rc = strv_add(&tags, w->tags[i].name) < 0 ? err_no_memory(e) : 0;
	if (rc == 0 && (given_up || n) && !w->options->dry_run)
		rc = manifests_drop(w->r, tags, gone, n, e);
	free(gone);
	if (rc < 0)
		return -1;
	w->result->tags += (unsigned)given_up;
	w->result->manifests += (unsigned)n;
	return 0;
}

static int drop_blob(void *arg, const struct digest *d, uint64_t size, unsigned links, int64_t touched)
{
	struct sweep *w = arg;
	const struct item *item = find(w, d);
	/* One that came after the look is young; one asked for since has a new grace. */
	if (!item || item->kept || touched >= w->limit)
		return 0;
	w->result->blobs++;
	/* Nothing is unlinked, so the storage's own round doesn't see that nobody else has it. */
	if (w->options->dry_run && links <= 2)
		w->result->bytes += size;
	if (w->options->dry_run || blob_drop(w->r->storage, w->r, d, NULL) < 0)
		return 0;
	if (w->options->quota)
		quota_give(w->options->quota, QUOTA_REPOSITORY, w->r->name, size);
	return 0;
}

/* What a process that was killed had written half: nobody writes here now, and who does so elsewhere is
 * young.
 */
static void drop_leftovers(const struct sweep *w, const char *path)
{
	int fd = openat(w->r->dir, path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct stat st;
	if (!dir)
		return close_fd(&fd);
	for (struct dirent *d; (d = readdir(dir));)
		if (strncmp(d->d_name, ".tmp-", 5) == 0 &&
		        fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		        (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec < w->limit)
			unlinkat(fd, d->d_name, 0);
}

static void drop_all_leftovers(const struct sweep *w)
{
	static const char *const paths[] = {".", "referrers/sha256", "referrers/sha512"};
	for (size_t i = 0; !w->options->dry_run && i < sizeof(paths) / sizeof(paths[0]); i++)
		drop_leftovers(w, paths[i]);
}

static int drop_blobs(struct sweep *w, struct err *e)
{
	if (w->unsure) {
		log_line(LOG_LEVEL_WARN, "gc: a manifest of %s cannot be read, so all of its blobs are kept",
		        w->r->name);
		return 0;
	}
	storage_collect_begin(w->r->storage);
	int rc = blobs_each(w->r->storage, w->r, drop_blob, w, e);
	storage_collect_end(w->r->storage);
	return rc;
}

static int sweep_frozen(struct sweep *w, int64_t now, struct err *e)
{
	if (look(w, e) < 0)
		return -1;
	w->pending = calloc(w->n_items + 1, sizeof(struct item *));
	if (!w->pending)
		return err_no_memory(e);
	size_t given_up = decide_tags(w, now, e);
	if (given_up == SIZE_MAX)
		return -1;
	decide_manifests(w, given_up);
	drop_all_leftovers(w);
	return drop_manifests(w, given_up, e) < 0 ? -1 : drop_blobs(w, e);
}

int gc_repository(struct repository *r, const struct gc_options *o, int64_t now, struct gc_result *result,
        struct err *e)
{
	struct sweep w = {.r = r, .options = o, .result = result, .limit = gc_limit(o, now)};
	if (r->read_only)
		return 0;
	repository_freeze(r);
	int rc = sweep_frozen(&w, now, e);
	repository_thaw(r);
	free(w.items);
	free(w.tags);
	free(w.pending);
	return rc;
}
