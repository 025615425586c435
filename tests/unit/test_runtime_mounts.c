/* Binds, volumes, tmpfs and their targets in real containers: where they land and where they can't be led. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/container_box.h"
#include "engine/runtime/copy_up.h"
#include "engine/runtime/mount_tree.h"

static void option_words(void **state)
{
	char *list[] = {(char[]){"rbind"}, (char[]){"ro"}, (char[]){"nosuid"}, (char[]){"rslave"},
	        (char[]){"size=1m"}, (char[]){"noexec"}, (char[]){"exec"}, NULL};
	char *data[MOUNT_DATA_MAX];
	struct mount_options o;

	(void)state;
	assert_int_equal(mount_options_parse(list, &o, data, NULL), 0);
	assert_int_equal(o.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	assert_int_equal(o.clear, MOUNT_ATTR_NOEXEC);
	assert_int_equal(o.propagation, MS_SLAVE);
	assert_true(o.recursive && o.bind);
	assert_int_equal(o.n_data, 1);
	assert_string_equal(data[0], "size=1m");
}

static void binds_of_directories_and_files(void **state)
{
	struct box *b = *state;

	box_needs_root();
	mkdir(box_path(b, "src"), 0755);
	box_file(b, "src/inside", "dir content\n");
	box_file(b, "single", "file content\n");
	box_mount(b, "/data/deep", "bind", box_path(b, "src"), "rbind,rprivate");
	box_mount(b, "/etc/single.conf", "bind", box_path(b, "single"), "rbind,rprivate,ro");
	assert_int_equal(box_run(b, "cat /data/deep/inside /etc/single.conf; touch /data/deep/new;"
	                            "echo x >/etc/single.conf || echo refused"),
	        0);
	assert_out(b, "dir content\nfile content\n");
	assert_out(b, "refused\n");
	assert_int_equal(access(box_path(b, "src/new"), F_OK), 0);
}

/* Both layouts of a read-only bind: what is mounted beneath is read-only too. */
static void check_readonly_binds(struct box *b, const struct launch_fallbacks *f)
{
	char sub[PATH_MAX];

	box_needs_root();
	mkdir(box_path(b, "src"), 0755);
	mkdir(box_path(b, "src/s ub"), 0755);
	snprintf(sub, sizeof sub, "%s", box_path(b, "src/s ub"));
	assert_int_equal(mount("tmpfs", sub, "tmpfs", 0, "size=1m"), 0);
	box_mount(b, "/data", "bind", box_path(b, "src"), "rbind,rprivate,ro");
	int code = box_run_with(
	        b, f, "touch /data/x || echo one; touch '/data/s ub/x' || echo two; [ -d '/data/s ub' ]");
	umount(sub);
	assert_int_equal(code, 0);
	assert_out(b, "one\n");
	assert_out(b, "two\n");
}

static void readonly_binds_are_so_all_the_way_down(void **state)
{
	check_readonly_binds(*state, &(struct launch_fallbacks){0});
}

static void and_without_mount_setattr(void **state)
{
	check_readonly_binds(*state, &(struct launch_fallbacks){.old_mount_api = true});
}

static void missing_sources_are_named(void **state)
{
	struct box *b = *state;

	box_needs_root();
	box_mount(b, "/data", "bind", "/no/such/source", "rbind");
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "/no/such/source does not exist"));
}

static void the_root_cannot_be_covered(void **state)
{
	struct box *b = *state;
	static const char *const targets[] = {"/", "//", "/.", "/..", "/bin/.."};

	box_needs_root();
	for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
		box_spec(b);
		box_mount(b, targets[i], "tmpfs", NULL, "size=1m");
		assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
		assert_non_null(strstr(b->e.msg, "root"));
	}
}

