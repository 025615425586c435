/* Jobs: each action of the dashboard runs as a child `tare …`, so nothing ever waits and a crash in a parser
 * of foreign bytes cannot take the dashboard along. Finished ones stay in the action log. */
#ifndef TARE_TUI_JOB_H
#define TARE_TUI_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tui/job_object.h"

struct app;
struct err;
struct jobs;

enum job_state { JOB_RUNNING, JOB_OK, JOB_FAILED, JOB_CANCELLED };

struct job {
	unsigned number; /* counts from 1 */
	char *title;     /* "stop web" */
	char *command;   /* as one would type it: "tare stop web" */
	enum job_state state;
	int exit_code;
	int64_t started, ended;  /* CLOCK_MONOTONIC ns */
	int64_t began, finished; /* by the engine's clock, which may stand still */
	/* the last progress line of the child (base/progress.h): what, phase, bytes */
	char what[64], phase[32];
	uint64_t done, total;       /* total 0: unknown */
	struct job_objects objects; /* all that its progress lines named */
	char *output;               /* stdout, at most 64 KiB */
	char *error;                /* its last line on stderr, without "tare: ", or NULL */
	char *messages;             /* all of stderr, at most 64 KiB */
};

typedef void job_done_fn(struct app *a, const struct job *j, void *arg);

struct jobs *jobs_new(struct app *a);
void jobs_free(struct jobs *js); /* asks running children to stop, does not wait for long */
/* args: tare's words ("stop", "web", NULL), copied. `done` (may be NULL) is called on the loop's thread. The
 * job is borrowed until the log drops it (the last 500 are kept). NULL with e. */
const struct job *job_start(
        struct jobs *js, char *const *args, const char *title, job_done_fn *done, void *arg, struct err *e);
/* The same, and `input` is what it reads from its standard input: how a password gets there without being in
 * a list of processes or in the log. At most JOB_INPUT_MAX bytes; it is not kept. */
#define JOB_INPUT_MAX 4096
const struct job *job_start_with_input(struct jobs *js, char *const *args, const char *input,
        const char *title, job_done_fn *done, void *arg, struct err *e);
/* What is to be read rather than to be seen: up to `most` bytes of its output are there when `done` is
 * called, and gone afterwards. What was more is cut off, in the middle of a line. */
#define JOB_READING_MAX ((size_t)8 << 20)
const struct job *job_start_reading(struct jobs *js, char *const *args, size_t most, const char *title,
        job_done_fn *done, void *arg, struct err *e);
/* A command of tare with these words, as one would type it; the caller's to free. */
char *job_command_text(struct app *a, char *const *args);
void job_cancel(struct jobs *js, unsigned number);
/* For the one owner of SIGCHLD: true when `pid` was a job's; `status` as waitpid() gave it. */
bool jobs_child_ended(struct jobs *js, pid_t pid, int status);
/* The newest that still runs, or NULL. */
const struct job *jobs_current(const struct jobs *js);
size_t jobs_running(const struct jobs *js);
/* Newest last. */
size_t jobs_list(const struct jobs *js, const struct job *const **list);

/* The action log as a dialog (`!`). */
struct view *action_log_new(struct app *a);

#endif
