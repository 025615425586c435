/* A repository in memory: its index, and the locks. For the files of the storage only; everybody else goes
 * through storage.h.
 *
 * The index is two sorted arrays. Who changes it holds `change`, prepares arrays beside those that are read,
 * writes and syncs them as index.json, and only then swaps them under `swap`: a reader never waits for a
 * disk, and never sees what could be gone after a power cut. */
#ifndef TARE_REGISTRY_REPOSITORY_H
#define TARE_REGISTRY_REPOSITORY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/server/storage.h"

struct err;

struct index_manifest { /* immutable once in an index */
	struct digest digest;
	uint64_t size;
	char media_type[MEDIA_TYPE_MAX + 1];
	bool tagged; /* used while the index is printed */
};
struct index_tag {
	char *tag;
	struct index_manifest *manifest;
};
struct repository_index {
	struct index_manifest **manifests; /* by digest */
	struct index_tag *tags;            /* by tag */
	size_t n_manifests, n_tags;
};

/* A change under way: the new arrays, and what to free when it holds or when it does not. */
struct index_change {
	struct repository_index next;
	void **gone, **made;
	size_t n_gone, n_made;
};

struct repository {
	struct repository *next; /* in the table */
	struct storage *storage;
	unsigned refs; /* under storage->table_lock */
	bool complete; /* all of its directories are there; under that lock, too */
	int dir;
	bool read_only; /* of a local store */
	pthread_mutex_t change;
	pthread_rwlock_t swap;
	struct repository_index index;
	_Atomic bool has_index;   /* index.json is there: a manifest was put once */
	struct digest *reachable; /* sorted, of a local store: the blobs that its manifests name */
	size_t n_reachable;
	char name[REPOSITORY_NAME_MAX + 1];
};

#define REPOSITORY_TABLE 512 /* chains */
#define REPOSITORY_KEPT  512 /* in memory, at most, but for those in use */

struct uploads;
struct storage {
	int dir, blobs, repositories, uploads_dir;
	int lock;
	bool read_only;
	pthread_mutex_t table_lock;
	struct repository *table[REPOSITORY_TABLE];
	size_t n_repositories;
	pthread_rwlock_t links; /* read: who links or unlinks blobs; write: who collects them */
	struct uploads *uploads;
	struct local_images *local;
};

/* '/' of a name stands as '+' in its directory's name. */
void repository_directory(const char *name, char dst[REPOSITORY_NAME_MAX + 1]);
/* A new one with that open directory (taken), index not read; NULL without memory. */
struct repository *repository_new(struct storage *s, const char *name, int dir);
void repository_free(struct repository *r);

/* ------------------------------------------------------------------ the index (repository_index.c) */

/* Under `swap` or `change`. */
struct index_manifest *index_find(const struct repository_index *i, const struct digest *d);
const struct index_tag *index_find_tag(const struct repository_index *i, const char *tag);
/* The first tag after `last`. */
size_t index_after(const struct repository_index *i, const char *last);
int repository_index_read(struct repository *r, struct err *e);
int index_parse(struct repository_index *i, const char *text, size_t len, struct err *e);
void index_free(struct repository_index *i);
/* While nobody else sees it. tag NULL: none; one that is there stays where it is. */
int index_add(struct repository_index *i, const struct digest *d, uint64_t size, const char *media_type,
        const char *tag, struct err *e);

/* Under `change`, in this order; a change that is not committed is dropped. */
int index_change_begin(struct repository *r, struct index_change *c, struct err *e);
int index_change_put(struct index_change *c, const struct digest *d, uint64_t size, const char *media_type,
        char *const *tags, struct err *e);
void index_change_untag(struct index_change *c, const char *tag);
void index_change_remove(struct index_change *c, const struct digest *d);
int index_change_commit(struct repository *r, struct index_change *c, struct err *e);
void index_change_drop(struct index_change *c);

/* ------------------------------------------------------------------ blobs (blob.c) */

/* Make the file `from` beneath fromdir (synced by this) the blob d of the storage and of the repository; it
 * is gone afterwards. *fresh: what was new, QUOTA_STORAGE and QUOTA_REPOSITORY as bits. */
int blob_adopt(struct repository *r, int fromdir, const char *from, int fd, const struct digest *d,
        unsigned *fresh, struct err *e);
/* The same for bytes. */
int blob_write(struct repository *r, const void *data, size_t len, const struct digest *d, unsigned *fresh,
        struct err *e);
/* Is it linked here? Its size. */
bool blob_has(struct repository *r, const struct digest *d, uint64_t *size);

/* ------------------------------------------------------------------ referrers (referrer.c), under `change`
 */

int referrers_add(struct repository *r, const struct manifest_facts *facts, const struct digest *d,
        uint64_t size, struct err *e);
int referrers_remove(
        struct repository *r, const struct digest *subject, const struct digest *d, struct err *e);

/* What the stored manifest d refers to; unset: nothing. (manifest.c) */
void manifest_subject(struct repository *r, const struct digest *d, struct digest *subject);

/* ------------------------------------------------------------------ uploads (upload.c) */

struct uploads *uploads_new(void);
void uploads_free(struct uploads *u);
int uploads_count(struct storage *s, struct quota *q, struct err *e);

/* ------------------------------------------------------------------ local images (local_images.c) */

/* A reference as repository_get() gives, or NULL with ERR_NOT_FOUND. */
struct repository *local_images_get(
        struct local_images *l, struct storage *s, const char *name, struct err *e);
/* All names. */
char **local_images_names(struct local_images *l, struct storage *s);
void local_images_free(struct local_images *l);

#endif
