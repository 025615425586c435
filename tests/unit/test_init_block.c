/* The hand-over block: a sound one is understood, and no other is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/filter.h>

#include "base/buf.h"
#include "engine/init/block.h"

#define STRINGS "/srv\0\0sh\0-c\0PATH=/x:/y\0HOME=/root\0"

static size_t make_block(struct buf *b, const char *strings, size_t len)
{
	struct init_block head = {.magic = INIT_MAGIC,
	        .n_rlimits = 1,
	        .n_filter = 2,
	        .n_groups = 3,
	        .n_args = 2,
	        .n_env = 2,
	        .strings = (uint32_t)len};
	struct init_rlimit limit = {7, 1, 2};
	struct sock_filter filter[2] = {{6, 0, 0, 1}, {6, 0, 0, 2}};
	uint32_t groups[3] = {10, 20, 30};

	buf_reset(b);
	buf_add(b, &head, sizeof head);
	buf_add(b, &limit, sizeof limit);
	buf_add(b, filter, sizeof filter);
	buf_add(b, groups, sizeof groups);
	buf_add(b, strings, len);
	((struct init_block *)(void *)b->data)->size = (uint32_t)b->len;
	return b->len;
}

static void sound(void **state)
{
	struct buf b = BUF_INIT;
	struct init_plan p;

	(void)state;
	make_block(&b, STRINGS, sizeof STRINGS - 1);
	assert_int_equal(init_plan_parse(b.data, b.len, &p), 0);
	assert_string_equal(p.cwd, "/srv");
	assert_string_equal(p.apparmor, "");
	assert_string_equal(p.args[0], "sh");
	assert_string_equal(p.args[1], "-c");
	assert_null(p.args[2]);
	assert_string_equal(p.env[1], "HOME=/root");
	assert_null(p.env[2]);
	assert_int_equal(p.groups[2], 30);
	assert_int_equal(p.filter[1].k, 2);
	assert_string_equal(init_plan_path(&p), "/x:/y");
	buf_free(&b);
}

static void every_truncation_is_refused(void **state)
{
	struct buf b = BUF_INIT;
	struct init_plan p;

	(void)state;
	make_block(&b, STRINGS, sizeof STRINGS - 1);
	for (size_t len = 0; len < b.len; len++) {
		char *copy = malloc(len + 1); /* its own memory, so that a sanitizer sees a read beyond it */
		assert_non_null(copy);
		memcpy(copy, b.data, len);
		if (len >= sizeof(struct init_block)) /* a size that agrees with the length */
			((struct init_block *)(void *)copy)->size = (uint32_t)len;
		assert_int_equal(init_plan_parse(copy, len, &p), -1);
		free(copy);
	}
	buf_free(&b);
}

static void counts_are_bounded(void **state)
{
	struct buf b = BUF_INIT;
	struct init_plan p;
	static const size_t fields[] = {offsetof(struct init_block, n_rlimits),
	        offsetof(struct init_block, n_filter), offsetof(struct init_block, n_groups),
	        offsetof(struct init_block, n_args), offsetof(struct init_block, n_env),
	        offsetof(struct init_block, strings), offsetof(struct init_block, size),
	        offsetof(struct init_block, magic)};
	static const uint32_t values[] = {0, 1000, 0x10000, 0x10000000, 0x20000000, 0x80000000, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
			make_block(&b, STRINGS, sizeof STRINGS - 1);
			memcpy(b.data + fields[i], &values[k], sizeof values[k]);
			assert_int_equal(init_plan_parse(b.data, b.len, &p), -1);
		}
	buf_free(&b);
}

static void strings_end_inside_and_at_the_end(void **state)
{
	struct buf b = BUF_INIT;
	struct init_plan p;

	(void)state;
	make_block(&b, STRINGS "extra\0", sizeof STRINGS + 5);
	assert_int_equal(init_plan_parse(b.data, b.len, &p), -1);
	make_block(&b, STRINGS, sizeof STRINGS - 2); /* the last one has no end */
	assert_int_equal(init_plan_parse(b.data, b.len, &p), -1);
	make_block(&b, "/srv\0\0sh\0", 9);
	assert_int_equal(init_plan_parse(b.data, b.len, &p), -1);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sound),
	        cmocka_unit_test(every_truncation_is_refused),
	        cmocka_unit_test(counts_are_bounded),
	        cmocka_unit_test(strings_end_inside_and_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
