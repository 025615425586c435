#include "registry/server/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "registry/server/channel.h"

#define SECOND       INT64_C(1000000000)
#define BACK_OFF     (SECOND / 10)
#define BACK_OFF_MAX (10 * SECOND)
#define STEADY       (60 * SECOND) /* a worker that lived so long was well */
#define LOOK_MS      1000          /* how often changed files are looked for */
#define GRACE        (5 * SECOND)  /* beyond the drain's time, before a worker is killed */
#define CLIENTS_MAX  32
#define FETCHERS_MAX 32

enum phase { PHASE_FIRST, PHASE_RUNNING, PHASE_WAITING, PHASE_ENDING, PHASE_ENDED };

/* Who asked over the control socket; asked: the number that the worker's answer will bear. */
struct client {
	int fd;
	int64_t asked;
	char word[16];
};

struct supervisor {
	struct supervise *s;
	enum phase phase;
	int signals, channel; /* ours of the pair; -1 without a worker */
	pid_t worker;
	unsigned restarts;
	int64_t born, back_off, again; /* when the next worker is made, or the last one is killed */
	int64_t questions;
	struct client clients[CLIENTS_MAX];
	unsigned fetchers; /* of the cache, which run */
	json *ready;       /* what the worker said of its sandbox */
	int code;
};

/* ---------------------------------------------------------------- the worker */

static _Noreturn void become_worker(struct supervisor *v, int channel)
{
	struct supervise *s = v->s;

	s->worker.channel_fd = channel;
	close_fd(&v->signals);
	close_fd(&v->channel);
	close_fd(&s->control_fd);
	close_fd(&s->records_fd);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close_fd(&v->clients[i].fd);
	_exit(worker_main(&s->worker));
}

/* Attack: a worker that was taken over, or hangs, and reads no questions any more. Who waits until it does
 * can neither end nor replace it. tests/e2e/registry.bats "a worker that does not listen" */
static int make_worker(struct supervisor *v)
{
	const struct timeval patience = {.tv_usec = 10000};
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	fflush(NULL);
	v->worker = fork();
	if (v->worker == 0) {
		v->channel = pair[0];
		become_worker(v, pair[1]);
	}
	close(pair[1]);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (v->worker < 0) {
		close(pair[0]);
		return -1;
	}
	v->channel = pair[0];
	v->born = now_boottime();
	return 0;
}

static void started(struct supervisor *v, const struct err *e)
{
	if (v->s->started)
		v->s->started(v->s->arg, e);
	v->s->started = NULL;
}

static void worker_is_ready(struct supervisor *v, json *message)
{
	struct err e = ERR_INIT;

	json_free(&v->ready);
	v->ready = json_object_get(message);
	if (v->phase != PHASE_FIRST)
		return;
	v->phase = PHASE_RUNNING;
	if (server_record_write(v->s->records_fd, &v->s->record, &e) < 0)
		log_line(LOG_LEVEL_WARN, "%s", e.msg);
	started(v, NULL);
}

static void send_word(struct supervisor *v, const char *word, int fd)
{
	cleanup_json json *j = json_object_new_object();

	json_set_str(j, "do", word);
	if (v->channel >= 0)
		channel_send(v->channel, j, &fd, fd >= 0);
}

/* ---------------------------------------------------------------- who asks */

static void drop_client(struct client *c)
{
	close_fd(&c->fd);
	c->asked = 0;
}

static void answer_error(struct client *c, const char *text)
{
	cleanup_json json *j = json_object_new_object();

	json_set_str(j, "error", text);
	channel_send(c->fd, j, NULL, 0);
	drop_client(c);
}

static void take_client(struct supervisor *v)
{
	cleanup_fd int fd = accept4(v->s->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++)
		if (v->clients[i].fd < 0) {
			v->clients[i].fd = steal_fd(&fd);
			v->clients[i].asked = 0;
			return;
		}
}

/* The worker knows the answer; we add what only we know when it comes. */
static void read_client(struct supervisor *v, struct client *c)
{
	int fds[CHANNEL_FDS_MAX];
	size_t n;
	cleanup_json json *question = channel_receive(c->fd, fds, &n);
	const char *word = json_str(question, "do", "");

	while (n)
		close_fd(&fds[--n]);
	if (!question || c->asked) { /* gone, or not waiting for its turn */
		drop_client(c);
		return;
	}
	if (strcmp(word, "status") != 0 && strcmp(word, "gc") != 0) {
		answer_error(c, "this is no question");
		return;
	}
	snprintf(c->word, sizeof c->word, "%s", word);
	c->asked = ++v->questions;
	json_set_int(question, "id", c->asked);
	if (v->channel < 0 || channel_send(v->channel, question, NULL, 0) < 0)
		answer_error(c, "the registry's worker is being started again");
}

