#include "registry/server/worker_control.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "registry/server/access_log.h"
#include "registry/server/channel.h"
#include "registry/server/control_gc.h"
#include "registry/server/limits.h"
#include "registry/server/metrics.h"
#include "registry/server/quota.h"
#include "registry/server/tls.h"

/* The answer goes back with the number of the question, taken. */
static void answer(const struct worker *w, json *question, json *with)
{
	json_set_int(with, "id", json_int(question, "id", 0));
	channel_send(w->start->channel_fd, with, NULL, 0);
	json_free(&with);
}

/* ---------------------------------------------------------------- status */

static json *status(struct worker *w)
{
	const struct server *s = &w->server;
	json *j = json_object_new_object();

	json_set_int(j, "uptime", (now_boottime() - s->started) / 1000000000);
	json_set_int(j, "connections", limits_connections(s->limits));
	json_set_int(j, "requests", (int64_t)metrics_requests(s->metrics));
	json_set_int(j, "uploads", metrics_uploads_open(s->metrics));
	json_set_int(j, "storageBytes", (int64_t)quota_used(s->quota));
	json_set_bool(j, "seccomp", w->sandbox.seccomp);
	json_set_int(j, "landlock", w->sandbox.landlock);
	if (w->tls)
		json_set_int(j, "certificateExpires", tls_expires(w->tls));
	return j;
}

/* ---------------------------------------------------------------- reload */

static json *reload(struct worker *w, const int *fds, size_t n)
{
	json *j = json_object_new_object();
	struct server_files f = {0};
	struct err e = ERR_INIT;

	if (!n || server_files_unpack(fds[0], &f) < 0)
		err_set(&e, ERR_OTHER, "the new files did not arrive");
	else
		worker_reload(w, &f, &e);
	server_files_free(&f);
	if (e.msg[0])
		json_set_str(j, "error", e.msg);
	return j;
}

static json *new_log(struct worker *w, int *fds, size_t *n)
{
	if (w->server.log && *n == 1) {
		access_log_reopen(w->server.log, fds[0]);
		*n = 0;
	}
	return json_object_new_object();
}

/* ---------------------------------------------------------------- gc */

struct collection {
	struct worker *worker;
	json *question;
};

static void *collect(void *arg)
{
	struct collection *c = arg;

	answer(c->worker, c->question, gc_control(&c->worker->server, c->question));
	json_free(&c->question);
	c->worker->collections--;
	free(c);
	return NULL;
}

/* It takes its time, in a thread of its own, which takes the question: json-c's counts are no thread's
 * friends.
 */
static void start_collection(struct worker *w, json *question)
{
	struct collection *c = calloc(1, sizeof *c);
	pthread_attr_t detached;
	pthread_t thread;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, 256 << 10);
	if (c) {
		c->worker = w;
		w->collections++;
		c->question = question;
		if (pthread_create(&thread, &detached, collect, c) != 0)
			collect(c);
	} else {
		json_free(&question);
	}
	pthread_attr_destroy(&detached);
}

/* ---------------------------------------------------------------- */

int worker_control(struct worker *w)
{
	int fds[CHANNEL_FDS_MAX];
	size_t n;
	cleanup_json json *question = channel_receive(w->start->channel_fd, fds, &n);
	const char *word = json_str(question, "do", "drain"); /* without a supervisor, too */
	bool end = strcmp(word, "drain") == 0;

	if (strcmp(word, "status") == 0)
		answer(w, question, status(w));
	else if (strcmp(word, "reload") == 0)
		answer(w, question, reload(w, fds, n));
	else if (strcmp(word, "log") == 0)
		answer(w, question, new_log(w, fds, &n));
	else if (strcmp(word, "gc") == 0)
		start_collection(w, steal_ptr(&question));
	while (n)
		close_fd(&fds[--n]);
	return end ? -1 : 0;
}
