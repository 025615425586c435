#include "engine/archive/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/dir_times.h"
#include "engine/archive/layer_path.h"
#include "engine/archive/tar_reader.h"

#define FILE_SIZE_MAX  ((uint64_t)1 << 40) /* holes cost nothing, but who copies such a file would pay */
#define OPAQUE_XATTR   "trusted.overlay.opaque"
#define PROGRESS_EVERY 256

#define IMPLIED_FLOOR     4096
#define IMPLIED_PER_ENTRY 16

struct unpack {
	int root;
	struct layer_path at;  /* of the entry at hand */
	char parent[PATH_MAX]; /* the directory that parent_fd is */
	int parent_fd;         /* -1: none is held */
	struct dir_times dirs;
	uint64_t implied; /* directories made for entries that came without them */
	struct unpack_result result;
	const struct unpack_options *options;
	struct inflate *in;
};

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged or hostile: it %s", why);
}

/* ------------------------------------------------------------------ parents */

/* Links that lead out (symlink-then-file, moby/go-archive CVE-2026-17106): a parent is resolved beneath the
 * layer's root by the kernel; symbolic links of the layer itself may be followed only as long as they stay
 * inside. tests/e2e/archives-hostile.bats */
static int resolve_dir(const struct unpack *u, const char *path)
{
	if (path[0] == '\0')
		return fcntl(u->root, F_DUPFD_CLOEXEC, 0);
	return open_beneath(u->root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static int parent_error(struct err *e)
{
	switch (errno) {
	case EXDEV:
		return refuse(e, "goes through a symbolic link that leads out of the layer");
	case ELOOP:
		return refuse(e, "goes through a loop of symbolic links");
	case ENOTDIR:
	case EEXIST:
		return refuse(e, "is inside something that is not a directory");
	default:
		return err_sys(e, "cannot open its directory");
	}
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static int set_opaque(int dir, struct err *e)
{
	if (fsetxattr(dir, OPAQUE_XATTR, "y", 1, 0) < 0)
		return err_sys(e, "cannot mark a directory as opaque");
	return 0;
}

/* A directory that no entry describes, whatever the umask is. */
static int make_plain_dir(int dir, const char *name)
{
	return mkdirat(dir, name, 0755) == 0 ? fchmodat(dir, name, 0755, 0) : -1;
}

/* A new directory where a whiteout was hides what is below it, all of it. */
static int make_opaque_dir(int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) < 0 || make_plain_dir(dir, name) < 0)
		return err_sys(e, "cannot make a directory");
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open a directory") : set_opaque(fd, e);
}

/* The missing directory `name` in `dir`, as parent of an entry that came without one. */
static int make_parent(int dir, const char *name, struct err *e)
{
	struct stat st;
	if (make_plain_dir(dir, name) == 0)
		return 0;
	if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot make its directory");
	if (is_whiteout(&st))
		return make_opaque_dir(dir, name, e);
	errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
	return S_ISLNK(st.st_mode) ? refuse(e, "goes through a symbolic link that leads nowhere")
	                           : parent_error(e);
}

/* Directories without end (one entry of 5 KB that names 2000 of them, and a million such entries in a small
 * blob): those that no entry describes are bounded by the number of entries.
 * tests/unit/test_archive_tar.c */
static int count_implied(struct unpack *u, struct err *e)
{
	if (++u->implied > IMPLIED_FLOOR + IMPLIED_PER_ENTRY * u->result.entries)
		return refuse(e, "names more directories than it describes");
	return 0;
}

/* The directory `name` in `dir`, which is the beginning `path` of an entry's parent; made when missing. Only
 * where a link stands in the way the whole path is looked up. */
static int enter_or_make(struct unpack *u, int dir, const char *name, const char *path, struct err *e)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = name[0] ? openat(dir, name, flags) : fcntl(dir, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 && errno == ENOTDIR)
		fd = resolve_dir(u, path);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		if (count_implied(u, e) < 0 || make_parent(dir, name, e) < 0)
			return -1;
		fd = openat(dir, name, flags);
	}
	return fd < 0 ? parent_error(e) : fd;
}

static int make_parents(struct unpack *u, char *path, struct err *e)
{
	cleanup_fd int dir = resolve_dir(u, "");
	for (char *p = path;;) {
		size_t len = strcspn(p, "/");
		char after = p[len];
		p[len] = '\0';
		int next = enter_or_make(u, dir, p, path, e);
		p[len] = after;
		if (next < 0)
			return -1;
		close_fd(&dir);
		dir = next;
		if (after == '\0')
			return steal_fd(&dir);
		p += len + 1;
	}
}

static void forget_parent(struct unpack *u)
{
	close_fd(&u->parent_fd);
}

