#include "registry/server/worker.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/signal.h"
#include "registry/server/access.h"
#include "registry/server/access_log.h"
#include "registry/server/cache.h"
#include "registry/server/channel.h"
#include "registry/server/gc.h"
#include "registry/server/handler.h"
#include "registry/server/limits.h"
#include "registry/server/metrics.h"
#include "registry/server/quota.h"
#include "registry/server/sandbox.h"
#include "registry/server/tls.h"
#include "registry/server/worker_control.h"

#define SECOND    INT64_C(1000000000)
#define FILES_MAX 65536
#define POLL_MS   1000
#define DRAIN_MS  20

/* ---------------------------------------------------------------- making */

static void fill_access(const struct worker *w, const struct server_files *f, struct access_options *o)
{
	const struct server_options *s = w->server.options;

	*o = (struct access_options){.htpasswd = f->text[FILE_HTPASSWD],
	        .acl = f->text[FILE_ACL],
	        .realm = s->realm,
	        .tls = w->tls,
	        .metrics = w->server.metrics};
	/* Its spelling was checked when the server was started. */
	if (s->anonymous)
		rights_parse(s->anonymous, &o->anonymous, NULL);
	else
		o->anonymous = s->htpasswd ? 0 : RIGHT_ALL;
	memcpy(o->key, w->start->token_key, sizeof o->key);
}

int worker_reload(struct worker *w, const struct server_files *f, struct err *e)
{
	struct access_options o;

	fill_access(w, f, &o);
	if (w->tls && tls_reload(w->tls, f->text[FILE_CERTIFICATE], f->text[FILE_KEY], e) < 0)
		return -1;
	return access_reload(w->server.access, &o, e);
}

static int make_access(struct worker *w, struct err *e)
{
	const struct server_files *f = w->start->files;
	struct access_options o;

	if (f->text[FILE_CERTIFICATE]) {
		w->tls = tls_new(f->text[FILE_CERTIFICATE], f->text[FILE_KEY], e);
		if (!w->tls)
			return -1;
		tls_use(w->tls);
	}
	fill_access(w, f, &o);
	w->server.access = access_new(&o, e);
	return w->server.access ? 0 : -1;
}

static int make_accounts(struct worker *w, struct err *e)
{
	struct server *s = &w->server;
	const struct server_options *o = s->options;
	struct quota_options quota = {o->quota, o->repository_quota, o->read_only ? 0 : o->min_free};
	struct limits_options limits = {.connections = o->connections,
	        .timeout = o->timeout,
	        .rate = o->rate,
	        .pace_grace = o->timeout * SECOND};

	s->metrics = metrics_new();
	s->quota = quota_new(&quota, w->start->storage_fd);
	s->limits = limits_new(&limits, s->metrics);
	s->log = w->start->log_fd >= 0 ? access_log_new(w->start->log_fd) : NULL;
	return s->metrics && s->quota && s->limits ? 0 : err_no_memory(e);
}

static int open_storage(struct worker *w, struct err *e)
{
	struct server *s = &w->server;

	s->storage_fd = w->start->storage_fd;
	s->storage = storage_open(s->storage_fd, s->options->read_only, e);
	if (!s->storage || storage_count(s->storage, s->quota, e) < 0)
		return -1;
	return w->start->store_fd < 0 ? 0 : storage_serve_local(s->storage, w->start->store_fd, e);
}

