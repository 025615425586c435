/* Looking into containers, volumes and layers: everything is found, and nothing in them can lead out, hang
 * the one who looks, or have something done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "engine/store/layer.h"
#include "tests/unit/display_box.h"

/* The row of a name in a container's directory: 1, 0 when it isn't there, -1 when that cannot be listed. */
static int find(struct display *d, enum tare_tree tree, const char *ref, const char *path, const char *name,
        struct tare_file *out)
{
	struct tare_file_list l;
	int found = 0;

	if (d->engine->files(d->engine, tree, ref, path, &l, &d->e) != 0)
		return -1;
	for (size_t i = 0; i < l.n && !found; i++)
		if (strcmp(l.rows[i].name, name) == 0) {
			found = 1;
			if (out) {
				*out = l.rows[i];
				out->name = NULL;
				out->target = out->target ? "yes" : NULL;
			}
		}
	tare_file_list_free(&l);
	return found;
}

#define listed(d, path, name) find(d, TARE_TREE_CONTAINER, "box", path, name, NULL)

/* What a file holds, or "-" when it cannot be opened. */
static const char *text(struct display *d, const char *path)
{
	static char out[256];
	cleanup_fd int fd = d->engine->file_open(d->engine, TARE_TREE_CONTAINER, "box", path, &d->e);

	if (fd < 0)
		return "-";
	ssize_t n = read(fd, out, sizeof out - 1);
	out[n < 0 ? 0 : n] = '\0';
	return out;
}

static void running_with_its_mounts(void **state)
{
	struct display *d = *state;
	struct tare_file f;

	display_needs_root();
	display_run(d, "box", "echo one >/data/in; echo two >/own; touch /ready; " SLEEP_FOR_EVER, "-v",
	        "files-data:/data");
	eventually(listed(d, "/", "ready") == 1);
	assert_int_equal(listed(d, "/data", "in"), 1);
	assert_string_equal(text(d, "/data/in"), "one\n");
	assert_string_equal(text(d, "/own"), "two\n");
	assert_int_equal(find(d, TARE_TREE_CONTAINER, "box", "/", "own", &f), 1);
	assert_true(S_ISREG(f.mode) && f.size == 4 && f.uid == 0 && f.mtime > 0);
	assert_int_equal(find(d, TARE_TREE_VOLUME, "files-data", "/", "in", NULL), 1);
	assert_int_equal(find(d, TARE_TREE_VOLUME, "files-data", "/..", "in", NULL), 1);
	assert_int_equal(find(d, TARE_TREE_VOLUME, "../containers", "/", "in", NULL), -1);
	assert_int_equal(find(d, TARE_TREE_VOLUME, "none", "/", "in", NULL), -1);
	assert_int_equal(listed(d, "/nowhere", "x"), -1);
	assert_int_equal(d->e.kind, ERR_NOT_FOUND);
}

static void stopped_and_never_started(void **state)
{
	struct display *d = *state;

	display_needs_root();
	display_run(d, "box", "echo kept >/own; rm /etc/hostname /bin/vi; true");
	tare(d, "wait", "box");
	assert_string_equal(text(d, "/own"), "kept\n");
	assert_int_equal(listed(d, "/bin", "busybox"), 1);
	assert_int_equal(listed(d, "/bin", "vi"), 0); /* its whiteout is no file */
	tare_ok(d, "rm", "box");
	tare_ok(d, "create", "--name", "box", "busybox", "true");
	assert_int_equal(listed(d, "/bin", "busybox"), 1);
	assert_int_equal(listed(d, "/bin", "vi"), 1);
}

static void of_a_directory_of_the_host(void **state)
{
	struct display *d = *state;
	char rootfs[96];

	display_needs_root();
	snprintf(rootfs, sizeof rootfs, "%s/rootfs", d->dir);
	mkdir(rootfs, 0755);
	cleanup_fd int dir = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = openat(dir, "lower", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write_all(fd, "low\n", 4), 0);
	tare_ok(d, "create", "--name", "box", "--rootfs", rootfs, "/none");
	assert_string_equal(text(d, "/lower"), "low\n");
}

