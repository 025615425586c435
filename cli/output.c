#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/template.h"

#define COLUMNS_MAX 24
#define GAP         3 /* between columns, as in Docker's tables */
#define GAP_NARROW  2
#define GIVE_MAX    9
#define COLUMN_MIN  8 /* a column is not cut below this */
#define ELLIPSIS    "\xe2\x80\xa6"

bool output_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

bool output_has_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return output_is_terminal() && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

size_t output_width(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		return 80;
	return ws.ws_col;
}

/* ------------------------------------------------------------------ rows */

int rows_add(struct rows *r, json *visible, json *hidden, enum tone tone, struct err *e)
{
	enum tone *grown = realloc(r->tones, (r->n + 1) * sizeof(*grown));

	if (!r->visible)
		r->visible = json_object_new_array();
	if (!r->hidden)
		r->hidden = json_object_new_array();
	if (grown)
		r->tones = grown;
	if (!grown || !r->visible || !r->hidden || json_object_array_add(r->visible, visible) < 0 ||
	        json_object_array_add(r->hidden, hidden) < 0)
		return err_no_memory(e);
	r->tones[r->n++] = tone;
	return 0;
}

void rows_free(struct rows *r)
{
	json_free(&r->visible);
	json_free(&r->hidden);
	free(r->tones);
	*r = (struct rows)ROWS_INIT;
}

/* ------------------------------------------------------------------ tables */

struct cells {
	char **text; /* n_rows x n_columns, row 0 is the header; harmless */
	const enum tone *tones;
	size_t n_rows, n_columns;
	const struct field *fields[COLUMNS_MAX]; /* NULL for a column of a template */
	size_t width[COLUMNS_MAX];
	bool shown[COLUMNS_MAX];
	size_t gap;
};

static char **cell(const struct cells *c, size_t row, size_t column)
{
	return &c->text[row * c->n_columns + column];
}

static void cells_free(struct cells *c)
{
	for (size_t i = 0; c->text && i < c->n_rows * c->n_columns; i++)
		free(c->text[i]);
	free(c->text);
}
#define cleanup_cells __attribute__((cleanup(cells_free)))

static int cells_alloc(struct cells *c, size_t rows, size_t columns, struct err *e)
{
	c->n_rows = rows;
	c->n_columns = columns;
	c->text = calloc(rows * columns + 1, sizeof(char *));
	return c->text ? 0 : err_no_memory(e);
}

static int set_cell(struct cells *c, size_t row, size_t column, const char *s, size_t len, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT;

	text_harmless(&text, s, len);
	*cell(c, row, column) = buf_take(&text);
	return *cell(c, row, column) ? 0 : err_no_memory(e);
}

static void measure(struct cells *c, const char *optional)
{
	for (size_t k = 0; k < c->n_columns; k++) {
		bool empty = true;

		for (size_t i = 0; i < c->n_rows; i++) {
			size_t w = text_width(*cell(c, i, k));

			c->width[k] = w > c->width[k] ? w : c->width[k];
			empty = empty && (i == 0 || w == 0);
		}
		c->shown[k] = !(empty && optional && c->fields[k] && output_is_terminal() &&
		                strcmp(c->fields[k]->name, optional) == 0);
	}
}

static size_t total_width(const struct cells *c)
{
	size_t total = 0;

	for (size_t k = 0; k < c->n_columns; k++)
		if (c->shown[k])
			total += c->width[k] + (total ? c->gap : 0);
	return total;
}

/* What the lines are too wide by. */
static size_t excess(const struct cells *c, size_t width)
{
	size_t total = total_width(c);

	return total > width ? total - width : 0;
}

static bool gives(const struct cells *c, size_t column, unsigned give)
{
	return c->shown[column] && c->fields[column] && c->fields[column]->give == give;
}

/* Take width from the columns that give, those that give most first, until the line fits; on a terminal too
 * narrow even for that leave them out. */
static void fit(struct cells *c, size_t width)
{
	for (unsigned give = GIVE_MAX; give > 0; give--) {
		for (size_t k = 0; k < c->n_columns; k++) {
			size_t over = excess(c, width);
			size_t spare = c->width[k] > COLUMN_MIN ? c->width[k] - COLUMN_MIN : 0;

			if (gives(c, k, give))
				c->width[k] -= over < spare ? over : spare;
		}
	}
	if (excess(c, width))
		c->gap = GAP_NARROW;
	for (unsigned give = GIVE_LEAVES + GIVE_MAX; give > 0; give--)
		for (size_t k = 0; k < c->n_columns; k++)
			if (gives(c, k, give) && excess(c, width))
				c->shown[k] = false;
}

