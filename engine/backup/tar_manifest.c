#include "engine/backup/tar_manifest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/archive/hash.h"
#include "engine/archive/tar_writer.h"
#include "engine/archive/unnamed_file.h"

#define SPILL_AT      ((size_t)256 << 10)
#define DIGITS        (2 * HASH_XXH128_SIZE)
#define SHA256_DIGITS 64
#define NO_DIGITS     "--------------------------------"
#define SLOTS_LESS    64

/* ------------------------------------------------------------------ text */

static int spill_error(struct err *e)
{
	return err_sys(e, "cannot write the list of files to /var/tmp");
}

/* Bytes of the text before the first digest that is still to come: they are final. */
static int settle(struct tar_manifest *m, bool all, struct err *e)
{
	uint64_t spilled = m->size - m->text.len, final = m->size;
	for (size_t i = m->first; i < m->n_slots; i++)
		if (m->slots[i]) {
			final = m->slots[i];
			break;
		}
	size_t len = (size_t)(final - spilled);
	if (len == 0 || (!all && m->text.len < SPILL_AT))
		return 0;
	if (m->spill < 0 && (m->spill = unnamed_file(-1, e)) < 0)
		return -1;
	if (write_all(m->spill, m->text.data, len) < 0)
		return spill_error(e);
	hash_add(m->hash, m->text.data, len);
	memmove(m->text.data, m->text.data + len, m->text.len - len + 1);
	m->text.len -= len;
	return 0;
}

static int add_slot(struct tar_manifest *m, uint64_t at, struct err *e)
{
	if (m->first == m->n_slots)
		m->first = m->n_slots = 0;
	if (m->n_slots == m->cap || !m->slots) {
		if (m->slots && m->first > m->n_slots / 2) {
			memmove(m->slots, m->slots + m->first, (m->n_slots - m->first) * sizeof(*m->slots));
			m->n_slots -= m->first;
			m->first = 0;
		} else {
			size_t cap = m->cap ? 2 * m->cap : SLOTS_LESS;
			uint64_t *grown = realloc(m->slots, cap * sizeof(*grown));
			if (!grown)
				return err_no_memory(e);
			m->slots = grown;
			m->cap = cap;
		}
	}
	m->slots[m->n_slots++] = at;
	return 0;
}

/* `before` was the length of `text` when the line began. */
static int grew(struct tar_manifest *m, size_t before, struct err *e)
{
	if (m->text.failed)
		return err_no_memory(e);
	m->size += m->text.len - before;
	return 0;
}

int tar_manifest_begin(struct tar_manifest *m, struct err *e)
{
	m->hash = hash_new("sha256", e);
	if (!m->hash)
		return -1;
	buf_str_add(&m->text, "#mtree\n# tare-backup 1\n");
	return grew(m, 0, e);
}

/* As vis(3) writes it: a blank, a newline or a foreign byte is \ooo. */
static void add_name(struct buf *b, const char *name)
{
	for (const unsigned char *s = (const unsigned char *)name; *s; s++)
		if (*s <= ' ' || *s >= 0x7f || strchr("#\\=*?[]", *s))
			buf_printf(b, "\\%03o", *s);
		else
			buf_char(b, (char)*s);
}

static const char *kind_of(const struct tree_entry *entry)
{
	switch (entry->first ? S_IFREG : entry->mode & S_IFMT) {
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	default:
		return "file";
	}
}

static void add_attributes(struct buf *b, const struct tree_entry *entry, uint64_t data)
{
	buf_printf(b, " type=%s mode=%04o uid=%u gid=%u time=%lld.%09ld", kind_of(entry), entry->mode & 07777,
	        entry->uid, entry->gid, (long long)entry->mtime.tv_sec, entry->mtime.tv_nsec);
	if (entry->first) {
		buf_str_add(b, " hardlink=./");
		add_name(b, entry->first);
	} else if (S_ISREG(entry->mode)) {
		buf_printf(b, " size=%llu", (unsigned long long)entry->size);
		if (data != entry->size)
			buf_printf(b, " data=%llu", (unsigned long long)data);
	} else if (S_ISLNK(entry->mode)) {
		buf_str_add(b, " link=");
		add_name(b, entry->target);
	} else if (S_ISCHR(entry->mode) || S_ISBLK(entry->mode)) {
		buf_printf(b, " device=native,%u,%u", entry->major, entry->minor);
	}
}

