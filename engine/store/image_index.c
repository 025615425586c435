#include "engine/store/image_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/oci/reference.h"
#include "engine/store/blob.h"
#include "engine/store/layer.h"

#define ID_MIN_LEN 2 /* a shorter start of an image id is taken for a name only */

void image_free(struct image *i)
{
	free(i->media_type);
	free(i->reference);
	manifest_free(&i->manifest);
	image_config_free(&i->config);
	memset(i, 0, sizeof(*i));
}

/* ------------------------------------------------------------------ reading */

/* index.json as it is; a store without one has none (b stays empty). An empty one is what a power cut leaves:
 * taken for a store without images, all of them would be swept. */
static int read_index_text(const struct store *s, struct buf *b, struct err *e)
{
	struct err why = ERR_INIT;
	if (file_read_at(s->root_fd, "index.json", b, &why) == 0)
		return b->len ? 0
		              : err_set(e, ERR_CORRUPT,
		                        "%s/index.json is empty, so the names of images are lost; remove it, "
		                        "and pull "
		                        "them again",
		                        s->root);
	if (why.sys == ENOENT)
		return 0;
	if (e)
		*e = why;
	return -1;
}

int image_index_read(const struct store *s, struct oci_index *idx, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(INDEX_MAX_BYTES);
	memset(idx, 0, sizeof(*idx));
	if (read_index_text(s, &b, e) < 0)
		return -1;
	if (b.len == 0)
		return 0;
	if (oci_index_parse(buf_str(&b), b.len, idx, e) < 0)
		return err_wrap(e, "%s/index.json", s->root);
	return 0;
}

static int load_manifest(const struct store *s, const struct descriptor *d, struct manifest *m, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	if (blob_read(s, &d->digest, &b, e) < 0)
		return -1;
	return manifest_parse(buf_str(&b), b.len, d->media_type, m, e);
}

/* Everything an image is, from two more small reads. */
static int load_image(const struct store *s, const struct descriptor *d, struct image *out, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(IMAGE_CONFIG_MAX_BYTES);
	cleanup_image struct image i = IMAGE_INIT;
	if (load_manifest(s, d, &i.manifest, e) < 0)
		return -1;
	i.manifest_digest = d->digest;
	i.pulled = d->pulled;
	i.config_digest = i.manifest.config.digest;
	i.media_type = strdup(i.manifest.media_type);
	i.reference = d->ref_name ? strdup(d->ref_name) : NULL;
	if (!i.media_type || (d->ref_name && !i.reference))
		return err_no_memory(e);
	if (blob_read(s, &i.config_digest, &b, e) < 0 ||
	        image_config_parse(buf_str(&b), b.len, &i.config, e) < 0)
		return -1;
	if (i.config.n_diff_ids != i.manifest.n_layers)
		return err_set(e, ERR_CORRUPT, "image has %zu layers in its manifest and %zu in its config",
		        i.manifest.n_layers, i.config.n_diff_ids);
	*out = i;
	i = (struct image)IMAGE_INIT;
	return 0;
}

static bool is_image(const struct descriptor *d)
{
	return media_kind(d->media_type) == MEDIA_KIND_MANIFEST;
}

/* ------------------------------------------------------------------ finding */

static const struct descriptor *find_name(const struct oci_index *idx, const char *full)
{
	for (size_t i = 0; i < idx->n; i++)
		if (idx->entries[i].ref_name && strcmp(idx->entries[i].ref_name, full) == 0 &&
		        is_image(&idx->entries[i]))
			return &idx->entries[i];
	return NULL;
}

/* By the manifest's digest, or that of the index that led to it. */
static const struct descriptor *find_manifest(const struct oci_index *idx, const struct digest *d)
{
	const struct descriptor *member = NULL;
	for (size_t i = 0; i < idx->n; i++) {
		const struct descriptor *entry = &idx->entries[i];
		if (!is_image(entry))
			continue;
		if (digest_equal(&entry->digest, d))
			return entry;
		if (digest_equal(&entry->pulled, d))
			member = entry;
	}
	return member;
}

/* "sha256:ab…" or "ab…": the hex digits of an image id or its start; NULL when the text can be none. */
static const char *id_hex(const char *ref)
{
	const char *hex = strncmp(ref, "sha256:", 7) == 0 ? ref + 7 : ref;
	size_t len = strlen(hex);
	return len >= ID_MIN_LEN && len <= 64 && strspn(hex, "0123456789abcdef") == len ? hex : NULL;
}

