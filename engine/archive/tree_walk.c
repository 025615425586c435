#include "engine/archive/tree_walk.h"

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
#include "engine/archive/name_list.h"
#include "engine/archive/tree_xattr.h"
#include "engine/archive/tree_xattr_ids.h"
#include "engine/oci/id_map.h"

#define DEPTH_HELD 64                     /* directories deeper than that are not kept open */
#define PATH_LIMIT ((size_t)PATH_MAX - 8) /* what can be unpacked again */

struct tree_walk {
	int root, fds; /* the tree's; /proc/self/fd */
	const struct tree_walk_options *options;
	struct link_table links;
	uint64_t dev;        /* of the root */
	char path[PATH_MAX]; /* of the entry at hand, relative */
	size_t len, depth;
	/* the entry at hand */
	int named, opened; /* O_PATH; for reading, -1: not yet */
	mode_t mode;
	bool mount;
	char target[PATH_MAX + 1];
	char by_fd[32]; /* "/proc/self/fd/N" of `named`, for attributes of what is never opened */
	char *names;    /* of attributes: XATTR_LIST_MAX */
	struct buf values;
	struct tree_xattr xattrs[TREE_XATTRS_MAX];
};

static void skip(const struct tree_walk *w, const char *why)
{
	if (w->options->skipped)
		w->options->skipped(w->options->arg, w->path, why);
}

static int wrap(const struct tree_walk *w, struct err *e)
{
	return w->len ? err_wrap(e, "\"%.300s\"", w->path) : -1;
}

/* ------------------------------------------------------------------ what the client asks */

/* A device or fifo that takes a file's place while we look: the descriptor that names the file was looked at
 * before, and it is opened again through that one, so that nothing else ever is. O_NOATIME: a backup is no
 * use of the file. tests/unit/test_archive_tree_walk.c */
static int reopen(const struct tree_walk *w, int fd)
{
	char name[16];
	snprintf(name, sizeof(name), "%d", fd);
	int opened = openat(w->fds, name, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (opened < 0 && errno == EPERM)
		opened = openat(w->fds, name, O_RDONLY | O_CLOEXEC);
	return opened;
}

int tree_walk_open(struct tree_walk *w, struct err *e)
{
	if (w->opened >= 0)
		return w->opened;
	if (w->mount || (!S_ISREG(w->mode) && !S_ISDIR(w->mode)))
		return err_set(e, ERR_OTHER, "it is nothing to be read");
	w->opened = reopen(w, w->named);
	return w->opened < 0 ? err_sys(e, "cannot open it") : w->opened;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct tree_xattr *)a)->name, ((const struct tree_xattr *)b)->name);
}

/* Those that are kept, their names only; how many. */
static size_t choose_xattrs(struct tree_walk *w, size_t len)
{
	size_t n = 0;
	for (const char *s = w->names; s < w->names + len; s += strlen(s) + 1) {
		if (w->options->xattrs == TREE_XATTRS_ALL && tree_xattr_of_overlay(s))
			skip(w, "its attributes for overlayfs are left out");
		if (!tree_xattr_kept(w->options->xattrs, s))
			continue;
		if (n == TREE_XATTRS_MAX) {
			skip(w, "it has more attributes than an archive can hold");
			break;
		}
		w->xattrs[n++] = (struct tree_xattr){.name = s};
	}
	if (n)
		qsort(w->xattrs, n, sizeof(*w->xattrs), by_name);
	return n;
}

/* fd -1: of a link, device or fifo, by way of the descriptor that names it: nothing else can have its place.
 */
static ssize_t list_xattrs(const struct tree_walk *w, int fd)
{
	return fd < 0 ? listxattr(w->by_fd, w->names, XATTR_LIST_MAX)
	              : flistxattr(fd, w->names, XATTR_LIST_MAX);
}

static ssize_t get_xattr(const struct tree_walk *w, int fd, const char *name, char *room)
{
	return fd < 0 ? getxattr(w->by_fd, name, room, XATTR_SIZE_MAX)
	              : fgetxattr(fd, name, room, XATTR_SIZE_MAX);
}

/* Their values, one behind the other; one that has gone meanwhile is left out. How many, -1 with e. */
static int read_values(struct tree_walk *w, int fd, size_t n, struct err *e)
{
	size_t kept = 0, at = 0;
	buf_reset(&w->values);
	for (size_t i = 0; i < n; i++) {
		struct tree_xattr x = w->xattrs[i];
		char *room = buf_reserve(&w->values, XATTR_SIZE_MAX + XATTR_IDS_GROW);
		if (!room)
			return err_no_memory(e);
		ssize_t len = get_xattr(w, fd, x.name, room);
		/* EOVERFLOW: capabilities that count for a root who is nobody here */
		if (len < 0 && errno != ENODATA && errno != EOVERFLOW)
			return err_sys(e, "cannot read its attribute \"%.100s\"", x.name);
		if (len >= 0 && w->options->ids)
			len = tree_xattr_ids_in(x.name, room, (size_t)len, w->options->ids);
		if (len < 0)
			continue;
		w->values.len += (size_t)len;
		w->xattrs[kept++] = (struct tree_xattr){.name = x.name, .len = (size_t)len};
	}
	for (size_t i = 0; i < kept; at += w->xattrs[i++].len)
		w->xattrs[i].value = w->values.data + at;
	return (int)kept;
}