/* Whoever started us may have let signals be ignored or blocked; what ends us comes from the supervisor. */
static void reset_signals(void)
{
	signal_default_all();
	signal(SIGPIPE, SIG_IGN);
	/* ^C reaches the whole foreground group: the supervisor knows what to do about it. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static void prepare_process(void)
{
	struct rlimit files;

	reset_signals();
	prctl(PR_SET_NAME, "tare-registry-w");
	/* One arena for each thread would cost more memory than all the rest. */
	mallopt(M_ARENA_MAX, 2);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static struct MHD_Daemon *listen_http(struct worker *w)
{
	const struct server_options *o = w->server.options;
	unsigned flags = HANDLER_FLAGS | (w->tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
	        {w->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, 0,
	                (void *)(uintptr_t)tls_retrieve},
	        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
	        {MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(flags, 0, NULL, NULL, handler_request, &w->server, MHD_OPTION_LISTEN_SOCKET,
	        w->start->listen_fd, MHD_OPTION_URI_LOG_CALLBACK, handler_uri, &w->server,
	        MHD_OPTION_NOTIFY_COMPLETED, handler_completed, &w->server, MHD_OPTION_NOTIFY_CONNECTION,
	        limits_connection, w->server.limits, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	        HANDLER_CONNECTION_MEMORY, MHD_OPTION_THREAD_STACK_SIZE, HANDLER_THREAD_STACK,
	        MHD_OPTION_CONNECTION_TIMEOUT, o->timeout, MHD_OPTION_CONNECTION_LIMIT, o->connections,
	        MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_address, MHD_OPTION_ARRAY, tls,
	        MHD_OPTION_END);
}

static int start(struct worker *w, struct err *e)
{
	const int read_fds[] = {w->start->store_fd};
	struct sandbox box = {.storage_fd = w->start->storage_fd,
	        .read_only = w->server.options->read_only,
	        .read_fds = read_fds,
	        .n_read = w->start->store_fd >= 0};

	w->server.started = now_boottime();
	if (make_accounts(w, e) < 0 || make_access(w, e) < 0 || open_storage(w, e) < 0)
		return -1;
	/* What these libraries open when they are first used. */
	EVP_MD_free(EVP_MD_fetch(NULL, "SHA256", NULL));
	EVP_MD_free(EVP_MD_fetch(NULL, "SHA512", NULL));
	if (sandbox_enter(&box, &w->sandbox, e) < 0)
		return -1;
	if (limits_start(w->server.limits) < 0)
		return err_set(e, ERR_OTHER, "cannot make a thread");
	/* The first request may be there already. */
	if (w->server.options->upstreams &&
	        !(w->server.cache = cache_new(&w->server, w->start->channel_fd, e)))
		return -1;
	w->http = listen_http(w);
	return w->http ? 0 : err_set(e, ERR_OTHER, "libmicrohttpd can't start: %s", strerror(errno));
}

/* ---------------------------------------------------------------- the end */

/* Attack on nobody but our users: a push that is cut because somebody restarts the server. What runs may end;
 * who waits for nothing is told so by the end of his connection. */
static void drain(struct worker *w)
{
	int64_t until = now_boottime() + w->server.options->drain;
	MHD_socket listening;

	w->server.draining = true;
	listening = MHD_quiesce_daemon(w->http);
	if (listening != MHD_INVALID_SOCKET)
		close(listening);
	while ((limits_close_idle(w->server.limits) || w->collections) && now_boottime() < until)
		poll(NULL, 0, DRAIN_MS);
	/* What hangs is still at work with all of it, and ends with the process. */
	if (limits_connections(w->server.limits) || w->collections || cache_is_busy(w->server.cache))
		return;
	gc_stop(w->server.gc);
	MHD_stop_daemon(w->http);
	cache_free(w->server.cache);
	storage_close(w->server.storage);
}

static int say(const struct worker *w, json *message)
{
	int rc = channel_send(w->start->channel_fd, message, NULL, 0);

	json_free(&message);
	return rc;
}

static int fail(const struct worker *w, const struct err *e)
{
	json *j = json_object_new_object();

	json_set_str(j, "error", e->msg);
	say(w, j);
	return 1;
}

static void tell_ready(const struct worker *w)
{
	json *j = json_object_new_object();

	json_set_bool(j, "ready", true);
	json_set_int(j, "landlock", w->sandbox.landlock);
	json_set_bool(j, "seccomp", w->sandbox.seccomp);
	say(w, j);
}

int worker_main(const struct worker_start *start_with)
{
	struct worker w = {.start = start_with, .server = {.options = start_with->options}};
	struct pollfd channel = {.fd = start_with->channel_fd, .events = POLLIN};
	struct err e = ERR_INIT;

	prepare_process();
	if (start(&w, &e) < 0)
		return fail(&w, &e);
	if (!w.server.options->read_only && !(w.server.gc = gc_start(&w.server, &e)))
		return fail(&w, &e);
	tell_ready(&w);
	/* Until the drain is asked for, or the supervisor is gone. */
	while (!w.server.draining)
		if (poll(&channel, 1, POLL_MS) > 0 && worker_control(&w) < 0)
			break;
	drain(&w);
	return 0;
}
