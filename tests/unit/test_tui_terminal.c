/* The embedded terminal: what the child's bytes come to, what keys become, and that neither a size nor a
 * stream of bytes can hurt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/terminal_core.h"

static void feed(struct term *t, const char *s)
{
	term_feed(t, s, strlen(s));
}

static char *lines(struct term *t, int64_t from, int64_t to)
{
	struct buf out = BUF_INIT;

	term_text(t, (struct term_place){from, 0}, (struct term_place){to, TERM_MAX_COLS}, &out);
	return out.len ? buf_take(&out) : strdup("");
}

#define assert_line(t, y, expected)                                                                          \
	do {                                                                                                 \
		cleanup_free char *_l = lines(t, term_top(t) + (y), term_top(t) + (y));                      \
		assert_string_equal(_l, expected);                                                           \
	} while (0)

#define assert_output(t, expected)                                                                           \
	do {                                                                                                 \
		const char *_o;                                                                              \
		size_t _n = term_output(t, &_o);                                                             \
		assert_int_equal(_n, sizeof(expected) - 1);                                                  \
		assert_memory_equal(_o, expected, _n);                                                       \
		term_output_taken(t, _n);                                                                    \
	} while (0)

#define assert_cursor(t, y, x)                                                                               \
	do {                                                                                                 \
		int64_t _line;                                                                               \
		int _col;                                                                                    \
		term_cursor(t, &_line, &_col);                                                               \
		assert_int_equal(_line - term_top(t), y);                                                    \
		assert_int_equal(_col, x);                                                                   \
	} while (0)

static void moves_and_edits(void **state)
{
	struct term *t = term_new(6, 20, 100);

	(void)state;
	feed(t, "one\r\ntwo\r\nthree\033[2;2HX\033[1;1H\033[L");
	assert_line(t, 0, "");
	assert_line(t, 1, "one");
	assert_line(t, 2, "tXo");
	assert_line(t, 3, "three");
	feed(t, "\033[2;1H\033[M\033[1;3H\033[4mU\033[m\033[2P");
	assert_line(t, 0, "  U");
	assert_line(t, 1, "tXo");
	feed(t, "\033[2;2H\033[@>");
	assert_line(t, 1, "t>Xo");
	feed(t, "\033[2;1H\033[K\033[4h\033[1;1Hab\033[4l");
	assert_line(t, 1, "");
	assert_line(t, 0, "ab  U");
	term_free(t);
}

static void scroll_regions(void **state)
{
	struct term *t = term_new(5, 20, 100);

	(void)state;
	feed(t, "a\r\nb\r\nc\r\nd\r\ne\033[2;4r\033[4;1H\n");
	assert_line(t, 0, "a");
	assert_line(t, 1, "c");
	assert_line(t, 2, "d");
	assert_line(t, 3, "");
	assert_line(t, 4, "e");
	feed(t, "\033[2;1H\033M");
	assert_line(t, 1, "");
	assert_line(t, 2, "c");
	/* A region that does not begin at the top leaves no trace in the past. */
	assert_int_equal(term_oldest(t), term_top(t));
	term_free(t);
}

static void the_past(void **state)
{
	struct term *t = term_new(3, 20, 4);
	char line[16];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(line, sizeof line, "%sline %d", i ? "\r\n" : "", i);
		feed(t, line);
	}
	/* 10 lines, 3 on the screen, 4 of the 7 before are kept */
	assert_int_equal(term_top(t), 7);
	assert_int_equal(term_oldest(t), 3);
	cleanup_free char *all = lines(t, 0, 100);
	assert_string_equal(all, "line 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9");
	/* The sequence that clears it may come in pieces. */
	feed(t, "\033\033[");
	feed(t, "3");
	feed(t, "Jx");
	assert_int_equal(term_oldest(t), 7);
	assert_line(t, 2, "line 9x");
	term_free(t);
}

