/* A snapshot becomes a tree again. The list of files is read twice: a scout that runs ahead tells which
 * chunks will be needed, so that they are decoded on other threads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/tree_make.h"
#include "engine/backup/prefetch.h"
#include "engine/backup/repository_own.h"
#include "engine/backup/subtree.h"

struct scout {
	struct snapshot_files files;
	struct chunk_id id; /* of the piece before, and, when it waits, to be asked for */
	bool any, waits, ended;
};

/* A file whose first name is not in the subtree, and the name in it that stands for it now. */
struct adopted {
	char *first, *path;
};

struct restore {
	struct repository *repository;
	const struct repository_restore *request;
	const char *id;
	char *subtree;          /* NULL: everything */
	struct tree_make *make; /* NULL: dry run */
	struct prefetch *prefetch;
	struct scout scout;
	struct chunk_id chunk; /* at hand */
	const unsigned char *data;
	size_t len;
	bool any_chunk, met;
	struct adopted *adopted;
	size_t n_adopted;
	struct snapshot_files firsts;   /* the list, where the last of them was found, */
	const struct tree_entry *first; /* which is this one */
	struct chunk_reader chunks;     /* of their contents */
	uint64_t entries, bytes, total;
};

/* ------------------------------------------------------------------ chunks */

/* To the next chunk that will be needed. What is wrong with the list is said by the one behind. */
static void scout_step(struct restore *r, struct scout *s)
{
	struct err e = ERR_INIT;
	struct listing_piece piece;
	const struct tree_entry *entry;
	for (;;) {
		int rc = s->files.reader ? listing_piece(s->files.reader, &piece, &e) : -1;
		if (rc > 0 && !piece.hole && (!s->any || !chunk_id_equal(&piece.id, &s->id))) {
			s->id = piece.id;
			s->any = s->waits = true;
			return;
		}
		while (rc == 0 && (rc = listing_next(s->files.reader, &entry, &e)) > 0 &&
		        !subtree_has(r->subtree, entry->path))
			rc = 0;
		if (rc <= 0) {
			s->ended = true;
			return;
		}
	}
}

static void scout_ahead(struct restore *r)
{
	struct scout *s = &r->scout;
	while (!s->ended) {
		if (!s->waits)
			scout_step(r, s);
		if (s->waits && !prefetch_want(r->prefetch, &s->id))
			return;
		s->waits = false;
	}
}

static int get_chunk(struct restore *r, const struct listing_piece *piece, struct err *e)
{
	if (!r->any_chunk || !chunk_id_equal(&piece->id, &r->chunk)) {
		scout_ahead(r);
		r->any_chunk = false;
		if (prefetch_next(r->prefetch, &piece->id, &r->data, &r->len, e) < 0)
			return -1;
		r->chunk = piece->id;
		r->any_chunk = true;
	}
	if (piece->offset + piece->len > r->len)
		return err_set(e, ERR_CORRUPT, "a chunk is too short");
	return 0;
}

/* ------------------------------------------------------------------ files */

