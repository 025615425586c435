/* The hint bar: what stands where, and what a click there means. The screen itself is not needed for it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tui/app.h"
#include "tui/config.h"
#include "tui/hints.h"
#include "tui/keymap.h"

/* The dashboard as far as the hints know it. */
struct app {
	struct keymap *keymap;
	struct config *config;
	struct theme *theme;
};

struct keymap *app_keymap(struct app *a)
{
	return a->keymap;
}

struct config *app_config(struct app *a)
{
	return a->config;
}

struct theme *app_theme(struct app *a)
{
	return a->theme;
}

/* All hints of a row from the left: their actions; how many columns each has is checked by the clicks. */
static size_t row(struct app *a, enum context c, int width, enum action found[64])
{
	enum action last = ACTION_NONE;
	size_t n = 0;

	for (int x = 0; x < width; x++) {
		enum action at = hints_click(a, c, width, x);
		if (at && at != last && n < 64)
			found[n++] = at;
		last = at;
	}
	return n;
}

static int set_up(void **state)
{
	struct app *a = calloc(1, sizeof *a);

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	setenv("XDG_STATE_HOME", "/nonexistent", 1);
	a->keymap = keymap_new();
	a->config = config_load(NULL);
	a->theme = theme_builtin(DEPTH_TRUE);
	*state = a;
	return a->keymap && a->config && a->theme ? 0 : -1;
}

static int tear_down(void **state)
{
	struct app *a = *state;

	keymap_free(a->keymap);
	config_free(a->config);
	theme_free(a->theme);
	free(a);
	return 0;
}

static void as_many_as_fit(void **state)
{
	enum action wide[64], narrow[64], tiny[64];
	size_t n_wide = row(*state, CONTEXT_CONTAINERS, 200, wide),
	       n_narrow = row(*state, CONTEXT_CONTAINERS, 60, narrow);
	size_t n_tiny = row(*state, CONTEXT_CONTAINERS, 12, tiny);

	assert_int_equal(wide[0], ACTION_MARK);
	assert_true(n_wide > n_narrow);
	assert_true(n_narrow > 3);
	/* what stays is the same, in the same order, with help and command at the end */
	assert_memory_equal(wide, narrow, (n_narrow - 2) * sizeof *wide);
	assert_int_equal(wide[n_wide - 2], ACTION_HELP);
	assert_int_equal(wide[n_wide - 1], ACTION_COMMAND);
	assert_int_equal(narrow[n_narrow - 1], ACTION_COMMAND);
	assert_int_equal(hints_click(*state, CONTEXT_CONTAINERS, 60, 59), ACTION_COMMAND);
	assert_in_range(n_tiny, 1, 2);
	assert_int_equal(row(*state, CONTEXT_CONTAINERS, 0, tiny), 0);
	assert_int_equal(hints_click(*state, CONTEXT_CONTAINERS, 60, -1), ACTION_NONE);
	assert_int_equal(hints_click(*state, CONTEXT_CONTAINERS, 60, 60), ACTION_NONE);
}

static void only_what_counts_here(void **state)
{
	enum action found[64];
	size_t n = row(*state, CONTEXT_IMAGES, 200, found);

	for (size_t i = 0; i < n; i++)
		assert_true(action_table[found[i]].context != CONTEXT_CONTAINERS);
}

static void the_key_map_decides(void **state)
{
	static const char text[] = "[global]\nhelp = f12\nmark =\n[list]\nmark =\n";
	struct app *a = *state;
	enum action found[64];

	keymap_parse(a->keymap, text, sizeof text - 1, "keys", NULL);
	size_t n = row(a, CONTEXT_CONTAINERS, 200, found);
	assert_true(found[0] != ACTION_MARK); /* no key: no hint */
	assert_int_equal(found[n - 2], ACTION_HELP);
	/* "F12 help  : command" */
	assert_int_equal(hints_click(a, CONTEXT_CONTAINERS, 200, 200 - 9 - 2 - 8), ACTION_HELP);
	assert_int_equal(hints_click(a, CONTEXT_CONTAINERS, 200, 200 - 9 - 2 - 9), ACTION_NONE);
}

static void a_shell_shows_the_prefix_first(void **state)
{
	enum action found[64];
	size_t n = row(*state, CONTEXT_SHELL, 80, found);

	assert_int_equal(hints_click(*state, CONTEXT_SHELL, 80, 0), ACTION_NONE); /* "^] then" */
	assert_true(n > 0);
	assert_int_equal(found[0], ACTION_SHELL_LEAVE);
	assert_int_equal(hints_click(*state, CONTEXT_SHELL, 80, 9), ACTION_SHELL_LEAVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(as_many_as_fit, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(only_what_counts_here, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(the_key_map_decides, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_shell_shows_the_prefix_first, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
