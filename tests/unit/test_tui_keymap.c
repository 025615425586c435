/* Key maps: the defaults, files on top of them, clashes, and the shipped presets.
 *
 * `build/unit/test_tui_keymap --default-keys >tui/keys/default.keys` writes that file anew from the action
 * table. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "tui/keymap.h"

static void free_map(struct keymap **m)
{
	keymap_free(*m);
}
#define cleanup_keymap __attribute__((cleanup(free_map)))

static enum action look(const struct keymap *m, enum context c, const char *text)
{
	struct key keys[2];
	size_t n = 0;
	bool more;

	for (const char *p = text; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		assert_true(n < 2 && key_parse(p, len, &keys[n++]));
		p += len;
	}
	return keymap_look(m, c, keys, n, &more);
}

static char **parse(struct keymap *m, const char *text)
{
	char **warnings = NULL;

	keymap_parse(m, text, strlen(text), "keys", &warnings);
	return warnings;
}

static void assert_no_warnings(char *const *warnings)
{
	strv_foreach (w, warnings)
		print_error("%s\n", *w);
	assert_int_equal(strv_len(warnings), 0);
}

static void the_table_is_sound(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();

	(void)state;
	assert_non_null(m);
	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		const struct action_info *i = &action_table[a];
		assert_non_null(i->name);
		assert_non_null(i->help);
		assert_int_equal(strcspn(i->name, " ="), strlen(i->name));
		for (size_t k = 0; k < 3; k++) {
			if (!i->keys[k])
				continue;
			if (look(m, i->context, i->keys[k]) != (enum action)a)
				fail_msg("%s in [%s]: %s is no key of it", i->name, context_name(i->context),
				        i->keys[k]);
			assert_int_equal(strchr(i->keys[k], ' ') != NULL, k == 2);
		}
		for (int b = ACTION_NONE + 1; b < a; b++) {
			if (action_table[b].context == i->context &&
			        strcmp(action_table[b].name, i->name) == 0)
				fail_msg("two actions of [%s] are called %s", context_name(i->context),
				        i->name);
		}
	}
}

static void a_context_has_its_parents_keys(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();

	(void)state;
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "s"), ACTION_CTR_STOP);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "j"), ACTION_DOWN);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "?"), ACTION_HELP);
	assert_int_equal(look(m, CONTEXT_IMAGES, "e"), ACTION_NONE);
	assert_int_equal(look(m, CONTEXT_EVENTS, "enter"), ACTION_EVENT_JUMP);
	assert_int_equal(look(m, CONTEXT_LIST, "enter"), ACTION_OPEN);
	assert_int_equal(look(m, CONTEXT_SHELL, "?"), ACTION_NONE);
	assert_int_equal(context_parent(CONTEXT_LOGS), CONTEXT_DETAIL);
	assert_int_equal(action_find("zoom"), ACTION_ZOOM);
	assert_int_equal(action_find("zoo"), ACTION_NONE);
}

static void chords(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();
	struct key keys[2] = {{.code = 'w', .mods = MOD_CTRL}, {.code = 'v'}};
	struct keymap_chord next[20];
	bool more;

	(void)state;
	assert_int_equal(keymap_look(m, CONTEXT_CONTAINERS, keys, 1, &more), ACTION_NONE);
	assert_true(more);
	assert_int_equal(keymap_look(m, CONTEXT_CONTAINERS, keys, 2, &more), ACTION_SPLIT_RIGHT);
	keys[1].code = 'Y';
	assert_int_equal(keymap_look(m, CONTEXT_CONTAINERS, keys, 2, &more), ACTION_NONE);
	assert_false(more);
	assert_in_range(keymap_chords(m, CONTEXT_LOGS, keys[0], next, 20), 5, 20);
	assert_int_equal(keymap_chords(m, CONTEXT_LOGS, keys[1], next, 20), 0);
	assert_int_equal(keymap_chords(m, CONTEXT_LOGS, keys[0], next, 2), 2);
}

static void a_file_replaces_keys(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();
	cleanup_strv char **w =
	        parse(m, "# mine\n[containers]\nstop = x, f8, ctrl-o s\nlogs =\n\n[global]\nhelp = comma\n");
	char text[KEYMAP_TEXT_SIZE], all[80];

	(void)state;
	assert_no_warnings(w);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "x"), ACTION_CTR_STOP);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "f8"), ACTION_CTR_STOP);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "ctrl-o s"), ACTION_CTR_STOP);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "s"), ACTION_NONE);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "l"), ACTION_NONE);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, ","), ACTION_HELP);
	assert_string_equal(keymap_key_text(m, ACTION_CTR_STOP, text), "x");
	assert_string_equal(keymap_key_text(m, ACTION_CTR_LOGS, text), "");
	keymap_keys_text(m, ACTION_CTR_STOP, all, sizeof all);
	assert_string_equal(all, "x  F8  ^O s");
}

static void an_action_of_a_parent_can_have_keys_in_a_child(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();
	cleanup_strv char **w = parse(m, "[logs]\nzoom = O\n");
	char text[KEYMAP_TEXT_SIZE];

	(void)state;
	assert_no_warnings(w);
	assert_int_equal(look(m, CONTEXT_LOGS, "O"), ACTION_ZOOM);
	assert_int_equal(look(m, CONTEXT_LOGS, "z"), ACTION_ZOOM);
	assert_int_equal(look(m, CONTEXT_STATS, "O"), ACTION_NONE);
	assert_string_equal(keymap_key_in(m, CONTEXT_LOGS, ACTION_ZOOM, text), "O");
	assert_string_equal(keymap_key_in(m, CONTEXT_STATS, ACTION_ZOOM, text), "z");
}

static void what_is_hidden_is_not_shown(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();
	char text[KEYMAP_TEXT_SIZE];

	(void)state;
	/* the list of events has another use for Enter, so it is no way to open the detail there */
	assert_string_equal(keymap_key_in(m, CONTEXT_IMAGES, ACTION_OPEN, text), "Enter");
	assert_string_equal(keymap_key_in(m, CONTEXT_EVENTS, ACTION_OPEN, text), "");
	assert_string_equal(keymap_key_in(m, CONTEXT_EVENTS, ACTION_CTR_STOP, text), "");
}

