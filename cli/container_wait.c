/* wait: until containers have ended, are gone, run, or are healthy. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "engine/tare.h"

#define NO_EXIT_CODE (-1) /* podman's word for a container that has not ended */
#define LOOK_MS      1000 /* what no event tells is seen that soon: a process that was killed with its monitor */

/* Docker's and podman's words. */
static const struct condition {
	const char *word;
	bool end, removed; /* the end of a run, or more; else a state or a health */
	enum tare_state state;
	enum tare_health health; /* NONE: the state counts */
} conditions[] = {
        {"stopped", true, false, TARE_EXITED, TARE_HEALTH_NONE},
        {"exited", true, false, TARE_EXITED, TARE_HEALTH_NONE},
        {"not-running", true, false, TARE_EXITED, TARE_HEALTH_NONE},
        {"removed", true, true, TARE_EXITED, TARE_HEALTH_NONE},
        {"created", false, false, TARE_CREATED, TARE_HEALTH_NONE},
        {"running", false, false, TARE_RUNNING, TARE_HEALTH_NONE},
        {"paused", false, false, TARE_PAUSED, TARE_HEALTH_NONE},
        {"healthy", false, false, TARE_RUNNING, TARE_HEALTH_HEALTHY},
        {"unhealthy", false, false, TARE_RUNNING, TARE_HEALTH_UNHEALTHY},
};
#define WORDS "stopped exited not-running removed created running paused healthy unhealthy"

struct wait_options {
	const struct condition *condition;
	bool ignore;
};

static void wait_init(void *options)
{
	((struct wait_options *)options)->condition = &conditions[0];
}

static int parse_condition(void *options, const char *text, struct err *e)
{
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
		if (strcmp(conditions[i].word, text) == 0) {
			((struct wait_options *)options)->condition = &conditions[i];
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown condition \"%s\"; one of " WORDS, text);
}

#define OPTIONS struct wait_options
static const struct option wait_options[] = {
        OPT_CALL("condition", 0, parse_condition, "CONDITION", WORDS,
                "What to wait for: stopped (default), removed, running, paused, created, healthy, unhealthy"),
        OPT_FLAG("ignore", 0, ignore, "A container that does not exist is no error"),
        OPTION_END,
};
#undef OPTIONS

/* ------------------------------------------------------------------ states and health */

/* 1: it holds; 0: not yet; -1: it never will. */
static int holds(const struct tare_container *c, const struct condition *want, struct err *e)
{
	if (!want->health)
		return c->state == want->state;
	if (c->health == want->health && c->state == TARE_RUNNING)
		return 1;
	if (c->state == TARE_EXITED || c->state == TARE_DEAD)
		return err_set(e, ERR_CONFLICT, "container %s ended with exit code %d before it was %s",
		        c->name, c->exit_code, want->word);
	if (c->health == TARE_HEALTH_NONE && c->state == TARE_RUNNING)
		return err_set(e, ERR_CONFLICT,
		        "container %s has no health check; give it one: tare update --health-cmd COMMAND",
		        c->name);
	return 0;
}

static int forget_event(json *event, void *arg)
{
	(void)event;
	(void)arg;
	return 0;
}

static int look_until(struct tare_engine *engine, struct tare_watch *watch, const char *ref,
        const struct condition *want, struct err *e)
{
	char id[TARE_ID_LEN + 1];

	if (engine->resolve(engine, ref, id, e) < 0) /* it may be renamed meanwhile */
		return -1;
	for (;;) {
		struct pollfd p = {.fd = watch->fd, .events = POLLIN};
		struct tare_container c = {0};

		if (engine->look(engine, id, &c, e) < 0)
			return -1;
		int rc = holds(&c, want, e);
		tare_container_free(&c);
		if (rc)
			return rc < 0 ? -1 : 0;
		if (poll(&p, 1, LOOK_MS) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for events");
		if (engine->watch_drain(engine, watch, forget_event, NULL, e) < 0)
			return -1;
	}
}

static int wait_state(
        struct tare_engine *engine, const char *ref, const struct condition *want, struct err *e)
{
	struct tare_watch *watch;

	/* watched before it is looked at, so that nothing falls between the two */
	if (engine->watch_open(engine, &watch, e) < 0)
		return -1;
	int rc = look_until(engine, watch, ref, want, e);
	engine->watch_close(engine, watch);
	return rc;
}

/* ------------------------------------------------------------------ one and several */

/* Prints the exit code to `out`; the exit code of ours. */
static int wait_one(struct cli *cli, const struct wait_options *o, const char *ref, FILE *out)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	int exit_code = NO_EXIT_CODE, rc;

	if (!engine)
		return cli_fail(cli, &e);
	rc = o->condition->end ? engine->wait(engine, ref, o->condition->removed, &exit_code, &e)
	                       : wait_state(engine, ref, o->condition, &e);
	if (rc < 0 && o->ignore && e.kind == ERR_NOT_FOUND)
		rc = 0;
	if (rc < 0)
		return cli_fail(cli, &e) == 130 ? 130 : 1;
	fprintf(out, "%d\n", exit_code);
	return fflush(out) != 0;
}

/* A process of its own for each, since one that removes itself would be gone when its turn comes. */
static int start_waiting(struct cli *cli, const struct wait_options *o, const char *ref, pid_t *pid)
{
	int ends[2];

	if (pipe(ends) != 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		FILE *out = fdopen(ends[1], "w");
		close(ends[0]);
		_exit(out ? wait_one(cli, o, ref, out) : 1);
	}
	close(ends[1]);
	if (*pid < 0)
		close_fd(&ends[0]);
	return ends[0];
}

/* What it printed, and its exit code. */
static int finish_waiting(int fd, pid_t pid)
{
	char text[32];
	ssize_t n;
	int status = 0;

	while ((n = read_full(fd, text, sizeof text)) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	fflush(stdout);
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int wait_run(struct cli *cli, void *options, char **operands)
{
	size_t n = strv_len(operands), started = 0;
	cleanup_free pid_t *pids = calloc(n, sizeof *pids);
	cleanup_free int *fds = calloc(n, sizeof *fds);
	int code = 0;

	if (n == 1)
		return wait_one(cli, options, operands[0], stdout);
	while (pids && fds && started < n &&
	        (fds[started] = start_waiting(cli, options, operands[started], &pids[started])) >= 0)
		started++;
	for (size_t i = 0; i < started; i++)
		code |= finish_waiting(fds[i], pids[i]);
	if (started < n) {
		struct err e = ERR_INIT;
		err_sys(&e, "cannot wait for %s", operands[started]);
		return cli_fail(cli, &e);
	}
	return code;
}

const struct command wait_commands[] = {
        {
                .words = "wait",
                .aliases = "container wait",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER [CONTAINER...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Wait until containers end and print their exit codes",
                .details = "They are waited for at the same time, and their exit codes are printed in the "
                           "order of the line; for a condition that is no end, -1. A container that is to "
                           "be healthy and ends, or has no health check, is an error.",
                .examples = "tare wait web db\ntare wait --condition healthy web\n"
                            "tare wait --condition removed job",
                .complete = "containers",
                .options = wait_options,
                .size = sizeof(struct wait_options),
                .init = wait_init,
                .run = wait_run,
        },
        {0},
};
