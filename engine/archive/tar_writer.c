#include "engine/archive/tar_writer.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "engine/archive/tar_header.h"

#define PAX_NAME     "././@PaxHeader" /* readers never show it */
#define PAX_MAX      ((size_t)1 << 20)
#define NAME_FIELD   100
#define PREFIX_FIELD 155

void tar_writer_init(
        struct tar_writer *w, int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg)
{
	w->write = write;
	w->arg = arg;
	w->next = NULL;
	w->ended = NULL;
	w->room = sizeof(w->buffer);
	w->block = NULL;
	w->left = w->size = w->written = 0;
	w->pax = (struct buf)BUF_INIT_MAX(PAX_MAX);
	w->len = 0;
}

void tar_writer_free(struct tar_writer *w)
{
	buf_free(&w->pax);
}

int tar_writer_flush(struct tar_writer *w, struct err *e)
{
	size_t len = w->len;

	w->len = 0;
	if (len == 0)
		return 0;
	if (w->write(w->arg, w->block, len, e) < 0)
		return -1;
	w->block = NULL;
	return 0;
}

static unsigned char *block(struct tar_writer *w)
{
	if (!w->block)
		w->block = w->next ? w->next(w->arg) : w->buffer;
	return w->block;
}

static int advance(struct tar_writer *w, size_t len, struct err *e)
{
	w->len += len;
	w->written += len;
	return w->len == w->room ? tar_writer_flush(w, e) : 0;
}

static int put(struct tar_writer *w, const void *data, size_t len, struct err *e)
{
	for (const char *s = data; len > 0;) {
		size_t room = w->room - w->len, n = len < room ? len : room;

		memcpy(block(w) + w->len, s, n);
		s += n;
		len -= n;
		if (advance(w, n, e) < 0)
			return -1;
	}
	return 0;
}

/* The block that a part ends in may have gone out just now: then it ends before the next one's first byte. */
static void end_part(struct tar_writer *w, enum tar_part part)
{
	if (!w->ended)
		return;
	block(w);
	w->ended(w->arg, part, w->len);
}

static int pad(struct tar_writer *w, uint64_t size, struct err *e)
{
	static const char zeros[TAR_BLOCK_SIZE];
	size_t len = -size & (TAR_BLOCK_SIZE - 1);

	return put(w, zeros, len, e);
}

/* ------------------------------------------------------------------ pax records */

void tar_writer_record(struct buf *records, const char *key, const void *value, size_t len)
{
	size_t body = strlen(key) + len + 3; /* blank, "=", newline */
	size_t total = body + 1;

	/* The length counts its own digits. */
	for (char digits[24]; (size_t)snprintf(digits, sizeof(digits), "%zu", total) + body != total;)
		total = body + strlen(digits);
	buf_printf(records, "%zu %s=", total, key);
	buf_add(records, value, len);
	buf_char(records, '\n');
}

static void record_text(struct buf *records, const char *key, const char *value)
{
	tar_writer_record(records, key, value, strlen(value));
}

static void record_number(struct buf *records, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	record_text(records, key, text);
}

/* Times before 1970 count down: -1.5 is second -2 and half a second. */
static void record_time(struct buf *records, const char *key, const struct timespec *t)
{
	char text[48];
	long long sec = t->tv_sec;
	long nsec = t->tv_nsec;
	bool negative = sec < 0;

	if (negative && nsec) {
		sec++;
		nsec = 1000000000 - nsec;
	}
	int len = snprintf(
	        text, sizeof(text), "%s%lld.%09ld", negative ? "-" : "", negative ? -sec : sec, nsec);
	while (text[len - 1] == '0')
		text[--len] = '\0';
	if (text[len - 1] == '.')
		text[--len] = '\0';
	record_text(records, key, text);
}

/* ------------------------------------------------------------------ headers */

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* What eleven (seven) octal digits hold. */
static bool fits(uint64_t value, unsigned digits)
{
	return value >> (3 * digits) == 0;
}

static void set_octal(unsigned char *h, size_t at, unsigned digits, uint64_t value)
{
	/* What does not fit stands in a pax record. */
	snprintf((char *)h + at, digits + 1, "%0*llo", (int)digits,
	        fits(value, digits) ? (unsigned long long)value : 0ull);
}

/* "prefix/name" of ustar; false: the name needs a record. */
static bool set_path(unsigned char *h, const char *path)
{
	size_t len = strlen(path);
	if (len <= NAME_FIELD) {
		memcpy(h + TAR_AT_NAME, path, len);
		return is_ascii(path);
	}
	const char *slash = strchr(path + len - NAME_FIELD - 1, '/');
	if (!slash || !slash[1] || slash - path > PREFIX_FIELD) {
		memcpy(h + TAR_AT_NAME, path, NAME_FIELD);
		return false;
	}
	memcpy(h + TAR_AT_PREFIX, path, (size_t)(slash - path));
	memcpy(h + TAR_AT_NAME, slash + 1, strlen(slash + 1));
	return is_ascii(path);
}

