/* Reading a container's log: whole, its end, between two times, over rotated files, and when it is damaged.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/logs.h"
#include "engine/monitor/handoff.h"
#include "engine/terminal_filter.h"

struct dir {
	char path[64];
	int fd, state_fd;
};

static void dir_make(struct dir *d)
{
	strcpy(d->path, "/dev/shm/tare-test-logs.XXXXXX");
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d->state_fd = open_dir_make(d->fd, "state", 0700);
	assert_true(d->fd >= 0 && d->state_fd >= 0);
}

static void dir_remove(struct dir *d)
{
	close(d->fd);
	close(d->state_fd);
	assert_int_equal(remove_tree_at(AT_FDCWD, d->path), 0);
}

static void put(const struct dir *d, const char *name, const char *text, size_t len)
{
	int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, len), 0);
	close(fd);
}

static void put_text(const struct dir *d, const char *name, const char *text)
{
	put(d, name, text, strlen(text));
}

static int temporary(void)
{
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void content(int fd, struct buf *b)
{
	buf_reset(b);
	b->max = 512u << 20;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(read_to_buf(fd, b), 0);
	close(fd);
}

/* What logs_read() gives for `o`, both streams into one. */
static const char *read_logs(const struct dir *d, struct tare_log_options o)
{
	static struct buf b;
	struct err e = ERR_INIT;

	o.out = o.err = temporary();
	if (logs_read(d->fd, -1, &o, &e) < 0)
		fail_msg("%s", e.msg);
	content(o.out, &b);
	return buf_str(&b);
}

#define ALL                                                                                                  \
	(struct tare_log_options)                                                                            \
	{                                                                                                    \
		.tail = -1                                                                                   \
	}
#define LAST(n)                                                                                              \
	(struct tare_log_options)                                                                            \
	{                                                                                                    \
		.tail = (n)                                                                                  \
	}

/* Lines 0 to 9999 in three files, one a second, from 2026-01-31T10:00:00Z on. */
#define START 1769853600ll
static void put_lines(const struct dir *d)
{
	static const char *const names[] = {"log.2", "log.1", "log"};
	char stamp[TIME_TEXT_SIZE], line[128];

	for (int f = 0; f < 3; f++) {
		cleanup_buf struct buf b = BUF_INIT;

		for (int i = f * 4000; i < (f == 2 ? 10000 : (f + 1) * 4000); i++) {
			time_format((START + i) * 1000000000ll, stamp);
			snprintf(line, sizeof(line), "%s %s F %d\n", stamp, i % 3 ? "stdout" : "stderr", i);
			buf_str_add(&b, line);
		}
		put(d, names[f], b.data, b.len);
	}
}

static void check_range(const char *got, int from, int to)
{
	for (int i = from; i <= to; i++) {
		char *end;

		if (strtol(got, &end, 10) != i || *end != '\n')
			fail_msg("want %d, got %.20s", i, got);
		got = end + 1;
	}
	assert_string_equal(got, "");
}

static void test_rotated(void **state)
{
	static const int tails[] = {1, 2, 100, 1999, 2000, 2001, 6000, 6001, 9999, 10000, 20000};
	struct dir d;

	(void)state;
	dir_make(&d);
	put_lines(&d);
	check_range(read_logs(&d, ALL), 0, 9999);
	assert_string_equal(read_logs(&d, LAST(0)), "");
	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++)
		check_range(read_logs(&d, LAST(tails[i])), tails[i] > 10000 ? 0 : 10000 - tails[i], 9999);
	dir_remove(&d);
}

static void test_times(void **state)
{
	static const int points[] = {0, 1, 57, 3999, 4000, 4001, 7999, 8000, 9998, 9999};
	struct dir d;

	(void)state;
	dir_make(&d);
	put_lines(&d);
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		int64_t at = (START + points[i]) * 1000000000ll;

		check_range(
		        read_logs(&d, (struct tare_log_options){.tail = -1, .since = at}), points[i], 9999);
		check_range(read_logs(&d, (struct tare_log_options){.tail = -1, .since = at - 1}), points[i],
		        9999);
		check_range(read_logs(&d, (struct tare_log_options){.tail = -1, .since = at + 1}),
		        points[i] + 1, 9999);
		check_range(read_logs(&d, (struct tare_log_options){.tail = -1, .until = at}), 0, points[i]);
		check_range(read_logs(&d, (struct tare_log_options){.tail = 10, .since = at}),
		        points[i] > 9990 ? points[i] : 9990, 9999);
	}
	assert_string_equal(
	        read_logs(&d, (struct tare_log_options){.tail = -1, .since = 2 * START * 1000000000ll}), "");
	dir_remove(&d);
}

