/* Pruning: first a child says what would go (--dry-run), then the user sees that and what it frees, then it
 * goes. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/units.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/request.h"

static const struct {
	const char *text, *detail, *words, *what;
	unsigned refresh;
} kinds[] = {
        [PRUNE_CONTAINERS] = {"Prune containers", "all that are stopped", "container prune",
                "stopped containers", 0},
        [PRUNE_IMAGES] = {"Prune images", "those without a name that no container uses", "image prune",
                "images without a name", MODEL_IMAGES},
        [PRUNE_IMAGES_ALL] = {"Prune all images", "all that no container uses", "image prune --all",
                "images that no container uses", MODEL_IMAGES},
        [PRUNE_VOLUMES] = {"Prune volumes", "those without a name that no container uses", "volume prune",
                "volumes without a name", MODEL_VOLUMES},
        [PRUNE_VOLUMES_ALL] = {"Prune all volumes", "all that no container uses", "volume prune --all",
                "volumes that no container uses", MODEL_VOLUMES},
        [PRUNE_NETWORKS] = {"Prune networks", "all that no container uses", "network prune",
                "networks that no container uses", MODEL_NETWORKS},
};

static void previewed(struct app *a, const struct job *j, int kind)
{
	cleanup_json json *doc = j->output ? json_parse(j->output, strlen(j->output), "prune", NULL) : NULL;
	cleanup_strv char **names = json_strv(doc, "Removed");
	int64_t bytes = json_int(doc, "SpaceReclaimed", 0);
	size_t n = strv_len(names);
	char size[SIZE_TEXT_SIZE];
	struct request *r;

	if (!n) {
		app_toast(a, TOAST_INFO, "nothing to prune: there are no %s", kinds[kind].what);
		return;
	}
	size_format_decimal(bytes > 0 ? (uint64_t)bytes : 0, size);
	r = request_new(kinds[kind].words);
	request_word(r, "--force");
	request_title(r, "%s", kinds[kind].words);
	request_said(r, "pruned %s", kinds[kind].what);
	if (r) {
		r->refresh = kinds[kind].refresh;
		r->tells_output = true;
	}
	if (kind == PRUNE_NETWORKS)
		request_confirm(
		        a, r, names, "Prune", true, "Prune %s? That removes %zu.", kinds[kind].what, n);
	else
		request_confirm(a, r, names, "Prune", true, "Prune %s? That removes %zu and frees %s.",
		        kinds[kind].what, n, size);
}

void prune_preview(struct app *a, enum prune_kind kind)
{
	struct request *r = request_new("--json");
	struct request *from = request_new(kinds[kind].words);

	strv_foreach (s, from ? from->args : NULL)
		request_word(r, *s);
	request_free(from);
	request_word(r, "--dry-run");
	request_title(r, "look what %s frees", kinds[kind].words);
	if (r) {
		r->done = previewed;
		r->value = (int)kind;
	}
	request_start(a, r);
}

static void picked(struct app *a, int value, void *arg)
{
	(void)arg;
	prune_preview(a, (enum prune_kind)value);
}

void prune_menu(struct app *a, bool volumes)
{
	int first = volumes ? PRUNE_VOLUMES : PRUNE_IMAGES;
	struct picker_item items[2];
	struct view *v;

	for (int i = 0; i < 2; i++)
		items[i] = (struct picker_item){kinds[first + i].text, kinds[first + i].detail, first + i};
	v = picker_new(a, &(struct picker_options){.title = "Prune: shows first what that frees",
	                          .items = items,
	                          .n = 2,
	                          .picked = picked});
	if (v)
		app_push(a, v);
}
