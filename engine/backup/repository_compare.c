/* The files of one snapshot, and what changed between two. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "engine/backup/linked_files.h"
#include "engine/backup/repository_own.h"

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int give(const struct tree_entry *entry, char change, const struct linked_files *linked,
        repository_file_fn each, void *arg, struct err *e)
{
	const struct linked_file *file = entry->first ? linked_files_find(linked, entry) : NULL;
	const struct repository_file f = {.path = entry->path[0] ? entry->path : ".",
	        .mode = entry->mode,
	        .size = file ? file->size : entry->size,
	        .mtime = nanoseconds(entry->mtime),
	        .change = change};
	return each(arg, &f, e);
}

int repository_files(
        struct repository *r, const struct snapshot *s, repository_file_fn each, void *arg, struct err *e)
{
	cleanup_snapshot_files struct snapshot_files f = {0};
	cleanup_linked_files struct linked_files linked = {0};
	const struct tree_entry *entry;
	int rc;
	if (linked_files_load(&linked, r, s, e) < 0 || snapshot_files_open(&f, r, s->id, e) < 0)
		return -1;
	while ((rc = listing_next(f.reader, &entry, e)) > 0) {
		linked_files_note(&linked, entry, 0);
		if (give(entry, 0, &linked, each, arg, e) < 0)
			return -1;
	}
	return rc < 0 ? err_wrap(e, "backup %s", s->id) : 0;
}

/* ------------------------------------------------------------------ contents */

/* One of the two files: its pieces, one by one, and how far the one at hand was compared. */
struct content {
	struct listing_reader *in;
	struct chunk_reader chunks;
	struct listing_piece piece; /* what is left of it */
	const unsigned char *data;  /* of it; NULL: a hole, or not read */
};

static int next_piece(struct content *c, struct err *e)
{
	c->data = NULL;
	return c->piece.len ? 1 : listing_piece(c->in, &c->piece, e);
}

static int read_piece(struct content *c, struct err *e)
{
	size_t len;
	if (c->piece.hole || c->data)
		return 0;
	if (chunk_reader_borrow(&c->chunks, &c->piece.id, &c->data, &len, e) < 0)
		return -1;
	if (c->piece.offset + c->piece.len > len)
		return err_set(e, ERR_CORRUPT, "a chunk is too short");
	c->data += c->piece.offset;
	return 0;
}

static void pass(struct content *c, uint64_t len)
{
	c->piece.at += len;
	c->piece.len -= len;
	if (!c->piece.hole)
		c->piece.offset += (uint32_t)len;
	if (c->data)
		c->data += len;
}

static bool is_zero(const unsigned char *data, uint64_t len)
{
	for (uint64_t i = 0; data && i < len; i++)
		if (data[i])
			return false;
	return data != NULL;
}

/* 1 the same, 0 not. The same bytes may be cut differently, or be in a bundle with others: then, and only
 * then, they are read. */
static int same_piece(struct content *a, struct content *b, uint64_t len, struct err *e)
{
	if (a->piece.hole && b->piece.hole)
		return 1;
	if (!a->piece.hole && !b->piece.hole && a->piece.offset == b->piece.offset &&
	        chunk_id_equal(&a->piece.id, &b->piece.id))
		return 1;
	if (read_piece(a, e) < 0 || read_piece(b, e) < 0)
		return -1;
	if (a->piece.hole || b->piece.hole)
		return is_zero(a->piece.hole ? b->data : a->data, len);
	return a->data && b->data && memcmp(a->data, b->data, (size_t)len) == 0;
}

static int same_content(struct content *a, struct content *b, struct err *e)
{
	a->piece.len = b->piece.len = 0;
	for (;;) {
		int x = next_piece(a, e), y = next_piece(b, e);
		if (x < 0 || y < 0)
			return -1;
		if (x == 0 || y == 0)
			return x == y;
		uint64_t len = a->piece.len < b->piece.len ? a->piece.len : b->piece.len;
		int rc = same_piece(a, b, len, e);
		if (rc <= 0)
			return rc;
		pass(a, len);
		pass(b, len);
	}
}

/* ------------------------------------------------------------------ attributes */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_xattrs(const struct tree_entry *a, const struct tree_entry *b)
{
	if (a->n_xattrs != b->n_xattrs)
		return false;
	for (size_t i = 0; i < a->n_xattrs; i++)
		if (strcmp(a->xattrs[i].name, b->xattrs[i].name) != 0 ||
		        a->xattrs[i].len != b->xattrs[i].len ||
		        memcmp(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len) != 0)
			return false;
	return true;
}

