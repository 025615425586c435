#include "tui/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "tui/actions.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/keymap.h"
#include "tui/login_form.h"
#include "tui/model.h"
#include "tui/text_view.h"

#define NAMED_MOST  12 /* objects that a question names */
#define FAILED_MOST 16 /* that can be run again */

/* ------------------------------------------------------------------ making one */

struct request *request_new(const char *words)
{
	struct request *r = calloc(1, sizeof(*r));

	for (const char *s = words; r && *s;) {
		size_t n = strcspn(s, " ");
		cleanup_free char *word = str_printf("%.*s", (int)n, s);

		request_word(r, word ? word : "");
		s += n;
		s += *s == ' ';
	}
	return r;
}

void request_word(struct request *r, const char *word)
{
	if (r)
		strv_add(&r->args, word);
}

static char *__attribute__((format(printf, 1, 0))) format(const char *fmt, va_list ap)
{
	cleanup_buf struct buf raw = BUF_INIT, clean = BUF_INIT;

	buf_vprintf(&raw, fmt, ap);
	text_harmless(&clean, buf_str(&raw), raw.len);
	return buf_take(&clean);
}

void request_title(struct request *r, const char *fmt, ...)
{
	va_list ap;

	if (!r)
		return;
	free(r->title);
	va_start(ap, fmt);
	r->title = format(fmt, ap);
	va_end(ap);
}

void request_said(struct request *r, const char *fmt, ...)
{
	va_list ap;

	if (!r)
		return;
	free(r->said);
	va_start(ap, fmt);
	r->said = format(fmt, ap);
	va_end(ap);
}

/* A secret leaves no copy in memory that is used again. The compiler must not take this for idle. */
static void wipe(char *text)
{
	volatile char *s = text;

	while (s && *s)
		*s++ = '\0';
	free(text);
}

void request_input(struct request *r, const char *text)
{
	if (!r)
		return;
	wipe(r->input);
	r->input = strdup(text);
}

void request_free(void *arg)
{
	struct request *r = arg;

	if (!r)
		return;
	wipe(r->input);
	strv_free(r->args);
	free(r->title);
	free(r->said);
	free(r);
}

/* ------------------------------------------------------------------ those that run */

struct owned {
	unsigned job;
	struct request *request;
};
struct requests {
	struct owned *running;
	size_t n;
	struct owned failed[FAILED_MOST]; /* the newest last */
	size_t n_failed;
};

struct requests *requests_new(void)
{
	return calloc(1, sizeof(struct requests));
}

void requests_free(struct requests *rs)
{
	if (!rs)
		return;
	for (size_t i = 0; i < rs->n; i++)
		request_free(rs->running[i].request);
	for (size_t i = 0; i < rs->n_failed; i++)
		request_free(rs->failed[i].request);
	free(rs->running);
	free(rs);
}

static int keep(struct requests *rs, unsigned job, struct request *r)
{
	struct owned *grown = realloc(rs->running, (rs->n + 1) * sizeof(*rs->running));

	if (!grown)
		return -1;
	rs->running = grown;
	rs->running[rs->n++] = (struct owned){job, r};
	return 0;
}

static struct request *take(struct requests *rs, unsigned job)
{
	for (size_t i = 0; i < rs->n; i++) {
		struct request *r = rs->running[i].request;

		if (rs->running[i].job != job)
			continue;
		rs->running[i] = rs->running[--rs->n];
		return r;
	}
	return NULL;
}

/* ------------------------------------------------------------------ those that failed */

/* Takes it. */
static void keep_failed(struct requests *rs, unsigned job, struct request *r)
{
	if (r->input) {
		request_free(r);
		return;
	}
	if (rs->n_failed == FAILED_MOST) {
		request_free(rs->failed[0].request);
		memmove(rs->failed, rs->failed + 1, --rs->n_failed * sizeof(*rs->failed));
	}
	rs->failed[rs->n_failed++] = (struct owned){job, r};
}

/* FAILED_MOST: there is none. */
static size_t failed_at(const struct requests *rs, unsigned job)
{
	if (!job && rs->n_failed)
		return rs->n_failed - 1;
	for (size_t i = 0; i < rs->n_failed; i++)
		if (rs->failed[i].job == job)
			return i;
	return FAILED_MOST;
}

bool request_can_again(struct app *a, unsigned job)
{
	return failed_at(actions_requests(app_actions(a)), job) < FAILED_MOST;
}

bool request_again(struct app *a, unsigned job)
{
	struct requests *rs = actions_requests(app_actions(a));
	size_t at = failed_at(rs, job);
	struct request *r;

	if (at == FAILED_MOST) {
		app_toast(a, TOAST_INFO,
		        job ? "this is not kept, so it cannot be tried again" : "nothing has failed yet");
		return false;
	}
	r = rs->failed[at].request;
	memmove(&rs->failed[at], &rs->failed[at + 1], (--rs->n_failed - at) * sizeof(*rs->failed));
	request_start(a, r);
	return true;
}

