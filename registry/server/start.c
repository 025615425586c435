/* registry start: open what a server needs, then supervise it here or in the background. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/registry_options.h"
#include "engine/runtime/cgroup.h"
#include "engine/store/store.h"
#include "registry/server/commands.h"
#include "registry/server/server_options.h"
#include "registry/server/server_socket.h"
#include "registry/server/server_storage.h"
#include "registry/server/supervise.h"

struct start {
	struct supervise supervise;
	struct server_options options;
	int report_fd; /* in the background: to who waits for it; else -1 */
	int code;
	char **paths; /* made absolute */
};

/* What comes back from the background. */
struct report {
	bool started;
	struct err error;
};

/* ---------------------------------------------------------------- opening */

static int open_log(const char *path, struct err *e)
{
	int fd;

	if (!path)
		return -1;
	fd = strcmp(path, "-") == 0
	             ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
	             : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	return fd < 0 ? err_sys(e, "cannot open the access log %s", path) : fd;
}

static int open_store(const struct cli *cli, struct err *e)
{
	const char *root = cli->root ? cli->root : STORE_ROOT_DEFAULT;
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "cannot open the store %s", root) : fd;
}

/* In the background there is another working directory when a file is read again. */
static int make_absolute(struct start *s, const char **path, struct err *e)
{
	char here[PATH_MAX];

	if (!*path || **path == '/' || strcmp(*path, "-") == 0)
		return 0;
	if (!getcwd(here, sizeof here))
		return err_sys(e, "cannot find the working directory");
	if (strv_take(&s->paths, str_printf("%s/%s", here, *path)) < 0)
		return err_no_memory(e);
	*path = s->paths[strv_len(s->paths) - 1];
	return 0;
}

static int make_all_absolute(struct start *s, struct err *e)
{
	struct server_options *o = &s->options;
	const char **paths[] = {&o->certificate, &o->key, &o->htpasswd, &o->acl, &o->access_log};

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (make_absolute(s, paths[i], e) < 0)
			return -1;
	return 0;
}

static int open_all(struct start *s, const struct cli *cli, struct err *e)
{
	struct supervise *v = &s->supervise;
	struct worker_start *w = &v->worker;
	const struct server_options *o = &s->options;
	struct server_record *r = &v->record, other;

	if (make_all_absolute(s, e) < 0 || server_files_read(o, &v->files, e) < 0 ||
	        upstreams_parse(o->upstreams, &v->upstreams, e) < 0)
		return -1;
	w->storage_fd =
	        server_storage_open(cli->root, o->storage, o->read_only, r->storage, sizeof r->storage, e);
	if (w->storage_fd < 0 || server_storage_key(w->storage_fd, o->read_only, w->token_key, e) < 0)
		return -1;
	if (o->access_log && (w->log_fd = open_log(o->access_log, e)) < 0)
		return -1;
	if (o->local_images && (w->store_fd = open_store(cli, e)) < 0)
		return -1;
	r->port = o->port;
	w->listen_fd = server_listen(o->listen, &r->port, e);
	if (w->listen_fd < 0)
		return -1;
	snprintf(r->address, sizeof r->address, "%s", o->listen);
	r->tls = o->certificate != NULL;
	r->started = now_realtime();
	v->records_fd = server_records_open(cli->state, e);
	if (v->records_fd < 0)
		return -1;
	/* On another address; there is one record for a port. */
	if (server_record_find(v->records_fd, r->port, &other, NULL) == 0)
		return err_set(e, ERR_CONFLICT,
		        "a registry of ours has port %d already, on %s; choose another with -p", r->port,
		        other.address);
	v->control_fd = server_control_listen(v->records_fd, r->port, e);
	return v->control_fd < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- in the background */

/* Nothing of the caller's stays open, least of all what somebody reads to its end: ours are close-on-exec. */
static void close_foreign(void)
{
	cleanup_dir DIR *d = opendir("/proc/self/fd");

	for (struct dirent *entry; d && (entry = readdir(d));) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
}

/* Its warnings are kept beside its record. */
static void leave_terminal(const struct start *s)
{
	char name[32];

	close_foreign();
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = -1;

	snprintf(name, sizeof name, "%d.log", s->supervise.record.port);
	unlinkat(s->supervise.records_fd, name, 0);
	log = openat(
	        s->supervise.records_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log >= 0 ? log : null, STDERR_FILENO);
}

static void report(void *arg, const struct err *e)
{
	struct start *s = arg;
	struct report r = {.started = !e};

	if (e)
		r.error = *e;
	write_all(s->report_fd, &r, sizeof r);
	close_fd(&s->report_fd);
}

/* A session of its own, out of the cgroup of the service or login that starts it. */
static _Noreturn void background(struct start *s, int report_fd)
{
	setsid();
	umask(077);
	if (chdir("/") < 0)
		_exit(1);
	cgroup_enter_monitors();
	leave_terminal(s);
	s->report_fd = report_fd;
	s->supervise.started = report;
	s->supervise.arg = s;
	proc_id_of(getpid(), &s->supervise.record.process);
	_exit(supervise(&s->supervise));
}

static int detach(struct start *s, struct err *e)
{
	struct report r;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		background(s, ends[1]);
	}
	close(ends[1]);
	cleanup_fd int from = ends[0];
	if (pid < 0)
		return err_sys(e, "cannot start the registry");
	if (read_full(from, &r, sizeof r) == (ssize_t)sizeof r && r.started)
		return 0;
	if (waitpid(pid, NULL, 0) == pid && r.error.msg[0])
		*e = r.error;
	else
		err_set(e, ERR_OTHER, "the registry ended before it answered");
	return -1;
}