int tar_manifest_add(
        struct tar_manifest *m, const struct tree_entry *entry, uint64_t at, uint64_t data, struct err *e)
{
	size_t before = m->text.len;
	buf_str_add(&m->text, entry->path[0] ? "./" : ".");
	add_name(&m->text, entry->path);
	add_attributes(&m->text, entry, data);
	buf_printf(&m->text, " at=%llu header=", (unsigned long long)at);
	uint64_t header = m->size + m->text.len - before;
	buf_str_add(&m->text, NO_DIGITS);
	if (data)
		buf_str_add(&m->text, data == entry->size ? " xxh128=" : " archived=");
	uint64_t content = m->size + m->text.len - before;
	if (data)
		buf_str_add(&m->text, NO_DIGITS);
	buf_char(&m->text, '\n');
	if (grew(m, before, e) < 0 || add_slot(m, header, e) < 0 || (data && add_slot(m, content, e) < 0))
		return -1;
	return settle(m, false, e);
}

int tar_manifest_drop(struct tar_manifest *m, struct err *e)
{
	return add_slot(m, 0, e);
}

void tar_manifest_digest(struct tar_manifest *m, const unsigned char *xxh128)
{
	struct digest d;
	if (m->first == m->n_slots) {
		err_set(&m->err, ERR_OTHER, "the digests do not belong to the entries");
		return;
	}
	uint64_t at = m->slots[m->first++];
	if (at == 0)
		return;
	hash_hex("xxh128", xxh128, HASH_XXH128_SIZE, &d);
	memcpy(m->text.data + (at - (m->size - m->text.len)), d.hex, DIGITS);
}

/* The last line; of a fixed length. */
static const char *const kinds[] = {
        [COMPRESSION_NONE] = "none", [COMPRESSION_GZIP] = "gzip", [COMPRESSION_ZSTD] = "zstd"};
#define LAST_LINE (sizeof("# sha256  none\n") - 1 + SHA256_DIGITS)

int tar_manifest_end(struct tar_manifest *m, enum compression kind, struct err *e)
{
	if (m->err.msg[0])
		return err_set(e, m->err.kind, "%s", m->err.msg);
	if (m->torn)
		m->first = m->n_slots;
	if (m->first != m->n_slots)
		return err_set(e, ERR_OTHER, "not every entry got its digests");
	if (settle(m, true, e) < 0)
		return -1;
	hash_finish(m->hash, &m->digest);
	buf_printf(&m->text, "# sha256 %s %s\n", m->digest.hex, kinds[kind]);
	if (grew(m, 0, e) < 0)
		return -1;
	return write_all(m->spill, m->text.data, m->text.len) < 0 ? spill_error(e) : 0;
}

