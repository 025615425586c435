#include "cli/event_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)

struct queue {
	char *line[EVENT_QUEUE_MAX]; /* a ring */
	size_t first, n;
	unsigned long dropped;
};

struct runner {
	const char *command;
	int in;    /* -1: nothing more will come */
	pid_t pid; /* the command that runs, or 0 */
	struct buf read;
	struct queue queue;
	char what[128]; /* the event that it runs for */
};

/* ------------------------------------------------------------------ the command */

static void export(const char *name, const char *value)
{
	if (value && *value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* What a container chose (its name, its labels) is passed as data only: in variables and on standard input,
 * never as a part of the text that the shell reads. */
static void export_event(json *event)
{
	json *actor = json_get(event, "Actor"), *attributes = json_get(actor, "Attributes");
	char moment[TIME_TEXT_SIZE];

	export("TARE_EVENT_TYPE", json_str(event, "Type", NULL));
	export("TARE_EVENT_ACTION", json_str(event, "Action", NULL));
	export("TARE_EVENT_ID", json_str(actor, "ID", NULL));
	export("TARE_EVENT_NAME", json_str(attributes, "name", NULL));
	export("TARE_EVENT_IMAGE", json_str(attributes, "image", NULL));
	export("TARE_EVENT_EXIT_CODE", json_str(attributes, "exitCode", NULL));
	export("TARE_EVENT_TIME", time_format(json_int(event, "timeNano", 0), moment));
}

/* The event lies in a file in memory: nobody has to write it while the command reads, and a full disk, of
 * which the event may tell, does not stop it. */
static int input_of(const char *line)
{
	int fd = file_in_memory();

	if (fd < 0)
		return -1;
	if (write_all(fd, line, strlen(line)) == 0 && write_all(fd, "\n", 1) == 0 &&
	        lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

__attribute__((noreturn)) static void run_command(const struct runner *r, const char *line, json *event)
{
	sigset_t none;
	int in = input_of(line);

	if (in < 0 || dup2(in, STDIN_FILENO) < 0)
		_exit(126);
	close(in);
	if (r->in >= 0)
		close(r->in);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	export_event(event);
	execl("/bin/sh", "sh", "-c", r->command, (char *)NULL);
	_exit(127);
}

static void complain(const char *what, const char *why)
{
	char shown[256];

	text_harmless_to(shown, sizeof shown, what);
	fprintf(stderr, "tare: --exec: %s: %s\n", shown, why);
}

static void start_next(struct runner *r)
{
	struct queue *q = &r->queue;

	while (r->pid == 0 && q->n > 0) {
		cleanup_free char *line = q->line[q->first];
		cleanup_json json *event = json_parse(line, strlen(line), "event", NULL);

		q->first = (q->first + 1) % EVENT_QUEUE_MAX;
		q->n--;
		if (!event)
			continue;
		snprintf(r->what, sizeof r->what, "%s %s %.40s", json_str(event, "Type", ""),
		        json_str(event, "Action", ""),
		        json_str(json_path(event, "Actor.Attributes"), "name", ""));
		fflush(NULL);
		r->pid = fork();
		if (r->pid == 0)
			run_command(r, line, event);
		if (r->pid < 0) {
			complain(r->what, strerror(errno));
			r->pid = 0;
		}
	}
}

/* Whatever of ours has ended; only one of them is the command. */
static void reap(struct runner *r)
{
	char why[64];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != r->pid)
			continue;
		r->pid = 0;
		if (WIFSIGNALED(status))
			snprintf(why, sizeof why, "ended by signal %d", WTERMSIG(status));
		else
			snprintf(why, sizeof why, "exit code %d", WEXITSTATUS(status));
		if (status != 0)
			complain(r->what, why);
	}
}

/* ------------------------------------------------------------------ the queue */

static void take_line(struct queue *q, const char *line, size_t len)
{
	char *copy;

	if (q->n == EVENT_QUEUE_MAX || !(copy = strndup(line, len))) {
		if (q->dropped++ == 0)
			complain("too slow", "1024 events wait, and those that come now are left out");
		return;
	}
	q->line[(q->first + q->n++) % EVENT_QUEUE_MAX] = copy;
}

static void read_lines(struct runner *r)
{
	char bytes[16384], *newline;
	ssize_t n = read(r->in, bytes, sizeof bytes);
	size_t start = 0;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close_fd(&r->in);
		return;
	}
	buf_add(&r->read, bytes, (size_t)n);
	if (r->read.failed) { /* no event is that long */
		buf_reset(&r->read);
		return;
	}
	while ((newline = memchr(r->read.data + start, '\n', r->read.len - start))) {
		size_t end = (size_t)(newline - r->read.data);
		take_line(&r->queue, r->read.data + start, end - start);
		start = end + 1;
	}
	memmove(r->read.data, r->read.data + start, r->read.len - start);
	r->read.len -= start;
}

static void on_child(int signal)
{
	(void)signal;
}

/* SIGCHLD only comes through while we wait, so none of them is missed. */
static void wait_change(struct runner *r, const sigset_t *waiting)
{
	fd_set set;

	FD_ZERO(&set);
	if (r->in >= 0)
		FD_SET(r->in, &set);
	if (pselect(r->in + 1, &set, NULL, NULL, NULL, waiting) > 0)
		read_lines(r);
}

__attribute__((noreturn)) static void serve(int in, const char *command)
{
	struct runner *r = calloc(1, sizeof *r);
	sigset_t child, waiting;

	if (!r)
		_exit(1);
	r->command = command;
	r->in = in;
	r->read = (struct buf){.max = LINE_MAX_BYTES};
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &waiting);
	sigdelset(&waiting, SIGCHLD);
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
	while (r->in >= 0 || r->pid || r->queue.n) {
		reap(r);
		start_next(r);
		if (r->in >= 0 || r->pid)
			wait_change(r, &waiting);
	}
	if (r->queue.dropped) {
		char text[64];
		snprintf(text, sizeof text, "%lu events were left out", r->queue.dropped);
		complain("too slow", text);
	}
	_exit(0);
}

/* ------------------------------------------------------------------ the other side */

int event_runner_start(struct event_runner *r, const char *command, struct err *e)
{
	int ends[2];

	if (pipe(ends) != 0)
		return err_sys(e, "cannot make a pipe");
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	fflush(NULL);
	r->pid = fork();
	if (r->pid == 0) {
		close(ends[1]);
		serve(ends[0], command);
	}
	close(ends[0]);
	if (r->pid < 0) {
		close(ends[1]);
		r->pid = 0;
		return err_sys(e, "cannot fork");
	}
	r->fd = ends[1];
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int event_runner_add(struct event_runner *r, json *event)
{
	cleanup_buf struct buf line = BUF_INIT;

	json_print(&line, event, JSON_COMPACT);
	buf_char(&line, '\n');
	return line.failed ? 0 : write_all(r->fd, line.data, line.len);
}

void event_runner_end(struct event_runner *r)
{
	if (r->pid == 0)
		return;
	close_fd(&r->fd);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	r->pid = 0;
}
