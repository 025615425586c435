/* Files as they are shown: order, modes, paths, hex dumps. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "tui/file_browser.h"

static void directories_come_first(void **state)
{
	const struct tare_file dir = {.name = "z", .mode = S_IFDIR | 0755},
	                       big = {.name = "b", .mode = S_IFREG, .size = 9, .mtime = 1},
	                       small = {.name = "a", .mode = S_IFREG, .size = 1, .mtime = 5};

	(void)state;
	assert_true(file_compare(&dir, &small, FILES_BY_NAME) < 0);
	assert_true(file_compare(&small, &big, FILES_BY_NAME) < 0);
	assert_true(file_compare(&big, &small, FILES_BY_SIZE) < 0);
	assert_true(file_compare(&small, &big, FILES_BY_TIME) < 0);
	assert_int_equal(file_compare(&big, &big, FILES_BY_SIZE), 0);
}

static void modes(void **state)
{
	char t[11];

	(void)state;
	assert_string_equal(file_mode_text(S_IFDIR | 01777, t), "drwxrwxrwt");
	assert_string_equal(file_mode_text(S_IFREG | 04755, t), "-rwsr-xr-x");
	assert_string_equal(file_mode_text(S_IFREG | 02640, t), "-rw-r-S---");
	assert_string_equal(file_mode_text(S_IFLNK | 0777, t), "lrwxrwxrwx");
	assert_string_equal(file_mode_text(S_IFCHR | 0600, t), "crw-------");
}

static void paths(void **state)
{
	char p[16];

	(void)state;
	file_path_join(p, sizeof p, "/", "etc");
	assert_string_equal(p, "/etc");
	file_path_join(p, sizeof p, "/etc", "hosts");
	assert_string_equal(p, "/etc/hosts");
	file_path_up(p);
	assert_string_equal(p, "/etc");
	file_path_up(p);
	assert_string_equal(p, "/");
	file_path_up(p);
	assert_string_equal(p, "/");
	file_path_join(p, sizeof p, "/0123456789", "toolong");
	assert_string_equal(p, "");
}

static void binary_or_text(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	assert_false(file_is_binary("", 0));
	assert_false(file_is_binary("zażółć\n日本", 17));
	assert_true(file_is_binary("abc\0def", 7));
	assert_true(file_is_binary("\x7f\x45\x4c\x46\xff\xfe\xf0\x81", 8));
	file_hex_dump(&out, "0123456789abcdef\x00\x1b", 18);
	assert_string_equal(buf_str(&out),
	        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
	        "00000010  00 1b                                             |..|\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(directories_come_first),
	        cmocka_unit_test(modes),
	        cmocka_unit_test(paths),
	        cmocka_unit_test(binary_or_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
