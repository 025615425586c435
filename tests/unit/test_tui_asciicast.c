/* Recordings: valid JSON lines whatever the terminal said, characters whole across chunks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "tui/asciicast.h"

#define SEC ((int64_t)1000000000)

static char dir[] = "/tmp/tare-asciicast-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir + sizeof dir - 7, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/a.cast", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void content(struct buf *b)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(read_to_buf(fd, b), 0);
}

static void a_recording(void **state)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct asciicast *ac = asciicast_open(path, 24, 80, "web \"1\"", 1700000000, 5 * SEC, &e);

	(void)state;
	assert_non_null(ac);
	assert_string_equal(asciicast_path(ac), path);
	assert_int_equal(asciicast_output(ac, "$ \033[1mls\r\n", 10, 6 * SEC + 250000000, &e), 0);
	assert_int_equal(asciicast_resize(ac, 30, 100, 7 * SEC, &e), 0);
	/* e acute, and a chinese character, cut in all their places */
	assert_int_equal(asciicast_output(ac, "\xc3", 1, 8 * SEC, &e), 0);
	assert_int_equal(asciicast_output(ac, "\xa9\xe4", 2, 8 * SEC, &e), 0);
	assert_int_equal(asciicast_output(ac, "\xb8", 1, 8 * SEC, &e), 0);
	assert_int_equal(asciicast_output(ac, "\xad\\\x7f", 3, 9 * SEC, &e), 0);
	assert_int_equal(asciicast_output(ac, "\xff\xc3(", 3, 10 * SEC, &e), 0);
	assert_int_equal(asciicast_close(ac, &e), 0);
	content(&b);
	assert_string_equal(buf_str(&b), "{\"version\": 2, \"width\": 80, \"height\": 24, \"timestamp\": "
	                                 "1700000000, \"title\": \"web \\\"1\\\"\", "
	                                 "\"env\": {\"TERM\": \"xterm-256color\"}}\n"
	                                 "[1.250000, \"o\", \"$ \\u001b[1mls\\r\\n\"]\n"
	                                 "[2.000000, \"r\", \"100x30\"]\n"
	                                 "[3.000000, \"o\", \"\xc3\xa9\"]\n"
	                                 "[4.000000, \"o\", \"\xe4\xb8\xad\\\\\\u007f\"]\n"
	                                 "[5.000000, \"o\", \"\xef\xbf\xbd\xef\xbf\xbd(\"]\n");
}

/* Every line parses, for all bytes and for chunks larger than what is written at once. */
static void any_bytes(void **state)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf b = BUF_INIT;
	struct asciicast *ac = asciicast_open(path, 24, 80, "t", 0, 0, &e);
	char bytes[9000];
	size_t lines = 0;

	(void)state;
	assert_non_null(ac);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 256);
	for (size_t n = 1; n < sizeof bytes; n = n * 3 + 1)
		assert_int_equal(asciicast_output(ac, bytes, n, (int64_t)n, &e), 0);
	assert_int_equal(asciicast_close(ac, &e), 0);
	content(&b);
	assert_true(utf8_valid(buf_str(&b), b.len));
	for (char *line = strtok(b.data, "\n"); line; line = strtok(NULL, "\n")) {
		cleanup_json json *j = json_parse(line, strlen(line), "a line", &e);

		assert_non_null(j);
		lines++;
	}
	assert_true(lines > 8);
}

static void errors(void **state)
{
	struct err e = ERR_INIT;
	struct asciicast *ac;

	(void)state;
	assert_null(asciicast_open("/nonexistent/a.cast", 1, 1, "", 0, 0, &e));
	assert_non_null(strstr(e.msg, "/nonexistent/a.cast"));
	ac = asciicast_open(path, 24, 80, "t", 0, 0, &e);
	assert_non_null(ac);
	/* What is there is never written over. */
	assert_null(asciicast_open(path, 24, 80, "t", 0, 0, &e));
	assert_int_equal(asciicast_close(ac, &e), 0);
	/* A full disk is told once; then nothing more is tried. */
	if (access("/dev/full", W_OK) != 0)
		return;
	unlink(path);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_null(asciicast_open(path, 24, 80, "t", 0, 0, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_recording, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(any_bytes, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(errors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
