/* base64, both alphabets: strict, since what comes is compared. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "registry/server/token.h"

static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char common_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64url_encode(const void *data, size_t len)
{
	const unsigned char *in = data;
	char *out = malloc(len / 3 * 4 + 5), *p = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
		             (left > 2 ? in[i + 2] : 0);

		*p++ = url_digits[v >> 18];
		*p++ = url_digits[v >> 12 & 63];
		if (left > 1)
			*p++ = url_digits[v >> 6 & 63];
		if (left > 2)
			*p++ = url_digits[v & 63];
	}
	*p = '\0';
	return out;
}

static ssize_t decode(const char *digits, const char *text, size_t len, unsigned char *out)
{
	uint32_t v = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *d = text[i] ? strchr(digits, text[i]) : NULL;

		if (!d)
			return -1;
		v = v << 6 | (uint32_t)(d - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (unsigned char)(v >> bits);
			v &= (1u << bits) - 1;
		}
	}
	/* one character alone, or bits that no byte has */
	return bits >= 6 || v ? -1 : (ssize_t)n;
}

ssize_t base64url_decode(const char *text, size_t len, void *dst)
{
	return decode(url_digits, text, len, dst);
}

ssize_t base64_decode(const char *text, size_t len, void *dst)
{
	if (len % 4)
		return -1;
	for (int i = 0; i < 2 && len && text[len - 1] == '='; i++)
		len--;
	return decode(common_digits, text, len, dst);
}