int tree_walk_xattrs(struct tree_walk *w, struct tree_entry *entry, struct err *e)
{
	entry->xattrs = w->xattrs;
	entry->n_xattrs = 0;
	if (w->mount)
		return 0;
	bool opens = S_ISREG(w->mode) || S_ISDIR(w->mode);
	int fd = opens ? tree_walk_open(w, e) : -1;
	if (opens && fd < 0)
		return -1;
	snprintf(w->by_fd, sizeof(w->by_fd), "/proc/self/fd/%d", w->named);
	ssize_t len = list_xattrs(w, fd);
	if (len < 0)
		return errno == ENOTSUP ? 0 : err_sys(e, "cannot list its attributes");
	int n = len > 0 ? read_values(w, fd, choose_xattrs(w, (size_t)len), e) : 0;
	if (n > 0)
		entry->n_xattrs = (size_t)n;
	return n < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------ entries */

static struct timespec time_of(struct statx_timestamp t)
{
	return (struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec};
}

static int look(int fd, struct statx *st)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, st);
}

static uint64_t device_of(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

static bool is_mount(const struct tree_walk *w, const struct statx *st)
{
	return w->len && (device_of(st) != w->dev || st->stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Who is nobody inside is so for everybody there: the kernel's overflow id. */
static uint32_t inside(const struct id_map *m, uint32_t id)
{
	uint32_t called;

	return id_map_in(m, id, &called) ? called : ID_NOBODY;
}

static void describe(const struct tree_walk *w, const struct statx *st, struct tree_entry *entry)
{
	*entry = (struct tree_entry){.path = w->path,
	        .mode = st->stx_mode,
	        .uid = st->stx_uid,
	        .gid = st->stx_gid,
	        .size = S_ISREG(st->stx_mode) ? st->stx_size : 0,
	        .mtime = time_of(st->stx_mtime),
	        .ctime = time_of(st->stx_ctime),
	        .dev = device_of(st),
	        .ino = st->stx_ino,
	        .blocks = st->stx_blocks,
	        .links = st->stx_nlink};
	if (w->options->ids) {
		entry->uid = inside(&w->options->ids->uid, entry->uid);
		entry->gid = inside(&w->options->ids->gid, entry->gid);
	}
	if (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode)) {
		entry->major = st->stx_rdev_major;
		entry->minor = st->stx_rdev_minor;
	}
}

/* What a mount covers cannot be told: a place for it. */
static void describe_mount(struct tree_entry *entry)
{
	entry->mount = true;
	if (S_ISDIR(entry->mode))
		return;
	entry->mode = S_IFREG | (entry->mode & 0777);
	entry->size = entry->blocks = entry->major = entry->minor = 0;
	entry->links = 1;
}

/* The client's turn. */
static int give(struct tree_walk *w, int fd, const struct tree_entry *entry, struct err *e)
{
	w->named = fd;
	w->opened = -1;
	w->mode = entry->mode;
	w->mount = entry->mount;
	int rc = w->options->entry(w->options->arg, w, entry, e);
	close_fd(&w->opened);
	w->named = -1;
	return rc < 0 ? wrap(w, e) : rc;
}

static int read_target(struct tree_walk *w, int fd, struct tree_entry *entry, struct err *e)
{
	ssize_t n = readlinkat(fd, "", w->target, sizeof(w->target) - 1);
	if (n < 0)
		return err_sys(e, "\"%.300s\": cannot read the link", w->path);
	w->target[n] = '\0';
	entry->target = w->target;
	return 0;
}

/* Everything but directories. `fd` names it only. */
static int visit_other(struct tree_walk *w, int fd, struct tree_entry *entry, struct err *e)
{
	if (S_ISSOCK(entry->mode)) {
		skip(w, "it is a socket");
		return 0;
	}
	bool several = entry->links > 1;
	if (several)
		entry->first = link_table_find(&w->links, entry->dev, entry->ino);
	if (S_ISLNK(entry->mode) && read_target(w, fd, entry, e) < 0)
		return -1;
	bool remember = several && !entry->first;
	int rc = give(w, fd, entry, e);
	if (rc == TREE_WALK_ON && remember && link_table_add(&w->links, entry->dev, entry->ino, w->path) < 0)
		return err_no_memory(e);
	return rc < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------ the walk */

/* A directory whose content is being walked. Deep below, its descriptor is given up for those in it. */
struct level {
	int fd; /* O_PATH, -1: given up */
	uint64_t dev, ino;
};

static int visit_names(struct tree_walk *w, struct level *l, const struct name_list *names, struct err *e);

static int visit_dir(struct tree_walk *w, struct level *l, const struct tree_entry *entry, struct err *e)
{
	cleanup_name_list struct name_list names = NAME_LIST_INIT;
	int rc = give(w, l->fd, entry, e);
	if (rc != TREE_WALK_ON || entry->mount)
		return rc < 0 ? -1 : 0;
	if (name_list_read(&names, l->fd, e) < 0)
		return wrap(w, e);
	w->depth++;
	rc = visit_names(w, l, &names, e);
	w->depth--;
	return rc;
}

static int too_long(const struct tree_walk *w, const char *why, struct err *e)
{
	if (w->options->long_paths_fail)
		return err_set(e, ERR_UNSUPPORTED,
		        "\"%.100s...\": %s: %zu bytes are the most that can be unpacked again; move it up",
		        w->path, why, PATH_LIMIT);
	skip(w, why);
	return 1;
}

/* 0, 1: this name is left out, -1 with e. */
static int enter_name(struct tree_walk *w, const char *name, struct err *e)
{
	size_t len = strlen(name);
	if (w->len + len + 2 > sizeof(w->path))
		return too_long(w, "what is in it has too long a path", e);
	if (w->len)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, len + 1);
	w->len += len;
	if (w->options->excluded && w->options->excluded(w->options->arg, w->path))
		return 1;
	return w->len > PATH_LIMIT ? too_long(w, "its path is too long", e) : 0;
}

static void leave_name(struct tree_walk *w, size_t len)
{
	w->len = len;
	w->path[len] = '\0';
}

/* A directory and what is in it. */
static int visit_tree(struct tree_walk *w, int fd, struct tree_entry *entry, struct err *e)
{
	struct statx st;
	struct level l = {.fd = fd, .dev = entry->dev, .ino = entry->ino};
	int rc = visit_dir(w, &l, entry, e);
	close_fd(&l.fd);
	/* What is left out because it has vanished is not to be everything. */
	if (rc == 0 && look(w->root, &st) == 0 && st.stx_nlink == 0)
		return err_set(e, ERR_NOT_FOUND, "the directory was removed while it was read");
	return rc;
}

static int visit(struct tree_walk *w, struct level *up, const char *name, struct err *e)
{
	struct statx st;
	struct tree_entry entry;
	cleanup_fd int fd = openat(up->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0; /* it runs on, and has just removed it */
	if (fd < 0 || look(fd, &st) < 0)
		return err_sys(e, "\"%.300s\": cannot open it", w->path);
	describe(w, &st, &entry);
	if (w->options->one_fs && is_mount(w, &st))
		describe_mount(&entry);
	if (!S_ISDIR(entry.mode))
		return visit_other(w, fd, &entry, e);
	if (w->depth > DEPTH_HELD)
		close_fd(&up->fd);
	return visit_tree(w, steal_fd(&fd), &entry, e);
}

/* The directory at hand again, after its descriptor was given up for those deep below it. 1: it is no longer
 * there, or another one is. */
static int open_again(const struct tree_walk *w, struct level *l, struct err *e)
{
	struct statx st;
	l->fd = open_beneath(
	        w->root, w->len ? w->path : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (l->fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV))
		return 1;
	if (l->fd < 0 || look(l->fd, &st) < 0)
		return err_sys(e, "\"%.300s\": cannot open it", w->path);
	return device_of(&st) != l->dev || st.stx_ino != l->ino;
}

static int visit_names(struct tree_walk *w, struct level *l, const struct name_list *names, struct err *e)
{
	size_t len = w->len;
	for (size_t i = 0; i < names->n; i++) {
		int rc = l->fd < 0 ? open_again(w, l, e) : 0;
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		const char *name = name_list_get(names, i);
		rc = enter_name(w, name, e);
		if (rc == 0)
			rc = visit(w, l, name, e);
		leave_name(w, len);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int visit_root(struct tree_walk *w, struct err *e)
{
	struct statx st;
	struct tree_entry entry;
	cleanup_fd int fd = fcntl(w->root, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || look(fd, &st) < 0)
		return err_sys(e, "cannot look at it");
	describe(w, &st, &entry);
	w->dev = entry.dev;
	if (!S_ISDIR(entry.mode))
		return visit_other(w, fd, &entry, e);
	return visit_tree(w, steal_fd(&fd), &entry, e);
}

int tree_walk(int dirfd, const struct tree_walk_options *o, struct err *e)
{
	cleanup_free struct tree_walk *w = calloc(1, sizeof(*w));
	cleanup_free char *names = malloc(XATTR_LIST_MAX);
	if (!w || !names)
		return err_no_memory(e);
	*w = (struct tree_walk){.root = dirfd,
	        .options = o,
	        .links = LINK_TABLE_INIT,
	        .named = -1,
	        .opened = -1,
	        .names = names,
	        .values = BUF_INIT};
	w->fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = w->fds < 0 ? err_sys(e, "cannot open /proc/self/fd") : visit_root(w, e);
	close_fd(&w->fds);
	link_table_free(&w->links);
	buf_free(&w->values);
	return rc;
}
