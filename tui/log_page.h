/* The lines of a log that are on the screen: which, in which rows, and how one scrolls. */
#ifndef TARE_TUI_LOG_PAGE_H
#define TARE_TUI_LOG_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/log_set.h"

struct err;

struct log_shown {
	struct log_item item;
	int row, h; /* rows of the page, row may be negative for the first */
	bool gap;   /* between it and the line above there are lines that are not shown */
};
struct log_page {
	struct log_set *set;
	/* How many rows a line takes. */
	int (*measure)(void *arg, const struct log_item *it);
	void *arg;
	int height;
	struct log_pos top, bottom; /* before the first shown line, after the last */
	int skip;                   /* rows of the first line above the page */
	bool follow;                /* the end is at the foot of the page */
	struct log_shown *v;
	size_t n, cap;
	bool at_begin, at_end;
	/* A log must be read further than there was time for: by a worker. */
	bool later, later_back;
	unsigned later_source;
	uint64_t later_at;
};

int log_page_size(struct log_page *p, int height, struct err *e); /* makes room */
void log_page_free(struct log_page *p);
/* Find the lines of the page; keeps its place (or the end, when following). */
void log_page_fill(struct log_page *p, const struct log_budget *b);
/* Scroll by rows, negative: up. Stops at both ends. */
void log_page_scroll(struct log_page *p, int rows, const struct log_budget *b);
void log_page_to_begin(struct log_page *p);
/* Put the line at `pos` into row `row`. */
void log_page_show(struct log_page *p, const struct log_pos *pos, int row, const struct log_budget *b);
/* Which shown line is this; -1: it is not on the page. */
int log_page_find(const struct log_page *p, unsigned source, uint64_t at);
/* The shown line in row y, or -1. */
int log_page_row(const struct log_page *p, int y);

#endif
