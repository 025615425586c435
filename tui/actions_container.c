/* The verbs of containers. Whatever takes something away asks; on several there is one question that names
 * them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/request.h"
#include "tui/update_form.h"

/* ------------------------------------------------------------------ what an action is for */

const char *container_ref(const struct model_container *c)
{
	return c->row.name && *c->row.name ? c->row.name : c->row.id;
}

bool container_is_active(const struct model_container *c)
{
	return c->row.state == TARE_RUNNING || c->row.state == TARE_PAUSED || c->row.state == TARE_RESTARTING;
}

struct targets targets_take(struct app *a)
{
	cleanup_free struct object *objects = NULL;
	size_t n = app_targets(a, &objects);
	struct targets t = {calloc(n + 1, sizeof(struct model_container *)), 0};

	for (size_t i = 0; t.of && i < n; i++) {
		struct model_container *c = objects[i].kind == OBJECT_CONTAINER
		                                    ? model_container(app_model(a), objects[i].id)
		                                    : NULL;

		if (c)
			t.of[t.n++] = c;
	}
	if (!t.n)
		app_toast(a, TOAST_INFO, "no container is selected; 1 shows them");
	return t;
}

void targets_free(struct targets *t)
{
	free(t->of);
	*t = (struct targets){0};
}

/* For a menu: what was meant when it was opened, whatever is selected when something is picked. The caller's
 * to strv_free; targets_from() leaves out what is gone. */
static char **targets_ids(const struct targets *t)
{
	char **ids = NULL;

	for (size_t i = 0; i < t->n; i++)
		strv_add(&ids, t->of[i]->row.id);
	return ids;
}

static struct targets targets_from(struct app *a, char *const *ids)
{
	struct targets t = {calloc(strv_len(ids) + 1, sizeof(struct model_container *)), 0};

	strv_foreach (id, ids) {
		struct model_container *c = model_container(app_model(a), *id);

		if (t.of && c)
			t.of[t.n++] = c;
	}
	return t;
}

/* strv_free() for a dialog's free_arg */
static void free_ids(void *ids)
{
	strv_free(ids);
}

const char *targets_text(const struct targets *t, char *dst, size_t size)
{
	if (t->n == 1)
		snprintf(dst, size, "%s", container_ref(t->of[0]));
	else
		snprintf(dst, size, "%zu containers", t->n);
	return dst;
}

/* One line each, "name  state", the caller's to strv_free. */
static char **targets_lines(const struct targets *t)
{
	char **lines = NULL;

	for (size_t i = 0; i < t->n; i++)
		strv_take(&lines, str_printf("%s  (%s, %s)", container_ref(t->of[i]), t->of[i]->row.image,
		                          tare_state_name(t->of[i]->row.state)));
	return lines;
}

static void keep_if(struct targets *t, bool (*fits)(const struct model_container *c))
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (fits(t->of[i]))
			t->of[n++] = t->of[i];
	t->n = n;
}

/* ------------------------------------------------------------------ stop, start, restart, pause */

struct verb {
	enum action action;
	const char *word, *past, *button;
	bool (*fits)(const struct model_container *c);
	const char *none; /* "NAME …" when it does not fit */
};

static bool is_running(const struct model_container *c)
{
	return c->row.state == TARE_RUNNING;
}

static bool is_paused(const struct model_container *c)
{
	return c->row.state == TARE_PAUSED;
}

static bool is_stopped(const struct model_container *c)
{
	return !container_is_active(c);
}

static bool is_any(const struct model_container *c)
{
	(void)c;
	return true;
}

static const struct verb verbs[] = {
        {ACTION_CTR_STOP, "stop", "stopped", "Stop", container_is_active, "does not run; S starts it"},
        {ACTION_CTR_START, "start", "started", "Start", is_stopped, "runs already; s stops it"},
        {ACTION_CTR_RESTART, "restart", "restarted", "Restart", is_any, ""},
        {ACTION_CTR_PAUSE, "pause", "paused", "Pause", is_running, "does not run; S starts it"},
        {ACTION_CTR_PAUSE, "unpause", "resumed", "Resume", is_paused, "is not paused"},
};

static struct request *request_for(const struct verb *v, const struct targets *t)
{
	struct request *r = request_new(v->word);
	char text[160];

	for (size_t i = 0; i < t->n; i++)
		request_word(r, container_ref(t->of[i]));
	targets_text(t, text, sizeof(text));
	request_title(r, "%s %s", v->word, text);
	request_said(r, "%s %s", v->past, text);
	return r;
}

