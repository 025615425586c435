/* Can the shipped themes be read? The rules stand in themes/README.md. Contrast is WCAG 2's ratio of relative
 * luminances; colour-blind sight is Machado, Oliveira and Fernandes' simulation (2009, severity 1). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/unit/theme_folder.h"
#include "tui/theme.h"
#include "tui/theme_file.h"

struct linear {
	double r, g, b;
};

static double linear_part(unsigned v)
{
	double x = v / 255.0;

	return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static struct linear linear_of(uint32_t rgb)
{
	return (struct linear){
	        linear_part(rgb >> 16 & 255), linear_part(rgb >> 8 & 255), linear_part(rgb & 255)};
}

static double luminance(uint32_t rgb)
{
	struct linear l = linear_of(rgb);

	return 0.2126 * l.r + 0.7152 * l.g + 0.0722 * l.b;
}

static double contrast(uint32_t a, uint32_t b)
{
	double x = luminance(a), y = luminance(b);

	return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

/* The 6x6x6 cube and the greys, which are the same on all terminals. The sixteen are xterm's. */
static uint32_t indexed(unsigned i)
{
	static const uint32_t basic[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
	        0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff,
	        0xffffff};
	static const unsigned level[6] = {0, 95, 135, 175, 215, 255};

	if (i < 16)
		return basic[i];
	if (i >= 232)
		return (8 + 10 * (i - 232)) * 0x010101u;
	i -= 16;
	return level[i / 36] << 16 | level[i / 6 % 6] << 8 | level[i % 6];
}

static uint32_t seen(colour c, uint32_t dflt)
{
	switch (COLOUR_TAG(c)) {
	case 1:
		return indexed(c & 255);
	case 2:
		return c & 0xffffff;
	default:
		return dflt;
	}
}

/* ---------------------------------------------------------------- a theme under check */

struct check {
	const struct theme *theme;
	uint32_t text, ground;
	double slack; /* 256 colours are coarse */
	unsigned failures;
	char report[4000];
};

static void fail_if(struct check *c, bool bad, const char *what, const char *where, double got, double need)
{
	size_t len = strlen(c->report);

	if (!bad)
		return;
	c->failures++;
	snprintf(
	        c->report + len, sizeof c->report - len, "  %s %s: %.2f, not %.2f\n", what, where, got, need);
}

/* What stands on `ground` in style `over`, or in its own colours. */
static void check_on(struct check *c, enum theme_element el, enum theme_element laid, double need)
{
	struct style s = theme_style(c->theme, el);
	const char *where = "on its ground";
	double got;

	if (laid != THEME_N_ELEMENTS) {
		s = style_over(s, theme_style(c->theme, laid));
		where = theme_element_names[laid];
	}
	got = contrast(seen(s.fg, c->text), seen(s.bg, c->ground));
	if (s.attr & ATTR_DIM)
		need = need < 3 ? need : 3;
	fail_if(c, got < need * c->slack, theme_element_names[el], where, got, need);
}

static const enum theme_element loud[] = {UI_ACCENT, UI_TITLE, UI_TITLE_FOCUS, UI_TAB_ACTIVE, UI_KEY,
        UI_BANNER, UI_DIALOG, UI_FIELD, UI_FIELD_FOCUS, UI_BUTTON, UI_BUTTON_FOCUS, UI_OK, UI_WARN, UI_ERROR,
        UI_ADDED, UI_REMOVED, UI_CHANGED, UI_TOUCHED, STATE_RUNNING, STATE_PAUSED, STATE_FAILED,
        STATE_RESTARTING, STATE_DEAD, STATE_HEALTHY, STATE_UNHEALTHY, STATE_STARTING, STATE_OOM, GRAPH_LOW,
        GRAPH_MIDDLE, GRAPH_HIGH, GRAPH_CPU, GRAPH_MEMORY, GRAPH_MEMORY_FILE, GRAPH_MEMORY_KERNEL, GRAPH_READ,
        GRAPH_WRITE, GRAPH_RX, GRAPH_TX, GRAPH_PRESSURE, LOG_STDERR, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_MATCH,
        LOG_MATCH_CURRENT, LOG_KEY, LOG_STRING, LOG_NUMBER, LOG_SOURCE1, LOG_SOURCE2, LOG_SOURCE3,
        LOG_SOURCE4, LOG_SOURCE5, LOG_SOURCE6, LOG_SOURCE7};
static const enum theme_element quiet[] = {UI_MUTED, UI_HEADING, UI_TAB, UI_BAR, STATE_CREATED, STATE_EXITED,
        GRAPH_PIDS, LOG_TIME, LOG_DEBUG, LOG_SOURCE8};

static void check_selection(struct check *c)
{
	for (enum theme_element el = STATE_RUNNING; el <= STATE_OOM; el++)
		check_on(c, el, UI_SELECTION, el == STATE_CREATED || el == STATE_EXITED ? 3 : 4.5);
	check_on(c, UI_TEXT, UI_SELECTION, 4.5);
	check_on(c, UI_TEXT, UI_SELECTION_IDLE, 4.5);
	check_on(c, UI_MUTED, UI_SELECTION, 3);

	double stands_out = contrast(seen(theme_style(c->theme, UI_SELECTION).bg, c->ground),
	        seen(theme_style(c->theme, UI_TEXT).bg, c->ground));
	fail_if(c, stands_out < 1.2 * c->slack, "ui.selection", "from the ground", stands_out, 1.2);
}

