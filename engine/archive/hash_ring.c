#include "engine/archive/hash_ring.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "engine/archive/hash.h"

struct hash_ring {
	struct hash *hash;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started, stop;
	/* Blocks given and hashed since the beginning: block n stands at n % HASH_RING_BLOCKS. */
	size_t given, hashed;
	size_t len[HASH_RING_BLOCKS];
	size_t size;
	unsigned char data[];
};

static unsigned char *block(struct hash_ring *r, size_t n)
{
	return r->data + n % HASH_RING_BLOCKS * r->size;
}

static void *hash_blocks(void *arg)
{
	struct hash_ring *r = arg;
	pthread_mutex_lock(&r->lock);
	for (;;) {
		while (!r->stop && r->hashed == r->given)
			pthread_cond_wait(&r->changed, &r->lock);
		if (r->stop)
			break;
		size_t n = r->hashed, len = r->len[n % HASH_RING_BLOCKS];
		pthread_mutex_unlock(&r->lock);
		hash_add(r->hash, block(r, n), len);
		pthread_mutex_lock(&r->lock);
		r->hashed++;
		pthread_cond_signal(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Signals are the business of the program's own threads. */
static int start(struct hash_ring *r)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&r->thread, NULL, hash_blocks, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	r->started = rc == 0;
	return rc;
}

struct hash_ring *hash_ring_new(const char *alg, size_t size, struct err *e)
{
	struct hash_ring *r = malloc(sizeof(*r) + HASH_RING_BLOCKS * size);
	if (!r)
		return err_set_null(e, ERR_OTHER, "out of memory");
	*r = (struct hash_ring){.size = size};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	r->hash = hash_new(alg, e);
	if (r->hash && start(r) == 0)
		return r;
	if (r->hash)
		err_set(e, ERR_OTHER, "cannot start a thread: the limit of processes is reached");
	hash_ring_free(r);
	return NULL;
}

unsigned char *hash_ring_room(struct hash_ring *r)
{
	pthread_mutex_lock(&r->lock);
	while (r->given - r->hashed == HASH_RING_BLOCKS)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	return block(r, r->given);
}

void hash_ring_give(struct hash_ring *r, size_t len)
{
	pthread_mutex_lock(&r->lock);
	r->len[r->given % HASH_RING_BLOCKS] = len;
	r->given++;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

void hash_ring_finish(struct hash_ring *r, struct digest *d)
{
	pthread_mutex_lock(&r->lock);
	while (r->hashed < r->given)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
	hash_finish(r->hash, d);
}

void hash_ring_free(struct hash_ring *r)
{
	if (!r)
		return;
	if (r->started) {
		pthread_mutex_lock(&r->lock);
		r->stop = true;
		pthread_cond_signal(&r->changed);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	}
	hash_free(r->hash);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
