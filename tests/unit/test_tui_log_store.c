/* Files in one address space, their records, and lines of several records. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "tests/unit/log_box.h"
#include "tui/log_entry.h"

struct box {
	struct log_store store;
	struct log_window w;
	int fds[8];
	size_t n;
};

static void box_open(struct box *b)
{
	*b = (struct box){.n = 1};
	b->fds[0] = box_file();
	assert_int_equal(log_window_init(&b->w, &b->store, LOG_WINDOW_SIZE, NULL), 0);
}

static void box_take(struct box *b)
{
	struct err e = ERR_INIT;

	assert_int_equal(log_store_files(&b->store, b->fds, b->n, &e), 0);
}

static void box_close(struct box *b)
{
	for (size_t i = 0; i < b->n; i++)
		close(b->fds[i]);
	log_window_free(&b->w);
	log_store_free(&b->store);
}

static void assert_text(struct box *b, const struct log_entry *e, const char *text)
{
	cleanup_free char *joined = malloc(LOG_ENTRY_MAX);
	size_t len;
	const char *t = log_entry_text(&b->w, e, joined, &len);

	assert_int_equal(len, strlen(text));
	assert_memory_equal(t, text, len);
}

static void lines_both_ways(void **state)
{
	struct box b;
	struct log_entry e;
	char text[32];

	(void)state;
	box_open(&b);
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		box_line(b.fds[0], i, text);
	}
	box_take(&b);
	uint64_t at = b.store.begin;
	for (int i = 0; i < 5000; i++) {
		assert_true(log_entry_after(&b.w, at, &e));
		snprintf(text, sizeof(text), "line %d", i);
		assert_text(&b, &e, text);
		assert_int_equal(e.time, BOX_START + i * INT64_C(1000000000));
		at = e.next;
	}
	assert_false(log_entry_after(&b.w, at, &e));
	for (int i = 5000; i-- > 0;) {
		assert_true(log_entry_before(&b.w, at, &e));
		snprintf(text, sizeof(text), "line %d", i);
		assert_text(&b, &e, text);
		at = e.at;
	}
	assert_false(log_entry_before(&b.w, at, &e));
	box_close(&b);
}

static void the_end_is_read_alone(void **state)
{
	struct box b;
	struct log_entry e;

	(void)state;
	box_open(&b);
	/* 10 GB, nearly all of it a hole */
	assert_int_equal(ftruncate(b.fds[0], INT64_C(10) << 30), 0);
	box_line(b.fds[0], 0, "");
	for (int i = 0; i < 100; i++)
		box_line(b.fds[0], i, "last");
	box_take(&b);
	uint64_t at = b.store.end;
	for (int i = 0; i < 50; i++) {
		assert_true(log_entry_before(&b.w, at, &e));
		assert_text(&b, &e, "last");
		at = e.at;
	}
	assert_true(b.w.loads <= 2);
	box_close(&b);
}

static void growth(void **state)
{
	struct box b;
	struct log_entry e;

	(void)state;
	box_open(&b);
	box_take(&b);
	assert_false(log_entry_after(&b.w, 0, &e));
	assert_false(log_entry_before(&b.w, b.store.end, &e));
	assert_false(log_store_grow(&b.store));
	box_line(b.fds[0], 1, "one");
	assert_true(log_store_grow(&b.store));
	assert_true(log_entry_before(&b.w, b.store.end, &e));
	assert_text(&b, &e, "one");
	uint64_t at = e.next;
	box_line(b.fds[0], 2, "two");
	assert_false(log_entry_after(&b.w, at, &e));
	assert_true(log_store_grow(&b.store));
	assert_true(log_entry_after(&b.w, at, &e));
	assert_text(&b, &e, "two");
	box_close(&b);
}

static void rotation(void **state)
{
	struct box b;
	struct log_entry e, kept;

	(void)state;
	box_open(&b);
	box_line(b.fds[0], 1, "first");
	box_take(&b);
	/* a newer file, and what came into the old one in between */
	box_line(b.fds[0], 2, "second");
	b.fds[b.n++] = box_file();
	box_line(b.fds[1], 3, "third");
	box_take(&b);
	assert_true(log_entry_after(&b.w, 0, &e));
	assert_true(log_entry_after(&b.w, e.next, &e));
	assert_text(&b, &e, "second");
	assert_true(log_entry_after(&b.w, e.next, &kept));
	assert_text(&b, &kept, "third");
	/* the oldest goes, its addresses with it; others keep theirs */
	close(b.fds[0]);
	b.fds[0] = b.fds[1];
	b.fds[1] = box_file();
	box_line(b.fds[1], 4, "fourth");
	box_take(&b);
	assert_int_equal(b.store.begin, kept.at);
	assert_text(&b, &kept, "third");
	assert_true(log_entry_before(&b.w, b.store.end, &e));
	assert_text(&b, &e, "fourth");
	/* all are gone at once */
	close(b.fds[0]);
	close(b.fds[1]);
	uint64_t end = b.store.end;
	b.fds[0] = box_file();
	b.n = 1;
	box_line(b.fds[0], 5, "fifth");
	box_take(&b);
	assert_int_equal(b.store.begin, end);
	assert_true(log_entry_after(&b.w, 0, &e));
	assert_text(&b, &e, "fifth");
	box_close(&b);
}

