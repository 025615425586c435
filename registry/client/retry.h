/* When to ask again: which answers pass by themselves, and how long to wait. */
#ifndef TARE_REGISTRY_RETRY_H
#define TARE_REGISTRY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_TRIES      5
#define RETRY_AFTER_MOST ((int64_t)60 * 1000000000) /* what a server may make us wait for */

/* 408, 429, 500, 502, 503, 504. */
bool retry_status(int status);
/* Before the next try, after `failed` of them (1, 2, …): 0.5 s, doubling to 30 s, a quarter more or less.
 * $TARE_RETRY_MS is the first delay instead of 500, for tests. Nanoseconds. */
int64_t retry_delay(unsigned failed);
/* A Retry-After header, seconds or a date: nanoseconds from `now_realtime_ns` on, at most RETRY_AFTER_MOST;
 * 0 for a date that has passed, -1 for none and for one that isn't understood. */
int64_t retry_after(const char *header, int64_t now_realtime_ns);

#endif
