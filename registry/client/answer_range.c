#include "registry/client/answer_range.h"

#include <ctype.h>
#include <stddef.h>
#include <strings.h>

static bool number(const char **p, uint64_t *n)
{
	if (!isdigit((unsigned char)**p))
		return false;
	for (*n = 0; isdigit((unsigned char)**p); (*p)++) {
		unsigned digit = (unsigned)(**p - '0');
		if (*n > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		*n = *n * 10 + digit;
	}
	return true;
}

static bool skip(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

bool answer_range_parse(const char *header, struct answer_range *r)
{
	const char *p = header;

	if (!p || strncasecmp(p, "bytes ", 6) != 0)
		return false;
	p += 6;
	if (!number(&p, &r->first) || !skip(&p, '-') || !number(&p, &r->last) || !skip(&p, '/'))
		return false;
	if (skip(&p, '*'))
		r->total = UINT64_MAX;
	else if (!number(&p, &r->total))
		return false;
	return !*p && r->first <= r->last && r->last < r->total;
}
