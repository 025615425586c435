/* How the log pane looks. Only what is visible is read, laid out and drawn. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tui/log_view.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "tui/log_count.h"
#include "tui/log_json.h"
#include "tui/log_pattern.h"
#include "tui/log_search.h"
#include "tui/screen.h"

#define NAME_MOST   16
#define FRAME_NS    8000000 /* of a frame's 16 ms, what finding its lines may take */
#define BAR         0x258f  /* a thin bar at the left of its cell */
#define DAY_NS      (86400 * (int64_t)1000000000)
#define SECOND_NS   (int64_t)1000000000
#define HEIGHT_MOST 2000 /* rows of one line that is wrapped */

/* ------------------------------------------------------------------ what is in front of the text */

static int times_width(const struct log_view *lv)
{
	switch (lv->times) {
	case LOG_TIMES_ABSOLUTE:
		return lv->dated ? 19 : 13;
	case LOG_TIMES_RELATIVE:
		return 9;
	case LOG_TIMES_DELTA:
		return 10;
	default:
		return 0;
	}
}

static int names_width(const struct log_view *lv)
{
	size_t most = 0;

	if (lv->set.n < 2)
		return 0;
	for (size_t i = 0; i < lv->set.n; i++) {
		size_t w = text_width(lv->set.sources[i]->name);
		most = w > most ? w : most;
	}
	return (int)(most < NAME_MOST ? most : NAME_MOST) + 1;
}

/* "3s ago", "12m ago", "4h ago", "9d ago". */
static void ago(int64_t ns, char *dst, size_t size)
{
	long long s = ns > 0 ? ns / SECOND_NS : 0;

	if (s < 60)
		snprintf(dst, size, "%llds ago", s);
	else if (s < 3600)
		snprintf(dst, size, "%lldm ago", s / 60);
	else if (s < 86400)
		snprintf(dst, size, "%lldh ago", s / 3600);
	else
		snprintf(dst, size, "%lldd ago", s / 86400);
}