/* Attack 39: the image's links lead to places inside the image, whatever they say. */
static void links_in_the_image_stay_inside(void **state)
{
	struct box *b = *state;
	struct stat st;

	box_needs_root();
	char host[PATH_MAX];

	snprintf(host, sizeof host, "%s", box_path(b, "single"));
	box_file(b, "single", "resolved\n");
	box_file(b, "other", "another\n");
	mkdir(box_path(b, "src"), 0755);
	assert_int_equal(symlink("../../../run/gone/stub.conf", box_path(b, "rootfs/etc/resolv.conf")), 0);
	assert_int_equal(symlink("/dev/shm/tare-unit-canary", box_path(b, "rootfs/etc/canary")), 0);
	assert_int_equal(symlink("/tare-unit-dir", box_path(b, "rootfs/linkdir")), 0);
	box_mount(b, "/etc/resolv.conf", "bind", box_path(b, "single"), "rbind,ro");
	box_mount(b, "/linkdir/sub", "bind", box_path(b, "src"), "rbind");
	assert_int_equal(box_run(b, "cat /etc/resolv.conf /run/gone/stub.conf; ls -d /tare-unit-dir/sub"), 0);
	assert_out(b, "resolved\nresolved\n/tare-unit-dir/sub\n");
	assert_int_equal(stat("/run/gone", &st), -1);
	assert_int_equal(stat("/tare-unit-dir", &st), -1);
	/* The target is on a tmpfs of the container, though the host has that path too. */
	box_spec(b);
	box_mount(b, "/etc/canary", "bind", box_path(b, "single"), "rbind,ro");
	assert_int_equal(box_run(b, "cat /dev/shm/tare-unit-canary"), 0);
	assert_out(b, "resolved\n");
	assert_int_equal(stat("/dev/shm/tare-unit-canary", &st), -1);
	/* Nor onto a file that the host has and the image has not. */
	assert_int_equal(symlink(host, box_path(b, "rootfs/etc/host")), 0);
	box_spec(b);
	box_mount(b, "/etc/host", "bind", box_path(b, "other"), "rbind,ro");
	assert_int_equal(box_run(b, "cat /etc/host"), 0);
	assert_out(b, "another\n");
	unlink(box_path(b, "rootfs/etc/host"));
	unlink(box_path(b, "rootfs/etc/resolv.conf"));
	unlink(box_path(b, "rootfs/etc/canary"));
	unlink(box_path(b, "rootfs/linkdir"));
}

/* CVE-2019-19921, CVE-2026-41579: where /proc, /sys and /dev are decides what protects the host. */
static void links_in_place_of_proc_sys_dev_are_refused(void **state)
{
	struct box *b = *state;
	static const char *const names[] = {"proc", "sys", "dev"};
	char path[PATH_MAX], name[32];

	box_needs_root();
	mkdir(box_path(b, "rootfs/elsewhere"), 0755);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "rootfs/%s", names[i]);
		snprintf(path, sizeof path, "%s", box_path(b, name));
		rmdir(path);
		assert_int_equal(symlink("/elsewhere", path), 0);
		assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
		assert_non_null(strstr(b->e.msg, "not a real directory"));
		unlink(path);
	}
}

/* CVE-2025-31133: with a /dev of the image's own, /dev/null could be a link to something that masking would
 * then open. */
static void a_false_null_device_masks_nothing(void **state)
{
	struct box *b = *state;

	box_needs_root();
	mkdir(box_path(b, "dev"), 0755);
	box_file(b, "dev/null", "I am a file\n");
	box_mount(b, "/dev", "bind", box_path(b, "dev"), "rbind");
	/* the tmpfs of the default list stays beneath this bind */
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "null device"));
}

static void devices_of_the_spec(void **state)
{
	struct box *b = *state;
	struct spec_device *d;

	box_needs_root();
	d = runtime_spec_add_device(&b->spec);
	*d = (struct spec_device){strdup("/dev/sub/mine"), 'c', 1, 5, 0640, 7, 8};
	d = runtime_spec_add_device(&b->spec);
	*d = (struct spec_device){strdup("/dev/null"), 'c', 1, 3, 0666, 0, 0};
	assert_int_equal(box_run(b, "stat -c '%F %t %T %a %u %g' /dev/sub/mine"), 0);
	assert_string_equal(buf_str(&b->out), "character special file 1 5 640 7 8\n");
	d = runtime_spec_add_device(&b->spec);
	*d = (struct spec_device){strdup("/etc/passwd"), 'c', 1, 3, 0666, 0, 0};
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "/etc/passwd"));
}

