#include "engine/archive/tree_pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/archive/hash_ring.h"
#include "engine/archive/sparse_map.h"
#include "engine/archive/tar_writer.h"

#define BLOCK_SIZE ((size_t)256 << 10)

struct tree_pack {
	const struct tree_pack_options *options;
	struct tree_pack_result result;
	struct tar_writer writer;
	struct hash_ring *ring; /* NULL: no digests */
	unsigned char *block;   /* without a ring */
	struct buf path, link, records;
};

static void skip(struct tree_pack *p, const char *path, const char *why)
{
	p->result.skipped++;
	if (p->options->skipped)
		p->options->skipped(p->options->arg, path, why);
}

/* ------------------------------------------------------------------ names */

/* What `path` of the tree is called in the archive; a directory's ends with a slash. */
static const char *name_of(const struct tree_pack *p, struct buf *b, const char *path, bool dir)
{
	const char *prefix = p->options->prefix && p->options->prefix[0] ? p->options->prefix : ".";
	buf_reset(b);
	buf_str_add(b, prefix);
	if (path[0]) {
		buf_char(b, '/');
		buf_str_add(b, path);
	}
	if (dir && b->len && b->data[b->len - 1] != '/')
		buf_char(b, '/');
	return buf_str(b);
}

/* ------------------------------------------------------------------ attributes */

static int add_xattrs(struct tree_pack *p, const struct tree_entry *entry, struct err *e)
{
	cleanup_buf struct buf key = BUF_INIT;
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tree_xattr *x = &entry->xattrs[i];
		if (strchr(x->name, '=')) { /* the key of a record ends at the first one */
			skip(p, entry->path, "the name of an attribute has a \"=\"");
			continue;
		}
		buf_reset(&key);
		buf_printf(&key, "SCHILY.xattr.%s", x->name);
		tar_writer_record(&p->records, buf_str(&key), x->value, x->len);
	}
	return p->records.failed || key.failed
	               ? err_set(e, ERR_OTHER, "its attributes are too much for an archive")
	               : 0;
}

static void describe(struct tar_member *m, char type, const char *path, const struct tree_entry *entry)
{
	*m = (struct tar_member){.type = type,
	        .path = path,
	        .link = "",
	        .mode = type == '2' ? 0777 : entry->mode & 07777,
	        .uid = entry->uid,
	        .gid = entry->gid,
	        .mtime = entry->mtime};
}

static int begin(
        struct tree_pack *p, const struct tree_entry *entry, const struct tar_member *m, struct err *e)
{
	const struct tree_pack_options *o = p->options;
	if (p->path.failed || p->link.failed)
		return err_no_memory(e);
	p->result.entries++;
	if (o->entry && o->entry(o->arg, entry, p->writer.written, m->size, e) < 0)
		return -1;
	return tar_writer_begin(&p->writer, m, e);
}

/* ------------------------------------------------------------------ files */

static void count(struct tree_pack *p, size_t n)
{
	p->result.bytes += n;
	if (p->options->progress)
		p->options->progress(p->options->arg, p->result.bytes);
}

/* `len` bytes from `offset` on, read straight into the stream. What is no longer there becomes zeros, as the
 * header has said how much comes; false in *whole then. */
static int put_bytes(struct tree_pack *p, int fd, uint64_t offset, uint64_t len, bool *whole, struct err *e)
{
	while (len > 0) {
		size_t room;
		char *at = tar_writer_space(&p->writer, &room);
		if (room > len)
			room = (size_t)len;
		ssize_t n = *whole ? pread(fd, at, room, (off_t)offset) : 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read it");
		if (n == 0) {
			*whole = false;
			memset(at, 0, room);
			n = (ssize_t)room;
		}
		if (tar_writer_filled(&p->writer, (size_t)n, e) < 0)
			return -1;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
		count(p, (size_t)n);
	}
	return 0;
}

