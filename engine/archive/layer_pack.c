#include "engine/archive/layer_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/link_table.h"
#include "engine/archive/sparse_map.h"
#include "engine/archive/tar_writer.h"

#define READ_SIZE  ((size_t)256 << 10)
#define DEPTH_HELD 64                     /* directories deeper than that are not kept open */
#define PATH_LIMIT ((size_t)PATH_MAX - 8) /* what can be unpacked again */
#define XATTRS_MAX 60                     /* of an entry: readers have a limit, too */
#define WHITEOUT   ".wh."
#define OPAQUE     ".wh..wh..opq"

struct walk {
	int root;
	const struct layer_pack_options *options;
	struct layer_pack_result result;
	struct tar_writer writer;
	struct link_table links;
	char path[PATH_MAX]; /* of the entry at hand, relative */
	size_t len, depth;
	char *block, *xattrs; /* READ_SIZE; twice XATTR_LIST_MAX */
};

static void skip(struct walk *w, const char *why)
{
	w->result.skipped++;
	if (w->options->skipped)
		w->options->skipped(w->options->arg, w->path, why);
}

/* ------------------------------------------------------------------ attributes */

/* Marks that would make overlayfs look elsewhere for a file (redirect, metacopy). A container cannot set
 * them and our mounts have them turned off, so somebody else wrote this layer: copied without them, files
 * would be empty or lost. tests/unit/test_archive_layer_pack.c */
static int check_marks(int fd, struct err *e)
{
	static const char *const marks[] = {"trusted.overlay.redirect", "trusted.overlay.metacopy"};
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (fgetxattr(fd, marks[i], NULL, 0) >= 0)
			return err_set(
			        e, ERR_CORRUPT, "it has the attribute %s, which Tare never makes", marks[i]);
	return 0;
}

