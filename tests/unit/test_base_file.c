/* Files, paths that cannot leave, and trees that fight back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define DEEP 4096

struct place {
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->path, "/tmp/tare-test-XXXXXX");
	if (!mkdtemp(p->path))
		return -1;
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->fd < 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	int result = remove_tree_at(AT_FDCWD, p->path);

	close(p->fd);
	free(p);
	return result;
}

static void put(int dirfd, const char *name, const char *text)
{
	assert_int_equal(file_write_at(dirfd, name, text, strlen(text), 0644, FILE_NO_SYNC, NULL), 0);
}

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return !fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static void close_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), stolen;
	DIR *d = opendir("/");

	(void)state;
	stolen = steal_fd(&fd);
	assert_int_equal(fd, -1);
	errno = 5;
	close_fd(&stolen);
	close_fd(&stolen);
	close_dir(&d);
	close_dir(&d);
	assert_int_equal(errno, 5);
	assert_null(d);
}

static void write_is_whole(void **state)
{
	struct place *p = *state;
	struct err e = ERR_INIT;
	struct stat st;
	mode_t old = umask(077);

	put(p->fd, "a", "one");
	umask(old);
	assert_int_equal(file_write_at(p->fd, "a", "two", 3, 0640, FILE_SYNC, &e), 0);
	assert_int_equal(fstatat(p->fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(file_write_at(p->fd, "../a", "x", 1, 0600, FILE_NO_SYNC, &e), -1);
	assert_int_equal(file_write_at(p->fd, "", "x", 1, 0600, FILE_NO_SYNC, &e), -1);
	assert_int_equal(file_write_at(p->fd, "..", "x", 1, 0600, FILE_NO_SYNC, &e), -1);
	/* A failing rename leaves nothing behind. */
	assert_int_equal(mkdirat(p->fd, "dir", 0755), 0);
	assert_int_equal(file_write_at(p->fd, "dir", "x", 1, 0600, FILE_NO_SYNC, &e), -1);
	assert_non_null(strstr(e.msg, "cannot write dir"));
	cleanup_dir DIR *d = opendir(p->path);
	int n = 0;
	while (readdir(d))
		n++;
	assert_int_equal(n, 4);
}

