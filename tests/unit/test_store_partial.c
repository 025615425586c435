/* Partial downloads: locks, taking over, becoming a blob, and the sweep. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/store/blob.h"
#include "engine/store/image_index.h"
#include "engine/store/partial.h"
#include "tests/unit/store_box.h"

#define HEX "1111111111111111111111111111111111111111111111111111111111111111"

static const struct digest blob = {.alg = "sha256", .hex = HEX};

static const struct store *store_of(void **state)
{
	return &((struct store_box *)*state)->store;
}

static struct partial opened(const struct store *s, bool wait)
{
	struct partial p = PARTIAL_INIT;

	assert_int_equal(partial_open(s, &blob, wait, &p, NULL), 1);
	return p;
}

static void what_came_is_there_the_next_time(void **state)
{
	const struct store *s = store_of(state);
	struct partial p = opened(s, false), other = PARTIAL_INIT;

	assert_int_equal(p.have, 0);
	assert_int_equal(write(p.fd, "half", 4), 4);
	/* another one, in this process or not, has to wait */
	assert_int_equal(partial_open(s, &blob, false, &other, NULL), 0);
	assert_int_equal(other.fd, -1);
	partial_close(&p);
	p = opened(s, false);
	assert_int_equal(p.have, 4);
	assert_true(partial_exists(s, &blob));
	partial_drop(s, &p);
	assert_false(partial_exists(s, &blob));
}

static void a_whole_one_is_blob_and_partial_until_it_is_forgotten(void **state)
{
	const struct store *s = store_of(state);
	struct partial p = opened(s, false);
	uint64_t size = 0, freed = 0;

	assert_int_equal(write(p.fd, "whole", 5), 5);
	assert_int_equal(partial_publish(s, &p, NULL), 0);
	assert_int_equal(partial_publish(s, &p, NULL), 0); /* what is in its place is replaced */
	partial_close(&p);
	assert_true(blob_exists(s, &blob, &size));
	assert_int_equal(size, 5);
	/* a pull that is cut here loses the blob, not what was downloaded */
	assert_int_equal(image_sweep(s, &freed, NULL), 0);
	assert_false(blob_exists(s, &blob, NULL));
	p = opened(s, false);
	assert_int_equal(p.have, 5);
	assert_int_equal(partial_publish(s, &p, NULL), 0);
	/* a restart leaves the blob's bytes alone */
	assert_int_equal(partial_restart(s, &p, NULL), 0);
	assert_int_equal(p.have, 0);
	assert_true(blob_exists(s, &blob, &size));
	assert_int_equal(size, 5);
	partial_close(&p);
	partial_forget(s, &blob);
	assert_false(partial_exists(s, &blob));
}

static void *open_waiting(void *arg)
{
	static struct partial p;

	p = opened(arg, true);
	return &p;
}

/* Who waited for one that was then removed must not believe that it has the new one. */
static void a_waiter_gets_what_is_there_then(void **state)
{
	const struct store *s = store_of(state);
	struct partial p = opened(s, false);
	pthread_t thread;
	void *got;

	assert_int_equal(write(p.fd, "old", 3), 3);
	assert_int_equal(pthread_create(&thread, NULL, open_waiting, (void *)(uintptr_t)s), 0);
	usleep(20000);
	partial_drop(s, &p);
	assert_int_equal(pthread_join(thread, &got), 0);
	assert_int_equal(((struct partial *)got)->have, 0);
	assert_int_equal(partial_open(s, &blob, false, &p, NULL), 0);
	partial_drop(s, got);
}

static void the_sweep_takes_old_ones_that_nobody_has(void **state)
{
	const struct store *s = store_of(state);
	struct partial p = opened(s, false);
	const struct timespec past[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	uint64_t freed = 0;

	assert_int_equal(write(p.fd, "half", 4), 4);
	assert_int_equal(futimens(p.fd, past), 0);
	assert_int_equal(image_sweep(s, &freed, NULL), 0);
	assert_true(partial_exists(s, &blob)); /* it has a lock */
	partial_close(&p);
	p = opened(s, false);
	assert_int_equal(futimens(p.fd, NULL), 0);
	partial_close(&p);
	assert_int_equal(image_sweep(s, &freed, NULL), 0);
	assert_true(partial_exists(s, &blob)); /* it is young */
	p = opened(s, false);
	assert_int_equal(futimens(p.fd, past), 0);
	partial_close(&p);
	assert_int_equal(image_sweep(s, &freed, NULL), 0);
	assert_false(partial_exists(s, &blob));
	assert_true(freed > 0);
}

/* A store whose root somebody else could write to: nothing is followed. */
static void links_and_devices_are_refused(void **state)
{
	const struct store *s = store_of(state);
	struct partial p = opened(s, false);
	struct err e = ERR_INIT;

	partial_drop(s, &p);
	assert_int_equal(symlinkat("/etc/passwd", s->root_fd, "partial/sha256/" HEX), 0);
	assert_int_equal(partial_open(s, &blob, true, &p, &e), -1);
	assert_int_equal(unlinkat(s->root_fd, "partial/sha256/" HEX, 0), 0);
	assert_int_equal(mkfifoat(s->root_fd, "partial/sha256/" HEX, 0600), 0);
	assert_int_equal(partial_open(s, &blob, true, &p, &e), -1);
	assert_int_equal(p.fd, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, store_box_setup, store_box_teardown)

/* Who has the blob open by name, a push or a served image, finds it at every moment. */
static void a_blob_is_replaced_without_a_gap(void **state)
{
	const struct store *s = store_of(state);
	char events[4096];
	struct blob_draft draft = BLOB_DRAFT_INIT;
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cleanup_free char *dir = str_printf("%s/blobs/sha256", s->root);

	assert_int_equal(blob_draft_open(s, &draft, NULL), 0);
	assert_int_equal(write(draft.fd, "old", 3), 3);
	assert_int_equal(blob_draft_commit(s, &draft, &blob, NULL), 0);
	struct partial p = opened(s, false);
	assert_int_equal(write(p.fd, "whole", 5), 5);
	assert_true(inotify_add_watch(watch, dir, IN_DELETE | IN_MOVED_FROM) >= 0);
	assert_int_equal(partial_publish(s, &p, NULL), 0);
	assert_true(read(watch, events, sizeof(events)) < 0);
	uint64_t size = 0;
	assert_true(blob_exists(s, &blob, &size));
	assert_int_equal(size, 5);
	partial_drop(s, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_blob_is_replaced_without_a_gap),
	        TEST(what_came_is_there_the_next_time),
	        TEST(a_whole_one_is_blob_and_partial_until_it_is_forgotten),
	        TEST(a_waiter_gets_what_is_there_then),
	        TEST(the_sweep_takes_old_ones_that_nobody_has),
	        TEST(links_and_devices_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
