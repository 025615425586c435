/* Signals to a running container, and waiting for what they do: stop, restart, kill, pause, unpause, wait. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/attach_client.h"
#include "engine/adopt.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"
#include "engine/runtime/cgroup.h"

#define STOP_TIMEOUT_DEFAULT 10 /* seconds, Docker's */

static int open_cgroup(const struct container *c, struct cgroup **g, struct err *e)
{
	char path[CGROUP_PATH_MAX];

	return cgroup_open(container_cgroup_path(c, path), g, e);
}

/* The signal goes to process 1 through a descriptor of exactly that process: a pid that was handed out anew
 * is never hit. */
static int signal_init(const struct container *c, int sig, struct err *e)
{
	cleanup_fd int pidfd = proc_open(&c->state.process);

	if (pidfd < 0 || pidfd_signal(pidfd, sig) != 0) {
		if (errno == ESRCH)
			return err_set(e, ERR_CONFLICT, "container %s is not running", c->record.name);
		return err_sys(e, "cannot send %s to container %s", signal_name(sig), c->record.name);
	}
	return 0;
}

/* Whoever freezes it says so first, and whoever says that it runs has let it run: a command that is killed in
 * between leaves nobody waiting for a container of which no record tells that it is frozen. */
static int freeze_on_record(struct container *c, struct cgroup *g, struct err *e)
{
	c->state.paused = true;
	if (container_state_write(c->state_fd, &c->state, e) != 0)
		return -1;
	if (cgroup_freeze(g, true, e) == 0)
		return 0;
	cgroup_freeze(g, false, NULL);
	c->state.paused = false;
	container_state_write(c->state_fd, &c->state, NULL);
	return -1;
}

static int thaw_on_record(struct container *c, struct cgroup *g, struct err *e)
{
	if (cgroup_freeze(g, false, e) != 0)
		return -1;
	c->state.paused = false;
	return container_state_write(c->state_fd, &c->state, e);
}

int container_set_paused(const struct store *s, struct container *c, bool paused, struct err *e)
{
	cleanup_cgroup struct cgroup *g = NULL;

	if (open_cgroup(c, &g, e) != 0 || (paused ? freeze_on_record : thaw_on_record)(c, g, e) != 0)
		return err_wrap(e, "cannot %s container %s", paused ? "pause" : "unpause", c->record.name);
	container_event(s, c, paused ? "pause" : "unpause", NULL);
	return 0;
}

bool container_is_frozen(const struct container *c)
{
	cleanup_cgroup struct cgroup *g = NULL;

	return open_cgroup(c, &g, NULL) == 0 && cgroup_is_frozen(g);
}

static int pause_or_unpause(struct tare_engine *t, const char *ref, bool paused, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open(s, ref, &c, e) != 0 || container_lock(s, &c, e) != 0)
		return -1;
	adopt_in_passing(s, &c);
	if (container_need_up(&c, e) != 0)
		return -1;
	if (c.state.paused == paused && container_is_frozen(&c) == paused)
		return err_set(e, ERR_CONFLICT, "container %s is %s", c.record.name,
		        paused ? "paused already" : "not paused");
	return container_set_paused(s, &c, paused, e);
}

int engine_pause(struct tare_engine *t, const char *ref, struct err *e)
{
	return pause_or_unpause(t, ref, true, e);
}

int engine_unpause(struct tare_engine *t, const char *ref, struct err *e)
{
	return pause_or_unpause(t, ref, false, e);
}

/* ------------------------------------------------------------------ kill */

static bool is_held(const struct container *c)
{
	return c->state.paused || container_is_frozen(c);
}

/* A frozen process acts on no signal, and on v1 not even on SIGKILL: it has to run again. Under the lock, and
 * on record, as any other unpause. */
static void thaw_for_signal(const struct store *s, const char *id)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open_id(s, id, &c, NULL) == 0 && is_held(&c) && container_lock(s, &c, NULL) == 0 &&
	        container_is_up(&c) && is_held(&c))
		container_set_paused(s, &c, false, NULL);
}

static void emit_kill(const struct store *s, const struct container *c, int sig)
{
	json *attributes = json_object_new_object();
	char number[16];

	snprintf(number, sizeof number, "%d", sig);
	json_set_str(attributes, "signal", number);
	container_event(s, c, "kill", attributes);
}

static int stop_signal(const struct container *c)
{
	int sig = signal_parse(json_str(json_get(c->record.config, "Config"), "StopSignal", "SIGTERM"));

	return sig > 0 ? sig : SIGTERM;
}

int engine_kill(struct tare_engine *t, const char *ref, int signal, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	int sig = signal ? signal : SIGKILL;

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	adopt_in_passing(s, &c);
	bool restarting = container_is_restarting(&c);
	if ((sig == SIGKILL || sig == stop_signal(&c)) &&
	        restart_suppress(s, &c, RESTART_NOTE_STOPPED, e) != 0)
		return -1;
	if (restarting && c.state_fd < 0)
		return 0; /* that was all there was to end */
	if (container_need_up(&c, e) != 0 || signal_init(&c, sig, e) != 0)
		return -1;
	if (sig == SIGKILL)
		thaw_for_signal(s, c.id);
	emit_kill(s, &c, sig);
	return 0;
}

/* ------------------------------------------------------------------ stop */

static int timeout_ms(const struct container *c, int seconds)
{
	if (seconds == TARE_TIMEOUT_DEFAULT)
		seconds = (int)json_int(
		        json_get(c->record.config, "Config"), "StopTimeout", STOP_TIMEOUT_DEFAULT);
	return seconds < 0 || seconds > INT_MAX / 1000 ? -1 : seconds * 1000;
}

