#include "engine/archive/pack.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/tar_header.h"

#define OCTAL_SIZE_MAX 077777777777ull /* what eleven octal digits hold: 8 GiB */

void pack_init(struct pack *p, int fd)
{
	p->fd = fd;
	p->len = 0;
	p->left = p->size = 0;
}

static int flush(struct pack *p, struct err *e)
{
	if (write_all(p->fd, p->buffer, p->len) < 0)
		return err_sys(e, "cannot write the archive");
	p->len = 0;
	return 0;
}

static int put(struct pack *p, const void *data, size_t len, struct err *e)
{
	for (const char *s = data; len > 0;) {
		size_t room = sizeof(p->buffer) - p->len, n = len < room ? len : room;
		memcpy(p->buffer + p->len, s, n);
		p->len += n;
		s += n;
		len -= n;
		if (p->len == sizeof(p->buffer) && flush(p, e) < 0)
			return -1;
	}
	return 0;
}

static int pad(struct pack *p, struct err *e)
{
	static const char zeros[TAR_BLOCK_SIZE];
	return put(p, zeros, -p->size & (TAR_BLOCK_SIZE - 1), e);
}

/* Octal, or base 256 for what is too large for it. */
static void set_size(unsigned char *h, uint64_t size)
{
	if (size <= OCTAL_SIZE_MAX) {
		snprintf((char *)h + TAR_AT_SIZE, 12, "%011llo", (unsigned long long)size);
		return;
	}
	for (int i = 11; i > 0; i--, size >>= 8)
		h[TAR_AT_SIZE + i] = (unsigned char)size;
	h[TAR_AT_SIZE] = 0x80;
}

static void set_checksum(unsigned char *h)
{
	unsigned sum = 0;
	memset(h + TAR_AT_CHECKSUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += h[i];
	snprintf((char *)h + TAR_AT_CHECKSUM, 7, "%06o", sum & 0777777);
}

/* A name of at most 100 bytes fits the field as it is; a longer one is cut at a slash. */
static int set_name(unsigned char *h, const char *name, struct err *e)
{
	size_t len = strlen(name);
	if (len <= 100) {
		memcpy(h + TAR_AT_NAME, name, len);
		return 0;
	}
	const char *slash = strchr(len > 101 ? name + len - 101 : name, '/');
	if (!slash || slash - name > 155 || !slash[1])
		return err_set(e, ERR_OTHER, "the name \"%.300s\" is too long for the archive", name);
	memcpy(h + TAR_AT_PREFIX, name, (size_t)(slash - name));
	memcpy(h + TAR_AT_NAME, slash + 1, strlen(slash + 1));
	return 0;
}

static int put_header(
        struct pack *p, const char *name, char type, unsigned mode, uint64_t size, struct err *e)
{
	unsigned char h[TAR_BLOCK_SIZE] = {0};
	if (set_name(h, name, e) < 0)
		return -1;
	snprintf((char *)h + TAR_AT_MODE, 8, "%07o", mode);
	strcpy((char *)h + TAR_AT_UID, "0000000");
	strcpy((char *)h + TAR_AT_GID, "0000000");
	strcpy((char *)h + TAR_AT_MTIME, "00000000000");
	set_size(h, size);
	h[TAR_AT_TYPE] = (unsigned char)type;
	memcpy(h + TAR_AT_MAGIC,
	        "ustar\0"
	        "00",
	        8);
	set_checksum(h);
	return put(p, h, sizeof(h), e);
}

int pack_dir(struct pack *p, const char *name, struct err *e)
{
	return put_header(p, name, '5', 0755, 0, e);
}

int pack_begin(struct pack *p, const char *name, uint64_t size, struct err *e)
{
	p->left = p->size = size;
	return put_header(p, name, '0', 0644, size, e);
}

int pack_data(struct pack *p, const void *data, size_t len, struct err *e)
{
	if (len > p->left)
		return err_set(e, ERR_CORRUPT, "a file is larger than it was said to be");
	p->left -= len;
	return put(p, data, len, e);
}

int pack_end(struct pack *p, struct err *e)
{
	if (p->left > 0)
		return err_set(e, ERR_CORRUPT, "a file is smaller than it was said to be");
	return pad(p, e);
}

int pack_file(struct pack *p, const char *name, const void *data, size_t len, struct err *e)
{
	if (pack_begin(p, name, len, e) < 0 || pack_data(p, data, len, e) < 0)
		return -1;
	return pack_end(p, e);
}

int pack_finish(struct pack *p, struct err *e)
{
	static const char zeros[2 * TAR_BLOCK_SIZE];
	if (put(p, zeros, sizeof(zeros), e) < 0)
		return -1;
	return flush(p, e);
}
