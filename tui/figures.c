/* Figures: see figures.h. The width of each form is kept by rounding before the unit is chosen. */
#include <math.h>
#include <stdio.h>

#include "tui/figures.h"

#define SECOND INT64_C(1000000000)

static char *unknown(int width, char dst[FIGURE_SIZE])
{
	snprintf(dst, FIGURE_SIZE, "%*s", width, "-");
	return dst;
}

/* Four columns and a unit; the units go up where three digits would not be enough any more. */
static char *scaled(double v, double base, const char *units, char dst[FIGURE_SIZE])
{
	while (v >= 999.5 && units[1]) {
		v /= base;
		units++;
	}
	if (v >= 999.5)
		v = 999;
	if (v < 99.95)
		snprintf(dst, FIGURE_SIZE, "%4.1f%c", v, *units);
	else
		snprintf(dst, FIGURE_SIZE, "%4.0f%c", v, *units);
	return dst;
}

char *figure_size(double bytes, char dst[FIGURE_SIZE])
{
	if (!(bytes >= 0))
		return unknown(FIGURE_BYTES_WIDTH, dst);
	if (bytes < 999.5) {
		snprintf(dst, FIGURE_SIZE, "%4.0fB", bytes);
		return dst;
	}
	return scaled(bytes / 1024, 1024, "KMGTPE", dst);
}

char *figure_bytes(uint64_t bytes, char dst[FIGURE_SIZE])
{
	return figure_size(bytes == UINT64_MAX ? NAN : (double)bytes, dst);
}

char *figure_percent(double percent, char dst[FIGURE_SIZE])
{
	if (!(percent >= 0))
		return unknown(FIGURE_PERCENT_WIDTH, dst);
	if (percent < 999.95)
		snprintf(dst, FIGURE_SIZE, "%5.1f", percent);
	else
		snprintf(dst, FIGURE_SIZE, "%5.0f", percent < 99999 ? percent : 99999);
	return dst;
}

char *figure_rate(double bytes_per_second, char dst[FIGURE_SIZE])
{
	if (!(bytes_per_second >= 0))
		return unknown(FIGURE_RATE_WIDTH, dst);
	figure_size(bytes_per_second, dst);
	snprintf(dst + FIGURE_BYTES_WIDTH, FIGURE_SIZE - FIGURE_BYTES_WIDTH, "/s");
	return dst;
}

char *figure_count(uint64_t n, char dst[FIGURE_SIZE])
{
	if (n == UINT64_MAX)
		return unknown(FIGURE_COUNT_WIDTH, dst);
	if (n < 100000) {
		snprintf(dst, FIGURE_SIZE, "%5u", (unsigned)n);
		return dst;
	}
	return scaled((double)n / 1000, 1000, "kMGTPE", dst);
}

char *figure_age(int64_t ns, char dst[FIGURE_SIZE])
{
	static const struct {
		int64_t below, unit;
		char letter;
	} steps[] = {
	        {60, 1, 's'},
	        {3600, 60, 'm'},
	        {86400, 3600, 'h'},
	        {INT64_C(86400) * 1000, 86400, 'd'},
	        {INT64_MAX, INT64_C(86400) * 365, 'y'},
	};
	int64_t s = ns / SECOND;
	unsigned i = 0;

	if (ns < 0)
		return unknown(FIGURE_AGE_WIDTH, dst);
	while (s >= steps[i].below)
		i++;
	snprintf(dst, FIGURE_SIZE, "%3d%c", (int)(s / steps[i].unit % 1000), steps[i].letter);
	return dst;
}

char *figure_duration(int64_t ns, char dst[FIGURE_SIZE])
{
	int64_t s = ns / SECOND;
	unsigned minutes = (unsigned)(s / 60 % 60), seconds = (unsigned)(s % 60);

	if (ns < 0)
		return unknown(FIGURE_DURATION_WIDTH, dst);
	if (s < 3600)
		snprintf(dst, FIGURE_SIZE, "%2u:%02u.%02u", minutes, seconds,
		        (unsigned)(ns % SECOND / 10000000));
	else if (s < 360000)
		snprintf(dst, FIGURE_SIZE, "%2u:%02u:%02u", (unsigned)(s / 3600), minutes, seconds);
	else
		snprintf(dst, FIGURE_SIZE, "%3uh %02um", (unsigned)(s / 3600 % 1000), minutes);
	return dst;
}
