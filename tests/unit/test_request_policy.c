/* Restart policies, health checks and user namespaces: their texts, and what must not meet. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/tare.h"
#include "tests/unit/request_box.h"

#define SECOND INT64_C(1000000000)

static void restart_policies(void **state)
{
	enum tare_restart policy;
	struct err e = ERR_INIT;
	unsigned max;
	static const struct {
		const char *text;
		enum tare_restart policy;
		unsigned max;
	} good[] = {{"no", TARE_RESTART_NO, 0}, {"on-failure", TARE_RESTART_ON_FAILURE, 0},
	        {"on-failure:5", TARE_RESTART_ON_FAILURE, 5}, {"always", TARE_RESTART_ALWAYS, 0},
	        {"unless-stopped", TARE_RESTART_UNLESS_STOPPED, 0}};
	static const char *const bad[] = {
	        "", "yes", "on-failure:", "on-failure:x", "on-failure:-1", "always:3", "no:", "Always", "on"};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(tare_parse_restart(good[i].text, &policy, &max, &e), 0);
		assert_int_equal(policy, good[i].policy);
		assert_int_equal(max, good[i].max);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (tare_parse_restart(bad[i], &policy, &max, &e) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void test_is(const struct tare_create *c, const char *words)
{
	char all[256] = "";

	strv_foreach (w, c->health.test)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s|", *w);
	assert_string_equal(all, words);
}

static void health_commands(void **state)
{
	struct tare_create *c = *state;

	good(c, tare_parse_health_cmd, "curl -f http://localhost/ || exit 1");
	test_is(c, "CMD-SHELL|curl -f http://localhost/ || exit 1|");
	good(c, tare_parse_health_cmd, "[\"CMD\",\"curl\",\"-f\"]");
	test_is(c, "CMD|curl|-f|");
	good(c, tare_parse_health_cmd, "[\"curl\"]");
	test_is(c, "CMD|curl|");
	/* a shell's own bracket */
	good(c, tare_parse_health_cmd, "[ -e /ready ]");
	test_is(c, "CMD-SHELL|[ -e /ready ]|");
	good(c, tare_parse_health_cmd, "[1]");
	test_is(c, "CMD-SHELL|[1]|");
	good(c, tare_parse_health_cmd, "none");
	test_is(c, "NONE|");
	good(c, tare_parse_health_cmd, "");
	assert_null(c->health.test);
	bad(c, tare_parse_health_cmd, "[\"CMD\"]", "has no command");
	good(c, tare_parse_health_retries, "5");
	assert_int_equal(c->health.retries, 5);
	bad(c, tare_parse_health_retries, "-1", "number of retries");
	bad(c, tare_parse_health_retries, "many", "number of retries");
}

static void checked(const struct tare_create *c, const char *words)
{
	struct err e = ERR_INIT;
	int rc = tare_create_check(c, &e);

	if (!words && rc != 0)
		fail_msg("refused: %s", e.msg);
	if (words && (rc == 0 || !strstr(e.msg, words)))
		fail_msg("%s instead of %s", rc == 0 ? "taken" : e.msg, words);
}

static void what_must_not_meet(void **state)
{
	struct tare_create *c = *state;
	struct err e = ERR_INIT;

	c->image = strdup("busybox");
	checked(c, NULL);
	c->restart = TARE_RESTART_ALWAYS;
	c->auto_remove = true;
	checked(c, "--rm and --restart always exclude each other");
	c->restart = TARE_RESTART_NO;
	checked(c, NULL);

	c->health.interval = 999999;
	checked(c, "--health-interval is less than 1ms");
	c->health.interval = SECOND;
	checked(c, NULL); /* of the image's command */
	assert_int_equal(tare_no_health(c, &e), 0);
	checked(c, "--no-healthcheck excludes");
	c->health.interval = 0;
	checked(c, NULL);
	c->health_on_failure = TARE_HEALTH_KILL;
	checked(c, "--no-healthcheck excludes");
	good(c, tare_parse_health_cmd, "true");
	checked(c, NULL);
	assert_int_not_equal(tare_no_health(c, &e), 0);
	assert_non_null(strstr(e.msg, "exclude each other"));
}