/* u->parent_fd becomes the directory of the entry at hand. Archives keep neighbours together, so the last
 * one is mostly the right one already. */
static int enter_parent(struct unpack *u, struct err *e)
{
	if (u->parent_fd >= 0 && strcmp(u->parent, u->at.parent) == 0)
		return 0;
	forget_parent(u);
	u->parent_fd = resolve_dir(u, u->at.parent);
	if (u->parent_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		u->parent_fd = make_parents(u, u->at.parent, e);
	else if (u->parent_fd < 0)
		return parent_error(e);
	if (u->parent_fd < 0)
		return -1;
	strcpy(u->parent, u->at.parent);
	return 0;
}

/* What stands in the way of the entry at hand goes, as a later entry of the same name wins. The held parent
 * is never inside it: it is the directory that the name stands in. */
static int clear_way(struct unpack *u, struct err *e)
{
	if (remove_tree_at(u->parent_fd, u->at.name) < 0)
		return err_sys(e, "cannot replace it");
	return 0;
}

/* ------------------------------------------------------------------ attributes */

/* Forged overlay marks (trusted.overlay.redirect, .metacopy, .opaque and their user.overlay.* twins) would
 * let a layer point overlayfs at other directories: refused by name. tests/e2e/archives-hostile.bats */
static int check_xattrs(const struct tar_entry *entry, struct err *e)
{
	for (size_t i = 0; i < entry->n_xattrs; i++)
		if (strncmp(entry->xattrs[i].name, "trusted.overlay.", 16) == 0 ||
		        strncmp(entry->xattrs[i].name, "user.overlay.", 13) == 0)
			return refuse(e, "carries an extended attribute of overlayfs");
	return 0;
}

static bool xattr_kept(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strcmp(name, "security.capability") == 0 ||
	       strcmp(name, "system.posix_acl_access") == 0 || strcmp(name, "system.posix_acl_default") == 0;
}

static int set_xattrs(int fd, const struct tar_entry *entry, struct err *e)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tar_xattr *x = &entry->xattrs[i];
		if (!xattr_kept(x->name) || fsetxattr(fd, x->name, x->value, x->len, 0) == 0 ||
		        errno == ENOTSUP)
			continue;
		return err_sys(e, "cannot set its extended attribute \"%.100s\"", x->name);
	}
	return 0;
}

/* Owner, then mode (chown clears the set-id bits), then attributes (chown clears capabilities), then time,
 * which directories get at the end. */
static int set_metadata(int fd, const struct tar_entry *entry, struct err *e)
{
	struct timespec times[2] = {entry->mtime, entry->mtime};
	if (fchown(fd, entry->uid, entry->gid) < 0 || fchmod(fd, entry->mode) < 0)
		return err_sys(e, "cannot set its owner and mode");
	if (set_xattrs(fd, entry, e) < 0)
		return -1;
	return entry->type != TAR_DIR && futimens(fd, times) < 0 ? err_sys(e, "cannot set its time") : 0;
}

