/* Removing a container, also one that runs (by force) or whose record cannot be read. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"
#include "engine/runtime/cgroup.h"

#define RESTARTS_MAX 8 /* somebody who starts it as often as we kill it wins */

static bool is_restarting(const struct container *c)
{
	return container_is_restarting(c) || container_restart_was_lost(c);
}

static int kill_for_removal(struct tare_engine *t, const struct container *c, bool force, struct err *e)
{
	const char *name = c->record.name;

	if (!force)
		return err_set(e, ERR_CONFLICT,
		        "container %s is running; stop it first (tare stop %s) or remove it with -f", name,
		        name);
	if (engine_kill(t, c->id, SIGKILL, NULL) != 0)
		return 0; /* it has just ended by itself */
	return await_exit(c, -1, e) < 0 ? -1 : 0;
}

/* Only for who says so twice: first it is set aside, then it is deleted. */
static int remove_aside(const struct store *s, const char *id, bool force, struct err *e)
{
	if (force)
		return container_aside_remove(s, id, e);
	cleanup_free char *reason = container_aside_reason(s, id);
	return err_set(e, ERR_CORRUPT,
	        "container %.12s was set aside: %s; to delete what is left: tare rm -f %.12s", id,
	        reason ? reason : "", id);
}

static int end_restarts(const struct store *s, struct container *c, bool force, struct err *e)
{
	if (!force)
		return err_set(e, ERR_CONFLICT,
		        "container %s is restarting; stop it first (tare stop %s) or remove it with -f",
		        c->record.name, c->record.name);
	return restart_call_off(s, c, c->record.stopped_by_user, e);
}

/* A record that cannot be read is set aside with the reason, never deleted: its files may be worth saving. */
static int remove_unreadable(
        const struct store *s, const char *ref, bool force, const struct err *why, struct err *e)
{
	char id[TARE_ID_LEN + 1];

	bool there = why->kind != ERR_NOT_FOUND && container_resolve(s, ref, id, NULL) == 0;
	if (there && force)
		return damaged_set_aside(s, id, true, e);
	if (!there && container_aside_find(s, ref, id))
		return remove_aside(s, id, force, e);
	return err_set(e, why->kind, "%s", why->msg);
}

int engine_remove(struct tare_engine *t, const char *ref, const struct tare_remove *how, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record end;
	char path[CGROUP_PATH_MAX];

	struct err local = ERR_INIT;
	if (container_open(s, ref, &c, &local) != 0)
		return remove_unreadable(s, ref, how->force, &local, e);
	/* A start that was under way when we looked may have finished before we had the lock: kill once more.
	 */
	for (int starts = 0;; starts++) {
		if (container_is_up(&c) && kill_for_removal(t, &c, how->force, e) != 0)
			return -1;
		if (container_lock(s, &c, &local) != 0) {
			if (local.kind == ERR_NOT_FOUND)
				return 0; /* --rm, or somebody else, was quicker */
			if (e)
				*e = local;
			return -1;
		}
		if (!container_is_up(&c))
			break;
		if (!how->force || starts == RESTARTS_MAX)
			return err_set(
			        e, ERR_CONFLICT, "container %s was started again meanwhile", c.record.name);
		container_unlock(&c);
	}
	if (is_restarting(&c) && end_restarts(s, &c, how->force, e) != 0)
		return -1;
	if (c.state_fd >= 0 || container_run_was_lost(&c))
		cleanup_finish(s, &c, &end); /* nothing is recorded: on a full disk it could not be */
	else                                 /* what an earlier clean-up could not take away */
		c.cgroup_left = cgroup_destroy(container_cgroup_path(&c, path), NULL) != 0;
	return remove_locked(s, &c, how->volumes || container_auto_remove(&c), e);
}