static void bad_tmpfs_options_are_the_kernels_words(void **state)
{
	struct box *b = *state;

	box_needs_root();
	box_mount(b, "/scratch", "tmpfs", NULL, "size=1m,mode=1777,nosuid");
	assert_int_equal(box_run(b, "stat -c %a /scratch; grep scratch /proc/self/mounts"), 0);
	assert_out(b, "1777\n");
	assert_out(b, "size=1024k");
	box_mount(b, "/scratch2", "tmpfs", NULL, "size=banana");
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "size=banana"));
}

/* CVE-2021-30465, CVE-2024-45310: a shared volume in which another container swaps a directory for a link to
 * a directory of the host, all the time that mounts are made beneath it. */
static void a_racing_link_leads_nowhere(void **state)
{
	struct box *b = *state;
	char dir[PATH_MAX], link[PATH_MAX], canary[PATH_MAX];

	box_needs_root();
	snprintf(canary, sizeof canary, "%s", box_path(b, "canary"));
	mkdir(canary, 0755);
	mkdir(box_path(b, "shared"), 0755);
	mkdir(box_path(b, "shared/dir"), 0755);
	snprintf(dir, sizeof dir, "%s", box_path(b, "shared/dir"));
	snprintf(link, sizeof link, "%s", box_path(b, "shared/link"));
	assert_int_equal(symlink(canary, link), 0);
	pid_t racer = fork();
	if (racer == 0)
		for (;;)
			renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
	box_mount(b, "/vol", "bind", box_path(b, "shared"), "rbind,rprivate");
	box_mount(b, "/vol/dir/target", "tmpfs", NULL, "size=64k");
	box_mount(b, "/vol/dir/file", "bind", "/dev/null", "bind");
	const char *attacks = getenv("TARE_ATTACKS");
	int started = 0, times = attacks && !strcmp(attacks, "long") ? 500 : 60;
	for (int i = 0; i < times; i++)
		started += box_run_with(b, &(struct launch_fallbacks){0}, "true") == 0;
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	print_message("%d of %d started\n", started, times);
	/* Still empty: neither directory nor file was made outside. */
	assert_int_equal(rmdir(canary), 0);
}

/* ------------------------------------------------------------------ filling volumes */

static void make_image_data(struct box *b)
{
	char path[PATH_MAX];

	mkdir(box_path(b, "rootfs/data"), 0750);
	chmod(box_path(b, "rootfs/data"), 0750);
	assert_int_equal(chown(box_path(b, "rootfs/data"), 11, 12), 0);
	mkdir(box_path(b, "rootfs/data/dir"), 01777);
	chmod(box_path(b, "rootfs/data/dir"), 01777);
	box_file(b, "rootfs/data/dir/file", "hello\n");
	snprintf(path, sizeof path, "%s", box_path(b, "rootfs/data/dir/file"));
	assert_int_equal(chown(path, 21, 22), 0);
	assert_int_equal(chmod(path, 04711), 0);
	setxattr(path, "trusted.note", "kept", 4, 0);
	setxattr(path, "trusted.overlay.opaque", "y", 1, 0);
	assert_int_equal(symlink("/etc/shadow", box_path(b, "rootfs/data/link")), 0);
	mkfifo(box_path(b, "rootfs/data/fifo"), 0600);
	assert_int_equal(chmod(box_path(b, "rootfs/data/fifo"), 0666), 0); /* past our umask */
	mknod(box_path(b, "rootfs/data/null"), S_IFCHR | 0600, makedev(1, 3));
}