static void mistakes_are_lines(void **state)
{
	static const struct {
		const char *text, *warning;
	} cases[] = {
	        {"[containers]\nstpo = x\n", "keys:2: unknown action: stpo; did you mean stop?"},
	        {"[contaners]\nstop = x\n", "keys:1: unknown context: contaners; did you mean containers?"},
	        {"[images]\nstop = x\n", "keys:2: stop belongs to [containers], not to [images]"},
	        {"[containers]\nstop = x, hyper-q\n", "keys:2: not a key: hyper-q"},
	        {"[containers]\nstop = a b c\n", "keys:2: not a key: a b c"},
	        {"[containers]\nstop = x, f7, f8\n",
	                "keys:2: stop takes two keys and a chord; not bound to f8"},
	        {"[containers]\nstop = ctrl-o a, ctrl-o b\n",
	                "keys:2: stop takes two keys and a chord; not bound to ctrl-o b"},
	        {"[containers]\nstop = x\nstop = X\n", "keys:3: stop is given twice; line 2 counts"},
	        {"[containers]\nstop x\n", "keys:2: not \"key = value\": stop x"},
	        {"[containers\nstop = x\n", "keys:1: a section without its \"]\": [containers"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cleanup_keymap struct keymap *m = keymap_new();
		cleanup_strv char **w = parse(m, cases[i].text);
		assert_true(strv_len(w) >= 1);
		assert_string_equal(w[0], cases[i].warning);
		assert_int_equal(look(m, CONTEXT_CONTAINERS, "?"), ACTION_HELP);
	}
}

static void clashes_are_reported_with_both_lines(void **state)
{
	static const struct {
		const char *text, *warning, *key;
		enum context context;
		enum action then;
	} cases[] = {
	        {"[containers]\nstop = x\npause = x\n",
	                "keys:3: x is stop already (keys:2); not bound to pause", "x", CONTEXT_CONTAINERS,
	                ACTION_CTR_STOP},
	        {"[containers]\nstop = p\n", "keys:2: p is stop now; it was pause (built in)", "p",
	                CONTEXT_CONTAINERS, ACTION_CTR_STOP},
	        {"[global]\nzoom = y\n", "keys:2: y is zoom now; it was copy-id (built in)", "y",
	                CONTEXT_GLOBAL, ACTION_ZOOM},
	        {"[containers]\nstop = d x\n",
	                "keys:2: d x begins with a key that is remove (built in); not bound to stop", "d",
	                CONTEXT_CONTAINERS, ACTION_CTR_REMOVE},
	        {"[containers]\nstop = T\n",
	                "keys:2: T in [containers] hides themes of [global] (built in), which has no other "
	                "key",
	                "T", CONTEXT_CONTAINERS, ACTION_CTR_STOP},
	        {"[containers]\nstop = T x\n",
	                "keys:2: T x begins with a key that is themes in [global] (built in); not bound to "
	                "stop",
	                "T", CONTEXT_CONTAINERS, ACTION_THEMES},
	        {"[global]\nthemes = p\n", "keys:2: p stays pause in [containers] (built in)", "p",
	                CONTEXT_CONTAINERS, ACTION_CTR_PAUSE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cleanup_keymap struct keymap *m = keymap_new();
		cleanup_strv char **w = parse(m, cases[i].text);
		if (strv_len(w) < 1 || strcmp(w[0], cases[i].warning) != 0)
			fail_msg("%s", w ? w[0] : cases[i].text);
		assert_int_equal(look(m, cases[i].context, cases[i].key), cases[i].then);
		assert_int_equal(look(m, CONTEXT_CONTAINERS, "r"), ACTION_CTR_RESTART); /* the rest is kept */
	}
}

/* Two actions that change places are no clash, in whichever order they stand. */
static void keys_can_be_swapped(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new();
	cleanup_strv char **w = parse(m, "[containers]\nstop = S\nstart = s\n");

	(void)state;
	assert_no_warnings(w);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "S"), ACTION_CTR_STOP);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "s"), ACTION_CTR_START);
}

