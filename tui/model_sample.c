/* What the containers use: one sample a second of all that run, while something shows numbers, and what was
 * before from the monitors' rings, a few at a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tui/model_state.h"

#define MS_NS         1000000ll
#define FIRST_RATE_NS (300 * MS_NS)   /* from the very first sample to the next: the first rates */
#define NEAREST_NS    (100 * MS_NS)   /* no two samples nearer than this */
#define STALE_NS      (5 * SECOND_NS) /* a rate over longer than this is no "now" */
#define BUDGET_NS     (2 * MS_NS)     /* of one turn of the loop, for the past */
#define PAUSE_NS      (4 * MS_NS)     /* between two such turns */
#define PAST_SAMPLES  360
#define PAST_STALE_NS (30 * SECOND_NS) /* the monitors' samples are ten seconds apart */

/* ------------------------------------------------------------------ rates */

static double rate(uint64_t now, uint64_t before, double seconds)
{
	if (now == UINT64_MAX || before == UINT64_MAX || now < before)
		return NAN;
	return (double)(now - before) / seconds;
}

static double known(uint64_t v)
{
	return v == UINT64_MAX ? NAN : (double)v;
}

static void metrics_between(const struct tare_stats *a, const struct tare_stats *b, double out[METRIC_N])
{
	double seconds = (double)(b->time - a->time) / (double)SECOND_NS;

	out[METRIC_CPU] = rate(b->cpu_ns, a->cpu_ns, seconds * (double)SECOND_NS);
	out[METRIC_THROTTLED] = rate(b->throttled_ns, a->throttled_ns, seconds * (double)SECOND_NS);
	out[METRIC_READ] = rate(b->block_read, a->block_read, seconds);
	out[METRIC_WRITE] = rate(b->block_write, a->block_write, seconds);
	out[METRIC_RX] = rate(b->net_rx, a->net_rx, seconds);
	out[METRIC_TX] = rate(b->net_tx, a->net_tx, seconds);
	out[METRIC_MEMORY] = known(b->memory);
	out[METRIC_MEMORY_ANON] = known(b->memory_anon);
	out[METRIC_MEMORY_FILE] = known(b->memory_file);
	out[METRIC_MEMORY_KERNEL] = known(b->memory_kernel);
	out[METRIC_PIDS] = known(b->pids);
}

static void set_rates(struct model_container *c, const double values[METRIC_N])
{
	c->cpu = values[METRIC_CPU];
	c->read = values[METRIC_READ];
	c->write = values[METRIC_WRITE];
	c->rx = values[METRIC_RX];
	c->tx = values[METRIC_TX];
}

void model_samples_forget(struct model_entry *entry)
{
	struct model_container *c = &entry->c;

	memset(&c->now, 0, sizeof c->now);
	memset(&entry->before, 0, sizeof entry->before);
	c->cpu = c->read = c->write = c->rx = c->tx = NAN;
	entry->has_details = false;
}

/* The second a sample belongs to: it is taken at about the full second, a little sooner or later. */
static int64_t second_of(const struct tare_stats *s)
{
	return (s->time + SECOND_NS / 2) / SECOND_NS;
}

/* Lists have a column for it when one has a limit, so a change is one of the rows: it is rare. */
static void note_limit(struct model *m, struct model_container *c)
{
	uint64_t limit = c->now.memory_limit, host = m->host.now.memory_total;
	bool limited = limit && limit != UINT64_MAX && (!host || limit < host);

	if (limited == c->memory_limited)
		return;
	c->memory_limited = limited;
	m->version++;
}

static void sample_add(struct model *m, struct model_entry *entry, const struct tare_stats *s)
{
	struct model_container *c = &entry->c;
	struct tare_stats before = c->now;
	double values[METRIC_N];

	if (!s->time) {
		if (c->now.time)
			model_samples_forget(entry);
		return;
	}
	if (s->time <= before.time)
		return; /* a clock that is held still */
	entry->before = before;
	c->now = *s;
	note_limit(m, c);
	if (second_of(s) > m->second)
		m->second = second_of(s);
	if (!before.time || s->time - before.time > STALE_NS)
		before = *s;
	if (before.time != s->time)
		metrics_between(&before, s, values);
	else
		for (enum metric i = 0; i < METRIC_N; i++)
			values[i] = NAN;
	set_rates(c, values);
	if (before.time == s->time)
		return;
	if (!c->history)
		c->history = history_new();
	if (c->history)
		history_add(c->history, second_of(s), values);
}

/* ------------------------------------------------------------------ once a second */

