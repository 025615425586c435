#include "engine/store/image_check.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/media_type.h"
#include "engine/store/blob.h"
#include "engine/store/image_index.h"
#include "engine/store/layer.h"

/* What is wrong with its layer k. Foreign layers may stay away. */
static int check_layer(const struct store *s, const struct image *i, size_t k, struct err *e)
{
	const struct descriptor *d = &i->manifest.layers[k];
	uint64_t size = 0;
	bool here = blob_exists(s, &d->digest, &size);

	if (here && size != d->size)
		return err_set(e, ERR_CORRUPT, "its layer %.12s has %llu bytes instead of %llu",
		        d->digest.hex, (unsigned long long)size, (unsigned long long)d->size);
	if (!here && !media_type_stays_away(d->media_type))
		return err_set(e, ERR_CORRUPT, "its layer %.12s is missing", d->digest.hex);
	if (!layer_exists(s, &i->config.diff_ids[k]))
		return err_set(
		        e, ERR_CORRUPT, "its unpacked layer %.12s is missing", i->config.diff_ids[k].hex);
	return 0;
}

static int check_image(const struct store *s, const char *digest, struct err *e)
{
	cleanup_image struct image image = IMAGE_INIT;

	if (image_find(s, digest, &image, e) < 0)
		return -1;
	for (size_t k = 0; k < image.manifest.n_layers; k++)
		if (check_layer(s, &image, k, e) < 0)
			return -1;
	return 0;
}

/* Is it named still? What was removed meanwhile is not damaged. */
static bool is_listed(const struct store *s, const struct digest *d)
{
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;
	bool listed = false;

	if (image_index_read(s, &idx, NULL) < 0)
		return true;
	for (size_t i = 0; i < idx.n; i++)
		listed |= digest_equal(&idx.entries[i].digest, d);
	return listed;
}

int image_check(const struct store *s, image_damage_fn tell, void *arg, struct err *e)
{
	cleanup_oci_index struct oci_index idx = OCI_INDEX_INIT;

	if (image_index_read(s, &idx, e) < 0)
		return -1;
	for (size_t i = 0; i < idx.n; i++) {
		const struct descriptor *d = &idx.entries[i];
		char digest[DIGEST_TEXT_SIZE];
		struct err why = ERR_INIT;

		if (media_kind(d->media_type) == MEDIA_KIND_MANIFEST &&
		        check_image(s, digest_text(&d->digest, digest), &why) < 0 && is_listed(s, &d->digest))
			tell(arg, d->ref_name ? d->ref_name : digest, why.msg);
	}
	return 0;
}
