#include "engine/oci/manifest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"

static const struct {
	const char *type;
	enum media_kind kind;
} media_types[] = {
        {MEDIA_OCI_MANIFEST, MEDIA_KIND_MANIFEST},
        {MEDIA_DOCKER_MANIFEST, MEDIA_KIND_MANIFEST},
        {MEDIA_OCI_INDEX, MEDIA_KIND_INDEX},
        {MEDIA_DOCKER_LIST, MEDIA_KIND_INDEX},
        {MEDIA_OCI_CONFIG, MEDIA_KIND_CONFIG},
        {MEDIA_DOCKER_CONFIG, MEDIA_KIND_CONFIG},
        {MEDIA_OCI_LAYER, MEDIA_KIND_LAYER},
        {MEDIA_OCI_LAYER_GZIP, MEDIA_KIND_LAYER},
        {MEDIA_OCI_LAYER_ZSTD, MEDIA_KIND_LAYER},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_KIND_LAYER},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", MEDIA_KIND_LAYER},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MEDIA_KIND_LAYER},
        {"application/vnd.docker.image.rootfs.diff.tar", MEDIA_KIND_LAYER},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_KIND_LAYER},
        {"application/vnd.docker.image.rootfs.diff.tar.zstd", MEDIA_KIND_LAYER},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIA_KIND_LAYER},
};

enum media_kind media_kind(const char *media_type)
{
	for (size_t i = 0; media_type && i < sizeof(media_types) / sizeof(media_types[0]); i++)
		if (strcmp(media_types[i].type, media_type) == 0)
			return media_types[i].kind;
	return MEDIA_KIND_OTHER;
}

/* ------------------------------------------------------------------ descriptors */

void descriptor_free(struct descriptor *d)
{
	free(d->media_type);
	free(d->ref_name);
	free(d->image_name);
	free(d->os);
	free(d->architecture);
	free(d->variant);
	memset(d, 0, sizeof(*d));
}

/* A copy of s in *dst; NULL stays NULL. */
static int copy(char **dst, const char *s)
{
	*dst = s ? strdup(s) : NULL;
	return s && !*dst ? -1 : 0;
}

int descriptor_copy(struct descriptor *dst, const struct descriptor *src)
{
	*dst = (struct descriptor){.digest = src->digest,
	        .size = src->size,
	        .pulled = src->pulled,
	        .about_another = src->about_another};
	if (copy(&dst->media_type, src->media_type) < 0 || copy(&dst->ref_name, src->ref_name) < 0 ||
	        copy(&dst->image_name, src->image_name) < 0 || copy(&dst->os, src->os) < 0 ||
	        copy(&dst->architecture, src->architecture) < 0 || copy(&dst->variant, src->variant) < 0) {
		descriptor_free(dst);
		return -1;
	}
	return 0;
}

static int read_fields(json *j, struct descriptor *d, struct err *e)
{
	json *notes = json_get(j, "annotations");
	json *platform = json_get(j, "platform");
	int64_t size = json_int(j, "size", -1);
	if (size < 0)
		return err_set(e, ERR_CORRUPT, "a descriptor has no valid size");
	d->size = (uint64_t)size;
	if (digest_parse(json_str(j, "digest", NULL), &d->digest, e) < 0)
		return -1;
	if (copy(&d->media_type, json_str(j, "mediaType", "")) < 0 ||
	        copy(&d->ref_name, json_str(notes, ANNOTATION_REF_NAME, NULL)) < 0 ||
	        copy(&d->image_name, json_str(notes, ANNOTATION_IMAGE_NAME, NULL)) < 0 ||
	        copy(&d->os, json_str(platform, "os", NULL)) < 0 ||
	        copy(&d->architecture, json_str(platform, "architecture", NULL)) < 0 ||
	        copy(&d->variant, json_str(platform, "variant", NULL)) < 0)
		return err_no_memory(e);
	digest_read(json_str(notes, ANNOTATION_PULLED, NULL), &d->pulled);
	d->about_another = json_get(notes, "vnd.docker.reference.type");
	return 0;
}