/* Its size and time at the end say whether somebody wrote to it meanwhile. */
static int end_file(struct tree_pack *p, int fd, const struct tree_entry *entry, bool whole, struct err *e)
{
	struct stat st;
	if (!whole)
		skip(p, entry->path, "it shrank while it was read: zeros stand for the rest");
	else if (fstat(fd, &st) == 0 && (uint64_t)st.st_size != entry->size)
		skip(p, entry->path, "it changed its size while it was read: it has the one it had at first");
	return tar_writer_end(&p->writer, e);
}

static int put_plain(
        struct tree_pack *p, int fd, struct tar_member *m, const struct tree_entry *entry, struct err *e)
{
	bool whole = true;
	m->size = entry->size;
	if (begin(p, entry, m, e) < 0 || put_bytes(p, fd, 0, entry->size, &whole, e) < 0)
		return -1;
	return end_file(p, fd, entry, whole, e);
}

/* In the form that GNU tar calls 1.0: the map stands before the data. */
static int put_sparse(struct tree_pack *p, int fd, struct tar_member *m, const struct tree_entry *entry,
        const struct sparse_map *map, struct err *e)
{
	const char *name = strrchr(m->path, '/');
	char size[24];
	bool whole = true;
	name = name ? name + 1 : m->path;
	cleanup_free char *shown = str_printf("%.*sGNUSparseFile.0/%s", (int)(name - m->path), m->path, name);
	if (!shown)
		return err_no_memory(e);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)map->size);
	tar_writer_record(&p->records, "GNU.sparse.major", "1", 1);
	tar_writer_record(&p->records, "GNU.sparse.minor", "0", 1);
	tar_writer_record(&p->records, "GNU.sparse.name", m->path, strlen(m->path));
	tar_writer_record(&p->records, "GNU.sparse.realsize", size, strlen(size));
	m->path = shown;
	m->size = map->text.len + map->data;
	if (begin(p, entry, m, e) < 0 || tar_writer_data(&p->writer, map->text.data, map->text.len, e) < 0)
		return -1;
	for (size_t i = 0; i < map->n; i++)
		if (put_bytes(p, fd, map->list[i].offset, map->list[i].len, &whole, e) < 0)
			return -1;
	return end_file(p, fd, entry, whole, e);
}

/* An empty file without attributes of its own is opened only to look for those. */
static int put_file(struct tree_pack *p, struct tree_walk *w, struct tar_member *m,
        const struct tree_entry *entry, struct err *e)
{
	cleanup_sparse_map struct sparse_map map = SPARSE_MAP_INIT;
	if (entry->size == 0)
		return begin(p, entry, m, e) < 0 ? -1 : tar_writer_end(&p->writer, e);
	int fd = tree_walk_open(w, e);
	if (fd < 0)
		return -1;
	const struct stat st = {.st_size = (off_t)entry->size, .st_blocks = (blkcnt_t)entry->blocks};
	int sparse = sparse_map_read(fd, &st, &map, e);
	if (sparse < 0)
		return -1;
	return sparse ? put_sparse(p, fd, m, entry, &map, e) : put_plain(p, fd, m, entry, e);
}

/* ------------------------------------------------------------------ kinds of entries */

static int put_bare(
        struct tree_pack *p, const struct tree_entry *entry, const struct tar_member *m, struct err *e)
{
	return begin(p, entry, m, e) < 0 ? -1 : tar_writer_end(&p->writer, e);
}

static int put_linked(struct tree_pack *p, const struct tree_entry *entry, struct err *e)
{
	struct tar_member m;
	describe(&m, '1', name_of(p, &p->path, entry->path, false), entry);
	m.link = name_of(p, &p->link, entry->first, false);
	return put_bare(p, entry, &m, e);
}

static int put_special(struct tree_pack *p, const struct tree_entry *entry, struct err *e)
{
	struct tar_member m;
	char type = S_ISLNK(entry->mode)   ? '2'
	            : S_ISCHR(entry->mode) ? '3'
	            : S_ISBLK(entry->mode) ? '4'
	                                   : '6';
	describe(&m, type, name_of(p, &p->path, entry->path, false), entry);
	if (entry->target)
		m.link = entry->target;
	m.more = &p->records;
	m.major = entry->major;
	m.minor = entry->minor;
	return put_bare(p, entry, &m, e);
}

