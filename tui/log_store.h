/* The bytes of one container's log: the engine's own files in one long address space, so that a position
 * stays valid however rotation moves the files. Nothing is copied to memory but the window a reader looks at.
 */
#ifndef TARE_TUI_LOG_STORE_H
#define TARE_TUI_LOG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct log_file;

struct log_span {
	struct log_file *file;
	uint64_t base, size; /* addresses base … base + size */
};

/* The files as of one moment. Belongs to one thread; a worker gets a copy. */
struct log_store {
	struct log_span *spans; /* oldest first */
	size_t n;
	uint64_t begin, end; /* addresses that can be read */
};
/* clang-format off */
#define LOG_STORE_INIT {0}
/* clang-format on */

/* Take over which files there are (descriptors are duplicated); known ones keep their addresses. */
int log_store_files(struct log_store *s, const int *fds, size_t n, struct err *e);
/* Ask for the size of the last file; true when there is more than before. */
bool log_store_grow(struct log_store *s);
/* dst (empty) becomes a view of the same files with descriptors that stay open as long as it needs them. */
int log_store_copy(struct log_store *dst, const struct log_store *src, struct err *e);
void log_store_free(struct log_store *s); /* leaves it empty and usable */

/* A reader's window on a store. */
struct log_window {
	const struct log_store *store; /* borrowed */
	char *data;
	size_t cap, len;
	uint64_t at;    /* address of data[0] */
	uint64_t loads; /* how often it was filled, for tests and the bench */
};
/* Of a view: room for a slice of a long line, and for what decides where it begins. */
#define LOG_WINDOW_SIZE ((size_t)256 << 10)
#define LOG_WINDOW_SCAN ((size_t)1 << 20) /* for reading through */

int log_window_init(struct log_window *w, const struct log_store *s, size_t cap, struct err *e);
void log_window_free(struct log_window *w);
/* At least `want` bytes (at most a quarter of the window) from `at`, fewer only at the end of the log; *have:
 * how many there are. Valid until the next call. */
const char *log_window_after(struct log_window *w, uint64_t at, size_t want, size_t *have);
/* The same for the bytes that end at `at`: *have bytes from the pointer on, up to `at`. */
const char *log_window_before(struct log_window *w, uint64_t at, size_t want, size_t *have);
/* For reading through [from, to): as much of it as fits, at least 64 KiB. `back`: one is on the way to lower
 * addresses. */
const char *log_window_block(struct log_window *w, uint64_t from, uint64_t to, bool back, size_t *have);

#endif
