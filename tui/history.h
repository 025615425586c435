/* The past of one container: a value a second for five minutes and one per ten seconds for an hour, per
 * metric, two bytes each (a 16-bit float of about three digits), so that an hour of a thousand containers
 * fits in memory. */
#ifndef TARE_TUI_HISTORY_H
#define TARE_TUI_HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum metric {
	METRIC_CPU,       /* cores */
	METRIC_THROTTLED, /* share of time, 0..1 */
	METRIC_MEMORY,    /* bytes */
	METRIC_MEMORY_ANON,
	METRIC_MEMORY_FILE,
	METRIC_MEMORY_KERNEL,
	METRIC_PIDS,
	METRIC_READ,
	METRIC_WRITE,
	METRIC_RX,
	METRIC_TX, /* bytes per second */
	METRIC_N
};

struct history;
struct history *history_new(void);
void history_free(struct history *h);
/* time: seconds (CLOCK_BOOTTIME). A gap in time becomes NANs. NAN: not known. */
void history_add(struct history *h, int64_t second, const double values[METRIC_N]);
/* Add a past sample (from the monitor's ring) to the coarse tier only. */
void history_add_coarse(struct history *h, int64_t second, const double values[METRIC_N]);
/* Fill out[0..n) with n values that end at `now` and are `step` seconds apart (each the maximum, for
 * METRIC_MEMORY… the mean is not wanted either: peaks must not vanish), NAN where nothing is known. step
 * below 10 and within five minutes comes from the fine tier. */
void history_get(const struct history *h, enum metric m, int64_t now, unsigned step, double *out, size_t n);

#endif
