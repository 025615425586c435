/* Looking at trees of files: of a container, a volume, an image's layer. Nothing in them is trusted: every
 * path is resolved beneath a held descriptor of the tree's root (rule R1), links are followed inside it, and
 * only regular files are ever opened for reading. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/runtime/launch.h"
#include "engine/store/layer.h"

#define FILES_MAX  20000
#define LAYERS_MAX 512

/* ------------------------------------------------------------------ the root of a tree */

/* A running container's own view, with everything that is mounted in it. */
static int root_of_running(const struct container *c, struct err *e)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/root", (int)c->state.process.pid);
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !proc_alive(&c->state.process)) /* it may have ended, and its pid be another's by now */
		return err_set(e, ERR_CONFLICT, "container %s has just ended; look again", c->record.name);
	return steal_fd(&fd);
}

static int open_lower(const struct store *s, const struct container *c, int *fds, size_t *n, struct err *e)
{
	if (c->record.rootfs) {
		fds[*n] = open(c->record.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fds[*n] < 0)
			return err_sys(e, "cannot open the root file system %s", c->record.rootfs);
		++*n;
		return 0;
	}
	strv_foreach (layer, c->record.layers) {
		if (*n == LAYERS_MAX)
			return err_set(
			        e, ERR_CORRUPT, "container %s: it has too many layers", c->record.name);
		fds[*n] = layer_open_text(s, *layer);
		if (fds[*n] < 0)
			return err_sys(e, "container %s: layer %.19s of its image cannot be opened",
			        c->record.name, *layer);
		++*n;
	}
	return 0;
}

/* Layers and writable layer together, read-only, attached nowhere. */
static int root_of_stopped(const struct store *s, const struct container *c, struct err *e)
{
	int fds[LAYERS_MAX + 1];
	size_t n = 0;
	int root = -1;

	fds[n] = openat(c->dir_fd, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fds[n] < 0)
		return err_sys(e, "container %s: cannot open its writable layer", c->record.name);
	n++;
	if (open_lower(s, c, fds, &n, e) == 0) {
		struct rootfs_overlay o = {.lower_fds = fds, .n_lower = n, .upper_fd = -1, .work_fd = -1};
		root = rootfs_mount_overlay(&o, e);
	}
	while (n)
		close_fd(&fds[--n]);
	return root;
}

static int root_of_volume(const struct store *s, const char *name, struct err *e)
{
	char path[VOLUME_NAME_MAX + 8];

	if (tare_name_check(name, e) != 0)
		return -1;
	snprintf(path, sizeof path, "%s/data", name);
	int fd = open_beneath(s->volumes_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	return fd >= 0 ? fd : err_set(e, ERR_NOT_FOUND, "no such volume: %s", name);
}

static int open_root(const struct store *s, enum tare_tree tree, const char *ref, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	int fd;

	switch (tree) {
	case TARE_TREE_CONTAINER:
		if (container_open(s, ref, &c, e) != 0)
			return -1;
		return container_is_up(&c) ? root_of_running(&c, e) : root_of_stopped(s, &c, e);
	case TARE_TREE_VOLUME:
		return root_of_volume(s, ref, e);
	case TARE_TREE_LAYER:
		fd = layer_open_text(s, ref);
		return fd >= 0 ? fd : err_set(e, ERR_NOT_FOUND, "no such layer: %.80s", ref);
	}
	return err_set(e, ERR_USAGE, "no such tree of files");
}

/* ------------------------------------------------------------------ a directory */

static int fill(int dir_fd, const char *name, enum tare_tree tree, struct tare_file *f)
{
	char target[PATH_MAX];
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0; /* it has just gone */
	*f = (struct tare_file){.name = strdup(name),
	        .mode = st.st_mode,
	        .size = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size,
	        .mtime = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec,
	        .uid = st.st_uid,
	        .gid = st.st_gid,
	        .removed = tree == TARE_TREE_LAYER && S_ISCHR(st.st_mode) && st.st_rdev == 0};
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(dir_fd, name, target, sizeof target - 1);
		f->target = strndup(target, n > 0 ? (size_t)n : 0);
	}
	return f->name ? 1 : -1;
}

static int by_name(const void *a, const void *b)
{
	const struct tare_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int read_dir(DIR *d, enum tare_tree tree, struct tare_file_list *out)
{
	size_t room = 0;

	for (struct dirent *entry; (entry = readdir(d));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		out->cut = out->n == FILES_MAX;
		if (out->cut)
			break;
		if (out->n == room) {
			room = room ? 2 * room : 64;
			struct tare_file *rows = realloc(out->rows, room * sizeof *rows);
			if (!rows)
				return -1;
			out->rows = rows;
		}
		int rc = fill(dirfd(d), entry->d_name, tree, &out->rows[out->n]);
		if (rc < 0)
			return -1;
		out->n += (size_t)rc;
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, by_name);
	return 0;
}

int engine_files(struct tare_engine *t, enum tare_tree tree, const char *ref, const char *path,
        struct tare_file_list *out, struct err *e)
{
	*out = (struct tare_file_list){0};
	cleanup_fd int root = open_root(engine_store(t), tree, ref, e);
	if (root < 0)
		return -1;
	int fd = open_in_root(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		err_sys(e, "cannot read the directory %s", path);
		close_fd(&fd);
		return -1;
	}
	if (read_dir(d, tree, out) == 0)
		return 0;
	tare_file_list_free(out);
	return err_no_memory(e);
}

/* Looked at before it is opened: opening a device can do something, and opening a pipe can hang. */
int engine_file_open(
        struct tare_engine *t, enum tare_tree tree, const char *ref, const char *path, struct err *e)
{
	char self[40];
	struct stat st;
	cleanup_fd int root = open_root(engine_store(t), tree, ref, e);

	if (root < 0)
		return -1;
	cleanup_fd int fd = open_in_root(root, path, O_PATH | O_CLOEXEC, 0);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is not a regular file", path);
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	int readable = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return readable >= 0 ? readable : err_sys(e, "cannot open %s", path);
}

/* ------------------------------------------------------------------ sizes */

int engine_volume_size(struct tare_engine *t, const char *name, uint64_t *bytes, struct err *e)
{
	const struct store *s = engine_store(t);
	uint64_t entries;

	if (tare_name_check(name, e) != 0)
		return -1;
	cleanup_fd int volume = open_beneath(s->volumes_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (volume < 0)
		return err_set(e, ERR_NOT_FOUND, "no such volume: %s", name);
	return tree_size_at(volume, "data", bytes, &entries) != 0 ? err_sys(e, "cannot read volume %s", name)
	                                                          : 0;
}
