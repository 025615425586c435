/* Layer pack: trees that a hostile container could have made go through a tar stream and come out of unpack.c
 * as they were, or are left out with a word. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/layer_pack.h"
#include "engine/archive/unpack.h"

struct box {
	char path[64];
	int fd, tree, out, stream;
	char skipped[4096]; /* "path: why\n" */
};

static int set_up(void **state)
{
	struct box *b = calloc(1, sizeof(*b));
	strcpy(b->path, "/dev/shm/tare-unit-layer.XXXXXX");
	assert_non_null(mkdtemp(b->path));
	b->fd = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->tree = open_dir_make(b->fd, "tree", 0755);
	b->out = open_dir_make(b->fd, "out", 0755);
	b->stream = memfd_create("layer", MFD_CLOEXEC);
	assert_true(b->tree >= 0 && b->out >= 0 && b->stream >= 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct box *b = *state;
	close(b->tree);
	close(b->out);
	close(b->stream);
	close(b->fd);
	remove_tree_at(AT_FDCWD, b->path);
	free(b);
	return 0;
}

static int take(void *arg, const void *data, size_t len, struct err *e)
{
	const struct box *b = arg;
	(void)e;
	return write_all(b->stream, data, len);
}

static void note(void *arg, const char *path, const char *why)
{
	struct box *b = arg;
	size_t len = strlen(b->skipped);
	snprintf(b->skipped + len, sizeof(b->skipped) - len, "%.40s: %s\n", path, why);
}

static int pack_tree(
        struct box *b, const char *const *placeholders, struct layer_pack_result *r, struct err *e)
{
	const struct layer_pack_options o = {
	        .write = take, .skipped = note, .arg = b, .placeholders = placeholders};
	assert_int_equal(ftruncate(b->stream, 0), 0);
	lseek(b->stream, 0, SEEK_SET);
	return layer_pack(b->tree, &o, r, e);
}

static void unpack_again(struct box *b)
{
	struct err e = ERR_INIT;
	struct unpack_result r;
	const struct inflate_options io = {.copy_fd = -1};
	const struct unpack_options uo = {.label = "x"};
	lseek(b->stream, 0, SEEK_SET);
	cleanup_inflate struct inflate *in = inflate_open(b->stream, &io, &e);
	if (!in || unpack_layer(in, b->out, &uo, &r, &e) < 0)
		fail_msg("%s", e.msg);
}

static void through(struct box *b)
{
	struct err e = ERR_INIT;
	struct layer_pack_result r;
	if (pack_tree(b, NULL, &r, &e) < 0)
		fail_msg("%s", e.msg);
	unpack_again(b);
}

static void make(int dir, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static struct stat look(int dir, const char *name)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s is not there", name);
	return st;
}

static bool there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One entry, the same on both sides. */
static void same(struct box *b, const char *name)
{
	struct stat x = look(b->tree, name), y = look(b->out, name);
	if (x.st_mode != y.st_mode || x.st_uid != y.st_uid || x.st_gid != y.st_gid ||
	        x.st_rdev != y.st_rdev || (!S_ISDIR(x.st_mode) && x.st_size != y.st_size) ||
	        x.st_mtim.tv_sec != y.st_mtim.tv_sec || x.st_mtim.tv_nsec != y.st_mtim.tv_nsec)
		fail_msg("%.60s differs", name);
}

static void test_kinds(void **state)
{
	struct box *b = *state;
	const struct timespec times[2] = {{1, 0}, {-5, 250000000}}, late[2] = {{1, 0}, {1 << 30, 123456789}};
	static const unsigned char cap[20] = {1, 0, 0, 2, 0, 0x20};
	make(b->tree, "suid", "x");
	assert_int_equal(fchownat(b->tree, "suid", 4000000000u, 2097152, 0), 0);
	assert_int_equal(fchmodat(b->tree, "suid", 06755, 0), 0);
	utimensat(b->tree, "suid", times, 0);
	make(b->tree, "cap", "y");
	cleanup_fd int fd = openat(b->tree, "cap", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "security.capability", cap, sizeof(cap), 0), 0);
	utimensat(b->tree, "cap", late, 0);
	assert_int_equal(symlinkat("/nowhere\n\xff", b->tree, "link"), 0);
	utimensat(b->tree, "link", late, AT_SYMLINK_NOFOLLOW);
	assert_int_equal(mkfifoat(b->tree, "fifo", 0600), 0);
	assert_int_equal(mknodat(b->tree, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	assert_int_equal(mknodat(b->tree, "disk", S_IFBLK | 0600, makedev(259, 1048575)), 0);
	assert_int_equal(mkdirat(b->tree, "sticky", 0700), 0);
	assert_int_equal(fchmodat(b->tree, "sticky", 01777, 0), 0);
	utimensat(b->tree, "sticky", late, 0);
	through(b);
	static const char *const all[] = {"suid", "cap", "link", "fifo", "null", "disk", "sticky"};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		same(b, all[i]);
	unsigned char got[64];
	cleanup_fd int out = openat(b->out, "cap", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(out, "security.capability", got, sizeof(got)), sizeof(cap));
	assert_memory_equal(got, cap, sizeof(cap));
	assert_string_equal(b->skipped, "");
}

/* Names are bytes: newlines, equals signs, what is no UTF-8, and long ones; none leads out. */
static void test_names(void **state)
{
	struct box *b = *state;
	char longest[256], deep[600] = "";
	static const char *const odd[] = {"new\nline", "1 path=passwd\n", "\xff\xfe", " ", "-rf",
	        "\x1f\x8b\x08", "a\tb", "\xe2\x80\xae", "GNUSparseFile.0"};
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		make(b->tree, odd[i], odd[i]);
	memset(longest, 'n', 255);
	longest[255] = '\0';
	make(b->tree, longest, "long");
	for (int i = 0; i < 5; i++) {
		memset(deep + strlen(deep), 'd', 100);
		assert_int_equal(mkdirat(b->tree, deep, 0755), 0);
		strcat(deep, "/");
	}
	strcat(deep, "f");
	make(b->tree, deep, "deep");
	through(b);
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		same(b, odd[i]);
	same(b, longest);
	same(b, deep);
}

/* A link out of the layer is copied as a link; what it leads to is never read. */
static void test_links_are_not_followed(void **state)
{
	struct box *b = *state;
	make(b->fd, "secret", "secret");
	assert_int_equal(symlinkat("../secret", b->tree, "file"), 0);
	assert_int_equal(symlinkat("..", b->tree, "dir"), 0);
	through(b);
	assert_true(S_ISLNK(look(b->out, "file").st_mode));
	assert_true(S_ISLNK(look(b->out, "dir").st_mode));
	struct stat st;
	fstat(b->stream, &st);
	cleanup_buf struct buf text = BUF_INIT;
	lseek(b->stream, 0, SEEK_SET);
	assert_int_equal(read_to_buf(b->stream, &text), 0);
	for (size_t i = 0; i + 6 < text.len; i++)
		if (memcmp(text.data + i, "secret\0\0\0\0", 10) == 0 && i % 512 == 0)
			fail_msg("the file behind the link was read");
}

static void test_hard_links(void **state)
{
	struct box *b = *state;
	make(b->tree, "b", "twice");
	mkdirat(b->tree, "d", 0755);
	assert_int_equal(linkat(b->tree, "b", b->tree, "a", 0), 0);
	assert_int_equal(linkat(b->tree, "b", b->tree, "d/c", 0), 0);
	assert_int_equal(symlinkat("x", b->tree, "s1"), 0);
	assert_int_equal(linkat(b->tree, "s1", b->tree, "s2", 0), 0);
	through(b);
	assert_int_equal(look(b->out, "a").st_nlink, 3);
	assert_int_equal(look(b->out, "a").st_ino, look(b->out, "d/c").st_ino);
	assert_int_equal(look(b->out, "s1").st_ino, look(b->out, "s2").st_ino);
}

static void test_whiteouts(void **state)
{
	struct box *b = *state;
	char value[2];
	assert_int_equal(mknodat(b->tree, "gone", S_IFCHR, 0), 0);
	mkdirat(b->tree, "opaque", 0755);
	cleanup_fd int fd = openat(b->tree, "opaque", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0), 0);
	make(fd, "new", "n");
	assert_int_equal(mknodat(fd, "gone too", S_IFCHR, 0), 0);
	through(b);
	assert_true(S_ISCHR(look(b->out, "gone").st_mode));
	assert_true(S_ISCHR(look(b->out, "opaque/gone too").st_mode));
	same(b, "opaque/new");
	cleanup_fd int out = openat(b->out, "opaque", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fgetxattr(out, "trusted.overlay.opaque", value, sizeof(value)), 1);
}

/* Names that would read as removals in a layer, and what it cannot hold, are left out; the rest is whole. */
static void test_left_out(void **state)
{
	struct box *b = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char long_name[256];
	make(b->tree, ".wh.passwd", "");
	make(b->tree, ".wh..wh..opq", "");
	mkdirat(b->tree, ".wh.dir", 0755);
	make(b->tree, ".wh.dir/x", "");
	memset(long_name, 'n', 254);
	long_name[254] = '\0';
	assert_int_equal(mknodat(b->tree, long_name, S_IFCHR, 0), 0);
	make(b->tree, "kept", "k");
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/tree/socket", b->path);
	cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	through(b);
	same(b, "kept");
	assert_non_null(strstr(b->skipped, ".wh.passwd: "));
	assert_non_null(strstr(b->skipped, ".wh..wh..opq: "));
	assert_non_null(strstr(b->skipped, ".wh.dir: "));
	assert_non_null(strstr(b->skipped, "socket: it is a socket"));
	assert_non_null(strstr(b->skipped, "too long for a whiteout"));
	assert_false(there(b->out, "passwd"));
	assert_false(there(b->out, "dir"));
}

static void test_foreign_marks(void **state)
{
	struct box *b = *state;
	struct layer_pack_result r;
	struct err e = ERR_INIT;
	make(b->tree, "f", "x");
	cleanup_fd int fd = openat(b->tree, "f", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(fd, "user.overlay.redirect", "/etc", 4, 0) == 0) { /* tmpfs has user.* since 6.6 */
		assert_int_equal(fsetxattr(fd, "user.mine", "1", 1, 0), 0);
		through(b);
		cleanup_fd int out = openat(b->out, "f", O_RDONLY | O_CLOEXEC);
		assert_true(fgetxattr(out, "user.overlay.redirect", NULL, 0) < 0);
		assert_int_equal(fgetxattr(out, "user.mine", NULL, 0), 1);
	}
	assert_int_equal(fsetxattr(fd, "trusted.overlay.metacopy", "", 0, 0), 0);
	assert_int_equal(pack_tree(b, NULL, &r, &e), -1);
	assert_non_null(strstr(e.msg, "metacopy"));
}

/* Deeper than descriptors would last, and deeper than a path can be. */
static void test_depth(void **state)
{
	struct box *b = *state;
	cleanup_fd int dir = dup(b->tree);
	char path[4096] = "";
	for (int i = 0; i < 2500; i++) {
		int next = open_dir_make(dir, "d", 0755);
		assert_true(next >= 0);
		close_fd(&dir);
		dir = next;
		if (i < 1500)
			strcat(path, i ? "/d" : "d");
		if (i == 1499)
			make(dir, "z", "deep");
	}
	through(b);
	assert_non_null(strstr(b->skipped, "path"));
	strcat(path, "/z");
	cleanup_fd int fd = open_beneath(b->out, path, O_RDONLY | O_CLOEXEC, 0);
	assert_true(fd >= 0);
}

static void test_holes(void **state)
{
	struct box *b = *state;
	struct stat st;
	cleanup_fd int fd = openat(b->tree, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(fd, (off_t)64 << 30), 0);
	assert_int_equal(pwrite(fd, "middle", 6, (off_t)5 << 30), 6);
	cleanup_fd int hole = openat(b->tree, "hole", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(hole, 1 << 20), 0);
	through(b);
	fstat(b->stream, &st);
	assert_true(st.st_size < 64 << 10);
	same(b, "sparse");
	same(b, "hole");
	char got[6];
	cleanup_fd int out = openat(b->out, "sparse", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(out, got, 6, (off_t)5 << 30), 6);
	assert_memory_equal(got, "middle", 6);
}

static void test_placeholders(void **state)
{
	struct box *b = *state;
	static const char *const names[] = {"etc/hosts", "proc", "dev", NULL};
	struct layer_pack_result r;
	mkdirat(b->tree, "etc", 0755);
	make(b->tree, "etc/hosts", "");
	make(b->tree, "etc/issue", "");
	mkdirat(b->tree, "proc", 0755);
	mkdirat(b->tree, "dev", 0755);
	make(b->tree, "dev/kept", "somebody wrote it");
	assert_int_equal(pack_tree(b, names, &r, NULL), 0);
	unpack_again(b);
	assert_false(there(b->out, "etc/hosts"));
	assert_false(there(b->out, "proc"));
	assert_true(there(b->out, "etc/issue"));
	assert_true(there(b->out, "dev/kept"));
}

/* The same files give the same bytes, in whatever order they were made. */
static void test_reproducible(void **state)
{
	struct box *b = *state;
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
	const struct timespec times[2] = {{9, 9}, {9, 9}};
	struct layer_pack_result r;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 20; i++) {
			char name[8];
			snprintf(name, sizeof(name), "f%d", round ? 19 - i : i);
			make(b->tree, name, name);
			utimensat(b->tree, name, times, 0);
		}
		futimens(b->tree, times);
		assert_int_equal(pack_tree(b, NULL, &r, NULL), 0);
		lseek(b->stream, 0, SEEK_SET);
		assert_int_equal(read_to_buf(b->stream, round ? &second : &first), 0);
		close(b->tree);
		remove_tree_at(b->fd, "tree");
		b->tree = open_dir_make(b->fd, "tree", 0755);
	}
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_kinds),
	        TEST(test_names),
	        TEST(test_links_are_not_followed),
	        TEST(test_hard_links),
	        TEST(test_whiteouts),
	        TEST(test_left_out),
	        TEST(test_foreign_marks),
	        TEST(test_depth),
	        TEST(test_holes),
	        TEST(test_placeholders),
	        TEST(test_reproducible),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
