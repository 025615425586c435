#include "tui/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/app.h"
#include "tui/screen.h"

struct sheet_word {
	uint32_t at, len;
	enum theme_element element;
};

#define TEXT_MAX ((size_t)1 << 20)

void sheet_free(struct sheet *s)
{
	buf_free(&s->text);
	buf_free(&s->words);
	buf_free(&s->lines);
}

void sheet_clear(struct sheet *s)
{
	buf_reset(&s->text);
	buf_reset(&s->words);
	buf_reset(&s->lines);
	s->text.max = s->words.max = TEXT_MAX;
}

static size_t n_words(const struct sheet *s)
{
	return s->words.len / sizeof(struct sheet_word);
}

static size_t n_lines(const struct sheet *s)
{
	return s->lines.len / sizeof(uint32_t);
}

static bool is_full(const struct sheet *s)
{
	return n_lines(s) > SHEET_LINES_MAX || s->text.failed || s->words.failed || s->lines.failed;
}

/* ------------------------------------------------------------------ saying */

void sheet_line(struct sheet *s)
{
	uint32_t first = (uint32_t)n_words(s);

	if (!is_full(s))
		buf_add(&s->lines, &first, sizeof first);
}

void sheet_add(struct sheet *s, enum theme_element el, const char *text, size_t len)
{
	struct sheet_word w = {(uint32_t)s->text.len, (uint32_t)len, el};

	if (!len || is_full(s))
		return;
	buf_add(&s->text, text, len);
	buf_add(&s->words, &w, sizeof w);
}

void sheet_str(struct sheet *s, enum theme_element el, const char *text)
{
	sheet_add(s, el, text, strlen(text));
}

void sheet_printf(struct sheet *s, enum theme_element el, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sheet_str(s, el, text);
}

void sheet_label(struct sheet *s, const char *label)
{
	sheet_line(s);
	sheet_printf(s, UI_MUTED, " %-*s", SHEET_LABEL, label ? label : "");
}

void sheet_heading(struct sheet *s, const char *text)
{
	sheet_line(s);
	sheet_printf(s, UI_TITLE, " %s", text);
}

void sheet_glyph(struct sheet *s, enum theme_element el, enum glyph g)
{
	char text[8];

	sheet_add(s, el, text, utf8_encode(app_glyph(s->app, g), text));
}

static void add_times(struct sheet *s, enum theme_element el, const char *piece, int n)
{
	char text[256];
	size_t len = strlen(piece), at = 0;

	for (int i = 0; i < n && at + len <= sizeof text; i++, at += len)
		memcpy(text + at, piece, len);
	sheet_add(s, el, text, at);
}

/* As progress bars are drawn: a thick line over a thin one, so that colour is not needed. */
void sheet_bar(struct sheet *s, double share, int width, enum theme_element el)
{
	bool ascii = screen_is_ascii(app_screen(s->app));
	int room = ascii ? width - 2 : width, halves;

	share = share > 0 ? share < 1 ? share : 1 : 0;
	halves = (int)(share * 2 * room + 0.5);
	if (share > 0 && !halves)
		halves = 1;
	if (ascii)
		sheet_str(s, UI_PROGRESS_REST, "[");
	add_times(s, el, ascii ? "#" : "━", halves / 2);
	add_times(s, el, ascii ? "-" : "╸", halves % 2);
	add_times(s, UI_PROGRESS_REST, ascii ? " " : "─", room - halves / 2 - halves % 2);
	if (ascii)
		sheet_str(s, UI_PROGRESS_REST, "]");
}

static uint64_t hash(uint64_t h, const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		h = (h ^ (uint8_t)b->data[i]) * UINT64_C(1099511628211);
	return h;
}

bool sheet_is_other(struct sheet *s)
{
	uint64_t h = hash(UINT64_C(14695981039346656037), &s->text), before = s->hash;

	for (size_t i = 0; i < n_words(s); i++) {
		const struct sheet_word *w = (const struct sheet_word *)(void *)s->words.data + i;

		h = (h ^ w->at ^ (uint64_t)w->element << 32) * UINT64_C(1099511628211);
	}
	s->hash = hash(h, &s->lines);
	return s->hash != before;
}

/* ------------------------------------------------------------------ the lines */

static size_t count(void *arg)
{
	const struct sheet *s = arg;

	return n_lines(s);
}

static void line(void *arg, size_t i, struct text_line *out)
{
	const struct sheet *s = arg;
	const struct sheet_word *words = (const struct sheet_word *)(void *)s->words.data;
	const uint32_t *first = (const uint32_t *)(void *)s->lines.data;
	size_t end = i + 1 < n_lines(s) ? first[i + 1] : n_words(s);

	for (size_t w = first[i]; w < end; w++)
		text_line_add(
		        out, s->text.data + words[w].at, words[w].len, app_style(s->app, words[w].element));
}

struct text_source sheet_source(struct sheet *s)
{
	return (struct text_source){.count = count, .line = line, .arg = s};
}
