/* What containers use: counters that flow unevenly and gauges that wave, all known for any moment. */
#include "engine/simulation.h"

#include <string.h>

#define HISTORY_STEP  10
#define HISTORY_STEPS 360
#define HOST_CPUS     8
#define HOST_MEMORY   (UINT64_C(16) << 30)

/* ------------------------------------------------------------------ one container */

enum { SEED_CPU = 11, SEED_NET_IN, SEED_NET_OUT, SEED_BLOCK_IN, SEED_BLOCK_OUT, SEED_MEMORY, SEED_THROTTLE };

/* Mostly short steps and slow swells, some of it in bursts. */
static double uneven(uint64_t seed, double t)
{
	return 0.3 * sim_flow(seed, t, 3, 1) + 0.3 * sim_flow(seed + 1, t, 21, 1) +
	       0.2 * sim_flow(seed + 2, t, 900, 1) + 0.2 * sim_flow(seed + 3, t, 47, 0.15);
}

static double even(uint64_t seed, double t)
{
	return 0.8 * t + 0.2 * sim_flow(seed, t, 3, 1);
}

static uint64_t counter(const struct sim_container *c, unsigned what, double rate, double t)
{
	uint64_t seed = sim_hash(c->seed, what);

	return rate > 0 ? (uint64_t)(rate * (uneven(seed, t) - uneven(seed, 0))) : 0;
}

static double cpu_seconds(const struct sim_container *c, double t)
{
	uint64_t seed = sim_hash(c->seed, SEED_CPU);

	if (c->nature.capped)
		return c->nature.cpu * (even(seed, t) - even(seed, 0));
	return c->nature.cpu * (uneven(seed, t) - uneven(seed, 0));
}

static uint64_t memory_of(const struct sim_container *c, double t)
{
	const struct sim_nature *n = &c->nature;
	uint64_t seed = sim_hash(c->seed, SEED_MEMORY);
	double wave = 0.5 * sim_wave(seed, t, 240) + 0.3 * sim_wave(seed + 1, t, 37) +
	              0.2 * sim_wave(seed + 2, t, 5);
	double begun = t < 20 ? 0.3 + 0.7 * t / 20 : 1, bytes = (double)n->memory;

	if (n->full && c->memory_limit)
		bytes = (double)c->memory_limit * (0.925 + 0.06 * wave);
	else if (n->plot == SIM_OOM && c->memory_limit)
		bytes = (double)c->memory_limit * (0.22 + 0.78 * t / (double)n->up + 0.03 * (wave - 0.5));
	else
		bytes *= 0.82 + 0.36 * wave;
	bytes *= begun;
	if (c->memory_limit && bytes > 0.999 * (double)c->memory_limit)
		bytes = 0.999 * (double)c->memory_limit;
	return (uint64_t)bytes & ~UINT64_C(4095);
}

static void sample_memory(const struct sim_container *c, double t, struct tare_stats *out)
{
	uint64_t usual = (uint64_t)(1.14 * (double)c->nature.memory);

	out->memory = memory_of(c, t);
	out->memory_limit = c->memory_limit ? c->memory_limit : HOST_MEMORY;
	out->memory_kernel = out->memory / 24;
	out->memory_file = (uint64_t)((double)out->memory * (0.1 + 0.2 * sim_unit(c->seed, 5)));
	out->memory_anon = out->memory - out->memory_kernel - out->memory_file;
	out->memory_peak = out->memory > usual ? out->memory : usual;
	if (out->memory_peak > out->memory_limit)
		out->memory_peak = out->memory_limit;
}

static void sim_sample(const struct simulation *s, const struct sim_container *c, const struct sim_status *st,
        int64_t at, struct tare_stats *out)
{
	const struct sim_nature *n = &c->nature;
	double t = (double)st->active / 1e9, cpu = cpu_seconds(c, t);
	uint64_t throttle = sim_hash(c->seed, SEED_THROTTLE);

	memset(out, 0, sizeof(*out));
	out->time = s->boot_offset + at;
	out->cpu_ns = (uint64_t)(cpu * 1e9);
	out->cpu_user_ns = out->cpu_ns / 10 * 7;
	out->cpu_system_ns = out->cpu_ns - out->cpu_user_ns;
	if (n->capped) {
		out->throttled_ns = (uint64_t)(0.06e9 * (sim_flow(throttle, t, 11, 0.4)));
		out->n_throttled = out->throttled_ns / 30000000;
	}
	sample_memory(c, t, out);
	out->oom_kills = n->plot == SIM_OOM ? st->restarts : 0;
	out->net_rx = counter(c, SEED_NET_IN, n->net_in, t);
	out->net_tx = counter(c, SEED_NET_OUT, n->net_out, t);
	out->block_read = counter(c, SEED_BLOCK_IN, n->block_in, t);
	out->block_write = counter(c, SEED_BLOCK_OUT, n->block_out, t);
	out->pids = n->pids + (n->pids > 4 ? (uint64_t)(3 * sim_wave(c->seed, t, 60)) : 0);
	out->pids_limit = c->pids_limit;
}

uint64_t sim_written(const struct sim_container *c, int64_t t)
{
	struct sim_status st = sim_at(c, t);
	uint64_t most = 1 + (c->seed & 0xffffff);

	if (st.started == SIM_NEVER)
		return 0;
	return most / 4 + (st.active > 0 ? (uint64_t)(st.active / SIM_SECOND) % (most / 2 + 1) : 0);
}

