/* Storage: what the registry keeps, as plain OCI image layouts that any other tool can read.
 *
 *   STORAGE/format                 a number
 *   STORAGE/blobs/ALG/HEX          every blob once
 *   STORAGE/repositories/NAME/     one OCI image layout per repository; '/' of its name stands as '+'
 *     oci-layout index.json        tags are entries with org.opencontainers.image.ref.name; manifests without
 *                                  a tag are entries without it
 *     blobs/ALG/HEX                hard links to the blobs above: what this repository has. The link count is
 *                                  the reference count: a blob with one link belongs to nobody (a copy stands
 *                                  where the file system gives no more links)
 *     referrers/ALG/HEX            per subject: the OCI index of what refers to it
 *   STORAGE/uploads/ID             an upload under way, 128 random bits; ID.json tells whose
 *   STORAGE/tokens/ cache.json …   keys of the token issuer; what the cache remembers
 *
 * One process owns a storage (STORAGE/lock). In it any number of threads: a repository changes under its own
 * lock, and a blob is linked or unlinked only while nobody collects (storage_collect_begin). Files appear by
 * rename or link of what is whole and synced, never half. Names from outside become part of a path only after
 * repository_name_ok(), digest_parse() and upload_id_ok(), beneath held descriptors.
 *
 * A store of Tare itself (struct local_images) can be served beside it, read only, without copying. */
#ifndef TARE_REGISTRY_STORAGE_H
#define TARE_REGISTRY_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "engine/oci/digest.h"

struct err;
struct quota;
struct storage;
struct local_images;
struct repository; /* in memory: the index, read once and kept */

#define REPOSITORY_NAME_MAX 255
#define TAG_MAX             128
#define MEDIA_TYPE_MAX      255 /* RFC 6838: 127 + 1 + 127 */

/* The grammar of the distribution spec, and no more than REPOSITORY_NAME_MAX bytes. */
bool repository_name_ok(const char *name);
bool tag_ok(const char *tag);
bool media_type_ok(const char *type);
bool upload_id_ok(const char *id);

/* dirfd: the storage directory, borrowed; made ready when empty. read_only: nothing is written, not even the
 * lock. */
struct storage *storage_open(int dirfd, bool read_only, struct err *e);
void storage_close(struct storage *s);
/* Count what is there. */
int storage_count(struct storage *s, struct quota *q, struct err *e);
/* The images of a Tare store whose directory is storefd (borrowed, held by the caller): its index.json is
 * read again when it has changed. */
int storage_serve_local(struct storage *s, int storefd, struct err *e);

/* ------------------------------------------------------------------ repositories */

/* A reference, held until repository_put(); NULL with e (ERR_NOT_FOUND) unless `make`. */
struct repository *repository_get(struct storage *s, const char *name, bool make, struct err *e);
/* The local images' repository of that name, or NULL: one may be in both. */
struct repository *repository_get_local(struct storage *s, const char *name);
void repository_put(struct repository *r);
void repository_put_ptr(struct repository **r);
#define cleanup_repository __attribute__((cleanup(repository_put_ptr)))
/* Has a manifest ever been put here? What has not is in no catalog and has no list of tags. */
bool repository_has_index(const struct repository *r);
/* Of the local images: nothing in it can be changed. */
bool repository_is_local(const struct repository *r);
/* Names in ASCII order after `last` (NULL: from the start), at most n of those that `want` (NULL: all) takes;
 * *more tells that there are others. */
int storage_catalog(struct storage *s, const char *last, size_t n, bool (*want)(void *arg, const char *name),
        void *arg, char ***names, bool *more, struct err *e);

/* ------------------------------------------------------------------ blobs */

/* A descriptor open for reading, and the size; -1 with errno ENOENT when this repository does not have it. */
int blob_get(struct repository *r, const struct digest *d, uint64_t *size);
/* The same question without opening. Who asks may be about to rely on it: the blob's grace begins anew. */
bool blob_stat(struct repository *r, const struct digest *d, uint64_t *size);
/* 202's work: unlink it here. ERR_NOT_FOUND; ERR_CONFLICT: it is a manifest, to be deleted as one. */
int blob_delete(struct repository *r, const struct digest *d, uint64_t *size, struct err *e);
/* Link what `from` has (NULL: any repository for which may_read says yes). 1 mounted, 0 not found, -1 with e.
 * *fresh: its size when this repository did not have it yet, else 0. */
int blob_mount(struct repository *r, const struct digest *d, const char *from,
        bool (*may_read)(void *arg, const char *repository), void *arg, uint64_t *fresh, struct err *e);

/* For who collects: no blob is linked or unlinked by anybody else in between. Keep it short. */
void storage_collect_begin(struct storage *s);
void storage_collect_end(struct storage *s);
/* Each blob of the storage (r NULL) or of a repository; touched: the later of its times, ns since the epoch,
 * which begins anew when it is uploaded, mounted or asked for by HEAD. Stops at what fn returns if not 0. */