static void the_past_keeps_looks(void **state)
{
	struct term *t = term_new(2, 20, 100);

	(void)state;
	feed(t, "\033[1;31mred\033[0;48;5;22m  \033[m \033[38;2;1;2;3mrgb\033[m\xe4\xb8\xad\r\n\r\n");
	term_load_line(t, term_top(t) - 1);
	assert_int_equal(t->row[0].cps[0], 'r');
	assert_int_equal(t->row[0].style.fg, COLOUR_INDEX(1));
	assert_int_equal(t->row[0].style.attr, ATTR_BOLD);
	assert_int_equal(t->row[3].style.bg, COLOUR_INDEX(22));
	assert_int_equal(t->row[5].style.bg, COLOUR_DEFAULT);
	assert_int_equal(t->row[6].style.fg, COLOUR_RGB(1, 2, 3));
	assert_int_equal(t->row[9].cps[0], 0x4e2d);
	assert_int_equal(t->row[9].width, 2);
	assert_int_equal(t->row[10].width, 0);
	assert_int_equal(t->row[11].n, 0);
	/* Made taller, it comes back to the screen. */
	term_resize(t, 4, 20);
	assert_line(t, 0, "red   rgb\xe4\xb8\xad");
	term_load_line(t, term_top(t));
	assert_int_equal(t->row[0].style.fg, COLOUR_INDEX(1));
	assert_int_equal(t->row[6].style.fg, COLOUR_RGB(1, 2, 3));
	assert_int_equal(t->row[9].width, 2);
	term_free(t);
}