static bool is_opaque(int fd)
{
	char value[2];
	return fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

/* What unpack.c keeps. user.overlay.* can be set by anybody inside and would be overlayfs' marks on a store
 * mounted with userxattr: left out. */
static bool is_kept(const char *name)
{
	if (strncmp(name, "user.", 5) == 0)
		return strncmp(name, "user.overlay.", 13) != 0;
	return strcmp(name, "security.capability") == 0 || strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_xattr(struct walk *w, int fd, const char *name, struct buf *records, struct err *e)
{
	char *value = w->xattrs + XATTR_LIST_MAX;
	ssize_t len = fgetxattr(fd, name, value, XATTR_LIST_MAX);
	if (len < 0)
		return errno == ENODATA ? 0 : err_sys(e, "cannot read its attribute \"%.100s\"", name);
	cleanup_free char *key = str_printf("SCHILY.xattr.%s", name);
	if (!key)
		return err_no_memory(e);
	/* The key ends at the first "=". */
	if (strchr(name, '='))
		skip(w, "the name of an attribute has a \"=\"");
	else
		tar_writer_record(records, key, value, (size_t)len);
	return 0;
}

static int add_xattrs(struct walk *w, int fd, struct buf *records, struct err *e)
{
	const char *names[XATTRS_MAX];
	size_t n = 0;
	ssize_t len = flistxattr(fd, w->xattrs, XATTR_LIST_MAX);
	if (len < 0)
		return errno == ENOTSUP ? 0 : err_sys(e, "cannot list its attributes");
	for (const char *s = w->xattrs; s < w->xattrs + len; s += strlen(s) + 1) {
		if (!is_kept(s))
			continue;
		if (n == XATTRS_MAX) {
			skip(w, "it has more attributes than an archive can hold");
			break;
		}
		names[n++] = s;
	}
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		if (add_xattr(w, fd, names[i], records, e) < 0)
			return -1;
	return 0;
}

/* ------------------------------------------------------------------ kinds of entries */

static void describe(struct tar_member *m, char type, const char *path, const struct stat *st)
{
	*m = (struct tar_member){.type = type,
	        .path = path,
	        .link = "",
	        .mode = st->st_mode & 07777,
	        .uid = st->st_uid,
	        .gid = st->st_gid,
	        .mtime = st->st_mtim};
}

static int put_entry(struct walk *w, const struct tar_member *m, struct err *e)
{
	w->result.entries++;
	if (tar_writer_begin(&w->writer, m, e) < 0)
		return -1;
	return m->size ? 0 : tar_writer_end(&w->writer, e);
}

/* An empty file without an owner: it only speaks of what is beneath. */
static int put_mark(struct walk *w, const char *path, struct err *e)
{
	const struct tar_member m = {.type = '0', .path = path, .link = ""};
	return put_entry(w, &m, e);
}

static int put_whiteout(struct walk *w, struct err *e)
{
	const char *slash = strrchr(w->path, '/');
	size_t parent = slash ? (size_t)(slash - w->path) + 1 : 0;
	if (w->len - parent + strlen(WHITEOUT) > NAME_MAX) {
		skip(w, "it was removed, but its name is too long for a whiteout");
		return 0;
	}
	cleanup_free char *path = str_printf("%.*s" WHITEOUT "%s", (int)parent, w->path, w->path + parent);
	return path ? put_mark(w, path, e) : err_no_memory(e);
}

static int put_bytes(struct walk *w, int fd, uint64_t offset, uint64_t len, struct err *e)
{
	while (len > 0) {
		size_t want = len < READ_SIZE ? (size_t)len : READ_SIZE;
		ssize_t n = pread(fd, w->block, want, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read it");
		if (n == 0)
			return err_set(e, ERR_CONFLICT, "it shrank while it was read");
		if (tar_writer_data(&w->writer, w->block, (size_t)n, e) < 0)
			return -1;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
		w->result.bytes += (uint64_t)n;
		if (w->options->progress)
			w->options->progress(w->options->arg, w->result.bytes);
	}
	return 0;
}

static int put_pieces(struct walk *w, int fd, const struct sparse_map *map, struct err *e)
{
	if (tar_writer_data(&w->writer, map->text.data, map->text.len, e) < 0)
		return -1;
	for (size_t i = 0; i < map->n; i++)
		if (put_bytes(w, fd, map->list[i].offset, map->list[i].len, e) < 0)
			return -1;
	return tar_writer_end(&w->writer, e);
}

/* In the form that GNU tar calls 1.0: the map stands before the data. */
static int put_sparse(struct walk *w, int fd, struct tar_member *m, struct buf *records,
        const struct sparse_map *map, struct err *e)
{
	const char *slash = strrchr(w->path, '/'), *name = slash ? slash + 1 : w->path;
	char size[24];
	cleanup_free char *shown = str_printf("%.*sGNUSparseFile.0/%s", (int)(name - w->path), w->path, name);
	if (!shown)
		return err_no_memory(e);
	snprintf(size, sizeof(size), "%llu", (unsigned long long)map->size);
	tar_writer_record(records, "GNU.sparse.major", "1", 1);
	tar_writer_record(records, "GNU.sparse.minor", "0", 1);
	tar_writer_record(records, "GNU.sparse.name", w->path, w->len);
	tar_writer_record(records, "GNU.sparse.realsize", size, strlen(size));
	m->path = shown;
	m->size = map->text.len + map->data;
	return put_entry(w, m, e) < 0 ? -1 : put_pieces(w, fd, map, e);
}

static int put_file(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	struct tar_member m;
	cleanup_buf struct buf records = BUF_INIT;
	cleanup_sparse_map struct sparse_map map = SPARSE_MAP_INIT;
	describe(&m, '0', w->path, st);
	m.more = &records;
	if (check_marks(fd, e) < 0 || add_xattrs(w, fd, &records, e) < 0)
		return -1;
	int sparse = sparse_map_read(fd, st, &map, e);
	if (sparse != 0)
		return sparse < 0 ? -1 : put_sparse(w, fd, &m, &records, &map, e);
	m.size = (uint64_t)st->st_size;
	if (put_entry(w, &m, e) < 0)
		return -1;
	if (m.size == 0)
		return 0;
	return put_bytes(w, fd, 0, m.size, e) < 0 ? -1 : tar_writer_end(&w->writer, e);
}

static int put_symlink(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	struct tar_member m;
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, "cannot read the link");
	target[n] = '\0';
	describe(&m, '2', w->path, st);
	m.link = target;
	m.mode = 0777;
	return put_entry(w, &m, e);
}

static int put_special(struct walk *w, char type, const struct stat *st, struct err *e)
{
	struct tar_member m;
	describe(&m, type, w->path, st);
	if (type != '6') {
		m.major = major(st->st_rdev);
		m.minor = minor(st->st_rdev);
	}
	return put_entry(w, &m, e);
}

static int put_dir(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	struct tar_member m;
	cleanup_buf struct buf records = BUF_INIT;
	cleanup_free char *path = str_printf("%s/", w->len ? w->path : ".");
	if (!path)
		return err_no_memory(e);
	describe(&m, '5', path, st);
	m.more = &records;
	if (check_marks(fd, e) < 0 || add_xattrs(w, fd, &records, e) < 0 || put_entry(w, &m, e) < 0)
		return -1;
	/* The mark of the root would hide the whole image: nobody can have made it. */
	if (!w->len || !is_opaque(fd))
		return 0;
	cleanup_free char *mark = str_printf("%s" OPAQUE, path);
	return mark ? put_mark(w, mark, e) : err_no_memory(e);
}

/* ------------------------------------------------------------------ the walk */

/* All names in it, sorted by their bytes. */
static int list_dir(int fd, char ***names, size_t *n, struct err *e)
{
	size_t cap = 0;
	cleanup_fd int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = own < 0 ? NULL : fdopendir(own);
	if (!dir)
		return err_sys(e, "cannot list it");
	own = -1;
	*n = 0;
	for (struct dirent *d; (errno = 0, d = readdir(dir));) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (*n + 1 >= cap) {
			cap = cap ? cap * 2 : 32;
			char **grown = realloc(*names, cap * sizeof(*grown));
			if (!grown)
				return err_no_memory(e);
			*names = grown;
		}
		(*names)[*n] = strdup(d->d_name);
		(*names)[*n + 1] = NULL;
		if (!(*names)[*n])
			return err_no_memory(e);
		++*n;
	}
	if (errno)
		return err_sys(e, "cannot list it");
	if (*n)
		qsort(*names, *n, sizeof(**names), by_name);
	return 0;
}

/* Reading through a descriptor that only names the file: what it is was looked at before, so that no device
 * or fifo that took its place in between is ever opened. */
static int reopen(int fd, int flags)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC | flags);
}

