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
