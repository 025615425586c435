/* Trees: one walk for all that goes through a whole directory tree that someone hostile may have made.
 *
 * It keeps its own stack, so that depth costs heap and no C stack, and at most OPEN_LEVELS descriptors:
 * deeper directories are closed on the way down and found again by "..", which is checked against the
 * device and inode seen before. Links are never followed and mounts never crossed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define OPEN_LEVELS 32

struct level {
	DIR *dir;      /* NULL while closed to save descriptors */
	char *name;    /* in its parent */
	char **kept;   /* names of directories in it that could not be removed: not tried again */
	long position; /* where to go on after it was closed */
	dev_t dev;
	ino_t ino;
	bool removed_some; /* since it was last read from the start */
};

struct walk {
	struct level *levels;
	size_t depth, cap;
	int parent; /* of the top; borrowed */
	bool removing;
	int first_error;
	uint64_t bytes, entries; /* when not removing */
};

static void walk_error(struct walk *w, int code)
{
	if (!w->first_error)
		w->first_error = code;
}

static struct level *walk_top(struct walk *w)
{
	return &w->levels[w->depth - 1];
}

static void level_free(struct level *l)
{
	close_dir(&l->dir);
	free(l->name);
	strv_free(l->kept);
}

static void walk_free(struct walk *w)
{
	while (w->depth)
		level_free(&w->levels[--w->depth]);
	free(w->levels);
}

static int open_child(int dirfd, const char *name)
{
	struct open_how how = {
	        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd;
}

/* Give the owner all rights on a directory that is about to go. By way of an O_PATH descriptor, because
 * chmod by name would follow a link put there in the meantime. */
static int unlock_dir(int dirfd, const char *name)
{
	cleanup_fd int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	char path[64];

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, 0700);
}

static int open_level(struct walk *w, int dirfd, const char *name, struct stat *st)
{
	cleanup_fd int fd = open_child(dirfd, name);

	if (fd < 0 && errno == EACCES && w->removing && !unlock_dir(dirfd, name))
		fd = open_child(dirfd, name);
	if (fd < 0 || fstat(fd, st) < 0)
		return -1;
	/* Readable is not enough to empty it; where this fails, the unlinks will tell why. */
	if (w->removing && (st->st_mode & 0700) != 0700 && fchmod(fd, 0700) < 0)
		errno = 0;
	return steal_fd(&fd);
}

static int walk_grow(struct walk *w)
{
	size_t cap = w->cap ? w->cap * 2 : 16;
	struct level *grown = reallocarray(w->levels, cap, sizeof(*grown));

	if (!grown)
		return -1;
	w->levels = grown;
	w->cap = cap;
	return 0;
}

/* Close the current directory when enough are open. */
static void walk_spare(struct walk *w)
{
	struct level *l = w->depth > OPEN_LEVELS ? walk_top(w) : NULL;

	if (!l)
		return;
	l->position = telldir(l->dir);
	close_dir(&l->dir);
}

/* Go into directory `name` of dirfd. 0 or -1 with errno. */
static int walk_enter(struct walk *w, int dirfd, const char *name)
{
	struct stat st;
	struct level new = {0};
	cleanup_fd int fd = open_level(w, dirfd, name, &st);

	if (fd < 0 || (w->depth == w->cap && walk_grow(w) < 0))
		return -1;
	new.name = strdup(name);
	new.dev = st.st_dev;
	new.ino = st.st_ino;
	new.dir = new.name ? fdopendir(fd) : NULL;
	if (!new.dir) {
		level_free(&new);
		return -1;
	}
	steal_fd(&fd); /* now the stream's */
	if (w->depth)
		walk_spare(w);
	w->levels[w->depth++] = new;
	return 0;
}

/* Open the parent of `child` again. A tree that is moved while we walk could lead "..", and with it our
 * unlinks, somewhere else: so it must be the very directory that we came from. */
