/* Lines of a log. An entry is what a container printed as one line: its records joined, however many pieces
 * the log holds it in. One that is longer than 64 KiB is given in slices, each an entry of its own, so that
 * no line is too long; where a slice begins depends on the log alone, not on where one comes from. */
#ifndef TARE_TUI_LOG_ENTRY_H
#define TARE_TUI_LOG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/log_store.h"

#define LOG_SLICE      ((size_t)64 << 10)
#define LOG_RECORD_MAX ((size_t)32 << 10) /* the engine's have at most 16 KiB of text */
#define LOG_ENTRY_MAX  (2 * LOG_SLICE + LOG_RECORD_MAX)

struct log_record {
	uint64_t at, next;
	int64_t time;     /* 0: not of the format */
	const char *text; /* in the window, until it moves */
	size_t len;
	bool err, partial;
};
struct log_entry {
	uint64_t at, next; /* next: where the next entry begins */
	int64_t time;
	bool err;
	bool slice;  /* goes on where another entry ended */
	bool cut;    /* goes on in another entry */
	bool joined; /* of more than one record */
};

/* The record that begins at `at`; false at the end. */
bool log_record_at(struct log_window *w, uint64_t at, struct log_record *r);
/* Any address: where the record that holds it begins. */
uint64_t log_record_start(struct log_window *w, uint64_t at);

/* The first entry that begins at or after `at` (a record's start); false: none. */
bool log_entry_after(struct log_window *w, uint64_t at, struct log_entry *e);
/* The last entry that begins before `at`; false: none. */
bool log_entry_before(struct log_window *w, uint64_t at, struct log_entry *e);
/* The entry that the record at `at` is part of. */
bool log_entry_of(struct log_window *w, uint64_t at, struct log_entry *e);
/* Its text: in the window, or, joined, in dst (LOG_ENTRY_MAX bytes). Valid until the window moves. */
const char *log_entry_text(struct log_window *w, const struct log_entry *e, char *dst, size_t *len);

/* The first record at `time` or later, by bisection. */
uint64_t log_entry_at_time(struct log_window *w, int64_t time);

#endif
