#include "tui/alert.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/text.h"
#include "tui/config.h"
#include "tui/screen.h"
#include "tui/text_view.h"

#define ALERTS_MAX  200
#define WATCHED_MAX 1000
#define RECENT_MAX  64
#define ASKED_NS                                                                                             \
	INT64_C(120000000000) /* a death this long after a signal of ours or anybody's was wanted            \
	                       */
#define LOOP_NS     INT64_C(60000000000)
#define LOOP_DEATHS 3                     /* so many deaths within LOOP_NS are a crash loop */
#define AGAIN_NS    INT64_C(900000000000) /* and so are restarts by the policy with less between them */
#define BELL_NS     INT64_C(1000000000)   /* no more than one a second, however many die at once */

/* What happened to a container lately. */
struct recent {
	char id[OBJECT_ID_SIZE];
	int64_t last;  /* when anything was noted, for reuse of the slot */
	int64_t asked; /* when a signal was sent */
	int64_t oom;
	int64_t deaths[LOOP_DEATHS]; /* newest first */
	bool loop_told;
};

struct alerts {
	struct app *app;
	struct alert ring[ALERTS_MAX];
	size_t n, next, unread;
	struct recent recent[RECENT_MAX];
	char **watched; /* ids */
	int64_t rang;
};

struct alerts *alerts_new(struct app *a)
{
	struct alerts *as = calloc(1, sizeof(*as));

	if (as)
		as->app = a;
	return as;
}

void alerts_free(struct alerts *as)
{
	if (as)
		strv_free(as->watched);
	free(as);
}

/* ------------------------------------------------------------------ the list */

static void ring_for(struct alerts *as, const char *text)
{
	struct app *a = as->app;
	int64_t now = app_now(a);

	if (now - as->rang < BELL_NS && now >= as->rang)
		return;
	as->rang = now;
	if (config_bool(app_config(a), "bell", true))
		screen_bell(app_screen(a));
	if (config_bool(app_config(a), "notify", false))
		screen_notify(app_screen(a), text);
}

void alerts_add(struct alerts *as, const struct object *about, const char *fmt, va_list ap)
{
	struct alert *al = &as->ring[as->next];
	char raw[sizeof(al->text)];

	if (as->n == ALERTS_MAX && !al->read && as->unread)
		as->unread--; /* written over unread */
	*al = (struct alert){.time = app_now(as->app)};
	if (about)
		al->about = *about;
	vsnprintf(raw, sizeof(raw), fmt, ap);
	text_harmless_to(al->text, sizeof(al->text), raw);
	as->next = (as->next + 1) % ALERTS_MAX;
	if (as->n < ALERTS_MAX)
		as->n++;
	as->unread++;
	ring_for(as, al->text);
	app_toast(as->app, TOAST_WARN, "%s", al->text);
	app_redraw(as->app);
}

static void __attribute__((format(printf, 3, 4)))
add(struct alerts *as, const struct model_event *ev, const char *fmt, ...)
{
	struct object about = {.kind = OBJECT_CONTAINER};
	struct model_container *c;
	va_list ap;

	snprintf(about.id, sizeof(about.id), "%s", ev->id);
	c = model_container(app_model(as->app), ev->id);
	if (c)
		c->alert = true;
	va_start(ap, fmt);
	alerts_add(as, &about, fmt, ap);
	va_end(ap);
}

size_t alerts_unread(const struct alerts *as)
{
	return as->unread;
}

size_t alerts_count(const struct alerts *as)
{
	return as->n;
}

const struct alert *alerts_get(const struct alerts *as, size_t i)
{
	return &as->ring[(as->next + ALERTS_MAX - as->n + i) % ALERTS_MAX];
}

void alerts_mark_read(struct alerts *as)
{
	for (size_t i = 0; i < as->n; i++)
		as->ring[i].read = true;
	as->unread = 0;
}

/* ------------------------------------------------------------------ watching */

bool alerts_is_watched(const struct alerts *as, const char *id)
{
	return strv_has(as->watched, id);
}

bool alerts_watch(struct alerts *as, const char *id, bool on)
{
	bool is_on = alerts_is_watched(as, id);

	if (on && !is_on && strv_len(as->watched) < WATCHED_MAX)
		return strv_add(&as->watched, id) == 0;
	for (char **s = as->watched; !on && s && *s; s++) {
		if (strcmp(*s, id) != 0)
			continue;
		free(*s);
		for (; *s; s++)
			s[0] = s[1];
		return false;
	}
	return on && is_on;
}

/* ------------------------------------------------------------------ what events mean */

static const char *name_of(const struct model_event *ev)
{
	return ev->name && *ev->name ? ev->name : ev->id;
}

static struct recent *recent_of(struct alerts *as, const struct model_event *ev)
{
	struct recent *oldest = &as->recent[0];

