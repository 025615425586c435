/* JSON behind bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"

static json *parse(const char *text, struct err *e)
{
	return json_parse(text, strlen(text), "test", e);
}

static void documents_are_read(void **state)
{
	cleanup_json json *j = parse(" {\"a\":{\"b\":{\"c\":\"deep\"}},\"n\":-7,\"d\":1.5,\"t\":true,"
	                             "\"v\":[\"x\",1,null,\"y\"],\"e\":[],\"z\":null}\n ",
	        NULL);
	cleanup_strv char **v = NULL;

	(void)state;
	assert_non_null(j);
	assert_string_equal(json_str(json_path(j, "a.b"), "c", "no"), "deep");
	assert_null(json_path(j, "a.x.c"));
	assert_null(json_path(j, "n.x"));
	assert_null(json_path(j, ""));
	assert_null(json_get(NULL, "a"));
	assert_null(json_get(json_get(j, "v"), "a"));
	assert_int_equal(json_int(j, "n", 1), -7);
	assert_int_equal(json_int(j, "t", 1), 1);
	assert_true(json_double(j, "d", 0) > 1.4);
	assert_true(json_double(j, "n", 0) < -6);
	assert_true(json_double(j, "v", 2) > 1.9);
	assert_true(json_bool(j, "t", false));
	assert_true(json_bool(j, "n", true));
	assert_string_equal(json_str(j, "n", "dflt"), "dflt");
	assert_null(json_str(j, "z", NULL));
	v = json_strv(j, "v");
	assert_int_equal(strv_len(v), 2);
	assert_string_equal(v[1], "y");
	assert_null(json_strv(j, "e"));
	assert_null(json_strv(j, "n"));
}

static void scalars_are_documents(void **state)
{
	cleanup_json json *a = parse("12", NULL);
	cleanup_json json *b = parse("\"s\"", NULL);

	(void)state;
	assert_int_equal(json_object_get_int(a), 12);
	assert_string_equal(json_object_get_string(b), "s");
}

static void bad_documents_are_refused(void **state)
{
	static const char *const bad[] = {"", " ", "{", "{\"a\":1", "{}x", "{} {}", "[1,]", "{'a':1}", "NaN",
	        "nul", "null", "\"\xff\"", "{\"\xff\":1}", "{\"\xc0\xaf\":1}", "{\"a\" 1}", "[1 2]", "01x",
	        "\"a", "TRUE", "/* c */ {}", "{}\n\n}", "\"a\nb\"", "['\"']"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = ERR_INIT;
		cleanup_json json *j = parse(bad[i], &e);
		if (j)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_ptr_equal(strstr(e.msg, "test: line "), e.msg);
	}
	struct err e = ERR_INIT;
	assert_null(parse("{\n\n\"a\": ?}", &e));
	assert_non_null(strstr(e.msg, "line 3"));
	assert_null(json_parse("{}\0{}", 5, "test", &e));
}

static void depth_is_bounded(void **state)
{
	char deep[20001];
	cleanup_json json *ok = NULL;

	(void)state;
	memset(deep, '[', 10000);
	memset(deep + 10000, ']', 10000);
	deep[20000] = '\0';
	assert_null(parse(deep, NULL));
	memset(deep, '[', 60);
	memset(deep + 60, ']', 60);
	deep[120] = '\0';
	ok = parse(deep, NULL);
	assert_non_null(ok);
}

static void setters_and_printing(void **state)
{
	cleanup_json json *j = json_object_new_object();
	cleanup_buf struct buf out = BUF_INIT;
	char *v[] = {"a/b", "c", NULL};

	(void)state;
	json_set_str(j, "s", "x\"y");
	json_set_str(j, "z", NULL);
	json_set_int(j, "i", INT64_MIN);
	json_set_bool(j, "b", true);
	json_set_strv(j, "v", v);
	json_set_strv(j, "e", NULL);
	json_add_str(json_get(j, "v"), "d");
	json_add_str(j, "not an array");
	json_set(NULL, "k", json_object_new_int(1));
	json_print(&out, j, JSON_COMPACT);
	assert_string_equal(buf_str(&out),
	        "{\"s\":\"x\\\"y\",\"z\":null,\"i\":-9223372036854775808,\"b\":true,"
	        "\"v\":[\"a/b\",\"c\",\"d\"],\"e\":[]}");
	buf_reset(&out);
	json_print(&out, json_get(j, "v"), JSON_PRETTY);
	assert_string_equal(buf_str(&out), "[\n  \"a/b\",\n  \"c\",\n  \"d\"\n]");
	buf_reset(&out);
	json_print(&out, NULL, JSON_COMPACT);
	assert_string_equal(buf_str(&out), "null");
	cleanup_json json *o = json_object_new_object();
	json_set_int(o, "n", 1);
	buf_reset(&out);
	json_print(&out, o, JSON_PRETTY);
	assert_string_equal(buf_str(&out), "{\n  \"n\": 1\n}");
}

static void files_are_bounded(void **state)
{
	char dir[] = "/tmp/tare-test-XXXXXX";
	struct err e = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_write_at(fd, "j", "{\"a\":1}", 7, 0600, FILE_NO_SYNC, NULL), 0);
	cleanup_json json *j = json_read_at(fd, "j", 7, &e);
	assert_int_equal(json_int(j, "a", 0), 1);
	assert_null(json_read_at(fd, "j", 6, &e));
	assert_null(json_read_at(fd, "none", 6, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(remove_tree_at(AT_FDCWD, dir), 0);
}

static void pretty_keeps_empty_ones_on_a_line(void **state)
{
	static const char text[] = "{\"a\":[],\"b\":{},\"c\":[1],\"d\":\"[\\n ]\"}";
	cleanup_json json *j = json_parse(text, sizeof text - 1, "test", NULL);
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	json_print(&out, j, JSON_PRETTY);
	assert_non_null(strstr(buf_str(&out), "\"a\": []"));
	assert_non_null(strstr(buf_str(&out), "\"b\": {}"));
	assert_non_null(strstr(buf_str(&out), "\"d\": \"[\\n ]\""));
	cleanup_json json *again = json_parse(out.data, out.len, "test", NULL);
	assert_true(json_object_equal(j, again));
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
/* `unit` as often as it fits into a megabyte, within brackets. */
static json *parse_many(const char *unit, const char *open, const char *close, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_str_add(&text, open);
	while (text.len < 1 << 20)
		buf_str_add(&text, unit);
	buf_str_add(&text, close);
	return parse(buf_str(&text), e);
}

static void memory_is_bounded(void **state)
{
	static const char *const bad[] = {"{},", "[[]],", "{\"\":{}},"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(parse_many(bad[i], "[", "0]", &e));
		assert_non_null(strstr(e.msg, "too many values"));
	}
	/* what only looks so, within strings */
	cleanup_json json *texts = parse_many("{}\\\",[]{},:", "\"", "\"", NULL);
	assert_non_null(texts);
	/* an index of many tags, as dense as one is */
	cleanup_json json *index =
	        parse_many("{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
	                   "\"digest\":\"sha256:" HEX64 "\",\"size\":525,"
	                   "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}},",
	                "[", "0]", NULL);
	assert_non_null(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pretty_keeps_empty_ones_on_a_line),
	        cmocka_unit_test(documents_are_read),
	        cmocka_unit_test(scalars_are_documents),
	        cmocka_unit_test(bad_documents_are_refused),
	        cmocka_unit_test(depth_is_bounded),
	        cmocka_unit_test(memory_is_bounded),
	        cmocka_unit_test(setters_and_printing),
	        cmocka_unit_test(files_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