int descriptor_from_json(json *j, struct descriptor *d, struct err *e)
{
	memset(d, 0, sizeof(*d));
	if (!j || !json_object_is_type(j, json_type_object))
		return err_set(e, ERR_CORRUPT, "a descriptor is missing or not an object");
	int rc = read_fields(j, d, e);
	if (rc < 0)
		descriptor_free(d);
	return rc;
}

json *descriptor_to_json(const struct descriptor *d)
{
	char text[DIGEST_TEXT_SIZE];
	json *j = json_object_new_object();
	json_set_str(j, "mediaType", d->media_type);
	json_set_str(j, "digest", digest_text(&d->digest, text));
	json_set_int(j, "size", (int64_t)d->size);
	if (d->ref_name || d->image_name || digest_is_set(&d->pulled)) {
		json *notes = json_object_new_object();
		if (d->image_name)
			json_set_str(notes, ANNOTATION_IMAGE_NAME, d->image_name);
		if (d->ref_name)
			json_set_str(notes, ANNOTATION_REF_NAME, d->ref_name);
		if (digest_is_set(&d->pulled))
			json_set_str(notes, ANNOTATION_PULLED, digest_text(&d->pulled, text));
		json_set(j, "annotations", notes);
	}
	if (d->os && d->architecture) {
		json *platform = json_object_new_object();
		json_set_str(platform, "architecture", d->architecture);
		json_set_str(platform, "os", d->os);
		if (d->variant)
			json_set_str(platform, "variant", d->variant);
		json_set(j, "platform", platform);
	}
	return j;
}

/* The array `key` of descriptors into *list; at most max. */
static int read_list(json *j, const char *key, size_t max, struct descriptor **list, size_t *n, struct err *e)
{
	json *array = json_get(j, key);
	if (!array || !json_object_is_type(array, json_type_array))
		return err_set(e, ERR_CORRUPT, "\"%s\" is missing or not a list", key);
	size_t len = json_object_array_length(array);
	if (DEFENCE("layers-number") && len > max)
		return err_set(
		        e, ERR_CORRUPT, "\"%s\" has %zu members, more than the limit of %zu", key, len, max);
	*list = calloc(len ? len : 1, sizeof(**list));
	if (!*list)
		return err_no_memory(e);
	for (; *n < len; (*n)++)
		if (descriptor_from_json(json_object_array_get_idx(array, *n), &(*list)[*n], e) < 0)
			return -1;
	return 0;
}

static void free_list(struct descriptor *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		descriptor_free(&list[i]);
	free(list);
}

/* ------------------------------------------------------------------ manifests */

void manifest_free(struct manifest *m)
{
	free(m->media_type);
	descriptor_free(&m->config);
	free_list(m->layers, m->n_layers);
	json_free(&m->annotations);
	memset(m, 0, sizeof(*m));
}

/* Type confusion (CVE-2021-41190): one document read as a manifest by one program and as an index by
 * another. The document's own type must be the one that led here, and members of the other kind are refused.
 * tests/unit/test_oci_manifest.c */
static int check_kind(json *j, enum media_kind want, const char *outer, const char **type, struct err *e)
{
	const char *inner = json_str(j, "mediaType", NULL);
	const char *fallback = want == MEDIA_KIND_MANIFEST ? MEDIA_OCI_MANIFEST : MEDIA_OCI_INDEX;
	*type = inner ? inner : outer && *outer ? outer : fallback;
	if (media_kind(*type) != want)
		return err_set(e, ERR_CORRUPT, "media type \"%.100s\" is not supported", *type);
	if (inner && outer && *outer && strcmp(inner, outer) != 0)
		return err_set(e, ERR_CORRUPT,
		        "the document says it is \"%.100s\", its descriptor \"%.100s\"", inner, outer);
	if (DEFENCE("manifest-kind") && json_get(j, "manifests") &&
	        (json_get(j, "layers") || json_get(j, "config")))
		return err_set(e, ERR_CORRUPT, "the document has both manifests and layers");
	if (json_int(j, "schemaVersion", 0) != 2)
		return err_set(e, ERR_CORRUPT, "schemaVersion is not 2");
	return 0;
}

