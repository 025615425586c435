/* Shells: children on terminals of their own, kept alive whatever the user looks at. Each is a `tare exec -it
 * …` (or attach, or run); a pane only shows one. */
#ifndef TARE_TUI_SHELLS_H
#define TARE_TUI_SHELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tui/loop.h"
#include "tui/model.h"

struct app;
struct asciicast;
struct err;
struct shells;
struct term;

#define SHELLS_MAX 64

struct shell {
	struct shells *all;
	unsigned number; /* counts from 1 */
	char id[16];     /* the number as text: the id of its object */
	char title[64];
	struct object about; /* what it was opened in */
	char **args;         /* tare's words */
	struct term *term;

	int fd;     /* -1: hung up */
	pid_t pid;  /* 0: has ended */
	bool ended; /* child and output */
	int exit_code;
	int64_t started, ended_at; /* seconds since the epoch */

	unsigned watchers;    /* visible views that show it */
	const void *sized_by; /* the view whose size it has */
	bool active, rang;    /* something was written, the bell rang, while nobody looked */
	struct asciicast *recording;

	/* private */
	int rows, cols; /* wanted */
	int64_t last_resize, last_bell;
	struct loop_timer resize_timer, end_timer;
	bool asked_to_end;
	unsigned pauses; /* for its last output */
	bool rests;      /* its output waits for the next window */
	bool had_turn;   /* since all that wait began anew */
	int64_t spent;   /* on it, in this one */
};

struct shells *shells_new(struct app *a);
void shells_free(struct shells *ss); /* hangs up on all; NULL allowed */

/* Told whenever the list of shells, or what it shows of one, has changed. NULL: nobody. */
void shells_listen(struct shells *ss, void (*fn)(void *arg), void *arg);

size_t shells_count(const struct shells *ss);
struct shell *shells_get(const struct shells *ss, size_t i);              /* oldest first */
struct shell *shells_find(const struct shells *ss, unsigned number);      /* NULL: closed */
struct shell *shells_of(const struct shells *ss, const struct object *o); /* of OBJECT_SHELL */
struct object shell_object(const struct shell *sh);

/* args: tare's words after the global ones, copied. NULL with e. */
struct shell *shells_start(
        struct shells *ss, char *const *args, const char *title, const struct object *about, struct err *e);
/* An ended one runs its command again, in the same place. */
int shell_restart(struct shell *sh, struct err *e);
/* Hang up; the second time, kill. */
void shell_end(struct shell *sh);
/* Ends it where it still runs, and forgets it. */
void shell_close(struct shell *sh);
/* From the one who waits for children. False: not ours. */
bool shells_child_ended(struct shells *ss, pid_t pid, int status);

/* After term_key() and the like: what they have put out goes to the child. */
void shell_flush(struct shell *sh);
/* The size of its pane; taken over soon, the last of many. */
void shell_resize(struct shell *sh, int rows, int cols);
/* A view shows it, or does not any more. */
void shell_watch(struct shell *sh, bool on);
/* Record to a file of the state directory, or stop; says so in a toast. */
void shell_record(struct shell *sh);
/* "running", "exited 1", … for the list. */
const char *shell_state(const struct shell *sh, char *dst, size_t size);

#endif
