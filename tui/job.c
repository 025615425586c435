/* Children `tare …`: started by posix_spawn, their output taken in by the loop, their end told by whoever
 * owns SIGCHLD. */
#include "tui/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "tui/app.h"
#include "tui/descriptors.h"
#include "tui/loop.h"

#define OUTPUT_MAX       ((size_t)64 << 10)
#define LOG_MAX          500
#define KILL_AFTER_NS    INT64_C(5000000000) /* from SIGINT to SIGKILL */
#define LEAVE_MS         300                 /* what leaving waits for children */
#define FD_FLOOR         10                  /* our ends of pipes: clear of what a child is given */
#define PROGRESS_FD      3                   /* where a child has its progress pipe */
#define PROGRESS_FD_TEXT "3"

extern char **environ;

enum pipe_end { PIPE_OUT, PIPE_ERR, PIPE_PROGRESS, PIPE_N };
#define NO_INPUT (-1)

struct task {
	struct job job; /* what others see; first, so that one is the other */
	struct jobs *jobs;
	pid_t pid; /* 0: reaped */
	int fds[PIPE_N];
	struct buf got[PIPE_N];
	bool cut[PIPE_N];
	bool is_cancelled;
	size_t most;     /* bytes of its output that are kept */
	bool is_reading; /* they go when `done` has seen them */
	job_done_fn *done;
	void *arg;
	struct loop_timer kill_timer;
};

struct jobs {
	struct app *app;
	unsigned last_number;
	size_t n, running;
	const struct job *log[LOG_MAX]; /* each is a task; oldest first */
};

/* ------------------------------------------------------------------ what comes from the child */

static void close_pipe(struct task *t, enum pipe_end end)
{
	if (t->fds[end] < 0)
		return;
	loop_remove(app_loop(t->jobs->app), t->fds[end]);
	close_fd(&t->fds[end]);
}

static void take_progress(struct job *j, const char *line, size_t len)
{
	const struct job_object *o = job_objects_take(&j->objects, line, len, now_monotonic());

	if (!o)
		return;
	strcpy(j->what, o->name);
	strcpy(j->phase, o->phase);
	j->done = o->done;
	j->total = o->total;
}

static void take_progress_lines(struct task *t)
{
	struct buf *b = &t->got[PIPE_PROGRESS];
	size_t from = 0;

	for (const char *end; b->len > from && (end = memchr(b->data + from, '\n', b->len - from));) {
		take_progress(&t->job, b->data + from, (size_t)(end - b->data) - from);
		from = (size_t)(end - b->data) + 1;
	}
	if (from) {
		memmove(b->data, b->data + from, b->len - from);
		b->len -= from;
	}
	if (b->len > OUTPUT_MAX / 2)
		buf_reset(b);
}

static void take(struct task *t, enum pipe_end end, const char *data, size_t len)
{
	struct buf *b = &t->got[end];
	size_t most = end == PIPE_OUT ? t->most : OUTPUT_MAX, room = most - b->len;

	buf_add(b, data, len < room ? len : room);
	t->cut[end] |= len > room;
	if (end == PIPE_PROGRESS)
		take_progress_lines(t);
}

