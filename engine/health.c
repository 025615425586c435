/* What is known of a container's health. */
#include "engine/health.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/oci/image_config.h"

/* Beyond its time a probe has this long to be killed and put down; then the monitor kills who asks. */
#define LIMIT_ROOM_NS   INT64_C(30000000000)
#define HEALTH_FILE_MAX ((size_t)256 << 10) /* five outputs, each byte of them escaped */

bool health_is_on(const struct container_record *r)
{
	json *test = json_get(json_path(r->config, "Config.Healthcheck"), "Test");
	json *kind = test && json_object_is_type(test, json_type_array) ? json_object_array_get_idx(test, 0)
	                                                                : NULL;

	return kind && strcmp(json_object_get_string(kind), "NONE") != 0;
}

static int of_image(const struct image_config *image, struct health_check *h, struct err *e)
{
	*h = (struct health_check){0};
	if (!image || !image->healthcheck || health_check_from_json(image->healthcheck, h, e) == 0)
		return 0;
	return err_wrap(e, "the image (leave it out: --no-healthcheck)");
}

static json *document(const struct health_check *h, const struct image_config *image)
{
	json *o = health_check_to_json(h);

	if (image && image->shell && strcmp(h->test[0], "CMD-SHELL") == 0)
		json_set_strv(o, "Shell", image->shell);
	return o;
}

int health_record(const struct tare_create *q, const struct image_config *image, json *config, struct err *e)
{
	struct health_check h = q->health, of;
	bool off = q->health.test && !health_check_is_on(&q->health);

	h.test = NULL; /* a copy: the request's is not ours to change */
	if (of_image(off ? NULL : image, &of, e) != 0)
		return -1;
	if (q->health.test && !(h.test = strv_copy(q->health.test)))
		return err_no_memory(e);
	int rc = health_check_merge(&h, &of, e);
	json *c = json_get(config, "Config");
	if (rc == 0 && q->health_on_failure && !health_check_is_on(&h))
		rc = err_set(e, ERR_USAGE,
		        "--health-on-failure %s, but nothing says how health is checked; add --health-cmd",
		        tare_health_action_name(q->health_on_failure));
	if (rc == 0 && health_check_is_on(&h))
		json_set(c, "Healthcheck", document(&h, image));
	else if (rc == 0 && off)
		json_set(c, "Healthcheck",
		        health_check_to_json(&(struct health_check){.test = q->health.test}));
	health_check_free(&h);
	health_check_free(&of);
	return rc;
}

static json *read_file(const struct container *c)
{
	return c->state_fd >= 0 ? json_read_at(c->state_fd, "health", HEALTH_FILE_MAX, NULL) : NULL;
}

enum tare_health health_status(const struct container *c)
{
	if (!health_is_on(&c->record))
		return TARE_HEALTH_NONE;
	cleanup_json json *j = read_file(c);
	const char *status = json_str(j, "Status", "starting");
	for (int h = TARE_HEALTH_STARTING; h <= TARE_HEALTH_UNHEALTHY; h++)
		if (strcmp(status, tare_health_name((enum tare_health)h)) == 0)
			return (enum tare_health)h;
	return TARE_HEALTH_STARTING;
}

json *health_document(const struct container *c)
{
	json *j = read_file(c);

	if (j)
		return j;
	j = json_object_new_object();
	json_set_str(j, "Status", tare_health_name(TARE_HEALTH_STARTING));
	json_set_int(j, "FailingStreak", 0);
	json_set(j, "Log", json_object_new_array());
	return j;
}

/* ------------------------------------------------------------------ the monitor's part */

int health_of(const struct container_record *r, struct health_check *h)
{
	return health_check_from_json(json_path(r->config, "Config.Healthcheck"), h, NULL);
}

static uint32_t ms_of(int64_t ns)
{
	int64_t ms = ns / 1000000;

	return ms > INT32_MAX ? INT32_MAX : (uint32_t)ms;
}

void health_handoff(const struct container_record *r, struct monitor_handoff *h)
{
	struct health_check check;

	h->health_interval_ms = h->health_start_interval_ms = h->health_limit_ms = 0;
	if (!health_is_on(r) || health_of(r, &check) != 0)
		return;
	h->health_interval_ms = ms_of(check.interval);
	h->health_start_interval_ms = ms_of(check.start_period ? check.start_interval : check.interval);
	h->health_limit_ms = ms_of(check.timeout + LIMIT_ROOM_NS);
	health_check_free(&check);
}

int health_renew(const struct container *c, struct err *e)
{
	struct monitor_handoff h;
	char text[64];

	health_handoff(&c->record, &h);
	int len = snprintf(text, sizeof text, "%u %u %u\n", h.health_interval_ms, h.health_start_interval_ms,
	        h.health_limit_ms);
	if (file_write_at(c->state_fd, HEALTH_TIMES_FILE, text, (size_t)len, 0600, FILE_NO_SYNC, e) != 0)
		return -1;
	unlinkat(c->state_fd, "health", 0);
	cleanup_fd int monitor = proc_open(&c->state.monitor);
	if (monitor >= 0)
		pidfd_signal(monitor, SIGURG);
	return 0;
}

/* ------------------------------------------------------------------ update */

bool health_is_changed(const struct tare_update *u)
{
	return health_check_is_given(&u->health) || u->no_health_start_period;
}

/* Over what is on record, member by member, as flags are over the image's. */
static int change_check(const struct tare_update *u, json *config, struct err *e)
{
	const struct health_check *change = &u->health;
	struct health_check h = *change, before = {0};
	json *old = json_get(config, "Healthcheck"), *made;

	h.test = NULL;
	if (old && health_check_from_json(old, &before, e) != 0)
		return -1;
	if (before.test && !health_check_is_on(&before))
		strv_free_ptr(&before.test);
	int rc = change->test && !(h.test = strv_copy(change->test)) ? err_no_memory(e)
	                                                             : health_check_merge(&h, &before, e);
	if (rc == 0 && !health_check_is_on(&h))
		rc = err_set(e, ERR_USAGE, "nothing says how its health is checked; add --health-cmd");
	if (rc == 0) {
		if (u->no_health_start_period)
			h.start_period = 0;
		made = health_check_to_json(&h);
		if (json_get(old, "Shell"))
			json_set(made, "Shell", json_object_get(json_get(old, "Shell")));
		json_set(config, "Healthcheck", made);
	}
	health_check_free(&h);
	health_check_free(&before);
	return rc;
}

static int turn_off(const struct health_check *change, json *config)
{
	json_set(config, "Healthcheck", health_check_to_json(&(struct health_check){.test = change->test}));
	json_object_object_del(config, "HealthcheckOnFailureAction");
	return 0;
}

int health_change(const struct tare_update *u, json *config, struct err *e)
{
	const struct health_check *change = &u->health;

	if (change->test && !health_check_is_on(change))
		return turn_off(change, config);
	if ((health_is_changed(u) || u->health_on_failure) && change_check(u, config, e) != 0)
		return -1;
	if (!u->has_health_on_failure)
		return 0;
	if (u->health_on_failure)
		json_set_str(
		        config, "HealthcheckOnFailureAction", tare_health_action_name(u->health_on_failure));
	else
		json_object_object_del(config, "HealthcheckOnFailureAction");
	return 0;
}
