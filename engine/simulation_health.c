/* Health: what the probes of a container tell at a moment, reckoned from when its run began. */
#include "engine/simulation.h"

#include <string.h>

#include "base/units.h"

#define INTERVAL 10 /* seconds between two probes */
#define RETRIES  3
/* One that is ill recovers now and then, and falls ill again: within ILL_PERIOD seconds its probes succeed
 * from ILL_BETTER to ILL_WORSE. */
#define ILL_PERIOD 1200
#define ILL_BETTER 240
#define ILL_WORSE  260
#define ILL_TOLD   (ILL_WORSE + (RETRIES - 1) * INTERVAL) /* so many failures it takes to be unhealthy */

/* A run's age at which the first verdict falls. */
static int64_t first_verdict(const struct sim_container *c)
{
	return (c->ill ? RETRIES : 1) * INTERVAL * SIM_SECOND;
}

static bool is_between(const struct sim_container *c, int64_t age, int64_t from, int64_t to)
{
	int64_t phase = age % (ILL_PERIOD * SIM_SECOND);

	return !c->ill || (phase >= from * SIM_SECOND && phase < to * SIM_SECOND);
}

/* What a probe says at that age of the run. */
static bool is_well(const struct sim_container *c, int64_t age)
{
	return is_between(c, age, ILL_BETTER, ILL_WORSE);
}

enum tare_health sim_health_at(const struct sim_container *c, const struct sim_status *st, int64_t t)
{
	int64_t age = t - st->origin;

	if (!c->probe || (st->state != TARE_RUNNING && st->state != TARE_PAUSED))
		return TARE_HEALTH_NONE;
	if (st->state == TARE_PAUSED)
		age = st->active;
	if (age < first_verdict(c))
		return TARE_HEALTH_STARTING;
	return is_between(c, age, ILL_BETTER, ILL_TOLD) ? TARE_HEALTH_HEALTHY : TARE_HEALTH_UNHEALTHY;
}

int64_t sim_health_next(const struct sim_container *c, int64_t t)
{
	static const int64_t marks[] = {ILL_BETTER, ILL_TOLD, ILL_PERIOD + ILL_BETTER};
	struct sim_status st;
	int64_t age, round;

	if (!c->probe)
		return INT64_MAX;
	st = sim_at(c, t);
	age = t - st.origin;
	if (st.state != TARE_RUNNING)
		return INT64_MAX;
	if (age < first_verdict(c))
		return st.origin + first_verdict(c);
	if (!c->ill)
		return INT64_MAX;
	round = age - age % (ILL_PERIOD * SIM_SECOND);
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (round + marks[i] * SIM_SECOND > age)
			return st.origin + round + marks[i] * SIM_SECOND;
	return INT64_MAX;
}

/* ------------------------------------------------------------------ documents */

static json *probe_of(const struct simulation *s, const struct sim_container *c, int64_t origin, int64_t at)
{
	json *o = json_object_new_object();
	int64_t took = SIM_SECOND / 1000 * (12 + (int64_t)(sim_hash(c->seed, (uint64_t)at) % 40));
	bool well = is_well(c, at - origin);
	char text[TIME_TEXT_SIZE];

	json_set_str(o, "Start", time_format(sim_wall(s, at), text));
	json_set_str(o, "End", time_format(sim_wall(s, at + took), text));
	json_set_int(o, "ExitCode", !well);
	json_set_str(o, "Output", well ? "ok\n" : "no answer within 2 s: the index is being merged\n");
	return o;
}

/* How many of the probes before `age` failed one after the other. */
static int64_t streak(const struct sim_container *c, int64_t age)
{
	int64_t n = 0;

	for (int64_t at = age - age % (INTERVAL * SIM_SECOND); at > 0 && !is_well(c, at);
	        at -= INTERVAL * SIM_SECOND)
		n++;
	return n;
}

json *sim_health_state(
        const struct simulation *s, const struct sim_container *c, const struct sim_status *st, int64_t now)
{
	json *o = json_object_new_object(), *log = json_object_new_array();
	int64_t age = st->active, last = age - age % (INTERVAL * SIM_SECOND);

	json_set_str(o, "Status", tare_health_name(sim_health_at(c, st, now)));
	json_set_int(o, "FailingStreak", streak(c, age));
	for (int64_t i = HEALTH_LOG_MAX - 1; i >= 0; i--)
		if (last - i * INTERVAL * SIM_SECOND > 0)
			json_object_array_add(log,
			        probe_of(s, c, st->origin, st->origin + last - i * INTERVAL * SIM_SECOND));
	json_set(o, "Log", log);
	return o;
}

json *sim_health_config(const struct sim_container *c)
{
	json *o = json_object_new_object();

	json_set_strv(o, "Test", c->probe);
	json_set_int(o, "Interval", INTERVAL * SIM_SECOND);
	json_set_int(o, "Timeout", 2 * SIM_SECOND);
	json_set_int(o, "Retries", RETRIES);
	return o;
}
