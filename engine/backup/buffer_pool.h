/* Buffer pool: memory for chunks under way, of which there is only so much: whoever wants more waits until
 * somebody gives some back. */
#ifndef TARE_BACKUP_BUFFER_POOL_H
#define TARE_BACKUP_BUFFER_POOL_H

#include <pthread.h>
#include <stddef.h>

struct err;

#define BUFFER_POOL_CLASSES 5 /* 128 KiB … 2 MiB */

struct buffer_pool {
	pthread_mutex_t mutex;
	pthread_cond_t back;
	size_t budget, all; /* bytes */
	struct buffer_free {
		struct buffer_free *next;
	} * free[BUFFER_POOL_CLASSES];
};

void buffer_pool_start(struct buffer_pool *p, size_t budget);
void *buffer_pool_take(struct buffer_pool *p, size_t size, struct err *e);
/* The same without waiting: NULL without an error when there is none. */
void *buffer_pool_try(struct buffer_pool *p, size_t size);
/* With the size that was asked for. */
void buffer_pool_give(struct buffer_pool *p, void *buffer, size_t size);
void buffer_pool_end(struct buffer_pool *p);

#endif
