#include "engine/monitor/decimal.h"

char *decimal_write(char *dst, int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char tmp[DECIMAL_SIZE];
	unsigned n = 0;

	if (v < 0)
		*dst++ = '-';
	do
		tmp[n++] = (char)('0' + u % 10);
	while (u /= 10);
	while (n)
		*dst++ = tmp[--n];
	*dst = '\0';
	return dst;
}

char *decimal_pad(char *dst, uint64_t v, unsigned width)
{
	for (unsigned i = width; i; i--, v /= 10)
		dst[i - 1] = (char)('0' + v % 10);
	return dst + width;
}

bool decimal_read(const char **p, int64_t *v)
{
	const char *s = *p;
	bool negative = *s == '-';
	int64_t n = 0;

	s += negative;
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, *s - '0', &n))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, n, &n))
		return false;
	*v = n;
	*p = s;
	return true;
}
