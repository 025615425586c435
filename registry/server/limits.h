/* Limits: what one client may take of the server's time, threads and connections.
 *
 * Each connection has a thread, so connections are what a hostile client takes. A connection must bring a
 * whole request header within the time-out, however many bytes drip in; a body must not be slower than
 * LIMITS_PACE; and when nearly all places are taken, those that wait longest without a request go first. */
#ifndef TARE_REGISTRY_LIMITS_H
#define TARE_REGISTRY_LIMITS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct limits;
struct metrics;

#define LIMITS_PACE       1024                 /* bytes a second that a body brings at least, on average */
#define LIMITS_PACE_GRACE INT64_C(10000000000) /* ns before that is asked */

struct limits_options {
	unsigned connections, timeout; /* seconds */
	unsigned rate;                 /* requests a second per address, 0: any */
	int64_t pace_grace;            /* 0: LIMITS_PACE_GRACE */
};

struct limits *limits_new(const struct limits_options *o, struct metrics *m);
void limits_free(struct limits *l);
/* The thread that ends those who take too long; made apart, since it belongs into the sandbox. */
int limits_start(struct limits *l);
/* MHD_OPTION_NOTIFY_CONNECTION; cls: struct limits. */
void limits_connection(
        void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode code);
/* A request's header is whole / its answer is sent. */
void limits_begin(struct limits *l, struct MHD_Connection *c);
void limits_end(struct limits *l, struct MHD_Connection *c);
/* May this address ask once more? false: answer with limits_refuse(). */
bool limits_admit(struct limits *l, struct MHD_Connection *c, unsigned *retry_after);
/* 429 with Retry-After. */
enum MHD_Result limits_refuse(struct exchange *x, unsigned retry_after);
/* Does the body come fast enough? Asked with each piece: `started` when the first byte was awaited
 * (CLOCK_BOOTTIME, ns), `bytes` so far. false: answer 408 and close. */
bool limits_pace(const struct limits *l, int64_t started, uint64_t bytes);
unsigned limits_connections(struct limits *l);
/* Close what waits without a request (the drain), and tell how many connections there are yet. */
unsigned limits_close_idle(struct limits *l);

#endif
