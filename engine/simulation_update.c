/* Restart policies, limits that change, and what happens at a boot. */
#include "engine/simulation.h"

#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "engine/request.h"

/* ------------------------------------------------------------------ what a policy comes to */

unsigned sim_restarts_left(const struct sim_container *c)
{
	switch (c->restart) {
	case TARE_RESTART_ALWAYS:
	case TARE_RESTART_UNLESS_STOPPED:
		return SIM_RESTARTS_FOREVER;
	case TARE_RESTART_ON_FAILURE:
		if (!c->nature.code)
			return 0;
		return c->restart_max ? c->restart_max : SIM_RESTARTS_FOREVER;
	case TARE_RESTART_NO:
		break;
	}
	return 0;
}

/* The run under way goes on, and what follows it is another. One that waits for its next start, and has lost
 * its policy, has ended. */
static void follow_anew(struct sim_container *c, int64_t at)
{
	struct sim_status st = sim_at(c, at);
	struct sim_episode ep = {.kind = st.state == TARE_PAUSED ? EPISODE_PAUSED : EPISODE_RUNNING,
	        .at = at,
	        .origin = at - st.active,
	        .rounds = st.restarts,
	        .limit = sim_restarts_left(c)};

	if (ep.limit != SIM_RESTARTS_FOREVER)
		ep.limit -= ep.limit < st.restarts ? ep.limit : st.restarts;
	if (st.state == TARE_RUNNING || st.state == TARE_PAUSED)
		sim_episode_add(c, ep);
	if (st.state == TARE_RESTARTING && !ep.limit)
		sim_episode_add(c, (struct sim_episode){.kind = EPISODE_ENDED,
		                           .at = st.finished,
		                           .started = st.started,
		                           .code = st.code,
		                           .oom = st.oom});
}

void sim_policy_made(struct sim_container *c, json *line)
{
	int64_t policy = json_int(line, "restart", -1), max = json_int(line, "restartMax", 0);

	if (policy < TARE_RESTART_NO || policy > TARE_RESTART_UNLESS_STOPPED)
		return;
	c->restart = (enum tare_restart)policy;
	c->restart_max = max > 0 && max < 1000000 ? (unsigned)max : 0;
}

static void limit_made(uint64_t *limit, json *line, const char *key, int64_t max)
{
	int64_t v = json_int(line, key, 0);

	if (v < 0)
		*limit = 0;
	else if (v > 0 && v < max)
		*limit = (uint64_t)v;
}

static void limits_made(struct sim_container *c, json *line)
{
	json *change = json_get(line, "limits"), *all = json_object_new_object();

	if (c->limits) {
		json_object_object_foreach (c->limits, key, value)
			json_set(all, key, json_object_get(value));
	}
	if (change) {
		json_object_object_foreach (change, key, value)
			json_set(all, key, json_object_get(value));
	}
	/* memory and swap are one limit together: none is without memory's */
	if (json_int(all, "MemorySwap", 0) > 0 && json_int(all, "MemorySwap", 0) < (int64_t)c->memory_limit)
		json_object_object_del(all, "MemorySwap");
	if (!c->memory_limit)
		json_object_object_del(all, "MemorySwap");
	json_free(&c->limits);
	c->limits = all;
}

void sim_update_apply(struct simulation *s, struct sim_container *c, json *line, int64_t at)
{
	uint64_t cpus = c->cpus, pids = c->pids_limit;

	limit_made(&c->memory_limit, line, "memory", INT64_MAX);
	limit_made(&cpus, line, "cpus", 100000);
	limit_made(&pids, line, "pids", 1 << 22);
	c->cpus = (unsigned)cpus;
	c->pids_limit = (unsigned)pids;
	limits_made(c, line);
	if (json_get(line, "restart")) {
		sim_policy_made(c, line);
		follow_anew(c, at);
	}
	sim_event_keep(s, sim_event_of(s, c, "update", at), at);
}

/* ------------------------------------------------------------------ update */