/* Everything in the container, not only process 1: with --pid host the others would outlive it. */
static int kill_all(const struct container *c, struct err *e)
{
	cleanup_cgroup struct cgroup *g = NULL;

	if (open_cgroup(c, &g, NULL) == 0 && cgroup_kill(g, NULL) == 0)
		return 0;
	return signal_init(c, SIGKILL, e);
}

static int end_run(const struct store *s, const struct container *c, int wait_ms, int sig, struct err *e)
{
	if (signal_init(c, sig, e) != 0)
		return container_is_up(c) ? -1 : 0;
	thaw_for_signal(s, c->id);
	emit_kill(s, c, sig);
	int ended = sig == SIGKILL ? 0 : await_exit(c, wait_ms, e);
	if (ended != 0)
		return ended < 0 ? -1 : 0;
	if (sig != SIGKILL)
		emit_kill(s, c, SIGKILL);
	if (kill_all(c, e) != 0 && container_is_up(c))
		return -1;
	return await_exit(c, -1, e) < 0 ? -1 : 0;
}

int container_end(const struct store *s, const struct container *c, int timeout, struct err *e)
{
	int sig = timeout == 0 ? SIGKILL : stop_signal(c);

	return end_run(s, c, timeout_ms(c, timeout), sig, e);
}

/* Clean-up; and when its end came before our note, what was decided then is undone. */
static int end_for_good(const struct store *s, const char *id, bool by_user, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record how;
	struct err local = ERR_INIT;

	if (container_open_id(s, id, &c, &local) != 0 || container_lock(s, &c, &local) != 0) {
		if (local.kind == ERR_NOT_FOUND)
			return 0; /* somebody removed it */
		return err_set(e, local.kind, "%s", local.msg);
	}
	if (cleanup_locked(s, &c, &how, e) != 0)
		return -1;
	return c.has_state && c.state.restart_due ? restart_call_off(s, &c, by_user, e) : 0;
}

int container_stop(
        const struct store *s, const char *ref, const char *note, int timeout, int signal, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	adopt_in_passing(s, &c);
	bool restarting = container_is_restarting(&c);
	if (restart_suppress(s, &c, note, e) != 0)
		return -1;
	bool up = container_is_up(&c);
	if (up && end_run(s, &c, timeout_ms(&c, timeout), signal ? signal : stop_signal(&c), e) != 0)
		return -1;
	if (up || restarting)
		container_event(s, &c, "stop", NULL);
	return c.state_fd >= 0 ? end_for_good(s, c.id, strcmp(note, RESTART_NOTE_STOPPED) == 0, e) : 0;
}

int engine_stop(struct tare_engine *t, const char *ref, int timeout, int signal, struct err *e)
{
	return container_stop(engine_store(t), ref, RESTART_NOTE_STOPPED, timeout, signal, e);
}

int engine_restart(struct tare_engine *t, const char *ref, int timeout, int signal, struct err *e)
{
	char id[TARE_ID_LEN + 1];
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	memcpy(id, c.id, sizeof id);
	/* a --rm container survives this one end (cleanup.c) */
	if (c.state_fd >= 0 && mknodat(c.state_fd, RESTART_NOTE_KEEP, S_IFREG | 0600, 0) != 0 &&
	        errno != EEXIST && errno != ENOENT)
		return err_sys(e, "cannot mark container %s for its restart", c.record.name);
	if (engine_stop(t, id, timeout, signal, e) != 0 || engine_start(t, id, NULL, NULL, NULL, e) != 0)
		return -1;
	container_event(s, &c, "restart", NULL);
	return 0;
}

/* ------------------------------------------------------------------ wait */

static int wait_removed(const struct store *s, const char *id, struct err *e)
{
	char path[40], events[4096];
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC);

	snprintf(path, sizeof path, "/proc/self/fd/%d", s->containers_fd);
	if (watch < 0 || inotify_add_watch(watch, path, IN_MOVED_FROM | IN_DELETE) < 0)
		return err_sys(e, "cannot watch %s/containers", s->root);
	while (faccessat(s->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		if (read(watch, events, sizeof events) < 0 && errno != EINTR)
			return err_sys(e, "cannot watch %s/containers", s->root);
	return 0;
}

/* The monitor tells everybody who is connected how it ended before anything is cleaned up: so the exit code
 * of a container that removes itself is not lost. Without a monitor the file `exit` is waited for. */
static int wait_end(const struct store *s, const struct container *c, struct exit_record *how, struct err *e)
{
	struct attach_client a = {.container_fd = c->dir_fd, .process = c->state.process};
	enum tare_io_end end;
	cleanup_fd int sock = attach_client_connect(c->state_fd, NULL);

	if (sock < 0 || attach_client_run(sock, &a, &end, how, NULL) != 0) {
		if (await_exit(c, -1, e) < 0)
			return -1;
		if (exit_record_read(c->state_fd, how) != 0) {
			cleanup_container struct container again = CONTAINER_INIT;
			if (cleanup_run(s, c->id, how, NULL) == 0 &&
			        container_open(s, c->id, &again, NULL) == 0)
				how->code = again.record.exit_code;
		}
	}
	close_fd(&sock);
	struct exit_record ignored;
	return cleanup_run(s, c->id, &ignored, e);
}

int engine_wait(struct tare_engine *t, const char *ref, bool removed, int *exit_code, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record how = {0};

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	adopt_in_passing(s, &c);
	if (c.has_state && wait_end(s, &c, &how, e) != 0)
		return -1;
	*exit_code = c.has_state ? how.code : c.record.exit_code;
	return removed ? wait_removed(s, c.id, e) : 0;
}
