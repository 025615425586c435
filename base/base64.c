#include "base/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char common_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void add(struct buf *b, const char *digits, bool pads, const unsigned char *in, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
		             (left > 2 ? in[i + 2] : 0);
		char group[] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
		        left > 2 ? digits[v & 63] : '='};

		buf_add(b, group, pads || left > 2 ? 4 : left + 1);
	}
}

void base64_add(struct buf *b, const void *data, size_t len)
{
	add(b, common_digits, true, data, len);
}

void base64url_add(struct buf *b, const void *data, size_t len)
{
	add(b, url_digits, false, data, len);
}

static ssize_t decode(const char *digits, bool strict, const char *text, size_t len, unsigned char *out)
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
	return bits >= 6 || (strict && v) ? -1 : (ssize_t)n;
}

static size_t without_padding(const char *text, size_t len)
{
	for (int i = 0; i < 2 && len && text[len - 1] == '='; i++)
		len--;
	return len;
}

ssize_t base64_decode(const char *text, size_t len, void *dst)
{
	return len % 4 ? -1 : decode(common_digits, true, text, without_padding(text, len), dst);
}

ssize_t base64_decode_lax(const char *text, size_t len, void *dst)
{
	return decode(common_digits, false, text, without_padding(text, len), dst);
}

ssize_t base64url_decode(const char *text, size_t len, void *dst)
{
	return decode(url_digits, true, text, len, dst);
}
