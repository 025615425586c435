/* Feed: a file that one thread fills and another one reads right behind it. */
#ifndef TARE_REGISTRY_PULL_FEED_H
#define TARE_REGISTRY_PULL_FEED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct pull_feed {
	pthread_mutex_t lock;
	pthread_cond_t change;
	int fd;                  /* borrowed */
	uint64_t arrived, taken; /* bytes from the start */
	uint64_t wanted;         /* the reader sleeps until so many have arrived; 0: it doesn't */
	bool whole;              /* nothing more comes */
	bool dead;               /* nor is anything to be read */
};
void pull_feed_init(struct pull_feed *f);
void pull_feed_free(struct pull_feed *f);
/* Anew, from this file, whose first `arrived` bytes are there. Nobody reads just now. */
void pull_feed_reset(struct pull_feed *f, int fd, uint64_t arrived);
void pull_feed_arrive(struct pull_feed *f, size_t len);
void pull_feed_end(struct pull_feed *f);
/* The reader, if there is one, fails at once. */
void pull_feed_kill(struct pull_feed *f);
uint64_t pull_feed_taken(struct pull_feed *f);
bool pull_feed_is_dead(struct pull_feed *f);
/* The first bytes, once so many have come or no more will; how many, or -1 with e. */
ssize_t pull_feed_peek(struct pull_feed *f, void *data, size_t len, struct err *e);
/* For struct inflate_options: waits for what is still to come. */
ssize_t pull_feed_read(void *feed, void *data, size_t len, struct err *e);

#endif
