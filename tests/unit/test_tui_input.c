/* Input: what a terminal sends becomes keys, wherever the bytes were cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/input.h"

#define MS 1000000

/* Events as text: "K", "^P", "<press 1 3,4>", "{paste}". */
static void describe(const struct input_event *ev, char *out, size_t size)
{
	static const char *const kinds[] = {"press", "release", "drag", "up", "down"};
	char key[KEY_TEXT_SIZE];
	size_t n = strlen(out);

	if (n > 0)
		n += (size_t)snprintf(out + n, size - n, " ");
	if (ev->kind == INPUT_KEY)
		snprintf(out + n, size - n, "%s", key_format(ev->key, key));
	else if (ev->kind == INPUT_MOUSE)
		snprintf(out + n, size - n, "<%s %d %d,%d%s>", kinds[ev->mouse.kind], ev->mouse.button,
		        ev->mouse.y, ev->mouse.x, ev->mouse.twice ? " twice" : "");
	else if (ev->kind == INPUT_PASTE)
		snprintf(out + n, size - n, "{%.*s}", (int)ev->len, ev->text);
	else
		snprintf(out + n, size - n, ev->kind == INPUT_FOCUS_IN ? "in" : "out");
}

static void take(struct input *in, char *out, size_t size)
{
	struct input_event ev;

	while (input_next(in, &ev))
		describe(&ev, out, size);
}

/* All at once, byte by byte, and cut at every place. */
static void check(const char *bytes, size_t len, const char *expected)
{
	for (size_t cut = 0; cut <= len + 1; cut++) {
		struct input *in = input_new();
		char got[1024] = "";

		if (cut == len + 1) {
			for (size_t i = 0; i < len; i++) {
				input_feed(in, bytes + i, 1, 0);
				take(in, got, sizeof(got));
			}
		} else {
			input_feed(in, bytes, cut, 0);
			take(in, got, sizeof(got));
			input_feed(in, bytes + cut, len - cut, 0);
			take(in, got, sizeof(got));
		}
		if (input_timeout(in, 0) >= 0)
			input_expire(in);
		take(in, got, sizeof(got));
		assert_string_equal(got, expected);
		assert_int_equal(input_timeout(in, 0), -1);
		input_free(in);
	}
}
#define CHECK(bytes, expected) check(bytes, sizeof(bytes) - 1, expected)

static void characters(void **state)
{
	(void)state;
	CHECK("aK/", "a K /");
	CHECK("\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", "\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80");
	CHECK("\x10\x03\x1a", "^P ^C ^Z");
	CHECK("\t\r\x08\x7f ", "Tab Enter Backspace Backspace Space");
	CHECK("\x00\x1c\x1d", "^Space ^\\ ^]");
	/* ill-formed bytes and C1 controls are nothing */
	CHECK("a\xff\xc0\x80z", "a z");
	CHECK("\xc2\x9b", "");
	CHECK("\xe6\x97", "");
}

static void escape_and_alt(void **state)
{
	(void)state;
	CHECK("\033", "Esc");
	CHECK("\033x", "Alt-x");
	CHECK("\033\xc3\xa9", "Alt-\xc3\xa9");
	CHECK("\033\033[A", "Esc Up");
	CHECK("\033\r", "Alt-Enter");
	CHECK("\033\x7f", "Alt-Backspace");
	CHECK("\033\x10", "Alt-^P");
	CHECK("\033[", "Alt-[");
	CHECK("\033O", "Alt-O");
	CHECK("\033P", "Alt-P");
	CHECK("\033]", "Alt-]");
}

static void sequences(void **state)
{
	(void)state;
	CHECK("\033[A\033OB\033[1;5C\033[1;2D", "Up Down Ctrl-Right S-Left");
	CHECK("\033[H\033OF\033[1~\033[4~\033[7~\033[8~", "Home End Home End Home End");
	CHECK("\033[2~\033[3~\033[5~\033[6;5~", "Insert Delete PgUp Ctrl-PgDn");
	CHECK("\033OP\033OS\033[15~\033[24~\033[1;2P", "F1 F4 F5 F12 S-F1");
	CHECK("\033[[A\033[[E", "F1 F5");
	CHECK("\033[Z", "S-Tab");
	CHECK("\033[27;5;105~\033[105;5u\033[13;2u", "Tab Tab S-Enter");
	CHECK("\033[97;3u\033[65;2u\033[112;5u", "Alt-a A ^P");
	CHECK("\033[97;1:3u", ""); /* a release */
	CHECK("\033Oj\033Oy\033OM", "* 9 Enter");
	CHECK("\033[I\033[O", "in out");
}

static void mouse(void **state)
{
	(void)state;
	CHECK("\033[<0;5;4M\033[<0;5;4m", "<press 1 3,4> <release 1 3,4>");
	CHECK("\033[<32;300;4M\033[<2;1;1M", "<drag 1 3,299> <press 3 0,0>");
	CHECK("\033[<64;5;4M\033[<65;5;4M", "<up 0 3,4> <down 0 3,4>");
	CHECK("\033[<35;5;4M\033[<0;0;4M\033[<0;5M\033[<66;1;1M", "");
	CHECK("\033[M !!a", "a"); /* the old form */
	CHECK("\033[<0;5;4M\033[<0;5;4m\033[<0;5;4M\033[<0;5;4M",
	        "<press 1 3,4> <release 1 3,4> <press 1 3,4 twice> <press 1 3,4>");
}

static void second_press_must_be_soon(void **state)
{
	struct input *in = input_new();
	char got[256] = "";

	(void)state;
	input_feed(in, "\033[<0;5;4M", 9, 0);
	take(in, got, sizeof(got));
	input_feed(in, "\033[<0;5;4M", 9, 401 * (int64_t)MS);
	take(in, got, sizeof(got));
	assert_string_equal(got, "<press 1 3,4> <press 1 3,4>");
	input_free(in);
}