static void user_namespaces(void **state)
{
	struct tare_create *c = *state;

	c->image = strdup("busybox");
	good(c, tare_parse_userns, "auto");
	checked(c, NULL);
	good(c, tare_parse_userns, "0:1000:1,1:100000:65535");
	assert_string_equal(c->userns_mode, "0:1000:1,1:100000:65535");
	checked(c, NULL);
	good(c, tare_parse_userns, "auto:size=1000,uidmapping=0:1000:1,uidmapping=7:7:1,gidmapping=0:5:1");
	good(c, tare_parse_userns, "keep-id");
	good(c, tare_parse_userns, "keep-id:uid=5,gid=6");
	good(c, tare_parse_userns, "nomap");
	bad(c, tare_parse_userns, "", "one of auto, keep-id");
	bad(c, tare_parse_userns, "nomap:size=1", "one of auto, keep-id");
	bad(c, tare_parse_userns, "auto:", "has no value");
	bad(c, tare_parse_userns, "auto:size", "has no value");
	bad(c, tare_parse_userns, "auto:size=0", "size");
	bad(c, tare_parse_userns, "auto:uid=0", "no option \"uid\"");
	bad(c, tare_parse_userns, "auto:uidmapping=0:1:2,uidmapping=1:7:1", "overlaps");
	bad(c, tare_parse_userns, "keep-id:size=5", "no option \"size\"");
	bad(c, tare_parse_userns, "keep-id:uid=root", "root");
	bad(c, tare_parse_userns, "0:1000", "write CONTAINER:HOST:SIZE");
	bad(c, tare_parse_userns, "0:1000:10,5:100000:5", "overlap");
	good(c, tare_parse_userns, "host");
	good(c, tare_parse_uid_map, "0:100000:65536");
	checked(c, "--userns host and --uidmap exclude each other");
}

static void id_maps(void **state)
{
	struct tare_create *c = *state;

	c->image = strdup("busybox");
	good(c, tare_parse_uid_map, "0:100000:1000,1000:1000:1");
	good(c, tare_parse_uid_map, "1001:101001:64535");
	assert_int_equal(strv_len(c->uid_maps), 3);
	assert_string_equal(c->uid_maps[1], "1000:1000:1");
	checked(c, NULL);
	good(c, tare_parse_gid_map, "0:5:2");
	good(c, tare_parse_gid_map, "7:6:1");
	checked(c, "--gidmap: \"0:5:2\" and \"7:6:1\" overlap");
}

static void bad_id_maps(void **state)
{
	struct tare_create *c = *state;
	static const char *const malformed[] = {"", ":", "0", "0:1", "0:1:", "0:1:2:3", "0:1:0", "a:b:c",
	        "-1:0:1", "0:-1:1", "0:0:-1", "0:0:1,", "0 :0:1", "0:4294967295:1"};

	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
		bad(c, tare_parse_uid_map, malformed[i], "write CONTAINER:HOST:SIZE");
	bad(c, tare_parse_gid_map, "0:4294967294:2", "beyond the last id");
	bad(c, tare_parse_gid_map, "4294967294:0:4294967294", "beyond the last id");
}

static void too_many_ranges(void **state)
{
	struct tare_create *c = *state;
	char text[32];

	c->image = strdup("busybox");
	for (int i = 0; i < 341; i++) {
		snprintf(text, sizeof text, "%d:%d:1", i, 1000 + i);
		good(c, tare_parse_uid_map, text);
	}
	checked(c, "more than 340 ranges");
}

int main(void)
{
#define WITH_REQUEST(fn) cmocka_unit_test_setup_teardown(fn, request_setup, request_teardown)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(restart_policies),
	        WITH_REQUEST(health_commands),
	        WITH_REQUEST(what_must_not_meet),
	        WITH_REQUEST(user_namespaces),
	        WITH_REQUEST(id_maps),
	        WITH_REQUEST(bad_id_maps),
	        WITH_REQUEST(too_many_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
