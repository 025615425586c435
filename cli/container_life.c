/* Commands that change the state of containers that exist. Each takes several and goes on after an error. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/run_options.h"
#include "engine/tare.h"

/* 0: done; 1: there was nothing to do; -1 with e. */
typedef int container_action(struct tare_engine *engine, const char *ref, const void *options, struct err *e);

/* Do it to each, print the names of those it was done to, and one line per error; 1 if there was any. */
static int each_container(struct cli *cli, char *const *refs, container_action *action, const void *options)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	int code = 0;

	if (!engine)
		return cli_fail(cli, &e);
	strv_foreach (ref, refs) {
		int rc;

		e = (struct err)ERR_INIT;
		rc = action(engine, *ref, options, &e);
		if (rc == 0) {
			printf("%s\n", *ref);
			fflush(stdout); /* the next one may take its time */
		}
		if (rc >= 0)
			continue;
		if (cli_fail(cli, &e) == 130)
			return 130;
		code = 1;
	}
	return code;
}

/* ------------------------------------------------------------------ stop, restart, kill */

struct signal_options {
	int timeout; /* of stop and restart */
	int signal;  /* 0: the container's */
	bool shutdown;
};

static void signal_init(void *options)
{
	((struct signal_options *)options)->timeout = TARE_TIMEOUT_DEFAULT;
}

static void kill_init(void *options)
{
	((struct signal_options *)options)->signal = 9; /* SIGKILL */
}

static int parse_timeout(void *options, const char *text, struct err *e)
{
	int64_t v;

	if (int_parse(text, -1, INT32_MAX, "number of seconds", &v, e) < 0)
		return -1;
	((struct signal_options *)options)->timeout = (int)v;
	return 0;
}

static int parse_signal(void *options, const char *text, struct err *e)
{
	int sig = signal_parse(text);

	if (sig <= 0)
		return err_set(
		        e, ERR_USAGE, "unknown signal \"%s\"; write a name or number such as TERM", text);
	((struct signal_options *)options)->signal = sig;
	return 0;
}

#define OPTIONS struct signal_options
#define STOP_ROWS                                                                                            \
	OPT_CALL("signal", 's', parse_signal, "SIGNAL", "signals",                                           \
	        "Signal that asks it to stop (default: the container's)"),                                   \
	        OPT_CALL("timeout", 't', parse_timeout, "SECONDS", "none",                                   \
	                "Time to obey before it is killed; -1 for ever"),                                    \
	        OPT_ALIAS("time", 0, "timeout")

static const struct option stop_options[] = {
        OPT_FLAG("shutdown", 0, shutdown,
                "Stop all before the host goes down; policies start theirs at the boot"),
        STOP_ROWS,
        OPTION_END,
};

static const struct option restart_options[] = {
        STOP_ROWS,
        OPTION_END,
};

static const struct option kill_options[] = {
        OPT_CALL("signal", 's', parse_signal, "SIGNAL", "signals", "Signal to send (default KILL)"),
        OPTION_END,
};
#undef OPTIONS

static int stop_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	const struct signal_options *o = options;

	return engine->stop(engine, ref, o->timeout, o->signal, e);
}

static int restart_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	const struct signal_options *o = options;

	return engine->restart(engine, ref, o->timeout, o->signal, e);
}

static int kill_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	const struct signal_options *o = options;

	return engine->kill(engine, ref, o->signal, e);
}

/* What a service runs once before the host goes down. */
static int stop_shutdown(struct cli *cli)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	cleanup_strv char **stopped = NULL, **failed = NULL;

	if (engine && !engine->shutdown)
		engine = err_set_null(&e, ERR_UNSUPPORTED, "stop: --shutdown cannot be had here");
	if (!engine)
		return cli_fail(cli, &e);
	int rc = engine->shutdown(engine, &stopped, &failed, &e);
	return cli_tell_each(cli, rc, stopped, failed, &e);
}

