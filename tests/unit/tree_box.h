/* Tree box: a directory with a tree to read ("tree"), one to write ("out") and one that nobody may touch
 * ("outside"); copying from the first to the second by tree_walk and tree_make; and a comparison of
 * everything that a file system keeps, which uses neither. */
#ifndef TARE_TEST_TREE_BOX_H
#define TARE_TEST_TREE_BOX_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/name_list.h"
#include "engine/archive/tree_make.h"
#include "engine/archive/tree_walk.h"

struct tree_box {
	char path[64];
	int fd, tree, out, outside;
	char notes[4096]; /* what was skipped or dropped: "path: why\n" */
	struct tree_make *make;
	struct {
		ino_t from, to;
	} links[4096]; /* met while comparing */
	size_t n_links;
};

static inline int tree_box_up(void **state)
{
	struct tree_box *b = calloc(1, sizeof(*b));
	strcpy(b->path, "/dev/shm/tare-unit-tree.XXXXXX");
	assert_non_null(mkdtemp(b->path));
	b->fd = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->tree = open_dir_make(b->fd, "tree", 0755);
	b->out = open_dir_make(b->fd, "out", 0755);
	b->outside = open_dir_make(b->fd, "outside", 0755);
	assert_true(b->tree >= 0 && b->out >= 0 && b->outside >= 0);
	*state = b;
	return 0;
}

static inline int tree_box_down(void **state)
{
	struct tree_box *b = *state;
	tree_make_free(b->make);
	close(b->tree);
	close(b->out);
	close(b->outside);
	close(b->fd);
	remove_tree_at(AT_FDCWD, b->path);
	free(b);
	return 0;
}

static inline void tree_box_note(void *arg, const char *path, const char *why)
{
	struct tree_box *b = arg;
	size_t len = strlen(b->notes);
	snprintf(b->notes + len, sizeof(b->notes) - len, "%.60s: %s\n", path, why);
}

static inline void tree_box_file(int dir, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		fail_msg("cannot make %.60s: %s", name, strerror(errno));
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static inline bool tree_box_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline struct stat tree_box_look(int dir, const char *name)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%.60s is not there", name);
	return st;
}

static inline size_t tree_box_count(int dir)
{
	cleanup_name_list struct name_list l = NAME_LIST_INIT;
	assert_int_equal(name_list_read(&l, dir, NULL), 0);
	return l.n;
}

/* ------------------------------------------------------------------ copying */

static inline int tree_box_data(int from, int to, uint64_t size)
{
	char block[1 << 16];
	for (off_t at = 0, end = 0; (at = lseek(from, end, SEEK_DATA)) >= 0 && at < (off_t)size;) {
		end = lseek(from, at, SEEK_HOLE);
		while (at < end) {
			size_t want = end - at < (off_t)sizeof(block) ? (size_t)(end - at) : sizeof(block);
			ssize_t n = pread(from, block, want, at);
			if (n <= 0 || pwrite(to, block, (size_t)n, at) != n)
				return -1;
			at += n;
		}
	}
	return 0;
}

static inline int tree_box_entry(void *arg, struct tree_walk *w, const struct tree_entry *met, struct err *e)
{
	const struct tree_box *b = arg;
	struct tree_entry entry = *met;
	int file = -1;
	if (!entry.first && tree_walk_xattrs(w, &entry, e) < 0)
		return -1;
	if (tree_make_entry(b->make, &entry, &file, e) < 0)
		return -1;
	if (file < 0)
		return 0;
	int from = entry.size ? tree_walk_open(w, e) : -1;
	if (entry.size && (from < 0 || tree_box_data(from, file, entry.size) < 0))
		return -1;
	return tree_make_file_end(b->make, &entry, &file, e);
}

/* Everything from tree to out. */
static inline int tree_box_copy(struct tree_box *b, struct err *e)
{
	const struct tree_walk_options wo = {.entry = tree_box_entry,
	        .skipped = tree_box_note,
	        .arg = b,
	        .xattrs = TREE_XATTRS_ALL,
	        .long_paths_fail = true};
	const struct tree_make_options mo = {
	        .xattrs = TREE_XATTRS_ALL, .any_parents = true, .dropped = tree_box_note, .arg = b};
	b->make = tree_make_new(b->out, &mo, e);
	assert_non_null(b->make);
	return tree_walk(b->tree, &wo, e) < 0 ? -1 : tree_make_end(b->make, e);
}

/* ------------------------------------------------------------------ comparing */

static inline void tree_box_same_xattrs(int x, int y, const char *name)
{
	static char list_x[4096], list_y[4096], value_x[4096], value_y[4096];
	char of_x[32], of_y[32];
	snprintf(of_x, sizeof(of_x), "/proc/self/fd/%d", x);
	snprintf(of_y, sizeof(of_y), "/proc/self/fd/%d", y);
	ssize_t len = listxattr(of_x, list_x, sizeof(list_x));
	if (len != listxattr(of_y, list_y, sizeof(list_y)))
		fail_msg("%.60s has other attributes", name);
	for (const char *s = list_x; s < list_x + len; s += strlen(s) + 1) {
		ssize_t n = getxattr(of_x, s, value_x, sizeof(value_x));
		if (n < 0 || n != getxattr(of_y, s, value_y, sizeof(value_y)) ||
		        memcmp(value_x, value_y, (size_t)n) != 0)
			fail_msg("%.60s has another %s", name, s);
	}
}

