/* How a container looks in the Containers panel. */
#ifndef TARE_TUI_CONTAINER_COLUMNS_H
#define TARE_TUI_CONTAINER_COLUMNS_H

#include "tui/columns.h"
#include "tui/model.h"
#include "tui/theme.h"

#define CONTAINER_COLUMNS 25
extern const struct column container_columns[CONTAINER_COLUMNS];

static inline bool container_runs(const struct model_container *c)
{
	return c->row.state == TARE_RUNNING || c->row.state == TARE_PAUSED;
}

/* State as sign and word, "exited 137", with what health checks and the kernel's OOM killer have to say. */
#define STATE_WORD_SIZE 16
struct state_look {
	enum glyph glyph;
	enum theme_element element;
	char word[STATE_WORD_SIZE];
};
void container_look(const struct model_container *c, struct state_look *look);

#endif
