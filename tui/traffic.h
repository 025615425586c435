/* What a network carries: the sum over its members, now and over the last minute or two. A container that is
 * in several networks counts in each with all it has, for that is what is measured. */
#ifndef TARE_TUI_TRAFFIC_H
#define TARE_TUI_TRAFFIC_H

#include <stddef.h>

#include "tui/model.h"
#include "tui/sparkline.h"

struct cell;

#define TRAFFIC_MOST 24 /* values: as many as the widest graph shows */

struct traffic {
	double rx, tx;             /* bytes per second; NAN: not known */
	double past[TRAFFIC_MOST]; /* both together, the newest last */
};

void traffic_clear(struct traffic *t);
void traffic_add(struct traffic *t, struct model *m, const struct model_container *c);
/* For cells of a list. */
void traffic_draw_rate(const struct cell *at, double rate);
void traffic_draw_graph(const struct cell *at, const struct traffic *t);

#endif
