/* Theme files: words and ladders, inheriting, mistakes, and the shipped ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tests/unit/theme_folder.h"
#include "tui/theme.h"
#include "tui/theme_file.h"

static void free_theme(struct theme **t)
{
	theme_free(*t);
}
#define cleanup_theme __attribute__((cleanup(free_theme)))

static struct theme *parse(const char *text, enum colour_depth depth, char ***warnings)
{
	struct theme *t = theme_parse(text, strlen(text), "mine", depth, warnings, NULL);

	assert_non_null(t);
	return t;
}

static void assert_style(const struct theme *t, enum theme_element el, colour fg, colour bg, uint32_t attr)
{
	struct style s = theme_style(t, el);

	assert_int_equal(s.fg, fg);
	assert_int_equal(s.bg, bg);
	assert_int_equal(s.attr, attr);
}

static void words(void **state)
{
	char **w = NULL;
	cleanup_theme struct theme *t =
	        parse("[palette]\nwine = #aa0011\n"
	              "[ui]\ntext = #010203 on:#040506\naccent = wine bold underline\n"
	              "title = fg:12 on:brightred italic strike\nselection = on:wine\n"
	              "match = reverse\nheading = none\nborder = dim default  # thin\n",
	                DEPTH_TRUE, &w);
	colour bg = COLOUR_RGB(4, 5, 6);

	(void)state;
	assert_null(w);
	assert_style(t, UI_TEXT, COLOUR_RGB(1, 2, 3), bg, 0);
	assert_style(t, UI_ACCENT, COLOUR_RGB(0xaa, 0, 0x11), bg, ATTR_BOLD | ATTR_UNDERLINE);
	assert_style(t, UI_TITLE, COLOUR_INDEX(12), COLOUR_INDEX(9), ATTR_ITALIC | ATTR_STRIKE);
	assert_style(t, UI_SELECTION, COLOUR_KEEP, COLOUR_RGB(0xaa, 0, 0x11), 0);
	assert_style(t, UI_MATCH, COLOUR_KEEP, COLOUR_KEEP, ATTR_REVERSE);
	assert_style(t, UI_HEADING, COLOUR_RGB(1, 2, 3), bg, 0);
	assert_style(t, UI_BORDER, COLOUR_DEFAULT, bg, ATTR_DIM);
}

static void ladders(void **state)
{
	static const char text[] =
	        "[palette]\nblue = #7aa2f7 / 75 / blue\nshort = #112233/200\nonly = #445566\n"
	        "alias = blue\n[ui]\naccent = blue\ntitle = short\nerror = only\nwarn = alias\n";
	static const struct {
		enum colour_depth depth;
		colour want[4];
	} cases[] = {
	        {DEPTH_TRUE, {COLOUR_RGB(0x7a, 0xa2, 0xf7), COLOUR_RGB(0x11, 0x22, 0x33),
	                             COLOUR_RGB(0x44, 0x55, 0x66), COLOUR_RGB(0x7a, 0xa2, 0xf7)}},
	        {DEPTH_256, {COLOUR_INDEX(75), COLOUR_INDEX(200), COLOUR_RGB(0x44, 0x55, 0x66),
	                            COLOUR_INDEX(75)}},
	        {DEPTH_16,
	                {COLOUR_INDEX(4), COLOUR_INDEX(200), COLOUR_RGB(0x44, 0x55, 0x66), COLOUR_INDEX(4)}},
	        {DEPTH_MONO, {0, 0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char **w = NULL;
		cleanup_theme struct theme *t = parse(text, cases[i].depth, &w);
		assert_null(w);
		assert_int_equal(theme_style(t, UI_ACCENT).fg, cases[i].want[0]);
		assert_int_equal(theme_style(t, UI_TITLE).fg, cases[i].want[1]);
		assert_int_equal(theme_style(t, UI_ERROR).fg, cases[i].want[2]);
		assert_int_equal(theme_style(t, UI_WARN).fg, cases[i].want[3]);
	}
}

static void a_palette_alone_is_a_theme(void **state)
{
	cleanup_theme struct theme *t =
	        parse("[palette]\nbg = #101010\ngreen = #00ff00\nselection = #333333\n", DEPTH_TRUE, NULL);

	(void)state;
	assert_style(t, STATE_RUNNING, COLOUR_RGB(0, 255, 0), COLOUR_RGB(16, 16, 16), 0);
	assert_int_equal(theme_style(t, LOG_STRING).fg, COLOUR_RGB(0, 255, 0));
	assert_int_equal(theme_style(t, UI_SELECTION).bg, COLOUR_RGB(0x33, 0x33, 0x33));
	assert_int_equal(theme_glyph(t, GLYPH_RUNNING, false), 0x25cf);
}

static void signs_graphs_highlights(void **state)
{
	char **w = NULL;
	size_t n;
	cleanup_theme struct theme *t =
	        parse("[state]\nrunning = green \"▶\" \"R\"\npaused = yellow \"P\"\n"
	              "[graph]\nsymbols = block\n"
	              "[log]\nhighlight = /GET \\/[a-z]+/ green bold\nhighlight = /a/b/ on:red\n",
	                DEPTH_TRUE, &w);
	const struct theme_highlight *h = theme_highlights(t, &n);

	(void)state;
	assert_null(w);
	assert_int_equal(theme_glyph(t, GLYPH_RUNNING, false), 0x25b6);
	assert_int_equal(theme_glyph(t, GLYPH_RUNNING, true), 'R');
	assert_int_equal(theme_glyph(t, GLYPH_PAUSED, false), 'P');
	assert_int_equal(theme_glyph(t, GLYPH_PAUSED, true), '=');
	assert_int_equal(theme_symbols(t), GRAPH_BLOCK);
	assert_int_equal(n, 2);
	assert_string_equal(h[0].pattern, "GET \\/[a-z]+");
	assert_int_equal(h[0].style.attr, ATTR_BOLD);
	assert_int_equal(h[0].style.bg, COLOUR_KEEP);
	assert_string_equal(h[1].pattern, "a/b");
	assert_true(theme_use_symbols(t, "ascii"));
	assert_int_equal(theme_symbols(t), GRAPH_ASCII);
	assert_false(theme_use_symbols(t, "bars"));
}

static void highlights_that_cannot_be_are_told(void **state)
{
	char **w = NULL;
	size_t n;
	cleanup_theme struct theme *t =
	        parse("[log]\nhighlight = /(a{200}){200}/ green\nhighlight = /[a/ red\nhighlight = /a/ red\n",
	                DEPTH_TRUE, &w);

	(void)state;
	theme_highlights(t, &n);
	assert_int_equal(n, 1);
	assert_non_null(w);
	assert_non_null(strstr(w[0], "2: "));
	assert_non_null(strstr(w[0], "too many repetitions"));
	assert_non_null(strstr(w[1], "3: "));
	assert_null(w[2]);
	strv_free(w);
}

static void every_sign_is_there(void **state)
{
	cleanup_theme struct theme *t = theme_builtin(DEPTH_TRUE);

	(void)state;
	for (int g = 0; g < GLYPH_N; g++) {
		assert_true(theme_glyph(t, (enum glyph)g, false) != 0);
		assert_in_range(theme_glyph(t, (enum glyph)g, true), 0x21, 0x7e);
	}
	/* without colours, states are told apart by their signs */
	for (int g = GLYPH_RUNNING; g <= GLYPH_OOM; g++) {
		for (int o = GLYPH_RUNNING; o < g; o++) {
			assert_true(
			        theme_glyph(t, (enum glyph)g, false) != theme_glyph(t, (enum glyph)o, false));
			assert_true(
			        theme_glyph(t, (enum glyph)g, true) != theme_glyph(t, (enum glyph)o, true));
		}
	}
}

