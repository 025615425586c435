/* The container's output: exact to the byte at slow, hanging and dying callers, and in the log. */
#include "tests/unit/monitor_rig.h"

#include <sys/mount.h>
#include <sched.h>

#define BULK (100u << 20)

/* Bytes without pattern, NULs among them, in lines of very different lengths. */
static void bulk_fill(char *dst, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		dst[i] = (char)(seed >> 24);
	}
}

static char *bulk(size_t len, uint32_t seed)
{
	char *data = malloc(len);

	if (!data)
		abort();
	bulk_fill(data, len, seed);
	return data;
}

static void write_bulk(void *arg)
{
	size_t len = *(size_t *)arg;
	char *data = bulk(len, 1);

	_exit(write_all(1, data, len) < 0);
}

static void check_bulk(const char *what, const struct buf *got, size_t len)
{
	cleanup_free char *want = bulk(len, 1);

	if (got->len != len)
		fail_msg("%s: %zu bytes of %zu", what, got->len, len);
	for (size_t i = 0; i < len; i++)
		if (got->data[i] != want[i])
			fail_msg("%s: differs at %zu of %zu", what, i, len);
}

/* Clean-up ends by removing all that is in the directory. */
static void mark_cleaned(const struct rig *r)
{
	assert_int_equal(unlinkat(r->state_fd, "exit", 0), 0);
}

static int run_client(const struct rig *r, int sock, int out, int err, struct exit_record *x)
{
	struct tare_io io = {.in = -1, .out = out, .err = err};
	struct attach_client a = {.io = &io, .container_fd = r->container_fd};
	enum tare_io_end end;
	struct err e = ERR_INIT;
	int rc = attach_client_run(sock, &a, &end, x, &e);

	if (rc < 0)
		print_error("%s\n", e.msg);
	return rc;
}

static void test_bulk_to_file(void **state)
{
	size_t len = BULK;
	struct rig_options o = {.child = write_bulk, .arg = &len, .birth = true};
	cleanup_buf struct buf out = BUF_INIT, log_out = BUF_INIT, log_err = BUF_INIT;
	struct exit_record x;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	int of = rig_file(&r, "o");
	assert_int_equal(run_client(&r, r.client, of, -1, &x), 0);
	assert_int_equal(x.code, 0);
	mark_cleaned(&r);
	rig_end(&r);
	rig_read_file(of, &out);
	check_bulk("caller", &out, len);
	rig_logs(&r, &log_out, &log_err);
	check_bulk("log", &log_out, len);
	assert_int_equal(log_err.len, 0);
	close(of);
	rig_remove(&r);
}

/* The caller's reader takes nothing until the container has ended: the container must not wait for it, and
 * still everything arrives. */
static void late_reader(const struct rig_options *o, size_t len, bool same_time)
{
	cleanup_buf struct buf out = BUF_INIT_MAX(len + 1);
	struct exit_record x, recorded;
	struct rig r;
	int p[2], status;
	pid_t client;

	rig_start(&r, o);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	client = fork();
	if (!client) {
		close(p[0]);
		_exit(run_client(&r, r.client, p[1], -1, &x) < 0 || x.code != 0);
	}
	close_fd(&p[1]);
	if (!same_time)
		while (exit_record_read(r.state_fd, &recorded) < 0)
			usleep(1000);
	assert_int_equal(read_to_buf(p[0], &out), 0);
	assert_int_equal(waitpid(client, &status, 0), client);
	assert_int_equal(status, 0);
	check_bulk("caller", &out, len);
	mark_cleaned(&r);
	rig_end(&r);
	close(p[0]);
	rig_remove(&r);
}

static void test_late_reader(void **state)
{
	size_t len = 20u << 20;

	(void)state;
	late_reader(&(struct rig_options){.child = write_bulk, .arg = &len, .birth = true}, len, false);
}

