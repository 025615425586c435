#include "engine/oci/media_type.h"

#include <stddef.h>
#include <string.h>

#include "engine/oci/manifest.h"

#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

/* By enum media_family. Docker never wrote zstd itself; others give it that name. */
static const char *const twins[][2] = {
        {MEDIA_OCI_MANIFEST, MEDIA_DOCKER_MANIFEST},
        {MEDIA_OCI_INDEX, MEDIA_DOCKER_LIST},
        {MEDIA_OCI_CONFIG, MEDIA_DOCKER_CONFIG},
        {MEDIA_OCI_LAYER, DOCKER_LAYER},
        {MEDIA_OCI_LAYER_GZIP, DOCKER_LAYER ".gzip"},
        {MEDIA_OCI_LAYER_ZSTD, DOCKER_LAYER ".zstd"},
};

const char *media_type_in(const char *media_type, enum media_family family)
{
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++)
		if (strcmp(media_type, twins[i][!family]) == 0)
			return twins[i][family];
	return media_type;
}

static bool convert_one(json *object, enum media_family family)
{
	const char *old = json_str(object, "mediaType", ""), *type = media_type_in(old, family);

	if (strcmp(old, type) == 0)
		return false;
	json_set_str(object, "mediaType", type); /* a constant: never the text that this frees */
	return true;
}

bool media_type_convert(json *manifest, enum media_family family)
{
	json *layers = json_get(manifest, "layers");
	size_t n = json_object_is_type(layers, json_type_array) ? json_object_array_length(layers) : 0;
	bool changed = convert_one(manifest, family);

	changed |= convert_one(json_get(manifest, "config"), family);
	for (size_t i = 0; i < n; i++)
		changed |= convert_one(json_object_array_get_idx(layers, i), family);
	return changed;
}

const char *media_type_compressed(const char *media_type, const char *compression)
{
	bool docker = strcmp(media_type, DOCKER_LAYER) == 0, zstd = strcmp(compression, "zstd") == 0;

	if (!docker && strcmp(media_type, MEDIA_OCI_LAYER) != 0)
		return NULL;
	return media_type_in(zstd ? MEDIA_OCI_LAYER_ZSTD : MEDIA_OCI_LAYER_GZIP,
	        docker ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI);
}

bool media_type_stays_away(const char *media_type)
{
	return strstr(media_type, ".nondistributable.") || strstr(media_type, ".foreign.");
}
