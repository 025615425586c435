/* The model: lists once, then one look per event, and samples while they are wanted. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "tests/unit/fake_engine.h"
#include "tui/loop.h"
#include "tui/model.h"

#define MS 1000000

struct rig {
	struct fake_engine *engine;
	struct loop *loop;
	struct model *model;
	struct loop_timer stop;
	unsigned changes, n_events, n_troubles;
	char trouble[128];
};

static void changed(void *arg, unsigned what)
{
	((struct rig *)arg)->changes |= what;
}

static void event(void *arg, const struct model_event *ev)
{
	(void)ev;
	((struct rig *)arg)->n_events++;
}

static void trouble(void *arg, const char *text)
{
	struct rig *r = arg;

	r->n_troubles++;
	snprintf(r->trouble, sizeof r->trouble, "%s", text);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run_for(struct rig *r, int ms)
{
	struct err e = ERR_INIT;

	r->stop = (struct loop_timer){.fn = stop, .arg = r->loop};
	loop_arm(r->loop, &r->stop, now_monotonic() + (int64_t)ms * MS);
	assert_int_equal(loop_run(r->loop, &e), 0);
}

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof *r);

	r->engine = fake_new();
	r->loop = loop_new(NULL);
	r->model = model_new(&r->engine->api, r->loop, NULL);
	model_listen(r->model, changed, r);
	model_listen_events(r->model, event, r);
	model_listen_trouble(r->model, trouble, r);
	return r;
}

static void rig_free(struct rig *r)
{
	model_free(r->model);
	loop_free(r->loop);
	free(r->engine);
	free(r);
}

static size_t count(const struct rig *r)
{
	struct model_container *const *rows;

	return model_containers(r->model, &rows);
}

static void rows_are_newest_first(void **state)
{
	struct rig *r = rig_new();
	struct model_container *const *rows;

	(void)state;
	fake_add(r->engine, "old", TARE_RUNNING);
	strcpy(fake_add(r->engine, "new", TARE_EXITED)->project, "shop");
	assert_int_equal(model_load(r->model, NULL), 0);
	assert_int_equal(model_containers(r->model, &rows), 2);
	assert_string_equal(rows[0]->row.name, "new");
	assert_string_equal(rows[0]->project, "shop");
	assert_null(rows[1]->project);
	assert_ptr_equal(model_container(r->model, r->engine->rows[0].id), rows[1]);
	assert_null(model_container(r->model, "nothing"));
	assert_true(r->changes & MODEL_CONTAINERS);
	rig_free(r);
}

static void an_event_costs_one_look(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row;

	(void)state;
	for (int i = 0; i < 100; i++)
		row = fake_add(r->engine, "some", TARE_RUNNING);
	assert_int_equal(model_load(r->model, NULL), 0);
	run_for(r, 120); /* what is read once, some time after the start */
	r->engine->n_lists = 0;
	row->state = TARE_EXITED;
	row->exit_code = 3;
	fake_tell(r->engine, "die", row->id);
	fake_tell(r->engine, "die", row->id);
	fake_tell(r->engine, "exec_start: sh", r->engine->rows[5].id);
	r->changes = 0;
	run_for(r, 20);
	assert_int_equal(r->engine->n_lists, 0);
	assert_int_equal(r->engine->n_looks, 1);
	assert_int_equal(r->n_events, 3);
	assert_true(r->changes & MODEL_CONTAINERS);
	assert_true(r->changes & MODEL_EVENTS);
	assert_int_equal(model_container(r->model, row->id)->row.exit_code, 3);
	/* the same again: an event, but nothing new about the row */
	fake_tell(r->engine, "die", row->id);
	r->changes = 0;
	run_for(r, 20);
	assert_false(r->changes & MODEL_CONTAINERS);
	rig_free(r);
}

