/* Load: images out of an oci-archive (an OCI image layout in a tar) or a docker-archive (manifest.json).
 * Archives of newer Dockers are both; the OCI side is read then, since it carries the digests. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/image.h"
#include "engine/image_archive_legacy.h"
#include "engine/image_archive_members.h"
#include "engine/oci/reference.h"
#include "engine/store/blob.h"
#include "engine/tare.h"

#define DOCKER_MANIFEST_MAX ((size_t)4 << 20)
#define IMAGES_MAX          4096
#define NESTING_MAX         4 /* indexes in indexes */

struct load {
	struct arrival arrival;
	struct members members;
	char ***loaded;
	bool legacy; /* the list of images was made by image_archive_legacy.c, not by the archive */
};

/* What was made ready, and under which names it will be known once everything in the archive is. */
struct ready {
	struct digest manifest, config;
	uint64_t size;
	char *media_type;
	char **names; /* full references */
};
struct ready_list {
	struct ready *list;
	size_t n;
};

static void ready_list_free(struct ready_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->list[i].media_type);
		strv_free(l->list[i].names);
	}
	free(l->list);
}

static struct ready *ready_add(struct ready_list *l, const char *media_type, struct err *e)
{
	if (l->n == IMAGES_MAX)
		return err_set_null(e, ERR_CORRUPT, "the archive has more than %d images", IMAGES_MAX);
	struct ready *grown = realloc(l->list, (l->n + 1) * sizeof(*grown));
	char *type = strdup(media_type);
	if (grown)
		l->list = grown;
	if (!grown || !type) {
		free(type);
		return err_set_null(e, ERR_OTHER, "out of memory");
	}
	grown[l->n] = (struct ready){.media_type = type};
	return &grown[l->n++];
}

static int ready_name(struct ready *r, const char *name, struct err *e)
{
	cleanup_reference struct reference ref = REFERENCE_INIT;
	if (reference_parse(name, &ref, e) < 0)
		return err_wrap(e, "the archive is damaged");
	cleanup_free char *full = reference_full(&ref);
	if (!full || (!strv_has(r->names, full) && strv_add(&r->names, full) < 0))
		return err_no_memory(e);
	return 0;
}

/* ------------------------------------------------------------------ checks both kinds share */

/* Digest and size of a descriptor against what is really there. The digest of a file in the archive was
 * computed when it was stored; the store's own blobs count as well, for archives without the shared layers.
 */
static int check_blob(const struct load *l, const struct descriptor *d, const char *what, struct err *e)
{
	uint64_t size;
	char text[DIGEST_TEXT_SIZE];
	if (!blob_exists(&l->arrival.store, &d->digest, &size))
		return err_set(e, ERR_CORRUPT, "the archive is damaged: %s %s is missing", what,
		        digest_text(&d->digest, text));
	if (size != d->size)
		return err_set(e, ERR_CORRUPT, "the archive is damaged: %s %s has %llu bytes instead of %llu",
		        what, digest_text(&d->digest, text), (unsigned long long)size,
		        (unsigned long long)d->size);
	return 0;
}

/* A document that is read whole has a limit that is checked before. */
static int check_document(
        const struct load *l, const struct descriptor *d, const char *what, size_t max, struct err *e)
{
	if (d->size > max)
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged: %s has %llu bytes, more than the limit of %zu", what,
		        (unsigned long long)d->size, max);
	return check_blob(l, d, what, e);
}

static int protect_all(struct load *l, const struct manifest *m, const struct digest *manifest, struct err *e)
{
	struct arrival *a = &l->arrival;
	if (pull_protect(&a->store, &a->pull, manifest, e) < 0 ||
	        pull_protect(&a->store, &a->pull, &m->config.digest, e) < 0)
		return -1;
	for (size_t i = 0; i < m->n_layers; i++)
		if (pull_protect(&a->store, &a->pull, &m->layers[i].digest, e) < 0)
			return -1;
	return 0;
}

