/* What a container printed, made harmless for a terminal (rule R5): printable text, tab, newline and colours
 * (SGR sequences) pass; every other control, among them titles, clipboard and cursor tricks (OSC, DCS, CSI),
 * becomes U+FFFD. Sequences and characters may be cut anywhere between two calls. */
#ifndef TARE_TERMINAL_FILTER_H
#define TARE_TERMINAL_FILTER_H

#include <stddef.h>

struct buf;

struct terminal_filter {
	char held[32]; /* the start of a sequence or character whose end has not come yet */
	size_t n;
};

void terminal_filter_add(struct terminal_filter *f, struct buf *out, const char *data, size_t len);
/* Nothing more comes: what is held is let go, made harmless. */
void terminal_filter_end(struct terminal_filter *f, struct buf *out);

#endif