static void clock_time(int64_t ns, bool dated, char *dst, size_t size)
{
	time_t t = (time_t)(ns / SECOND_NS);
	struct tm tm;
	size_t n = 0;

	*dst = '\0';
	if (!localtime_r(&t, &tm))
		return;
	n = strftime(dst, size, dated ? "%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	snprintf(dst + n, size - n, ".%03d", (int)(ns / 1000000 % 1000));
}

/* Since the line before: "+1.250s", "+3m12s"; nothing for lines at once. */
static void since(int64_t ns, char *dst, size_t size)
{
	long long ms = ns / 1000000;

	if (ms < 100000)
		snprintf(dst, size, "+%lld.%03llds", ms / 1000, ms % 1000);
	else if (ms < 3600000)
		snprintf(dst, size, "+%lldm%02llds", ms / 60000, ms / 1000 % 60);
	else
		snprintf(dst, size, "+%lldh%02lldm", ms / 3600000, ms / 60000 % 60);
}

static void draw_time(struct log_view *lv, const struct canvas *c, int y, size_t i, int width)
{
	const struct log_entry *e = &lv->page.v[i].item.entry;
	char text[32] = "";

	if (!e->time)
		return;
	if (lv->times == LOG_TIMES_ABSOLUTE)
		clock_time(e->time, lv->dated, text, sizeof(text));
	else if (lv->times == LOG_TIMES_RELATIVE)
		ago(app_now(lv->view.app) - e->time, text, sizeof(text));
	else if (i > 0 && lv->page.v[i - 1].item.entry.time)
		since(e->time - lv->page.v[i - 1].item.entry.time, text, sizeof(text));
	canvas_cell_right(c, y, 0, width - 1, text, app_style(lv->view.app, LOG_TIME));
}

static bool is_marked(const struct log_view *lv, const struct log_item *it)
{
	for (size_t i = 0; i < lv->n_marks; i++)
		if (lv->marks[i].source == it->source && lv->marks[i].at == it->entry.at)
			return true;
	return false;
}

static void draw_sign(struct log_view *lv, const struct canvas *c, int y, int x, const struct log_shown *s)
{
	struct app *a = lv->view.app;
	bool ascii = screen_is_ascii(app_screen(a));

	if (is_marked(lv, &s->item))
		canvas_char(c, y, x, app_glyph(a, GLYPH_MARK), app_style(a, UI_MARK));
	else if (s->item.entry.err)
		canvas_char(c, y, x, ascii ? '!' : BAR, app_style(a, LOG_STDERR));
	else if (s->gap && lv->set.filters.context)
		canvas_char(c, y, x, ascii ? '-' : 0x2504, app_style(a, UI_MUTED));
}

static struct style source_style(struct app *a, unsigned source)
{
	return app_style(a, (enum theme_element)(LOG_SOURCE1 + source % 8));
}

/* ------------------------------------------------------------------ lines */

struct log_look log_view_look(struct log_view *lv)
{
	return (struct log_look){
	        .theme = app_theme(lv->view.app),
	        .rules = &lv->rules,
	        .search = lv->search,
	        .wrap = lv->wrap,
	        .keys = lv->json,
	        .left = lv->left,
	};
}

const char *log_view_text(struct log_view *lv, const struct log_item *it, size_t *len, bool *lines)
{
	const char *text = log_set_text(&lv->set, it, len);
	size_t n;

	*lines = lv->json && (n = log_json_layout(text, *len, lv->laid, LOG_LAID_MAX)) > 0;
	if (*lines) {
		*len = n;
		return lv->laid;
	}
	return text;
}

int log_view_measure(void *arg, const struct log_item *it)
{
	struct log_view *lv = arg;
	struct log_look look = log_view_look(lv);
	size_t len;

	if (!lv->wrap && !lv->json)
		return 1;
	const char *text = log_view_text(lv, it, &len, &look.lines);
	return log_paint_height(&look, text, len, lv->text.w, HEIGHT_MOST);
}

static void draw_line(struct log_view *lv, const struct canvas *c, size_t i, bool focused)
{
	const struct log_shown *s = &lv->page.v[i];
	struct app *a = lv->view.app;
	int y = s->row > 0 ? s->row : 0, skip = s->row < 0 ? -s->row : 0, tw = times_width(lv),
	    nw = names_width(lv);
	struct log_look look = log_view_look(lv);
	bool here =
	        lv->has_cursor && lv->cursor.source == s->item.source && lv->cursor.at == s->item.entry.at;
	size_t len;

	if (!skip && tw)
		draw_time(lv, c, y, i, tw);
	if (!skip && nw)
		canvas_cell(c, y, tw, nw - 1, lv->set.sources[s->item.source]->name,
		        source_style(a, s->item.source));
	if (!skip)
		draw_sign(lv, c, y, tw + nw, s);
	struct canvas text = canvas_part(c, lv->text);
	look.dim = !s->item.match;
	look.current = here;
	const char *t = log_view_text(lv, &s->item, &len, &look.lines);
	look.keys = look.lines || (lv->json && memchr(t, '=', len));
	log_paint(&look, &text, y, skip, t, len);
	if (!here)
		return;
	canvas_restyle(c, (struct rect){y, 0, s->h - skip < c->r.h - y ? s->h - skip : c->r.h - y, c->r.w},
	        app_style(a, focused ? UI_SELECTION : UI_SELECTION_IDLE));
	if (focused)
		canvas_point(c, y, 0);
}

static void draw_selection(struct log_view *lv, const struct canvas *c)
{
	struct log_selection s = lv->selection;
	struct style over = {COLOUR_KEEP, COLOUR_KEEP, ATTR_REVERSE};

	if (!s.on)
		return;
	if (s.to_row < s.row || (s.to_row == s.row && s.to_col < s.col))
		s = (struct log_selection){s.on, s.dragging, s.to_row, s.to_col, s.row, s.col};
	struct canvas text = canvas_part(c, lv->text);
	for (int y = s.row; y <= s.to_row; y++) {
		int from = y == s.row ? s.col : 0, to = y == s.to_row ? s.to_col : lv->text.w;
		canvas_restyle(&text, (struct rect){y, from, 1, to - from}, over);
	}
}

/* ------------------------------------------------------------------ nothing to show */

static const char *why_nothing(struct log_view *lv, const char **more)
{
	struct model_container *mc;

	*more = "";
	if (!lv->set.n) {
		*more = "Select a container on the left";
		return "No container, no log";
	}
	if (lv->set.sources[0]->error[0]) {
		*more = lv->set.sources[0]->error;
		return "This log cannot be shown";
	}
	if (lv->set.filters.n) {
		*more = lv->probe ? "Reading through the log …" : "Backspace removes the last filter";
		return lv->probe ? "Nothing yet passes the filters" : "No line passes the filters";
	}
	mc = model_container(app_model(lv->view.app), lv->set.sources[0]->id);
	if (mc && mc->row.state == TARE_CREATED && mc->row.error) {
		*more = mc->row.error;
		return "It could not be started";
	}
	if (mc && mc->row.state == TARE_CREATED) {
		*more = "Press S in the list to start it";
		return "It has not been started yet";
	}
	if (mc && mc->row.error)
		*more = mc->row.error; /* why it did not start */
	if (mc && mc->row.state == TARE_EXITED)
		return "It ended without having printed anything";
	*more = "Lines appear here as soon as they come";
	return "It has not printed anything yet";
}

static void draw_centred(const struct canvas *c, int y, const char *text, struct style s)
{
	int w = (int)text_width(text);

	canvas_str(c, y, w < c->r.w ? (c->r.w - w) / 2 : 0, -1, text, s);
}

static void draw_nothing(struct log_view *lv, const struct canvas *c)
{
	struct app *a = lv->view.app;
	const char *more, *why = why_nothing(lv, &more);
	int y = c->r.h > 3 ? c->r.h / 3 : 0;

	draw_centred(c, y, why, app_style(a, UI_TEXT));
	draw_centred(c, y + 1, more, app_style(a, UI_MUTED));
}

/* ------------------------------------------------------------------ the frame */

static void place_text(struct log_view *lv, const struct canvas *c)
{
	int x = times_width(lv) + names_width(lv) + 1;

	if (x > c->r.w - 8)
		x = c->r.w > 8 ? c->r.w - 8 : 0;
	lv->text = (struct rect){0, x, c->r.h, c->r.w - x};
	lv->height = c->r.h;
}

/* Times get their day when the first line shown is not of today. */
static void decide_date(struct log_view *lv)
{
	int64_t now = app_now(lv->view.app);
	int64_t first = lv->page.n ? lv->page.v[0].item.entry.time : now;
	bool dated = first && (now - first > DAY_NS || first - now > DAY_NS);

	if (dated == lv->dated)
		return;
	lv->dated = dated;
	app_redraw(lv->view.app);
}

void log_view_draw(struct view *v, const struct canvas *c, bool focused)
{
	struct log_view *lv = log_view_of(v);
	struct log_budget b = {.until = now_monotonic() + FRAME_NS};

	log_view_check_marks(lv);
	if (lv->rules.theme != app_theme(v->app))
		log_rules_set(&lv->rules, app_theme(v->app));
	place_text(lv, c);
	if (log_page_size(&lv->page, c->r.h, NULL) < 0)
		return;
	log_set_grow(&lv->set);
	log_page_fill(&lv->page, &b);
	log_probe_start(lv);
	if (focused)
		log_view_count_lines(lv, true);
	if (!lv->page.n) {
		draw_nothing(lv, c);
		return;
	}
	for (size_t i = 0; i < lv->page.n; i++)
		draw_line(lv, c, i, focused);
	draw_selection(lv, c);
	decide_date(lv);
}

/* ------------------------------------------------------------------ beside the tab */

static void add(char *dst, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add(char *dst, size_t size, const char *fmt, ...)
{
	size_t n = strlen(dst);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(dst + n, size - n, fmt, ap);
	va_end(ap);
}

/* Whether anything can still come; *last: the container that ended, when there is but one. */
static bool is_live(struct log_view *lv, const struct model_container **last)
{
	*last = NULL;
	for (size_t i = 0; i < lv->set.n; i++) {
		*last = model_container(app_model(lv->view.app), lv->set.sources[i]->id);
		if (!*last || ((*last)->row.state != TARE_EXITED && (*last)->row.state != TARE_DEAD))
			return true;
	}
	*last = lv->set.n == 1 ? *last : NULL;
	return false;
}

static void add_end(struct log_view *lv, char *dst, size_t size)
{
	const struct model_container *last;

	if (is_live(lv, &last))
		add(dst, size, "following  ");
	else if (last && last->row.oom_killed)
		add(dst, size, "ended, out of memory  ");
	else if (last)
		add(dst, size, "ended, exit %d  ", last->row.exit_code);
	else
		add(dst, size, "ended  ");
}

static void add_where(struct log_view *lv, char *dst, size_t size)
{
	uint64_t all = 0, above = 0;

	for (size_t i = 0; i < lv->set.n; i++) {
		const struct log_store *s = &lv->set.sources[i]->store;
		all += s->end - s->begin;
		above += lv->page.bottom.at[i] > s->begin ? lv->page.bottom.at[i] - s->begin : 0;
	}
	if (lv->page.follow)
		add_end(lv, dst, size);
	else if (all)
		add(dst, size, "%u%%  ", (unsigned)((double)(above < all ? above : all) * 100 / (double)all));
}

static void add_lines(struct log_view *lv, char *dst, size_t size)
{
	char n[32];
	bool busy;

	if (!lv->lines)
		return;
	uint64_t lines = log_count_value(lv->lines, &busy);
	log_count_text(lines, n, sizeof(n));
	if (!busy)
		add(dst, size, "%s %s  ", n, lines == 1 ? "line" : "lines");
}

void log_view_status(struct view *v, char *dst, size_t size)
{
	struct log_view *lv = log_view_of(v);
	char bytes[SIZE_TEXT_SIZE];

	*dst = '\0';
	if (!lv->set.n || lv->set.sources[0]->error[0])
		return;
	/* What is news goes first: a narrow title line is cut at its end. */
	if (lv->note[0])
		add(dst, size, "%s  ", lv->note);
	log_search_status(lv, dst + strlen(dst), size - strlen(dst));
	for (size_t i = 0; i < lv->set.filters.n; i++)
		add(dst, size, "%c%.20s  ", lv->set.filters.f[i].drop ? '^' : '&',
		        log_pattern_text(lv->set.filters.f[i].pattern));
	if (lv->set.filters.context && log_filters_keep(&lv->set.filters))
		add(dst, size, "±%u  ", lv->set.filters.context);
	if (!log_set_bytes(&lv->set))
		return;
	if (lv->set.n > 1)
		add(dst, size, lv->marks_sum ? "%zu marked  " : "%zu logs  ", lv->set.n);
	add_where(lv, dst, size);
	if (lv->left && !lv->wrap)
		add(dst, size, "from column %d  ", lv->left + 1);
	add_lines(lv, dst, size);
	add(dst, size, "%s", size_format_binary(log_set_bytes(&lv->set), bytes));
}
