#include "tui/change_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/figures.h"
#include "tui/view.h"

#define NUMBERS_FROM 60 /* columns */

static const char kinds[] = "ADCM";
static const char *const names[] = {"added", "deleted", "changed", "attributes"};

static size_t of_kind(const struct change_list *l, char kind)
{
	return kind == 'A' ? l->added : kind == 'D' ? l->removed : kind == 'C' ? l->changed : l->touched;
}

/* ------------------------------------------------------------------ lines */

static size_t line_count(void *arg)
{
	return ((struct change_lines *)arg)->n;
}

static const char blanks[] = "  ";

static void line_at(void *arg, size_t i, struct text_line *out)
{
	struct change_lines *l = arg;
	const struct change *c = &l->list.rows[l->rows[i]];
	const char *kind = c->kind == ' ' ? NULL : strchr(kinds, c->kind);
	struct style s = kind ? l->kinds[kind - kinds] : l->text;

	text_line_add(out, blanks, 1, l->muted);
	if (kind) {
		text_line_add(out, kind, 1, s);
		text_line_add(out, blanks, 2, l->muted);
	}
	if (l->figures && l->pane.w >= NUMBERS_FROM)
		text_line_add(
		        out, l->figures[l->rows[i]].text, strlen(l->figures[l->rows[i]].text), l->muted);
	text_line_add(out, c->path, strlen(c->path), s);
}

/* ------------------------------------------------------------------ which ones */

/* Made once: lines are asked for again and again. Nothing is shown of what is not known. */
static void make_figures(struct change_lines *l)
{
	char size[FIGURE_SIZE], time[BACKUP_TIME_SIZE];
	bool known = false;

	free(l->figures);
	l->figures = NULL;
	for (size_t i = 0; i < l->list.n && !known; i++)
		known = l->list.rows[i].time != 0;
	if (known)
		l->figures = calloc(l->list.n, sizeof(*l->figures));
	for (size_t i = 0; l->figures && i < l->list.n; i++)
		snprintf(l->figures[i].text, sizeof(l->figures[i].text), "%5s  %-19s  ",
		        figure_bytes(l->list.rows[i].size, size), backup_time(l->list.rows[i].time, time));
}

static void choose(struct change_lines *l)
{
	uint32_t *rows = malloc((l->list.n + 1) * sizeof(*rows));

	free(l->rows);
	l->rows = rows;
	l->n = 0;
	for (size_t i = 0; rows && i < l->list.n; i++)
		if (!l->only || l->list.rows[i].kind == l->only)
			rows[l->n++] = (uint32_t)i;
}

void change_lines_init(struct change_lines *l, struct app *a)
{
	struct text_source source = {.count = line_count, .line = line_at, .arg = l};

	*l = (struct change_lines){.app = a};
	text_pane_init(&l->pane, a, &source, true);
}

void change_lines_free(struct change_lines *l)
{
	change_list_free(&l->list);
	free(l->rows);
	free(l->figures);
	l->rows = NULL;
	l->figures = NULL;
	l->n = 0;
}

void change_lines_set(struct change_lines *l, struct change_list *list, bool keeps_place)
{
	change_list_free(&l->list);
	l->list = *list;
	*list = (struct change_list){0};
	make_figures(l);
	if (!keeps_place)
		l->only = 0;
	choose(l);
	if (keeps_place)
		text_pane_changed(&l->pane);
	else
		text_pane_reset(&l->pane);
}

/* The next kind of which there is one, or all. */
static void next_kind(struct change_lines *l)
{
	const char *at = l->only ? strchr(kinds, l->only) + 1 : kinds;

	while (*at && !of_kind(&l->list, *at))
		at++;
	l->only = *at;
	choose(l);
	text_pane_reset(&l->pane);
}

/* ------------------------------------------------------------------ as a view */

static enum theme_element element_of(size_t kind)
{
	static const enum theme_element elements[] = {UI_ADDED, UI_REMOVED, UI_CHANGED, UI_TOUCHED};

	return elements[kind];
}

void change_lines_legend(const struct change_lines *l, const struct canvas *c, int y)
{
	int x = 1;

	for (size_t i = 0; kinds[i]; i++) {
		size_t n = of_kind(&l->list, kinds[i]);
		char text[64];

		if (!n)
			continue;
		snprintf(text, sizeof text, "%c %zu %s", kinds[i], n, names[i]);
		if (x + (int)strlen(text) > c->r.w)
			break;
		x += canvas_str(c, y, x, -1, text,
		             app_style(l->app, !l->only || l->only == kinds[i] ? element_of(i) : UI_MUTED)) +
		     3;
	}
}

void change_lines_draw(struct change_lines *l, const struct canvas *c, bool focused)
{
	for (size_t i = 0; kinds[i]; i++)
		l->kinds[i] = app_style(l->app, element_of(i));
	l->muted = app_style(l->app, UI_MUTED);
	l->text = app_style(l->app, UI_TEXT);
	text_pane_draw(&l->pane, c, focused);
}

unsigned change_lines_act(struct change_lines *l, enum action a)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(TEXT_BLOCK_MAX);

	switch ((int)a) {
	case ACTION_CHANGES_KIND:
		next_kind(l);
		return VIEW_DONE;
	case ACTION_DETAIL_COPY:
		if (change_lines_copy(l, &text))
			app_copy(l->app, text.data, text.len);
		return VIEW_DONE;
	default:
		return text_pane_act(&l->pane, a);
	}
}

void change_lines_status(const struct change_lines *l, char *dst, size_t size)
{
	if (*l->pane.search)
		text_pane_status(&l->pane, dst, size);
	else if (l->only)
		snprintf(dst, size, "%zu of %zu paths", l->n, l->list.n);
	else
		snprintf(dst, size, "%zu%s paths", l->list.n, l->list.cut ? "+" : "");
}

bool change_lines_copy(const struct change_lines *l, struct buf *out)
{
	if (text_pane_selection(&l->pane, out))
		return true;
	if (l->pane.cursor >= l->n)
		return false;
	buf_str_add(out, l->list.rows[l->rows[l->pane.cursor]].path);
	return !out->failed && out->len > 0;
}
