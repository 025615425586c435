/* A terminal without a screen: its life, its size, and what the child feeds it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/terminal_core.h"

#define OUT_MAX     ((size_t)1 << 20)
#define ANSWERS_MAX ((size_t)16 << 10) /* a child that asks and does not read gets no more answers */
#define PAST_BYTES  ((size_t)8 << 20)

static void on_output(const char *bytes, size_t len, void *arg)
{
	struct term *t = arg;
	size_t waiting = t->out.len - t->taken;

	if (t->muted || (t->feeding && waiting > ANSWERS_MAX) || waiting + len > OUT_MAX)
		return;
	buf_add(&t->out, bytes, len);
}

static colour colour_of(const VTermColor *c, bool is_default)
{
	if (is_default)
		return COLOUR_DEFAULT;
	if (VTERM_COLOR_IS_INDEXED(c))
		return COLOUR_INDEX(c->indexed.idx);
	return COLOUR_RGB(c->rgb.red, c->rgb.green, c->rgb.blue);
}

/* Joiners and selectors change how the characters around them are drawn, and so their width, behind our back.
 */
static bool is_mark(uint32_t cp)
{
	return cp_width(cp) == 0 && !(cp >= 0x200b && cp <= 0x200f) && !(cp >= 0x2028 && cp <= 0x206f) &&
	       !(cp >= 0xfe00 && cp <= 0xfe0f) && cp != 0xfeff && cp != 0xad && cp != 0x61c && cp < 0xe0000;
}

/* A cell whose width is not what we would reckon for it would shift the rest of the line: it becomes U+FFFD.
 */
static void take_cell(struct term_cell *dst, const VTermScreenCell *src)
{
	const VTermScreenCellAttrs *a = &src->attrs;

	dst->style = (struct style){
	        .fg = colour_of(&src->fg, VTERM_COLOR_IS_DEFAULT_FG(&src->fg)),
	        .bg = colour_of(&src->bg, VTERM_COLOR_IS_DEFAULT_BG(&src->bg)),
	        .attr = (a->bold ? ATTR_BOLD : 0u) | (a->underline ? ATTR_UNDERLINE : 0u) |
	                (a->italic ? ATTR_ITALIC : 0u) | (a->reverse ? ATTR_REVERSE : 0u) |
	                (a->strike ? ATTR_STRIKE : 0u),
	};
	dst->n = 0;
	dst->width = 1;
	if (src->chars[0] == (uint32_t)-1) {
		dst->width = 0;
		return;
	}
	if (src->chars[0] == 0)
		return;
	dst->cps[0] = src->chars[0];
	dst->n = 1;
	if (cp_width(src->chars[0]) != src->width) {
		dst->cps[0] = 0xfffd;
		return;
	}
	dst->width = (uint8_t)src->width;
	for (int i = 1; i < VTERM_MAX_CHARS_PER_CELL && src->chars[i] && dst->n < TERM_CELL_CPS; i++)
		if (is_mark(src->chars[i]))
			dst->cps[dst->n++] = src->chars[i];
}

/* Each second half behind its first, and no first half alone. */
static void join_halves(struct term_cell *row, int cols)
{
	for (int x = 0; x < cols; x++) {
		if (row[x].width == 2 && (x + 1 == cols || row[x + 1].width != 0)) {
			row[x].cps[0] = 0xfffd;
			row[x].n = row[x].width = 1;
		} else if (row[x].width == 0 && (x == 0 || row[x - 1].width != 2)) {
			row[x].width = 1;
			row[x].n = 0;
		} else if (row[x].width == 0) {
			row[x].style = row[x - 1].style;
		}
	}
}

void term_load_line(struct term *t, int64_t n)
{
	int64_t y = n - t->top, oldest = term_oldest(t);

	if (y < 0) {
		/* before the oldest: past the end, which comes out blank */
		scrollback_get(t->past, n < oldest ? SIZE_MAX : (size_t)(n - oldest), t->row, t->cols);
		return;
	}
	for (int x = 0; x < t->cols; x++) {
		VTermScreenCell cell;

		t->row[x] = term_cell_blank();
		if (y < t->rows && vterm_screen_get_cell(t->screen, (VTermPos){(int)y, x}, &cell))
			take_cell(&t->row[x], &cell);
	}
	join_halves(t->row, t->cols);
}

static int on_push(int cols, const VTermScreenCell *cells, void *arg)
{
	struct term *t = arg;

	/* While it is resized it still has the old number of columns. */
	if (cols > t->cols)
		cols = t->cols;
	for (int x = 0; x < cols; x++)
		take_cell(&t->row[x], &cells[x]);
	join_halves(t->row, cols);
	scrollback_push(t->past, t->row, cols);
	t->top++;
	return 1;
}

