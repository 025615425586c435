/* What cgroup files and mount tables say: pure functions on text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/cgroup_driver.h"

static void layout_of_single_mounts(void **state)
{
	(void)state;
	struct cgroup_layout l;
	cgroup_layout_parse("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
	                    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	                    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	                    "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
	                    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
	        &l);
	assert_int_equal(l.mode, CGROUP_HYBRID);
	assert_int_equal(l.n, 4);
	assert_string_equal(l.h[l.of[CG_CPU]].mount, "/sys/fs/cgroup/cpu");
	assert_string_equal(l.h[l.of[CG_MEMORY]].mount, "/sys/fs/cgroup/memory");
	assert_string_equal(l.h[l.of[CG_SYSTEMD]].mount, "/sys/fs/cgroup/systemd");
	assert_string_equal(l.h[l.of[CG_UNIFIED]].mount, "/sys/fs/cgroup/unified");
	assert_int_equal(l.of[CG_CPUACCT], -1);
	assert_int_equal(l.of[CG_CPUSET], -1); /* "cpu" is not "cpuset" */
}

static void layout_of_joint_mounts(void **state)
{
	(void)state;
	struct cgroup_layout l;
	/* systemd's legacy layout, with optional fields, and seen from a container that has a bind of its own
	 * cgroup and a second mount of the same hierarchy. */
	cgroup_layout_parse(
	        "30 25 0:26 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup "
	        "rw,xattr,release_agent=/x,name=systemd\n"
	        "33 25 0:29 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro,nosuid shared:14 master:2 - cgroup "
	        "cgroup rw,cpu,cpuacct\n"
	        "34 25 0:29 / /mnt/again rw - cgroup cgroup rw,cpu,cpuacct\n"
	        "35 25 0:31 / /sys/fs/cgroup/net_cls,net_prio rw - cgroup cgroup rw,net_cls,net_prio\n"
	        "36 25 0:32 / /sys/fs/my\\040cgroups/pids rw - cgroup cgroup rw,pids",
	        &l);
	assert_int_equal(l.mode, CGROUP_V1);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.of[CG_CPU], l.of[CG_CPUACCT]);
	assert_string_equal(l.h[l.of[CG_CPU]].mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(l.h[l.of[CG_PIDS]].mount, "/sys/fs/my cgroups/pids");
	assert_int_equal(l.of[CG_UNIFIED], -1);
}

static void layout_of_others(void **state)
{
	(void)state;
	struct cgroup_layout l;
	cgroup_layout_parse("29 23 0:26 / /cg rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n", &l);
	assert_int_equal(l.mode, CGROUP_V2);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.of[CG_MEMORY], 0);
	assert_int_equal(l.of[CG_SYSTEMD], -1);
	assert_string_equal(l.h[0].mount, "/cg");
	/* A v1 hierarchy without controllers beside it changes nothing. */
	cgroup_layout_parse(
	        "28 23 0:2 / /sd rw - cgroup none rw,name=systemd\n29 23 0:26 / /cg rw - cgroup2 none rw\n",
	        &l);
	assert_int_equal(l.mode, CGROUP_V2);
	assert_string_equal(l.h[0].mount, "/cg");
	cgroup_layout_parse("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\nrubbish\n 1 2\n", &l);
	assert_int_equal(l.mode, CGROUP_NONE);
	cgroup_layout_parse("", &l);
	assert_int_equal(l.mode, CGROUP_NONE);
}

static void paths(void **state)
{
	(void)state;
	static const char *const good[] = {"tare", "tare/0123abcd", "a/b/c", "..a", "a.../b"};
	static const char *const bad[] = {"", "/", "/tare", "tare/", "..", ".", "tare/..", "tare/../x",
	        "a//b", "a/./b", "a\nb", "a/\x7f"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(cgroup_path_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;
		struct cgroup *g;
		assert_false(cgroup_path_valid(bad[i]));
		assert_int_equal(cgroup_create(bad[i], NULL, &g, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_int_equal(cgroup_destroy(bad[i], &e), -1);
		assert_int_equal(cgroup_open(bad[i], &g, &e), -1);
		assert_null(cgroup_children(bad[i]));
	}
	char longest[200];
	memset(longest, 'a', sizeof(longest));
	longest[199] = '\0';
	assert_false(cgroup_path_valid(longest));
}

static void keyed_files(void **state)
{
	(void)state;
	const char *text = "low 0\noom 7\noom_kill 3\noom_group_kill 0\n";
	assert_int_equal(cgroup_keyed(text, "oom_kill"), 3);
	assert_int_equal(cgroup_keyed(text, "oom"), 7);
	assert_int_equal(cgroup_keyed(text, "kill"), -1);
	assert_int_equal(cgroup_keyed("", "oom"), -1);
	assert_int_equal(cgroup_keyed("oom_kill_disable 0\nunder_oom 0\noom_kill 12", "oom_kill"), 12);
	assert_int_equal(cgroup_v2_controllers("cpuset cpu io memory hugetlb pids rdma misc\n"), CG_LIMITS);
	assert_int_equal(cgroup_v2_controllers("cpuset"), CG_BIT(CG_CPUSET));
	assert_int_equal(cgroup_v2_controllers(""), 0);
}

static void lists(void **state)
{
	(void)state;
	assert_true(cgroup_list_within("0", "0-3"));
	assert_true(cgroup_list_within("1-3,0", "0-3"));
	assert_true(cgroup_list_within("2,8-9", "0-3,8-11"));
	assert_false(cgroup_list_within("4", "0-3,8-11"));
	assert_false(cgroup_list_within("3-8", "0-3,8-11"));
	static const char *const bad[] = {"", "x", "0-", "-1", "0,,1", "0 1", "3-1", "0-1x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cgroup_list_within(bad[i], "0-3"))
			fail_msg("\"%s\" is no list", bad[i]);
}

static void weights(void **state)
{
	(void)state;
	/* Ends and default of both scales meet; the rest are the runtime spec's own examples. */
	assert_int_equal(cgroup_v2_cpu_weight(2), 1);
	assert_int_equal(cgroup_v2_cpu_weight(1024), 100);
	assert_int_equal(cgroup_v2_cpu_weight(262144), 10000);
	assert_int_equal(cgroup_v2_cpu_weight(UINT64_MAX), 10000);
	assert_int_equal(cgroup_v2_cpu_weight(512), 59);
	uint64_t last = 0;
	for (uint64_t s = 2; s <= 262144; s += 7) {
		uint64_t w = cgroup_v2_cpu_weight(s);
		assert_true(w >= last && w >= 1 && w <= 10000);
		last = w;
	}
	assert_int_equal(cgroup_v2_io_weight(10), 1);
	assert_int_equal(cgroup_v2_io_weight(1000), 10000);
	assert_int_equal(cgroup_v2_io_weight(500), 4950);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(layout_of_single_mounts),
	        cmocka_unit_test(layout_of_joint_mounts),
	        cmocka_unit_test(layout_of_others),
	        cmocka_unit_test(paths),
	        cmocka_unit_test(keyed_files),
	        cmocka_unit_test(lists),
	        cmocka_unit_test(weights),
	};
	return cmocka_run_group_tests_name("cgroup layout", tests, NULL, NULL);
}