static bool same_attributes(const struct tree_entry *a, const struct tree_entry *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && same_xattrs(a, b) &&
	       (S_ISDIR(a->mode) || nanoseconds(a->mtime) == nanoseconds(b->mtime));
}

static bool same_kind(const struct tree_entry *a, const struct tree_entry *b)
{
	return (a->mode & S_IFMT) == (b->mode & S_IFMT) && a->size == b->size && a->major == b->major &&
	       a->minor == b->minor && same_text(a->target, b->target) && same_text(a->first, b->first);
}

/* ------------------------------------------------------------------ two lists */

struct compare {
	struct snapshot_files a, b;
	struct linked_files linked_a, linked_b;
	struct content in_a, in_b;
	const struct tree_entry *x, *y; /* at hand; NULL at the end */
	repository_file_fn each;
	void *arg;
};

static int step(struct snapshot_files *f, const struct tree_entry **entry, struct err *e)
{
	int rc = listing_next(f->reader, entry, e);
	if (rc == 0)
		*entry = NULL;
	return rc < 0 ? err_wrap(e, "backup %s", f->record.about.id) : 0;
}

/* Whether what is in the file is the same. Of a file of several names that is known from its first one. */
static int same_file(struct compare *c, struct err *e)
{
	const struct linked_file *file = c->y->first ? linked_files_find(&c->linked_b, c->y) : NULL;
	if (!same_kind(c->x, c->y))
		return 0;
	if (c->y->first)
		return !file || (file->change != 'C' && file->change != 'A');
	return S_ISREG(c->x->mode) ? same_content(&c->in_a, &c->in_b, e) : 1;
}

static int compare_pair(struct compare *c, struct err *e)
{
	int same = same_file(c, e);
	if (same < 0)
		return err_wrap(e, "\"%.300s\"", c->y->path);
	char change = !same ? 'C' : same_attributes(c->x, c->y) ? 0 : 'M';
	linked_files_note(&c->linked_a, c->x, change);
	linked_files_note(&c->linked_b, c->y, change);
	return change ? give(c->y, change, &c->linked_b, c->each, c->arg, e) : 0;
}

/* In one of the two only. */
static int tell_single(struct compare *c, bool added, struct err *e)
{
	const struct tree_entry *entry = added ? c->y : c->x;
	const struct linked_files *linked = added ? &c->linked_b : &c->linked_a;
	linked_files_note(linked, entry, added ? 'A' : 'D');
	return give(entry, added ? 'A' : 'D', linked, c->each, c->arg, e);
}

static int compare_all(struct compare *c, struct err *e)
{
	if (step(&c->a, &c->x, e) < 0 || step(&c->b, &c->y, e) < 0)
		return -1;
	while (c->x || c->y) {
		int order = !c->x ? 1 : !c->y ? -1 : listing_path_compare(c->x->path, c->y->path);
		int rc = order == 0 ? compare_pair(c, e) : tell_single(c, order > 0, e);
		if (rc < 0)
			return -1;
		if (order <= 0 && step(&c->a, &c->x, e) < 0)
			return -1;
		if (order >= 0 && step(&c->b, &c->y, e) < 0)
			return -1;
	}
	return 0;
}

int repository_compare(struct repository *r, const struct snapshot *a, const struct snapshot *b,
        repository_file_fn each, void *arg, struct err *e)
{
	struct compare c = {.each = each, .arg = arg, .in_a.chunks.fd = -1, .in_b.chunks.fd = -1};
	int rc = -1;
	if (linked_files_load(&c.linked_a, r, a, e) == 0 && linked_files_load(&c.linked_b, r, b, e) == 0 &&
	        snapshot_files_open(&c.a, r, a->id, e) == 0 && snapshot_files_open(&c.b, r, b->id, e) == 0 &&
	        chunk_reader_start(&c.in_a.chunks, r, e) == 0 &&
	        chunk_reader_start(&c.in_b.chunks, r, e) == 0) {
		c.in_a.in = c.a.reader;
		c.in_b.in = c.b.reader;
		rc = compare_all(&c, e);
	}
	chunk_reader_end(&c.in_a.chunks);
	chunk_reader_end(&c.in_b.chunks);
	snapshot_files_close(&c.a);
	snapshot_files_close(&c.b);
	linked_files_free(&c.linked_a);
	linked_files_free(&c.linked_b);
	return rc;
}