/* ------------------------------------------------------------------ its end */

static const char *last_line(const char *text, size_t *len)
{
	size_t end = text ? strlen(text) : 0, from;

	while (end && text[end - 1] == '\n')
		end--;
	for (from = end; from && text[from - 1] != '\n';)
		from--;
	*len = end - from;
	return text ? text + from : "";
}

static void say_done(struct app *a, const struct request *r, const struct job *j)
{
	size_t len;
	const char *line = last_line(j->output, &len);

	if (r->tells_output && len)
		app_toast(a, TOAST_OK, "%s: %.*s", r->said, (int)(len < 200 ? len : 200), line);
	else if (r->said)
		app_toast(a, TOAST_OK, "%s", r->said);
}

static void show_output(struct app *a, const struct job *j)
{
	cleanup_buf struct buf text = BUF_INIT;

	buf_printf(&text, "%s%s", j->output ? j->output : "", j->messages ? j->messages : "");
	if (!text.len)
		buf_printf(&text, "(no output, exit code %d)\n", j->exit_code);
	app_push(a, text_dialog_new(a, j->command, buf_str(&text)));
}

/* A registry that wants to know who asks: the form for that comes by itself, unless the user is doing
 * something else; then the log offers it. */
static void say_failed(struct app *a, const struct request *r, const struct job *j)
{
	char registry[LOGIN_REGISTRY_SIZE], again[KEYMAP_TEXT_SIZE] = "";

	if (login_wanted(j, registry) && strstr(j->messages, "log in first") && app_is_free(a)) {
		app_push(a, login_form_new(
		                    a, registry, j->number)); /* says it all, and where the room is scarce */
		return;
	}
	if (!r->input)
		keymap_key_text(app_keymap(a), ACTION_AGAIN, again);
	app_toast(a, TOAST_ERROR, "%s failed: %.240s (! shows the log%s%s%s)", j->title,
	        j->error ? j->error : "", *again ? ", " : "", again, *again ? " tries again" : "");
}

static void job_ended(struct app *a, const struct job *j, void *arg)
{
	struct request *r = take(actions_requests(app_actions(a)), j->number);

	(void)arg;
	if (!r)
		return;
	model_refresh(app_model(a), r->refresh);
	if (r->shows_output)
		show_output(a, j);
	else if (j->state == JOB_CANCELLED)
		app_toast(a, TOAST_WARN, "%s: cancelled", j->title);
	else if (j->state == JOB_FAILED)
		say_failed(a, r, j);
	else if (r->done)
		r->done(a, j, r->value);
	else
		say_done(a, r, j);
	if (r->shows_output || j->state == JOB_OK)
		request_free(r);
	else
		keep_failed(actions_requests(app_actions(a)), j->number, r);
}

void request_start(struct app *a, struct request *r)
{
	struct err e = ERR_INIT;
	const struct job *j;

	if (!r || !r->args || !r->title) {
		app_toast(a, TOAST_ERROR, "not done: out of memory");
		request_free(r);
		return;
	}
	j = job_start_with_input(app_jobs(a), r->args, r->input, r->title, job_ended, NULL, &e);
	if (!j)
		app_toast(a, TOAST_ERROR, "%s: %s", r->title, e.msg);
	if (!j || keep(actions_requests(app_actions(a)), j->number, r) < 0)
		request_free(r);
}

/* ------------------------------------------------------------------ asking first */

/* The dialog's arg is a box around the request, which is emptied when it is started. */
static void confirmed(struct app *a, void *arg)
{
	struct request **box = arg;

	request_start(a, steal_ptr(box));
}

static void free_box(void *arg)
{
	struct request **box = arg;

	request_free(*box);
	free(box);
}

static char **named(char *const *lines)
{
	char **some = NULL;
	size_t n = strv_len(lines);

	for (size_t i = 0; i < n && (i < NAMED_MOST || n == NAMED_MOST + 1); i++)
		strv_add(&some, lines[i]);
	if (n > NAMED_MOST + 1)
		strv_take(&some, str_printf("and %zu more", n - NAMED_MOST));
	return some;
}

void request_confirm(struct app *a, struct request *r, char *const *lines, const char *verb, bool destructive,
        const char *question_fmt, ...)
{
	struct request **box = malloc(sizeof(*box));
	cleanup_strv char **some = named(lines);
	cleanup_free char *question = NULL;
	struct view *dialog = NULL;
	va_list ap;

	va_start(ap, question_fmt);
	question = format(question_fmt, ap);
	va_end(ap);
	if (!box || !question) {
		request_free(r);
		free(box);
		return;
	}
	*box = r;
	dialog = confirm_new(a, question, some, verb, destructive, confirmed, box, free_box);
	if (dialog)
		app_push(a, dialog);
}
