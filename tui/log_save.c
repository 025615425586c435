#include "tui/log_save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/units.h"
#include "tui/dialog.h"
#include "tui/log_task.h"
#include "tui/log_view.h"
#include "tui/sgr.h"

#define BLOCK     ((size_t)1 << 20)
#define LINE_MOST (LOG_ENTRY_MAX * 3 + 256) /* a control becomes a picture of three bytes */

struct log_save {
	struct log_task task;
	char *path;
	int fd;
	bool times, names;
	struct log_pos from, to; /* what is saved */
	uint64_t lines;
	_Atomic uint64_t bytes;
	int error; /* errno, 0: all is written */
	struct workers *workers;
};

/* ------------------------------------------------------------------ on the worker's thread */

static void add_line(struct log_save *s, const struct log_item *it, struct buf *out)
{
	char stamp[TIME_TEXT_SIZE];
	size_t len;

	if (s->times)
		buf_printf(out, "%s ", time_format(it->entry.time, stamp));
	if (s->names)
		buf_printf(out, "%s: ", s->task.set.sources[it->source]->name);
	const char *text = log_set_text(&s->task.set, it, &len);
	if (len && text[len - 1] == '\r')
		len--;
	char *dst = buf_reserve(out, len * 3 + 8);
	if (dst)
		out->len += sgr_strip(dst, len * 3 + 8, text, len);
	buf_char(out, '\n');
}

static bool is_past(const struct log_save *s, const struct log_item *it)
{
	return it->entry.at >= s->to.at[it->source];
}

static int write_out(struct log_save *s, struct buf *out)
{
	if (out->failed || write_all(s->fd, out->data, out->len) < 0) {
		s->error = out->failed ? ENOMEM : errno;
		return -1;
	}
	atomic_fetch_add(&s->bytes, out->len);
	buf_reset(out);
	work_notify(s->workers, &s->task.work);
	return 0;
}

static void save_run(struct log_task *t)
{
	struct log_save *s = (struct log_save *)t;
	struct log_budget b = {.cancel = &t->work.cancel};
	struct log_pos pos = s->from;
	cleanup_buf struct buf out = BUF_INIT_MAX(BLOCK + LINE_MOST);
	struct log_item it;

	while (!log_task_is_cancelled(t) && log_set_next(&t->set, &pos, &b, &it) == LOG_FOUND) {
		if (is_past(s, &it))
			continue;
		add_line(s, &it, &out);
		s->lines++;
		if ((out.failed || out.len >= BLOCK) && write_out(s, &out) < 0)
			return;
	}
	if ((out.failed || out.len) && write_out(s, &out) < 0)
		return;
	if (close(steal_fd(&s->fd)) < 0)
		s->error = errno;
}

/* ------------------------------------------------------------------ on the loop's thread */

static void save_news(struct work *w)
{
	struct log_save *s = (struct log_save *)w;
	char size[SIZE_TEXT_SIZE];

	if (!s->task.lv)
		return;
	snprintf(s->task.lv->note, sizeof(s->task.lv->note), "saved %s …",
	        size_format_binary(atomic_load(&s->bytes), size));
	app_redraw(s->task.lv->view.app);
}

static void save_finish(struct log_task *t)
{
	struct log_save *s = (struct log_save *)t;
	struct app *a = t->lv->view.app;

	t->lv->save = NULL;
	t->lv->note[0] = '\0';
	if (s->error)
		app_toast(a, TOAST_ERROR, "cannot write %s: %s; s saves to another file", s->path,
		        strerror(s->error));
	else
		app_toast(a, TOAST_OK, "%llu lines saved to %s", (unsigned long long)s->lines, s->path);
	app_redraw(a);
}

static void save_free(struct log_task *t)
{
	struct log_save *s = (struct log_save *)t;

	close_fd(&s->fd);
	free(s->path);
}

void log_save_stop(struct log_view *lv)
{
	log_task_give_up(lv->save ? &lv->save->task : NULL);
	lv->save = NULL;
}

/* With two marks or more: from the first to the last marked line. */
static void choose_range(struct log_view *lv, struct log_save *s)
{
	struct log_place first, last;
	struct log_entry e;

	log_set_begin(&lv->set, &s->from);
	log_set_end(&lv->set, &s->to);
	if (lv->n_marks < 2)
		return;
	first = last = lv->marks[0];
	for (size_t i = 1; i < lv->n_marks; i++) {
		if (lv->marks[i].time < first.time ||
		        (lv->marks[i].source == first.source && lv->marks[i].at < first.at))
			first = lv->marks[i];
		if (lv->marks[i].time > last.time ||
		        (lv->marks[i].source == last.source && lv->marks[i].at > last.at))
			last = lv->marks[i];
	}
	log_set_at_item(&lv->set, first.source, first.at, first.time, &s->from);
	log_set_at_item(&lv->set, last.source, last.at, last.time, &s->to);
	if (log_entry_after(&lv->set.sources[last.source]->scan.lines, last.at, &e))
		s->to.at[last.source] = e.next;
}

static struct log_save *save_new(struct log_view *lv, const char *path, struct err *e)
{
	struct log_save *s = calloc(1, sizeof(*s));

	if (!s || !(s->path = strdup(path))) {
		free(s);
		err_no_memory(e);
		return NULL;
	}
	s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600);
	if (s->fd < 0) {
		err_sys(e, "cannot write %s", path);
		free(s->path);
		free(s);
		return NULL;
	}
	s->task.run = save_run;
	s->task.finish = save_finish;
	s->task.free = save_free;
	s->task.work.news = save_news;
	s->times = lv->times != LOG_TIMES_OFF;
	s->names = lv->set.n > 1;
	s->workers = app_workers(lv->view.app);
	choose_range(lv, s);
	return s;
}

static void save_to(struct app *a, const char *path, void *arg)
{
	struct log_view *lv = arg;
	struct err e = ERR_INIT;
	struct log_save *s;

	if (!path || !*path || !lv->set.n)
		return;
	log_save_stop(lv);
	s = save_new(lv, path, &e);
	if (!s || log_task_start(&s->task, lv, NULL, &e) < 0) {
		app_toast(a, TOAST_ERROR, "%s", e.msg);
		return;
	}
	lv->save = s;
}

static bool check_path(struct app *a, const char *path, char *error, size_t size, void *arg)
{
	(void)a;
	(void)arg;
	if (*path && access(path, F_OK) == 0) {
		snprintf(error, size, "%.200s is there already; choose another name", path);
		return false;
	}
	return true;
}

void log_save_ask(struct log_view *lv)
{
	char name[96];
	struct prompt_options o = {
	        .label = lv->n_marks >= 2 ? "Save from the first to the last mark to"
	                                  : "Save the log as shown to",
	        .text = name,
	        .history = "log-save",
	        .check = check_path,
	        .ok = save_to,
	        .arg = lv,
	        .at_bottom = true,
	};

	if (!lv->set.n)
		return;
	snprintf(name, sizeof(name), "%.64s.log", lv->set.sources[0]->name);
	struct view *d = prompt_new(lv->view.app, &o);
	if (d)
		app_push(lv->view.app, d);
}
