/* Round trips: what tree_walk reads and tree_make makes again is the same in everything that a file system
 * keeps, whatever a container has put into its tree. */
#include "tests/unit/tree_box.h"

/* ------------------------------------------------------------------ random trees */

struct dice {
	uint64_t state;
};

static unsigned roll(struct dice *d, unsigned sides)
{
	d->state = d->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(d->state >> 33) % sides;
}

/* Any bytes but "/" and NUL, now and then a name of 255. */
static void random_name(struct dice *d, char name[NAME_MAX + 1])
{
	static const char odd[] = "\n\t =\\\"'*\x1f\x7f\x80\xff\xe2";
	size_t len = roll(d, 20) ? 1 + roll(d, 12) : NAME_MAX;
	for (size_t i = 0; i < len; i++)
		name[i] = roll(d, 3) ? (char)('a' + roll(d, 26)) : odd[roll(d, sizeof(odd) - 1)];
	name[len] = '\0';
}

static void le(unsigned char *p, unsigned v, int n)
{
	for (int i = 0; i < n; i++, v >>= 8)
		p[i] = (unsigned char)v;
}

/* The raw form of an ACL: owner, one more user, group, mask, others. */
static size_t random_acl(struct dice *d, unsigned char acl[44])
{
	static const unsigned tags[] = {1, 2, 4, 0x10, 0x20};
	le(acl, 2, 4);
	for (size_t i = 0; i < 5; i++) {
		le(acl + 4 + 8 * i, tags[i], 2);
		le(acl + 6 + 8 * i, roll(d, 8), 2);
		le(acl + 8 + 8 * i, tags[i] == 2 ? 1 + roll(d, 4000000000u) : 0xffffffff, 4);
	}
	return 44;
}

static void random_xattrs(struct dice *d, int fd, bool dir)
{
	static const unsigned char cap[20] = {1, 0, 0, 2, 0, 0x20};
	char name[64], value[2000];
	unsigned char acl[44];
	for (unsigned i = roll(d, 4); i > 0; i--) {
		snprintf(name, sizeof(name), "%s.%u=\xff%u", roll(d, 2) ? "user" : "trusted", roll(d, 9), i);
		for (size_t k = 0; k < sizeof(value); k++)
			value[k] = (char)roll(d, 256);
		fsetxattr(fd, name, value, roll(d, sizeof(value)),
		        0); /* not every kernel has user.* on tmpfs */
	}
	if (roll(d, 3) == 0)
		assert_int_equal(fsetxattr(fd, "system.posix_acl_access", acl, random_acl(d, acl), 0), 0);
	if (dir && roll(d, 3) == 0)
		assert_int_equal(fsetxattr(fd, "system.posix_acl_default", acl, random_acl(d, acl), 0), 0);
	if (!dir && roll(d, 4) == 0)
		assert_int_equal(fsetxattr(fd, "security.capability", cap, sizeof(cap), 0), 0);
}

static void random_data(struct dice *d, int fd)
{
	char block[5000];
	for (unsigned i = roll(d, 4); i > 0; i--) {
		memset(block, 'a' + (int)roll(d, 26), sizeof(block));
		off_t at = roll(d, 3) ? 0 : (off_t)roll(d, 1u << 20);
		assert_true(pwrite(fd, block, 1 + roll(d, sizeof(block) - 1), at) > 0);
	}
	if (roll(d, 5) == 0) {
		off_t end = lseek(fd, 0, SEEK_END);
		assert_int_equal(ftruncate(fd, end + roll(d, 1 << 20)), 0);
	}
}

