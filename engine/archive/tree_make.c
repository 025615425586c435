#include "engine/archive/tree_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rootless.h"
#include "engine/archive/dir_times.h"
#include "engine/archive/half_file.h"
#include "engine/archive/layer_path.h"
#include "engine/archive/tree_parent.h"
#include "engine/archive/tree_xattr.h"
#include "engine/archive/tree_xattr_ids.h"
#include "engine/oci/id_map.h"

#define DEFAULT_ACL "system.posix_acl_default"
#define ASIDE       ".tare-" /* and random digits: made aside, to be renamed */

struct tree_make {
	struct tree_make_options options;
	struct tree_parent parent;      /* of the entry at hand */
	struct layer_path at;           /* of the entry at hand */
	char aside[sizeof(ASIDE) + 16]; /* what is being made there, "" nothing */
	bool nameless;                  /* it has not even that name yet */
	struct dir_times dirs;
	struct tree_xattrs_outside outside;
	unsigned devices; /* that could not be made here */
};

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged or hostile: it %s", why);
}

/* ------------------------------------------------------------------ names */

/* What stands in the way of the entry at hand goes, as a later entry of the same name wins. The held parent
 * is never inside it: it is the directory that the name stands in. */
static int clear_way(const struct tree_make *m, struct err *e)
{
	struct stat st;
	int dir = m->parent.fd;
	if (m->options.keep_kind && fstatat(dir, m->at.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	        S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFLICT, "it is a directory, and what would replace it is not");
	return remove_tree_at(dir, m->at.name) < 0 ? err_sys(e, "cannot replace it") : 0;
}

/* The name under which the entry at hand is made at first. */
static const char *begin_name(struct tree_make *m)
{
	if (!m->options.live)
		return m->at.name;
	memcpy(m->aside, ASIDE, sizeof(ASIDE));
	random_hex(m->aside + strlen(ASIDE), 8);
	return m->aside;
}

static void drop_aside(struct tree_make *m)
{
	if (m->aside[0] && !m->nameless && m->parent.fd >= 0)
		unlinkat(m->parent.fd, m->aside, 0);
	half_file_end();
	m->aside[0] = '\0';
	m->nameless = false;
}

/* Processes that look at the old file while a new one comes see one or the other, whole. */
static int end_name(struct tree_make *m, struct err *e)
{
	int dir = m->parent.fd;
	if (!m->aside[0])
		return 0;
	int rc = renameat(dir, m->aside, dir, m->at.name);
	if (rc < 0 && errno == EISDIR) {
		if (clear_way(m, e) < 0)
			return -1;
		rc = renameat(dir, m->aside, dir, m->at.name);
	}
	if (rc < 0)
		return err_sys(e, "cannot put it in its place");
	half_file_end();
	m->aside[0] = '\0';
	return 0;
}

static int link_as(const struct tree_make *m, int fd, const char *name)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, m->parent.fd, name, AT_SYMLINK_FOLLOW);
}

/* A file that got no name so far; where there is an old one, it gets one to be renamed. */
static int end_nameless(struct tree_make *m, int fd, struct err *e)
{
	if (!m->nameless)
		return 0;
	if (link_as(m, fd, m->at.name) == 0) {
		m->aside[0] = '\0';
		m->nameless = false;
		return 0;
	}
	if (errno != EEXIST || link_as(m, fd, m->aside) < 0)
		return err_sys(e, "cannot put it in its place");
	m->nameless = false;
	return 0;
}

/* Called before the data of a file is asked for, so that nobody reads a gigabyte to be refused then. In a
 * tree that lives in another mount namespace than ours, a container's, the kernel lets us rename over a name
 * that something is mounted on, and takes that mount away (since Linux 3.18): its /etc/hosts, its volume.
 * tests/e2e/cp.bats */
