/* What callers send to a container: input, sizes, and messages that make no sense. */
#include "tests/unit/monitor_rig.h"

#include <sys/ioctl.h>

#include "engine/monitor/stats_ring.h"

#define INPUT_LEN (1u << 20)

static void copy_input(void *arg)
{
	char some[3000];
	ssize_t n;

	(void)arg;
	while ((n = read(0, some, sizeof(some))) > 0)
		if (write_all(1, some, (size_t)n) < 0)
			_exit(1);
	_exit(n < 0);
}

static int run_client(
        const struct rig *r, int sock, const struct tare_io *io, enum tare_io_end *end, struct exit_record *x)
{
	struct attach_client a = {.io = io, .container_fd = r->container_fd, .terminal = io->tty};
	struct err e = ERR_INIT;
	int rc = attach_client_run(sock, &a, end, x, &e);

	if (rc < 0)
		print_error("%s\n", e.msg);
	return rc;
}

/* The monitor may have hung up already: what it said last is still to be taken. */
static void put(int fd, const void *msg, size_t len)
{
	ssize_t n = send(fd, msg, len, MSG_NOSIGNAL);

	assert_true(n == (ssize_t)len || errno == EPIPE);
}

/* When it hangs up with something of ours unread, that error comes before its last words. */
static ssize_t take(int fd, char *msg, size_t size)
{
	ssize_t n = recv(fd, msg, size, 0);

	return n < 0 && errno == ECONNRESET ? recv(fd, msg, size, 0) : n;
}

static int hello(const struct rig *r, uint8_t version, uint8_t flags)
{
	uint8_t msg[2] = {version, flags};
	int fd = rig_connect(r);

	put(fd, msg, 2);
	return fd;
}

static void say(int fd, char type, const void *data, size_t len)
{
	char msg[256] = {type};

	memcpy(msg + 1, data, len);
	put(fd, msg, 1 + len);
}

/* The next message of that type, skipping others; its length with the type. */
static ssize_t await(int fd, char type, char *msg, size_t size)
{
	ssize_t n;

	do
		n = take(fd, msg, size);
	while (n > 0 && msg[0] != type);
	return n;
}

static void test_input_to_its_end(void **state)
{
	struct rig_options o = {.child = copy_input, .birth = true, .input = true, .no_cleanup = true};
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_free char *data = malloc(INPUT_LEN);
	struct exit_record x;
	enum tare_io_end end;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < INPUT_LEN; i++)
		data[i] = (char)(i * 2654435761u >> 23);
	rig_start(&r, &o);
	struct tare_io io = {.in = rig_file(&r, "in"), .out = rig_file(&r, "out"), .err = -1};
	assert_int_equal(write_all(io.in, data, INPUT_LEN), 0);
	lseek(io.in, 0, SEEK_SET);
	assert_int_equal(run_client(&r, r.client, &io, &end, &x), 0);
	assert_int_equal(end, TARE_IO_EXITED);
	assert_int_equal(x.code, 0);
	rig_read_file(io.out, &out);
	assert_int_equal(out.len, INPUT_LEN);
	assert_memory_equal(out.data, data, INPUT_LEN);
	rig_end(&r);
	close(io.in);
	close(io.out);
	rig_remove(&r);
}

/* Who typed has gone: the container's reader sees the end, and what was typed before it. */
static void test_input_ends_with_its_caller(void **state)
{
	struct rig_options o = {.child = copy_input, .input = true};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	say(fd, MSG_INPUT, "typed", 5);
	close(fd);
	rig_end(&r);
	rig_logs(&r, &out, &err);
	assert_string_equal(buf_str(&out), "typed");
	rig_remove(&r);
}

static void test_input_kept_over_detach(void **state)
{
	struct rig_options o = {.child = copy_input, .input = true, .keep_stdin = true};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	char msg[256];
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, HELLO_OUTPUT);
	say(fd, MSG_INPUT, "one ", 4);
	assert_true(await(fd, MSG_OUT, msg, sizeof(msg)) == 5);
	close(fd);
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	say(fd, MSG_INPUT, "two", 3);
	say(fd, MSG_INPUT_EOF, "", 0);
	assert_true(await(fd, MSG_EXIT, msg, sizeof(msg)) > 0);
	close(fd);
	rig_end(&r);
	rig_logs(&r, &out, &err);
	assert_string_equal(buf_str(&out), "one two");
	rig_remove(&r);
}

static volatile sig_atomic_t winch; /* how often */

static void on_winch(int sig)
{
	(void)sig;
	winch++;
}

