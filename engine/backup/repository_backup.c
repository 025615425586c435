/* One backup: a walk of the tree beside the list of files of the last one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/tree_walk.h"
#include "engine/backup/backlog.h"
#include "engine/backup/intake.h"
#include "engine/backup/pipeline.h"
#include "engine/backup/repository_own.h"

#define SECOND  INT64_C(1000000000)
#define RACY_NS (2 * SECOND) /* the coarsest clock of a file system */

/* The list of files of the newest snapshot of the same volume. */
struct previous {
	struct snapshot_files files;
	const struct tree_entry *entry; /* NULL: there is none any more */
	int64_t trusted;                /* what was changed from then on is read again */
};

struct backup {
	struct repository *repository;
	const struct repository_backup *request;
	struct pipeline *pipeline;
	struct backlog backlog;
	struct intake intake;
	struct previous previous;
	struct snapshot *about;
	uint64_t dev, ino; /* of the repository's directory */
};

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* ------------------------------------------------------------------ what was there the last time */

/* A list that turns out to be damaged is worth nothing, but no reason to have no backup. */
static void previous_step(struct previous *p)
{
	struct err e = ERR_INIT;
	if (listing_next(p->files.reader, &p->entry, &e) <= 0)
		p->entry = NULL;
}

static int previous_open(struct backup *b, struct err *e)
{
	struct err why = ERR_INIT;
	struct snapshot last;
	if (repository_newest(b->repository, b->request->volume, &last, &why) < 0)
		return why.kind == ERR_NOT_FOUND ? 0 : (*e = why, -1);
	b->previous.trusted = last.time - RACY_NS;
	if (snapshot_files_open(&b->previous.files, b->repository, last.id, &why) == 0)
		previous_step(&b->previous);
	snapshot_free(&last);
	return 0;
}

/* The entry of the same path that has not changed since, or NULL. One that was changed so shortly before the
 * last backup that a later change could bear the same time is not trusted.
 * tests/unit/test_backup_repository.c */
static const struct tree_entry *previous_same(struct previous *p, const struct tree_entry *now)
{
	const struct tree_entry *then;
	while (p->entry && listing_path_compare(p->entry->path, now->path) < 0)
		previous_step(p);
	then = p->entry;
	if (!then || strcmp(then->path, now->path) != 0 || then->mode != now->mode || then->first ||
	        now->first || then->size != now->size || then->ino != now->ino ||
	        nanoseconds(then->mtime) != nanoseconds(now->mtime) ||
	        nanoseconds(then->ctime) != nanoseconds(now->ctime) || nanoseconds(now->ctime) >= p->trusted)
		return NULL;
	return then;
}

/* ------------------------------------------------------------------ content */

static void step(void *arg, uint64_t bytes)
{
	struct backup *b = arg;
	b->about->bytes += bytes;
	if (b->repository->progress)
		progress_step(b->repository->progress, b->request->label ? b->request->label : "backup",
		        "storing", b->about->bytes, b->request->total);
}

/* What the file system says is data is read, what it says is a hole is one. */
static int take_sparse(struct backup *b, int fd, uint64_t at, uint64_t end, struct err *e)
{
	while (at < end) {
		off_t from = lseek(fd, (off_t)at, SEEK_DATA);
		if (from < 0 && errno != ENXIO)
			return intake_range(&b->intake, fd, at, end - at, e); /* it cannot tell */
		uint64_t data = from < 0 || (uint64_t)from > end ? end : (uint64_t)from;
		if (data > at && intake_hole(&b->intake, at, data - at, e) < 0)
			return -1;
		off_t to = data < end ? lseek(fd, (off_t)data, SEEK_HOLE) : (off_t)end;
		at = to < 0 || (uint64_t)to > end || (uint64_t)to <= data ? end : (uint64_t)to;
		if (at > data && intake_range(&b->intake, fd, data, at - data, e) < 0)
			return -1;
	}
	return 0;
}

static int take_file(struct backup *b, int fd, const struct tree_entry *entry, uint64_t at, struct err *e)
{
	return entry->blocks * 512 < entry->size ? take_sparse(b, fd, at, entry->size, e)
	                                         : intake_range(&b->intake, fd, at, entry->size - at, e);
}