static int put_entry(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tree_pack *p = arg;
	bool dir = S_ISDIR(entry->mode);
	struct tar_member m;
	if (entry->first)
		return put_linked(p, entry, e);
	struct tree_entry whole = *entry;
	buf_reset(&p->records);
	if (tree_walk_xattrs(w, &whole, e) < 0 || add_xattrs(p, &whole, e) < 0)
		return -1;
	if (!dir && !S_ISREG(entry->mode))
		return put_special(p, &whole, e);
	describe(&m, dir ? '5' : '0', name_of(p, &p->path, entry->path, dir), entry);
	m.more = &p->records;
	return dir ? put_bare(p, &whole, &m, e) : put_file(p, w, &m, &whole, e);
}

/* ------------------------------------------------------------------ the whole */

/* Whoever hashes writes, too, while the next block is read. */
static int write_block(void *arg, const void *data, size_t len, struct err *e)
{
	struct tree_pack *p = arg;
	p->result.length += len;
	if (!p->ring)
		return p->options->write(p->options->arg, data, len, e);
	hash_ring_give(p->ring, len);
	return hash_ring_check(p->ring, e);
}

static unsigned char *next_block(void *arg)
{
	struct tree_pack *p = arg;
	return p->ring ? hash_ring_room(p->ring) : p->block;
}

static void end_part(void *arg, enum tar_part part, size_t at)
{
	const struct tree_pack *p = arg;
	hash_ring_mark(p->ring, at, part != TAR_PART_PADDING);
}

static void tell_skipped(void *arg, const char *path, const char *why)
{
	skip(arg, path, why);
}

static bool ask_excluded(void *arg, const char *path)
{
	const struct tree_pack *p = arg;
	return p->options->excluded(p->options->arg, path);
}

static int start(struct tree_pack *p, struct err *e)
{
	const struct tree_pack_options *o = p->options;
	tar_writer_init(&p->writer, write_block, p);
	p->writer.next = next_block;
	p->writer.room = BLOCK_SIZE;
	if (!o->digest)
		return (p->block = malloc(BLOCK_SIZE)) ? 0 : err_no_memory(e);
	p->writer.ended = end_part;
	p->ring = hash_ring_parts(BLOCK_SIZE, o->digest, o->arg, e);
	if (p->ring)
		hash_ring_write(p->ring, o->write, o->arg);
	return p->ring ? 0 : -1;
}

static int pack_all(struct tree_pack *p, int dirfd, struct err *e)
{
	const struct tree_pack_options *o = p->options;
	const struct tree_walk_options walk = {.entry = put_entry,
	        .skipped = tell_skipped,
	        .excluded = o->excluded ? ask_excluded : NULL,
	        .arg = p,
	        .xattrs = o->xattrs,
	        .ids = o->ids,
	        .one_fs = o->one_fs,
	        .long_paths_fail = o->long_paths_fail};
	if (tree_walk(dirfd, &walk, e) < 0)
		return -1;
	int rc = o->open_end ? tar_writer_flush(&p->writer, e) : tar_writer_finish(&p->writer, e);
	if (rc == 0 && p->ring) {
		hash_ring_room(p->ring);
		hash_ring_give(p->ring, 0); /* a part may have ended where the last block did */
		hash_ring_end(p->ring);
		rc = hash_ring_check(p->ring, e);
	}
	return rc;
}

int tree_pack(int dirfd, const struct tree_pack_options *o, struct tree_pack_result *r, struct err *e)
{
	struct tree_pack *p = calloc(1, sizeof(*p));
	if (!p)
		return err_no_memory(e);
	p->options = o;
	int rc = start(p, e) < 0 ? -1 : pack_all(p, dirfd, e);
	*r = p->result;
	hash_ring_free(p->ring);
	tar_writer_free(&p->writer);
	buf_free(&p->path);
	buf_free(&p->link);
	buf_free(&p->records);
	free(p->block);
	free(p);
	return rc;
}
