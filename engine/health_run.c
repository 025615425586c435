/* `tare --internal health ID`: what comes of one look at a container's health. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/health_probe.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"

/* ------------------------------------------------------------------ the record */

/* The document is text; what is none, or was cut in two by the limit, becomes U+FFFD. */
static void add_text(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		char utf8[4];
		size_t n = utf8_decode(bytes + i, len - i, &cp);
		buf_add(out, utf8, utf8_encode(n && cp ? cp : 0xfffd, utf8));
		i += n ? n : 1;
	}
}

static json *entry(const struct health_probe *p)
{
	json *o = json_object_new_object();
	char text[TIME_TEXT_SIZE];
	cleanup_buf struct buf output = BUF_INIT;

	json_set_str(o, "Start", time_format(p->start, text));
	json_set_str(o, "End", time_format(p->end, text));
	json_set_int(o, "ExitCode", p->exit_code);
	add_text(&output, p->output, p->len);
	json_set_str(o, "Output", buf_str(&output));
	return o;
}

/* The last of them, and this one. */
static json *log_with(json *before, const struct health_probe *p)
{
	json *old = json_get(before, "Log"), *log = json_object_new_array();
	size_t n = old && json_object_is_type(old, json_type_array) ? json_object_array_length(old) : 0;

	for (size_t i = n >= HEALTH_LOG_MAX ? n - HEALTH_LOG_MAX + 1 : 0; i < n; i++)
		json_object_array_add(log, json_object_get(json_object_array_get_idx(old, i)));
	json_object_array_add(log, entry(p));
	return log;
}

struct verdict {
	enum tare_health before, now;
	int streak;
	bool in_start_period;
};

/* Docker's rules: one success makes it healthy, `retries` failures in a row unhealthy; those of a container
 * that starts and has never been healthy do not count. */
static void judge(struct verdict *v, const struct container *c, const struct health_check *check,
        const struct health_probe *p)
{
	v->in_start_period = proc_age(&c->state.process) - p->took < check->start_period;
	v->now = v->before;
	if (p->exit_code == 0) {
		v->streak = 0;
		v->now = TARE_HEALTH_HEALTHY;
	} else if (v->before != TARE_HEALTH_STARTING || !v->in_start_period) {
		v->streak++;
		if (v->streak >= check->retries)
			v->now = TARE_HEALTH_UNHEALTHY;
	}
}

/* A start meanwhile has begun with a health of its own. */
static bool is_same_run(const struct container *c)
{
	struct container_state now;

	return container_state_read(c->state_fd, &now) == 0 && !now.restart_due &&
	       now.process.pid == c->state.process.pid &&
	       now.process.start_time == c->state.process.start_time;
}

/* So has an update of the check: what the one before it found says nothing of the new one. */
static bool is_same_check(const struct store *s, const struct container *c)
{
	struct container_record now;

	if (container_record_read(s, c->id, &now, NULL) != 0)
		return true;
	bool same = json_object_equal(json_path(c->record.config, "Config.Healthcheck"),
	        json_path(now.config, "Config.Healthcheck"));
	container_record_free(&now);
	return same;
}

static int put_down(const struct store *s, const struct container *c, json *before, const struct verdict *v,
        const struct health_probe *p, struct err *e)
{
	cleanup_json json *o = json_object_new_object();
	cleanup_buf struct buf text = BUF_INIT;

	json_set_str(o, "Status", tare_health_name(v->now));
	json_set_int(o, "FailingStreak", v->streak);
	json_set(o, "Log", log_with(before, p));
	json_print(&text, o, JSON_COMPACT);
	if (text.failed)
		return err_no_memory(e);
	if (file_write_at(c->state_fd, "health", text.data, text.len, 0600, FILE_NO_SYNC, e) != 0)
		return -1;
	if (!is_same_run(c) || !is_same_check(s, c))
		unlinkat(c->state_fd, "health", 0);
	return 0;
}

/* ------------------------------------------------------------------ what follows */

static enum tare_health_action action_of(const struct container *c)
{
	enum tare_health_action a = TARE_HEALTH_DO_NOTHING;

	tare_parse_health_action(
	        json_str(json_get(c->record.config, "Config"), "HealthcheckOnFailureAction", "none"), &a,
	        NULL);
	return a;
}

static void tell(const struct store *s, const struct container *c, enum tare_health now)
{
	cleanup_free char *action = str_printf("health_status: %s", tare_health_name(now));

	if (action)
		container_event(s, c, action, NULL);
}

/* By a process of its own: this one must not be waiting for the end of what its parent looks after. */
static void act(const struct store *s, const struct container *c)
{
	struct verb v;

	if (action_of(c) == TARE_HEALTH_DO_NOTHING)
		return;
	verb_fill(&v, s, "unhealthy", c->id);
	verb_spawn(&v);
}

int health_act(struct tare_engine *t, const char *id, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open_id(engine_store(t), id, &c, e) != 0)
		return -1;
	if (!container_is_up(&c) || health_status(&c) != TARE_HEALTH_UNHEALTHY)
		return 0; /* it has thought better of it */
	switch (action_of(&c)) {
	case TARE_HEALTH_KILL: /* as if it had crashed: the policy says what follows */
		return container_end(engine_store(t), &c, 0, e);
	case TARE_HEALTH_RESTART:
		if (mknodat(c.state_fd, RESTART_NOTE_AGAIN, S_IFREG | 0600, 0) != 0 && !container_is_up(&c))
			return 0;
		return container_end(engine_store(t), &c, TARE_TIMEOUT_DEFAULT, e);
	case TARE_HEALTH_STOP:
		return engine_stop(t, id, TARE_TIMEOUT_DEFAULT, 0, e);
	default:
		return 0;
	}
}

static int not_asked(enum tare_health before)
{
	return before == TARE_HEALTH_STARTING ? HEALTH_EXIT_STARTING : HEALTH_EXIT_OK;
}

int health_run(struct tare_engine *t, const char *id, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	struct health_check check;
	struct health_probe probe;

	if (container_open_id(s, id, &c, e) != 0)
		return -1;
	if (!container_is_up(&c) || health_of(&c.record, &check) != 0)
		return HEALTH_EXIT_OK;
	struct verdict v = {.before = health_status(&c)};
	if (c.state.paused) {
		health_check_free(&check);
		return not_asked(v.before);
	}
	cleanup_json json *before = health_document(&c);
	cleanup_strv char **shell = json_strv(json_path(c.record.config, "Config.Healthcheck"), "Shell");
	v.streak = (int)json_int(before, "FailingStreak", 0);
	health_probe_run(s, &c, &check, shell, &probe);
	judge(&v, &c, &check, &probe);
	health_check_free(&check);
	if (!is_same_run(&c) || !container_is_up(&c))
		return HEALTH_EXIT_OK;
	if (probe.frozen)
		return not_asked(v.before);
	if (!is_same_check(s, &c))
		return HEALTH_EXIT_STARTING; /* the new one begins as at a start */
	if (put_down(s, &c, before, &v, &probe, e) != 0)
		return -1;
	if (v.now != v.before)
		tell(s, &c, v.now);
	if (v.now != v.before && v.now == TARE_HEALTH_UNHEALTHY)
		act(s, &c);
	return v.now == TARE_HEALTH_STARTING && v.in_start_period ? HEALTH_EXIT_STARTING : HEALTH_EXIT_OK;
}
