/* Progress of a long job, for a person and for a program: JSON lines on a descriptor that the caller
 * passed (--progress-fd), a block of lines redrawn in place on a terminal, one per object, nothing elsewhere.
 *
 *   {"object":"a1b2…","phase":"downloading","done":N,"total":N,"rate":BYTES-PER-SECOND,"eta":SECONDS}
 *   {"object":"a1b2…","phase":"done","complete":true}
 *
 * "rate" comes with the second step of a phase that moves, "eta" when the total is known, too. Many objects
 * may be under way at once. One thread. */
#ifndef TARE_BASE_PROGRESS_H
#define TARE_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress_object;

struct progress {
	int fd;                          /* JSON lines go here, or -1 */
	bool terminal;                   /* lines on standard error are redrawn */
	int64_t last_ns;                 /* private from here: when the block was drawn last */
	struct progress_object *objects; /* under way, in the order in which they came */
	size_t n_objects;
	size_t drawn; /* lines of the block on the screen, whose widths are: */
	unsigned *widths;
};

/* clang-format off */
#define PROGRESS_NONE {.fd = -1}
/* clang-format on */
/* fd as passed by the caller or -1; the terminal form is used when fd is -1 and stderr is a terminal. */
void progress_init(struct progress *p, int fd, bool quiet);
/* `object` is a short label (made harmless here); total 0 when unknown. At most ten a second are shown of an
 * object in one phase. */
void progress_step(struct progress *p, const char *object, const char *phase, uint64_t done, uint64_t total);
/* The last word on an object; always shown. */
void progress_done(struct progress *p, const char *object, const char *phase);
/* A line of its own for a person, above what is redrawn; nothing for programs. */
void progress_say(struct progress *p, const char *text);
/* Before anything else is printed, and at the end: forgets all objects, and leaves what is on the screen. */
void progress_end(struct progress *p);

#endif
