/* The overlay in every way that kernels of different age want it, with few and many layers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>

#include "tests/unit/container_box.h"
#include "engine/runtime/rootfs.h"
#include "engine/runtime/user_namespace.h"

#define LAYERS_MAX 300

struct layers {
	char dir[64];
	int fd, fds[LAYERS_MAX], upper, work;
	size_t n;
};

static int make_dir(int at, const char *name)
{
	assert_int_equal(mkdirat(at, name, 0755), 0);
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void make_layers(struct layers *l, size_t n)
{
	char name[32];

	strcpy(l->dir, "/dev/shm/tare-unit-XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	l->fd = open(l->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (l->n = 0; l->n < n; l->n++) {
		snprintf(name, sizeof name, "l%zu", l->n);
		l->fds[l->n] = make_dir(l->fd, name);
		snprintf(name, sizeof name, "file%zu", l->n);
		close(openat(l->fds[l->n], name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
	l->upper = make_dir(l->fd, "upper");
	l->work = make_dir(l->fd, "work");
}

static void remove_layers(struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->fds[i]);
	close(l->upper);
	close(l->work);
	close(l->fd);
	assert_int_equal(nftw(l->dir, box_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void check_tree(int mount, const struct layers *l, bool writable)
{
	char name[32];
	int fd;

	snprintf(name, sizeof name, "file%zu", l->n - 1);
	assert_int_equal(faccessat(mount, "file0", F_OK, 0), 0);
	assert_int_equal(faccessat(mount, name, F_OK, 0), 0);
	fd = openat(mount, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_int_equal(fd >= 0, writable);
	if (!writable)
		assert_int_equal(errno, EROFS);
	close_fd(&fd);
	/* upper layer written, lower ones not */
	assert_int_equal(faccessat(l->upper, "new", F_OK, 0), writable ? 0 : -1);
	assert_int_equal(faccessat(l->fds[0], "new", F_OK, 0), -1);
	unlinkat(mount, "new", 0);
}

static void mount_and_check(struct layers *l, enum rootfs_way way, bool writable)
{
	struct rootfs_overlay o = {.lower_fds = l->fds,
	        .n_lower = l->n,
	        .upper_fd = writable ? l->upper : -1,
	        .work_fd = writable ? l->work : -1};
	struct err e = ERR_INIT;
	int fd = rootfs_mount_overlay_by(way, &o, &e);

	if (fd < 0)
		fail_msg("way %d, %zu layers: %s", way, l->n, e.msg);
	check_tree(fd, l, writable);
	close(fd);
}

/* A single layer without mount_setattr(2), which Linux 5.10 lacks. */
static void a_single_layer_is_read_only_the_old_way(void **state)
{
	struct layers l;
	struct err e = ERR_INIT;

	(void)state;
	box_needs_root();
	make_layers(&l, 1);
	int tree = open_tree(l.fds[0], "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_true(tree >= 0);
	int mount = rootfs_old_readonly(tree, &e);
	if (mount < 0)
		fail_msg("%s", e.msg);
	check_tree(mount, &l, false);
	close(mount);
	close(tree);
	remove_layers(&l);
}

/* A kernel may be too old for a way; the last two are known to all. */
static bool kernel_knows(enum rootfs_way way)
{
	struct layers l;
	struct err e = ERR_INIT;

	make_layers(&l, 2);
	struct rootfs_overlay o = {.lower_fds = l.fds, .n_lower = 2, .upper_fd = -1, .work_fd = -1};
	int fd = rootfs_mount_overlay_by(way, &o, &e);
	close_fd(&fd);
	remove_layers(&l);
	return e.kind != ERR_UNSUPPORTED;
}

static void check_way(enum rootfs_way way, size_t max)
{
	static const size_t counts[] = {1, 3, 70, 300};
	struct rlimit files;
	struct layers l;

	box_needs_root();
	if ((way == ROOTFS_LAYER_FD || way == ROOTFS_LAYER_PATH) && !kernel_knows(way))
		skip();
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 1024 ? files.rlim_max : 1024; /* what a login shell has */
	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0] && counts[i] <= max; i++) {
		make_layers(&l, counts[i]);
		mount_and_check(&l, way, false);
		mount_and_check(&l, way, true);
		remove_layers(&l);
	}
}

static void best(void **state)
{
	(void)state;
	check_way(ROOTFS_BEST, 300);
}

static void layers_by_descriptor(void **state)
{
	(void)state;
	check_way(ROOTFS_LAYER_FD, 300);
}

static void layers_by_path(void **state)
{
	(void)state;
	check_way(ROOTFS_LAYER_PATH, 300);
}

static void layers_in_one_string(void **state)
{
	(void)state;
	check_way(ROOTFS_ONE_STRING, 70);
}

static void layers_by_old_mount(void **state)
{
	(void)state;
	check_way(ROOTFS_OLD_MOUNT, 300);
}

