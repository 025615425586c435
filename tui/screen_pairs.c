/* A hash from two colours to a pair. Pairs are only ever made; when the table is full all of them are
 * forgotten and those on screen made anew, which happens only with pictures of thousands of colours. */
#include "tui/screen_pairs.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "tui/colour.h"

#define N_SLOTS   8192 /* a power of two */
#define MAX_PAIRS 4096

struct slot {
	colour fg, bg;
	short pair; /* 0: free */
	bool bright;
};

struct screen_pairs {
	enum colour_depth depth;
	int used, limit;
	bool full;
	struct slot slots[N_SLOTS];
};

struct screen_pairs *pairs_new(enum colour_depth depth)
{
	struct screen_pairs *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->depth = depth;
	p->limit = COLOR_PAIRS - 1 < MAX_PAIRS ? COLOR_PAIRS - 1 : MAX_PAIRS;
	return p;
}

void pairs_free(struct screen_pairs *p)
{
	free(p);
}

bool pairs_are_full(const struct screen_pairs *p)
{
	return p->full;
}

void pairs_reset(struct screen_pairs *p)
{
	p->used = 0;
	p->full = false;
	memset(p->slots, 0, sizeof(p->slots));
}

static void make_pair(struct screen_pairs *p, struct slot *slot, colour fg, colour bg)
{
	int f = colour_number(fg, p->depth), b = colour_number(bg, p->depth);

	if (p->used >= p->limit) {
		p->full = true;
		return;
	}
	*slot = (struct slot){.fg = fg, .bg = bg};
	/* Eight colours: the upper eight are the lower ones in bold, and no background. */
	slot->bright = COLORS < 16 && f >= 8 && f < 16;
	if (COLORS < 16) {
		f = f >= 0 ? f & 7 : f;
		b = b >= 0 ? b & 7 : b;
	}
	if (init_extended_pair(p->used + 1, f, b) == ERR)
		return;
	slot->pair = (short)++p->used;
}

int pairs_of(struct screen_pairs *p, colour fg, colour bg, bool *bright)
{
	uint32_t hash = (fg * 0x9e3779b1u ^ bg) * 0x85ebca6bu;

	*bright = false;
	if (fg == COLOUR_DEFAULT && bg == COLOUR_DEFAULT)
		return 0;
	for (uint32_t i = hash >> 16;; i++) {
		struct slot *slot = &p->slots[i & (N_SLOTS - 1)];

		if (!slot->pair)
			make_pair(p, slot, fg, bg);
		if (!slot->pair)
			return 0;
		if (slot->fg == fg && slot->bg == bg) {
			*bright = slot->bright;
			return slot->pair;
		}
	}
}