static void check_theme(struct check *c, const struct theme *t, bool is_256)
{
	double most = strcmp(theme_name(t), "high-contrast") == 0 ? 7 : 4.5;

	*c = (struct check){.theme = t, .slack = is_256 ? 0.9 : 1};
	c->ground = theme_is_light(t) ? 0xffffff : 0;
	c->text = theme_is_light(t) ? 0x1f2328 : 0xd0d0d0; /* a modest terminal's own */
	check_on(c, UI_TEXT, THEME_N_ELEMENTS, most);
	for (size_t i = 0; i < sizeof loud / sizeof *loud; i++)
		check_on(c, loud[i], THEME_N_ELEMENTS, most);
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		check_on(c, quiet[i], THEME_N_ELEMENTS, most > 4.5 ? most : 3);
	check_on(c, UI_BORDER_FOCUS, THEME_N_ELEMENTS, 3);
	check_selection(c);
}

static bool has_colours(const char *name)
{
	return strcmp(name, "mono") != 0 && strcmp(name, "ansi") != 0;
}

static void shipped_themes_can_be_read(void **state)
{
	cleanup_strv char **names = theme_list();
	unsigned failures = 0, checked = 0;

	(void)state;
	strv_foreach (name, names) {
		for (int deep = 0; deep < 2 && has_colours(*name); deep++, checked++) {
			struct theme *t = theme_load(*name, deep ? DEPTH_TRUE : DEPTH_256, NULL, NULL);
			struct check c;
			assert_non_null(t);
			check_theme(&c, t, !deep);
			if (c.failures)
				print_error("%s, %s colours:\n%s", *name, deep ? "true" : "256", c.report);
			failures += c.failures;
			theme_free(t);
		}
	}
	assert_int_equal(failures, 0);
	assert_in_range(checked, 24, 1000);
}

static void a_bad_theme_is_found(void **state)
{
	static const char *const bad[] = {
	        "[palette]\nbg = #ffffff\nfg = #999999\n",
	        "[palette]\nbg = #202020\nred = #802020\n",
	        "[palette]\nbg = #202020\nmuted = #404040\n",
	        "[palette]\nbg = #202020\nselection = #ff7b72\n",
	        "[palette]\nbg = #202020\nselection = #222222\n",
	        "[palette]\nbg = #202020\n[log]\nmatch = #111111 on:#222222\n",
	};
	struct check c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct theme *t = theme_parse(bad[i], strlen(bad[i]), "bad", DEPTH_TRUE, NULL, NULL);
		check_theme(&c, t, false);
		assert_true(c.failures > 0);
		theme_free(t);
	}
}

/* ---------------------------------------------------------------- colour-blind eyes */

enum sight { DEUTERANOPIA, TRITANOPIA };

static const double machado[2][3][3] = {
        [DEUTERANOPIA] = {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413},
                {-0.011820, 0.042940, 0.968881}},
        [TRITANOPIA] = {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602},
                {0.004733, 0.691367, 0.303900}},
};

static double lab_part(double t)
{
	return t > 0.008856 ? cbrt(t) : 7.787 * t + 16 / 116.0;
}

static double clamp(double v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* CIE L*a*b* of what such eyes see. */
static void lab_of(uint32_t rgb, enum sight sight, double lab[3])
{
	struct linear l = linear_of(rgb);
	double v[3];

	for (int i = 0; i < 3; i++)
		v[i] = clamp(
		        machado[sight][i][0] * l.r + machado[sight][i][1] * l.g + machado[sight][i][2] * l.b);
	double x = lab_part((0.4124564 * v[0] + 0.3575761 * v[1] + 0.1804375 * v[2]) / 0.95047);
	double y = lab_part(0.2126729 * v[0] + 0.7151522 * v[1] + 0.0721750 * v[2]);
	double z = lab_part((0.0193339 * v[0] + 0.1191920 * v[1] + 0.9503041 * v[2]) / 1.08883);
	lab[0] = 116 * y - 16;
	lab[1] = 500 * (x - y);
	lab[2] = 200 * (y - z);
}

static double nearest_states(const struct theme *t, enum sight sight)
{
	static const enum theme_element states[] = {
	        STATE_RUNNING, STATE_FAILED, STATE_PAUSED, STATE_UNHEALTHY};
	double nearest = 1000, lab[4][3];

	for (int i = 0; i < 4; i++) {
		lab_of(seen(theme_style(t, states[i]).fg, 0), sight, lab[i]);
		for (int k = 0; k < i; k++) {
			double d = sqrt(pow(lab[i][0] - lab[k][0], 2) + pow(lab[i][1] - lab[k][1], 2) +
			                pow(lab[i][2] - lab[k][2], 2));
			nearest = d < nearest ? d : nearest;
		}
	}
	return nearest;
}

static void states_stay_apart_for_colour_blind_eyes(void **state)
{
	static const char *const names[] = {[DEUTERANOPIA] = "deuteranopia", [TRITANOPIA] = "tritanopia"};

	(void)state;
	for (int sight = DEUTERANOPIA; sight <= TRITANOPIA; sight++) {
		for (int deep = 0; deep < 2; deep++) {
			struct theme *t = theme_load(names[sight], deep ? DEPTH_TRUE : DEPTH_256, NULL, NULL);
			double d = nearest_states(t, (enum sight)sight);
			if (d < 20)
				fail_msg("%s: %.1f", names[sight], d);
			theme_free(t);
		}
	}
	/* the check can fail: an ordinary theme doesn't serve such eyes */
	struct theme *t = theme_load("tare-dark", DEPTH_TRUE, NULL, NULL);
	assert_true(nearest_states(t, DEUTERANOPIA) < 20);
	theme_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(shipped_themes_can_be_read),
	        cmocka_unit_test(a_bad_theme_is_found),
	        cmocka_unit_test(states_stay_apart_for_colour_blind_eyes),
	};

	return cmocka_run_group_tests(tests, theme_folder_set_up, theme_folder_tear_down);
}
