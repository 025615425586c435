/* A process joins a running container: with its rights, in its namespaces, and only if it is still that
 * container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/sysmacros.h>

#include "tests/unit/container_box.h"
#include "engine/runtime/terminal.h"

static int start_sleeper(struct box *b, const char *script, int *input)
{
	int in[2];

	box_args(b, script);
	close_fd(&b->rootfs);
	b->rootfs = open_tree(AT_FDCWD, box_path(b, "rootfs"), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	struct launch l = {.spec = &b->spec,
	        .rootfs_fd = b->rootfs,
	        .seccomp = &b->seccomp,
	        .stdio = {in[0], 1, 2},
	        .init_path = b->init};
	int rc = launch_create(&l, &b->run, &b->e);
	close(in[0]);
	*input = in[1];
	return rc;
}

/* A container that lives until its input ends. */
static int with_container(struct box *b, int *input)
{
	return start_sleeper(b, "cat >/dev/null; exit 9", input);
}

static int enter(struct box *b, const struct runtime_spec *spec, const struct launch_fallbacks *f,
        struct launched *run)
{
	int ends[2], null = open(b->input ? b->input : "/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	struct enter x = {.spec = spec,
	        .init_fd = -1,
	        .target = b->run.id,
	        .seccomp = &b->seccomp,
	        .stdio = {null, ends[1], ends[1]},
	        .init_path = b->init};
	int rc = launch_enter_with(&x, f, run, &b->e);
	close(ends[1]);
	close(null);
	if (!rc)
		box_read(b, run->terminal_fd >= 0 ? run->terminal_fd : ends[0]);
	close(ends[0]);
	return rc ? -1 : box_reap(run);
}

static void joins_with_the_containers_rights(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;
	char before[64], after[64];

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	ssize_t n = readlink("/proc/self/ns/pid_for_children", before, sizeof before);
	box_args(b, "cat /proc/self/status; ls /proc/1/fd /proc/$$/fd; hostname; cat /proc/1/comm;"
	            "for n in mnt pid uts ipc net cgroup; do [ $(readlink /proc/1/ns/$n) = $(readlink "
	            "/proc/$$/ns/$n) ] || echo "
	            "differs $n; done; exit 5");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), 5);
	assert_out(b, "CapInh:\t0000000000000000\n");
	assert_out(b, "CapEff:\t00000000a80425fb\n");
	assert_out(b, "NoNewPrivs:\t1\n");
	assert_out(b, "Seccomp:\t2\n");
	assert_out(b, "box\nsh\n");
	assert_null(strstr(buf_str(&b->out), "differs"));
	assert_null(strstr(buf_str(&b->out), "\n3\n"));
	/* The caller's own children are born where they were before. */
	assert_int_equal(readlink("/proc/self/ns/pid_for_children", after, sizeof after), n);
	assert_memory_equal(before, after, (size_t)n);
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
}

static void works_from_a_memory_file(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	box_args(b, "exit 4");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){.seal = LAST_STAGE_MEMFD}, &run), 4);
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
}

static void terminal_comes_from_the_containers_devpts(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	b->spec.terminal = true;
	b->spec.rows = 20;
	b->spec.cols = 70;
	box_args(b, "tty; stty size; ls /dev/pts");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), 0);
	assert_out(b, "/dev/pts/0\r\n20 70\r\n");
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
}

/* CVE-2025-52565: a /dev/pts of the container's making, with a link where the terminal would be. */
static void a_false_devpts_gives_no_terminal(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;

	box_needs_root();
	b->spec.caps.bounding = b->spec.caps.permitted = b->spec.caps.effective = CAPABILITY_ALL;
	struct seccomp_filter kept = b->seccomp;
	b->seccomp = (struct seccomp_filter){0};
	assert_int_equal(start_sleeper(b,
	                         "mkdir -p /real; mount -t devpts -o newinstance,ptmxmode=0666 none /real;"
	                         "mount -t tmpfs none /dev/pts; touch /dev/pts/ptmx; mount -o bind "
	                         "/real/ptmx /dev/pts/ptmx;"
	                         "touch /evil; for i in 0 1 2 3; do touch /dev/pts/$i; done; touch /ready;"
	                         "cat >/dev/null; exit 9",
	                         &input),
	        0);
	for (int i = 0; i < 2000 && access(box_path(b, "rootfs/ready"), F_OK); i++)
		usleep(5000);
	b->spec.terminal = true;
	box_args(b, "tty");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
	assert_non_null(strstr(b->e.msg, "no devpts"));
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
	unlink(box_path(b, "rootfs/ready"));
	b->seccomp = kept;
}

