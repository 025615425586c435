/* A monitor is killed, and another one takes its container: the output, the exit code, the rest. */
#include "tests/unit/monitor_rig.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* The container writes a block for each file "go.N" that appears, and ends after the last one. */
struct script {
	struct rig r;
	size_t block;
	int blocks;
};

static char pattern(size_t i)
{
	return i % 101 == 100 ? '\n' : (char)('a' + i % 23);
}

static void write_blocks(void *arg)
{
	struct script *s = arg;
	char path[128], *data = malloc(s->block);
	size_t at = 0;

	if (!data)
		_exit(9);
	for (int i = 0; i < s->blocks; i++) {
		snprintf(path, sizeof(path), "%s/go.%d", s->r.dir, i);
		while (access(path, F_OK) != 0)
			usleep(1000);
		for (size_t k = 0; k < s->block; k++)
			data[k] = pattern(at++);
		if (write_all(1, data, s->block) < 0)
			_exit(9);
		snprintf(path, sizeof(path), "%s/done.%d", s->r.dir, i);
		close(open(path, O_CREAT | O_WRONLY, 0600));
	}
	_exit(42);
}

static void go(const struct script *s, int i)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/go.%d", s->r.dir, i);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void await_file(const struct script *s, const char *name, int i)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.%d", s->r.dir, name, i);
	while (access(path, F_OK) != 0)
		usleep(1000);
}

/* Until the log has that much of the container's. */
static void await_log(const struct script *s, size_t len)
{
	for (;;) {
		cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;

		if (faccessat(s->r.container_fd, "log", F_OK, 0) == 0) {
			rig_logs(&s->r, &out, &err);
			if (out.len >= len)
				return;
		}
		usleep(1000);
	}
}

static void check_log(const struct script *s, size_t len)
{
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;

	rig_logs(&s->r, &out, &err);
	assert_int_equal(out.len, len);
	for (size_t i = 0; i < len; i++)
		if (out.data[i] != pattern(i))
			fail_msg("differs at %zu of %zu", i, len);
}

static void check_times(const struct rig *r)
{
	cleanup_buf struct buf log = BUF_INIT;
	char last[31] = "";

	log.max = 64u << 20;
	assert_int_equal(file_read_at(r->container_fd, "log", &log, NULL), 0);
	for (char *p = log.data, *nl; p < log.data + log.len; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(log.data + log.len - p));
		assert_non_null(nl);
		assert_true(memcmp(p, last, 30) >= 0);
		memcpy(last, p, 30);
	}
}

/* Three blocks: with the first monitor, with none, with the second one. Nothing is lost, nothing comes twice,
 * and the container has not waited: a pipe of the first monitor's size takes the second block whole. */
static void test_output_survives(void **state)
{
	struct script s = {.block = 500000, .blocks = 3};
	struct rig_options o = {.child = write_blocks, .arg = &s};
	struct exit_record x;
	int status;

	(void)state;
	rig_start(&s.r, &o);
	go(&s, 0);
	await_log(&s, s.block);
	rig_orphan(&s.r);
	go(&s, 1);
	await_file(&s, "done", 1);
	rig_adopt(&s.r, &o);
	await_log(&s, 2 * s.block);
	go(&s, 2);
	rig_end(&s.r);
	assert_true(rig_cleanup_ran(&s.r));
	check_log(&s, 3 * s.block);
	check_times(&s.r);
	assert_int_equal(exit_record_read(s.r.state_fd, &x), 0);
	assert_int_equal(x.code, 42);
	assert_int_equal(x.signal, 0);
	assert_false(x.unknown);
	assert_int_equal(waitpid(s.r.child, &status, 0), s.r.child);
	rig_remove(&s.r);
}

