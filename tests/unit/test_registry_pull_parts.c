/* What a pull is made of: the feed, the crew, the history of zstd, the tags. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/pull_crew.h"
#include "registry/client/pull_feed.h"
#include "registry/client/pull_history.h"
#include "registry/client/pull_tags.h"

/* ------------------------------------------------------------------ feed */

#define PIECES     64
#define PIECE_SIZE 10000

/* Reads all, and adds the bytes up; UINT64_MAX when it fails. */
static void *add_up(void *feed)
{
	static uint64_t sum;
	unsigned char data[70000];
	ssize_t n;

	sum = 0;
	while ((n = pull_feed_read(feed, data, sizeof data, NULL)) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum += data[i];
	if (n < 0)
		sum = UINT64_MAX;
	return &sum;
}

static uint64_t sum_of(pthread_t reader)
{
	void *sum;

	assert_int_equal(pthread_join(reader, &sum), 0);
	return *(uint64_t *)sum;
}

static void a_reader_gets_all_that_arrives(void **state)
{
	struct pull_feed f;
	pthread_t reader;
	unsigned char piece[PIECE_SIZE], peeked[4];
	int fd = memfd_create("feed", MFD_CLOEXEC);

	(void)state;
	memset(piece, 3, sizeof piece);
	pull_feed_init(&f);
	pull_feed_reset(&f, fd, 0);
	assert_int_equal(pthread_create(&reader, NULL, add_up, &f), 0);
	for (int i = 0; i < PIECES; i++) {
		assert_int_equal(write(fd, piece, sizeof piece), sizeof piece);
		pull_feed_arrive(&f, sizeof piece);
	}
	pull_feed_end(&f);
	assert_int_equal(sum_of(reader), (uint64_t)3 * PIECES * PIECE_SIZE);
	assert_int_equal(pull_feed_taken(&f), PIECES * PIECE_SIZE);
	/* what is looked at is read again */
	pull_feed_reset(&f, fd, 2);
	pull_feed_end(&f);
	assert_int_equal(pull_feed_peek(&f, peeked, sizeof peeked, NULL), 2);
	assert_int_equal(pull_feed_taken(&f), 0);
	pull_feed_free(&f);
	close(fd);
}

static void a_killed_feed_ends_its_reader(void **state)
{
	struct pull_feed f;
	pthread_t reader;
	int fd = memfd_create("feed", MFD_CLOEXEC);

	(void)state;
	pull_feed_init(&f);
	pull_feed_reset(&f, fd, 0);
	assert_int_equal(pthread_create(&reader, NULL, add_up, &f), 0);
	pull_feed_kill(&f);
	assert_int_equal(sum_of(reader), UINT64_MAX);
	assert_true(pull_feed_is_dead(&f));
	pull_feed_free(&f);
	close(fd);
}

/* ------------------------------------------------------------------ crew */

struct task {
	struct pull_job job;
	pthread_mutex_t *gate;
	int *order, place;
};

static int do_task(void *arg, struct err *e)
{
	struct task *t = arg;

	pthread_mutex_lock(t->gate);
	t->place = ++*t->order;
	pthread_mutex_unlock(t->gate);
	return t->place == 3 ? err_set(e, ERR_CORRUPT, "the third") : 0;
}

static void count_wake(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
}

static void jobs_begin_in_order_and_can_be_taken_back(void **state)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	struct task tasks[5];
	int order = 0, wakes = 0;
	struct pull_crew *c = pull_crew_new(1, count_wake, &wakes, NULL);

	(void)state;
	assert_non_null(c);
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 5; i++) {
		tasks[i] = (struct task){
		        .job = {.work = do_task, .arg = &tasks[i]}, .gate = &gate, .order = &order};
		assert_int_equal((i == 4 ? pull_crew_give_first : pull_crew_give)(c, &tasks[i].job, NULL), 0);
		if (i == 0)
			while (__atomic_load_n(&tasks[0].job.state, __ATOMIC_SEQ_CST) != JOB_RUNNING)
				usleep(1000);
	}
	pull_crew_take_back(c, &tasks[3].job); /* not begun yet */
	assert_false(pull_crew_has_ended(c, &tasks[0].job));
	pthread_mutex_unlock(&gate);
	while (!pull_crew_has_ended(c, &tasks[2].job))
		pull_crew_wait(c, 1000);
	assert_int_equal(tasks[0].place, 1);
	assert_int_equal(tasks[4].place, 2);
	assert_int_equal(tasks[1].place, 3);
	assert_int_equal(tasks[2].place, 4);
	assert_int_equal(tasks[3].place, 0);
	assert_int_equal(tasks[1].job.rc, -1);
	assert_string_equal(tasks[1].job.why.msg, "the third");
	pull_crew_free(c);
	assert_int_equal(wakes, 4);
}

/* ------------------------------------------------------------------ history */