static void random_time(struct dice *d, int dir, const char *name)
{
	const struct timespec times[2] = {
	        {1, 1}, {(time_t)roll(d, 4000000000u) - 1000000000, (long)roll(d, 1000000000)}};
	assert_int_equal(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void random_file(struct dice *d, int dir, const char *name)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	random_data(d, fd);
	assert_int_equal(
	        fchown(fd, roll(d, 3) ? 0 : roll(d, 4000000000u), roll(d, 3) ? 0 : roll(d, 70000)), 0);
	assert_int_equal(fchmod(fd, roll(d, 010000)), 0);
	random_xattrs(d, fd, false);
}

static void random_dir(struct dice *d, int dir, const char *name, unsigned depth);

/* One entry of any kind; `first` is one made before. */
static void random_entry(struct dice *d, int dir, const char *name, const char *first, unsigned depth)
{
	static const mode_t kinds[] = {S_IFIFO, S_IFCHR, S_IFBLK};
	char target[NAME_MAX + 1];
	unsigned kind = roll(d, 10);
	if (kind < 4) {
		random_file(d, dir, name);
	} else if (kind < 6 && depth > 0) {
		random_dir(d, dir, name, depth - 1);
	} else if (kind == 6 && first[0] && !S_ISDIR(tree_box_look(dir, first).st_mode)) {
		linkat(dir, first, dir, name, 0);
		return;
	} else if (kind == 7) {
		random_name(d, target);
		assert_int_equal(symlinkat(target, dir, name), 0);
		fchownat(dir, name, roll(d, 100), roll(d, 100), AT_SYMLINK_NOFOLLOW);
	} else {
		mknodat(dir, name, kinds[roll(d, 3)] | roll(d, 01000),
		        makedev(roll(d, 4096), roll(d, 1 << 20)));
	}
	if (tree_box_there(dir, name))
		random_time(d, dir, name);
}

static void random_dir(struct dice *d, int dir, const char *name, unsigned depth)
{
	char child[NAME_MAX + 1], first[NAME_MAX + 1] = "";
	cleanup_fd int fd = open_dir_make(dir, name, 0755);
	assert_true(fd >= 0);
	for (unsigned i = roll(d, 9); i > 0; i--) {
		random_name(d, child);
		if (tree_box_there(fd, child) || strcmp(child, ".") == 0 || strcmp(child, "..") == 0)
			continue;
		random_entry(d, fd, child, first, depth);
		if (roll(d, 2) && tree_box_there(fd, child))
			strcpy(first, child);
	}
	assert_int_equal(fchown(fd, roll(d, 70000), roll(d, 70000)), 0);
	assert_int_equal(fchmod(fd, roll(d, 010000)), 0);
	random_xattrs(d, fd, true);
}

static void test_random_trees(void **state)
{
	struct err e = ERR_INIT;
	for (unsigned seed = 1; seed <= 25; seed++) {
		struct dice d = {seed};
		tree_box_up(state);
		struct tree_box *b = *state;
		random_dir(&d, b->fd, "tree", 4);
		random_time(&d, b->fd, "tree");
		if (tree_box_copy(b, &e) < 0)
			fail_msg("seed %u: %s", seed, e.msg);
		if (b->notes[0])
			fail_msg("seed %u: %s", seed, b->notes);
		tree_box_compare(b);
		tree_box_down(state);
	}
	*state = NULL;
}

/* What is made in a directory with a default ACL would inherit it. */
static void test_default_acl_is_not_inherited(void **state)
{
	struct tree_box *b = *state;
	struct err e = ERR_INIT;
	struct dice d = {7};
	unsigned char acl[44];
	mkdirat(b->tree, "d", 0755);
	tree_box_file(b->tree, "d/f", "x");
	mkdirat(b->tree, "d/sub", 0750);
	cleanup_fd int fd = openat(b->tree, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "system.posix_acl_default", acl, random_acl(&d, acl), 0), 0);
	assert_int_equal(tree_box_copy(b, &e), 0);
	tree_box_compare(b);
}

