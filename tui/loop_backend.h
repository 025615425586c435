/* What a back end of the loop does: keep a set of descriptors and wait for them. Private to loop*.c. */
#ifndef TARE_TUI_LOOP_BACKEND_H
#define TARE_TUI_LOOP_BACKEND_H

#include <stddef.h>

#include "tui/loop.h"

#define LOOP_READY_MAX 64 /* told per turn; the rest is still ready in the next */

struct loop_ready {
	int fd;
	unsigned ready; /* LOOP_* */
};

struct loop_backend {
	void *(*open)(struct err *e);
	void (*close)(void *set);
	/* Watch fd for `want` instead of `old`; 0 is "not at all". -1 with errno. */
	int (*change)(void *set, int fd, unsigned old, unsigned want);
	/* timeout_ms < 0: for ever. The number of entries filled, 0 also when a signal came; -1 with errno.
	 */
	int (*wait)(void *set, int timeout_ms, struct loop_ready ready[LOOP_READY_MAX]);
};

extern const struct loop_backend loop_poll_backend;
#ifdef _GNU_SOURCE
extern const struct loop_backend loop_epoll_backend;
#endif

#endif
