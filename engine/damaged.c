/* The way out for a container whose record cannot be read, by no command but this. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/network.h"
#include "engine/runtime/cgroup.h"

#define END_MS 10000

/* Without its record nothing tells how it should be stopped. */
static void end_run(const struct store *s, const char *id)
{
	struct container_state st;
	cleanup_fd int state = container_state_dir_open(s, id, false);
	cleanup_fd int pidfd =
	        state >= 0 && container_state_read(state, &st) == 0 ? proc_open(&st.process) : -1;
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0 && pidfd_signal(pidfd, SIGKILL) == 0)
		poll(&end, 1, END_MS);
}

/* Addresses, ports and rules are written down beside the record; who still runs keeps them. */
static void leave_networks(const struct store *s, const char *id)
{
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_fd int running = -1;

	snprintf(c.id, sizeof c.id, "%s", id);
	c.state_fd = container_state_dir_open(s, id, false);
	c.has_state = c.state_fd >= 0 && container_state_read(c.state_fd, &c.state) == 0;
	running = c.has_state ? proc_open(&c.state.process) : -1;
	if (running < 0)
		endpoints_release(s, &c);
}

int damaged_set_aside(const struct store *s, const char *id, bool force, struct err *e)
{
	char cgroup[CGROUP_PATH_MAX];
	struct container_record r;
	struct err why = ERR_INIT;

	if (container_record_read(s, id, &r, &why) == 0) {
		container_record_free(&r);
		return err_set(e, ERR_CONFLICT, "the record of container %.12s can be read", id);
	}
	if (force)
		end_run(s, id);
	leave_networks(s, id);
	if (container_set_aside(s, id, why.msg, e) != 0)
		return -1;
	snprintf(cgroup, sizeof cgroup, "tare/%s", id);
	cgroup_destroy(cgroup, NULL);
	event_emit(s, "container", "destroy", id, NULL);
	return 0;
}
