/* Processes in control groups: how they get in, are held and come to their end, and what they see. The same
 * tests on every layout, as in test_cgroup.c. Needs root. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/monitor/sampler.h"
#include "tests/unit/cgroup_box.h"

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

static void fork_bomb(void *arg)
{
	(void)arg;
	for (;;)
		if (fork() < 0)
			usleep(1000);
}

/* As before Linux 5.14: in a mount namespace whose cgroup.kill cannot be written. Exit status: which step. */
static void kill_in_rounds(void)
{
	char file[CGROUP_DIR_MAX + 16];
	struct cgroup *g;
	pid_t pids[3];
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	        cgroup_open(path_of("rounds"), &g, NULL) < 0)
		_exit(1);
	if (cgroup_fd(g, CG_UNIFIED) >= 0) {
		cgroup_dir(g, CG_UNIFIED, file);
		strcat(file, "/cgroup.kill");
		if (mount("/proc/version", file, NULL, MS_BIND, NULL) < 0 ||
		        file_poke(cgroup_fd(g, CG_UNIFIED), "cgroup.kill", "1") == 0)
			_exit(2);
	}
	for (int i = 0; i < 3; i++)
		pids[i] = spawn(g, i ? sleeper : fork_bomb, NULL);
	if (cgroup_kill(g, NULL) < 0)
		_exit(3);
	for (int i = 0; i < 3; i++)
		if (WTERMSIG(wait_for(pids[i])) != SIGKILL)
			_exit(4);
	if (cgroup_is_frozen(g) || cgroup_kill(g, NULL) < 0)
		_exit(5);
	_exit(0);
}

static void killing_without_cgroup_kill(void **state)
{
	(void)state;
	cleanup_cgroup struct cgroup *g = create("rounds", &(struct resources){.pids = 30});
	pid_t pid = fork();
	if (!pid)
		kill_in_rounds();
	assert_int_equal(wait_for(pid), 0);
	pid_t *pids;
	assert_int_equal(cgroup_pids(g, &pids, NULL), 0);
	destroy("rounds");
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
	cgroup_close(&beside);
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
	cgroup_close(&g);
	assert_int_equal(cgroup_open(path_of("leaf"), &g, NULL), 0);
	pid_t pid = spawn(g, sleeper, NULL);
	pid_t *pids;
	assert_int_equal(cgroup_pids(g, &pids, NULL), 1);
	free(pids);
	destroy("leaf");
	assert_int_equal(WTERMSIG(wait_for(pid)), SIGKILL);
}

/* ------------------------------------------------------------------ monitors, view */

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

static int run_all(const char *name)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_child_is_in_every_hierarchy),
	        cmocka_unit_test(enter_all_needs_no_clone),
	        cmocka_unit_test(killing),
	        cmocka_unit_test(killing_without_cgroup_kill),
	        cmocka_unit_test(freezing),
	        cmocka_unit_test(a_fork_bomb_stays_small_and_dies),
	        cmocka_unit_test(an_oom_kill_is_counted),
	        cmocka_unit_test(destroy_reaches_down),
	        cmocka_unit_test(joining_goes_to_a_leaf),
	        cmocka_unit_test(monitors_leave_the_session),
	        cmocka_unit_test(a_container_sees_its_own),
	};
	snprintf(prefix, sizeof(prefix), "tare-test-%d", getpid());
	return cmocka_run_group_tests_name(name, tests, NULL, tear_down);
}

int main(void)
{
	static const enum cgroup_controller v2[] = {CG_UNIFIED};
	return run_without(v2, 1, run_all, "cgroup end, pure v1") | run_all("cgroup end");
}
