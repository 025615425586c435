/* UTF-8, width, and foreign bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define BAD "\xef\xbf\xbd"

static void decoding(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, used;
		uint32_t cp;
	} cases[] = {
	        {"a", 1, 1, 'a'},
	        {"\xc3\xa9", 2, 2, 0xe9},
	        {"\xe2\x82\xac", 3, 3, 0x20ac},
	        {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
	        {"\xef\xbf\xbd", 3, 3, 0xfffd},
	        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
	        {"", 1, 1, 0},
	        /* overlong, surrogate, too high, truncated, stray continuation, never-used bytes */
	        {"\xc0\x80", 2, 1, 0xfffd},
	        {"\xc1\xbf", 2, 1, 0xfffd},
	        {"\xe0\x80\xaf", 3, 1, 0xfffd},
	        {"\xed\xa0\x80", 3, 1, 0xfffd},
	        {"\xf4\x90\x80\x80", 4, 1, 0xfffd},
	        {"\xe2\x82", 2, 1, 0xfffd},
	        {"\x80", 1, 1, 0xfffd},
	        {"\xff", 1, 1, 0xfffd},
	        {"\xf0\x80\x80\x80", 4, 1, 0xfffd},
	        {"\xf5\x80\x80\x80", 4, 1, 0xfffd},
	        {"\xc3(", 2, 1, 0xfffd},
	};
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* An allocation of exactly this size lets the sanitizer see an over-read. */
		cleanup_free char *exact = malloc(cases[i].len);
		memcpy(exact, cases[i].bytes, cases[i].len);
		assert_int_equal(utf8_decode(exact, cases[i].len, &cp), cases[i].used);
		assert_int_equal(cp, cases[i].cp);
		assert_int_equal(utf8_valid(exact, cases[i].len), cp != 0xfffd || cases[i].used == 3);
	}
	assert_true(utf8_valid("", 0));
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(cp_width('a'), 1);
	assert_int_equal(cp_width(0), -1);
	assert_int_equal(cp_width(0x1b), -1);
	assert_int_equal(cp_width(0x7f), -1);
	assert_int_equal(cp_width(0x9b), -1);
	assert_int_equal(cp_width(0xe9), 1);
	assert_int_equal(cp_width(0x301), 0);
	assert_int_equal(cp_width(0x200b), 0);
	assert_int_equal(cp_width(0x200d), 0);
	assert_int_equal(cp_width(0xfe0f), 0);
	assert_int_equal(cp_width(0x4e2d), 2);
	assert_int_equal(cp_width(0xac00), 2);
	assert_int_equal(cp_width(0xff01), 2);
	assert_int_equal(cp_width(0x1f600), 2);
	assert_int_equal(cp_width(0x20000), 2);
	assert_int_equal(cp_width(0x3099), 0);
	assert_int_equal(cp_width(0x378), 1);
	assert_int_equal(cp_width(0x10ffff), 1);
	assert_int_equal(text_width("a\xe4\xb8\xad\xcc\x81z"), 4);
	assert_int_equal(text_prefix("a\xe4\xb8\xadz", 2), 1);
	assert_int_equal(text_prefix("a\xe4\xb8\xadz", 3), 4);
	/* Marks stay with what they stand on. */
	assert_int_equal(text_prefix("e\xcc\x81x", 1), 3);
	assert_int_equal(text_prefix("abc", 0), 0);
	assert_int_equal(text_prefix("abc", 99), 3);
}

static void check_harmless(const char *raw, size_t len, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;

	text_harmless(&out, raw, len);
	assert_string_equal(buf_str(&out), want);
}

static void foreign_bytes(void **state)
{
	char small[8], marks[64] = "e";

	(void)state;
	check_harmless("plain", 5, "plain");
	check_harmless("\033]0;x\007", 6, BAD "]0;x" BAD);
	check_harmless("a\nb\tc\rd", 7, "a b c" BAD "d");
	check_harmless("\xc2\x9b"
	               "2J",
	        4, BAD "2J");
	check_harmless("\x7f\0", 2, BAD BAD);
	check_harmless("x\xe2\x80\xaey", 5, "x" BAD "y");
	check_harmless("\xe2\x81\xa6\xd8\x9c", 5, BAD BAD);
	check_harmless("\xed\xa0\x80", 3, BAD BAD BAD);
	check_harmless("\xe4\xb8", 2, BAD BAD);
	for (int i = 0; i < 10; i++)
		strcat(marks, "\xcc\x81");
	check_harmless(marks, strlen(marks), "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81");
	text_harmless_to(small, sizeof(small), "abcde\xe4\xb8\xad");
	assert_string_equal(small, "abcde");
	text_harmless_to(small, sizeof(small), "\001\002\003");
	assert_string_equal(small, BAD BAD);
	text_harmless_to(small, 1, "abc");
	assert_string_equal(small, "");
	text_harmless_to(small, 0, "abc");
}