static int check_stop(const struct signal_options *o, char *const *operands, struct err *e)
{
	if (o->shutdown && (operands[0] || o->signal || o->timeout != TARE_TIMEOUT_DEFAULT))
		return err_set(e, ERR_USAGE,
		        "stop: --shutdown goes alone: it stops all, each by its own signal and in its own "
		        "time");
	if (!o->shutdown && !operands[0])
		return err_set(e, ERR_USAGE, "stop: an operand is missing: name a container, or --shutdown");
	return 0;
}

static int stop_run(struct cli *cli, void *options, char **operands)
{
	const struct signal_options *o = options;
	struct err e = ERR_INIT;

	if (check_stop(o, operands, &e) < 0)
		return cli_fail(cli, &e);
	if (o->shutdown)
		return stop_shutdown(cli);
	return each_container(cli, operands, stop_one, options);
}

static int restart_run(struct cli *cli, void *options, char **operands)
{
	return each_container(cli, operands, restart_one, options);
}

static int kill_run(struct cli *cli, void *options, char **operands)
{
	return each_container(cli, operands, kill_one, options);
}

/* ------------------------------------------------------------------ pause, unpause, rename */

static int pause_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	(void)options;
	return engine->pause(engine, ref, e);
}

static int unpause_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	(void)options;
	return engine->unpause(engine, ref, e);
}

static int pause_run(struct cli *cli, void *options, char **operands)
{
	return each_container(cli, operands, pause_one, options);
}

static int unpause_run(struct cli *cli, void *options, char **operands)
{
	return each_container(cli, operands, unpause_one, options);
}

static int rename_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine;

	(void)options;
	if (tare_name_check(operands[1], &e) < 0)
		return cli_fail(cli, &e);
	engine = cli_engine(cli, &e);
	if (!engine || engine->rename(engine, operands[0], operands[1], &e) < 0)
		return cli_fail(cli, &e);
	return 0;
}

/* ------------------------------------------------------------------ update */

static int update_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	cleanup_strv char **warnings = NULL;
	int rc;

	rc = engine->update(engine, ref, options, &warnings, e);
	strv_foreach (w, warnings)
		fprintf(stderr, "tare: %s\n", *w);
	return rc;
}

static int update_run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct tare_update u;

	if (run_options_update(options, &u, &e) < 0)
		return cli_fail(cli, &e);
	return each_container(cli, operands, update_one, &u);
}

/* ------------------------------------------------------------------ rm */

struct remove_options {
	struct tare_remove remove;
	bool all;
};

#define OPTIONS struct remove_options
static const struct option remove_options[] = {
        OPT_FLAG("force", 'f', remove.force, "Kill it first if it runs; say nothing if it does not exist"),
        OPT_FLAG("volumes", 'v', remove.volumes, "Remove its anonymous volumes too"),
        OPT_FLAG("all", 'a', all, "All that are not running; with --force all"),
        OPTION_END,
};
#undef OPTIONS

static int remove_one(struct tare_engine *engine, const char *ref, const void *options, struct err *e)
{
	const struct remove_options *o = options;

	if (engine->remove(engine, ref, &o->remove, e) == 0)
		return 0;
	return o->remove.force && e->kind == ERR_NOT_FOUND ? 1 : -1;
}

static bool is_active(enum tare_state state)
{
	return state == TARE_RUNNING || state == TARE_PAUSED || state == TARE_RESTARTING;
}

/* What cannot be read is removed by whoever means it. */
static char **removable_names(struct tare_engine *engine, bool force, struct err *e)
{
	__attribute__((cleanup(tare_container_list_free))) struct tare_container_list list = {0};
	char **names = NULL;

	if (engine->list(engine, true, &list, e) < 0)
		return NULL;
	for (size_t i = 0; i < list.n; i++)
		if (list.rows[i].state != TARE_DEAD && (force || !is_active(list.rows[i].state)) &&
		        strv_add(&names, list.rows[i].name) < 0)
			break;
	return names ? names : calloc(1, sizeof(char *));
}

