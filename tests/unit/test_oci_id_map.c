#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/oci/id_map.h"

static struct id_map parsed(const char *text)
{
	struct id_map m = {.n = 0};
	struct err e = ERR_INIT;

	if (id_map_parse(&m, text, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
	return m;
}

static void refused(const char *text, const char *why)
{
	struct id_map m = {.n = 0};
	struct err e = ERR_INIT;

	assert_int_equal(id_map_parse(&m, text, &e), -1);
	if (!strstr(e.msg, why))
		fail_msg("%s: %s", text, e.msg);
}

static void check_out(const struct id_map *m, uint32_t inside, int64_t want)
{
	uint32_t id, back;

	assert_int_equal(id_map_out(m, inside, &id), want >= 0);
	if (want < 0)
		return;
	assert_int_equal(id, want);
	assert_true(id_map_in(m, id, &back));
	assert_int_equal(back, inside);
}

static void ids_go_out_and_come_back(void **state)
{
	struct id_map m = parsed("0:100000:1000,1000:1000:1,1001:101001:64535");
	uint32_t id;

	(void)state;
	check_out(&m, 0, 100000);
	check_out(&m, 999, 100999);
	check_out(&m, 1000, 1000);
	check_out(&m, 65535, 165535);
	check_out(&m, 65536, -1);
	assert_false(id_map_in(&m, 0, &id));
	assert_false(id_map_in(&m, 101000, &id));
	assert_int_equal(id_map_count(&m), 65536);
	assert_int_equal(id_map_run(&m), 65536);
}

static void without_a_map_ids_are_themselves(void **state)
{
	struct id_map m = {.n = 0};

	(void)state;
	check_out(&m, 0, 0);
	check_out(&m, UINT32_MAX - 1, UINT32_MAX - 1);
}

static void the_inverse_leads_back(void **state)
{
	struct id_map m = parsed("0:7000:10,20:9000:5"), inverse;
	uint32_t id;

	(void)state;
	id_map_invert(&m, &inverse);
	assert_true(id_map_out(&inverse, 9004, &id));
	assert_int_equal(id, 24);
	assert_false(id_map_out(&inverse, 9005, &id));
	assert_int_equal(id_map_run(&inverse), 0);
	assert_int_equal(id_map_run(&m), 10);
}

/* Attack 25. */
static void ranges_that_overlap(void **state)
{
	(void)state;
	refused("0:100000:10,9:200000:10", "overlaps");
	refused("0:100000:10,10:100009:1", "overlaps");
	refused("0:1:4294967295", "end at 4294967294");
	refused("4294967294:0:2", "end at 4294967294");
	refused("0:4294967295:1", "end at 4294967294");
	refused("0:0:0", "end at");
}

static void what_is_no_map(void **state)
{
	static const char *const bad[] = {"0", "0:1", "0:1:2:3", "a:1:2", "-1:0:1", "0:-1:1", "0x1:0:1",
	        "0:4294967296:1", "0 1 2", ":::"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(bad[i], "write CONTAINER:HOST:SIZE");
}

static void no_more_than_the_kernel_takes(void **state)
{
	struct id_map m = {.n = 0};
	struct err e = ERR_INIT;

	(void)state;
	for (uint32_t i = 0; i < ID_RANGES_MAX; i++)
		assert_int_equal(id_map_add(&m, (struct id_range){2 * i, 100000 + 2 * i, 1}, &e), 0);
	assert_int_equal(id_map_add(&m, (struct id_range){9999, 9, 1}, &e), -1);
}

static void documents_and_lines(void **state)
{
	struct id_map m = parsed("0:100000:10,20:300000:5"), again;
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_json json *j = id_map_to_json(&m), *texts = id_map_texts(&m);
	struct err e = ERR_INIT;

	(void)state;
	id_map_print(&b, &m);
	assert_string_equal(buf_str(&b), "0 100000 10\n20 300000 5\n");
	assert_int_equal(id_map_from_json(&again, j, &e), 0);
	assert_int_equal(again.n, 2);
	assert_memory_equal(again.v, m.v, 2 * sizeof m.v[0]);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(texts, 1)), "20:300000:5");
	json_set_int(json_object_array_get_idx(j, 1), "size", -1);
	assert_int_equal(id_map_from_json(&again, j, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ids_go_out_and_come_back),
	        cmocka_unit_test(without_a_map_ids_are_themselves),
	        cmocka_unit_test(the_inverse_leads_back),
	        cmocka_unit_test(ranges_that_overlap),
	        cmocka_unit_test(what_is_no_map),
	        cmocka_unit_test(no_more_than_the_kernel_takes),
	        cmocka_unit_test(documents_and_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