#define T1 "2026-01-31T10:00:00.000000001Z "
#define T2 "2026-01-31T10:00:00.000000002Z "

static void test_pieces(void **state)
{
	struct dir d;

	(void)state;
	dir_make(&d);
	put_text(&d, "log",
	        T1 "stdout F first\n" T1 "stdout P one \n" T1 "stdout P two \n" T2 "stdout F three\n" T2
	           "stdout F \n" T2 "stdout P prompt> \n");
	assert_string_equal(read_logs(&d, ALL), "first\none two three\n\nprompt> ");
	assert_string_equal(read_logs(&d, LAST(1)), "prompt> ");
	assert_string_equal(read_logs(&d, LAST(2)), "\nprompt> ");
	assert_string_equal(read_logs(&d, LAST(3)), "one two three\n\nprompt> ");
	assert_string_equal(read_logs(&d, (struct tare_log_options){.tail = 3, .timestamps = true}),
	        T1 "one two three\n" T2 "\n" T2 "prompt> ");
	dir_remove(&d);
}

static void test_damaged(void **state)
{
	cleanup_free char *longest = malloc(600000);
	struct dir d;

	(void)state;
	dir_make(&d);
	assert_string_equal(read_logs(&d, ALL), ""); /* no log at all */
	assert_string_equal(read_logs(&d, LAST(5)), "");
	put_text(&d, "log",
	        "\n\nrubbish\n" T1 "stdout F good\n" T1 "stdbad F x\n2026-01-31T10\n" T2 "stdout F end\n" T2
	        "stdout F torn");
	assert_string_equal(read_logs(&d, ALL), "\n\nrubbish\ngood\n" T1 "stdbad F x\n2026-01-31T10\nend\n");
	put_text(&d, "log", "\n");
	put(&d, "log", "a\0b\n", 4);
	assert_true(strlen(read_logs(&d, LAST(2))) > 0);
	memset(longest, 'q', 600000);
	longest[599999] = '\n';
	put(&d, "log", longest, 600000);
	assert_true(strstr(read_logs(&d, ALL), "end\n") != NULL);
	assert_int_equal(strlen(read_logs(&d, LAST(1))), 600000);
	read_logs(&d, (struct tare_log_options){.tail = -1, .since = START * 1000000000ll});
	dir_remove(&d);
}

