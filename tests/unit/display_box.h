/* What the tests of the engine's calls for a display have in common: real containers, made by build/tare in
 * directories of their own, and an engine in this process that looks at them. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_DISPLAY_BOX_H
#define TARE_TESTS_UNIT_DISPLAY_BOX_H

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/tare.h"

#define SLEEP_FOR_EVER "exec sleep 10000"

struct display {
	char dir[64];
	char tare[PATH_MAX];
	char root[96], state[96];
	struct tare_engine *engine;
	struct err e;
};

/* build/tare with these arguments and its output thrown away; its exit code. */
static inline int display_tare(struct display *d, const char *const *args)
{
	const char *argv[32] = {d->tare, "--root", d->root, "--state", d->state};
	size_t n = 5;

	for (; *args; args++)
		argv[n++] = *args;
	argv[n] = NULL;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		execv(d->tare, (char *const *)argv);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
#define tare(d, ...)    display_tare(d, (const char *const[]){__VA_ARGS__, NULL})
#define tare_ok(d, ...) assert_int_equal(tare(d, __VA_ARGS__), 0)

/* A container that runs a shell script, with further options before the image. */
#define display_run(d, name, script, ...)                                                                    \
	tare_ok(d, "run", "-d", "--name", name, ##__VA_ARGS__, "busybox", "sh", "-c", script)

#define engine_ok(d, call)                                                                                   \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s: %s", #call, (d)->e.msg);                                               \
	} while (0)

static inline const char *display_id(struct display *d, const char *name)
{
	static char id[TARE_ID_LEN + 1];

	engine_ok(d, d->engine->resolve(d->engine, name, id, &d->e));
	return id;
}

static inline pid_t display_pid(struct display *d, const char *name)
{
	struct tare_container row;

	engine_ok(d, d->engine->look(d->engine, name, &row, &d->e));
	pid_t pid = row.pid;
	tare_container_free(&row);
	return pid;
}

static inline void display_nap(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Until `condition` holds, at most ten seconds. */
#define eventually(condition)                                                                                \
	do {                                                                                                 \
		for (int tries_ = 0; !(condition); tries_++) {                                               \
			if (tries_ == 1000)                                                                  \
				fail_msg("never: %s", #condition);                                           \
			display_nap(10);                                                                     \
		}                                                                                            \
	} while (0)

#define display_needs_root()                                                                                 \
	do {                                                                                                 \
		if (geteuid())                                                                               \
			skip();                                                                              \
	} while (0)

static inline int display_group_setup(void **state)
{
	static struct display d;
	char exe[PATH_MAX / 2] = "";

	*state = &d;
	if (geteuid() != 0)
		return 0;
	/* the bridge of the default network is nobody else's business, and goes with us */
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_true(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
	*strrchr(exe, '/') = '\0';
	snprintf(d.tare, sizeof d.tare, "%s/../tare", exe);
	if (access(d.tare, X_OK) != 0)
		fail_msg("run make build first: %s", d.tare);
	strcpy(d.dir, "/dev/shm/tare-unit-XXXXXX");
	assert_non_null(mkdtemp(d.dir));
	snprintf(d.root, sizeof d.root, "%s/root", d.dir);
	snprintf(d.state, sizeof d.state, "%s/state", d.dir);
	d.engine = tare_engine_linux(d.root, d.state, &d.e);
	if (!d.engine)
		fail_msg("%s", d.e.msg);
	return 0;
}

static inline int display_teardown(void **state)
{
	struct display *d = *state;

	if (d->engine)
		tare(d, "rm", "-f", "--all");
	return 0;
}

static inline int display_group_teardown(void **state)
{
	struct display *d = *state;

	if (!d->engine)
		return 0;
	d->engine->close(d->engine);
	return remove_tree_at(AT_FDCWD, d->dir);
}

#endif