	for (size_t i = 0; i < RECENT_MAX; i++) {
		struct recent *r = &as->recent[i];

		if (!strcmp(r->id, ev->id)) {
			r->last = ev->time;
			return r;
		}
		if (r->last < oldest->last)
			oldest = r;
	}
	*oldest = (struct recent){.last = ev->time};
	snprintf(oldest->id, sizeof(oldest->id), "%s", ev->id);
	return oldest;
}

/* Several deaths within a minute; or, with more time between them, one that its restart policy starts time
 * and again. */
static bool is_crash_loop(struct alerts *as, const struct model_event *ev, struct recent *r)
{
	const struct model_container *c = model_container(app_model(as->app), ev->id);
	int64_t now = ev->time;
	bool is_fast, is_again;

	memmove(&r->deaths[1], &r->deaths[0], sizeof(r->deaths) - sizeof(r->deaths[0]));
	r->deaths[0] = now;
	is_fast = r->deaths[LOOP_DEATHS - 1] && now - r->deaths[LOOP_DEATHS - 1] <= LOOP_NS;
	is_again = c && c->row.restart != TARE_RESTART_NO && c->row.restart_count >= LOOP_DEATHS &&
	           now - r->deaths[1] <= AGAIN_NS;
	if (!is_fast && !is_again)
		r->loop_told = false;
	return is_fast || (c && c->row.restart != TARE_RESTART_NO && c->row.restart_count >= LOOP_DEATHS);
}

/* "exit code 137" of the event, else what the row says. */
static int exit_code_of(struct alerts *as, const struct model_event *ev)
{
	const char *digits = ev->detail ? strstr(ev->detail, "exit code ") : NULL;
	const struct model_container *c = model_container(app_model(as->app), ev->id);

	if (digits)
		return (int)strtol(digits + strlen("exit code "), NULL, 10);
	return c ? c->row.exit_code : 0;
}

static void died(struct alerts *as, const struct model_event *ev, struct recent *r)
{
	const char *name = name_of(ev);
	int code = exit_code_of(as, ev);
	bool wanted = r->asked && ev->time - r->asked < ASKED_NS;
	bool was_oom = r->oom && ev->time - r->oom < BELL_NS;

	r->asked = 0;
	if (alerts_is_watched(as, ev->id)) {
		add(as, ev, "%.64s ended with exit code %d", name, code);
		return;
	}
	if (wanted || code == 0)
		return;
	if (is_crash_loop(as, ev, r)) {
		if (!r->loop_told && !was_oom)
			add(as, ev, "%.64s ends again and again: exit code %d", name, code);
		r->loop_told = r->loop_told || !was_oom;
		return;
	}
	if (!was_oom)
		add(as, ev, "%.64s ended with exit code %d", name, code);
}

/* A signal that asks for the end, unlike those that many programs take as "read your settings again". */
static bool asks_to_end(const struct model_event *ev)
{
	const char *digits = ev->detail ? strstr(ev->detail, "signal ") : NULL;
	long sig = digits ? strtol(digits + strlen("signal "), NULL, 10) : SIGTERM;

	return sig != SIGHUP && sig != SIGUSR1 && sig != SIGUSR2 && sig != SIGCONT && sig != SIGSTOP;
}

void alerts_event(struct alerts *as, const struct model_event *ev)
{
	struct recent *r;

	if (strcmp(ev->type, "container") != 0)
		return;
	if (!strcmp(ev->action, "destroy")) {
		alerts_watch(as, ev->id, false);
		return;
	}
	if (!strcmp(ev->action, "health_status: unhealthy")) {
		add(as, ev, "%.64s is unhealthy", name_of(ev));
		return;
	}
	if (strcmp(ev->action, "kill") != 0 && strcmp(ev->action, "oom") != 0 &&
	        strcmp(ev->action, "die") != 0)
		return;
	r = recent_of(as, ev);
	if (!strcmp(ev->action, "kill")) {
		if (asks_to_end(ev))
			r->asked = ev->time;
	} else if (!strcmp(ev->action, "oom")) {
		r->oom = ev->time;
		add(as, ev, "%.64s ran out of memory, and the kernel killed in it", name_of(ev));
	} else {
		died(as, ev, r);
	}
}

/* ------------------------------------------------------------------ the list */

static void print_alert(const struct alert *al, struct buf *out)
{
	time_t t = (time_t)(al->time / 1000000000);
	char when[16] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	buf_printf(out, "%s %s  %s\n", al->read ? " " : "!", when, al->text);
}

struct view *alerts_dialog_new(struct app *a)
{
	struct alerts *as = app_alerts(a);
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = alerts_count(as); i-- > 0;)
		print_alert(alerts_get(as, i), &text);
	if (!text.len)
		buf_str_add(&text, "Nothing so far. A container that dies, becomes unhealthy, runs out of "
		                   "memory or keeps crashing shows here;\n"
		                   "w in the list watches one for any end.\n");
	alerts_mark_read(as);
	return text_dialog_new(a, "Alerts", buf_str(&text));
}
