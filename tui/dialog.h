/* Dialogs that the whole dashboard uses: confirm, ask for a line, pick from a list, fill in a form. Each is a
 * view for app_push(); the callbacks run on the loop's thread before the dialog is freed. `arg` is freed with
 * the dialog by free_arg (NULL: not at all), and also when there was no memory for a dialog (NULL). */
#ifndef TARE_TUI_DIALOG_H
#define TARE_TUI_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

struct app;
struct err;
struct view;

/* `lines`: what will happen, one object a line (NULL-terminated, copied). `verb`: "Remove". Enter or y does
 * it, Esc or n doesn't; a destructive one starts on "Cancel". */
struct view *confirm_new(struct app *a, const char *question, char *const *lines, const char *verb,
        bool destructive, void (*yes)(struct app *a, void *arg), void *arg, void (*free_arg)(void *arg));

/* One line of input with history per `history` name (NULL: none). `check` (may be NULL) gives an error to
 * show beneath. `complete` (may be NULL) appends candidates for the last word of the text, which is the part
 * up to the cursor. `changed` (may be NULL) sees each keystroke, for live filters. `ok` gets the text, or
 * NULL when it was cancelled. */
struct prompt_options {
	const char *label, *text, *history;
	bool (*check)(struct app *a, const char *text, char *error, size_t size, void *arg);
	void (*complete)(struct app *a, const char *text, char ***candidates, void *arg);
	void (*changed)(struct app *a, const char *text, void *arg);
	void (*ok)(struct app *a, const char *text, void *arg);
	void *arg;
	void (*free_arg)(void *arg);
	bool at_bottom; /* a line above the hint bar instead of a box */
};
struct view *prompt_new(struct app *a, const struct prompt_options *o);

/* A list with fuzzy search as one types. */
struct picker_item {
	const char *text, *detail; /* copied */
	int value;
};
struct picker_options {
	const char *title;
	const char *footer; /* what its keys are, constant; NULL: how many match */
	const struct picker_item *items;
	size_t n, selected;
	void (*moved)(struct app *a, int value, void *arg); /* live preview; may be NULL */
	void (*picked)(struct app *a, int value, void *arg);
	void (*opened)(struct app *a, int value, void *arg); /* Right, where the text ends; may be NULL */
	void (*cancelled)(struct app *a, void *arg);         /* may be NULL */
	void *arg;
	void (*free_arg)(void *arg);
};
struct view *picker_new(struct app *a, const struct picker_options *o);

#endif
