/* A request: a tare command that is about to be run for the user, with the words for it. What all actions
 * come down to. */
#ifndef TARE_TUI_REQUEST_H
#define TARE_TUI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct app;
struct job;
struct request;

struct request {
	char **args;       /* tare's words */
	char *title;       /* "stop web", while it runs */
	char *said;        /* "stopped web", when it has ended well; NULL: nothing is said */
	unsigned refresh;  /* MODEL_ bits that the engine's watch does not tell of */
	bool tells_output; /* the last line of its output belongs to what is said */
	/* Instead of what is said; when it has ended well. */
	void (*done)(struct app *a, const struct job *j, int value);
	int value;
	bool shows_output; /* in a dialog, however it ended */
	char *input; /* what the child reads from its standard input: a secret, wiped when it is freed */
};

/* `words`: tare's, with blanks between. NULL without memory; all that follow take NULL. */
struct request *request_new(const char *words);
void request_word(struct request *r, const char *word);
void request_title(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void request_said(struct request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A copy of a secret; not part of the command, the log, or what is tried again. */
void request_input(struct request *r, const char *text);
void request_free(void *r);

/* Run it as a job; takes it. An error becomes a toast. */
void request_start(struct app *a, struct request *r);
/* Ask first; takes it. The first twelve of `lines` are shown and how many more there are. */
void request_confirm(struct app *a, struct request *r, char *const *lines, const char *verb, bool destructive,
        const char *question_fmt, ...) __attribute__((format(printf, 6, 7)));

/* Run the request of that job again, which failed or was cancelled; 0: of the last such job. False, with a
 * toast: there is none. Of the last sixteen such jobs, that is; one with an input is never kept. */
bool request_again(struct app *a, unsigned job);
bool request_can_again(struct app *a, unsigned job);

/* Those that run and those that failed: kept by struct actions, so that none is lost with the jobs. */
struct requests;
struct requests *requests_new(void);
void requests_free(struct requests *rs);

#endif
