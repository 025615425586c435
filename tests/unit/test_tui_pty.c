/* A child on a pseudo terminal: what it finds there, and how it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/pty.h"

/* All that it writes, until it is gone; its wait status. */
static int listen_to(struct pty *p, struct buf *out)
{
	int status = -1;

	for (;;) {
		struct pollfd f = {.fd = p->fd, .events = POLLIN};
		char bytes[512];
		ssize_t n;

		assert_true(poll(&f, 1, 10000) > 0);
		n = read(p->fd, bytes, sizeof bytes);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		buf_add(out, bytes, (size_t)n);
	}
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	close_fd(&p->fd);
	return status;
}

static int run(const char *script, const char *const *env, struct buf *out)
{
	char *const argv[] = {"/bin/sh", "-c", (char *)script, NULL};
	struct err e = ERR_INIT;
	struct pty p;

	assert_int_equal(pty_spawn(&p, argv, env, 33, 101, &e), 0);
	return listen_to(&p, out);
}

static void what_it_finds(void **state)
{
	static const char *const env[] = {"TERM=xterm-256color", "TARE_TEST_GONE", NULL};
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	setenv("TARE_TEST_GONE", "1", 1);
	setenv("TARE_TEST_KEPT", "2", 1);
	setenv("TERM", "dumb", 1);
	/* signals that we ignore or block are its own affair again */
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run("stty size; tty; echo $TERM:$TARE_TEST_GONE:$TARE_TEST_KEPT; test -t 0 -a -t 1 "
	                     "-a -t 2 && echo all; "
	                     "(kill -PIPE $$) ; echo not reached",
	                         env, &out),
	        SIGPIPE);
	signal(SIGPIPE, SIG_DFL);
	assert_non_null(strstr(buf_str(&out), "33 101\r\n/dev/"));
	assert_non_null(strstr(buf_str(&out), "xterm-256color::2\r\nall\r\n"));
	assert_null(strstr(buf_str(&out), "not reached"));
}

static void how_it_ends(void **state)
{
	static const char *const none[] = {NULL};
	char *const argv[] = {"/nonexistent/tare", NULL};
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct pty p;
	int status;

	(void)state;
	status = run("exit 7", none, &out);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	assert_int_equal(pty_spawn(&p, argv, none, 24, 80, &e), 0);
	status = listen_to(&p, &out);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
	assert_non_null(strstr(buf_str(&out), "/nonexistent/tare: no such file"));
}

static void sizes_and_hanging_up(void **state)
{
	static const char *const none[] = {NULL};
	char *const argv[] = {"/bin/sh", "-c",
	        "trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.02; done", NULL};
	char *const waits[] = {"/bin/sh", "-c", "echo ready; sleep 60", NULL};
	cleanup_buf struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	struct pty p;
	char byte;
	int status;

	(void)state;
	assert_int_equal(pty_spawn(&p, argv, none, 24, 80, &e), 0);
	while (read(p.fd, &byte, 1) != 1)
		poll(&(struct pollfd){.fd = p.fd, .events = POLLIN}, 1, 10000);
	pty_resize(p.fd, 40, 120);
	status = listen_to(&p, &out);
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_non_null(strstr(buf_str(&out), "40 120"));
	/* Closing our side is enough to end it. */
	assert_int_equal(pty_spawn(&p, waits, none, 24, 80, &e), 0);
	while (read(p.fd, &byte, 1) != 1)
		poll(&(struct pollfd){.fd = p.fd, .events = POLLIN}, 1, 10000);
	close_fd(&p.fd);
	assert_int_equal(waitpid(p.pid, &status, 0), p.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_it_finds),
	        cmocka_unit_test(how_it_ends),
	        cmocka_unit_test(sizes_and_hanging_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
