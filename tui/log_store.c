#include "tui/log_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/err.h"

/* An open file, shared by the copies of a store, which may be on several threads. */
struct log_file {
	int fd;
	dev_t dev;
	ino_t ino;
	atomic_uint refs;
};

/* ------------------------------------------------------------------ files */

static void file_put(struct log_file *f)
{
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	close(f->fd);
	free(f);
}

static struct log_file *file_new(int fd, const struct stat *st, struct err *e)
{
	struct log_file *f = calloc(1, sizeof(*f));

	if (!f) {
		err_no_memory(e);
		return NULL;
	}
	f->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (f->fd < 0) {
		err_sys(e, "cannot keep the log open");
		free(f);
		return NULL;
	}
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	atomic_init(&f->refs, 1);
	return f;
}

static struct log_span *span_of(const struct log_store *s, const struct stat *st)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->spans[i].file->ino == st->st_ino && s->spans[i].file->dev == st->st_dev)
			return &s->spans[i];
	return NULL;
}

static void span_size(struct log_span *p, uint64_t size)
{
	/* A log only grows. What is cut off nevertheless begins anew, at addresses that nobody knows. */
	if (size < p->size)
		p->base += p->size;
	p->size = size;
}

static void store_bounds(struct log_store *s)
{
	if (!s->n)
		return; /* addresses go on from the old end */
	s->begin = s->spans[0].base;
	s->end = s->spans[s->n - 1].base + s->spans[s->n - 1].size;
}

static void spans_free(struct log_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++)
		file_put(spans[i].file);
	free(spans);
}

/* One of the engine's descriptors as a span that begins at or after `base`. */
static int span_take(struct log_store *s, int fd, uint64_t base, struct log_span *p, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at the log");
	struct log_span *old = span_of(s, &st);
	if (old && old->base >= base) {
		*p = *old;
		atomic_fetch_add(&p->file->refs, 1);
	} else {
		*p = (struct log_span){.file = file_new(fd, &st, e), .base = base};
		if (!p->file)
			return -1;
	}
	span_size(p, st.st_size > 0 ? (uint64_t)st.st_size : 0);
	return 0;
}

int log_store_files(struct log_store *s, const int *fds, size_t n, struct err *e)
{
	struct log_span *spans = calloc(n + 1, sizeof(*spans));
	uint64_t base = s->n ? s->spans[0].base : s->end;
	struct stat st;

	if (!spans)
		return err_no_memory(e);
	/* If none of the old ones is left, the new ones begin where the old ones ended. */
	if (n && fstat(fds[0], &st) == 0 && !span_of(s, &st))
		base = s->end;
	for (size_t i = 0; i < n; i++) {
		if (span_take(s, fds[i], base, &spans[i], e) < 0) {
			spans_free(spans, i);
			return -1;
		}
		base = spans[i].base + spans[i].size;
	}
	spans_free(s->spans, s->n);
	s->spans = spans;
	s->n = n;
	store_bounds(s);
	return 0;
}

bool log_store_grow(struct log_store *s)
{
	struct stat st;
	uint64_t end = s->end;

	if (!s->n || fstat(s->spans[s->n - 1].file->fd, &st) < 0)
		return false;
	span_size(&s->spans[s->n - 1], st.st_size > 0 ? (uint64_t)st.st_size : 0);
	store_bounds(s);
	return s->end != end;
}

int log_store_copy(struct log_store *dst, const struct log_store *src, struct err *e)
{
	struct log_span *spans = calloc(src->n + 1, sizeof(*spans));

	if (!spans)
		return err_no_memory(e);
	for (size_t i = 0; i < src->n; i++) {
		spans[i] = src->spans[i];
		atomic_fetch_add(&spans[i].file->refs, 1);
	}
	*dst = (struct log_store){spans, src->n, src->begin, src->end};
	return 0;
}

void log_store_free(struct log_store *s)
{
	spans_free(s->spans, s->n);
	*s = (struct log_store)LOG_STORE_INIT;
}

/* ------------------------------------------------------------------ reading */

static size_t span_read(const struct log_span *p, uint64_t offset, char *dst, size_t len)
{
	size_t done = 0;

	if (len > p->size - offset)
		len = (size_t)(p->size - offset);
	while (done < len) {
		ssize_t n = pread(p->file->fd, dst + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	/* A file that was cut short meanwhile: blanks keep the addresses of what follows. */
	memset(dst + done, ' ', len - done);
	return len;
}

/* Bytes from address `at`; the number read, short only at the end or where a file cannot be read. */
static size_t log_store_read(const struct log_store *s, uint64_t at, void *dst, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < s->n && done < len; i++) {
		const struct log_span *p = &s->spans[i];
		uint64_t a = at + done;

		if (a >= p->base + p->size)
			continue;
		/* a gap: a file that was cut off and began anew */
		if (a < p->base) {
			uint64_t gap = p->base - a < len - done ? p->base - a : len - done;
			memset((char *)dst + done, '\n', (size_t)gap);
			done += (size_t)gap;
			a += gap;
			if (done == len)
				break;
		}
		done += span_read(p, a - p->base, (char *)dst + done, len - done);
	}
	return done;
}

int log_window_init(struct log_window *w, const struct log_store *s, size_t cap, struct err *e)
{
	*w = (struct log_window){.store = s, .cap = cap};
	/* A NUL behind the last byte: a sanitizer's regexec() looks for one, whatever the flags say. */
	w->data = malloc(cap + 1);
	if (!w->data)
		return err_no_memory(e);
	w->data[cap] = '\0';
	return 0;
}

void log_window_free(struct log_window *w)
{
	free(w->data);
	*w = (struct log_window){0};
}

static void load(struct log_window *w, uint64_t at)
{
	if (at < w->store->begin)
		at = w->store->begin;
	w->at = at;
	w->len = log_store_read(w->store, at, w->data, w->cap);
	w->loads++;
}

/* Does the window hold [from, to), or all of it that there is? */
static bool holds(const struct log_window *w, uint64_t from, uint64_t to)
{
	if (!w->len || from < w->at || from > w->at + w->len)
		return false;
	if (to > w->store->end)
		to = w->store->end;
	return to <= w->at + w->len;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

const char *log_window_after(struct log_window *w, uint64_t at, size_t want, size_t *have)
{
	if (at < w->store->begin)
		at = w->store->begin;
	if (!holds(w, at, at + want))
		load(w, minus(at, w->cap / 2));
	*have = at < w->at + w->len ? (size_t)(w->at + w->len - at) : 0;
	return w->data + (*have ? at - w->at : 0);
}

const char *log_window_before(struct log_window *w, uint64_t at, size_t want, size_t *have)
{
	uint64_t from = minus(at, want);

	if (from < w->store->begin)
		from = w->store->begin;
	if (!holds(w, from, at))
		load(w, minus(at, w->cap / 2));
	*have = 0;
	if (at <= w->at || at > w->at + w->len)
		return w->data;
	*have = (size_t)(at - w->at);
	return w->data;
}

#define BLOCK_LEAST ((uint64_t)64 << 10)

const char *log_window_block(struct log_window *w, uint64_t from, uint64_t to, bool back, size_t *have)
{
	uint64_t least = to - from < BLOCK_LEAST ? to : from + BLOCK_LEAST;

	*have = 0;
	if (!holds(w, from, least))
		load(w, back && to - from < w->cap ? minus(to, w->cap) : from);
	if (from < w->at || from >= w->at + w->len)
		return w->data;
	uint64_t end = w->at + w->len < to ? w->at + w->len : to;
	*have = (size_t)(end - from);
	return w->data + (from - w->at);
}
