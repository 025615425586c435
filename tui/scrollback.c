/* The lines that have left the top of an embedded terminal. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tui/scrollback.h"

struct run {
	colour fg, bg;
	uint16_t cells, attr;
};

/* Runs, then their text. */
struct line {
	uint32_t size, n_runs;
	struct run runs[];
};

struct scrollback {
	struct line **lines; /* a ring of `max` */
	size_t max, first, n;
	size_t bytes, max_bytes;
};

struct scrollback *scrollback_new(size_t max_lines, size_t max_bytes)
{
	struct scrollback *sb = calloc(1, sizeof *sb);

	if (!sb)
		return NULL;
	sb->max = max_lines ? max_lines : 1;
	sb->max_bytes = max_bytes;
	sb->lines = calloc(sb->max, sizeof *sb->lines);
	if (!sb->lines) {
		free(sb);
		return NULL;
	}
	return sb;
}

void scrollback_free(struct scrollback *sb)
{
	if (!sb)
		return;
	scrollback_clear(sb);
	free(sb->lines);
	free(sb);
}

bool term_cell_is_empty(const struct term_cell *c)
{
	return (c->n == 0 || (c->n == 1 && c->cps[0] == ' ')) && c->style.bg == COLOUR_DEFAULT &&
	       !(c->style.attr & (ATTR_REVERSE | ATTR_UNDERLINE | ATTR_STRIKE));
}

static size_t cell_text(const struct term_cell *c, char dst[4 * TERM_CELL_CPS])
{
	size_t len = 0;

	if (c->n == 0) {
		dst[0] = ' ';
		return 1;
	}
	for (unsigned i = 0; i < c->n && i < TERM_CELL_CPS; i++)
		len += utf8_encode(c->cps[i], dst + len);
	return len;
}

/* Put the runs and the text at the given places, or (both NULL) only count them. */
static void pack(
        const struct term_cell *cells, int cols, struct run *runs, char *text, size_t *n_runs, size_t *len)
{
	struct style last = {0};
	char bytes[4 * TERM_CELL_CPS];

	*n_runs = *len = 0;
	for (int i = 0; i < cols; i++) {
		size_t n;

		if (cells[i].width == 0)
			continue;
		if (*n_runs == 0 || !style_equal(last, cells[i].style)) {
			last = cells[i].style;
			if (runs)
				runs[*n_runs] = (struct run){last.fg, last.bg, 0, (uint16_t)last.attr};
			++*n_runs;
		}
		n = cell_text(&cells[i], bytes);
		if (runs) {
			runs[*n_runs - 1].cells++;
			memcpy(text + *len, bytes, n);
		}
		*len += n;
	}
}

static void drop(struct scrollback *sb, size_t slot)
{
	if (sb->lines[slot]) {
		sb->bytes -= sb->lines[slot]->size;
		free(sb->lines[slot]);
		sb->lines[slot] = NULL;
	}
	sb->n--;
}

static void drop_oldest(struct scrollback *sb)
{
	drop(sb, sb->first);
	sb->first = (sb->first + 1) % sb->max;
}

void scrollback_push(struct scrollback *sb, const struct term_cell *cells, int cols)
{
	size_t n_runs, len, size;
	struct line *l;

	while (cols > 0 && term_cell_is_empty(&cells[cols - 1]))
		cols--;
	pack(cells, cols, NULL, NULL, &n_runs, &len);
	size = sizeof(struct line) + n_runs * sizeof(struct run) + len;
	/* Where memory is short the line becomes an empty one, so that the numbers of the others still hold.
	 */
	l = malloc(size);
	if (l) {
		l->size = (uint32_t)size;
		l->n_runs = (uint32_t)n_runs;
		pack(cells, cols, l->runs, (char *)&l->runs[n_runs], &n_runs, &len);
	}
	while (sb->n > 0 && (sb->n == sb->max || sb->bytes + size > sb->max_bytes))
		drop_oldest(sb);
	sb->lines[(sb->first + sb->n) % sb->max] = l;
	sb->n++;
	sb->bytes += l ? size : 0;
}

/* The next character with its marks. */
static void take_cell(const char **text, size_t *len, struct term_cell *c)
{
	uint32_t cp;
	size_t used = *len ? utf8_decode(*text, *len, &cp) : 0;

	if (used == 0)
		return;
	c->cps[0] = cp;
	c->n = 1;
	c->width = cp_width(cp) == 2 ? 2 : 1;
	for (;;) {
		*text += used;
		*len -= used;
		used = *len ? utf8_decode(*text, *len, &cp) : 0;
		if (used == 0 || cp_width(cp) != 0 || c->n == TERM_CELL_CPS)
			return;
		c->cps[c->n++] = cp;
	}
}

void scrollback_get(const struct scrollback *sb, size_t i, struct term_cell *cells, int cols)
{
	const struct line *l = i < sb->n ? sb->lines[(sb->first + i) % sb->max] : NULL;
	const char *text;
	size_t len;
	int x = 0;

	for (int k = 0; k < cols; k++)
		cells[k] = term_cell_blank();
	if (!l)
		return;
	text = (const char *)&l->runs[l->n_runs];
	len = l->size - sizeof *l - l->n_runs * sizeof *l->runs;
	for (uint32_t r = 0; r < l->n_runs; r++) {
		for (unsigned k = 0; k < l->runs[r].cells && x < cols; k++) {
			struct term_cell *c = &cells[x];

			c->style = (struct style){l->runs[r].fg, l->runs[r].bg, l->runs[r].attr};
			take_cell(&text, &len, c);
			if (c->width == 2 && x + 1 == cols) {
				*c = (struct term_cell){.width = 1, .style = c->style};
			} else if (c->width == 2) {
				cells[x + 1] = (struct term_cell){.width = 0, .style = c->style};
			}
			x += c->width;
		}
	}
}

void scrollback_drop_newest(struct scrollback *sb)
{
	if (sb->n > 0)
		drop(sb, (sb->first + sb->n - 1) % sb->max);
}

void scrollback_clear(struct scrollback *sb)
{
	while (sb->n > 0)
		drop_oldest(sb);
}

size_t scrollback_lines(const struct scrollback *sb)
{
	return sb->n;
}