static int level_reopen(struct walk *w, struct level *l, int child)
{
	cleanup_fd int fd = openat(child, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (st.st_dev != l->dev || st.st_ino != l->ino) {
		errno = ESTALE;
		return -1;
	}
	l->dir = fdopendir(fd);
	if (!l->dir)
		return -1;
	steal_fd(&fd);
	/* Positions don't outlast removals on every file system; what is gone needn't be skipped. */
	if (!w->removing)
		seekdir(l->dir, l->position);
	return 0;
}

/* Something was removed, so another reading may find what the last one skipped. */
static bool level_again(struct walk *w, struct level *l)
{
	if (!w->removing || !l->removed_some)
		return false;
	l->removed_some = false;
	rewinddir(l->dir);
	return true;
}

/* Leave the current directory, removing it. 0, or -1 when the walk can't go on. */
static int walk_leave(struct walk *w)
{
	struct level *l = walk_top(w), *up = w->depth > 1 ? l - 1 : NULL;
	int from = w->parent;

	if (up) {
		if (!up->dir && level_reopen(w, up, dirfd(l->dir)) < 0)
			return -1;
		from = dirfd(up->dir);
	}
	if (w->removing && unlinkat(from, l->name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		if (errno == ENOTEMPTY && level_again(w, l))
			return 0;
		walk_error(w, errno);
		if (up && strv_add(&up->kept, l->name) < 0)
			return -1;
	} else if (up) {
		up->removed_some = true;
	}
	level_free(l);
	w->depth--;
	return 0;
}

static void remove_entry(struct walk *w, struct level *l, const char *name)
{
	int dir = dirfd(l->dir);

	if (!unlinkat(dir, name, 0)) {
		l->removed_some = true;
		return;
	}
	if (errno == ENOENT)
		return;
	/* A directory answers EISDIR (Linux) or EPERM (POSIX), and one without search rights EACCES. */
	if (errno != EISDIR && errno != EPERM && errno != EACCES) {
		walk_error(w, errno);
		return;
	}
	int failure = errno;
	if (strv_has(l->kept, name) || !walk_enter(w, dir, name))
		return;
	walk_error(w, errno == ENOTDIR || errno == ELOOP ? failure : errno);
	if (errno != ENOTDIR && errno != ELOOP && strv_add(&l->kept, name) < 0)
		walk_error(w, ENOMEM);
}

/* A directory's own blocks are the file system's business, different on each: who only made directories has
 * written nothing. */
static uint64_t held_bytes(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_blocks * 512;
}

static void count_entry(struct walk *w, struct level *l, const char *name)
{
	struct stat st;

	if (fstatat(dirfd(l->dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			walk_error(w, errno);
		return;
	}
	w->bytes += held_bytes(&st);
	w->entries++;
	/* EXDEV: a mount in the tree is not part of it. */
	if (S_ISDIR(st.st_mode) && walk_enter(w, dirfd(l->dir), name) < 0 && errno != ENOENT &&
	        errno != EXDEV)
		walk_error(w, errno);
}

/* Walk until the top is left. 0 or -1 with the first errno. */
static int walk_run(struct walk *w)
{
	int code = 0;

	while (w->depth && !code) {
		struct level *l = walk_top(w);
		struct dirent *entry;

		errno = 0;
		entry = readdir(l->dir);
		if (!entry) {
			if (errno)
				walk_error(w, errno);
			if (walk_leave(w) < 0)
				code = errno;
		} else if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			if (w->removing)
				remove_entry(w, l, entry->d_name);
			else
				count_entry(w, l, entry->d_name);
		}
	}
	walk_free(w);
	errno = w->first_error ? w->first_error : code;
	return errno ? -1 : 0;
}

/* Split "a/b/name": *base points to the last part, and its directory is the descriptor returned. Only a
 * caller without a directory of its own (AT_FDCWD) may name an absolute path. */
static int open_parent(int dirfd, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent = NULL;
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	*base = slash ? slash + 1 : path;
	if (!**base || !strcmp(*base, ".") || !strcmp(*base, "..")) {
		errno = EINVAL;
		return -1;
	}
	if (!slash)
		return openat(dirfd, ".", flags);
	parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!parent)
		return -1;
	return dirfd == AT_FDCWD ? openat(dirfd, parent, flags) : open_beneath(dirfd, parent, flags, 0);
}

int remove_tree_at(int dirfd, const char *name)
{
	const char *base;
	cleanup_fd int parent = open_parent(dirfd, name, &base);
	struct walk w = {.parent = parent, .removing = true};

	if (parent < 0)
		return errno == ENOENT ? 0 : -1;
	if (!unlinkat(parent, base, 0) || errno == ENOENT)
		return 0;
	int failure = errno;
	if (walk_enter(&w, parent, base) < 0) {
		walk_free(&w);
		if (errno == ENOTDIR || errno == ELOOP)
			errno = failure;
		return errno == ENOENT ? 0 : -1;
	}
	return walk_run(&w);
}

int tree_size_at(int dirfd, const char *name, uint64_t *bytes, uint64_t *entries)
{
	const char *base;
	cleanup_fd int parent = open_parent(dirfd, name, &base);
	struct walk w = {.parent = parent};
	struct stat st;
	int result = 0;

	if (parent < 0 || fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	w.bytes = held_bytes(&st);
	w.entries = 1;
	if (S_ISDIR(st.st_mode)) {
		if (walk_enter(&w, parent, base) < 0) {
			walk_free(&w);
			return -1;
		}
		result = walk_run(&w);
	}
	*bytes = w.bytes;
	*entries = w.entries;
	return result;
}
