#include "engine/terminal_filter.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/text.h"

#define ESC 0x1b

/* Bytes that the character or sequence at s needs to be judged; 0: more than there are. */
static size_t unit_length(const unsigned char *s, size_t len)
{
	size_t need = 1;

	if (*s >= 0xc2 && *s < 0xf5) {
		need = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
		for (size_t i = 1; i < need && i < len; i++)
			if ((s[i] & 0xc0) != 0x80)
				return 1;
		return need <= len ? need : 0;
	}
	if (*s != ESC && *s != '\r')
		return 1;
	if (len < 2)
		return 0;
	if (s[1] != '[' || *s == '\r')
		return 1;
	for (need = 2; need < len; need++)
		if (!((s[need] >= '0' && s[need] <= '9') || s[need] == ';' || s[need] == ':'))
			return s[need] == 'm' ? need + 1 : 1;
	return 0;
}

static void unit_add(struct buf *out, const char *s, size_t len)
{
	if (!DEFENCE("terminal-filter") || *s == '\n' || *s == '\t' || (*s == ESC && len > 1))
		buf_add(out, s, len);
	else
		text_harmless(out, s, len);
}

/* Plain ASCII, which is nearly all there is. */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len &&
	        (((unsigned char)s[n] >= ' ' && (unsigned char)s[n] < 127) || s[n] == '\n' || s[n] == '\t'))
		n++;
	return n;
}

/* The bytes consumed; the rest is an unfinished unit. Rule R5; test: test_logs.c, test_harmless. */
static size_t filter(struct buf *out, const char *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = plain_run(s + at, len - at);

		buf_add(out, s + at, n);
		at += n;
		if (at == len)
			break;
		n = unit_length((const unsigned char *)s + at, len - at);
		if (!n)
			break;
		/* A carriage return before the newline is how a terminal's lines end. */
		if (!(s[at] == '\r' && at + 1 < len && s[at + 1] == '\n'))
			unit_add(out, s + at, n);
		at += n;
	}
	return at;
}

static void held_drop(struct terminal_filter *f, size_t n)
{
	f->n -= n;
	memmove(f->held, f->held + n, f->n);
}

void terminal_filter_add(struct terminal_filter *f, struct buf *out, const char *data, size_t len)
{
	size_t used;

	/* What was held, byte by byte until it is decided. */
	for (; f->n && len; len--) {
		f->held[f->n++] = *data++;
		held_drop(f, filter(out, f->held, f->n));
		while (f->n == sizeof(f->held)) {
			text_harmless(out, f->held, 1); /* longer than any colour */
			held_drop(f, 1);
			held_drop(f, filter(out, f->held, f->n));
		}
	}
	while (len) {
		used = filter(out, data, len);
		data += used;
		len -= used;
		if (len < sizeof(f->held))
			break;
		text_harmless(out, data++, 1);
		len--;
	}
	if (len) {
		memcpy(f->held, data, len);
		f->n = len;
	}
}

void terminal_filter_end(struct terminal_filter *f, struct buf *out)
{
	text_harmless(out, f->held, f->n);
	f->n = 0;
}
