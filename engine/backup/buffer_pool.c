/* Mapped directly: what malloc keeps for later would not be bounded. */
#include "engine/backup/buffer_pool.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "base/err.h"

#define LEAST ((size_t)128 << 10)

void buffer_pool_start(struct buffer_pool *p, size_t budget)
{
	*p = (struct buffer_pool){.budget = budget};
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->back, NULL);
}

static size_t class_of(size_t size)
{
	size_t c = 0;
	while (c < BUFFER_POOL_CLASSES - 1 && LEAST << c < size)
		c++;
	return c;
}

static void drop_free(struct buffer_pool *p, size_t class)
{
	struct buffer_free *b = p->free[class];
	p->free[class] = b->next;
	p->all -= LEAST << class;
	munmap(b, LEAST << class);
}

/* One that lies ready, or a new one as long as that stays within the budget. */
static void *take(struct buffer_pool *p, size_t class)
{
	size_t size = LEAST << class;
	struct buffer_free *b = p->free[class];
	if (b) {
		p->free[class] = b->next;
		return b;
	}
	for (size_t c = 0; c < BUFFER_POOL_CLASSES; c++)
		while (p->all + size > p->budget && p->free[c])
			drop_free(p, c);
	if (p->all + size > p->budget)
		return NULL;
	void *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fresh == MAP_FAILED)
		return MAP_FAILED;
	p->all += size;
	return fresh;
}

void *buffer_pool_take(struct buffer_pool *p, size_t size, struct err *e)
{
	size_t class = class_of(size);
	void *b;
	pthread_mutex_lock(&p->mutex);
	while (!(b = take(p, class)))
		pthread_cond_wait(&p->back, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
	if (b != MAP_FAILED)
		return b;
	err_no_memory(e);
	return NULL;
}

void *buffer_pool_try(struct buffer_pool *p, size_t size)
{
	pthread_mutex_lock(&p->mutex);
	void *b = take(p, class_of(size));
	pthread_mutex_unlock(&p->mutex);
	return b == MAP_FAILED ? NULL : b;
}

void buffer_pool_give(struct buffer_pool *p, void *buffer, size_t size)
{
	size_t class = class_of(size);
	struct buffer_free *b = buffer;
	pthread_mutex_lock(&p->mutex);
	b->next = p->free[class];
	p->free[class] = b;
	pthread_cond_broadcast(&p->back);
	pthread_mutex_unlock(&p->mutex);
}

void buffer_pool_end(struct buffer_pool *p)
{
	for (size_t c = 0; c < BUFFER_POOL_CLASSES; c++)
		while (p->free[c])
			drop_free(p, c);
	pthread_mutex_destroy(&p->mutex);
	pthread_cond_destroy(&p->back);
}