/* All that is there, but no more than 1 MiB in a turn: others want to live too. */
static void drain(struct task *t, enum pipe_end end)
{
	char data[16384];

	for (int i = 0; i < 64 && t->fds[end] >= 0; i++) {
		ssize_t n = read(t->fds[end], data, sizeof(data));

		if (n > 0) {
			take(t, end, data, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || errno != EAGAIN)
			close_pipe(t, end);
		return;
	}
}

static void pipe_ready(void *arg, int fd, unsigned ready)
{
	struct task *t = arg;

	(void)ready;
	for (int end = 0; end < PIPE_N; end++)
		if (t->fds[end] == fd)
			drain(t, (enum pipe_end)end);
	app_redraw(t->jobs->app);
}

/* ------------------------------------------------------------------ its end */

static char *take_output(struct task *t, enum pipe_end end)
{
	struct buf *b = &t->got[end];

	if (t->cut[end] && !t->is_reading)
		buf_str_add(b, "\n… the rest was left out\n");
	return b->len ? buf_take(b) : NULL;
}

/* The last line that says something, as one puts it in a toast. */
static char *last_line(const char *text)
{
	cleanup_buf struct buf clean = BUF_INIT;
	size_t end = strlen(text), from;

	while (end && strchr("\r\n ", text[end - 1]))
		end--;
	for (from = end; from && text[from - 1] != '\n';)
		from--;
	if (end - from > 6 && !strncmp(text + from, "tare: ", 6))
		from += 6;
	if (from == end)
		return NULL;
	text_harmless(&clean, text + from, end - from);
	return buf_take(&clean);
}

static void set_result(struct task *t, int status)
{
	struct job *j = &t->job;

	j->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	j->state = j->exit_code == 0 ? JOB_OK : t->is_cancelled ? JOB_CANCELLED : JOB_FAILED;
	j->ended = now_monotonic();
	j->finished = app_now(t->jobs->app);
	j->output = take_output(t, PIPE_OUT);
	j->messages = take_output(t, PIPE_ERR);
	if (j->messages)
		j->error = last_line(j->messages);
	if (!j->error && j->state == JOB_FAILED)
		j->error = WIFSIGNALED(status) ? str_printf("ended by signal %d", WTERMSIG(status))
		                               : str_printf("ended with exit code %d", j->exit_code);
}

static void finish(struct task *t, int status)
{
	struct app *a = t->jobs->app;

	/* What a grandchild goes on writing is not waited for. */
	for (int end = 0; end < PIPE_N; end++) {
		drain(t, (enum pipe_end)end);
		close_pipe(t, (enum pipe_end)end);
	}
	loop_disarm(app_loop(a), &t->kill_timer);
	t->pid = 0;
	t->jobs->running--;
	set_result(t, status);
	for (int end = 0; end < PIPE_N; end++)
		buf_free(&t->got[end]);
	if (t->done)
		t->done(a, &t->job, t->arg);
	if (t->is_reading) {
		free(t->job.output);
		t->job.output = NULL;
	}
	app_redraw(a);
}

static struct task *task_at(const struct jobs *js, size_t i)
{
	return (struct task *)js->log[i];
}

bool jobs_child_ended(struct jobs *js, pid_t pid, int status)
{
	for (size_t i = js->n; i-- > 0;) {
		if (task_at(js, i)->pid != pid)
			continue;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			finish(task_at(js, i), status);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ its start */

/* Where --progress-fd goes in a command's words: after those that name it; 0: it has no such option. */
static size_t progress_place(char *const *args)
{
	static const char *const words[] = {
	        "commit", "cp", "export", "import", "load", "pull", "push", "save", NULL};
	static const char *const of_volumes[] = {"backup", "forget", "restore", "verify", NULL};
	bool is_volume = args[0] && !strcmp(args[0], "volume");
	const char *const *table = is_volume ? of_volumes : words;
	size_t at = is_volume || (args[0] && (!strcmp(args[0], "image") || !strcmp(args[0], "container")))
	                    ? 1
	                    : 0;

	for (; args[at] && *table; table++)
		if (!strcmp(args[at], *table))
			return at + 1;
	return 0;
}

static char **child_argv(struct app *a, char *const *args)
{
	char **argv = strv_copy(app_tare_command(a));
	size_t place = progress_place(args);
	int rc = argv ? 0 : -1;

	for (size_t n = 0; rc == 0 && (args[n] || n == place); n++) {
		if (place && n == place && (rc = strv_add(&argv, "--progress-fd")) == 0)
			rc = strv_add(&argv, PROGRESS_FD_TEXT);
		if (rc == 0 && args[n])
			rc = strv_add(&argv, args[n]);
		if (!args[n])
			break;
	}
	if (rc == 0)
		return argv;
	strv_free(argv);
	return NULL;
}

char *job_command_text(struct app *a, char *const *args)
{
	cleanup_buf struct buf b = BUF_INIT;

	buf_str_add(&b, app_tare_text(a));
	strv_foreach (s, args) {
		buf_char(&b, ' ');
		text_shell_quote(&b, *s);
	}
	return buf_take(&b);
}

/* Both ends above FD_FLOOR, so that dup2() in the child never meets another one of ours, and closed on exec.
 */
static int make_pipe(int fds[2], struct err *e)
{
	int low[2];

	if (pipe(low) < 0)
		return err_sys(e, "cannot make a pipe");
	for (int i = 0; i < 2; i++) {
		fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FD_FLOOR);
		close(low[i]);
	}
	if (fds[0] >= 0 && fds[1] >= 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	err_sys(e, "cannot make a pipe");
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	return -1;
}

/* A group of its own, so that a signal meets its children too; the signals as a program expects them. */
static int spawn_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	if (posix_spawnattr_setsigmask(attr, &none) || posix_spawnattr_setsigdefault(attr, &all) ||
	        posix_spawnattr_setpgroup(attr, 0))
		return -1;
	return posix_spawnattr_setflags(
	        attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct task *t, char **argv, int input, const int ends[PIPE_N])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	rc = input >= 0 ? posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO)
	                : posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, ends[PIPE_OUT], STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, ends[PIPE_ERR], STDERR_FILENO);
	if (!rc && ends[PIPE_PROGRESS] >= 0)
		rc = posix_spawn_file_actions_adddup2(&files, ends[PIPE_PROGRESS], PROGRESS_FD);
	if (!rc && spawn_attributes(&attr) != 0)
		rc = EINVAL;
	if (!rc) {
		const struct descriptors *d = app_descriptors(t->jobs->app);
		descriptors_use(d->children);
		rc = posix_spawn(&t->pid, argv[0], &files, &attr, argv, environ);
		descriptors_use(d->ours);
	}
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* A pipe that holds the whole input already, so that nobody has to wait: the end to read from, or -1. */
static int make_input(const char *text, struct err *e)
{
	int fds[2] = {-1, -1};
	size_t len = strlen(text);

	if (make_pipe(fds, e) < 0)
		return -1;
	/* our end must not wait; the child's may */
	if (len > JOB_INPUT_MAX || fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0 || fcntl(fds[0], F_SETFL, 0) < 0 ||
	        write(fds[1], text, len) != (ssize_t)len) {
		err_set(e, ERR_OTHER, "cannot hand over %zu bytes of input", len);
		close_fd(&fds[0]);
	}
	close_fd(&fds[1]);
	return fds[0];
}

static int start_child(struct task *t, char *const *args, const char *text, struct err *e)
{
	struct app *a = t->jobs->app;
	cleanup_strv char **argv = child_argv(a, args);
	int ends[PIPE_N] = {-1, -1, -1}, rc = argv ? 0 : err_no_memory(e), input = NO_INPUT;

	if (rc == 0 && text && (input = make_input(text, e)) < 0)
		rc = -1;

	for (int i = 0; rc == 0 && i < PIPE_N; i++) {
		int fds[2] = {-1, -1};

		if (i == PIPE_PROGRESS && !progress_place(args))
			continue;
		rc = make_pipe(fds, e);
		t->fds[i] = fds[0];
		ends[i] = fds[1];
		if (rc == 0)
			rc = loop_add(app_loop(a), t->fds[i], LOOP_READ, pipe_ready, t, e);
		if (rc < 0)
			close_fd(&t->fds[i]);
	}
	if (rc == 0) {
		errno = spawn(t, argv, input, ends);
		if (errno)
			rc = err_sys(e, "cannot start %s", argv[0]);
	}
	for (int i = 0; i < PIPE_N; i++)
		close_fd(&ends[i]);
	close_fd(&input);
	return rc;
}

static void kill_now(void *arg)
{
	struct task *t = arg;

	if (t->pid > 0)
		kill(-t->pid, SIGKILL);
}

static void task_free(struct task *t)
{
	for (int end = 0; end < PIPE_N; end++) {
		close_pipe(t, (enum pipe_end)end);
		buf_free(&t->got[end]);
	}
	free(t->job.title);
	free(t->job.command);
	free(t->job.output);
	free(t->job.error);
	free(t->job.messages);
	job_objects_free(&t->job.objects);
	free(t);
}

/* Room for one more: the oldest that has ended goes. */
static int make_room(struct jobs *js, struct err *e)
{
	if (js->n < LOG_MAX)
		return 0;
	for (size_t i = 0; i < js->n; i++) {
		if (task_at(js, i)->pid)
			continue;
		task_free(task_at(js, i));
		memmove(&js->log[i], &js->log[i + 1], (js->n - i - 1) * sizeof(*js->log));
		js->n--;
		return 0;
	}
	return err_set(e, ERR_OTHER, "%d commands are running already; wait for one of them", LOG_MAX);
}

/* What the callers of start() differ in. */
struct start {
	char *const *args;
	const char *input, *title;
	size_t most; /* 0: the output is for people */
	job_done_fn *done;
	void *arg;
};

static const struct job *start(struct jobs *js, const struct start *how, struct err *e)
{
	struct task *t;

	if (make_room(js, e) < 0)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_no_memory(e), NULL;
	*t = (struct task){.jobs = js,
	        .fds = {-1, -1, -1},
	        .most = how->most ? how->most : OUTPUT_MAX,
	        .is_reading = how->most > 0,
	        .done = how->done,
	        .arg = how->arg};
	t->kill_timer.fn = kill_now;
	t->kill_timer.arg = t;
	t->job.title = strdup(how->title);
	t->job.command = job_command_text(js->app, how->args);
	if (!t->job.title || !t->job.command)
		err_no_memory(e);
	if (!t->job.title || !t->job.command || start_child(t, how->args, how->input, e) < 0) {
		task_free(t);
		return NULL;
	}
	t->job.number = ++js->last_number;
	t->job.started = now_monotonic();
	t->job.began = app_now(js->app);
	js->log[js->n++] = &t->job;
	js->running++;
	app_redraw(js->app);
	return &t->job;
}

const struct job *job_start(
        struct jobs *js, char *const *args, const char *title, job_done_fn *done, void *arg, struct err *e)
{
	return start(js, &(struct start){.args = args, .title = title, .done = done, .arg = arg}, e);
}

const struct job *job_start_with_input(struct jobs *js, char *const *args, const char *input,
        const char *title, job_done_fn *done, void *arg, struct err *e)
{
	return start(js,
	        &(struct start){.args = args, .input = input, .title = title, .done = done, .arg = arg}, e);
}

const struct job *job_start_reading(struct jobs *js, char *const *args, size_t most, const char *title,
        job_done_fn *done, void *arg, struct err *e)
{
	return start(js,
	        &(struct start){.args = args,
	                .title = title,
	                .most = most && most < JOB_READING_MAX ? most : JOB_READING_MAX,
	                .done = done,
	                .arg = arg},
	        e);
}

/* ------------------------------------------------------------------ all of them */

void job_cancel(struct jobs *js, unsigned number)
{
	for (size_t i = 0; i < js->n; i++) {
		struct task *t = task_at(js, i);

		if (t->job.number != number || t->pid <= 0)
			continue;
		t->is_cancelled = true;
		kill(-t->pid, SIGINT);
		if (!t->kill_timer.armed)
			loop_arm(app_loop(js->app), &t->kill_timer, now_monotonic() + KILL_AFTER_NS);
	}
}

size_t jobs_running(const struct jobs *js)
{
	return js->running;
}

size_t jobs_list(const struct jobs *js, const struct job *const **list)
{
	*list = js->log;
	return js->n;
}

const struct job *jobs_current(const struct jobs *js)
{
	for (size_t i = js->n; i-- > 0;)
		if (task_at(js, i)->pid)
			return js->log[i];
	return NULL;
}

struct jobs *jobs_new(struct app *a)
{
	struct jobs *js = calloc(1, sizeof(*js));

	if (js)
		js->app = a;
	return js;
}

static size_t reap(struct jobs *js)
{
	size_t left = 0;

	for (size_t i = 0; i < js->n; i++) {
		struct task *t = task_at(js, i);

		if (t->pid > 0 && waitpid(t->pid, NULL, WNOHANG) != 0)
			t->pid = 0;
		left += t->pid > 0;
	}
	return left;
}

void jobs_free(struct jobs *js)
{
	const struct timespec step = {0, 10000000};

	if (!js)
		return;
	for (size_t i = 0; i < js->n; i++)
		if (task_at(js, i)->pid > 0)
			kill(-task_at(js, i)->pid, SIGINT);
	for (int ms = 0; reap(js) && ms < LEAVE_MS; ms += 10)
		nanosleep(&step, NULL);
	for (size_t i = 0; i < js->n; i++) {
		loop_disarm(app_loop(js->app), &task_at(js, i)->kill_timer);
		task_free(task_at(js, i));
	}
	free(js);
}