static void test_late_reader_rotated(void **state)
{
	size_t len = 20u << 20;

	(void)state;
	late_reader(&(struct rig_options){.child = write_bulk,
	                    .arg = &len,
	                    .birth = true,
	                    .max_size = 100000,
	                    .max_files = 2000},
	        len, false);
}

/* Without a log there is nothing to fall back on: the container waits for its reader. */
static void test_no_log_reader(void **state)
{
	size_t len = 20u << 20;

	(void)state;
	late_reader(&(struct rig_options){.child = write_bulk, .arg = &len, .birth = true, .no_log = true},
	        len, true);
}

static int raw_client(const struct rig *r, uint8_t flags)
{
	uint8_t hello[2] = {MONITOR_PROTOCOL, flags};
	int fd = rig_connect(r);

	assert_int_equal(send(fd, hello, 2, MSG_NOSIGNAL), 2);
	return fd;
}

static void wait_for_file(const char *path)
{
	while (access(path, F_OK) != 0)
		usleep(1000);
}

struct gate {
	char path[128], done[140]; /* done: made when all is written */
	size_t len;
};

static void gated_bulk(void *arg)
{
	struct gate *g = arg;

	wait_for_file(g->path);
	write_bulk(&g->len);
}

static void gate_open(const struct gate *g)
{
	close(open(g->path, O_CREAT | O_WRONLY, 0600));
}

/* Something small tells callers that they are there. */
static void announced_bulk(void *arg)
{
	if (write_all(1, "#", 1) < 0)
		_exit(1);
	gated_bulk(arg);
}

/* Opens the gate when the caller whose output goes to this file has had the announcement. */
static pid_t gatekeeper(const struct gate *g, int fd)
{
	pid_t pid = fork();
	struct stat st;

	if (pid)
		return pid;
	while (fstat(fd, &st) == 0 && !st.st_size)
		usleep(1000);
	gate_open(g);
	_exit(0);
}

/* One caller that never reads and one that is killed in the middle do not touch the third. */
static void test_hanging_and_killed(void **state)
{
	struct gate g = {.path = "/dev/shm/tare-test-gate.XXXXXX", .len = 30u << 20};
	struct rig_options o = {.child = announced_bulk, .arg = &g, .no_cleanup = true};
	cleanup_buf struct buf out = BUF_INIT;
	struct exit_record x;
	struct rig r;
	int hanging, status;
	pid_t killed, keeper;

	(void)state;
	close(mkstemp(g.path));
	unlink(g.path);
	rig_start(&r, &o);
	hanging = raw_client(&r, HELLO_OUTPUT);
	killed = fork();
	if (!killed) {
		char some[4096];
		int fd = raw_client(&r, HELLO_OUTPUT);

		for (;;)
			if (recv(fd, some, sizeof(some), 0) < 0)
				break;
		_exit(1);
	}
	int good = rig_connect(&r), of = rig_file(&r, "o");
	keeper = gatekeeper(&g, of);
	kill(killed, SIGKILL);
	assert_int_equal(run_client(&r, good, of, -1, &x), 0);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_int_equal(waitpid(killed, &status, 0), killed);
	assert_true(WIFSIGNALED(status));
	rig_read_file(of, &out);
	assert_true(out.len > 0 && out.data[0] == '#');
	memmove(out.data, out.data + 1, --out.len);
	check_bulk("third caller", &out, g.len);
	close(hanging);
	close(good);
	rig_end(&r);
	unlink(g.path);
	close(of);
	rig_remove(&r);
}

static int receive(int fd, char *msg, size_t size)
{
	ssize_t n = recv(fd, msg, size, 0);

	assert_true(n > 0);
	return (int)n;
}