static int remove_run(struct cli *cli, void *options, char **operands)
{
	struct remove_options *o = options;
	struct err e = ERR_INIT;
	struct tare_engine *engine;
	cleanup_strv char **names = NULL;

	if (o->all == (operands[0] != NULL)) {
		err_set(&e, ERR_USAGE,
		        o->all ? "rm: --all takes no names; leave one of them out"
		               : "rm: an operand is missing: name a container, or --all");
		return cli_fail(cli, &e);
	}
	if (!o->all)
		return each_container(cli, operands, remove_one, o);
	engine = cli_engine(cli, &e);
	names = engine ? removable_names(engine, o->remove.force, &e) : NULL;
	return names ? each_container(cli, names, remove_one, o) : cli_fail(cli, &e);
}

/* ------------------------------------------------------------------ the rows */

#define SEVERAL                                                                                              \
	.group = GROUP_CONTAINERS, .operands = "CONTAINER [CONTAINER...]", .min_operands = 1,                \
	.max_operands = -1

const struct command container_life_commands[] = {
        {
                .words = "stop",
                .aliases = "container stop",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER...|--shutdown",
                .max_operands = -1,
                .summary = "Stop containers: ask, wait, then kill",
                .details = "With --shutdown all that runs is stopped, at once and each in the time that it "
                           "has, as "
                           "before the host goes down: none of it counts as stopped by you, and tare start "
                           "--boot "
                           "starts what the restart policies ask for. The service tare.service does that.",
                .examples = "tare stop web\ntare stop -t 2 web db\ntare stop --shutdown",
                .complete = "running",
                .options = stop_options,
                .size = sizeof(struct signal_options),
                .init = signal_init,
                .run = stop_run,
        },
        {
                .words = "restart",
                .aliases = "container restart",
                SEVERAL,
                .summary = "Stop and start containers",
                .complete = "containers",
                .options = restart_options,
                .size = sizeof(struct signal_options),
                .init = signal_init,
                .run = restart_run,
        },
        {
                .words = "kill",
                .aliases = "container kill",
                SEVERAL,
                .summary = "Send a signal to containers",
                .examples = "tare kill web\ntare kill -s HUP web",
                .complete = "running",
                .options = kill_options,
                .size = sizeof(struct signal_options),
                .init = kill_init,
                .run = kill_run,
        },
        {
                .words = "pause",
                .aliases = "container pause",
                SEVERAL,
                .summary = "Freeze all processes of containers",
                .complete = "running",
                .run = pause_run,
        },
        {
                .words = "unpause",
                .aliases = "container unpause",
                SEVERAL,
                .summary = "Let paused containers go on",
                .complete = "running",
                .run = unpause_run,
        },
        {
                .words = "update",
                .aliases = "container update",
                SEVERAL,
                .summary = "Change limits, restart policy and health check of containers, running or not",
                .details = "All that is asked for is changed, or nothing. What is not named stays. With "
                           "--memory alone a limit on memory and swap together that was asked for before "
                           "stays too; where there was none, there is as much swap as memory again. "
                           "A health check that is changed begins anew.",
                .examples = "tare update --memory 256m --cpus 0.5 web\n"
                            "tare update --restart unless-stopped web db\n"
                            "tare update --memory -1 --pids-limit -1 web\n"
                            "tare update --health-cmd 'wget -qO- localhost' --health-interval 10s web",
                .complete = "containers",
                .options = update_option_rows,
                .size = sizeof(struct run_options),
                .init = run_options_init,
                .fini = run_options_fini,
                .run = update_run,
        },
        {
                .words = "rename",
                .aliases = "container rename",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER NAME",
                .min_operands = 2,
                .max_operands = 2,
                .summary = "Give a container another name",
                .complete = "containers",
                .run = rename_run,
        },
        {
                .words = "rm",
                .aliases = "container rm",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER...|--all",
                .max_operands = -1,
                .summary = "Remove containers",
                .examples = "tare rm web\ntare rm -f web db\ntare rm --all",
                .complete = "containers",
                .options = remove_options,
                .size = sizeof(struct remove_options),
                .run = remove_run,
        },
        {0},
};