static void every_byte_pair_is_made_valid(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		cleanup_buf struct buf out = BUF_INIT;
		char raw[2] = {(char)(i >> 8), (char)i};
		uint32_t cp;

		text_harmless(&out, raw, 2);
		assert_true(utf8_valid(out.data, out.len));
		for (size_t at = 0; at < out.len;) {
			at += utf8_decode(out.data + at, out.len - at, &cp);
			assert_true(cp_width(cp) >= 0);
		}
	}
}

static void near_words(void **state)
{
	static const char *const words[] = {"start", "stop", "stats", "ps"};
	char a[200], b[200];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("abc", ""), 3);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_int_equal(text_distance("tsart", "start"), 1);
	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'b', sizeof(b) - 1);
	a[199] = b[199] = '\0';
	assert_int_equal(text_distance(a, b), 64);
	assert_string_equal(text_nearest("tsart", words, 4), "start");
	assert_string_equal(text_nearest("stp", words, 4), "stop");
	assert_null(text_nearest("x", words, 4));
	assert_null(text_nearest("", words, 4));
	assert_null(text_nearest("completely", words, 4));
	assert_null(text_nearest("stop", words, 0));
	/* One slip, or one in three letters. */
	assert_null(text_nearest("sta", words, 4));
	assert_true(text_is_near("ab", 1));
	assert_false(text_is_near("a", 1));
	assert_true(text_is_near("abcdef", 2));
	assert_false(text_is_near("abcde", 2));
}

static void globs(void **state)
{
	static const struct {
		const char *pattern, *s;
		bool match;
	} cases[] = {
	        {"", "", true},
	        {"", "a", false},
	        {"*", "", true},
	        {"*", "a/b", true},
	        {"a*c", "abbc", true},
	        {"a*c", "abb", false},
	        {"?", "\xe4\xb8\xad", true},
	        {"?", "", false},
	        {"??", "\xe4\xb8\xad", false},
	        {"[a-c]x", "bx", true},
	        {"[!a-c]x", "bx", false},
	        {"[^a-c]x", "dx", true},
	        {"[]]", "]", true},
	        {"[", "[", true},
	        {"[a", "[a", true},
	        {"[a", "a", false},
	        {"\\*", "*", true},
	        {"\\*", "a", false},
	        {"\\", "\\", true},
	        {"*.log", "a.log.log", true},
	        {"**a**", "xax", true},
	        {"[a-]", "-", true},
	        {"[\\]]", "]", true},
	        {"\xff", "\xff", true},
	        {"\xff", "\xfe", false},
	        {"a", "", false},
	        {"web-?[0-9]", "web-a7", true},
	};
	char pattern[101] = "", s[10001];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (text_glob(cases[i].pattern, cases[i].s) != cases[i].match)
			fail_msg("\"%s\" on \"%s\"", cases[i].pattern, cases[i].s);
	/* Exponential in a naive matcher. */
	for (int i = 0; i < 33; i++)
		strcat(pattern, "*a");
	strcat(pattern, "b");
	memset(s, 'a', 10000);
	s[10000] = '\0';
	assert_false(text_glob(pattern, s));
}

static void quoting(void **state)
{
	static const char *const pairs[][2] = {{"plain-1.2/x", "plain-1.2/x"}, {"", "''"}, {"a b", "'a b'"},
	        {"it's", "'it'\\''s'"}, {"$HOME", "'$HOME'"}, {"~", "'~'"}, {"a\nb", "'a\nb'"}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		cleanup_buf struct buf out = BUF_INIT;
		text_shell_quote(&out, pairs[i][0]);
		assert_string_equal(buf_str(&out), pairs[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(decoding),
	        cmocka_unit_test(widths),
	        cmocka_unit_test(foreign_bytes),
	        cmocka_unit_test(every_byte_pair_is_made_valid),
	        cmocka_unit_test(near_words),
	        cmocka_unit_test(globs),
	        cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