static void await_size(void *arg)
{
	struct winsize ws;
	int64_t from = now_boottime(), most;

	(void)arg;
	signal(SIGWINCH, on_winch);
	dprintf(1, "ready\n");
	do {
		if (ioctl(0, TIOCGWINSZ, &ws) < 0)
			_exit(1);
		usleep(1000);
	} while (ws.ws_row != 77 || ws.ws_col != 177);
	/* one for each 20 ms, and one at the beginning and at the end */
	most = (now_boottime() - from) / 20000000 + 2;
	_exit(!winch ? 2 : winch > most ? 3 : 42);
}

/* A window that is dragged, ten thousand sizes: the container is not flooded, and the last one counts. */
static void test_resize_storm(void **state)
{
	struct rig_options o = {.child = await_size, .tty = true};
	struct monitor_size size = {.rows = 77, .cols = 177};
	struct exit_record x;
	char msg[256];
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, HELLO_OUTPUT | HELLO_REPLAY);
	assert_true(await(fd, MSG_OUT, msg, sizeof(msg)) > 0);
	for (uint16_t i = 1; i < 10000; i++)
		say(fd, MSG_RESIZE, &(struct monitor_size){.rows = i, .cols = 20}, sizeof(size));
	say(fd, MSG_RESIZE, &size, sizeof(size));
	assert_true(await(fd, MSG_EXIT, msg, sizeof(msg)) > 0);
	close(fd);
	rig_end(&r);
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 42);
	rig_remove(&r);
}

static volatile sig_atomic_t winch_code = -1;

static void on_told(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)context;
	winch_code = si->si_code;
}

static void await_same_size(void *arg)
{
	struct sigaction told = {.sa_sigaction = on_told, .sa_flags = SA_SIGINFO};
	struct winsize ws = {.ws_row = 77, .ws_col = 177};

	(void)arg;
	if (ioctl(0, TIOCSWINSZ, &ws) < 0)
		_exit(1);
	sigaction(SIGWINCH, &told, NULL);
	dprintf(1, "ready\n");
	do
		usleep(1000);
	while (winch_code == -1 || (ioctl(0, TIOCGWINSZ, &ws) == 0 && ws.ws_row != 77));
	_exit(ws.ws_col != 177 ? 2 : winch_code == SI_KERNEL ? 42 : 3);
}

/* The size that it is already makes programs draw again, and it is the kernel that tells them: nobody sends
 * signals to a group by its number, which may be another's by then. */
static void test_same_size_draws_again(void **state)
{
	struct rig_options o = {.child = await_same_size, .tty = true};
	struct monitor_size size = {.rows = 77, .cols = 177};
	struct exit_record x;
	char msg[256];
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, HELLO_OUTPUT | HELLO_REPLAY);
	assert_true(await(fd, MSG_OUT, msg, sizeof(msg)) > 0);
	say(fd, MSG_RESIZE, &size, sizeof(size));
	assert_true(await(fd, MSG_EXIT, msg, sizeof(msg)) > 0);
	close(fd);
	rig_end(&r);
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 42);
	rig_remove(&r);
}

static void show_screen(void *arg)
{
	char c;

	(void)arg;
	dprintf(1, "the last screen");
	while (read(0, &c, 1) == 1 && c != 'q')
		;
	dprintf(1, "bye");
}

static void test_replay(void **state)
{
	struct rig_options o = {.child = show_screen, .input = true, .keep_stdin = true};
	char msg[256];
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, HELLO_OUTPUT | HELLO_REPLAY);
	/* Replayed, or seen as it was printed: it must come without any key. */
	assert_int_equal(await(fd, MSG_OUT, msg, sizeof(msg)), 16);
	assert_memory_equal(msg, "othe last screen", 16);
	close(fd);
	fd = hello(&r, MONITOR_PROTOCOL, HELLO_OUTPUT | HELLO_REPLAY);
	assert_int_equal(await(fd, MSG_OUT, msg, sizeof(msg)), 16);
	assert_memory_equal(msg, "othe last screen", 16);
	close(fd);
	fd = hello(&r, MONITOR_PROTOCOL, HELLO_OUTPUT);
	say(fd, MSG_INPUT, "q", 1);
	assert_int_equal(await(fd, MSG_OUT, msg, sizeof(msg)), 4);
	assert_memory_equal(msg, "obye", 4);
	close(fd);
	rig_end(&r);
	rig_remove(&r);
}

static void terminal_lines(void *arg)
{
	char line[64];
	ssize_t n;

	(void)arg;
	if (!isatty(0) || !isatty(1) || !isatty(2))
		_exit(1);
	while ((n = read(0, line, sizeof(line))) > 0)
		dprintf(1, "<%.*s>\n", (int)n - 1, line);
	_exit(9);
}

