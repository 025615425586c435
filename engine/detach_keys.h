/* Detach keys: the sequence that leaves a container running and the caller's terminal free. */
#ifndef TARE_DETACH_KEYS_H
#define TARE_DETACH_KEYS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"
#define DETACH_KEYS_MAX     16

struct detach_keys {
	unsigned char keys[DETACH_KEYS_MAX];
	size_t n;    /* 0 = off */
	size_t held; /* keys seen so far; they are held back until the sequence is broken */
};

/* "ctrl-p,ctrl-q", "ctrl-\\", "a,b", "DEL"; "" is off, NULL the default. */
int detach_keys_parse(struct detach_keys *d, const char *text, struct err *e);
/* What of `in` goes on to the container, into out (room for len + DETACH_KEYS_MAX); *out_len bytes of it.
 * True: the sequence is complete, the rest of `in` is dropped. */
bool detach_keys_feed(struct detach_keys *d, const char *in, size_t len, char *out, size_t *out_len);
/* At the end of the input: what was held back, into out (DETACH_KEYS_MAX bytes); the number. */
size_t detach_keys_flush(struct detach_keys *d, char *out);

#endif
