/* Import: the archive of a root file system becomes an image of one layer. The stream is read once: hashed on
 * both sides, stored as it is and unpacked at the same time. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/units.h"
#include "engine/archive/unpack.h"
#include "engine/image.h"
#include "engine/oci/reference.h"
#include "engine/image_archive.h"
#include "engine/oci/image_change.h"
#include "engine/store/blob.h"
#include "engine/tare.h"

struct import {
	struct arrival *arrival;
	const struct tare_import *request;
	struct blob_draft blob;
	struct layer_draft layer;
	struct image_config config;
	struct inflate_result stream;
	uint64_t layer_size;
};

/* "linux/amd64[/variant]" */
static int set_platform(struct image_config *c, const char *platform, struct err *e)
{
	const char *arch = platform ? strchr(platform, '/') : NULL;
	if (platform && (!arch || strncmp(platform, "linux/", 6) != 0 || !arch[1]))
		return err_set(e, ERR_USAGE,
		        "invalid platform \"%.100s\"; expected like linux/amd64 or linux/arm64/v8", platform);
	const char *variant = arch ? strchr(arch + 1, '/') : NULL;
	c->os = strdup("linux");
	if (!arch)
		c->architecture = strdup(host_architecture());
	else
		c->architecture =
		        strndup(arch + 1, variant ? (size_t)(variant - arch - 1) : strlen(arch + 1));
	if (variant)
		c->variant = strdup(variant + 1);
	return c->os && c->architecture && (!variant || c->variant) ? 0 : err_no_memory(e);
}

static int set_history(struct image_config *c, const char *message, const char *file)
{
	char when[TIME_TEXT_SIZE];
	cleanup_free char *comment = message ? strdup(message) : str_printf("Imported from %s", file);
	json *entry = json_object_new_object();
	c->history = json_object_new_array();
	if (!comment || !entry || !c->history)
		return -1;
	json_set_str(entry, "created", time_format(c->created, when));
	json_set_str(entry, "comment", comment);
	json_object_array_add(c->history, entry);
	return 0;
}

static int make_config(struct import *im, struct err *e)
{
	struct image_config *c = &im->config;
	const struct tare_import *q = im->request;
	c->created = image_creation_time();
	if (set_platform(c, q->platform, e) < 0)
		return -1;
	if (set_history(c, q->message, strcmp(q->file, "-") == 0 ? "-" : basename(q->file)) < 0)
		return err_no_memory(e);
	strv_foreach (change, q->changes)
		if (image_config_change(c, *change, e) < 0)
			return -1;
	return 0;
}

static int unpack_stream(struct import *im, int fd, uint64_t total, struct err *e)
{
	struct arrival *a = im->arrival;
	struct unpack_result u;
	struct inflate_options io = {.in_alg = "sha256", .out_alg = "sha256", .copy_fd = im->blob.fd};
	struct unpack_options uo = {.progress = a->progress, .label = "layer", .total = total};
	cleanup_inflate struct inflate *in = inflate_open(fd, &io, e);
	if (!in || unpack_layer(in, im->layer.fd, &uo, &u, e) < 0 || inflate_finish(in, &im->stream, e) < 0)
		return -1;
	im->layer_size = u.bytes;
	return 0;
}

/* Layer and blob get their names; the manifest describes them. */
static int keep_layer(struct import *im, struct descriptor *layer, struct err *e)
{
	struct arrival *a = im->arrival;
	const struct inflate_result *r = &im->stream;
	bool plain = r->copy == COMPRESSION_NONE;
	layer->media_type = strdup(layer_media_type(r->copy));
	layer->digest = plain ? r->out : r->in;
	layer->size = plain ? r->out_bytes : r->in_bytes;
	im->config.diff_ids = malloc(sizeof(struct digest));
	if (!layer->media_type || !im->config.diff_ids)
		return err_no_memory(e);
	im->config.diff_ids[0] = r->out;
	im->config.n_diff_ids = 1;
	if (pull_protect(&a->store, &a->pull, &r->out, e) < 0 || arrival_sync(a, e) < 0)
		return -1;
	if (layer_draft_commit(&a->store, &im->layer, &r->out, im->layer_size, e) < 0)
		return -1;
	return arrival_add_blob(a, &im->blob, &layer->digest, e);
}

static int write_image(struct import *im, const char *reference, char **image_id, struct err *e)
{
	struct arrival *a = im->arrival;
	struct descriptor layer = {0};
	struct manifest m = {.media_type = MEDIA_OCI_MANIFEST, .layers = &layer, .n_layers = 1};
	struct digest digest = {0};
	uint64_t size = 0;
	char text[DIGEST_TEXT_SIZE];
	int rc = keep_layer(im, &layer, e);
	if (rc == 0) {
		cleanup_json json *config = image_config_to_json(&im->config);
		m.config.media_type = MEDIA_OCI_CONFIG;
		rc = arrival_add_document(a, config, &m.config.digest, &m.config.size, e);
	}
	if (rc == 0) {
		cleanup_json json *manifest = manifest_to_json(&m);
		rc = arrival_add_document(a, manifest, &digest, &size, e);
	}
	if (rc == 0)
		rc = (*image_id = strdup(digest_text(&m.config.digest, text))) ? 0 : err_no_memory(e);
	const struct index_entry entry = {.reference = reference,
	        .manifest = {.media_type = m.media_type, .digest = digest, .size = size}};
	if (rc == 0)
		rc = arrival_name(a, &entry, 1, e);
	cleanup_free char *name = reference ? reference_shorten(reference) : NULL;
	if (rc == 0)
		image_event(&a->store, "import", *image_id, name);
	descriptor_free(&layer);
	return rc;
}

static int import_stream(
        struct import *im, int fd, uint64_t total, const char *reference, char **image_id, struct err *e)
{
	struct arrival *a = im->arrival;
	a->changed = true;
	if (blob_draft_open(&a->store, &im->blob, e) < 0 || layer_draft_open(&a->store, &im->layer, e) < 0)
		return -1;
	if (unpack_stream(im, fd, total, e) < 0)
		return err_wrap(e, "cannot import %s",
		        strcmp(im->request->file, "-") == 0 ? "standard input" : im->request->file);
	return write_image(im, reference, image_id, e);
}

int tare_image_import(const char *root, const char *state, const struct tare_import *request,
        struct progress *p, char **image_id, struct err *e)
{
	uint64_t total = 0;
	cleanup_free char *reference = NULL;
	cleanup_arrival struct arrival a = ARRIVAL_INIT;
	struct import im = {
	        .arrival = &a, .request = request, .blob = BLOB_DRAFT_INIT, .layer = LAYER_DRAFT_INIT};
	*image_id = NULL;
	cleanup_fd int fd = -1;
	int rc = image_full_name(request->reference, &reference, e);
	if (rc == 0)
		rc = make_config(&im, e);
	if (rc == 0)
		rc = fd = archive_open(request->file, &total, e);
	if (rc >= 0)
		rc = arrival_begin(&a, root, state, p, e);
	if (rc == 0) {
		rc = import_stream(&im, fd, total, reference, image_id, e);
		blob_draft_drop(&a.store, &im.blob);
		layer_draft_drop(&a.store, &im.layer);
	}
	image_config_free(&im.config);
	return rc < 0 ? -1 : 0;
}
