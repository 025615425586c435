/* Image manifests (OCI image-spec 1.1 and Docker schema 2) and image indexes (and Docker manifest lists),
 * read strictly: size and depth bounds, known media types, and nothing that could be taken for both a
 * manifest and an index (CVE-2021-41190). `urls` of foreign layers are never looked at. */
#ifndef TARE_OCI_MANIFEST_H
#define TARE_OCI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/oci/digest.h"

struct err;

#define MANIFEST_MAX_BYTES  ((size_t)4 << 20)
#define MANIFEST_MAX_LAYERS 512
#define INDEX_MAX_BYTES     ((size_t)16 << 20) /* the store's own index.json can grow past a manifest */
#define INDEX_MAX_ENTRIES   65536

#define MEDIA_OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX       "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG      "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER       "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP  MEDIA_OCI_LAYER "+gzip"
#define MEDIA_OCI_LAYER_ZSTD  MEDIA_OCI_LAYER "+zstd"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"
#define ANNOTATION_REF_NAME   "org.opencontainers.image.ref.name"
#define ANNOTATION_PULLED     "io.tare.pulled"
#define ANNOTATION_IMAGE_NAME                                                                                \
	"io.containerd.image.name" /* the full name, in archives of Docker and containerd */

enum media_kind {
	MEDIA_KIND_OTHER,
	MEDIA_KIND_MANIFEST,
	MEDIA_KIND_INDEX,
	MEDIA_KIND_CONFIG,
	MEDIA_KIND_LAYER
};
enum media_kind media_kind(const char *media_type);

struct descriptor {
	char *media_type; /* never NULL once parsed */
	struct digest digest;
	uint64_t size;
	/* only in an index; NULL when absent */
	char *ref_name;   /* annotation org.opencontainers.image.ref.name */
	char *image_name; /* annotation io.containerd.image.name */
	char *os, *architecture, *variant;
	/* annotation io.tare.pulled, in the store's index only: what the name led to at the registry, when
	 * that was an index of which this is the member for our platform; unset otherwise */
	struct digest pulled;
	/* an attestation about another member (annotation vnd.docker.reference.type): never an image to run
	 */
	bool about_another;
};
void descriptor_free(struct descriptor *d);
/* 0, or -1 when memory is short. */
int descriptor_copy(struct descriptor *dst, const struct descriptor *src);
int descriptor_from_json(json *j, struct descriptor *d, struct err *e);
/* A new object, the caller's to put. */
json *descriptor_to_json(const struct descriptor *d);

struct manifest {
	char *media_type;
	struct descriptor config;
	struct descriptor *layers; /* bottom first, as in the document */
	size_t n_layers;
	json *annotations; /* object or NULL */
};
#define MANIFEST_INIT                                                                                        \
	{                                                                                                    \
		0                                                                                            \
	}
void manifest_free(struct manifest *m);
#define cleanup_manifest __attribute__((cleanup(manifest_free)))
/* `media_type`: what the descriptor that led here said (NULL: unknown); the document must agree with it. */
int manifest_parse(const char *text, size_t len, const char *media_type, struct manifest *m, struct err *e);
json *manifest_to_json(const struct manifest *m);

struct oci_index {
	struct descriptor *entries;
	size_t n;
};
#define OCI_INDEX_INIT                                                                                       \
	{                                                                                                    \
		0                                                                                            \
	}
void oci_index_free(struct oci_index *i);
#define cleanup_oci_index __attribute__((cleanup(oci_index_free)))
int oci_index_parse(const char *text, size_t len, struct oci_index *i, struct err *e);
/* The entry for linux and this machine's architecture, or NULL. */
const struct descriptor *oci_index_for_host(const struct oci_index *i);
/* This machine in GOARCH spelling: "amd64", "arm64", … */
const char *host_architecture(void);

#endif
