/* Manifests and tags: what of the index others see, and how it changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "registry/server/manifest_check.h"
#include "registry/server/quota.h"
#include "registry/server/repository.h"

#define DOCUMENT_MAX ((size_t)64 << 20)

int manifest_get(struct repository *r, const char *tag_or_digest, struct stored_manifest *m, struct err *e)
{
	struct digest d;
	bool by_digest = digest_read(tag_or_digest, &d);
	pthread_rwlock_rdlock(&r->swap);
	const struct index_tag *tag = by_digest ? NULL : index_find_tag(&r->index, tag_or_digest);
	const struct index_manifest *found = by_digest ? index_find(&r->index, &d)
	                                     : tag     ? tag->manifest
	                                               : NULL;
	if (found) {
		strcpy(m->media_type, found->media_type);
		m->digest = found->digest;
		m->size = found->size;
	}
	pthread_rwlock_unlock(&r->swap);
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "no manifest %.140s in %s", tag_or_digest, r->name);
}

int tags_list(struct repository *r, const char *last, size_t n, char ***tags, bool *more, struct err *e)
{
	*tags = NULL;
	*more = false;
	pthread_rwlock_rdlock(&r->swap);
	size_t from = last ? index_after(&r->index, last) : 0, left = r->index.n_tags - from;
	if (n > left)
		n = left;
	char **v = calloc(n + 1, sizeof(*v));
	bool whole = v != NULL;
	for (size_t i = 0; v && i < n; i++)
		whole &= (v[i] = strdup(r->index.tags[from + i].tag)) != NULL;
	*more = left > n;
	pthread_rwlock_unlock(&r->swap);
	if (!whole) {
		strv_free(v);
		return err_no_memory(e);
	}
	*tags = v;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct index_manifest *const *x = a, *const *y = b;
	return (*x > *y) - (*x < *y);
}

/* Manifests that have a tag, sorted by where they are in memory; NULL without memory. */
static struct index_manifest **tagged_ones(const struct repository_index *i)
{
	struct index_manifest **v = malloc((i->n_tags + 1) * sizeof(*v));
	for (size_t k = 0; v && k < i->n_tags; k++)
		v[k] = i->tags[k].manifest;
	if (v)
		qsort(v, i->n_tags, sizeof(*v), by_address);
	return v;
}

int manifests_each(struct repository *r, manifest_fn *fn, void *arg)
{
	const struct repository_index *i = &r->index;
	pthread_rwlock_rdlock(&r->swap);
	cleanup_free struct index_manifest **tagged = tagged_ones(i);
	int rc = tagged ? 0 : -1;
	for (size_t k = 0; rc == 0 && k < i->n_tags; k++)
		rc = fn(arg, &i->tags[k].manifest->digest, i->tags[k].manifest->media_type, i->tags[k].tag);
	for (size_t k = 0; rc == 0 && k < i->n_manifests; k++)
		if (!bsearch(&i->manifests[k], tagged, i->n_tags, sizeof(*tagged), by_address))
			rc = fn(arg, &i->manifests[k]->digest, i->manifests[k]->media_type, "");
	pthread_rwlock_unlock(&r->swap);
	return rc;
}

/* ------------------------------------------------------------------ changing */

/* What was there when the index was checked may have been collected or deleted since: an index must not name
 * what is gone. tests/unit/test_registry_storage.c */
static int check_children(struct repository *r, const struct manifest_facts *facts, struct err *e)
{
	for (size_t i = 0; facts->whole && i < facts->n_children; i++) {
		const struct manifest_child *c = &facts->children[i];
		if (c->manifest && !c->may_miss && !index_find(&r->index, &c->digest))
			return err_set(e, ERR_CONFLICT,
			        "%s:%s is not in this repository any more; push it again", c->digest.alg,
			        c->digest.hex);
	}
	return 0;
}

int manifest_put(struct repository *r, const void *doc, size_t len, const struct digest *d,
        const struct manifest_facts *facts, char *const *tags, unsigned *fresh, struct err *e)
{
	struct index_change c;
	int rc = 0;
	*fresh = 0;
	pthread_mutex_lock(&r->change);
	/* The blob first, then the referrers, whose list shows only what the index has, the index last. */
	if (check_children(r, facts, e) < 0)
		rc = -1;
	else if (blob_write(r, doc, len, d, fresh, e) < 0)
		rc = -1;
	else if (digest_is_set(&facts->subject) && referrers_add(r, facts, d, len, e) < 0)
		rc = -1;
	else if (index_change_begin(r, &c, e) < 0)
		rc = -1;
	else if (index_change_put(&c, d, len, facts->media_type, tags, e) < 0) {
		index_change_drop(&c);
		rc = -1;
	} else
		rc = index_change_commit(r, &c, e);
	pthread_mutex_unlock(&r->change);
	return rc;
}

static int delete_tag(struct repository *r, const char *tag, struct err *e)
{
	struct index_change c;
	if (!index_find_tag(&r->index, tag))
		return err_set(e, ERR_NOT_FOUND, "no tag %.130s in %s", tag, r->name);
	if (index_change_begin(r, &c, e) < 0)
		return -1;
	index_change_untag(&c, tag);
	return index_change_commit(r, &c, e);
}

void manifest_subject(struct repository *r, const struct digest *d, struct digest *subject)
{
	uint64_t size;
	cleanup_buf struct buf b = BUF_INIT_MAX(DOCUMENT_MAX);
	cleanup_fd int fd = blob_get(r, d, &size);
	subject->alg[0] = '\0';
	if (fd < 0 || read_to_buf(fd, &b) < 0)
		return;
	cleanup_json json *doc = json_parse(buf_str(&b), b.len, "manifest", NULL);
	if (!digest_read(json_str(json_get(doc, "subject"), "digest", NULL), subject))
		subject->alg[0] = '\0';
}

static int delete_manifest(struct repository *r, const struct digest *d, uint64_t *size, struct err *e)
{
	struct index_change c;
	struct digest subject;
	uint64_t was = 0;
	if (!index_find(&r->index, d))
		return err_set(e, ERR_NOT_FOUND, "no such manifest in %s", r->name);
	manifest_subject(r, d, &subject);
	if (index_change_begin(r, &c, e) < 0)
		return -1;
	index_change_remove(&c, d);
	if (index_change_commit(r, &c, e) < 0)
		return -1;
	/* It is deleted; what is left over by a failure from here on is found by who collects. */
	blob_has(r, d, &was);
	pthread_rwlock_rdlock(&r->storage->links);
	if (blob_drop(r->storage, r, d, NULL) == 0)
		*size = was;
	pthread_rwlock_unlock(&r->storage->links);
	if (digest_is_set(&subject))
		referrers_remove(r, &subject, d, NULL);
	return 0;
}

int manifest_delete(struct repository *r, const char *tag_or_digest, uint64_t *size, struct err *e)
{
	struct digest d;
	*size = 0;
	pthread_mutex_lock(&r->change);
	int rc = digest_read(tag_or_digest, &d) ? delete_manifest(r, &d, size, e)
	                                        : delete_tag(r, tag_or_digest, e);
	pthread_mutex_unlock(&r->change);
	return rc;
}
