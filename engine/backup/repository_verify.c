/* Everything is read again: each byte of each pack, then the files of each snapshot are held against what was
 * found. Damage is told once for its pack and once for each file that it hits. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/backup/repository_own.h"

#define THREADS_MAX 8

struct verify {
	struct repository *repository;
	repository_damaged_fn damaged;
	void *arg;
	long found;
	struct chunk_reader *chunks; /* of one snapshot alone */
	/* shared by the threads */
	pthread_mutex_t mutex;
	size_t next;
	uint64_t done, total;
	char **messages; /* about packs, told by the main thread */
	struct err error;
	bool failed;
};

static void tell(struct verify *v, const struct snapshot *s, const char *path, const char *what)
{
	v->found++;
	if (v->damaged)
		v->damaged(v->arg, s, path, what);
}

/* ------------------------------------------------------------------ packs */

struct reading {
	struct blob_coder *coder;
	unsigned char *stored, *plain;
};

/* A chunk that was stored twice is only bad where the index has it. */
static void mark(struct verify *v, const struct blob *b, size_t pack, uint64_t offset)
{
	struct repository *r = v->repository;
	pthread_mutex_lock(&r->mutex);
	struct chunk_row *row = chunk_index_find(&r->index, &b->id);
	if (row && row->pack == pack && row->offset == offset)
		row->marks |= CHUNK_BAD;
	pthread_mutex_unlock(&r->mutex);
}

static void note(struct verify *v, const struct repository_pack *p, const char *why)
{
	char path[PACK_PATH_SIZE];
	cleanup_free char *text = str_printf("packs/%s: %s", pack_path(&p->name, path), why);
	pthread_mutex_lock(&v->mutex);
	if (!text || strv_add(&v->messages, text) < 0) {
		err_no_memory(&v->error);
		v->failed = true;
	}
	pthread_mutex_unlock(&v->mutex);
}

static bool blob_is_right(int fd, const struct reading *t, const struct blob *b, uint64_t at)
{
	return pack_read(fd, at, t->stored, b->stored, NULL) == 0 && blob_check(b, t->stored, NULL) == 0 &&
	       blob_decode(t->coder, b, t->stored, t->plain, NULL) == 0;
}

static void read_pack(struct verify *v, const struct reading *t, size_t i)
{
	const struct repository_pack *p = &v->repository->list[i];
	struct err why = ERR_INIT;
	cleanup_pack_directory struct pack_directory d = {0};
	uint64_t at = PACK_FIRST;
	size_t bad = 0;
	char text[80];
	cleanup_fd int fd = pack_open(v->repository->packs, &p->name, &why);
	if (fd < 0 || pack_read_directory(fd, &p->name, &v->repository->seal, &d, &why) < 0) {
		note(v, p, why.msg);
		return;
	}
	for (size_t k = 0; k < d.n; at += d.blobs[k++].stored)
		if (!blob_is_right(fd, t, &d.blobs[k], at)) {
			mark(v, &d.blobs[k], i, at);
			bad++;
		}
	snprintf(text, sizeof(text), "%zu of its %zu chunks %s damaged", bad, d.n, bad == 1 ? "is" : "are");
	if (bad)
		note(v, p, text);
}

/* The next pack that nobody has taken; false: there is none. */
static bool take_pack(struct verify *v, size_t *i)
{
	pthread_mutex_lock(&v->mutex);
	bool more = !v->failed && v->next < v->repository->n;
	*i = v->next;
	if (more)
		v->done += v->repository->list[v->next++].size;
	pthread_mutex_unlock(&v->mutex);
	return more;
}

static int read_packs(struct verify *v, bool main, struct err *e)
{
	struct reading t = {.coder = blob_coder_new(&v->repository->seal, e)};
	size_t i;
	t.stored = malloc(BLOB_STORED_MAX);
	t.plain = malloc(CHUNK_MAX);
	bool able = t.coder && t.stored && t.plain;
	while (able && take_pack(v, &i)) {
		read_pack(v, &t, i);
		if (main && v->repository->progress)
			progress_step(v->repository->progress, "repository", "verifying", v->done, v->total);
	}
	blob_coder_free(t.coder);
	free(t.stored);
	free(t.plain);
	return able ? 0 : err_no_memory(e);
}

static void *run(void *arg)
{
	read_packs(arg, false, NULL); /* without memory it leaves the work to the others */
	return NULL;
}

static int verify_packs(struct verify *v, struct err *e)
{
	pthread_t threads[THREADS_MAX];
	sigset_t all, before;
	int n = 0, wanted = get_nprocs() - 1;
	for (size_t i = 0; i < v->repository->n; i++)
		v->total += v->repository->list[i].size;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; n < wanted && n < THREADS_MAX; n++)
		if (pthread_create(&threads[n], NULL, run, v) != 0)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	int rc = read_packs(v, true, e);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (rc == 0 && v->failed)
		return err_no_memory(e);
	strv_foreach (s, v->messages)
		tell(v, NULL, NULL, *s);
	return rc;
}

