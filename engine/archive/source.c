#include "engine/archive/source.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"

/* Up to `len` bytes; fewer only at the end, or when a callback has no more just now. */
static ssize_t read_some(const struct source *s, void *data, size_t len, struct err *e)
{
	if (s->read)
		return s->read(s->arg, data, len, e);
	ssize_t n = read_full(s->fd, data, len);
	return n < 0 ? err_sys(e, "cannot read the archive") : n;
}

ssize_t source_read(struct source *s, void *dst, size_t len, struct err *e)
{
	ssize_t n = read_some(s, dst, len, e);
	if (n < 0)
		return -1;
	s->end = n == 0;
	s->bytes += (uint64_t)n;
	if (s->hash)
		hash_add(s->hash, dst, (size_t)n);
	if (s->copy_fd >= 0 && write_all(s->copy_fd, dst, (size_t)n) < 0)
		return err_sys(e, "cannot store the archive");
	return n;
}

/* Add to the window what can be read now; nothing at the end. */
static int add(struct source *s, struct err *e)
{
	ssize_t n = source_read(s, s->data + s->len, SOURCE_WINDOW - s->len, e);
	if (n > 0)
		s->len += (size_t)n;
	return n < 0 ? -1 : 0;
}

int source_fill(struct source *s, struct err *e)
{
	s->pos = s->len = 0;
	return s->end ? 0 : add(s, e);
}

int source_want(struct source *s, size_t n, struct err *e)
{
	if (s->len - s->pos >= n)
		return 0;
	memmove(s->data, s->data + s->pos, s->len - s->pos);
	s->len -= s->pos;
	s->pos = 0;
	while (s->len < n && !s->end)
		if (add(s, e) < 0)
			return -1;
	return 0;
}

ssize_t source_take(struct source *s, void *dst, size_t n, struct err *e)
{
	size_t done = 0;
	while (done < n) {
		if (s->pos == s->len && source_fill(s, e) < 0)
			return -1;
		size_t part = s->len - s->pos < n - done ? s->len - s->pos : n - done;
		if (part == 0)
			break;
		if (dst)
			memcpy((char *)dst + done, s->data + s->pos, part);
		s->pos += part;
		done += part;
	}
	return (ssize_t)done;
}
