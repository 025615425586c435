/* Document: a small JSON file of the repository (config, snapshots), sealed where the repository is, whose
 * last line is the SHA-256 of all that stands before it. */
#ifndef TARE_BACKUP_DOCUMENT_H
#define TARE_BACKUP_DOCUMENT_H

#include "base/json.h"

struct err;
struct seal;

#define DOCUMENT_MAX ((size_t)16 << 20)

struct document_digest {
	char hex[65];
};

/* Written beside, synced, renamed. name NULL: the first 16 digits of the digest. `s` may be NULL. */
int document_write(int dirfd, const char *name, const struct seal *s, json *j, struct document_digest *digest,
        struct err *e);
/* The document, the caller's to put; ERR_CORRUPT when a byte of it is not as it was written. */
json *document_read(
        int dirfd, const char *name, const struct seal *s, struct document_digest *digest, struct err *e);
/* The same for what a file holds; `data` is overwritten. */
json *document_parse(
        char *data, size_t len, const struct seal *s, struct document_digest *digest, struct err *e);

#endif
