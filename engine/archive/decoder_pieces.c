/* Pieces (piece.h), several unpacked at the same time. Strict about what stands between them: nothing does.
 * Who wants to know what is damaged gets zeros for what cannot be had, and is told where they are. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "engine/archive/decoder.h"
#include "engine/archive/ordered_jobs.h"
#include "engine/archive/piece.h"

#define THREADS_MAX 4
#define WAITING     2
#define PACKED_MAX  (2 * PIECE_SIZE) /* of a piece whose header is damaged, looking for the next one */

struct job {
	const struct pieces *pieces;
	struct piece piece;
	const char *why; /* what is wrong, NULL: nothing is so far */
	bool lost;       /* nothing of it can be had */
	unsigned char *in, *out;
	size_t in_room, out_room;
};

struct pieces {
	struct decoder decoder;
	enum compression kind;
	size_t head;
	struct ordered_jobs *jobs;
	void (*damaged)(void *arg, uint64_t from, uint64_t len, const char *why);
	void *arg;
	uint64_t at;     /* where the next piece begins */
	struct job *job; /* whose content is given out, or NULL */
	size_t given;
	bool ended;
};

static int corrupt(struct err *e, const char *why)
{
	return err_set(e, ERR_CORRUPT, "the compressed stream is damaged: %s", why);
}

static void unpack(void *arg, void **own)
{
	struct job *job = arg;
	enum compression kind = job->pieces->kind;
	struct err e = ERR_INIT;
	if (job->lost)
		return;
	if (!job->why && !piece_is_right(&job->piece, job->in))
		job->why = "a piece is not what it was";
	if (job->pieces->damaged) /* what can be had of a damaged one is given out */
		memset(job->out, 0, job->piece.plain);
	if (piece_unpack(kind, &job->piece, job->in, job->out, own, &e) < 0 && !job->why)
		job->why = "a piece cannot be unpacked";
}

static void free_job(void *arg)
{
	struct job *job = arg;
	free(job->in);
	free(job->out);
}

/* ------------------------------------------------------------------ reading */

static int have(unsigned char **p, size_t *room, size_t want, struct err *e)
{
	if (*room >= want && *p)
		return 0;
	free(*p);
	*p = malloc(want ? want : 1);
	*room = *p ? want : 0;
	return *p ? 0 : err_no_memory(e);
}

/* The header is damaged: the piece goes on to the next one that is right, or to the end. */
static int read_torn(struct pieces *d, struct source *s, struct job *job, struct err *e)
{
	struct piece next = {0};
	size_t len = 0;
	job->why = "what stands in front of a piece is damaged";
	if (have(&job->in, &job->in_room, PACKED_MAX, e) < 0 || source_take(s, NULL, d->head, e) < 0)
		return -1;
	for (;; len++) {
		if (source_want(s, d->head, e) < 0)
			return -1;
		if (s->pos == s->len ||
		        (s->len - s->pos >= d->head && piece_header_read(d->kind, s->data + s->pos, &next)))
			break;
		if (len == PACKED_MAX || source_take(s, job->in + len, 1, e) < 0)
			return corrupt(e, job->why);
	}
	job->piece = (struct piece){.at = d->at, .packed = (uint32_t)len, .plain = (uint32_t)PIECE_SIZE};
	if (next.at > d->at && next.at - d->at <= PIECE_LIMIT)
		job->piece.plain = (uint32_t)(next.at - d->at);
	else
		job->piece.plain = piece_plain_size(d->kind, job->in, len);
	return have(&job->out, &job->out_room, job->piece.plain, e);
}

