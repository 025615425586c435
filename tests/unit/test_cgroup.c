/* Control groups, on whatever layout this host has: the same tests hold on v2, v1 and hybrid. On a hybrid
 * host they run a second time with the v2 tree out of sight, which is pure v1. Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/monitor/sampler.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/cgroup_driver.h"

#define MIB (INT64_C(1) << 20)

static char prefix[40]; /* tare-test-PID: all cgroups of this program are beneath it */

static const char *path_of(const char *name)
{
	static char path[CGROUP_PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", prefix, name);
	return path;
}

static struct cgroup *create(const char *name, const struct resources *r)
{
	struct cgroup *g;
	struct err e = ERR_INIT;
	if (cgroup_create(path_of(name), r, &g, &e) < 0)
		fail_msg("create %s: %s", name, e.msg);
	assert_non_null(g);
	return g;
}

static void destroy(const char *name)
{
	struct err e = ERR_INIT;
	if (cgroup_destroy(path_of(name), &e) < 0)
		fail_msg("destroy %s: %s", name, e.msg);
}

static bool exists_anywhere(const char *name)
{
	struct cgroup *g;
	bool there = !cgroup_open(path_of(name), &g, NULL);
	if (there)
		cgroup_close(&g);
	return there;
}

/* The file's content; v1 and v2 have different names for it. */
static const char *setting(const struct cgroup *g, enum cgroup_controller c, const char *v1, const char *v2)
{
	static char text[4][256];
	static int turn;
	char *t = text[turn++ % 4];
	bool is_v2 = cgroup_mode() == CGROUP_V2;
	if (file_read_small(cgroup_fd(g, is_v2 ? CG_UNIFIED : c), is_v2 ? v2 : v1, t, 256) < 0)
		snprintf(t, 256, "errno %d", errno);
	return t;
}

/* A child of ours in g that runs fn and never returns from it; ready once it is inside. */
static pid_t spawn(const struct cgroup *g, void (*fn)(void *), void *arg)
{
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	struct clone_args a = {.exit_signal = SIGCHLD};
	int fd = cgroup_clone_fd(g);
	if (fd >= 0) {
		a.flags = CLONE_INTO_CGROUP;
		a.cgroup = (uint64_t)fd;
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (!pid) {
		if (cgroup_enter_self(g, false, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(99);
		fn(arg);
		_exit(98);
	}
	assert_true(pid > 0);
	char c;
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static bool is_alive(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static int tear_down(void **state)
{
	(void)state;
	char **names = cgroup_children(prefix);
	int rc = 0;
	strv_foreach (n, names)
		rc |= cgroup_destroy(path_of(*n), NULL);
	strv_free(names);
	return rc | cgroup_destroy(prefix, NULL);
}

/* ------------------------------------------------------------------ pure functions */

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

/* ------------------------------------------------------------------ making and limits */

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

/* ------------------------------------------------------------------ processes */

static void a_child_is_in_every_hierarchy(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("enter", NULL);
	pid_t pid = spawn(g, sleeper, NULL);
	for (int i = 0; i < g->layout->n; i++) {
		pid_t *pids;
		assert_int_equal(cgroup_pids_in(g->fd[i], &pids), 1);
		assert_int_equal(pids[0], pid);
		free(pids);
	}
	destroy("enter");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	assert_false(exists_anywhere("enter"));
}

static void enter_all_needs_no_clone(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("all", NULL);
	pid_t pid = fork();
	if (!pid) {
		if (cgroup_enter_self(g, true, NULL) < 0)
			_exit(1);
		for (int i = 0; i < g->layout->n; i++) {
			pid_t *pids;
			if (cgroup_pids_in(g->fd[i], &pids) != 1 || pids[0] != getpid())
				_exit(2);
		}
		_exit(0);
	}
	assert_int_equal(wait_for(pid), 0);
	destroy("all");
}

static void killing(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("kill", NULL);
	pid_t pids[8], *listed;
	struct err e = ERR_INIT;
	for (int i = 0; i < 8; i++)
		pids[i] = spawn(g, sleeper, NULL);
	assert_int_equal(cgroup_pids(g, &listed, &e), 8);
	free(listed);
	assert_int_equal(cgroup_kill(g, &e), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(WTERMSIG(wait_for(pids[i])), SIGKILL);
	assert_int_equal(cgroup_kill(g, &e), 0); /* empty */
	destroy("kill");
}

static void counter(void *arg)
{
	for (;;) {
		++*(volatile uint64_t *)arg;
		usleep(200);
	}
}

static void freezing(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	volatile uint64_t *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cleanup_cgroup struct cgroup *g = create("freeze", NULL);
	assert_false(cgroup_is_frozen(g));
	pid_t pid = spawn(g, counter, (void *)n);
	while (*n < 5)
		usleep(1000);
	if (cgroup_freeze(g, true, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(cgroup_is_frozen(g));
	uint64_t held = *n;
	usleep(30000);
	assert_int_equal(*n, held);
	assert_int_equal(cgroup_freeze(g, true, &e), 0); /* twice is once */
	assert_int_equal(cgroup_freeze(g, false, &e), 0);
	assert_false(cgroup_is_frozen(g));
	while (*n < held + 5)
		usleep(1000);
	/* What is frozen can be killed. */
	assert_int_equal(cgroup_freeze(g, true, &e), 0);
	assert_int_equal(cgroup_kill(g, &e), 0);
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	destroy("freeze");
	munmap((void *)n, 4096);
}

static void fork_bomb(void *arg)
{
	(void)arg;
	for (;;)
		if (fork() < 0)
			usleep(1000);
}

static void a_fork_bomb_stays_small_and_dies(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("bomb", &(struct resources){.pids = 40});
	pid_t pid = spawn(g, fork_bomb, NULL);
	pid_t *pids;
	int n = 0;
	while (n < 40) { /* it fills up to the brim, and not beyond */
		usleep(2000);
		n = cgroup_pids(g, &pids, NULL);
		free(pids);
		assert_true(n <= 40);
	}
	destroy("bomb");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	assert_false(exists_anywhere("bomb"));
}

static void eater(void *arg)
{
	(void)arg;
	for (;;) {
		volatile char *p =
		        mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (size_t i = 0; p != MAP_FAILED && i < 4 << 20; i += 4096)
			p[i] = 1;
	}
}

static void an_oom_kill_is_counted(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g =
	        create("oom", &(struct resources){.memory = 16 * MIB, .memory_swap = 16 * MIB});
	assert_int_equal(cgroup_oom_kills(g), 0);
	pid_t pid = spawn(g, eater, NULL);
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	assert_int_equal(cgroup_oom_kills(g), 1);
	struct sampler_sources src;
	struct sampler s;
	cgroup_sampler_sources(g, &src);
	sampler_open(&s, &src);
	assert_int_equal(sampler_oom_kills(&s), 1);
	sampler_close(&s);
	destroy("oom");
}

/* A container with cgroups of its own: three levels, a process at the bottom. */
static void destroy_reaches_down(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("nest", NULL);
	cgroup_close(&g);
	g = create("nest/a/b", NULL);
	pid_t pid = spawn(g, sleeper, NULL);
	pid_t *pids;
	cleanup_cgroup struct cgroup *top = NULL;
	assert_int_equal(cgroup_open(path_of("nest"), &top, NULL), 0);
	assert_int_equal(cgroup_pids(top, &pids, NULL), 1);
	assert_int_equal(pids[0], pid);
	free(pids);
	cleanup_cgroup struct cgroup *beside = create("beside", NULL);
	destroy("nest");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
	assert_false(exists_anywhere("nest"));
	assert_true(exists_anywhere("beside"));
	destroy("beside");
}

/* Joining a container that hands controllers to its own children (v2 only: no internal processes). */
static void joining_goes_to_a_leaf(void **state)
{
	(void)state;
	if (cgroup_mode() != CGROUP_V2)
		skip();
	cleanup_cgroup struct cgroup *g = create("leaf", NULL);
	assert_int_equal(file_poke(cgroup_fd(g, CG_UNIFIED), "cgroup.subtree_control", "+pids"), 0);
	pid_t pid = spawn(g, sleeper, NULL);
	pid_t *pids;
	assert_int_equal(cgroup_pids(g, &pids, NULL), 1);
	free(pids);
	destroy("leaf");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
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

/* ------------------------------------------------------------------ monitors, view, info */

static bool monitors_exist(enum cgroup_controller c, bool remove)
{
	const struct cgroup_layout *l = cgroup_layout();
	char dir[CGROUP_DIR_MAX + 16];
	if (l->of[c] < 0)
		return false;
	snprintf(dir, sizeof(dir), "%s/tare/monitors", l->h[l->of[c]].mount);
	bool there = !access(dir, F_OK);
	if (remove) {
		rmdir(dir);
		*strrchr(dir, '/') = '\0';
		rmdir(dir);
	}
	return there;
}

static void monitors_leave_the_session(void **state)
{
	(void)state;
	bool had_v2 = monitors_exist(CG_UNIFIED, false), had_sd = monitors_exist(CG_SYSTEMD, false);
	cleanup_cgroup struct cgroup *session = create("session", NULL);
	int fd = cgroup_monitors_clone_fd();
	assert_int_equal(fd >= 0, cgroup_layout()->of[CG_UNIFIED] >= 0);
	close_fd(&fd);
	pid_t pid = fork();
	if (!pid) {
		char text[4096];
		if (cgroup_enter_self(session, true, NULL) < 0)
			_exit(2);
		cgroup_enter_monitors();
		file_read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text));
		char *v2 = strstr(text, "0::"), *sd = strstr(text, "name=systemd:");
		bool ok = (cgroup_layout()->of[CG_UNIFIED] < 0 || (v2 && strstr(v2, "/tare/monitors"))) &&
		          (cgroup_layout()->of[CG_SYSTEMD] < 0 ||
		                  (sd && !strncmp(sd, "name=systemd:/tare/monitors\n", 28)));
		_exit(!ok);
	}
	assert_int_equal(wait_for(pid), 0);
	if (!had_v2)
		monitors_exist(CG_UNIFIED, true);
	if (!had_sd)
		monitors_exist(CG_SYSTEMD, true);
	destroy("session");
}

struct view {
	const struct cgroup *g;
	bool writable;
};

/* Exit status: which step failed. */
static void look_at_view(void *arg)
{
	const struct view *v = arg;
	char text[256];
	struct err e = ERR_INIT;
	bool v2 = cgroup_mode() == CGROUP_V2;
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) < 0 ||
	        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(1);
	int fd = open("/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (cgroup_mount_view(fd, v->writable, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		_exit(2);
	}
	close(fd);
	int pids = open(v2 ? "/mnt" : "/mnt/pids", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (file_read_small(pids, "pids.max", text, sizeof(text)) < 0 || strcmp(text, "33"))
		_exit(3);
	/* not a limit: with "nsdelegate" v2 protects those of the namespace's root anyway */
	if ((mkdirat(pids, "sub", 0755) == 0) != v->writable || (!v->writable && errno != EROFS))
		_exit(4);
	if (!v2 && (mkdir("/mnt/x", 0755) == 0 || errno != EROFS))
		_exit(5);
	if (!v2 && access("/mnt/memory/memory.stat", F_OK) < 0)
		_exit(6);
	_exit(0);
}

static void a_container_sees_its_own(void **state)
{
	(void)state;
	for (int writable = 0; writable < 2; writable++) {
		cleanup_cgroup struct cgroup *g = create("view", &(struct resources){.pids = 33});
		struct view v = {g, writable};
		pid_t pid = spawn(g, look_at_view, &v);
		assert_int_equal(wait_for(pid), 0);
		assert_int_equal(!faccessat(cgroup_fd(g, CG_PIDS), "sub", F_OK, 0), writable);
		destroy("view");
	}
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

static int run_all(const char *name)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(layout_of_single_mounts),
	        cmocka_unit_test(layout_of_joint_mounts),
	        cmocka_unit_test(layout_of_others),
	        cmocka_unit_test(paths),
	        cmocka_unit_test(keyed_files),
	        cmocka_unit_test(lists),
	        cmocka_unit_test(weights),
	        cmocka_unit_test(it_is_made_everywhere_and_goes),
	        cmocka_unit_test(an_old_life_leaves_no_limits),
	        cmocka_unit_test(abandoned_children_do_not_matter),
	        cmocka_unit_test(many_at_once),
	        cmocka_unit_test(one_in_use_is_not_taken_over),
	        cmocka_unit_test(limits_arrive),
	        cmocka_unit_test(limits_change),
	        cmocka_unit_test(what_cannot_be_had_is_refused),
	        cmocka_unit_test(io_weight),
	        cmocka_unit_test(a_child_is_in_every_hierarchy),
	        cmocka_unit_test(enter_all_needs_no_clone),
	        cmocka_unit_test(killing),
	        cmocka_unit_test(freezing),
	        cmocka_unit_test(a_fork_bomb_stays_small_and_dies),
	        cmocka_unit_test(an_oom_kill_is_counted),
	        cmocka_unit_test(destroy_reaches_down),
	        cmocka_unit_test(joining_goes_to_a_leaf),
	        cmocka_unit_test(monitors_leave_the_session),
	        cmocka_unit_test(a_namespace_with_processes_is_explained),
	        cmocka_unit_test(a_container_sees_its_own),
	        cmocka_unit_test(controllers_are_told),
	};
	snprintf(prefix, sizeof(prefix), "tare-test-%d", getpid());
	return cmocka_run_group_tests_name(name, tests, NULL, tear_down);
}

static int run_without_memory(const char *name)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_missing_hierarchy_is_named)};
	return cmocka_run_group_tests_name(name, tests, NULL, tear_down);
}

/* Fork, before anything has asked for the layout, a mount namespace in which hierarchies are not mounted,
 * and run tests there. 0 also where the host has nothing of the kind. */
static int run_without(
        const enum cgroup_controller *missing, int n, int (*run)(const char *), const char *name)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_fd int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct cgroup_layout l;
	if (fd < 0 || read_to_buf(fd, &b) < 0)
		return 1;
	cgroup_layout_parse(buf_str(&b), &l);
	for (int i = 0; i < n; i++)
		if (l.mode == CGROUP_V2 || l.of[missing[i]] < 0)
			return 0;
	fflush(NULL);
	pid_t pid = fork();
	if (!pid) {
		snprintf(prefix, sizeof(prefix), "tare-test-%d", getpid());
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(1);
		for (int i = 0; i < n; i++)
			if (umount2(l.h[l.of[missing[i]]].mount, MNT_DETACH) < 0)
				_exit(1);
		exit(run(name));
	}
	int status;
	return waitpid(pid, &status, 0) != pid || status;
}

int main(void)
{
	static const enum cgroup_controller v2[] = {CG_UNIFIED}, memory[] = {CG_MEMORY},
	                                    both[] = {CG_UNIFIED, CG_MEMORY};
	return run_without(v2, 1, run_all, "cgroup, pure v1") |
	       run_without(memory, 1, run_without_memory, "cgroup, hybrid without memory") |
	       run_without(both, 2, run_without_memory, "cgroup, v1 without memory") |
	       run_all("cgroup, as it is here");
}
