/* Units: sizes, durations, counts and times as people write them; one parser for each. Every parser
 * consumes the whole text or fails with an error that quotes the bad part and shows a right one. */
#ifndef TARE_BASE_UNITS_H
#define TARE_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* "64m", "1.5g", "512", "100kb", "2GiB": powers of 1024, no sign. */
int size_parse(const char *text, uint64_t *bytes, struct err *e);
/* "-1" allowed and giving INT64_MAX (= unlimited), for --memory-swap and --pids-limit. */
int size_parse_unlimited(const char *text, int64_t *bytes, struct err *e);
/* "1h30m", "10s", "500ms", "1.5s"; a plain number is seconds. Nanoseconds. */
int duration_parse(const char *text, int64_t *ns, struct err *e);
/* A decimal integer within [min, max]; `what` names it in the error. */
int int_parse(const char *text, int64_t min, int64_t max, const char *what, int64_t *v, struct err *e);
/* A decimal fraction within [min, max], at most nine digits after the point, as 1e-9 units. */
int decimal_parse(const char *text, double min, double max, const char *what, int64_t *nano, struct err *e);
/* A point in time: RFC 3339 ("2026-01-31T10:00:00.5Z", offset or none = local; date alone), Unix seconds
 * with fraction, a duration before `now` ("10m"), or a local clock time ("10:30", "10:30:15"), the last one
 * before `now`. Nanoseconds since the epoch. */
int time_parse(const char *text, int64_t now_ns, int64_t *ns, struct err *e);

#define TIME_TEXT_SIZE 40
/* "2026-01-31T10:00:00.123456789Z", always nine digits, UTC. Returns dst. */
char *time_format(int64_t ns, char dst[TIME_TEXT_SIZE]);
#define SIZE_TEXT_SIZE 24
/* Docker's styles: binary "1.5MiB" (stats), decimal "1.5MB" (images, ps -s). Returns dst. */
char *size_format_binary(uint64_t bytes, char dst[SIZE_TEXT_SIZE]);
char *size_format_decimal(uint64_t bytes, char dst[SIZE_TEXT_SIZE]);
#define AGO_TEXT_SIZE 32
/* Docker's words: "Less than a second", "5 seconds", "About a minute", "3 hours", "2 weeks". */
char *duration_words(int64_t ns, char dst[AGO_TEXT_SIZE]);

#endif
