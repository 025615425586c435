/* Progress of a long job, for a person and for a program: JSON lines on a descriptor that the caller
 * passed (--progress-fd), one rewritten line per object on a terminal, nothing elsewhere. */
#ifndef TARE_BASE_PROGRESS_H
#define TARE_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int fd;          /* JSON lines go here, or -1 */
	bool terminal;   /* a line on standard error is redrawn */
	int64_t last_ns; /* private: rate limit of ten a second */
	bool open_line;  /* private */
};

/* clang-format off */
#define PROGRESS_NONE {.fd = -1}
/* clang-format on */
/* fd as passed by the caller or -1; the terminal form is used when fd is -1 and stderr is a terminal. */
void progress_init(struct progress *p, int fd, bool quiet);
/* `object` is a short label (made harmless here); total 0 when unknown. Rate-limited. */
void progress_step(struct progress *p, const char *object, const char *phase, uint64_t done, uint64_t total);
/* The last word on an object; not rate-limited. */
void progress_done(struct progress *p, const char *object, const char *phase);
void progress_end(struct progress *p);

#endif