static bool grow_sampled(struct model *m)
{
	size_t cap = m->n_rows + m->n_rows / 2 + 16;
	struct model_entry **sampled;
	const char **ids;
	struct tare_stats *samples;

	if (m->n_rows <= m->sample_cap)
		return true;
	sampled = realloc(m->sampled, cap * sizeof *sampled);
	m->sampled = sampled ? sampled : m->sampled;
	ids = realloc(m->sample_ids, cap * sizeof *ids);
	m->sample_ids = ids ? ids : m->sample_ids;
	samples = realloc(m->samples, cap * sizeof *samples);
	m->samples = samples ? samples : m->samples;
	if (!sampled || !ids || !samples)
		return false;
	m->sample_cap = cap;
	return true;
}

static void collect_running(struct model *m)
{
	if (!m->running_changed)
		return;
	m->n_sampled = 0;
	m->running_changed = false;
	if (!grow_sampled(m))
		return;
	for (size_t i = 0; i < m->n_rows; i++) {
		if (!container_is_up(&m->rows[i]->row))
			continue;
		m->sampled[m->n_sampled] = entry_of(m->rows[i]);
		m->sample_ids[m->n_sampled++] = m->rows[i]->row.id;
	}
	m->host.running = (unsigned)m->n_sampled;
	m->host.total = (unsigned)m->n_rows;
}

static unsigned sample_host(struct model *m)
{
	struct model_host *h = &m->host;
	struct tare_host before = h->now;
	struct err e = ERR_INIT;

	if (m->engine->pressure && m->engine->pressure(m->engine, NULL, &h->pressure, &e) != 0)
		memset(&h->pressure, 0, sizeof h->pressure);
	if (!m->engine->host)
		return 0;
	if (m->engine->host(m->engine, &h->now, &e) != 0) {
		model_trouble(m, &e);
		return 0;
	}
	if (before.time && h->now.time > before.time)
		h->cpu = rate(h->now.cpu_ns, before.cpu_ns, (double)(h->now.time - before.time));
	return MODEL_HOST;
}

static unsigned sample_containers(struct model *m)
{
	struct err e = ERR_INIT;

	collect_running(m);
	if (!m->n_sampled || !m->engine->sample)
		return 0;
	if (m->engine->sample(m->engine, m->sample_ids, m->n_sampled, m->samples, &e) != 0) {
		model_trouble(m, &e);
		return 0;
	}
	for (size_t i = 0; i < m->n_sampled; i++)
		sample_add(m, m->sampled[i], &m->samples[i]);
	return MODEL_STATS;
}

/* At the full seconds of the samples' own clock, so that all who look see the same. */
static int64_t next_sample(const struct model *m)
{
	int64_t time = m->host.now.time, wait;

	for (size_t i = 0; i < m->n_sampled && !time; i++)
		time = m->sampled[i]->c.now.time;
	if (m->n_ticks == 1)
		return loop_now(m->loop) + FIRST_RATE_NS;
	wait = SECOND_NS - time % SECOND_NS;
	return loop_now(m->loop) + (wait < NEAREST_NS ? wait + SECOND_NS : wait);
}

static void sample_tick(void *model)
{
	struct model *m = model;
	struct err e = ERR_INIT;
	unsigned what = 0;

	if (!m->watch) {
		int rc = model_list_containers(m, &e);

		if (rc < 0)
			model_trouble(m, &e);
		what |= rc > 0 ? MODEL_CONTAINERS : 0;
	}
	what |= sample_host(m) | sample_containers(m);
	m->n_ticks++;
	model_samples_start(m);
	model_changed(m, what);
}

/* ------------------------------------------------------------------ what was before */

static void add_past(struct model_entry *entry, const struct tare_stats *past, size_t n)
{
	struct model_container *c = &entry->c;
	int64_t until = c->now.time ? c->now.time : INT64_MAX;

	if (!c->history)
		c->history = history_new();
	for (size_t i = 1; c->history && i < n; i++) {
		double values[METRIC_N];

		/* a history that once reached into the future would take nothing of the present */
		if (past[i - 1].time < 0 || past[i].time > until)
			continue;
		/* a counter that went back began anew */
		if (past[i].time <= past[i - 1].time || past[i].cpu_ns < past[i - 1].cpu_ns)
			continue;
		metrics_between(&past[i - 1], &past[i], values);
		history_add_coarse(c->history, second_of(&past[i]), values);
	}
}

/* Figures for the first frames: a second sample is still to come. */
static void rates_from_past(struct model_entry *entry, const struct tare_stats *past, size_t n)
{
	struct model_container *c = &entry->c;
	const struct tare_stats *last = &past[n - 1];
	double values[METRIC_N];

	if (!isnan(c->cpu) || !c->now.time || n < 2 || c->now.time - last->time > PAST_STALE_NS)
		return;
	if (c->now.time > last->time && c->now.cpu_ns >= last->cpu_ns)
		metrics_between(last, &c->now, values);
	else if (last->time > last[-1].time)
		metrics_between(&last[-1], last, values);
	else
		return;
	set_rates(c, values);
}

