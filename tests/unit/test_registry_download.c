/* Blobs on their way here: cut, resumed, lied about, taken from the next mirror. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/remote_box.h"

#define SIZE ((size_t)300000)
#define HALF ((size_t)140000)

struct case_of {
	struct script *s;
	struct box *b;
	struct blob blob;
	struct getting g;
};

static void open_case(struct case_of *c)
{
	memset(c, 0, sizeof(*c));
	c->s = script_start();
	c->b = box_new();
	blob_make(&c->blob, SIZE);
	c->g.blob = &c->blob;
}

static void close_case(struct case_of *c)
{
	box_free(c->b);
	script_stop(c->s);
	getting_free(&c->g);
	blob_free(&c->blob);
}
#define cleanup_case __attribute__((cleanup(close_case)))

/* Bytes first…first+len-1 as an answer to a question for what begins at `first`. */
static struct script_rule *says_range(
        struct case_of *c, struct script *s, size_t first, size_t len, enum script_end end)
{
	cleanup_free char *range = range_header(first, SIZE - 1, SIZE);
	cleanup_free char *headers = str_printf("%sContent-Length: %zu\r\n", range, SIZE - first);

	return script_bytes(
	        s, c->blob.match, "206 Partial Content", headers, c->blob.bytes + first, len, end);
}

static struct script_rule *says_whole(struct case_of *c, struct script *s, size_t len, enum script_end end)
{
	return script_bytes(s, c->blob.match, OK, "Content-Length: 300000\r\n", c->blob.bytes, len, end);
}

/* The nth question for the blob was for the range from `first` on. */
static void assert_asked_from(struct case_of *c, struct script *s, unsigned n, size_t first)
{
	cleanup_free char *line = str_printf("\r\nRange: bytes=%zu-\r\n", first);
	const char *heard = script_heard(s, c->blob.match, n);

	assert_true(*heard);
	if (first)
		assert_non_null(strstr(heard, line));
	else
		assert_null(strstr(heard, "\r\nRange:"));
}

static void a_blob_comes(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_true(c.g.checked);
	assert_asked_from(&c, c.s, 0, 0);
}

static void an_empty_blob_comes(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	blob_free(&c.blob);
	blob_make(&c.blob, 0);
	script_says(c.s, c.blob.match, OK, "", "");
	get(box_at(c.b, c.s), &c.g);
	assert_string_equal(c.g.why, "");
	assert_int_equal(c.g.got.len, 0);
}