static void add_own(const struct supervisor *v, json *j)
{
	const struct server_options *o = v->s->worker.options;
	char url[SERVER_URL_SIZE];

	json_set_str(j, "url", server_record_url(&v->s->record, url));
	json_set_int(j, "worker", v->worker);
	json_set_int(j, "restarts", v->restarts);
	json_set_bool(j, "readOnly", o->read_only);
	json_set_bool(j, "users", o->htpasswd != NULL);
	json_set_int(j, "quota", (int64_t)o->quota);
	json_set_strv(j, "upstreams", o->upstreams);
}

static void give_answer(struct supervisor *v, json *answer)
{
	int64_t id = json_int(answer, "id", 0);

	for (size_t i = 0; id && i < CLIENTS_MAX; i++) {
		struct client *c = &v->clients[i];

		if (c->fd < 0 || c->asked != id)
			continue;
		json_object_object_del(answer, "id");
		if (strcmp(c->word, "status") == 0)
			add_own(v, answer);
		channel_send(c->fd, answer, NULL, 0);
		drop_client(c);
		return;
	}
}

/* ---------------------------------------------------------------- what the worker says */

/* Attack: a client that asks for thousands of names that are not here yet starts thousands of processes. */
static void start_fetch(struct supervisor *v, json *message, int fd)
{
	if (v->fetchers >= FETCHERS_MAX) {
		close_fd(&fd);
		return;
	}
	v->fetchers += cache_fetch_start(&v->s->upstreams, message, fd);
}

static void read_worker(struct supervisor *v)
{
	int fds[CHANNEL_FDS_MAX];
	size_t n;
	cleanup_json json *message = channel_receive(v->channel, fds, &n);
	const char *error = json_str(message, "error", NULL);

	if (!message) { /* it ended: SIGCHLD tells how */
		close_fd(&v->channel);
		return;
	}
	if (strcmp(json_str(message, "do", ""), "fetch") == 0) {
		start_fetch(v, message, n ? fds[--n] : -1);
	} else if (json_bool(message, "ready", false)) {
		worker_is_ready(v, message);
	} else if (json_get(message, "id")) {
		if (json_int(message, "id", 0) < 0 && error) /* of a reload */
			log_line(LOG_LEVEL_WARN, "the changed files are not used: %s", error);
		give_answer(v, message);
	} else if (error) {
		struct err e = ERR_INIT;

		err_set(&e, ERR_OTHER, "%s", error);
		if (v->phase == PHASE_FIRST)
			started(v, &e);
		else
			log_line(LOG_LEVEL_ERROR, "%s", error);
	}
	while (n)
		close_fd(&fds[--n]);
}

/* ---------------------------------------------------------------- reload */

static void reload(struct supervisor *v)
{
	const struct server_options *o = v->s->worker.options;
	cleanup_json json *j = json_object_new_object();
	struct err e = ERR_INIT;

	if (server_files_read(o, &v->s->files, &e) < 0) {
		log_line(LOG_LEVEL_WARN, "the changed files are not used: %s", e.msg);
		return;
	}
	cleanup_fd int fd = server_files_pack(&v->s->files);
	json_set_str(j, "do", "reload");
	json_set_int(j, "id", -1);
	if (fd >= 0 && v->channel >= 0)
		channel_send(v->channel, j, &fd, 1);
}

/* A log that was moved away is made anew. */
static void reopen_log(struct supervisor *v)
{
	const char *path = v->s->worker.options->access_log;
	int fd;

	if (!path || strcmp(path, "-") == 0)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		log_line(LOG_LEVEL_WARN, "cannot open %s: %s", path, strerror(errno));
		return;
	}
	close_fd(&v->s->worker.log_fd);
	v->s->worker.log_fd = fd;
	send_word(v, "log", fd);
}

/* ---------------------------------------------------------------- ends */