/* Kept as it was when it was met, as far as that could still be read; that it moved is said. */
static void check_change(struct backup *b, int fd, const struct tree_entry *entry)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == entry->size &&
	        nanoseconds(st.st_mtim) == nanoseconds(entry->mtime) &&
	        nanoseconds(st.st_ctim) == nanoseconds(entry->ctime))
		return;
	if (b->request->skipped)
		b->request->skipped(b->request->arg, entry->path, "it changed while it was read");
}

static int read_file(
        struct backup *b, struct tree_walk *w, const struct tree_entry *entry, uint64_t at, struct err *e)
{
	if (at == entry->size)
		return 0;
	int fd = tree_walk_open(w, e);
	if (fd < 0 || take_file(b, fd, entry, at, e) < 0)
		return -1;
	check_change(b, fd, entry);
	return 0;
}

/* 1: the piece is there to be used again. */
static int reuse_piece(struct backup *b, const struct listing_piece *piece, struct err *e)
{
	struct chunk_row row;
	if (!piece->hole && (!repository_find_chunk(b->repository, &piece->id, &row) ||
	                            piece->offset + piece->len > row.plain))
		return 0;
	if (backlog_piece(&b->backlog, NULL, piece, e) < 0)
		return -1;
	if (!piece->hole)
		step(b, piece->len);
	return 1;
}

/* The pieces of the last time, without opening the file. A chunk that the packs have lost since is read
 * again; behind the place where the old list is damaged, everything. */
static int reuse_file(struct backup *b, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct err why = ERR_INIT;
	struct listing_piece piece;
	uint64_t at = 0;
	int rc;
	while ((rc = listing_piece(b->previous.files.reader, &piece, &why)) > 0) {
		int used = reuse_piece(b, &piece, e);
		int fd = used == 0 ? tree_walk_open(w, e) : 0;
		if (used < 0 || fd < 0 ||
		        (used == 0 && intake_range(&b->intake, fd, piece.at, piece.len, e) < 0))
			return -1;
		at = piece.at + piece.len;
	}
	if (rc == 0)
		return 0;
	b->previous.entry = NULL;
	return read_file(b, w, entry, at, e);
}

/* ------------------------------------------------------------------ entries */

static int take_content(struct backup *b, struct tree_walk *w, const struct tree_entry *entry,
        const struct tree_entry *same, struct err *e)
{
	if (!S_ISREG(entry->mode) || entry->first)
		return 0;
	if ((same ? reuse_file(b, w, entry, e) : read_file(b, w, entry, 0, e)) < 0)
		return -1;
	return backlog_pieces_end(&b->backlog, e);
}

/* A repository within the tree would be stored into itself, and grow each time.
 * tests/unit/test_backup_repository.c */
static bool is_repository(struct backup *b, const struct tree_entry *met)
{
	if (!S_ISDIR(met->mode) || met->ino != b->ino || met->dev != b->dev)
		return false;
	if (b->request->skipped)
		b->request->skipped(
		        b->request->arg, met->path, "it is the repository that this is stored in");
	return true;
}

/* Nobody should find out at the restore. */
static void tell_mount(const struct backup *b, const struct tree_entry *met)
{
	if (met->mount && b->request->skipped)
		b->request->skipped(b->request->arg, met->path, "what is mounted over it is left out");
}

static int take_entry(void *arg, struct tree_walk *w, const struct tree_entry *met, struct err *e)
{
	struct backup *b = arg;
	struct tree_entry entry = *met;
	if (is_repository(b, met))
		return TREE_WALK_NOT_INTO;
	tell_mount(b, met);
	const struct tree_entry *same = met->mount ? NULL : previous_same(&b->previous, met);
	if (same) {
		entry.xattrs = same->xattrs;
		entry.n_xattrs = same->n_xattrs;
	} else if (!met->first && tree_walk_xattrs(w, &entry, e) < 0) {
		return -1;
	}
	b->about->entries++;
	b->about->files += S_ISREG(met->mode);
	if (backlog_entry(&b->backlog, &entry, e) < 0 || take_content(b, w, met, same, e) < 0)
		return -1;
	if (backlog_is_long(&b->backlog) &&
	        (intake_close_bundle(&b->intake, e) < 0 || backlog_wait(&b->backlog, e) < 0))
		return -1;
	return TREE_WALK_ON;
}

static void skip(void *arg, const char *path, const char *why)
{
	const struct backup *b = arg;
	if (b->request->skipped)
		b->request->skipped(b->request->arg, path, why);
}

static bool is_excluded(void *arg, const char *path)
{
	const struct backup *b = arg;
	return b->request->excluded(b->request->arg, path);
}

