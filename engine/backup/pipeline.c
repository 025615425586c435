#include "engine/backup/pipeline.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/err.h"
#include "engine/backup/buffer_pool.h"
#include "engine/backup/repository_own.h"

#define THREADS_MAX 8
#define BUDGET      ((size_t)20 << 20) /* bytes of chunks that wait or are worked on */

struct ticket {
	atomic_uint holders;
	atomic_bool known;
	struct chunk_id id;
	/* as long as it is in the queue */
	struct ticket *next;
	void *room;
	size_t size, len;
};

/* A chunk in the pack that is open. Its row in the index says so when the pack has its name. */
struct placed {
	struct chunk_row *row;
	uint32_t offset, stored, plain;
	unsigned zstd;
};

struct pipeline {
	struct repository *repository;
	struct buffer_pool pool;
	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t work, done;
	struct ticket *first, **last;
	size_t under_way; /* given and not yet stored */
	bool ending;
	atomic_bool failed;
	struct err error; /* the first one */
	pthread_t threads[THREADS_MAX];
	unsigned n;
	/* the packs: a lock of their own, held while a blob is written */
	pthread_mutex_t packing;
	struct pack_writer *writer;
	struct placed *rows;
	size_t n_rows;
	struct pipeline_sums sums;
	bool finished;
};

/* ------------------------------------------------------------------ tickets */

struct ticket *ticket_new(struct err *e)
{
	struct ticket *t = calloc(1, sizeof(*t));
	if (!t)
		err_no_memory(e);
	else
		atomic_store(&t->holders, 1);
	return t;
}

struct ticket *ticket_hold(struct ticket *t)
{
	atomic_fetch_add(&t->holders, 1);
	return t;
}

void ticket_drop(struct ticket *t)
{
	if (t && atomic_fetch_sub(&t->holders, 1) == 1)
		free(t);
}

/* ------------------------------------------------------------------ the packs */

static void place(const struct placed *c, uint32_t pack)
{
	c->row->pack = pack;
	c->row->offset = c->offset;
	c->row->plain = c->plain;
	c->row->zstd = c->zstd & 1;
	c->row->stored = c->stored & 0xfffffff;
}

/* Out of the way of others: syncing takes long. */
static int finish_pack(struct pipeline *p, struct pack_writer *w, struct placed *rows, size_t n,
        uint64_t *size, struct err *e)
{
	struct repository *r = p->repository;
	struct pack_name name;
	int rc = pack_writer_finish(w, &name, size, e);
	pack_writer_free(w);
	if (rc == 0) {
		pthread_mutex_lock(&r->mutex);
		long pack = repository_add_pack(r, &name, *size, e);
		for (size_t i = 0; pack >= 0 && i < n; i++)
			place(&rows[i], (uint32_t)pack);
		if (pack >= 0)
			r->list[pack].chunks = (uint32_t)n;
		pthread_mutex_unlock(&r->mutex);
		rc = pack < 0 ? -1 : 0;
	}
	free(rows);
	return rc;
}

static int open_writer(struct pipeline *p, struct err *e)
{
	if (!p->rows && !(p->rows = malloc(PACK_BLOBS_MAX * sizeof(*p->rows))))
		return err_no_memory(e);
	if (!p->writer)
		p->writer = pack_writer_new(p->repository->packs, &p->repository->seal, e);
	return p->writer ? 0 : -1;
}

/* 1: the pack is full, and *w, *rows are its. */
static int append(struct pipeline *p, const struct blob *b, const void *stored, struct chunk_row *row,
        struct pack_writer **w, struct placed **rows, size_t *n, struct err *e)
{
	uint32_t offset;
	if (open_writer(p, e) < 0 || pack_writer_add(p->writer, b, stored, &offset, e) < 0)
		return -1;
	p->rows[p->n_rows++] = (struct placed){row, offset, b->stored, b->plain, b->zstd};
	p->sums.added += b->plain;
	if (!pack_writer_is_full(p->writer))
		return 0;
	*w = p->writer;
	*rows = p->rows;
	*n = p->n_rows;
	p->writer = NULL;
	p->rows = NULL;
	p->n_rows = 0;
	return 1;
}

static int store(
        struct pipeline *p, const struct blob *b, const void *stored, struct chunk_row *row, struct err *e)
{
	struct pack_writer *w = NULL;
	struct placed *rows = NULL;
	size_t n = 0;
	uint64_t size = 0;
	pthread_mutex_lock(&p->packing);
	int rc = append(p, b, stored, row, &w, &rows, &n, e);
	pthread_mutex_unlock(&p->packing);
	if (rc <= 0)
		return rc;
	if (finish_pack(p, w, rows, n, &size, e) < 0)
		return -1;
	pthread_mutex_lock(&p->packing);
	p->sums.stored += size;
	pthread_mutex_unlock(&p->packing);
	return 0;
}

/* ------------------------------------------------------------------ workers */

static void fail(struct pipeline *p, const struct err *e)
{
	pthread_mutex_lock(&p->mutex);
	if (!p->failed)
		p->error = *e;
	p->failed = true;
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->mutex);
}

/* Whoever puts a chunk into the index first stores it; others, in this moment or later, have it. A row whose
 * `stored` is 0 is claimed. */
static int claim(struct pipeline *p, const struct chunk_id *id, struct chunk_row **row, struct err *e)
{
	struct repository *r = p->repository;
	pthread_mutex_lock(&r->mutex);
	int rc = chunk_index_add(&r->index, id, row, e);
	pthread_mutex_unlock(&r->mutex);
	return rc;
}

