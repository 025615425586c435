/* Fuzz target: a manifest of any bytes. What is taken for one names its children by digests and its type by a
 * type, and no object in it has one name twice: a parser that keeps the first sees what one that keeps the
 * last sees. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/oci/manifest.h"
#include "registry/server/manifest_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_digest(const struct digest *d)
{
	struct digest again;
	char text[DIGEST_TEXT_SIZE];
	check(digest_read(digest_text(d, text), &again) && digest_equal(d, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {NULL, MEDIA_OCI_MANIFEST, MEDIA_OCI_INDEX, MEDIA_DOCKER_LIST};
	cleanup_manifest_facts struct manifest_facts f = MANIFEST_FACTS_INIT;
	struct err e = ERR_INIT;
	if (size < 1)
		return 0;
	if (manifest_check((const char *)data + 1, size - 1, types[data[0] % 4], &f, &e) < 0) {
		check(e.kind == ERR_CORRUPT && *e.msg && !f.children && !f.artifact_type && !f.annotations);
		return 0;
	}
	check(media_type_ok(f.media_type) && f.index == (media_kind(f.media_type) == MEDIA_KIND_INDEX));
	check(f.index || f.n_children > 0);
	for (size_t i = 0; i < f.n_children; i++)
		check_digest(&f.children[i].digest);
	if (digest_is_set(&f.subject))
		check_digest(&f.subject);
	return 0;
}
