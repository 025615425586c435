/* A log as files, for one who pages in it and follows: not a line is lost by rotation, and the end is said
 * only when the last line is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/proc.h"
#include "tests/unit/display_box.h"

/* Someone who reads every file of a log to its end and goes on with the next. */
struct reader {
	struct tare_log *log;
	ino_t inode; /* of the file at hand */
	off_t at;
	struct buf text;
};

/* Where in the log's files the one at hand is now; the first when it is gone. */
static size_t at_hand(const struct reader *r)
{
	struct stat st;

	for (size_t i = 0; i < r->log->n; i++)
		if (fstat(r->log->files[i], &st) == 0 && st.st_ino == r->inode)
			return i;
	return 0;
}

static void read_on(struct reader *r)
{
	char chunk[65536];
	struct stat st;

	for (size_t i = at_hand(r); i < r->log->n; i++) {
		assert_int_equal(fstat(r->log->files[i], &st), 0);
		if (st.st_ino != r->inode)
			r->at = 0;
		r->inode = st.st_ino;
		for (ssize_t n; (n = pread(r->log->files[i], chunk, sizeof chunk, r->at)) > 0; r->at += n)
			buf_add(&r->text, chunk, (size_t)n);
	}
}

/* The numbers that whole lines end with, which have to be 1, 2, … n. */
static unsigned count_numbered(struct reader *r)
{
	unsigned n = 0;
	char *save;

	for (char *line = strtok_r((char *)(uintptr_t)buf_str(&r->text), "\n", &save); line;
	        line = strtok_r(NULL, "\n", &save)) {
		char *number = strrchr(line, ' ');
		if (!number || (unsigned)atoi(number + 1) != n + 1)
			fail_msg("after line %u: %s", n, line);
		n++;
	}
	return n;
}

/* It may have ended before it was opened; then no bit tells of it. */
static void follow_to_the_end(struct display *d, struct reader *r)
{
	bool ended;

	do {
		display_nap(1);
		ended = r->log->ended;
		int bits = d->engine->log_drain(d->engine, r->log, &d->e);
		engine_ok(d, bits);
		assert_int_equal(!!(bits & TARE_LOG_ENDED), !ended && r->log->ended);
		read_on(r);
	} while (!r->log->ended);
	assert_int_equal(d->engine->log_drain(d->engine, r->log, &d->e), 0); /* nothing comes after the end */
}

static void no_line_is_lost_by_rotation(void **state)
{
	struct display *d = *state;
	struct reader r = {.text = BUF_INIT};

	display_needs_root();
	display_run(d, "box", "i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo line $i; done", "--log-opt",
	        "max-size=16k", "--log-opt", "max-file=40");
	engine_ok(d, d->engine->log_open(d->engine, "box", &r.log, &d->e));
	follow_to_the_end(d, &r);
	assert_true(r.log->n > 8); /* it was rotated many times */
	assert_int_equal(count_numbered(&r), 6000);
	d->engine->log_close(d->engine, r.log);
	buf_free(&r.text);
}

