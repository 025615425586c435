/* Shells: the set of sessions, and their output within a budget. */
#include <errno.h>
#include <signal.h>
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
#include "tui/descriptors.h"
#include "tui/app.h"
#include "tui/asciicast.h"
#include "tui/config.h"
#include "tui/pty.h"
#include "tui/screen.h"
#include "tui/shells.h"
#include "tui/terminal.h"

#define MS ((int64_t)1000000)

/* Output is taken in windows of about a frame. The time that its emulation may take in one leaves the rest to
 * keys and drawing; the shells that write share it, those that nobody looks at have less. What does not fit
 * waits in the pty, and its writer with it. */
#define WINDOW        (16 * MS)
#define WINDOW_SEEN   (9 * MS)
#define WINDOW_HIDDEN (3 * MS)
#define WINDOW_ALL    (11 * MS) /* however many there are */
#define TURN          (2 * MS)  /* at once; then keys are looked at */

#define RESIZE_PAUSE (30 * MS)
/* After the child's end its last output is waited for; a grandchild may hold the terminal open for ever. */
#define END_PAUSE  (200 * MS)
#define END_PAUSES 10
#define BELL_PAUSE (500 * MS)
#define SCROLLBACK 5000
#define MOST_LINES 1000000 /* whatever the settings say; its bytes are bounded as well */
#define FIRST_ROWS 24
#define FIRST_COLS 80

struct shells {
	struct app *app;
	struct shell *list[SHELLS_MAX];
	size_t n;
	unsigned last_number;
	int rows, cols; /* of the pane that was drawn last: a good guess for the next shell */
	int64_t window, spent;
	unsigned busy; /* shells that wrote in the window before */
	struct loop_timer window_timer;
	void (*listener)(void *arg);
	void *listener_arg;
};

static void end_window(void *arg);

struct shells *shells_new(struct app *a)
{
	struct shells *ss = calloc(1, sizeof *ss);

	if (!ss)
		return NULL;
	ss->app = a;
	ss->rows = FIRST_ROWS;
	ss->cols = FIRST_COLS;
	ss->window_timer = (struct loop_timer){.fn = end_window, .arg = ss};
	return ss;
}

void shells_free(struct shells *ss)
{
	if (!ss)
		return;
	while (ss->n > 0)
		shell_close(ss->list[ss->n - 1]);
	loop_disarm(app_loop(ss->app), &ss->window_timer);
	free(ss);
}

void shells_listen(struct shells *ss, void (*fn)(void *arg), void *arg)
{
	ss->listener = fn;
	ss->listener_arg = arg;
}

/* Which shells there are, or what the list shows of one, is another now. */
static void tell(struct shells *ss)
{
	if (ss->listener)
		ss->listener(ss->listener_arg);
	app_redraw(ss->app);
}

size_t shells_count(const struct shells *ss)
{
	return ss->n;
}

struct shell *shells_get(const struct shells *ss, size_t i)
{
	return i < ss->n ? ss->list[i] : NULL;
}

struct shell *shells_find(const struct shells *ss, unsigned number)
{
	for (size_t i = 0; i < ss->n; i++)
		if (ss->list[i]->number == number)
			return ss->list[i];
	return NULL;
}

struct shell *shells_of(const struct shells *ss, const struct object *o)
{
	return o->kind == OBJECT_SHELL ? shells_find(ss, (unsigned)strtoul(o->id, NULL, 10)) : NULL;
}

struct object shell_object(const struct shell *sh)
{
	struct object o = {.kind = OBJECT_SHELL};

	snprintf(o.id, sizeof o.id, "%s", sh->id);
	return o;
}

const char *shell_state(const struct shell *sh, char *dst, size_t size)
{
	if (!sh->ended)
		snprintf(dst, size, "running");
	else
		snprintf(dst, size, "exited %d", sh->exit_code);
	return dst;
}

/* ---- recording */

static void record_failed(struct shell *sh, const struct err *e)
{
	app_toast(sh->all->app, TOAST_ERROR, "recording stopped: %s", e->msg);
	asciicast_close(sh->recording, NULL);
	sh->recording = NULL;
}

static void stop_recording(struct shell *sh)
{
	struct err e = ERR_INIT;
	struct asciicast *ac = sh->recording;

	if (!ac)
		return;
	sh->recording = NULL;
	app_toast(sh->all->app, TOAST_OK, "recorded: %s", asciicast_path(ac));
	if (asciicast_close(ac, &e) != 0)
		app_toast(sh->all->app, TOAST_ERROR, "%s", e.msg);
}

