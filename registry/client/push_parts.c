#include "registry/client/push_parts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/archive/hash.h"
#include "engine/oci/media_type.h"
#include "registry/client/push_compress.h"

/* ------------------------------------------------------------------ the blobs */

static bool has_part(const struct push_parts *p, const struct digest *d)
{
	for (size_t i = 0; i < p->n; i++)
		if (digest_equal(&p->list[i].stored, d))
			return true;
	return false;
}

static int add_part(struct push_parts *p, const struct descriptor *d, struct err *e)
{
	struct push_part *part = &p->list[p->n];
	uint64_t size;
	char text[DIGEST_TEXT_SIZE];

	if (has_part(p, &d->digest))
		return 0;
	if (pull_protect(p->store, &p->pull, &d->digest, e) < 0)
		return -1;
	if (!blob_exists(p->store, &d->digest, &size)) {
		/* Foreign layers: a registry does not ask for them. */
		if (media_type_stays_away(d->media_type))
			return 0;
		return err_set(e, ERR_CORRUPT,
		        "the store has no blob %s of this image; pull or load it again",
		        digest_text(&d->digest, text));
	}
	*part = (struct push_part){.stored = d->digest, .draft = BLOB_DRAFT_INIT};
	memcpy(part->label, d->digest.hex, 12);
	p->n++;
	if (descriptor_copy(&part->blob, d) < 0)
		return err_no_memory(e);
	part->blob.size = size;
	return 0;
}

static int add_parts(struct push_parts *p, const struct manifest *m, struct err *e)
{
	p->list = calloc(m->n_layers + 1, sizeof(*p->list));
	if (!p->list)
		return err_no_memory(e);
	for (size_t i = 0; i < m->n_layers; i++)
		if (add_part(p, &m->layers[i], e) < 0)
			return -1;
	return add_part(p, &m->config, e);
}

static struct push_part *find_part(const struct push_parts *p, const char *digest)
{
	struct digest d;

	for (size_t i = 0; digest_read(digest, &d) && i < p->n; i++)
		if (digest_equal(&p->list[i].stored, &d))
			return &p->list[i];
	return NULL;
}

/* ------------------------------------------------------------------ the manifest */

/* A descriptor of the document as what is pushed in its place; all else that it says stays. */
static bool rewrite(const struct push_parts *p, json *descriptor)
{
	const struct push_part *part = find_part(p, json_str(descriptor, "digest", ""));
	char text[DIGEST_TEXT_SIZE];

	if (!part || digest_equal(&part->blob.digest, &part->stored))
		return false;
	json_set_str(descriptor, "mediaType", part->blob.media_type);
	json_set_str(descriptor, "digest", digest_text(&part->blob.digest, text));
	json_set_int(descriptor, "size", (int64_t)part->blob.size);
	return true;
}

static bool rewrite_all(const struct push_parts *p, json *document, const char *format)
{
	json *layers = json_get(document, "layers");
	size_t n = layers ? json_object_array_length(layers) : 0;
	bool changed = false;

	for (size_t i = 0; i < n; i++)
		changed |= rewrite(p, json_object_array_get_idx(layers, i));
	if (format)
		changed |= media_type_convert(
		        document, strcmp(format, "docker") == 0 ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI);
	return changed;
}

/* As the store has it, byte for byte, unless something in it is different now. */
static int make_manifest(
        struct push_parts *p, const struct image *image, const struct push_options *o, struct err *e)
{
	p->document = (struct buf)BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	if (blob_read(p->store, &image->manifest_digest, &p->document, e) < 0)
		return -1;
	cleanup_json json *j = json_parse(buf_str(&p->document), p->document.len, "manifest", e);
	if (!j)
		return -1;
	/* OCI lets a manifest leave its own type out. */
	p->manifest.media_type = strdup(json_str(j, "mediaType", image->media_type));
	if (rewrite_all(p, j, o->format)) {
		buf_reset(&p->document);
		json_print(&p->document, j, JSON_COMPACT);
		free(p->manifest.media_type);
		p->manifest.media_type = strdup(json_str(j, "mediaType", image->media_type));
	}
	if (p->document.failed || !p->manifest.media_type)
		return err_no_memory(e);
	p->manifest.size = p->document.len;
	return hash_bytes(
	        image->manifest_digest.alg, buf_str(&p->document), p->document.len, &p->manifest.digest, e);
}

/* ------------------------------------------------------------------ the whole */

int push_parts_make(struct push_parts *p, const struct store *s, const struct image *image,
        const struct push_options *o, struct err *e)
{
	p->store = s;
	if (pull_begin(s, &p->pull, e) < 0 || pull_protect(s, &p->pull, &image->manifest_digest, e) < 0 ||
	        add_parts(p, &image->manifest, e) < 0 || push_compress(p, o, e) < 0)
		return -1;
	return make_manifest(p, image, o, e);
}

void push_parts_free(struct push_parts *p)
{
	for (size_t i = 0; i < p->n; i++) {
		descriptor_free(&p->list[i].blob);
		blob_draft_drop(p->store, &p->list[i].draft);
	}
	free(p->list);
	buf_free(&p->document);
	descriptor_free(&p->manifest);
	if (p->pull.fd >= 0)
		pull_end(p->store, &p->pull);
}

int push_part_open(const struct push_parts *p, const struct push_part *part, struct err *e)
{
	int fd = part->draft.fd >= 0 ? fcntl(part->draft.fd, F_DUPFD_CLOEXEC, 3)
	                             : blob_open(p->store, &part->stored);

	return fd < 0 ? err_sys(e, "cannot open layer %.12s", part->label) : fd;
}
