/* The next run of a restarting container, started by the process that waited for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"
#include "engine/runtime/cgroup.h"

/* Who picked up what was lost is a child of a command: the end of that one's session or service must not be
 * its own. A monitor has all this behind it. */
static void leave_session(void)
{
	if (setsid() < 0)
		return;
	cgroup_enter_monitors();
	if (chdir("/") != 0)
		return;
}

static bool is_ours(const struct container *c)
{
	struct proc_id me;

	return c->has_state && c->state.restart_due && proc_id_of(getpid(), &me) == 0 &&
	       me.pid == c->state.monitor.pid && me.start_time == c->state.monitor.start_time &&
	       container_run_is_of_this_boot(c);
}

/* Nothing of the last run may be taken for something of this one. */
static void clear_state(const struct container *c)
{
	static const char *const names[] = {"health", HEALTH_TIMES_FILE, "probe", "out", "err", "exit"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlinkat(c->state_fd, names[i], 0);
}

struct run {
	const struct store *s;
	struct container *c;
};

static void tell_start(void *arg)
{
	const struct run *r = arg;
	json *attributes = json_object_new_object();
	char count[16];

	volumes_tell(r->s, r->c, "mount");
	snprintf(count, sizeof count, "%u", r->c->record.restart_count);
	json_set_str(attributes, "restartCount", count);
	container_event(r->s, r->c, "start", attributes);
}

static int start(const struct store *s, struct container *c, struct err *e)
{
	struct run run = {s, c};
	struct runtime_spec spec = RUNTIME_SPEC_INIT;

	if (container_spec(c, &spec, e) != 0)
		return -1;
	c->record.restart_count++;
	container_mark_started(&c->record);
	int rc = container_record_write(c->dir_fd, &c->record, true, e);
	if (rc == 0) {
		clear_state(c);
		rc = starter_become(s, c, &spec, tell_start, &run, e);
	}
	runtime_spec_free(&spec);
	return rc;
}

/* A start that fails is an end like another one: the port or the disk that was missing may be back soon. */
static int put_off_again(const struct store *s, struct container *c, int64_t started_before,
        const struct container_state *before, const struct err *why, struct err *e)
{
	container_remember_failure(c, why, started_before);
	c->record.finished = now_realtime(); /* ended, not lost */
	if (c->record.finished < c->record.started)
		c->record.finished = c->record.started;
	container_record_write(c->dir_fd, &c->record, true, NULL);
	c->state = *before;
	if (restart_is_due(&c->record, c->record.exit_code))
		return restart_put_off(c, c->state.restart_shift, e);
	close_fd(&c->state_fd);
	c->has_state = false;
	container_state_remove(s, c->id);
	return 0;
}

static void wait_until_due(const struct container *c)
{
	unsigned ms = restart_delay_ms((unsigned)(restart_exit_code(c) - RESTART_EXIT));
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (clock_nanosleep(CLOCK_BOOTTIME, 0, &left, &left) == EINTR)
		;
}

/* 1: it failed, and is due again. */
static int try_once(const struct store *s, const char *id, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct err why = ERR_INIT;

	if (container_open_id(s, id, &c, &why) != 0 || container_lock(s, &c, &why) != 0) {
		if (why.kind == ERR_NOT_FOUND)
			return 0; /* removed meanwhile */
		return err_set(e, why.kind, "%s", why.msg);
	}
	if (!is_ours(&c))
		return 0; /* called off */
	int64_t started_before = c.record.started;
	struct container_state before = c.state;
	if (start(s, &c, &why) == 0)
		return 0;
	if (put_off_again(s, &c, started_before, &before, &why, e) != 0)
		return -1;
	if (!c.has_state)
		return 0;
	container_unlock(&c);
	wait_until_due(&c);
	return 1;
}

int restart_run(const struct store *s, const char *id, struct err *e)
{
	struct verb again;

	leave_session();
	int rc = try_once(s, id, e);
	if (rc <= 0)
		return rc;
	/* a fresh process for each attempt: what the one before had open is gone */
	verb_fill(&again, s, "restart", id);
	execv(again.argv[0], (char *const *)(uintptr_t)again.argv);
	return err_sys(e, "cannot run %s", again.argv[0]);
}
