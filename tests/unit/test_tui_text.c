/* Lines of text: columns, wrapping, finding; documents that fold. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/json_tree.h"
#include "tui/text_lines.h"

static const struct style plain;

static struct text_line two_spans(const char *a, const char *b)
{
	struct text_line l = {.n = 0};

	text_line_add(&l, a, strlen(a), plain);
	text_line_add(&l, b, strlen(b), plain);
	return l;
}

static void columns_count_what_is_drawn(void **state)
{
	(void)state;
	assert_int_equal(text_columns("abc", 3), 3);
	assert_int_equal(text_columns("日本", 6), 4);
	assert_int_equal(text_columns("e\xcc\x81", 3), 1);
	assert_int_equal(text_columns("\x1b[1m", 4), 4); /* a control is one replacement */
	assert_int_equal(text_columns("\xff\xfe", 2), 2);
}

static void lines_wrap_between_characters(void **state)
{
	struct text_line l = two_spans("abcde", "fgh"), wide = two_spans("a日", "本b"), empty = {.n = 0};
	struct text_place at;

	(void)state;
	assert_int_equal(text_line_rows(&l, 3), 3);
	at = text_line_row(&l, 1, 3);
	assert_int_equal(at.span, 0);
	assert_int_equal(at.byte, 3);
	at = text_line_row(&l, 2, 3);
	assert_int_equal(at.flat, 6);
	assert_int_equal(text_line_rows(&l, 8), 1);
	assert_int_equal(text_line_rows(&empty, 8), 1);
	/* a wide one is never cut in two: a日 | 本b */
	assert_int_equal(text_line_rows(&wide, 3), 2);
	at = text_line_row(&wide, 1, 3);
	assert_int_equal(at.flat, 4);
	/* narrower than a character: still goes on */
	assert_int_equal(text_line_rows(&wide, 1), 4);
}

static void finding_minds_capitals_only_when_asked(void **state)
{
	static const char text[] = "GET /Index get";

	(void)state;
	assert_ptr_equal(text_find(text, sizeof text - 1, "get"), text);
	assert_ptr_equal(text_find(text, sizeof text - 1, "Index"), text + 5);
	assert_null(text_find(text, sizeof text - 1, "INDEX"));
	assert_null(text_find(text, sizeof text - 1, ""));
	assert_null(text_find(text, 3, "/ind"));
}

/* ------------------------------------------------------------------ documents */

static const char document[] =
        "{\"Id\":\"abc\",\"State\":{\"Status\":\"running\",\"Health\":{\"Status\":\"healthy\"},"
        "\"Pid\":12,\"Paused\":false},\"Mounts\":[{\"Source\":\"/a\"},{\"Source\":\"/b\"}],"
        "\"Empty\":{},\"None\":null}";

static struct json_tree tree_of(const char *text, unsigned depth)
{
	struct json_tree t = {.n = 0};
	struct err e;

	assert_int_equal(json_tree_set(&t, json_parse(text, strlen(text), "test", &e), depth), 0);
	return t;
}

static const char *line_text(const struct json_tree *t, size_t i)
{
	static char out[512];
	const struct json_tree_styles s = {.open = 'v', .closed = '>'};
	struct text_line l = {.n = 0};
	char scratch[JSON_SCRATCH];

	out[0] = '\0';
	json_tree_line(t, i, &s, scratch, &l);
	for (size_t k = 0; k < l.n; k++)
		strncat(out, l.spans[k].text, l.spans[k].len);
	return out;
}

static void documents_fold(void **state)
{
	struct json_tree t = tree_of(document, 0);

	(void)state;
	assert_int_equal(t.n_lines, 5);
	assert_string_equal(line_text(&t, 0), "  Id  abc");
	assert_string_equal(line_text(&t, 1), "> State  {4}");
	assert_string_equal(line_text(&t, 2), "> Mounts  [2]");
	assert_string_equal(line_text(&t, 3), "  Empty  {}");
	assert_string_equal(line_text(&t, 4), "  None  null");
	json_tree_fold(&t, 1, false);
	assert_int_equal(t.n_lines, 9);
	assert_string_equal(line_text(&t, 1), "v State  ");
	assert_string_equal(line_text(&t, 3), "  > Health  {1}");
	assert_string_equal(line_text(&t, 4), "    Pid  12");
	assert_int_equal(json_tree_parent_line(&t, 4), 1);
	json_tree_fold(&t, 0, true); /* nothing to fold */
	assert_int_equal(t.n_lines, 9);
	json_tree_free(&t);
}

static void a_search_opens_what_hides_a_match(void **state)
{
	struct json_tree t = tree_of(document, 0);
	cleanup_buf struct buf path = BUF_INIT;

	(void)state;
	json_tree_reveal(&t, "healthy");
	assert_int_equal(t.n_lines, 10);
	assert_string_equal(line_text(&t, 4), "      Status  healthy");
	json_tree_path(&t, 4, &path);
	assert_string_equal(buf_str(&path), "State.Health.Status");
	buf_reset(&path);
	json_tree_reveal(&t, "/b");
	for (size_t i = 0; i < t.n_lines; i++)
		if (strstr(line_text(&t, i), "/b"))
			json_tree_path(&t, i, &path);
	assert_string_equal(buf_str(&path), "Mounts[1].Source");
	json_tree_free(&t);
}

static void a_new_document_keeps_what_is_open(void **state)
{
	struct json_tree t = tree_of(document, 0);
	cleanup_buf struct buf value = BUF_INIT;
	struct err e;
	uint64_t at;

	(void)state;
	json_tree_fold(&t, 1, false);
	at = json_tree_line_path(&t, 4); /* State.Pid */
	static const char next[] = "{\"Id\":\"abc\",\"New\":1,\"State\":{\"Status\":\"exited\",\"Pid\":0}}";
	assert_int_equal(json_tree_set(&t, json_parse(next, strlen(next), "test", &e), 0), 0);
	assert_int_equal(t.n_lines, 5);
	assert_int_equal(json_tree_find(&t, at, 0), 4);
	assert_int_equal(json_tree_find(&t, 1, 99), 4);
	json_tree_value(&t, 3, &value);
	assert_string_equal(buf_str(&value), "exited");
	buf_reset(&value);
	json_tree_value(&t, 2, &value);
	assert_non_null(strstr(buf_str(&value), "\"Pid\": 0"));
	json_tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(columns_count_what_is_drawn),
	        cmocka_unit_test(lines_wrap_between_characters),
	        cmocka_unit_test(finding_minds_capitals_only_when_asked),
	        cmocka_unit_test(documents_fold),
	        cmocka_unit_test(a_search_opens_what_hides_a_match),
	        cmocka_unit_test(a_new_document_keeps_what_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
