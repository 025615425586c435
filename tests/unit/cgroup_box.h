/* What the tests of control groups have in common: cgroups beneath a path of this program's own, children
 * in them, and hosts that lack a hierarchy. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_CGROUP_BOX_H
#define TARE_TESTS_UNIT_CGROUP_BOX_H

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/cgroup_driver.h"

#define MIB (INT64_C(1) << 20)

static char prefix[40]; /* tare-test-PID: all cgroups of this program are beneath it */

static inline const char *path_of(const char *name)
{
	static char path[CGROUP_PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", prefix, name);
	return path;
}

static inline struct cgroup *create(const char *name, const struct resources *r)
{
	struct cgroup *g;
	struct err e = ERR_INIT;
	if (cgroup_create(path_of(name), r, &g, &e) < 0)
		fail_msg("create %s: %s", name, e.msg);
	assert_non_null(g);
	return g;
}

static inline void destroy(const char *name)
{
	struct err e = ERR_INIT;
	if (cgroup_destroy(path_of(name), &e) < 0)
		fail_msg("destroy %s: %s", name, e.msg);
}

static inline bool exists_anywhere(const char *name)
{
	struct cgroup *g;
	bool there = !cgroup_open(path_of(name), &g, NULL);
	if (there)
		cgroup_close(&g);
	return there;
}

/* The file's content; v1 and v2 have different names for it. */
static inline const char *setting(
        const struct cgroup *g, enum cgroup_controller c, const char *v1, const char *v2)
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
static inline pid_t spawn(const struct cgroup *g, void (*fn)(void *), void *arg)
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

static inline int wait_for(pid_t pid)
{
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static inline bool is_alive(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	char **names = cgroup_children(prefix);
	int rc = 0;
	strv_foreach (n, names)
		rc |= cgroup_destroy(path_of(*n), NULL);
	strv_free(names);
	return rc | cgroup_destroy(prefix, NULL);
}

/* Fork, before anything has asked for the layout, a mount namespace in which hierarchies are not mounted,
 * and run tests there. 0 also where the host has nothing of the kind. */
static inline int run_without(
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

#endif
