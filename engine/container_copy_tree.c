/* From one tree to another: what tree_walk() meets, tree_make() makes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/tree_walk.h"
#include "engine/container_copy.h"

#define BLOCK_SIZE   ((size_t)512 << 10)
#define BLOCK_SECTOR 512 /* of st_blocks */

struct tree_copy {
	struct copy *copy;
	struct tree_make *make;
	int source, dir;
	const char *prefix;
	dev_t dest_dev; /* the directory that the copy becomes: it is no part of it */
	ino_t dest_ino;
	bool has_dest;
	char *block;
};

/* ------------------------------------------------------------------ data */

/* What is there up to `end`, as it is; how far it came, -1 with e. */
static int64_t copy_range(struct tree_copy *t, int in, int out, off_t at, off_t end, struct err *e)
{
	while (at < end) {
		size_t want = (uint64_t)(end - at) < BLOCK_SIZE ? (size_t)(end - at) : BLOCK_SIZE;
		ssize_t n = pread(in, t->block, want, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read it");
		if (n == 0)
			break;
		if (write_all(out, t->block, (size_t)n) != 0)
			return err_sys(e, "cannot write it");
		at += n;
		t->copy->bytes += (uint64_t)n;
		copy_progress(t->copy);
		if (container_tree_check(&t->copy->tree, e) != 0)
			return -1;
	}
	return at;
}

/* Holes stay holes: the file has got its size when it is made. */
static int64_t copy_pieces(struct tree_copy *t, int in, int out, off_t size, struct err *e)
{
	off_t at = 0;

	while (at < size) {
		off_t from = lseek(in, at, SEEK_DATA);
		if (from < 0 && errno == ENXIO)
			return size;
		if (from < 0)
			return copy_range(t, in, out, at, size, e);
		off_t to = lseek(in, from, SEEK_HOLE);
		if (to < 0 || to > size)
			to = size;
		if (from >= size)
			return size;
		if (lseek(out, from, SEEK_SET) < 0)
			return err_sys(e, "cannot write it");
		int64_t came = copy_range(t, in, out, from, to, e);
		if (came < to)
			return came;
		at = to;
	}
	return size;
}

/* As long as it was when it was met; one that shrinks meanwhile is filled with zeros. */
static int copy_data(struct tree_copy *t, int in, int out, const struct tree_entry *entry, struct err *e)
{
	off_t size = (off_t)entry->size;
	bool holes = entry->blocks * BLOCK_SECTOR < entry->size;
	int64_t came = holes ? copy_pieces(t, in, out, size, e) : copy_range(t, in, out, 0, size, e);

	struct stat st;
	bool shrank = came >= 0 && (came < size || (holes && fstat(in, &st) == 0 && st.st_size < size));
	if (shrank) /* behind the end there is nothing but a hole */
		copy_skipped(t->copy, entry->path, "it shrank while it was copied: zeros stand for the rest");
	return came < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------ entries */

static int make_error(const struct tree_entry *entry, struct err *e)
{
	if (e->sys == EROFS)
		return err_set(e, ERR_CONFLICT,
		        "\"%.300s\" would be on a file system that is mounted read-only", entry->path);
	return -1;
}

static int make_entry(struct tree_copy *t, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	cleanup_fd int out = -1;

	if (tree_make_entry(t->make, entry, &out, e) != 0)
		return make_error(entry, e);
	if (out < 0)
		return 0;
	int in = entry->size ? tree_walk_open(w, e) : -1;
	if (entry->size && (in < 0 || copy_data(t, in, out, entry, e) != 0))
		return -1;
	return tree_make_file_end(t->make, entry, &out, e) != 0 ? make_error(entry, e) : 0;
}

static void remember_dest(struct tree_copy *t, int fd)
{
	struct stat st;

	t->has_dest = fd >= 0 && fstat(fd, &st) == 0;
	if (t->has_dest) {
		t->dest_dev = st.st_dev;
		t->dest_ino = st.st_ino;
	}
}

/* A bind mount or a volume may have the destination lie within the source. */
static bool is_dest(const struct tree_copy *t, const struct tree_entry *entry)
{
	return t->has_dest && S_ISDIR(entry->mode) && entry->ino == t->dest_ino && entry->dev == t->dest_dev;
}

static int visit(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tree_copy *t = arg;
	struct tree_entry x = *entry;
	bool root = !entry->path[0];

	if (container_tree_check(&t->copy->tree, e) != 0)
		return -1;
	if (root && !t->prefix[0])
		return TREE_WALK_ON;
	if (is_dest(t, entry)) {
		copy_skipped(t->copy, entry->path, "it is where the copy goes");
		return TREE_WALK_NOT_INTO;
	}
	if (tree_walk_xattrs(w, &x, e) != 0)
		return -1;
	if (!copy_entry_filter(t->copy, &x))
		return TREE_WALK_NOT_INTO;
	if (copy_entry_rename(t->copy, t->prefix, &x, e) != 0 || make_entry(t, w, &x, e) != 0)
		return -1;
	if (root && S_ISDIR(x.mode)) {
		cleanup_fd int made = openat(t->dir, t->prefix, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		remember_dest(t, made);
	}
	return TREE_WALK_ON;
}

static bool is_left_out(void *arg, const char *path)
{
	struct tree_copy *t = arg;

	return copy_is_kernels(t->copy, t->source, path);
}

static void tell_skipped(void *arg, const char *path, const char *why)
{
	copy_skipped(((struct tree_copy *)arg)->copy, path, why);
}

int copy_tree(struct copy *c, int source, int dir, const char *prefix, struct err *e)
{
	struct tree_make_options options;
	copy_make_options(c, &options);
	cleanup_tree_make struct tree_make *make = tree_make_new(dir, &options, e);
	cleanup_free char *block = malloc(BLOCK_SIZE);
	if (!make || !block)
		return make ? err_no_memory(e) : -1;
	struct tree_copy t = {
	        .copy = c, .make = make, .source = source, .dir = dir, .prefix = prefix, .block = block};
	const struct tree_walk_options walk = {
	        .entry = visit,
	        .skipped = tell_skipped,
	        .excluded = c->into ? NULL : is_left_out,
	        .arg = &t,
	        .xattrs = options.xattrs,
	        .ids = c->into ? NULL : container_tree_ids(&c->tree),
	        .one_fs = !c->into && c->tree.one_fs,
	};
	if (!prefix[0])
		remember_dest(&t, dir);
	if (tree_walk(source, &walk, e) != 0 || tree_make_end(make, e) != 0)
		return -1;
	return container_tree_check(&c->tree, e);
}