static void set_checksum(unsigned char *h)
{
	unsigned sum = 0;

	memset(h + TAR_AT_CHECKSUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += h[i];
	snprintf((char *)h + TAR_AT_CHECKSUM, 7, "%06o", sum & 0777777);
}

static void set_fields(unsigned char *h, const struct tar_member *m)
{
	size_t link = strlen(m->link);

	set_octal(h, TAR_AT_MODE, 7, m->mode & 07777);
	set_octal(h, TAR_AT_UID, 7, m->uid);
	set_octal(h, TAR_AT_GID, 7, m->gid);
	set_octal(h, TAR_AT_SIZE, 11, m->size);
	set_octal(h, TAR_AT_MTIME, 11, m->mtime.tv_sec < 0 ? 0 : (uint64_t)m->mtime.tv_sec);
	memcpy(h + TAR_AT_LINK, m->link, link < NAME_FIELD ? link : NAME_FIELD);
	h[TAR_AT_TYPE] = (unsigned char)m->type;
	memcpy(h + TAR_AT_MAGIC,
	        "ustar\0"
	        "00",
	        8);
	set_octal(h, TAR_AT_MAJOR, 7, m->major);
	set_octal(h, TAR_AT_MINOR, 7, m->minor);
	set_checksum(h);
}

/* What the header itself could not say. */
static void add_records(struct buf *pax, const struct tar_member *m, bool path_fits)
{
	if (!path_fits)
		record_text(pax, "path", m->path);
	if (strlen(m->link) > NAME_FIELD || !is_ascii(m->link))
		record_text(pax, "linkpath", m->link);
	if (!fits(m->uid, 7))
		record_number(pax, "uid", m->uid);
	if (!fits(m->gid, 7))
		record_number(pax, "gid", m->gid);
	if (!fits(m->size, 11))
		record_number(pax, "size", m->size);
	if (m->mtime.tv_nsec || m->mtime.tv_sec < 0 || !fits((uint64_t)m->mtime.tv_sec, 11))
		record_time(pax, "mtime", &m->mtime);
	if (m->more)
		buf_add(pax, m->more->data, m->more->len);
}

static int put_pax(struct tar_writer *w, struct err *e)
{
	unsigned char h[TAR_BLOCK_SIZE] = {0};
	const struct tar_member m = {
	        .type = 'x', .path = PAX_NAME, .link = "", .mode = 0644, .size = w->pax.len};

	set_path(h, m.path);
	set_fields(h, &m);
	if (put(w, h, sizeof(h), e) < 0 || put(w, w->pax.data, w->pax.len, e) < 0)
		return -1;
	return pad(w, w->pax.len, e);
}

int tar_writer_begin(struct tar_writer *w, const struct tar_member *m, struct err *e)
{
	unsigned char h[TAR_BLOCK_SIZE] = {0};
	bool path_fits = set_path(h, m->path);

	buf_reset(&w->pax);
	add_records(&w->pax, m, path_fits);
	if (w->pax.failed || (m->more && m->more->failed))
		return err_set(e, ERR_OTHER, "its name and attributes are too much for an archive");
	set_fields(h, m);
	w->left = w->size = m->size;
	if (w->pax.len && put_pax(w, e) < 0)
		return -1;
	if (put(w, h, sizeof(h), e) < 0)
		return -1;
	end_part(w, TAR_PART_HEADER);
	return 0;
}

int tar_writer_data(struct tar_writer *w, const void *data, size_t len, struct err *e)
{
	if (len > w->left)
		return err_set(e, ERR_CORRUPT, "it grew while it was read");
	w->left -= len;
	return put(w, data, len, e);
}

void *tar_writer_space(struct tar_writer *w, size_t *len)
{
	*len = w->room - w->len < w->left ? w->room - w->len : (size_t)w->left;
	return block(w) + w->len;
}

int tar_writer_filled(struct tar_writer *w, size_t len, struct err *e)
{
	w->left -= len;
	return advance(w, len, e);
}

int tar_writer_end(struct tar_writer *w, struct err *e)
{
	if (w->left > 0)
		return err_set(e, ERR_CORRUPT, "it shrank while it was read");
	if (w->size > 0)
		end_part(w, TAR_PART_DATA);
	if (pad(w, w->size, e) < 0)
		return -1;
	if (w->size % TAR_BLOCK_SIZE)
		end_part(w, TAR_PART_PADDING);
	return 0;
}

int tar_writer_finish(struct tar_writer *w, struct err *e)
{
	static const char zeros[2 * TAR_BLOCK_SIZE];

	return put(w, zeros, sizeof(zeros), e) < 0 ? -1 : tar_writer_flush(w, e);
}
