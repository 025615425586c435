/* Platforms: which member of an index is ours. "linux/arm/v7": operating system, architecture (as Go spells
 * it), and for some a variant. */
#ifndef TARE_REGISTRY_PLATFORM_H
#define TARE_REGISTRY_PLATFORM_H

#include <stdbool.h>

#include "base/buf.h"
#include "engine/oci/image_config.h"
#include "engine/oci/manifest.h"

struct err;

struct platform {
	char os[32], architecture[32],
	        variant[16]; /* normal: amd64 has no variant, nor has arm64/v8; arm has one */
	bool asked;          /* by a person: an image for another architecture is not taken instead */
};

/* "OS/ARCH[/VARIANT]", or "ARCH"; usual other spellings ("x86_64", "aarch64") too. NULL: this host's. */
int platform_parse(const char *text, struct platform *p, struct err *e);
/* "linux/arm/v7" */
#define PLATFORM_TEXT_SIZE 84
char *platform_text(const struct platform *p, char dst[PLATFORM_TEXT_SIZE]);

/* The member to take: the best that runs here (an arm/v7 machine runs v6 and v5 as well, an amd64 one 386),
 * attestations and other members that are no images being passed over. A single member that says no platform
 * is taken when none that says one is there. NULL with e (ERR_NOT_FOUND), which lists the platforms there
 * are; `what` is the name for it. */
const struct descriptor *platform_choose(
        const struct oci_index *index, const struct platform *p, const char *what, struct err *e);
/* Is an image with that config for this platform (by the same rules)? */
bool platform_fits(const struct platform *p, const struct image_config *c);

#endif