static const char escapes[] =
        "ln -s /etc/shadow abs; ln -s ../../../../../../../../etc/shadow up; ln -s / all; ln -s /proc/1/root "
        "magic;"
        "ln -s /proc/self/root me; ln -s loop loop; mkdir -p etc; echo inside >/etc/shadow; mkfifo pipe;"
        "mknod null c 1 3 2>/dev/null; touch ready; ";

/* Links lead to the container's own files; those of the kernel that jump (/proc/PID/root, fd, cwd) nowhere.
 */
static void links_stay_inside(void **state)
{
	struct display *d = *state;
	char script[1024];

	display_needs_root();
	snprintf(script, sizeof script, "%s exec sleep 10000", escapes);
	display_run(d, "box", script);
	eventually(listed(d, "/", "ready") == 1);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(text(d, "/abs"), "inside\n");
		assert_string_equal(text(d, "/up"), "inside\n");
		assert_string_equal(text(d, "/../../etc/shadow"), "inside\n");
		assert_string_equal(text(d, "/all/etc/shadow"), "inside\n");
		assert_int_equal(listed(d, "/all/all/all", "ready"), 1);
		assert_int_equal(listed(d, "/magic", "etc"), -1);
		assert_int_equal(listed(d, "/me", "etc"), -1);
		assert_int_equal(listed(d, "/proc/1/root", "etc"), -1);
		assert_int_equal(listed(d, "/proc/1/cwd", "etc"), -1);
		assert_string_equal(text(d, "/proc/1/root/etc/shadow"), "-");
		assert_string_equal(text(d, "/loop"), "-");
		tare_ok(d, "stop", "-t", "0", "box");
	}
}

/* Opening a pipe would hang, a device or one of the kernel's files could do something. */
static void only_ordinary_files_are_opened(void **state)
{
	struct display *d = *state;
	char script[1024];
	struct tare_file f;

	display_needs_root();
	snprintf(script, sizeof script, "%s exec sleep 10000", escapes);
	display_run(d, "box", script, "--privileged");
	eventually(listed(d, "/", "ready") == 1);
	static const char *const refused[] = {"/pipe", "/null", "/dev/null", "/dev/tty", "/proc/kmsg",
	        "/proc/self/mem", "/proc/1/status", "/sys/kernel/uevent_seqnum", "/etc", "/", "", "none"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		alarm(5);
		assert_string_equal(text(d, refused[i]), "-");
		alarm(0);
	}
	assert_int_equal(find(d, TARE_TREE_CONTAINER, "box", "/", "pipe", &f), 1);
	assert_true(S_ISFIFO(f.mode));
	assert_int_equal(find(d, TARE_TREE_CONTAINER, "box", "/", "abs", &f), 1);
	assert_true(S_ISLNK(f.mode) && f.target);
	tare_ok(d, "stop", "-t", "0", "box");
	assert_string_equal(text(d, "/pipe"), "-");
	assert_string_equal(text(d, "/null"), "-");
}

/* A file system that the container serves itself, and whose program never answers. */
static int mount_silent_fuse(pid_t pid)
{
	char path[40], options[80];
	int fuse = open("/dev/fuse", O_RDWR), status;

	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	pid_t child = fork();
	if (child == 0) {
		int ns = open(path, O_RDONLY);
		_exit(fuse < 0 || setns(ns, CLONE_NEWNS) != 0 ||
		        mount("trap", "/mnt", "fuse", 0, options) != 0);
	}
	waitpid(child, &status, 0);
	if (status == 0)
		return fuse;
	close_fd(&fuse);
	return -1;
}

static void a_file_system_that_never_answers_stops_nobody(void **state)
{
	struct display *d = *state;

	display_needs_root();
	display_run(d, "box", "mkdir -p /mnt; ln -s /mnt/x trap; echo y >/own; touch ready; " SLEEP_FOR_EVER,
	        "-v", "files-data:/data");
	eventually(listed(d, "/", "ready") == 1);
	cleanup_fd int fuse = mount_silent_fuse(display_pid(d, "box"));
	if (fuse < 0)
		skip(); /* this kernel has none */
	alarm(5);
	assert_int_equal(listed(d, "/mnt", "x"), -1);
	assert_non_null(strstr(d->e.msg, "tare exec"));
	assert_int_equal(listed(d, "/trap", "x"), -1);
	assert_string_equal(text(d, "/mnt/x"), "-");
	assert_string_equal(text(d, "/own"), "y\n");
	assert_int_equal(listed(d, "/", "own"), 1);
	alarm(0);
}