/* $XDG_STATE_HOME/tare, ~/.local/state/tare, or where we are. */
static void recording_path(const struct shell *sh, char *dst, size_t size)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char dir[512] = "", name[64], stamp[32];
	time_t now = time(NULL);
	struct tm tm;

	if (state && *state == '/')
		snprintf(dir, sizeof dir, "%s/tare/", state);
	else if (home && *home == '/')
		snprintf(dir, sizeof dir, "%s/.local/state/tare/", home);
	if (*dir && mkdir_all(dir, 0700) != 0)
		*dir = '\0';
	snprintf(name, sizeof name, "%.40s", sh->title);
	for (char *c = name; *c; c++)
		if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		            *c == '-'))
			*c = '_';
	strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	snprintf(dst, size, "%s%s-%s-%u.cast", dir, name, stamp, sh->number);
}

void shell_record(struct shell *sh)
{
	struct err e = ERR_INIT;
	char path[640];

	if (sh->recording) {
		stop_recording(sh);
		return;
	}
	recording_path(sh, path, sizeof path);
	sh->recording = asciicast_open(path, term_rows(sh->term), term_cols(sh->term), sh->title,
	        (int64_t)time(NULL), now_monotonic(), &e);
	if (sh->recording)
		app_toast(sh->all->app, TOAST_INFO, "recording to %s", path);
	else
		app_toast(sh->all->app, TOAST_ERROR, "%s", e.msg);
}

/* ---- output of the child */

static void ring(struct shell *sh)
{
	struct shells *ss = sh->all;
	int64_t now = now_monotonic();

	if (sh->watchers > 0 && now - sh->last_bell > BELL_PAUSE) {
		screen_bell(app_screen(ss->app));
	} else if (sh->watchers == 0 && !sh->rang) {
		struct object o = shell_object(sh);

		sh->rang = true;
		app_alert(ss->app, &o, "the shell %s rings", sh->title);
		tell(ss);
	}
	sh->last_bell = now;
}

static void show(struct shell *sh)
{
	if (term_bell(sh->term))
		ring(sh);
	if (sh->watchers > 0) {
		app_redraw(sh->all->app);
	} else if (!sh->active) {
		sh->active = true;
		tell(sh->all);
	}
}

static void want(struct shell *sh)
{
	const char *bytes;

	if (sh->fd >= 0)
		loop_want(app_loop(sh->all->app), sh->fd,
		        (sh->rests ? 0 : LOOP_READ) | (term_output(sh->term, &bytes) ? LOOP_WRITE : 0));
}

/* Who had no turn because the window was full goes first in the next, until each has had one; then all begin
 * anew. The one that is looked at has every other window, however slow its output is to take. */
static void end_window(void *arg)
{
	struct shells *ss = arg;
	bool starved = false;

	ss->busy = 0;
	for (size_t i = 0; i < ss->n; i++) {
		starved |= ss->list[i]->rests && !ss->list[i]->had_turn;
		ss->busy += ss->list[i]->spent > 0;
	}
	for (size_t i = 0; i < ss->n; i++) {
		struct shell *sh = ss->list[i];

		sh->had_turn &= starved;
		sh->rests = sh->had_turn && (sh->watchers == 0 || sh->spent > 0);
		sh->spent = 0;
		want(sh);
	}
	ss->window = now_monotonic();
	ss->spent = 0;
	if (starved)
		loop_arm(app_loop(ss->app), &ss->window_timer, ss->window + WINDOW);
}

static void rest(struct shell *sh)
{
	struct shells *ss = sh->all;

	sh->rests = true;
	want(sh);
	if (!ss->window_timer.armed)
		loop_arm(app_loop(ss->app), &ss->window_timer, ss->window + WINDOW);
}

/* Account for the time that a shell's output took; it, or all, rest until the window ends when that is too
 * much. */
static void spend(struct shell *sh, int64_t began, int64_t now)
{
	struct shells *ss = sh->all;

	if (began - ss->window >= WINDOW && !ss->window_timer.armed)
		end_window(ss);
	sh->had_turn = true;
	sh->spent += now - began;
	ss->spent += now - began;
	if (ss->spent > WINDOW_ALL) {
		for (size_t i = 0; i < ss->n; i++)
			rest(ss->list[i]);
	} else if (sh->spent > (sh->watchers ? WINDOW_SEEN : WINDOW_HIDDEN) / (ss->busy ? ss->busy : 1)) {
		rest(sh);
	}
}

