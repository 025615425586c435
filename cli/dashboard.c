#include "cli/dashboard.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "cli/command.h"
#include "cli/command_tables.h"

#define NO_TERMINAL 2 /* exit code */

bool dashboard_has_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool dashboard_can_draw(void)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") != 0;
}

static int add_pair(char ***argv, const char *name, const char *value)
{
	if (!value)
		return 0;
	return strv_add(argv, name) < 0 || strv_add(argv, value) < 0 ? -1 : 0;
}

static int build(const struct cli *cli, const char *path, char *const *args, char ***argv)
{
	if (strv_add(argv, path) < 0 || add_pair(argv, "--root", cli->root) < 0 ||
	        add_pair(argv, "--state", cli->state) < 0 || (cli->demo && strv_add(argv, "--demo") < 0) ||
	        add_pair(argv, "--log-level", cli->log_level) < 0)
		return -1;
	strv_foreach (a, args)
		if (strv_add(argv, *a) < 0)
			return -1;
	return 0;
}

int dashboard_become(struct cli *cli, char *const *args)
{
	struct err e = ERR_INIT;
	char path[4096];
	cleanup_strv char **argv = NULL;

	if (helper_path("tare-tui", path, sizeof(path), &e) == 0) {
		if (build(cli, path, args, &argv) < 0) {
			err_no_memory(&e);
		} else {
			execv(path, argv);
			err_sys(&e, "cannot run %s", path);
		}
	}
	return cli_fail(cli, &e);
}

/* ------------------------------------------------------------------ tare tui */

struct tui_options {
	char *theme, *keys, *color;
	bool ascii, no_mouse, screen_reader;
};

#define OPTIONS struct tui_options
static const struct option tui_options[] = {
        OPT_STRING("theme", 0, theme, "NAME", "none", "Its colours, this time"),
        OPT_STRING("keys", 0, keys, "NAME", "default lazydocker k9s htop emacs", "Its keys, this time"),
        OPT_STRING("color", 0, color, "WHEN", "auto never 16 256 true", "How many colours the terminal has"),
        OPT_FLAG("ascii", 0, ascii, "Draw lines and graphs with ASCII only"),
        OPT_FLAG("no-mouse", 0, no_mouse, "Leave the mouse to the terminal"),
        OPT_FLAG("screen-reader", 0, screen_reader,
                "No borders, nothing that moves, the cursor on what is chosen"),
        OPTION_END,
};
#undef OPTIONS

static int tui_run(struct cli *cli, void *options, char **operands)
{
	const struct tui_options *o = options;
	struct err e = ERR_INIT;
	cleanup_strv char **args = NULL;
	const char *term = getenv("TERM");

	(void)operands;
	if (!dashboard_has_terminal())
		err_set(&e, ERR_USAGE,
		        "the dashboard needs a terminal as its input and output; without one: tare ps");
	else if (!dashboard_can_draw())
		err_set(&e, ERR_USAGE,
		        "the dashboard can't draw on this terminal: TERM is %s; set it, or use: tare ps",
		        term && *term ? "dumb" : "not set");
	else if (add_pair(&args, "--theme", o->theme) < 0 || add_pair(&args, "--keys", o->keys) < 0 ||
	         add_pair(&args, "--color", o->color) < 0 || (o->ascii && strv_add(&args, "--ascii") < 0) ||
	         (o->no_mouse && strv_add(&args, "--no-mouse") < 0) ||
	         (o->screen_reader && strv_add(&args, "--screen-reader") < 0))
		err_no_memory(&e);
	else
		return dashboard_become(cli, args);
	cli_fail(cli, &e);
	return NO_TERMINAL;
}

const struct command dashboard_commands[] = {
        {
                .words = "tui",
                .aliases = "dashboard",
                .group = GROUP_SYSTEM,
                .summary = "Open the dashboard, as tare alone does on a terminal",
                .details = "Containers, images, volumes, logs, use of resources and shells on one screen. ? "
                           "shows its keys.",
                .examples = "tare\nsudo tare tui --theme mono\ntare --demo",
                .options = tui_options,
                .size = sizeof(struct tui_options),
                .run = tui_run,
        },
        {0},
};
