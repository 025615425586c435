/* Diff: what a container has changed in its root: each entry of its writable layer beside what the layers
 * below have at that place. overlayfs' marks tell what is gone: a device 0:0 stands for a removed name, an
 * opaque directory for all that was in it.
 *
 * What a start makes for its mounts is no change of the container's, nor is a directory that was only copied
 * up on the way to something else; but above a change every directory is listed, as in Docker. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/overlay_mark.h"
#include "engine/container_layers.h"
#include "engine/engine.h"
#include "engine/runtime/mount_tree.h"

const char *const container_placeholders[] = {"dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "proc",
        "sys", ".dockerenv", "run/.containerenv", NULL};

enum kind { CHANGED = 0, ADDED = 1, DELETED = 2 }; /* Docker's numbers */

/* An entry of the writable layer, or one that is gone. */
struct entry {
	char *path; /* "/etc/x" */
	enum kind kind;
	bool listed; /* otherwise only if something beneath it is */
	bool is_dir; /* to be looked into */
	bool alone;  /* its layers below do not shine through: it, or what it is in, is opaque or new */
};

struct diff {
	int upper, lower;
	char **targets; /* of mounts: "/data" */
	struct entry *entries;
	size_t n, room;
};

static void diff_free(struct diff *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->entries[i].path);
	free(d->entries);
	strv_free(d->targets);
	close_fd(&d->upper);
	close_fd(&d->lower);
}
#define cleanup_diff __attribute__((cleanup(diff_free)))

/* ------------------------------------------------------------------ one entry */

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static struct entry *add(struct diff *d, const char *dir, const char *name, struct err *e)
{
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct entry *grown = realloc(d->entries, room * sizeof *grown);

		if (!grown)
			return err_no_memory(e), NULL;
		d->entries = grown;
		d->room = room;
	}
	struct entry *x = &d->entries[d->n];
	*x = (struct entry){.path = str_printf("%s/%s", dir, name)};
	if (!x->path)
		return err_no_memory(e), NULL;
	d->n++;
	return x;
}

/* Where a start mounts something: what it makes there is empty. */
static bool is_place(const struct diff *d, const char *path)
{
	for (const char *const *p = container_placeholders; *p; p++)
		if (strcmp(*p, path + 1) == 0)
			return true;
	return strv_has(d->targets, path);
}

static bool is_above_place(const struct diff *d, const char *path)
{
	size_t len = strlen(path);

	for (const char *const *p = container_placeholders; *p; p++)
		if (strncmp(*p, path + 1, len - 1) == 0 && (*p)[len - 1] == '/')
			return true;
	strv_foreach (t, d->targets)
		if (strncmp(*t, path, len) == 0 && (*t)[len] == '/')
			return true;
	return false;
}

static bool is_empty_dir(int fd)
{
	struct stat st;
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = own < 0 ? NULL : fdopendir(own);

	if (!dir || fstat(own, &st) != 0)
		return false;
	for (struct dirent *x; (x = readdir(dir));)
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0)
			return false;
	return true;
}