/* A start or an end is a look at one row, not a list of networks with all who are in them. */
static void who_is_in_a_network_follows_the_rows(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row;

	(void)state;
	row = fake_add(r->engine, "one", TARE_RUNNING);
	assert_int_equal(model_load(r->model, NULL), 0);
	assert_int_equal(model_networks(r->model)->rows[0].n_members, 1);
	assert_ptr_equal(model_network(r->model, "77"), model_network_called(r->model, "tare0"));
	model_sampling(r->model, true);
	run_for(r, 150);
	r->engine->n_networks = 0;
	run_for(r, 1200);
	assert_int_equal(r->engine->n_networks, 0);
	row->state = TARE_EXITED;
	fake_tell(r->engine, "die", row->id);
	row = fake_add(r->engine, "two", TARE_RUNNING);
	fake_tell(r->engine, "create", row->id);
	fake_tell(r->engine, "start", row->id);
	r->changes = 0;
	run_for(r, 150);
	assert_true(r->changes & MODEL_NETWORKS);
	assert_int_equal(model_networks(r->model)->rows[0].n_members, 1);
	assert_string_equal(model_networks(r->model)->rows[0].members[0].name, "two");
	/* the network's event names a container, whose addresses are others now */
	r->engine->n_looks = 0;
	strcpy(row->ip, "10.0.0.9");
	fake_tell(r->engine, "connect", "77");
	strcpy(r->engine->events[0].type, "network");
	strcpy(r->engine->events[0].container, row->id);
	run_for(r, 150);
	assert_int_equal(r->engine->n_looks, 1);
	assert_string_equal(model_networks(r->model)->rows[0].members[0].ip, "10.0.0.9");
	assert_int_equal(r->engine->n_networks, 0);
	/* one that is made or removed needs a list */
	fake_tell(r->engine, "create", "78");
	strcpy(r->engine->events[0].type, "network");
	run_for(r, 150);
	assert_int_equal(r->engine->n_networks, 1);
	rig_free(r);
}

static void rows_come_and_go(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row;

	(void)state;
	assert_int_equal(model_load(r->model, NULL), 0);
	assert_int_equal(count(r), 0);
	row = fake_add(r->engine, "one", TARE_CREATED);
	fake_tell(r->engine, "create", row->id);
	run_for(r, 20);
	assert_int_equal(count(r), 1);
	row->gone = true;
	fake_tell(r->engine, "destroy", row->id);
	run_for(r, 20);
	assert_int_equal(count(r), 0);
	assert_null(model_container(r->model, row->id));
	rig_free(r);
}

/* The hash table and the order hold under many changes. */
static void many_rows_come_and_go(void **state)
{
	struct rig *r = rig_new();
	struct fake_engine *f = r->engine;
	struct model_container *const *rows;
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 1000; i++)
		fake_add(f, "some", TARE_RUNNING);
	assert_int_equal(model_load(r->model, NULL), 0);
	for (int round = 0; round < 20; round++) {
		size_t here = 0, n;

		for (size_t i = 0; i < f->n; i++) {
			seed = seed * 1103515245 + 12345;
			f->rows[i].gone = seed >> 16 & 1;
			here += !f->rows[i].gone;
		}
		model_refresh(r->model, MODEL_CONTAINERS);
		run_for(r, 110);
		n = model_containers(r->model, &rows);
		assert_int_equal(n, here);
		for (size_t i = 1; i < n; i++)
			assert_true(rows[i - 1]->row.created > rows[i]->row.created);
		for (size_t i = 0; i < f->n; i++)
			assert_true((model_container(r->model, f->rows[i].id) != NULL) == !f->rows[i].gone);
	}
	rig_free(r);
}

static void rates_come_from_differences(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row = fake_add(r->engine, "busy", TARE_RUNNING);
	struct model_container *c;
	double cpu[3];

	(void)state;
	row->memory = 4096;
	fake_add(r->engine, "idle", TARE_EXITED);
	assert_int_equal(model_load(r->model, NULL), 0);
	c = model_container(r->model, row->id);
	assert_true(isnan(c->cpu));
	run_for(r, 50);
	assert_int_equal(r->engine->n_samples, 0); /* nobody looks */
	model_sampling(r->model, true);
	run_for(r, 100);
	assert_int_equal(r->engine->n_samples, 1);
	assert_int_equal(c->now.memory, 4096);
	/* until the second sample, what the monitor saw last */
	assert_true(fabs(c->cpu - 0.5) < 1e-9);
	r->engine->time += 1000000000;
	row->cpu_ns += 1500000000;
	run_for(r, 300);
	assert_int_equal(r->engine->n_samples, 2);
	assert_true(fabs(c->cpu - 1.5) < 1e-9);
	assert_true(isnan(c->rx));
	assert_int_equal(model_second(r->model), 1001);
	history_get(c->history, METRIC_CPU, 1001, 1, cpu, 3);
	assert_true(fabs(cpu[2] - 1.5) < 0.01);
	/* what the monitor kept from before */
	assert_int_equal(r->engine->n_histories, 1);
	history_get(c->history, METRIC_CPU, 1001, 10, cpu, 3);
	assert_true(fabs(cpu[0] - 0.5) < 0.01);
	/* it ends: no figures of a run that is over */
	row->state = TARE_EXITED;
	fake_tell(r->engine, "die", row->id);
	run_for(r, 20);
	assert_true(isnan(c->cpu));
	assert_int_equal(c->now.time, 0);
	model_sampling(r->model, false);
	r->engine->n_samples = 0;
	run_for(r, 1100);
	assert_int_equal(r->engine->n_samples, 0);
	rig_free(r);
}

