/* What a job works on, as its progress lines name it: the layers of an image that is being pulled. */
#ifndef TARE_TUI_JOB_OBJECT_H
#define TARE_TUI_JOB_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_OBJECTS_MAX 128 /* an image has no more layers than overlayfs can stack */

struct job_object {
	char name[64], phase[32];
	uint64_t done, total; /* bytes in this phase; total 0: not known */
	uint64_t rate;        /* bytes a second, 0: not known */
	int64_t eta;          /* seconds left, -1: not known */
	bool complete;
	/* for the sum: the size when it was first known, and the share of it that was ever done, so that
	 * the bar does not go back when the next phase begins */
	uint64_t size;
	double share;
	int64_t since; /* CLOCK_MONOTONIC ns: of its phase, from `from` bytes on; for a rate that nobody told
	                */
	uint64_t from;
};

struct job_objects {
	struct job_object *rows; /* in the order they were named */
	size_t n, cap;
	bool cut; /* there were more than are kept */
};

/* All of them together. */
struct job_sum {
	size_t n, complete;
	double share; /* 0 to 1; NAN: no size is known */
	uint64_t done, total;
	uint64_t rate; /* 0: not known */
	int64_t eta;   /* -1: not known */
};

/* One line of base/progress.h; the object that it is about, or NULL: it is none, or there is no room. */
const struct job_object *job_objects_take(struct job_objects *os, const char *line, size_t len, int64_t now);
struct job_sum job_objects_sum(const struct job_objects *os);
void job_objects_free(struct job_objects *os);

#endif
