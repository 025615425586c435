/* What layers are rarely packed with: xz and bzip2, by libarchive. */
#include <archive.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/archive/decoder.h"

struct library {
	struct decoder decoder;
	struct archive *archive;
	enum compression kind;
	struct source *source;
	struct err source_error; /* of reading, which cannot be handed through libarchive */
	const unsigned char *p;  /* of the library's block, what was not taken yet */
	size_t left;
};

static la_ssize_t feed(struct archive *a, void *arg, const void **data)
{
	struct library *l = arg;
	struct source *s = l->source;
	if (s->pos == s->len && source_fill(s, &l->source_error) < 0) {
		archive_set_error(a, EIO, "read error");
		return -1;
	}
	*data = s->data + s->pos;
	size_t n = s->len - s->pos;
	s->pos = s->len;
	return (la_ssize_t)n;
}

static int library_error(const struct library *l, struct err *e)
{
	const char *why = archive_error_string(l->archive);
	if (l->source_error.msg[0]) {
		if (e)
			*e = l->source_error;
		return -1;
	}
	return err_set(e, ERR_CORRUPT, "the %s stream is damaged: %s", compression_name(l->kind),
	        why ? why : "data error");
}

/* Exactly the one filter that was recognised: libarchive's own guessing would also undo a second one inside.
 */
static int start(struct library *l, struct err *e)
{
	int filter = l->kind == COMPRESSION_XZ ? ARCHIVE_FILTER_XZ : ARCHIVE_FILTER_BZIP2;
	struct archive_entry *entry;
	l->archive = archive_read_new();
	if (!l->archive)
		return err_no_memory(e);
	archive_read_support_format_raw(l->archive);
	if (archive_read_append_filter(l->archive, filter) != ARCHIVE_OK ||
	        archive_read_open(l->archive, l, NULL, feed, NULL) != ARCHIVE_OK ||
	        archive_read_next_header(l->archive, &entry) != ARCHIVE_OK)
		return library_error(l, e);
	return 0;
}

/* The next block of the library; it stays empty at the end. */
static int next_block(struct library *l, struct err *e)
{
	la_int64_t offset;
	const void *data = NULL;
	int rc;
	do {
		l->left = 0;
		rc = archive_read_data_block(l->archive, &data, &l->left, &offset);
	} while (rc == ARCHIVE_OK && l->left == 0);
	l->p = data;
	if (rc == ARCHIVE_EOF)
		l->left = 0;
	return rc == ARCHIVE_OK || rc == ARCHIVE_EOF ? 0 : library_error(l, e);
}

static int decode(
        struct decoder *d, struct source *s, unsigned char *out, size_t room, size_t *len, struct err *e)
{
	struct library *l = (struct library *)d;
	(void)s;
	*len = 0;
	while (*len < room) {
		if (l->left == 0 && next_block(l, e) < 0)
			return -1;
		size_t n = l->left < room - *len ? l->left : room - *len;
		if (n == 0)
			break;
		memcpy(out + *len, l->p, n);
		l->p += n;
		l->left -= n;
		*len += n;
	}
	return 0;
}

static void library_free(struct decoder *d)
{
	struct library *l = (struct library *)d;
	if (l->archive)
		archive_read_free(l->archive);
	free(l);
}

struct decoder *decoder_library(enum compression kind, struct source *s, struct err *e)
{
	struct library *l = calloc(1, sizeof(*l));
	if (!l)
		return err_set_null(e, ERR_OTHER, "out of memory");
	l->decoder = (struct decoder){decode, library_free};
	l->kind = kind;
	l->source = s;
	if (start(l, e) == 0)
		return &l->decoder;
	library_free(&l->decoder);
	return NULL;
}