/* A terminal is not closed by the end of the input, it gets its end-of-file character. What is printed just
 * before the end, when the kernel hangs the terminal up, arrives. */
static void test_terminal_end_of_file(void **state)
{
	struct rig_options o = {.child = terminal_lines, .tty = true, .birth = true, .no_cleanup = true};
	cleanup_buf struct buf out = BUF_INIT;
	struct exit_record x;
	enum tare_io_end end;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	struct tare_io io = {.in = rig_file(&r, "in"), .out = rig_file(&r, "out"), .err = -1};
	assert_int_equal(write_all(io.in, "word\n", 5), 0);
	lseek(io.in, 0, SEEK_SET);
	assert_int_equal(run_client(&r, r.client, &io, &end, &x), 0);
	assert_int_equal(x.code, 9);
	rig_read_file(io.out, &out);
	assert_non_null(strstr(buf_str(&out), "<word>\r\n"));
	rig_end(&r);
	close(io.in);
	close(io.out);
	rig_remove(&r);
}

static void long_goodbye(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++)
		dprintf(1, "%d\n", i);
}

static void test_terminal_last_output(void **state)
{
	struct rig_options o = {.child = long_goodbye, .tty = true};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	rig_logs(&r, &out, &err);
	assert_true(out.len > 7);
	assert_string_equal(out.data + out.len - 7, "19999\r\n");
	rig_remove(&r);
}

static void test_unknown_version(void **state)
{
	struct rig_options o = {.child = copy_input, .input = true, .keep_stdin = true};
	char msg[64];
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, 99, HELLO_OUTPUT);
	assert_int_equal(take(fd, msg, sizeof(msg)), 2);
	assert_int_equal(msg[0], MONITOR_PROTOCOL);
	assert_int_equal(take(fd, msg, sizeof(msg)), 0);
	close(fd);
	/* Rubbish after a good start. */
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	assert_int_equal(take(fd, msg, sizeof(msg)), 2);
	say(fd, '?', "rubbish", 7);
	assert_int_equal(take(fd, msg, sizeof(msg)), 0);
	close(fd);
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	say(fd, MSG_RESIZE, "xyz", 3);
	say(fd, MSG_INPUT_EOF, "", 0);
	while (take(fd, msg, sizeof(msg)) > 0)
		assert_int_not_equal(msg[0], MSG_EXIT);
	close(fd);
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	say(fd, MSG_INPUT_EOF, "", 0);
	assert_true(await(fd, MSG_EXIT, msg, sizeof(msg)) > 0);
	close(fd);
	rig_end(&r);
	rig_remove(&r);
}

static void test_too_many(void **state)
{
	struct rig_options o = {.child = copy_input, .input = true, .keep_stdin = true};
	char msg[64];
	struct rig r;
	int fd[17];

	(void)state;
	rig_start(&r, &o);
	for (int i = 0; i < 17; i++) {
		fd[i] = hello(&r, MONITOR_PROTOCOL, 0);
		assert_int_equal(take(fd[i], msg, sizeof(msg)), 2);
		assert_int_equal((msg[1] & WELCOME_BUSY) != 0, i == 16);
	}
	assert_int_equal(take(fd[16], msg, sizeof(msg)), 0);
	say(fd[0], MSG_INPUT_EOF, "", 0);
	for (int i = 0; i < 16; i++)
		assert_true(await(fd[i], MSG_EXIT, msg, sizeof(msg)) > 0);
	for (int i = 0; i < 17; i++)
		close(fd[i]);
	rig_end(&r);
	rig_remove(&r);
}

/* CVE-2020-15257: another user who can reach the socket is still not listened to. */
static void test_other_user_refused(void **state)
{
	struct rig_options o = {.child = copy_input, .input = true, .keep_stdin = true};
	char path[128], msg[64];
	struct rig r;
	int fd, status;
	pid_t other;

	(void)state;
	if (geteuid() != 0)
		skip();
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	snprintf(path, sizeof(path), "%s/ctl", r.state_dir);
	assert_int_equal(chmod(r.dir, 0755) | chmod(r.state_dir, 0755) | chmod(path, 0666), 0);
	other = fork();
	if (!other) {
		struct sockaddr_un addr = {.sun_family = AF_UNIX};
		int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		ssize_t n;

		strcpy(addr.sun_path, path);
		if (setgid(65534) < 0 || setuid(65534) < 0 ||
		        connect(s, (struct sockaddr *)&addr, sizeof(addr)) < 0)
			_exit(1);
		if (send(s, "\1\1", 2, MSG_NOSIGNAL) < 0 && errno != EPIPE)
			_exit(2);
		n = recv(s, msg, sizeof(msg), 0);
		_exit(n == 0 || (n < 0 && errno == ECONNRESET) ? 0 : 3);
	}
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	say(fd, MSG_INPUT_EOF, "", 0);
	assert_true(await(fd, MSG_EXIT, msg, sizeof(msg)) > 0);
	close(fd);
	rig_end(&r);
	rig_remove(&r);
}

