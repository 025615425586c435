/* Save: images of the store into an oci-archive or a docker-archive. Members stand in the order of their
 * names and bear no time, so that the same images give the same bytes. Every blob is hashed on its way out:
 * a damaged store does not get passed on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/inflate.h"
#include "engine/archive/hash.h"
#include "engine/archive/pack.h"
#include "engine/archive/target_file.h"
#include "engine/image.h"
#include "engine/oci/media_type.h"
#include "engine/oci/reference.h"
#include "engine/store/blob.h"
#include "engine/store/image_index.h"
#include "engine/store/pull.h"
#include "engine/tare.h"

struct save {
	struct store store;
	struct image *images;
	size_t n_images;
	struct progress *progress;
	struct pack pack;
	struct pull pull; /* what is written is not swept meanwhile */
};

/* ------------------------------------------------------------------ members */

/* A file of the archive that is made of a blob. */
struct part {
	char *name;
	struct digest blob;
	const struct digest *diff_id; /* unpacked: what must come out; NULL: as it is */
	char *text;                   /* the content itself, which no blob has; or NULL */
};
struct part_list {
	struct part *list;
	size_t n;
};

static void part_list_free(struct part_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->list[i].name);
		free(l->list[i].text);
	}
	free(l->list);
}

static int add_part(struct part_list *l, char *name, const struct digest *blob, const struct digest *diff_id,
        struct err *e)
{
	struct part *grown = realloc(l->list, (l->n + 1) * sizeof(*grown));
	if (grown)
		l->list = grown;
	if (!grown || !name) {
		free(name);
		return err_no_memory(e);
	}
	grown[l->n++] = (struct part){.name = name, .blob = *blob, .diff_id = diff_id};
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct part *)a)->name, ((const struct part *)b)->name);
}

/* The unpacked size has to stand in the header before the data: so the blob is read twice. */
static int unpacked_size(int fd, const struct part *part, uint64_t *size, struct err *e)
{
	struct inflate_result r;
	struct inflate_options o = {.out_alg = part->diff_id->alg, .copy_fd = -1};
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in || inflate_finish(in, &r, e) < 0)
		return -1;
	if (!digest_equal(&r.out, part->diff_id))
		return err_set(e, ERR_CORRUPT, "the image store is damaged: layer %.64s", part->diff_id->hex);
	*size = r.out_bytes;
	return lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, "cannot read a blob") : 0;
}

static int copy_unpacked(struct save *s, int fd, struct err *e)
{
	const void *data;
	size_t len;
	int rc;
	struct inflate_options o = {.copy_fd = -1};
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in)
		return -1;
	while ((rc = inflate_block(in, &data, &len, e)) > 0)
		if (pack_data(&s->pack, data, len, e) < 0)
			return -1;
	return rc;
}

static int copy_plain(struct save *s, int fd, const struct digest *want, struct err *e)
{
	char buffer[64 << 10];
	ssize_t n;
	cleanup_hash struct hash *h = hash_new(want->alg, e);
	struct digest got;
	if (!h)
		return -1;
	while ((n = read_full(fd, buffer, sizeof(buffer))) > 0) {
		hash_add(h, buffer, (size_t)n);
		if (pack_data(&s->pack, buffer, (size_t)n, e) < 0)
			return -1;
	}
	if (n < 0)
		return err_sys(e, "cannot read a blob");
	hash_finish(h, &got);
	if (!digest_equal(&got, want))
		return err_set(e, ERR_CORRUPT, "the image store is damaged: blob %.64s", want->hex);
	return 0;
}

static int write_part(struct save *s, const struct part *part, struct err *e)
{
	struct stat st;
	if (part->text)
		return pack_file(&s->pack, part->name, part->text, strlen(part->text), e);
	cleanup_fd int fd = blob_open(&s->store, &part->blob);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open blob %.64s (pull or load the image again)", part->blob.hex);
	uint64_t size = (uint64_t)st.st_size;
	if (part->diff_id && unpacked_size(fd, part, &size, e) < 0)
		return -1;
	if (pack_begin(&s->pack, part->name, size, e) < 0)
		return -1;
	int rc = part->diff_id ? copy_unpacked(s, fd, e) : copy_plain(s, fd, &part->blob, e);
	return rc < 0 ? -1 : pack_end(&s->pack, e);
}

/* Each name once, in order. Directories come before what is in them. */
static int write_parts(struct save *s, struct part_list *l, struct err *e)
{
	if (l->n)
		qsort(l->list, l->n, sizeof(*l->list), by_name);
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0 && strcmp(l->list[i].name, l->list[i - 1].name) == 0)
			continue;
		if (s->progress)
			progress_step(s->progress, "archive", "writing", i, l->n);
		if (write_part(s, &l->list[i], e) < 0)
			return -1;
	}
	return 0;
}