static void give_cell(VTermScreenCell *dst, const struct term_cell *src, VTermState *state)
{
	VTermColor fg, bg;

	vterm_state_get_default_colors(state, &fg, &bg);
	memset(dst, 0, sizeof *dst);
	for (unsigned i = 0; i < src->n && i < VTERM_MAX_CHARS_PER_CELL; i++)
		dst->chars[i] = src->cps[i];
	dst->width = src->width == 2 ? 2 : 1;
	dst->fg = fg;
	dst->bg = bg;
	for (int i = 0; i < 2; i++) {
		colour c = i ? src->style.bg : src->style.fg;
		VTermColor *to = i ? &dst->bg : &dst->fg;

		if (COLOUR_TAG(c) == 1)
			vterm_color_indexed(to, (uint8_t)c);
		else if (COLOUR_TAG(c) == 2)
			vterm_color_rgb(to, (uint8_t)(c >> 16), (uint8_t)(c >> 8), (uint8_t)c);
	}
	dst->attrs.bold = !!(src->style.attr & ATTR_BOLD);
	dst->attrs.underline = !!(src->style.attr & ATTR_UNDERLINE);
	dst->attrs.italic = !!(src->style.attr & ATTR_ITALIC);
	dst->attrs.reverse = !!(src->style.attr & ATTR_REVERSE);
	dst->attrs.strike = !!(src->style.attr & ATTR_STRIKE);
}

static int on_pop(int cols, VTermScreenCell *cells, void *arg)
{
	struct term *t = arg;
	size_t n = scrollback_lines(t->past);

	/* cells[] has as many as there are columns now, t->row as many as there will be: the same by then. */
	if (n == 0 || cols > t->cols)
		return 0;
	scrollback_get(t->past, n - 1, t->row, cols);
	for (int x = 0; x < cols; x++)
		give_cell(&cells[x], &t->row[x], t->state);
	scrollback_drop_newest(t->past);
	t->top--;
	return 1;
}

/* A child that forgets to end the mouse with the button held leaves libvterm believing it is held. */
static void release_buttons(struct term *t)
{
	t->muted = true;
	for (int b = 1; b <= 3; b++)
		if (t->buttons & 1u << b)
			vterm_mouse_button(t->vt, b, false, VTERM_MOD_NONE);
	t->buttons = 0;
	t->muted = false;
}

static int on_property(VTermProp prop, VTermValue *v, void *arg)
{
	struct term *t = arg;

	switch (prop) {
	case VTERM_PROP_CURSORVISIBLE:
		t->cursor_visible = v->boolean;
		break;
	case VTERM_PROP_CURSORBLINK:
		t->cursor_blink = v->boolean;
		break;
	case VTERM_PROP_CURSORSHAPE:
		t->cursor_shape = v->number;
		break;
	case VTERM_PROP_ALTSCREEN:
		t->alternate = v->boolean;
		break;
	case VTERM_PROP_MOUSE:
		t->mouse = v->number;
		if (t->mouse == VTERM_PROP_MOUSE_NONE)
			release_buttons(t);
		break;
	default:
		break;
	}
	return 1;
}

static int on_bell(void *arg)
{
	((struct term *)arg)->bell = true;
	return 1;
}

static const VTermScreenCallbacks screen_callbacks = {
        .settermprop = on_property,
        .bell = on_bell,
        .sb_pushline = on_push,
        .sb_popline = on_pop,
};

static int within(int n, int low, int high)
{
	return n < low ? low : n > high ? high : n;
}

struct term *term_new(int rows, int cols, size_t scrollback)
{
	struct term *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->rows = within(rows, TERM_MIN_ROWS, TERM_MAX_ROWS);
	t->cols = within(cols, TERM_MIN_COLS, TERM_MAX_COLS);
	t->out.max = OUT_MAX + 1;
	t->past = scrollback_new(scrollback, PAST_BYTES);
	t->row = calloc((size_t)t->cols, sizeof *t->row);
	t->vt = t->past && t->row ? vterm_new(t->rows, t->cols) : NULL;
	if (!t->vt) {
		term_free(t);
		return NULL;
	}
	vterm_set_utf8(t->vt, 1);
	t->state = vterm_obtain_state(t->vt);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_set_callbacks(t->screen, &screen_callbacks, t);
	/* Nobody asks where it changed: a frame reads what it shows. */
	vterm_screen_set_damage_merge(t->screen, VTERM_DAMAGE_SCROLL);
	vterm_screen_reset(t->screen, 1);
	vterm_output_set_callback(t->vt, on_output, t);
	return t;
}

void term_free(struct term *t)
{
	if (!t)
		return;
	if (t->vt)
		vterm_free(t->vt);
	scrollback_free(t->past);
	buf_free(&t->out);
	free(t->row);
	free(t);
}

size_t term_output(const struct term *t, const char **bytes)
{
	*bytes = buf_str(&t->out) + t->taken;
	return t->out.len - t->taken;
}

void term_output_taken(struct term *t, size_t len)
{
	t->taken += len;
	if (t->taken < t->out.len) {
		memmove(t->out.data, t->out.data + t->taken, t->out.len - t->taken);
		t->out.len -= t->taken;
	} else {
		buf_reset(&t->out);
	}
	t->taken = 0;
}

/* ---- what is known of it */

int term_rows(const struct term *t)
{
	return t->rows;
}

int term_cols(const struct term *t)
{
	return t->cols;
}

int64_t term_top(const struct term *t)
{
	return t->top;
}

int64_t term_oldest(const struct term *t)
{
	return t->top - (int64_t)scrollback_lines(t->past);
}

const char *term_title(const struct term *t)
{
	return t->title;
}

bool term_bell(struct term *t)
{
	bool rung = t->bell;

	t->bell = false;
	return rung;
}

bool term_is_alternate(const struct term *t)
{
	return t->alternate;
}

bool term_wants_mouse(const struct term *t)
{
	return t->mouse != VTERM_PROP_MOUSE_NONE;
}
