/* The parts of two tabs that tell how a container is looked after: the view itself (care_view.c), what is
 * said of its health (health_sheet.c), and of its limits and its restart policy (limits_sheet.c). */
#ifndef TARE_TUI_CARE_VIEW_H
#define TARE_TUI_CARE_VIEW_H

#include "base/err.h"
#include "base/json.h"
#include "tui/model.h"
#include "tui/sheet.h"
#include "tui/text_view.h"
#include "tui/view.h"

#define WIDTH_WORDS 56 /* columns from which on explanations have room */

struct care_view {
	struct view view; /* first */
	struct object object;
	json *document; /* as inspected; NULL: see trouble */
	struct err trouble;
	struct model_container *c; /* while the sheet is written; may be NULL */
	void (*tell)(struct care_view *v);
	struct sheet sheet;
	struct text_pane pane;
	int width; /* of the pane when the sheet was written */
};

void health_tell(struct care_view *v);
void limits_tell(struct care_view *v);

/* "1h30m", "10s", "1.5s", "250ms". */
char *care_duration(int64_t ns, char *dst, size_t size);
/* "13:00:14", of that day; ns since the epoch. */
char *care_clock(int64_t ns, char *dst, size_t size);
/* A point in time as documents have it, ns since the epoch; 0: never. */
int64_t care_time(json *object, const char *key);

#endif
