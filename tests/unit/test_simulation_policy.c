/* The simulated engine's health, restart policies, updates and boot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/unit/simulation_box.h"

static int setup_held(void **state)
{
	return set_up_at(state, "77");
}

static struct sim_container *container(const struct fixture *f, const char *name)
{
	struct err e = ERR_INIT;
	struct sim_container *c = sim_find(sim_of(f->a), name, &e);

	if (!c)
		fail_msg("%s", e.msg);
	return c;
}

static void update(const struct fixture *f, const char *name, struct tare_update u)
{
	struct err e = ERR_INIT;

	if (f->a->update(f->a, name, &u, NULL, &e) < 0)
		fail_msg("%s", e.msg);
}

/* ------------------------------------------------------------------ health */

static void verdicts_fall_when_enough_probes_were_made(void **state)
{
	const struct fixture *f = *state;
	struct sim_container *c = container(f, "search-index");
	struct sim_status st = sim_at(c, 0);
	int64_t begun = st.origin, at = begun;
	const struct {
		int64_t second;
		enum tare_health health;
	} expect[] = {{0, TARE_HEALTH_STARTING}, {30, TARE_HEALTH_UNHEALTHY}, {240, TARE_HEALTH_HEALTHY},
	        {280, TARE_HEALTH_UNHEALTHY}, {1440, TARE_HEALTH_HEALTHY}};

	for (size_t i = 0; i < sizeof expect / sizeof *expect; i++) {
		st = sim_at(c, at);
		assert_int_equal(at, begun + expect[i].second * SIM_SECOND);
		assert_int_equal(sim_health_at(c, &st, at), expect[i].health);
		at = sim_health_next(c, at);
	}
}

static int collect(json *event, void *arg)
{
	buf_printf(arg, "%s;", json_str(event, "Action", ""));
	return 0;
}

static void events_tell_of_health(void **state)
{
	const struct fixture *f = *state;
	cleanup_buf struct buf told = BUF_INIT;
	int64_t now = f->a->now(f->a);
	struct tare_event_options o = {.since = now - 1300 * SIM_SECOND, .until = now};

	assert_int_equal(f->a->events(f->a, &o, collect, &told, NULL), 0);
	assert_non_null(strstr(buf_str(&told), "health_status: healthy;"));
	assert_non_null(strstr(buf_str(&told), "health_status: unhealthy;"));
}

static void inspect_has_the_last_probes(void **state)
{
	const struct fixture *f = *state;
	cleanup_json json *j = NULL;
	json *health;

	assert_int_equal(f->a->inspect(f->a, "search-index", false, &j, NULL), 0);
	health = json_path(j, "State.Health");
	assert_string_equal(json_str(health, "Status", ""), "unhealthy");
	assert_true(json_int(health, "FailingStreak", 0) >= 3);
	assert_int_equal(json_object_array_length(json_get(health, "Log")), HEALTH_LOG_MAX);
}

/* ------------------------------------------------------------------ policies */

static void one_that_waits_tells_how_long(void **state)
{
	const struct fixture *f = *state;
	struct tare_container c = look(f->a, "shop-mailer");
	struct sim_container *mailer = container(f, "shop-mailer");

	assert_int_equal(c.restart, TARE_RESTART_ALWAYS);
	assert_int_equal(c.state == TARE_RESTARTING, c.restart_due > 0);
	assert_true(c.restart_count > 100);
	if (c.state == TARE_RESTARTING)
		assert_int_equal(c.restart_due,
		        sim_wall(sim_of(f->a), sim_next_change(mailer, sim_now(sim_of(f->a)))));
	tare_container_free(&c);
}

static void without_a_policy_the_next_end_is_the_last(void **state)
{
	const struct fixture *f = *state;
	struct sim_container *c = container(f, "shop-mailer");
	int64_t now = sim_now(sim_of(f->a));
	struct sim_status st;

	update(f, "shop-mailer", (struct tare_update){.has_restart = true, .restart = TARE_RESTART_NO});
	st = sim_at(c, now + 100 * SIM_SECOND);
	assert_int_equal(st.state, TARE_EXITED);
	assert_int_equal(sim_next_change(c, now + 100 * SIM_SECOND), INT64_MAX);
}

static void on_failure_starts_so_often(void **state)
{
	const struct fixture *f = *state;
	struct sim_container *c = container(f, "shop-mailer");
	int64_t now = sim_now(sim_of(f->a));
	struct tare_update u = {.has_restart = true, .restart = TARE_RESTART_ON_FAILURE, .restart_max = 2};
	struct sim_status st;

	assert_int_equal(f->a->stop(f->a, "shop-mailer", 0, 0, NULL), 0);
	update(f, "shop-mailer", u);
	assert_int_equal(f->a->start(f->a, "shop-mailer", NULL, NULL, NULL, NULL), 0);
	st = sim_at(c, now + 200 * SIM_SECOND);
	assert_int_equal(st.state, TARE_EXITED);
	assert_int_equal(st.restarts, 2);
	assert_int_equal(sim_at(c, now + 1).restarts, 0);
}

