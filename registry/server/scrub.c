#include "registry/server/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/archive/hash.h"
#include "registry/server/metrics.h"
#include "registry/server/repository.h"

#define BLOCK     (64 << 10)
#define SECOND_NS INT64_C(1000000000)

struct scrub {
	struct storage *storage;
	const struct scrub_options *options;
	struct scrub_result *result;
	struct digest *list;
	size_t n, cap;
	int64_t started;
	uint64_t read;
	char block[BLOCK];
};

static int add(void *arg, const struct digest *d, uint64_t size, unsigned links, int64_t touched)
{
	struct scrub *s = arg;
	(void)size;
	(void)links;
	(void)touched;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 256;
		struct digest *grown = realloc(s->list, cap * sizeof(*grown));
		if (!grown)
			return -1;
		s->list = grown;
		s->cap = cap;
	}
	s->list[s->n++] = *d;
	return 0;
}

/* As slowly as asked. */
static void pace(const struct scrub *s)
{
	if (!s->options->rate)
		return;
	int64_t due = s->started + (int64_t)((double)s->read / (double)s->options->rate * 1e9);
	int64_t left = due - now_boottime();
	struct timespec ts = {left / SECOND_NS, left % SECOND_NS};
	if (left > 0)
		nanosleep(&ts, NULL);
}

static bool stopped(const struct scrub *s)
{
	return s->options->stop && s->options->stop(s->options->arg);
}

static int open_blob(const struct scrub *s, const struct digest *d)
{
	char path[sizeof("blobs/") + DIGEST_TEXT_SIZE], tail[DIGEST_TEXT_SIZE];
	strcpy(stpcpy(path, "blobs/"), digest_path(d, tail));
	return openat(s->storage->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* 1 right, 0 damaged, -1 gone meanwhile, unreadable for lack of something, or stopped. */
static int verify(struct scrub *s, const struct digest *d)
{
	struct digest got;
	ssize_t n;
	cleanup_hash struct hash *h = hash_new(d->alg, NULL);
	cleanup_fd int fd = open_blob(s, d);
	if (fd < 0 || !h)
		return -1;
	while ((n = read(fd, s->block, sizeof(s->block))) > 0) {
		hash_add(h, s->block, (size_t)n);
		s->read += (uint64_t)n;
		pace(s);
		if (stopped(s))
			return -1;
	}
	if (n < 0)
		return errno == EIO ? 0 : -1;
	hash_finish(h, &got);
	return digest_equal(&got, d);
}

static int take_away(void *arg, struct repository *r)
{
	blob_drop(r->storage, r, arg, NULL);
	return 0;
}

/* Out of everybody's reach first, then kept for who wants to look at it. */
static void set_aside(struct scrub *s, struct digest *d)
{
	char from[sizeof("blobs/") + DIGEST_TEXT_SIZE], to[sizeof("damaged/") + DIGEST_TEXT_SIZE],
	        tail[DIGEST_TEXT_SIZE];
	strcpy(stpcpy(from, "blobs/"), digest_path(d, tail));
	snprintf(to, sizeof(to), "damaged/%s-%s", d->alg, d->hex);
	storage_collect_begin(s->storage);
	if (mkdirat(s->storage->dir, "damaged", 0700) < 0 && errno != EEXIST)
		log_line(LOG_LEVEL_WARN, "scrub: cannot make damaged/: %s", strerror(errno));
	if (renameat(s->storage->dir, from, s->storage->dir, to) < 0)
		blob_drop(s->storage, NULL, d, NULL);
	repositories_each(s->storage, take_away, d, NULL);
	storage_collect_end(s->storage);
	log_line(LOG_LEVEL_ERROR,
	        "scrub: blob %s:%s is damaged and was set aside; push the images that need it again", d->alg,
	        d->hex);
}

int scrub_run(struct storage *storage, const struct scrub_options *o, struct scrub_result *r, struct err *e)
{
	struct scrub *s = calloc(1, sizeof(*s));
	memset(r, 0, sizeof(*r));
	if (!s)
		return err_no_memory(e);
	s->storage = storage;
	s->options = o;
	s->result = r;
	s->started = now_boottime();
	int rc = blobs_each(storage, NULL, add, s, e);
	for (size_t i = 0; rc == 0 && i < s->n && !stopped(s); i++) {
		int right = verify(s, &s->list[i]);
		if (right < 0)
			continue;
		r->blobs++;
		if (!right && !storage->read_only) {
			set_aside(s, &s->list[i]);
			r->damaged++;
		}
	}
	if (o->metrics) {
		metrics_count(o->metrics, METRICS_SCRUBBED, r->blobs);
		metrics_count(o->metrics, METRICS_CORRUPT, r->damaged);
	}
	free(s->list);
	free(s);
	return rc < 0 ? err_wrap(e, "cannot list the blobs") : 0;
}
