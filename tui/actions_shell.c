/* Shells in containers, and attaching to their process. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/screen.h"

/* bash where there is one, then ash, then sh; said to the container's own sh, so that its PATH counts. */
#define FIND_SHELL "command -v bash >/dev/null && exec bash; command -v ash >/dev/null && exec ash; exec sh"

/* Whether there is anything to run; without this the pane would open and close again. A simulated container
 * has no files of that kind, so it is asked of real ones only. */
static bool has_shell(struct app *a, const struct model_container *c)
{
	static const char *const paths[] = {"/bin/sh", "/usr/bin/sh", "/bin/busybox"};
	struct tare_engine *engine = app_engine(a);
	struct err e = ERR_INIT;

	if (app_is_demo(a))
		return true;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int fd = engine->file_open(engine, TARE_TREE_CONTAINER, c->row.id, paths[i], &e);

		if (fd >= 0) {
			close(fd);
			return true;
		}
		if (e.kind != ERR_NOT_FOUND)
			return true; /* not known: let exec say what is wrong */
	}
	return false;
}

static void open_shell(struct app *a, const struct model_container *c, enum action action)
{
	const char *ref = container_ref(c);
	/* What its pane is; the container knows nothing of it. */
	bool outside = action == ACTION_CTR_SHELL_OUTSIDE;
	char *term = outside ? "TERM" : "TERM=xterm-256color";
	char *colours = screen_depth(app_screen(a)) == DEPTH_TRUE ? "COLORTERM=truecolor" : "COLORTERM";
	char *const shell[] = {
	        "exec", "-it", "-e", term, "-e", colours, (char *)ref, "sh", "-c", FIND_SHELL, NULL};
	/* A simulated one has no files to look for, only its one shell. */
	char *const pretended[] = {"exec", "-it", (char *)ref, "sh", NULL};
	char *const *words = app_is_demo(a) ? pretended : shell;
	char *const attach[] = {"attach", (char *)ref, NULL};
	struct object about = {.kind = OBJECT_CONTAINER};

	snprintf(about.id, sizeof(about.id), "%s", c->row.id);
	if (c->row.state != TARE_RUNNING) {
		app_toast(a, TOAST_WARN,
		        c->row.state == TARE_PAUSED ? "%s is paused; p lets it go on"
		                                    : "%s does not run; S starts it",
		        ref);
		return;
	}
	if (action == ACTION_CTR_ATTACH) {
		app_open_shell(a, attach, ref, &about);
		return;
	}
	if (!has_shell(a, c))
		app_toast(a, TOAST_WARN,
		        "%s has no shell in its image; f shows its files, a attaches to its process", ref);
	else if (outside)
		app_run_outside(a, words);
	else
		app_open_shell(a, words, ref, &about);
}

bool shell_action(struct app *a, enum action action)
{
	struct object o;
	const struct model_container *c;

	if (action != ACTION_CTR_SHELL && action != ACTION_CTR_SHELL_OUTSIDE && action != ACTION_CTR_ATTACH)
		return false;
	c = app_current(a, &o) && o.kind == OBJECT_CONTAINER ? model_container(app_model(a), o.id) : NULL;
	if (c)
		open_shell(a, c, action);
	else
		app_toast(a, TOAST_INFO, "no container is selected; 1 shows them");
	return true;
}
