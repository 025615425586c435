/* The stream may be hostile: every number is held against its bound before it is used or memory is asked
 * for (tests/fuzz/fuzz_backup_listing.c). */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/backup/listing.h"
#include "engine/backup/listing_format.h"

#define STRINGS_MAX ((size_t)8 << 20) /* of one entry: its attributes, above all */

struct listing_reader {
	listing_source_fn source;
	void *arg;
	const unsigned char *data;
	size_t left;
	struct tree_entry entry;
	struct tree_xattr xattrs[TREE_XATTRS_MAX];
	size_t at[TREE_XATTRS_MAX][2]; /* their names and values in `strings` */
	struct buf strings;
	char path[PATH_MAX], first[PATH_MAX], target[PATH_MAX];
	size_t path_len;
	bool before_is_dir, started, ended, pieces;
	struct listing_piece piece; /* the last one */
	bool any_id;
	uint64_t entries;
};

int listing_path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	int x = *a == '/' ? 1
	        : *a      ? 2 + (unsigned char)*a
	                  : 0,
	    y = *b == '/' ? 1
	        : *b      ? 2 + (unsigned char)*b
	                  : 0;
	return x - y;
}

struct listing_reader *listing_reader_new(listing_source_fn source, void *arg, struct err *e)
{
	struct listing_reader *r = calloc(1, sizeof(*r));
	if (!r) {
		err_no_memory(e);
		return NULL;
	}
	r->source = source;
	r->arg = arg;
	r->strings = (struct buf)BUF_INIT_MAX(STRINGS_MAX);
	return r;
}

static int bad(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the list of files is damaged: %s", why);
}

/* ------------------------------------------------------------------ bytes and numbers */

static int refill(struct listing_reader *r, struct err *e)
{
	int rc = 1;
	while (r->left == 0 && rc > 0)
		rc = r->source(r->arg, &r->data, &r->left, e);
	if (rc == 0)
		return bad(e, "it ends too early");
	return rc < 0 ? -1 : 0;
}

static int get_byte(struct listing_reader *r, unsigned *v, struct err *e)
{
	if (r->left == 0 && refill(r, e) < 0)
		return -1;
	*v = *r->data++;
	r->left--;
	return 0;
}

static int get_bytes(struct listing_reader *r, void *dst, size_t len, struct err *e)
{
	unsigned char *p = dst;
	while (len > 0) {
		if (r->left == 0 && refill(r, e) < 0)
			return -1;
		size_t n = len < r->left ? len : r->left;
		memcpy(p, r->data, n);
		p += n;
		len -= n;
		r->data += n;
		r->left -= n;
	}
	return 0;
}

static int get_number(struct listing_reader *r, uint64_t max, uint64_t *v, struct err *e)
{
	unsigned byte;
	*v = 0;
	for (unsigned shift = 0;; shift += 7) {
		if (get_byte(r, &byte, e) < 0)
			return -1;
		if (shift > 63 || (shift == 63 && byte > 1))
			return bad(e, "a number is too long");
		*v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			break;
	}
	return *v <= max ? 0 : bad(e, "a number is out of its range");
}

static int get_time(struct listing_reader *r, struct timespec *t, struct err *e)
{
	uint64_t s, ns;
	if (get_number(r, UINT64_MAX, &s, e) < 0 || get_number(r, 999999999, &ns, e) < 0)
		return -1;
	t->tv_sec = (time_t)(s >> 1 ^ (0 - (s & 1)));
	t->tv_nsec = (long)ns;
	return 0;
}

/* A string without NUL of at most size - 1 bytes, terminated. */
static int get_string(struct listing_reader *r, char *dst, size_t size, size_t *len, struct err *e)
{
	uint64_t n;
	if (get_number(r, size - 1, &n, e) < 0 || get_bytes(r, dst, (size_t)n, e) < 0)
		return -1;
	dst[n] = '\0';
	*len = (size_t)n;
	return memchr(dst, '\0', (size_t)n) ? bad(e, "a name has a NUL") : 0;
}

/* ------------------------------------------------------------------ an entry */

/* No name that could lead out of where the tree is made, or twice to the same place.
 * tests/unit/test_backup_listing.c */