static int walk(struct backup *b, int dirfd, struct snapshot_record *record, struct err *e)
{
	struct pipeline_sums sums;
	const struct tree_walk_options o = {.entry = take_entry,
	        .skipped = skip,
	        .excluded = b->request->excluded ? is_excluded : NULL,
	        .arg = b,
	        .xattrs = TREE_XATTRS_ALL,
	        .one_fs = true,
	        .long_paths_fail = true};
	if (tree_walk(dirfd, &o, e) < 0 || intake_close_bundle(&b->intake, e) < 0 ||
	        backlog_finish(&b->backlog, &record->listing, &record->n, e) < 0 ||
	        pipeline_finish(b->pipeline, &sums, e) < 0)
		return -1;
	record->about.added = sums.added;
	record->about.stored = sums.stored;
	return 0;
}

static int begin_record(struct snapshot_record *record, const char *volume, struct err *e)
{
	char host[256] = "";
	struct timespec now;
	gethostname(host, sizeof(host) - 1);
	clock_gettime(CLOCK_REALTIME, &now);
	record->about.time = nanoseconds(now);
	record->about.volume = strdup(volume);
	record->about.host = strdup(host);
	return record->about.volume && record->about.host ? 0 : err_no_memory(e);
}

/* A store through a shared mapping changes a file's times when its page becomes writable, and not again until
 * the page was written to the disk: what is stored after this backup would bear a time from before it, and
 * the next one would not see it. Written out, each page tells of its next change. A tmpfs never writes one
 * out, so one that is the volume is read anew each time (a store that lies within one is nobody's but a
 * test's). tests/e2e/backup-repository.bats */
static void begin_to_watch(struct backup *b, int dirfd)
{
	struct statfs fs;
	struct statx st;
	cleanup_fd int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC &&
	        statx(fd, "", AT_EMPTY_PATH, 0, &st) == 0 && st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		b->previous.trusted = INT64_MIN;
	if ((fd < 0 || syncfs(fd) < 0) && b->request->skipped)
		b->request->skipped(b->request->arg, ".",
		        "its disk does not take what was written: the next backup may miss a change");
}

static int run(struct backup *b, int dirfd, struct snapshot_record *record, struct err *e)
{
	struct stat st;
	if (previous_open(b, e) < 0)
		return -1;
	begin_to_watch(b, dirfd);
	if (fstat(b->repository->dirfd, &st) == 0) {
		b->dev = st.st_dev;
		b->ino = st.st_ino;
	}
	cleanup_pipeline struct pipeline *p = pipeline_new(b->repository, b->request->threads, e);
	if (!p)
		return -1;
	b->pipeline = p;
	backlog_start(&b->backlog, p, &b->repository->chunker);
	b->intake = (struct intake){.pipeline = p,
	        .chunker = &b->repository->chunker,
	        .backlog = &b->backlog,
	        .took = step,
	        .arg = b};
	int rc = walk(b, dirfd, record, e);
	intake_end(&b->intake);
	backlog_end(&b->backlog);
	return rc;
}

/* What stands in the way is nearly always the disk of the repository. */
static int explain(const struct repository *r, struct err *e)
{
	if (e && e->kind == ERR_NO_SPACE)
		return err_set(e, ERR_NO_SPACE,
		        "the disk of the repository %s is full; free some of it, or forget and prune old "
		        "backups",
		        r->dir);
	return err_wrap(e, "backup to %s", r->dir);
}

int repository_backup(struct repository *r, int dirfd, const struct repository_backup *q,
        struct snapshot *out, struct err *e)
{
	struct err own = ERR_INIT;
	cleanup_snapshot_record struct snapshot_record record = {0};
	struct backup b = {.repository = r, .request = q, .about = &record.about};
	*out = (struct snapshot){0};
	if (!e)
		e = &own;
	if (begin_record(&record, q->volume, e) < 0 || repository_load_index(r, e) < 0)
		return -1;
	int rc = run(&b, dirfd, &record, e);
	snapshot_files_close(&b.previous.files);
	if (rc == 0)
		rc = snapshot_write(r->snapshots, &r->seal, &record, e);
	if (rc < 0)
		return explain(r, e);
	if (r->progress)
		progress_done(r->progress, q->label ? q->label : "backup", "stored");
	*out = record.about;
	record.about = (struct snapshot){0};
	return 0;
}