typedef int blob_fn(void *arg, const struct digest *d, uint64_t size, unsigned links, int64_t touched);
int blobs_each(struct storage *s, struct repository *r, blob_fn *fn, void *arg, struct err *e);
/* Remove it from the storage (r NULL) or the repository, within begin and end. Missing is success. */
int blob_drop(struct storage *s, struct repository *r, const struct digest *d, struct err *e);
/* Each manifest of the index with one of its tags ("" none; one with several comes several times). */
typedef int manifest_fn(void *arg, const struct digest *d, const char *media_type, const char *tag);
int manifests_each(struct repository *r, manifest_fn *fn, void *arg);
/* Nobody puts or deletes a manifest here in between. */
void repository_freeze(struct repository *r);
void repository_thaw(struct repository *r);

/* Within freeze and thaw: these tags, and these manifests with all of their tags, out of the index by one
 * write. Their blobs are left to the collector. */
int manifests_drop(
        struct repository *r, char *const *tags, const struct digest *gone, size_t n, struct err *e);
/* Every repository, also those in which no manifest was ever put; not the local ones. Stops at what fn
 * returns if not 0. */
typedef int repository_fn(void *arg, struct repository *r);
int repositories_each(struct storage *s, repository_fn *fn, void *arg, struct err *e);

/* ------------------------------------------------------------------ uploads */

#define UPLOAD_ID_SIZE 33   /* 32 hex digits */
#define UPLOADS_MAX    8192 /* under way at once */
struct upload;              /* locked while a request works on it */
/* alg NULL: sha256. owner: who may go on with it ("" anybody). ERR_CONFLICT: there are UPLOADS_MAX. */
int upload_begin(
        struct repository *r, const char *alg, const char *owner, char id[UPLOAD_ID_SIZE], struct err *e);
/* ERR_NOT_FOUND: not an upload of this repository and owner. ERR_CONFLICT: another request is at it. */
struct upload *upload_open(struct repository *r, const char *id, const char *owner, struct err *e);
void upload_close(struct upload *u);
/* How far is it? Also while a request works on it. */
int upload_look(struct repository *r, const char *id, const char *owner, uint64_t *size, struct err *e);
uint64_t upload_size(const struct upload *u);
const char *upload_id(const struct upload *u);
/* It became a blob, or was cancelled. */
bool upload_is_gone(const struct upload *u);
/* Bytes are hashed as they are written; the running hash survives between requests, so the closing PUT is
 * O(1). After a restart what is there is read again. */
int upload_append(struct upload *u, const void *data, size_t len, struct err *e);
/* Back to an earlier size. */
int upload_truncate(struct upload *u, uint64_t size, struct err *e);
/* Becomes the blob `d` of the repository when the digest is right (ERR_CORRUPT otherwise); the upload is gone
 * in either case, and stays only when the disk failed. *fresh: bits of quota.h's enum quota_of, what did not
 * have the blob yet. */
int upload_commit(struct upload *u, const struct digest *d, unsigned *fresh, struct err *e);
int upload_cancel(struct upload *u, struct err *e);
/* Remove those not touched since `older_than` (ns since the epoch); their bytes are given back to q (or
 * NULL). */
int uploads_purge(struct storage *s, int64_t older_than, struct quota *q, unsigned *n, struct err *e);

/* ------------------------------------------------------------------ manifests and tags */

struct stored_manifest {
	char media_type[MEDIA_TYPE_MAX + 1];
	struct digest digest;
	uint64_t size;
};
/* By tag or digest. ERR_NOT_FOUND. Its bytes are the blob of that digest: blob_get(). */
int manifest_get(struct repository *r, const char *tag_or_digest, struct stored_manifest *m, struct err *e);

/* What a manifest of a known kind needs and says; filled by manifest_check() (manifest_check.h). */
struct manifest_facts;
/* Store the document under `d` and set the tags (may be none), all in one write of the index. *fresh: as
 * upload_commit(). ERR_CONFLICT: a manifest that it names went meanwhile. */
int manifest_put(struct repository *r, const void *doc, size_t len, const struct digest *d,
        const struct manifest_facts *facts, char *const *tags, unsigned *fresh, struct err *e);
/* By tag: only the tag. By digest: the manifest with all its tags, *size is what the repository has less.
 * ERR_NOT_FOUND. */
int manifest_delete(struct repository *r, const char *tag_or_digest, uint64_t *size, struct err *e);
int tags_list(struct repository *r, const char *last, size_t n, char ***tags, bool *more, struct err *e);
/* The OCI index of what refers to `subject`, the caller's to put; an empty one when there is nothing. */
json *referrers_list(
        struct repository *r, const struct digest *subject, const char *artifact_type, struct err *e);

#endif