static bool same_but_time(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

static bool same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What the layers below have at a path; false: nothing. One layer alone shows its marks. */
static bool look_below(const struct diff *d, const char *path, struct stat *st)
{
	cleanup_fd int fd = open_no_links(d->lower, path + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && fstat(fd, st) == 0 && !is_whiteout(st);
}

static void judge_dir(const struct diff *d, struct entry *x, int fd, const struct stat *st, bool alone)
{
	struct stat below;
	bool was = look_below(d, x->path, &below), was_dir = was && S_ISDIR(below.st_mode);

	x->is_dir = true;
	x->kind = was ? CHANGED : ADDED;
	x->alone = alone || !was_dir || overlay_is_opaque(fd);
	if (!was)
		x->listed = !(is_place(d, x->path) && is_empty_dir(fd)) && !is_above_place(d, x->path);
	else if (!was_dir || !same_but_time(st, &below))
		x->listed = true;
	else
		x->listed = !same_time(st, &below) && !is_place(d, x->path) && !is_above_place(d, x->path);
}

static void judge(const struct diff *d, struct entry *x, int fd, const struct stat *st, bool alone)
{
	struct stat below;

	if (S_ISDIR(st->st_mode)) {
		judge_dir(d, x, fd, st, alone);
		return;
	}
	bool was = look_below(d, x->path, &below);
	x->kind = is_whiteout(st) ? DELETED : was ? CHANGED : ADDED;
	x->listed = is_whiteout(st)
	                    ? was
	                    : was || !S_ISREG(st->st_mode) || st->st_size > 0 || !is_place(d, x->path);
}

/* ------------------------------------------------------------------ the trees */

typedef int name_fn(struct diff *d, int dir, const char *path, const char *name, bool alone, struct err *e);

static int each_name(struct diff *d, int tree, const char *path, bool alone, name_fn *fn, struct err *e)
{
	const char *at = path[0] ? path + 1 : ".";
	int own = open_no_links(tree, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *dir = own < 0 ? NULL : fdopendir(own);

	if (!dir && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG))
		return 0; /* it runs on, and has just removed it; or nobody could name what is in it */
	if (!dir)
		return err_sys(e, "cannot read \"%.300s\"", path);
	for (struct dirent *x; (x = readdir(dir));)
		if (strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0 &&
		        fn(d, own, path, x->d_name, alone, e) != 0)
			return -1;
	return 0;
}

static int add_written(struct diff *d, int dir, const char *path, const char *name, bool alone, struct err *e)
{
	struct stat st;
	cleanup_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at \"%.200s/%.100s\"", path, name);
	struct entry *x = add(d, path, name, e);
	if (!x)
		return -1;
	if (S_ISDIR(st.st_mode)) /* to ask for attributes, and to look into */
		close_fd(&fd), fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	judge(d, x, fd, &st, alone);
	return 0;
}

/* What was in a directory that is opaque, or in a new one's place. */
static int add_hidden(struct diff *d, int dir, const char *path, const char *name, bool alone, struct err *e)
{
	struct stat st;
	cleanup_free char *full = str_printf("%s/%s", path, name);
	(void)alone;

	if (!full)
		return err_no_memory(e);
	cleanup_fd int above = open_no_links(d->upper, full + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (above >= 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || is_whiteout(&st))
		return 0;
	struct entry *x = add(d, path, name, e);
	if (!x)
		return -1;
	x->kind = DELETED;
	x->listed = true;
	return 0;
}

/* The list of entries is also the list of what is still to be looked into, so nothing here is recursive. */
static int compare(struct diff *d, struct err *e)
{
	if (each_name(d, d->upper, "", false, add_written, e) != 0)
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		const struct entry x = d->entries[i];

		if (!x.is_dir)
			continue;
		if (each_name(d, d->upper, x.path, x.alone, add_written, e) != 0)
			return -1;
		if (x.alone && x.kind == CHANGED && each_name(d, d->lower, x.path, true, add_hidden, e) != 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ the list */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

/* What is in a directory stands behind it in the order of paths: from the end, each is settled before what it
 * is in. */
static void list_parents(struct diff *d)
{
	for (size_t i = d->n; i-- > 0;) {
		const char *path = d->entries[i].path, *slash = strrchr(path, '/');

		if (!d->entries[i].listed || slash == path)
			continue;
		cleanup_free char *up = strndup(path, (size_t)(slash - path));
		struct entry key = {.path = up};
		struct entry *parent = up ? bsearch(&key, d->entries, i, sizeof key, by_path) : NULL;
		if (parent)
			parent->listed = true;
	}
}

static json *make_list(struct diff *d)
{
	json *list = json_object_new_array();

	if (d->n)
		qsort(d->entries, d->n, sizeof *d->entries, by_path);
	list_parents(d);
	for (size_t i = 0; i < d->n; i++) {
		if (!d->entries[i].listed)
			continue;
		json *row = json_object_new_object();
		json_set_str(row, "Path", d->entries[i].path);
		json_set_int(row, "Kind", d->entries[i].kind);
		json_object_array_add(list, row);
	}
	return list;
}

static int read_targets(const struct container *c, struct diff *d, struct err *e)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	int rc = container_spec(c, &spec, e);

	for (size_t i = 0; rc == 0 && i < spec.n_mounts; i++)
		if (strv_add(&d->targets, spec.mounts[i].destination) != 0)
			rc = err_no_memory(e);
	runtime_spec_free(&spec);
	return rc;
}

int engine_diff(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_diff struct diff d = {.upper = -1, .lower = -1};

	*out = NULL;
	if (container_open(s, ref, &c, e) != 0 || read_targets(&c, &d, e) != 0)
		return -1;
	d.upper = container_upper(&c, e);
	if (d.upper < 0 || (d.lower = container_lower(s, &c, e)) < 0 || compare(&d, e) != 0)
		return -1;
	*out = make_list(&d);
	return 0;
}
