#include "registry/client/push_compress.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/compress.h"
#include "engine/archive/hash.h"
#include "engine/oci/media_type.h"

#define READ_SIZE   ((size_t)256 << 10)
#define THREADS_MAX 8

struct work {
	struct push_parts *parts;
	const struct push_options *options;
	enum compression kind;
	pthread_mutex_t lock; /* of what follows, and of the progress */
	size_t next;
	bool failed;
	struct err why; /* the first failure */
};

/* One layer on its way into its draft. */
struct squeeze {
	struct push_part *part;
	struct hash *hash;
	uint64_t size;
};

static int write_draft(void *arg, const void *data, size_t len, struct err *e)
{
	struct squeeze *q = arg;

	hash_add(q->hash, data, len);
	q->size += len;
	return write_all(q->part->draft.fd, data, len) < 0 ? err_sys(e, "cannot write to the image store")
	                                                   : 0;
}

static void report(struct work *w, const struct push_part *part, uint64_t done)
{
	if (!w->options->progress)
		return;
	pthread_mutex_lock(&w->lock);
	progress_step(w->options->progress, part->label, "compressing", done, part->blob.size);
	pthread_mutex_unlock(&w->lock);
}

static int squeeze_all(struct work *w, struct squeeze *q, int fd, struct err *e)
{
	cleanup_free char *block = malloc(READ_SIZE);
	cleanup_compress struct compress *c = compress_new(w->kind, w->options->level, write_draft, q, e);
	uint64_t done = 0;
	ssize_t n;

	if (!c || !block)
		return c ? err_no_memory(e) : -1;
	while ((n = read_full(fd, block, READ_SIZE)) > 0) {
		if (compress_add(c, block, (size_t)n, e) < 0)
			return -1;
		done += (uint64_t)n;
		report(w, q->part, done);
	}
	return n < 0 ? err_sys(e, "cannot read it") : compress_finish(c, e);
}

static int squeeze_part(struct work *w, struct push_part *part, struct err *e)
{
	struct squeeze q = {.part = part};
	const char *type = media_type_compressed(part->blob.media_type, compression_name(w->kind));
	cleanup_fd int fd = push_part_open(w->parts, part, e);

	if (fd < 0 || blob_draft_open(w->parts->store, &part->draft, e) < 0 ||
	        !(q.hash = hash_new("sha256", e)))
		return -1;
	int rc = squeeze_all(w, &q, fd, e);
	if (rc == 0) {
		hash_finish(q.hash, &part->blob.digest);
		free(part->blob.media_type);
		part->blob.media_type = strdup(type);
		part->blob.size = q.size;
		rc = part->blob.media_type ? 0 : err_no_memory(e);
	}
	hash_free(q.hash);
	return rc;
}

static struct push_part *take_next(struct work *w)
{
	struct push_part *part = NULL;

	pthread_mutex_lock(&w->lock);
	while (!part && !w->failed && w->next < w->parts->n) {
		part = &w->parts->list[w->next++];
		if (!media_type_compressed(part->blob.media_type, compression_name(w->kind)))
			part = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return part;
}

static void *run(void *arg)
{
	struct work *w = arg;
	struct err why = ERR_INIT;

	for (struct push_part *part; (part = take_next(w));) {
		if (squeeze_part(w, part, &why) == 0)
			continue;
		pthread_mutex_lock(&w->lock);
		if (!w->failed)
			w->why = why;
		w->failed = true;
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

static size_t count_plain(const struct work *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->parts->n; i++)
		n += media_type_compressed(w->parts->list[i].blob.media_type, compression_name(w->kind)) !=
		     NULL;
	return n;
}

int push_compress(struct push_parts *p, const struct push_options *o, struct err *e)
{
	struct work w = {.parts = p,
	        .options = o,
	        .kind = o->compression && strcmp(o->compression, "zstd") == 0 ? COMPRESSION_ZSTD
	                                                                      : COMPRESSION_GZIP,
	        .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS_MAX];
	size_t plain = o->compression && strcmp(o->compression, "none") == 0 ? 0 : count_plain(&w), n = 0;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (!plain)
		return 0;
	/* This thread takes part; threads that cannot be had are done without. */
	for (; n + 1 < plain && n + 1 < (size_t)cores && n < THREADS_MAX; n++)
		if (pthread_create(&threads[n], NULL, run, &w) != 0)
			break;
	run(&w);
	while (n)
		pthread_join(threads[--n], NULL);
	if (!w.failed)
		return 0;
	if (e)
		*e = w.why;
	return -1;
}
