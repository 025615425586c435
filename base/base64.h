/* base64 (RFC 4648): the common alphabet with its padding, and that of URLs without. */
#ifndef TARE_BASE_BASE64_H
#define TARE_BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/* Appended to b; what was too much shows in b->failed. */
void base64_add(struct buf *b, const void *data, size_t len);
void base64url_add(struct buf *b, const void *data, size_t len);

/* The number of bytes, or -1: a foreign character, a length that none has, or bits behind the end, so that no
 * two texts stand for the same bytes. dst has room for BASE64_ROOM(len). */
#define BASE64_ROOM(len) ((len) / 4 * 3 + 3)
ssize_t base64_decode(const char *text, size_t len, void *dst);
ssize_t base64url_decode(const char *text, size_t len, void *dst);
/* The common alphabet as it stands in files that others write: padding may miss, bits behind the end are let
 * be. */
ssize_t base64_decode_lax(const char *text, size_t len, void *dst);

#endif
