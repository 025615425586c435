/* Recordings of a terminal in the asciicast v2 format: a header, then one JSON array a line, "o" for output
 * and "r" for a new size. Characters that are cut by the end of a chunk are put together again. */
#ifndef TARE_TUI_ASCIICAST_H
#define TARE_TUI_ASCIICAST_H

#include <stddef.h>
#include <stdint.h>

struct asciicast;
struct err;

/* The file must not exist yet. `started`: seconds since the epoch; now: CLOCK_MONOTONIC ns, as in the calls
 * that follow. NULL with e. */
struct asciicast *asciicast_open(
        const char *path, int rows, int cols, const char *title, int64_t started, int64_t now, struct err *e);
/* 0, or -1 with e: then nothing more is written. */
int asciicast_output(struct asciicast *ac, const char *bytes, size_t len, int64_t now, struct err *e);
int asciicast_resize(struct asciicast *ac, int rows, int cols, int64_t now, struct err *e);
/* Also frees it when it fails. NULL allowed. */
int asciicast_close(struct asciicast *ac, struct err *e);
const char *asciicast_path(const struct asciicast *ac);

#endif
