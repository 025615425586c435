/* Colours in foreign text, and everything else made harmless. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/sgr.h"

static struct style style_after(const char *s)
{
	struct sgr g = {0};

	for (size_t i = 0, n = strlen(s); i < n;)
		i += sgr_next(&g, s + i, n - i).len;
	return g.style;
}

static void colours(void **state)
{
	(void)state;
	assert_true(style_equal(style_after("\033[31m"), (struct style){COLOUR_INDEX(1), 0, 0}));
	assert_true(style_equal(
	        style_after("\033[1;97;44m"), (struct style){COLOUR_INDEX(15), COLOUR_INDEX(4), ATTR_BOLD}));
	assert_true(style_equal(style_after("\033[38;5;208m"), (struct style){COLOUR_INDEX(208), 0, 0}));
	assert_true(style_equal(style_after("\033[48;2;1;2;3m"), (struct style){0, COLOUR_RGB(1, 2, 3), 0}));
	assert_true(
	        style_equal(style_after("\033[38:5:9;1m"), (struct style){COLOUR_INDEX(9), 0, ATTR_BOLD}));
	assert_true(style_equal(style_after("\033[1;2m\033[22m"), (struct style){0, 0, 0}));
	assert_true(style_equal(style_after("\033[4;9;31m\033[m"), (struct style){0, 0, 0}));
	assert_true(style_equal(style_after("\033[31;39m"), (struct style){0, 0, 0}));
	/* senseless ones change nothing and end */
	assert_true(style_equal(style_after("\033[38;5;999m"), (struct style){0, 0, 0}));
	assert_true(style_equal(style_after("\033[38;5m"), (struct style){0, 0, 0}));
	assert_true(style_equal(style_after("\033[99999999999999999999m"), (struct style){0, 0, 0}));
	assert_true(style_equal(style_after("\033[?31m"), (struct style){0, 0, 0}));
	assert_true(style_equal(style_after("\033[31K"), (struct style){0, 0, 0}));
}

static void harmless(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	        {"plain", "plain"},
	        {"\033[31mred\033[0m", "red"},
	        {"\033[2J\033[Htop", "top"},
	        {"\033]0;title\atext", "text"},
	        {"\033]52;c;AAAA\033\\text", "text"},
	        {"\033P1$r\033\\dcs", "dcs"},
	        {"a\tb", "a\tb"},
	        {"bell\a", "bell\xe2\x90\x87"},
	        {"\033", ""},
	        {"\033[31", ""},
	        {"\033]unended", "\xe2\x90\x9b]unended"},
	        {"\033\001", "\xe2\x90\x9b\xe2\x90\x81"},
	        {"\xc2\x9b"
	         "31m",
	                "\xef\xbf\xbd"
	                "31m"},
	        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
	        {"a\xe2\x80\xae"
	         "b",
	                "a\xef\xbf\xbd"
	                "b"},
	        {"\xe2\x82\xac", "\xe2\x82\xac"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = strlen(cases[i].in);
		cleanup_free char *exact = malloc(n);
		memcpy(exact, cases[i].in, n);
		size_t len = sgr_strip(out, sizeof(out), exact, n);
		assert_string_equal(out, cases[i].out);
		assert_int_equal(len, strlen(cases[i].out));
	}
	/* a buffer that is too small is never overrun */
	for (size_t size = 1; size < 12; size++) {
		cleanup_free char *small = malloc(size);
		assert_true(sgr_strip(small, size,
		                    "ab\xe2\x82\xac"
		                    "cdef\a",
		                    10) < size);
		assert_int_equal(small[strlen(small)], '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(colours),
	        cmocka_unit_test(harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
