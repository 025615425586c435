#include "engine/archive/layer_pack.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/overlay_mark.h"
#include "engine/archive/name_list.h"
#include "engine/archive/sparse_map.h"
#include "engine/archive/tar_writer.h"
#include "engine/archive/tree_walk.h"

#define READ_SIZE ((size_t)256 << 10)
#define WHITEOUT  ".wh."
#define OPAQUE    ".wh..wh..opq"

struct layer {
	const struct layer_pack_options *options;
	struct layer_pack_result result;
	struct tar_writer writer;
	struct buf records; /* of the entry at hand: pax */
	char *block;        /* READ_SIZE */
};

static void skip(void *arg, const char *path, const char *why)
{
	struct layer *l = arg;
	l->result.skipped++;
	if (l->options->skipped)
		l->options->skipped(l->options->arg, path, why);
}

/* ------------------------------------------------------------------ attributes */

/* Marks that would make overlayfs look elsewhere for a file (redirect, metacopy). A container cannot set
 * them and our mounts have them turned off, so somebody else wrote this layer: copied without them, files
 * would be empty or lost. tests/unit/test_archive_layer_pack.c */
static int check_marks(int fd, struct err *e)
{
	const char *mark = overlay_strange_mark(fd);
	return mark ? err_set(e, ERR_CORRUPT, "it has the attribute %s, which Tare never makes", mark) : 0;
}

static int add_xattrs(struct layer *l, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tree_entry full = *entry;
	buf_reset(&l->records);
	if (tree_walk_xattrs(w, &full, e) < 0)
		return -1;
	for (size_t i = 0; i < full.n_xattrs; i++) {
		const struct tree_xattr *x = &full.xattrs[i];
		/* The key ends at the first "=". */
		if (strchr(x->name, '=')) {
			skip(l, entry->path, "the name of an attribute has a \"=\"");
			continue;
		}
		cleanup_free char *key = str_printf("SCHILY.xattr.%s", x->name);
		if (!key)
			return err_no_memory(e);
		tar_writer_record(&l->records, key, x->value, x->len);
	}
	return 0;
}

/* ------------------------------------------------------------------ kinds of entries */

static void describe(struct tar_member *m, char type, const struct tree_entry *entry)
{
	*m = (struct tar_member){.type = type,
	        .path = entry->path,
	        .link = "",
	        .mode = entry->mode & 07777,
	        .uid = entry->uid,
	        .gid = entry->gid,
	        .mtime = entry->mtime,
	        .major = entry->major,
	        .minor = entry->minor};
}

static int put_entry(struct layer *l, const struct tar_member *m, struct err *e)
{
	l->result.entries++;
	if (tar_writer_begin(&l->writer, m, e) < 0)
		return -1;
	return m->size ? 0 : tar_writer_end(&l->writer, e);
}

/* An empty file without an owner: it only speaks of what is beneath. */
static int put_mark(struct layer *l, const char *path, struct err *e)
{
	const struct tar_member m = {.type = '0', .path = path, .link = ""};
	return put_entry(l, &m, e);
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int put_whiteout(struct layer *l, const char *path, struct err *e)
{
	const char *name = name_of(path);
	if (strlen(name) + strlen(WHITEOUT) > NAME_MAX) {
		skip(l, path, "it was removed, but its name is too long for a whiteout");
		return TREE_WALK_NOT_INTO;
	}
	cleanup_free char *mark = str_printf("%.*s" WHITEOUT "%s", (int)(name - path), path, name);
	if (!mark)
		return err_no_memory(e);
	return put_mark(l, mark, e) < 0 ? -1 : TREE_WALK_NOT_INTO;
}

static int put_bytes(struct layer *l, int fd, uint64_t offset, uint64_t len, struct err *e)
{
	while (len > 0) {
		size_t want = len < READ_SIZE ? (size_t)len : READ_SIZE;
		ssize_t n = pread(fd, l->block, want, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read it");
		if (n == 0)
			return err_set(e, ERR_CONFLICT, "it shrank while it was read");
		if (tar_writer_data(&l->writer, l->block, (size_t)n, e) < 0)
			return -1;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
		l->result.bytes += (uint64_t)n;
		if (l->options->progress)
			l->options->progress(l->options->arg, l->result.bytes);
	}
	return 0;
}

static int put_pieces(struct layer *l, int fd, const struct sparse_map *map, struct err *e)
{
	if (tar_writer_data(&l->writer, map->text.data, map->text.len, e) < 0)
		return -1;
	for (size_t i = 0; i < map->n; i++)
		if (put_bytes(l, fd, map->list[i].offset, map->list[i].len, e) < 0)
			return -1;
	return tar_writer_end(&l->writer, e);
}

/* In the form that GNU tar calls 1.0: the map stands before the data. */
static int put_sparse(
        struct layer *l, int fd, struct tar_member *m, const struct sparse_map *map, struct err *e)
{
	const char *path = m->path, *name = name_of(path);
	char size[24];
	cleanup_free char *shown = str_printf("%.*sGNUSparseFile.0/%s", (int)(name - path), path, name);
	if (!shown)
		return err_no_memory(e);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)map->size);
	tar_writer_record(&l->records, "GNU.sparse.major", "1", 1);
	tar_writer_record(&l->records, "GNU.sparse.minor", "0", 1);
	tar_writer_record(&l->records, "GNU.sparse.name", path, strlen(path));
	tar_writer_record(&l->records, "GNU.sparse.realsize", size, strlen(size));
	m->path = shown;
	m->size = map->text.len + map->data;
	return put_entry(l, m, e) < 0 ? -1 : put_pieces(l, fd, map, e);
}

