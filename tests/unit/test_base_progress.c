/* Progress as JSON lines and on a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/progress.h"

static void read_some(int fd, char *dst, size_t size)
{
	ssize_t len = read(fd, dst, size - 1);

	dst[len > 0 ? len : 0] = '\0';
}

/* The kernel passes on what was written to a terminal in pieces, when it has time. */
static void read_shown(int master, char *dst, size_t want)
{
	struct pollfd p = {.fd = master, .events = POLLIN};
	size_t len = 0;

	while (len < want && poll(&p, 1, 10000) > 0) {
		ssize_t n = read(master, dst + len, want - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	dst[len] = '\0';
}

static void lines_are_json_and_few(void **state)
{
	struct progress p;
	char text[4096];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	progress_init(&p, ends[1], true);
	int64_t start = now_boottime(), lines = 0;
	for (uint64_t i = 0; i < 1000; i++)
		progress_step(&p, "a\"b\\c\033[2J\n", "pull", i, UINT64_MAX);
	read_some(ends[0], text, sizeof(text));
	char *end = strchr(text, '\n');
	assert_non_null(end);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	/* ten a second, however slow this machine is just now */
	assert_true(lines <= 1 + (now_boottime() - start) / 100000000);
	cleanup_json json *j = json_parse(text, (size_t)(end - text), "line", NULL);
	assert_string_equal(json_str(j, "object", ""), "a\"b\\c\xef\xbf\xbd[2J ");
	assert_string_equal(json_str(j, "phase", ""), "pull");
	assert_int_equal(json_int(j, "done", -1), 0);
	progress_done(&p, "x", "done");
	progress_end(&p);
	read_some(ends[0], text, sizeof(text));
	assert_string_equal(text, "{\"object\":\"x\",\"phase\":\"done\",\"complete\":true}\n");
	/* A reader that has gone must not stop the job. */
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	progress_done(&p, "x", "done");
	assert_int_equal(p.fd, -1);
	progress_step(&p, "x", "y", 1, 2);
	progress_end(&p);
	close(ends[1]);
}

/* A terminal as standard error, and what was written to it. */
struct screen {
	int master, slave, saved;
};

static struct screen screen_open(unsigned short rows, unsigned short cols)
{
	struct winsize size = {.ws_row = rows, .ws_col = cols};
	struct screen s = {.saved = dup(STDERR_FILENO)};

	if (openpty(&s.master, &s.slave, NULL, NULL, &size) < 0)
		skip();
	dup2(s.slave, STDERR_FILENO);
	return s;
}

static void screen_close(struct screen *s)
{
	dup2(s->saved, STDERR_FILENO);
	close(s->saved);
	close(s->master);
	close(s->slave);
}

static void screen_shows(const struct screen *s, const char *want)
{
	char text[4096];

	read_shown(s->master, text, strlen(want));
	assert_string_equal(text, want);
}

static void lines_are_redrawn_in_place_and_cut(void **state)
{
	struct screen s = screen_open(24, 20);
	struct progress p;

	(void)state;
	progress_init(&p, -1, false);
	assert_true(p.terminal);
	progress_step(&p, "layer", "pull", 1500000, 3000000);
	screen_shows(&s, "layer: pull 50%\r\n");
	p.last_ns = 0;
	progress_step(&p, "other", "pull", 0, 0);
	screen_shows(&s, "\r\033[1A\033[Jlayer: pull 50%\r\nother: pull\r\n");
	progress_step(&p, "other", "pull", 1, 0); /* too soon */
	/* what is done moves up and stays */
	progress_done(&p, "layer", "done");
	screen_shows(&s, "\r\033[2A\033[Jlayer: done\r\nother: pull 1B\r\n");
	progress_done(&p, "a-new-one-with-a-very-long-name", "pull");
	screen_shows(&s, "\r\033[1A\033[Ja-new-one-with-a-ve\r\nother: pull 1B\r\n");
	progress_end(&p);
	assert_int_equal(p.n_objects, 0);
	screen_close(&s);
}

static void a_terminal_that_became_narrower_has_wrapped_the_lines(void **state)
{
	struct screen s = screen_open(24, 60);
	const struct winsize narrow = {.ws_row = 24, .ws_col = 10};
	struct progress p;

	(void)state;
	progress_init(&p, -1, false);
	progress_step(&p, "0123456789", "downloading", 1, 2); /* 31 columns wide: four lines of ten */
	screen_shows(&s, "0123456789: downloading 1B / 2B\r\n");
	assert_int_equal(ioctl(s.slave, TIOCSWINSZ, &narrow), 0);
	p.last_ns = 0;
	progress_step(&p, "0123456789", "downloading", 1, 2);
	screen_shows(&s, "\r\033[4A\033[J012345678\r\n");
	progress_end(&p);
	screen_close(&s);
}

static void more_than_fit_are_counted(void **state)
{
	struct screen s = screen_open(5, 80);
	struct progress p;
	char name[8];

	(void)state;
	progress_init(&p, -1, false);
	p.last_ns = INT64_MAX; /* not yet */
	for (int i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		progress_step(&p, name, "waiting", 0, 0);
	}
	p.last_ns = 0;
	progress_step(&p, "l0", "downloading", 50, 100);
	screen_shows(&s, "l0: downloading [======>     ]    50B / 100B\r\nl1: waiting\r\nand 7 more\r\n");
	progress_end(&p);
	screen_close(&s);
}

/* What a third of 3 MB looks like in a terminal of so many columns. */
static void line_says(unsigned short cols, const char *want)
{
	struct screen s = screen_open(24, cols);
	struct progress p;

	progress_init(&p, -1, false);
	p.last_ns = INT64_MAX;
	progress_step(&p, "0123456789ab", "downloading", 1000000, 3000000);
	/* too soon for a rate */
	p.last_ns = 0;
	progress_step(&p, "0123456789ab", "downloading", 1000000, 3000000);
	screen_shows(&s, want);
	progress_end(&p);
	screen_close(&s);
}

static void a_line_has_what_its_width_has_room_for(void **state)
{
	(void)state;
	line_says(100, "0123456789ab: downloading [======>             ]    1MB / 3MB\r\n");
	line_says(80, "0123456789ab: downloading [====>       ]    1MB / 3MB\r\n");
	line_says(50, "0123456789ab: downloading 1MB / 3MB\r\n");
	line_says(34, "0123456789ab: downloading 33%\r\n");
	line_says(28, "0123456789ab: downloading\r\n");
}

/* Nothing wraps and nothing is cut in the middle: the longest of parts fill the 79 columns that 80 have. */
static void the_longest_line_ends_with_its_time(void **state)
{
	struct screen s = screen_open(24, 80);
	struct progress p;
	char text[256];

	(void)state;
	progress_init(&p, -1, false);
	p.last_ns = INT64_MAX;
	progress_step(&p, "0123456789ab", "downloading", 0, 2340000000);
	usleep(200000);
	p.last_ns = 0;
	progress_step(&p, "0123456789ab", "downloading", 234567, 2340000000);
	read_some(s.master, text, sizeof(text));
	text[strcspn(text, "\r\n")] = '\0';
	assert_in_range(strlen(text), 70, 79);
	assert_non_null(strstr(text, "235kB / 2.34GB, "));
	assert_string_equal(text + strlen(text) - 5, " left");
	progress_end(&p);
	screen_close(&s);
}

static json *next_line(int fd)
{
	char text[4096];

	read_some(fd, text, sizeof(text));
	char *end = strchr(text, '\n');
	assert_non_null(end);
	json *j = json_parse(text, (size_t)(end - text), "line", NULL);
	assert_non_null(j);
	return j;
}

static void rate_and_time_left_are_told_per_object(void **state)
{
	struct progress p;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	progress_init(&p, ends[1], false);
	progress_step(&p, "a", "downloading", 0, 1000000);
	cleanup_json json *first = next_line(ends[0]);
	assert_null(json_get(first, "rate"));
	/* another object is news, however soon it comes */
	progress_step(&p, "b", "waiting", 0, 7);
	cleanup_json json *other = next_line(ends[0]);
	assert_string_equal(json_str(other, "object", ""), "b");
	usleep(200000);
	progress_step(&p, "a", "downloading", 200000, 1000000);
	cleanup_json json *second = next_line(ends[0]);
	int64_t rate = json_int(second, "rate", 0), eta = json_int(second, "eta", -1);
	/* 200 kB in 0.2 s or, on a busy machine, more */
	assert_in_range(rate, 1000, 1000000);
	assert_in_range(eta, 800000 / rate, 800000 / rate + 1);
	/* a new phase begins to count anew, and is told at once */
	progress_step(&p, "a", "unpacking", 0, 1000000);
	cleanup_json json *third = next_line(ends[0]);
	assert_string_equal(json_str(third, "phase", ""), "unpacking");
	assert_null(json_get(third, "rate"));
	progress_end(&p);
	close(ends[0]);
	close(ends[1]);
}

static void quiet_and_none_say_nothing(void **state)
{
	struct progress p = PROGRESS_NONE;

	(void)state;
	progress_step(&p, "a", "b", 1, 2);
	progress_done(&p, "a", "b");
	progress_end(&p);
	assert_int_equal(p.last_ns, 0);
	progress_init(&p, -1, true);
	assert_false(p.terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lines_are_json_and_few),
	        cmocka_unit_test(lines_are_redrawn_in_place_and_cut),
	        cmocka_unit_test(a_terminal_that_became_narrower_has_wrapped_the_lines),
	        cmocka_unit_test(more_than_fit_are_counted),
	        cmocka_unit_test(a_line_has_what_its_width_has_room_for),
	        cmocka_unit_test(the_longest_line_ends_with_its_time),
	        cmocka_unit_test(rate_and_time_left_are_told_per_object),
	        cmocka_unit_test(quiet_and_none_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
