/* tare, the command that users type: its tables, and what it does without a word. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/proc.h"
#include "cli/archive_options.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/dashboard.h"
#include "cli/demo.h"
#include "cli/man.h"
#include "engine/tare.h"

/* Become the helper that has this command; it reads the same command line. */
static int run_helper(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	char path[4096];

	if (cli->demo)
		return demo_run(cli, options, operands);
	if (helper_path(cli->command->helper ? cli->command->helper : "tare-transfer", path, sizeof(path),
	            &e) < 0)
		return cli_fail(cli, &e);
	execv(path, cli->argv);
	err_sys(&e, "cannot run %s", path);
	return cli_fail(cli, &e);
}

static int run_internal(struct cli *cli, void *options, char **words)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine;

	(void)options;
	if (!words[0] || !words[1]) {
		err_set(&e, ERR_USAGE, "--internal needs a verb and what it is for");
		return cli_fail(cli, &e);
	}
	if (strcmp(words[0], "man") == 0) /* as the build does */
		return man_write(cli->program, words[1], &e) < 0 ? cli_fail(cli, &e) : 0;
	engine = cli_engine(cli, &e);
	int code = engine ? engine->internal(engine, words[0], words[1], &e) : -1;
	return code < 0 ? cli_fail(cli, &e) : code;
}

/* Nothing was asked: the dashboard. Without a terminal for it, what runs, and how to go on. */
static int run_bare(struct cli *cli, void *options, char **operands)
{
	char *ps[] = {"ps", NULL};
	bool terminal = dashboard_has_terminal();
	int code;

	(void)options;
	(void)operands;
	if (terminal && dashboard_can_draw() && !cli->json)
		return dashboard_become(cli, NULL);
	code = program_run(cli, ps);
	if (code == 0 && !cli->json)
		printf("\n%sStart one: tare run busybox echo hello\nAll commands: tare help\n",
		        terminal ? "The dashboard can't draw here: TERM is dumb, or not set.\n" : "");
	return code;
}

int main(int argc, char **argv)
{
	static const struct program tare = {
	        .name = "tare",
	        .tables = command_tables,
	        .run_other = run_helper,
	        .run_bare = run_bare,
	        .run_internal = run_internal,
	};

	/* a caller that ignores it hands that on, and the kernel would reap our children before we hear their
	 * code */
	signal(SIGCHLD, SIG_DFL);
	return program_main(&tare, argc, argv);
}