static int check_manifest(const struct manifest *m, struct err *e)
{
	if (media_kind(m->config.media_type) != MEDIA_KIND_CONFIG)
		return err_set(e, ERR_CORRUPT, "it is not a container image: its config is \"%.100s\"",
		        m->config.media_type);
	for (size_t i = 0; i < m->n_layers; i++)
		if (media_kind(m->layers[i].media_type) != MEDIA_KIND_LAYER)
			return err_set(e, ERR_CORRUPT, "layer %zu has the unsupported media type \"%.100s\"",
			        i + 1, m->layers[i].media_type);
	return 0;
}

static int read_manifest(json *j, const char *outer, struct manifest *m, struct err *e)
{
	const char *type = NULL;
	if (check_kind(j, MEDIA_KIND_MANIFEST, outer, &type, e) < 0)
		return -1;
	if (copy(&m->media_type, type) < 0)
		return err_no_memory(e);
	if (descriptor_from_json(json_get(j, "config"), &m->config, e) < 0 ||
	        read_list(j, "layers", MANIFEST_MAX_LAYERS, &m->layers, &m->n_layers, e) < 0)
		return -1;
	json *notes = json_get(j, "annotations");
	if (notes && json_object_is_type(notes, json_type_object))
		m->annotations = json_object_get(notes);
	return check_manifest(m, e);
}

int manifest_parse(const char *text, size_t len, const char *media_type, struct manifest *m, struct err *e)
{
	memset(m, 0, sizeof(*m));
	if (len > MANIFEST_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "manifest: %zu bytes, more than the limit of %zu", len,
		        MANIFEST_MAX_BYTES);
	cleanup_json json *j = json_parse(text, len, "manifest", e);
	if (!j)
		return -1;
	if (read_manifest(j, media_type, m, e) < 0) {
		manifest_free(m);
		return err_wrap(e, "manifest");
	}
	return 0;
}

json *manifest_to_json(const struct manifest *m)
{
	json *j = json_object_new_object();
	json *layers = json_object_new_array();
	json_set_int(j, "schemaVersion", 2);
	json_set_str(j, "mediaType", m->media_type);
	json_set(j, "config", descriptor_to_json(&m->config));
	for (size_t i = 0; i < m->n_layers; i++)
		json_object_array_add(layers, descriptor_to_json(&m->layers[i]));
	json_set(j, "layers", layers);
	if (m->annotations)
		json_set(j, "annotations", json_object_get(m->annotations));
	return j;
}

/* ------------------------------------------------------------------ indexes */

void oci_index_free(struct oci_index *i)
{
	free_list(i->entries, i->n);
	memset(i, 0, sizeof(*i));
}

int oci_index_parse(const char *text, size_t len, struct oci_index *i, struct err *e)
{
	const char *type = NULL;
	memset(i, 0, sizeof(*i));
	if (len > INDEX_MAX_BYTES)
		return err_set(
		        e, ERR_CORRUPT, "index: %zu bytes, more than the limit of %zu", len, INDEX_MAX_BYTES);
	cleanup_json json *j = json_parse(text, len, "index", e);
	if (!j)
		return -1;
	if (check_kind(j, MEDIA_KIND_INDEX, NULL, &type, e) < 0 ||
	        read_list(j, "manifests", INDEX_MAX_ENTRIES, &i->entries, &i->n, e) < 0) {
		oci_index_free(i);
		return err_wrap(e, "index");
	}
	return 0;
}

const char *host_architecture(void)
{
	static const char *const names[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i686", "386"},
	        {"i386", "386"}, {"armv7l", "arm"}, {"armv6l", "arm"}, {"ppc64le", "ppc64le"},
	        {"s390x", "s390x"}, {"riscv64", "riscv64"}, {"loongarch64", "loong64"}};
	struct utsname u;
	if (uname(&u) < 0)
		return "unknown";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(u.machine, names[i][0]) == 0)
			return names[i][1];
	return "unknown";
}

const struct descriptor *oci_index_for_host(const struct oci_index *i)
{
	const char *arch = host_architecture();
	for (size_t k = 0; k < i->n; k++) {
		const struct descriptor *d = &i->entries[k];
		if (d->os && d->architecture && strcmp(d->os, "linux") == 0 &&
		        strcmp(d->architecture, arch) == 0)
			return d;
	}
	return NULL;
}