static int check_kind(const struct tree_make *m, struct err *e)
{
	struct statx st;
	if (!m->options.live ||
	        statx(m->parent.fd, m->at.name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0)
		return 0;
	if (m->options.keep_kind && S_ISDIR(st.stx_mode))
		return err_set(e, ERR_CONFLICT, "it is a directory, and what would replace it is not");
	if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		return err_set(e, ERR_CONFLICT,
		        "it is mounted there, and cannot be replaced; write to it in place, or to its "
		        "source");
	return 0;
}

/* ------------------------------------------------------------------ attributes */

/* Forged overlay marks (trusted.overlay.redirect, .metacopy, .opaque and their user.overlay.* twins) would
 * let a layer point overlayfs at other directories: refused by name. tests/e2e/archives-hostile.bats */
static int check_xattrs(const struct tree_entry *entry, struct err *e)
{
	for (size_t i = 0; i < entry->n_xattrs; i++)
		if (DEFENCE("overlay-attributes") && tree_xattr_of_overlay(entry->xattrs[i].name))
			return refuse(e, "carries an extended attribute of overlayfs");
	return 0;
}

static void report_dropped(const struct tree_make *m, const struct tree_entry *entry, const char *name)
{
	if (m->options.dropped)
		m->options.dropped(m->options.arg, entry->path, name);
}

/* What is made in a directory inherits its default ACL: that comes at the end (dir_times.h). 0 when this
 * attribute is made, or will be; -1 with errno. */
static int set_xattr(int fd, const struct tree_xattr *x)
{
	if (strcmp(x->name, DEFAULT_ACL) != 0)
		return fsetxattr(fd, x->name, x->value, x->len, 0);
	return fgetxattr(fd, DEFAULT_ACL, NULL, 0) < 0 && errno != ENODATA ? -1 : 0;
}

static int set_xattrs(const struct tree_make *m, int fd, const struct tree_entry *entry, struct err *e)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tree_xattr *x = &entry->xattrs[i];
		if (!tree_xattr_kept(m->options.xattrs, x->name) || set_xattr(fd, x) == 0)
			continue;
		if (errno != ENOTSUP)
			return err_sys(e, "cannot set its extended attribute \"%.100s\"", x->name);
		report_dropped(m, entry, x->name);
	}
	return 0;
}

struct owner {
	uint32_t uid, gid;
};

static int find_owner(
        const struct tree_make *m, const struct tree_entry *entry, struct owner *o, struct err *e)
{
	const struct id_maps *ids = m->options.ids;

	*o = m->options.own ? (struct owner){m->options.uid, m->options.gid}
	                    : (struct owner){entry->uid, entry->gid};
	if (m->options.own || !ids)
		return 0;
	if (id_map_out(&ids->uid, entry->uid, &o->uid) && id_map_out(&ids->gid, entry->gid, &o->gid))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "its owner %u:%u is nobody in the container, whose user namespace has not that many ids",
	        entry->uid, entry->gid);
}

static int owner_error(const struct tree_entry *entry, const struct owner *o, struct err *e)
{
	if (errno == EINVAL && in_user_namespace())
		return err_set(e, ERR_UNSUPPORTED,
		        "its owner %u:%u is none of the ids that are yours in /etc/subuid and /etc/subgid; "
		        "let root add more: usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST YOU",
		        entry->uid, entry->gid);
	return err_sys(e, "cannot set its owner to %u:%u", o->uid, o->gid);
}

/* Owner, then mode (chown clears the set-id bits), then attributes (chown clears capabilities), then time,
 * which directories get at the end. */
static int set_metadata(const struct tree_make *m, int fd, const struct tree_entry *entry, struct err *e)
{
	struct timespec times[2] = {entry->mtime, entry->mtime};
	struct owner o;
	if (find_owner(m, entry, &o, e) < 0)
		return -1;
	if (fchown(fd, o.uid, o.gid) < 0)
		return owner_error(entry, &o, e);
	if (fchmod(fd, entry->mode & 07777) < 0)
		return err_sys(e, "cannot set its mode");
	if (set_xattrs(m, fd, entry, e) < 0)
		return -1;
	return !S_ISDIR(entry->mode) && futimens(fd, times) < 0 ? err_sys(e, "cannot set its time") : 0;
}

/* Of what is not opened, by way of a descriptor that names it, so no link is followed. Without its ACL a
 * device or fifo would be open to more than before: the mask stands where the group's rights are. Attributes
 * that the kernel keeps for files and directories only (user.*) are dropped.
 * tests/unit/test_archive_tree_round.c */
