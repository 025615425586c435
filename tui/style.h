/* Colours and text attributes, independent of what the terminal can show: screen.c brings them down to 256,
 * 16 or no colours. */
#ifndef TARE_TUI_STYLE_H
#define TARE_TUI_STYLE_H

#include <stdbool.h>
#include <stdint.h>

/* A colour is a tag in the top byte and a value below it. A theme may name all three rungs of the ladder
 * itself (true colour, 256, 16); then it is a COLOUR_LADDER entry of the theme, resolved when the theme is
 * loaded for a depth, so that drawing only ever sees the first three. */
typedef uint32_t colour;
#define COLOUR_DEFAULT  ((colour)0)                         /* the terminal's own */
#define COLOUR_INDEX(i) ((colour)0x01000000u | ((i)&0xffu)) /* palette entry 0..255 */
#define COLOUR_RGB(r, g, b)                                                                                  \
	((colour)0x02000000u | ((uint32_t)(r) << 16) | ((uint32_t)(g) << 8) | (uint32_t)(b))
#define COLOUR_KEEP   ((colour)0x03000000u) /* in an overlay: whatever is beneath */
#define COLOUR_TAG(c) ((c) >> 24)

enum {
	ATTR_BOLD = 1,
	ATTR_DIM = 2,
	ATTR_ITALIC = 4,
	ATTR_UNDERLINE = 8,
	ATTR_REVERSE = 16,
	ATTR_STRIKE = 32,
};

struct style {
	colour fg, bg;
	uint32_t attr;
};

static inline bool style_equal(struct style a, struct style b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attr == b.attr;
}

/* `over` laid on `base`: its colours replace where they are not COLOUR_KEEP, attributes add up. */
static inline struct style style_over(struct style base, struct style over)
{
	return (struct style){
	        .fg = over.fg == COLOUR_KEEP ? base.fg : over.fg,
	        .bg = over.bg == COLOUR_KEEP ? base.bg : over.bg,
	        .attr = base.attr | over.attr,
	};
}

#endif