static bool is_placeholder(const struct walk *w)
{
	const char *const *p = w->options->placeholders;
	for (; p && *p; p++)
		if (strcmp(*p, w->path) == 0)
			return true;
	return false;
}

static int walk_dir(struct walk *w, int *fd, const struct stat *st, struct err *e);

static int walk_file(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	cleanup_fd int file = reopen(fd, O_NOATIME);
	if (file < 0)
		return err_sys(e, "cannot open it");
	return put_file(w, file, st, e);
}

static int put_linked(struct walk *w, const char *first, const struct stat *st, struct err *e)
{
	struct tar_member m;
	describe(&m, '1', w->path, st);
	m.link = first;
	return put_entry(w, &m, e);
}

/* Everything but directories. `fd` names it only. */
static int walk_other(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
		return put_whiteout(w, e);
	if (S_ISSOCK(st->st_mode)) {
		skip(w, "it is a socket");
		return 0;
	}
	if (S_ISREG(st->st_mode) && st->st_size == 0 && is_placeholder(w))
		return 0;
	const char *first = NULL;
	if (st->st_nlink > 1 && link_table_find(&w->links, st, w->path, &first) < 0)
		return err_no_memory(e);
	if (first)
		return put_linked(w, first, st, e);
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return walk_file(w, fd, st, e);
	case S_IFLNK:
		return put_symlink(w, fd, st, e);
	case S_IFCHR:
		return put_special(w, '3', st, e);
	case S_IFBLK:
		return put_special(w, '4', st, e);
	default:
		return put_special(w, '6', st, e);
	}
}