static int set_xattrs_at(
        const struct tree_make *m, const char *name, const struct tree_entry *entry, struct err *e)
{
	char by_fd[32];
	struct stat st;
	if (entry->n_xattrs == 0)
		return 0;
	cleanup_fd int fd = openat(m->parent.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open it");
	if ((st.st_mode & S_IFMT) != (entry->mode & S_IFMT))
		return err_set(e, ERR_CONFLICT, "it was replaced while it was made");
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		const struct tree_xattr *x = &entry->xattrs[i];
		if (!tree_xattr_kept(m->options.xattrs, x->name) ||
		        setxattr(by_fd, x->name, x->value, x->len, 0) == 0)
			continue;
		if (errno != ENOTSUP && errno != EPERM && errno != EACCES)
			return err_sys(e, "cannot set its extended attribute \"%.100s\"", x->name);
		report_dropped(m, entry, x->name);
	}
	return 0;
}

/* The same for what is not opened: links, devices, fifos. A name that its owner exchanges for a link to a
 * file of ours meanwhile is not followed. tests/unit/test_archive_tree_attacks.c */
static int set_metadata_at(
        const struct tree_make *m, const char *name, const struct tree_entry *entry, struct err *e)
{
	struct timespec times[2] = {entry->mtime, entry->mtime};
	int dir = m->parent.fd;
	struct owner o;
	if (find_owner(m, entry, &o, e) < 0)
		return -1;
	if (fchownat(dir, name, o.uid, o.gid, AT_SYMLINK_NOFOLLOW) < 0)
		return owner_error(entry, &o, e);
	if (!S_ISLNK(entry->mode) && fchmodat(dir, name, entry->mode & 07777, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set its mode");
	if (set_xattrs_at(m, name, entry, e) < 0)
		return -1;
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot set its time");
	return 0;
}

/* ------------------------------------------------------------------ kinds of entries */

/* In a live tree without a name until it is whole, where the file system can do that: whoever is interrupted,
 * even by SIGKILL, leaves no half of a file behind. tests/e2e/cp.bats */
static int open_file(struct tree_make *m, const char *name, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = m->options.live ? openat(m->parent.fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600) : -1;
	m->nameless = fd >= 0;
	if (m->options.live && fd < 0)
		half_file_begin(m->parent.fd, name);
	if (fd < 0)
		fd = openat(m->parent.fd, name, flags, 0600);
	if (fd < 0 && errno == EEXIST) {
		if (clear_way(m, e) < 0)
			return -1;
		fd = openat(m->parent.fd, name, flags, 0600);
	}
	return fd < 0 ? err_sys(e, "cannot make it") : fd;
}

static int remember_dir(struct tree_make *m, const struct tree_entry *entry, struct err *e)
{
	const struct tree_xattr *acl = NULL;
	char path[sizeof(m->at.parent) + sizeof(m->at.name)];
	for (size_t i = 0; i < entry->n_xattrs; i++)
		if (strcmp(entry->xattrs[i].name, DEFAULT_ACL) == 0)
			acl = &entry->xattrs[i];
	snprintf(path, sizeof(path), "%s%s%s", m->at.parent, m->at.parent[0] ? "/" : "", m->at.name);
	return dir_times_add(&m->dirs, path, entry->mtime, acl ? acl->value : NULL, acl ? acl->len : 0, e);
}

/* The directory at hand, where something is. */
static int make_dir_there(struct tree_make *m, struct err *e)
{
	struct stat st;
	int dir = m->parent.fd;
	if (fstatat(dir, m->at.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot make it");
	if (S_ISDIR(st.st_mode))
		return 0;
	if (tree_parent_whiteout(&m->parent, &st))
		return tree_parent_make_opaque(&m->parent, dir, m->at.name, e);
	if (m->options.keep_kind)
		return err_set(e, ERR_CONFLICT, "it is no directory, and what would replace it is one");
	if (clear_way(m, e) < 0)
		return -1;
	return mkdirat(dir, m->at.name, 0700) < 0 ? err_sys(e, "cannot make it") : 0;
}

/* A directory that is there already only gets new attributes; anything else gives way. */
static int make_dir(struct tree_make *m, const struct tree_entry *entry, struct err *e)
{
	const char *name = m->at.name[0] ? m->at.name : ".";
	if (m->at.name[0] && mkdirat(m->parent.fd, name, 0700) < 0) {
		if (errno != EEXIST)
			return err_sys(e, "cannot make it");
		if (make_dir_there(m, e) < 0)
			return -1;
	}
	cleanup_fd int fd = openat(m->parent.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open it");
	return set_metadata(m, fd, entry, e) < 0 ? -1 : remember_dir(m, entry, e);
}

/* Make a special file or symbolic link; -1 with errno. */
static int make_node(const struct tree_make *m, const char *name, const struct tree_entry *entry)
{
	if (S_ISLNK(entry->mode))
		return symlinkat(entry->target, m->parent.fd, name);
	dev_t device = S_ISFIFO(entry->mode) ? 0 : makedev(entry->major, entry->minor);
	return mknodat(m->parent.fd, name, (entry->mode & S_IFMT) | 0600, device);
}

/* The kernel makes devices for no root but the host's. Containers get theirs from the host, so a layer's are
 * left out. */
static bool leave_out(struct tree_make *m, const struct tree_entry *entry)
{
	if (errno != EPERM || !(S_ISCHR(entry->mode) || S_ISBLK(entry->mode)) || !in_user_namespace())
		return false;
	if (m->devices++ == 0)
		log_line(LOG_LEVEL_WARN,
		        "devices are root's to make: \"%.300s\" is left out, and others like it",
		        entry->path);
	return true;
}

static int check_node(const struct tree_entry *entry, struct err *e)
{
	if (S_ISLNK(entry->mode) &&
	        (!entry->target || entry->target[0] == '\0' || strlen(entry->target) >= PATH_MAX))
		return refuse(e, "is a symbolic link with an empty or overlong target");
	if (!S_ISLNK(entry->mode) && !S_ISCHR(entry->mode) && !S_ISBLK(entry->mode) && !S_ISFIFO(entry->mode))
		return refuse(e, "is of a kind that no archive has");
	return 0;
}

static int make_special(struct tree_make *m, const struct tree_entry *entry, struct err *e)
{
	if (check_node(entry, e) < 0)
		return -1;
	const char *name = begin_name(m);
	int rc = make_node(m, name, entry);
	if (rc < 0 && errno == EEXIST) {
		if (clear_way(m, e) < 0)
			return -1;
		rc = make_node(m, name, entry);
	}
	if (rc < 0)
		return leave_out(m, entry) ? 0 : err_sys(e, "cannot make it");
	return set_metadata_at(m, name, entry, e) < 0 ? -1 : end_name(m, e);
}

static int link_error(const struct tree_entry *entry, struct err *e)
{
	return err_sys(e, "cannot link it to \"%.200s\"", entry->first);
}

/* The entry at hand becomes another name of `target` in `dir`, which is `st`. */
static int link_to(struct tree_make *m, int dir, const char *target, const struct stat *st,
        const struct tree_entry *entry, struct err *e)
{
	struct stat old;
	int parent = m->parent.fd;
	bool there = false;
	if (m->options.live || linkat(dir, target, parent, m->at.name, 0) < 0) {
		if (!m->options.live && errno != EEXIST)
			return link_error(entry, e);
		there = fstatat(parent, m->at.name, &old, AT_SYMLINK_NOFOLLOW) == 0;
	} else {
		return 0;
	}
	if (there && old.st_dev == st->st_dev && old.st_ino == st->st_ino)
		return 0;
	if (!m->options.live && clear_way(m, e) < 0)
		return -1;
	if (linkat(dir, target, parent, begin_name(m), 0) < 0)
		return link_error(entry, e);
	return end_name(m, e);
}

/* Hard links to outside or through a link to outside would hand a host file to the image: the target is
 * looked up beneath the root like any parent, its last name is not followed, and it must be no directory
 * and no whiteout. tests/e2e/archives-hostile.bats */
static int make_hardlink(struct tree_make *m, const struct tree_entry *entry, struct err *e)
{
	struct layer_path target;
	struct stat st;
	if (layer_path_parse_link(entry->first, &target, e) < 0)
		return err_wrap(e, "its link target");
	cleanup_fd int dir = tree_parent_resolve(&m->parent, target.parent);
	if (dir < 0 && errno != ENOENT)
		return tree_parent_error(e);
	if (dir < 0 || fstatat(dir, target.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged or hostile: it links to \"%.200s\", which is not in it",
		        entry->first);
	if (S_ISDIR(st.st_mode) || tree_parent_whiteout(&m->parent, &st))
		return refuse(e, "links to what cannot be linked to");
	return link_to(m, dir, target.name, &st, entry, e);
}

/* Whiteouts speak of the layers below. A name that this layer itself has hides the lower one anyway; a
 * directory has to say so. */
static int make_whiteout(struct tree_make *m, struct err *e)
{
	struct stat st;
	int dir = m->parent.fd;
	const char *name = m->at.name;
	if (mknodat(dir, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot make a whiteout");
	if (!S_ISDIR(st.st_mode))
		return 0;
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open a directory") : tree_parent_set_opaque(fd, e);
}

/* ------------------------------------------------------------------ the whole */

struct tree_make *tree_make_new(int dirfd, const struct tree_make_options *o, struct err *e)
{
	struct tree_make *m = calloc(1, sizeof(*m));
	if (!m) {
		err_no_memory(e);
		return NULL;
	}
	m->options = *o;
	m->outside.values = (struct buf)BUF_INIT;
	m->parent = (struct tree_parent){.root = dirfd, .options = &m->options, .fd = -1};
	m->dirs = (struct dir_times)DIR_TIMES_INIT(dirfd, o->in_root);
	return m;
}

static int enter(struct tree_make *m, const char *path, struct err *e)
{
	if (path[0] == '\0')
		m->at.parent[0] = m->at.name[0] = '\0';
	else if (layer_path_parse_plain(path, &m->at, e) < 0)
		return -1;
	return tree_parent_enter(&m->parent, m->at.parent, e);
}

static int make(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e)
{
	const bool whiteout =
	        m->options.overlay_marks && S_ISCHR(entry->mode) && !entry->major && !entry->minor;
	if (check_xattrs(entry, e) < 0 || enter(m, entry->path, e) < 0)
		return -1;
	if (!m->at.name[0] && !S_ISDIR(entry->mode))
		return refuse(e, "would replace the root directory");
	if (entry->first)
		return check_kind(m, e) < 0 ? -1 : make_hardlink(m, entry, e);
	if (S_ISDIR(entry->mode))
		return make_dir(m, entry, e);
	if (whiteout)
		return make_whiteout(m, e);
	if (check_kind(m, e) < 0)
		return -1;
	if (!S_ISREG(entry->mode))
		return make_special(m, entry, e);
	*file = open_file(m, begin_name(m), e);
	return *file < 0 ? -1 : 0;
}

int tree_make_entry(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e)
{
	*file = -1;
	drop_aside(m); /* of a file that was given up */
	const struct tree_entry *outside = tree_xattrs_out(&m->outside, entry, m->options.ids, e);
	if (!outside || make(m, outside, file, e) < 0)
		return err_wrap(e, "\"%.300s\"", entry->path);
	m->parent.entries++;
	return 0;
}

int tree_make_file_end(struct tree_make *m, const struct tree_entry *entry, int *file, struct err *e)
{
	cleanup_fd int fd = steal_fd(file);
	off_t size = (off_t)entry->size;
	/* Who wrote from beginning to end stands there. */
	if (lseek(fd, 0, SEEK_CUR) != size && ftruncate(fd, size) < 0)
		return err_sys(e, "\"%.300s\": cannot write it", entry->path);
	const struct tree_entry *outside = tree_xattrs_out(&m->outside, entry, m->options.ids, e);
	if (!outside || set_metadata(m, fd, outside, e) < 0 || end_nameless(m, fd, e) < 0 ||
	        end_name(m, e) < 0)
		return err_wrap(e, "\"%.300s\"", entry->path);
	return 0;
}

int tree_make_opaque(struct tree_make *m, const char *path, struct err *e)
{
	/* As if for something in it. */
	if (tree_parent_enter(&m->parent, path, e) < 0)
		return err_wrap(e, "\"%.300s\"", path);
	m->parent.entries++;
	cleanup_fd int fd = openat(m->parent.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "\"%.300s\": cannot open its directory", path);
	return tree_parent_set_opaque(fd, e) < 0 ? err_wrap(e, "\"%.300s\"", path) : 0;
}

int tree_make_end(struct tree_make *m, struct err *e)
{
	drop_aside(m);
	tree_parent_leave(&m->parent);
	return dir_times_set(&m->dirs, e);
}

void tree_make_free(struct tree_make *m)
{
	if (!m)
		return;
	drop_aside(m);
	tree_parent_leave(&m->parent);
	dir_times_free(&m->dirs);
	buf_free(&m->outside.values);
	free(m);
}

void tree_make_free_ptr(struct tree_make **m)
{
	tree_make_free(*m);
	*m = NULL;
}