static int write_at(int fd, const void *data, size_t len, uint64_t at, struct err *e)
{
	const char *p = data;
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot write it");
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static void step(struct restore *r, uint64_t bytes)
{
	r->bytes += bytes;
	if (r->repository->progress)
		progress_step(r->repository->progress, r->request->label ? r->request->label : "restore",
		        r->make ? "restoring" : "checking", r->bytes, r->total);
}

static int write_pieces(struct restore *r, struct listing_reader *in, int fd, struct err *e)
{
	struct listing_piece piece;
	int rc;
	while ((rc = listing_piece(in, &piece, e)) > 0) {
		if (piece.hole)
			continue;
		if (get_chunk(r, &piece, e) < 0 ||
		        (fd >= 0 && write_at(fd, r->data + piece.offset, (size_t)piece.len, piece.at, e) < 0))
			return -1;
		step(r, piece.len);
	}
	return rc;
}

/* The same for a file met in another place than the scout is: one by one. */
static int write_pieces_alone(
        struct restore *r, struct snapshot_files *f, struct chunk_reader *c, int fd, struct err *e)
{
	struct listing_piece piece;
	const unsigned char *data;
	size_t len;
	int rc;
	while ((rc = listing_piece(f->reader, &piece, e)) > 0) {
		if (piece.hole)
			continue;
		if (chunk_reader_borrow(c, &piece.id, &data, &len, e) < 0)
			return -1;
		if (piece.offset + piece.len > len)
			return err_set(e, ERR_CORRUPT, "a chunk is too short");
		if (fd >= 0 && write_at(fd, data + piece.offset, (size_t)piece.len, piece.at, e) < 0)
			return -1;
		step(r, piece.len);
	}
	return rc;
}

/* What it is called in the tree that is made; NULL without memory. */
static char *new_path(const struct restore *r, const char *path, bool dir)
{
	const char *name = r->request->in_place ? path : subtree_path(r->subtree, path);
	const char *slash = strrchr(path, '/');
	if (!name[0] && !dir)
		name = slash ? slash + 1 : path;
	return strdup(name);
}

static int begin(struct restore *r, const struct tree_entry *entry, int *file, struct err *e)
{
	*file = -1;
	r->entries++;
	return r->make ? tree_make_entry(r->make, entry, file, e) : 0;
}

static int end(struct restore *r, const struct tree_entry *entry, int *file, struct err *e)
{
	if (!r->make || *file < 0)
		return 0;
	int fd = *file;
	*file = -1;
	return tree_make_file_end(r->make, entry, &fd, e);
}

/* ------------------------------------------------------------------ hard links from outside the subtree */

static const char *adopted_path(const struct restore *r, const char *first)
{
	for (size_t i = 0; i < r->n_adopted; i++)
		if (strcmp(r->adopted[i].first, first) == 0)
			return r->adopted[i].path;
	return NULL;
}

static int remember(struct restore *r, const char *first, const char *path, struct err *e)
{
	struct adopted *grown = realloc(r->adopted, (r->n_adopted + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	r->adopted = grown;
	grown[r->n_adopted] = (struct adopted){strdup(first), strdup(path)};
	r->n_adopted++;
	return grown[r->n_adopted - 1].first && grown[r->n_adopted - 1].path ? 0 : err_no_memory(e);
}

/* Files mostly come in the order of their links: from the one before the list is read on, and only for one
 * that stands before it from the beginning. */
static int find_entry(struct restore *r, const char *path, struct err *e)
{
	struct snapshot_files *f = &r->firsts;
	int rc, order;
	if (f->reader && (!r->first || listing_path_compare(r->first->path, path) >= 0))
		snapshot_files_close(f);
	r->first = NULL;
	if (!f->reader && snapshot_files_open(f, r->repository, r->id, e) < 0)
		return -1;
	if (!r->chunks.coder && chunk_reader_start(&r->chunks, r->repository, e) < 0)
		return -1;
	while ((rc = listing_next(f->reader, &r->first, e)) > 0) {
		order = listing_path_compare(r->first->path, path);
		if (order >= 0)
			return order == 0 ? 0 : err_set(e, ERR_CORRUPT, "a link has no file");
	}
	r->first = NULL;
	return rc < 0 ? -1 : err_set(e, ERR_CORRUPT, "a link has no file");
}

/* The file itself, looked up in the list, under the name that the link had. */
static int adopt(struct restore *r, const struct tree_entry *link, const char *path, struct err *e)
{
	cleanup_fd int file = -1;
	if (remember(r, link->first, path, e) < 0 || find_entry(r, link->first, e) < 0)
		return -1;
	struct tree_entry entry = *r->first;
	entry.path = path;
	if (begin(r, &entry, &file, e) < 0 || write_pieces_alone(r, &r->firsts, &r->chunks, file, e) < 0)
		return -1;
	return end(r, &entry, &file, e);
}

/* ------------------------------------------------------------------ the way through */

static int restore_entry(
        struct restore *r, struct listing_reader *in, const struct tree_entry *met, struct err *e)
{
	cleanup_free char *path = new_path(r, met->path, S_ISDIR(met->mode)), *first = NULL;
	cleanup_fd int file = -1;
	struct tree_entry entry = *met;
	if (!path)
		return err_no_memory(e);
	entry.path = path;
	if (met->first && !subtree_has(r->subtree, met->first)) {
		const char *there = adopted_path(r, met->first);
		if (!there)
			return adopt(r, met, path, e);
		entry.first = there;
	} else if (met->first) {
		first = new_path(r, met->first, false);
		if (!first)
			return err_no_memory(e);
		entry.first = first;
	}
	if (begin(r, &entry, &file, e) < 0 || write_pieces(r, in, file, e) < 0)
		return -1;
	return end(r, &entry, &file, e);
}

static int restore_all(struct restore *r, struct err *e)
{
	cleanup_snapshot_files struct snapshot_files f = {0};
	const struct tree_entry *entry;
	int rc;
	if (snapshot_files_open(&f, r->repository, r->id, e) < 0)
		return -1;
	r->total = r->subtree ? 0 : f.record.about.bytes;
	while ((rc = listing_next(f.reader, &entry, e)) > 0) {
		if (!subtree_has(r->subtree, entry->path)) {
			if (r->met)
				return 0;
			continue;
		}
		r->met = true;
		char path[301];
		snprintf(path, sizeof(path), "%.300s", entry->path[0] ? entry->path : ".");
		if (restore_entry(r, f.reader, entry, e) < 0)
			return strstr(e->msg, path) ? -1 : err_wrap(e, "\"%s\"", path);
	}
	return rc;
}

static int run(struct restore *r, int dirfd, struct err *e)
{
	const struct tree_make_options o = {.xattrs = TREE_XATTRS_ALL,
	        .any_parents = r->request->in_place && r->subtree,
	        .dropped = r->request->dropped,
	        .arg = r->request->arg};
	cleanup_tree_make struct tree_make *make = NULL;
	if (!r->request->dry_run && !(make = tree_make_new(dirfd, &o, e)))
		return -1;
	r->make = make;
	if (restore_all(r, e) < 0)
		return -1;
	if (!r->met)
		return err_set(e, ERR_NOT_FOUND, "the backup has no \"%.300s\"", r->subtree);
	return make ? tree_make_end(make, e) : 0;
}

/* "/a//b/" as a user types it is "a/b". */
static int take_subtree(struct restore *r, const char *text, struct err *e)
{
	size_t n = 0;
	r->subtree = text ? malloc(strlen(text) + 1) : NULL;
	if (text && !r->subtree)
		return err_no_memory(e);
	for (const char *s = text; s && *s; s++)
		if (*s != '/' || (n && s[1] != '/' && s[1]))
			r->subtree[n++] = *s;
	if (r->subtree)
		r->subtree[n] = '\0';
	return 0;
}

static void let_go(struct restore *r)
{
	snapshot_files_close(&r->scout.files);
	snapshot_files_close(&r->firsts);
	chunk_reader_end(&r->chunks);
	prefetch_free(r->prefetch);
	for (size_t i = 0; i < r->n_adopted; i++) {
		free(r->adopted[i].first);
		free(r->adopted[i].path);
	}
	free(r->adopted);
	free(r->subtree);
}

int repository_restore(struct repository *r, const struct snapshot *s, int dirfd,
        const struct repository_restore *q, uint64_t *entries, uint64_t *bytes, struct err *e)
{
	struct err own = ERR_INIT;
	struct restore work = {.repository = r, .request = q, .id = s->id};
	int rc = -1;
	if (!e)
		e = &own;
	if (take_subtree(&work, q->subtree, e) == 0 &&
	        snapshot_files_open(&work.scout.files, r, s->id, e) == 0 &&
	        (work.prefetch = prefetch_new(r, e)))
		rc = run(&work, dirfd, e);
	if (rc == 0 && r->progress)
		progress_done(
		        r->progress, q->label ? q->label : "restore", q->dry_run ? "checked" : "restored");
	*entries = work.entries;
	*bytes = work.bytes;
	let_go(&work);
	return rc < 0 ? err_wrap(e, "backup %s", s->id) : 0;
}
