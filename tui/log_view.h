/* The log pane: what its files share. The view's state lives here; log_view.c draws and follows, log_keys.c
 * acts on keys, log_mouse.c on the mouse. */
#ifndef TARE_TUI_LOG_VIEW_H
#define TARE_TUI_LOG_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/app.h"
#include "tui/log_page.h"
#include "tui/log_paint.h"
#include "tui/loop.h"
#include "tui/view.h"

enum log_times { LOG_TIMES_OFF, LOG_TIMES_ABSOLUTE, LOG_TIMES_RELATIVE, LOG_TIMES_DELTA, LOG_TIMES_N };

/* A line, however the page moves. */
struct log_place {
	unsigned source;
	uint64_t at;
	int64_t time;
};
#define LOG_MARKS_MAX 64

/* What the mouse has selected, in cells of the pane; from the press to where it is now. */
struct log_selection {
	bool on, dragging;
	int row, col, to_row, to_col;
};

struct log_view {
	struct view view;
	struct object shown; /* what the pane was told to show */
	uint64_t marks_sum;  /* or, not 0, which marked containers it shows */
	struct log_set set;
	struct log_page page;
	struct log_rules rules;
	struct log_pattern *search;
	struct log_find *find;   /* looking for the next hit */
	struct log_count *count; /* counting all hits */
	struct log_count *lines; /* counting lines; NULL: not wanted, or too many */
	struct log_probe *probe; /* looking for the next line that passes the filters */
	struct log_save *save;

	bool wrap, json, visible, has_cursor;
	bool dated; /* absolute times with their day */
	enum log_times times;
	int left;
	struct log_place cursor;
	struct log_place marks[LOG_MARKS_MAX];
	size_t n_marks;
	struct log_selection selection;
	struct rect text; /* where text stood in the last frame */
	int height;
	char *laid;    /* a line laid out, LOG_LAID_MAX bytes */
	char note[80]; /* what the last key came to, until the next */

	struct loop_timer pace;  /* the next look at logs that grow */
	struct loop_timer clock; /* relative times grow old */
};
#define LOG_LAID_MAX ((size_t)64 << 10)

static inline struct log_view *log_view_of(struct view *v)
{
	return (struct log_view *)v;
}

/* The text of a line as it is shown, laid out if that is wanted; valid until the next call. */
const char *log_view_text(struct log_view *lv, const struct log_item *it, size_t *len, bool *lines);
struct log_look log_view_look(struct log_view *lv);
/* How many rows it takes; arg: the struct log_view. */
int log_view_measure(void *arg, const struct log_item *it);
/* For what a key starts: long enough for what is near, short enough to stay unseen. */
struct log_budget log_view_budget(void);
/* The line that keys act on: under the cursor, else the last one shown; -1: none. */
int log_view_line(struct log_view *lv);
/* Put the cursor on a line; the page goes there when it is elsewhere. */
void log_view_go(struct log_view *lv, const struct log_place *to);
/* The filters have changed: what is shown is found anew around the place it had. */
void log_view_refilter(struct log_view *lv);
/* Count lines, for the title. */
void log_view_count_lines(struct log_view *lv, bool on);
/* If other containers are marked than before: their logs. */
void log_view_check_marks(struct log_view *lv);
int log_view_add_source(struct log_view *lv, const char *id, const char *name);

unsigned log_view_act(struct view *v, enum action a);
unsigned log_view_mouse(struct view *v, const struct mouse *m);
/* How lines are laid out is remembered for the panes to come. */
void log_view_recall(struct log_view *lv);
void log_view_remember(struct log_view *lv);
void log_view_draw(struct view *v, const struct canvas *c, bool focused);
void log_view_status(struct view *v, char *dst, size_t size);
bool log_view_copy(struct view *v, struct buf *out);

#endif
