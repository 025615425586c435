/* `logs`: records back in the form the container wrote them. */
#include "engine/simulation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"
#include "engine/terminal_filter.h"

#define FOLLOW_MS   200
#define STAMP_LEN   30
#define RECORDS_MAX ((size_t)64 << 20)

struct printer {
	const struct tare_log_options *o;
	struct terminal_filter filter[2];
	bool harmless[2];
	bool gone; /* the reader has closed its end */
	struct buf block;
	int block_fd;
};

static int flush(struct printer *p, struct err *e)
{
	int rc = p->block.len && p->block_fd >= 0 ? write_all(p->block_fd, p->block.data, p->block.len) : 0;

	if (p->block.failed)
		return err_no_memory(e);
	buf_reset(&p->block);
	if (rc < 0 && errno == EPIPE) {
		p->gone = true;
		return 0;
	}
	return rc < 0 ? err_sys(e, "cannot write the log") : 0;
}

static int print_record(struct printer *p, const char *line, size_t len, struct err *e)
{
	bool error = len > STAMP_LEN + 9 && memcmp(line + STAMP_LEN + 1, "stderr", 6) == 0;
	const char *text = line + STAMP_LEN + sizeof(" stdout F ") - 1;
	int fd = error ? p->o->err : p->o->out;

	if (fd != p->block_fd && flush(p, e) < 0)
		return -1;
	p->block_fd = fd;
	if (fd < 0)
		return 0;
	if (p->o->timestamps) {
		buf_add(&p->block, line, STAMP_LEN);
		buf_char(&p->block, ' ');
	}
	if (p->harmless[error])
		terminal_filter_add(&p->filter[error], &p->block, text, (size_t)(line + len - text));
	else
		buf_add(&p->block, text, (size_t)(line + len - text));
	return p->block.len > 65536 ? flush(p, e) : 0;
}

/* The start of the last `lines` records. */
static size_t tail_start(const struct buf *b, int64_t lines)
{
	size_t i = b->len;

	if (lines < 0)
		return 0;
	for (; i > 0; i--)
		if (b->data[i - 1] == '\n' && lines-- == 0)
			return i;
	return 0;
}

static int print_records(struct printer *p, const struct buf *b, size_t from, struct err *e)
{
	for (size_t i = from; i < b->len && !p->gone;) {
		const char *line = b->data + i, *eol = memchr(line, '\n', b->len - i);
		size_t len = eol ? (size_t)(eol - line) + 1 : b->len - i;

		if (len > STAMP_LEN + sizeof(" stdout F ") - 1 && print_record(p, line, len, e) < 0)
			return -1;
		i += len;
	}
	return flush(p, e);
}

static bool is_up(const struct sim_container *c, int64_t now)
{
	struct sim_status st = sim_at(c, now);

	return st.there &&
	       (st.state == TARE_RUNNING || st.state == TARE_PAUSED || st.state == TARE_RESTARTING);
}

/* Until its end, or for a container that starts again and again for ever, as the monitors' logs do. */
static int follow(
        struct simulation *s, const char *id, int64_t from, int64_t until, struct printer *p, struct err *e)
{
	for (;;) {
		cleanup_buf struct buf b = BUF_INIT_MAX(RECORDS_MAX);
		const struct sim_container *c;
		struct pollfd reader = {.fd = p->o->out};
		int64_t now;
		bool up;

		if (sim_refresh(s, e) < 0)
			return -1;
		c = sim_by_id(s, id);
		now = sim_now(s);
		up = c && is_up(c, now);
		if (c)
			sim_records(s, c, from, now < until ? now : until, &b);
		from = now;
		if (print_records(p, &b, 0, e) < 0)
			return -1;
		if (!up || now >= until || p->gone || !sim_runs(s))
			return 0;
		if (poll(&reader, 1, FOLLOW_MS) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the log");
		p->gone = (reader.revents & POLLERR) != 0;
	}
}

static int print_all(struct simulation *s, const struct sim_container *c, struct printer *p, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(RECORDS_MAX);
	const struct tare_log_options *o = p->o;
	int64_t now = sim_now(s), until = o->until ? o->until - s->birth + 1 : INT64_MAX;
	int64_t end = until < now ? until : now;
	int64_t from = sim_log_begin(c, now), since = o->since ? o->since - s->birth : INT64_MIN;
	char id[TARE_ID_LEN + 1];

	memcpy(id, c->id, sizeof(id));
	sim_records(s, c, since > from ? since : from, end, &b);
	if (b.failed)
		return err_no_memory(e);
	if (print_records(p, &b, tail_start(&b, o->tail), e) < 0)
		return -1;
	return o->follow && !p->gone && until > now ? follow(s, id, end, until, p, e) : 0;
}

int sim_logs(struct tare_engine *t, const char *ref, const struct tare_log_options *o, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	struct printer p = {.o = o, .block_fd = -1};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	int rc;

	if (!c)
		return -1;
	p.harmless[0] = o->harmless && !c->tty && o->out >= 0 && isatty(o->out);
	p.harmless[1] = o->harmless && !c->tty && o->err >= 0 && isatty(o->err);
	sigaction(SIGPIPE, &ignore, &before);
	rc = print_all(s, c, &p, e);
	sigaction(SIGPIPE, &before, NULL);
	buf_free(&p.block);
	return rc;
}
