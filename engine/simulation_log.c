/* Logs: a container's last ten minutes are written to a file without a name when it is opened, and what it
 * has said since is added at each drain. The first container can be told to write as fast as one wants. */
#include "engine/simulation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"

#define FILE_MAX    (UINT64_C(64) << 20) /* a fast log is rotated at that */
#define FILES_MAX   4
#define FAST_BLOCK  (256u << 10)
#define FAST_PAST   2 /* seconds of a fast log's past */
#define RECORDS_MAX ((size_t)64 << 20)
#define STAMP_LEN   30

struct sim_log {
	struct tare_log api; /* first */
	char id[TARE_ID_LEN + 1];
	int64_t until; /* all that was said before is in the files */
	uint64_t size; /* of the last file */
	int own[FILES_MAX];
};

/* ------------------------------------------------------------------ records */

static int64_t floor_second(int64_t t)
{
	int64_t n = t / SIM_SECOND;

	return n * SIM_SECOND > t ? n - 1 : n;
}

/* Those of `whole` that were said in [from, to). */
static void cut(
        const struct simulation *s, const struct buf *whole, int64_t from, int64_t to, struct buf *out)
{
	char first[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE];

	time_format(sim_wall(s, from), first);
	time_format(sim_wall(s, to), end);
	for (size_t i = 0; i < whole->len;) {
		const char *line = whole->data + i, *eol = memchr(line, '\n', whole->len - i);
		size_t len = eol ? (size_t)(eol - line) + 1 : whole->len - i;

		if (memcmp(line, first, STAMP_LEN) >= 0 && memcmp(line, end, STAMP_LEN) < 0)
			buf_add(out, line, len);
		i += len;
	}
}

/* A one-shot command says all when it starts. */
static void add_outputs(
        const struct simulation *s, const struct sim_container *c, int64_t from, int64_t to, struct buf *out)
{
	for (size_t i = 0; i < c->n_episodes && c->output; i++) {
		const struct sim_episode *ep = &c->episodes[i];
		bool resumed = i > 0 && c->episodes[i - 1].kind == EPISODE_PAUSED;

		if (ep->kind == EPISODE_RUNNING && !resumed && ep->at >= from && ep->at < to)
			sim_voice_output(s, c, ep->at, out);
	}
}

void sim_records(
        const struct simulation *s, const struct sim_container *c, int64_t from, int64_t to, struct buf *out)
{
	cleanup_buf struct buf second = BUF_INIT;

	if (c->output) {
		add_outputs(s, c, from, to, out);
		return;
	}
	if (from < to - SIM_LOG_SECONDS * SIM_SECOND)
		from = to - SIM_LOG_SECONDS * SIM_SECOND;
	for (int64_t n = floor_second(from); n * SIM_SECOND < to; n++) {
		buf_reset(&second);
		sim_voice(s, c, n, &second);
		cut(s, &second, from, to, out);
	}
}

/* ------------------------------------------------------------------ files */