static void do_verb(struct app *a, const struct verb *v)
{
	cleanup_targets struct targets t = targets_take(a);
	struct model_container *first = t.n ? t.of[0] : NULL;
	cleanup_strv char **lines = NULL;
	struct request *r;

	if (!first)
		return;
	if (!strcmp(v->word, "pause") && is_paused(first))
		v++; /* the toggle's other side stands below it */
	keep_if(&t, v->fits);
	if (!t.n) {
		app_toast(a, TOAST_INFO, "%s %s", container_ref(first), v->none);
		return;
	}
	r = request_for(v, &t);
	if (t.n == 1) {
		request_start(a, r);
		return;
	}
	lines = targets_lines(&t);
	request_confirm(a, r, lines, v->button, false, "%s %zu containers?", v->button, t.n);
}

/* ------------------------------------------------------------------ kill */

static const struct {
	int number;
	const char *name, *use;
} signals[] = {
        {SIGTERM, "SIGTERM", "ask it to end"},
        {SIGKILL, "SIGKILL", "end it at once; it can't clean up"},
        {SIGHUP, "SIGHUP", "the terminal is gone; many programs read their settings again"},
        {SIGINT, "SIGINT", "as ^C does"},
        {SIGQUIT, "SIGQUIT", "as ^\\ does: end with a core dump"},
        {SIGUSR1, "SIGUSR1", "whatever the program makes of it"},
        {SIGUSR2, "SIGUSR2", "whatever the program makes of it"},
        {SIGSTOP, "SIGSTOP", "halt the process until SIGCONT"},
        {SIGCONT, "SIGCONT", "go on after SIGSTOP"},
        {SIGABRT, "SIGABRT", "abort, with a core dump"},
        {SIGALRM, "SIGALRM", "an alarm clock"},
#ifdef SIGWINCH
        {SIGWINCH, "SIGWINCH", "the window has changed; some servers end gracefully"},
#endif
};
#define SIGNALS_N (sizeof(signals) / sizeof(*signals))

static const char *name_of(int number)
{
	for (size_t i = 0; i < SIGNALS_N; i++)
		if (signals[i].number == number)
			return signals[i].name;
	return "SIGTERM";
}

static void send_signal(struct app *a, int number, void *ids)
{
	cleanup_targets struct targets t = targets_from(a, ids);
	cleanup_strv char **lines = NULL;
	struct request *r;
	char text[160];

	app_actions(a)->last_choice = number;
	keep_if(&t, container_is_active);
	if (!t.n) {
		app_toast(a, TOAST_INFO, "nothing runs there that could get a signal");
		return;
	}
	r = request_new("kill -s");
	request_word(r, name_of(number));
	for (size_t i = 0; i < t.n; i++)
		request_word(r, container_ref(t.of[i]));
	targets_text(&t, text, sizeof(text));
	request_title(r, "%s to %s", name_of(number), text);
	request_said(r, "sent %s to %s", name_of(number), text);
	if (t.n == 1) {
		request_start(a, r);
		return;
	}
	lines = targets_lines(&t);
	request_confirm(a, r, lines, "Send", true, "Send %s to %zu containers?", name_of(number), t.n);
}

static void kill_menu(struct app *a)
{
	struct picker_item items[SIGNALS_N];
	char uses[SIGNALS_N][96], title[200], text[160];
	cleanup_targets struct targets t = targets_take(a);
	cleanup_strv char **ids = targets_ids(&t);
	struct view *v;

	if (!t.n)
		return;
	if (app_actions(a)->is_repeat && app_actions(a)->last_choice) {
		send_signal(a, app_actions(a)->last_choice, ids);
		return;
	}
	for (size_t i = 0; i < SIGNALS_N; i++) {
		snprintf(uses[i], sizeof(uses[i]), "%2d  %s", signals[i].number, signals[i].use);
		items[i] = (struct picker_item){signals[i].name, uses[i], signals[i].number};
	}
	snprintf(title, sizeof(title), "Signal to %s", targets_text(&t, text, sizeof(text)));
	v = picker_new(a, &(struct picker_options){.title = title,
	                          .items = items,
	                          .n = SIGNALS_N,
	                          .picked = send_signal,
	                          .arg = steal_ptr(&ids),
	                          .free_arg = free_ids});
	if (v)
		app_push(a, v);
}

/* ------------------------------------------------------------------ limits and restart policy */

static void update(struct app *a)
{
	cleanup_targets struct targets t = targets_take(a);
	struct view *v = t.n ? update_form_new(a, t.of[0]) : NULL;

	if (v)
		app_push(a, v);
	else if (t.n)
		app_toast(a, TOAST_WARN, "%s cannot be read; i shows why", container_ref(t.of[0]));
}

/* ------------------------------------------------------------------ rename */

static bool check_name(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	const char *id = arg;
	struct err e = ERR_INIT;
	struct model_container *const *rows;
	size_t n = model_containers(app_model(a), &rows);

	if (tare_name_check(text, &e) < 0) {
		snprintf(error, size, "%s", e.msg);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (!rows[i]->row.name || strcmp(rows[i]->row.name, text) != 0 ||
		        !strcmp(rows[i]->row.id, id))
			continue;
		snprintf(error, size, "another container is called so");
		return false;
	}
	return true;
}

