/* What state a container is in at a moment: the last thing somebody did to it, and since then its nature. */
#include "engine/simulation.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_NS                                                                                             \
	(5 * SIM_SECOND) /* from an end to the start that follows it, where the cast says nothing            \
	                  */

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

/* What ends by itself, and how soon it starts again when its policy has it so. */
struct cycle {
	int64_t up, period; /* ns */
	int64_t last;       /* the round that is not followed by another */
};

static bool cycle_of(const struct sim_container *c, const struct sim_episode *ep, struct cycle *y)
{
	const struct sim_nature *n = &c->nature;

	if (n->plot == SIM_STEADY)
		return false;
	y->up = n->up * SIM_SECOND;
	if (!y->up && ep->limit)
		y->up = SIM_SECOND;
	y->period = n->period > n->up ? n->period * SIM_SECOND : y->up + AGAIN_NS;
	y->last = ep->limit;
	return true;
}

static int64_t round_at(const struct cycle *y, const struct sim_episode *ep, int64_t t)
{
	int64_t round = (t - ep->origin) / y->period;

	return round < y->last ? round : y->last;
}

/* One that fails again and again, or once. */
static void follow_cycle(const struct sim_container *c, const struct cycle *y, const struct sim_episode *ep,
        int64_t t, struct sim_status *st)
{
	int64_t round = round_at(y, ep, t), begun = ep->origin + round * y->period;
	bool oom = c->nature.plot == SIM_OOM;

	st->restarts = ep->rounds + (unsigned)round;
	if (t - begun >= y->up) {
		st->state = round < y->last ? TARE_RESTARTING : TARE_EXITED;
		st->due = round < y->last ? begun + y->period : 0;
		run_over(st, begun, begun + y->up, c->nature.code, oom);
		return;
	}
	if (round > 0)
		run_over(st, 0, begun - y->period + y->up, c->nature.code, oom);
	run_under_way(st, begun, t);
}

static void follow(
        const struct sim_container *c, const struct sim_episode *ep, int64_t t, struct sim_status *st)
{
	struct cycle y;

	if (cycle_of(c, ep, &y)) {
		follow_cycle(c, &y, ep, t, st);
		return;
	}
	st->restarts = ep->rounds;
	run_under_way(st, ep->origin, t);
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
		st.stopped = ep->stopped;
		break;
	}
	if (st.state == TARE_EXITED && c->auto_remove)
		st.there = false;
	return st;
}

int64_t sim_next_change(const struct sim_container *c, int64_t t)
{
	const struct sim_episode *ep = episode_at(c, t);
	struct cycle y;
	int64_t round, end;

	if (!ep || ep->kind != EPISODE_RUNNING || c->removed || !cycle_of(c, ep, &y))
		return INT64_MAX;
	round = round_at(&y, ep, t);
	end = ep->origin + round * y.period + y.up;
	if (end > t)
		return end;
	return round < y.last ? ep->origin + (round + 1) * y.period : INT64_MAX;
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