static void looks(void **state)
{
	struct term *t = term_new(3, 20, 0);
	struct {
		const char *sgr;
		struct style style;
	} cases[] = {
	        {"\033[31m", {COLOUR_INDEX(1), COLOUR_DEFAULT, 0}},
	        {"\033[92;44m", {COLOUR_INDEX(10), COLOUR_INDEX(4), 0}},
	        {"\033[38;5;200;48;2;9;8;7m", {COLOUR_INDEX(200), COLOUR_RGB(9, 8, 7), 0}},
	        {"\033[38:2:1:2:3m", {COLOUR_RGB(1, 2, 3), COLOUR_DEFAULT, 0}},
	        {"\033[1;3;4;7;9m",
	                {0, 0, ATTR_BOLD | ATTR_ITALIC | ATTR_UNDERLINE | ATTR_REVERSE | ATTR_STRIKE}},
	        {"\033[1m\033[22;39m", {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		feed(t, "\033[m\033[H");
		feed(t, cases[i].sgr);
		feed(t, "x");
		term_load_line(t, term_top(t));
		assert_true(style_equal(t->row[0].style, cases[i].style));
	}
	term_free(t);
}

static void wide_and_foreign(void **state)
{
	struct term *t = term_new(3, 10, 0);

	(void)state;
	feed(t, "\xe4\xb8\xad|e\xcc\x81|");
	term_load_line(t, term_top(t));
	assert_int_equal(t->row[0].width, 2);
	assert_int_equal(t->row[2].cps[0], '|');
	assert_int_equal(t->row[3].n, 2);
	assert_int_equal(t->row[3].cps[1], 0x301);
	assert_int_equal(t->row[4].cps[0], '|');
	/* A half that was overwritten leaves no other half. */
	feed(t, "\033[1;2H.");
	term_load_line(t, term_top(t));
	assert_int_equal(t->row[0].width, 1);
	assert_int_equal(t->row[1].cps[0], '.');
	/* Marks of direction and joiners do not get through. */
	feed(t, "\033[2;1Ha\xe2\x80\xae\xe2\x80\x8d"
	        "b");
	term_load_line(t, term_top(t) + 1);
	for (int x = 0; x < 10; x++)
		for (int i = 0; i < t->row[x].n; i++)
			assert_true(t->row[x].cps[i] != 0x202e && t->row[x].cps[i] != 0x200d);
	/* Nor do characters of C1 in UTF-8, and each column is there. */
	feed(t, "\033[3;1H\xc2\x9b"
	        "31m");
	for (int y = 0; y < 3; y++) {
		int width = 0;

		term_load_line(t, term_top(t) + y);
		for (int x = 0; x < 10; x++) {
			width += t->row[x].width;
			for (int i = 0; i < t->row[x].n; i++)
				assert_false(t->row[x].cps[i] >= 0x7f && t->row[x].cps[i] < 0xa0);
		}
		assert_int_equal(width, 10);
	}
	term_free(t);
}

static void alternate_screen(void **state)
{
	struct term *t = term_new(3, 20, 100);

	(void)state;
	feed(t, "shell\033[?1049h\033[Heditor");
	assert_true(term_is_alternate(t));
	assert_line(t, 0, "editor");
	feed(t, "\r\n\r\n\r\n\r\n");
	assert_int_equal(term_top(t), 0);
	feed(t, "\033[?1049l");
	assert_false(term_is_alternate(t));
	assert_line(t, 0, "shell");
	assert_cursor(t, 0, 5);
	term_free(t);
}

static struct key key(uint32_t code, unsigned mods)
{
	return (struct key){code, mods};
}

static void keys(void **state)
{
	struct term *t = term_new(3, 20, 0);
	static const struct {
		struct key k;
		const char *bytes;
	} cases[] = {
	        {{'a', 0}, "a"},
	        {{0xe9, 0}, "\xc3\xa9"},
	        {{'x', MOD_ALT}, "\033x"},
	        {{'c', MOD_CTRL}, "\003"},
	        {{'j', MOD_CTRL}, "\n"},
	        {{']', MOD_CTRL}, "\035"},
	        {{'\\', MOD_CTRL}, "\034"},
	        {{'_', MOD_CTRL}, "\037"},
	        {{'c', MOD_CTRL | MOD_ALT}, "\033\003"},
	        {{KEYC_ENTER, 0}, "\r"},
	        {{KEYC_ENTER, MOD_SHIFT}, "\r"},
	        {{KEYC_ENTER, MOD_ALT}, "\033\r"},
	        {{KEYC_TAB, 0}, "\t"},
	        {{KEYC_TAB, MOD_SHIFT}, "\033[Z"},
	        {{KEYC_ESCAPE, 0}, "\033"},
	        {{KEYC_BACKSPACE, 0}, "\177"},
	        {{KEYC_BACKSPACE, MOD_SHIFT}, "\177"},
	        {{KEYC_BACKSPACE, MOD_ALT}, "\033\177"},
	        {{KEYC_UP, 0}, "\033[A"},
	        {{KEYC_UP, MOD_CTRL}, "\033[1;5A"},
	        {{KEYC_PAGE_UP, 0}, "\033[5~"},
	        {{KEYC_F1, 0}, "\033OP"},
	        {{KEYC_F12, 0}, "\033[24~"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *bytes;
		size_t n;

		assert_true(term_key(t, cases[i].k));
		n = term_output(t, &bytes);
		assert_int_equal(n, strlen(cases[i].bytes));
		assert_memory_equal(bytes, cases[i].bytes, n);
		term_output_taken(t, n);
	}
	term_key(t, key(' ', MOD_CTRL));
	assert_output(t, "\0");
	/* A full-screen program asks for other arrows. */
	feed(t, "\033[?1h");
	term_key(t, key(KEYC_UP, 0));
	assert_output(t, "\033OA");
	term_free(t);
}

static void pastes(void **state)
{
	struct term *t = term_new(3, 20, 0);
	cleanup_free char *much = calloc(1, 2 << 20);

	(void)state;
	assert_true(term_paste(t, "a\nb\r\nc\033[201~\x07\tz\xff\xc2\x9b", 18));
	assert_output(t, "a\rb\rc[201~\tz");
	feed(t, "\033[?2004h");
	assert_true(term_paste(t, "rm\n", 3));
	assert_output(t, "\033[200~rm\r\033[201~");
	assert_false(term_paste(t, much, 2 << 20));
	assert_output(t, "");
	term_free(t);
}

static void mouse(void **state)
{
	struct term *t = term_new(5, 20, 0);
	struct mouse press = {.kind = MOUSE_PRESS, .button = 1, .y = 2, .x = 3};
	struct mouse wheel = {.kind = MOUSE_WHEEL_UP, .y = 1, .x = 1};

	(void)state;
	assert_false(term_mouse(t, &press));
	assert_false(term_mouse(t, &wheel));
	feed(t, "\033[?1002;1006h");
	assert_true(term_wants_mouse(t));
	assert_true(term_mouse(t, &press));
	assert_output(t, "\033[<0;4;3M");
	press.kind = MOUSE_DRAG;
	press.x = 5;
	assert_true(term_mouse(t, &press));
	assert_output(t, "\033[<32;6;3M");
	press.kind = MOUSE_RELEASE;
	assert_true(term_mouse(t, &press));
	assert_output(t, "\033[<0;6;3m");
	assert_true(term_mouse(t, &wheel));
	assert_output(t, "\033[<64;2;2M");
	/* Given up with the button held, and taken again: the next press counts. */
	press.kind = MOUSE_PRESS;
	term_mouse(t, &press);
	assert_output(t, "\033[<0;6;3M");
	feed(t, "\033[?1002l");
	assert_false(term_wants_mouse(t));
	assert_output(t, "");
	feed(t, "\033[?1002;1006h");
	term_mouse(t, &press);
	assert_output(t, "\033[<0;6;3M");
	feed(t, "\033[?1002l");
	/* A pager without a mouse scrolls by arrow keys. */
	feed(t, "\033[?1049h\033[?1h");
	assert_true(term_mouse(t, &wheel));
	assert_output(t, "\033OA\033OA\033OA");
	term_free(t);
}

static void questions_and_focus(void **state)
{
	struct term *t = term_new(3, 20, 0);
	const char *bytes;

	(void)state;
	feed(t, "\033[6n");
	assert_output(t, "\033[1;1R");
	term_focus(t, true);
	assert_output(t, "");
	feed(t, "\033[?1004h");
	term_focus(t, true);
	assert_output(t, "\033[I");
	term_focus(t, false);
	assert_output(t, "\033[O");
	/* The clipboard is not the child's to read or write. */
	feed(t, "\033]52;c;?\007\033]52;c;aGk=\007");
	assert_output(t, "");
	/* One that asks and never reads gets a bounded number of answers. */
	for (int i = 0; i < 100000; i++)
		feed(t, "\033[c");
	assert_true(term_output(t, &bytes) < 32 << 10);
	term_free(t);
}

/* Each of several modes in one sequence counts, wherever it is cut. */
static void modes_at_once(void **state)
{
	static const char sequence[] = "a\033[?1006;1000;2004hb";
	struct mouse press = {.kind = MOUSE_PRESS, .button = 1};

	(void)state;
	for (size_t cut = 0; cut < sizeof sequence; cut++) {
		struct term *t = term_new(3, 20, 0);

		term_feed(t, sequence, cut);
		term_feed(t, sequence + cut, sizeof sequence - 1 - cut);
		assert_line(t, 0, "ab");
		assert_true(term_mouse(t, &press));
		assert_output(t, "\033[<0;1;1M");
		term_paste(t, "x", 1);
		assert_output(t, "\033[200~x\033[201~");
		feed(t, "\033[?1000;2004l\033[;3H\033[?;h\033[4;;h");
		assert_false(term_wants_mouse(t));
		term_free(t);
	}
}

static void titles_and_bells(void **state)
{
	struct term *t = term_new(3, 20, 0);
	cleanup_free char *much = malloc(100003);

	(void)state;
	assert_string_equal(term_title(t), "");
	feed(t, "\033]2;vim \xe2\x80\xae\x01x\007");
	assert_null(strchr(term_title(t), 1));
	assert_null(strstr(term_title(t), "\xe2\x80\xae"));
	assert_non_null(strstr(term_title(t), "vim"));
	assert_false(term_bell(t));
	feed(t, "\a");
	assert_true(term_bell(t));
	assert_false(term_bell(t));
	memset(much, 'x', 100003);
	memcpy(much, "\033]2;", 4);
	much[100002] = '\a';
	term_feed(t, much, 100003);
	assert_true(strlen(term_title(t)) < TERM_TITLE_SIZE);
	term_free(t);
}

static void sizes_keep_what_is_shown(void **state)
{
	struct term *t = term_new(6, 20, 100);

	(void)state;
	feed(t, "a\r\nb\r\nc\r\nd\r\ne\r\n$ ");
	term_resize(t, 3, 20);
	assert_line(t, 2, "$");
	assert_cursor(t, 2, 2);
	assert_int_equal(term_top(t), 3);
	term_resize(t, 6, 30);
	assert_line(t, 0, "a");
	assert_cursor(t, 5, 2);
	assert_int_equal(term_top(t), 0);
	term_resize(t, 0, 0);
	assert_int_equal(term_rows(t), TERM_MIN_ROWS);
	assert_int_equal(term_cols(t), TERM_MIN_COLS);
	term_resize(t, 1 << 20, 1 << 20);
	assert_int_equal(term_rows(t), TERM_MAX_ROWS);
	assert_int_equal(term_cols(t), TERM_MAX_COLS);
	term_free(t);
}

/* The saved cursor, the margins and the cursor itself outside of what is left. */
static void smaller_than_remembered(void **state)
{
	struct term *t = term_new(40, 120, 100);

	(void)state;
	feed(t, "\033[40;120H\033[1;31m\0337\033[m\033[5;30r\033[?69h\033[20;100s\033[10;10Hx");
	for (int i = 0; i < 40; i++)
		feed(t, "text to the bottom\r\n");
	feed(t, "\033[H");
	term_resize(t, 2, 10);
	feed(t, "\0338");
	assert_cursor(t, 1, 9);
	feed(t, "\033#6Z");
	feed(t, "\033[?1049h\033[?1049l\033[2;10H\xe4\xb8\xad\xe4\xb8\xad");
	term_resize(t, 50, 200);
	feed(t, "\0338.");
	/* What was being written with is what is written with after a change of size. */
	feed(t, "\033[m\033[1;4;35;44m\0337\033[0;3;38;2;9;9;9m");
	term_resize(t, 20, 40);
	feed(t, "\033[Hp");
	term_load_line(t, term_top(t));
	assert_int_equal(t->row[0].style.fg, COLOUR_RGB(9, 9, 9));
	assert_int_equal(t->row[0].style.attr, ATTR_ITALIC);
	assert_int_equal(t->row[0].style.bg, COLOUR_DEFAULT);
	feed(t, "\0338\033[Hq");
	term_load_line(t, term_top(t));
	assert_int_equal(t->row[0].style.fg, COLOUR_INDEX(5));
	assert_int_equal(t->row[0].style.bg, COLOUR_INDEX(4));
	assert_int_equal(t->row[0].style.attr, ATTR_BOLD | ATTR_UNDERLINE);
	term_free(t);
}

/* Marks without end on one character would be kept without end; sequences between them do not help. */
static void piles_of_marks(void **state)
{
	struct term *t = term_new(3, 20, 0);

	(void)state;
	feed(t, "e");
	for (int i = 0; i < 100000; i++)
		feed(t, "\xcc\x81\033[m\xe1\x85\xa0\a");
	feed(t, "f\xcc\x81");
	term_load_line(t, term_top(t));
	assert_int_equal(t->row[0].cps[0], 'e');
	assert_int_equal(t->row[0].n, TERM_CELL_CPS);
	assert_int_equal(t->row[1].cps[0], 'f');
	assert_int_equal(t->row[1].n, 2);
	term_free(t);
}

/* What libvterm must not see as it comes: each of these has written beside its memory, or turned off UTF-8.
 */
static void hostile_sequences(void **state)
{
	struct term *t = term_new(4, 20, 0);

	(void)state;
	feed(t, "\xe4\xb8");
	feed(t, "\033[1m\xe4\nx");
	assert_line(t, 0, "\xef\xbf\xbd\xef\xbf\xbd");
	assert_line(t, 1, "  x");
	feed(t, "\033c\xc2\x82\xc2\x9b");
	assert_cursor(t, 0, 2);
	feed(t, "\033c\033[");
	for (int i = 0; i < 5000; i++)
		feed(t, ";1:\x01");
	feed(t, "mok\033[99999999999999999999;99999999999999999999Hz");
	assert_line(t, 0, "ok");
	assert_line(t, 3, "                   z");
	feed(t, "\033c\033\x01%\177@\033%@\xc3\x9b");
	assert_line(t, 0, "\xc3\x9b");
	/* Other strings vanish whole, and one without an end ends with what begins next. */
	feed(t, "\r\033_Gf=100;AAAA\033\\\033P+q544e\033\\\033]8;;http://"
	        "x\033\\\033]1337;abc\033[1;1Hy\033^no\030z");
	assert_line(t, 0, "yz");
	term_free(t);
}

static void copies(void **state)
{
	struct term *t = term_new(4, 10, 0);
	int from, to;

	(void)state;
	/* 0123456789abc wraps; the next line does not. */
	feed(t, "0123456789abc\r\nx /tmp/a");
	cleanup_free char *all = lines(t, 0, 3);
	assert_string_equal(all, "0123456789abc\nx /tmp/a\n");
	term_word(t, (struct term_place){2, 4}, &from, &to);
	assert_int_equal(from, 2);
	assert_int_equal(to, 7);
	term_word(t, (struct term_place){2, 1}, &from, &to);
	assert_int_equal(from, 1);
	assert_int_equal(to, 1);
	term_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(moves_and_edits),
	        cmocka_unit_test(scroll_regions),
	        cmocka_unit_test(the_past),
	        cmocka_unit_test(the_past_keeps_looks),
	        cmocka_unit_test(looks),
	        cmocka_unit_test(wide_and_foreign),
	        cmocka_unit_test(alternate_screen),
	        cmocka_unit_test(keys),
	        cmocka_unit_test(pastes),
	        cmocka_unit_test(mouse),
	        cmocka_unit_test(questions_and_focus),
	        cmocka_unit_test(modes_at_once),
	        cmocka_unit_test(titles_and_bells),
	        cmocka_unit_test(sizes_keep_what_is_shown),
	        cmocka_unit_test(smaller_than_remembered),
	        cmocka_unit_test(piles_of_marks),
	        cmocka_unit_test(copies),
	        cmocka_unit_test(hostile_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
