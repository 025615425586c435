#include "engine/runtime/chown_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#define DEPTH_MAX 200 /* directories; each level holds a descriptor */

struct owner {
	uid_t uid;
	gid_t gid;
	dev_t dev;
};

/* Nothing is touched that is right already: a chown takes set-id bits away. */
static int change(int dir, const char *name, const struct stat *st, const struct owner *o)
{
	if (st->st_uid == o->uid && st->st_gid == o->gid)
		return 0;
	return fchownat(dir, name, o->uid, o->gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH));
}

/* Another container that has the tree mounted may put a link in the place of anything at any time, so nothing
 * is reached but by one name in a directory that is held (attack 3). */
static int descend(int dir, const struct owner *o, unsigned depth)
{
	cleanup_dir DIR *d = fdopendir(dir);
	struct stat st;

	if (!d) {
		close_fd(&dir);
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			if (errno == ENOENT)
				continue; /* it has just gone */
			return -1;
		}
		if (st.st_dev != o->dev)
			continue;
		if (change(dir, name, &st, o) != 0 && errno != ENOENT)
			return -1;
		if (!S_ISDIR(st.st_mode))
			continue;
		int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0 && (errno == ENOTDIR || errno == ELOOP || errno == ENOENT))
			continue;
		if (below < 0 || (depth == DEPTH_MAX && (errno = ENAMETOOLONG))) {
			close_fd(&below);
			return -1;
		}
		if (descend(below, o, depth + 1) != 0)
			return -1;
	}
	return 0;
}

int chown_tree(int fd, uid_t uid, gid_t gid, struct err *e)
{
	struct owner o = {.uid = uid, .gid = gid};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot look at what is to be given to the container's user");
	o.dev = st.st_dev;
	int rc = change(fd, "", &st, &o);
	int dir = rc == 0 && S_ISDIR(st.st_mode) ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir >= 0)
		rc = descend(dir, &o, 0);
	return rc != 0 || (S_ISDIR(st.st_mode) && dir < 0)
	               ? err_sys(e, "cannot give all of it to uid %u", (unsigned)uid)
	               : 0;
}
