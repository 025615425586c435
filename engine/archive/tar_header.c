#include "engine/archive/tar_header.h"

/* Base 256: big-endian two's complement; the first bit only marks the form. */
static bool binary(const unsigned char *field, size_t len, int64_t *value)
{
	bool negative = field[0] & 0x40;
	uint64_t v = negative ? UINT64_MAX : 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = field[i];
		if (i == 0)
			c = negative ? c | 0x80 : c & 0x7f;
		if ((v >> 55) != (negative ? 0x1ff : 0)) /* nine bits: the byte shifted out and the sign */
			return false;
		v = v << 8 | c;
	}
	*value = (int64_t)v;
	return true;
}

bool tar_signed(const unsigned char *field, size_t len, int64_t *value)
{
	if (field[0] & 0x80)
		return binary(field, len, value);
	size_t i = 0;
	uint64_t v = 0;
	while (i < len && field[i] == ' ')
		i++;
	bool negative = i < len && field[i] == '-';
	i += negative;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
		if (v >> 60)
			return false;
		v = v << 3 | (uint64_t)(field[i] - '0');
	}
	if (i < len && field[i] != ' ' && field[i] != '\0')
		return false;
	*value = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool tar_number(const unsigned char *field, size_t len, uint64_t *value)
{
	int64_t v;
	if (!tar_signed(field, len, &v) || v < 0)
		return false;
	*value = (uint64_t)v;
	return true;
}

/* The checksum counts its own field as spaces. */
bool tar_checksum_ok(const unsigned char *h)
{
	uint64_t want;
	unsigned sum = 8 * ' ';
	int old = 8 * ' '; /* old writers summed signed bytes */
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
		sum += h[i];
		old += (signed char)h[i];
	}
	for (size_t i = TAR_AT_CHECKSUM; i < TAR_AT_CHECKSUM + 8; i++) {
		sum -= h[i];
		old -= (signed char)h[i];
	}
	return tar_number(h + TAR_AT_CHECKSUM, 8, &want) &&
	       (want == sum || (old >= 0 && want == (unsigned)old));
}

bool tar_block_empty(const unsigned char *block)
{
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		if (block[i])
			return false;
	return true;
}