/* A list shows a column for limits when there is one: it looks at its rows anew when that changed, and not
 * with each sample. */
static void a_limit_is_news_once(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row = fake_add(r->engine, "one", TARE_RUNNING);
	struct model_container *c;
	uint64_t version;

	(void)state;
	row->memory_limit = 32ull << 30; /* as much as there is, and more, is none */
	assert_int_equal(model_load(r->model, NULL), 0);
	c = model_container(r->model, row->id);
	model_sampling(r->model, true);
	run_for(r, 100);
	assert_int_equal(r->engine->n_samples, 1);
	assert_false(c->memory_limited);
	version = model_version(r->model);
	row->memory_limit = 1ull << 30;
	for (int i = 0; i < 2; i++) {
		r->engine->time += 1000000000;
		run_for(r, i ? 1100 : 300);
		assert_true(c->memory_limited);
		assert_int_equal(model_version(r->model), version + 1);
	}
	/* it is known of one that ended: no column comes and goes with a restart */
	row->state = TARE_EXITED;
	fake_tell(r->engine, "die", row->id);
	run_for(r, 20);
	assert_true(c->memory_limited);
	rig_free(r);
}

static void frozen_means_frozen(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row = fake_add(r->engine, "one", TARE_RUNNING);

	(void)state;
	assert_int_equal(model_load(r->model, NULL), 0);
	model_sampling(r->model, true);
	run_for(r, 20);
	model_freeze(r->model, true);
	r->engine->n_samples = 0;
	r->changes = 0;
	row->state = TARE_EXITED;
	fake_tell(r->engine, "die", row->id);
	run_for(r, 400);
	assert_int_equal(r->changes, 0);
	assert_int_equal(r->engine->n_samples, 0);
	assert_int_equal(model_container(r->model, row->id)->row.state, TARE_RUNNING);
	model_freeze(r->model, false);
	assert_int_equal(model_container(r->model, row->id)->row.state, TARE_EXITED);
	rig_free(r);
}

static int leave_it_ready(
        struct tare_engine *t, struct tare_watch *w, tare_event_fn fn, void *arg, struct err *e)
{
	(void)w, (void)fn, (void)arg, (void)e;
	fake_of(t)->n_drains++;
	return 0;
}

/* As with a log that is written to all the time. */
static void a_watch_that_never_rests_does(void **state)
{
	struct rig *r = rig_new();
	uint64_t before;

	(void)state;
	assert_int_equal(model_load(r->model, NULL), 0);
	run_for(r, 120);
	r->engine->api.watch_drain = leave_it_ready;
	fake_tell(r->engine, "die", "none");
	before = loop_wakeups(r->loop);
	run_for(r, 160);
	assert_in_range(r->engine->n_drains, 2, 12);
	assert_true(loop_wakeups(r->loop) - before < 40);
	model_freeze(r->model, true);
	before = loop_wakeups(r->loop);
	run_for(r, 100);
	assert_true(loop_wakeups(r->loop) - before <= 2);
	rig_free(r);
}

/* Frozen before the lists are read for the first time. */
static void a_watch_opened_frozen_does_not_spin(void **state)
{
	struct rig *r = rig_new();
	uint64_t before;

	(void)state;
	model_freeze(r->model, true);
	assert_int_equal(model_load(r->model, NULL), 0);
	fake_tell(r->engine, "die", "none");
	before = loop_wakeups(r->loop);
	run_for(r, 50);
	assert_true(loop_wakeups(r->loop) - before <= 2);
	rig_free(r);
}