/* Everything a manifest speaks of is here and right; its layers get unpacked. */
static int bring_in(struct load *l, const struct manifest *m, const struct digest *manifest, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(IMAGE_CONFIG_MAX_BYTES);
	cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT;
	if (protect_all(l, m, manifest, e) < 0 ||
	        check_document(l, &m->config, "the config", IMAGE_CONFIG_MAX_BYTES, e) < 0)
		return -1;
	for (size_t i = 0; i < m->n_layers; i++)
		if (check_blob(l, &m->layers[i], "layer", e) < 0)
			return -1;
	if (blob_read(&l->arrival.store, &m->config.digest, &b, e) < 0 ||
	        image_config_parse(buf_str(&b), b.len, &c, e) < 0)
		return -1;
	return arrival_add_layers(&l->arrival, m, &c, e);
}

/* ------------------------------------------------------------------ oci-archive */

static int load_manifest(struct load *l, const struct descriptor *d, struct ready_list *out, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	cleanup_manifest struct manifest m = MANIFEST_INIT;
	if (check_document(l, d, "the manifest", MANIFEST_MAX_BYTES, e) < 0 ||
	        blob_read(&l->arrival.store, &d->digest, &b, e) < 0 ||
	        manifest_parse(buf_str(&b), b.len, d->media_type, &m, e) < 0 ||
	        bring_in(l, &m, &d->digest, e) < 0)
		return -1;
	struct ready *r = ready_add(out, m.media_type, e);
	if (!r)
		return -1;
	r->manifest = d->digest;
	r->size = d->size;
	r->config = m.config.digest;
	return 0;
}

static int read_index(struct load *l, const struct descriptor *d, struct oci_index *idx, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	if (check_document(l, d, "the index", MANIFEST_MAX_BYTES, e) < 0 ||
	        blob_read(&l->arrival.store, &d->digest, &b, e) < 0)
		return -1;
	return oci_index_parse(buf_str(&b), b.len, idx, e);
}

/* A manifest, or out of an index the one for this machine. */
static int load_entry(
        struct load *l, const struct descriptor *d, unsigned depth, struct ready_list *out, struct err *e)
{
	if (media_kind(d->media_type) != MEDIA_KIND_INDEX)
		return load_manifest(l, d, out, e);
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	if (depth >= NESTING_MAX)
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged: indexes inside indexes are nested too deeply");
	if (read_index(l, d, &idx, e) < 0)
		return -1;
	const struct descriptor *host = oci_index_for_host(&idx);
	if (!host && idx.n == 1)
		host = &idx.entries[0];
	if (!host)
		return err_set(
		        e, ERR_NOT_FOUND, "the archive has no image for linux/%s", host_architecture());
	return load_entry(l, host, depth + 1, out, e);
}

/* Docker and containerd put the whole name into an annotation of their own and only the tag into OCI's. */
static int name_entry(struct ready_list *out, const struct descriptor *d, struct err *e)
{
	const char *name = d->image_name ? d->image_name : d->ref_name;
	return name ? ready_name(&out->list[out->n - 1], name, e) : 0;
}

static int load_oci(struct load *l, const struct member *index, struct ready_list *out, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(MANIFEST_MAX_BYTES);
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	if (member_read(&l->arrival, index, &b, e) < 0 || oci_index_parse(buf_str(&b), b.len, &idx, e) < 0)
		return -1;
	if (idx.n == 0)
		return err_set(e, ERR_CORRUPT, "the archive has no images");
	for (size_t i = 0; i < idx.n; i++)
		if (load_entry(l, &idx.entries[i], 0, out, e) < 0 || name_entry(out, &idx.entries[i], e) < 0)
			return -1;
	return 0;
}

/* ------------------------------------------------------------------ docker-archive */

/* The kind of compression, or -1. */
static int blob_compression(const struct load *l, const struct digest *d, struct err *e)
{
	struct inflate_options o = {.copy_fd = -1};
	cleanup_fd int fd = blob_open(&l->arrival.store, d);
	if (fd < 0)
		return err_sys(e, "cannot open a layer");
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	return in ? (int)inflate_kind(in) : -1;
}