static int terminal(int *master)
{
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(unlockpt(*master), 0);
	return open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void test_harmless(void **state)
{
	struct tare_log_options o = {.tail = -1, .harmless = true};
	struct dir d;
	int master;

	(void)state;
	dir_make(&d);
	put_text(&d, "log",
	        T1 "stdout F \x1b[1;31mred\x1b[0m\ttab\n" T1 "stdout F \x1b]52;c;AAAA\x07 clip\n" T1
	           "stdout P half \x1b[3\n" T1 "stdout F 2mgreen\n" T1 "stdout F \x1b[2Jclear\n" T1
	           "stdout F caf\xc3\xa9 \xe2\x80\xae bidi\n" T1 "stdout F cr\r\n");
	static const char want[] = "\x1b[1;31mred\x1b[0m\ttab\n\xef\xbf\xbd]52;c;AAAA\xef\xbf\xbd "
	                           "clip\nhalf \x1b[32mgreen\n\xef\xbf\xbd[2J"
	                           "clear\ncaf\xc3\xa9 \xef\xbf\xbd bidi\ncr\n";
	char got[sizeof(want)] = "";
	struct termios raw;
	size_t n = 0;

	o.out = o.err = terminal(&master);
	assert_int_equal(tcgetattr(o.out, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(o.out, TCSANOW, &raw), 0);
	assert_int_equal(logs_read(d.fd, -1, &o, NULL), 0);
	while (n < sizeof(want) - 1) {
		struct pollfd more = {master, POLLIN, 0};

		assert_int_equal(poll(&more, 1, 20000), 1); /* what is less than that has not been changed */
		ssize_t r = read(master, got + n, sizeof(want) - 1 - n);
		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_string_equal(got, want);
	/* Into a file nothing is changed. */
	assert_non_null(
	        strstr(read_logs(&d, (struct tare_log_options){.tail = -1, .harmless = true}), "\x1b]52;c"));
	close(o.out);
	close(master);
	dir_remove(&d);
}

/* Cut anywhere, the filter's result is the same, and no control but newline, tab and colours is in it. */
static void test_filter_cuts(void **state)
{
	static const char text[] = "a\x1b[1mb\x1b[0;38;5;12mc\xe2\x82\xac\xf0\x9f\x98\x80\x1b(B\x9b\x1b\x1b["
	                           "K\xff\xc3(x\r\ny\x07z";
	cleanup_buf struct buf whole = BUF_INIT;
	struct terminal_filter f = {0};
	char hostile[100];

	(void)state;
	terminal_filter_add(&f, &whole, text, sizeof(text) - 1);
	terminal_filter_end(&f, &whole);
	for (size_t a = 0; a < sizeof(text); a++) {
		for (size_t b = a; b < sizeof(text); b++) {
			cleanup_buf struct buf cut = BUF_INIT;

			terminal_filter_add(&f, &cut, text, a);
			terminal_filter_add(&f, &cut, text + a, b - a);
			terminal_filter_add(&f, &cut, text + b, sizeof(text) - 1 - b);
			terminal_filter_end(&f, &cut);
			if (cut.len != whole.len || memcmp(cut.data, whole.data, cut.len))
				fail_msg("cut at %zu and %zu: %s", a, b, cut.data);
		}
	}
	/* A sequence that never ends is no colour. */
	memset(hostile, '1', sizeof(hostile));
	memcpy(hostile, "\x1b[", 2);
	for (size_t step = 1; step <= sizeof(hostile); step++) {
		cleanup_buf struct buf out = BUF_INIT;

		for (size_t at = 0; at < sizeof(hostile); at += step)
			terminal_filter_add(&f, &out, hostile + at,
			        step < sizeof(hostile) - at ? step : sizeof(hostile) - at);
		terminal_filter_end(&f, &out);
		assert_null(memchr(out.data, 0x1b, out.len));
		assert_int_equal(out.len, sizeof(hostile) + 2);
	}
}

/* Following ends with the run, and not before its last line was passed on. */
static void test_follow(void **state)
{
	struct exit_record x = {.code = 0, .finished = 1};
	struct tare_log_options o = {.tail = -1, .follow = true};
	cleanup_buf struct buf b = BUF_INIT;
	struct dir d;
	pid_t reader;
	int status;

	(void)state;
	dir_make(&d);
	o.out = o.err = temporary();
	put_text(&d, "log", T1 "stdout F 0\n");
	reader = fork();
	if (!reader)
		_exit(logs_read(d.fd, d.state_fd, &o, NULL) < 0);
	for (int i = 1; i < 300; i++) {
		char line[128];

		if (i % 50 == 0) {
			renameat(d.fd, "log.1", d.fd, "log.2");
			renameat(d.fd, "log", d.fd, "log.1");
			/* The reader may be a file behind, not more: it is waited for. */
			struct stat st;

			do
				assert_int_equal(fstat(o.out, &st), 0);
			while (st.st_size == 0);
		}
		snprintf(line, sizeof(line), T1 "stdout F %d\n", i);
		put_text(&d, "log", line);
		usleep(500);
	}
	put_text(&d, "log", T2 "stdout F 300\n");
	assert_int_equal(exit_record_write(d.state_fd, &x), 0);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	content(o.out, &b);
	check_range(buf_str(&b), 0, 300);
	dir_remove(&d);
}

/* `logs -f | head`: the reader goes, and a quiet container must not keep logs waiting. */
static void test_reader_goes(void **state)
{
	struct tare_log_options o = {.tail = -1, .follow = true, .err = -1};
	struct dir d;
	int p[2];

	(void)state;
	dir_make(&d);
	put_lines(&d);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	o.out = p[1];
	assert_int_equal(logs_read(d.fd, d.state_fd, &o, NULL), 0);
	close(p[1]);
	dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rotated),
	        cmocka_unit_test(test_times),
	        cmocka_unit_test(test_pieces),
	        cmocka_unit_test(test_damaged),
	        cmocka_unit_test(test_harmless),
	        cmocka_unit_test(test_filter_cuts),
	        cmocka_unit_test(test_follow),
	        cmocka_unit_test(test_reader_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
