/* Names of images as users write them, for filters: the engine reads them for real. */
#ifndef TARE_CLI_REFERENCE_H
#define TARE_CLI_REFERENCE_H

#include <stdbool.h>

/* "busybox", "busybox:latest" and "docker.io/library/busybox" are the same; a name without a tag in
 * `wanted` stands for latest. */
bool reference_same(const char *have, const char *wanted);
/* Is `wanted` a digest's beginning, with or without "sha256:", of at least two digits? */
bool reference_is_id(const char *id, const char *wanted);
/* "busybox*", "*:v1" against repository and tag; without a colon any tag. */
bool reference_glob(const char *repository, const char *tag, const char *pattern);

#endif
