#include "tui/log_page.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int log_page_size(struct log_page *p, int height, struct err *e)
{
	size_t need = height > 0 ? (size_t)height + 2 : 2;

	p->height = height > 0 ? height : 1;
	if (need <= p->cap)
		return 0;
	struct log_shown *v = realloc(p->v, need * sizeof(*v));
	if (!v)
		return err_no_memory(e);
	p->v = v;
	p->cap = need;
	return 0;
}

void log_page_free(struct log_page *p)
{
	free(p->v);
	p->v = NULL;
	p->n = p->cap = 0;
}

/* ------------------------------------------------------------------ one line on */

static void note_later(struct log_page *p, const struct log_item *it, bool back)
{
	p->later = true;
	p->later_back = back;
	p->later_source = it->source;
	p->later_at = p->set->sources[it->source]->stuck;
}

static bool next(struct log_page *p, struct log_pos *pos, const struct log_budget *b, struct log_item *it)
{
	enum log_found f = log_set_next(p->set, pos, b, it);

	if (f == LOG_LATER)
		note_later(p, it, false);
	return f == LOG_FOUND;
}

static bool previous(struct log_page *p, struct log_pos *pos, const struct log_budget *b, struct log_item *it)
{
	enum log_found f = log_set_previous(p->set, pos, b, it);

	if (f == LOG_LATER)
		note_later(p, it, true);
	return f == LOG_FOUND;
}

/* ------------------------------------------------------------------ fill */

static void fill_down(struct log_page *p, const struct log_budget *b)
{
	int row = -p->skip;
	struct log_pos beyond;
	struct log_item it;

	p->n = 0;
	p->bottom = p->top;
	while (row < p->height && p->n < p->cap && next(p, &p->bottom, b, &it)) {
		int h = p->measure(p->arg, &it);

		if (row + h > 0)
			p->v[p->n++] = (struct log_shown){.item = it, .row = row, .h = h};
		else if (!p->n)
			p->top = p->bottom; /* lower than it was, since the width changed */
		row += h;
	}
	p->skip = p->n ? -p->v[0].row : 0;
	beyond = p->bottom;
	p->at_end = row <= p->height && !p->later && log_set_next(p->set, &beyond, b, &it) == LOG_NONE;
}

static void fill_up(struct log_page *p, const struct log_budget *b)
{
	int row = p->height;
	struct log_item it;
	size_t n = 0;

	p->top = p->bottom;
	while (row > 0 && n < p->cap && previous(p, &p->top, b, &it)) {
		int h = p->measure(p->arg, &it);

		row -= h;
		n++;
		p->v[p->cap - n] = (struct log_shown){.item = it, .row = row, .h = h};
	}
	memmove(p->v, p->v + p->cap - n, n * sizeof(*p->v));
	p->n = n;
	p->skip = row < 0 ? -row : 0;
	/* a log that is shorter than the page stands at its top */
	for (size_t i = 0; i < n && row > 0; i++)
		p->v[i].row -= row;
	p->at_begin = row >= 0 && !p->later;
	p->at_end = true;
}

static void mark_gaps(struct log_page *p)
{
	uint64_t next_at[LOG_SOURCES_MAX] = {0};

	for (size_t i = 0; i < p->n; i++) {
		const struct log_item *it = &p->v[i].item;

		p->v[i].gap = next_at[it->source] && next_at[it->source] < it->entry.at;
		next_at[it->source] = it->entry.next;
	}
}

void log_page_fill(struct log_page *p, const struct log_budget *b)
{
	p->later = false;
	log_set_clamp(p->set, &p->top);
	if (!p->follow) {
		fill_down(p, b);
		p->at_begin = false;
		/* too little below: show what is above */
		if (p->n == 0 || (!p->later && p->v[p->n - 1].row + p->v[p->n - 1].h < p->height)) {
			log_set_end(p->set, &p->bottom);
			if (!p->later)
				fill_up(p, b);
		}
	} else {
		log_set_end(p->set, &p->bottom);
		fill_up(p, b);
	}
	mark_gaps(p);
}

/* ------------------------------------------------------------------ scrolling */

static void scroll_up(struct log_page *p, int rows, const struct log_budget *b)
{
	struct log_item it;

	p->skip -= rows;
	while (p->skip < 0) {
		if (!previous(p, &p->top, b, &it)) {
			p->skip = 0;
			return;
		}
		p->skip += p->measure(p->arg, &it);
	}
}

static void scroll_down(struct log_page *p, int rows, const struct log_budget *b)
{
	struct log_item it;

	p->skip += rows;
	for (;;) {
		struct log_pos pos = p->top;
		if (!next(p, &pos, b, &it))
			return;
		int h = p->measure(p->arg, &it);
		if (p->skip < h)
			return;
		p->skip -= h;
		p->top = pos;
	}
}

void log_page_scroll(struct log_page *p, int rows, const struct log_budget *b)
{
	p->follow = false;
	p->later = false;
	if (rows < 0)
		scroll_up(p, -rows, b);
	else
		scroll_down(p, rows, b);
}

void log_page_to_begin(struct log_page *p)
{
	p->follow = false;
	p->skip = 0;
	log_set_begin(p->set, &p->top);
}

void log_page_show(struct log_page *p, const struct log_pos *pos, int row, const struct log_budget *b)
{
	p->follow = false;
	p->later = false;
	p->top = *pos;
	p->skip = 0;
	scroll_up(p, row, b);
}

int log_page_find(const struct log_page *p, unsigned source, uint64_t at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].item.source == source && p->v[i].item.entry.at == at)
			return (int)i;
	return -1;
}

int log_page_row(const struct log_page *p, int y)
{
	for (size_t i = 0; i < p->n; i++)
		if (y >= p->v[i].row && y < p->v[i].row + p->v[i].h)
			return (int)i;
	return -1;
}
