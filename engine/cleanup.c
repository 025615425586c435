/* After a run: cgroup, record, event, and with --rm the container itself. Runs once per run: whoever holds
 * the container's lock first does it (the attached caller, the monitor's `tare --internal cleanup`, or the
 * next command), the others find the state directory gone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/monitor/handoff.h"
#include "engine/network.h"
#include "engine/restart.h"
#include "engine/runtime/cgroup.h"

/* A run that is draining has its end on record soon; the record is waited for, since it is the only one who
 * knows. */
static void how_it_ended(const struct container *c, struct exit_record *how)
{
	if (container_is_ending(c))
		await_exit(c, -1, NULL);
	if (c->state_fd < 0 || exit_record_read(c->state_fd, how) != 0)
		*how = (struct exit_record){
		        .code = EXIT_UNKNOWN, .finished = now_realtime(), .unknown = true};
	if (how->finished <
	        c->record.started) /* the clock was set back; an end before its start would look lost */
		how->finished = c->record.started;
}

/* A clean-up of this run before this one may have been killed when it had told the end already. Each leaves
 * its mark first, a state that cannot be written to; with the mark the log is asked. */
static bool was_told(const struct store *s, const struct container *c)
{
	struct stat st;

	if (!c->has_state || fstatat(c->state_fd, "state.json", &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	bool first = st.st_mode & S_IWUSR;
	if (first && fchmodat(c->state_fd, "state.json", st.st_mode & S_IRUSR, 0) != 0)
		log_line(LOG_LEVEL_DEBUG, "the state of %.12s cannot be marked", c->id);
	return !first && event_was_told(s, "die", c->id, c->state.started);
}

static void emit_end(const struct store *s, const struct container *c, const struct exit_record *how)
{
	char code[16];

	if (was_told(s, c))
		return;
	json *attributes = json_object_new_object();
	if (how->oom_killed)
		container_event(s, c, "oom", NULL);
	snprintf(code, sizeof code, "%d", how->code);
	json_set_str(attributes, "exitCode", code);
	container_event(s, c, "die", attributes);
	volumes_tell(s, c, "unmount");
}

static void note_unknown(struct container *c)
{
	free(c->record.error);
	c->record.error =
	        strdup("how it ended is not known: its monitor was killed, or the host was restarted");
}

/* Once per run: what the kernel still keeps for it goes, and everybody who listens hears how it ended. */
void cleanup_finish(const struct store *s, struct container *c, struct exit_record *how)
{
	char path[CGROUP_PATH_MAX];

	how_it_ended(c, how);
	if (how->unknown)
		note_unknown(c);
	c->cgroup_left = cgroup_destroy(container_cgroup_path(c, path), NULL) != 0;
	endpoints_release(s, c);
	volumes_settle(s, c->record.config);
	emit_end(s, c, how);
}

/* What was noted for this end beside the state: see restart.h. */
static bool is_noted(const struct container *c, const char *note)
{
	return c->state_fd >= 0 && faccessat(c->state_fd, note, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int remove_state(const struct store *s, struct container *c, struct err *e)
{
	close_fd(&c->state_fd);
	c->has_state = false;
	if (container_state_remove(s, c->id) != 0)
		return err_sys(e, "cannot remove %s/containers/%.12s", s->state, c->id);
	return 0;
}

/* How the run that is waited after ended. */
static void known_end(const struct container *c, struct exit_record *how)
{
	if (exit_record_read(c->state_fd, how) != 0)
		*how = (struct exit_record){.code = c->record.exit_code,
		        .oom_killed = c->record.oom_killed,
		        .finished = c->record.finished};
}

int cleanup_locked(const struct store *s, struct container *c, struct exit_record *how, struct err *e)
{
	if (container_is_up(c) || (c->state_fd < 0 && !container_run_was_lost(c)))
		return 0;
	if (container_is_restarting(c) || container_restart_was_lost(c)) {
		known_end(c, how);
		return 0;
	}
	cleanup_finish(s, c, how);
	c->record.finished = how->finished;
	c->record.exit_code = how->code;
	c->record.oom_killed = how->oom_killed;
	c->record.stopped_by_user = is_noted(c, RESTART_NOTE_STOPPED);
	/* `tare restart` of a --rm container: this one end does not remove it */
	if (container_auto_remove(c) && !is_noted(c, RESTART_NOTE_KEEP))
		return remove_locked(s, c, true, e);
	int written = container_record_write(c->dir_fd, &c->record, !container_auto_remove(c), e);
	bool noted = is_noted(c, RESTART_NOTE_AGAIN) && !c->record.stopped_by_user;
	/* on a full disk as well: its restarts are tried until there is room */
	if (container_run_is_of_this_boot(c) && !is_noted(c, RESTART_NOTE_HOST) &&
	        (noted || restart_is_due(&c->record, how->code)))
		return restart_put_off(c, noted ? 0 : restart_shift_after_run(c), e);
	/* otherwise the state directory stays, so that the next command tries again */
	return written != 0 ? -1 : remove_state(s, c, e);
}

int cleanup_run(const struct store *s, const char *id, struct exit_record *how, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct err local = ERR_INIT;

	if (container_open_id(s, id, &c, &local) == 0 && container_lock(s, &c, &local) == 0) {
		if (cleanup_locked(s, &c, how, e) != 0)
			return -1;
		restart_pick_up(s, &c);
		return 0;
	}
	if (local.kind == ERR_NOT_FOUND)
		return 0; /* somebody removed it */
	if (e)
		*e = local;
	return -1;
}

void cleanup_in_passing(const struct store *s, const char *id)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record how;

	if (container_open_id(s, id, &c, NULL) == 0 && container_try_lock(s, &c) &&
	        cleanup_locked(s, &c, &how, NULL) == 0)
		restart_pick_up(s, &c);
}

static void remove_anonymous_volumes(const struct store *s, const struct container *c)
{
	json *mounts = json_get(c->record.config, "Mounts");

	for (size_t i = 0; mounts && i < json_object_array_length(mounts); i++) {
		const char *name = json_str(json_object_array_get_idx(mounts, i), "Name", "");
		if (volume_is_anonymous(name))
			volume_remove(s, name, NULL); /* refused while another container uses it */
	}
}

/* The record goes first, by one rename: after it the container does not exist, whatever happens to the rest.
 */
int remove_locked(const struct store *s, struct container *c, bool volumes, struct err *e)
{
	char aside[TARE_ID_LEN + 8];

	snprintf(aside, sizeof aside, ".rm-%s", c->id);
	if (renameat(s->containers_fd, c->id, s->containers_fd, aside) != 0)
		return err_sys(e, "cannot remove container %s", c->record.name);
	if (!container_auto_remove(c))
		fsync(s->containers_fd);
	container_name_release(s, c->record.name, c->id);
	close_fd(&c->state_fd);
	c->has_state = false;
	container_state_remove(s, c->id);
	if (volumes)
		remove_anonymous_volumes(s, c);
	container_event(s, c, "destroy", NULL);
	if (c->cgroup_left) /* what is aside tells `system check` whose it is */
		return err_set(e, ERR_OTHER,
		        "container %s is removed, but its cgroup is not; remove it with: tare system check "
		        "--repair",
		        c->record.name);
	if (remove_tree_at(s->containers_fd, aside) != 0)
		return err_sys(e, "container %s is removed, but %s/containers/%s is not; remove it by hand",
		        c->record.name, s->root, aside);
	return 0;
}