/* ------------------------------------------------------------------ the table's functions */

int sim_stats(struct tare_engine *t, const char *ref, struct tare_stats *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	struct sim_container *c = sim_find(s, ref, e);
	struct sim_status st;
	int64_t now;

	if (!c)
		return -1;
	now = sim_now(s);
	st = sim_at(c, now);
	if (st.state != TARE_RUNNING && st.state != TARE_PAUSED)
		return err_set(e, ERR_CONFLICT, "container %s does not run; start it with: tare start %s",
		        c->name, c->name);
	sim_sample(s, c, &st, now, out);
	return 0;
}

int sim_samples(
        struct tare_engine *t, const char *const *ids, size_t n, struct tare_stats *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	int64_t now;

	if (sim_refresh(s, e) < 0)
		return -1;
	now = sim_now(s);
	for (size_t i = 0; i < n; i++) {
		const struct sim_container *c = sim_by_id(s, ids[i]);
		struct sim_status st = {0};

		if (c)
			st = sim_at(c, now);
		if (c && st.there && (st.state == TARE_RUNNING || st.state == TARE_PAUSED))
			sim_sample(s, c, &st, now, &out[i]);
		else
			memset(&out[i], 0, sizeof(out[i]));
	}
	return 0;
}

ssize_t sim_history(struct tare_engine *t, const char *ref, struct tare_stats *out, size_t max, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = sim_find(s, ref, e);
	size_t steps = max < HISTORY_STEPS ? max : HISTORY_STEPS, n = 0;
	int64_t now, step = HISTORY_STEP * SIM_SECOND;

	if (!c)
		return -1;
	now = sim_now(s);
	for (size_t i = steps; i > 0; i--) {
		int64_t at = (now / step - (int64_t)i + 1) * step;
		struct sim_status st = sim_at(c, at);

		if (at <= now && (st.state == TARE_RUNNING || st.state == TARE_PAUSED))
			sim_sample(s, c, &st, at, &out[n++]);
	}
	return (ssize_t)n;
}

static void add_pressure(double *ten, double *sixty, uint64_t *us, uint64_t seed, double t, double share)
{
	*ten = 100 * share * sim_wave(seed, t, 9);
	*sixty = 100 * share * sim_wave(seed, t, 70);
	*us = (uint64_t)(1e6 * share * sim_flow(seed, t, 9, 1));
}

int sim_pressure(struct tare_engine *t, const char *ref, struct tare_pressure *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_container *c = ref ? sim_find(s, ref, e) : NULL;
	double now = (double)sim_now(s) / 1e9 + 1e6, cpu = 0.04, memory = 0.004, io = 0.02;
	uint64_t seed = c ? c->seed : 1;

	memset(out, 0, sizeof(*out));
	out->mem_low = out->mem_high = out->mem_max = out->mem_oom = out->mem_oom_kill = UINT64_MAX;
	if (ref && !c)
		return -1;
	if (c) {
		struct sim_status st = sim_at(c, sim_now(s));

		cpu = c->nature.capped ? 0.31 : 0.03;
		memory = c->nature.full || c->nature.plot == SIM_OOM ? 0.09 : 0.001;
		io = c->nature.block_in + c->nature.block_out > 1e6 ? 0.07 : 0.004;
		out->mem_low = out->mem_high = 0;
		out->mem_oom = out->mem_oom_kill = c->nature.plot == SIM_OOM ? st.restarts : 0;
		out->mem_max = out->mem_oom * 31 + (c->nature.full ? 12 : 0);
	}
	out->cpu.known = out->memory.known = out->io.known = true;
	add_pressure(&out->cpu.some10, &out->cpu.some60, &out->cpu.some_us, sim_hash(seed, 21), now, cpu);
	add_pressure(&out->memory.some10, &out->memory.some60, &out->memory.some_us, sim_hash(seed, 22), now,
	        memory);
	add_pressure(&out->memory.full10, &out->memory.full60, &out->memory.full_us, sim_hash(seed, 22), now,
	        memory / 3);
	add_pressure(&out->io.some10, &out->io.some60, &out->io.some_us, sim_hash(seed, 23), now, io);
	add_pressure(&out->io.full10, &out->io.full60, &out->io.full_us, sim_hash(seed, 23), now, io / 2);
	return 0;
}

int sim_host(struct tare_engine *t, struct tare_host *out, struct err *e)
{
	struct simulation *s = sim_of(t);
	int64_t now = sim_now(s);
	double seconds = (double)now / 1e9 + 1e6;
	uint64_t seed = sim_hash(1, 31);

	(void)e;
	*out = (struct tare_host){.cpus = HOST_CPUS,
	        .time = s->boot_offset + now,
	        .memory_total = HOST_MEMORY,
	        .hostname = "demo"};
	out->cpu_ns = (uint64_t)(2.4e9 * uneven(seed, seconds));
	out->memory_used = (uint64_t)((double)HOST_MEMORY * (0.41 + 0.06 * sim_wave(seed, seconds, 120)));
	out->load1 = 1.4 + 2.2 * sim_wave(seed, seconds, 90);
	return 0;
}
