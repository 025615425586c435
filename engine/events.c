/* Events in Docker's shape, and the watch over them. */
#include "engine/events.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/event_document.h"
#include "engine/store/event_log.h"

/* One line. Labels may be longer than a line can be: then only what names the object stays. */
static void event_print(
        struct buf *line, const char *type, const char *action, const char *id, json *attributes)
{
	int64_t now = now_realtime();
	cleanup_json json *event = event_document(type, action, id, json_object_get(attributes), now);

	json_print(line, event, JSON_COMPACT);
	if (line->len >= EVENT_LINE_MAX) {
		static const char *const kept[] = {"name", "image", "exitCode", "signal"};
		json *small = json_object_new_object();

		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
			const char *value = json_str(attributes, kept[i], NULL);

			if (value && strlen(value) < EVENT_LINE_MAX / 8)
				json_set_str(small, kept[i], value);
		}
		json_free(&event);
		event = event_document(type, action, id, small, now);
		buf_reset(line);
		json_print(line, event, JSON_COMPACT);
	}
	buf_char(line, '\n');
}

void event_emit(const struct store *s, const char *type, const char *action, const char *id, json *attributes)
{
	cleanup_json json *own = attributes ? attributes : json_object_new_object();
	cleanup_buf struct buf line = BUF_INIT;
	int saved = errno;

	event_print(&line, type, action, id, own);
	if (!line.failed && event_log_add(s->state_fd, line.data, line.len) < 0)
		log_line(LOG_LEVEL_DEBUG, "the event '%s %s' could not be written", type, action);
	errno = saved;
}

static bool is_event(const char *line, size_t len, const char *action, const char *id, int64_t since)
{
	if (!memmem(line, len, id, strlen(id)) || !memmem(line, len, action, strlen(action)))
		return false;
	cleanup_json json *event = json_parse(line, len, "event", NULL);
	return event && json_int(event, "timeNano", 0) >= since &&
	       strcmp(json_str(event, "Action", ""), action) == 0 &&
	       strcmp(json_str(json_get(event, "Actor"), "ID", ""), id) == 0;
}

bool event_was_told(const struct store *s, const char *action, const char *id, int64_t since)
{
	struct event_reader r;
	bool found = false;
	char *line;
	size_t len;

	if (event_reader_open(&r, s->state_fd, false, NULL) != 0)
		return false;
	while (!found && event_reader_next(&r, &line, &len, NULL) > 0)
		found = is_event(line, len, action, id, since);
	event_reader_close(&r);
	return found;
}

/* ------------------------------------------------------------------ watch */

struct watch {
	const struct tare_event_options *o;
	tare_event_fn fn;
	void *arg;
	int inotify_fd;
	struct event_reader reader;
};

/* 1: go on; 0: enough; -1. */
static int pass_line(struct watch *w, const char *line, size_t len)
{
	cleanup_json json *event = json_parse(line, len, "event", NULL);
	int64_t at = json_int(event, "timeNano", 0);

	if (!event || !at || at < w->o->since)
		return 1;
	if (w->o->until && at > w->o->until)
		return 1; /* writers of one moment may be out of order by a little */
	return w->fn(event, w->arg) == 0;
}

static int pass_lines(struct watch *w, struct err *e)
{
	size_t len;
	char *line;
	int rc;

	while ((rc = event_reader_next(&w->reader, &line, &len, e)) == 1)
		if (!pass_line(w, line, len))
			return 0;
	return rc < 0 ? -1 : 1;
}

static int wait_change(struct watch *w, struct err *e)
{
	struct pollfd p = {.fd = w->inotify_fd, .events = POLLIN};
	char events[4096];
	int ms = -1;

	if (w->o->until) {
		int64_t left = (w->o->until - now_realtime()) / 1000000 + 1;

		if (left <= 1)
			return 0;
		ms = left > 1000000 ? 1000000 : (int)left;
	}
	if (poll(&p, 1, ms) < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for events");
	while (read(w->inotify_fd, events, sizeof(events)) > 0)
		;
	return 1;
}

static int watch_start(struct watch *w, const struct store *s, struct err *e)
{
	char path[64];

	if (!w->o->follow)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->state_fd);
	w->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify_fd < 0 ||
	        inotify_add_watch(w->inotify_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return err_sys(e, "cannot watch the event log");
	return 0;
}

int events_watch(
        const struct store *s, const struct tare_event_options *o, tare_event_fn fn, void *arg, struct err *e)
{
	struct watch w = {.o = o, .fn = fn, .arg = arg, .inotify_fd = -1};
	/* Watched before it is read, so that nothing falls between the two. */
	int rc = watch_start(&w, s, e);

	if (rc == 0)
		rc = event_reader_open(&w.reader, s->state_fd, !o->since, e);
	if (rc == 0) {
		do
			rc = pass_lines(&w, e);
		while (rc == 1 && o->follow && (rc = wait_change(&w, e)) == 1);
		event_reader_close(&w.reader);
	}
	close_fd(&w.inotify_fd);
	return rc < 0 ? -1 : 0;
}
