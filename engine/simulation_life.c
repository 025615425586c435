/* What state a container is in at a moment: the last thing somebody did to it, and since then its nature. */
#include "engine/simulation.h"

#include <stdlib.h>
#include <string.h>

static const struct sim_episode *episode_at(const struct sim_container *c, int64_t t)
{
	for (size_t i = c->n_episodes; i > 0; i--)
		if (c->episodes[i - 1].at <= t)
			return &c->episodes[i - 1];
	return NULL;
}

static void run_under_way(struct sim_status *st, int64_t started, int64_t t)
{
	st->state = TARE_RUNNING;
	st->started = st->origin = started;
	st->active = t - started;
}

static void run_over(struct sim_status *st, int64_t started, int64_t finished, int code, bool oom)
{
	st->started = started;
	st->finished = finished;
	st->code = code;
	st->oom = oom;
}

/* One that fails again and again. */
static void follow_cycle(const struct sim_nature *n, int64_t origin, int64_t t, struct sim_status *st)
{
	int64_t period = n->period * SIM_SECOND, up = n->up * SIM_SECOND;
	int64_t round = (t - origin) / period, begun = origin + round * period;
	bool oom = n->plot == SIM_OOM;

	st->restarts = (unsigned)round;
	if (t - begun >= up) {
		st->state = TARE_RESTARTING;
		run_over(st, begun, begun + up, n->code, oom);
		return;
	}
	if (round > 0)
		run_over(st, 0, begun - period + up, n->code, oom);
	run_under_way(st, begun, t);
}

static void follow(
        const struct sim_container *c, const struct sim_episode *ep, int64_t t, struct sim_status *st)
{
	const struct sim_nature *n = &c->nature;

	switch (n->plot) {
	case SIM_STEADY:
		run_under_way(st, ep->origin, t);
		return;
	case SIM_CRASH:
	case SIM_OOM:
		follow_cycle(n, ep->origin, t, st);
		return;
	case SIM_ONCE:
		if (t - ep->origin < n->up * SIM_SECOND) {
			run_under_way(st, ep->origin, t);
			return;
		}
		st->state = TARE_EXITED;
		run_over(st, ep->origin, ep->origin + n->up * SIM_SECOND, n->code, false);
		return;
	}
}

struct sim_status sim_at(const struct sim_container *c, int64_t t)
{
	struct sim_status st = {.state = TARE_CREATED, .started = SIM_NEVER, .finished = SIM_NEVER};
	const struct sim_episode *ep = episode_at(c, t);

	st.there = ep && !c->removed;
	if (!ep)
		return st;
	switch (ep->kind) {
	case EPISODE_CREATED:
		break;
	case EPISODE_RUNNING:
		follow(c, ep, t, &st);
		break;
	case EPISODE_PAUSED:
		follow(c, ep, ep->at, &st);
		st.state = TARE_PAUSED;
		break;
	case EPISODE_ENDED:
		st.state = TARE_EXITED;
		run_over(&st, ep->started, ep->at, ep->code, ep->oom);
		break;
	}
	if (st.state == TARE_EXITED && c->auto_remove)
		st.there = false;
	return st;
}

int64_t sim_next_change(const struct sim_container *c, int64_t t)
{
	const struct sim_episode *ep = episode_at(c, t);
	const struct sim_nature *n = &c->nature;
	int64_t round, begun, end;

	if (!ep || ep->kind != EPISODE_RUNNING || n->plot == SIM_STEADY || c->removed)
		return INT64_MAX;
	if (n->plot == SIM_ONCE) {
		end = ep->origin + n->up * SIM_SECOND;
		return end > t ? end : INT64_MAX;
	}
	round = (t - ep->origin) / (n->period * SIM_SECOND);
	begun = ep->origin + round * n->period * SIM_SECOND;
	end = begun + n->up * SIM_SECOND;
	return end > t ? end : begun + n->period * SIM_SECOND;
}

int sim_episode_add(struct sim_container *c, struct sim_episode ep)
{
	struct sim_episode *grown;

	/* The first stays: it says when the container was made. */
	if (c->n_episodes == SIM_EPISODES_MAX) {
		memmove(c->episodes + 1, c->episodes + 2, (SIM_EPISODES_MAX - 2) * sizeof(*c->episodes));
		c->n_episodes--;
	}
	grown = realloc(c->episodes, (c->n_episodes + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	c->episodes = grown;
	c->episodes[c->n_episodes++] = ep;
	return 0;
}
