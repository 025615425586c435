/* The log under a clock that jumps: its times never decrease, since a point in time is found by bisection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/monitor/log_writer.h"

static int64_t now_s; /* what the clock says */

/* The log writer's clock: this program's own comes before the C library's. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	*ts = (struct timespec){.tv_sec = now_s, .tv_nsec = 5};
	return 0;
}

static void check_order(int dir_fd, const char *const *texts, size_t n)
{
	cleanup_buf struct buf log = BUF_INIT;
	const char *last = "";
	size_t i = 0;

	assert_int_equal(file_read_at(dir_fd, LOG_FILE, &log, NULL), 0);
	for (char *save, *line = strtok_r(log.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_true(strlen(line) >= LOG_HEADER);
		assert_true(strncmp(line, last, 30) >= 0);
		assert_true(i < n);
		assert_string_equal(line + LOG_HEADER, texts[i++]);
		last = line;
	}
	assert_int_equal(i, n);
}

static void say(struct log_writer *l, int64_t at, const char *text)
{
	now_s = at;
	log_write(l, STREAM_OUT, text, strlen(text));
}

static void test_clock_jumps(void **state)
{
	static const char *const texts[] = {
	        "one", "an hour back", "a year on", "1970", "again", "next monitor", "[tare: a note]", "end"};
	char dir[] = "/dev/shm/tare-test-clock.XXXXXX", *area = malloc(LOG_FORMAT_AREA);
	struct log_writer l;
	int fd;

	(void)state;
	assert_non_null(area);
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	log_open(&l, fd, area, 0, 1, true);
	say(&l, 1800000000, "one\n");
	say(&l, 1799996400, "an hour back\n");
	say(&l, 1831536000, "a year on\n");
	say(&l, 0, "1970\n");
	say(&l, 1800000001, "again\n");
	close(l.fd);
	/* The monitor that comes after it reads from the log how late it was. */
	log_open(&l, fd, area, 0, 1, true);
	say(&l, 1800000002, "next monitor\n");
	log_note(&l, "a note");
	say(&l, 1900000000, "end\n");
	close(l.fd);
	check_order(fd, texts, sizeof(texts) / sizeof(*texts));
	close(fd);
	free(area);
	assert_int_equal(remove_tree_at(AT_FDCWD, dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_clock_jumps)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