/* By (start of) image id. *found stays NULL when no image has it; two images are a CONFLICT. */
static int find_id(const struct store *s, const struct oci_index *idx, const char *ref,
        const struct descriptor **found, struct err *e)
{
	struct digest config = {0};
	const char *hex = id_hex(ref);
	for (size_t i = 0; hex && i < idx->n; i++) {
		cleanup_manifest struct manifest m = MANIFEST_INIT;
		if (!is_image(&idx->entries[i]) || load_manifest(s, &idx->entries[i], &m, NULL) < 0 ||
		        strncmp(m.config.digest.hex, hex, strlen(hex)) != 0)
			continue;
		if (*found && !digest_equal(&config, &m.config.digest))
			return err_set(e, ERR_CONFLICT,
			        "image id \"%.64s\" is ambiguous; give more of its digits", ref);
		if (!*found)
			*found = &idx->entries[i];
		config = m.config.digest;
	}
	return 0;
}

static int not_found(const char *ref, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND,
	        "no such image: %.300s; 'tare images' lists what is here, 'tare pull' gets it from a "
	        "registry",
	        ref);
}

/* A name wins over an id that is spelled the same. */
static int find_entry(const struct store *s, const struct oci_index *idx, const char *ref,
        const struct descriptor **found, struct err *e)
{
	struct digest d;
	struct err why = ERR_INIT;
	cleanup_reference struct reference r = REFERENCE_INIT;
	*found = NULL;
	if (digest_read(ref, &d) && (*found = find_manifest(idx, &d)))
		return 0;
	if (reference_parse(ref, &r, &why) == 0) {
		cleanup_free char *full = reference_full(&r);
		if (!full)
			return err_no_memory(e);
		*found = find_name(idx, full);
		if (!*found && digest_is_set(&r.digest))
			*found = find_manifest(idx, &r.digest);
	}
	if (!*found && find_id(s, idx, ref, found, e) < 0)
		return -1;
	if (*found)
		return 0;
	if (!r.path && !id_hex(ref)) {
		if (e)
			*e = why;
		return -1;
	}
	return not_found(ref, e);
}

