/* The event log: many writers, rotation, and readers that follow both. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/events.h"
#include "engine/store/event_log.h"

#define WRITERS    4
#define PER_WRITER 1500
#define PAD        250

static char path[64];
static struct store store;

static int setup(void **state)
{
	(void)state;
	strcpy(path, "/dev/shm/tare-test-ev.XXXXXX");
	if (!mkdtemp(path))
		return -1;
	store.state_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store.state_fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(store.state_fd);
	return remove_tree_at(AT_FDCWD, path);
}

static void write_many(int writer)
{
	char line[512];

	for (int i = 0; i < PER_WRITER; i++) {
		int n = snprintf(line, sizeof(line), "%d %d %*s\n", writer, i, PAD, "x");

		if (event_log_add(store.state_fd, line, (size_t)n) < 0)
			_exit(1);
	}
	_exit(0);
}

/* Rotation happens once while four write (1.5 MiB in all): nothing is lost, nothing is torn, and each
 * writer's lines stay in order. */
static void test_writers(void **state)
{
	int next[WRITERS] = {0}, status, rc;
	struct event_reader r;
	struct stat st;
	size_t len;
	char *line;

	(void)state;
	for (int w = 0; w < WRITERS; w++)
		if (!fork())
			write_many(w);
	for (int w = 0; w < WRITERS; w++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(fstatat(store.state_fd, EVENT_LOG_FILE_OLD, &st, 0), 0);
	assert_true(st.st_size >= EVENT_LOG_MAX && st.st_size < EVENT_LOG_MAX + WRITERS * 512);
	assert_int_equal(event_reader_open(&r, store.state_fd, false, NULL), 0);
	while ((rc = event_reader_next(&r, &line, &len, NULL)) == 1) {
		int w, i;

		assert_int_equal(sscanf(line, "%d %d", &w, &i), 2);
		assert_true(w >= 0 && w < WRITERS);
		assert_int_equal(i, next[w]++);
		assert_true(len > PAD);
	}
	assert_int_equal(rc, 0);
	for (int w = 0; w < WRITERS; w++)
		assert_int_equal(next[w], PER_WRITER);
	event_reader_close(&r);
}

static void test_limits(void **state)
{
	static char line[EVENT_LINE_MAX + 1];
	struct event_reader r;
	size_t len;
	char *got;

	(void)state;
	memset(line, 'a', sizeof(line));
	line[EVENT_LINE_MAX] = '\n';
	assert_int_equal(event_log_add(store.state_fd, line, EVENT_LINE_MAX + 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	line[EVENT_LINE_MAX - 1] = '\n';
	assert_int_equal(event_log_add(store.state_fd, line, EVENT_LINE_MAX), 0);
	assert_int_equal(event_log_add(store.state_fd, "b\n", 2), 0);
	assert_int_equal(event_reader_open(&r, store.state_fd, false, NULL), 0);
	assert_int_equal(event_reader_next(&r, &got, &len, NULL), 1);
	assert_int_equal(len, EVENT_LINE_MAX - 1);
	assert_int_equal(event_reader_next(&r, &got, &len, NULL), 1);
	assert_string_equal(got, "b");
	assert_int_equal(event_reader_next(&r, &got, &len, NULL), 0);
	event_reader_close(&r);
}

struct seen {
	char actions[256];
	int left;
};

static int note(json *event, void *arg)
{
	struct seen *s = arg;

	strcat(s->actions, json_str(event, "Action", "?"));
	strcat(s->actions, " ");
	return --s->left == 0;
}

static void test_shape(void **state)
{
	json *attributes = json_object_new_object();
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_json json *event = NULL;
	int64_t before = now_realtime();

	(void)state;
	json_set_str(attributes, "image", "busybox");
	json_set_str(attributes, "name", "hugo");
	event_emit(&store, "container", "start", "abc", attributes);
	assert_int_equal(file_read_at(store.state_fd, EVENT_LOG_FILE, &b, NULL), 0);
	event = json_parse(b.data, b.len, "event", NULL);
	assert_non_null(event);
	assert_string_equal(json_str(event, "status", ""), "start");
	assert_string_equal(json_str(event, "id", ""), "abc");
	assert_string_equal(json_str(event, "from", ""), "busybox");
	assert_string_equal(json_str(event, "Type", ""), "container");
	assert_string_equal(json_str(event, "Action", ""), "start");
	assert_string_equal(json_str(event, "scope", ""), "local");
	assert_string_equal(json_str(json_path(event, "Actor"), "ID", ""), "abc");
	assert_string_equal(json_str(json_path(event, "Actor.Attributes"), "name", ""), "hugo");
	assert_true(json_int(event, "timeNano", 0) >= before);
	assert_true(json_int(event, "time", 0) == json_int(event, "timeNano", 0) / 1000000000);
}

/* Labels that are longer than a line can be do not cost the event. */
static void test_large_attributes(void **state)
{
	json *attributes = json_object_new_object();
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *large = malloc(10000);
	struct seen s = {.left = 9};

	(void)state;
	memset(large, '"', 9999);
	large[9999] = '\0';
	json_set_str(attributes, "label", large);
	json_set_str(attributes, "name", "hugo");
	event_emit(&store, "container", "start", "abc", attributes);
	event_emit(&store, "volume", "create", "v", NULL);
	assert_int_equal(events_watch(&store, &(struct tare_event_options){.since = 1}, note, &s, NULL), 0);
	assert_string_equal(s.actions, "start create ");
	assert_int_equal(file_read_at(store.state_fd, EVENT_LOG_FILE, &b, NULL), 0);
	assert_non_null(strstr(buf_str(&b), "hugo"));
}

static void test_watch(void **state)
{
	struct seen s = {.left = 3}, none = {.left = 9}, old = {.left = 9};
	int64_t middle;
	pid_t writer;

	(void)state;
	event_emit(&store, "container", "create", "a", NULL);
	middle = now_realtime();
	assert_int_equal(event_log_add(store.state_fd, "rubbish\n", 8), 0);
	event_emit(&store, "container", "start", "a", NULL);
	assert_int_equal(
	        events_watch(&store, &(struct tare_event_options){.since = middle}, note, &old, NULL), 0);
	assert_string_equal(old.actions, "start ");
	old = (struct seen){.left = 9};
	assert_int_equal(events_watch(&store, &(struct tare_event_options){.since = 1, .until = middle}, note,
	                         &old, NULL),
	        0);
	assert_string_equal(old.actions, "create ");
	assert_int_equal(events_watch(&store, &(struct tare_event_options){0}, note, &none, NULL), 0);
	assert_string_equal(none.actions, "");
	/* Followed: what is there, then what another process adds. */
	writer = fork();
	if (!writer) {
		usleep(20000);
		event_emit(&store, "container", "die", "a", NULL);
		event_emit(&store, "container", "destroy", "a", NULL);
		_exit(0);
	}
	assert_int_equal(events_watch(&store, &(struct tare_event_options){.since = middle, .follow = true},
	                         note, &s, NULL),
	        0);
	assert_string_equal(s.actions, "start die destroy ");
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	/* An end in the future is waited for, not longer. */
	s = (struct seen){.left = 9};
	assert_int_equal(
	        events_watch(&store,
	                &(struct tare_event_options){.follow = true, .until = now_realtime() + 30000000},
	                note, &s, NULL),
	        0);
	assert_string_equal(s.actions, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_writers, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_shape, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_large_attributes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
