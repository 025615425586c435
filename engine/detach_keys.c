#include "engine/detach_keys.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"

/* One key: a character, "ctrl-X", or "DEL". -1 when it is none. */
static int key_parse(const char *word, size_t len)
{
	static const char controls[] = "@abcdefghijklmnopqrstuvwxyz[\\]^_";
	const char *at;
	char c;

	if (len == 1 && (unsigned char)*word >= ' ' && *word != 127)
		return (unsigned char)*word;
	if (len == 3 && !memcmp(word, "DEL", 3))
		return 127;
	if (len != 6 || strncasecmp(word, "ctrl-", 5))
		return -1;
	c = word[5] >= 'A' && word[5] <= 'Z' ? (char)(word[5] - 'A' + 'a') : word[5];
	at = memchr(controls, c, sizeof(controls) - 1);
	return at ? (int)(at - controls) : -1;
}

int detach_keys_parse(struct detach_keys *d, const char *text, struct err *e)
{
	*d = (struct detach_keys){0};
	if (!text)
		text = DETACH_KEYS_DEFAULT;
	while (*text) {
		/* A comma alone ("a,,,b") is a key, too: it is what stands where a key must stand. */
		size_t len = *text == ',' ? 1 : strcspn(text, ",");
		int key = key_parse(text, len);

		if (key < 0)
			return err_set(e, ERR_USAGE,
			        "bad detach key '%.*s': want a character or ctrl- and one of a-z @ [ \\ ] ^ "
			        "_, "
			        "as in --detach-keys ctrl-p,ctrl-q",
			        (int)(len > 64 ? 64 : len), text);
		if (d->n == DETACH_KEYS_MAX)
			return err_set(e, ERR_USAGE, "more than %d detach keys", DETACH_KEYS_MAX);
		d->keys[d->n++] = (unsigned char)key;
		text += len;
		if (!*text)
			return 0;
		if (*text != ',' || !text[1])
			return err_set(e, ERR_USAGE,
			        "bad detach keys: want keys with commas between them, as in ctrl-p,ctrl-q");
		text++;
	}
	return 0;
}

/* The held keys and one more byte: give up bytes from the front until the rest starts the sequence again. */
static bool feed_byte(struct detach_keys *d, unsigned char byte, char *out, size_t *out_len)
{
	unsigned char seen[DETACH_KEYS_MAX + 1];
	size_t n = d->held, from = 0;

	memcpy(seen, d->keys, n);
	seen[n++] = byte;
	while (from < n && memcmp(seen + from, d->keys, n - from))
		out[(*out_len)++] = (char)seen[from++];
	d->held = n - from;
	return d->held == d->n;
}

bool detach_keys_feed(struct detach_keys *d, const char *in, size_t len, char *out, size_t *out_len)
{
	*out_len = 0;
	if (!d->n) {
		memcpy(out, in, len);
		*out_len = len;
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (feed_byte(d, (unsigned char)in[i], out, out_len)) {
			d->held = 0;
			return true;
		}
	}
	return false;
}

size_t detach_keys_flush(struct detach_keys *d, char *out)
{
	size_t n = d->held;

	memcpy(out, d->keys, n);
	d->held = 0;
	return n;
}