static int read_preset(const char *name, struct buf *text)
{
	cleanup_free char *path = str_printf("tui/keys/%s.keys", name);

	return file_read_at(AT_FDCWD, path, text, NULL);
}

static void presets_have_no_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; keymap_presets[i]; i++) {
		cleanup_keymap struct keymap *m = keymap_new();
		cleanup_buf struct buf text = BUF_INIT;
		char **w = NULL;
		assert_int_equal(read_preset(keymap_presets[i], &text), 0);
		keymap_parse(m, text.data, text.len, keymap_presets[i], &w);
		assert_no_warnings(w);
		strv_free(w);
		/* what nobody can do without has a key in all of them */
		for (int c = 0; c < CONTEXT_SHELL; c++) {
			static const enum action needed[] = {ACTION_HELP, ACTION_COMMAND, ACTION_FILTER,
			        ACTION_BACK, ACTION_QUIT, ACTION_THEMES, ACTION_PANE_NEXT, ACTION_JUMP};
			char key[KEYMAP_TEXT_SIZE];
			for (size_t k = 0; k < sizeof needed / sizeof *needed; k++) {
				if (!*keymap_key_in(m, (enum context)c, needed[k], key))
					fail_msg("%s: no key for %s in [%s]", keymap_presets[i],
					        action_table[needed[k]].name, context_name((enum context)c));
			}
		}
	}
}

