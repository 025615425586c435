/* Digests: "sha256:HEX" and "sha512:HEX", nothing else. Only what digest_parse() accepted ever becomes
 * part of a path (CVE-2024-3727: unchecked digest strings used as paths). */
#ifndef TARE_OCI_DIGEST_H
#define TARE_OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct digest {
	char alg[8];   /* "sha256" or "sha512"; "" is no digest */
	char hex[129]; /* lower case, 64 or 128 digits */
};

#define DIGEST_TEXT_SIZE 137 /* "sha512:" + 128 + NUL, rounded up */

/* 0, or -1 with e that quotes the text. NULL text is an error as well. */
int digest_parse(const char *text, struct digest *d, struct err *e);
/* The same without a message. */
bool digest_read(const char *text, struct digest *d);
/* "sha256:HEX"; returns dst. */
char *digest_text(const struct digest *d, char dst[DIGEST_TEXT_SIZE]);
/* "sha256/HEX", the path beneath blobs/ and layers/; returns dst. */
char *digest_path(const struct digest *d, char dst[DIGEST_TEXT_SIZE]);
static inline bool digest_is_set(const struct digest *d)
{
	return d->alg[0] != '\0';
}
bool digest_equal(const struct digest *a, const struct digest *b);

#endif