/* The rights of a group are the mask where there is an ACL: without it all of the group had them. */
static void test_attributes_of_what_is_never_opened(void **state)
{
	struct tree_box *b = *state;
	struct err e = ERR_INIT;
	struct dice d = {11};
	unsigned char acl[44];
	char path[40];
	assert_int_equal(mknodat(b->tree, "fifo", S_IFIFO | 0600, 0), 0);
	assert_int_equal(mknodat(b->tree, "null", S_IFCHR | 0600, makedev(1, 3)), 0);
	assert_int_equal(symlinkat("nowhere", b->tree, "link"), 0);
	static const char *const names[] = {"fifo", "null", "link"};
	for (size_t i = 0; i < 3; i++) {
		cleanup_fd int fd = openat(b->tree, names[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		assert_int_equal(setxattr(path, "trusted.tare", "x", 1, 0), 0);
		if (i < 2)
			assert_int_equal(
			        setxattr(path, "system.posix_acl_access", acl, random_acl(&d, acl), 0), 0);
	}
	assert_int_equal(tree_box_copy(b, &e), 0);
	tree_box_compare(b);
}

static void test_what_cannot_be_kept_is_told(void **state)
{
	struct tree_box *b = *state;
	const struct tree_make_options o = {.xattrs = TREE_XATTRS_ALL, .dropped = tree_box_note, .arg = b};
	const struct tree_xattr odd = {.name = "system.odd", .value = "x", .len = 1};
	const struct tree_entry entry = {.path = "f", .mode = S_IFREG | 0640, .xattrs = &odd, .n_xattrs = 1};
	int file;
	b->make = tree_make_new(b->out, &o, NULL);
	assert_int_equal(tree_make_entry(b->make, &entry, &file, NULL), 0);
	assert_int_equal(tree_make_file_end(b->make, &entry, &file, NULL), 0);
	assert_string_equal(b->notes, "f: system.odd\n");
	assert_int_equal(tree_box_look(b->out, "f").st_mode, S_IFREG | 0640);
}

/* More directories than their times and ACLs are kept in memory of. */
static void test_many_directories(void **state)
{
	struct tree_box *b = *state;
	struct err e = ERR_INIT;
	struct dice d = {9};
	unsigned char acl[44];
	char name[200];
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "%0190d", i);
		cleanup_fd int fd = open_dir_make(b->tree, name, 0755);
		assert_int_equal(fsetxattr(fd, "system.posix_acl_default", acl, random_acl(&d, acl), 0), 0);
		random_time(&d, b->tree, name);
	}
	if (tree_box_copy(b, &e) < 0)
		fail_msg("%s", e.msg);
	tree_box_compare(b);
}

/* ------------------------------------------------------------------ depth and size */

static void make_deep(int top, int levels)
{
	cleanup_fd int dir = dup(top);
	for (int i = 0; i < levels; i++) {
		int next = open_dir_make(dir, "d", 0755);
		assert_true(next >= 0);
		close_fd(&dir);
		dir = next;
	}
	tree_box_file(dir, "z", "deep");
}

/* 4,096 levels are more than a path can name: one line says so and what to do. */
static void test_too_deep(void **state)
{
	struct tree_box *b = *state;
	struct err e = ERR_INIT;
	make_deep(b->tree, 4096);
	assert_int_equal(tree_box_copy(b, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "path is too long"));
	assert_null(strchr(e.msg, '\n'));
	assert_true(strlen(e.msg) < 300);
}

static void test_deep(void **state)
{
	struct tree_box *b = *state;
	struct err e = ERR_INIT;
	make_deep(b->tree, 2000);
	if (tree_box_copy(b, &e) < 0)
		fail_msg("%s", e.msg);
	tree_box_compare(b);
}

/* Up to the last byte that a path may have. */
static void test_longest_path(void **state)
{
	struct tree_box *b = *state;
	struct err e = ERR_INIT;
	char name[256];
	cleanup_fd int dir = dup(b->tree);
	size_t left = PATH_MAX - 8;
	memset(name, 'n', 255);
	name[255] = '\0';
	for (; left > 256; left -= 256) {
		int next = open_dir_make(dir, name, 0755);
		close_fd(&dir);
		dir = next;
	}
	name[left] = '\0';
	tree_box_file(dir, name, "at the end");
	if (tree_box_copy(b, &e) < 0)
		fail_msg("%s", e.msg);
	tree_box_compare(b);
	name[left] = 'n';
	name[left + 1] = '\0';
	if (left < 255) {
		tree_box_file(dir, name, "one more");
		tree_make_free(b->make);
		assert_int_equal(tree_box_copy(b, &e), -1);
	}
}

int main(void)
{
	umask(022);
#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_box_up, tree_box_down)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_random_trees),
	        TEST(test_default_acl_is_not_inherited),
	        TEST(test_attributes_of_what_is_never_opened),
	        TEST(test_what_cannot_be_kept_is_told),
	        TEST(test_many_directories),
	        TEST(test_too_deep),
	        TEST(test_deep),
	        TEST(test_longest_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
