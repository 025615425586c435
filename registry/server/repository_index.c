/* The index of a repository: index.json in memory, found by bisection, changed beside what is read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/oci/manifest.h"
#include "registry/server/repository.h"

#define INDEX_FILE_MAX ((size_t)512 << 20) /* of a repository with a million tags */

static int compare(const struct digest *a, const struct digest *b)
{
	int c = strcmp(a->hex, b->hex);
	return c ? c : strcmp(a->alg, b->alg);
}

/* Where d is, or belongs. */
static size_t manifest_at(const struct repository_index *i, const struct digest *d, bool *found)
{
	size_t low = 0, high = i->n_manifests;
	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int c = compare(&i->manifests[middle]->digest, d);
		if (c == 0) {
			*found = true;
			return middle;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t tag_at(const struct repository_index *i, const char *tag, bool *found)
{
	size_t low = 0, high = i->n_tags;
	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int c = strcmp(i->tags[middle].tag, tag);
		if (c == 0) {
			*found = true;
			return middle;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct index_manifest *index_find(const struct repository_index *i, const struct digest *d)
{
	bool found;
	size_t at = manifest_at(i, d, &found);
	return found ? i->manifests[at] : NULL;
}

const struct index_tag *index_find_tag(const struct repository_index *i, const char *tag)
{
	bool found;
	size_t at = tag_at(i, tag, &found);
	return found ? &i->tags[at] : NULL;
}

size_t index_after(const struct repository_index *i, const char *last)
{
	bool found;
	size_t at = tag_at(i, last, &found);
	return at + found;
}

void index_free(struct repository_index *i)
{
	for (size_t k = 0; k < i->n_manifests; k++)
		free(i->manifests[k]);
	for (size_t k = 0; k < i->n_tags; k++)
		free(i->tags[k].tag);
	free(i->manifests);
	free(i->tags);
	memset(i, 0, sizeof(*i));
}

/* ------------------------------------------------------------------ arrays */

/* Room for one more at `at` of an array that grows by doubling: its capacity is the power of two above n. */
static void *insert(void *array, size_t n, size_t at, size_t size)
{
	char *grown = array;
	if (n == 0 || (n & (n - 1)) == 0)
		grown = realloc(array, (n ? 2 * n : 1) * size);
	if (grown)
		memmove(grown + (at + 1) * size, grown + at * size, (n - at) * size);
	return grown;
}

static void take_out(void *array, size_t n, size_t at, size_t size)
{
	char *p = array;
	memmove(p + at * size, p + (at + 1) * size, (n - at - 1) * size);
}

/* A copy with the same capacity rule as insert(). */
static void *copy_array(const void *array, size_t n, size_t size)
{
	size_t room = 1;
	while (room < n)
		room *= 2;
	void *p = malloc(room * size);
	if (p && n)
		memcpy(p, array, n * size);
	return p;
}

static struct index_manifest *add_manifest(
        struct repository_index *i, const struct digest *d, uint64_t size, const char *media_type)
{
	bool found;
	size_t at = manifest_at(i, d, &found);
	struct index_manifest *m = calloc(1, sizeof(*m));
	struct index_manifest **grown = m ? insert(i->manifests, i->n_manifests, at, sizeof(m)) : NULL;
	if (!grown) {
		free(m);
		return NULL;
	}
	m->digest = *d;
	m->size = size;
	strncpy(m->media_type, media_type, MEDIA_TYPE_MAX);
	i->manifests = grown;
	grown[at] = m;
	i->n_manifests++;
	return m;
}

static char *add_tag(struct repository_index *i, size_t at, const char *tag, struct index_manifest *m)
{
	char *copy = strdup(tag);
	struct index_tag *grown = copy ? insert(i->tags, i->n_tags, at, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		return NULL;
	}
	i->tags = grown;
	grown[at] = (struct index_tag){copy, m};
	i->n_tags++;
	return copy;
}

/* ------------------------------------------------------------------ reading */

int index_add(struct repository_index *i, const struct digest *d, uint64_t size, const char *media_type,
        const char *tag, struct err *e)
{
	bool found = false;
	struct index_manifest *m = index_find(i, d);
	if (!m && !(m = add_manifest(i, d, size, media_type)))
		return err_no_memory(e);
	if (!tag || !tag_ok(tag))
		return 0;
	size_t at = tag_at(i, tag, &found);
	return found || add_tag(i, at, tag, m) ? 0 : err_no_memory(e);
}

/* Entries of a layout that another program wrote may be of any kind: what is no manifest of ours is left out.
 */
static int read_entry(struct repository_index *i, json *entry, struct err *e)
{
	struct digest d;
	const char *type = json_str(entry, "mediaType", "");
	const char *tag = json_str(json_get(entry, "annotations"), ANNOTATION_REF_NAME, NULL);
	int64_t size = json_int(entry, "size", -1);
	if (!digest_read(json_str(entry, "digest", NULL), &d) || size < 0 || !media_type_ok(type))
		return 0;
	return index_add(i, &d, (uint64_t)size, type, tag, e);
}

int index_parse(struct repository_index *i, const char *text, size_t len, struct err *e)
{
	cleanup_json json *doc = json_parse(text, len, "index.json", e);
	json *list = json_get(doc, "manifests");
	memset(i, 0, sizeof(*i));
	if (!doc)
		return -1;
	if (!list || !json_object_is_type(list, json_type_array))
		return err_set(e, ERR_CORRUPT, "index.json has no list of manifests");
	for (size_t k = 0; k < json_object_array_length(list); k++) {
		if (read_entry(i, json_object_array_get_idx(list, k), e) < 0) {
			index_free(i);
			return -1;
		}
	}
	return 0;
}

int repository_index_read(struct repository *r, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(INDEX_FILE_MAX);
	struct err why = ERR_INIT;
	if (file_read_at(r->dir, "index.json", &b, &why) < 0) {
		if (why.sys == ENOENT)
			return 0;
		if (e)
			*e = why;
		return -1;
	}
	if (index_parse(&r->index, buf_str(&b), b.len, e) < 0)
		return err_wrap(e, "repository %s", r->name);
	r->has_index = true;
	return 0;
}

/* ------------------------------------------------------------------ changing */

int index_change_begin(struct repository *r, struct index_change *c, struct err *e)
{
	const struct repository_index *old = &r->index;
	memset(c, 0, sizeof(*c));
	if (r->read_only)
		return err_set(
		        e, ERR_UNSUPPORTED, "%s is of the local images, which are only read here", r->name);
	c->next.manifests = copy_array(old->manifests, old->n_manifests, sizeof(*old->manifests));
	c->next.tags = copy_array(old->tags, old->n_tags, sizeof(*old->tags));
	/* At most everything goes; what is made is bounded by the tags of one request. */
	c->gone = calloc(old->n_manifests + old->n_tags + 1, sizeof(*c->gone));
	if (!c->next.manifests || !c->next.tags || !c->gone) {
		index_change_drop(c);
		return err_no_memory(e);
	}
	c->next.n_manifests = old->n_manifests;
	c->next.n_tags = old->n_tags;
	return 0;
}

static int remember_made(struct index_change *c, void *p, struct err *e)
{
	void **grown = p ? realloc(c->made, (c->n_made + 1) * sizeof(*grown)) : NULL;
	if (!grown)
		return err_no_memory(e);
	c->made = grown;
	grown[c->n_made++] = p;
	return 0;
}

static int set_tag(struct index_change *c, const char *tag, struct index_manifest *m, struct err *e)
{
	bool found;
	size_t at = tag_at(&c->next, tag, &found);
	if (found) {
		c->next.tags[at].manifest = m;
		return 0;
	}
	return remember_made(c, add_tag(&c->next, at, tag, m), e);
}

int index_change_put(struct index_change *c, const struct digest *d, uint64_t size, const char *media_type,
        char *const *tags, struct err *e)
{
	bool found;
	size_t at = manifest_at(&c->next, d, &found);
	struct index_manifest *m = found ? c->next.manifests[at] : NULL;
	if (!m) {
		m = add_manifest(&c->next, d, size, media_type);
		if (remember_made(c, m, e) < 0)
			return -1;
	}
	strv_foreach (tag, tags)
		if (set_tag(c, *tag, m, e) < 0)
			return -1;
	return 0;
}

static void drop_tag(struct index_change *c, size_t at)
{
	c->gone[c->n_gone++] = c->next.tags[at].tag;
	take_out(c->next.tags, c->next.n_tags--, at, sizeof(*c->next.tags));
}

void index_change_untag(struct index_change *c, const char *tag)
{
	bool found;
	size_t at = tag_at(&c->next, tag, &found);
	if (found)
		drop_tag(c, at);
}

void index_change_remove(struct index_change *c, const struct digest *d)
{
	bool found;
	size_t at = manifest_at(&c->next, d, &found), kept = 0;
	if (!found)
		return;
	struct index_manifest *m = c->next.manifests[at];
	for (size_t i = 0; i < c->next.n_tags; i++) {
		if (c->next.tags[i].manifest == m)
			c->gone[c->n_gone++] = c->next.tags[i].tag;
		else
			c->next.tags[kept++] = c->next.tags[i];
	}
	c->next.n_tags = kept;
	c->gone[c->n_gone++] = m;
	take_out(c->next.manifests, c->next.n_manifests--, at, sizeof(*c->next.manifests));
}

static void print_entry(struct buf *b, const struct index_manifest *m, const char *tag, bool first)
{
	buf_printf(b, "%s{\"mediaType\":\"%s\",\"digest\":\"%s:%s\",\"size\":%llu", first ? "" : ",",
	        m->media_type, m->digest.alg, m->digest.hex, (unsigned long long)m->size);
	if (tag)
		buf_printf(b, ",\"annotations\":{\"" ANNOTATION_REF_NAME "\":\"%s\"}", tag);
	buf_char(b, '}');
}

/* All names in it have passed their grammar, so nothing needs escaping. */
static void print(struct buf *b, const struct repository_index *i)
{
	buf_str_add(b, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[");
	bool first = true;
	for (size_t k = 0; k < i->n_manifests; k++)
		i->manifests[k]->tagged = false;
	for (size_t k = 0; k < i->n_tags; k++, first = false) {
		i->tags[k].manifest->tagged = true;
		print_entry(b, i->tags[k].manifest, i->tags[k].tag, first);
	}
	for (size_t k = 0; k < i->n_manifests; k++) {
		if (i->manifests[k]->tagged)
			continue;
		print_entry(b, i->manifests[k], NULL, first);
		first = false;
	}
	buf_str_add(b, "]}");
}

static int write_index(struct repository *r, const struct repository_index *i, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	cleanup_buf struct buf b = BUF_INIT_MAX(INDEX_FILE_MAX);
	print(&b, i);
	if (b.failed)
		return err_set(e, ERR_OTHER, "the index of %s has grown too large", r->name);
	if (!r->has_index &&
	        file_write_at(r->dir, "oci-layout", layout, sizeof(layout) - 1, 0644, FILE_SYNC, e) < 0)
		return -1;
	return file_write_at(r->dir, "index.json", b.data, b.len, 0644, FILE_SYNC, e);
}

int index_change_commit(struct repository *r, struct index_change *c, struct err *e)
{
	struct repository_index old;
	if (write_index(r, &c->next, e) < 0) {
		index_change_drop(c);
		return -1;
	}
	pthread_rwlock_wrlock(&r->swap);
	old = r->index;
	r->index = c->next;
	pthread_rwlock_unlock(&r->swap);
	r->has_index = true;
	free(old.manifests);
	free(old.tags);
	for (size_t i = 0; i < c->n_gone; i++)
		free(c->gone[i]);
	free(c->gone);
	free(c->made);
	memset(c, 0, sizeof(*c));
	return 0;
}

void index_change_drop(struct index_change *c)
{
	for (size_t i = 0; i < c->n_made; i++)
		free(c->made[i]);
	free(c->made);
	free(c->gone);
	free(c->next.manifests);
	free(c->next.tags);
	memset(c, 0, sizeof(*c));
}