/* The text of a target says nothing about where the image's links lead it. */
static void links_into_proc_and_sys_are_refused(void **state)
{
	struct box *b = *state;
	static const char *const links[][2] = {{"to_proc", "/proc"}, {"to_sysctl", "../proc/sys"},
	        {"to_file", "/proc/sys/kernel/core_pattern"}, {"to_sys", "/sys/kernel"}};

	box_needs_root();
	mkdir(box_path(b, "evil"), 0755);
	box_file(b, "evil-file", "");
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		char in_image[64], target[64];
		snprintf(in_image, sizeof in_image, "rootfs/%s", links[i][0]);
		snprintf(target, sizeof target, "/%s", links[i][0]);
		assert_int_equal(symlink(links[i][1], box_path(b, in_image)), 0);
		box_spec(b);
		box_mount(b, target, "bind", box_path(b, i == 2 ? "evil-file" : "evil"), "rbind");
		assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
		assert_non_null(strstr(b->e.msg, target));
		assert_non_null(strstr(b->e.msg, "the kernel's own files"));
		if (i == 2)
			continue;
		box_spec(b);
		box_mount(b, target, "tmpfs", NULL, "size=4k");
		assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
		assert_non_null(strstr(b->e.msg, "the kernel's own files"));
	}
	box_spec(b);
	box_file(b, "uptime", "as given\n");
	box_mount(b, "/proc/uptime", "bind", box_path(b, "uptime"), "rbind");
	box_mount(b, "/sys/kernel", "tmpfs", NULL, "size=4k");
	assert_int_equal(box_run(b, "cat /proc/uptime; ls /sys/kernel | wc -l"), 0);
	assert_string_equal(buf_str(&b->out), "as given\n0\n");
}

static void copy_up_volume(struct box *b)
{
	box_mount(b, "/data", "bind", box_path(b, "vol"), "rbind,ro");
	b->spec.mounts[b->spec.n_mounts - 1].copy_up = true;
}

static void empty_volumes_are_filled(void **state)
{
	struct box *b = *state;
	struct stat st;
	char value[8];

	box_needs_root();
	make_image_data(b);
	mkdir(box_path(b, "vol"), 0755);
	copy_up_volume(b);
	assert_int_equal(box_run(b, "cat /data/dir/file; stat -c '%a %u %g' /data /data/dir /data/dir/file;"
	                            "readlink /data/link; touch /data/x || echo refused"),
	        0);
	assert_out(b, "hello\n750 11 12\n1777 0 0\n4711 21 22\n/etc/shadow\n");
	assert_out(b, "refused\n"); /* filled although it is mounted read-only */
	assert_int_equal(lstat(box_path(b, "vol/fifo"), &st), 0);
	assert_int_equal(st.st_mode, S_IFIFO | 0666);
	assert_int_equal(lstat(box_path(b, "vol/null"), &st), 0);
	assert_int_equal(st.st_rdev, makedev(1, 3));
	assert_int_equal(getxattr(box_path(b, "vol/dir/file"), "trusted.note", value, sizeof value), 4);
	assert_int_equal(
	        getxattr(box_path(b, "vol/dir/file"), "trusted.overlay.opaque", value, sizeof value), -1);
}

static void volumes_with_content_are_left_alone(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(unlink(box_path(b, "vol/link")), 0); /* as the test before left it */
	copy_up_volume(b);
	assert_int_equal(box_run(b, "ls /data"), 0);
	assert_null(strstr(buf_str(&b->out), "link"));
	assert_out(b, "dir\n");
}

static void fill(struct box *b, const char *volume, bool copy)
{
	box_spec(b);
	box_mount(b, "/data", "bind", box_path(b, volume), "rbind");
	b->spec.mounts[b->spec.n_mounts - 1].copy_up = copy;
}

/* Killed halfway: what is there is no volume's content. */
static void a_fill_that_was_cut_short_is_done_anew(void **state)
{
	struct box *b = *state;

	box_needs_root();
	mkdir(box_path(b, "cut"), 0755);
	mkdir(box_path(b, "cut/half"), 0755);
	box_file(b, "cut/half/file", "half");
	assert_false(copy_up_is_unfinished(box_path(b, "cut")));
	assert_int_equal(setxattr(box_path(b, "cut"), "trusted.tare.filling", "1", 1, 0), 0);
	assert_true(copy_up_is_unfinished(box_path(b, "cut")));
	fill(b, "cut", true);
	assert_int_equal(box_run(b, "ls /data/half; cat /data/dir/file"), 0);
	assert_string_equal(buf_str(&b->out), "ls: /data/half: No such file or directory\nhello\n");
	assert_false(copy_up_is_unfinished(box_path(b, "cut")));
}