static void load_past(struct model *m, struct model_entry *entry)
{
	struct err e = ERR_INIT;
	ssize_t n;

	entry->has_past = true;
	if (!m->engine->history)
		return;
	if (!m->past)
		m->past = malloc(PAST_SAMPLES * sizeof *m->past);
	if (!m->past)
		return;
	n = m->engine->history(m->engine, entry->c.row.id, m->past, PAST_SAMPLES, &e);
	if (n <= 0)
		return;
	add_past(entry, m->past, (size_t)n);
	rates_from_past(entry, m->past, (size_t)n);
}

static double cpu_limit_of(json *host_config)
{
	int64_t nano = json_int(host_config, "NanoCpus", 0);
	int64_t quota = json_int(host_config, "CpuQuota", 0), period = json_int(host_config, "CpuPeriod", 0);

	if (nano > 0)
		return (double)nano / 1e9;
	if (quota <= 0)
		return 0;
	return (double)quota / (double)(period > 0 ? period : 100000);
}

static void load_details(struct model *m, struct model_entry *entry)
{
	cleanup_json json *j = NULL;

	entry->has_details = true;
	if (!m->engine->inspect || m->engine->inspect(m->engine, entry->c.row.id, false, &j, NULL) != 0)
		return;
	entry->c.cpu_limit = cpu_limit_of(json_get(j, "HostConfig"));
}

/* Only what runs is asked for without being on screen. */
static bool needs_past(const struct model_entry *entry)
{
	return (!entry->has_past || !entry->has_details) && container_is_up(&entry->c.row);
}

static bool load_one(struct model *m, struct model_entry *entry)
{
	if (!entry || (entry->has_details && !needs_past(entry)))
		return false;
	if (needs_past(entry) && !entry->has_past)
		load_past(m, entry);
	if (!entry->has_details)
		load_details(m, entry);
	return true;
}

static void past_turn(void *model)
{
	struct model *m = model;
	int64_t until = now_monotonic() + BUDGET_NS;
	bool any = false;

	while (m->n_wanted && now_monotonic() < until)
		any |= load_one(m, model_rows_find(m, m->wanted[--m->n_wanted]));
	for (size_t i = 0; i < m->n_rows && now_monotonic() < until; i++)
		if (needs_past(entry_of(m->rows[i])))
			any |= load_one(m, entry_of(m->rows[i]));
	model_samples_start(m);
	if (any)
		model_changed(m, MODEL_STATS);
}

void model_want(struct model *m, const char *id)
{
	struct model_entry *entry = model_rows_find(m, id);

	if (!entry || (entry->has_details && !needs_past(entry)) || m->n_wanted == MODEL_WANTED_MAX)
		return;
	for (size_t i = 0; i < m->n_wanted; i++)
		if (!strcmp(m->wanted[i], id))
			return;
	memcpy(m->wanted[m->n_wanted++], entry->c.row.id, TARE_ID_LEN + 1);
	if (m->sampling && !m->frozen && !m->past_timer.armed)
		loop_arm(m->loop, &m->past_timer, loop_now(m->loop) + PAUSE_NS);
}

static bool has_backlog(const struct model *m)
{
	if (m->n_wanted)
		return true;
	for (size_t i = 0; i < m->n_rows; i++)
		if (needs_past(entry_of(m->rows[i])))
			return true;
	return false;
}

/* ------------------------------------------------------------------ life */

void model_samples_init(struct model *m)
{
	m->sample_timer = (struct loop_timer){.fn = sample_tick, .arg = m};
	m->past_timer = (struct loop_timer){.fn = past_turn, .arg = m};
	m->running_changed = true;
	m->host.cpu = NAN;
}

void model_samples_start(struct model *m)
{
	collect_running(m);
	if (!m->sampling || m->frozen || !m->loaded) {
		model_samples_stop(m);
		return;
	}
	if (!m->sample_timer.armed)
		loop_arm(m->loop, &m->sample_timer, m->n_ticks ? next_sample(m) : loop_now(m->loop));
	if (m->past_timer.armed)
		return;
	if (has_backlog(m)) {
		loop_arm(m->loop, &m->past_timer, loop_now(m->loop) + PAUSE_NS);
	} else {
		free(m->past);
		m->past = NULL;
	}
}

void model_samples_stop(struct model *m)
{
	loop_disarm(m->loop, &m->sample_timer);
	loop_disarm(m->loop, &m->past_timer);
}

void model_sampling(struct model *m, bool on)
{
	if (m->sampling == on)
		return;
	m->sampling = on;
	m->n_ticks = 0; /* what was sampled long ago gives no rate: two samples soon */
	model_samples_start(m);
}

void model_samples_free(struct model *m)
{
	free(m->sampled);
	free(m->sample_ids);
	free(m->samples);
	free(m->past);
}
