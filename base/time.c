/* Points in time as people write them: the part of units.h that knows the calendar. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/units.h"

#define NANO        INT64_C(1000000000)
#define DAY_SECONDS 86400

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that the leap day
 * is the last one (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t era;
	unsigned year_of_era, day_of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year_of_era = (unsigned)(year - era * 400);
	day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 +
	       (int64_t)(year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year) - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t era;
	unsigned doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = (unsigned)(days - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month];
}

/* Exactly n digits at *p. */
static bool take_digits(const char **p, unsigned n, unsigned *v)
{
	*v = 0;
	for (unsigned i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*v = *v * 10 + (unsigned)(**p - '0');
	}
	return true;
}

static bool take(const char **p, char c)
{
	bool here = **p == c;

	*p += here;
	return here;
}

/* ".5" at *p as nanoseconds; digits past the ninth are dropped. */
static bool take_fraction(const char **p, int64_t *ns)
{
	int64_t unit = NANO / 10;

	*ns = 0;
	if (!take(p, '.'))
		return true;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*ns += unit * (**p - '0');
	return true;
}

struct moment {
	unsigned year, month, day, hour, minute, second;
	int64_t ns;
	int offset; /* seconds east of Greenwich */
	bool local; /* no offset was given */
};

static bool take_clock(const char **p, struct moment *m)
{
	if (!take_digits(p, 2, &m->hour) || !take(p, ':') || !take_digits(p, 2, &m->minute))
		return false;
	if (take(p, ':') && (!take_digits(p, 2, &m->second) || !take_fraction(p, &m->ns)))
		return false;
	return m->hour < 24 && m->minute < 60 && m->second < 60;
}

static bool take_offset(const char **p, struct moment *m)
{
	unsigned hours, minutes;
	int sign = **p == '-' ? -1 : 1;

	if (take(p, 'Z') || take(p, 'z'))
		return true;
	if (!take(p, '+') && !take(p, '-')) {
		m->local = true;
		return true;
	}
	if (!take_digits(p, 2, &hours) || !take(p, ':') || !take_digits(p, 2, &minutes))
		return false;
	m->offset = sign * (int)(hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

/* RFC 3339, section 5.6; the clock and the offset may be missing. */
static bool moment_scan(const char *text, struct moment *m)
{
	const char *p = text;

	*m = (struct moment){0};
	if (!take_digits(&p, 4, &m->year) || !take(&p, '-') || !take_digits(&p, 2, &m->month) ||
	        !take(&p, '-') || !take_digits(&p, 2, &m->day))
		return false;
	if (m->month < 1 || m->month > 12 || m->day < 1 || m->day > days_in_month(m->year, m->month))
		return false;
	if ((take(&p, 'T') || take(&p, 't') || take(&p, ' ')) && !take_clock(&p, m))
		return false;
	return take_offset(&p, m) && !*p;
}

static bool moment_seconds(const struct moment *m, int64_t *seconds)
{
	struct tm tm = {
	        .tm_year = (int)m->year - 1900,
	        .tm_mon = (int)m->month - 1,
	        .tm_mday = (int)m->day,
	        .tm_hour = (int)m->hour,
	        .tm_min = (int)m->minute,
	        .tm_sec = (int)m->second,
	        .tm_isdst = -1,
	};

	if (m->local) {
		errno = 0;
		*seconds = mktime(&tm);
		return *seconds != -1 || !errno;
	}
	*seconds = days_from_civil(m->year, m->month, m->day) * DAY_SECONDS + m->hour * 3600 +
	           m->minute * 60 + m->second - m->offset;
	return true;
}

/* "1767225600" or "1767225600.5", and nothing else. */
static bool unix_scan(const char *text, int64_t *seconds, int64_t *ns)
{
	const char *p = text;

	*seconds = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(*seconds, 10, seconds) ||
		        __builtin_add_overflow(*seconds, *p - '0', seconds))
			return false;
	return p > text && take_fraction(&p, ns) && !*p;
}

/* "12:30" or "12:30:15": the last time that the local clock showed it. */
static bool clock_scan(const char *text, int64_t now_ns, int64_t *ns)
{
	unsigned hour, minute, second = 0;
	int end = -1;
	time_t now = (time_t)(now_ns / NANO);
	struct tm tm;

	if (sscanf(text, "%2u:%2u%n", &hour, &minute, &end) != 2 || hour > 23 || minute > 59)
		return false;
	if (text[end] == ':') {
		int more = -1;
		if (sscanf(text + end, ":%2u%n", &second, &more) != 1 || second > 59)
			return false;
		end += more;
	}
	if (text[end] || strspn(text, "0123456789:") != (size_t)end || !localtime_r(&now, &tm))
		return false;
	tm.tm_hour = (int)hour;
	tm.tm_min = (int)minute;
	tm.tm_sec = (int)second;
	tm.tm_isdst = -1;
	time_t at = mktime(&tm);
	if (at > now) {
		tm.tm_mday--;
		at = mktime(&tm);
	}
	*ns = (int64_t)at * NANO;
	return true;
}

static int time_error(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE,
	        "invalid time \"%s\": use 2026-01-31T10:00:00Z, 2026-01-31, 10:30, Unix seconds, or a "
	        "duration such as 10m",
	        text);
}

int time_parse(const char *text, int64_t now_ns, int64_t *ns, struct err *e)
{
	int64_t seconds, fraction, ago;
	struct moment m;

	if (clock_scan(text, now_ns, ns))
		return 0;
	if (moment_scan(text, &m)) {
		if (!moment_seconds(&m, &seconds))
			return time_error(text, e);
		fraction = m.ns;
	} else if (!unix_scan(text, &seconds, &fraction)) {
		if (duration_parse(text, &ago, NULL) < 0 || __builtin_sub_overflow(now_ns, ago, ns))
			return time_error(text, e);
		return 0;
	}
	if (__builtin_mul_overflow(seconds, NANO, ns) || __builtin_add_overflow(*ns, fraction, ns))
		return time_error(text, e);
	return 0;
}

char *time_format(int64_t ns, char dst[TIME_TEXT_SIZE])
{
	int64_t seconds = ns / NANO, days, year;
	int64_t fraction = ns % NANO, rest;
	unsigned month, day;
	char text[2 * TIME_TEXT_SIZE] = "";

	if (fraction < 0) {
		fraction += NANO;
		seconds--;
	}
	days = seconds / DAY_SECONDS;
	rest = seconds % DAY_SECONDS;
	if (rest < 0) {
		rest += DAY_SECONDS;
		days--;
	}
	civil_from_days(days, &year, &month, &day);
	/* The year is 1677 to 2262, which the compiler can't see: hence room for any integers. */
	snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ", (int)year, month, day,
	        (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), (int)fraction);
	memcpy(dst, text, TIME_TEXT_SIZE - 1);
	dst[TIME_TEXT_SIZE - 1] = '\0';
	return dst;
}