static uint64_t wanted(const char *bytes, size_t len)
{
	return pull_history_wanted((const unsigned char *)bytes, len);
}
#define WANTED(bytes) wanted(bytes, sizeof(bytes) - 1)
#define ZSTD          "\x28\xb5\x2f\xfd"

static void a_frame_says_how_much_history_it_wants(void **state)
{
	(void)state;
	assert_int_equal(WANTED("\x1f\x8b\x08\x00\x00\x00\x00"), 0);
	assert_int_equal(WANTED(""), 0);
	assert_int_equal(WANTED(ZSTD "\x00\x00"), 1024);
	assert_int_equal(WANTED(ZSTD "\x00\x68"), 8 << 20);
	assert_int_equal(WANTED(ZSTD "\x00\x69"), 9 << 20);
	assert_int_equal(WANTED(ZSTD "\x04\x88"), 128 << 20);
	/* one segment: all of its content */
	assert_int_equal(WANTED(ZSTD "\x20\x10"), 16);
	assert_int_equal(WANTED(ZSTD "\x60\x01\x00"), 257);
	assert_int_equal(WANTED(ZSTD "\xa0\x00\x00\x00\x01"), 1 << 24);
	assert_int_equal(WANTED(ZSTD "\xe1\xff\x00\x00\x00\x00\x01\x00\x00\x00"), (uint64_t)1 << 32);
	assert_int_equal(WANTED(ZSTD "\xe0\x00\x00"), UINT64_MAX); /* cut */
	assert_int_equal(WANTED("\x53\x2a\x4d\x18\x00\x00"), UINT64_MAX);
}

static void a_large_one_goes_alone(void **state)
{
	struct pull_history h;

	(void)state;
	pull_history_init(&h);
	unsigned a = pull_history_take(&h, PULL_HISTORY_SHARED), b = pull_history_take(&h, 1),
	         c = pull_history_take(&h, 1);
	assert_true(a && b && c);
	assert_int_equal(pull_history_take(&h, 1), 0);
	pull_history_give(&h, a);
	assert_int_equal(pull_history_take(&h, PULL_HISTORY_SHARED + 1), 0);
	pull_history_give(&h, b);
	pull_history_give(&h, c);
	a = pull_history_take(&h, UINT64_MAX);
	assert_true(a);
	assert_int_equal(pull_history_take(&h, 1), 0);
	pull_history_give(&h, a);
	assert_int_equal(h.taken, 0);
	pull_history_free(&h);
}

/* ------------------------------------------------------------------ tags */

static void only_the_query_of_a_link_is_used(void **state)
{
	char query[PULL_TAGS_QUERY];
	static const char *const bad[] = {NULL, "", "</v2/x>; rel=\"next\"", "</v2/x?n=1>; rel=\"prev\"",
	        "</v2/x?n=1", "v2/x?n=1>; rel=\"next\"", "</v2/x?>; rel=\"next\"",
	        "</v2/x?a b>; rel=\"next\"", "</v2/x?a\r\nHost: b>; rel=\"next\"",
	        "</v2/x?a#b>; rel=\"next\""};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(pull_tags_next(bad[i], query));
	assert_true(pull_tags_next("<http://elsewhere/v2/y/tags/list?n=5&last=v1%2F>; rel=\"next\"", query));
	assert_string_equal(query, "n=5&last=v1%2F");
	char longer[PULL_TAGS_QUERY + 64] = "</?";
	memset(longer + 3, 'a', PULL_TAGS_QUERY);
	strcpy(longer + 3 + PULL_TAGS_QUERY, ">; rel=\"next\"");
	assert_false(pull_tags_next(longer, query));
}

static int read_tags(const char *text, char ***out)
{
	return pull_tags_read(text, strlen(text), out, NULL);
}

static void tags_are_read_strictly(void **state)
{
	static const char *const bad[] = {"", "[", "{\"tags\":[\"../x\"]}", "{\"tags\":[\"\"]}",
	        "{\"tags\":[\".a\"]}", "{\"tags\":[\"a b\"]}", "{\"tags\":[\"a\\u001b\"]}"};
	cleanup_strv char **tags = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(read_tags(bad[i], &tags), -1);
	strv_free_ptr(&tags);
	assert_int_equal(read_tags("{\"name\":\"x\",\"tags\":null}", &tags), 0);
	assert_int_equal(read_tags("{\"tags\":[\"v1.0\",\"_x-Y\"]}", &tags), 2);
	assert_int_equal(read_tags("{\"tags\":[\"latest\"]}", &tags), 1);
	assert_int_equal(strv_len(tags), 3);
	assert_string_equal(tags[2], "latest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_reader_gets_all_that_arrives),
	        cmocka_unit_test(a_killed_feed_ends_its_reader),
	        cmocka_unit_test(jobs_begin_in_order_and_can_be_taken_back),
	        cmocka_unit_test(a_frame_says_how_much_history_it_wants),
	        cmocka_unit_test(a_large_one_goes_alone),
	        cmocka_unit_test(only_the_query_of_a_link_is_used),
	        cmocka_unit_test(tags_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
