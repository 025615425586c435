/* A restarting container: state.json says so, and who waits to start it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/endpoint.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"
#include "engine/runtime/cgroup.h"

#define LASTED_NS INT64_C(10000000000) /* Docker's: after such a run the wait begins anew */
#define DEATH_MS  10000

unsigned restart_shift_after_run(const struct container *c)
{
	return proc_age(&c->state.process) >= LASTED_NS ? 0 : c->state.restart_shift;
}

int restart_put_off(struct container *c, unsigned shift, struct err *e)
{
	network_state_remove(c->state_fd); /* what it says is given back */
	unlinkat(c->state_fd, RESTART_NOTE_AGAIN, 0);
	c->state.restart_shift = shift < RESTART_SHIFT_MAX ? shift + 1 : RESTART_SHIFT_MAX + 1;
	c->state.restart_due = now_realtime() + INT64_C(1000000) * restart_delay_ms(shift);
	c->state.paused = false;
	c->state.init_fd = -1;
	return container_state_write(c->state_fd, &c->state, e);
}

int restart_exit_code(const struct container *c)
{
	return RESTART_EXIT + (int)(c->state.restart_shift ? c->state.restart_shift - 1 : 0);
}

/* What a start that was killed halfway had taken. */
static void give_back(const struct store *s, struct container *c)
{
	char path[CGROUP_PATH_MAX];

	cgroup_destroy(container_cgroup_path(c, path), NULL);
	endpoints_release(s, c);
	network_state_remove(c->state_fd);
}

void restart_pick_up(const struct store *s, struct container *c)
{
	struct verb v;

	if (!container_restart_was_lost(c))
		return;
	give_back(s, c);
	verb_fill(&v, s, "restart", c->id);
	pid_t pid = verb_spawn(&v); /* it waits for our lock, and goes when it is not on record then */
	struct container_state now = c->state;
	if (pid > 0 && proc_id_of(pid, &now.monitor) == 0 &&
	        container_state_write(c->state_fd, &now, NULL) == 0)
		c->state = now;
}

/* SIGKILL, as it may be in the middle of a start; it holds nothing that outlives it but what give_back()
 * takes.
 */
static int kill_waiter(const struct container *c, struct err *e)
{
	cleanup_fd int pidfd = proc_open(&c->state.monitor);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return 0;
	if (pidfd_signal(pidfd, SIGKILL) != 0 && errno != ESRCH)
		return err_sys(e, "cannot end the restarts of container %s", c->record.name);
	while (poll(&p, 1, DEATH_MS) < 0 && errno == EINTR)
		;
	return 0;
}

int restart_call_off(const struct store *s, struct container *c, bool by_user, struct err *e)
{
	if (kill_waiter(c, e) != 0)
		return -1;
	give_back(s, c);
	int rc = 0;
	if (by_user != c->record.stopped_by_user) {
		c->record.stopped_by_user = by_user;
		rc = container_record_write(c->dir_fd, &c->record, true, e);
	}
	/* on a full disk as well: who waits is dead already, and must not be missed */
	close_fd(&c->state_fd);
	c->has_state = false;
	if (container_state_remove(s, c->id) != 0)
		return err_sys(e, "cannot remove %s/containers/%.12s", s->state, c->id);
	return rc;
}

int restart_suppress(const struct store *s, struct container *c, const char *note, struct err *e)
{
	int rc = 0;

	if (c->state_fd < 0)
		return 0;
	bool lock = c->state.restart_due || container_restart_policy(&c->record, NULL) != TARE_RESTART_NO;
	if (lock && container_lock(s, c, e) != 0)
		return -1;
	if (container_is_restarting(c) || container_restart_was_lost(c))
		rc = restart_call_off(s, c, strcmp(note, RESTART_NOTE_STOPPED) == 0, e);
	else if (c->state_fd >= 0 && mknodat(c->state_fd, note, S_IFREG | 0600, 0) != 0 && errno != EEXIST &&
	         errno != ENOENT)
		rc = err_sys(e, "cannot note that container %s is to end", c->record.name);
	if (lock)
		container_unlock(c);
	return rc;
}
