/* Buffers, string vectors, scoped memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void appends(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	buf_str_add(&b, "ab");
	buf_char(&b, 'c');
	buf_add(&b, "\0d", 2);
	buf_add(&b, NULL, 0);
	buf_printf(&b, "%d-%s", 12, "x");
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.data, "abc\0d12-x", 10);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	/* Formatted text of every length around the growth steps. */
	for (int n = 0; n < 300; n++) {
		buf_free(&b);
		buf_printf(&b, "%*s", n, "");
		assert_int_equal(b.len, n);
		assert_int_equal(strlen(buf_str(&b)), n);
	}
}

static void the_maximum_is_hard(void **state)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(4);

	(void)state;
	buf_str_add(&b, "abcd");
	assert_false(b.failed);
	assert_string_equal(buf_str(&b), "abcd");
	buf_char(&b, 'e');
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	buf_char(&b, 'f');
	buf_printf(&b, "g");
	assert_string_equal(buf_str(&b), "");
	assert_null(buf_reserve(&b, 1));
	assert_null(buf_take(&b));
	buf_reset(&b);
	buf_printf(&b, "%s", "12345");
	assert_true(b.failed);
	buf_reset(&b);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_free(&b);
	assert_false(b.failed);
	buf_str_add(&b, "ok");
	assert_string_equal(buf_str(&b), "ok");
}

static void reserve_and_take(void **state)
{
	struct buf b = BUF_INIT;
	char *room = buf_reserve(&b, 1000);
	char *s;

	(void)state;
	assert_non_null(room);
	memset(room, 'z', 1000);
	b.len += 1000;
	s = buf_take(&b);
	assert_non_null(s);
	assert_int_equal(s[999], 'z');
	free(s);
	assert_null(b.data);
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
}

static void vectors(void **state)
{
	cleanup_strv char **v = NULL;
	cleanup_strv char **copy = NULL;
	cleanup_strv char **empty = NULL;
	int n = 0;

	(void)state;
	assert_int_equal(strv_len(v), 0);
	assert_false(strv_has(v, "a"));
	assert_int_equal(strv_add(&v, "a"), 0);
	assert_int_equal(strv_take(&v, strdup("b")), 0);
	assert_int_equal(strv_take(&v, NULL), -1);
	assert_int_equal(strv_len(v), 2);
	assert_true(strv_has(v, "b"));
	assert_false(strv_has(v, "c"));
	copy = strv_copy(v);
	assert_string_equal(copy[1], "b");
	assert_ptr_not_equal(copy[1], v[1]);
	strv_foreach (s, v)
		n += (int)strlen(*s);
	assert_int_equal(n, 2);
	empty = strv_copy(NULL);
	assert_int_equal(strv_len(empty), 0);
	strv_free(NULL);
}

static void ownership_moves(void **state)
{
	cleanup_free char *a = str_printf("%s-%d", "x", 5);
	cleanup_free char *b = NULL;

	(void)state;
	assert_string_equal(a, "x-5");
	b = steal_ptr(&a);
	assert_null(a);
	assert_string_equal(b, "x-5");
	free_ptr(&b);
	assert_null(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(appends),
	        cmocka_unit_test(the_maximum_is_hard),
	        cmocka_unit_test(reserve_and_take),
	        cmocka_unit_test(vectors),
	        cmocka_unit_test(ownership_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