/* Who comes after it attaches as before. */
static void test_attach_after_adoption(void **state)
{
	struct script s = {.block = 100000, .blocks = 2};
	struct rig_options o = {.child = write_blocks, .arg = &s};
	struct attach_client a = {0};
	enum tare_io_end end;
	struct exit_record x;
	struct tare_io io = {.in = -1, .err = -1};
	struct stat st;
	struct err e = ERR_INIT;

	(void)state;
	rig_start(&s.r, &o);
	rig_orphan(&s.r);
	rig_adopt(&s.r, &o);
	a.container_fd = s.r.container_fd;
	io.out = rig_file(&s.r, "out");
	a.io = &io;
	go(&s, 0);
	int sock = rig_connect(&s.r);
	/* It ends when the client is surely there: it has had something. */
	pid_t gate = fork();
	if (!gate) {
		while (fstat(io.out, &st) == 0 && !st.st_size)
			usleep(1000);
		go(&s, 1);
		_exit(0);
	}
	if (attach_client_run(sock, &a, &end, &x, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(x.code, 42);
	close(sock);
	rig_end(&s.r);
	waitpid(gate, NULL, 0);
	waitpid(s.r.child, NULL, 0);
	check_log(&s, 2 * s.block);
	close(io.out);
	rig_remove(&s.r);
}

/* Its parent takes the end before the monitor can look: the kernel tells from 6.15 on; before that it is said
 * that nobody knows. */
static void taken_first(int sig, int code)
{
	struct script s = {.block = 10, .blocks = 1};
	struct rig_options o = {.child = write_blocks, .arg = &s};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct exit_record x;
	int status;

	rig_start(&s.r, &o);
	rig_orphan(&s.r);
	rig_adopt(&s.r, &o);
	rig_await_monitor(&s.r);
	kill(s.r.monitor, SIGSTOP);
	assert_int_equal(waitpid(s.r.monitor, &status, WUNTRACED), s.r.monitor);
	if (sig)
		kill(s.r.child, sig);
	else
		go(&s, 0);
	assert_int_equal(waitpid(s.r.child, &status, 0), s.r.child);
	kill(s.r.monitor, SIGCONT);
	rig_end(&s.r);
	assert_int_equal(exit_record_read(s.r.state_fd, &x), 0);
	rig_logs(&s.r, &out, &err);
	if (x.unknown) {
		assert_int_equal(x.code, EXIT_UNKNOWN);
		assert_non_null(strstr(buf_str(&err), "how the container ended is not known"));
	} else {
		assert_int_equal(x.code, code);
		assert_int_equal(x.signal, sig);
		assert_int_equal(err.len, 0);
	}
	rig_remove(&s.r);
}

static void test_end_taken_by_its_parent(void **state)
{
	(void)state;
	taken_first(0, 42);
	taken_first(SIGKILL, 128 + SIGKILL);
}

static void test_ended_before_adoption(void **state)
{
	struct script s = {.block = 10, .blocks = 1};
	struct rig_options o = {.child = write_blocks, .arg = &s};
	struct exit_record x;
	siginfo_t info;

	(void)state;
	rig_start(&s.r, &o);
	rig_orphan(&s.r);
	go(&s, 0);
	/* seen, not taken: it is a zombie, and every kernel tells about one */
	assert_int_equal(waitid(P_PID, (id_t)s.r.child, &info, WEXITED | WNOWAIT), 0);
	rig_adopt(&s.r, &o);
	rig_end(&s.r);
	assert_int_equal(exit_record_read(s.r.state_fd, &x), 0);
	assert_int_equal(x.code, 42);
	assert_false(x.unknown);
	waitpid(s.r.child, NULL, 0);
	rig_remove(&s.r);
}

/* Health checks and restarts go on. */
static void test_policies_go_on(void **state)
{
	struct script s = {.block = 10, .blocks = 1};
	struct rig_options o = {.child = write_blocks,
	        .arg = &s,
	        .cleanup = "exit 100",
	        .restart = "echo again >$0/marker",
	        .health = "[ ! -e $0/adopted ] || : >$0/go.0",
	        .health_interval_ms = 1,
	        .health_start_interval_ms = 1};
	char path[128];

	(void)state;
	rig_start(&s.r, &o);
	rig_orphan(&s.r);
	snprintf(path, sizeof(path), "%s/adopted", s.r.dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	rig_adopt(&s.r, &o);
	rig_end(&s.r);
	assert_true(rig_cleanup_ran(&s.r));
	waitpid(s.r.child, NULL, 0);
	rig_remove(&s.r);
}

/* ------------------------------------------------------------------ what a monitor survives */

/* Stopped and continued, as by a debugger: the container has not waited, and nothing is lost. */
static void test_stopped_monitor(void **state)
{
	struct script s = {.block = 500000, .blocks = 2};
	struct rig_options o = {.child = write_blocks, .arg = &s};
	struct exit_record x;
	int status;

	(void)state;
	rig_start(&s.r, &o);
	rig_await_monitor(&s.r);
	kill(s.r.monitor, SIGSTOP);
	assert_int_equal(waitpid(s.r.monitor, &status, WUNTRACED), s.r.monitor);
	go(&s, 0);
	await_file(&s, "done", 0);
	kill(s.r.monitor, SIGCONT);
	go(&s, 1);
	rig_end(&s.r);
	check_log(&s, 2 * s.block);
	assert_int_equal(exit_record_read(s.r.state_fd, &x), 0);
	assert_int_equal(x.code, 42);
	rig_remove(&s.r);
}

/* Without a descriptor left nobody can attach, and everything else goes on. */
static void test_no_descriptors_left(void **state)
{
	struct script s = {.block = 100000, .blocks = 1};
	struct rig_options o = {.child = write_blocks, .arg = &s, .max_size = 20000, .max_files = 100};
	struct rlimit few = {3, 3};
	struct exit_record x;
	int fd;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its runtime opens files at the end, and fails where it can't */
#endif
	rig_start(&s.r, &o);
	rig_await_monitor(&s.r);
	assert_int_equal(prlimit(s.r.monitor, RLIMIT_NOFILE, &few, NULL), 0);
	fd = rig_connect(&s.r);
	go(&s, 0);
	rig_end(&s.r);
	close(fd);
	/* rotation needs one, too: what the log has is its end, and whole */
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	rig_logs(&s.r, &out, &err);
	assert_true(out.len > 0 && out.len <= s.block);
	for (size_t i = 0; i < out.len; i++)
		assert_int_equal(out.data[i], pattern(s.block - out.len + i));
	assert_int_equal(exit_record_read(s.r.state_fd, &x), 0);
	assert_int_equal(x.code, 42);
	rig_remove(&s.r);
}

/* ------------------------------------------------------------------ the exit record */

/* The state's file system is full, and the end is on record all the same. */
static void test_exit_record_on_full_disk(void **state)
{
	struct exit_record r, w = {.code = 7, .finished = 77};
	char dir[] = "/dev/shm/tare-test.XXXXXX", block[4096] = "";
	int fd, ballast, reserved;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		skip();
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"), 0);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	reserved = exit_record_reserve(fd);
	assert_true(reserved >= 0);
	ballast = openat(fd, "ballast", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	while (write(ballast, block, sizeof(block)) > 0)
		;
	close(ballast);
	assert_int_equal(exit_record_write_reserved(fd, reserved, &w), 0);
	close(reserved);
	assert_int_equal(exit_record_read(fd, &r), 0);
	assert_int_equal(r.code, 7);
	/* without what was reserved it could not be */
	assert_int_equal(exit_record_write(fd, &w), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(exit_record_read(fd, &r), 0);
	close(fd);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	rmdir(dir);
}

static void test_exit_record_forms(void **state)
{
	static const char *const bad[] = {"", "1", "1 0 0 5", "1 0 0 5 2\n", "1 0 0 5 1", "1 0 0 x\n"};
	struct exit_record r, w = {.code = 255, .finished = 77, .unknown = true};
	char dir[] = "/dev/shm/tare-test.XXXXXX";
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(exit_record_reserve(fd));
	assert_int_equal(exit_record_read(fd, &r), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(exit_record_write(fd, &w), 0);
	assert_int_equal(exit_record_read(fd, &r), 0);
	assert_true(r.code == 255 && r.finished == 77 && r.unknown);
	w = (struct exit_record){.code = 137, .signal = 9, .oom_killed = true, .finished = 78};
	assert_int_equal(exit_record_write(fd, &w), 0);
	assert_int_equal(exit_record_read(fd, &r), 0);
	assert_true(r.code == 137 && r.signal == 9 && r.oom_killed && r.finished == 78 && !r.unknown);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
		        file_write_at(fd, "exit", bad[i], strlen(bad[i]), 0600, FILE_NO_SYNC, NULL), 0);
		assert_int_equal(exit_record_read(fd, &r), -1);
		assert_int_equal(errno, EINVAL);
	}
	close(fd);
	assert_int_equal(remove_tree_at(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_output_survives),
	        cmocka_unit_test(test_attach_after_adoption),
	        cmocka_unit_test(test_end_taken_by_its_parent),
	        cmocka_unit_test(test_ended_before_adoption),
	        cmocka_unit_test(test_policies_go_on),
	        cmocka_unit_test(test_stopped_monitor),
	        cmocka_unit_test(test_no_descriptors_left),
	        cmocka_unit_test(test_exit_record_forms),
	        cmocka_unit_test(test_exit_record_on_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
