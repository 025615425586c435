/* Watching for changes on behalf of a display: one inotify descriptor for the event log, the image index, the
 * volumes, the records of networks, and the logs that are open in it (closing an inotify descriptor waits for
 * a grace period of the kernel, 5 to 12 ms, so the logs do not get one each). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/engine.h"
#include "engine/store/event_log.h"

struct watch {
	struct tare_watch api; /* first */
	struct event_reader reader;
	int state, root, volumes; /* inotify's watch descriptors */
	int networks;             /* -1: no network was ever made */
	struct {
		int wd;
		unsigned users; /* a log that is open twice has one */
	} * logs;
	size_t n_logs;
};

/* name: of a directory in it, or "". */
static int add_beneath(int inotify_fd, int dir_fd, const char *name, uint32_t mask)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir_fd, name);
	return inotify_add_watch(inotify_fd, path, mask);
}

static int add(int inotify_fd, int dir_fd, uint32_t mask)
{
	return add_beneath(inotify_fd, dir_fd, "", mask);
}

int engine_watch_log(struct linux_engine *l, int dir_fd)
{
	struct watch *w = l->watch;
	int wd = w ? add(w->api.fd, dir_fd, IN_MODIFY | IN_CREATE | IN_MOVED_TO) : -1;

	if (wd < 0)
		return -1;
	for (size_t i = 0; i < w->n_logs; i++)
		if (w->logs[i].wd == wd)
			return w->logs[i].users++, wd;
	void *logs = realloc(w->logs, (w->n_logs + 1) * sizeof *w->logs);
	if (!logs) {
		inotify_rm_watch(w->api.fd, wd);
		return -1;
	}
	w->logs = logs;
	w->logs[w->n_logs].wd = wd;
	w->logs[w->n_logs++].users = 1;
	return wd;
}

void engine_unwatch_log(struct linux_engine *l, int wd)
{
	struct watch *w = l->watch;

	for (size_t i = 0; w && i < w->n_logs; i++)
		if (w->logs[i].wd == wd && --w->logs[i].users == 0) {
			inotify_rm_watch(w->api.fd, wd);
			w->logs[i] = w->logs[--w->n_logs];
		}
}

static int watch_start(struct watch *w, const struct store *s, struct err *e)
{
	w->api.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->api.fd < 0)
		return err_sys(e, "cannot watch for changes");
	w->state = add(w->api.fd, s->state_fd, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	w->root = add(w->api.fd, s->root_fd, IN_MOVED_TO);
	w->volumes = add(w->api.fd, s->volumes_fd, IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM);
	/* where it is missing the event of the first one tells */
	w->networks = add_beneath(w->api.fd, s->root_fd, "networks", IN_DELETE | IN_MOVED_TO);
	if (w->state < 0 || w->root < 0 || w->volumes < 0)
		return err_sys(e, "cannot watch %s and %s", s->root, s->state);
	return 0;
}

int engine_watch_open(struct tare_engine *t, struct tare_watch **out, struct err *e)
{
	struct linux_engine *l = (struct linux_engine *)t;

	if (l->watch) /* the logs' handles are of one */
		return err_set(e, ERR_USAGE, "this engine is being watched already");
	struct watch *w = calloc(1, sizeof *w);
	if (!w)
		return err_no_memory(e);
	w->api = (struct tare_watch){.fd = -1, .due = INT64_MAX};
	/* watched before it is read, so that nothing falls between the two */
	if (watch_start(w, &l->store, e) != 0 ||
	        event_reader_open(&w->reader, l->store.state_fd, true, e) != 0) {
		close_fd(&w->api.fd);
		free(w);
		return -1;
	}
	l->watch = w;
	*out = &w->api;
	return 0;
}

/* Which of the directories has changed. */
static unsigned what_changed(const struct watch *w, const struct inotify_event *ev)
{
	if (ev->mask & IN_Q_OVERFLOW)
		return TARE_CHANGED_CONTAINERS | TARE_CHANGED_IMAGES | TARE_CHANGED_VOLUMES |
		       TARE_CHANGED_NETWORKS;
	if (ev->wd == w->root && ev->len && strcmp(ev->name, "index.json") == 0)
		return TARE_CHANGED_IMAGES;
	if (ev->wd == w->networks)
		return TARE_CHANGED_NETWORKS;
	return ev->wd == w->volumes ? TARE_CHANGED_VOLUMES : 0;
}

static unsigned read_changes(struct watch *w)
{
	char bytes[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	unsigned changed = 0;
	ssize_t n;

	/* a log that grows without end must not keep us here */
	for (int i = 0; i < 16 && (n = read(w->api.fd, bytes, sizeof bytes)) > 0; i++)
		for (char *p = bytes; p < bytes + n;) {
			const struct inotify_event *ev = (const struct inotify_event *)p;
			changed |= what_changed(w, ev);
			p += sizeof *ev + ev->len;
		}
	return changed;
}

int engine_watch_drain(
        struct tare_engine *t, struct tare_watch *watch, tare_event_fn fn, void *arg, struct err *e)
{
	struct watch *w = (struct watch *)watch;
	unsigned changed = read_changes(w);
	ino_t file = w->reader.inode;
	char *line;
	size_t len;
	int rc;

	(void)t;
	while ((rc = event_reader_next(&w->reader, &line, &len, e)) == 1) {
		cleanup_json json *event = json_parse(line, len, "event", NULL);
		if (event && fn(event, arg) != 0)
			break;
	}
	/* the event log was rotated, perhaps twice since the last look: then events are missing */
	if (w->reader.inode != file)
		changed |= TARE_CHANGED_CONTAINERS | TARE_CHANGED_NETWORKS;
	return rc < 0 ? -1 : (int)changed;
}

void engine_watch_close(struct tare_engine *t, struct tare_watch *watch)
{
	struct linux_engine *l = (struct linux_engine *)t;
	struct watch *w = (struct watch *)watch;

	if (!w)
		return;
	if (l->watch == w)
		l->watch = NULL;
	event_reader_close(&w->reader);
	close_fd(&w->api.fd);
	free(w->logs);
	free(w);
}