static const char *tone_start(enum tone tone)
{
	static const char *const starts[] = {
	        [TONE_GOOD] = "\033[32m",
	        [TONE_WARN] = "\033[33m",
	        [TONE_BAD] = "\033[31m",
	        [TONE_DIM] = "\033[2m",
	};

	return tone == TONE_PLAIN ? NULL : starts[tone];
}

/* `gap` blanks follow, none behind the last cell. */
static void put_cell(struct buf *out, const char *text, size_t width, size_t gap, const char *colour)
{
	size_t used = text_width(text), len = strlen(text);
	bool cut = used > width;

	if (cut) {
		len = text_prefix(text, width - 1);
		used = width;
	}
	if (colour)
		buf_str_add(out, colour);
	buf_add(out, text, len);
	if (cut)
		buf_str_add(out, ELLIPSIS);
	if (colour)
		buf_str_add(out, "\033[0m");
	for (size_t i = used; gap && i < width + gap; i++)
		buf_char(out, ' ');
}

static void put_cells(struct buf *out, const struct cells *c)
{
	bool colour = output_has_colour();
	size_t last = 0;

	for (size_t k = 0; k < c->n_columns; k++)
		last = c->shown[k] ? k : last;
	for (size_t i = 0; i < c->n_rows; i++) {
		for (size_t k = 0; k < c->n_columns; k++) {
			const char *tone = NULL;

			if (!c->shown[k])
				continue;
			if (colour && i == 0)
				tone = "\033[1m";
			else if (colour && c->fields[k] && c->fields[k]->toned)
				tone = tone_start(c->tones[i - 1]);
			put_cell(out, *cell(c, i, k), c->width[k], k == last ? 0 : c->gap, tone);
		}
		buf_char(out, '\n');
	}
}

static void lay_out(struct cells *c, const struct list_view *v, const struct list_format *f, struct buf *out)
{
	c->gap = GAP;
	measure(c, v->optional);
	if (output_is_terminal() && !f->no_trunc)
		fit(c, output_width());
	put_cells(out, c);
}

/* ------------------------------------------------------------------ the default table */

static const struct field *field_find(const struct list_view *v, const char *name, size_t len)
{
	for (const struct field *f = v->fields; f->name; f++)
		if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
			return f;
	return NULL;
}

static size_t choose_columns(const struct list_view *v, const char *names, const struct field **fields)
{
	size_t n = 0;

	while (*names && n < COLUMNS_MAX) {
		size_t len = strcspn(names, " ");
		const struct field *f = field_find(v, names, len);

		if (f)
			fields[n++] = f;
		names += len + (names[len] == ' ');
	}
	return n;
}

static int default_table(const struct list_view *v, const struct list_format *f, const struct rows *rows,
        struct buf *out, struct err *e)
{
	cleanup_cells struct cells c = {.tones = rows->tones};
	size_t n = choose_columns(v, f->columns ? f->columns : v->columns, c.fields);

	if (cells_alloc(&c, rows->n + 1, n, e) < 0)
		return -1;
	for (size_t k = 0; k < n; k++) {
		if (set_cell(&c, 0, k, c.fields[k]->header, strlen(c.fields[k]->header), e) < 0)
			return -1;
		for (size_t i = 0; i < rows->n; i++) {
			const char *s =
			        json_str(json_object_array_get_idx(rows->visible, i), c.fields[k]->name, "");

			if (set_cell(&c, i + 1, k, s, strlen(s), e) < 0)
				return -1;
		}
	}
	lay_out(&c, v, f, out);
	return 0;
}

/* ------------------------------------------------------------------ templates */

static int run_row(const struct template *t, const struct rows *rows, size_t i, bool harmless,
        struct buf *out, struct err *e)
{
	struct template_run run = {
	        .data = json_object_array_get_idx(rows->visible, i),
	        .hidden = json_object_array_get_idx(rows->hidden, i),
	        .harmless = harmless,
	};

	return template_execute(t, &run, out, e);
}

static int template_list(const char *text, const struct rows *rows, struct buf *out, struct err *e)
{
	cleanup_template struct template *t = template_parse(text, e);

	if (!t)
		return -1;
	for (size_t i = 0; i < rows->n; i++) {
		if (run_row(t, rows, i, output_is_terminal(), out, e) < 0)
			return -1;
		buf_char(out, '\n');
	}
	return 0;
}

/* The row of headers is the template over the headers' names. */
static json *header_row(const struct list_view *v)
{
	json *row = json_object_new_object();

	for (const struct field *f = v->fields; f->name; f++)
		json_set_str(row, f->name, f->header);
	return row;
}

static size_t count_tabs(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\t';
	return n;
}