static void copies_keep_files(void **state)
{
	struct box b;
	struct log_store copy = LOG_STORE_INIT;
	struct log_window w;
	struct log_entry e;

	(void)state;
	box_open(&b);
	box_line(b.fds[0], 1, "kept");
	box_take(&b);
	assert_int_equal(log_store_copy(&copy, &b.store, NULL), 0);
	box_close(&b);
	assert_int_equal(log_window_init(&w, &copy, LOG_WINDOW_SIZE, NULL), 0);
	assert_true(log_entry_after(&w, 0, &e));
	assert_int_equal(e.time, BOX_START + INT64_C(1000000000));
	log_window_free(&w);
	log_store_free(&copy);
}

static void joined(void **state)
{
	struct box b;
	struct log_entry e;

	(void)state;
	box_open(&b);
	box_line(b.fds[0], 1, "before");
	box_record(b.fds[0], 2, 'o', 'P', "one ", 4);
	box_record(b.fds[0], 2, 'e', 'F', "between", 7);
	box_record(b.fds[0], 3, 'o', 'P', "two ", 4);
	box_record(b.fds[0], 3, 'o', 'F', "three", 5);
	box_line(b.fds[0], 4, "after");
	box_take(&b);
	static const char *const lines[] = {"before", "one two three", "between", "after"};
	uint64_t at = 0;
	for (size_t i = 0; i < 4; i++) {
		assert_true(log_entry_after(&b.w, at, &e));
		assert_text(&b, &e, lines[i]);
		assert_int_equal(e.err, i == 2);
		at = e.next;
	}
	assert_int_equal(at, b.store.end);
	for (size_t i = 4; i-- > 0;) {
		assert_true(log_entry_before(&b.w, at, &e));
		assert_text(&b, &e, lines[i]);
		at = e.at;
	}
	box_close(&b);
}

/* A line of 2 MiB comes in slices, the same ones from both sides, and nothing is lost. */
static void slices(void **state)
{
	enum { PIECE = 16384, PIECES = 128 };
	static uint64_t starts[256];
	struct box b;
	struct log_entry e;
	size_t n = 0, sum = 0, len;
	cleanup_free char *piece = malloc(PIECE), *buf = malloc(LOG_ENTRY_MAX);

	(void)state;
	memset(piece, 'x', PIECE);
	box_open(&b);
	box_line(b.fds[0], 1, "before");
	for (int i = 0; i < PIECES; i++)
		box_record(b.fds[0], 2, 'o', i + 1 < PIECES ? 'P' : 'F', piece, PIECE);
	box_line(b.fds[0], 3, "after");
	box_take(&b);
	for (uint64_t at = 0; log_entry_after(&b.w, at, &e); at = e.next) {
		assert_true(n < 256);
		starts[n++] = e.at;
		log_entry_text(&b.w, &e, buf, &len);
		assert_true(len <= LOG_ENTRY_MAX);
		sum += len;
		assert_true(e.next > at);
	}
	assert_int_equal(sum, PIECE * PIECES + strlen("before") + strlen("after"));
	assert_true(n > 20 && n < 60);
	for (uint64_t at = b.store.end; log_entry_before(&b.w, at, &e); at = e.at)
		assert_int_equal(e.at, starts[--n]);
	assert_int_equal(n, 0);
	box_close(&b);
}

/* Not our format, and no newline for megabytes. */
static void garbage(void **state)
{
	struct box b;
	struct log_entry e;
	uint64_t sum = 0;
	int n = 0;
	cleanup_free char *bytes = malloc(1 << 20);

	(void)state;
	for (size_t i = 0; i < 1 << 20; i++)
		bytes[i] = (char)(i * 7 % 251 == '\n' ? 'x' : i * 7 % 251);
	box_open(&b);
	assert_int_equal(write(b.fds[0], "short\n", 6), 6);
	assert_int_equal(write(b.fds[0], bytes, 1 << 20), 1 << 20);
	assert_int_equal(write(b.fds[0], "\n\n\nend", 6), 6);
	box_take(&b);
	uint64_t at = 0;
	for (; log_entry_after(&b.w, at, &e); at = e.next, n++) {
		assert_true(e.next > at);
		sum += e.next - e.at;
	}
	assert_int_equal(sum, b.store.end);
	assert_true(n > 30 && n < 50);
	for (; log_entry_before(&b.w, at, &e); at = e.at, n--)
		assert_true(e.at < at);
	assert_int_equal(n, 0);
	box_close(&b);
}

static void time_is_found(void **state)
{
	struct box b;
	struct log_entry e;

	(void)state;
	box_open(&b);
	for (int i = 0; i < 20000; i++)
		box_line(b.fds[0], i * 2, "tick");
	box_take(&b);
	for (int i = 0; i < 20000; i += 997) {
		uint64_t at = log_entry_at_time(&b.w, BOX_START + i * INT64_C(2000000000));
		assert_true(log_entry_after(&b.w, at, &e));
		assert_int_equal(e.time, BOX_START + i * INT64_C(2000000000));
		at = log_entry_at_time(&b.w, BOX_START + i * INT64_C(2000000000) - 1);
		assert_int_equal(at, e.at);
	}
	assert_int_equal(log_entry_at_time(&b.w, 0), b.store.begin);
	assert_int_equal(log_entry_at_time(&b.w, INT64_MAX), b.store.end);
	box_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lines_both_ways),
	        cmocka_unit_test(the_end_is_read_alone),
	        cmocka_unit_test(growth),
	        cmocka_unit_test(rotation),
	        cmocka_unit_test(copies_keep_files),
	        cmocka_unit_test(joined),
	        cmocka_unit_test(slices),
	        cmocka_unit_test(garbage),
	        cmocka_unit_test(time_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
