/* Where actions go that no view took. */
#include "tui/actions.h"

#include <stdio.h>
#include <stdlib.h>

#include "tui/actions_state.h"
#include "tui/alert.h"
#include "tui/app.h"
#include "tui/command_line.h"
#include "tui/job.h"
#include "tui/jump.h"
#include "tui/network_form.h"
#include "tui/request.h"
#include "tui/run_form.h"
#include "tui/volume_actions.h"

#define AWAIT_STEP_NS INT64_C(30000000)
#define AWAIT_TRIES   50 /* a second and a half */

static void now_later(void *arg)
{
	struct actions *as = arg;

	app_act(as->app, as->later);
}

void actions_later(struct actions *as, enum action action)
{
	as->later = action;
	loop_arm(app_loop(as->app), &as->later_timer, now_monotonic());
}

static bool has_come(const struct model *m, const struct object *o)
{
	switch (o->kind) {
	case OBJECT_NETWORK:
		return model_network(m, o->id) != NULL;
	case OBJECT_VOLUME:
		return model_volume(m, o->id) != NULL;
	default:
		return model_container(m, o->id) != NULL;
	}
}

static void look_for_awaited(void *arg)
{
	struct actions *as = arg;

	if (has_come(app_model(as->app), &as->awaited))
		app_show(as->app, &as->awaited, NULL);
	else if (as->tries-- > 0)
		loop_arm(app_loop(as->app), &as->await_timer, now_monotonic() + AWAIT_STEP_NS);
}

void actions_await(struct actions *as, const struct object *o)
{
	as->awaited = *o;
	as->tries = AWAIT_TRIES;
	loop_arm(app_loop(as->app), &as->await_timer, now_monotonic());
}

struct actions *actions_new(struct app *a)
{
	struct actions *as = calloc(1, sizeof(*as));

	if (!as)
		return NULL;
	as->app = a;
	as->later_timer.fn = now_later;
	as->later_timer.arg = as;
	as->await_timer.fn = look_for_awaited;
	as->await_timer.arg = as;
	as->requests = requests_new();
	if (as->requests)
		return as;
	free(as);
	return NULL;
}

void actions_free(struct actions *as)
{
	if (!as)
		return;
	loop_disarm(app_loop(as->app), &as->later_timer);
	loop_disarm(app_loop(as->app), &as->await_timer);
	requests_free(as->requests);
	free(as);
}

struct requests *actions_requests(struct actions *as)
{
	return as->requests;
}

static void push(struct app *a, struct view *dialog)
{
	if (dialog)
		app_push(a, dialog);
	else
		app_toast(a, TOAST_ERROR, "not opened: out of memory");
}

static unsigned interrupt(struct app *a)
{
	const struct job *j = jobs_current(app_jobs(a));

	if (!j)
		return VIEW_IGNORED;
	app_toast(a, TOAST_INFO, "cancelling: %s", j->title);
	job_cancel(app_jobs(a), j->number);
	return VIEW_DONE;
}

static void watch(struct app *a)
{
	cleanup_targets struct targets t = targets_take(a);
	struct alerts *as = app_alerts(a);
	bool on = t.n && !alerts_is_watched(as, t.of[0]->row.id);
	char text[160];

	for (size_t i = 0; i < t.n; i++)
		alerts_watch(as, t.of[i]->row.id, on);
	if (t.n)
		app_toast(a, TOAST_INFO,
		        on ? "watching %s: the bell rings when it ends" : "no longer watching %s",
		        targets_text(&t, text, sizeof(text)));
}

static bool open_something(struct app *a, enum action action)
{
	struct object o;

	switch (action) {
	case ACTION_COMMAND:
		push(a, command_line_new(a));
		return true;
	case ACTION_JUMP:
		push(a, jump_new(a));
		return true;
	case ACTION_ACTION_LOG:
		push(a, action_log_new(a));
		return true;
	case ACTION_CTR_RUN:
		push(a, run_form_new(a, NULL));
		return true;
	case ACTION_IMG_RUN:
		push(a, run_form_new(a, app_current(a, &o) && o.kind == OBJECT_IMAGE ? &o : NULL));
		return true;
	case ACTION_CTR_BULK:
		bulk_menu(a);
		return true;
	case ACTION_IMG_PRUNE:
		prune_menu(a, false);
		return true;
	case ACTION_VOL_PRUNE:
		prune_menu(a, true);
		return true;
	case ACTION_NET_PRUNE:
		prune_preview(a, PRUNE_NETWORKS);
		return true;
	case ACTION_NET_CREATE:
		push(a, network_form_new(a));
		return true;
	case ACTION_VOL_CREATE:
		push(a, volume_form_new(a));
		return true;
	case ACTION_CTR_WATCH:
		watch(a);
		return true;
	case ACTION_AGAIN:
		request_again(a, 0);
		return true;
	default:
		return false;
	}
}

static bool perform(struct app *a, enum action action)
{
	return container_action(a, action) || image_action(a, action) || transfer_action(a, action) ||
	       network_action(a, action) || volume_action(a, action) || shell_action(a, action);
}

static unsigned repeat(struct app *a)
{
	struct actions *as = app_actions(a);

	if (as->last == ACTION_NONE) {
		app_toast(a, TOAST_INFO, "nothing to repeat yet");
		return VIEW_DONE;
	}
	as->is_repeat = true;
	perform(a, as->last);
	as->is_repeat = false;
	return VIEW_DONE;
}

unsigned actions_perform(struct app *a, enum action action)
{
	struct actions *as = app_actions(a);

	if (action == ACTION_INTERRUPT)
		return interrupt(a);
	if (action == ACTION_REPEAT)
		return repeat(a);
	if (open_something(a, action) || copy_action(a, action))
		return VIEW_DONE;
	as->is_repeat = false;
	if (!perform(a, action))
		return VIEW_IGNORED;
	if (as->last != action)
		as->last_choice = 0;
	as->last = action;
	return VIEW_DONE;
}