/* What shows nowhere but in documents: nothing of it is simulated. */
json *sim_limits_document(const struct resources *r)
{
	json *o = json_object_new_object();

	if (r->memory_swap)
		json_set_int(o, "MemorySwap", r->memory_swap);
	if (r->memory_reservation)
		json_set_int(o, "MemoryReservation", r->memory_reservation > 0 ? r->memory_reservation : 0);
	if (r->swappiness)
		json_set_int(o, "MemorySwappiness", r->swappiness - 1);
	if (r->oom_kill_disable)
		json_set_bool(o, "OomKillDisable", true);
	if (r->cpu_shares)
		json_set_int(o, "CpuShares", (int64_t)r->cpu_shares);
	if (r->cpuset_cpus)
		json_set_str(o, "CpusetCpus", r->cpuset_cpus);
	if (r->cpuset_mems)
		json_set_str(o, "CpusetMems", r->cpuset_mems);
	if (r->blkio_weight)
		json_set_int(o, "BlkioWeight", r->blkio_weight);
	if (json_object_object_length(o) == 0)
		json_free(&o);
	return o;
}

static int set_limits(json *line, const struct resources *r)
{
	int before = json_object_object_length(line);

	if (r->memory)
		json_set_int(line, "memory", r->memory);
	if (r->pids)
		json_set_int(line, "pids", r->pids);
	if (r->cpu_quota_us)
		json_set_int(line, "cpus",
		        r->cpu_quota_us < 0
		                ? -1
		                : r->cpu_quota_us * 100 /
		                          (int64_t)(r->cpu_period_us ? r->cpu_period_us : 100000));
	json *more = sim_limits_document(r);
	if (more)
		json_set(line, "limits", more);
	return json_object_object_length(line) - before;
}

int sim_update(
        struct tare_engine *t, const char *ref, const struct tare_update *u, char ***warnings, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	cleanup_json json *line = c ? sim_action("update", c->id) : NULL;
	struct resources all = u->resources; /* a look at it, nothing of it is ours */
	int n;

	if (!c)
		return -1;
	if (!all.memory)
		all.memory = (int64_t)c->memory_limit;
	n = set_limits(line, &u->resources);
	if (u->has_restart) {
		json_set_int(line, "restart", u->restart);
		json_set_int(line, "restartMax", u->restart_max);
	}
	if (u->has_restart && u->restart != TARE_RESTART_NO && c->auto_remove)
		return err_set(e, ERR_USAGE,
		        "container %s is removed when it ends (--rm): it can have no restart policy",
		        c->name);
	if (request_check_limits(&all, e) < 0)
		return -1;
	if (warnings && u->resources.n_io)
		strv_add(warnings, "the demo has no limits of devices");
	if (warnings &&
	        (health_check_is_given(&u->health) || u->no_health_start_period || u->has_health_on_failure))
		strv_add(warnings, "the demo keeps how health is asked");
	return n || u->has_restart ? sim_journal_add(s, steal_ptr(&line), e) : 0;
}

/* ------------------------------------------------------------------ boot */

static bool comes_back(const struct sim_container *c, const struct sim_status *st)
{
	if (st->state != TARE_EXITED || !st->there)
		return false;
	return c->restart == TARE_RESTART_ALWAYS ||
	       (c->restart == TARE_RESTART_UNLESS_STOPPED && !st->stopped);
}

/* The demo's world boots once; what ran goes on. */
int sim_boot(struct tare_engine *t, char ***started, char ***failed, struct err *e)
{
	struct simulation *s = sim_of(t);
	size_t n;

	if (sim_refresh(s, e) < 0)
		return -1;
	n = s->booted ? 0 : s->n_containers;
	for (size_t i = 0; i < n; i++) {
		const struct sim_container *c = s->containers[i];
		struct sim_status st = sim_at(c, sim_now(s));
		struct err why = ERR_INIT;

		if (!comes_back(c, &st))
			continue;
		if (sim_start(t, c->id, NULL, NULL, NULL, &why) == 0) {
			strv_add(started, c->name);
			continue;
		}
		err_wrap(&why, "container %s is not started", c->name);
		strv_add(failed, why.msg);
	}
	return s->booted ? 0 : sim_journal_add(s, sim_action("boot", NULL), e);
}