static int read_whole(struct pieces *d, struct source *s, struct job *job, struct err *e)
{
	const struct piece *p = &job->piece;
	if (p->at < d->at || p->plain == 0)
		return corrupt(e, "a piece is in the wrong place");
	if (p->at != d->at) {
		if (!d->damaged)
			return corrupt(e, "a piece is missing");
		d->damaged(d->arg, d->at, p->at - d->at, "a piece is missing");
	}
	if (source_take(s, NULL, d->head, e) < 0 || have(&job->in, &job->in_room, p->packed, e) < 0 ||
	        have(&job->out, &job->out_room, p->plain, e) < 0)
		return -1;
	ssize_t n = source_take(s, job->in, p->packed, e);
	if (n < 0)
		return -1;
	if ((size_t)n == p->packed)
		return 0;
	if (!d->damaged)
		return corrupt(e, "it is truncated");
	job->why = INFLATE_CUT_OFF;
	job->lost = true;
	return 0;
}

/* 1, 0 at the end. */
static int read_piece(struct pieces *d, struct source *s, struct job *job, struct err *e)
{
	if (source_want(s, d->head, e) < 0)
		return -1;
	if (s->pos == s->len)
		return 0;
	job->pieces = d;
	job->why = NULL;
	job->lost = false;
	bool right = s->len - s->pos >= d->head && piece_header_read(d->kind, s->data + s->pos, &job->piece);
	if (!right && !d->damaged)
		return corrupt(e, "what stands in front of a piece is damaged, or garbage after its end");
	if ((right ? read_whole(d, s, job, e) : read_torn(d, s, job, e)) < 0)
		return -1;
	d->at = job->piece.at + job->piece.plain;
	return 1;
}

static int read_ahead(struct pieces *d, struct source *s, struct err *e)
{
	struct job *job;
	while (!d->ended && (job = ordered_jobs_room(d->jobs))) {
		int rc = read_piece(d, s, job, e);
		if (rc < 0)
			return -1;
		if (rc > 0)
			ordered_jobs_give(d->jobs);
		else
			d->ended = true;
	}
	return 0;
}

/* ------------------------------------------------------------------ giving out */

static int next_job(struct pieces *d, struct err *e)
{
	struct job *job = ordered_jobs_take(d->jobs);
	d->job = job;
	d->given = 0;
	if (!job || !job->why)
		return 0;
	if (!d->damaged)
		return corrupt(e, job->why);
	d->damaged(d->arg, job->piece.at, job->piece.plain, job->why);
	if (job->lost)
		memset(job->out, 0, job->piece.plain);
	return 0;
}

static int decode(struct decoder *decoder, struct source *s, unsigned char *out, size_t room, size_t *len,
        struct err *e)
{
	struct pieces *d = (struct pieces *)decoder;
	*len = 0;
	while (*len < room) {
		if (!d->job && (read_ahead(d, s, e) < 0 || next_job(d, e) < 0))
			return -1;
		if (!d->job)
			return 0;
		size_t left = d->job->piece.plain - d->given, n = left < room - *len ? left : room - *len;
		memcpy(out + *len, d->job->out + d->given, n);
		d->given += n;
		*len += n;
		if (n < left)
			continue;
		d->job = NULL;
		ordered_jobs_drop(d->jobs);
	}
	return 0;
}

static void pieces_free(struct decoder *decoder)
{
	struct pieces *d = (struct pieces *)decoder;
	ordered_jobs_free(d->jobs);
	free(d);
}

struct decoder *decoder_pieces(enum compression kind,
        void (*damaged)(void *arg, uint64_t from, uint64_t len, const char *why), void *arg, struct err *e)
{
	struct pieces *d = calloc(1, sizeof(*d));
	if (!d)
		return err_set_null(e, ERR_OTHER, "out of memory");
	*d = (struct pieces){.decoder = {decode, pieces_free},
	        .kind = kind,
	        .head = piece_header_size(kind),
	        .damaged = damaged,
	        .arg = arg};
	struct ordered_jobs_options o = {.threads = ordered_jobs_threads(0, THREADS_MAX),
	        .job_size = sizeof(struct job),
	        .work = unpack,
	        .free_own = piece_free_unpacker,
	        .free_job = free_job};
	o.jobs = o.threads + WAITING;
	d->jobs = ordered_jobs_new(&o, e);
	if (d->jobs)
		return &d->decoder;
	free(d);
	return NULL;
}
