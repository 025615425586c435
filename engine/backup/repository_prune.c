/* What no snapshot needs goes: whole packs at once, others when little of them is left are written anew. A
 * chunk that stands in two packs (two writers at once) is kept in one. What is kept is on the disk before
 * anything is unlinked. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/backup/repository_own.h"

#define WORTH_KEEPING 70              /* percent of a pack that are used */
#define SMALL         (PACK_SIZE / 8) /* packs shorter than that are put together, when there are */
#define SMALL_PACKS   8               /* so many */

struct prune {
	struct repository *repository;
	bool dry_run;
	struct repository_pruned *sums;
	uint64_t *used;  /* bytes of each pack that are used */
	uint32_t *count; /* chunks */
	struct pack_writer *writer;
	uint64_t written; /* bytes of new packs */
	size_t *waiting;  /* packs whose chunks are in the open one, to be unlinked with its name */
	size_t n_waiting, n_copied;
	uint64_t copied; /* bytes and chunks of theirs */
	unsigned char *stored;
};

/* ------------------------------------------------------------------ what is used */

static int use(struct prune *p, const struct chunk_id *id, struct err *e)
{
	struct chunk_row *row = chunk_index_find(&p->repository->index, id);
	if (!row)
		return err_set(e, ERR_CORRUPT, "some of its content is missing");
	if (!(row->marks & CHUNK_USED)) {
		p->used[row->pack] += row->stored;
		p->count[row->pack]++;
	}
	row->marks |= CHUNK_USED;
	return 0;
}

static int use_files(struct prune *p, struct snapshot_files *f, struct err *e)
{
	const struct tree_entry *entry;
	struct listing_piece piece;
	int rc;
	for (size_t i = 0; i < f->record.n; i++)
		if (use(p, &f->record.listing[i], e) < 0)
			return -1;
	while ((rc = listing_next(f->reader, &entry, e)) > 0) {
		while ((rc = listing_piece(f->reader, &piece, e)) > 0)
			/* a chunk that is lost already is no reason to keep nothing else tidy */
			if (!piece.hole)
				(void)use(p, &piece.id, NULL);
		if (rc < 0)
			return -1;
	}
	return rc;
}

/* A snapshot that cannot be read may need anything: nothing is removed then. */
static int find_used(struct prune *p, struct err *e)
{
	cleanup_strv char **ids = repository_snapshot_ids(p->repository, e);
	if (!ids)
		return -1;
	strv_foreach (id, ids) {
		cleanup_snapshot_files struct snapshot_files f = {0};
		if (snapshot_files_open(&f, p->repository, *id, e) < 0)
			return err_wrap(e, "nothing is removed as long as a backup cannot be read");
		if (use_files(p, &f, e) < 0)
			return err_wrap(e, "nothing is removed as long as a backup cannot be read: %s", *id);
	}
	return 0;
}

/* ------------------------------------------------------------------ what goes */

