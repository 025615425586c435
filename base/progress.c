/* Progress: the same step as a JSON line or as a line of the block on a terminal. */
#include "base/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/units.h"

#define STEP_NS      INT64_C(100000000) /* ten a second are as many as an eye follows */
#define SECOND_NS    1e9
#define LABEL_SIZE   256
#define PHASE_SIZE   24
#define DEFAULT_COLS 80
#define DEFAULT_ROWS 24
#define BAR_COLS     76             /* a narrower terminal has no room for a bar */
#define REST_COLS    68             /* what all but the bar takes of a line at most, with a label of 12 */
#define BAR_WIDTH    20             /* where there is room; 12 of 80 columns */
#define ETA_MAX      (100.0 * 3600) /* seconds; what takes longer is not known */

struct progress_object {
	char label[LABEL_SIZE], phase[PHASE_SIZE];
	uint64_t done, total;
	double rate;      /* bytes a second of late, 0 unknown */
	int64_t shown_ns; /* the last JSON line */
	int64_t since_ns; /* of the last measurement, */
	uint64_t since;   /* and what was done by then */
};

void progress_init(struct progress *p, int fd, bool quiet)
{
	*p = (struct progress){.fd = fd, .terminal = fd < 0 && !quiet && isatty(STDERR_FILENO)};
}

static bool is_silent(const struct progress *p)
{
	return p->fd < 0 && !p->terminal;
}

/* ------------------------------------------------------------------ objects */

static struct progress_object *find(struct progress *p, const char *label)
{
	for (size_t i = 0; i < p->n_objects; i++)
		if (strcmp(p->objects[i].label, label) == 0)
			return &p->objects[i];
	return NULL;
}