/* The file that documents all actions: one line each, commented out. */
static void write_default_keys(struct buf *out)
{
	buf_str_add(out, "# Every action of the dashboard and its keys, as they are built in. Copy lines "
	                 "without their \"#\" to\n"
	                 "# ~/.config/tare/keys to change them: \"action = key, key, first second\" (two "
	                 "keys and a chord at most),\n"
	                 "# \"action =\" for none. Keys: a single character, space, enter, tab, esc, "
	                 "backspace, delete, insert, home,\n"
	                 "# end, pgup, pgdn, up, down, left, right, f1 to f12, comma; before them ctrl-, "
	                 "alt-, shift-. A section may\n"
	                 "# also name an action of a section that counts there too: global everywhere, list "
	                 "in all lists, detail\n"
	                 "# in all details. Made from the table of actions by the test test_tui_keymap.\n");
	for (int c = 0; c < CONTEXT_N; c++) {
		buf_printf(out, "\n[%s]\n", context_name((enum context)c));
		for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
			const struct action_info *i = &action_table[a];
			bool first = true;
			if ((int)i->context != c)
				continue;
			buf_printf(out, "# %s\n#%s =", i->help, i->name);
			for (size_t k = 0; k < 3; k++) {
				if (i->keys[k])
					buf_printf(out, "%s %s", first ? "" : ",", i->keys[k]);
				first &= !i->keys[k];
			}
			buf_char(out, '\n');
		}
	}
}

static void the_default_file_says_what_is_built_in(void **state)
{
	cleanup_buf struct buf want = BUF_INIT, text = BUF_INIT;

	(void)state;
	write_default_keys(&want);
	assert_int_equal(read_preset("default", &text), 0);
	if (strcmp(buf_str(&want), buf_str(&text)) != 0)
		fail_msg("out of date: run this program with --default-keys >tui/keys/default.keys");
}

/* With all its lines in force, the file comes to the same map and to no complaint. */
static void the_default_file_can_be_used_as_it_is(void **state)
{
	cleanup_keymap struct keymap *m = keymap_new(), *built_in = keymap_new();
	cleanup_buf struct buf text = BUF_INIT, live = BUF_INIT;

	(void)state;
	assert_int_equal(read_preset("default", &text), 0);
	for (const char *p = text.data; *p; p++) {
		if (*p != '#' || (p > text.data && p[-1] != '\n') || p[1] == ' ')
			buf_char(&live, *p);
	}
	cleanup_strv char **w = parse(m, buf_str(&live));
	assert_no_warnings(w);
	for (int a = ACTION_NONE + 1; a < ACTION_N; a++) {
		char one[200], other[200];
		keymap_keys_text(m, (enum action)a, one, sizeof one);
		keymap_keys_text(built_in, (enum action)a, other, sizeof other);
		assert_string_equal(one, other);
	}
}

static void hostile_bytes_are_only_warnings(void **state)
{
	static const char bytes[] = "[]=#,\n \x1b\x9b\xff\0ctrl-global";
	cleanup_keymap struct keymap *m = keymap_new();
	cleanup_buf struct buf text = BUF_INIT;
	char **w = NULL;

	(void)state;
	srand(7);
	for (int i = 0; i < 200000; i++)
		buf_char(&text, bytes[(size_t)rand() % (sizeof bytes - 1)]);
	keymap_parse(m, text.data, text.len, "keys", &w);
	assert_in_range(strv_len(w), 1, 70);
	strv_foreach (s, w)
		assert_null(strpbrk(*s, "\x1b\n\x9b"));
	strv_free(w);
	assert_int_equal(look(m, CONTEXT_CONTAINERS, "s"), ACTION_CTR_STOP);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_table_is_sound),
	        cmocka_unit_test(a_context_has_its_parents_keys),
	        cmocka_unit_test(chords),
	        cmocka_unit_test(a_file_replaces_keys),
	        cmocka_unit_test(an_action_of_a_parent_can_have_keys_in_a_child),
	        cmocka_unit_test(what_is_hidden_is_not_shown),
	        cmocka_unit_test(mistakes_are_lines),
	        cmocka_unit_test(clashes_are_reported_with_both_lines),
	        cmocka_unit_test(keys_can_be_swapped),
	        cmocka_unit_test(presets_have_no_mistakes),
	        cmocka_unit_test(the_default_file_says_what_is_built_in),
	        cmocka_unit_test(the_default_file_can_be_used_as_it_is),
	        cmocka_unit_test(hostile_bytes_are_only_warnings),
	};

	if (argc > 1 && strcmp(argv[1], "--default-keys") == 0) {
		cleanup_buf struct buf text = BUF_INIT;
		write_default_keys(&text);
		return write_all(STDOUT_FILENO, text.data, text.len) ? 1 : 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
