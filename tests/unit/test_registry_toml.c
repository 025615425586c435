/* The TOML reader: what it accepts, what it refuses and in which line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "registry/client/toml.h"

/* The tree as one line: {key="v" list=[1 true] t={…}} */
static void show(const struct toml *t, struct buf *out)
{
	const char *const open = "{[", *const close = "}]";
	switch (t->kind) {
	case TOML_TABLE:
	case TOML_ARRAY:
		buf_char(out, open[t->kind]);
		for (const struct toml *c = t->first; c; c = c->next) {
			buf_str_add(out, c == t->first ? "" : " ");
			if (c->key)
				buf_printf(out, "%s=", c->key);
			show(c, out);
		}
		buf_char(out, close[t->kind]);
		break;
	case TOML_STRING:
		buf_printf(out, "\"%s\"", t->string);
		break;
	case TOML_INTEGER:
		buf_printf(out, "%lld", (long long)t->integer);
		break;
	case TOML_BOOL:
		buf_str_add(out, t->boolean ? "true" : "false");
		break;
	case TOML_OTHER:
		buf_str_add(out, "other");
	}
}

static void is(const char *text, const char *want)
{
	struct err e = ERR_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_toml struct toml *t = toml_parse(text, strlen(text), "f", &e);
	if (!t)
		fail_msg("%s: %s", text, e.msg);
	show(t, &out);
	assert_string_equal(buf_str(&out), want);
}