static void rename_to(struct app *a, const char *text, void *arg)
{
	const struct model_container *c = model_container(app_model(a), arg);
	struct request *r;

	if (!text || !c || !strcmp(container_ref(c), text))
		return;
	r = request_new("rename");
	request_word(r, container_ref(c));
	request_word(r, text);
	request_title(r, "rename %s to %s", container_ref(c), text);
	request_said(r, "%s is now called %s", container_ref(c), text);
	request_start(a, r);
}

static void rename_prompt(struct app *a)
{
	cleanup_targets struct targets t = targets_take(a);
	struct view *v;

	if (!t.n)
		return;
	v = prompt_new(a, &(struct prompt_options){
	                          .label = "Rename to",
	                          .text = container_ref(t.of[0]),
	                          .check = check_name,
	                          .ok = rename_to,
	                          .arg = strdup(t.of[0]->row.id),
	                          .free_arg = free,
	                  });
	if (v)
		app_push(a, v);
}

/* ------------------------------------------------------------------ remove */

enum { REMOVE_PLAIN = 1, REMOVE_VOLUMES, REMOVE_FORCE, REMOVE_FORCE_VOLUMES };

static const struct picker_item removals[] = {
        {"Remove", "keep all volumes", REMOVE_PLAIN},
        {"Remove with volumes", "those without a name go too", REMOVE_VOLUMES},
        {"Kill and remove", "also if it runs; keep all volumes", REMOVE_FORCE},
        {"Kill and remove with volumes", "also if it runs; those without a name go too",
                REMOVE_FORCE_VOLUMES},
};

static void remove_how(struct app *a, int how, void *ids)
{
	cleanup_targets struct targets t = targets_from(a, ids);
	cleanup_strv char **lines = NULL;
	bool force = how >= REMOVE_FORCE, volumes = how == REMOVE_VOLUMES || how == REMOVE_FORCE_VOLUMES;
	struct request *r;
	char text[160];

	app_actions(a)->last_choice = how;
	if (!force)
		keep_if(&t, is_stopped);
	if (!t.n)
		return;
	r = request_new(force && volumes ? "rm -f -v" : force ? "rm -f" : volumes ? "rm -v" : "rm");
	for (size_t i = 0; i < t.n; i++)
		request_word(r, container_ref(t.of[i]));
	targets_text(&t, text, sizeof(text));
	request_title(r, "remove %s", text);
	request_said(r, "removed %s", text);
	if (r)
		r->refresh = volumes ? MODEL_VOLUMES : 0;
	lines = targets_lines(&t);
	request_confirm(a, r, lines, force ? "Kill and remove" : "Remove", true,
	        "%s %s, with all that was written in %s%s?", force ? "Kill and remove" : "Remove", text,
	        t.n == 1 ? "it" : "them", volumes ? ", and the volumes without a name" : "");
}

static size_t active_of(const struct targets *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += container_is_active(t->of[i]);
	return n;
}

static void remove_menu(struct app *a)
{
	cleanup_targets struct targets t = targets_take(a);
	cleanup_strv char **ids = targets_ids(&t);
	char title[200], text[160];
	size_t active = active_of(&t), first = active == t.n ? 2 : 0, n = active ? 4 - first : 2;
	struct view *v;

	if (!t.n)
		return;
	if (app_actions(a)->is_repeat && app_actions(a)->last_choice) {
		remove_how(a, app_actions(a)->last_choice, ids);
		return;
	}
	/* of those that run nothing can be removed without force, of the others nothing needs it */
	if (active && active < t.n)
		snprintf(title, sizeof(title), "%zu containers, %zu of them running", t.n, active);
	else
		snprintf(title, sizeof(title), "Remove %s%s", targets_text(&t, text, sizeof(text)),
		        active ? ", running" : "");
	v = picker_new(a, &(struct picker_options){.title = title,
	                          .items = removals + first,
	                          .n = n,
	                          .picked = remove_how,
	                          .arg = steal_ptr(&ids),
	                          .free_arg = free_ids});
	if (v)
		app_push(a, v);
}

/* ------------------------------------------------------------------ which one */

bool container_action(struct app *a, enum action action)
{
	switch (action) {
	case ACTION_CTR_UPDATE:
		update(a);
		return true;
	case ACTION_CTR_KILL:
		kill_menu(a);
		return true;
	case ACTION_CTR_RENAME:
		rename_prompt(a);
		return true;
	case ACTION_CTR_REMOVE:
		remove_menu(a);
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (verbs[i].action == action) {
			do_verb(a, &verbs[i]);
			return true;
		}
	}
	return false;
}
