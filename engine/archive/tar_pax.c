#include "engine/archive/tar_pax.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/defence.h"
#include "base/err.h"
#include "engine/archive/tar_reader.h"

#define PIECES_MAX 100000 /* of a sparse file: 1.6 MB of map */

static int damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the archive is damaged: %s", why);
}

int tar_piece_add(struct tar_reader *t, uint64_t offset, uint64_t len, struct err *e)
{
	struct tar_piece piece = {offset, len};
	if (DEFENCE("sparse-pieces") && t->sparse_map.len / sizeof(piece) >= PIECES_MAX)
		return damaged(e, "a sparse file has too many pieces");
	buf_add(&t->sparse_map, &piece, sizeof(piece));
	return t->sparse_map.failed ? err_no_memory(e) : 0;
}

/* "offset,len,offset,len": form 0.1. */
static int sparse_list(struct tar_reader *t, const char *text, struct err *e)
{
	while (*text) {
		uint64_t v[2];
		for (int i = 0; i < 2; i++) {
			size_t digits = strspn(text, "0123456789");
			if (digits == 0 || digits > 18)
				return damaged(e, "the map of a sparse file is wrong");
			v[i] = strtoull(text, NULL, 10);
			text += digits;
			if (*text == ',')
				text++;
			else if (i == 0 || *text)
				return damaged(e, "the map of a sparse file is wrong");
		}
		if (tar_piece_add(t, v[0], v[1], e) < 0)
			return -1;
	}
	return 0;
}

static bool pax_unsigned(const char *v, uint64_t max, uint64_t *n)
{
	size_t digits = strspn(v, "0123456789");
	if (digits == 0 || digits > 19 || v[digits])
		return false;
	errno = 0;
	*n = strtoull(v, NULL, 10);
	return errno == 0 && *n <= max;
}

/* Seconds with a fraction, perhaps negative. */
static bool pax_time(const char *v, struct timespec *ts)
{
	char *end;
	bool negative = *v == '-';
	errno = 0;
	long long sec = strtoll(v, &end, 10);
	long nsec = 0, unit = 100000000;
	if (end == v || errno)
		return false;
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
			nsec += (*end - '0') * unit;
	if (*end)
		return false;
	if (negative && nsec) {
		sec--;
		nsec = 1000000000 - nsec;
	}
	*ts = (struct timespec){sec, nsec};
	return true;
}

static int pax_sparse(struct tar_reader *t, const char *key, const char *v, struct err *e)
{
	uint64_t n = 0;
	t->over.sparse = true;
	if (strcmp(key, "name") == 0) {
		t->path.len = 0;
		buf_str_add(&t->path, v);
		return 0;
	}
	if (strcmp(key, "map") == 0)
		return sparse_list(t, v, e);
	if (!pax_unsigned(v, INT64_MAX, &n))
		return damaged(e, "the header of a sparse file is wrong");
	if (strcmp(key, "realsize") == 0 || strcmp(key, "size") == 0) {
		t->over.real_size = true;
		t->over.real_size_value = n;
	} else if (strcmp(key, "major") == 0) {
		t->over.sparse_major = (unsigned)n;
	} else if (strcmp(key, "minor") == 0) {
		t->over.sparse_minor = (unsigned)n;
	} else if (strcmp(key, "offset") == 0) {
		return tar_piece_add(t, n, 0, e);
	} else if (strcmp(key, "numbytes") == 0) {
		if (t->sparse_map.len < sizeof(struct tar_piece))
			return damaged(e, "the header of a sparse file is wrong");
		struct tar_piece *last =
		        (struct tar_piece *)(void *)(t->sparse_map.data + t->sparse_map.len - sizeof(*last));
		last->len = n;
	}
	return 0;
}

static int pax_xattr(struct tar_reader *t, const char *name, const char *value, size_t len, struct err *e)
{
	struct tar_entry *entry = &t->entry;
	if (entry->n_xattrs == TAR_MAX_XATTRS)
		return damaged(e, "an entry has too many extended attributes");
	entry->xattrs[entry->n_xattrs++] = (struct tar_xattr){name, value, len};
	return 0;
}

static int pax_name(struct buf *dst, const char *value, size_t len, struct err *e)
{
	if (strlen(value) != len)
		return damaged(e, "a name contains a NUL");
	dst->len = 0;
	if (dst->data)
		dst->data[0] = '\0';
	buf_add(dst, value, len);
	return 0;
}

/* One record; key and value are terminated in place. */
static int pax_record(struct tar_reader *t, const char *key, const char *value, size_t len, struct err *e)
{
	uint64_t n;
	if (strncmp(key, "SCHILY.xattr.", 13) == 0)
		return pax_xattr(t, key + 13, value, len, e);
	if (strncmp(key, "GNU.sparse.", 11) == 0)
		return pax_sparse(t, key + 11, value, e);
	if (strcmp(key, "path") == 0)
		return t->over.sparse ? 0 : pax_name(&t->path, value, len, e);
	if (strcmp(key, "linkpath") == 0)
		return pax_name(&t->link, value, len, e);
	if (strcmp(key, "mtime") == 0) {
		t->over.mtime = pax_time(value, &t->over.mtime_value);
		return t->over.mtime ? 0 : damaged(e, "a time is wrong");
	}
	if (strcmp(key, "size") == 0) {
		t->over.size = pax_unsigned(value, INT64_MAX, &t->over.size_value);
		return t->over.size ? 0 : damaged(e, "a size is wrong");
	}
	if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) {
		if (!pax_unsigned(value, UINT32_MAX - 1, &n))
			return damaged(e, "an owner is out of range");
		*(key[0] == 'u' ? &t->over.uid : &t->over.gid) = true;
		*(key[0] == 'u' ? &t->over.uid_value : &t->over.gid_value) = (uint32_t)n;
	}
	return 0;
}

/* "LENGTH KEY=VALUE\n" records; the length counts itself. */
int tar_pax_records(struct tar_reader *t, struct err *e)
{
	char *p = t->pax.data, *end = p + t->pax.len;
	while (p < end) {
		size_t digits = strspn(p, "0123456789");
		const char *stop = p + digits;
		unsigned long len = digits && digits < 9 ? strtoul(p, NULL, 10) : 0;
		if (len < digits + 3 || len > (size_t)(end - p) || *stop != ' ' || p[len - 1] != '\n')
			return damaged(e, "an extended header is wrong");
		char *key = p + digits + 1, *last = p + len - 1;
		char *equals = memchr(key, '=', (size_t)(last - key));
		if (!equals || equals == key)
			return damaged(e, "an extended header is wrong");
		*equals = *last = '\0';
		if (pax_record(t, key, equals + 1, (size_t)(last - equals - 1), e) < 0)
			return -1;
		p += len;
	}
	return 0;
}