/* Signals that end others do not end the monitor: it sees its container's end. */
static void test_signals_to_the_monitor(void **state)
{
	static const int sigs[] = {
	        SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTSTP};
	struct rig_options o = {.child = copy_input, .input = true, .keep_stdin = true};
	cleanup_buf struct buf out = BUF_INIT, err = BUF_INIT;
	struct exit_record x;
	char msg[64];
	struct rig r;
	int fd;

	(void)state;
	rig_start(&r, &o);
	fd = hello(&r, MONITOR_PROTOCOL, 0);
	assert_int_equal(take(fd, msg, sizeof(msg)), 2);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++)
		assert_int_equal(kill(r.monitor, sigs[i]), 0);
	say(fd, MSG_INPUT, "alive", 5);
	say(fd, MSG_INPUT_EOF, "", 0);
	assert_true(await(fd, MSG_EXIT, msg, sizeof(msg)) > 0);
	close(fd);
	rig_end(&r);
	assert_int_equal(exit_record_read(r.state_fd, &x), 0);
	assert_int_equal(x.code, 0);
	rig_logs(&r, &out, &err);
	assert_string_equal(buf_str(&out), "alive");
	rig_remove(&r);
}

static void test_samples(void **state)
{
	struct rig_options o = {.child = long_goodbye};
	struct sample s[STATS_RING_SLOTS];
	ssize_t n;
	struct rig r;

	(void)state;
	rig_start(&r, &o);
	rig_end(&r);
	n = stats_ring_read(r.state_fd, s, STATS_RING_SLOTS);
	assert_true(n >= 2); /* one at the start, one at the end */
	assert_true(s[0].time > 0 && s[0].time <= s[n - 1].time);
	rig_remove(&r);
}

static void test_ring_wraps(void **state)
{
	struct sample s[STATS_RING_SLOTS], one = {0};
	char dir[] = "/dev/shm/tare-test-ring.XXXXXX";
	struct stats_ring ring;
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	errno = 0;
	assert_int_equal(stats_ring_read(fd, s, STATS_RING_SLOTS), -1);
	assert_int_equal(errno, ENOENT);
	stats_ring_open(&ring, fd);
	assert_int_equal(fstatat(fd, STATS_RING_FILE, &st, 0), 0);
	for (int i = 0; i < 1000; i++) {
		one.time = i;
		stats_ring_add(&ring, &one);
		if (i == 9) {
			assert_int_equal(stats_ring_read(fd, s, 4), 4);
			assert_int_equal(s[0].time, 6);
			assert_int_equal(s[3].time, 9);
		}
	}
	close(ring.fd);
	/* A second monitor (after a restart) goes on where the first one was. */
	stats_ring_open(&ring, fd);
	one.time = 1000;
	stats_ring_add(&ring, &one);
	close(ring.fd);
	ssize_t n = stats_ring_read(fd, s, STATS_RING_SLOTS);
	assert_true(n >= STATS_RING_SLOTS - 1);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(s[i].time, 1000 - (n - 1) + i);
	off_t size = st.st_size;
	assert_int_equal(fstatat(fd, STATS_RING_FILE, &st, 0), 0);
	assert_int_equal(st.st_size, size);
	close(fd);
	assert_int_equal(remove_tree_at(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_input_to_its_end),
	        cmocka_unit_test(test_input_ends_with_its_caller),
	        cmocka_unit_test(test_input_kept_over_detach),
	        cmocka_unit_test(test_resize_storm),
	        cmocka_unit_test(test_same_size_draws_again),
	        cmocka_unit_test(test_replay),
	        cmocka_unit_test(test_terminal_end_of_file),
	        cmocka_unit_test(test_terminal_last_output),
	        cmocka_unit_test(test_unknown_version),
	        cmocka_unit_test(test_too_many),
	        cmocka_unit_test(test_other_user_refused),
	        cmocka_unit_test(test_signals_to_the_monitor),
	        cmocka_unit_test(test_samples),
	        cmocka_unit_test(test_ring_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
