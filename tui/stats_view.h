/* The parts of the stats view: what it knows (stats_view.c), its graphs (stats_view_graphs.c) and its tables
 * (stats_view_tables.c). */
#ifndef TARE_TUI_STATS_VIEW_H
#define TARE_TUI_STATS_VIEW_H

#include "tui/graph.h"
#include "tui/model.h"
#include "tui/view.h"

enum stats_scale { SCALE_LIMIT, SCALE_CORE, SCALE_HOST, SCALE_N };

enum stats_block { BLOCK_CPU, BLOCK_MEMORY, BLOCK_NETWORK, BLOCK_IO, BLOCK_PIDS, BLOCK_TABLE, BLOCK_N };

struct stats_view {
	struct view view;
	struct object object;
	struct model_container *c; /* of this frame, or NULL */
	bool is_running, is_visible;
	int64_t second; /* where the graphs end, CLOCK_BOOTTIME */
	unsigned span;  /* index of stats_spans */
	enum stats_scale scale;
	unsigned shown_span; /* seconds, of the last frame */
	bool has_pressure;
	struct tare_pressure pressure;
	double tops[BLOCK_N];           /* scales, kept so that they don't jump */
	double memory_max, memory_last; /* in the span; of the block last loaded */
	struct graph graph;             /* of the block being drawn */
};

extern const unsigned stats_spans[4]; /* seconds */

/* What the figures are shares of. */
double stats_cpu_basis(const struct stats_view *v);    /* cores */
double stats_memory_limit(const struct stats_view *v); /* bytes; 0: none */
const char *stats_cpu_basis_text(const struct stats_view *v, char *dst, size_t size);

/* A block with its title in its first line. */
void stats_draw_block(struct stats_view *v, enum stats_block b, const struct canvas *c);
/* For panes too small for graphs: a line each, the most important first. */
void stats_draw_lines(struct stats_view *v, const struct canvas *c);
void stats_draw_table(struct stats_view *v, const struct canvas *c);

#endif
