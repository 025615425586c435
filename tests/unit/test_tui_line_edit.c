/* A text field: the keys of a shell's line, characters of several bytes, pastes, scrolling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tui/line_edit.h"
#include "tui/screen.h"

static void type(struct line_edit *l, const char *text)
{
	line_edit_insert(l, text, strlen(text));
}

static void key(struct line_edit *l, uint32_t code, unsigned mods)
{
	assert_true(line_edit_key(l, (struct key){code, mods}));
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct line_edit));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void characters_go_in_at_the_cursor(void **state)
{
	struct line_edit *l = *state;

	key(l, 'a', 0);
	key(l, 'c', 0);
	key(l, KEYC_LEFT, 0);
	key(l, 'b', 0);
	key(l, 0x20ac, 0);
	assert_string_equal(l->text, "ab\xe2\x82\xac"
	                             "c");
	key(l, KEYC_BACKSPACE, 0);
	assert_string_equal(l->text, "abc");
	key(l, KEYC_HOME, 0);
	key(l, KEYC_DELETE, 0);
	assert_string_equal(l->text, "bc");
	assert_int_equal(l->at, 0);
}

static void keys_of_other_things_are_left_alone(void **state)
{
	struct line_edit *l = *state;
	static const uint32_t codes[] = {
	        KEYC_ENTER, KEYC_TAB, KEYC_ESCAPE, KEYC_UP, KEYC_DOWN, KEYC_F1, KEYC_PAGE_UP};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		assert_false(line_edit_key(l, (struct key){codes[i], 0}));
	assert_false(line_edit_key(l, (struct key){'s', MOD_CTRL}));
	assert_int_equal(l->len, 0);
}

static void a_combining_mark_goes_with_its_letter(void **state)
{
	struct line_edit *l = *state;

	type(l, "ae\xcc\x81z");
	key(l, KEYC_LEFT, 0);
	key(l, KEYC_LEFT, 0);
	assert_int_equal(l->at, 1);
	key(l, KEYC_DELETE, 0);
	assert_string_equal(l->text, "az");
}

static void words_and_lines_are_killed_and_yanked(void **state)
{
	struct line_edit *l = *state;

	type(l, "run --name web busybox");
	key(l, 'w', MOD_CTRL);
	assert_string_equal(l->text, "run --name web ");
	key(l, 'y', MOD_CTRL);
	assert_string_equal(l->text, "run --name web busybox");
	key(l, 'a', MOD_CTRL);
	key(l, 'f', MOD_ALT);
	assert_int_equal(l->at, 3);
	key(l, 'k', MOD_CTRL);
	assert_string_equal(l->text, "run");
	key(l, 'u', MOD_CTRL);
	assert_string_equal(l->text, "");
	key(l, 'y', MOD_CTRL);
	assert_string_equal(l->text, "run");
}

static void a_paste_has_no_controls(void **state)
{
	struct line_edit *l = *state;

	type(l, "a\x1b]52;c;x\x07"
	        "b\tc\r\nd\xff\xc3\n\n");
	assert_string_equal(l->text, "a]52;c;xb c d");
}

static void it_is_never_longer_than_its_place(void **state)
{
	struct line_edit *l = *state;

	for (int i = 0; i < 3000; i++)
		type(l, "\xe2\x82\xac");
	assert_true(l->len < LINE_EDIT_MAX);
	assert_int_equal(l->len % 3, 0);
	key(l, 'u', MOD_CTRL);
	key(l, 'y', MOD_CTRL);
	key(l, 'y', MOD_CTRL);
	assert_true(l->len < LINE_EDIT_MAX);
}

static void it_scrolls_with_the_cursor(void **state)
{
	struct line_edit *l = *state;
	struct screen *s = screen_open_memory(1, 12, false, NULL);
	struct buf text = BUF_INIT;
	struct canvas c = screen_begin(s);

	type(l, "abcdefghijklmnopqrstuvwxyz");
	line_edit_draw(l, &c, 0, 1, 10, NULL, (struct line_edit_style){0}, true);
	screen_flush(s);
	screen_text(s, (struct rect){0, 0, 1, 12}, &text);
	assert_string_equal(buf_str(&text), " rstuvwxyz\n");
	line_edit_click(l, 2);
	assert_int_equal(l->text[l->at], 't');
	key(l, KEYC_HOME, 0);
	c = screen_begin(s);
	line_edit_draw(l, &c, 0, 1, 10, NULL, (struct line_edit_style){0}, true);
	screen_flush(s);
	buf_reset(&text);
	screen_text(s, (struct rect){0, 0, 1, 12}, &text);
	assert_string_equal(buf_str(&text), " abcdefghij\n");
	buf_free(&text);
	screen_close(s);
}

static void completion_replaces_what_was_begun(void **state)
{
	struct line_edit *l = *state;

	type(l, "stop we now");
	for (int i = 0; i < 4; i++)
		key(l, KEYC_LEFT, 0);
	line_edit_replace(l, 5, "web");
	assert_string_equal(l->text, "stop web now");
	assert_int_equal(l->at, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(characters_go_in_at_the_cursor, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(keys_of_other_things_are_left_alone, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_combining_mark_goes_with_its_letter, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(words_and_lines_are_killed_and_yanked, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_paste_has_no_controls, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(it_is_never_longer_than_its_place, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(it_scrolls_with_the_cursor, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(completion_replaces_what_was_begun, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
