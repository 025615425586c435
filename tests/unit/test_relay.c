/* The caller's side: detach keys, raw mode that is always undone, and the relay of exec. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/relay.h"

/* ------------------------------------------------------------------ detach keys */

static void check_keys(const char *text, const char *want, size_t n)
{
	struct detach_keys d;
	struct err e = ERR_INIT;

	if (detach_keys_parse(&d, text, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	assert_int_equal(d.n, n);
	assert_memory_equal(d.keys, want, n);
}

static void test_keys_parse(void **state)
{
	static const char *const bad[] = {"ctrl-", "ctrl-1", "ab", "a,", "ctrl-p,ctrl", "\x01", "meta-x",
	        "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"};
	struct detach_keys d;

	(void)state;
	check_keys(NULL, "\x10\x11", 2);
	check_keys("ctrl-p,ctrl-q", "\x10\x11", 2);
	check_keys("CTRL-P", "\x10", 1);
	check_keys("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\0\x1b\x1c\x1d\x1e\x1f", 6);
	check_keys("a,b", "ab", 2);
	check_keys("~,.", "~.", 2);
	check_keys("DEL", "\x7f", 1);
	check_keys("a,,", "a,", 2);
	check_keys("", "", 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;

		if (detach_keys_parse(&d, bad[i], &e) == 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_true(strlen(e.msg) > 0);
	}
}

/* What passes of `in`, fed in pieces of `step`; ends with '!' when the sequence was seen. */
static const char *feed(const char *keys, const char *in, size_t step)
{
	static char out[256];
	struct detach_keys d;
	size_t len = strlen(in), n = 0;

	assert_int_equal(detach_keys_parse(&d, keys, NULL), 0);
	for (size_t at = 0; at < len; at += step) {
		size_t got;
		bool done = detach_keys_feed(&d, in + at, step < len - at ? step : len - at, out + n, &got);

		n += got;
		if (done) {
			strcpy(out + n, "!");
			return out;
		}
	}
	n += detach_keys_flush(&d, out + n);
	out[n] = '\0';
	return out;
}

static void test_keys_feed(void **state)
{
	(void)state;
	for (size_t step = 1; step < 8; step++) {
		assert_string_equal(feed("ctrl-p,ctrl-q", "ls\n\x10\x11more", step), "ls\n!");
		assert_string_equal(feed("ctrl-p,ctrl-q", "\x10\x10\x11", step), "\x10!");
		assert_string_equal(feed("ctrl-p,ctrl-q", "\x10x\x11", step), "\x10x\x11");
		assert_string_equal(feed("a,a,b", "aaaab", step), "aa!");
		assert_string_equal(feed("a,b,a,c", "ababac", step), "ab!");
		assert_string_equal(feed("a,b", "xa", step), "xa");
		assert_string_equal(feed("", "\x10\x11", step), "\x10\x11");
	}
}

/* ------------------------------------------------------------------ exec's relay */

#define BULK (30u << 20)

static char byte_at(size_t i)
{
	return (char)((i * 2654435761u) >> 13);
}

static pid_t child_start(struct relay_child *c, void (*run)(void))
{
	int in[2], out[2], err[2];
	pid_t parent = getpid();

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC) | pipe2(err, O_CLOEXEC), 0);
	c->pid = fork();
	if (!c->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		close_range(3, ~0u, 0);
		run();
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	c->terminal_fd = -1;
	c->in_fd = in[1];
	c->out_fd = out[0];
	c->err_fd = err[0];
	c->pidfd = pidfd_open_pid(c->pid);
	return c->pid;
}

static void child_close(struct relay_child *c)
{
	close_fd(&c->pidfd);
	close_fd(&c->in_fd);
	close_fd(&c->out_fd);
	close_fd(&c->err_fd);
	close_fd(&c->terminal_fd);
}

static int temporary(void)
{
	return open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static void write_bulk(void)
{
	char *data = malloc(BULK);

	for (size_t i = 0; i < BULK; i++)
		data[i] = byte_at(i);
	if (write_all(1, data, BULK) < 0 || write_all(2, "tail of errors", 14) < 0)
		_exit(1);
	_exit(23);
}

/* The reader of our output starts when the child's pipe is long full; all of it arrives, and the status. */
static void test_exec_bulk(void **state)
{
	struct tare_io io = {.in = -1};
	cleanup_buf struct buf out = BUF_INIT;
	struct relay_child c;
	enum tare_io_end end;
	int p[2], status;
	char small[64];
	pid_t relay;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	io.err = temporary();
	relay = fork();
	if (!relay) {
		struct err e = ERR_INIT;

		close(p[0]);
		io.out = p[1];
		child_start(&c, write_bulk);
		if (relay_exec(&c, &io, NULL, &end, &status, &e) < 0 || end != TARE_IO_EXITED)
			_exit(1);
		/* The caller's own descriptions are as they were. */
		_exit((fcntl(p[1], F_GETFL) & O_NONBLOCK) ? 2 : WEXITSTATUS(status));
	}
	close(p[1]);
	assert_int_equal(read_to_buf(p[0], &out), 0);
	assert_int_equal(waitpid(relay, &status, 0), relay);
	assert_int_equal(WEXITSTATUS(status), 23);
	assert_int_equal(out.len, BULK);
	for (size_t i = 0; i < BULK; i++)
		if (out.data[i] != byte_at(i))
			fail_msg("differs at %zu", i);
	assert_int_equal(pread(io.err, small, sizeof(small), 0), 14);
	assert_memory_equal(small, "tail of errors", 14);
	close(io.err);
	close(p[0]);
}

static void copy_input(void)
{
	char some[5000];
	ssize_t n;

	while ((n = read(0, some, sizeof(some))) > 0)
		if (write_all(1, some, (size_t)n) < 0)
			_exit(1);
	kill(getpid(), SIGUSR1);
}

static void test_exec_input(void **state)
{
	struct tare_io io = {.in = temporary(), .out = temporary(), .err = -1};
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_free char *data = malloc(1 << 20);
	struct relay_child c;
	enum tare_io_end end;
	int status;

	(void)state;
	for (size_t i = 0; i < 1 << 20; i++)
		data[i] = byte_at(i);
	assert_int_equal(write_all(io.in, data, 1 << 20), 0);
	lseek(io.in, 0, SEEK_SET);
	child_start(&c, copy_input);
	assert_int_equal(relay_exec(&c, &io, NULL, &end, &status, NULL), 0);
	assert_int_equal(end, TARE_IO_EXITED);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	assert_int_equal(c.in_fd, -1);
	lseek(io.out, 0, SEEK_SET);
	assert_int_equal(read_to_buf(io.out, &out), 0);
	assert_int_equal(out.len, 1 << 20);
	assert_memory_equal(out.data, data, 1 << 20);
	child_close(&c);
	close(io.in);
	close(io.out);
}

static void deaf_with_heir(void)
{
	/* A grandchild holds the output open long after the command has ended. */
	if (!fork()) {
		alarm(3); /* then it goes by itself */
		pause();
		_exit(0);
	}
	dprintf(1, "done");
	_exit(0);
}

/* Two things that must not hang: input nobody reads, and output that a stranger holds open. The reader of our
 * output has gone, too. */
static void test_exec_does_not_wait_for_strangers(void **state)
{
	struct tare_io io = {.in = open("/dev/zero", O_RDONLY | O_CLOEXEC), .err = -1};
	struct relay_child c;
	enum tare_io_end end;
	int status, p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	io.out = p[1];
	child_start(&c, deaf_with_heir);
	assert_int_equal(relay_exec(&c, &io, NULL, &end, &status, NULL), 0);
	assert_int_equal(end, TARE_IO_EXITED);
	assert_int_equal(status, 0);
	child_close(&c);
	close(io.in);
	close(io.out);
}

/* ------------------------------------------------------------------ on a terminal */

struct terminal {
	int master, slave;
	struct termios before;
};

static void terminal_make(struct terminal *t)
{
	struct winsize ws = {.ws_row = 33, .ws_col = 99};

	t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(unlockpt(t->master), 0);
	t->slave = open(ptsname(t->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(t->slave >= 0);
	assert_int_equal(ioctl(t->slave, TIOCSWINSZ, &ws), 0);
	assert_int_equal(tcgetattr(t->slave, &t->before), 0);
}

static bool is_raw(const struct terminal *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	return !(now.c_lflag & (ICANON | ECHO | ISIG));
}

static void check_restored(const struct terminal *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->slave, &now), 0);
	assert_int_equal(now.c_lflag, t->before.c_lflag);
	assert_int_equal(now.c_iflag, t->before.c_iflag);
	assert_int_equal(now.c_oflag, t->before.c_oflag);
}

static void wait_raw(const struct terminal *t)
{
	while (!is_raw(t))
		usleep(1000);
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

/* In a process of its own: relay on the terminal's slave. 10 + end, or 9. */
static pid_t relay_fork(const struct terminal *t, const char *keys, bool sig_proxy)
{
	pid_t pid = fork();

	if (!pid) {
		struct tare_io io = {.in = t->slave,
		        .out = t->slave,
		        .err = t->slave,
		        .tty = true,
		        .sig_proxy = sig_proxy};
		struct relay_child c;
		enum tare_io_end end;
		int status, rc;

		child_start(&c, sleep_for_ever);
		rc = relay_exec(&c, &io, keys, &end, &status, NULL);
		kill(c.pid, SIGKILL);
		_exit(rc < 0                    ? 9
		        : end == TARE_IO_EXITED ? (WIFSIGNALED(status) ? WTERMSIG(status) : 8)
		                                : 10 + (int)end);
	}
	return pid;
}

static void test_detach_restores(void **state)
{
	struct terminal t;
	int status;
	pid_t pid;

	(void)state;
	terminal_make(&t);
	pid = relay_fork(&t, "ctrl-x,d", false);
	wait_raw(&t);
	assert_int_equal(write_all(t.master, "abc\x18", 4), 0);
	assert_int_equal(write_all(t.master, "d", 1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 10 + TARE_IO_DETACHED);
	check_restored(&t);
	close(t.master);
	close(t.slave);
}

static void test_fatal_signal_restores(void **state)
{
	static const int sigs[] = {SIGTERM, SIGHUP, SIGSEGV, SIGQUIT};

	(void)state;
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		struct terminal t;
		int status;
		pid_t pid;

		terminal_make(&t);
		pid = relay_fork(&t, NULL, false);
		wait_raw(&t);
		assert_int_equal(kill(pid, sigs[i]), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), sigs[i]);
		check_restored(&t);
		close(t.master);
		close(t.slave);
	}
}

static void test_signal_is_forwarded(void **state)
{
	struct terminal t;
	int status;
	pid_t pid;

	(void)state;
	terminal_make(&t);
	pid = relay_fork(&t, NULL, true);
	wait_raw(&t);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), SIGTERM);
	check_restored(&t);
	close(t.master);
	close(t.slave);
}

/* A child with a terminal of its own gets the caller's size at once, and what it prints last arrives. */
static void test_exec_terminal(void **state)
{
	struct terminal outer, inner;
	char got[4096] = "";
	size_t n = 0;
	int status;
	pid_t pid;

	(void)state;
	terminal_make(&outer);
	pid = fork();
	if (!pid) {
		struct tare_io io = {.in = outer.slave, .out = outer.slave, .err = -1, .tty = true};
		struct relay_child c = {.in_fd = -1, .out_fd = -1, .err_fd = -1};
		enum tare_io_end end;

		terminal_make(&inner);
		ioctl(inner.slave, TIOCSWINSZ, &(struct winsize){0});
		c.terminal_fd = inner.master;
		c.pid = fork();
		if (!c.pid) {
			struct winsize ws = {0};
			char line[100];
			ssize_t len = read(inner.slave, line, sizeof(line));

			ioctl(inner.slave, TIOCGWINSZ, &ws);
			dprintf(inner.slave, "%d x %d: %.*s.end.", ws.ws_row, ws.ws_col, (int)len - 1, line);
			_exit(5);
		}
		close(inner.slave);
		c.pidfd = pidfd_open_pid(c.pid);
		if (relay_exec(&c, &io, NULL, &end, &status, NULL) < 0)
			_exit(1);
		_exit(WEXITSTATUS(status));
	}
	wait_raw(&outer);
	assert_int_equal(write_all(outer.master, "typed\r", 6), 0);
	while (!strstr(got, ".end.")) {
		ssize_t r = read(outer.master, got + n, sizeof(got) - 1 - n);

		assert_true(r > 0);
		n += (size_t)r;
		got[n] = '\0';
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 5);
	assert_non_null(strstr(got, "33 x 99: typed"));
	check_restored(&outer);
	close(outer.master);
	close(outer.slave);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys_parse),
	        cmocka_unit_test(test_keys_feed),
	        cmocka_unit_test(test_exec_bulk),
	        cmocka_unit_test(test_exec_input),
	        cmocka_unit_test(test_exec_does_not_wait_for_strangers),
	        cmocka_unit_test(test_detach_restores),
	        cmocka_unit_test(test_fatal_signal_restores),
	        cmocka_unit_test(test_signal_is_forwarded),
	        cmocka_unit_test(test_exec_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