static void reads_are_bounded(void **state)
{
	struct place *p = *state;
	cleanup_buf struct buf b = BUF_INIT_MAX(5);
	struct err e = ERR_INIT;
	char text[6];

	put(p->fd, "five", "12345");
	put(p->fd, "six", "123456");
	put(p->fd, "line", "1234\n");
	assert_int_equal(file_read_at(p->fd, "five", &b, &e), 0);
	assert_string_equal(buf_str(&b), "12345");
	buf_free(&b);
	assert_int_equal(file_read_at(p->fd, "six", &b, &e), -1);
	assert_int_equal(e.sys, EFBIG);
	assert_true(b.failed);
	assert_int_equal(file_read_small(p->fd, "line", text, 6), 4);
	assert_string_equal(text, "1234");
	assert_int_equal(file_read_small(p->fd, "line", text, 5), 4);
	assert_int_equal(file_read_small(p->fd, "six", text, 6), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(file_read_small(p->fd, "no", text, 6), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(file_read_small(p->fd, "six", text, 0), -1);
	buf_free(&b);
	assert_int_equal(file_read_at(p->fd, "no", &b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void a_fifo_in_the_way_does_not_hang(void **state)
{
	struct place *p = *state;
	cleanup_buf struct buf b = BUF_INIT;

	assert_int_equal(mkfifoat(p->fd, "fifo", 0600), 0);
	alarm(5);
	assert_int_equal(file_read_at(p->fd, "fifo", &b, NULL), -1);
	assert_int_equal(file_read_at(AT_FDCWD, "/dev/zero", &b, NULL), -1);
	assert_int_equal(file_read_at(p->fd, ".", &b, NULL), -1);
	alarm(0);
}

static void pipes_carry_everything(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	char big[50000], got[50001];
	int ends[2];

	(void)state;
	memset(big, 'q', sizeof(big));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(set_nonblock(ends[0], true), 0);
	assert_int_equal(read_full(ends[0], got, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(set_nonblock(ends[0], false), 0);
	assert_int_equal(write_all(ends[1], big, sizeof(big)), 0);
	assert_int_equal(read_full(ends[0], got, 10), 10);
	close(ends[1]);
	assert_int_equal(read_to_buf(ends[0], &b), 0);
	assert_int_equal(b.len, sizeof(big) - 10);
	assert_int_equal(read_full(ends[0], got, sizeof(got)), 0);
	close(ends[0]);
	assert_int_equal(write_all(-1, "x", 1), -1);
	assert_int_equal(set_nonblock(-1, true), -1);
}

static void poke_writes_in_place(void **state)
{
	struct place *p = *state;
	char text[8];

	put(p->fd, "k", "old!");
	assert_int_equal(file_poke(p->fd, "k", "new"), 0);
	assert_int_equal(file_read_small(p->fd, "k", text, sizeof(text)), 4);
	assert_string_equal(text, "new!");
	assert_int_equal(file_poke(p->fd, "none", "x"), -1);
	assert_int_equal(errno, ENOENT);
}

static void paths_stay_beneath(void **state)
{
	struct place *p = *state;
	cleanup_fd int in = -1;

	put(p->fd, "f", "x");
	assert_int_equal(symlinkat("/etc", p->fd, "out"), 0);
	assert_int_equal(symlinkat("f", p->fd, "in"), 0);
	assert_int_equal(open_beneath(p->fd, "out/passwd", O_RDONLY, 0), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(open_beneath(p->fd, "../x", O_RDONLY, 0), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(open_beneath(p->fd, "/etc/passwd", O_RDONLY, 0), -1);
	assert_int_equal(errno, EXDEV);
	in = open_beneath(p->fd, "in", O_RDONLY, 0644);
	assert_true(in >= 0);
	assert_int_equal(fcntl(in, F_GETFD), FD_CLOEXEC);
	close_fd(&in);
	in = open_beneath(p->fd, "new", O_WRONLY | O_CREAT, 0600);
	assert_true(in >= 0);
	/* In a root, the same link leads to the root's own etc, which is not there. */
	assert_int_equal(open_in_root(p->fd, "out/passwd", O_RDONLY, 0), -1);
	assert_int_equal(errno, ENOENT);
	close_fd(&in);
	in = open_in_root(p->fd, "../../../f", O_RDONLY, 0);
	assert_true(in >= 0);
	cleanup_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(open_in_root(proc, "self/root", O_PATH, 0), -1);
	assert_int_equal(errno, ELOOP);
}

static void directories_are_made_inside_the_root(void **state)
{
	struct place *p = *state;
	cleanup_fd int fd = -1;
	char deep[PATH_MAX];

	assert_int_equal(mkdirat(p->fd, "root", 0755), 0);
	cleanup_fd int root = openat(p->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = mkdir_in_root(root, "/a//b/./c/", 0);
	assert_true(fd >= 0);
	assert_true(exists(root, "a/b/c"));
	close_fd(&fd);
	fd = mkdir_in_root(root, "../../escape", 0700);
	assert_true(fd >= 0);
	assert_true(exists(root, "escape"));
	assert_false(exists(p->fd, "escape"));
	/* Links to what is missing: absolute, relative, in the middle. */
	assert_int_equal(symlinkat("/run/x", root, "var"), 0);
	assert_int_equal(symlinkat("../../up", root, "a/rel"), 0);
	close_fd(&fd);
	fd = mkdir_in_root(root, "var/y", 0);
	assert_true(fd >= 0);
	assert_true(exists(root, "run/x/y"));
	close_fd(&fd);
	fd = mkdir_in_root(root, "a/rel/z", 0);
	assert_true(fd >= 0);
	assert_true(exists(root, "up/z"));
	assert_false(exists(p->fd, "up"));
	/* Loops, files in the way, names too long. */
	assert_int_equal(symlinkat("loop2", root, "loop1"), 0);
	assert_int_equal(symlinkat("loop1", root, "loop2"), 0);
	assert_int_equal(mkdir_in_root(root, "loop1/x", 0), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(symlinkat("self/x", root, "self"), 0);
	assert_int_equal(mkdir_in_root(root, "self", 0), -1);
	put(root, "file", "");
	assert_int_equal(mkdir_in_root(root, "file/x", 0), -1);
	assert_int_equal(errno, ENOTDIR);
	memset(deep, 'n', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(mkdir_in_root(root, deep, 0), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	deep[300] = '\0';
	assert_int_equal(mkdir_in_root(root, deep, 0), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	close_fd(&fd);
	fd = mkdir_in_root(root, "", 0);
	assert_true(fd >= 0);
}

static void host_directories(void **state)
{
	struct place *p = *state;
	char path[128];
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "%s//x/y/z/", p->path);
	assert_int_equal(mkdir_all(path, 0755), 0);
	assert_int_equal(mkdir_all(path, 0755), 0);
	assert_true(exists(p->fd, "x/y/z"));
	put(p->fd, "plain", "");
	snprintf(path, sizeof(path), "%s/plain/x", p->path);
	assert_int_equal(mkdir_all(path, 0755), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(mkdir_all("/", 0755), 0);
	fd = open_dir_make(p->fd, "made", 0700);
	assert_true(fd >= 0);
	assert_int_equal(symlinkat("made", p->fd, "link"), 0);
	assert_int_equal(open_dir_make(p->fd, "link", 0700), -1);
	assert_int_equal(open_dir_make(p->fd, "plain", 0700), -1);
}

static void links_are_removed_and_not_followed(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdirat(p->fd, "keep", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "tree", 0755), 0);
	put(p->fd, "precious", "x");
	assert_int_equal(symlinkat("../keep", p->fd, "tree/to-dir"), 0);
	assert_int_equal(symlinkat("../precious", p->fd, "tree/to-file"), 0);
	assert_int_equal(symlinkat("keep", p->fd, "top"), 0);
	assert_int_equal(mkfifoat(p->fd, "tree/fifo", 0), 0);
	assert_int_equal(remove_tree_at(p->fd, "tree"), 0);
	assert_int_equal(remove_tree_at(p->fd, "top"), 0);
	assert_false(exists(p->fd, "tree"));
	assert_false(exists(p->fd, "top"));
	assert_true(exists(p->fd, "keep"));
	assert_true(exists(p->fd, "precious"));
	assert_int_equal(remove_tree_at(p->fd, "tree"), 0);
	assert_int_equal(remove_tree_at(p->fd, "no/such"), 0);
	assert_int_equal(remove_tree_at(p->fd, "."), -1);
	assert_int_equal(remove_tree_at(p->fd, ".."), -1);
	assert_int_equal(remove_tree_at(p->fd, ""), -1);
	assert_int_equal(remove_tree_at(p->fd, "/tmp/x"), -1);
	assert_int_equal(remove_tree_at(p->fd, "../../tmp/x"), -1);
}

static void make_deep(int top, int levels)
{
	cleanup_fd int fd = dup(top);

	for (int i = 0; i < levels; i++) {
		int next = open_dir_make(fd, "d", 0755);
		assert_true(next >= 0);
		if (i % 7)
			put(next, "f", "x");
		/* Each seventh can't be entered by its owner, once there is something in it. */
		if (i % 7 == 1)
			assert_int_equal(fchmod(fd, 0), 0);
		close_fd(&fd);
		fd = next;
	}
}

static void deep_trees_go(void **state)
{
	struct place *p = *state;
	uint64_t bytes, entries;

	make_deep(p->fd, DEEP);
	/* Only root reads what has no rights; removal makes its own. */
	assert_int_equal(tree_size_at(p->fd, "d", &bytes, &entries), geteuid() ? -1 : 0);
	if (!geteuid())
		assert_int_equal(entries, DEEP + DEEP - (DEEP + 6) / 7);
	assert_int_equal(remove_tree_at(p->fd, "d"), 0);
	assert_false(exists(p->fd, "d"));
}

static void wide_trees_go(void **state)
{
	struct place *p = *state;
	uint64_t bytes, entries;
	char name[32];

	assert_int_equal(mkdirat(p->fd, "w", 0755), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "w/%d", i);
		assert_int_equal(mkdirat(p->fd, name, 0755), 0);
	}
	assert_int_equal(tree_size_at(p->fd, "w", &bytes, &entries), 0);
	assert_int_equal(bytes, 0); /* whatever the directories themselves take */
	assert_int_equal(symlinkat("/", p->fd, "w/root"), 0);
	assert_int_equal(tree_size_at(p->fd, "w", &bytes, &entries), 0);
	assert_int_equal(entries, 3002);
	assert_int_equal(remove_tree_at(p->fd, "w"), 0);
	put(p->fd, "f", "x");
	assert_int_equal(tree_size_at(p->fd, "f", &bytes, &entries), 0);
	assert_int_equal(entries, 1);
	assert_true(bytes > 0 && bytes % 512 == 0);
	assert_int_equal(tree_size_at(p->fd, "none", &bytes, &entries), -1);
	assert_int_equal(errno, ENOENT);
}

static void mounts_are_not_crossed(void **state)
{
	struct place *p = *state;
	char path[128];
	uint64_t bytes, entries;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		skip();
	assert_int_equal(mkdirat(p->fd, "t", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "t/mnt", 0755), 0);
	assert_int_equal(mkdirat(p->fd, "t/other", 0755), 0);
	snprintf(path, sizeof(path), "%s/t/mnt", p->path);
	/* A bind of the same file system, which st_dev cannot tell apart. */
	assert_int_equal(mkdirat(p->fd, "data", 0755), 0);
	put(p->fd, "data-file", "x");
	assert_int_equal(mkdirat(p->fd, "data/precious", 0755), 0);
	char source[128];
	snprintf(source, sizeof(source), "%s/data", p->path);
	if (mount(source, path, NULL, MS_BIND, NULL) < 0)
		skip();
	assert_int_equal(tree_size_at(p->fd, "t", &bytes, &entries), 0);
	assert_int_equal(entries, 3);
	assert_int_equal(remove_tree_at(p->fd, "t"), -1);
	/* EBUSY from unlinking the mount point; EXDEV had it been mounted a moment later. */
	assert_true(errno == EBUSY || errno == EXDEV);
	assert_true(exists(p->fd, "data/precious"));
	assert_false(exists(p->fd, "t/other"));
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void random_names_differ(void **state)
{
	char a[257], b[257];

	(void)state;
	random_hex(a, 128);
	random_hex(b, 128);
	assert_int_equal(strlen(a), 256);
	assert_int_equal(strspn(a, "0123456789abcdef"), 256);
	assert_string_not_equal(a, b);
	random_hex(a, 0);
	assert_string_equal(a, "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(close_keeps_errno),
	        T(write_is_whole),
	        T(reads_are_bounded),
	        T(a_fifo_in_the_way_does_not_hang),
	        T(pipes_carry_everything),
	        T(poke_writes_in_place),
	        T(paths_stay_beneath),
	        T(directories_are_made_inside_the_root),
	        T(host_directories),
	        T(links_are_removed_and_not_followed),
	        T(deep_trees_go),
	        T(wide_trees_go),
	        T(mounts_are_not_crossed),
	        T(random_names_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
