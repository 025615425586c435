#include "engine/container_copy_side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/container_tree.h"

#define LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

/* A path of a container is resolved within its root, whatever links it made of it and makes of it meanwhile
 * (CVE-2018-15664, CVE-2019-10152, CVE-2019-18466). tests/e2e/cp.bats flips a directory and a link. */
static int open_path(const struct copy_side *s, const char *path, int flags)
{
	flags |= O_PATH | O_CLOEXEC;
	return s->tree ? container_tree_path(s->tree, path, flags) : open(path, flags);
}

/* One name in a directory that is held. */
static int open_name(const struct copy_side *s, int dir, const char *name)
{
	const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

	if (!s->tree)
		return openat(dir, name, flags);
	return s->tree->one_fs ? open_in_root_fs(dir, name, flags) : open_in_root(dir, name, flags, 0);
}

static int cannot_open(const struct copy_side *s, struct err *e)
{
	int sys = errno;

	if (errno == EXDEV && s->tree && s->tree->one_fs)
		return err_set(e, ERR_UNSUPPORTED,
		        "%s is mounted, and the container has a file system that a program serves, which may "
		        "never answer; use: tare exec",
		        s->shown);
	if (errno == ENOENT && s->tree &&
	        container_tree_refuse_absent(s->tree, s->path.text, s->shown, e) != 0)
		return -1;
	errno = sys;
	return err_sys(e, "cannot open %s", s->shown);
}

/* ------------------------------------------------------------------ the source */

int copy_source_open(const struct copy_side *s, bool follow, enum copy_kind *kind, struct err *e)
{
	struct stat st;
	bool whole = follow || s->path.is_dir;
	cleanup_fd int fd = open_path(s, s->path.text, whole ? 0 : O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) != 0)
		return cannot_open(s, e);
	if (s->tree && container_tree_judge(s->tree, fd, s->shown, false, e) != 0)
		return -1;
	if (S_ISSOCK(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is a socket, which cannot be copied", s->shown);
	*kind = S_ISDIR(st.st_mode) ? COPY_DIRECTORY : COPY_FILE;
	return steal_fd(&fd);
}

/* ------------------------------------------------------------------ the destination */

void copy_dest_close(struct copy_dest *d)
{
	close_fd(&d->parent);
	close_fd(&d->fd);
}

static int open_nameless(
        const struct copy_side *s, const struct copy_path *at, struct copy_dest *d, struct err *e)
{
	d->kind = COPY_DIRECTORY;
	d->fd = open_path(s, at->text, O_DIRECTORY);
	return d->fd < 0 ? cannot_open(s, e) : 0;
}

static int open_parent(
        const struct copy_side *s, const struct copy_path *at, struct copy_dest *d, struct err *e)
{
	d->parent = open_path(s, at->dir, O_DIRECTORY);
	if (d->parent >= 0)
		return 0;
	if (errno != ENOENT)
		return cannot_open(s, e);
	return err_set(e, ERR_NOT_FOUND, "%s: there is no directory %s; make it first", s->shown, at->dir);
}

/* 0: found; 1: a link, and *next is where it leads; -1 with e. */
static int look(const struct copy_side *s, const struct copy_path *at, struct copy_dest *d, char **next,
        struct err *e)
{
	struct stat st;
	char target[PATH_MAX];

	d->kind = COPY_NOTHING;
	d->fd = open_name(s, d->parent, at->name);
	if (d->fd < 0)
		return errno == ENOENT ? 0 : cannot_open(s, e);
	if (fstat(d->fd, &st) != 0)
		return cannot_open(s, e);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(d->fd, "", target, sizeof target - 1);
		if (n <= 0)
			return cannot_open(s, e);
		target[n] = '\0';
		*next = copy_path_follow(at, target);
		return *next ? 1 : err_no_memory(e);
	}
	d->kind = S_ISDIR(st.st_mode) ? COPY_DIRECTORY : COPY_FILE;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE,
		        "%s is a device, fifo or socket, which a copy would replace; remove it first",
		        s->shown);
	return 0;
}

/* One step: as look(). */
static int find(const struct copy_side *s, const char *path, struct copy_dest *d, char **next, struct err *e)
{
	cleanup_copy_path struct copy_path at;

	copy_dest_close(d);
	if (copy_path_parse(path, &at, e) != 0)
		return -1;
	if (!at.name)
		return open_nameless(s, &at, d, e);
	if (open_parent(s, &at, d, e) != 0)
		return -1;
	snprintf(d->name, sizeof d->name, "%s", at.name);
	return look(s, &at, d, next, e);
}

/* A link is followed to where it leads, even if there is nothing yet; what comes out is held by its parent,
 * where the name is no link. Should it be one later, it is replaced, not followed. */
int copy_dest_open(const struct copy_side *s, struct copy_dest *d, struct err *e)
{
	if (s->tree && container_tree_refuse_absent(s->tree, s->path.text, s->shown, e) != 0)
		return -1;
	cleanup_free char *path = str_printf("%s%s", s->path.text, s->path.is_dir ? "/" : "");
	int rc = path ? 1 : err_no_memory(e);

	for (int i = 0; i < LINKS_MAX && rc == 1; i++) {
		char *next = NULL;
		rc = find(s, path, d, &next, e);
		if (rc == 1) {
			free_ptr(&path);
			path = next;
		}
	}
	if (rc != 1)
		return rc;
	errno = ELOOP;
	return cannot_open(s, e);
}