/* The same for what is not opened: links, devices, fifos. */
static int set_metadata_at(const struct unpack *u, const struct tar_entry *entry, struct err *e)
{
	struct timespec times[2] = {entry->mtime, entry->mtime};
	const char *name = u->at.name;
	if (fchownat(u->parent_fd, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set its owner");
	if (entry->type != TAR_SYMLINK && fchmodat(u->parent_fd, name, entry->mode, 0) < 0)
		return err_sys(e, "cannot set its mode");
	if (utimensat(u->parent_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set its time");
	return 0;
}

/* ------------------------------------------------------------------ kinds of entries */

static int write_at(int fd, const void *data, size_t len, uint64_t offset)
{
	for (const char *p = data; len > 0;) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static void report(const struct unpack *u)
{
	const struct unpack_options *o = u->options;
	if (o->progress)
		progress_step(o->progress, o->label, "unpacking", inflate_position(u->in), o->total);
}

/* Data of a sparse file goes piece by piece to where it belongs. */
static int write_pieces(
        struct unpack *u, struct tar_reader *t, const struct tar_entry *entry, int fd, struct err *e)
{
	const void *data = NULL;
	size_t len = 0;
	for (size_t i = 0; i < entry->n_pieces; i++) {
		/* tar_data() does not know pieces: cut its blocks at their ends. */
		for (uint64_t done = 0; done < entry->pieces[i].len;) {
			int rc = len > 0 ? 1 : tar_data(t, &data, &len, e);
			if (rc <= 0)
				return rc < 0 ? -1 : refuse(e, "is shorter than its map says");
			uint64_t room = entry->pieces[i].len - done;
			size_t n = len < room ? len : (size_t)room;
			if (write_at(fd, data, n, entry->pieces[i].offset + done) < 0)
				return err_sys(e, "cannot write it");
			data = (const char *)data + n;
			len -= n;
			done += n;
			u->result.bytes += n;
		}
	}
	return ftruncate(fd, (off_t)entry->size) < 0 ? err_sys(e, "cannot write it") : 0;
}

static int write_data(struct unpack *u, struct tar_reader *t, int fd, struct err *e)
{
	const void *data = NULL;
	size_t len = 0;
	int rc;
	while ((rc = tar_data(t, &data, &len, e)) > 0) {
		if (write_all(fd, data, len) < 0)
			return err_sys(e, "cannot write it");
		u->result.bytes += len;
		report(u);
	}
	return rc;
}

static int make_file(struct unpack *u, struct tar_reader *t, const struct tar_entry *entry, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	if (entry->size > FILE_SIZE_MAX)
		return refuse(e, "is a file of more than 1 TiB");
	cleanup_fd int fd = openat(u->parent_fd, u->at.name, flags, 0600);
	if (fd < 0 && errno == EEXIST) {
		if (clear_way(u, e) < 0)
			return -1;
		fd = openat(u->parent_fd, u->at.name, flags, 0600);
	}
	if (fd < 0)
		return err_sys(e, "cannot make it");
	int rc = entry->sparse ? write_pieces(u, t, entry, fd, e) : write_data(u, t, fd, e);
	return rc < 0 ? -1 : set_metadata(fd, entry, e);
}

static int remember_dir(struct unpack *u, const struct tar_entry *entry, struct err *e)
{
	char path[sizeof(u->at.parent) + sizeof(u->at.name)];
	snprintf(path, sizeof(path), "%s%s%s", u->at.parent, u->at.parent[0] ? "/" : "", u->at.name);
	return dir_times_add(&u->dirs, path, entry->mtime, e);
}

/* A directory that is there already only gets new attributes; anything else gives way. */
static int make_dir(struct unpack *u, const struct tar_entry *entry, struct err *e)
{
	struct stat st;
	const char *name = u->at.name[0] ? u->at.name : ".";
	if (u->at.name[0] && mkdirat(u->parent_fd, name, 0700) < 0) {
		if (errno != EEXIST || fstatat(u->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_sys(e, "cannot make it");
		if (is_whiteout(&st)) {
			if (make_opaque_dir(u->parent_fd, name, e) < 0)
				return -1;
		} else if (!S_ISDIR(st.st_mode)) {
			if (clear_way(u, e) < 0)
				return -1;
			if (mkdirat(u->parent_fd, name, 0700) < 0)
				return err_sys(e, "cannot make it");
		}
	}
	cleanup_fd int fd = openat(u->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open it");
	return set_metadata(fd, entry, e) < 0 ? -1 : remember_dir(u, entry, e);
}

/* Make a special file or symbolic link; -1 with errno. */
static int make_node(const struct unpack *u, const struct tar_entry *entry)
{
	switch (entry->type) {
	case TAR_SYMLINK:
		return symlinkat(entry->link, u->parent_fd, u->at.name);
	case TAR_FIFO:
		return mknodat(u->parent_fd, u->at.name, S_IFIFO | 0600, 0);
	case TAR_CHAR:
		return mknodat(u->parent_fd, u->at.name, S_IFCHR | 0600, makedev(entry->major, entry->minor));
	default:
		return mknodat(u->parent_fd, u->at.name, S_IFBLK | 0600, makedev(entry->major, entry->minor));
	}
}

/* A character device 0:0 is overlayfs' whiteout: as an entry it would hide files without saying so.
 * tests/e2e/archives-hostile.bats */
static int check_node(const struct tar_entry *entry, struct err *e)
{
	if (entry->type == TAR_CHAR && entry->major == 0 && entry->minor == 0)
		return refuse(e, "is a character device 0:0, overlayfs' mark for a removed file");
	if (entry->type == TAR_SYMLINK && (entry->link[0] == '\0' || strlen(entry->link) >= PATH_MAX))
		return refuse(e, "is a symbolic link with an empty or overlong target");
	return 0;
}

static int make_special(struct unpack *u, const struct tar_entry *entry, struct err *e)
{
	if (check_node(entry, e) < 0)
		return -1;
	int rc = make_node(u, entry);
	if (rc < 0 && errno == EEXIST) {
		if (clear_way(u, e) < 0)
			return -1;
		rc = make_node(u, entry);
	}
	return rc < 0 ? err_sys(e, "cannot make it") : set_metadata_at(u, entry, e);
}

/* Hard links to outside or through a link to outside would hand a host file to the image: the target is
 * looked up beneath the root like any parent, its last name is not followed, and it must be no directory
 * and no whiteout. tests/e2e/archives-hostile.bats */
static int make_hardlink(struct unpack *u, const struct tar_entry *entry, struct err *e)
{
	struct layer_path target;
	struct stat st, old;
	if (layer_path_parse_link(entry->link, &target, e) < 0)
		return err_wrap(e, "its link target");
	cleanup_fd int dir = resolve_dir(u, target.parent);
	if (dir < 0 && errno != ENOENT)
		return parent_error(e);
	if (dir < 0 || fstatat(dir, target.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged or hostile: it links to \"%.200s\", which is not in the "
		        "same layer",
		        entry->link);
	if (S_ISDIR(st.st_mode) || is_whiteout(&st))
		return refuse(e, "links to what cannot be linked to");
	if (linkat(dir, target.name, u->parent_fd, u->at.name, 0) == 0)
		return 0;
	if (errno != EEXIST || fstatat(u->parent_fd, u->at.name, &old, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot link it to \"%.200s\"", entry->link);
	if (old.st_dev == st.st_dev && old.st_ino == st.st_ino)
		return 0;
	if (clear_way(u, e) < 0)
		return -1;
	if (linkat(dir, target.name, u->parent_fd, u->at.name, 0) < 0)
		return err_sys(e, "cannot link it to \"%.200s\"", entry->link);
	return 0;
}

/* Whiteouts speak of the layers below. A name that this layer itself has hides the lower one anyway; a
 * directory has to say so. */
static int make_whiteout(struct unpack *u, const struct tar_entry *entry, struct err *e)
{
	struct stat st;
	if (entry->type != TAR_FILE && entry->type != TAR_HARDLINK)
		return refuse(e, "is a whiteout that is not a plain file");
	if (mknodat(u->parent_fd, u->at.name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST || fstatat(u->parent_fd, u->at.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot make a whiteout");
	if (!S_ISDIR(st.st_mode))
		return 0;
	cleanup_fd int fd = openat(u->parent_fd, u->at.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open a directory") : set_opaque(fd, e);
}

static int make_opaque(struct unpack *u, struct err *e)
{
	cleanup_fd int fd = openat(u->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open its directory") : set_opaque(fd, e);
}

/* ------------------------------------------------------------------ the whole */

static int make_plain(struct unpack *u, struct tar_reader *t, const struct tar_entry *entry, struct err *e)
{
	if (!u->at.name[0] && entry->type != TAR_DIR)
		return refuse(e, "would replace the root directory");
	switch (entry->type) {
	case TAR_FILE:
		return make_file(u, t, entry, e);
	case TAR_DIR:
		return make_dir(u, entry, e);
	case TAR_HARDLINK:
		return make_hardlink(u, entry, e);
	default:
		return make_special(u, entry, e);
	}
}

static int make_entry(struct unpack *u, struct tar_reader *t, const struct tar_entry *entry, struct err *e)
{
	int kind = layer_path_parse(entry->path, &u->at, e);
	if (kind < 0)
		return -1;
	if (kind == LAYER_PATH_IGNORED)
		return 0;
	if (check_xattrs(entry, e) < 0 || enter_parent(u, e) < 0)
		return err_wrap(e, "\"%.300s\"", entry->path);
	int rc = kind == LAYER_PATH_WHITEOUT ? make_whiteout(u, entry, e)
	         : kind == LAYER_PATH_OPAQUE ? make_opaque(u, e)
	                                     : make_plain(u, t, entry, e);
	return rc < 0 ? err_wrap(e, "\"%.300s\"", entry->path) : 0;
}

static int unpack_entries(struct unpack *u, struct tar_reader *t, struct err *e)
{
	const struct tar_entry *entry;
	int rc;
	while ((rc = tar_next(t, &entry, e)) > 0) {
		if (make_entry(u, t, entry, e) < 0)
			return -1;
		if (++u->result.entries % PROGRESS_EVERY == 0)
			report(u);
	}
	return rc;
}

int unpack_layer(
        struct inflate *in, int dirfd, const struct unpack_options *o, struct unpack_result *r, struct err *e)
{
	cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
	struct unpack *u = calloc(1, sizeof(*u));
	if (!u)
		return err_no_memory(e);
	t.open_end = o->open_end;
	u->root = dirfd;
	u->parent_fd = -1;
	u->dirs = (struct dir_times)DIR_TIMES_INIT(dirfd);
	u->options = o;
	u->in = in;
	int rc = unpack_entries(u, &t, e);
	if (rc == 0)
		rc = dir_times_set(&u->dirs, e);
	*r = u->result;
	forget_parent(u);
	dir_times_free(&u->dirs);
	free(u);
	return rc;
}
