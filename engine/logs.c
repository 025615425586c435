#include "engine/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/units.h"
#include "engine/log_reader.h"
#include "engine/monitor/handoff.h"
#include "engine/store/container_record.h"
#include "engine/terminal_filter.h"

#define BLOCK (256 << 10)
/* Should the monitor have been killed, its run never gets an end on record: this is how often the state
 * directory is looked at again. */
#define LOOK_AGAIN_MS 5000

struct output {
	int fd;
	struct buf block;
	struct terminal_filter filter;
	bool harmless;    /* it is a terminal, and what goes there is filtered */
	bool inside_line; /* the last record was a piece of a line */
};

struct job {
	int container_fd, state_fd;
	const struct tare_log_options *o;
	struct output out[2];
	bool merged; /* both streams go to one file, so their order matters */
	bool gone;   /* the reader has closed its end */
	struct log_reader reader;
	char since[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];
	int inotify_fd;
};

static bool same_file(int a, int b)
{
	struct stat x, y;

	return a == b ||
	       (fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static int output_flush(struct job *j, struct output *out, struct err *e)
{
	size_t len = out->block.len;
	int rc;

	if (out->block.failed)
		return err_no_memory(e);
	if (!len)
		return 0;
	rc = out->fd < 0 ? 0 : write_all(out->fd, out->block.data, len);
	buf_reset(&out->block);
	if (rc < 0 && errno == EPIPE) {
		j->gone = true;
		return 0;
	}
	return rc < 0 ? err_sys(e, "cannot write the log") : 0;
}

static int flush_all(struct job *j, struct err *e)
{
	return output_flush(j, &j->out[0], e) < 0 || output_flush(j, &j->out[1], e) < 0 ? -1 : 0;
}

static void record_add(struct job *j, struct output *out, const struct log_record *rec)
{
	struct buf *b = &out->block;

	if (j->o->timestamps && !out->inside_line && rec->stamp) {
		buf_add(b, rec->stamp, LOG_STAMP_LEN);
		buf_char(b, ' ');
	}
	out->inside_line = rec->partial;
	if (out->harmless) {
		terminal_filter_add(&out->filter, b, rec->text, rec->len);
		if (!rec->partial)
			terminal_filter_add(&out->filter, b, "\n", 1);
		return;
	}
	buf_add(b, rec->text, rec->len);
	if (!rec->partial)
		buf_char(b, '\n');
}

static int record_write(struct job *j, const struct log_record *rec, struct err *e)
{
	int stream = rec->stream == TARE_LOG_ERR;
	struct output *out = &j->out[stream];

	/* Merged streams share one block, so that lines keep their order without a write for each. */
	if (j->merged && stream) {
		struct buf own = out->block;

		out->block = j->out[0].block;
		record_add(j, out, rec);
		j->out[0].block = out->block;
		out->block = own;
		out = &j->out[0];
	} else {
		record_add(j, out, rec);
	}
	return out->block.len >= BLOCK || out->block.failed ? output_flush(j, out, e) : 0;
}

/* 1: everything that is there was passed on; 2: `until` was reached; -1. */
static int pass_records(struct job *j, struct err *e)
{
	struct log_record rec;
	int rc;

	while (!j->gone && (rc = log_reader_next(&j->reader, &rec, e)) != 0) {
		if (rc < 0)
			return -1;
		if (rec.stamp && *j->since && memcmp(rec.stamp, j->since, LOG_STAMP_LEN) < 0)
			continue;
		if (rec.stamp && *j->until && memcmp(rec.stamp, j->until, LOG_STAMP_LEN) > 0)
			return flush_all(j, e) < 0 ? -1 : 2;
		if (record_write(j, &rec, e) < 0)
			return -1;
	}
	return flush_all(j, e) < 0 ? -1 : 1;
}

/* No run is under way (any more): nothing will be added. A monitor that was killed does not say so. */
static bool run_ended(int state_fd)
{
	struct container_state now;
	struct exit_record r;
	struct stat st;

	if (state_fd < 0 || exit_record_read(state_fd, &r) == 0)
		return true;
	if (container_state_read(state_fd, &now) == 0 && !proc_alive(&now.process) &&
	        !proc_alive(&now.monitor))
		return true;
	return fstat(state_fd, &st) < 0 || st.st_nlink == 0;
}

static int watch_dir(int inotify_fd, int dir_fd, uint32_t mask)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	return inotify_add_watch(inotify_fd, path, mask);
}

static int watch_start(struct job *j, struct err *e)
{
	j->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (j->inotify_fd < 0 ||
	        watch_dir(j->inotify_fd, j->container_fd, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0 ||
	        watch_dir(j->inotify_fd, j->state_fd, IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return err_sys(e, "cannot watch the log for what is added");
	return 0;
}

/* Until something changes. 0: `until` has come. */
static int wait_change(struct job *j, struct err *e)
{
	char events[4096];
	struct pollfd p[2] = {{.fd = j->inotify_fd, .events = POLLIN}, {.fd = j->out[0].fd}};
	int64_t ms = LOOK_AGAIN_MS;

	if (j->o->until) {
		int64_t left = (j->o->until - now_realtime()) / 1000000 + 1;

		if (left <= 1)
			return 0;
		ms = left < ms ? left : ms;
	}
	if (poll(p, 2, (int)ms) < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for the log");
	/* The reader of a quiet log has gone. */
	if (p[1].revents & POLLERR)
		j->gone = true;
	while (read(j->inotify_fd, events, sizeof(events)) > 0)
		;
	return 1;
}

static int follow(struct job *j, struct err *e)
{
	for (;;) {
		/* Asked before reading: everything that was written before the end is read after it. */
		bool ended = !j->o->follow || run_ended(j->state_fd);
		int rc = pass_records(j, e);

		if (rc != 1 || ended || j->gone)
			return rc < 0 ? -1 : 0;
		rc = wait_change(j, e);
		if (rc <= 0)
			return rc;
	}
}

/* A character or colour that was cut off by the log's end. */
static int filters_end(struct job *j, struct err *e)
{
	for (int i = 0; i < 2; i++)
		terminal_filter_end(&j->out[i].filter, &j->out[i].block);
	return flush_all(j, e);
}

static int seek(struct job *j, struct err *e)
{
	if (j->o->since)
		time_format(j->o->since, j->since);
	if (j->o->until)
		time_format(j->o->until, j->until);
	if (j->o->tail >= 0)
		return log_reader_tail(&j->reader, j->o->tail, e);
	return j->o->since ? log_reader_since(&j->reader, j->since, e) : 0;
}

int logs_read(int container_fd, int state_fd, const struct tare_log_options *o, struct err *e)
{
	struct job j = {.container_fd = container_fd,
	        .state_fd = state_fd,
	        .o = o,
	        .inotify_fd = -1,
	        .out = {{.fd = o->out}, {.fd = o->err}}};
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
	int rc;

	for (int i = 0; i < 2; i++)
		j.out[i].harmless = o->harmless && j.out[i].fd >= 0 && isatty(j.out[i].fd);
	j.merged = o->out >= 0 && o->err >= 0 && same_file(o->out, o->err);
	if (log_reader_open(&j.reader, container_fd, e) < 0)
		return -1;
	sigaction(SIGPIPE, &ignore, &old_pipe);
	rc = o->follow && state_fd >= 0 ? watch_start(&j, e) : 0;
	if (rc == 0)
		rc = seek(&j, e);
	if (rc == 0)
		rc = follow(&j, e);
	if (rc == 0 && !j.gone)
		rc = filters_end(&j, e);
	sigaction(SIGPIPE, &old_pipe, NULL);
	close_fd(&j.inotify_fd);
	log_reader_close(&j.reader);
	for (int i = 0; i < 2; i++)
		buf_free(&j.out[i].block);
	return rc;
}