static int unlink_pack(struct prune *p, size_t i, struct err *e)
{
	struct repository_pack *pack = &p->repository->list[i];
	char path[PACK_PATH_SIZE];
	p->sums->packs++;
	p->sums->chunks += pack->chunks - p->count[i];
	p->sums->bytes += pack->size;
	if (p->dry_run)
		return 0;
	if (unlinkat(p->repository->packs, pack_path(&pack->name, path), 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove packs/%s", path);
	return 0;
}

/* Of a pack of so many bytes of so many chunks. */
static uint64_t pack_size(const struct prune *p, uint64_t bytes, uint64_t chunks)
{
	return PACK_FIRST + bytes + chunks * PACK_ROW_SIZE + (p->repository->seal.on ? SEAL_OVERHEAD : 0) +
	       PACK_FOOTER_SIZE;
}

/* The same by its size alone: a new pack that would be one of the old is that one. */
static int close_dry(struct prune *p, struct err *e)
{
	uint64_t size = p->n_waiting ? pack_size(p, p->copied, p->n_copied) : 0;
	bool same = p->n_waiting == 1 && p->repository->list[p->waiting[0]].size == size;
	for (size_t i = 0; !same && i < p->n_waiting; i++)
		if (unlink_pack(p, p->waiting[i], e) < 0)
			return -1;
	p->written += same ? 0 : size;
	p->n_waiting = p->n_copied = 0;
	p->copied = 0;
	return 0;
}

/* The new pack gets its name; then those that it stands for go. */
static int close_writer(struct prune *p, struct err *e)
{
	struct pack_name name;
	uint64_t size = 0;
	if (p->dry_run)
		return close_dry(p, e);
	if (p->writer && pack_writer_finish(p->writer, &name, &size, e) < 0)
		return -1;
	pack_writer_free(p->writer);
	p->writer = NULL;
	p->written += size;
	for (size_t i = 0; i < p->n_waiting; i++) {
		/* the new one may be called like an old one: then it is the same, and stays */
		bool same =
		        size && memcmp(&p->repository->list[p->waiting[i]].name, &name, sizeof(name)) == 0;
		if (!same && unlink_pack(p, p->waiting[i], e) < 0)
			return -1;
		if (same)
			p->written -= size;
	}
	p->n_waiting = p->n_copied = 0;
	p->copied = 0;
	return 0;
}

static int copy_blob(struct prune *p, int fd, const struct blob *b, uint64_t at, struct err *e)
{
	uint32_t offset;
	if (pack_read(fd, at, p->stored, b->stored, e) < 0 || blob_check(b, p->stored, e) < 0)
		return -1;
	if (!p->writer && !(p->writer = pack_writer_new(p->repository->packs, &p->repository->seal, e)))
		return -1;
	return pack_writer_add(p->writer, b, p->stored, &offset, e);
}

static bool is_needed(const struct prune *p, const struct blob *b, size_t pack, uint64_t at)
{
	const struct chunk_row *row = chunk_index_find(&p->repository->index, &b->id);
	return row && row->marks & CHUNK_USED && row->pack == pack && row->offset == at;
}

static bool all_is_right(struct prune *p, int fd, size_t i, const struct pack_directory *d)
{
	uint64_t at = PACK_FIRST;
	for (size_t k = 0; k < d->n; at += d->blobs[k++].stored)
		if (is_needed(p, &d->blobs[k], i, at) &&
		        (pack_read(fd, at, p->stored, d->blobs[k].stored, NULL) < 0 ||
		                blob_check(&d->blobs[k], p->stored, NULL) < 0))
			return false;
	return true;
}

/* Nobody would read a pack that is too large. */
static bool has_room(const struct prune *p, size_t i)
{
	return p->copied + p->used[i] <= PACK_SIZE_MAX / 2 + PACK_SIZE / 2 &&
	       p->n_copied + p->count[i] <= PACK_BLOBS_MAX;
}

/* A pack with damage in what is needed stays as it is: what verify says about it must stay true. */
static int write_anew(struct prune *p, size_t i, struct err *e)
{
	struct repository *r = p->repository;
	cleanup_pack_directory struct pack_directory d = {0};
	uint64_t at = PACK_FIRST;
	cleanup_fd int fd = pack_open(r->packs, &r->list[i].name, e);
	if (fd < 0 || pack_read_directory(fd, &r->list[i].name, &r->seal, &d, e) < 0)
		return -1;
	if (!all_is_right(p, fd, i, &d))
		return 0;
	if (!has_room(p, i) && close_writer(p, e) < 0)
		return -1;
	for (size_t k = 0; !p->dry_run && k < d.n; at += d.blobs[k++].stored)
		if (is_needed(p, &d.blobs[k], i, at) && copy_blob(p, fd, &d.blobs[k], at, e) < 0)
			return -1;
	p->waiting[p->n_waiting++] = i;
	p->copied += p->used[i];
	p->n_copied += p->count[i];
	bool full = p->dry_run ? pack_size(p, p->copied, 0) >= PACK_SIZE
	                       : p->writer && pack_writer_is_full(p->writer);
	return full ? close_writer(p, e) : 0;
}

static size_t count_small(const struct prune *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->repository->n; i++)
		n += !p->repository->list[i].broken && p->used[i] > 0 && p->repository->list[i].size < SMALL;
	return n;
}

static bool is_worth_keeping(const struct prune *p, size_t i, bool join)
{
	const struct repository_pack *pack = &p->repository->list[i];
	if (join && pack->size < SMALL)
		return false;
	return pack_size(p, p->used[i], p->count[i]) * 100 >= pack->size * WORTH_KEEPING;
}

/* Those that need no room first: it may be that there is none. */
static int remove_packs(struct prune *p, struct err *e)
{
	struct repository *r = p->repository;
	bool join = count_small(p) >= SMALL_PACKS;
	for (size_t i = 0; i < r->n; i++)
		if (!r->list[i].broken && p->used[i] == 0 && unlink_pack(p, i, e) < 0)
			return -1;
	for (size_t i = 0; i < r->n; i++) {
		if (r->list[i].broken || p->used[i] == 0 || is_worth_keeping(p, i, join))
			continue;
		if (write_anew(p, i, e) < 0)
			return -1;
		if (r->progress)
			progress_step(r->progress, "repository", "pruning", i + 1, r->n);
	}
	return close_writer(p, e);
}

/* ------------------------------------------------------------------ what a crash left */

static int remove_rubbish(struct prune *p, int dirfd, struct err *e)
{
	struct stat st;
	cleanup_fd int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_sys(e, "cannot list %s", p->repository->dir);
	fd = -1;
	for (struct dirent *d; (d = readdir(dir));) {
		if (strncmp(d->d_name, ".tmp-", 5) != 0 ||
		        fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		p->sums->bytes += (uint64_t)st.st_size;
		if (!p->dry_run && unlinkat(dirfd, d->d_name, 0) < 0)
			return err_sys(e, "cannot remove %s of the repository", d->d_name);
	}
	return 0;
}

static int run(struct prune *p, struct err *e)
{
	struct repository *r = p->repository;
	if (find_used(p, e) < 0 || remove_rubbish(p, r->dirfd, e) < 0 || remove_rubbish(p, r->packs, e) < 0 ||
	        remove_rubbish(p, r->snapshots, e) < 0 || remove_packs(p, e) < 0)
		return -1;
	p->sums->bytes -= p->written < p->sums->bytes ? p->written : p->sums->bytes;
	return 0;
}

int repository_prune(struct repository *r, bool dry_run, struct repository_pruned *out, struct err *e)
{
	*out = (struct repository_pruned){0};
	if (repository_needs_exclusive(r, e) < 0 || repository_load_index(r, e) < 0)
		return -1;
	struct prune p = {.repository = r, .dry_run = dry_run, .sums = out};
	p.used = calloc(r->n + 1, sizeof(*p.used));
	p.count = calloc(r->n + 1, sizeof(*p.count));
	p.waiting = calloc(r->n + 1, sizeof(*p.waiting));
	p.stored = malloc(BLOB_STORED_MAX);
	int rc = p.used && p.count && p.waiting && p.stored ? run(&p, e) : err_no_memory(e);
	pack_writer_free(p.writer);
	free(p.used);
	free(p.count);
	free(p.waiting);
	free(p.stored);
	repository_drop_index(r);
	if (rc < 0)
		return err_wrap(e, "prune %s", r->dir);
	if (r->progress)
		progress_done(r->progress, "repository", "pruned");
	return 0;
}