/* The same at the level of files: links to a canary under every number. */
static void a_link_in_place_of_a_terminal_is_not_opened(void **state)
{
	struct box *b = *state;
	char canary[PATH_MAX], name[32];
	int master = -1, slave = -1;

	box_needs_root();
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	box_file(b, "canary", "untouched");
	snprintf(canary, sizeof canary, "%s", box_path(b, "canary"));
	mkdir(box_path(b, "dev"), 0755);
	mkdir(box_path(b, "dev/pts"), 0755);
	assert_int_equal(mount("none", box_path(b, "dev/pts"), "devpts", 0, "newinstance,ptmxmode=0666"), 0);
	assert_int_equal(mknod(box_path(b, "dev/ptmx"), S_IFCHR | 0666, makedev(5, 2)), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "dev/%d", i);
		assert_int_equal(symlink(canary, box_path(b, name)), 0);
	}
	cleanup_fd int dev = open(box_path(b, "dev"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(terminal_open(dev, 24, 80, &master, &slave, &b->e), 0);
	assert_true(isatty(slave));
	assert_int_equal(write(slave, "x", 1), 1);
	close(master);
	close(slave);
	assert_int_equal(umount2(box_path(b, "dev/pts"), MNT_DETACH), 0);
}

/* CVE-2024-21626 through exec: a link of the container's into our descriptors. Who goes there is not one of
 * its processes yet, so that its procfs leads nowhere; and were he one, check_cwd_inside() would refuse. */
static void cwd_may_not_lead_out(void **state)
{
	struct box *b = *state;
	struct launched run;
	char link[40];
	int input;

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	int leak = open("/", O_RDONLY | O_DIRECTORY);
	b->input = b->dir;
	for (int fd = 0; fd < 24; fd += fd ? 1 : 3) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		unlink(box_path(b, "rootfs/trap"));
		assert_int_equal(symlink(link, box_path(b, "rootfs/trap")), 0);
		free(b->spec.cwd);
		b->spec.cwd = strdup("/trap");
		box_args(b, "pwd");
		assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
		assert_int_equal(err_exit_code(&b->e), 125);
	}
	close(leak);
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
}

static void bad_commands_and_users_are_errors(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	strv_free(b->spec.args);
	b->spec.args = NULL;
	strv_add(&b->spec.args, "nosuch");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
	assert_int_equal(err_exit_code(&b->e), 127);
	strcpy(b->spec.args[0], "/etc");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
	assert_int_equal(err_exit_code(&b->e), 126);
	free(b->spec.user);
	b->spec.user = strdup("1000x");
	box_args(b, "true");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
	assert_int_equal(err_exit_code(&b->e), 125);
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
}

/* A pid is only believed together with its start time. */
static void another_process_of_that_pid_is_refused(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	b->run.id.start_time++;
	box_args(b, "true");
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
	assert_non_null(strstr(b->e.msg, "not running"));
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
	assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), -1);
	assert_non_null(strstr(b->e.msg, "not running"));
}

/* Attack 28: what joins is looked at all the time from inside. Nothing of it can be read while it still holds
 * more than the container, so the host's root directory is never seen through its descriptors, and no host
 * binary as its exe. */
static void joining_process_is_closed_to_the_container(void **state)
{
	struct box *b = *state;
	struct launched run;
	int input;

	box_needs_root();
	assert_int_equal(start_sleeper(b,
	                         "(while :; do for p in /proc/[0-9]*; do readlink $p/exe; ls -l $p/fd; done; "
	                         "done >/seen 2>/dev/null) &"
	                         "cat >/dev/null; kill -9 $!; exit 9",
	                         &input),
	        0);
	box_args(b, "exit 0");
	for (int i = 0; i < 100; i++)
		assert_int_equal(enter(b, &b->spec, &(struct launch_fallbacks){0}, &run), 0);
	close(input);
	assert_int_equal(box_reap(&b->run), 9);
	struct buf seen = BUF_INIT;
	cleanup_fd int dir = open(b->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_read_at(dir, "rootfs/seen", &seen, &b->e), 0);
	assert_non_null(strstr(buf_str(&seen), "busybox")); /* it did look */
	assert_null(strstr(buf_str(&seen), "test_runtime_enter"));
	assert_null(strstr(buf_str(&seen), "memfd:"));
	buf_free(&seen);
}

static void set_join(struct box *b, enum spec_namespace_kind k, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/%s", b->run.id.pid, name);
	b->spec.ns[k].mode = NS_JOIN;
	b->spec.ns[k].path = strdup(path);
}

/* --network container:REF and its kin: a second container in namespaces of the first. */
static void a_container_in_anothers_namespaces(void **state)
{
	struct box *b = *state;
	struct launched first;
	char link[64];
	int input;

	box_needs_root();
	assert_int_equal(with_container(b, &input), 0);
	first = b->run;
	set_join(b, NS_NETWORK, "net");
	set_join(b, NS_IPC, "ipc");
	set_join(b, NS_PID, "pid");
	ssize_t n = readlink(b->spec.ns[NS_NETWORK].path, link, sizeof link - 1);
	assert_true(n > 0);
	link[n] = 0;
	assert_int_equal(box_run(b, "readlink /proc/self/ns/net; echo me $$; cat /proc/1/comm; hostname"), 0);
	assert_out(b, link);
	assert_out(b, "sh\nbox\n");
	assert_null(strstr(buf_str(&b->out), "me 1\n"));
	close(input);
	assert_int_equal(box_reap(&first), 9);
	/* Its processes are gone, and so is what could be joined. */
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "is the other container running?"));
}

int main(void)
{
#define box_test(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
	const struct CMUnitTest tests[] = {
	        box_test(joins_with_the_containers_rights),
	        box_test(works_from_a_memory_file),
	        box_test(terminal_comes_from_the_containers_devpts),
	        box_test(a_false_devpts_gives_no_terminal),
	        box_test(a_link_in_place_of_a_terminal_is_not_opened),
	        box_test(cwd_may_not_lead_out),
	        box_test(bad_commands_and_users_are_errors),
	        box_test(another_process_of_that_pid_is_refused),
	        box_test(a_container_in_anothers_namespaces),
	        box_test(a_container_in_anothers_namespaces),
	        box_test(joining_process_is_closed_to_the_container),
	};

	return cmocka_run_group_tests(tests, box_group_setup, box_group_teardown);
}
