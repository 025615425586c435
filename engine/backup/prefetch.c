#include "engine/backup/prefetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "base/err.h"
#include "engine/backup/repository_own.h"

#define THREADS_MAX 8
#define BUDGET      ((size_t)24 << 20) /* bytes of chunks that are held */
#define SLOTS       48

enum state { EMPTY, QUEUED, WORKED_ON, READY, FAILED };

struct slot {
	enum state state;
	struct chunk_id id;
	unsigned wanted; /* how often it stands in the line */
	uint64_t used;   /* when, for what goes first */
	unsigned char *data;
	size_t size, len;
	struct err *error;
	struct slot *next; /* in the queue of the threads */
};

struct prefetch {
	struct repository *repository;
	pthread_mutex_t mutex;
	pthread_cond_t work, done;
	struct slot slots[SLOTS];
	struct slot *first, **last;
	struct slot *line[SLOTS]; /* in the order in which they are needed */
	size_t line_at, line_n, held;
	uint64_t clock;
	bool ending;
	pthread_t threads[THREADS_MAX];
	unsigned n;
};

static void empty(struct prefetch *p, struct slot *s)
{
	if (s->data)
		munmap(s->data, s->size);
	p->held -= s->size;
	free(s->error);
	*s = (struct slot){.state = EMPTY};
}

/* ------------------------------------------------------------------ threads */

static void fetch(struct chunk_reader *c, struct slot *s)
{
	struct err e = ERR_INIT;
	if (s->data && chunk_reader_get(c, &s->id, s->data, &s->len, &e) == 0)
		return;
	if (!s->data)
		err_no_memory(&e);
	s->len = 0;
	s->error = malloc(sizeof(e));
	if (s->error)
		*s->error = e;
}

static struct slot *next_slot(struct prefetch *p)
{
	while (!p->first && !p->ending)
		pthread_cond_wait(&p->work, &p->mutex);
	struct slot *s = p->ending ? NULL : p->first;
	if (s) {
		p->first = s->next;
		if (!p->first)
			p->last = &p->first;
		s->state = WORKED_ON;
	}
	return s;
}

static void *run(void *arg)
{
	struct prefetch *p = arg;
	struct err e = ERR_INIT;
	struct chunk_reader reader;
	bool able = chunk_reader_start(&reader, p->repository, &e) == 0;
	pthread_mutex_lock(&p->mutex);
	for (struct slot *s; (s = next_slot(p));) {
		pthread_mutex_unlock(&p->mutex);
		if (able)
			fetch(&reader, s);
		pthread_mutex_lock(&p->mutex);
		s->state = s->len ? READY : FAILED;
		pthread_cond_broadcast(&p->done);
	}
	pthread_mutex_unlock(&p->mutex);
	chunk_reader_end(&reader);
	return NULL;
}

/* ------------------------------------------------------------------ from outside */

struct prefetch *prefetch_new(struct repository *r, struct err *e)
{
	struct prefetch *p = calloc(1, sizeof(*p));
	sigset_t all, before;
	int there = get_nprocs();
	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->repository = r;
	p->last = &p->first;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; p->n < THREADS_MAX && (p->n == 0 || (int)p->n < there); p->n++)
		if (pthread_create(&p->threads[p->n], NULL, run, p) != 0)
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p->n)
		return p;
	prefetch_free(p);
	return err_set_null(e, ERR_OTHER, "cannot start a thread");
}

static struct slot *find(struct prefetch *p, const struct chunk_id *id)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (p->slots[i].state != EMPTY && p->slots[i].state != FAILED &&
		        chunk_id_equal(&p->slots[i].id, id))
			return &p->slots[i];
	return NULL;
}

/* The one that nobody has asked for longest; NULL: all are still needed. */
static struct slot *oldest(struct prefetch *p)
{
	struct slot *old = NULL;
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &p->slots[i];
		if (s->state != EMPTY && s->wanted == 0 && (!old || s->used < old->used))
			old = s;
	}
	return old;
}

/* An empty one, with memory of `size` within the budget. */
static struct slot *free_slot(struct prefetch *p, size_t size)
{
	struct slot *s = NULL;
	for (size_t i = 0; i < SLOTS && !s; i++)
		if (p->slots[i].state == EMPTY)
			s = &p->slots[i];
	while (!s || p->held + size > BUDGET) {
		struct slot *old = oldest(p);
		if (!old)
			return NULL;
		empty(p, old);
		s = s ? s : old;
	}
	return s;
}

static void queue(struct prefetch *p, struct slot *s, const struct chunk_id *id, size_t size)
{
	s->state = QUEUED;
	s->id = *id;
	s->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->data == MAP_FAILED)
		s->data = NULL;
	s->size = s->data ? size : 0;
	p->held += s->size;
	*p->last = s;
	p->last = &s->next;
	pthread_cond_signal(&p->work);
}

bool prefetch_want(struct prefetch *p, const struct chunk_id *id)
{
	struct chunk_row row;
	bool there = repository_find_chunk(p->repository, id, &row);
	pthread_mutex_lock(&p->mutex);
	struct slot *s = p->line_n < SLOTS ? find(p, id) : NULL;
	if (!s && p->line_n < SLOTS && (s = free_slot(p, there ? row.plain : 1)))
		queue(p, s, id, there ? row.plain : 1);
	if (s) {
		s->wanted++;
		p->line[(p->line_at + p->line_n++) % SLOTS] = s;
	}
	pthread_mutex_unlock(&p->mutex);
	return s != NULL;
}

int prefetch_next(
        struct prefetch *p, const struct chunk_id *id, const unsigned char **data, size_t *len, struct err *e)
{
	int rc = 0;
	pthread_mutex_lock(&p->mutex);
	struct slot *s = p->line_n ? p->line[p->line_at] : NULL;
	if (!s || !chunk_id_equal(&s->id, id)) {
		pthread_mutex_unlock(&p->mutex);
		return err_set(e, ERR_CORRUPT, "the list of files is not the same twice");
	}
	while (s->state != READY && s->state != FAILED)
		pthread_cond_wait(&p->done, &p->mutex);
	p->line_at = (p->line_at + 1) % SLOTS;
	p->line_n--;
	s->wanted--;
	s->used = ++p->clock;
	*data = s->data;
	*len = s->len;
	if (s->state == FAILED && s->error && e)
		*e = *s->error;
	if (s->state == FAILED)
		rc = s->error ? -1 : err_no_memory(e);
	pthread_mutex_unlock(&p->mutex);
	return rc;
}

void prefetch_free(struct prefetch *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->mutex);
	for (unsigned i = 0; i < p->n; i++)
		pthread_join(p->threads[i], NULL);
	for (size_t i = 0; i < SLOTS; i++)
		if (p->slots[i].state != EMPTY)
			empty(p, &p->slots[i]);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	free(p);
}

void prefetch_free_ptr(struct prefetch **p)
{
	prefetch_free(*p);
}