static void announce(struct pipeline *p, struct ticket *t)
{
	pthread_mutex_lock(&p->mutex);
	t->known = true;
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->mutex);
}

static int work_on(struct pipeline *p, struct blob_coder *coder, struct ticket *t, struct err *e)
{
	struct chunk_row *row;
	const void *stored;
	struct blob b;
	seal_chunk_id(&p->repository->seal, t->room, t->len, &t->id);
	int rc = claim(p, &t->id, &row, e);
	announce(p, t);
	if (rc <= 0)
		return rc;
	b.id = t->id;
	return blob_encode(coder, t->room, t->len, &b, &stored, e) < 0 ? -1 : store(p, &b, stored, row, e);
}

static struct ticket *next_ticket(struct pipeline *p)
{
	pthread_mutex_lock(&p->mutex);
	while (!p->first && !p->ending)
		pthread_cond_wait(&p->work, &p->mutex);
	struct ticket *t = p->first;
	if (t) {
		p->first = t->next;
		if (!p->first)
			p->last = &p->first;
	}
	pthread_mutex_unlock(&p->mutex);
	return t;
}

static void put_away(struct pipeline *p, struct ticket *t)
{
	buffer_pool_give(&p->pool, t->room, t->size);
	pthread_mutex_lock(&p->mutex);
	p->under_way--;
	pthread_cond_broadcast(&p->done);
	pthread_mutex_unlock(&p->mutex);
	ticket_drop(t);
}

/* After a failure the queue is emptied all the same, so that nobody waits for memory. */
static void *run(void *arg)
{
	struct pipeline *p = arg;
	struct err e = ERR_INIT;
	struct blob_coder *coder = blob_coder_new(&p->repository->seal, &e);
	if (!coder)
		fail(p, &e);
	for (struct ticket *t; (t = next_ticket(p)); put_away(p, t))
		if (!p->failed && work_on(p, coder, t, &e) < 0)
			fail(p, &e);
	blob_coder_free(coder);
	return NULL;
}

/* ------------------------------------------------------------------ from outside */

static unsigned how_many(unsigned asked)
{
	int there = get_nprocs();
	unsigned n = asked ? asked : there < 1 ? 1 : (unsigned)there;
	return n < THREADS_MAX ? n : THREADS_MAX;
}

/* Signals are the main thread's. */
static int start(struct pipeline *p, unsigned threads, struct err *e)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned n = how_many(threads); p->n < n; p->n++)
		if (pthread_create(&p->threads[p->n], NULL, run, p) != 0)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return p->n ? 0 : err_set(e, ERR_OTHER, "cannot start a thread");
}

struct pipeline *pipeline_new(struct repository *r, unsigned threads, struct err *e)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->repository = r;
	p->last = &p->first;
	buffer_pool_start(&p->pool, BUDGET);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_mutex_init(&p->packing, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	if (start(p, threads, e) == 0)
		return p;
	pipeline_free(p);
	return NULL;
}

void *pipeline_room(struct pipeline *p, size_t size, struct err *e)
{
	return buffer_pool_take(&p->pool, size, e);
}

void pipeline_room_back(struct pipeline *p, void *room, size_t size)
{
	if (room)
		buffer_pool_give(&p->pool, room, size);
}

/* What stopped it. The message is the worker's. */
static int failure(struct pipeline *p, struct err *e)
{
	if (e)
		*e = p->error;
	return -1;
}

int pipeline_give(struct pipeline *p, struct ticket *t, void *room, size_t size, size_t len, struct err *e)
{
	pthread_mutex_lock(&p->mutex);
	bool failed = p->failed;
	if (!failed) {
		ticket_hold(t);
		t->next = NULL;
		t->room = room;
		t->size = size;
		t->len = len;
		*p->last = t;
		p->last = &t->next;
		p->under_way++;
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->mutex);
	if (!failed)
		return 0;
	buffer_pool_give(&p->pool, room, size);
	return failure(p, e);
}

int pipeline_ask(struct pipeline *p, const struct ticket *t, struct chunk_id *id, struct err *e)
{
	if (p->failed)
		return failure(p, e);
	if (!t->known)
		return 0;
	*id = t->id;
	return 1;
}

int pipeline_wait(struct pipeline *p, const struct ticket *t, struct chunk_id *id, struct err *e)
{
	pthread_mutex_lock(&p->mutex);
	while (!p->failed && !t->known)
		pthread_cond_wait(&p->done, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	return pipeline_ask(p, t, id, e);
}

int pipeline_finish(struct pipeline *p, struct pipeline_sums *sums, struct err *e)
{
	uint64_t size = 0;
	pthread_mutex_lock(&p->mutex);
	while (p->under_way)
		pthread_cond_wait(&p->done, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	if (p->failed)
		return failure(p, e);
	if (p->writer) {
		struct pack_writer *w = p->writer;
		struct placed *rows = p->rows;
		p->writer = NULL;
		p->rows = NULL;
		if (finish_pack(p, w, rows, p->n_rows, &size, e) < 0)
			return -1;
		p->n_rows = 0;
		p->sums.stored += size;
	}
	*sums = p->sums;
	p->finished = true;
	return 0;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	p->failed = p->failed || p->under_way;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	if (!p->finished)
		repository_drop_index(p->repository); /* it promises chunks that nobody stored */
	pack_writer_free(p->writer);
	free(p->rows);
	buffer_pool_end(&p->pool);
	pthread_mutex_destroy(&p->mutex);
	pthread_mutex_destroy(&p->packing);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	free(p);
}

void pipeline_free_ptr(struct pipeline **p)
{
	pipeline_free(*p);
}