static void very_many_names_are_cut(void **state)
{
	struct display *d = *state;
	struct tare_file_list l;

	display_needs_root();
	display_run(
	        d, "box", "mkdir /many; cd /many; seq 1 30000 | xargs touch; touch /ready; " SLEEP_FOR_EVER);
	eventually(listed(d, "/", "ready") == 1);
	engine_ok(d, d->engine->files(d->engine, TARE_TREE_CONTAINER, "box", "/many", &l, &d->e));
	assert_int_equal(l.n, 20000);
	assert_true(l.cut);
	for (size_t i = 1; i < l.n; i++)
		assert_true(strcmp(l.rows[i - 1].name, l.rows[i].name) < 0);
	tare_file_list_free(&l);
}

static void foreign_names_come_as_they_are(void **state)
{
	struct display *d = *state;
	struct tare_file_list l;

	display_needs_root();
	display_run(d, "box",
	        "mkdir /odd; cd /odd; touch \"$(printf 'a\\033[2Jb')\" \"$(printf 'x\\ny')\" "
	        "\"$(printf '\\377')\" -- -rf; ln -s \"$(printf '%04000d' 1)\" long; touch "
	        "/ready; " SLEEP_FOR_EVER);
	eventually(listed(d, "/", "ready") == 1);
	engine_ok(d, d->engine->files(d->engine, TARE_TREE_CONTAINER, "box", "/odd", &l, &d->e));
	assert_int_equal(l.n, 5);
	assert_string_equal(l.rows[0].name, "-rf");
	assert_string_equal(l.rows[1].name, "a\033[2Jb");
	assert_string_equal(l.rows[2].name, "long");
	assert_int_equal(strlen(l.rows[2].target), 512);
	assert_string_equal(l.rows[3].name, "x\ny");
	assert_string_equal(l.rows[4].name, "\377");
	tare_file_list_free(&l);
	assert_int_equal(listed(d, "/odd/\377", "x"), -1);
}

static void sizes_of_volumes(void **state)
{
	struct display *d = *state;
	uint64_t bytes = 0;

	display_needs_root();
	display_run(d, "box",
	        "dd if=/dev/zero of=/data/f bs=1024 count=64; ln -s /etc /data/l; exec sleep 10000", "-v",
	        "sized:/data");
	eventually(d->engine->volume_size(d->engine, "sized", &bytes, &d->e) == 0 && bytes >= 65536);
	assert_true(bytes < 65536 + 16384); /* a link is not followed */
	assert_int_equal(d->engine->volume_size(d->engine, "none", &bytes, &d->e), -1);
	assert_int_equal(d->e.kind, ERR_NOT_FOUND);
	assert_int_equal(d->engine->volume_size(d->engine, "../containers", &bytes, &d->e), -1);
	assert_int_equal(d->engine->volume_size(d->engine, "..", &bytes, &d->e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(running_with_its_mounts, display_teardown),
	        cmocka_unit_test_teardown(stopped_and_never_started, display_teardown),
	        cmocka_unit_test_teardown(of_a_directory_of_the_host, display_teardown),
	        cmocka_unit_test_teardown(links_stay_inside, display_teardown),
	        cmocka_unit_test_teardown(only_ordinary_files_are_opened, display_teardown),
	        cmocka_unit_test_teardown(a_file_system_that_never_answers_stops_nobody, display_teardown),
	        cmocka_unit_test_teardown(very_many_names_are_cut, display_teardown),
	        cmocka_unit_test_teardown(foreign_names_come_as_they_are, display_teardown),
	        cmocka_unit_test_teardown(sizes_of_volumes, display_teardown),
	};

	return cmocka_run_group_tests(tests, display_group_setup, display_group_teardown);
}
