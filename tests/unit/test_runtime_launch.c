/* A container from clone3 to its exit code: what it sees, what it may, and what is said when it can't be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/container_box.h"
#include "engine/runtime/birth.h"

static void exit_code_is_the_commands(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(box_run(b, "exit 42"), 42);
	assert_int_equal(box_run(b, "kill -9 $$; exit 3"), 3); /* process 1 can't be killed from inside */
}

static void rights_are_given_up(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(box_run(b, "cat /proc/self/status; umask"), 0);
	assert_out(b, "CapInh:\t0000000000000000\n");
	assert_out(b, "CapBnd:\t00000000a80425fb\n");
	assert_out(b, "CapEff:\t00000000a80425fb\n");
	assert_out(b, "CapAmb:\t0000000000000000\n");
	assert_out(b, "NoNewPrivs:\t1\n");
	assert_out(b, "Seccomp:\t2\n");
	assert_out(b, "0022\n");
}

static void other_users_have_no_capability(void **state)
{
	struct box *b = *state;

	box_needs_root();
	free(b->spec.user);
	b->spec.user = strdup("web");
	strv_add(&b->spec.groups, "77");
	assert_int_equal(box_run(b, "id; grep Cap /proc/self/status; echo home=$HOME"), 0);
	assert_out(b, "uid=1000(web) gid=1001 groups=50(staff),77");
	assert_out(b, "CapEff:\t0000000000000000\n");
	assert_out(b, "CapPrm:\t0000000000000000\n");
	assert_out(b, "CapBnd:\t00000000a80425fb\n");
	assert_out(b, "home=/home/web\n");
}

/* CVE-2024-21626: what the calling program had open stays out, close-on-exec or not. */
static void only_three_descriptors_cross(void **state)
{
	struct box *b = *state;
	int leaks[4];

	box_needs_root();
	for (int i = 0; i < 4; i++)
		leaks[i] = open("/", O_RDONLY | O_DIRECTORY); /* no O_CLOEXEC on purpose */
	assert_int_equal(box_run(b, "ls /proc/1/fd; true"), 0);
	for (int i = 0; i < 4; i++)
		close(leaks[i]);
	assert_string_equal(buf_str(&b->out), "0\n1\n2\n");
}

static void cwd_may_not_lead_out(void **state)
{
	struct box *b = *state;
	char path[40];

	box_needs_root();
	int leak = open("/", O_RDONLY | O_DIRECTORY);
	/* The one directory of the host that no descriptor is closed for: a caller's standard input. */
	b->input = b->dir;
	for (int fd = 0; fd < 24; fd += fd ? 1 : 3) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		free(b->spec.cwd);
		b->spec.cwd = strdup(path);
		if (box_run_with(b, &(struct launch_fallbacks){0}, "pwd; ls") >= 0)
			assert_null(strstr(buf_str(&b->out), "unreachable"));
		assert_null(strstr(buf_str(&b->out), "rootfs"));
	}
	close(leak);
}

static void missing_cwd_is_made(void **state)
{
	struct box *b = *state;

	box_needs_root();
	free(b->spec.cwd);
	b->spec.cwd = strdup("/srv/app/data");
	assert_int_equal(box_run(b, "pwd"), 0);
	assert_string_equal(buf_str(&b->out), "/srv/app/data\n");
}

static void mounts_are_dockers(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(box_run(b, "cat /proc/self/mounts"), 0);
	assert_out(b, "proc /proc proc rw,nosuid,nodev,noexec");
	assert_out(b, " /dev tmpfs rw,nosuid");
	assert_out(b, "devpts /dev/pts devpts rw,nosuid,noexec");
	assert_out(b, "sysfs /sys sysfs ro,nosuid,nodev,noexec");
	assert_out(b, "mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec");
	assert_out(b, "shm /dev/shm tmpfs rw,nosuid,nodev,noexec");
	assert_out(b, "proc /proc/sys proc ro,");
}

static void hidden_paths_are_empty_or_readonly(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(box_run(b, "cat /proc/keys /proc/timer_list | wc -c; ls /sys/firmware | wc -l;"
	                            "echo x >/proc/sys/kernel/domainname || echo refused; umount /proc/keys "
	                            "|| echo stays"),
	        0);
	assert_out(b, "0\n0\n");
	assert_out(b, "refused\n");
	assert_out(b, "stays\n");
}

