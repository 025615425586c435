#include "engine/backup/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/backup/seal.h"

#define MAGIC      "tarepack"
#define VERSION    1
#define COMPRESSED 0x80000000u
#define TMP_SIZE   22

struct pack_writer {
	int packs, fd;
	const struct seal *seal;
	char tmp[TMP_SIZE]; /* "" once it has its name */
	uint64_t size;
	size_t n;
	struct buf rows;
};

char *pack_path(const struct pack_name *n, char dst[PACK_PATH_SIZE])
{
	char *p = dst + 3;
	for (size_t i = 0; i < sizeof(n->bytes); i++)
		p += sprintf(p, "%02x", n->bytes[i]);
	memcpy(dst, dst + 3, 2);
	dst[2] = '/';
	return dst;
}

bool pack_name_parse(const char *text, struct pack_name *n)
{
	if (strlen(text) != 2 * sizeof(n->bytes) || strspn(text, "0123456789abcdef") != 2 * sizeof(n->bytes))
		return false;
	for (size_t i = 0; i < sizeof(n->bytes); i++)
		n->bytes[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
	return true;
}

/* ------------------------------------------------------------------ writing */

struct pack_writer *pack_writer_new(int packs, const struct seal *s, struct err *e)
{
	struct pack_writer *w = calloc(1, sizeof(*w));
	if (!w) {
		err_no_memory(e);
		return NULL;
	}
	w->packs = packs;
	w->seal = s;
	memcpy(w->tmp, ".tmp-", 5);
	random_hex(w->tmp + 5, 8);
	w->fd = openat(packs, w->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0)
		w->tmp[0] = '\0';
	if (w->fd < 0 || write_all(w->fd, MAGIC, PACK_FIRST) < 0) {
		err_sys(e, "cannot write a pack of the repository");
		pack_writer_free(w);
		return NULL;
	}
	w->size = PACK_FIRST;
	return w;
}

static void put_row(unsigned char *row, const struct blob *b)
{
	memcpy(row, b->id.bytes, sizeof(b->id.bytes));
	put_le64(row + 32, b->check);
	put_le32(row + 40, b->stored | (b->zstd ? COMPRESSED : 0));
	put_le32(row + 44, b->plain);
}

int pack_writer_add(
        struct pack_writer *w, const struct blob *b, const void *stored, uint32_t *offset, struct err *e)
{
	unsigned char row[PACK_ROW_SIZE];
	put_row(row, b);
	buf_add(&w->rows, row, sizeof(row));
	if (w->rows.failed)
		return err_no_memory(e);
	if (write_all(w->fd, stored, b->stored) < 0)
		return err_sys(e, "cannot write a pack of the repository");
	*offset = (uint32_t)w->size;
	w->size += b->stored;
	w->n++;
	return 0;
}

bool pack_writer_is_full(const struct pack_writer *w)
{
	return w->size >= PACK_SIZE || w->n >= PACK_BLOBS_MAX;
}

/* The directory, sealed where it has to be, and what stands behind it. */
static int close_rows(struct pack_writer *w, struct buf *out, struct pack_name *name, struct err *e)
{
	size_t len = w->rows.len + (w->seal->on ? SEAL_OVERHEAD : 0);
	unsigned char *p = (unsigned char *)buf_reserve(out, len + PACK_FOOTER_SIZE);
	if (!p)
		return err_no_memory(e);
	if (w->seal->on)
		seal_box(w->seal, SEAL_DIRECTORY, w->rows.data, w->rows.len, p);
	else
		memcpy(p, w->rows.data, len);
	put_le32(p + len, (uint32_t)len);
	put_le32(p + len + 4, VERSION);
	if (EVP_Digest(p, len + 8, name->bytes, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_OTHER, "cannot compute sha256");
	memcpy(p + len + 8, name->bytes, sizeof(name->bytes));
	out->len += len + PACK_FOOTER_SIZE;
	return 0;
}

static int open_folder(int packs, const char *name)
{
	return openat(packs, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* A snapshot will rely on the name: it is on the disk when this returns. The attack: who may write to the
 * repository's directory puts a link in the place of a folder, and root makes a file somewhere else.
 * tests/unit/test_backup_pack.c */
static int name_pack(struct pack_writer *w, const struct pack_name *name)
{
	char path[PACK_PATH_SIZE], dir[3] = "";
	pack_path(name, path);
	memcpy(dir, path, 2);
	if (fsync(w->fd) < 0)
		return -1;
	if (mkdirat(w->packs, dir, 0700) < 0 && errno != EEXIST)
		return -1;
	cleanup_fd int folder = open_folder(w->packs, dir), all = open_folder(w->packs, ".");
	if (folder < 0 || all < 0 || renameat(w->packs, w->tmp, folder, path + 3) < 0)
		return -1;
	w->tmp[0] = '\0';
	/* both, even where another writer has made the folder: nobody knows whether it has synced it yet */
	return fsync(folder) < 0 || fsync(all) < 0 ? -1 : 0;
}

int pack_writer_finish(struct pack_writer *w, struct pack_name *name, uint64_t *size, struct err *e)
{
	cleanup_buf struct buf end = BUF_INIT;
	if (close_rows(w, &end, name, e) < 0)
		return -1;
	if (write_all(w->fd, end.data, end.len) < 0 || name_pack(w, name) < 0)
		return err_sys(e, "cannot write a pack of the repository");
	*size = w->size + end.len;
	return 0;
}

void pack_writer_free(struct pack_writer *w)
{
	if (!w)
		return;
	close_fd(&w->fd);
	if (w->tmp[0])
		unlinkat(w->packs, w->tmp, 0);
	buf_free(&w->rows);
	free(w);
}

/* ------------------------------------------------------------------ reading */

int pack_open(int packs, const struct pack_name *n, struct err *e)
{
	char path[PACK_PATH_SIZE];
	pack_path(n, path);
	int fd = openat(packs, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? err_sys(e, "cannot open pack %s", path) : fd;
}

int pack_read(int fd, uint64_t offset, void *data, size_t len, struct err *e)
{
	unsigned char *p = data;
	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read a pack");
		if (n == 0)
			return err_set(e, ERR_CORRUPT, "a pack is cut off");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int bad(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "%s", why);
}

/* Where the directory begins. Nothing of it is believed before its digest is that of the name, and no length
 * before it was held against that of the file (a hostile pack could ask for any memory: tests/fuzz/
 * fuzz_backup_pack.c). */
static int find_rows(int fd, const struct pack_name *name, uint64_t size, struct buf *out, struct err *e)
{
	unsigned char first[PACK_FIRST], footer[PACK_FOOTER_SIZE], digest[32];
	if (size < PACK_FIRST + PACK_FOOTER_SIZE || size > PACK_SIZE_MAX)
		return bad(e, "it has an impossible length");
	if (pack_read(fd, 0, first, sizeof(first), e) < 0 ||
	        pack_read(fd, size - PACK_FOOTER_SIZE, footer, sizeof(footer), e) < 0)
		return -1;
	uint64_t len = get_le32(footer);
	if (memcmp(first, MAGIC, sizeof(first)) != 0 || memcmp(footer + 8, name->bytes, 32) != 0)
		return bad(e, "it is not what its name says");
	if (len > size - PACK_FIRST - PACK_FOOTER_SIZE ||
	        len > PACK_BLOBS_MAX * PACK_ROW_SIZE + SEAL_OVERHEAD)
		return bad(e, "its directory has an impossible length");
	char *p = buf_reserve(out, len + 8);
	if (!p)
		return err_no_memory(e);
	if (pack_read(fd, size - PACK_FOOTER_SIZE - len, p, len + 8, e) < 0)
		return -1;
	if (EVP_Digest(p, len + 8, digest, NULL, EVP_sha256(), NULL) != 1 ||
	        memcmp(digest, name->bytes, sizeof(digest)) != 0)
		return bad(e, "its directory is damaged");
	if (get_le32((unsigned char *)p + len + 4) != VERSION)
		return err_set(e, ERR_UNSUPPORTED, "it was written by a newer Tare");
	out->len = len;
	return 0;
}

static int take_row(const unsigned char *row, struct blob *b, struct err *e)
{
	uint32_t stored = get_le32(row + 40);
	memcpy(b->id.bytes, row, sizeof(b->id.bytes));
	b->check = get_le64(row + 32);
	b->stored = stored & ~COMPRESSED;
	b->zstd = (stored & COMPRESSED) != 0;
	b->plain = get_le32(row + 44);
	if (b->stored == 0 || b->stored > BLOB_STORED_MAX || b->plain == 0 || b->plain > CHUNK_MAX)
		return bad(e, "its directory has a chunk of an impossible length");
	return 0;
}

static int take_rows(
        const unsigned char *rows, size_t len, uint64_t end, struct pack_directory *d, struct err *e)
{
	uint64_t at = PACK_FIRST;
	d->n = len / PACK_ROW_SIZE;
	d->blobs = len ? calloc(d->n ? d->n : 1, sizeof(*d->blobs)) : NULL;
	if (len % PACK_ROW_SIZE)
		return bad(e, "its directory has an impossible length");
	if (len && !d->blobs)
		return err_no_memory(e);
	for (size_t i = 0; i < d->n; i++) {
		if (take_row(rows + i * PACK_ROW_SIZE, &d->blobs[i], e) < 0)
			return -1;
		at += d->blobs[i].stored;
	}
	return at == end ? 0 : bad(e, "its chunks and its directory do not fit together");
}

int pack_read_directory(
        int fd, const struct pack_name *n, const struct seal *s, struct pack_directory *d, struct err *e)
{
	struct stat st;
	cleanup_buf struct buf rows = BUF_INIT;
	*d = (struct pack_directory){0};
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot read a pack");
	if (!S_ISREG(st.st_mode))
		return bad(e, "it is no file");
	d->size = (uint64_t)st.st_size;
	if (find_rows(fd, n, d->size, &rows, e) < 0)
		return -1;
	unsigned char *data = (unsigned char *)rows.data;
	uint64_t end = d->size - PACK_FOOTER_SIZE - rows.len;
	size_t len = rows.len;
	if (s->on && seal_unbox(s, SEAL_DIRECTORY, data, len, &len) < 0)
		return bad(e, "its directory is not what was sealed");
	return take_rows(data + (s->on ? SEAL_NONCE : 0), len, end, d, e);
}

void pack_directory_free(struct pack_directory *d)
{
	free(d->blobs);
	*d = (struct pack_directory){0};
}