/* The end of the JSON object that starts at p, NULL when it has none. */
static const char *object_end(const char *p)
{
	bool in_string = false;
	for (unsigned depth = 0; *p; p++) {
		if (in_string) {
			if (*p == '\\' && p[1])
				p++;
			else if (*p == '"')
				in_string = false;
		} else if (*p == '"') {
			in_string = true;
		} else if (*p == '{') {
			depth++;
		} else if (*p == '}' && --depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

/* With many images most of a start's time would go into parsing an index of which one entry is wanted. In
 * the form in which we write it, that entry can be cut out: it begins with its media type and has the name in
 * quotes, which cannot stand inside a JSON string. What was cut out is parsed and compared; whatever does not
 * fit (another program wrote the file) is left to the whole parser. */
static bool cut_entry(const struct buf *index, const char *full, struct descriptor *d)
{
	static const char begin[] = "{\"mediaType\":";
	cleanup_free char *name = str_printf("\"" ANNOTATION_REF_NAME "\":\"%s\"", full);
	const char *hit = name ? strstr(buf_str(index), name) : NULL;
	const char *start = hit;
	while (start && start > index->data && strncmp(start, begin, sizeof(begin) - 1) != 0)
		start--;
	const char *end = start && start > index->data ? object_end(start) : NULL;
	if (!end || end < hit)
		return false;
	cleanup_json json *j = json_parse(start, (size_t)(end - start), "index", NULL);
	if (!j || descriptor_from_json(j, d, NULL) < 0)
		return false;
	if (d->ref_name && strcmp(d->ref_name, full) == 0 && is_image(d))
		return true;
	descriptor_free(d);
	return false;
}

/* By name and nothing else. */
static bool find_fast(const struct buf *index, const char *ref, struct descriptor *d)
{
	struct digest digest;
	cleanup_reference struct reference r = REFERENCE_INIT;
	if (digest_read(ref, &digest) || reference_parse(ref, &r, NULL) < 0 || digest_is_set(&r.digest))
		return false;
	cleanup_free char *full = reference_full(&r);
	return full && cut_entry(index, full, d);
}

static int find_slow(
        const struct store *s, const struct buf *index, const char *ref, struct descriptor *d, struct err *e)
{
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	const struct descriptor *entry = NULL;
	if (index->len && oci_index_parse(index->data, index->len, &idx, e) < 0)
		return err_wrap(e, "%s/index.json", s->root);
	if (find_entry(s, &idx, ref, &entry, e) < 0)
		return -1;
	return descriptor_copy(d, entry) < 0 ? err_no_memory(e) : 0;
}

int image_find(const struct store *s, const char *ref, struct image *out, struct err *e)
{
	cleanup_buf struct buf index = BUF_INIT_MAX(INDEX_MAX_BYTES);
	struct descriptor d = {0};
	if (read_index_text(s, &index, e) < 0)
		return -1;
	if (!find_fast(&index, ref, &d) && find_slow(s, &index, ref, &d, e) < 0)
		return -1;
	int rc = load_image(s, &d, out, e);
	descriptor_free(&d);
	return rc < 0 ? err_wrap(e, "image \"%.300s\"", ref) : 0;
}

uint64_t image_unpacked_size(const struct store *s, const struct image *i)
{
	uint64_t sum = 0;
	for (size_t k = 0; k < i->config.n_diff_ids; k++)
		sum += layer_size(s, &i->config.diff_ids[k]);
	return sum;
}

int image_list(const struct store *s, struct image **out, size_t *n, struct err *e)
{
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	*out = NULL;
	*n = 0;
	if (image_index_read(s, &idx, e) < 0)
		return -1;
	struct image *list = calloc(idx.n ? idx.n : 1, sizeof(*list));
	if (!list)
		return err_no_memory(e);
	size_t count = 0;
	for (size_t i = 0; i < idx.n; i++) {
		struct err why = ERR_INIT;
		if (!is_image(&idx.entries[i]))
			continue;
		/* One damaged image must not hide the others. Gone in between is no damage. */
		if (load_image(s, &idx.entries[i], &list[count], &why) < 0) {
			if (why.sys != ENOENT)
				log_line(LOG_LEVEL_INFO, "%s", why.msg);
			continue;
		}
		list[count].size = image_unpacked_size(s, &list[count]);
		count++;
	}
	*out = list;
	*n = count;
	return 0;
}

/* A damaged image gives what can still be read of it; only failures to read stop the caller. */
static int add_roots(
        const struct store *s, const struct descriptor *d, image_root_fn *add, void *arg, struct err *e)
{
	cleanup_manifest struct manifest m = MANIFEST_INIT;
	cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT;
	cleanup_buf struct buf b = BUF_INIT_MAX(IMAGE_CONFIG_MAX_BYTES);
	struct err why = ERR_INIT;
	int rc = add(arg, &d->digest);
	bool whole = is_image(d) && load_manifest(s, d, &m, &why) == 0;
	for (size_t i = 0; i < m.n_layers; i++)
		rc |= add(arg, &m.layers[i].digest);
	if (whole) {
		rc |= add(arg, &m.config.digest);
		whole = blob_read(s, &m.config.digest, &b, &why) == 0 &&
		        image_config_parse(buf_str(&b), b.len, &c, &why) == 0;
	}
	for (size_t i = 0; i < c.n_diff_ids; i++)
		rc |= add(arg, &c.diff_ids[i]);
	if (rc)
		return err_no_memory(e);
	if (!whole && is_image(d) && why.kind != ERR_CORRUPT) {
		if (e)
			*e = why;
		return -1;
	}
	return 0;
}

int image_index_roots(const struct store *s, image_root_fn *add, void *arg, struct err *e)
{
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	if (image_index_read(s, &idx, e) < 0)
		return -1;
	for (size_t i = 0; i < idx.n; i++)
		if (add_roots(s, &idx.entries[i], add, arg, e) < 0)
			return -1;
	return 0;
}

int image_open_layers(const struct store *s, const struct image *i, int *fds, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	size_t n = i->config.n_diff_ids;
	for (size_t k = 0; k < n; k++) {
		const struct digest *d = &i->config.diff_ids[n - 1 - k];
		fds[k] = layer_open(s, d);
		if (fds[k] >= 0)
			continue;
		err_sys(e, "layer %s of image %s", digest_text(d, text),
		        i->reference ? i->reference : i->config_digest.hex);
		while (k > 0)
			close_fd(&fds[--k]);
		return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ changing */

static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

/* Not there, or cut short by a power cut: then no other program knows the store for a layout of images. */
static bool layout_is_lost(const struct store *s)
{
	struct stat st;

	return fstatat(s->root_fd, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	       st.st_size < (off_t)sizeof layout - 1;
}

static int write_layout(const struct store *s, struct err *e)
{
	return file_write_at(s->root_fd, "oci-layout", layout, sizeof layout - 1, 0600, FILE_SYNC, e) < 0 ? -1
	                                                                                                  : 0;
}

bool image_layout_is_damaged(const struct store *s)
{
	return faccessat(s->root_fd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0 && layout_is_lost(s);
}

bool image_layout_repair(const struct store *s)
{
	return write_layout(s, NULL) == 0;
}

static int write_index(const struct store *s, const struct oci_index *idx, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(INDEX_MAX_BYTES);
	cleanup_json json *j = json_object_new_object();
	json *list = json_object_new_array();
	json_set_int(j, "schemaVersion", 2);
	json_set_str(j, "mediaType", MEDIA_OCI_INDEX);
	for (size_t i = 0; i < idx->n; i++)
		json_object_array_add(list, descriptor_to_json(&idx->entries[i]));
	json_set(j, "manifests", list);
	json_print(&b, j, JSON_COMPACT);
	if (b.failed)
		return err_set(e, ERR_OTHER, "the image index has grown too large");
	if (layout_is_lost(s) && write_layout(s, e) != 0)
		return -1;
	return file_write_at(s->root_fd, "index.json", b.data, b.len, 0600, FILE_SYNC, e);
}

static size_t count_digest(const struct oci_index *idx, const struct digest *d)
{
	size_t n = 0;
	for (size_t i = 0; i < idx->n; i++)
		n += digest_equal(&idx->entries[i].digest, d);
	return n;
}

static void drop_entry(struct oci_index *idx, size_t at)
{
	descriptor_free(&idx->entries[at]);
	memmove(&idx->entries[at], &idx->entries[at + 1], (idx->n - at - 1) * sizeof(idx->entries[0]));
	idx->n--;
}

/* Take `reference` from the entry that has it, unless that is `keep`; its image stays, untagged when this was
 * its only name. */
static void take_name(struct oci_index *idx, const char *reference, const struct digest *keep)
{
	for (size_t i = 0; i < idx->n; i++) {
		struct descriptor *d = &idx->entries[i];
		if (!d->ref_name || strcmp(d->ref_name, reference) != 0)
			continue;
		if (count_digest(idx, &d->digest) > 1 || digest_equal(&d->digest, keep)) {
			drop_entry(idx, i--);
			continue;
		}
		free(d->ref_name);
		d->ref_name = NULL;
	}
}

static int append_entry(struct oci_index *idx, const char *reference, const struct descriptor *manifest)
{
	struct descriptor *grown = realloc(idx->entries, (idx->n + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	idx->entries = grown;
	grown[idx->n] = (struct descriptor){
	        .digest = manifest->digest, .size = manifest->size, .pulled = manifest->pulled};
	struct descriptor *d = &grown[idx->n++];
	d->media_type = strdup(manifest->media_type);
	d->ref_name = reference ? strdup(reference) : NULL;
	return d->media_type && (!reference || d->ref_name) ? 0 : -1;
}

/* 1: the index has changed; -1: memory is short. */
static int add_entry(struct oci_index *idx, const struct index_entry *new)
{
	const struct digest *digest = &new->manifest.digest;
	if (!new->reference && count_digest(idx, digest) > 0)
		return 0;
	if (new->reference)
		take_name(idx, new->reference, digest);
	/* An untagged entry of the same image becomes the named one. */
	for (size_t i = 0; i < idx->n; i++)
		if (!idx->entries[i].ref_name && digest_equal(&idx->entries[i].digest, digest))
			drop_entry(idx, i--);
	return append_entry(idx, new->reference, &new->manifest) < 0 ? -1 : 1;
}

int image_index_add_all(const struct store *s, const struct index_entry *list, size_t n, struct err *e)
{
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	bool changed = false;
	cleanup_fd int lock = lock_take(s->root_fd, "index.lock", LOCK_EXCLUSIVE, e);
	if (lock < 0 || image_index_read(s, &idx, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = add_entry(&idx, &list[i]);
		if (rc < 0)
			return err_no_memory(e);
		changed |= rc > 0;
	}
	return changed ? write_index(s, &idx, e) : 0;
}

int image_index_add(
        const struct store *s, const char *reference, const struct descriptor *manifest, struct err *e)
{
	const struct index_entry one = {.reference = reference, .manifest = *manifest};
	return image_index_add_all(s, &one, 1, e);
}

int image_index_remove(const struct store *s, const char *reference_or_digest, bool *deleted, struct err *e)
{
	struct digest d;
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	bool by_digest = digest_read(reference_or_digest, &d);
	cleanup_fd int lock = lock_take(s->root_fd, "index.lock", LOCK_EXCLUSIVE, e);
	if (lock < 0 || image_index_read(s, &idx, e) < 0)
		return -1;
	bool hit = false;
	*deleted = false;
	for (size_t i = 0; i < idx.n; i++) {
		const struct descriptor *entry = &idx.entries[i];
		if (by_digest ? !digest_equal(&entry->digest, &d)
		              : !entry->ref_name || strcmp(entry->ref_name, reference_or_digest) != 0)
			continue;
		struct digest gone = entry->digest;
		drop_entry(&idx, i--);
		hit = true;
		*deleted = count_digest(&idx, &gone) == 0;
	}
	if (!hit)
		return err_set(e, ERR_NOT_FOUND, "no such image: %.300s", reference_or_digest);
	return write_index(s, &idx, e);
}

int image_index_untag(const struct store *s, const char *reference, struct err *e)
{
	static const struct digest none;
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	cleanup_fd int lock = lock_take(s->root_fd, "index.lock", LOCK_EXCLUSIVE, e);
	if (lock < 0 || image_index_read(s, &idx, e) < 0)
		return -1;
	take_name(&idx, reference, &none);
	return write_index(s, &idx, e);
}