static void devices_are_there_and_no_others(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(box_run(b, "cd /dev; stat -c '%n %t %T %a' null zero full random urandom tty;"
	                            "readlink fd; readlink ptmx; echo x >null; dd if=zero bs=1 count=3 "
	                            "2>null | wc -c; ls | wc -l"),
	        0);
	assert_out(b,
	        "null 1 3 666\nzero 1 5 666\nfull 1 7 666\nrandom 1 8 666\nurandom 1 9 666\ntty 5 0 666\n");
	assert_out(b, "/proc/self/fd\npts/ptmx\n3\n14\n");
}

static void namespaces_are_its_own(void **state)
{
	struct box *b = *state;
	static const char *const names[] = {"mnt", "pid", "uts", "ipc", "net", "cgroup"};
	char host[64], path[64];

	box_needs_root();
	assert_int_equal(
	        box_run(b, "hostname; ls /sys/class/net; cat /sys/class/net/lo/flags; echo pid $$;"
	                   "for n in mnt pid uts ipc net cgroup; do readlink /proc/self/ns/$n; done"),
	        0);
	assert_out(b, "box\nlo\n0x9\npid 1\n");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
		ssize_t n = readlink(path, host, sizeof host - 1);
		assert_true(n > 0);
		host[n] = 0;
		assert_null(strstr(buf_str(&b->out), host));
	}
}

static void host_network_is_left_alone(void **state)
{
	struct box *b = *state;
	char host[64];

	box_needs_root();
	b->spec.ns[NS_NETWORK].mode = NS_HOST;
	assert_int_equal(box_run(b, "readlink /proc/self/ns/net"), 0);
	ssize_t n = readlink("/proc/self/ns/net", host, sizeof host - 1);
	host[n] = 0;
	assert_out(b, host);
}

static void check_failure(struct box *b, const char *command, int code, const char *text)
{
	strv_free(b->spec.args);
	b->spec.args = NULL;
	strv_add(&b->spec.args, command);
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, NULL), -1);
	assert_int_equal(err_exit_code(&b->e), code);
	if (!strstr(b->e.msg, text))
		fail_msg("%s: %s", command, b->e.msg);
	assert_null(strchr(b->e.msg, '\n'));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing left to reap */
}

static void bad_commands_are_told_apart(void **state)
{
	struct box *b = *state;

	box_needs_root();
	box_file(b, "rootfs/bin/garbage", "\x01\x02\x03");
	chmod(box_path(b, "rootfs/bin/garbage"), 0755);
	box_file(b, "rootfs/bin/orphan", "#!/no/interpreter\n");
	chmod(box_path(b, "rootfs/bin/orphan"), 0755);
	check_failure(b, "nosuch", 127, "not found in the container's PATH");
	check_failure(b, "", 127, "not found");
	check_failure(b, "/bin/nosuch", 127, "no such file");
	check_failure(b, "orphan", 127, "interpreter");
	check_failure(b, "/etc", 126, "directory");
	check_failure(b, "/etc/passwd", 126, "permission denied");
	check_failure(b, "garbage", 126, "format error");
	/* The same when tare-init stays as process 1 and its child fails. */
	b->spec.init = true;
	check_failure(b, "nosuch", 127, "not found in the container's PATH");
	check_failure(b, "/etc", 126, "directory");
}

static void bad_users_are_errors(void **state)
{
	struct box *b = *state;
	static const char *const users[] = {
	        "1000x", "0:", ":0", "-1", "4294967295", "0x10", "nobody", "web:nogroup"};

	box_needs_root();
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
		free(b->spec.user);
		b->spec.user = strdup(users[i]);
		assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
		assert_int_equal(err_exit_code(&b->e), 125);
	}
}