int sim_nameless(const struct simulation *s, struct err *e)
{
	cleanup_free char *path = str_printf("%s/log-XXXXXX", s->dir);
	int fd = path ? mkstemp(path) : -1;

	if (fd < 0)
		return err_sys(e, "cannot make a file for the demo's logs in %s", s->dir);
	unlink(path);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* The oldest goes, a new one is the last. */
static int rotate(const struct simulation *s, struct sim_log *l, struct err *e)
{
	int fd = sim_nameless(s, e);

	if (fd < 0)
		return -1;
	if (l->api.n == FILES_MAX) {
		close(l->own[0]);
		memmove(l->own, l->own + 1, (FILES_MAX - 1) * sizeof(*l->own));
		l->api.n--;
	}
	l->own[l->api.n++] = fd;
	l->size = 0;
	return 0;
}

/* At a place of its own: whoever reads the same descriptor is not moved. */
static int add(struct sim_log *l, const char *data, size_t len, struct err *e)
{
	while (len) {
		ssize_t n = pwrite(l->own[l->api.n - 1], data, len, (off_t)l->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "cannot write the demo's log");
		l->size += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static bool is_fast(const struct simulation *s, const struct sim_container *c)
{
	return s->log_rate && s->n_containers && s->containers[0] == c;
}

/* One block of equal lines is prepared and written as often as it takes. */
static int add_fast(
        struct simulation *s, struct sim_log *l, int64_t from, int64_t to, bool *rotated, struct err *e)
{
	static const char text[] =
	        " stdout F 203.0.113.77 - - \"GET /api/v2/orders?page=12 HTTP/2.0\" 200 5120 rt=0.004\n";
	char stamp[TIME_TEXT_SIZE];
	cleanup_free char *block = malloc(FAST_BLOCK);
	size_t line = STAMP_LEN + sizeof(text) - 1, whole = FAST_BLOCK / line * line;
	uint64_t left = (uint64_t)((double)(to - from) / 1e9 * (double)s->log_rate);

	if (!block)
		return err_no_memory(e);
	time_format(sim_wall(s, to), stamp);
	for (size_t at = 0; at < whole; at += line) {
		memcpy(block + at, stamp, STAMP_LEN);
		memcpy(block + at + STAMP_LEN, text, sizeof(text) - 1);
	}
	for (left = left / line * line; left > 0;) {
		size_t n = left < whole ? (size_t)left : whole;

		if (l->size + n > FILE_MAX) {
			if (rotate(s, l, e) < 0)
				return -1;
			*rotated = true;
		}
		if (add(l, block, n, e) < 0)
			return -1;
		left -= n;
	}
	return 0;
}

static int grow(struct simulation *s, struct sim_log *l, const struct sim_container *c, int64_t to,
        bool *rotated, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(RECORDS_MAX);
	int64_t from = l->until;

	if (to <= from)
		return 0;
	l->until = to;
	if (is_fast(s, c)) {
		if (to - from > FAST_PAST * SIM_SECOND)
			from = to - FAST_PAST * SIM_SECOND;
		return add_fast(s, l, from, to, rotated, e);
	}
	sim_records(s, c, from, to, &b);
	if (b.failed)
		return err_no_memory(e);
	return b.len ? add(l, b.data, b.len, e) : 0;
}

/* ------------------------------------------------------------------ the table's functions */

static bool has_ended(const struct sim_container *c, int64_t now)
{
	struct sim_status st = sim_at(c, now);

	return !st.there || st.state == TARE_EXITED || st.state == TARE_CREATED;
}

/* Where its log begins: ten minutes ago, and no later than its last end. */
int64_t sim_log_begin(const struct sim_container *c, int64_t now)
{
	struct sim_status st = sim_at(c, now);
	int64_t end = st.state == TARE_EXITED && st.finished != SIM_NEVER ? st.finished : now;
	int64_t begin = end - SIM_LOG_SECONDS * SIM_SECOND;

	return begin > c->created ? begin : c->created;
}

int sim_log_open(struct tare_engine *t, const char *ref, struct tare_log **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct sim_log *l = c ? calloc(1, sizeof(*l)) : NULL;
	bool rotated;
	int64_t now;

	if (!c)
		return -1;
	if (!l)
		return err_no_memory(e);
	now = sim_now(s);
	memcpy(l->id, c->id, sizeof(l->id));
	l->api = (struct tare_log){.files = l->own, .fd = -1, .ended = has_ended(c, now)};
	l->until = sim_log_begin(c, now);
	s->open_logs++;
	if (rotate(s, l, e) < 0 || grow(s, l, c, now, &rotated, e) < 0) {
		sim_log_close(t, &l->api);
		return -1;
	}
	*out = &l->api;
	return 0;
}

int sim_log_drain(struct tare_engine *t, struct tare_log *log, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_log *l = (struct sim_log *)log;
	const struct sim_container *c;
	uint64_t before = l->size;
	bool rotated = false, ended;
	int64_t now;

	if (sim_refresh(s, e) < 0)
		return -1;
	c = sim_by_id(s, l->id);
	now = sim_now(s);
	ended = !c || has_ended(c, now);
	if (c && grow(s, l, c, now, &rotated, e) < 0)
		return -1;
	ended = ended && !l->api.ended;
	l->api.ended = !c || has_ended(c, now);
	return (l->size != before || rotated ? TARE_LOG_GREW : 0) | (rotated ? TARE_LOG_ROTATED : 0) |
	       (ended ? TARE_LOG_ENDED : 0);
}

void sim_log_close(struct tare_engine *t, struct tare_log *log)
{
	struct sim_log *l = (struct sim_log *)log;

	if (!l)
		return;
	for (size_t i = 0; i < l->api.n; i++)
		close(l->own[i]);
	sim_of(t)->open_logs--;
	free(l);
}