/* Files in the place of a container's log, which rotation has moved in the meantime. */
static void put_log(struct display *d, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/containers/%s/%s", d->root, display_id(d, "box"), name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static void move_log(struct display *d, const char *from, const char *to)
{
	char a[256], b[256];

	snprintf(a, sizeof a, "%s/containers/%s/%s", d->root, display_id(d, "box"), from);
	snprintf(b, sizeof b, "%s/containers/%s/%s", d->root, display_id(d, "box"), to);
	assert_int_equal(rename(a, b), 0);
}

static void rotated(struct display *d, const char *text)
{
	move_log(d, "log.1", "log.2");
	move_log(d, "log", "log.1");
	put_log(d, "log", text);
}

static void several_rotations_between_two_looks(void **state)
{
	struct display *d = *state;
	struct reader r = {.text = BUF_INIT};

	display_needs_root();
	tare_ok(d, "create", "--name", "box", "busybox", "true");
	put_log(d, "log.2", "x 1\n");
	put_log(d, "log.1", "x 2\n");
	put_log(d, "log", "x 3\n");
	engine_ok(d, d->engine->log_open(d->engine, "box", &r.log, &d->e));
	assert_int_equal(r.log->n, 3);
	assert_true(r.log->ended);
	read_on(&r);
	rotated(d, "x 4\n");
	rotated(d, "x 5\n"); /* 1 and 2 are dropped, and stay readable */
	assert_int_equal(d->engine->log_drain(d->engine, r.log, &d->e), TARE_LOG_ROTATED | TARE_LOG_GREW);
	assert_int_equal(r.log->n, 5);
	read_on(&r);
	/* in the middle of a rotation: "log" has no file for a moment */
	move_log(d, "log", "log.1");
	assert_int_equal(d->engine->log_drain(d->engine, r.log, &d->e), 0);
	put_log(d, "log", "x 6\n");
	assert_int_equal(d->engine->log_drain(d->engine, r.log, &d->e), TARE_LOG_ROTATED | TARE_LOG_GREW);
	read_on(&r);
	assert_int_equal(count_numbered(&r), 6);
	d->engine->log_close(d->engine, r.log);
	buf_free(&r.text);
}

static void opened_in_the_middle_of_a_rotation(void **state)
{
	struct display *d = *state;
	struct reader r = {.text = BUF_INIT};

	display_needs_root();
	tare_ok(d, "create", "--name", "box", "busybox", "true");
	put_log(d, "log.3", "x 1\n");
	put_log(d, "log.1", "x 2\n"); /* "log" and "log.2" are on their way */
	engine_ok(d, d->engine->log_open(d->engine, "box", &r.log, &d->e));
	assert_int_equal(r.log->n, 2);
	read_on(&r);
	put_log(d, "log", "x 3\n");
	assert_int_equal(d->engine->log_drain(d->engine, r.log, &d->e), TARE_LOG_ROTATED | TARE_LOG_GREW);
	read_on(&r);
	assert_int_equal(count_numbered(&r), 3);
	d->engine->log_close(d->engine, r.log);
	buf_free(&r.text);
}

/* What a process left in the pipe comes after its end: then the log is not over yet. */
static void the_end_comes_after_the_last_line(void **state)
{
	struct display *d = *state;
	cleanup_container struct container c = CONTAINER_INIT;
	struct reader r = {.text = BUF_INIT};

	display_needs_root();
	display_run(d, "box", "sleep 0.3; i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo line $i; done");
	engine_ok(d, d->engine->log_open(d->engine, "box", &r.log, &d->e));
	engine_ok(d, container_open(engine_store(d->engine), "box", &c, &d->e));
	/* with the monitor held, all lines stay in the pipe */
	assert_int_equal(kill(c.state.monitor.pid, SIGSTOP), 0);
	for (int i = 0; i < 500 && proc_alive(&c.state.process); i++)
		display_nap(10);
	bool gone = !proc_alive(&c.state.process);
	int bits = d->engine->log_drain(d->engine, r.log, &d->e);
	assert_int_equal(kill(c.state.monitor.pid, SIGCONT), 0); /* before anything can fail */
	assert_true(gone);
	assert_false(bits & TARE_LOG_ENDED);
	follow_to_the_end(d, &r);
	assert_int_equal(count_numbered(&r), 500);
	d->engine->log_close(d->engine, r.log);
	buf_free(&r.text);
}

/* The newest are open, in their order, also when there are more than can be. */
static void more_files_than_are_kept_open(void **state)
{
	struct display *d = *state;
	struct reader r = {.text = BUF_INIT};
	char name[24], text[24];

	display_needs_root();
	tare_ok(d, "create", "--name", "box", "busybox", "true");
	for (int i = 1; i < 300; i++) {
		snprintf(name, sizeof name, "log.%d", i);
		snprintf(text, sizeof text, "x %d\n", 256 - i);
		put_log(d, name, text);
	}
	put_log(d, "log", "x 256\n");
	engine_ok(d, d->engine->log_open(d->engine, "box", &r.log, &d->e));
	assert_int_equal(r.log->n, 256);
	read_on(&r);
	rotated(d, "x 257\n");
	assert_int_equal(d->engine->log_drain(d->engine, r.log, &d->e), TARE_LOG_ROTATED | TARE_LOG_GREW);
	assert_int_equal(r.log->n, 256);
	read_on(&r);
	assert_int_equal(count_numbered(&r), 257);
	d->engine->log_close(d->engine, r.log);
	buf_free(&r.text);
}

/* A log that is a pipe or a link elsewhere is none. */
static void what_is_no_file_is_not_opened(void **state)
{
	struct display *d = *state;
	struct tare_log *log;
	char path[256];

	display_needs_root();
	tare_ok(d, "create", "--name", "box", "busybox", "true");
	snprintf(path, sizeof path, "%s/containers/%s/log", d->root, display_id(d, "box"));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(5);
	engine_ok(d, d->engine->log_open(d->engine, "box", &log, &d->e));
	alarm(0);
	assert_int_equal(log->n, 0);
	d->engine->log_close(d->engine, log);
}

static void none_and_removed(void **state)
{
	struct display *d = *state;
	struct tare_log *log;
	struct stat st;

	display_needs_root();
	display_run(d, "none", SLEEP_FOR_EVER, "--log-driver", "none");
	assert_int_equal(d->engine->log_open(d->engine, "none", &log, &d->e), -1);
	assert_int_equal(d->e.kind, ERR_UNSUPPORTED);
	assert_int_equal(d->engine->log_open(d->engine, "nobody", &log, &d->e), -1);
	assert_int_equal(d->e.kind, ERR_NOT_FOUND);

	display_run(d, "box", "echo x 1; " SLEEP_FOR_EVER);
	engine_ok(d, d->engine->log_open(d->engine, "box", &log, &d->e));
	assert_false(log->ended);
	eventually(d->engine->log_drain(d->engine, log, &d->e) >= 0 && log->n == 1 &&
	           fstat(log->files[0], &st) == 0 && st.st_size > 0);
	tare_ok(d, "rm", "-f", "box");
	int bits = d->engine->log_drain(d->engine, log, &d->e);
	assert_true(bits >= 0 && bits & TARE_LOG_ENDED);
	assert_true(log->ended);
	assert_int_equal(log->n, 1); /* what was written can still be read */
	assert_int_equal(d->engine->log_drain(d->engine, log, &d->e), 0);
	d->engine->log_close(d->engine, log);
}

/* With a watch open, a line wakes who waits for it; a log that is open twice stays watched until both are
 * closed. */
static void a_watch_tells_of_new_lines(void **state)
{
	struct display *d = *state;
	struct tare_watch *w, *second;
	struct tare_log *a, *b;

	display_needs_root();
	display_run(d, "box", "while read x; do echo $x; done; " SLEEP_FOR_EVER, "-i");
	engine_ok(d, d->engine->watch_open(d->engine, &w, &d->e));
	assert_int_equal(d->engine->watch_open(d->engine, &second, &d->e), -1);
	engine_ok(d, d->engine->log_open(d->engine, "box", &a, &d->e));
	engine_ok(d, d->engine->log_open(d->engine, "box", &b, &d->e));
	d->engine->log_close(d->engine, a);
	put_log(d, "log", "x 1\n");
	assert_int_equal(poll(&(struct pollfd){.fd = w->fd, .events = POLLIN}, 1, 5000), 1);
	engine_ok(d, d->engine->log_drain(d->engine, b, &d->e));
	d->engine->log_close(d->engine, b);
	d->engine->watch_close(d->engine, w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(no_line_is_lost_by_rotation, display_teardown),
	        cmocka_unit_test_teardown(several_rotations_between_two_looks, display_teardown),
	        cmocka_unit_test_teardown(opened_in_the_middle_of_a_rotation, display_teardown),
	        cmocka_unit_test_teardown(the_end_comes_after_the_last_line, display_teardown),
	        cmocka_unit_test_teardown(more_files_than_are_kept_open, display_teardown),
	        cmocka_unit_test_teardown(what_is_no_file_is_not_opened, display_teardown),
	        cmocka_unit_test_teardown(none_and_removed, display_teardown),
	        cmocka_unit_test_teardown(a_watch_tells_of_new_lines, display_teardown),
	};

	return cmocka_run_group_tests(tests, display_group_setup, display_group_teardown);
}
