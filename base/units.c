/* Units: numbers, sizes and durations. Integer arithmetic throughout: a locale with a decimal comma
 * must not change what a flag means or what a table shows. Points in time are in time.c. */
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define NANO       INT64_C(1000000000)
#define MAX_DIGITS 18 /* of a fraction: what fits into 63 bits */

typedef unsigned __int128 wide_uint;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number at *p, as whole + numerator / denominator; false when there is none or it is past 64 bits.
 */
struct decimal {
	uint64_t whole, numerator, denominator;
	unsigned fraction_digits;
};

static bool decimal_scan(const char **p, struct decimal *d)
{
	const char *s = *p;
	bool any = is_digit(*s);

	*d = (struct decimal){.denominator = 1};
	for (; is_digit(*s); s++) {
		if (__builtin_mul_overflow(d->whole, 10, &d->whole) ||
		        __builtin_add_overflow(d->whole, (uint64_t)(*s - '0'), &d->whole))
			return false;
	}
	if (*s == '.' && is_digit(s[1])) {
		any = true;
		for (s++; is_digit(*s); s++) {
			/* Digits past what any unit can show only have to be digits. */
			if (d->fraction_digits++ >= MAX_DIGITS)
				continue;
			d->numerator = d->numerator * 10 + (uint64_t)(*s - '0');
			d->denominator *= 10;
		}
	}
	*p = s;
	return any;
}

/* The number times `unit`, rounded down; false past INT64_MAX. */
static bool decimal_scale(const struct decimal *d, uint64_t unit, int64_t *v)
{
	wide_uint n = (wide_uint)d->whole * unit + (wide_uint)d->numerator * unit / d->denominator;

	if (n > INT64_MAX)
		return false;
	*v = (int64_t)n;
	return true;
}

static int size_error(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE,
	        "invalid size \"%s\": use a number and b, k, m, g, t or p, such as 64m or 1.5g", text);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* The power of 1024 that a suffix (k, kb, kib; b or nothing) means, or -1. */
static int size_shift(const char *s)
{
	static const char units[] = "kmgtp";
	const char *unit;

	if (*s == ' ')
		s++;
	if (!*s || (lower(*s) == 'b' && !s[1]))
		return 0;
	unit = strchr(units, lower(*s++));
	if (!unit)
		return -1;
	if (lower(*s) == 'i' && lower(s[1]) == 'b')
		s++;
	if (lower(*s) == 'b')
		s++;
	return *s ? -1 : 10 * (int)(unit - units + 1);
}

int size_parse(const char *text, uint64_t *bytes, struct err *e)
{
	const char *p = text;
	struct decimal d;
	int64_t v;
	int shift;

	if (!is_digit(*p) || !decimal_scan(&p, &d))
		return size_error(text, e);
	shift = size_shift(p);
	if (shift < 0 || (shift == 0 && d.fraction_digits))
		return size_error(text, e);
	if (!decimal_scale(&d, UINT64_C(1) << shift, &v))
		return err_set(e, ERR_USAGE, "invalid size \"%s\": more than 8191p bytes", text);
	*bytes = (uint64_t)v;
	return 0;
}

int size_parse_unlimited(const char *text, int64_t *bytes, struct err *e)
{
	uint64_t v;

	if (!strcmp(text, "-1")) {
		*bytes = INT64_MAX;
		return 0;
	}
	if (size_parse(text, &v, e) < 0)
		return -1;
	*bytes = (int64_t)v;
	return 0;
}

/* The unit at *p in nanoseconds, 0 when there is none. */
static uint64_t duration_unit(const char **p)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
	        /* Longer names before their prefixes. */
	        {"ns", 1},
	        {"us", 1000},
	        {"\xc2\xb5s", 1000}, /* micro sign */
	        {"\xce\xbcs", 1000}, /* Greek mu */
	        {"ms", 1000000},
	        {"s", NANO},
	        {"m", 60 * NANO},
	        {"h", 3600 * NANO},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t len = strlen(units[i].name);
		if (!strncmp(*p, units[i].name, len)) {
			*p += len;
			return units[i].ns;
		}
	}
	return 0;
}

int duration_parse(const char *text, int64_t *ns, struct err *e)
{
	const char *p = text;
	int64_t sum = 0, part;
	struct decimal d;
	uint64_t unit;

	do {
		const char *number = p;
		bool ok = decimal_scan(&p, &d);
		unit = ok ? duration_unit(&p) : 0;
		/* Only a number that is the whole text may do without a unit. */
		if (ok && !unit && number == text && !*p)
			unit = NANO;
		if (!unit)
			return err_set(e, ERR_USAGE,
			        "invalid duration \"%s\": use seconds, or numbers with h, m, s, ms, such as "
			        "1h30m or 500ms",
			        text);
		if (!decimal_scale(&d, unit, &part) || __builtin_add_overflow(sum, part, &sum))
			return err_set(e, ERR_USAGE, "invalid duration \"%s\": more than 292 years", text);
	} while (*p);
	*ns = sum;
	return 0;
}

