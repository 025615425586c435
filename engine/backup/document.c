#include "engine/backup/document.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/backup/seal.h"

#define ID_DIGITS 16
#define LAST_LINE 65 /* 64 digits and the newline */

static int digest_of(const void *data, size_t len, struct document_digest *d, struct err *e)
{
	unsigned char raw[32];
	if (EVP_Digest(data, len, raw, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_OTHER, "cannot compute sha256");
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(d->hex + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

int document_write(int dirfd, const char *name, const struct seal *s, json *j, struct document_digest *digest,
        struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(DOCUMENT_MAX), out = BUF_INIT_MAX(DOCUMENT_MAX);
	char id[ID_DIGITS + 1];
	json_print(&text, j, JSON_COMPACT);
	buf_char(&text, '\n');
	char *room = buf_reserve(&out, text.len + SEAL_OVERHEAD);
	if (text.failed || !room)
		return err_no_memory(e);
	if (s && s->on)
		out.len = seal_box(s, SEAL_DOCUMENT, text.data, text.len, (unsigned char *)room);
	else
		buf_add(&out, text.data, text.len);
	if (digest_of(out.data, out.len, digest, e) < 0)
		return -1;
	buf_printf(&out, "%s\n", digest->hex);
	if (out.failed)
		return err_no_memory(e);
	snprintf(id, sizeof(id), "%.16s", digest->hex);
	return file_write_at(dirfd, name ? name : id, out.data, out.len, 0600, FILE_SYNC, e);
}

json *document_parse(
        char *data, size_t len, const struct seal *s, struct document_digest *digest, struct err *e)
{
	if (len <= LAST_LINE || data[len - 1] != '\n')
		return err_set_null(e, ERR_CORRUPT, "it is cut off");
	len -= LAST_LINE;
	if (digest_of(data, len, digest, e) < 0)
		return NULL;
	if (memcmp(digest->hex, data + len, LAST_LINE - 1) != 0)
		return err_set_null(e, ERR_CORRUPT, "it is damaged: its digest is another");
	if (s && s->on) {
		if (seal_unbox(s, SEAL_DOCUMENT, (unsigned char *)data, len, &len) < 0)
			return err_set_null(e, ERR_CORRUPT, "it is not what was sealed");
		data += SEAL_NONCE;
	}
	return json_parse(data, len, "it", e);
}

json *document_read(
        int dirfd, const char *name, const struct seal *s, struct document_digest *digest, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(DOCUMENT_MAX);
	if (file_read_at(dirfd, name, &text, e) < 0)
		return NULL;
	return document_parse(text.data, text.len, s, digest, e);
}