static int docker_layer(struct load *l, const char *name, struct descriptor *d, struct err *e)
{
	const struct member *f = name ? members_find(&l->members, name) : NULL;
	if (!f)
		return err_set(e, ERR_CORRUPT, "the archive is damaged: layer \"%.200s\" is missing",
		        name ? name : "");
	int kind = blob_compression(l, &f->digest, e);
	if (kind < 0)
		return -1;
	const char *type = layer_media_type((enum compression)kind);
	if (!type)
		return err_set(e, ERR_CORRUPT,
		        "layer \"%.200s\" is compressed with %s, which images cannot be", f->name,
		        compression_name((enum compression)kind));
	d->digest = f->digest;
	d->size = f->size;
	d->media_type = strdup(type);
	return d->media_type ? 0 : err_no_memory(e);
}

/* The config is a file of the archive, or (legacy) a document that we made and stored ourselves. */
static int docker_config(struct load *l, json *image, struct descriptor *d, struct err *e)
{
	const char *name = json_str(image, "Config", "");
	const struct member *file = members_find(&l->members, name);
	d->media_type = strdup(MEDIA_OCI_CONFIG);
	if (!d->media_type)
		return err_no_memory(e);
	if (file) {
		d->digest = file->digest;
		d->size = file->size;
		return 0;
	}
	if (l->legacy && digest_read(name, &d->digest)) {
		d->size = (uint64_t)json_int(image, "ConfigSize", 0);
		return 0;
	}
	return err_set(e, ERR_CORRUPT, "the archive is damaged: config \"%.200s\" is missing", name);
}

/* Docker's archives have no manifest: ours is made of what they say, the config staying byte for byte. */
static int docker_manifest(struct load *l, json *image, struct manifest *m, struct err *e)
{
	cleanup_strv char **layers = json_strv(image, "Layers");
	size_t n = strv_len(layers);
	if (n > MANIFEST_MAX_LAYERS)
		return err_set(e, ERR_CORRUPT, "an image has %zu layers, more than the limit of %d", n,
		        MANIFEST_MAX_LAYERS);
	m->media_type = strdup(MEDIA_OCI_MANIFEST);
	m->layers = calloc(n ? n : 1, sizeof(*m->layers));
	if (!m->media_type || !m->layers)
		return err_no_memory(e);
	if (docker_config(l, image, &m->config, e) < 0)
		return -1;
	for (; m->n_layers < n; m->n_layers++)
		if (docker_layer(l, layers[m->n_layers], &m->layers[m->n_layers], e) < 0)
			return -1;
	return 0;
}

static int load_docker_image(struct load *l, json *image, struct ready_list *out, struct err *e)
{
	cleanup_manifest struct manifest m = MANIFEST_INIT;
	struct digest digest;
	uint64_t size;
	if (docker_manifest(l, image, &m, e) < 0)
		return -1;
	cleanup_json json *document = manifest_to_json(&m);
	if (arrival_add_document(&l->arrival, document, &digest, &size, e) < 0 ||
	        bring_in(l, &m, &digest, e) < 0)
		return -1;
	struct ready *r = ready_add(out, MEDIA_OCI_MANIFEST, e);
	if (!r)
		return -1;
	r->manifest = digest;
	r->size = size;
	r->config = m.config.digest;
	cleanup_strv char **tags = json_strv(image, "RepoTags");
	strv_foreach (tag, tags)
		if (ready_name(r, *tag, e) < 0)
			return -1;
	return 0;
}

static int load_list(struct load *l, json *list, struct ready_list *out, struct err *e)
{
	if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
		return err_set(e, ERR_CORRUPT, "the archive is damaged: it lists no images");
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (load_docker_image(l, json_object_array_get_idx(list, i), out, e) < 0)
			return -1;
	return 0;
}