static void end(struct supervisor *v)
{
	if (v->phase == PHASE_ENDING) { /* asked twice: at once */
		kill(v->worker, SIGKILL);
		return;
	}
	if (v->phase == PHASE_WAITING || v->worker <= 0) {
		v->phase = PHASE_ENDED;
		return;
	}
	v->phase = PHASE_ENDING;
	v->again = now_boottime() + v->s->worker.options->drain + GRACE;
	close_fd(&v->s->worker.listen_fd); /* new clients are refused, not kept waiting */
	send_word(v, "drain", -1);
}

static void worker_ended(struct supervisor *v, int status)
{
	int64_t now = now_boottime();
	struct err e = ERR_INIT;

	while (v->channel >= 0 && v->phase == PHASE_FIRST)
		read_worker(v); /* its last words */
	close_fd(&v->channel);
	v->worker = 0;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (v->clients[i].fd >= 0 && v->clients[i].asked)
			answer_error(&v->clients[i], "the registry's worker ended");
	if (v->phase == PHASE_ENDING || v->phase == PHASE_FIRST) {
		v->code = v->phase == PHASE_FIRST;
		v->phase = PHASE_ENDED;
		err_set(&e, ERR_OTHER, "the registry's worker ended before it was ready");
		started(v, &e);
		return;
	}
	v->back_off = now - v->born > STEADY || !v->back_off ? BACK_OFF : v->back_off * 2;
	v->back_off = v->back_off > BACK_OFF_MAX ? BACK_OFF_MAX : v->back_off;
	v->again = now + v->back_off;
	v->phase = PHASE_WAITING;
	log_line(LOG_LEVEL_ERROR, "the registry's worker ended (%s %d); starting it again",
	        WIFSIGNALED(status) ? "signal" : "code",
	        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void reap(struct supervisor *v)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == v->worker)
			worker_ended(v, status);
		else if (v->fetchers)
			v->fetchers--;
}

static void read_signals(struct supervisor *v)
{
	struct signalfd_siginfo info;

	while (read(v->signals, &info, sizeof info) == (ssize_t)sizeof info)
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(v);
			break;
		case SIGHUP:
			reload(v);
			reopen_log(v);
			break;
		default:
			end(v);
		}
}

/* ---------------------------------------------------------------- the loop */

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tick(struct supervisor *v)
{
	int64_t now = now_boottime();

	if (v->phase == PHASE_WAITING && now >= v->again) {
		if (make_worker(v) == 0) {
			v->restarts++;
			v->phase = PHASE_RUNNING;
		} else {
			v->again = now + BACK_OFF_MAX;
		}
	} else if (v->phase == PHASE_ENDING && now >= v->again) {
		kill(v->worker, SIGKILL);
	} else if (v->phase == PHASE_RUNNING && server_files_changed(v->s->worker.options, &v->s->files)) {
		reload(v);
	}
}

static int wait_ms(const struct supervisor *v)
{
	int64_t left = (v->again - now_boottime()) / 1000000;

	if (v->phase != PHASE_WAITING)
		return LOOK_MS;
	return left < 0 ? 0 : left < LOOK_MS ? (int)left + 1 : LOOK_MS;
}

static void turn(struct supervisor *v)
{
	struct pollfd p[3 + CLIENTS_MAX] = {
	        {.fd = v->signals, .events = POLLIN},
	        {.fd = v->channel, .events = POLLIN},
	        {.fd = v->s->control_fd, .events = POLLIN},
	};

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		p[3 + i] = (struct pollfd){.fd = v->clients[i].fd, .events = POLLIN};
	if (poll(p, sizeof p / sizeof *p, wait_ms(v)) > 0) {
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (p[3 + i].revents)
				read_client(v, &v->clients[i]);
		if (p[2].revents)
			take_client(v);
		if (p[1].revents)
			read_worker(v);
		if (p[0].revents)
			read_signals(v);
	}
	tick(v);
}

int supervise(struct supervise *s)
{
	struct supervisor v = {.s = s, .channel = -1, .signals = open_signals()};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		v.clients[i].fd = -1;
	s->worker.files = &s->files;
	if (v.signals < 0 || make_worker(&v) < 0) {
		err_sys(&e, "cannot start the registry's worker");
		started(&v, &e);
		return 1;
	}
	while (v.phase != PHASE_ENDED)
		turn(&v);
	server_record_remove(s->records_fd, s->record.port);
	server_log_remove(s->records_fd, s->record.port);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close_fd(&v.clients[i].fd);
	close_fd(&v.channel);
	close_fd(&v.signals);
	json_free(&v.ready);
	return v.code;
}