/* What a caller that fell behind is told: a descriptor of the log and the place up to which it has all. */
static void test_lagged_message(void **state)
{
	struct gate g = {.path = "/dev/shm/tare-test-gate.XXXXXX", .len = 10u << 20};
	struct rig_options o = {.child = gated_bulk, .arg = &g, .no_cleanup = true};
	cleanup_free char *msg = malloc(1 + MONITOR_DATA_MAX), *want = bulk(g.len, 1);
	struct exit_record x;
	size_t got = 0;
	struct rig r;
	int fd, n;

	(void)state;
	close(mkstemp(g.path));
	unlink(g.path);
	rig_start(&r, &o);
	fd = raw_client(&r, HELLO_OUTPUT);
	n = receive(fd, msg, MONITOR_DATA_MAX);
	assert_int_equal(n, 2);
	assert_int_equal(msg[0], MONITOR_PROTOCOL);
	assert_int_equal(msg[1], WELCOME_LOG);
	gate_open(&g);
	while (exit_record_read(r.state_fd, &x) < 0)
		usleep(1000);
	while ((n = receive(fd, msg, 1 + MONITOR_DATA_MAX)) > 0 && msg[0] == MSG_OUT) {
		assert_memory_equal(msg + 1, want + got, n - 1);
		got += (size_t)n - 1;
	}
	assert_true(got < g.len);
	assert_int_equal(msg[0], MSG_LAGGED);
	assert_int_equal(n, 1 + sizeof(struct monitor_position));
	n = receive(fd, msg, 1 + MONITOR_DATA_MAX);
	assert_int_equal(msg[0], MSG_EXIT);
	assert_int_equal(recv(fd, msg, 1, 0), 0);
	close(fd);
	rig_end(&r);
	unlink(g.path);
	rig_remove(&r);
}

/* While the gate is open; what comes after it has closed again is fed directly. */
static void bulk_then_live(void *arg)
{
	struct gate *g = arg;
	char *data = bulk(g->len, 1);

	wait_for_file(g->path);
	if (write_all(1, data, g->len) < 0)
		_exit(1);
	close(open(g->done, O_CREAT | O_WRONLY, 0600));
	while (access(g->path, F_OK) == 0)
		usleep(1000);
	dprintf(2, "live");
	_exit(0);
}

static bool ask_live(int fd, const struct monitor_position *at, char *msg)
{
	char ask[1 + sizeof(*at)] = {MSG_LIVE_ASK};

	memcpy(ask + 1, at, sizeof(*at));
	assert_int_equal(send(fd, ask, sizeof(ask), MSG_NOSIGNAL), sizeof(ask));
	assert_int_equal(receive(fd, msg, MONITOR_DATA_MAX), 2);
	assert_int_equal(msg[0], MSG_LIVE);
	return msg[1] == 1;
}

static void wait_for_empty_pipe(const struct rig *r)
{
	int fd = openat(r->state_fd, "out", O_RDONLY | O_NONBLOCK | O_CLOEXEC), left;

	do
		assert_int_equal(ioctl(fd, FIONREAD, &left), 0);
	while (left && usleep(1000) == 0);
	close(fd);
}

