/* The rules of restart policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/restart.h"
#include "engine/store/container_record.h"

static struct container_record with(const char *policy, int max)
{
	struct container_record r = {.started = 1, .finished = 2};
	json *host = json_object_new_object(), *p = json_object_new_object();

	json_set_str(p, "Name", policy);
	json_set_int(p, "MaximumRetryCount", max);
	json_set(host, "RestartPolicy", p);
	r.config = json_object_new_object();
	json_set(r.config, "HostConfig", host);
	return r;
}

static bool due(const char *policy, int max, int code, unsigned count, bool by_user)
{
	struct container_record r = with(policy, max);

	r.restart_count = count;
	r.stopped_by_user = by_user;
	bool yes = restart_is_due(&r, code);
	container_record_free(&r);
	return yes;
}

static bool at_boot(const char *policy, int code, bool by_user, bool ever)
{
	struct container_record r = with(policy, 0);

	r.exit_code = code;
	r.stopped_by_user = by_user;
	r.started = ever;
	bool yes = restart_at_boot(&r);
	container_record_free(&r);
	return yes;
}

static void after_an_end(void **state)
{
	(void)state;
	assert_false(due("no", 0, 1, 0, false));
	assert_false(due("", 0, 1, 0, false));
	assert_true(due("always", 0, 0, 1000, false));
	assert_true(due("unless-stopped", 0, 0, 0, false));
	assert_false(due("always", 0, 1, 0, true));
	assert_false(due("unless-stopped", 0, 1, 0, true));
	assert_false(due("on-failure", 0, 0, 0, false));
	assert_true(due("on-failure", 0, 1, 1000, false));
	assert_true(due("on-failure", 3, 1, 2, false));
	assert_false(due("on-failure", 3, 1, 3, false));
}

static void after_a_boot(void **state)
{
	(void)state;
	assert_false(at_boot("no", 255, false, true));
	assert_true(at_boot("always", 0, true, true));
	assert_false(at_boot("always", 0, false, false));
	assert_true(at_boot("unless-stopped", 0, false, true));
	assert_false(at_boot("unless-stopped", 0, true, true));
	assert_true(at_boot("on-failure", 255, false, true));
	assert_false(at_boot("on-failure", 0, false, true));
	assert_false(at_boot("on-failure", 137, true, true));
}

static void delays_double_to_a_minute(void **state)
{
	(void)state;
	assert_int_equal(restart_delay_ms(0), 100);
	assert_int_equal(restart_delay_ms(1), 200);
	assert_int_equal(restart_delay_ms(9), 51200);
	assert_int_equal(restart_delay_ms(10), 60000);
	assert_int_equal(restart_delay_ms(4000000000u), 60000);
}

/* Of a run that ended so soon that its start is not known, too. */
static void waits_begin_anew_after_a_run_that_lasted(void **state)
{
	struct container c = CONTAINER_INIT;

	(void)state;
	c.state.restart_shift = 5;
	c.state.process.start_time = 1; /* ticks after the boot */
	assert_int_equal(restart_shift_after_run(&c), 0);
	assert_int_equal(proc_id_of(getpid(), &c.state.process), 0);
	assert_int_equal(restart_shift_after_run(&c), 5);
	c.state.process.start_time = 0; /* gone before it could be read */
	assert_int_equal(restart_shift_after_run(&c), 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	        cmocka_unit_test(after_an_end),
	        cmocka_unit_test(after_a_boot),
	        cmocka_unit_test(delays_double_to_a_minute),
	        cmocka_unit_test(waits_begin_anew_after_a_run_that_lasted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