/* NULL when memory is short: then it is not shown. */
static struct progress_object *add(struct progress *p, const char *label)
{
	struct progress_object *grown = realloc(p->objects, (p->n_objects + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	p->objects = grown;
	grown += p->n_objects++;
	*grown = (struct progress_object){0};
	snprintf(grown->label, sizeof(grown->label), "%s", label);
	return grown;
}

static void drop(struct progress *p, const struct progress_object *o)
{
	size_t at = (size_t)(o - p->objects);

	p->n_objects--;
	memmove(&p->objects[at], &p->objects[at + 1], (p->n_objects - at) * sizeof(*o));
}

/* The rate of late: a new measurement every tenth of a second counts for a fifth. */
static void measure(struct progress_object *o, int64_t now)
{
	if (!o->since_ns || o->done < o->since) {
		o->rate = 0;
	} else {
		if (now - o->since_ns < STEP_NS)
			return;
		double rate = (double)(o->done - o->since) * SECOND_NS / (double)(now - o->since_ns);
		o->rate = o->rate > 0 ? 0.8 * o->rate + 0.2 * rate : rate;
	}
	o->since_ns = now;
	o->since = o->done;
}

/* true: another phase than before */
static bool update(struct progress_object *o, const char *phase, uint64_t done, uint64_t total, int64_t now)
{
	char harmless[PHASE_SIZE];
	bool is_new;

	text_harmless_to(harmless, sizeof(harmless), phase);
	is_new = strcmp(o->phase, harmless) != 0;
	if (is_new) {
		strcpy(o->phase, harmless);
		o->since_ns = 0;
	}
	o->done = done;
	o->total = total;
	measure(o, now);
	return is_new;
}

/* Seconds, or -1 unknown. */
static int64_t time_left(const struct progress_object *o)
{
	if (o->rate < 1 || !o->total || o->done > o->total)
		return -1;
	double left = (double)(o->total - o->done) / o->rate;
	return left > ETA_MAX ? -1 : (int64_t)(left + 0.5);
}

/* ------------------------------------------------------------------ for programs */

/* By hand, for base without json-c; text_harmless() has left no controls to escape. */
static void add_string(struct buf *line, const char *key, const char *value)
{
	buf_printf(line, "\"%s\":\"", key);
	for (const char *s = value; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(line, '\\');
		buf_char(line, *s);
	}
	buf_char(line, '"');
}

static void begin_line(struct buf *line, const char *object, const char *phase)
{
	buf_char(line, '{');
	add_string(line, "object", object);
	buf_char(line, ',');
	add_string(line, "phase", phase);
}

/* Whoever asked for the lines has gone away: the job goes on without telling. */
static void send_line(struct progress *p, struct buf *line)
{
	buf_str_add(line, "}\n");
	if (!line->failed && write_all(p->fd, line->data, line->len) < 0 && errno != EAGAIN)
		p->fd = -1;
}

static void send_step(struct progress *p, struct progress_object *o)
{
	cleanup_buf struct buf line = BUF_INIT;
	int64_t left = time_left(o);

	begin_line(&line, o->label, o->phase);
	buf_printf(&line, ",\"done\":%" PRIu64 ",\"total\":%" PRIu64, o->done, o->total);
	if (o->rate >= 1)
		buf_printf(&line, ",\"rate\":%.0f", o->rate);
	if (left >= 0)
		buf_printf(&line, ",\"eta\":%" PRId64, left);
	send_line(p, &line);
}

static void send_done(struct progress *p, const char *label, const char *phase)
{
	cleanup_buf struct buf line = BUF_INIT;
	char harmless[PHASE_SIZE];

	text_harmless_to(harmless, sizeof(harmless), phase);
	begin_line(&line, label, harmless);
	buf_str_add(&line, ",\"complete\":true");
	send_line(p, &line);
}

/* ------------------------------------------------------------------ for a person */

static void terminal_size(unsigned *cols, unsigned *rows)
{
	struct winsize size = {0};

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){0};
	*cols = size.ws_col ? size.ws_col : DEFAULT_COLS;
	*rows = size.ws_row ? size.ws_row : DEFAULT_ROWS;
}

static void add_bar(struct buf *text, const struct progress_object *o, unsigned cols)
{
	double part = o->done < o->total ? (double)o->done / (double)o->total : 1;
	int width = cols >= REST_COLS + BAR_WIDTH ? BAR_WIDTH : (int)(cols - REST_COLS);
	int full = (int)(part * width);

	buf_char(text, '[');
	for (int i = 0; i < width; i++)
		buf_char(text, i < full ? '=' : i == full && o->done ? '>' : ' ');
	buf_char(text, ']');
}

/* A part that is cut in the middle says something else than it should: all of it, or nothing. */
static bool add_if_fits(struct buf *text, const char *part, unsigned cols)
{
	bool fits = text_width(buf_str(text)) + text_width(part) < cols;

	if (fits)
		buf_str_add(text, part);
	return fits;
}

static void add_amount(struct buf *text, const struct progress_object *o, bool is_wide, unsigned cols)
{
	char have[SIZE_TEXT_SIZE], part[64];

	size_format_decimal(o->done, have);
	if (o->total) {
		char all[SIZE_TEXT_SIZE];
		snprintf(part, sizeof(part), is_wide ? " %6s / %s" : " %s / %s", have,
		        size_format_decimal(o->total, all));
	} else if (o->done) {
		snprintf(part, sizeof(part), " %s", have);
	} else {
		return;
	}
	if (add_if_fits(text, part, cols) || !o->total || o->done > o->total)
		return;
	snprintf(part, sizeof(part), " %.0f%%", 100.0 * (double)o->done / (double)o->total);
	add_if_fits(text, part, cols);
}

static void add_rate(struct buf *text, const struct progress_object *o, unsigned cols)
{
	char rate[SIZE_TEXT_SIZE], part[64];

	if (o->rate < 1)
		return;
	snprintf(part, sizeof(part), ", %s/s", size_format_decimal((uint64_t)o->rate, rate));
	add_if_fits(text, part, cols);
}

static void add_time(struct buf *text, const struct progress_object *o, unsigned cols)
{
	int64_t left = time_left(o);
	char part[64];

	if (left < 0)
		return;
	if (left < 60)
		snprintf(part, sizeof(part), ", %" PRId64 "s left", left);
	else if (left < 3600)
		snprintf(part, sizeof(part), ", %" PRId64 "m%02" PRId64 "s left", left / 60, left % 60);
	else
		snprintf(
		        part, sizeof(part), ", %" PRId64 "h%02" PRId64 "m left", left / 3600, left / 60 % 60);
	add_if_fits(text, part, cols);
}

static void make_line(struct buf *text, const struct progress_object *o, unsigned cols)
{
	bool is_wide = cols >= BAR_COLS && o->total;

	buf_printf(text, is_wide ? "%s: %-11s " : "%s: %s", o->label, o->phase);
	if (is_wide)
		add_bar(text, o, cols);
	add_amount(text, o, is_wide, cols);
	add_rate(text, o, cols);
	add_time(text, o, cols);
}

/* One line of the block, cut to the terminal's width: a wrapped one could not be rewritten. */
static void draw_line(struct progress *p, struct buf *out, const char *line, unsigned cols)
{
	size_t len = text_prefix(line, cols - 1);
	char *cut = strndup(line, len);
	unsigned *grown = realloc(p->widths, (p->drawn + 1) * sizeof(*grown));

	if (grown)
		p->widths = grown;
	if (cut && grown) {
		p->widths[p->drawn++] = (unsigned)text_width(cut);
		buf_printf(out, "%s\n", cut);
	}
	free(cut);
}

/* To the block's first line. A terminal that has become narrower since has wrapped what was drawn. */
static void erase(struct progress *p, struct buf *out, unsigned cols)
{
	unsigned rows = 0;

	for (size_t i = 0; i < p->drawn; i++)
		rows += p->widths[i] > cols ? (p->widths[i] + cols - 1) / cols : 1;
	if (rows)
		buf_printf(out, "\r\033[%uA\033[J", rows);
	p->drawn = 0;
}

/* The block anew, with `above` (lines that stay, or NULL) over it. What does not fit is counted only. */
static void draw(struct progress *p, const char *above)
{
	cleanup_buf struct buf out = BUF_INIT;
	unsigned cols, rows;

	terminal_size(&cols, &rows);
	erase(p, &out, cols);
	if (above)
		buf_printf(&out, "%s\n", above);
	size_t room = rows > 3 ? rows - 2 : 1;
	size_t n = p->n_objects <= room ? p->n_objects : room - (room > 1);
	for (size_t i = 0; i < n; i++) {
		cleanup_buf struct buf line = BUF_INIT;
		make_line(&line, &p->objects[i], cols);
		draw_line(p, &out, buf_str(&line), cols);
	}
	if (n < p->n_objects && room > 1) {
		cleanup_buf struct buf line = BUF_INIT;
		buf_printf(&line, "and %zu more", p->n_objects - n);
		draw_line(p, &out, buf_str(&line), cols);
	}
	if (!out.failed && out.len && write_all(STDERR_FILENO, out.data, out.len) < 0)
		p->terminal = false;
	p->last_ns = now_boottime();
}

/* ------------------------------------------------------------------ the verbs */

void progress_step(struct progress *p, const char *object, const char *phase, uint64_t done, uint64_t total)
{
	char label[LABEL_SIZE];
	int64_t now;

	if (is_silent(p))
		return;
	text_harmless_to(label, sizeof(label), object ? object : "");
	now = now_boottime();
	struct progress_object *o = find(p, label);
	if (!o && !(o = add(p, label)))
		return;
	bool is_news = update(o, phase, done, total, now) || now - o->shown_ns >= STEP_NS;
	if (p->fd >= 0 && is_news) {
		o->shown_ns = now;
		send_step(p, o);
	} else if (p->terminal && now - p->last_ns >= STEP_NS) {
		draw(p, NULL);
	}
}

void progress_done(struct progress *p, const char *object, const char *phase)
{
	char label[LABEL_SIZE], harmless[PHASE_SIZE];

	if (is_silent(p))
		return;
	text_harmless_to(label, sizeof(label), object ? object : "");
	text_harmless_to(harmless, sizeof(harmless), phase);
	const struct progress_object *o = find(p, label);
	if (o)
		drop(p, o);
	if (p->fd >= 0) {
		send_done(p, label, phase);
		return;
	}
	cleanup_free char *line = str_printf("%s: %s", label, harmless);
	if (line)
		progress_say(p, line);
}

void progress_say(struct progress *p, const char *text)
{
	cleanup_buf struct buf line = BUF_INIT;
	unsigned cols, rows;

	if (!p->terminal)
		return;
	terminal_size(&cols, &rows);
	text_harmless(&line, text, strlen(text));
	cleanup_free char *cut = strndup(buf_str(&line), text_prefix(buf_str(&line), cols - 1));
	draw(p, cut);
}

void progress_end(struct progress *p)
{
	free(p->objects);
	free(p->widths);
	p->objects = NULL;
	p->widths = NULL;
	p->n_objects = p->drawn = 0;
}
