/* Output of data: as a table, as JSON, or by a template. Rows are JSON objects whose keys are Docker's names,
 * so all three show the same. On a terminal tables fit its width and states have colours; elsewhere they are
 * plain and nothing is cut. Whatever a container or an image chose is made harmless. */
#ifndef TARE_CLI_OUTPUT_H
#define TARE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

struct buf;
struct cli;
struct err;

bool output_is_terminal(void);
/* A terminal that has colours, for a user who wants them (NO_COLOR, TERM=dumb). */
bool output_has_colour(void);
size_t output_width(void); /* columns of the terminal, 80 when it does not say */

/* Added to `give`: the column is never cut, but left out as a whole. */
#define GIVE_LEAVES 16

/* One field of a kind of row. */
struct field {
	const char *name;   /* key: "RunningFor" */
	const char *header; /* "CREATED" */
	unsigned give;      /* gives up width on a narrow terminal: 0 never, 1 last, 2 before, … */
	bool toned;         /* shown in the tone of its row */
};

struct list_view {
	const struct field *fields; /* ends with a name NULL */
	const char *columns;        /* names of those shown by default, separated by spaces */
	const char *id;             /* what --quiet prints */
	const char *optional;       /* on a terminal not shown when empty in all rows, or NULL */
};

/* What the user asked of a list; option rows write here. */
struct list_format {
	const char *format;  /* NULL, "json", "table", "table …" or a template */
	const char *columns; /* instead of the view's, or NULL */
	bool quiet, no_trunc;
};

/* What a row is like, for the eye. */
enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM };

/* Rows under way; ROWS_INIT, rows_add() for each, list_print(), rows_free(). */
struct rows {
	json *visible; /* array of objects */
	json *hidden;  /* array of objects: fields for templates that JSON does not show */
	enum tone *tones;
	size_t n;
};
#define ROWS_INIT                                                                                            \
	{                                                                                                    \
		0                                                                                            \
	}
/* Takes both; hidden may be NULL. -1 with e when memory is short. */
int rows_add(struct rows *r, json *visible, json *hidden, enum tone tone, struct err *e);
void rows_free(struct rows *r);
#define cleanup_rows __attribute__((cleanup(rows_free)))

/* Into a buffer, which the caller writes: stats redraws its own. */
int list_format(const struct cli *cli, const struct list_view *v, const struct list_format *f,
        const struct rows *rows, struct buf *out, struct err *e);
/* To standard output. */
int list_print(const struct cli *cli, const struct list_view *v, const struct list_format *f,
        const struct rows *rows, struct err *e);

/* One document: by a template, or as indented JSON. */
int document_print(json *doc, const char *format, struct err *e);

/* "a=b,c=d"; labels may be NULL. */
void labels_text(json *labels, struct buf *out);

#define FORMAT_HELP "json, \"table\" with fields, or a Go template such as '{{.ID}}'"

#endif
