/* From the terminal to views: keys through the key map, the mouse to what lies
 * beneath it. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tui/app_core.h"
#include "tui/job.h"
#include "tui/keymap.h"
#include "tui/shells.h"
#include "tui/toast.h"
#include "tui/view.h"

/* ------------------------------------------------------------------ results
 * and actions */

void app_take_result(struct app *a, struct view *v, unsigned result)
{
	if (result & VIEW_CLOSE)
		app_close(a, v);
	if (result & (VIEW_REDRAW | VIEW_CLOSE))
		app_redraw(a);
}

static unsigned ask(struct app *a, struct view *v, enum action action)
{
	unsigned result = v && v->ops->act ? v->ops->act(v, action) : VIEW_IGNORED;

	app_take_result(a, v, result);
	return result;
}

void app_act(struct app *a, enum action action)
{
	struct view *v = app_focused(a), *panel = app_panel_view(a);

	if (action == ACTION_NONE)
		return;
	a->dirty = true;
	if (ask(a, v, action) & VIEW_HANDLED)
		return;
	if (a->n_dialogs) {
		if (action == ACTION_BACK || action == ACTION_LEAVE)
			app_pop(a);
		else if (action_table[action].context != CONTEXT_GLOBAL || action == ACTION_QUIT)
			app_own_action(a, action);
		return;
	}
	if (v != panel && action_table[action].context != CONTEXT_LIST &&
	        ask(a, panel, action) & VIEW_HANDLED) {
		if (action == ACTION_FILTER)
			app_focus_detail(a, false); /* what is typed now is the list's */
		return;
	}
	app_own_action(a, action);
}

/* ------------------------------------------------------------------ keys */

/* In the focused view's context; what is not bound there, in a detail pane, means what it does in the list:
 * so "stats" and "processes" are one key away from the log as well. */
static enum action look_up(struct app *a, const struct view *v, const struct key *keys, size_t n, bool *more)
{
	enum context c = v->ops->context == CONTEXT_NONE ? CONTEXT_GLOBAL : v->ops->context;
	enum action action = keymap_look(a->keymap, c, keys, n, more);

	if (action == ACTION_NONE && !*more && !a->n_dialogs && v != app_panel_view(a) && c != CONTEXT_SHELL)
		action = keymap_look(a->keymap, app_panel_view(a)->ops->context, keys, n, more);
	return action;
}

static void key_by_map(struct app *a, struct view *v, struct key k)
{
	struct key keys[2] = {a->chord, k};
	bool more = false, is_second = a->chord.code != KEYC_NONE;

	if (v->ops->context == CONTEXT_NONE && k.code != KEYC_ESCAPE)
		return;
	enum action action = is_second ? look_up(a, v, keys, 2, &more) : look_up(a, v, &k, 1, &more);
	a->chord = (struct key){.code = KEYC_NONE};
	if (action != ACTION_NONE)
		app_act(a, action);
	else if (more && !is_second)
		a->chord = k; /* the hint bar shows that a second one is expected */
}

static void handle_key(struct app *a, struct key k)
{
	struct view *v = app_focused(a);
	/* All keys are the child's, and what they do shows when it answers: a frame before that would only
	 * make the answer wait for the next one. */
	bool is_shell = v->ops->context == CONTEXT_SHELL;

	if (!is_shell)
		a->dirty = a->urgent = true;
	if (k.code == KEYC_ESCAPE && !is_shell && !a->n_dialogs && toasts_dismiss(a->toasts))
		return;
	if (v->ops->key && a->chord.code == KEYC_NONE) {
		unsigned result = v->ops->key(v, k);
		app_take_result(a, v, result);
		if (result & VIEW_REDRAW)
			a->urgent = true;
		if (result & VIEW_HANDLED)
			return;
		v = app_focused(a); /* a dialog that goes away with any key leaves that to who is beneath */
	}
	a->dirty = a->urgent = true;
	key_by_map(a, v, k);
}

/* ------------------------------------------------------------------ events */

static void handle_event(struct app *a, const struct input_event *ev)
{
	struct view *v = app_focused(a);

	switch (ev->kind) {
	case INPUT_KEY:
		handle_key(a, ev->key);
		break;
	case INPUT_MOUSE:
		app_mouse(a, &ev->mouse);
		break;
	case INPUT_PASTE:
		if (v->ops->paste)
			app_take_result(a, v, v->ops->paste(v, ev->text, ev->len));
		a->urgent = true;
		break;
	default:
		break;
	}
}

static void drain_input(struct app *a)
{
	struct input_event ev;

	while (input_next(a->input, &ev))
		handle_event(a, &ev);
	int ms = input_timeout(a->input, now_monotonic());
	if (ms >= 0)
		loop_arm(a->loop, &a->escape_timer, now_monotonic() + (int64_t)ms * 1000000);
	else
		loop_disarm(a->loop, &a->escape_timer);
}

static void escape_due(void *arg)
{
	struct app *a = arg;

	input_expire(a->input);
	drain_input(a);
}

static void tty_ready(void *arg, int fd, unsigned ready)
{
	struct app *a = arg;
	char bytes[4096];

	if (ready & LOOP_WRITE && screen_catch_up(a->screen) < 0)
		app_quit(a);
	if (!(ready & (LOOP_READ | LOOP_HANGUP)))
		return;
	ssize_t n = read(fd, bytes, sizeof bytes);
	if (n > 0) {
		input_feed(a->input, bytes, (size_t)n, now_monotonic());
		drain_input(a);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		app_quit(a); /* the terminal is gone */
	}
}

/* ------------------------------------------------------------------ signals */

static void on_resize(void *arg)
{
	struct app *a = arg;

	if (screen_resize(a->screen))
		a->laid_out = false;
	a->dirty = true;
}

static void on_child(void *arg)
{
	struct app *a = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!jobs_child_ended(a->jobs, pid, status))
			shells_child_ended(a->shells, pid, status);
	a->dirty = true;
}

static void on_end(void *arg)
{
	app_quit(arg);
}

static void on_stop(void *arg)
{
	struct app *a = arg;

	screen_stop(a->screen);
	a->laid_out = false;
	a->dirty = true;
}

int app_input_init(struct app *a, struct err *e)
{
	static const int ends[] = {SIGTERM, SIGHUP, SIGINT};

	a->escape_timer = (struct loop_timer){.fn = escape_due, .arg = a};
	a->input = input_new();
	if (!a->input)
		return err_no_memory(e);
	for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
		if (loop_signal(a->loop, ends[i], on_end, a, e) != 0)
			return -1;
	if (loop_signal(a->loop, SIGWINCH, on_resize, a, e) != 0 ||
	        loop_signal(a->loop, SIGCHLD, on_child, a, e) != 0 ||
	        loop_signal(a->loop, SIGTSTP, on_stop, a, e) != 0)
		return -1;
	return loop_add(a->loop, screen_tty(a->screen), LOOP_READ, tty_ready, a, e);
}
