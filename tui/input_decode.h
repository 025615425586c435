/* One unit of what a terminal sends. Private to input*.c. */
#ifndef TARE_TUI_INPUT_DECODE_H
#define TARE_TUI_INPUT_DECODE_H

#include "tui/input.h"

enum decoded {
	DECODED_MORE,        /* the unit is not complete */
	DECODED_NOTHING,     /* complete, but nothing that is told */
	DECODED_EVENT,       /* *ev */
	DECODED_PASTE_START, /* what follows is pasted */
	DECODED_STRING,      /* the start of a reply that ends with ST */
};

/* Decode the unit at s (len > 0). *used: its bytes; 0 with DECODED_MORE. With `decide` no more will come: an
 * ESC alone is the key, and what else is incomplete is dropped. */
enum decoded input_decode(const char *s, size_t len, bool decide, struct input_event *ev, size_t *used);

/* ^I is Tab, S-a is A, and so on, as input.h says. */
struct key key_normal(struct key k);

#endif