static bool is_plain(const char *path)
{
	for (const char *s = path;; s++) {
		size_t len = strcspn(s, "/");
		if (len == 0 || len > NAME_MAX || (len == 1 && s[0] == '.') ||
		        (len == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += len;
		if (!*s)
			return true;
	}
}

/* Is the directory of `path` the entry before, or one that it is in? Then it is a directory of this listing,
 * and no link that an entry before has put there to lead out of the tree. `before` is cut at a directory.
 * tests/unit/test_backup_listing.c */
static bool has_its_dir(const char *path, const char *before)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	return len == 0 || (strncmp(path, before, len) == 0 && (before[len] == '/' || !before[len]));
}

static int check_path(struct listing_reader *r, char *before, struct err *e)
{
	bool root = r->entries == 0;
	if (root)
		return r->path_len == 0 ? 0 : bad(e, "it does not begin with the root");
	if (!is_plain(r->path) || listing_path_compare(before, r->path) >= 0)
		return bad(e, "paths are not in order");
	char *slash = strrchr(before, '/');
	if (!r->before_is_dir)
		*(slash ? slash : before) = '\0';
	return has_its_dir(r->path, before) ? 0 : bad(e, "a path has no directory");
}

static int get_path(struct listing_reader *r, struct err *e)
{
	char before[PATH_MAX];
	uint64_t shared;
	size_t rest;
	memcpy(before, r->path, r->path_len + 1);
	if (get_number(r, r->path_len, &shared, e) < 0 ||
	        get_string(r, r->path + shared, sizeof(r->path) - shared, &rest, e) < 0)
		return -1;
	r->path_len = (size_t)shared + rest;
	r->entry.path = r->path;
	return check_path(r, before, e);
}

static int get_first(struct listing_reader *r, struct err *e)
{
	size_t len;
	if (get_string(r, r->first, sizeof(r->first), &len, e) < 0)
		return -1;
	if (S_ISDIR(r->entry.mode) || !is_plain(r->first) || listing_path_compare(r->first, r->path) >= 0)
		return bad(e, "a link has no file");
	r->entry.first = r->first;
	return 0;
}

static int get_kind(struct listing_reader *r, struct err *e)
{
	struct tree_entry *entry = &r->entry;
	uint64_t v, w;
	size_t len;
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
		return get_number(r, INT64_MAX, &entry->size, e);
	case S_IFLNK:
		entry->target = r->target;
		if (get_string(r, r->target, sizeof(r->target), &len, e) < 0)
			return -1;
		return len ? 0 : bad(e, "a symbolic link leads nowhere");
	case S_IFCHR:
	case S_IFBLK:
		if (get_number(r, UINT32_MAX, &v, e) < 0 || get_number(r, UINT32_MAX, &w, e) < 0)
			return -1;
		entry->major = (unsigned)v;
		entry->minor = (unsigned)w;
		return 0;
	case S_IFIFO:
	case S_IFDIR:
		return 0;
	default:
		return bad(e, "an entry is of no known kind");
	}
}

/* One string of an attribute into r->strings, which may move: by offset. */
static int keep_string(struct listing_reader *r, size_t max, size_t *at, size_t *len, struct err *e)
{
	uint64_t n;
	if (get_number(r, max, &n, e) < 0)
		return -1;
	char *p = buf_reserve(&r->strings, (size_t)n + 1);
	if (!p)
		return err_no_memory(e);
	if (get_bytes(r, p, (size_t)n, e) < 0)
		return -1;
	p[n] = '\0';
	*at = r->strings.len;
	*len = (size_t)n;
	r->strings.len += (size_t)n + 1;
	return 0;
}

