#include "engine/backup/intake.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

/* Until `len` bytes are read or the file ends; the count, or -1. */
static ssize_t read_at(int fd, void *dst, size_t len, uint64_t at, struct err *e)
{
	size_t got = 0;
	while (got < len) {
		ssize_t n = pread(fd, (char *)dst + got, len - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot read it");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int intake_hole(struct intake *in, uint64_t at, uint64_t len, struct err *e)
{
	const struct listing_piece piece = {.hole = true, .at = at, .len = len};
	return len ? backlog_piece(in->backlog, NULL, &piece, e) : 0;
}

/* ------------------------------------------------------------------ short files */

int intake_close_bundle(struct intake *in, struct err *e)
{
	int rc = 0;
	if (in->bundle && in->len)
		rc = pipeline_give(in->pipeline, in->bundle, in->room, CHUNK_MAX, in->len, e);
	else if (in->room)
		pipeline_room_back(in->pipeline, in->room, CHUNK_MAX);
	ticket_drop(in->bundle);
	in->bundle = NULL;
	in->room = NULL;
	in->len = in->counted = 0;
	return rc;
}

static int open_bundle(struct intake *in, size_t len, struct err *e)
{
	if (in->bundle && in->len + len > CHUNK_MAX && intake_close_bundle(in, e) < 0)
		return -1;
	if (!in->room && !(in->room = pipeline_room(in->pipeline, CHUNK_MAX, e)))
		return -1;
	if (!in->bundle)
		in->bundle = ticket_new(e);
	return in->bundle ? 0 : -1;
}

static int take_short(struct intake *in, int fd, uint64_t at, size_t len, uint64_t *got, struct err *e)
{
	if (open_bundle(in, len, e) < 0)
		return -1;
	unsigned char *data = in->room + in->len;
	ssize_t n = read_at(fd, data, len, at, e);
	if (n < 0)
		return -1;
	const struct listing_piece piece = {.offset = (uint32_t)in->len, .at = at, .len = (uint64_t)n};
	*got = (uint64_t)n;
	if (n == 0)
		return 0;
	in->took(in->arg, *got);
	if (backlog_piece(in->backlog, in->bundle, &piece, e) < 0)
		return -1;
	in->len += (size_t)n;
	in->counted += CHUNKER_BUNDLED((size_t)n);
	if (chunker_ends_bundle(in->chunker, data, (size_t)n, in->counted) ||
	        in->counted >= CHUNKER_BUNDLE_MAX || in->len == CHUNK_MAX)
		return intake_close_bundle(in, e);
	return 0;
}

/* ------------------------------------------------------------------ long files */

struct window {
	unsigned char *room;
	size_t size, len; /* of the room; filled */
};

static int fill(struct window *w, int fd, uint64_t at, uint64_t left, struct err *e)
{
	size_t want = w->size - w->len < left ? w->size - w->len : (size_t)left;
	ssize_t n = read_at(fd, w->room + w->len, want, at, e);
	if (n >= 0)
		w->len += (size_t)n;
	return n < 0 ? -1 : (size_t)n < want;
}

/* The first `cut` bytes go; what is behind them begins the next window. */
static int give_first(
        struct intake *in, struct window *w, size_t cut, uint64_t at, uint64_t left, struct err *e)
{
	const struct listing_piece piece = {.at = at, .len = cut};
	struct window next = {.len = w->len - cut};
	uint64_t want = next.len + left;
	next.size = want < CHUNK_MAX ? (size_t)want : CHUNK_MAX;
	if (want && !(next.room = pipeline_room(in->pipeline, next.size, e)))
		return -1;
	if (next.room && next.len)
		memcpy(next.room, w->room + cut, next.len);
	struct ticket *t = ticket_new(e);
	int rc = t ? backlog_piece(in->backlog, t, &piece, e) : -1;
	if (rc == 0)
		rc = pipeline_give(in->pipeline, t, w->room, w->size, cut, e);
	else
		pipeline_room_back(in->pipeline, w->room, w->size);
	ticket_drop(t);
	*w = next;
	return rc;
}

static int take_long(
        struct intake *in, struct window *w, int fd, uint64_t at, uint64_t len, uint64_t *got, struct err *e)
{
	uint64_t from = at, end = at + len;
	bool short_of = false;
	while (from < end) {
		uint64_t next = from + w->len;
		int rc = short_of ? 0 : fill(w, fd, next, end - next, e);
		if (rc < 0)
			return -1;
		if (rc > 0) { /* it has shrunk */
			short_of = true;
			end = from + w->len;
		}
		if (w->len == 0)
			break;
		size_t cut = chunker_cut(in->chunker, &chunk_sizes_file, w->room, w->len);
		if (give_first(in, w, cut, from, end - from - w->len, e) < 0)
			return -1;
		from += cut;
		in->took(in->arg, cut);
		if (backlog_is_long(in->backlog) &&
		        (intake_close_bundle(in, e) < 0 || backlog_wait(in->backlog, e) < 0))
			return -1;
	}
	*got = from - at;
	return 0;
}

int intake_range(struct intake *in, int fd, uint64_t at, uint64_t len, struct err *e)
{
	struct window w = {.size = len < CHUNK_MAX ? (size_t)len : CHUNK_MAX};
	uint64_t got = 0;
	int rc;
	if (len < CHUNKER_SMALL) {
		rc = len ? take_short(in, fd, at, (size_t)len, &got, e) : 0;
	} else {
		w.room = pipeline_room(in->pipeline, w.size, e);
		rc = w.room ? take_long(in, &w, fd, at, len, &got, e) : -1;
		pipeline_room_back(in->pipeline, w.room, w.size);
	}
	return rc == 0 && got < len ? intake_hole(in, at + got, len - got, e) : rc;
}

void intake_end(struct intake *in)
{
	if (in->room)
		pipeline_room_back(in->pipeline, in->room, CHUNK_MAX);
	ticket_drop(in->bundle);
}
