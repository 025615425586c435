/* Fuzz target: whatever the terminal sends, in whatever pieces. Events are in their ranges, and the same
 * bytes in one piece give the same keys as byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tui/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct input_event *ev)
{
	struct key again;
	char text[KEY_TEXT_SIZE];

	if (ev->kind == INPUT_KEY) {
		key_format(ev->key, text);
		if (strlen(text) >= KEY_TEXT_SIZE)
			abort();
		if (ev->key.code < 0x7f &&
		        (!key_parse(text, strlen(text), &again) || !key_equal(again, ev->key)))
			abort();
	} else if (ev->kind == INPUT_MOUSE) {
		if (ev->mouse.y < 0 || ev->mouse.x < 0 || ev->mouse.button < 0 || ev->mouse.button > 3)
			abort();
	} else if (ev->kind == INPUT_PASTE) {
		if (ev->len > 1 << 20 || ev->text[ev->len] != 0)
			abort();
	}
}

/* A sum over all that came out, so that two ways of feeding can be compared. */
static uint64_t run(const uint8_t *data, size_t size, size_t piece)
{
	struct input *in = input_new();
	struct input_event ev;
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i += piece) {
		input_feed(in, (const char *)data + i, size - i < piece ? size - i : piece, 0);
		while (input_next(in, &ev)) {
			check(&ev);
			sum = sum * 31 + (uint64_t)ev.kind * 7 + ev.key.code + ev.key.mods + ev.len;
		}
	}
	for (int tries = 0; input_timeout(in, 0) >= 0 && tries < 3; tries++) {
		input_expire(in);
		while (input_next(in, &ev)) {
			check(&ev);
			sum = sum * 31 + (uint64_t)ev.kind * 7 + ev.key.code + ev.key.mods + ev.len;
		}
	}
	if (input_timeout(in, 0) >= 0)
		abort();
	input_free(in);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (run(data, size, size ? size : 1) != run(data, size, 1) ||
	        run(data, size, 1) != run(data, size, 3))
		abort();
	return 0;
}
