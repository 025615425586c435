/* Progress: the same step as a JSON line or as a line on a terminal. */
#include "base/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/units.h"

#define STEP_NS      INT64_C(100000000) /* ten a second are as many as an eye follows */
#define LABEL_SIZE   256
#define DEFAULT_COLS 80

void progress_init(struct progress *p, int fd, bool quiet)
{
	*p = (struct progress){.fd = fd, .terminal = fd < 0 && !quiet && isatty(STDERR_FILENO)};
}

/* By hand, for base without json-c; text_harmless() has left no controls to escape. */
static void add_string(struct buf *line, const char *key, const char *value)
{
	char label[LABEL_SIZE];

	text_harmless_to(label, sizeof(label), value ? value : "");
	buf_printf(line, "\"%s\":\"", key);
	for (const char *s = label; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(line, '\\');
		buf_char(line, *s);
	}
	buf_char(line, '"');
}

/* Whoever asked for the lines has gone away: the job goes on without telling. */
static void send_line(struct progress *p, struct buf *line)
{
	buf_str_add(line, "}\n");
	if (!line->failed && write_all(p->fd, line->data, line->len) < 0 && errno != EAGAIN)
		p->fd = -1;
}

static size_t terminal_cols(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col ? DEFAULT_COLS : size.ws_col;
}

/* Rewrite the open line. Cut to the terminal's width, for a wrapped line can't be rewritten. */
static void draw_line(
        struct progress *p, const char *object, const char *phase, const char *amount, bool last)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_buf struct buf out = BUF_INIT;

	text_harmless(&text, object, strlen(object));
	buf_str_add(&text, ": ");
	text_harmless(&text, phase, strlen(phase));
	buf_str_add(&text, amount);
	buf_str_add(&out, "\r\033[K");
	buf_add(&out, buf_str(&text), text_prefix(buf_str(&text), terminal_cols() - 1));
	if (last)
		buf_char(&out, '\n');
	if (!out.failed && write_all(STDERR_FILENO, out.data, out.len) < 0)
		p->terminal = false;
	p->open_line = !last;
}

static void draw_step(
        struct progress *p, const char *object, const char *phase, uint64_t done, uint64_t total)
{
	char amount[2 * SIZE_TEXT_SIZE + 8] = "";
	char have[SIZE_TEXT_SIZE], all[SIZE_TEXT_SIZE];

	size_format_decimal(done, have);
	size_format_decimal(total, all);
	if (total)
		snprintf(amount, sizeof(amount), " %s / %s", have, all);
	else if (done)
		snprintf(amount, sizeof(amount), " %s", have);
	draw_line(p, object, phase, amount, false);
}

void progress_step(struct progress *p, const char *object, const char *phase, uint64_t done, uint64_t total)
{
	int64_t now;

	if (p->fd < 0 && !p->terminal)
		return;
	now = now_boottime();
	if (p->last_ns && now - p->last_ns < STEP_NS)
		return;
	p->last_ns = now;
	if (p->fd >= 0) {
		cleanup_buf struct buf line = BUF_INIT;
		buf_char(&line, '{');
		add_string(&line, "object", object);
		buf_char(&line, ',');
		add_string(&line, "phase", phase);
		buf_printf(&line, ",\"done\":%" PRIu64 ",\"total\":%" PRIu64, done, total);
		send_line(p, &line);
	} else {
		draw_step(p, object, phase, done, total);
	}
}

void progress_done(struct progress *p, const char *object, const char *phase)
{
	if (p->fd >= 0) {
		cleanup_buf struct buf line = BUF_INIT;
		buf_char(&line, '{');
		add_string(&line, "object", object);
		buf_char(&line, ',');
		add_string(&line, "phase", phase);
		buf_str_add(&line, ",\"complete\":true");
		send_line(p, &line);
	} else if (p->terminal) {
		draw_line(p, object, phase, "", true);
	}
	/* The next object's first step is news, however soon it comes. */
	p->last_ns = 0;
}

void progress_end(struct progress *p)
{
	if (p->terminal && p->open_line && write_all(STDERR_FILENO, "\n", 1) < 0)
		p->terminal = false;
	p->open_line = false;
}
