#include "registry/client/pull_feed.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"

/* The reader is not woken for less than this: the network hands over pieces of 16 KiB, and each waking costs
 * as much as reading one. */
#define MEAL ((uint64_t)128 << 10)

void pull_feed_init(struct pull_feed *f)
{
	*f = (struct pull_feed){.fd = -1};
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->change, NULL);
}

void pull_feed_free(struct pull_feed *f)
{
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->change);
}

void pull_feed_reset(struct pull_feed *f, int fd, uint64_t arrived)
{
	pthread_mutex_lock(&f->lock);
	f->fd = fd;
	f->arrived = arrived;
	f->taken = f->wanted = 0;
	f->whole = f->dead = false;
	pthread_mutex_unlock(&f->lock);
}

void pull_feed_arrive(struct pull_feed *f, size_t len)
{
	pthread_mutex_lock(&f->lock);
	f->arrived += len;
	if (f->wanted && f->arrived >= f->wanted)
		pthread_cond_signal(&f->change);
	pthread_mutex_unlock(&f->lock);
}

static void finish(struct pull_feed *f, bool *how)
{
	pthread_mutex_lock(&f->lock);
	*how = true;
	pthread_cond_signal(&f->change);
	pthread_mutex_unlock(&f->lock);
}

void pull_feed_end(struct pull_feed *f)
{
	finish(f, &f->whole);
}

void pull_feed_kill(struct pull_feed *f)
{
	finish(f, &f->dead);
}

uint64_t pull_feed_taken(struct pull_feed *f)
{
	pthread_mutex_lock(&f->lock);
	uint64_t taken = f->taken;
	pthread_mutex_unlock(&f->lock);
	return taken;
}

/* How much can be read now, 0 at the end; -1: it is dead. */
static ssize_t await(struct pull_feed *f, size_t len)
{
	uint64_t meal = len < MEAL ? len : MEAL;
	pthread_mutex_lock(&f->lock);
	f->wanted = f->taken + meal;
	while (!f->dead && !f->whole && f->arrived < f->wanted)
		pthread_cond_wait(&f->change, &f->lock);
	f->wanted = 0;
	uint64_t left = f->arrived - f->taken;
	ssize_t n = f->dead ? -1 : (ssize_t)(left < len ? left : len);
	pthread_mutex_unlock(&f->lock);
	return n;
}

bool pull_feed_is_dead(struct pull_feed *f)
{
	pthread_mutex_lock(&f->lock);
	bool dead = f->dead;
	pthread_mutex_unlock(&f->lock);
	return dead;
}

/* What is taken stays as it is: the reader begins at the start. */
ssize_t pull_feed_peek(struct pull_feed *f, void *data, size_t len, struct err *e)
{
	ssize_t n = pull_feed_read(f, data, len, e);
	pthread_mutex_lock(&f->lock);
	f->taken = 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}

ssize_t pull_feed_read(void *feed, void *data, size_t len, struct err *e)
{
	struct pull_feed *f = feed;
	ssize_t n = await(f, len);
	if (n < 0)
		return err_set(e, ERR_INTERRUPTED, "the download ended");
	if (n == 0)
		return 0;
	do
		n = pread(f->fd, data, (size_t)n, (off_t)f->taken);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_sys(e, "cannot read what was downloaded");
	pthread_mutex_lock(&f->lock);
	f->taken += (uint64_t)n;
	pthread_mutex_unlock(&f->lock);
	return n;
}
