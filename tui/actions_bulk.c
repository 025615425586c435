/* The menu of what is done to many containers at once. */
#include <stdio.h>

#include "base/buf.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/request.h"

enum bulk { BULK_STOP, BULK_START, BULK_RESTART, BULK_REMOVE, BULK_PRUNE, BULK_PRUNE_IMAGES, BULK_N };

static const struct {
	const char *text, *word, *past, *verb;
	bool active, destructive; /* of which containers */
} bulks[] = {
        [BULK_STOP] = {"Stop all that run", "stop", "stopped", "Stop", true, false},
        [BULK_START] = {"Start all that are stopped", "start", "started", "Start", false, false},
        [BULK_RESTART] = {"Restart all that run", "restart", "restarted", "Restart", true, false},
        [BULK_REMOVE] = {"Remove all that are stopped", "rm", "removed", "Remove", false, true},
        [BULK_PRUNE] = {"Prune containers", NULL, NULL, NULL, false, true},
        [BULK_PRUNE_IMAGES] = {"Prune images", NULL, NULL, NULL, false, true},
};

static size_t count(struct app *a, bool active)
{
	struct model_container *const *rows;
	size_t n = model_containers(app_model(a), &rows), k = 0;

	for (size_t i = 0; i < n; i++)
		k += container_is_active(rows[i]) == active;
	return k;
}

static void do_bulk(struct app *a, enum bulk b)
{
	struct model_container *const *rows;
	size_t n = model_containers(app_model(a), &rows), k = count(a, bulks[b].active);
	cleanup_strv char **names = NULL;
	struct request *r;

	if (!k) {
		app_toast(a, TOAST_INFO, bulks[b].active ? "no container runs" : "no container is stopped");
		return;
	}
	r = request_new(bulks[b].word);
	for (size_t i = 0; i < n; i++) {
		if (container_is_active(rows[i]) != bulks[b].active)
			continue;
		request_word(r, container_ref(rows[i]));
		strv_add(&names, container_ref(rows[i]));
	}
	request_title(r, "%s %zu containers", bulks[b].word, k);
	request_said(r, "%s %zu containers", bulks[b].past, k);
	request_confirm(a, r, names, bulks[b].verb, bulks[b].destructive, "%s %zu container%s%s?",
	        bulks[b].verb, k, k == 1 ? "" : "s",
	        b == BULK_REMOVE ? ", with all that was written in them" : "");
}

static void picked(struct app *a, int value, void *arg)
{
	(void)arg;
	if (value == BULK_PRUNE)
		prune_preview(a, PRUNE_CONTAINERS);
	else if (value == BULK_PRUNE_IMAGES)
		prune_menu(a, false);
	else
		do_bulk(a, (enum bulk)value);
}

void bulk_menu(struct app *a)
{
	struct picker_item items[BULK_N];
	char details[BULK_N][48];
	struct view *v;

	for (int i = 0; i < BULK_N; i++) {
		if (bulks[i].word)
			snprintf(details[i], sizeof(details[i]), "%zu of them", count(a, bulks[i].active));
		else
			snprintf(details[i], sizeof(details[i]), "shows first what that frees");
		items[i] = (struct picker_item){bulks[i].text, details[i], i};
	}
	v = picker_new(a, &(struct picker_options){
	                          .title = "Act on many", .items = items, .n = BULK_N, .picked = picked});
	if (v)
		app_push(a, v);
}
