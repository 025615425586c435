/* Limits, restart policy and health check of a container that is there: in the kernel while it runs, and on
 * record, all of it or nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/adopt.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/request.h"
#include "engine/restart.h"
#include "engine/runtime/cgroup.h"

static void spec_done(struct runtime_spec *spec)
{
	runtime_spec_free(spec);
}
#define cleanup_spec __attribute__((cleanup(spec_done)))

static void resources_done(struct resources *r)
{
	resources_free(r);
}
#define cleanup_resources __attribute__((cleanup(resources_done)))

static int check_update(const struct container *c, const struct tare_update *u, struct err *e)
{
	if (u->has_restart && u->restart != TARE_RESTART_NO && container_auto_remove(c))
		return err_set(e, ERR_USAGE,
		        "container %s is removed when it ends (--rm): it can have no restart policy",
		        c->record.name);
	return 0;
}

/* Memory and swap are one limit together. Who changes only memory keeps the sum that was asked for, and has
 * as much swap as memory again where none was. */
static int settle_swap(const struct resources *old, struct resources *change, struct err *e)
{
	if (change->memory < 0 && change->memory_swap > 0)
		return err_set(
		        e, ERR_USAGE, "--memory-swap needs a limit on memory, which --memory -1 takes away");
	if (!change->memory || change->memory_swap)
		return 0;
	if (change->memory < 0 || old->memory_swap <= 0) {
		change->memory_swap = change->memory < 0 || !old->memory_swap ? 0 : -1;
		return 0;
	}
	if (change->memory > old->memory_swap)
		return err_set(e, ERR_USAGE,
		        "--memory is above the limit on memory and swap together, %lld bytes; change "
		        "--memory-swap too",
		        (long long)old->memory_swap);
	change->memory_swap = old->memory_swap;
	return 0;
}

/* On record, no limit is none asked for. */
static void forget_unlimited(struct resources *r)
{
	if (r->memory < 0)
		r->memory = r->memory_swap = 0;
	if (r->memory_reservation < 0)
		r->memory_reservation = 0;
	if (r->cpu_quota_us < 0)
		r->cpu_quota_us = 0;
}

/* What the limits are to be, and what the kernel has to be told for it. */
static int settle(struct resources *now, struct resources *change, struct err *e)
{
	if (settle_swap(now, change, e) != 0)
		return -1;
	if (change->memory < 0)
		now->memory_swap = 0;
	if (resources_merge(now, change) != 0)
		return err_no_memory(e);
	forget_unlimited(now);
	return request_check_limits(now, e);
}

/* ------------------------------------------------------------------ records */

/* The runtime spec first: a start reads that. Its old text is for the case that the other cannot be written.
 */
static int write_records(struct container *c, const struct runtime_spec *spec, struct err *e)
{
	cleanup_buf struct buf old = {.max = CONTAINER_RECORD_MAX};
	bool sync = !container_auto_remove(c);

	if (file_read_at(c->dir_fd, "config.json", &old, e) != 0 ||
	        container_spec_write(c, spec, sync, e) != 0)
		return -1;
	if (container_record_write(c->dir_fd, &c->record, sync, e) == 0)
		return 0;
	file_write_at(
	        c->dir_fd, "config.json", old.data, old.len, 0600, sync ? FILE_SYNC : FILE_NO_SYNC, NULL);
	return -1;
}

static int note_in_record(
        struct container *c, const struct runtime_spec *spec, const struct tare_update *u, struct err *e)
{
	json *host = json_get(c->record.config, "HostConfig");

	inspect_set_resources(host, &spec->resources);
	if (u->has_restart)
		inspect_set_restart(host, u->restart, u->restart_max);
	return health_change(u, json_get(c->record.config, "Config"), e);
}

/* ------------------------------------------------------------------ the running one */

/* One that waits to be started again, and is not to be any more, has ended. */
static int settle_restart(const struct store *s, struct container *c, struct err *e)
{
	if (!c->has_state || !c->state.restart_due || restart_is_due(&c->record, c->record.exit_code))
		return 0;
	return restart_call_off(s, c, c->record.stopped_by_user, e);
}

static int update_locked(
        const struct store *s, struct container *c, const struct tare_update *u, struct err *e)
{
	cleanup_spec struct runtime_spec spec = RUNTIME_SPEC_INIT;
	cleanup_resources struct resources change = {0};
	cleanup_cgroup_saved struct cgroup_saved *before = NULL;
	cleanup_cgroup struct cgroup *g = NULL;
	char path[CGROUP_PATH_MAX];

	if (check_update(c, u, e) != 0 || container_spec(c, &spec, e) != 0)
		return -1;
	if (resources_copy(&change, &u->resources) != 0)
		return err_no_memory(e);
	if (settle(&spec.resources, &change, e) != 0 || note_in_record(c, &spec, u, e) != 0)
		return -1;
	if (container_is_up(c)) {
		if (cgroup_open(container_cgroup_path(c, path), &g, e) != 0 ||
		        !(before = cgroup_save(g, &change, e)) || cgroup_update(g, &change, e) != 0)
			return -1;
	}
	if (write_records(c, &spec, e) == 0) {
		if (health_is_changed(u) && container_is_up(c) && health_renew(c, e) != 0)
			return -1;
		return u->has_restart ? settle_restart(s, c, e) : 0;
	}
	if (g)
		cgroup_restore(g, before);
	return -1;
}

int engine_update(
        struct tare_engine *t, const char *ref, const struct tare_update *u, char ***warnings, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;

	(void)warnings;
	if (container_open(s, ref, &c, e) != 0 || container_lock(s, &c, e) != 0)
		return -1;
	adopt_in_passing(s, &c);
	if (update_locked(s, &c, u, e) != 0)
		return err_wrap(e, "container %s", c.record.name);
	container_event(s, &c, "update", NULL);
	return 0;
}
