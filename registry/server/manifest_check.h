/* The check of a manifest before it is stored: strict where two readers could see two documents in one,
 * lenient about what it holds beside that. */
#ifndef TARE_REGISTRY_MANIFEST_CHECK_H
#define TARE_REGISTRY_MANIFEST_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "engine/oci/digest.h"
#include "registry/server/storage.h"

struct err;

/* What the manifest names and the repository should have. */
struct manifest_child {
	struct digest digest;
	uint64_t size;
	bool manifest; /* a child of an index */
	bool may_miss; /* not distributable, or carried within the document */
};

struct manifest_facts {
	char media_type[MEDIA_TYPE_MAX + 1];
	bool index;
	bool whole; /* set by who puts it: the manifests that an index names must be there when it gets in */
	struct manifest_child *children;
	size_t n_children;
	struct digest subject; /* unset: none */
	char *artifact_type;   /* of a referrer: its own, or its config's; NULL none */
	json *annotations;     /* of a referrer, or NULL */
};
/* clang-format off */
#define MANIFEST_FACTS_INIT {.media_type = ""}
/* clang-format on */
void manifest_facts_free(struct manifest_facts *f);
#define cleanup_manifest_facts __attribute__((cleanup(manifest_facts_free)))

/* content_type: the request's, NULL when it had none. ERR_CORRUPT says what is wrong. */
int manifest_check(
        const char *doc, size_t len, const char *content_type, struct manifest_facts *f, struct err *e);
/* Does any object have one name twice (which readers resolve differently)? The text is JSON already. */
bool json_has_duplicates(const char *text, size_t len);

#endif