static void isnt(const char *text, const char *why)
{
	struct err e = ERR_INIT;
	cleanup_toml struct toml *t = toml_parse(text, strlen(text), "f", &e);
	if (t)
		fail_msg("taken: %s", text);
	if (!strstr(e.msg, why))
		fail_msg("%s: \"%s\" has no \"%s\"", text, e.msg, why);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void test_pairs(void **state)
{
	(void)state;
	is("", "{}");
	is("# nothing\n\n \t# more", "{}");
	is("\xef\xbb\xbfk = true", "{k=true}");
	is("a = \"x\" # c\r\nb=false\n", "{a=\"x\" b=false}");
	is("\"a.b\" = 1\n'c d' = 2\n\"\" = 3", "{a.b=1 c d=2 =3}");
	is("a.b.c = 1\na.b.d = 2\na . e = 3", "{a={b={c=1 d=2} e=3}}");
	is("1-_a = 1", "{1-_a=1}");
}

static void test_strings(void **state)
{
	(void)state;
	is("a = \"q\\\"\\\\\\t\\u00e9\\U0001F600\"", "{a=\"q\"\\\t\xc3\xa9\xf0\x9f\x98\x80\"}");
	is("a = 'C:\\x'", "{a=\"C:\\x\"}");
	is("a = ''", "{a=\"\"}");
	is("a = \"\"\"\none\n two\\\n   three\"\"\"", "{a=\"one\n two"
	                                              "three\"}");
	is("a = '''\r\nx\\n''y'''", "{a=\"x\\n''y\"}");
	is("a = \"\"\"x\"\"\"\"\"", "{a=\"x\"\"\"}");
	is("a = '''''''", "{a=\"'\"}");
	is("a = \"\"\"\"\"\"", "{a=\"\"}");
}

static void test_numbers(void **state)
{
	(void)state;
	is("a = [0, -1, +17, 1_000, 0xff, 0o17, 0b101]", "{a=[0 -1 17 1000 255 15 5]}");
	is("a = [9223372036854775807, -9223372036854775808]",
	        "{a=[9223372036854775807 -9223372036854775808]}");
	is("a = [1.5, -2e3, inf, -nan, 1979-05-27, 1979-05-27T07:32:00Z, 07:32:00]",
	        "{a=[other other other other other other other]}");
	isnt("a = 01", "f:1");
	isnt("a = 1__0", "f:1");
	isnt("a = _1", "f:1");
	isnt("a = 0x", "f:1");
	isnt("a = 0x-1", "f:1");
	isnt("a = 9223372036854775808", "f:1");
	isnt("a = +", "f:1");
	isnt("a = yes", "f:1: a value is expected");
}

static void test_arrays_and_inline_tables(void **state)
{
	(void)state;
	is("a = [ # c\n  'x', # d\n  \"y\",\n]\nb = []", "{a=[\"x\" \"y\"] b=[]}");
	is("a = [[1], ['x', []]]", "{a=[[1] [\"x\" []]]}");
	is("a = { b = 1, c.d = 'x', e = {} }", "{a={b=1 c={d=\"x\"} e={}}}");
	isnt("a = [1 2]", "',' or ']'");
	isnt("a = [,]", "f:1");
	isnt("a = {b=1,}", "f:1");
	isnt("a = {b=1\n}", "f:1");
	isnt("a = [1", "f:1");
	isnt("a = {b=1}\na.c = 2", "f:2: \"a\" is there already, in line 1");
	isnt("a = {b=1, b=2}", "f:1: \"b\" is there already");
}

static void test_tables(void **state)
{
	(void)state;
	is("[a]\nx=1\n[a.b]\ny=2\n[c]", "{a={x=1 b={y=2}} c={}}");
	is("[a.b]\n[a]\nx=1", "{a={b={} x=1}}");
	is("[[r]]\np='1'\n[[r.m]]\nl='a'\n[[r.m]]\nl='b'\n[[r]]\np='2'",
	        "{r=[{p=\"1\" m=[{l=\"a\"} {l=\"b\"}]} {p=\"2\"}]}");
	is("[host.\"https://m.io:5000\"]\nskip_verify = true",
	        "{host={https://m.io:5000={skip_verify=true}}}");
	is("[[r]]\n[r.x]\na=1\n[[r]]\n[r.x]\na=2", "{r=[{x={a=1}} {x={a=2}}]}");
	isnt("[a]\n[a]", "f:2: \"a\" is there already, in line 1");
	isnt("a = 1\n[a]", "f:2");
	isnt("a = 1\n[a.b]", "f:2");
	isnt("a = [1]\n[[a]]", "f:2");
	isnt("[a]\n[[a]]", "f:2");
	isnt("[[a]]\n[a]", "f:2");
	isnt("[a]\nb.c=1\n[a.b]", "f:3");
	isnt("[a", "\"]\" is expected");
	isnt("[[a]", "\"]]\" is expected");
	isnt("[]", "a key is expected");
	isnt("[a] x", "text behind");
}

static void test_errors_name_the_line(void **state)
{
	(void)state;
	isnt("\n\na", "f:3: '=' is expected");
	isnt("a = 1\na = 2", "f:2: \"a\" is there already, in line 1");
	isnt("a = 1 b = 2", "f:1: text behind a value");
	isnt("a = \"\"\"\n\n\\q\"\"\"", "f:3: an unknown escape");
	isnt("x = [\n1,\n2,\n?]", "f:4");
	isnt("a = \"x", "f:1: a string that doesn't end");
	isnt("a = \"x\ny\"", "f:1: a string that doesn't end in its line");
	isnt("a = '''x", "doesn't end");
	isnt("a = \"\x01\"", "control character in a string");
	isnt("# \x07", "control character in a comment");
	isnt("a = \"\\u0000\"", "no character");
	isnt("a = \"\\ud800\"", "no character");
	isnt("a = \"\\U00110000\"", "no character");
	isnt("a = \"\\u12\"", "hex digits");
	isnt("a = \"\xff\"", "UTF-8");
	isnt("= 1", "a key is expected");
	isnt("a =", "a value is expected");
	isnt("a = 1\rb = 2", "text behind");
}

static char *repeat(const char *head, const char *part, size_t n)
{
	struct buf b = BUF_INIT;
	buf_str_add(&b, head);
	while (n--)
		buf_str_add(&b, part);
	return buf_take(&b);
}

static void test_bounds(void **state)
{
	cleanup_free char *deep = repeat("a = ", "[", 100000), *tables = repeat("a = ", "{a=", 1000);
	cleanup_free char *dots = repeat("a", ".a", 1000), *header = repeat("[a", ".a", 1000);
	cleanup_free char *many = repeat("a = [", "1,", TOML_VALUES),
	                  *large = repeat("#", "x", TOML_MAX_BYTES);
	struct err e = ERR_INIT;
	(void)state;
	isnt(deep, "too deeply");
	isnt(tables, "too deeply");
	isnt(dots, "too deeply");
	isnt(header, "too deeply");
	isnt(many, "too many values");
	isnt(large, "larger than");
	assert_null(toml_parse("a = 1\0", 6, "f", &e));
}

static void test_looking_up(void **state)
{
	struct err e = ERR_INIT;
	cleanup_toml struct toml *t = toml_parse("a = 1\n[b]\nc = 'x'", 17, "f", &e);
	(void)state;
	assert_non_null(t);
	assert_string_equal(toml_get(toml_get(t, "b"), "c")->string, "x");
	assert_int_equal(toml_get(toml_get(t, "b"), "c")->line, 3);
	assert_null(toml_get(t, "x"));
	assert_null(toml_get(toml_get(t, "a"), "x"));
	assert_null(toml_get(NULL, "x"));
	assert_string_equal(toml_kind_name(toml_get(t, "b")), "a table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pairs),
	        cmocka_unit_test(test_strings),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_arrays_and_inline_tables),
	        cmocka_unit_test(test_tables),
	        cmocka_unit_test(test_errors_name_the_line),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_looking_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
