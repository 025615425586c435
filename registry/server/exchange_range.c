#include "registry/server/exchange_range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *p, which moves behind them; more than 64 bits hold is the highest number. */
static bool number(const char **p, uint64_t *value)
{
	if (!is_digit(**p))
		return false;
	for (*value = 0; is_digit(**p); (*p)++) {
		unsigned digit = (unsigned)(**p - '0');
		*value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
	}
	return true;
}

static enum range suffix(uint64_t length, uint64_t size, uint64_t *first, uint64_t *last)
{
	if (length == 0 || size == 0)
		return RANGE_UNSATISFIABLE;
	*first = length < size ? size - length : 0;
	*last = size - 1;
	return RANGE_PART;
}

enum range range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *last)
{
	const char *p = header;
	uint64_t length;
	if (!p || strncasecmp(p, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	p += 6;
	if (*p == '-') {
		p++;
		return number(&p, &length) && !*p ? suffix(length, size, first, last) : RANGE_WHOLE;
	}
	if (!number(&p, first) || *p++ != '-')
		return RANGE_WHOLE;
	*last = UINT64_MAX;
	if (*p && !number(&p, last))
		return RANGE_WHOLE;
	if (*p)
		return RANGE_WHOLE;
	if (*first >= size || *last < *first)
		return RANGE_UNSATISFIABLE;
	if (*last >= size)
		*last = size - 1;
	return RANGE_PART;
}

int content_range_parse(const char *header, uint64_t *first, uint64_t *last)
{
	const char *p = header;
	if (!number(&p, first) || *p++ != '-' || !number(&p, last) || *p || *last < *first ||
	        *last == UINT64_MAX)
		return -1;
	return 0;
}
