/* openat2: the same answers as the kernel's on a tree that nobody changes meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/arm64/emulated.h"

#define DEPTH_MOST 5000
#define LINKS_MOST 40 /* the kernel's MAXSYMLINKS */

struct walk {
	int fds[DEPTH_MOST]; /* [0] is the root of all */
	size_t depth;
	char rest[8 * PATH_MAX];
	const struct open_how *how;
	int links;
};

static void up_to(struct walk *w, size_t depth)
{
	while (w->depth > depth)
		close(w->fds[w->depth--]);
}

/* What a link or a path says goes before what is left. */
static int prepend(struct walk *w, const char *text)
{
	char all[sizeof w->rest];
	int n = snprintf(all, sizeof all, "%s%s%s", text, *w->rest ? "/" : "", w->rest);

	if (n >= (int)sizeof all)
		return errno = ENAMETOOLONG, -1;
	strcpy(w->rest, all);
	if (*text != '/')
		return 0;
	if (w->how->resolve & RESOLVE_BENEATH)
		return errno = EXDEV, -1;
	up_to(w, 0);
	return 0;
}

static bool next(struct walk *w, char name[NAME_MAX + 2])
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");

	snprintf(name, NAME_MAX + 2, "%.*s", (int)len, w->rest + skip);
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return len > 0;
}

/* A link of /proc that leads to what it doesn't name. */
static bool is_magic(int dir, const char *name)
{
	struct statfs fs;

	return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC && strcmp(name, "self") != 0 &&
	       strcmp(name, "thread-self") != 0 && strcmp(name, "mounts") != 0 && strcmp(name, "net") != 0;
}

static int follow(struct walk *w, const char *name, const char *target)
{
	if (w->how->resolve & RESOLVE_NO_MAGICLINKS && is_magic(w->fds[w->depth], name))
		return errno = ELOOP, -1;
	if (w->how->resolve & RESOLVE_NO_SYMLINKS || ++w->links > LINKS_MOST)
		return errno = ELOOP, -1;
	return prepend(w, target);
}

static int enter(struct walk *w, const char *name)
{
	if (w->depth + 1 == DEPTH_MOST)
		return errno = ENAMETOOLONG, -1;
	int fd = openat(w->fds[w->depth], name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	w->fds[++w->depth] = fd;
	return 0;
}

/* -2: go on, else the result. */
static int step(struct walk *w, const char *name)
{
	char target[PATH_MAX];
	int flags = (int)w->how->flags, here = w->fds[w->depth];
	bool last = strspn(w->rest, "/") == strlen(w->rest);

	if (!strcmp(name, ".."))
		return w->depth > 0 ? up_to(w, w->depth - 1),
		       -2           : (w->how->resolve & RESOLVE_BENEATH ? (errno = EXDEV, -1) : -2);
	if (!strcmp(name, "."))
		return -2;
	ssize_t n = readlinkat(here, name, target, sizeof target - 1);
	if (n >= 0 && !(last && !*w->rest && flags & (O_NOFOLLOW | O_EXCL))) {
		target[n] = '\0';
		return follow(w, name, target) < 0 ? -1 : -2;
	}
	if (!last)
		return enter(w, name) < 0 ? -1 : -2;
	return openat(here, name, flags | O_NOFOLLOW | (*w->rest ? O_DIRECTORY : 0), (mode_t)w->how->mode);
}

static bool path_of(int fd, char path[PATH_MAX + 1])
{
	char link[32];

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, PATH_MAX);
	path[n < 0 ? 0 : n] = '\0';
	return n > 0 && n < PATH_MAX;
}

/* Most paths have no link: the directory of the last name can then be had at once. */
static void skip_directories(struct walk *w)
{
	char path[PATH_MAX], here[PATH_MAX + 1], there[PATH_MAX + 1];
	char *last = strrchr(w->rest, '/');

	if (!last || last == w->rest || !last[1] || strstr(w->rest, "//") || strlen(w->rest) >= sizeof path)
		return;
	snprintf(path, sizeof path, "%.*s", (int)(last - w->rest), w->rest);
	int fd = openat(w->fds[0], path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t n = fd >= 0 && path_of(w->fds[0], here) ? strlen(here) : 0;
	if (n > 1 && path_of(fd, there) && strncmp(there, here, n) == 0 && there[n] == '/' &&
	        strcmp(there + n + 1, path) == 0) {
		w->fds[++w->depth] = fd;
		memmove(w->rest, last + 1, strlen(last + 1) + 1);
	} else if (fd >= 0)
		close(fd);
}

static int resolve(struct walk *w, const char *path)
{
	char name[NAME_MAX + 2];
	int fd = -2;

	if (prepend(w, path) < 0)
		return -1;
	if (!strstr(path, ".."))
		skip_directories(w);
	while (fd == -2 && next(w, name))
		fd = strlen(name) > NAME_MAX ? (errno = ENAMETOOLONG, -1) : step(w, name);
	return fd == -2 ? openat(w->fds[w->depth], ".", (int)w->how->flags & ~(O_CREAT | O_EXCL)) : fd;
}

long openat2_walked(int dir, const char *path, const struct open_how *how)
{
	static _Thread_local struct walk w;

	if (!*path)
		return errno = ENOENT, -1;
	if (!(how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) && !(how->resolve & RESOLVE_NO_SYMLINKS))
		return openat(dir, path, (int)how->flags, (mode_t)how->mode);
	w = (struct walk){.how = how};
	w.fds[0] = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w.fds[0] < 0)
		return -1;
	int fd = resolve(&w, path), why = errno;
	up_to(&w, 0);
	close(w.fds[0]);
	errno = why;
	return fd;
}
