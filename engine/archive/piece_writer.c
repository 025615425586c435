#include "engine/archive/piece_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/archive/ordered_jobs.h"
#include "engine/archive/piece.h"

#define THREADS_MAX 8
#define MEMORY                                                                                               \
	((size_t)40 << 20) /* of all jobs and threads together, as far as one thread can do with it          \
	                    */
#define WAITING 2          /* pieces more than there are threads */

struct job {
	const struct piece_writer *writer;
	unsigned char *in, *out; /* in: PIECE_SIZE; out: the header, and what is packed */
	size_t len, head;
	struct piece piece;
	int rc;
	struct err err;
};

struct piece_writer {
	enum compression kind;
	int level;
	int (*write)(void *arg, const void *data, size_t len, struct err *e);
	void *arg;
	struct ordered_jobs *jobs;
	struct job *job; /* that is being filled, or NULL */
	uint64_t at;     /* in the content */
};

static void pack(void *arg, void **own)
{
	struct job *job = arg;
	const struct piece_writer *w = job->writer;
	job->rc = piece_pack(
	        w->kind, w->level, job->in, job->len, job->out + job->head, &job->piece, own, &job->err);
	if (job->rc == 0)
		piece_header_write(w->kind, &job->piece, job->out);
}

static void free_job(void *arg)
{
	struct job *job = arg;
	free(job->in);
	free(job->out);
}

/* High levels need much memory a thread (hash tables and chains for pieces of this size): then there are
 * fewer. */
static unsigned threads_for(enum compression kind, int level, unsigned wanted)
{
	size_t one = PIECE_SIZE + piece_bound(kind, PIECE_SIZE) + ((size_t)1 << 20);
	if (kind == COMPRESSION_ZSTD)
		one += level <= 5 ? (size_t)3 << 20 : level <= 9 ? (size_t)12 << 20 : (size_t)34 << 20;
	size_t most = MEMORY / one;
	return ordered_jobs_threads(wanted, most > THREADS_MAX ? THREADS_MAX : most ? (unsigned)most : 1);
}

struct piece_writer *piece_writer_new(enum compression kind, int level, unsigned threads,
        int (*write)(void *arg, const void *data, size_t len, struct err *e), void *arg, struct err *e)
{
	struct piece_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set_null(e, ERR_OTHER, "out of memory");
	*w = (struct piece_writer){.kind = kind, .level = level, .write = write, .arg = arg};
	struct ordered_jobs_options o = {.threads = threads_for(kind, level, threads),
	        .job_size = sizeof(struct job),
	        .work = pack,
	        .free_own = piece_free_packer,
	        .free_job = free_job};
	o.jobs = o.threads + WAITING;
	w->jobs = ordered_jobs_new(&o, e);
	if (w->jobs)
		return w;
	free(w);
	return NULL;
}

static int write_oldest(struct piece_writer *w, struct err *e)
{
	struct job *job = ordered_jobs_take(w->jobs);
	if (job->rc < 0) {
		if (e)
			*e = job->err;
		return -1;
	}
	if (w->write(w->arg, job->out, job->head + job->piece.packed, e) < 0)
		return -1;
	ordered_jobs_drop(w->jobs);
	return 0;
}

/* Have a job to fill. */
static int begin(struct piece_writer *w, struct err *e)
{
	struct job *job;
	while (!(job = ordered_jobs_room(w->jobs)))
		if (write_oldest(w, e) < 0)
			return -1;
	job->writer = w;
	job->head = piece_header_size(w->kind);
	if (!job->in)
		job->in = malloc(PIECE_SIZE);
	if (!job->out)
		job->out = malloc(job->head + piece_bound(w->kind, PIECE_SIZE));
	if (!job->in || !job->out)
		return err_no_memory(e);
	job->len = 0;
	job->piece.at = w->at;
	w->job = job;
	return 0;
}

int piece_writer_cut(struct piece_writer *w, struct err *e)
{
	(void)e;
	if (w->job && w->job->len > 0) {
		ordered_jobs_give(w->jobs);
		w->job = NULL;
	}
	return 0;
}

int piece_writer_add(struct piece_writer *w, const void *data, size_t len, struct err *e)
{
	for (const char *s = data; len > 0;) {
		if (!w->job && begin(w, e) < 0)
			return -1;
		size_t room = PIECE_SIZE - w->job->len, n = len < room ? len : room;
		memcpy(w->job->in + w->job->len, s, n);
		w->job->len += n;
		w->at += n;
		s += n;
		len -= n;
		if (w->job->len == PIECE_SIZE && piece_writer_cut(w, e) < 0)
			return -1;
	}
	return 0;
}

int piece_writer_finish(struct piece_writer *w, struct err *e)
{
	if (piece_writer_cut(w, e) < 0)
		return -1;
	while (ordered_jobs_take(w->jobs))
		if (write_oldest(w, e) < 0)
			return -1;
	return 0;
}

void piece_writer_free(struct piece_writer *w)
{
	if (!w)
		return;
	ordered_jobs_free(w->jobs);
	free(w);
}
