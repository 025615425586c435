/* base64: what is written, and that no two texts are read as the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/base64.h"

static void the_examples_of_the_standard(void **state)
{
	static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
	static const char *const texts[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

	(void)state;
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		cleanup_buf struct buf b = BUF_INIT;
		char back[BASE64_ROOM(8)];
		size_t len = strlen(plain[i]);

		base64_add(&b, plain[i], len);
		assert_string_equal(buf_str(&b), texts[i]);
		assert_int_equal(base64_decode(texts[i], strlen(texts[i]), back), len);
		assert_memory_equal(back, plain[i], len);
	}
}

static void urls_have_letters_of_their_own(void **state)
{
	cleanup_buf struct buf b = BUF_INIT, url = BUF_INIT;

	(void)state;
	base64_add(&b, "\xfb\xff\xfe\xff", 4);
	base64url_add(&url, "\xfb\xff\xfe\xff", 4);
	assert_string_equal(buf_str(&b), "+//+/w==");
	assert_string_equal(buf_str(&url), "-__-_w");
}

static void all_bytes_come_back(void **state)
{
	unsigned char bytes[256], back[BASE64_ROOM(352)];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)i;
	for (size_t len = 0; len <= sizeof bytes; len++) {
		cleanup_buf struct buf b = BUF_INIT, url = BUF_INIT;

		base64_add(&b, bytes, len);
		base64url_add(&url, bytes, len);
		assert_int_equal(base64_decode(buf_str(&b), b.len, back), len);
		assert_memory_equal(back, bytes, len);
		assert_int_equal(base64url_decode(buf_str(&url), url.len, back), len);
		assert_memory_equal(back, bytes, len);
	}
}

static void base64_is_strict(void **state)
{
	unsigned char out[16];

	(void)state;
	assert_int_equal(base64_decode("YTpi", 4, out), 3);
	assert_memory_equal(out, "a:b", 3);
	assert_int_equal(base64_decode("YTo=", 4, out), 2);
	assert_int_equal(base64_decode("YQ==", 4, out), 1);
	assert_int_equal(base64_decode("", 0, out), 0);
	assert_int_equal(base64_decode("YQ=", 3, out), -1);
	assert_int_equal(base64_decode("YQ", 2, out), -1);
	assert_int_equal(base64_decode("YR==", 4, out), -1); /* bits behind the end */
	assert_int_equal(base64_decode("Y===", 4, out), -1);
	assert_int_equal(base64_decode("Y Q=", 4, out), -1);
	assert_int_equal(base64_decode("YQ\n=", 4, out), -1);
	assert_int_equal(base64_decode("-_-_", 4, out), -1);
	assert_int_equal(base64url_decode("-_-_", 4, out), 3);
	assert_int_equal(base64url_decode("YQ==", 4, out), -1);
}

static void what_others_write_is_read(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(base64_decode_lax("YTo", 3, out), 2);
	assert_int_equal(base64_decode_lax("YTo=", 4, out), 2);
	assert_int_equal(base64_decode_lax("YR==", 4, out), 1);
	assert_memory_equal(out, "a", 1);
	assert_int_equal(base64_decode_lax("Y", 1, out), -1);
	assert_int_equal(base64_decode_lax("Y===", 4, out), -1);
	assert_int_equal(base64_decode_lax("YT o", 4, out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_examples_of_the_standard),
	        cmocka_unit_test(urls_have_letters_of_their_own),
	        cmocka_unit_test(all_bytes_come_back),
	        cmocka_unit_test(base64_is_strict),
	        cmocka_unit_test(what_others_write_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
