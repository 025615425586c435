#include "engine/archive/tree_parent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/overlay_mark.h"

#define IMPLIED_FLOOR     4096
#define IMPLIED_PER_ENTRY 16

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged or hostile: it %s", why);
}

/* Links that lead out (symlink-then-file, moby/go-archive CVE-2026-17106; a directory that its owner
 * exchanges for a link while we write, CVE-2018-15664): a parent is resolved by the kernel, beneath the
 * tree's root or with the root as its "/", and what is made in it is made through the descriptor that this
 * gave; symbolic links of the tree itself may be followed only as long as they stay inside.
 * tests/e2e/archives-hostile.bats, tests/unit/test_archive_tree_attacks.c */
int tree_parent_resolve(const struct tree_parent *p, const char *path)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	if (path[0] == '\0')
		return fcntl(p->root, F_DUPFD_CLOEXEC, 0);
	return p->options->in_root ? open_in_root(p->root, path, flags, 0)
	                           : open_beneath(p->root, path, flags, 0);
}

int tree_parent_error(struct err *e)
{
	switch (errno) {
	case EXDEV:
		return refuse(e, "goes through a symbolic link that leads out of it");
	case ELOOP:
		return refuse(e, "goes through a loop of symbolic links");
	case ENOTDIR:
	case EEXIST:
		return refuse(e, "is inside something that is not a directory");
	default:
		return err_sys(e, "cannot open its directory");
	}
}

bool tree_parent_whiteout(const struct tree_parent *p, const struct stat *st)
{
	return p->options->overlay_marks && S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int tree_parent_set_opaque(int dir, struct err *e)
{
	if (overlay_set_opaque(dir) < 0)
		return err_sys(e, "cannot mark a directory as opaque");
	return 0;
}

/* A directory that no entry describes, whatever the umask is. -1 with errno. */
static int make_plain_dir(const struct tree_parent *p, int dir, const char *name)
{
	const struct tree_make_options *o = p->options;
	if (mkdirat(dir, name, 0755) < 0)
		return -1;
	if (o->own && fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return fchmodat(dir, name, 0755, AT_SYMLINK_NOFOLLOW);
}

int tree_parent_make_opaque(const struct tree_parent *p, int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) < 0 || make_plain_dir(p, dir, name) < 0)
		return err_sys(e, "cannot make a directory");
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "cannot open a directory") : tree_parent_set_opaque(fd, e);
}

/* The missing directory `name` in `dir`, as parent of an entry that came without one. */
static int make_missing(const struct tree_parent *p, int dir, const char *name, struct err *e)
{
	struct stat st;
	if (make_plain_dir(p, dir, name) == 0)
		return 0;
	if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot make its directory");
	if (tree_parent_whiteout(p, &st))
		return tree_parent_make_opaque(p, dir, name, e);
	errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
	return S_ISLNK(st.st_mode) ? refuse(e, "goes through a symbolic link that leads nowhere")
	                           : tree_parent_error(e);
}

/* Directories without end (one entry of 5 KB that names 2000 of them, and a million such entries in a small
 * blob): those that no entry describes are bounded by the number of entries.
 * tests/unit/test_archive_tar.c */
static int count_implied(struct tree_parent *p, struct err *e)
{
	if (DEFENCE("implied-directories") && ++p->implied > IMPLIED_FLOOR + IMPLIED_PER_ENTRY * p->entries &&
	        !p->options->any_parents)
		return refuse(e, "names more directories than it describes");
	return 0;
}

/* The directory `name` in `dir`, which is the beginning `path` of an entry's parent; made when missing. Only
 * where a link stands in the way the whole path is looked up. */
static int enter_or_make(struct tree_parent *p, int dir, const char *name, const char *path, struct err *e)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = name[0] ? openat(dir, name, flags) : fcntl(dir, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 && errno == ENOTDIR)
		fd = tree_parent_resolve(p, path);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		if (count_implied(p, e) < 0 || make_missing(p, dir, name, e) < 0)
			return -1;
		fd = openat(dir, name, flags);
	}
	return fd < 0 ? tree_parent_error(e) : fd;
}

static int make_all(struct tree_parent *p, char *path, struct err *e)
{
	cleanup_fd int dir = tree_parent_resolve(p, "");
	for (char *s = path;;) {
		size_t len = strcspn(s, "/");
		char after = s[len];
		s[len] = '\0';
		int next = enter_or_make(p, dir, s, path, e);
		s[len] = after;
		if (next < 0)
			return -1;
		close_fd(&dir);
		dir = next;
		if (after == '\0')
			return steal_fd(&dir);
		s += len + 1;
	}
}

void tree_parent_leave(struct tree_parent *p)
{
	close_fd(&p->fd);
}

/* Archives keep neighbours together, so the last one is mostly the right one already. */
int tree_parent_enter(struct tree_parent *p, const char *path, struct err *e)
{
	if (p->fd >= 0 && strcmp(p->path, path) == 0)
		return 0;
	tree_parent_leave(p);
	strcpy(p->path, path);
	p->fd = tree_parent_resolve(p, path);
	if (p->fd >= 0)
		return 0;
	if (errno != ENOENT && errno != ENOTDIR)
		return tree_parent_error(e);
	p->fd = make_all(p, p->path, e);
	return p->fd < 0 ? -1 : 0;
}