static inline void tree_box_same_data(int x, int y, const char *name)
{
	static char block_x[1 << 16], block_y[1 << 16];
	char of_x[32], of_y[32];
	snprintf(of_x, sizeof(of_x), "/proc/self/fd/%d", x);
	snprintf(of_y, sizeof(of_y), "/proc/self/fd/%d", y);
	cleanup_fd int a = open(of_x, O_RDONLY | O_NOATIME | O_CLOEXEC);
	cleanup_fd int b = open(of_y, O_RDONLY | O_NOATIME | O_CLOEXEC);
	for (ssize_t n; (n = read_full(a, block_x, sizeof(block_x))) != 0;)
		if (n < 0 || read_full(b, block_y, sizeof(block_y)) != n ||
		        memcmp(block_x, block_y, (size_t)n) != 0)
			fail_msg("%.60s has other data", name);
}

/* Two names of one file on one side are so on the other. */
static inline void tree_box_same_links(
        struct tree_box *b, const struct stat *x, const struct stat *y, const char *name)
{
	if (x->st_nlink != y->st_nlink)
		fail_msg("%.60s has %d names instead of %d", name, (int)y->st_nlink, (int)x->st_nlink);
	for (size_t i = 0; i < b->n_links; i++)
		if ((b->links[i].from == x->st_ino) != (b->links[i].to == y->st_ino))
			fail_msg("%.60s is linked to another file", name);
	assert_true(b->n_links < sizeof(b->links) / sizeof(*b->links));
	b->links[b->n_links].from = x->st_ino;
	b->links[b->n_links++].to = y->st_ino;
}

static inline void tree_box_same(struct tree_box *b, int x, int y, const char *name)
{
	struct stat sx, sy;
	static char target_x[PATH_MAX], target_y[PATH_MAX];
	memset(target_x, 0, sizeof(target_x));
	memset(target_y, 0, sizeof(target_y));
	assert_int_equal(fstat(x, &sx), 0);
	assert_int_equal(fstat(y, &sy), 0);
	if (sx.st_mode != sy.st_mode || sx.st_uid != sy.st_uid || sx.st_gid != sy.st_gid ||
	        sx.st_rdev != sy.st_rdev || (!S_ISDIR(sx.st_mode) && sx.st_size != sy.st_size))
		fail_msg("%.60s differs: mode %o %o, owner %u %u, size %lld %lld", name, sx.st_mode,
		        sy.st_mode, sx.st_uid, sy.st_uid, (long long)sx.st_size, (long long)sy.st_size);
	if (sx.st_mtim.tv_sec != sy.st_mtim.tv_sec || sx.st_mtim.tv_nsec != sy.st_mtim.tv_nsec)
		fail_msg("%.60s has another time", name);
	if (sy.st_blocks > sx.st_blocks + 8)
		fail_msg("%.60s has lost its holes", name);
	if (readlinkat(x, "", target_x, sizeof(target_x) - 1) !=
	        readlinkat(y, "", target_y, sizeof(target_y) - 1))
		fail_msg("%.60s leads elsewhere", name);
	assert_string_equal(target_x, target_y);
	if (!S_ISDIR(sx.st_mode) && sx.st_nlink > 1)
		tree_box_same_links(b, &sx, &sy, name);
	if (S_ISREG(sx.st_mode) || S_ISDIR(sx.st_mode))
		tree_box_same_xattrs(x, y, name);
	if (S_ISREG(sx.st_mode))
		tree_box_same_data(x, y, name);
	if (!S_ISDIR(sx.st_mode))
		return;
	cleanup_name_list struct name_list in_x = NAME_LIST_INIT, in_y = NAME_LIST_INIT;
	assert_int_equal(name_list_read(&in_x, x, NULL), 0);
	assert_int_equal(name_list_read(&in_y, y, NULL), 0);
	if (in_x.n != in_y.n)
		fail_msg("%.60s has %zu names instead of %zu", name, in_y.n, in_x.n);
	for (size_t i = 0; i < in_x.n; i++) {
		const char *s = name_list_get(&in_x, i);
		cleanup_fd int of_x = openat(x, s, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		cleanup_fd int of_y = openat(y, s, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (of_x < 0 || of_y < 0)
			fail_msg("%.60s is not on both sides", s);
		tree_box_same(b, of_x, of_y, s);
	}
}

static inline void tree_box_compare(struct tree_box *b)
{
	b->n_links = 0;
	tree_box_same(b, b->tree, b->out, ".");
}

#endif