int tar_manifest_read(struct tar_manifest *m,
        int (*each)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e)
{
	char block[16 << 10];
	for (uint64_t at = 0; at < m->size;) {
		ssize_t n = pread(m->spill, block, sizeof(block), (off_t)at);
		if (n <= 0)
			return err_sys(e, "cannot read the list of files");
		if (each(arg, block, (size_t)n, e) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

int tar_manifest_check(int fd, uint64_t size, struct digest *lines, enum compression *kind, struct err *e)
{
	char last[LAST_LINE], want[LAST_LINE + 1], block[16 << 10];
	cleanup_hash struct hash *h = hash_new("sha256", e);
	if (!h)
		return -1;
	if (size < LAST_LINE || pread(fd, last, LAST_LINE, (off_t)(size - LAST_LINE)) != (ssize_t)LAST_LINE)
		return 0;
	for (uint64_t at = 0, end = size - LAST_LINE; at < end;) {
		size_t part = end - at < sizeof(block) ? (size_t)(end - at) : sizeof(block);
		if (pread(fd, block, part, (off_t)at) != (ssize_t)part)
			return 0;
		hash_add(h, block, part);
		at += part;
	}
	hash_finish(h, lines);
	for (*kind = COMPRESSION_NONE; *kind <= COMPRESSION_ZSTD; ++*kind) {
		snprintf(want, sizeof(want), "# sha256 %.64s %s\n", lines->hex, kinds[*kind]);
		if (memcmp(last, want, LAST_LINE) == 0)
			return 1;
	}
	return 0;
}

void tar_manifest_free(struct tar_manifest *m)
{
	buf_free(&m->text);
	close_fd(&m->spill);
	free(m->slots);
	hash_free(m->hash);
	*m = (struct tar_manifest)TAR_MANIFEST_INIT;
}

/* ------------------------------------------------------------------ the member */

void tar_manifest_member(struct tar_member *member, uint64_t size)
{
	*member = (struct tar_member){
	        .type = '0', .path = "./" TAR_MANIFEST_NAME, .link = "", .mode = 0600, .size = size};
}

static int hash_block(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	hash_add(arg, data, len);
	return 0;
}

int tar_manifest_header(uint64_t size, unsigned char *xxh128, struct err *e)
{
	struct tar_member m;
	cleanup_hash struct hash *h = hash_new("xxh128", e);
	cleanup_free struct tar_writer *w = malloc(sizeof(*w));
	if (!h || !w)
		return h ? err_no_memory(e) : -1;
	tar_manifest_member(&m, size);
	tar_writer_init(w, hash_block, h);
	int rc = tar_writer_begin(w, &m, e) < 0 ? -1 : tar_writer_flush(w, e);
	tar_writer_free(w);
	hash_next(h, xxh128);
	return rc;
}

bool tar_manifest_is(const struct tree_entry *entry)
{
	return strcmp(entry->path, TAR_MANIFEST_NAME) == 0;
}

/* ------------------------------------------------------------------ a line */

/* \ooo back to bytes, in place; false: something else stands behind a backslash. */
static bool decode(char *s)
{
	char *to = s;
	for (; *s; s++) {
		unsigned v = 0;
		if (*s != '\\') {
			*to++ = *s;
			continue;
		}
		for (int i = 1; i <= 3; i++) {
			if (s[i] < '0' || s[i] > '7')
				return false;
			v = v * 8 + (unsigned)(s[i] - '0');
		}
		if (v == 0 || v > 255)
			return false;
		*to++ = (char)(unsigned char)v;
		s += 3;
	}
	*to = '\0';
	return true;
}

static bool is_number(const char *s, uint64_t *v)
{
	char *end;
	*v = strtoull(s, &end, 10);
	return *s >= '0' && *s <= '9' && *end == '\0';
}

bool tar_manifest_parse(char *line, struct tar_manifest_line *l)
{
	char *rest = line, *word = strsep(&rest, " ");
	bool placed = false;
	*l = (struct tar_manifest_line){0};
	if (line[0] == '#')
		return true;
	if (line[0] != '.' || (line[1] && line[1] != '/') || !decode(line))
		return false;
	l->path = line[1] ? line + 2 : line + 1;
	while ((word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');
		if (!value)
			return false;
		*value++ = '\0';
		if (strcmp(word, "at") == 0)
			placed = is_number(value, &l->at);
		else if (strcmp(word, "data") == 0 || (strcmp(word, "size") == 0 && !l->data))
			is_number(value, &l->data);
		else if (strcmp(word, "header") == 0)
			l->header = value;
		else if (strcmp(word, "xxh128") == 0 || strcmp(word, "archived") == 0)
			l->content = value;
	}
	return placed && l->header && strlen(l->header) == DIGITS;
}