static void a_fill_that_failed_is_done_anew(void **state)
{
	struct box *b = *state;

	box_needs_root();
	mkdir(box_path(b, "small"), 0755);
	assert_int_equal(mount("tmpfs", box_path(b, "small"), "tmpfs", 0, "nr_inodes=4"), 0);
	fill(b, "small", true);
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_true(copy_up_is_unfinished(box_path(b, "small")));
	assert_int_equal(mount(NULL, box_path(b, "small"), NULL, MS_REMOUNT, "nr_inodes=100"), 0);
	fill(b, "small", true);
	assert_int_equal(box_run(b, "cat /data/dir/file; readlink /data/link; stat -c %F /data/null"), 0);
	assert_string_equal(buf_str(&b->out), "hello\n/etc/shadow\ncharacter special file\n");
	assert_false(copy_up_is_unfinished(box_path(b, "small")));
	assert_int_equal(umount2(box_path(b, "small"), MNT_DETACH), 0);
}

/* Whoever uses it as it is has nothing cleared afterwards. */
static void a_half_filled_volume_that_is_used_is_kept(void **state)
{
	struct box *b = *state;

	box_needs_root();
	mkdir(box_path(b, "kept"), 0755);
	assert_int_equal(setxattr(box_path(b, "kept"), "trusted.tare.filling", "1", 1, 0), 0);
	fill(b, "kept", false);
	assert_int_equal(box_run(b, "touch /data/precious"), 0);
	fill(b, "kept", true);
	assert_int_equal(box_run(b, "ls /data"), 0);
	assert_string_equal(buf_str(&b->out), "precious\n");
}

/* Attack 38: the image's directory is a link out of the image. */
static void a_volume_is_filled_from_inside_the_image(void **state)
{
	struct box *b = *state;

	box_needs_root();
	mkdir(box_path(b, "vol2"), 0755);
	mkdir(box_path(b, "vol3"), 0755);
	assert_int_equal(symlink("../../../../etc", box_path(b, "rootfs/escape")), 0);
	assert_int_equal(symlink("/etc", box_path(b, "rootfs/absolute")), 0);
	box_mount(b, "/escape", "bind", box_path(b, "vol2"), "rbind");
	b->spec.mounts[b->spec.n_mounts - 1].copy_up = true;
	assert_int_equal(box_run(b, "true"), 0);
	box_spec(b);
	box_mount(b, "/absolute", "bind", box_path(b, "vol3"), "rbind");
	b->spec.mounts[b->spec.n_mounts - 1].copy_up = true;
	assert_int_equal(box_run(b, "true"), 0);
	for (int i = 2; i <= 3; i++) {
		char name[32];
		snprintf(name, sizeof name, "vol%d/group", i);
		assert_int_equal(access(box_path(b, name), F_OK), 0); /* of the image's /etc */
		snprintf(name, sizeof name, "vol%d/shadow", i);
		assert_int_equal(access(box_path(b, name), F_OK), -1); /* and of the host's */
	}
}

int main(void)
{
#define box_test(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(option_words),
	        box_test(binds_of_directories_and_files),
	        box_test(readonly_binds_are_so_all_the_way_down),
	        box_test(and_without_mount_setattr),
	        box_test(missing_sources_are_named),
	        box_test(the_root_cannot_be_covered),
	        box_test(links_in_the_image_stay_inside),
	        box_test(links_in_place_of_proc_sys_dev_are_refused),
	        box_test(links_into_proc_and_sys_are_refused),
	        box_test(a_false_null_device_masks_nothing),
	        box_test(devices_of_the_spec),
	        box_test(bad_tmpfs_options_are_the_kernels_words),
	        box_test(a_racing_link_leads_nowhere),
	        box_test(empty_volumes_are_filled),
	        box_test(volumes_with_content_are_left_alone),
	        box_test(a_fill_that_was_cut_short_is_done_anew),
	        box_test(a_fill_that_failed_is_done_anew),
	        box_test(a_half_filled_volume_that_is_used_is_kept),
	        box_test(a_volume_is_filled_from_inside_the_image),
	};

	return cmocka_run_group_tests(tests, box_group_setup, box_group_teardown);
}