static int write_json(struct save *s, const char *name, json *document, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	json_print(&b, document, JSON_COMPACT);
	return b.failed ? err_no_memory(e) : pack_file(&s->pack, name, b.data, b.len, e);
}

/* ------------------------------------------------------------------ oci-archive */

static char *oci_name(const struct digest *d)
{
	char path[DIGEST_TEXT_SIZE];
	return str_printf("blobs/%s", digest_path(d, path));
}

/* In an OCI archive the manifest is OCI's: most readers take no other. One of Docker's is translated; the
 * config, and so the image's id, and the layers stay what they are. */
static int oci_manifest(
        const struct save *s, const struct image *i, struct part_list *l, struct descriptor *d, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	*d = (struct descriptor){.media_type = i->media_type, .digest = i->manifest_digest};
	if (blob_read(&s->store, &d->digest, &b, e) < 0)
		return -1;
	d->size = b.len;
	cleanup_json json *j = json_parse(buf_str(&b), b.len, "manifest", e);
	if (!j)
		return -1;
	if (!media_type_convert(j, MEDIA_FAMILY_OCI))
		return add_part(l, oci_name(&d->digest), &d->digest, NULL, e);
	buf_reset(&b);
	json_print(&b, j, JSON_COMPACT);
	d->media_type = (char *)(uintptr_t)media_type_in(i->media_type, MEDIA_FAMILY_OCI);
	d->size = b.len;
	if (hash_bytes("sha256", buf_str(&b), b.len, &d->digest, e) < 0 ||
	        add_part(l, oci_name(&d->digest), &d->digest, NULL, e) < 0)
		return -1;
	l->list[l->n - 1].text = buf_take(&b);
	return l->list[l->n - 1].text ? 0 : err_no_memory(e);
}