/* 1: this name cannot be in a layer. */
static int enter_name(struct walk *w, const char *name)
{
	size_t len = strlen(name), before = w->len;
	if (w->len + len + 2 > sizeof(w->path)) {
		skip(w, "what is in it has too long a path");
		return 1;
	}
	if (before)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, len + 1);
	w->len += len;
	if (w->len <= PATH_LIMIT && strncmp(name, WHITEOUT, strlen(WHITEOUT)) != 0)
		return 0;
	skip(w, w->len > PATH_LIMIT ? "its path is too long"
	                            : "a name that begins with .wh. means a removed file in a layer");
	return 1;
}

/* Deep below, the directory itself is not kept open while another one in it is walked. */
static int walk_entry(struct walk *w, int *dir, const char *name, struct err *e)
{
	struct stat st;
	cleanup_fd int fd = openat(*dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0; /* it runs on, and has just removed it */
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "\"%.300s\": cannot open it", w->path);
	if (S_ISDIR(st.st_mode) && w->depth > DEPTH_HELD)
		close_fd(dir);
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, &fd, &st, e);
	return walk_other(w, fd, &st, e) < 0 ? err_wrap(e, "\"%.300s\"", w->path) : 0;
}

static void leave_name(struct walk *w, size_t len)
{
	w->len = len;
	w->path[len] = '\0';
}

/* The directory at hand again, after its descriptor was given up for those deep below it. */
static int open_again(const struct walk *w)
{
	return open_beneath(
	        w->root, w->len ? w->path : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

static int walk_names(struct walk *w, int *fd, char *const *names, struct err *e)
{
	size_t len = w->len;
	for (; *names; names++) {
		if (*fd < 0 && (*fd = open_again(w)) < 0)
			return err_sys(e, "\"%.300s\": cannot open it", w->path);
		int rc = 0;
		if (enter_name(w, *names) == 0)
			rc = walk_entry(w, fd, *names, e);
		leave_name(w, len);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int walk_dir(struct walk *w, int *fd, const struct stat *st, struct err *e)
{
	cleanup_strv char **names = NULL;
	size_t n = 0;
	cleanup_fd int dir = reopen(*fd, O_DIRECTORY);
	if (dir < 0 || list_dir(dir, &names, &n, e) < 0)
		return dir < 0 ? err_sys(e, "\"%.300s\": cannot open it", w->path)
		               : err_wrap(e, "\"%.300s\"", w->path);
	if (n == 0 && is_placeholder(w))
		return 0;
	if (put_dir(w, dir, st, e) < 0)
		return err_wrap(e, "\"%.300s\"", w->path);
	close_fd(&dir);
	w->depth++;
	int rc = names ? walk_names(w, fd, names, e) : 0;
	w->depth--;
	return rc;
}

static int walk_root(struct walk *w, struct err *e)
{
	struct stat st;
	cleanup_fd int fd = openat(w->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open the writable layer");
	return walk_dir(w, &fd, &st, e) < 0 ? -1 : tar_writer_finish(&w->writer, e);
}

int layer_pack(int dirfd, const struct layer_pack_options *o, struct layer_pack_result *r, struct err *e)
{
	struct walk *w = calloc(1, sizeof(*w));
	int rc = -1;
	if (!w)
		return err_no_memory(e);
	w->root = dirfd;
	w->options = o;
	w->block = malloc(READ_SIZE);
	w->xattrs = malloc(2 * XATTR_LIST_MAX);
	tar_writer_init(&w->writer, o->write, o->arg);
	if (!w->block || !w->xattrs)
		err_no_memory(e);
	else
		rc = walk_root(w, e);
	*r = w->result;
	tar_writer_free(&w->writer);
	link_table_free(&w->links);
	free(w->block);
	free(w->xattrs);
	free(w);
	return rc;
}