static void a_cut_one_goes_on_where_it_was(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	says_whole(&c, c.s, HALF, SCRIPT_CUT);
	says_range(&c, c.s, HALF, SIZE - HALF, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_asked_from(&c, c.s, 1, HALF);
	assert_int_equal(c.g.restarts, 0);
}

static void progress_makes_patient(void **state)
{
	(void)state;
	cleanup_case struct case_of c;
	const size_t step = 70000;

	open_case(&c);
	/* between two pieces it fails four times: never five in a row */
	says_whole(&c, c.s, step, SCRIPT_CUT);
	for (size_t at = step; at < SIZE; at += step) {
		script_says(c.s, c.blob.match, "503 Service Unavailable", "", "")->times = 3;
		says_range(&c, c.s, at, at + step < SIZE ? step : SIZE - at,
		        at + step < SIZE ? SCRIPT_CUT : SCRIPT_GOES_ON);
	}
	assert_got(box_at(c.b, c.s), &c.g);
	/* without progress it ends */
	script_says(c.s, c.blob.match, "503 Service Unavailable", "", "")->times = -1;
	get(c.b->remote, &c.g);
	assert_non_null(strstr(c.g.why, "(503)"));
}

static void a_byte_at_a_time_is_no_progress(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	says_whole(&c, c.s, 1, SCRIPT_CUT);
	for (size_t at = 1; at < 20; at++)
		says_range(&c, c.s, at, 1, SCRIPT_CUT);
	get(box_at(c.b, c.s), &c.g);
	assert_true(*c.g.why);
	assert_int_equal(script_count(c.s, "GET"), 5);
}

static void a_whole_answer_to_a_range_is_skipped_into(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	says_whole(&c, c.s, HALF, SCRIPT_CUT);
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_asked_from(&c, c.s, 1, HALF);
}

static void what_is_there_already_is_not_asked_for(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	buf_add(&c.g.got, c.blob.bytes, HALF);
	says_range(&c, c.s, HALF, SIZE - HALF, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_asked_from(&c, c.s, 0, HALF);
	buf_add(&c.g.got, c.blob.bytes, SIZE);
	assert_got(c.b->remote, &c.g);
	assert_int_equal(script_count(c.s, "GET"), 1);
	/* but what was there and is wrong comes anew, whole */
	c.blob.bytes[0] ^= 1;
	buf_add(&c.g.got, c.blob.bytes, HALF);
	c.blob.bytes[0] ^= 1;
	says_range(&c, c.s, HALF, SIZE - HALF, SCRIPT_GOES_ON);
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(c.b->remote, &c.g);
	assert_int_equal(c.g.restarts, 1);
	assert_asked_from(&c, c.s, 2, 0);
}

static void a_range_that_is_not_ours_is_refused(void **state)
{
	(void)state;
	static const char *const lies[] = {"bytes 0-299999/300000", "bytes 140001-299999/300000",
	        "bytes 140000-300000/300001", "bytes 140000-300000/*", "bytes 140000-299999/300001",
	        "bytes 140000-", "", "bytes 140000-139999/300000"};

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		cleanup_case struct case_of c;
		cleanup_free char *header = str_printf("Content-Range: %s\r\n", lies[i]);
		open_case(&c);
		buf_add(&c.g.got, c.blob.bytes, HALF);
		script_bytes(
		        c.s, c.blob.match, "206 Partial Content", header, c.blob.bytes, 1000, SCRIPT_GOES_ON);
		get(box_at(c.b, c.s), &c.g);
		if (!strstr(c.g.why, "asked for sha256:"))
			fail_msg("%s: %s", lies[i], c.g.why);
		assert_int_equal(c.g.got.len, HALF);
	}
}

static void a_part_of_the_range_is_taken(void **state)
{
	(void)state;
	cleanup_case struct case_of c;
	cleanup_free char *header = range_header(HALF, HALF + 79999, SIZE);

	open_case(&c);
	buf_add(&c.g.got, c.blob.bytes, HALF);
	script_bytes(
	        c.s, c.blob.match, "206 Partial Content", header, c.blob.bytes + HALF, 80000, SCRIPT_GOES_ON);
	says_range(&c, c.s, HALF + 80000, SIZE - HALF - 80000, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
}

static void more_than_the_size_is_refused(void **state)
{
	(void)state;
	cleanup_case struct case_of c;
	cleanup_free char *more = malloc(SIZE + 1);

	open_case(&c);
	memset(more, 'x', SIZE + 1);
	/* announced, and not */
	script_bytes(c.s, c.blob.match, OK, "", more, SIZE + 1, SCRIPT_GOES_ON);
	get(box_at(c.b, c.s), &c.g);
	assert_non_null(strstr(c.g.why, "300001 were announced"));
	assert_int_equal(c.g.got.len, 0);
	script_bytes(c.s, c.blob.match, OK, "", more, SIZE + 1, SCRIPT_CUT);
	get(c.b->remote, &c.g);
	assert_non_null(strstr(c.g.why, "more came"));
	assert_true(c.g.got.len <= SIZE);
	assert_int_equal(script_count(c.s, "GET"), 2);
}

/* From a cache whose disk was full (an empty 200 with a proper length, or none). */
static void less_than_the_size_is_broken(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	script_bytes(c.s, c.blob.match, OK, "", "", 0, SCRIPT_GOES_ON);
	script_bytes(c.s, c.blob.match, OK, "", c.blob.bytes, 1000, SCRIPT_GOES_ON);
	script_bytes(c.s, c.blob.match, OK, "", c.blob.bytes, 1000, SCRIPT_CUT);
	says_range(&c, c.s, 1000, SIZE - 1000, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_asked_from(&c, c.s, 2, 0);
	assert_asked_from(&c, c.s, 3, 1000);
}

static void a_stalled_one_is_asked_again(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	http_set_patience(c.b->http, 1000, 1);
	/* few bytes: libcurl means the speed over some seconds */
	says_whole(&c, c.s, 50, SCRIPT_SILENT);
	says_range(&c, c.s, 50, SIZE - 50, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_asked_from(&c, c.s, 1, 50);
}

static void a_refused_range_is_asked_for_whole(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	buf_add(&c.g.got, c.blob.bytes, HALF);
	script_says(c.s, c.blob.match, "416 Range Not Satisfiable", "", "");
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(box_at(c.b, c.s), &c.g);
	assert_int_equal(c.g.restarts, 1);
}

static void who_asked_may_end_it(void **state)
{
	(void)state;
	cleanup_case struct case_of c;

	open_case(&c);
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	c.g.no_disk = true;
	get(box_at(c.b, c.s), &c.g);
	assert_string_equal(c.g.why, "the disk is full");
	assert_int_equal(script_count(c.s, "GET"), 1);
}

/* ---------------------------------------------------------------- mirrors */

static void each_blob_falls_back_by_itself(void **state)
{
	(void)state;
	struct script *mirror = script_start();
	cleanup_case struct case_of c;

	open_case(&c);
	box_add(c.b, mirror);
	box_at(c.b, c.s);
	script_says(mirror, c.blob.match, "404 Not Found", "", "");
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(c.b->remote, &c.g);
	/* the mirror is asked for the next one all the same */
	says_whole(&c, mirror, SIZE, SCRIPT_GOES_ON);
	assert_got(c.b->remote, &c.g);
	assert_int_equal(script_count(mirror, "GET"), 2);
	/* what came from it isn't fetched again when it stumbles */
	says_whole(&c, mirror, HALF, SCRIPT_CUT);
	script_says(mirror, c.blob.match, "500 Internal Server Error", "", "")->times = -1;
	says_range(&c, c.s, HALF, SIZE - HALF, SCRIPT_GOES_ON);
	assert_got(c.b->remote, &c.g);
	assert_asked_from(&c, c.s, 1, HALF);
	script_stop(mirror);
}

static void the_next_one_is_asked_when_one_lies(void **state)
{
	(void)state;
	struct script *mirror = script_start();
	cleanup_case struct case_of c;
	cleanup_free char *wrong = calloc(1, SIZE);

	open_case(&c);
	box_add(c.b, mirror);
	box_at(c.b, c.s);
	script_bytes(mirror, c.blob.match, OK, "", wrong, SIZE, SCRIPT_GOES_ON);
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(c.b->remote, &c.g);
	assert_int_equal(c.g.restarts, 1);
	/* half of it a lie, and the honest one last: it is asked for all */
	script_bytes(mirror, c.blob.match, OK, "Content-Length: 300000\r\n", wrong, HALF, SCRIPT_CUT);
	script_says(mirror, c.blob.match, "404 Not Found", "", "");
	says_range(&c, c.s, HALF, SIZE - HALF, SCRIPT_GOES_ON);
	says_whole(&c, c.s, SIZE, SCRIPT_GOES_ON);
	assert_got(c.b->remote, &c.g);
	assert_int_equal(c.g.restarts, 2);
	/* and when all lie, that is said */
	script_bytes(mirror, c.blob.match, OK, "", wrong, SIZE, SCRIPT_GOES_ON);
	script_bytes(c.s, c.blob.match, OK, "", wrong, SIZE, SCRIPT_GOES_ON);
	get(c.b->remote, &c.g);
	assert_string_equal(c.g.why, "not the bytes of that digest");
	script_stop(mirror);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_blob_comes),
	        cmocka_unit_test(an_empty_blob_comes),
	        cmocka_unit_test(a_cut_one_goes_on_where_it_was),
	        cmocka_unit_test(progress_makes_patient),
	        cmocka_unit_test(a_byte_at_a_time_is_no_progress),
	        cmocka_unit_test(a_whole_answer_to_a_range_is_skipped_into),
	        cmocka_unit_test(what_is_there_already_is_not_asked_for),
	        cmocka_unit_test(a_range_that_is_not_ours_is_refused),
	        cmocka_unit_test(a_part_of_the_range_is_taken),
	        cmocka_unit_test(more_than_the_size_is_refused),
	        cmocka_unit_test(less_than_the_size_is_broken),
	        cmocka_unit_test(a_stalled_one_is_asked_again),
	        cmocka_unit_test(a_refused_range_is_asked_for_whole),
	        cmocka_unit_test(who_asked_may_end_it),
	        cmocka_unit_test(each_blob_falls_back_by_itself),
	        cmocka_unit_test(the_next_one_is_asked_when_one_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
