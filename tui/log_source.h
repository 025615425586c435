/* One container's log as a view reads it: the engine's handle, the files behind it, and the way from one
 * shown line to the next. */
#ifndef TARE_TUI_LOG_SOURCE_H
#define TARE_TUI_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/tare.h"
#include "tui/log_filter.h"

struct err;

/* Where nothing passes the filters, so that nobody reads it again. */
struct log_desert {
	uint64_t from, to; /* no entry that passes begins there */
};
#define LOG_DESERTS 64

/* The answer to the last question, since a merge asks each source again for every line. */
struct log_peek {
	bool valid, match;
	uint64_t at;
	enum log_found found;
	struct log_entry entry;
};

struct log_source {
	char *id, *name;
	struct tare_engine *engine;
	struct tare_log *log; /* NULL: could not be opened, `error` says why */
	char error[256];
	struct log_store store;
	struct log_scan scan;
	struct log_desert deserts[LOG_DESERTS];
	size_t n_deserts;
	struct log_peek ahead, behind;
	uint64_t stuck; /* where a scan ran out of time */
};

/* NULL only without memory; a log that cannot be opened is a source without lines. */
struct log_source *log_source_open(
        struct tare_engine *engine, const char *id, const char *name, struct err *e);
/* The same log as of now for a worker: it reads, but does not follow. */
struct log_source *log_source_copy(const struct log_source *s, struct err *e);
void log_source_close(struct log_source *s);
/* What happened since the last call, TARE_LOG_ bits. */
int log_source_drain(struct log_source *s);
/* Take in what was written meanwhile; true: there is more. */
bool log_source_grow(struct log_source *s);
void log_source_forget(struct log_source *s); /* the filters have changed */
/* A worker has read through [from, to) and found nothing. */
void log_source_add_desert(struct log_source *s, uint64_t from, uint64_t to);

/* The next shown line at or after `at`; the last one before `at`. *match: a line of its own right, not
 * context. */
enum log_found log_source_after(struct log_source *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, bool *match);
enum log_found log_source_before(struct log_source *s, const struct log_filters *fs, uint64_t at,
        const struct log_budget *b, struct log_entry *e, bool *match);

#endif
