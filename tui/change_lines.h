/* Changes as lines of text: "A  12.3K  2026-01-05 02:00:00  pg_wal/…", each kind in its colour. What the
 * Changes tab of a container and the comparison of two backups show. */
#ifndef TARE_TUI_CHANGE_LINES_H
#define TARE_TUI_CHANGE_LINES_H

#include "tui/backup.h"
#include "tui/text_view.h"

struct change_lines {
	struct app *app;
	struct change_list list;
	struct text_pane pane;
	char only;      /* this kind alone; 0: all */
	uint32_t *rows; /* of the list, those that are shown */
	size_t n;
	struct change_figures {
		char text[40];
	} * figures; /* of each row of the list: its size and time; NULL: they are not known */
	struct style kinds[4], muted, text; /* of this frame */
};

void change_lines_init(struct change_lines *l, struct app *a);
void change_lines_free(struct change_lines *l);
/* Takes the list; the pane stays where it is when `keeps_place`. */
void change_lines_set(struct change_lines *l, struct change_list *list, bool keeps_place);
void change_lines_draw(struct change_lines *l, const struct canvas *c, bool focused);
/* What the letters stand for, and of how many, in one row. */
void change_lines_legend(const struct change_lines *l, const struct canvas *c, int y);
unsigned change_lines_act(struct change_lines *l, enum action a);
/* "3 added, 2 changed", or what of them is shown, or where the search is. */
void change_lines_status(const struct change_lines *l, char *dst, size_t size);
/* The path under the cursor, or what is selected. */
bool change_lines_copy(const struct change_lines *l, struct buf *out);

#endif