static void pastes(void **state)
{
	(void)state;
	CHECK("\033[200~hi\n\033[31mx\033[201~q", "{hi\n\033[31mx} q");
	CHECK("\033[200~\033[201~", "{}");
	CHECK("\033[200~a\033[20\033[201~", "{a\033[20}");
	CHECK("\033[200~never ended", "{never ended}");
	CHECK("\033[201~a", "a");
}

static void a_paste_has_a_bound(void **state)
{
	struct input *in = input_new();
	struct input_event ev;
	char block[65536];

	(void)state;
	memset(block, 'x', sizeof(block));
	input_feed(in, "\033[200~", 6, 0);
	assert_false(input_next(in, &ev));
	for (int i = 0; i < 64; i++) {
		input_feed(in, block, sizeof(block), 0);
		assert_false(input_next(in, &ev));
	}
	input_feed(in, "\033[201~k", 7, 0);
	assert_true(input_next(in, &ev));
	assert_int_equal(ev.kind, INPUT_PASTE);
	assert_int_equal(ev.len, 1 << 20);
	assert_true(input_next(in, &ev));
	assert_int_equal(ev.key.code, 'k');
	input_free(in);
}

static void answers_are_swallowed(void **state)
{
	(void)state;
	CHECK("\033[?64;1;2c\033[>0;276;0c\033[?2026;2$y\033[12;40Ra", "a");
	CHECK("\033]11;rgb:0000/0000/0000\033\\a", "a");
	CHECK("\033]11;rgb:0000/0000/0000\007a", "a");
	CHECK("\033P1$r0m\033\\a", "a");
	CHECK("\033]never ended\033[Aa", "Up a");
}

static void nonsense_does_not_stick(void **state)
{
	char longer[400] = "\033[";

	(void)state;
	memset(longer + 2, '1', sizeof(longer) - 2);
	longer[sizeof(longer) - 2] = '~';
	longer[sizeof(longer) - 1] = 'q';
	struct input *in = input_new();
	char got[2048] = "";
	input_feed(in, longer, sizeof(longer), 0);
	take(in, got, sizeof(got));
	assert_int_equal(got[strlen(got) - 1], 'q');
	input_free(in);
	CHECK("\033[1;\033[A", "Up");
	CHECK("\033[999999999999999~a", "a");
	CHECK("\033[1;2;3;4;5;6;7;8;9Aa", "S-Up a");
}

static void waits_for_the_rest_of_an_escape(void **state)
{
	struct input *in;
	struct input_event ev;

	(void)state;
	unsetenv("SSH_CONNECTION");
	in = input_new();
	input_feed(in, "\033", 1, 1000 * (int64_t)MS);
	assert_false(input_next(in, &ev));
	assert_int_equal(input_timeout(in, 1010 * (int64_t)MS), 15);
	assert_int_equal(input_timeout(in, 1030 * (int64_t)MS), 0);
	input_free(in);
	setenv("SSH_CONNECTION", "x", 1);
	in = input_new();
	input_feed(in, "\033", 1, 0);
	assert_false(input_next(in, &ev));
	assert_int_equal(input_timeout(in, 0), 150);
	input_free(in);
	unsetenv("SSH_CONNECTION");
}

static void key_texts(void **state)
{
	static const struct {
		const char *text, *shown;
	} keys[] = {{"ctrl-p", "^P"}, {"^P", "^P"}, {"^p", "^P"}, {"C-x", "^X"}, {"alt-x", "Alt-x"},
	        {"M-x", "Alt-x"}, {"shift-tab", "S-Tab"}, {"S-Tab", "S-Tab"}, {"f9", "F9"},
	        {"space", "Space"}, {"enter", "Enter"}, {"esc", "Esc"}, {"pgdn", "PgDn"}, {"K", "K"},
	        {"k", "k"}, {"\xc3\xa9", "\xc3\xa9"}, {"ctrl-\\", "^\\"}, {"^", "^"}, {"-", "-"},
	        {"ctrl-space", "^Space"}, {"^Space", "^Space"}, {"ctrl-right", "Ctrl-Right"},
	        {"shift-k", "K"}, {"ctrl-i", "Tab"}, {"alt-ctrl-p", "Alt-^P"}, {"Alt-^P", "Alt-^P"},
	        {"|", "|"}, {"backspace", "Backspace"}, {"^]", "^]"}, {"hash", "#"}, {"ctrl-m", "Enter"},
	        {"C", "C"}};
	char shown[KEY_TEXT_SIZE];
	struct key k, back;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		assert_true(key_parse(keys[i].text, strlen(keys[i].text), &k));
		assert_string_equal(key_format(k, shown), keys[i].shown);
		assert_true(key_parse(shown, strlen(shown), &back));
		assert_true(key_equal(k, back));
	}
	assert_false(key_parse("", 0, &k));
	assert_false(key_parse("ab", 2, &k));
	assert_false(key_parse("ctrl-", 5, &k));
	assert_false(key_parse("\xff", 1, &k));
	assert_false(key_parse("\001", 1, &k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(characters),
	        cmocka_unit_test(escape_and_alt),
	        cmocka_unit_test(sequences),
	        cmocka_unit_test(mouse),
	        cmocka_unit_test(second_press_must_be_soon),
	        cmocka_unit_test(pastes),
	        cmocka_unit_test(a_paste_has_a_bound),
	        cmocka_unit_test(answers_are_swallowed),
	        cmocka_unit_test(nonsense_does_not_stick),
	        cmocka_unit_test(waits_for_the_rest_of_an_escape),
	        cmocka_unit_test(key_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