/* CVE-2024-9676: none of these may hang or eat memory. */
static void strange_account_files_are_errors(void **state)
{
	struct box *b = *state;
	char path[PATH_MAX];

	box_needs_root();
	snprintf(path, sizeof path, "%s", box_path(b, "rootfs/etc/passwd"));
	unlink(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "regular file"));
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "regular file"));
	unlink(path);
	box_file(b, "rootfs/etc/passwd", "");
	assert_int_equal(truncate(path, INT64_C(2) << 30), 0);
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "1 MiB"));
	unlink(path);
	assert_int_equal(box_run(b, "id -u; echo $HOME"), 0); /* and none at all is fine */
	assert_string_equal(buf_str(&b->out), "0\n/\n");
}

static void env_is_the_containers_alone(void **state)
{
	struct box *b = *state;

	box_needs_root();
	setenv("TARE_TEST_SECRET", "1", 1);
	strv_add(&b->spec.env, "GREETING=hello world");
	assert_int_equal(box_run(b, "env; cat /proc/1/environ"), 0);
	assert_out(b, "GREETING=hello world\n");
	assert_null(strstr(buf_str(&b->out), "SECRET"));
	/* Nor is it in the last stage, where that stays. */
	b->spec.init = true;
	b->spec.caps.bounding = b->spec.caps.permitted = b->spec.caps.effective = CAPABILITY_ALL;
	assert_int_equal(box_run(b, "cat /proc/1/environ"), 0);
	unsetenv("TARE_TEST_SECRET");
	assert_null(strstr(buf_str(&b->out), "SECRET"));
}

static void ignored_signals_are_reset(void **state)
{
	struct box *b = *state;

	box_needs_root();
	/* Not through sh, which has its own mind about signals. */
	strv_free(b->spec.args);
	b->spec.args = NULL;
	strv_add(&b->spec.args, "cat");
	strv_add(&b->spec.args, "/proc/self/status");
	signal(SIGPIPE, SIG_IGN);
	int code = box_run(b, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(code, 0);
	assert_out(b, "SigBlk:\t0000000000000000\n");
	assert_out(b, "SigIgn:\t0000000000000000\n");
}

static void init_reaps_forwards_and_passes_the_code_on(void **state)
{
	struct box *b = *state;
	int ends[2];

	box_needs_root();
	b->spec.init = true;
	assert_int_equal(box_run(b, "echo me $$; exit 7"), 7);
	assert_out(b, "me 2\n");
	assert_int_equal(box_run(b, "kill -9 $$"), 128 + 9);
	/* An orphan falls to process 1 and leaves no zombie. */
	assert_int_equal(box_run(b, "(sleep 0.05 & ) ; sleep 0.3; grep -l sleep /proc/[0-9]*/comm"), 1);
	assert_string_equal(buf_str(&b->out), "");
	box_args(b, "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.02; done");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(box_launch_with(b, &(struct launch_fallbacks){0}, ends[1]), 0);
	close(ends[1]);
	char ready[6];
	assert_int_equal(read_full(ends[0], ready, sizeof ready), sizeof ready);
	kill(b->run.id.pid, SIGTERM);
	box_read(b, ends[0]);
	close(ends[0]);
	assert_int_equal(box_reap(&b->run), 3);
	assert_out(b, "got it\n");
}

static void terminal_is_the_containers_own(void **state)
{
	struct box *b = *state;

	box_needs_root();
	b->spec.terminal = true;
	b->spec.rows = 31;
	b->spec.cols = 101;
	box_args(b, "tty; stty size; stat -c '%t %u' /dev/console; echo direct >/dev/tty; ls /dev/pts");
	assert_int_equal(box_launch_with(b, &(struct launch_fallbacks){0}, 1), 0);
	assert_true(b->run.terminal_fd >= 0);
	box_read(b, b->run.terminal_fd);
	assert_int_equal(box_reap(&b->run), 0);
	/* The buffer is emptied by the EIO of a closed terminal unless it was read whole. */
	assert_true(b->out.len > 0);
	assert_out(b, "/dev/pts/0\r\n31 101\r\n88 0\r\ndirect\r\n");
}

static void readonly_root_is_readonly(void **state)
{
	struct box *b = *state;

	box_needs_root();
	b->spec.root_readonly = true;
	assert_int_equal(box_run(b, "touch /x || echo refused; touch /dev/shm/y && echo fine"), 0);
	assert_out(b, "refused\n");
	assert_out(b, "fine\n");
}

static void rlimits_and_oom_score_apply(void **state)
{
	struct box *b = *state;

	box_needs_root();
	runtime_spec_add_rlimit(&b->spec, (struct spec_rlimit){RLIMIT_NOFILE, 100, 200});
	b->spec.has_oom_score_adj = true;
	b->spec.oom_score_adj = 500;
	assert_int_equal(box_run(b, "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj"), 0);
	assert_string_equal(buf_str(&b->out), "100\n200\n500\n");
}

static void sysctls_of_the_namespace_only(void **state)
{
	struct box *b = *state;

	box_needs_root();
	strv_add(&b->spec.sysctl, "net.ipv4.ip_forward=1");
	strv_add(&b->spec.sysctl, "kernel.shm_rmid_forced=1");
	assert_int_equal(box_run(b, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced"), 0);
	assert_string_equal(buf_str(&b->out), "1\n1\n");
	strv_add(&b->spec.sysctl, "kernel.core_pattern=|/evil");
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "kernel.core_pattern"));
	strv_free(b->spec.sysctl);
	b->spec.sysctl = NULL;
	strv_add(&b->spec.sysctl, "net.ipv4.ip_forward=1");
	b->spec.ns[NS_NETWORK].mode = NS_HOST;
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "network namespace"));
}