int int_parse(const char *text, int64_t min, int64_t max, const char *what, int64_t *v, struct err *e)
{
	const char *p = text + (*text == '-');
	int64_t n = 0;
	bool ok = is_digit(*p);

	for (; ok && is_digit(*p); p++) {
		/* Counted downwards, because INT64_MIN has no positive twin. */
		ok = !__builtin_mul_overflow(n, 10, &n) && !__builtin_sub_overflow(n, *p - '0', &n);
	}
	ok = ok && !*p;
	if (ok && *text != '-')
		ok = !__builtin_sub_overflow(0, n, &n);
	if (!ok || n < min || n > max)
		return err_set(e, ERR_USAGE,
		        "invalid %s \"%s\": use a whole number from %" PRId64 " to %" PRId64, what, text, min,
		        max);
	*v = n;
	return 0;
}

int decimal_parse(const char *text, double min, double max, const char *what, int64_t *nano, struct err *e)
{
	bool negative = *text == '-';
	const char *p = text + negative;
	struct decimal d;
	int64_t v = 0;
	double value;
	bool ok = decimal_scan(&p, &d) && !*p && d.fraction_digits <= 9 && decimal_scale(&d, NANO, &v);

	v = negative ? -v : v;
	value = (double)v / (double)NANO;
	if (!ok || value < min || value > max)
		return err_set(e, ERR_USAGE, "invalid %s \"%s\": use a number from %g to %g, such as %g",
		        what, text, min, max, min <= 1.5 && max >= 1.5 ? 1.5 : max);
	*nano = v;
	return 0;
}

/* `bytes` / `unit` rounded to `digits` significant digits like printf's %g: ties to even, no trailing zeros.
 * Writes nothing and returns false when rounding reaches `ceiling`. */
static bool ratio_format(
        uint64_t bytes, uint64_t unit, unsigned digits, uint64_t ceiling, char *dst, size_t size)
{
	uint64_t whole = bytes / unit, scale = 1;
	unsigned places = digits - 1;
	wide_uint scaled, twice;
	uint64_t q;

	for (uint64_t w = whole; w >= 10 && places; w /= 10)
		places--;
	for (unsigned i = 0; i < places; i++)
		scale *= 10;
	scaled = (wide_uint)bytes * scale;
	q = (uint64_t)(scaled / unit);
	twice = scaled % unit * 2;
	if (twice > unit || (twice == unit && q % 2))
		q++;
	if (q / scale >= ceiling)
		return false;
	for (; places && q % 10 == 0; places--) {
		q /= 10;
		scale /= 10;
	}
	/* Masked for the compiler: at most four digits means at most three places. */
	if (places)
		snprintf(dst, size, "%u.%0*u", (unsigned)(q / scale), (int)(places & 3),
		        (unsigned)(q % scale) % 1000);
	else
		snprintf(dst, size, "%" PRIu64, q);
	return true;
}

static char *size_format(
        uint64_t bytes, uint64_t base, unsigned digits, const char *const names[7], char dst[SIZE_TEXT_SIZE])
{
	/* The binary style of Docker shows 1023.9996KiB as 1024KiB; the decimal one must not say 1000kB. */
	uint64_t unit = 1, ceiling = base == 1000 ? base : UINT64_MAX;
	size_t i = 0;

	while (i < 6 && bytes / unit >= base) {
		unit *= base;
		i++;
	}
	if (!ratio_format(bytes, unit, digits, i < 6 ? ceiling : UINT64_MAX, dst, SIZE_TEXT_SIZE)) {
		snprintf(dst, SIZE_TEXT_SIZE, "1");
		i++;
	}
	strcat(dst, names[i]);
	return dst;
}

char *size_format_binary(uint64_t bytes, char dst[SIZE_TEXT_SIZE])
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

	return size_format(bytes, 1024, 4, names, dst);
}

char *size_format_decimal(uint64_t bytes, char dst[SIZE_TEXT_SIZE])
{
	static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

	return size_format(bytes, 1000, 3, names, dst);
}

char *duration_words(int64_t ns, char dst[AGO_TEXT_SIZE])
{
	int64_t seconds = ns > 0 ? ns / NANO : 0, minutes = seconds / 60;
	int64_t hours = (seconds + 1800) / 3600; /* rounded, as Docker does */
	static const struct {
		int64_t below, hours;
		const char *name;
	} words[] = {
	        {48, 1, "hours"},
	        {24 * 7 * 2, 24, "days"},
	        {24 * 30 * 2, 24 * 7, "weeks"},
	        {24 * 365 * 2, 24 * 30, "months"},
	        {INT64_MAX, 24 * 365, "years"},
	};
	size_t i = 0;

	if (seconds < 1)
		snprintf(dst, AGO_TEXT_SIZE, "Less than a second");
	else if (seconds < 60)
		snprintf(dst, AGO_TEXT_SIZE, "%" PRId64 " second%s", seconds, seconds == 1 ? "" : "s");
	else if (minutes < 60)
		snprintf(
		        dst, AGO_TEXT_SIZE, minutes == 1 ? "About a minute" : "%" PRId64 " minutes", minutes);
	else if (hours == 1)
		snprintf(dst, AGO_TEXT_SIZE, "About an hour");
	else {
		while (hours >= words[i].below)
			i++;
		snprintf(dst, AGO_TEXT_SIZE, "%" PRId64 " %s", hours / words[i].hours, words[i].name);
	}
	return dst;
}
