/* Making control groups and limiting them, on whatever layout this host has: the same tests hold on v2, v1
 * and hybrid. On a hybrid host they run a second time with the v2 tree out of sight, which is pure v1.
 * Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>

#include "tests/unit/cgroup_box.h"

static void it_is_made_everywhere_and_goes(void **state)
{
	(void)state;
	struct cgroup *g = create("made", NULL);
	for (int i = 0; i < g->layout->n; i++)
		assert_true(g->fd[i] >= 0);
	cgroup_close(&g);
	assert_null(g);
	char **names = cgroup_children(prefix);
	assert_int_equal(strv_len(names), 1);
	assert_string_equal(names[0], "made");
	strv_free(names);
	destroy("made");
	assert_false(exists_anywhere("made"));
	destroy("made"); /* not there: success */
	struct err e = ERR_INIT;
	assert_int_equal(cgroup_open(path_of("made"), &g, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void an_old_life_leaves_no_limits(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("again", &(struct resources){.pids = 7});
	assert_string_equal(setting(g, CG_PIDS, "pids.max", "pids.max"), "7");
	cgroup_close(&g);
	g = create("again", NULL);
	assert_string_equal(setting(g, CG_PIDS, "pids.max", "pids.max"), "max");
	destroy("again");
}

static void abandoned_children_do_not_matter(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("left", NULL), *sub = create("left/a/b", NULL);
	cgroup_close(&g);
	cgroup_close(&sub);
	g = create("left", NULL);
	assert_false(exists_anywhere("left/a"));
	/* but with somebody in one of them, all stay */
	sub = create("left/a", NULL);
	pid_t pid = spawn(sub, sleeper, NULL);
	cleanup_cgroup struct cgroup *empty = create("left/empty", NULL);
	cgroup_close(&empty);
	struct err e = ERR_INIT;
	struct cgroup *other;
	assert_int_equal(cgroup_create(path_of("left"), NULL, &other, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_true(exists_anywhere("left/empty"));
	assert_true(is_alive(pid));
	destroy("left");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
}

/* Twenty at once beneath a parent that none of them finds ready. */
static void many_at_once(void **state)
{
	(void)state;
	pid_t pids[20];
	for (int i = 0; i < 20; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			char name[32];
			struct cgroup *g;
			struct err e = ERR_INIT;
			snprintf(name, sizeof(name), "many/%d", i);
			struct resources r = {.memory = 8 * MIB, .pids = 5, .cpuset_cpus = (char *)"0"};
			if (cgroup_create(path_of(name), &r, &g, &e) < 0 ||
			        cgroup_enter_self(g, true, &e) < 0) {
				fprintf(stderr, "%s\n", e.msg);
				_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(wait_for(pids[i]), 0);
	char **names = cgroup_children(path_of("many"));
	assert_int_equal(strv_len(names), 20);
	strv_free(names);
	destroy("many");
	assert_false(exists_anywhere("many"));
}

static void one_in_use_is_not_taken_over(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("inuse", NULL);
	pid_t pid = spawn(g, sleeper, NULL);
	struct err e = ERR_INIT;
	struct cgroup *other;
	assert_int_equal(cgroup_create(path_of("inuse"), NULL, &other, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_null(other);
	assert_true(is_alive(pid));
	assert_true(exists_anywhere("inuse"));
	destroy("inuse");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
}

static void limits_arrive(void **state)
{
	(void)state;
	struct resources r = {
	        .memory = 64 * MIB,
	        .memory_swap = 96 * MIB,
	        .memory_reservation = 32 * MIB,
	        .cpu_shares = 512,
	        .cpu_quota_us = 25000,
	        .cpu_period_us = 50000,
	        .cpuset_cpus = (char *)"0",
	        .cpuset_mems = (char *)"0",
	        .pids = 50,
	};
	cleanup_cgroup struct cgroup *g = create("limits", &r);
	bool v2 = cgroup_mode() == CGROUP_V2;
	assert_string_equal(setting(g, CG_MEMORY, "memory.limit_in_bytes", "memory.max"), "67108864");
	assert_string_equal(setting(g, CG_MEMORY, "memory.soft_limit_in_bytes", "memory.low"), "33554432");
	assert_string_equal(setting(g, CG_MEMORY, "memory.memsw.limit_in_bytes", "memory.swap.max"),
	        v2 ? "33554432" : "100663296");
	assert_string_equal(setting(g, CG_CPU, "cpu.shares", "cpu.weight"), v2 ? "59" : "512");
	if (v2) {
		assert_string_equal(setting(g, CG_CPU, "", "cpu.max"), "25000 50000");
	} else {
		assert_string_equal(setting(g, CG_CPU, "cpu.cfs_quota_us", ""), "25000");
		assert_string_equal(setting(g, CG_CPU, "cpu.cfs_period_us", ""), "50000");
	}
	assert_string_equal(setting(g, CG_CPUSET, "cpuset.cpus", "cpuset.cpus"), "0");
	assert_string_equal(setting(g, CG_CPUSET, "cpuset.mems", "cpuset.mems"), "0");
	assert_string_equal(setting(g, CG_PIDS, "pids.max", "pids.max"), "50");
	destroy("limits");
}

static void limits_change(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("change", &(struct resources){.memory = 64 * MIB});
	bool v2 = cgroup_mode() == CGROUP_V2;
	const char *mem = "memory.limit_in_bytes", *swap = "memory.memsw.limit_in_bytes";
	/* Without a word about swap there is as much of it as memory. */
	assert_string_equal(setting(g, CG_MEMORY, swap, "memory.swap.max"), v2 ? "67108864" : "134217728");
	/* Up past the old sum, down below the old memory, and off: each order of the two v1 writes. */
	static const int64_t steps[] = {256, 16, 64};
	for (size_t i = 0; i < 3; i++) {
		char want_mem[32], want_swap[32];
		int64_t m = steps[i] * MIB;
		struct err e = ERR_INIT;
		struct resources r = {.memory = m, .memory_swap = 2 * m, .pids = 20 + (int64_t)i};
		if (cgroup_update(g, &r, &e) < 0)
			fail_msg("%s", e.msg);
		snprintf(want_mem, sizeof(want_mem), "%" PRId64, m);
		snprintf(want_swap, sizeof(want_swap), "%" PRId64, v2 ? m : 2 * m);
		assert_string_equal(setting(g, CG_MEMORY, mem, "memory.max"), want_mem);
		assert_string_equal(setting(g, CG_MEMORY, swap, "memory.swap.max"), want_swap);
	}
	assert_string_equal(setting(g, CG_PIDS, "pids.max", "pids.max"), "22");
	assert_int_equal(cgroup_update(g, &(struct resources){.memory = -1, .pids = -1}, NULL), 0);
	assert_true(v2 ? !strcmp(setting(g, CG_MEMORY, mem, "memory.max"), "max")
	               : strtoll(setting(g, CG_MEMORY, mem, ""), NULL, 10) > INT64_MAX / 2);
	assert_string_equal(setting(g, CG_PIDS, "pids.max", "pids.max"), "max");
	/* A new period keeps the quota. */
	assert_int_equal(cgroup_update(g, &(struct resources){.cpu_quota_us = 20000}, NULL), 0);
	assert_int_equal(cgroup_update(g, &(struct resources){.cpu_period_us = 40000}, NULL), 0);
	if (v2)
		assert_string_equal(setting(g, CG_CPU, "", "cpu.max"), "20000 40000");
	else
		assert_string_equal(setting(g, CG_CPU, "cpu.cfs_quota_us", ""), "20000");
	destroy("change");
}

static void a_refused_change_changes_nothing(void **state)
{
	(void)state;
	const struct resources before = {.memory = 64 * MIB,
	        .memory_swap = 96 * MIB,
	        .memory_reservation = 16 * MIB,
	        .cpu_quota_us = 25000,
	        .cpu_period_us = 50000,
	        .pids = 50};
	static const char *const v1[] = {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes",
	        "memory.soft_limit_in_bytes", "cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us",
	        "pids.max", "cpuset.cpus"};
	static const char *const v2[] = {"memory.max", "memory.swap.max", "memory.low", "cpu.weight",
	        "cpu.max", "cpu.max", "pids.max", "cpuset.cpus"};
	static const enum cgroup_controller of[] = {
	        CG_MEMORY, CG_MEMORY, CG_MEMORY, CG_CPU, CG_CPU, CG_CPU, CG_PIDS, CG_CPUSET};
	struct io_limit io = {.kind = IO_READ_BPS, .major = 4001, .minor = 17, .value = 1 << 20};
	/* up and down, and at the end what no host has */
	const struct resources changes[] = {{.memory = 256 * MIB,
	                                            .memory_swap = 512 * MIB,
	                                            .cpu_shares = 100,
	                                            .cpuset_cpus = (char *)"4000"},
	        {.memory = 16 * MIB,
	                .memory_swap = 16 * MIB,
	                .cpu_quota_us = 10000,
	                .cpu_period_us = 10000,
	                .cpuset_cpus = (char *)"0",
	                .io = &io,
	                .n_io = 1},
	        {.memory = -1, .memory_swap = -1, .memory_reservation = -1, .cpuset_mems = (char *)"77"}};
	cleanup_cgroup struct cgroup *g = create("whole", &before);
	char was[8][64];
	for (size_t i = 0; i < 8; i++)
		snprintf(was[i], sizeof(was[i]), "%s", setting(g, of[i], v1[i], v2[i]));
	for (size_t n = 0; n < 3; n++) {
		struct err e = ERR_INIT;
		assert_int_equal(cgroup_update(g, &changes[n], &e), -1);
		for (size_t i = 0; i < 8; i++)
			assert_string_equal(setting(g, of[i], v1[i], v2[i]), was[i]);
	}
	destroy("whole");
}

static void keep_memory(void *arg)
{
	char *p = mmap(
	        NULL, 48 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (write(*(int *)arg, p == MAP_FAILED ? "n" : "y", 1) == 1)
		pause();
	_exit(1);
}

/* Memory in use that cannot go to swap is not taken away by killing. */
static void a_limit_below_what_is_used_is_refused(void **state)
{
	(void)state;
	int ends[2];
	char byte = 0;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	cleanup_cgroup struct cgroup *g =
	        create("used", &(struct resources){.memory = 64 * MIB, .memory_swap = 64 * MIB});
	pid_t pid = spawn(g, keep_memory, &ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	struct err e = ERR_INIT;
	assert_int_equal(
	        cgroup_update(g, &(struct resources){.memory = 16 * MIB, .memory_swap = 16 * MIB}, &e), -1);
	assert_non_null(strstr(e.msg, "cannot give it back"));
	assert_string_equal(setting(g, CG_MEMORY, "memory.limit_in_bytes", "memory.max"), "67108864");
	assert_true(is_alive(pid));
	destroy("used");
	wait_for(pid);
	close(ends[0]);
	close(ends[1]);
}

static void assert_refused(const char *name, struct resources r, enum err_kind kind, const char *word)
{
	struct err e = ERR_INIT;
	struct cgroup *g;
	assert_int_equal(cgroup_create(path_of(name), &r, &g, &e), -1);
	assert_null(g);
	if (e.kind != kind || !strstr(e.msg, word))
		fail_msg("%s: kind %d: %s", name, e.kind, e.msg);
	assert_false(exists_anywhere(name)); /* nothing half-made */
}

static void what_cannot_be_had_is_refused(void **state)
{
	(void)state;
	assert_refused("r1", (struct resources){.memory_swap = 64 * MIB}, ERR_USAGE, "memory");
	assert_refused(
	        "r2", (struct resources){.memory = 64 * MIB, .memory_swap = 32 * MIB}, ERR_USAGE, "below");
	assert_refused("r3", (struct resources){.cpuset_cpus = (char *)"4000"}, ERR_USAGE, "CPUs \"4000\"");
	assert_refused("r3", (struct resources){.cpuset_cpus = (char *)"0-x"}, ERR_USAGE, "CPUs \"0-x\"");
	assert_refused("r3", (struct resources){.cpuset_mems = (char *)"0,77"}, ERR_USAGE, "nodes \"0,77\"");
	struct io_limit io = {.kind = IO_READ_BPS, .major = 4001, .minor = 17, .value = 1 << 20};
	assert_refused("r4", (struct resources){.io = &io, .n_io = 1}, ERR_NOT_FOUND, "block device");
	if (cgroup_mode() == CGROUP_V2) {
		assert_refused("r5", (struct resources){.swappiness = 11}, ERR_UNSUPPORTED, "v1");
		assert_refused("r6", (struct resources){.oom_kill_disable = true}, ERR_UNSUPPORTED, "v1");
	}
}

/* The weight depends on the kernel's I/O scheduler; where there is none of them the error names the file. */
static void io_weight(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	if (cgroup_create(path_of("weight"), &(struct resources){.blkio_weight = 300}, &g, &e) < 0) {
		assert_int_equal(e.kind, ERR_UNSUPPORTED);
		assert_non_null(strstr(e.msg, "weight"));
		assert_false(exists_anywhere("weight"));
		return;
	}
	bool found = strstr(setting(g, CG_BLKIO, "blkio.bfq.weight", "io.bfq.weight"), "300") ||
	             strstr(setting(g, CG_BLKIO, "blkio.weight", "io.weight"),
	                     cgroup_mode() == CGROUP_V2 ? "2930" : "300");
	assert_true(found);
	destroy("weight");
}

static void controllers_are_told(void **state)
{
	(void)state;
	struct cgroup_controller_state s[16];
	int n = cgroup_controllers(s, 16);
	assert_int_equal(n, 7);
	assert_string_equal(s[0].name, "memory");
	assert_int_equal(cgroup_controllers(s, 2), 2);
	for (int i = 0; i < n; i++)
		assert_true(!s[i].present || s[i].where[0]);
	assert_true(s[0].present); /* or the tests above could not have passed */
	assert_string_not_equal(cgroup_mode_name(cgroup_mode()), "none");
}

/* ------------------------------------------------------------------ hosts that lack something */

/* As in a container with a cgroup namespace of its own: the root of what it sees is a cgroup with processes,
 * and without the pids controller. Exit status: which step failed. */
static void live_in_a_namespace(void *arg)
{
	(void)arg;
	struct err e = ERR_INIT;
	struct cgroup *g;
	const char *mount_point = cgroup_layout()->h[0].mount;
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) < 0 ||
	        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	        umount2(mount_point, MNT_DETACH) < 0 || mount("cgroup2", mount_point, "cgroup2", 0, NULL) < 0)
		_exit(1);
	if (!cgroup_create("tare/x", &(struct resources){.pids = 5}, &g, &e) || e.kind != ERR_UNSUPPORTED ||
	        !strstr(e.msg, "\"pids\" is missing") || !strstr(e.msg, "/cgroup.controllers has only"))
		_exit(2);
	if (!cgroup_create("tare/x", &(struct resources){.memory = MIB}, &g, &e) ||
	        e.kind != ERR_UNSUPPORTED || !strstr(e.msg, "\"memory\"") ||
	        !strstr(e.msg, "subtree_control") || !strstr(e.msg, "processes live"))
		_exit(3);
	/* what nobody asked to limit works */
	if (cgroup_create("tare/x", NULL, &g, &e) < 0 || cgroup_kill(g, &e) < 0 ||
	        cgroup_freeze(g, true, &e) < 0)
		_exit(4);
	if (cgroup_destroy("tare/x", &e) < 0 || cgroup_destroy("tare", &e) < 0)
		_exit(5);
	_exit(0);
}

static void a_namespace_with_processes_is_explained(void **state)
{
	(void)state;
	if (cgroup_mode() != CGROUP_V2)
		skip();
	cleanup_cgroup struct cgroup *g = create("ns", NULL);
	char dir[CGROUP_DIR_MAX];
	cgroup_dir(g, CG_UNIFIED, dir);
	*strrchr(dir, '/') = '\0';
	cleanup_fd int parent = open(dir, O_PATH | O_CLOEXEC);
	assert_int_equal(file_poke(parent, "cgroup.subtree_control", "-pids"), 0);
	assert_int_equal(wait_for(spawn(g, live_in_a_namespace, NULL)), 0);
	destroy("ns");
}

/* Runs in a process of its own (see main), where the v1 memory hierarchy is not mounted. */
static void a_missing_hierarchy_is_named(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct cgroup *g;
	assert_int_equal(cgroup_layout()->of[CG_MEMORY], -1);
	assert_int_equal(cgroup_create(path_of("lack"), &(struct resources){.memory = MIB}, &g, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "\"memory\" is missing"));
	assert_non_null(
	        strstr(e.msg, cgroup_mode() == CGROUP_V1 ? "/proc/self/mountinfo" : "/cgroup.controllers"));
	assert_false(exists_anywhere("lack"));
	g = create("lack", &(struct resources){.pids = 5});
	assert_int_equal(cgroup_oom_kills(g), -1);
	cgroup_close(&g);
	destroy("lack");
}

static int run_without_memory(const char *name)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_missing_hierarchy_is_named)};
	return cmocka_run_group_tests_name(name, tests, NULL, tear_down);
}

static int run_all(const char *name)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_made_everywhere_and_goes),
	        cmocka_unit_test(an_old_life_leaves_no_limits),
	        cmocka_unit_test(abandoned_children_do_not_matter),
	        cmocka_unit_test(many_at_once),
	        cmocka_unit_test(one_in_use_is_not_taken_over),
	        cmocka_unit_test(limits_arrive),
	        cmocka_unit_test(limits_change),
	        cmocka_unit_test(a_refused_change_changes_nothing),
	        cmocka_unit_test(a_limit_below_what_is_used_is_refused),
	        cmocka_unit_test(what_cannot_be_had_is_refused),
	        cmocka_unit_test(io_weight),
	        cmocka_unit_test(controllers_are_told),
	        cmocka_unit_test(a_namespace_with_processes_is_explained),
	};
	snprintf(prefix, sizeof(prefix), "tare-test-%d", getpid());
	return cmocka_run_group_tests_name(name, tests, NULL, tear_down);
}

int main(void)
{
	static const enum cgroup_controller v2[] = {CG_UNIFIED}, memory[] = {CG_MEMORY},
	                                    both[] = {CG_UNIFIED, CG_MEMORY};
	return run_without(v2, 1, run_all, "cgroup, pure v1") |
	       run_without(memory, 1, run_without_memory, "cgroup, hybrid without memory") |
	       run_without(both, 2, run_without_memory, "cgroup, v1 without memory") | run_all("cgroup");
}