/* ------------------------------------------------------------------ update, boot */

static void limits_change_for_every_process(void **state)
{
	const struct fixture *f = *state;
	struct tare_update u = {.resources = {.memory = 300 << 20, .cpu_quota_us = 150000, .pids = 40}};
	cleanup_json json *j = NULL;

	update(f, "shop-web", u);
	assert_int_equal(f->b->inspect(f->b, "shop-web", false, &j, NULL), 0);
	assert_int_equal(json_int(json_path(j, "HostConfig"), "Memory", 0), 300 << 20);
	assert_int_equal(json_int(json_path(j, "HostConfig"), "NanoCpus", 0), 1500000000);
	assert_int_equal(json_int(json_path(j, "HostConfig"), "PidsLimit", 0), 40);
}

static void limits_that_only_documents_show_are_kept(void **state)
{
	const struct fixture *f = *state;
	char cpus[] = "0-1";
	struct tare_update u = {.resources = {.memory_swap = 1 << 30,
	                                .memory_reservation = 64 << 20,
	                                .cpu_shares = 512,
	                                .cpuset_cpus = cpus}};
	struct tare_update unlimited = {.resources = {.memory = -1}};
	cleanup_json json *with = NULL, *without = NULL;

	update(f, "shop-web", u);
	assert_int_equal(f->b->inspect(f->b, "shop-web", false, &with, NULL), 0);
	json *host = json_path(with, "HostConfig");
	assert_int_equal(json_int(host, "MemorySwap", 0), 1 << 30);
	assert_int_equal(json_int(host, "MemoryReservation", 0), 64 << 20);
	assert_int_equal(json_int(host, "CpuShares", 0), 512);
	assert_string_equal(json_str(host, "CpusetCpus", ""), "0-1");
	update(f, "shop-web", unlimited);
	assert_int_equal(f->b->inspect(f->b, "shop-web", false, &without, NULL), 0);
	assert_int_equal(json_int(json_path(without, "HostConfig"), "MemorySwap", -2), 0);
	assert_int_equal(json_int(json_path(without, "HostConfig"), "CpuShares", 0), 512);
}

static void nothing_and_nonsense_are_refused(void **state)
{
	const struct fixture *f = *state;
	struct tare_update little = {.resources = {.memory = 1}};

	assert_int_equal(f->a->update(f->a, "shop-web", &little, NULL, NULL), -1);
	assert_int_equal(f->a->update(f->a, "nobody", &little, NULL, NULL), -1);
}

static void a_boot_starts_what_the_policies_ask_for(void **state)
{
	const struct fixture *f = *state;
	cleanup_strv char **started = NULL, **failed = NULL, **again = NULL;

	assert_int_equal(f->a->stop(f->a, "shop-db", 0, 0, NULL), 0);  /* always */
	assert_int_equal(f->a->stop(f->a, "shop-web", 0, 0, NULL), 0); /* unless-stopped */
	assert_int_equal(f->a->boot(f->a, &started, &failed, NULL), 0);
	assert_true(strv_has(started, "shop-db"));
	assert_false(strv_has(started, "shop-web"));
	assert_null(failed);
	assert_int_equal(f->b->stop(f->b, "shop-db", 0, 0, NULL), 0);
	assert_int_equal(f->b->boot(f->b, &again, &failed, NULL), 0);
	assert_null(again);
}

static void before_the_host_goes_down_none_is_stopped_by_hand(void **state)
{
	const struct fixture *f = *state;
	cleanup_strv char **ended = NULL, **failed = NULL, **started = NULL;
	struct tare_container_list up = {0};

	assert_int_equal(f->a->stop(f->a, "shop-web", 0, 0, NULL), 0); /* unless-stopped */
	assert_int_equal(f->a->boot(f->a, &started, &failed, NULL), 0);
	strv_free(started);
	started = NULL;
	assert_int_equal(f->a->shutdown(f->a, &ended, &failed, NULL), 0);
	assert_true(strv_has(ended, "shop-db"));
	assert_int_equal(f->b->list(f->b, false, &up, NULL), 0);
	assert_int_equal(up.n, 0);
	tare_container_list_free(&up);
	/* in the same boot as well */
	assert_int_equal(f->b->boot(f->b, &started, &failed, NULL), 0);
	assert_true(strv_has(started, "shop-db"));
	assert_false(strv_has(started, "shop-web"));
}

#define HELD(t) cmocka_unit_test_setup_teardown(t, setup_held, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        HELD(verdicts_fall_when_enough_probes_were_made),
	        HELD(events_tell_of_health),
	        HELD(inspect_has_the_last_probes),
	        HELD(one_that_waits_tells_how_long),
	        HELD(without_a_policy_the_next_end_is_the_last),
	        HELD(on_failure_starts_so_often),
	        HELD(limits_change_for_every_process),
	        HELD(limits_that_only_documents_show_are_kept),
	        HELD(nothing_and_nonsense_are_refused),
	        HELD(a_boot_starts_what_the_policies_ask_for),
	        HELD(before_the_host_goes_down_none_is_stopped_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