static void finish(struct shell *sh)
{
	loop_disarm(app_loop(sh->all->app), &sh->end_timer);
	if (sh->fd >= 0) {
		loop_remove(app_loop(sh->all->app), sh->fd);
		close_fd(&sh->fd);
	}
	if (sh->pid != 0 || sh->ended)
		return;
	sh->ended = true;
	sh->ended_at = (int64_t)time(NULL);
	stop_recording(sh);
	if (sh->watchers == 0)
		sh->active = true;
	tell(sh->all);
}

/* Take what is there, within the budget. False: the other side is closed. */
static bool take_output(struct shell *sh)
{
	char bytes[4096]; /* a pty has no more at once */
	int64_t turn = now_monotonic(), began = turn;
	bool took = false, open = true;

	for (; !sh->rests && began - turn < TURN; began = now_monotonic()) {
		ssize_t n = read(sh->fd, bytes, sizeof bytes);
		struct err e = ERR_INIT;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (n <= 0) { /* EIO: nobody has the terminal open any more */
			open = false;
			break;
		}
		took = true;
		term_feed(sh->term, bytes, (size_t)n);
		if (sh->recording && asciicast_output(sh->recording, bytes, (size_t)n, began, &e) != 0)
			record_failed(sh, &e);
		spend(sh, began, now_monotonic());
	}
	if (took)
		show(sh);
	return open;
}