static void one_string_says_when_it_is_too_short(void **state)
{
	struct layers l;
	struct err e = ERR_INIT;

	(void)state;
	box_needs_root();
	make_layers(&l, 150);
	struct rootfs_overlay o = {
	        .lower_fds = l.fds, .n_lower = l.n, .upper_fd = l.upper, .work_fd = l.work};
	assert_int_equal(rootfs_mount_overlay_by(ROOTFS_ONE_STRING, &o, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	remove_layers(&l);
}

/* "volatile" marks the work directory so that the next mount fails; the mark of a crashed run must not. */
static void a_thrown_away_layer_can_be_mounted_again(void **state)
{
	struct layers l;
	struct err e = ERR_INIT;

	(void)state;
	box_needs_root();
	make_layers(&l, 2);
	struct rootfs_overlay o = {.lower_fds = l.fds,
	        .n_lower = l.n,
	        .upper_fd = l.upper,
	        .work_fd = l.work,
	        .throw_away = true};
	for (int i = 0; i < 3; i++) {
		int fd = rootfs_mount_overlay(&o, &e);
		if (fd < 0)
			fail_msg("%s", e.msg);
		close(fd);
		assert_int_equal(faccessat(l.work, "work/incompat/volatile", F_OK, 0), o.throw_away ? 0 : -1);
		o.throw_away = i != 1;
	}
	remove_layers(&l);
}

static void nothing_shows_on_the_host(void **state)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct layers l;

	(void)state;
	box_needs_root();
	make_layers(&l, 3);
	/* Other programs' mounts would come and go in a shared table. */
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	for (unsigned w = ROOTFS_BEST; w <= ROOTFS_OLD_MOUNT; w++) {
		struct rootfs_overlay o = {.lower_fds = l.fds, .n_lower = l.n, .upper_fd = -1, .work_fd = -1};
		cleanup_fd int table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
		buf_reset(&before);
		read_to_buf(table, &before);
		int fd = rootfs_mount_overlay_by((enum rootfs_way)w, &o, NULL);
		buf_reset(&after);
		lseek(table, 0, SEEK_SET);
		read_to_buf(table, &after);
		close_fd(&fd);
		assert_string_equal(buf_str(&before), buf_str(&after));
	}
	remove_layers(&l);
	buf_free(&before);
	buf_free(&after);
}

#define BASE 1073741824u

static uint32_t owner(int dir, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_uid;
}

/* Lower layers as a user namespace's root owns them, the writable one as it is on disk: what is copied up
 * belongs to the range. */
static void check_idmapped(enum rootfs_way way, size_t n)
{
	struct layers l;
	struct err e = ERR_INIT;
	struct id_maps m = {.uid.n = 0};
	int userns[LAYERS_MAX];

	make_layers(&l, n);
	assert_int_equal(id_map_parse(&m.uid, "0:1073741824:65536", &e), 0);
	m.gid = m.uid;
	int ns = user_namespace_open(&m, &e);
	assert_true(ns >= 0);
	for (size_t i = 0; i < n; i++)
		userns[i] = ns;
	struct rootfs_overlay o = {.lower_fds = l.fds,
	        .n_lower = n,
	        .upper_fd = l.upper,
	        .work_fd = l.work,
	        .lower_userns = userns};
	int fd = rootfs_mount_overlay_by(way, &o, &e);
	close(ns);
	/* tmpfs maps ids since 6.3 */
	if (fd < 0 && e.kind == ERR_UNSUPPORTED) {
		remove_layers(&l);
		skip();
	}
	if (fd < 0)
		fail_msg("way %d, %zu layers: %s", way, n, e.msg);
	assert_int_equal(owner(fd, "file0"), BASE);
	assert_int_equal(fchmodat(fd, "file0", 0600, 0), 0);
	assert_int_equal(owner(fd, "file0"), BASE);
	assert_int_equal(owner(l.upper, "file0"), BASE);
	assert_int_equal(owner(l.fds[0], "file0"), 0);
	close(fd);
	remove_layers(&l);
}

static void idmapped_layers(void **state)
{
	(void)state;
	box_needs_root();
	check_idmapped(ROOTFS_BEST, 1);
	check_idmapped(ROOTFS_BEST, 70);
}

static void idmapped_layers_by_old_mount(void **state)
{
	(void)state;
	box_needs_root();
	check_idmapped(ROOTFS_OLD_MOUNT, 1);
	check_idmapped(ROOTFS_OLD_MOUNT, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(best),
	        cmocka_unit_test(a_single_layer_is_read_only_the_old_way),
	        cmocka_unit_test(layers_by_descriptor),
	        cmocka_unit_test(layers_by_path),
	        cmocka_unit_test(layers_in_one_string),
	        cmocka_unit_test(layers_by_old_mount),
	        cmocka_unit_test(idmapped_layers),
	        cmocka_unit_test(idmapped_layers_by_old_mount),
	        cmocka_unit_test(one_string_says_when_it_is_too_short),
	        cmocka_unit_test(a_thrown_away_layer_can_be_mounted_again),
	        cmocka_unit_test(nothing_shows_on_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