static int load_docker(struct load *l, const struct member *manifest, struct ready_list *out, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(DOCKER_MANIFEST_MAX);
	if (member_read(&l->arrival, manifest, &b, e) < 0)
		return -1;
	cleanup_json json *list = json_parse(buf_str(&b), b.len, "manifest.json", e);
	return list ? load_list(l, list, out, e) : -1;
}

static int load_legacy(
        struct load *l, const struct member *repositories, struct ready_list *out, struct err *e)
{
	cleanup_json json *list = legacy_manifest(&l->arrival, &l->members, repositories, e);
	l->legacy = true;
	return list ? load_list(l, list, out, e) : -1;
}

/* ------------------------------------------------------------------ the whole */

static int load_members(struct load *l, struct ready_list *out, struct err *e)
{
	const struct member *index = members_find(&l->members, "index.json");
	const struct member *manifest = members_find(&l->members, "manifest.json");
	const struct member *repositories = members_find(&l->members, "repositories");
	if (index && members_find(&l->members, "oci-layout"))
		return load_oci(l, index, out, e);
	if (manifest)
		return load_docker(l, manifest, out, e);
	if (repositories)
		return load_legacy(l, repositories, out, e);
	return err_set(e, ERR_CORRUPT,
	        "this is neither an oci-archive nor a docker-archive (no index.json, no manifest.json); for "
	        "the archive of a root file system use: tare import");
}

static void add_index_entry(struct index_entry *list, size_t *n, const struct ready *r, const char *name)
{
	list[(*n)++] = (struct index_entry){.reference = name,
	        .manifest = {.media_type = r->media_type, .digest = r->manifest, .size = r->size}};
}

static int list_names(
        struct load *l, const struct ready *r, struct index_entry *list, size_t *n, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	if (!r->names) {
		add_index_entry(list, n, r, NULL);
		return strv_add(l->loaded, digest_text(&r->config, text)) < 0 ? err_no_memory(e) : 0;
	}
	strv_foreach (name, r->names) {
		add_index_entry(list, n, r, *name);
		if (strv_take(l->loaded, reference_shorten(*name)) < 0)
			return err_no_memory(e);
	}
	return 0;
}

static void tell_loaded(const struct load *l, const struct ready *r)
{
	cleanup_free char *name = r->names ? reference_shorten(*r->names) : NULL;
	char text[DIGEST_TEXT_SIZE];

	image_event(&l->arrival.store, "load", digest_text(&r->config, text), name);
}

/* Only here does anything become visible, and all at once. */
static int name_all(struct load *l, const struct ready_list *ready, struct err *e)
{
	size_t n = 0, max = 0;
	for (size_t i = 0; i < ready->n; i++)
		max += strv_len(ready->list[i].names) + 1;
	cleanup_free struct index_entry *list = calloc(max + 1, sizeof(*list));
	if (!list)
		return err_no_memory(e);
	for (size_t i = 0; i < ready->n; i++)
		if (list_names(l, &ready->list[i], list, &n, e) < 0)
			return -1;
	if (arrival_name(&l->arrival, list, n, e) < 0)
		return -1;
	for (size_t i = 0; i < ready->n; i++)
		tell_loaded(l, &ready->list[i]);
	return 0;
}

int tare_image_load(const char *root, const char *state, const char *file, struct progress *p, char ***loaded,
        struct err *e)
{
	uint64_t total;
	struct load l = {.arrival = ARRIVAL_INIT, .loaded = loaded};
	struct ready_list ready = {0};
	*loaded = NULL;
	cleanup_fd int fd = archive_open(file, &total, e);
	if (fd < 0 || arrival_begin(&l.arrival, root, state, p, e) < 0)
		return -1;
	int rc = members_read(&l.arrival, fd, total, &l.members, e);
	if (rc == 0)
		rc = load_members(&l, &ready, e);
	if (rc == 0)
		rc = name_all(&l, &ready, e);
	if (rc < 0)
		err_wrap(e, "cannot load %s", strcmp(file, "-") == 0 ? "standard input" : file);
	ready_list_free(&ready);
	members_free(&l.members);
	arrival_end(&l.arrival);
	return rc;
}