static int get_xattrs(struct listing_reader *r, struct err *e)
{
	uint64_t n;
	size_t len;
	if (get_number(r, TREE_XATTRS_MAX, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (keep_string(r, 255, &r->at[i][0], &len, e) < 0)
			return -1;
		if (len == 0 || strlen(r->strings.data + r->at[i][0]) != len)
			return bad(e, "an attribute has no right name");
		if (keep_string(r, LISTING_VALUE_MAX, &r->at[i][1], &r->xattrs[i].len, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		r->xattrs[i].name = r->strings.data + r->at[i][0];
		r->xattrs[i].value = r->strings.data + r->at[i][1];
	}
	r->entry.xattrs = r->xattrs;
	r->entry.n_xattrs = (size_t)n;
	return 0;
}

static int get_owner(struct listing_reader *r, struct err *e)
{
	uint64_t mode, uid, gid;
	if (get_number(r, 07777, &mode, e) < 0 || get_number(r, UINT32_MAX - 1, &uid, e) < 0 ||
	        get_number(r, UINT32_MAX - 1, &gid, e) < 0)
		return -1;
	r->entry.mode |= (mode_t)mode;
	r->entry.uid = (uint32_t)uid;
	r->entry.gid = (uint32_t)gid;
	return 0;
}

static int get_entry(struct listing_reader *r, unsigned kind, struct err *e)
{
	memset(&r->entry, 0, sizeof(r->entry));
	r->entry.mode = (mode_t)(kind & 15) << 12;
	r->strings.len = 0;
	if (kind > (15 | LISTING_XATTRS | LISTING_LINK))
		return bad(e, "an entry is of no known kind");
	if (get_path(r, e) < 0 || get_owner(r, e) < 0 || get_time(r, &r->entry.mtime, e) < 0 ||
	        get_time(r, &r->entry.ctime, e) < 0 || get_number(r, UINT64_MAX, &r->entry.ino, e) < 0)
		return -1;
	if ((kind & LISTING_LINK ? get_first(r, e) : get_kind(r, e)) < 0)
		return -1;
	if (kind & LISTING_XATTRS && get_xattrs(r, e) < 0)
		return -1;
	if (r->entries == 0 && !S_ISDIR(r->entry.mode))
		return bad(e, "its root is no directory");
	r->before_is_dir = S_ISDIR(r->entry.mode);
	r->pieces = S_ISREG(r->entry.mode) && !r->entry.first;
	r->piece.at = r->piece.len = 0;
	r->entries++;
	return 1;
}

/* The number of entries, and nothing behind it. */
static int get_end(struct listing_reader *r, struct err *e)
{
	uint64_t n;
	int rc = 1;
	if (get_number(r, UINT64_MAX, &n, e) < 0)
		return -1;
	if (n != r->entries || n == 0)
		return bad(e, "entries are missing");
	while (r->left == 0 && rc > 0)
		rc = r->source(r->arg, &r->data, &r->left, e);
	r->ended = true;
	return rc > 0 ? bad(e, "there is more behind its end") : rc;
}

int listing_next(struct listing_reader *r, const struct tree_entry **entry, struct err *e)
{
	struct listing_piece piece;
	unsigned kind;
	int rc;
	if (r->ended)
		return 0;
	while ((rc = listing_piece(r, &piece, e)) > 0)
		;
	if (rc < 0)
		return -1;
	if (!r->started && get_byte(r, &kind, e) < 0)
		return -1;
	if (!r->started && kind != LISTING_VERSION)
		return err_set(e, ERR_UNSUPPORTED, "the list of files was written by a newer Tare");
	r->started = true;
	if (get_byte(r, &kind, e) < 0)
		return -1;
	*entry = &r->entry;
	return kind == LISTING_END ? get_end(r, e) : get_entry(r, kind, e);
}

/* ------------------------------------------------------------------ its pieces */

static int get_place(struct listing_reader *r, unsigned kind, struct listing_piece *p, struct err *e)
{
	uint64_t offset = p->offset;
	if (kind == LISTING_CHUNK && get_bytes(r, p->id.bytes, sizeof(p->id.bytes), e) < 0)
		return -1;
	if (kind == LISTING_CHUNK)
		r->any_id = true;
	if (!r->any_id)
		return bad(e, "a piece is in no chunk");
	if (kind != LISTING_GOES_ON && get_number(r, CHUNK_MAX, &offset, e) < 0)
		return -1;
	p->offset = (uint32_t)offset;
	return get_number(r, CHUNK_MAX - offset, &p->len, e);
}

static int get_piece(struct listing_reader *r, unsigned kind, struct err *e)
{
	struct listing_piece *p = &r->piece;
	p->at += p->len;
	p->len = 0;
	p->hole = kind == LISTING_HOLE;
	if (kind == LISTING_HOLE && get_number(r, INT64_MAX, &p->len, e) < 0)
		return -1;
	if (kind != LISTING_HOLE && get_place(r, kind, p, e) < 0)
		return -1;
	if (p->len == 0 || p->len > r->entry.size - p->at)
		return bad(e, "a piece has an impossible length");
	return 1;
}

int listing_piece(struct listing_reader *r, struct listing_piece *piece, struct err *e)
{
	unsigned kind;
	if (!r->pieces)
		return 0;
	if (get_byte(r, &kind, e) < 0)
		return -1;
	if (kind > LISTING_CHUNK)
		return bad(e, "a piece is of no known kind");
	if (kind == LISTING_END) {
		r->pieces = false;
		return r->piece.at + r->piece.len == r->entry.size ? 0
		                                                   : bad(e, "pieces of a file are missing");
	}
	if (get_piece(r, kind, e) < 0)
		return -1;
	*piece = r->piece;
	if (!piece->hole)
		r->piece.offset += (uint32_t)piece->len; /* where the next one may go on */
	return 1;
}

void listing_reader_free(struct listing_reader *r)
{
	if (!r)
		return;
	buf_free(&r->strings);
	free(r);
}

void listing_reader_free_ptr(struct listing_reader **r)
{
	listing_reader_free(*r);
}