static int split_line(struct cells *c, size_t row, const char *line, struct err *e)
{
	for (size_t k = 0; k < c->n_columns; k++) {
		size_t len = strcspn(line, "\t");

		if (set_cell(c, row, k, line, len, e) < 0)
			return -1;
		line += len + (line[len] == '\t');
	}
	return 0;
}

static int template_table(const struct list_view *v, const struct list_format *f, const char *text,
        const struct rows *rows, struct buf *out, struct err *e)
{
	cleanup_template struct template *t = template_parse(text, e);
	cleanup_cells struct cells c = {.tones = rows->tones};
	cleanup_buf struct buf line = BUF_INIT;
	cleanup_json json *headers = header_row(v), *labels = json_object_new_object();
	struct template_run run = {.data = headers, .hidden = labels};

	json_set(labels, "Label", json_object_new_object());
	if (!t || template_execute(t, &run, &line, e) < 0 ||
	        cells_alloc(&c, rows->n + 1, count_tabs(buf_str(&line)) + 1, e) < 0)
		return -1;
	if (c.n_columns > COLUMNS_MAX)
		return err_set(e, ERR_USAGE, "a table has at most %d columns", COLUMNS_MAX);
	if (split_line(&c, 0, buf_str(&line), e) < 0)
		return -1;
	for (size_t i = 0; i < rows->n; i++) {
		buf_reset(&line);
		if (run_row(t, rows, i, false, &line, e) < 0 || split_line(&c, i + 1, buf_str(&line), e) < 0)
			return -1;
	}
	lay_out(&c, v, f, out);
	return 0;
}

/* ------------------------------------------------------------------ lists and documents */

static void print_ids(const struct list_view *v, const struct rows *rows, struct buf *out)
{
	for (size_t i = 0; i < rows->n; i++) {
		const char *id = json_str(json_object_array_get_idx(rows->visible, i), v->id, "");

		text_harmless(out, id, strlen(id));
		buf_char(out, '\n');
	}
}

/* JSON escapes the old control characters only; a terminal also obeys newer ones. */
static void print_json(json *j, enum json_layout layout, struct buf *out)
{
	cleanup_buf struct buf text = BUF_INIT;

	json_print(&text, j, layout);
	if (output_is_terminal())
		text_harmless_lines(out, buf_str(&text), text.len);
	else
		buf_add(out, buf_str(&text), text.len);
	buf_char(out, '\n');
}

static void print_json_lines(const struct rows *rows, struct buf *out)
{
	for (size_t i = 0; i < rows->n; i++)
		print_json(json_object_array_get_idx(rows->visible, i), JSON_COMPACT, out);
}

static void print_json_array(const struct rows *rows, struct buf *out)
{
	if (rows->visible)
		print_json(rows->visible, JSON_PRETTY, out);
	else
		buf_str_add(out, "[]\n");
}

int list_format(const struct cli *cli, const struct list_view *v, const struct list_format *f,
        const struct rows *rows, struct buf *out, struct err *e)
{
	const char *format = f->format;
	int rc = 0;

	if (!format && cli->json)
		print_json_array(rows, out);
	else if (!format && f->quiet)
		print_ids(v, rows, out);
	else if (!format || !*format || strcmp(format, "table") == 0)
		rc = default_table(v, f, rows, out, e);
	else if (strcmp(format, "json") == 0)
		print_json_lines(rows, out);
	else if (strncmp(format, "table ", 6) == 0)
		rc = template_table(v, f, format + 6 + strspn(format + 6, " "), rows, out, e);
	else
		rc = template_list(format, rows, out, e);
	if (rc == 0 && out->failed)
		return err_set(e, ERR_OTHER, "the output is too long");
	return rc < 0 && f->format ? err_wrap(e, "--format") : rc;
}

int list_print(const struct cli *cli, const struct list_view *v, const struct list_format *f,
        const struct rows *rows, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (list_format(cli, v, f, rows, &out, e) < 0)
		return -1;
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

int document_print(json *doc, const char *format, struct err *e)
{
	cleanup_buf struct buf out = BUF_INIT;
	cleanup_template struct template *t = NULL;
	struct template_run run = {.data = doc, .harmless = output_is_terminal()};

	if (!format || strcmp(format, "json") == 0) {
		print_json(doc, format ? JSON_COMPACT : JSON_PRETTY, &out);
	} else {
		t = template_parse(format, e);
		if (!t || template_execute(t, &run, &out, e) < 0)
			return err_wrap(e, "--format");
		buf_char(&out, '\n');
	}
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

void labels_text(json *labels, struct buf *out)
{
	bool first = true;

	if (!labels)
		return;
	json_object_object_foreach (labels, key, value) {
		buf_printf(out, "%s%s=%s", first ? "" : ",", key, value ? json_object_get_string(value) : "");
		first = false;
	}
}
