/* Fuzz target: a manifest, an index, an image config and a health check of any bytes: each is taken whole or
 * refused with a reason, and within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "engine/oci/health_check.h"
#include "engine/oci/image_config.h"
#include "engine/oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void read_manifest(const char *text, size_t len)
{
	static const char *const types[] = {NULL, MEDIA_OCI_MANIFEST, MEDIA_OCI_INDEX};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 3; i++) {
		struct manifest m;
		if (manifest_parse(text, len, types[i], &m, &e) == 0)
			manifest_free(&m);
		else
			check(*e.msg);
	}
}

static void read_index(const char *text, size_t len)
{
	struct err e = ERR_INIT;
	struct oci_index index;

	if (oci_index_parse(text, len, &index, &e) == 0)
		oci_index_free(&index);
	else
		check(*e.msg);
}

/* What was read can be written, and is read again. */
static void read_config(const char *text, size_t len)
{
	cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT, again = IMAGE_CONFIG_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct health_check health = {0};
	struct err e = ERR_INIT;

	if (image_config_parse(text, len, &c, &e) != 0) {
		check(*e.msg);
		return;
	}
	cleanup_json json *j = image_config_to_json(&c);
	check(j);
	json_print(&out, j, JSON_COMPACT);
	check(image_config_parse(out.data, out.len, &again, &e) == 0 && again.n_diff_ids == c.n_diff_ids);
	if (c.healthcheck && health_check_from_json(c.healthcheck, &health, &e) == 0)
		health_check_free(&health);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const char *text = (const char *)data + 1;
	if (data[0] % 3 == 0)
		read_manifest(text, size - 1);
	else if (data[0] % 3 == 1)
		read_index(text, size - 1);
	else
		read_config(text, size - 1);
	return 0;
}