/* CVE-2025-52881: what stands at /proc leads the write elsewhere; here to a canary, there to core_pattern. */
static void a_false_proc_is_not_written_to(void **state)
{
	struct box *b = *state;
	cleanup_buf struct buf canary = BUF_INIT;

	box_needs_root();
	assert_int_equal(mkdir_all(box_path(b, "false/sys/net/ipv4"), 0755), 0);
	box_file(b, "false/sys/net/ipv4/ip_forward", "canary");
	for (size_t i = 0; i < b->spec.n_mounts; i++) {
		struct spec_mount *m = &b->spec.mounts[i];
		if (strcmp(m->destination, "/proc"))
			continue;
		strcpy(m->type, "bind");
		free(m->source);
		m->source = strdup(box_path(b, "false"));
	}
	strv_add(&b->spec.sysctl, "net.ipv4.ip_forward=1");
	assert_int_equal(box_run(b, "true"), 0);
	cleanup_fd int dir = open(b->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_read_at(dir, "false/sys/net/ipv4/ip_forward", &canary, &b->e), 0);
	assert_string_equal(buf_str(&canary), "canary");
}

/* So that an attack that comes through spoils no program of the build's. */
static void own_copy_of_init(struct box *b)
{
	build_path(b->init, "tare-init");
	cleanup_fd int from = open(b->init, O_RDONLY | O_CLOEXEC);
	char chunk[65536];
	ssize_t n;

	snprintf(b->init, sizeof b->init, "%s", box_path(b, "init-copy"));
	cleanup_fd int to = open(b->init, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, chunk, sizeof chunk)) > 0)
		assert_int_equal(write_all(to, chunk, (size_t)n), 0);
}

/* As long as it runs it is busy and can't be written anyway; a container that keeps it open waits for that to
 * end. */