static int oci_parts(const struct image *i, struct part_list *l, struct err *e)
{
	if (add_part(l, oci_name(&i->config_digest), &i->config_digest, NULL, e) < 0)
		return -1;
	for (size_t k = 0; k < i->manifest.n_layers; k++) {
		const struct digest *d = &i->manifest.layers[k].digest;
		if (add_part(l, oci_name(d), d, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int oci_entry(
        const struct save *s, const struct image *i, json *list, struct part_list *l, struct err *e)
{
	struct descriptor d;
	if (oci_manifest(s, i, l, &d, e) < 0)
		return -1;
	d.ref_name = d.image_name = i->reference;
	json_object_array_add(list, descriptor_to_json(&d));
	return 0;
}

static int write_oci(struct save *s, struct err *e)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct part_list parts = {0};
	cleanup_json json *index = json_object_new_object();
	json *list = json_object_new_array();
	json_set_int(index, "schemaVersion", 2);
	json_set_str(index, "mediaType", MEDIA_OCI_INDEX);
	json_set(index, "manifests", list);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->n_images; i++) {
		rc = oci_entry(s, &s->images[i], list, &parts, e);
		if (rc == 0)
			rc = oci_parts(&s->images[i], &parts, e);
	}
	/* The layout and the index first: a reader knows at once what is coming. */
	if (rc == 0)
		rc = pack_file(&s->pack, "oci-layout", layout, sizeof(layout) - 1, e);
	if (rc == 0)
		rc = write_json(s, "index.json", index, e);
	if (rc == 0)
		rc = write_parts(s, &parts, e);
	part_list_free(&parts);
	return rc;
}

/* ------------------------------------------------------------------ docker-archive */

static int docker_layers(const struct image *i, json *names, struct part_list *l, struct err *e)
{
	for (size_t k = 0; k < i->manifest.n_layers; k++) {
		const struct digest *diff_id = &i->config.diff_ids[k];
		char *name = str_printf("%s/layer.tar", diff_id->hex);
		if (name)
			json_add_str(names, name);
		if (add_part(l, name, &i->manifest.layers[k].digest, diff_id, e) < 0)
			return -1;
	}
	return 0;
}

/* The object of manifest.json for image `at`, with the names of all entries that are the same image. */
static int docker_entry(const struct save *s, size_t at, json *list, struct part_list *l, struct err *e)
{
	const struct image *i = &s->images[at];
	json *entry = json_object_new_object(), *tags = json_object_new_array(),
	     *layers = json_object_new_array();
	cleanup_free char *config = str_printf("%s.json", i->config_digest.hex);
	json_object_array_add(list, entry);
	json_set_str(entry, "Config", config);
	json_set(entry, "RepoTags", tags);
	json_set(entry, "Layers", layers);
	for (size_t k = at; k < s->n_images; k++) {
		if (!s->images[k].reference || !digest_equal(&s->images[k].config_digest, &i->config_digest))
			continue;
		cleanup_free char *name = reference_shorten(s->images[k].reference);
		json_add_str(tags, name);
	}
	if (add_part(l, steal_ptr(&config), &i->config_digest, NULL, e) < 0)
		return -1;
	return docker_layers(i, layers, l, e);
}

static bool seen_before(const struct save *s, size_t at)
{
	for (size_t k = 0; k < at; k++)
		if (digest_equal(&s->images[k].config_digest, &s->images[at].config_digest))
			return true;
	return false;
}

static int write_docker(struct save *s, struct err *e)
{
	struct part_list parts = {0};
	cleanup_json json *list = json_object_new_array();
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->n_images; i++)
		if (!seen_before(s, i))
			rc = docker_entry(s, i, list, &parts, e);
	if (rc == 0)
		rc = write_json(s, "manifest.json", list, e);
	if (rc == 0)
		rc = write_parts(s, &parts, e);
	part_list_free(&parts);
	return rc;
}

/* ------------------------------------------------------------------ the whole */

static int find_images(struct save *s, char *const *refs, struct err *e)
{
	s->images = calloc(strv_len(refs) + 1, sizeof(*s->images));
	if (!s->images)
		return err_no_memory(e);
	strv_foreach (ref, refs) {
		struct image *i = &s->images[s->n_images];
		struct digest d;
		if (image_ensure(&s->store, *ref, i, e) < 0)
			return -1;
		s->n_images++;
		/* Asked for by what it is, not by name: no name goes along. */
		cleanup_reference struct reference r = REFERENCE_INIT;
		bool by_name_given =
		        i->reference && !digest_read(*ref, &d) && reference_parse(*ref, &r, NULL) == 0;
		cleanup_free char *full = by_name_given ? reference_full(&r) : NULL;
		if (i->reference && (!full || strcmp(full, i->reference) != 0)) {
			free(i->reference);
			i->reference = NULL;
		}
	}
	return 0;
}

/* Who removes one meanwhile takes its name: what it is made of stays until it is written. */
static int keep_images(struct save *s, struct err *e)
{
	if (pull_begin(&s->store, &s->pull, e) < 0)
		return -1;
	for (size_t i = 0; i < s->n_images; i++) {
		const struct image *image = &s->images[i];
		int rc = pull_protect(&s->store, &s->pull, &image->manifest_digest, e);
		if (rc == 0)
			rc = pull_protect(&s->store, &s->pull, &image->config_digest, e);
		for (size_t k = 0; rc == 0 && k < image->manifest.n_layers; k++)
			rc = pull_protect(&s->store, &s->pull, &image->manifest.layers[k].digest, e);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int save_images(
        struct save *s, char *const *refs, const char *file, enum tare_save_format format, struct err *e)
{
	struct target_file target = TARGET_FILE_INIT;
	if (find_images(s, refs, e) < 0 || keep_images(s, e) < 0)
		return -1;
	int rc = target_file_open(&target, file, "use -o FILE or redirect it", e);
	if (rc == 0) {
		pack_init(&s->pack, target.fd);
		rc = format == TARE_SAVE_DOCKER ? write_docker(s, e) : write_oci(s, e);
		if (rc == 0)
			rc = pack_finish(&s->pack, e);
		pack_free(&s->pack);
	}
	return target_file_close(&target, rc, e);
}

static void tell_saved(const struct save *s, const struct image *i)
{
	cleanup_free char *name = i->reference ? reference_shorten(i->reference) : NULL;
	char text[DIGEST_TEXT_SIZE];

	image_event(&s->store, "save", digest_text(&i->config_digest, text), name);
}

int tare_image_save(const char *root, const char *state, char *const *refs, const char *file,
        enum tare_save_format format, struct progress *p, struct err *e)
{
	struct save *s = calloc(1, sizeof(*s));
	if (!s)
		return err_no_memory(e);
	s->progress = p;
	s->pull = (struct pull)PULL_INIT;
	int rc = store_open(&s->store, root, state, e);
	if (rc == 0) {
		rc = save_images(s, refs, file, format, e);
		for (size_t i = 0; rc == 0 && i < s->n_images; i++)
			tell_saved(s, &s->images[i]);
		pull_end(&s->store, &s->pull);
		for (size_t i = 0; i < s->n_images; i++)
			image_free(&s->images[i]);
		free(s->images);
		store_close(&s->store);
	}
	free(s);
	return rc;
}