static void mistakes_are_lines(void **state)
{
	static const struct {
		const char *text, *warning;
	} cases[] = {
	        {"[ui]\nbordr = red\n", "mine.theme:2: unknown key in [ui]: bordr; did you mean border?"},
	        {"[graph]\nsymbol = block\n",
	                "mine.theme:2: unknown key in [graph]: symbol; did you mean symbols?"},
	        {"[iu]\nbordr = red\n", "mine.theme:1: unknown section: iu; did you mean ui?"},
	        {"accent = red\n", "mine.theme:1: accent stands before the first [section]"},
	        {"[ui]\n\naccent = redd\n", "mine.theme:3: unknown colour: redd; did you mean red?"},
	        {"[ui]\naccent = #12345\n", "mine.theme:2: unknown colour: #12345"},
	        {"[ui]\naccent = 256\n", "mine.theme:2: unknown colour: 256"},
	        {"[palette]\nred = nonsense\n", "mine.theme:2: not a colour: nonsense"},
	        {"[palette]\nred = 1 / 2 / 3 / 4\n", "mine.theme:2: not a colour: 1 / 2 / 3 / 4"},
	        {"[palette]\na = b\nb = a\n[ui]\naccent = a\n", "mine.theme:2: not a colour: b"},
	        {"[ui]\naccent = red\naccent = blue\n", "mine.theme:3: accent is given twice; line 2 counts"},
	        {"[state]\nrunning = green \"ab\"\n",
	                "mine.theme:2: a sign is one character, one column wide: \"ab\""},
	        {"[state]\nrunning = green \"世\"\n",
	                "mine.theme:2: a sign is one character, one column wide: \"世\""},
	        {"[state]\nrunning = green \"a\" \"é\"\n",
	                "mine.theme:2: the second sign must be ASCII: \"é\""},
	        {"[ui]\ntext = \"x\"\n", "mine.theme:2: only states have a sign: \"x\""},
	        {"[graph]\nsymbols = bars\n", "mine.theme:2: symbols is braille, block or ascii, not bars"},
	        {"[log]\nhighlight = error red\n", "mine.theme:2: write highlight = /regex/ STYLE"},
	        {"[log]\nhighlight = // red\n", "mine.theme:2: write highlight = /regex/ STYLE"},
	        {"# variant: dusk\n", "mine.theme:1: variant is dark or light, not dusk"},
	        {"# inherits: ../../etc/passwd\n", "mine.theme:1: not a theme's name: ../../etc/passwd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cleanup_strv char **w = NULL;
		cleanup_theme struct theme *t = parse(cases[i].text, DEPTH_TRUE, &w);
		assert_non_null(t);
		assert_true(strv_len(w) >= 1);
		assert_string_equal(w[0], cases[i].warning);
	}
}

static void nothing_is_without_bounds(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_strv char **w = NULL;
	size_t n;

	(void)state;
	buf_str_add(&text, "[palette]\n");
	for (int i = 0; i < 500; i++)
		buf_printf(&text, "colour%d = #000000\n", i);
	buf_str_add(&text, "[log]\n");
	for (int i = 0; i < 500; i++)
		buf_printf(&text, "highlight = /x%d/ bold\n", i);
	buf_str_add(&text, "[ui]\naccent =");
	for (int i = 0; i < 5000; i++)
		buf_str_add(&text, " bold");
	buf_char(&text, '\n');
	cleanup_theme struct theme *t = theme_parse(text.data, text.len, "mine", DEPTH_TRUE, &w, NULL);
	theme_highlights(t, &n);
	assert_int_equal(n, THEME_HIGHLIGHTS_MAX);
	assert_in_range(strv_len(w), 1, 130);
}

static void hostile_bytes_are_only_warnings(void **state)
{
	static const char bytes[] = "[]=#/\"\n \x1b\x9b\xff\0ui.text state graph log palette on: / 1";

	(void)state;
	srand(3);
	for (int round = 0; round < 300; round++) {
		cleanup_buf struct buf text = BUF_INIT;
		cleanup_strv char **w = NULL;
		if (round % 2)
			buf_str_add(&text, "[state]\nrunning = ");
		for (int i = 0; i < 600; i++)
			buf_char(&text, bytes[(size_t)rand() % (sizeof bytes - 1)]);
		cleanup_theme struct theme *t =
		        theme_parse(text.data, text.len, "mine", DEPTH_TRUE, &w, NULL);
		assert_non_null(t);
		strv_foreach (s, w)
			assert_null(strpbrk(*s, "\x1b\n\x9b"));
	}
}

static void by_name(void **state)
{
	cleanup_strv char **names = theme_list(), **w = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_in_range(strv_len(names), 16, 500);
	for (size_t i = 1; names[i]; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
	assert_null(theme_load("no-such-theme", DEPTH_TRUE, NULL, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_null(theme_load("../../etc/passwd", DEPTH_TRUE, NULL, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_null(theme_load("", DEPTH_TRUE, NULL, NULL));
	strv_foreach (name, names) {
		cleanup_theme struct theme *t = theme_load(*name, DEPTH_TRUE, &w, NULL);
		assert_non_null(t);
		assert_string_equal(theme_name(t), *name);
		assert_true(strlen(theme_title(t)) > 0);
	}
	strv_foreach (s, w)
		print_error("%s\n", *s);
	assert_int_equal(strv_len(w), 0);
}

static void inheriting(void **state)
{
	static const char child[] = "# name: Child   inherits: nord\n[palette]\naccent = #123456\n";
	cleanup_strv char **w = NULL;
	cleanup_theme struct theme *t = parse(child, DEPTH_TRUE, &w),
	                           *nord = theme_load("nord", DEPTH_TRUE, NULL, NULL);
	cleanup_theme struct theme *circle = parse("# inherits: mine-too\n", DEPTH_TRUE, &w);

	(void)state;
	assert_non_null(nord);
	assert_string_equal(theme_title(t), "Child");
	assert_int_equal(theme_style(t, UI_TEXT).bg, theme_style(nord, UI_TEXT).bg);
	assert_int_equal(theme_style(t, UI_BORDER_FOCUS).fg, COLOUR_RGB(0x12, 0x34, 0x56));
	assert_int_equal(strv_len(w), 1);
	assert_non_null(strstr(w[0], "mine-too"));
	assert_non_null(circle);
}

/* Both themes that are built in stand as files too, for copying. */
static void the_built_in_ones_are_shipped(void **state)
{
	static const enum colour_depth depths[] = {DEPTH_TRUE, DEPTH_256, DEPTH_16, DEPTH_MONO};

	(void)state;
	for (size_t d = 0; d < 4; d++) {
		cleanup_theme struct theme *built_in = theme_builtin(depths[d]);
		cleanup_theme struct theme *dark = theme_load("tare-dark", depths[d], NULL, NULL);
		cleanup_theme struct theme *none = theme_builtin(DEPTH_MONO);
		cleanup_theme struct theme *mono = theme_load("mono", depths[d], NULL, NULL);
		for (int el = 0; el < THEME_N_ELEMENTS; el++) {
			enum theme_element e = (enum theme_element)el;
			if (!style_equal(theme_style(built_in, e), theme_style(dark, e)))
				fail_msg("tare-dark.theme: %s", theme_element_names[el]);
			if (!style_equal(theme_style(none, e), theme_style(mono, e)))
				fail_msg("mono.theme: %s", theme_element_names[el]);
		}
		for (int g = 0; g < GLYPH_N; g++)
			assert_int_equal(theme_glyph(built_in, (enum glyph)g, false),
			        theme_glyph(dark, (enum glyph)g, false));
	}
}

static void the_ground_of_the_terminal(void **state)
{
	static const struct {
		const char *variable, *theme;
	} cases[] = {{"15;0", "tare-dark"}, {"0;15", "tare-light"}, {"0;default;15", "tare-light"},
	        {"12;8", "tare-dark"}, {"0;7", "tare-light"}, {"nonsense", "tare-dark"},
	        {"15;default", "tare-dark"}, {";", "tare-dark"}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		setenv("COLORFGBG", cases[i].variable, 1);
		assert_string_equal(theme_auto(), cases[i].theme);
	}
	unsetenv("COLORFGBG");
	assert_string_equal(theme_auto(), "tare-dark");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(words),
	        cmocka_unit_test(ladders),
	        cmocka_unit_test(a_palette_alone_is_a_theme),
	        cmocka_unit_test(signs_graphs_highlights),
	        cmocka_unit_test(highlights_that_cannot_be_are_told),
	        cmocka_unit_test(every_sign_is_there),
	        cmocka_unit_test(mistakes_are_lines),
	        cmocka_unit_test(nothing_is_without_bounds),
	        cmocka_unit_test(hostile_bytes_are_only_warnings),
	        cmocka_unit_test(by_name),
	        cmocka_unit_test(inheriting),
	        cmocka_unit_test(the_built_in_ones_are_shipped),
	        cmocka_unit_test(the_ground_of_the_terminal),
	};

	return cmocka_run_group_tests(tests, theme_folder_set_up, theme_folder_tear_down);
}
