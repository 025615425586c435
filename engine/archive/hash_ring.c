#include "engine/archive/hash_ring.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "engine/archive/hash.h"

struct part {
	size_t end;
	bool wanted;
	unsigned char xxh128[HASH_XXH128_SIZE];
};

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
	/* Of each block, where parts end in it; NULL without them. Its digests are collected by the thread
	 * that fills, before the block is used again. */
	struct part *parts[HASH_RING_BLOCKS];
	size_t n_parts[HASH_RING_BLOCKS];
	size_t collected; /* blocks */
	void (*done)(void *arg, const unsigned char *xxh128);
	void *arg;
	int (*write)(void *arg, const void *data, size_t len, struct err *e);
	void *write_arg;
	/* Blocks read ahead, when it reads: n of them, whose lengths are in `len`; then nothing more. */
	ssize_t (*read)(void *arg, void *data, size_t room, struct err *e);
	void *read_arg;
	size_t filled;
	bool read_all;
	bool failed; /* to read or to write */
	struct err err;
	unsigned char data[];
};

static unsigned char *block(struct hash_ring *r, size_t n)
{
	return r->data + n % HASH_RING_BLOCKS * r->size;
}

static void hash_parts(struct hash_ring *r, size_t n, size_t len)
{
	const unsigned char *data = block(r, n);
	struct part *p = r->parts[n % HASH_RING_BLOCKS];
	size_t at = 0;

	for (size_t i = 0; i < r->n_parts[n % HASH_RING_BLOCKS]; i++) {
		hash_add(r->hash, data + at, p[i].end - at);
		hash_next(r->hash, p[i].wanted ? p[i].xxh128 : NULL);
		at = p[i].end;
	}
	hash_add(r->hash, data + at, len - at);
}

static void write_block(struct hash_ring *r, size_t n, size_t len)
{
	if (!r->write || r->failed || len == 0)
		return;
	int rc = r->write(r->write_arg, block(r, n), len, &r->err);
	pthread_mutex_lock(&r->lock);
	r->failed = rc < 0;
	pthread_mutex_unlock(&r->lock);
}

/* With the lock, which is given back meanwhile. */
static void hash_one(struct hash_ring *r)
{
	size_t n = r->hashed, len = r->len[n % HASH_RING_BLOCKS];
	pthread_mutex_unlock(&r->lock);
	if (r->done)
		hash_parts(r, n, len);
	else
		hash_add(r->hash, block(r, n), len);
	write_block(r, n, len);
	pthread_mutex_lock(&r->lock);
	r->hashed++;
}

static bool may_read(const struct hash_ring *r)
{
	return r->read && !r->read_all && r->filled < r->hashed + HASH_RING_BLOCKS;
}

/* The same. */
static void read_one(struct hash_ring *r)
{
	size_t n = r->filled;
	pthread_mutex_unlock(&r->lock);
	ssize_t len = r->read(r->read_arg, block(r, n), r->size, &r->err);
	pthread_mutex_lock(&r->lock);
	r->failed |= len < 0;
	r->read_all = len <= 0;
	r->len[n % HASH_RING_BLOCKS] = len > 0 ? (size_t)len : 0;
	r->filled += len > 0;
}

static void *work(void *arg)
{
	struct hash_ring *r = arg;
	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		if (r->hashed < r->given)
			hash_one(r);
		else if (may_read(r))
			read_one(r);
		else {
			pthread_cond_wait(&r->changed, &r->lock);
			continue;
		}
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
	int rc = pthread_create(&r->thread, NULL, work, r);
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

struct hash_ring *hash_ring_parts(
        size_t size, void (*done)(void *arg, const unsigned char *xxh128), void *arg, struct err *e)
{
	struct hash_ring *r = hash_ring_new("xxh128", size, e);
	if (!r)
		return NULL;
	for (size_t i = 0; i < HASH_RING_BLOCKS; i++)
		r->parts[i] = calloc(size / HASH_RING_PART, sizeof(struct part));
	for (size_t i = 0; i < HASH_RING_BLOCKS; i++)
		if (!r->parts[i]) {
			hash_ring_free(r);
			return err_set_null(e, ERR_OTHER, "out of memory");
		}
	r->arg = arg;
	r->done = done;
	return r;
}

void hash_ring_write(
        struct hash_ring *r, int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg)
{
	r->write = write;
	r->write_arg = arg;
}

void hash_ring_read(
        struct hash_ring *r, ssize_t (*read)(void *arg, void *data, size_t room, struct err *e), void *arg)
{
	pthread_mutex_lock(&r->lock);
	r->read = read;
	r->read_arg = arg;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

int hash_ring_check(struct hash_ring *r, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	bool failed = r->failed;
	pthread_mutex_unlock(&r->lock);
	if (failed && e)
		*e = r->err;
	return failed ? -1 : 0;
}

void hash_ring_mark(struct hash_ring *r, size_t end, bool wanted)
{
	size_t slot = r->given % HASH_RING_BLOCKS;
	if (r->n_parts[slot] < r->size / HASH_RING_PART)
		r->parts[slot][r->n_parts[slot]++] = (struct part){.end = end, .wanted = wanted};
}

/* Block `n` is hashed: tell what came out. */
static void collect(struct hash_ring *r, size_t n)
{
	size_t slot = n % HASH_RING_BLOCKS;
	for (size_t i = 0; i < r->n_parts[slot]; i++)
		if (r->parts[slot][i].wanted)
			r->done(r->arg, r->parts[slot][i].xxh128);
	r->n_parts[slot] = 0;
}

static size_t wait_for(struct hash_ring *r, size_t blocks)
{
	pthread_mutex_lock(&r->lock);
	while (r->hashed < blocks)
		pthread_cond_wait(&r->changed, &r->lock);
	size_t hashed = r->hashed;
	pthread_mutex_unlock(&r->lock);
	return hashed;
}

unsigned char *hash_ring_room(struct hash_ring *r)
{
	size_t hashed = wait_for(r, r->given < HASH_RING_BLOCKS ? 0 : r->given - HASH_RING_BLOCKS + 1);
	while (r->done && r->collected < hashed)
		collect(r, r->collected++);
	return block(r, r->given);
}

ssize_t hash_ring_next(struct hash_ring *r, unsigned char **data, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	while (r->filled == r->given && !r->read_all)
		pthread_cond_wait(&r->changed, &r->lock);
	bool any = r->filled > r->given, failed = r->failed;
	size_t hashed = r->hashed, len = r->len[r->given % HASH_RING_BLOCKS];
	pthread_mutex_unlock(&r->lock);
	while (r->done && r->collected < hashed)
		collect(r, r->collected++);
	*data = block(r, r->given);
	if (any)
		return (ssize_t)len;
	if (failed && e)
		*e = r->err;
	return failed ? -1 : 0;
}

void hash_ring_end(struct hash_ring *r)
{
	size_t hashed = wait_for(r, r->given);
	while (r->done && r->collected < hashed)
		collect(r, r->collected++);
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
	wait_for(r, r->given);
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
	for (size_t i = 0; i < HASH_RING_BLOCKS; i++)
		free(r->parts[i]);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
