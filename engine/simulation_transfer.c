/* Layers on their way: how far each is at a moment is a function of the time since the start. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/progress.h"
#include "engine/simulation_registry.h"

#define STEP_MS     100
#define LEAST       0.9 /* seconds that a layer takes */
#define LEAST_SMALL 0.3 /* and one of few bytes */
#define SMALL       100000
#define MOST        3.2 /* that the largest one takes on top of it, */
#define LARGE       5e7 /* if it has so many bytes */
#define APART       0.2 /* between the beginnings of two */
#define HELD_MOMENT 1.5 /* seconds after the start that a held clock shows */

struct place {
	const char *phase;
	uint64_t done, rate;
	int64_t eta;
	bool complete;
};

static double duration(const struct sim_layer_move *l, uint64_t largest)
{
	double most = (double)largest < LARGE ? MOST * (double)largest / LARGE : MOST;

	return (l->size < SMALL ? LEAST_SMALL : LEAST) +
	       (largest ? most * (double)l->size / (double)largest : 0);
}

static struct place place_at(
        const struct sim_layer_move *l, const struct sim_phases *phases, double t, double length)
{
	double first = length * phases->share;
	bool is_first = t < first;
	double part = is_first ? first : length - first;

	if (l->exists)
		return (struct place){.phase = "exists", .complete = true};
	if (t < 0)
		return (struct place){.phase = "waiting"};
	if (t >= length)
		return (struct place){.phase = "done", .complete = true};
	if (!is_first)
		t -= first;
	return (struct place){.phase = is_first ? phases->first : phases->second,
	        .done = (uint64_t)((double)l->size * t / part),
	        .rate = (uint64_t)((double)l->size / part),
	        .eta = (int64_t)(part - t + 0.5)};
}

/* As base/progress writes it, but with a speed that no clock has measured. */
static void tell_still(const struct progress *p, const struct sim_layer_move *l, const struct place *at)
{
	if (at->complete)
		dprintf(p->fd, "{\"object\":\"%s\",\"phase\":\"%s\",\"complete\":true}\n", l->object,
		        at->phase);
	else if (at->rate)
		dprintf(p->fd,
		        "{\"object\":\"%s\",\"phase\":\"%s\",\"done\":%" PRIu64 ",\"total\":%" PRIu64
		        ",\"rate\":%" PRIu64 ",\"eta\":%" PRId64 "}\n",
		        l->object, at->phase, at->done, l->size, at->rate, at->eta);
	else
		dprintf(p->fd, "{\"object\":\"%s\",\"phase\":\"%s\",\"total\":%" PRIu64 "}\n", l->object,
		        at->phase, l->size);
}

static void tell(struct progress *p, const struct sim_layer_move *l, const struct place *at, bool *told)
{
	if (!at->complete)
		progress_step(p, l->object, at->phase, at->done, l->size);
	else if (!*told)
		progress_done(p, l->object, at->phase);
	*told |= at->complete;
}

void sim_move(const struct simulation *s, const struct sim_layer_move *layers, size_t n,
        const struct sim_phases *phases, struct progress *p)
{
	int64_t start = now_boottime();
	bool held = !sim_runs(s), told[16] = {false}, all = false;
	uint64_t largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = layers[i].size > largest ? layers[i].size : largest;
	while (!all) {
		double t = held ? HELD_MOMENT : (double)(now_boottime() - start) / 1e9;

		all = true;
		for (size_t i = 0; i < n && i < 16; i++) {
			struct place at = place_at(
			        &layers[i], phases, t - APART * (double)i, duration(&layers[i], largest));

			all &= at.complete;
			if (held && p->fd >= 0)
				tell_still(p, &layers[i], &at);
			else
				tell(p, &layers[i], &at, &told[i]);
		}
		while (held && !all) /* until a signal ends it */
			pause();
		if (!all)
			poll(NULL, 0, STEP_MS);
	}
}
