/* When the health check is due. What it does, and what comes of it, is the engine's: `tare --internal
 * health`. */
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/defence.h"
#include "engine/monitor/decimal.h"
#include "engine/monitor/monitor.h"

/* 0 is never to a timer. */
static void set_timer(struct monitor *m, uint32_t ms)
{
	struct itimerspec t = {.it_value = {ms / 1000, ms % 1000 * 1000000l}};

	timerfd_settime(m->health.timer_fd, 0, &t, NULL);
}

static uint32_t at_least_one(uint32_t ms)
{
	return ms ? ms : 1;
}

static bool read_number(const char **p, uint32_t *n)
{
	int64_t v;

	while (**p == ' ')
		++*p;
	if (!decimal_read(p, &v) || v < 0 || v > UINT32_MAX)
		return false;
	*n = (uint32_t)v;
	return true;
}

/* Whoever changed them while this was on its way to be the monitor has left them, too. */
static void read_times(struct monitor *m)
{
	int fd = openat(m->h.state_fd, HEALTH_TIMES_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint32_t interval, first, limit;
	char text[64];
	const char *p = text;

	if (fd < 0)
		return;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	if (!read_number(&p, &interval) || !read_number(&p, &first) || !read_number(&p, &limit))
		return;
	m->h.health_interval_ms = interval;
	m->h.health_start_interval_ms = first;
	m->h.health_limit_ms = limit;
}

static void begin(struct monitor *m)
{
	if (!m->h.health_argv || !m->h.health_interval_ms)
		return;
	m->health.timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (m->health.timer_fd < 0)
		return;
	watch_add(m, m->health.timer_fd, SOURCE_HEALTH, 0, EPOLLIN);
	set_timer(m, at_least_one(m->h.health_start_interval_ms));
}

/* Row 40 of the checklist: a check that never ends, whatever keeps it (it enforces the probe's limit itself),
 * must not be the last one, and must not be joined by another (test_monitor_policy.c). */
static void kill_hanging(const struct monitor *m)
{
	if (DEFENCE("health-limit"))
		kill(-m->health.pid, SIGKILL);
}

void health_start(struct monitor *m)
{
	m->health.timer_fd = -1;
	read_times(m);
	begin(m);
}

void health_renew(struct monitor *m)
{
	read_times(m);
	if (!m->h.health_interval_ms)
		health_stop(m);
	else if (m->health.timer_fd < 0)
		begin(m);
	else if (!m->health.pid)
		set_timer(m, at_least_one(m->h.health_start_interval_ms));
}

void health_tick(struct monitor *m)
{
	uint64_t expired;

	if (read(m->health.timer_fd, &expired, sizeof(expired)) < 0)
		return;
	if (m->health.pid) {
		kill_hanging(m);
		return;
	}
	m->health.pid = program_spawn(m, m->h.health_argv);
	if (m->health.pid < 0) {
		/* No memory, or no processes left: the check is missed, not given up. */
		m->health.pid = 0;
		set_timer(m, at_least_one(m->h.health_interval_ms));
		return;
	}
	set_timer(m, m->h.health_limit_ms);
}

void health_ended(struct monitor *m, int code)
{
	m->health.pid = 0;
	if (m->health.timer_fd >= 0)
		set_timer(m, at_least_one(code == HEALTH_EXIT_STARTING ? m->h.health_start_interval_ms
		                                                       : m->h.health_interval_ms));
}

/* It may be the one that is about to start the container again (--health-on-failure restart): not killed. */
void health_stop(struct monitor *m)
{
	if (m->health.timer_fd < 0)
		return;
	watch_remove(m, m->health.timer_fd);
	close(m->health.timer_fd);
	m->health.timer_fd = -1;
}