static int put_file(struct layer *l, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tar_member m;
	cleanup_sparse_map struct sparse_map map = SPARSE_MAP_INIT;
	const struct stat st = {.st_size = (off_t)entry->size, .st_blocks = (blkcnt_t)entry->blocks};
	int fd = tree_walk_open(w, e);
	if (fd < 0 || check_marks(fd, e) < 0 || add_xattrs(l, w, entry, e) < 0)
		return -1;
	describe(&m, '0', entry);
	m.more = &l->records;
	int sparse = sparse_map_read(fd, &st, &map, e);
	if (sparse != 0)
		return sparse < 0 ? -1 : put_sparse(l, fd, &m, &map, e);
	m.size = entry->size;
	if (put_entry(l, &m, e) < 0)
		return -1;
	if (m.size == 0)
		return 0;
	return put_bytes(l, fd, 0, m.size, e) < 0 ? -1 : tar_writer_end(&l->writer, e);
}

/* A link, device, fifo or another name of a file: a header is all. */
static int put_plain(struct layer *l, const struct tree_entry *entry, struct err *e)
{
	struct tar_member m;
	char type = entry->first           ? '1'
	            : S_ISLNK(entry->mode) ? '2'
	            : S_ISCHR(entry->mode) ? '3'
	            : S_ISBLK(entry->mode) ? '4'
	                                   : '6';
	describe(&m, type, entry);
	if (entry->first) {
		m.link = entry->first;
	} else if (entry->target) {
		m.link = entry->target;
		m.mode = 0777;
	}
	return put_entry(l, &m, e);
}

static bool is_placeholder(const struct layer *l, const char *path)
{
	const char *const *p = l->options->placeholders;
	for (; p && *p; p++)
		if (strcmp(*p, path) == 0)
			return true;
	return false;
}

/* 1 or 0, -1 with e. */
static int is_empty(int fd, struct err *e)
{
	cleanup_name_list struct name_list names = NAME_LIST_INIT;
	return name_list_read(&names, fd, e) < 0 ? -1 : names.n == 0;
}

static int put_dir(struct layer *l, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tar_member m;
	int fd = tree_walk_open(w, e);
	int empty = fd >= 0 && is_placeholder(l, entry->path) ? is_empty(fd, e) : 0;
	if (fd < 0 || empty != 0)
		return fd < 0 || empty < 0 ? -1 : TREE_WALK_NOT_INTO;
	cleanup_free char *path = str_printf("%s/", entry->path[0] ? entry->path : ".");
	if (!path)
		return err_no_memory(e);
	if (check_marks(fd, e) < 0 || add_xattrs(l, w, entry, e) < 0)
		return -1;
	describe(&m, '5', entry);
	m.path = path;
	m.more = &l->records;
	if (put_entry(l, &m, e) < 0)
		return -1;
	/* The mark of the root would hide the whole image: nobody can have made it. */
	if (!entry->path[0] || !overlay_is_opaque(fd))
		return 0;
	cleanup_free char *mark = str_printf("%s" OPAQUE, path);
	return mark ? put_mark(l, mark, e) : err_no_memory(e);
}

/* ------------------------------------------------------------------ the whole */

static int put(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct layer *l = arg;
	if (S_ISDIR(entry->mode))
		return put_dir(l, w, entry, e);
	if (S_ISCHR(entry->mode) && entry->major == 0 && entry->minor == 0)
		return put_whiteout(l, entry->path, e);
	if (S_ISREG(entry->mode) && entry->size == 0 && is_placeholder(l, entry->path))
		return TREE_WALK_NOT_INTO;
	return S_ISREG(entry->mode) && !entry->first ? put_file(l, w, entry, e) : put_plain(l, entry, e);
}

static bool is_excluded(void *arg, const char *path)
{
	if (strncmp(name_of(path), WHITEOUT, strlen(WHITEOUT)) != 0)
		return false;
	skip(arg, path, "a name that begins with .wh. means a removed file in a layer");
	return true;
}

int layer_pack(int dirfd, const struct layer_pack_options *o, struct layer_pack_result *r, struct err *e)
{
	cleanup_free struct layer *l = calloc(1, sizeof(*l));
	cleanup_free char *block = malloc(READ_SIZE);
	if (!l || !block)
		return err_no_memory(e);
	const struct tree_walk_options wo = {.entry = put,
	        .skipped = skip,
	        .excluded = is_excluded,
	        .arg = l,
	        .xattrs = TREE_XATTRS_LAYER};
	l->options = o;
	l->block = block;
	l->records = (struct buf)BUF_INIT;
	tar_writer_init(&l->writer, o->write, o->arg);
	int rc = tree_walk(dirfd, &wo, e);
	if (rc == 0)
		rc = tar_writer_finish(&l->writer, e);
	*r = l->result;
	tar_writer_free(&l->writer);
	buf_free(&l->records);
	return rc;
}