/* ---------------------------------------------------------------- in the foreground */

static void announce(struct start *s)
{
	const struct server_record *r = &s->supervise.record;
	bool six = strchr(r->address, ':');

	printf("%s%s%s:%d\n", six ? "[" : "", r->address, six ? "]" : "", r->port);
	fflush(stdout);
}

static void foreground_started(void *arg, const struct err *e)
{
	struct start *s = arg;
	char url[SERVER_URL_SIZE];

	if (e) {
		log_line(LOG_LEVEL_ERROR, "%s", e->msg);
		s->code = err_exit_code(e);
		return;
	}
	announce(s);
	log_line(LOG_LEVEL_INFO, "the registry of %s answers at %s", s->supervise.record.storage,
	        server_record_url(&s->supervise.record, url));
}

static int run(struct start *s, const struct cli *cli, struct err *e)
{
	int code;

	if (open_all(s, cli, e) < 0)
		return -1;
	server_options_warn(&s->options);
	if (s->options.detach) {
		if (detach(s, e) < 0)
			return -1;
		announce(s);
		return 0;
	}
	s->supervise.started = foreground_started;
	s->supervise.arg = s;
	proc_id_of(getpid(), &s->supervise.record.process);
	code = supervise(&s->supervise);
	return s->code ? s->code : code;
}

int registry_start(struct cli *cli, void *options, struct err *e)
{
	struct start s = {.report_fd = -1};
	struct worker_start *w = &s.supervise.worker;
	int rc;

	w->storage_fd = w->listen_fd = w->channel_fd = w->log_fd = w->store_fd = -1;
	s.supervise.records_fd = s.supervise.control_fd = -1;
	w->options = &s.options;
	if (server_options_read(options, &s.options, e) < 0)
		return -1;
	rc = run(&s, cli, e);
	server_files_free(&s.supervise.files);
	upstreams_free(&s.supervise.upstreams);
	strv_free(s.paths);
	close_fd(&w->storage_fd);
	close_fd(&w->listen_fd);
	close_fd(&w->log_fd);
	close_fd(&w->store_fd);
	close_fd(&s.supervise.records_fd);
	close_fd(&s.supervise.control_fd);
	return rc;
}