static void events_are_bounded(void **state)
{
	struct rig *r = rig_new();
	const struct model_event *const *events;
	size_t n;

	(void)state;
	assert_int_equal(model_load(r->model, NULL), 0);
	run_for(r, 120); /* what was before it opened */
	for (int i = 0; i < 150; i++) {
		for (int k = 0; k < 60; k++)
			fake_tell(r->engine, "exec_die", "0");
		run_for(r, 17);
		n = model_events(r->model, &events);
		assert_true(n <= MODEL_EVENTS_MAX);
		for (size_t k = 1; k < n; k++)
			assert_true(events[k]->number == events[k - 1]->number + 1);
	}
	assert_int_equal(n, MODEL_EVENTS_MAX);
	assert_int_equal(events[n - 1]->number, 150 * 60 + 3);
	assert_int_equal(r->n_events, 150 * 60);
	rig_free(r);
}

/* A history keeps an hour before its newest value: one from the future would leave no place for the present.
 */
static void a_past_that_lies_ahead_is_not_believed(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row = fake_add(r->engine, "web", TARE_RUNNING);
	double memory[1];

	(void)state;
	row->memory = 4096;
	r->engine->past_is_ahead = true;
	assert_int_equal(model_load(r->model, NULL), 0);
	model_sampling(r->model, true);
	run_for(r, 100);
	assert_int_equal(r->engine->n_histories, 1);
	r->engine->time += 1000000000;
	run_for(r, 300);
	assert_int_equal(r->engine->n_samples, 2);
	history_get(model_container(r->model, row->id)->history, METRIC_MEMORY, 1009, 10, memory, 1);
	assert_true(fabs(memory[0] - 4096) < 10);
	model_sampling(r->model, false);
	rig_free(r);
}

static void the_past_stands_before_what_was_seen(void **state)
{
	struct rig *r = rig_new();
	const struct model_event *const *events;

	(void)state;
	assert_int_equal(model_load(r->model, NULL), 0);
	fake_tell(r->engine, "exec_die", "0");
	run_for(r, 120);
	assert_int_equal(model_events(r->model, &events), 4);
	assert_string_equal(events[0]->type, "image");
	assert_true(events[0]->time < events[1]->time);
	assert_string_equal(events[3]->type, "container");
	assert_int_equal(events[3]->number, 4);
	fake_tell(r->engine, "exec_die", "0");
	run_for(r, 20);
	assert_int_equal(model_events(r->model, &events), 5);
	assert_int_equal(events[4]->number, 5);
	assert_int_equal(r->n_events, 2); /* alerts are not for what is past */
	rig_free(r);
}

static void trouble_is_told_once(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row = fake_add(r->engine, "one", TARE_RUNNING);
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(model_load(r->model, NULL), 0);
	r->engine->broken = "the disk is gone";
	for (int i = 0; i < 5; i++) {
		fake_tell(r->engine, "start", row->id);
		run_for(r, 5);
	}
	model_refresh(r->model, MODEL_CONTAINERS);
	run_for(r, 120);
	assert_int_equal(r->n_troubles, 1);
	assert_string_equal(r->trouble, "the disk is gone");
	assert_int_equal(count(r), 1); /* what was known stays */
	assert_int_equal(model_load(r->model, &e), -1);
	rig_free(r);
}

/* An engine that can only list: rows are kept fresh while something is shown. */
static void without_a_watch_lists_are_read(void **state)
{
	struct rig *r = rig_new();
	struct fake_engine *f = r->engine;

	(void)state;
	f->api.watch_open = NULL;
	f->api.look = NULL;
	f->api.sample = NULL;
	f->api.host = NULL;
	f->api.history = NULL;
	assert_int_equal(model_load(r->model, NULL), 0);
	fake_add(f, "one", TARE_RUNNING);
	run_for(r, 50);
	assert_int_equal(count(r), 0);
	model_sampling(r->model, true);
	run_for(r, 50);
	assert_int_equal(count(r), 1);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rows_are_newest_first),
	        cmocka_unit_test(an_event_costs_one_look),
	        cmocka_unit_test(who_is_in_a_network_follows_the_rows),
	        cmocka_unit_test(rows_come_and_go),
	        cmocka_unit_test(many_rows_come_and_go),
	        cmocka_unit_test(rates_come_from_differences),
	        cmocka_unit_test(a_limit_is_news_once),
	        cmocka_unit_test(frozen_means_frozen),
	        cmocka_unit_test(a_watch_that_never_rests_does),
	        cmocka_unit_test(a_watch_opened_frozen_does_not_spin),
	        cmocka_unit_test(events_are_bounded),
	        cmocka_unit_test(a_past_that_lies_ahead_is_not_believed),
	        cmocka_unit_test(the_past_stands_before_what_was_seen),
	        cmocka_unit_test(trouble_is_told_once),
	        cmocka_unit_test(without_a_watch_lists_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
