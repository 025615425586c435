/* The first line: the panels with their counts, and at the right how the host fares. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/alert.h"
#include "tui/figures.h"
#include "tui/job.h"
#include "tui/job_progress.h"
#include "tui/keymap.h"
#include "tui/top_bar.h"
#include "tui/view.h"
#include "tui/views.h"

static const char *const panel_titles[PANEL_N] = {
        "Containers", "Images", "Volumes", "Networks", "Events", "Shells"};

/* How much of the titles there is room for. */
enum fullness { WITH_COUNTS, WITH_NAMES, CHOSEN_ONLY, FULLNESS_N };

/* " 1 Containers 12/30 "; where there is little room only the number and the name, then the number. */
static int title(struct app *a, enum panel p, enum fullness full, char *dst, size_t size)
{
	size_t shown = 0, all = 0;
	char count[32] = "";

	if (full == CHOSEN_ONLY && p != a->panel)
		return snprintf(dst, size, " %d ", p + 1);
	if (full != WITH_NAMES) {
		panel_count(a->panels[p], &shown, &all);
		if (p == PANEL_CONTAINERS) {
			const struct model_host *h = model_host(a->model);
			snprintf(count, sizeof count, " %u/%u", h->running, h->total);
		} else {
			snprintf(count, sizeof count, " %zu", all);
		}
	}
	return snprintf(dst, size, " %d %s%s ", p + 1, panel_titles[p], count);
}

/* Where each panel's title stands: x and width; 0: there is no such panel. */
static enum fullness titles_place(struct app *a, int cols, int x[PANEL_N], int w[PANEL_N])
{
	char text[64];
	int at = 0;

	for (int full = 0; full < FULLNESS_N; full++, at = 0) {
		for (int p = 0; p < PANEL_N; p++) {
			w[p] = a->panels[p] ? title(a, (enum panel)p, (enum fullness)full, text, sizeof text)
			                    : 0;
			x[p] = at;
			at += w[p];
		}
		if (at <= cols)
			return (enum fullness)full;
	}
	return CHOSEN_ONLY;
}

static int host_text(struct app *a, char *dst, size_t size, bool is_short)
{
	const struct model_host *h = model_host(a->model);
	char used[FIGURE_SIZE], total[FIGURE_SIZE];
	int n = 0;

	if (!h->now.time)
		return 0;
	if (!isnan(h->cpu) && h->now.cpus)
		n = snprintf(dst, size, "cpu %3.0f%%  ", h->cpu * 100 / h->now.cpus);
	if (h->now.memory_total && is_short)
		n += snprintf(dst + n, size - (size_t)n, "mem %3.0f%%  ",
		        100.0 * (double)h->now.memory_used / (double)h->now.memory_total);
	if (is_short)
		return n;
	if (h->now.memory_total) {
		const char *of = figure_bytes(h->now.memory_total, total);
		n += snprintf(dst + n, size - (size_t)n, "mem %s of %s  ",
		        figure_bytes(h->now.memory_used, used), of + strspn(of, " "));
	}
	if (h->pressure.cpu.known)
		n += snprintf(dst + n, size - (size_t)n, "psi %4.1f  ", h->pressure.cpu.some10);
	return n;
}

#define BADGE_SIZE 96
#define JOBS_SIZE  48

/* " ! 2 alerts ^G ": how many, and the key that shows them. */
static void badge_text(struct app *a, size_t alerts, char *dst, size_t size)
{
	char key[KEYMAP_TEXT_SIZE];

	keymap_key_text(a->keymap, ACTION_ALERTS, key);
	snprintf(dst, size, " ! %zu alert%s %s%s", alerts, alerts == 1 ? "" : "s", key, *key ? " " : "");
}

bool top_bar_is_badge(struct app *a, int x)
{
	size_t alerts = alerts_unread(a->alerts);
	char badge[BADGE_SIZE];

	if (!alerts)
		return false;
	badge_text(a, alerts, badge, sizeof badge);
	return x >= a->layout.top.w - (int)text_width(badge);
}

/* " 2 jobs  43% ": those that tell how far they are; "" for none. Seen from every panel. */
static void jobs_text(struct app *a, char dst[static JOBS_SIZE])
{
	const struct job *const *jobs;
	size_t n = jobs_list(a->jobs, &jobs), running = 0;
	double share = 0;

	for (size_t i = 0; i < n; i++) {
		struct job_sum s;

		if (!job_has_progress(jobs[i]))
			continue;
		s = job_objects_sum(&jobs[i]->objects);
		running++;
		share += isnan(s.share) ? 0 : s.share;
	}
	*dst = '\0';
	if (running)
		snprintf(dst, JOBS_SIZE, " %zu job%s %3d%%  ", running, running == 1 ? "" : "s",
		        (int)(share * 100 / (double)running));
}

static void draw_host(struct app *a, const struct canvas *c, int left)
{
	char text[128] = "", badge[BADGE_SIZE] = "", jobs[JOBS_SIZE];
	int room = c->r.w - left;
	size_t alerts = alerts_unread(a->alerts);

	if (alerts)
		badge_text(a, alerts, badge, sizeof badge);
	room -= (int)strlen(badge);
	jobs_text(a, jobs);
	if ((int)strlen(jobs) > room)
		*jobs = '\0';
	canvas_str(c, 0, left + room - (int)strlen(jobs), -1, jobs,
	        style_over(app_style(a, UI_BAR), app_style(a, UI_ACCENT)));
	room -= (int)strlen(jobs);
	if (host_text(a, text, sizeof text, false) > room && host_text(a, text, sizeof text, true) > room)
		*text = '\0';
	int x = left + room - (int)strlen(text);
	canvas_str(c, 0, x, -1, text, style_over(app_style(a, UI_BAR), app_style(a, UI_MUTED)));
	if (*badge)
		canvas_str(c, 0, c->r.w - (int)strlen(badge), -1, badge,
		        style_over(app_style(a, UI_BAR), app_style(a, UI_ERROR)));
}

void top_bar_draw(struct app *a, const struct canvas *c)
{
	int x[PANEL_N], w[PANEL_N], end = 0;
	char text[64];
	enum fullness full = titles_place(a, c->r.w, x, w);

	canvas_clear(c, app_style(a, UI_BAR));
	for (int p = 0; p < PANEL_N; p++) {
		if (!w[p])
			continue;
		bool is_chosen = p == (int)a->panel;
		enum theme_element el = !is_chosen                     ? UI_TAB
		                        : a->on_detail || a->n_dialogs ? UI_TAB_ACTIVE
		                                                       : UI_TITLE_FOCUS;
		title(a, (enum panel)p, full, text, sizeof text);
		canvas_str(c, 0, x[p], -1, text, app_style(a, el));
		end = x[p] + w[p];
	}
	if (c->r.w > end)
		draw_host(a, c, end);
}

enum panel top_bar_panel_at(struct app *a, int at)
{
	int x[PANEL_N], w[PANEL_N];

	titles_place(a, a->layout.top.w, x, w);
	for (int p = 0; p < PANEL_N; p++)
		if (w[p] && at >= x[p] && at < x[p] + w[p])
			return (enum panel)p;
	return PANEL_N;
}
