/* Fuzz target: what a registry says on the way to an image, but for manifests themselves: tag lists, Link
 * headers, indexes and the choice in them, the start of a zstd frame. What is chosen is one of the index's
 * members; what is to be sent back has no character that could end a line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "registry/client/platform.h"
#include "registry/client/pull_history.h"
#include "registry/client/pull_tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void choose(const char *text, size_t len)
{
	static const char *const platforms[] = {NULL, "linux/amd64", "linux/arm/v7", "linux/arm64/v8"};
	cleanup_oci_index struct oci_index index = OCI_INDEX_INIT;
	struct platform p;

	if (oci_index_parse(text, len, &index, NULL) < 0)
		return;
	for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
		if (platform_parse(platforms[i], &p, NULL) < 0)
			abort();
		const struct descriptor *d = platform_choose(&index, &p, "x", NULL);
		if (d && (d < index.entries || d >= index.entries + index.n || d->about_another))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char query[PULL_TAGS_QUERY];
	char *text = strndup((const char *)data, size);
	cleanup_strv char **tags = NULL;
	struct platform p;

	if (!text)
		return 0;
	if (pull_tags_next(text, query) && (!*query || strpbrk(query, " \r\n#<>")))
		abort();
	if (pull_tags_read((const char *)data, size, &tags, NULL) > 0)
		strv_foreach (tag, tags)
			if (strpbrk(*tag, "/ \r\n?#&"))
				abort();
	if (platform_parse(text, &p, NULL) == 0 && (!*p.os || !*p.architecture))
		abort();
	choose((const char *)data, size);
	pull_history_wanted(data, size);
	free(text);
	return 0;
}