static void check_idle_init_cannot_be_written(struct box *b, enum last_stage_seal seal, int error)
{
	char path[32];
	int fd = last_stage_open(b->init, seal, &b->e);

	assert_true(fd >= 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	cleanup_fd int again = open(path, O_RDWR | O_CLOEXEC);
	assert_true(again < 0 || write(again, "evil", 4) < 0);
	assert_int_equal(errno, error);
	close(fd);
}

static void a_held_mount_of_init_cannot_be_written(void **state)
{
	struct box *b = *state;

	box_needs_root();
	own_copy_of_init(b);
	check_idle_init_cannot_be_written(b, LAST_STAGE_MOUNT, EROFS);
}

static void a_held_memory_file_of_init_cannot_be_written(void **state)
{
	struct box *b = *state;

	box_needs_root();
	own_copy_of_init(b);
	check_idle_init_cannot_be_written(b, LAST_STAGE_MEMFD, EPERM);
}

/* CVE-2019-5736: "#!/proc/self/exe" makes the kernel run our last stage again, as seen by the container.
 * Whatever it gets hold of that way, it can't write to it. */
static void container_cannot_write_to_init(void **state)
{
	struct box *b = *state;
	static const enum last_stage_seal seals[] = {LAST_STAGE_MOUNT, LAST_STAGE_MEMFD};
	struct stat before, after;

	box_needs_root();
	own_copy_of_init(b);
	assert_int_equal(stat(b->init, &before), 0);
	for (size_t i = 0; i < 2; i++) {
		struct launch_fallbacks f = {.seal = seals[i]};
		b->spec.init = true; /* tare-init stays: its /proc/1/exe can be reached */
		b->spec.caps.bounding = b->spec.caps.permitted = b->spec.caps.effective = CAPABILITY_ALL;
		assert_int_equal(box_run_with(b, &f,
		                         "ls -l /proc/1/exe >/dev/null && echo seen;"
		                         "echo evil 2>/dev/null >/proc/1/exe || echo refused;"
		                         "touch /proc/1/exe"),
		        i == 0);
		assert_out(b, "seen\n");
		assert_out(b, "refused\n");
	}
	assert_int_equal(stat(b->init, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
}

static void old_kernels_way_gives_the_same(void **state)
{
	struct box *b = *state;
	struct launch_fallbacks f = {.seal = LAST_STAGE_MEMFD, .old_mount_api = true};

	box_needs_root();
	mkdir(box_path(b, "src"), 0755);
	box_mount(b, "/mnt", "bind", box_path(b, "src"), "rbind,rprivate,ro,nosuid");
	b->spec.root_readonly = true;
	assert_int_equal(box_run_with(b, &f,
	                         "grep -E ' /(mnt|proc/sys)? ' /proc/self/mounts; touch /x || echo refused"),
	        0);
	assert_out(b, " / tmpfs ro,");
	assert_out(b, " /mnt tmpfs ro,nosuid");
	assert_out(b, "refused\n");
	rmdir(box_path(b, "src"));
}

static void nodes_come_from_the_host_without_mknod(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(
	        box_run_with(b, &(struct launch_fallbacks){.no_mknod = true},
	                "cd /dev; stat -c '%n %t %T' null zero full random urandom tty; echo x >null;"
	                "cat /proc/keys | wc -c"),
	        0);
	assert_out(b, "null 1 3\nzero 1 5\nfull 1 7\nrandom 1 8\nurandom 1 9\ntty 5 0\n0\n");
}

static void old_kernels_close_descriptors_too(void **state)
{
	int fds[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		fds[i] = open("/", O_RDONLY | O_DIRECTORY); /* no O_CLOEXEC on purpose */
	assert_int_equal(close_on_exec_from((unsigned)fds[1], true), 0);
	assert_int_equal(fcntl(fds[0], F_GETFD), 0);
	assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fds[2], F_GETFD), FD_CLOEXEC);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void session_and_group_are_its_own(void **state)
{
	struct box *b = *state;

	box_needs_root();
	assert_int_equal(box_run(b, "cat /proc/1/stat; true"), 0);
	assert_out(b, "1 (sh) ");
	assert_out(b, " 0 1 1 "); /* parent 0, group 1, session 1 */
}

/* What the launcher does in the new network namespace; late, so that a child that doesn't wait is seen. */
static int forward_and_leave_a_file(const struct launched *child, void *arg, struct err *e)
{
	struct box *b = arg;
	int status;

	(void)e;
	usleep(30000);
	box_file(b, "rootfs/born", "by the launcher\n");
	assert_true(child->id.pid > 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(setns(child->pidfd, CLONE_NEWNET) ||
		        file_poke(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return 0;
}

static void the_command_and_sysctls_wait_for_the_launchers_part(void **state)
{
	struct box *b = *state;

	box_needs_root();
	b->born = forward_and_leave_a_file;
	assert_int_equal(box_run(b, "cat /born /proc/sys/net/ipv4/ip_forward"), 0);
	assert_string_equal(buf_str(&b->out), "by the launcher\n1\n");
	strv_add(&b->spec.sysctl, "net.ipv4.ip_forward=0");
	assert_int_equal(box_run(b, "cat /proc/sys/net/ipv4/ip_forward"), 0);
	assert_string_equal(buf_str(&b->out), "0\n");
}

static int refuse(const struct launched *child, void *arg, struct err *e)
{
	(void)child;
	(void)arg;
	usleep(30000);
	return err_set(e, ERR_CONFLICT, "no network today");
}

/* Whoever waits for the launcher's word must hear its end, so it can't hold the launcher's end as well. */
static int count_ends(const struct launched *child, void *arg, struct err *e)
{
	struct box *b = arg;
	char dir[32], link[64];
	int n = 0;

	(void)e;
	snprintf(dir, sizeof dir, "/proc/%d/fd", (int)child->id.pid);
	for (int tries = 0; tries < 200 && n != 1; tries++, usleep(5000)) {
		cleanup_dir DIR *d = opendir(dir);
		n = 0;
		for (struct dirent *entry; d && (entry = readdir(d));) {
			ssize_t len = readlinkat(dirfd(d), entry->d_name, link, sizeof link - 1);
			n += len > 7 && strncmp(link, "socket:", 7) == 0;
		}
	}
	b->e.sys = n;
	return 0;
}

static void the_child_holds_one_end(void **state)
{
	struct box *b = *state;

	box_needs_root();
	b->born = count_ends;
	assert_int_equal(box_run(b, "true"), 0);
	assert_int_equal(b->e.sys, 1);
}

static int quick(const struct launched *child, void *arg, struct err *e)
{
	(void)child;
	(void)arg;
	(void)e;
	return 0;
}

static void a_failing_launchers_part_ends_the_child(void **state)
{
	struct box *b = *state;

	box_needs_root();
	b->born = refuse;
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_string_equal(b->e.msg, "no network today");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
	assert_int_equal(b->run.pidfd, -1);
	/* the child failed first: its reason counts, whether our part fails for it or not */
	free(b->spec.user);
	b->spec.user = strdup("nobody-here");
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "nobody-here"));
	b->born = quick;
	assert_int_equal(box_run_with(b, &(struct launch_fallbacks){0}, "true"), -1);
	assert_non_null(strstr(b->e.msg, "nobody-here"));
}

int main(void)
{
#define box_test(f) cmocka_unit_test_setup_teardown(f, box_setup, box_teardown)
	const struct CMUnitTest tests[] = {
	        box_test(exit_code_is_the_commands),
	        box_test(rights_are_given_up),
	        box_test(other_users_have_no_capability),
	        box_test(only_three_descriptors_cross),
	        box_test(cwd_may_not_lead_out),
	        box_test(missing_cwd_is_made),
	        box_test(mounts_are_dockers),
	        box_test(hidden_paths_are_empty_or_readonly),
	        box_test(devices_are_there_and_no_others),
	        box_test(namespaces_are_its_own),
	        box_test(host_network_is_left_alone),
	        box_test(bad_commands_are_told_apart),
	        box_test(bad_users_are_errors),
	        box_test(strange_account_files_are_errors),
	        box_test(env_is_the_containers_alone),
	        box_test(ignored_signals_are_reset),
	        box_test(init_reaps_forwards_and_passes_the_code_on),
	        box_test(terminal_is_the_containers_own),
	        box_test(readonly_root_is_readonly),
	        box_test(rlimits_and_oom_score_apply),
	        box_test(sysctls_of_the_namespace_only),
	        box_test(a_false_proc_is_not_written_to),
	        box_test(container_cannot_write_to_init),
	        box_test(a_held_mount_of_init_cannot_be_written),
	        box_test(a_held_memory_file_of_init_cannot_be_written),
	        box_test(old_kernels_way_gives_the_same),
	        box_test(nodes_come_from_the_host_without_mknod),
	        cmocka_unit_test(old_kernels_close_descriptors_too),
	        box_test(session_and_group_are_its_own),
	        box_test(the_command_and_sysctls_wait_for_the_launchers_part),
	        box_test(a_failing_launchers_part_ends_the_child),
	        box_test(the_child_holds_one_end),
	};

	return cmocka_run_group_tests(tests, box_group_setup, box_group_teardown);
}
