/* Looking at trees of files: of a container, a volume, an image's layer. Nothing in them is trusted: every
 * path is resolved beneath a held descriptor of the tree's root (rule R1), links are followed inside it, and
 * only regular files of real file systems are ever opened for reading. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/file_kinds.h"
#include "engine/store/layer.h"

#define FILES_MAX  20000
#define TARGET_MAX 512 /* of a symbolic link, to look at: 20,000 long ones must not fill the memory */

struct tree {
	enum tare_tree kind;
	int root;
	bool one_fs;        /* what is mounted in it is not entered */
	struct id_maps ids; /* what owners are called inside; empty: as they are */
};

static void tree_close(struct tree *t)
{
	close_fd(&t->root);
}
#define cleanup_tree __attribute__((cleanup(tree_close)))

/* ------------------------------------------------------------------ the root of a tree */

/* A running container's own view, with what is mounted in it. */
static int root_of_running(const struct container *c, bool *one_fs, struct err *e)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/%d/root", (int)c->state.process.pid);
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*one_fs = files_are_served(c->state.process.pid);
	if (fd < 0 || !proc_alive(&c->state.process)) /* it may have ended, and its pid be another's by now */
		return err_set(e, ERR_CONFLICT, "container %s has just ended; look again", c->record.name);
	return steal_fd(&fd);
}

static int tree_open(
        const struct store *s, enum tare_tree kind, const char *ref, struct tree *t, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;

	*t = (struct tree){.kind = kind, .root = -1};
	switch (kind) {
	case TARE_TREE_CONTAINER:
		if (container_open(s, ref, &c, e) != 0)
			return -1;
		if (container_is_up(&c) && container_id_maps(&c, &t->ids, e) != 0)
			return -1;
		t->root = container_is_up(&c) ? root_of_running(&c, &t->one_fs, e) : container_root(s, &c, e);
		break;
	case TARE_TREE_VOLUME:
		t->root = volume_open_data(s, ref, e);
		break;
	case TARE_TREE_LAYER:
		t->root = layer_open_text(s, ref);
		if (t->root < 0)
			err_set(e, ERR_NOT_FOUND, "no such layer: %.80s", ref);
		break;
	}
	return t->root < 0 ? -1 : 0;
}

static int open_inside(const struct tree *t, const char *path, int flags, struct err *e)
{
	int fd = t->one_fs ? open_in_root_fs(t->root, path, flags) : open_in_root(t->root, path, flags, 0);

	if (fd < 0 && errno == EXDEV)
		return err_set(e, ERR_UNSUPPORTED,
		        "%s is mounted, and the container has a file system that a program serves, which may "
		        "never answer; look with: tare exec",
		        path);
	return fd < 0 ? err_sys(e, "cannot open %s", path) : fd;
}

/* ------------------------------------------------------------------ a directory */

/* The attributes that are known already: what is mounted here may be served by a program that never answers.
 */
#define LOOK_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC)

static int fill(int dir_fd, const char *name, enum tare_tree tree, struct tare_file *f)
{
	char target[TARGET_MAX];
	struct statx st;

	if (statx(dir_fd, name, LOOK_FLAGS, STATX_BASIC_STATS, &st) != 0)
		return 0; /* it has just gone */
	bool is_device_0 = S_ISCHR(st.stx_mode) && st.stx_rdev_major == 0 && st.stx_rdev_minor == 0;
	*f = (struct tare_file){.name = strdup(name),
	        .mode = st.stx_mode,
	        .size = S_ISDIR(st.stx_mode) ? 0 : st.stx_size,
	        .mtime = st.stx_mtime.tv_sec * 1000000000ll + st.stx_mtime.tv_nsec,
	        .uid = st.stx_uid,
	        .gid = st.stx_gid,
	        .removed = tree == TARE_TREE_LAYER && is_device_0};
	if (S_ISLNK(st.stx_mode)) {
		ssize_t n = readlinkat(dir_fd, name, target, sizeof target);
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

static void name_owners(const struct id_maps *ids, struct tare_file_list *list)
{
	uint32_t id;

	for (size_t i = 0; i < list->n && ids->uid.n; i++) {
		struct tare_file *f = &list->rows[i];
		f->uid = id_map_in(&ids->uid, f->uid, &id) ? id : ID_NOBODY;
		f->gid = id_map_in(&ids->gid, f->gid, &id) ? id : ID_NOBODY;
	}
}

int engine_files(struct tare_engine *t, enum tare_tree tree, const char *ref, const char *path,
        struct tare_file_list *out, struct err *e)
{
	cleanup_tree struct tree in;

	*out = (struct tare_file_list){0};
	if (tree_open(engine_store(t), tree, ref, &in, e) != 0)
		return -1;
	int fd = open_inside(&in, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, e);
	if (fd < 0)
		return -1;
	cleanup_dir DIR *d = fdopendir(fd);
	if (!d) {
		close_fd(&fd);
		return err_no_memory(e);
	}
	if (read_dir(d, tree, out) == 0) {
		name_owners(&in.ids, out);
		return 0;
	}
	tare_file_list_free(out);
	return err_no_memory(e);
}

/* Looked at before it is opened: opening a device can do something, and opening a pipe can hang. */
int engine_file_open(
        struct tare_engine *t, enum tare_tree tree, const char *ref, const char *path, struct err *e)
{
	char self[40];
	struct stat st;
	cleanup_tree struct tree in;

	if (tree_open(engine_store(t), tree, ref, &in, e) != 0)
		return -1;
	cleanup_fd int fd = open_inside(&in, path, O_PATH | O_CLOEXEC, e);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is not a regular file", path);
	if (files_are_kernels(fd))
		return err_set(e, ERR_USAGE,
		        "%s is made by the kernel while it is read; look with: tare exec", path);
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	int readable = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return readable >= 0 ? readable : err_sys(e, "cannot open %s", path);
}
