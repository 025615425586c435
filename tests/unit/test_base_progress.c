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
#include <string.h>
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
	close(ends[1]);
}

static void a_terminal_line_is_rewritten_and_cut(void **state)
{
	struct winsize size = {.ws_row = 24, .ws_col = 20};
	static const char shown[] = "\r\033[Klayer: pull 1.5MB /\r\n\r\033[Klayer-with-a-very-l\r\n";
	int master, slave, saved = dup(STDERR_FILENO);
	struct progress p;
	char text[4096];

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, &size) < 0)
		skip();
	dup2(slave, STDERR_FILENO);
	progress_init(&p, -1, false);
	bool terminal = p.terminal;
	progress_step(&p, "layer", "pull", 1500000, 3000000);
	progress_end(&p);
	progress_done(&p, "layer-with-a-very-long-name", "pull");
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_true(terminal);
	read_shown(master, text, strlen(shown));
	assert_string_equal(text, shown);
	close(master);
	close(slave);
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
	        cmocka_unit_test(a_terminal_line_is_rewritten_and_cut),
	        cmocka_unit_test(quiet_and_none_say_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
