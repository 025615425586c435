/* The operands of cp, and Docker's rules for what is copied where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "engine/container_copy_path.h"

static void test_operands(void **state)
{
	static const struct {
		const char *text;
		enum copy_place place;
		const char *container, *path;
	} rows[] = {
	        {"-", COPY_STREAM, NULL, NULL},
	        {"web:/etc", COPY_CONTAINER, "web", "/etc"},
	        {"web:etc", COPY_CONTAINER, "web", "etc"},
	        {"web:a:b", COPY_CONTAINER, "web", "a:b"},
	        {"web:-", COPY_CONTAINER, "web", "-"},
	        {"web:.", COPY_CONTAINER, "web", "."},
	        {"file", COPY_HOST, NULL, "file"},
	        {"./a:b", COPY_HOST, NULL, "./a:b"},
	        {".a:b", COPY_HOST, NULL, ".a:b"},
	        {"/a:b", COPY_HOST, NULL, "/a:b"},
	        {"a/b:c", COPY_HOST, NULL, "a/b:c"},
	        {":a", COPY_HOST, NULL, ":a"},
	        {"./-", COPY_HOST, NULL, "./-"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct copy_operand o;
		struct err e = ERR_INIT;
		assert_int_equal(copy_operand_parse(rows[i].text, &o, &e), 0);
		assert_int_equal(o.place, rows[i].place);
		assert_string_equal(
		        o.container ? o.container : "", rows[i].container ? rows[i].container : "");
		assert_string_equal(o.path ? o.path : "", rows[i].path ? rows[i].path : "");
		copy_operand_free(&o);
	}
}

static void test_operands_without_path(void **state)
{
	struct copy_operand o;
	struct err e = ERR_INIT;
	(void)state;
	assert_int_equal(copy_operand_parse("web:", &o, &e), -1);
	assert_string_equal(e.msg, "\"web:\" lacks a path; its root is web:/");
	copy_operand_free(&o);
	assert_int_equal(copy_operand_parse("", &o, &e), -1);
	copy_operand_free(&o);
}

static void test_paths(void **state)
{
	static const struct {
		const char *typed, *text, *dir, *name;
		bool is_dir, content;
	} rows[] = {
	        {"/a/b", "/a/b", "/a", "b", false, false},
	        {"/a/b/", "/a/b", "/a", "b", true, false},
	        {"/a/b/.", "/a/b", "/a", "b", true, true},
	        {"/a/b/./", "/a/b", "/a", "b", true, true},
	        {"/a/b//.//", "/a/b", "/a", "b", true, true},
	        {"//a//b", "//a//b", "//a", "b", false, false},
	        {"/a", "/a", "/", "a", false, false},
	        {"//a", "//a", "/", "a", false, false},
	        {"a", "a", ".", "a", false, false},
	        {"a.", "a.", ".", "a.", false, false},
	        {"/.a", "/.a", "/", ".a", false, false},
	        {"/a/..", "/a/..", "/a", NULL, true, true},
	        {"/", "/", "/", NULL, true, true},
	        {"//", "/", "/", NULL, true, true},
	        {"/.", "/", "/", NULL, true, true},
	        {".", ".", ".", NULL, true, true},
	        {"./", ".", ".", NULL, true, true},
	        {"..", "..", ".", NULL, true, true},
	        {"./x", "./x", ".", "x", false, false},
	        {"x/...", "x/...", "x", "...", false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct copy_path p;
		struct err e = ERR_INIT;
		assert_int_equal(copy_path_parse(rows[i].typed, &p, &e), 0);
		assert_string_equal(p.text, rows[i].text);
		assert_string_equal(p.dir, rows[i].dir);
		assert_string_equal(p.name ? p.name : "(none)", rows[i].name ? rows[i].name : "(none)");
		assert_int_equal(p.is_dir, rows[i].is_dir);
		assert_int_equal(p.content, rows[i].content);
		copy_path_free(&p);
	}
}

static void test_links(void **state)
{
	static const struct {
		const char *path, *target, *leads;
	} rows[] = {
	        {"/a/l", "b", "/a/b"},
	        {"/a/l/", "b", "/a/b/"},
	        {"/a/l", "/b", "/b"},
	        {"l", "../b", "./../b"},
	        {"/l", "b", "//b"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct copy_path p;
		struct err e = ERR_INIT;
		assert_int_equal(copy_path_parse(rows[i].path, &p, &e), 0);
		char *leads = copy_path_follow(&p, rows[i].target);
		assert_string_equal(leads, rows[i].leads);
		free(leads);
		copy_path_free(&p);
	}
}

static int rule(
        const char *from, enum copy_kind from_kind, const char *to, enum copy_kind to_kind, struct err *e)
{
	struct copy_path source, dest;
	assert_int_equal(copy_path_parse(from, &source, e), 0);
	assert_int_equal(copy_path_parse(to, &dest, e), 0);
	int way = copy_rule(&source, from_kind, from, &dest, to_kind, to, e);
	copy_path_free(&source);
	copy_path_free(&dest);
	return way;
}

/* The table of Docker's documentation. */
static void test_rules(void **state)
{
	enum { ERROR = -1 };
	static const struct {
		const char *from;
		enum copy_kind from_kind;
		const char *to;
		enum copy_kind to_kind;
		int way;
	} rows[] = {
	        {"/f", COPY_FILE, "/n", COPY_NOTHING, COPY_AS},
	        {"/f", COPY_FILE, "/n/", COPY_NOTHING, ERROR},
	        {"/f", COPY_FILE, "/n/.", COPY_NOTHING, ERROR},
	        {"/f", COPY_FILE, "/g", COPY_FILE, COPY_AS},
	        {"/f", COPY_FILE, "/g/", COPY_FILE, ERROR},
	        {"/f", COPY_FILE, "/d", COPY_DIRECTORY, COPY_INTO},
	        {"/f", COPY_FILE, "/d/", COPY_DIRECTORY, COPY_INTO},
	        {"/f", COPY_FILE, "/", COPY_DIRECTORY, COPY_INTO},
	        {"/f/", COPY_FILE, "/d", COPY_DIRECTORY, ERROR},
	        {"/f/.", COPY_FILE, "/d", COPY_DIRECTORY, ERROR},
	        {"/d", COPY_DIRECTORY, "/n", COPY_NOTHING, COPY_AS},
	        {"/d/", COPY_DIRECTORY, "/n", COPY_NOTHING, COPY_AS},
	        {"/d/.", COPY_DIRECTORY, "/n/", COPY_NOTHING, COPY_AS},
	        {"/d", COPY_DIRECTORY, "/g", COPY_FILE, ERROR},
	        {"/d/.", COPY_DIRECTORY, "/g", COPY_FILE, ERROR},
	        {"/d", COPY_DIRECTORY, "/e", COPY_DIRECTORY, COPY_INTO},
	        {"/d/", COPY_DIRECTORY, "/e", COPY_DIRECTORY, COPY_INTO},
	        {"/d/.", COPY_DIRECTORY, "/e", COPY_DIRECTORY, COPY_CONTENT},
	        {"/", COPY_DIRECTORY, "/e", COPY_DIRECTORY, COPY_CONTENT},
	        {".", COPY_DIRECTORY, "/e", COPY_DIRECTORY, COPY_CONTENT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = ERR_INIT;
		int way = rule(rows[i].from, rows[i].from_kind, rows[i].to, rows[i].to_kind, &e);
		if (way != rows[i].way)
			fail_msg("%s to %s: %d, not %d", rows[i].from, rows[i].to, way, rows[i].way);
		assert_int_equal(way < 0, e.msg[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_operands),
	        cmocka_unit_test(test_operands_without_path),
	        cmocka_unit_test(test_paths),
	        cmocka_unit_test(test_links),
	        cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