void shell_flush(struct shell *sh)
{
	const char *bytes;
	size_t len;

	while (sh->fd >= 0 && (len = term_output(sh->term, &bytes)) > 0) {
		ssize_t n = write(sh->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* full: when there is room again; gone: the reading side will notice */
		term_output_taken(sh->term, (size_t)n);
	}
	want(sh);
}

static void on_ready(void *arg, int fd, unsigned ready)
{
	struct shell *sh = arg;

	(void)fd;
	if (ready & (LOOP_READ | LOOP_HANGUP) && !take_output(sh)) {
		finish(sh);
		return;
	}
	shell_flush(sh); /* answers to what it asked */
}

/* ---- life */

static void on_resize_timer(void *arg)
{
	struct shell *sh = arg;
	struct err e = ERR_INIT;

	sh->last_resize = now_monotonic();
	term_resize(sh->term, sh->rows, sh->cols);
	if (sh->fd >= 0)
		pty_resize(sh->fd, term_rows(sh->term), term_cols(sh->term));
	if (sh->recording && asciicast_resize(sh->recording, term_rows(sh->term), term_cols(sh->term),
	                             sh->last_resize, &e) != 0)
		record_failed(sh, &e);
	app_redraw(sh->all->app);
}

static void on_end_timer(void *arg)
{
	struct shell *sh = arg;

	if ((sh->rests || sh->spent > 0) && sh->pauses++ < END_PAUSES)
		loop_arm(app_loop(sh->all->app), &sh->end_timer, now_monotonic() + END_PAUSE);
	else
		finish(sh);
}

static char **command_of(struct shells *ss, char *const *args)
{
	char **argv = strv_copy(app_tare_command(ss->app));

	if (!argv)
		return NULL;
	for (; *args; args++)
		if (strv_add(&argv, *args) != 0)
			return strv_free(argv), NULL;
	return argv;
}

static int spawn(struct shell *sh, struct err *e)
{
	struct app *a = sh->all->app;
	/* What was said to us of our own terminal does not hold for this one. */
	const char *env[] = {"TERM=xterm-256color",
	        screen_depth(app_screen(a)) == DEPTH_TRUE ? "COLORTERM=truecolor" : "COLORTERM", "LINES",
	        "COLUMNS", "TERMCAP", "TMUX", "TMUX_PANE", "STY", NULL};
	cleanup_strv char **argv = command_of(sh->all, sh->args);
	struct pty p;

	if (!argv)
		return err_no_memory(e);
	descriptors_use(app_descriptors(a)->children);
	int rc = pty_spawn(&p, argv, env, term_rows(sh->term), term_cols(sh->term), e);
	descriptors_use(app_descriptors(a)->ours);
	if (rc != 0)
		return -1;
	sh->fd = p.fd;
	sh->pid = p.pid;
	sh->ended = sh->asked_to_end = sh->rests = false;
	sh->pauses = 0;
	sh->started = (int64_t)time(NULL);
	if (loop_add(app_loop(a), sh->fd, LOOP_READ, on_ready, sh, e) != 0) {
		kill(sh->pid, SIGHUP);
		close_fd(&sh->fd);
		return -1;
	}
	return 0;
}

static int new_terminal(struct shell *sh, int rows, int cols, struct err *e)
{
	long lines = config_int(app_config(sh->all->app), "scrollback", SCROLLBACK);
	struct term *t = term_new(rows, cols,
	        lines < 0            ? 0
	        : lines > MOST_LINES ? MOST_LINES
	                             : (size_t)lines);

	if (!t)
		return err_no_memory(e);
	term_free(sh->term);
	sh->term = t;
	sh->rows = term_rows(t);
	sh->cols = term_cols(t);
	return 0;
}

static void shell_free(struct shell *sh)
{
	strv_free(sh->args);
	term_free(sh->term);
	free(sh);
}

struct shell *shells_start(
        struct shells *ss, char *const *args, const char *title, const struct object *about, struct err *e)
{
	struct shell *sh;

	if (ss->n == SHELLS_MAX)
		return err_set_null(
		        e, ERR_OTHER, "%d shells are open; close one first (6 lists them)", SHELLS_MAX);
	sh = calloc(1, sizeof *sh);
	if (!sh || !(sh->args = strv_copy(args))) {
		free(sh);
		err_no_memory(e);
		return NULL;
	}
	sh->all = ss;
	sh->fd = -1;
	sh->number = ++ss->last_number;
	snprintf(sh->id, sizeof sh->id, "%u", sh->number);
	text_harmless_to(sh->title, sizeof sh->title, title);
	if (about)
		sh->about = *about;
	sh->resize_timer = (struct loop_timer){.fn = on_resize_timer, .arg = sh};
	sh->end_timer = (struct loop_timer){.fn = on_end_timer, .arg = sh};
	if (new_terminal(sh, ss->rows, ss->cols, e) != 0 || spawn(sh, e) != 0) {
		shell_free(sh);
		return NULL;
	}
	ss->list[ss->n++] = sh;
	tell(ss);
	return sh;
}

int shell_restart(struct shell *sh, struct err *e)
{
	if (!sh->ended)
		return 0;
	if (new_terminal(sh, sh->rows, sh->cols, e) != 0 || spawn(sh, e) != 0)
		return -1;
	sh->active = sh->rang = false;
	tell(sh->all);
	return 0;
}

void shell_end(struct shell *sh)
{
	if (sh->pid > 0)
		kill(sh->pid, sh->asked_to_end ? SIGKILL : SIGHUP);
	sh->asked_to_end = true;
}

void shell_close(struct shell *sh)
{
	struct shells *ss = sh->all;
	struct loop *loop = app_loop(ss->app);

	stop_recording(sh);
	if (sh->pid > 0)
		kill(sh->pid, SIGHUP);
	if (sh->fd >= 0) {
		loop_remove(loop, sh->fd);
		close_fd(&sh->fd);
	}
	loop_disarm(loop, &sh->resize_timer);
	loop_disarm(loop, &sh->end_timer);
	for (size_t i = 0; i < ss->n; i++) {
		if (ss->list[i] == sh) {
			memmove(&ss->list[i], &ss->list[i + 1], (ss->n - i - 1) * sizeof *ss->list);
			ss->n--;
			break;
		}
	}
	tell(ss);
	shell_free(sh);
}

bool shells_child_ended(struct shells *ss, pid_t pid, int status)
{
	for (size_t i = 0; i < ss->n; i++) {
		struct shell *sh = ss->list[i];

		if (sh->pid != pid)
			continue;
		sh->pid = 0;
		sh->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		/* What it wrote last may still be on the way; hung up, it was all. */
		if (sh->fd < 0 || !take_output(sh))
			finish(sh);
		else
			loop_arm(app_loop(ss->app), &sh->end_timer, now_monotonic() + END_PAUSE);
		return true;
	}
	return false;
}

void shell_resize(struct shell *sh, int rows, int cols)
{
	struct shells *ss = sh->all;
	int64_t now;

	ss->rows = rows;
	ss->cols = cols;
	if (rows == sh->rows && cols == sh->cols)
		return;
	sh->rows = rows;
	sh->cols = cols;
	now = now_monotonic();
	if (!sh->resize_timer.armed)
		loop_arm(app_loop(ss->app), &sh->resize_timer,
		        now - sh->last_resize > RESIZE_PAUSE ? now : sh->last_resize + RESIZE_PAUSE);
}

void shell_watch(struct shell *sh, bool on)
{
	if (on)
		sh->watchers++;
	else if (sh->watchers > 0)
		sh->watchers--;
	if (on)
		sh->rests = false;
	if (on && (sh->active || sh->rang)) {
		sh->active = sh->rang = false;
		tell(sh->all);
	}
	want(sh);
}
