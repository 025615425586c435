/* Figures: numbers in a fixed number of columns, right-aligned, so that nothing jumps when they change. What
 * is not known (NAN, UINT64_MAX, below zero) is a "-" at the right edge. Each returns dst. */
#ifndef TARE_TUI_FIGURES_H
#define TARE_TUI_FIGURES_H

#include <stdint.h>

#define FIGURE_SIZE 16

#define FIGURE_BYTES_WIDTH    5
#define FIGURE_PERCENT_WIDTH  5
#define FIGURE_RATE_WIDTH     7
#define FIGURE_COUNT_WIDTH    5
#define FIGURE_AGE_WIDTH      4
#define FIGURE_DURATION_WIDTH 8

/* "   0B" " 999B" "18.2M" " 182M": powers of 1024. */
char *figure_bytes(uint64_t bytes, char dst[FIGURE_SIZE]);
/* A value that was computed; beyond 1024^6 or so it stays at the largest. */
char *figure_size(double bytes, char dst[FIGURE_SIZE]);
/* " 12.3" "100.0" " 1234", without the sign. */
char *figure_percent(double percent, char dst[FIGURE_SIZE]);
/* "18.2M/s". */
char *figure_rate(double bytes_per_second, char dst[FIGURE_SIZE]);
/* "    7" "12345" "1.2M" with powers of 1000 from 100,000 on. */
char *figure_count(uint64_t n, char dst[FIGURE_SIZE]);
/* How long ago, in one unit: "  5s" " 59m" "  3h" " 12d" "  2y". */
char *figure_age(int64_t ns, char dst[FIGURE_SIZE]);
/* Time used: " 0:00.42" "59:59.99" " 1:02:03" "123h 04m". */
char *figure_duration(int64_t ns, char dst[FIGURE_SIZE]);

#endif