/* One who has read the log to its end is fed directly again, and only then. */
static void test_live_again(void **state)
{
	struct gate g = {.path = "/dev/shm/tare-test-gate.XXXXXX", .len = 5u << 20};
	struct rig_options o = {.child = bulk_then_live, .arg = &g, .no_cleanup = true};
	cleanup_free char *msg = malloc(1 + MONITOR_DATA_MAX);
	struct monitor_position at;
	struct stat st;
	struct rig r;
	int fd, n;

	(void)state;
	close(mkstemp(g.path));
	unlink(g.path);
	snprintf(g.done, sizeof(g.done), "%s.done", g.path);
	rig_start(&r, &o);
	fd = raw_client(&r, HELLO_OUTPUT | HELLO_REPLAY);
	assert_int_equal(receive(fd, msg, MONITOR_DATA_MAX), 2);
	assert_int_equal(msg[0], MONITOR_PROTOCOL);
	gate_open(&g);
	wait_for_file(g.done);
	wait_for_empty_pipe(&r);
	do
		n = receive(fd, msg, 1 + MONITOR_DATA_MAX);
	while (msg[0] == MSG_OUT);
	assert_int_equal(msg[0], MSG_LAGGED);
	assert_int_equal(n, 1 + sizeof(at));
	memcpy(&at, msg + 1, sizeof(at));
	assert_false(ask_live(fd, &at, msg));
	/* It has answered after it emptied the pipe, so all of that is in the log. */
	assert_int_equal(fstatat(r.container_fd, "log", &st, 0), 0);
	assert_true(at.inode == st.st_ino && at.offset < (uint64_t)st.st_size);
	at.offset = (uint64_t)st.st_size;
	assert_true(ask_live(fd, &at, msg));
	assert_int_equal(unlink(g.path), 0);
	assert_int_equal(receive(fd, msg, 1 + MONITOR_DATA_MAX), 5);
	assert_memory_equal(msg, "Elive", 5);
	assert_int_equal(receive(fd, msg, 1 + MONITOR_DATA_MAX), 1 + sizeof(struct monitor_end));
	assert_int_equal(msg[0], MSG_EXIT);
	close(fd);
	rig_end(&r);
	unlink(g.done);
	rig_remove(&r);
}

static void write_shapes(void *arg)
{
	static char line[40000];

	(void)arg;
	memset(line, 'x', sizeof(line));
	line[16384] = '\n';
	if (write_all(1, line, 16385) < 0 || write_all(1, "\n\n", 2) < 0)
		_exit(1);
	memset(line, 'y', sizeof(line));
	line[39999] = '\n';
	if (write_all(1, line, 40000) < 0 || write_all(1, "a\0b\n", 4) < 0 || write_all(1, "prompt> ", 8) < 0)
		_exit(1);
}

/* The log's records, without their times. */
static void test_shapes(void **state)
{
	struct rig_options o = {.child = write_shapes};
	cleanup_buf struct buf log = BUF_INIT;
	char last[31] = "";
	unsigned n_full = 0, n_part = 0;
	size_t longest = 0;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	assert_int_equal(file_read_at(r.container_fd, "log", &log, NULL), 0);
	assert_int_equal(log.data[log.len - 1], '\n');
	for (char *p = log.data, *nl; p < log.data + log.len; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(log.data + log.len - p));
		assert_true(nl - p >= 40);
		assert_memory_equal(p + 29, "Z stdout ", 9);
		assert_true(memcmp(p, last, 30) >= 0);
		memcpy(last, p, 30);
		assert_true((p[38] == 'F' || p[38] == 'P') && p[39] == ' ');
		n_full += p[38] == 'F';
		n_part += p[38] == 'P';
		if ((size_t)(nl - p) - 40 > longest)
			longest = (size_t)(nl - p) - 40;
	}
	assert_int_equal(n_full, 5);
	assert_true(n_part >= 3); /* the long line's two at least, and the prompt */
	/* less when the monitor was quicker than the container */
	assert_true(longest <= 16384);
	assert_memory_equal(log.data + log.len - 9, "prompt> \n", 9);
	rig_remove(&r);
}

static void write_numbers(void *arg)
{
	int n = *(int *)arg;

	for (int i = 0; i < n; i++)
		dprintf(1, "%d\n", i);
}

static void check_numbers(const struct buf *b, int n)
{
	const char *p = b->data;

	for (int i = 0; i < n; i++) {
		char *end;

		if (strtol(p, &end, 10) != i || *end != '\n')
			fail_msg("line %d is %.20s", i, p);
		p = end + 1;
	}
	assert_ptr_equal(p, b->data + b->len);
}

