/* Forms: a dialog of labelled fields that are checked as one types, with completion beneath a field, what
 * they come to at the bottom, and a button. Scrolls where the screen is small. */
#ifndef TARE_TUI_FORM_H
#define TARE_TUI_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/dialog_frame.h"
#include "tui/line_edit.h"
#include "tui/view.h"

#define FORM_ERROR_SIZE 200

enum field_kind { FIELD_TEXT, FIELD_CHOICE, FIELD_FLAG };

struct form_field {
	const char *label;
	enum field_kind kind;
	const char *const *choices; /* of CHOICE, NULL-terminated */
	bool is_secret;             /* of TEXT: a password; Enter in it is the button */
	bool is_hidden;             /* it does not apply now: passed over, and never wrong; `changed` tells */
	/* from here on the form's */
	int value;                   /* CHOICE: which one; FLAG: 0 or 1 */
	struct line_edit *line;      /* TEXT */
	char *placeholder;           /* shown while empty: what holds then; NULL: nothing */
	char *note;                  /* a muted line beneath; NULL: none */
	char error[FORM_ERROR_SIZE]; /* beneath it, instead of the note; "": it is right */
	struct rect r;               /* the field itself, as last drawn */
};

struct form;
struct form_ops {
	/* A field's text or value is another: set errors, placeholders, notes and the summary. */
	void (*changed)(struct form *f, size_t field);
	/* Candidates for the whole text of a field. Optional. */
	void (*complete)(struct form *f, size_t field, const char *text, char ***candidates);
	/* VIEW_ bits; only called when no field has an error. */
	unsigned (*submit)(struct form *f);
	void (*free)(struct form *f); /* what the owner added; then the form frees itself */
};

struct form {
	struct view v; /* first */
	const struct form_ops *ops;
	const char *title, *verb; /* of the button */
	struct form_field *fields;
	size_t n, focus; /* focus n: the button, n + 1: cancel */
	char *summary;   /* at the bottom: what it comes to */
	char **candidates;
	size_t chosen, candidates_top; /* chosen: FORM_NONE while none is */
	int top;                       /* rows scrolled away */
	struct dialog_button buttons[2];
	struct rect area, list; /* of the fields and the candidates, as last drawn */
};
#define FORM_NONE ((size_t)-1)

/* f: zeroed but for what the owner adds behind it; allocated by malloc, freed with the view. `fields`: n rows
 * of label, kind and choices, copied. -1 without memory: f is freed then. */
int form_init(struct form *f, struct app *a, const struct form_ops *ops, const char *title, const char *verb,
        const struct form_field *fields, size_t n);
const char *form_text(const struct form *f, size_t field); /* "" when empty */
void form_set_text(struct form *f, size_t field, const char *text);
/* Takes the string. */
void form_set_placeholder(struct form *f, size_t field, char *text);
void form_set_note(struct form *f, size_t field, char *text);
void form_set_summary(struct form *f, char *text);

#endif
