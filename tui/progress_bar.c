#include "tui/progress_bar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/app.h"
#include "tui/figures.h"
#include "tui/screen.h"

#define PHASE_WIDTH 11 /* "downloading" */
#define SHARE_WIDTH 4
#define ETA_WIDTH   6
#define BAR_LEAST   7
#define BAR_MOST    48

/* ------------------------------------------------------------------ the bar */

/* A thick line over a thin one, in steps of half a column: rows of bars stay apart, and without colours one
 * still sees how far it is. */
static void draw_line(
        const struct canvas *c, int y, int x, int w, double share, struct style full, struct style rest)
{
	int halves = share > 0 ? (int)((share < 1 ? share : 1) * 2 * w) : 0;

	for (int i = 0; i < w; i++, halves -= 2)
		canvas_char(c, y, x + i,
		        halves >= 2   ? 0x2501
		        : halves == 1 ? 0x2578
		                      : 0x2500,
		        halves >= 1 ? full : rest);
}

static void draw_ascii(
        const struct canvas *c, int y, int x, int w, double share, struct style full, struct style rest)
{
	int n = share > 0 ? (int)((share < 1 ? share : 1) * (w - 2)) : 0;

	canvas_char(c, y, x, '[', rest);
	for (int i = 0; i < w - 2; i++)
		canvas_char(c, y, x + 1 + i, i < n ? '#' : ' ', full);
	canvas_char(c, y, x + w - 1, ']', rest);
}

void progress_bar_draw(struct app *a, const struct canvas *c, int y, int x, int w, double share,
        enum theme_element full, struct style on)
{
	struct style rest = style_over(on, app_style(a, UI_PROGRESS_REST));

	(screen_is_ascii(app_screen(a)) ? draw_ascii : draw_line)(
	        c, y, x, w, share, style_over(on, app_style(a, full)), rest);
}

/* ------------------------------------------------------------------ the line */

/* "0:14" "59:59" "3h02m" ">99h" */
static void format_eta(int64_t s, char *dst, size_t size)
{
	if (s < 0)
		snprintf(dst, size, "%*s", ETA_WIDTH, "");
	else if (s < 3600)
		snprintf(dst, size, "%3d:%02d", (int)(s / 60), (int)(s % 60));
	else if (s < 100 * 3600)
		snprintf(dst, size, "%2dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
	else
		snprintf(dst, size, "%*s", ETA_WIDTH, ">99h");
}

/* The figures that fit into w columns; how many columns they take. */
static int format_figures(const struct progress_line *l, int w, char *dst, size_t size)
{
	char rate[FIGURE_SIZE] = "       ", eta[16], share[8] = "    ";
	double percent = l->share > 0 ? floor(l->share * 100) : 0;

	if (!isnan(l->share))
		snprintf(share, sizeof(share), "%3d%%", (int)(percent < 100 ? percent : 100));
	if (l->rate && !l->complete)
		figure_rate((double)l->rate, rate);
	format_eta(l->complete ? -1 : l->eta, eta, sizeof(eta));
	if (w >= 50)
		return snprintf(dst, size, " %s %s %s", share, rate, eta);
	if (w >= 37)
		return snprintf(dst, size, " %s %s", share, rate);
	return snprintf(dst, size, " %s", share);
}

void progress_line_draw(
        struct app *a, const struct canvas *c, struct rect r, const struct progress_line *l, struct style on)
{
	struct style muted = style_over(on, app_style(a, UI_MUTED));
	char figures[64];
	int w = format_figures(l, r.w, figures, sizeof(figures)), x = r.x, room = r.w - w;
	int phase = l->phase && r.w >= 56 ? PHASE_WIDTH + 1 : 0, bar;
	int name = l->name_width < room * 2 / 3 ? l->name_width : room * 2 / 3;

	if (room - phase - name - 2 < BAR_LEAST)
		phase = 0;
	bar = room - phase - name - 2;
	if (bar < BAR_LEAST) {
		name = room - phase - 1;
		bar = 0;
	} else if (bar > BAR_MOST) {
		bar = BAR_MOST;
	}
	canvas_cell(c, r.y, x, name, l->name, on);
	x += name + 1;
	if (phase)
		canvas_cell(c, r.y, x, phase - 1, l->phase,
		        l->complete ? style_over(on, app_style(a, UI_OK)) : muted);
	x += phase;
	if (bar)
		progress_bar_draw(a, c, r.y, x, bar, l->share, l->complete ? UI_OK : UI_PROGRESS, on);
	canvas_cell_right(c, r.y, bar ? x + bar : r.x + r.w - w, w, figures, muted);
}