static void test_rotation_under_follow(void **state)
{
	int n = 200000;
	struct rig_options o = {.child = write_numbers, .arg = &n, .max_size = 30000, .max_files = 5000};
	cleanup_buf struct buf out = BUF_INIT;
	struct rig r;
	struct stat st;

	(void)state;
	rig_start(&r, &o);
	int of = rig_file(&r, "o");
	struct tare_log_options lo = {.follow = true, .tail = -1, .out = of, .err = -1};
	assert_int_equal(logs_read(r.container_fd, r.state_fd, &lo, NULL), 0);
	rig_end(&r);
	rig_read_file(of, &out);
	check_numbers(&out, n);
	for (int i = 1; i < 50; i++) {
		char name[32];

		snprintf(name, sizeof(name), "log.%d", i);
		assert_int_equal(fstatat(r.container_fd, name, &st, 0), 0);
		assert_true(st.st_size <= 30000);
	}
	close(of);
	rig_remove(&r);
}

static void endless_line(void *arg)
{
	static char block[65536];

	(void)arg;
	memset(block, 'z', sizeof(block));
	for (int i = 0; i < 200; i++)
		if (write_all(1, block, sizeof(block)) < 0)
			_exit(1);
}

/* Row 32 of the checklist: a stream without a newline must not escape the limit on the log's size. */
static void test_endless_line_is_rotated(void **state)
{
	struct rig_options o = {.child = endless_line, .max_size = 100000, .max_files = 3};
	uint64_t bytes, entries;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	assert_int_equal(tree_size_at(AT_FDCWD, r.container_dir, &bytes, &entries), 0);
	assert_true(bytes <= 3 * (100000 + 65536 + 20000 + 4096));
	rig_remove(&r);
}

struct full {
	char done[128], go[128];
};

static void fill_disk(void *arg)
{
	struct full *f = arg;
	static char line[1000];

	memset(line, 'l', sizeof(line));
	line[999] = '\n';
	for (int i = 0; i < 3000; i++)
		if (write_all(1, line, sizeof(line)) < 0)
			_exit(1);
	close(open(f->done, O_CREAT | O_WRONLY, 0600));
	wait_for_file(f->go);
	dprintf(1, "after\n");
}

/* podman#19943: a full disk must kill nothing, and must not be kept quiet. The child writes three times what
 * pipe and disk hold, so when it is done the monitor has lost some. */
static void test_full_disk(void **state)
{
	struct full f;
	struct rig_options o = {.child = fill_disk, .arg = &f};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	char dir[] = "/dev/shm/tare-test-full.XXXXXX", ballast[64];
	struct exit_record x;
	struct rig r;
	int fd;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		skip();
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(f.done, sizeof(f.done), "%s.done", dir);
	snprintf(f.go, sizeof(f.go), "%s.go", dir);
	assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "size=400k,mode=0700"), 0);
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	fd = open(ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 200 << 10), 0);
	close(fd);
	o.container_dir = dir;
	rig_start(&r, &o);
	wait_for_file(f.done);
	wait_for_empty_pipe(&r);
	assert_int_equal(unlink(ballast), 0);
	close(open(f.go, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	rig_end(&r);
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 0);
	rig_logs(&r, &out, &err);
	assert_non_null(strstr(buf_str(&err), "of output were lost here"));
	assert_true(out.len > 6 && !strcmp(out.data + out.len - 6, "after\n"));
	/* Only whole lines: what was torn by the end of the disk was taken back. */
	for (size_t i = 0; i + 6 < out.len; i++)
		assert_int_equal(out.data[i], (i + 1) % 1000 ? 'l' : '\n');
	unlink(f.go);
	unlink(f.done);
	rig_remove(&r);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bulk_to_file),
	        cmocka_unit_test(test_late_reader),
	        cmocka_unit_test(test_late_reader_rotated),
	        cmocka_unit_test(test_no_log_reader),
	        cmocka_unit_test(test_hanging_and_killed),
	        cmocka_unit_test(test_lagged_message),
	        cmocka_unit_test(test_live_again),
	        cmocka_unit_test(test_shapes),
	        cmocka_unit_test(test_rotation_under_follow),
	        cmocka_unit_test(test_endless_line_is_rotated),
	        cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