/* ------------------------------------------------------------------ snapshots */

/* Of one snapshot alone the packs were not read: each chunk when it is met first. */
static void look_at_chunk(struct verify *v, const struct chunk_id *id)
{
	const unsigned char *data;
	size_t len;
	struct chunk_row *row = v->chunks ? chunk_index_find(&v->repository->index, id) : NULL;
	if (!row || row->marks & CHUNK_USED)
		return;
	row->marks |= CHUNK_USED;
	if (chunk_reader_borrow(v->chunks, id, &data, &len, NULL) < 0)
		row->marks |= CHUNK_BAD;
}

static const char *look_at_piece(struct verify *v, const struct listing_piece *piece)
{
	struct chunk_row row;
	if (piece->hole)
		return NULL;
	look_at_chunk(v, &piece->id);
	if (!repository_find_chunk(v->repository, &piece->id, &row))
		return "some of its content is missing";
	if (row.marks & CHUNK_BAD)
		return "some of its content is damaged";
	return piece->offset + piece->len > row.plain ? "some of its content is missing" : NULL;
}

static int look_at_file(struct verify *v, struct listing_reader *in, const struct snapshot *s,
        const char *path, struct err *e)
{
	struct listing_piece piece;
	const char *wrong = NULL;
	int rc;
	while ((rc = listing_piece(in, &piece, e)) > 0)
		wrong = wrong ? wrong : look_at_piece(v, &piece);
	if (wrong)
		tell(v, s, path, wrong);
	return rc;
}

static int look_at_files(struct verify *v, struct snapshot_files *f, struct err *e)
{
	const struct tree_entry *entry;
	uint64_t n = 0;
	int rc;
	while ((rc = listing_next(f->reader, &entry, e)) > 0) {
		n++;
		if (look_at_file(v, f->reader, &f->record.about, entry->path, e) < 0)
			return -1;
	}
	return rc == 0 && n != f->record.about.entries
	               ? err_set(e, ERR_CORRUPT, "its list of files is not whole")
	               : rc;
}

static void verify_snapshot(struct verify *v, const char *id)
{
	struct err why = ERR_INIT;
	struct snapshot unread = {0};
	cleanup_snapshot_files struct snapshot_files f = {0};
	snprintf(unread.id, sizeof(unread.id), "%s", id);
	if (snapshot_files_open(&f, v->repository, id, &why) < 0)
		tell(v, &unread, NULL, why.msg);
	else if (look_at_files(v, &f, &why) < 0)
		tell(v, &f.record.about, NULL, why.msg);
}

long repository_verify(struct repository *r, repository_damaged_fn damaged, void *arg, struct err *e)
{
	struct verify v = {.repository = r, .damaged = damaged, .arg = arg};
	/* The snapshots first: whoever adds one meanwhile has packs that the index would not know.
	 * tests/fault/backup_storm.py */
	cleanup_strv char **ids = repository_snapshot_ids(r, e);
	if (!ids || repository_load_index(r, e) < 0)
		return -1;
	pthread_mutex_init(&v.mutex, NULL);
	int rc = verify_packs(&v, e);
	pthread_mutex_destroy(&v.mutex);
	strv_free(v.messages);
	if (rc < 0)
		return -1;
	strv_foreach (id, ids)
		verify_snapshot(&v, *id);
	if (r->progress)
		progress_done(r->progress, "repository", v.found ? "damaged" : "verified");
	return v.found;
}

/* As a restore reads it, ahead and on all processors; only when that meets damage, chunk by chunk. */
long repository_verify_one(struct repository *r, const struct snapshot *s, repository_damaged_fn damaged,
        void *arg, struct err *e)
{
	const struct repository_restore q = {.dry_run = true, .label = s->id};
	struct err why = ERR_INIT;
	cleanup_chunk_reader struct chunk_reader chunks = {.fd = -1};
	struct verify v = {.repository = r, .damaged = damaged, .arg = arg, .chunks = &chunks};
	uint64_t entries, bytes;
	if (repository_restore(r, s, -1, &q, &entries, &bytes, &why) == 0)
		return 0;
	if (why.kind != ERR_CORRUPT) {
		if (e)
			*e = why;
		return -1;
	}
	if (chunk_reader_start(&chunks, r, e) < 0)
		return -1;
	verify_snapshot(&v, s->id);
	if (!v.found)
		tell(&v, s, NULL, why.msg);
	return v.found;
}
