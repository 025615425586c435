/* The supervisor: a table of state and event, each handler returns the next state.
 *
 *	RUN      the container runs
 *	DRAIN    it has ended; its last output is being taken
 *	BIRTH    the end is on record; the caller that was attached from birth cleans up
 *	CLEAN    the clean-up command runs, because nobody did its work
 *	LINGER   some client has not been told yet; bounded
 *	BACKOFF  the container is to be started again, after a while
 *	END
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/file.h"
#include "base/traced.h"
#include "engine/monitor/exit_status.h"
#include "engine/monitor/monitor.h"

#define SECOND_NS      1000000000ll
#define EVENTS_MAX     16
#define LINGER_SECONDS 10
#define QUIET_MS       1000 /* without output, after which the areas go back to the kernel */

#define CLEANUP_TRIES 3

#define BACKOFF_MS     100
#define BACKOFF_MAX_MS 60000

enum state { S_RUN, S_DRAIN, S_BIRTH, S_CLEAN, S_LINGER, S_BACKOFF, S_END, S_COUNT };
/* The first ones are those of enum source; E_AFTER comes after every batch. */
enum event { E_AFTER = SOURCE_PROCESS + 1, E_COUNT };

typedef enum state (*handler)(struct monitor *m, enum state now, uint32_t index, uint32_t mask);

int64_t boottime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

static bool watch(struct monitor *m, int op, int fd, enum source source, unsigned index, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.u64 = (uint64_t)source << 32 | index};

	return epoll_ctl(m->epoll_fd, op, fd, &ev) == 0;
}

bool watch_add(struct monitor *m, int fd, enum source source, unsigned index, uint32_t mask)
{
	return watch(m, EPOLL_CTL_ADD, fd, source, index, mask);
}

bool watch_change(struct monitor *m, int fd, enum source source, unsigned index, uint32_t mask)
{
	return watch(m, EPOLL_CTL_MOD, fd, source, index, mask);
}

void watch_remove(struct monitor *m, int fd)
{
	epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* ------------------------------------------------------------------ handlers */

static enum state on_output(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)mask;
	pump_output(m, index);
	return now;
}

static enum state on_input_room(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	pump_input_room(m);
	return now;
}

static enum state on_connect(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	attach_accept(m);
	return now;
}

static enum state on_client(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	attach_event(m, index, mask);
	return now;
}

static void sample(struct monitor *m)
{
	struct sample s;

	sampler_read(&m->sampler, &s);
	stats_ring_add(&m->ring, &s);
}

static enum state on_tick(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	uint64_t expired;

	(void)index;
	(void)mask;
	if (read(m->timer_fd, &expired, sizeof(expired)) < 0)
		return now;
	attach_listen(m, true);
	if (now == S_RUN)
		sample(m);
	return now;
}

static enum state on_health(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	health_tick(m);
	return now;
}

static void record_end(struct monitor *m, const siginfo_t *info)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	m->child_gone = true;
	m->exit.finished = ts.tv_sec * SECOND_NS + ts.tv_nsec;
	m->exit.signal = info->si_code == CLD_EXITED ? 0 : info->si_status;
	m->exit.code = info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

static void record_unknown(struct monitor *m)
{
	record_end(m, &(siginfo_t){.si_code = CLD_EXITED, .si_status = EXIT_UNKNOWN});
	m->exit.unknown = true;
}

/* The end of a container that is not our child. */
static enum state on_process(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	siginfo_t info = {0};
	int status;

	(void)index;
	(void)mask;
	watch_remove(m, m->h.pidfd);
	if (m->child_gone)
		return now;
	if (exit_status_of(m->h.pidfd, m->h.pid, &status) < 0) {
		record_unknown(m);
		return now;
	}
	info.si_code = WIFSIGNALED(status) ? CLD_KILLED : CLD_EXITED;
	info.si_status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	record_end(m, &info);
	return now;
}

static void note_child(struct monitor *m, const siginfo_t *info)
{
	int code = info->si_code == CLD_EXITED ? info->si_status : -1;

	if (info->si_pid == m->h.pid && !m->h.adopted && !m->child_gone) {
		record_end(m, info);
	} else if (info->si_pid == m->cleanup_pid) {
		m->cleanup_pid = 0;
		m->cleanup_code = code;
	} else if (info->si_pid == m->health.pid) {
		health_ended(m, code);
	}
}

/* A container whose first process asks to be traced (PTRACE_TRACEME) has us as its tracer: each signal stops
 * it, and we are told of that as of an end. It goes on, traced by nobody. Test: isolation.bats, "who asks to
 * be traced by his supervisor". */
static bool is_end(const siginfo_t *info)
{
	if (!DEFENCE("not-a-tracer") || info->si_code != CLD_TRAPPED)
		return true;
	traced_let_go(info->si_pid, info->si_status & 0x7f);
	return false;
}

/* Every child that has ended: the container, what we ran, and strangers that were given to us. */
static void reap(struct monitor *m)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0) {
			if (errno == EINTR)
				continue;
			/* Not our child after all: without its status the best that can be said is "unknown".
			 */
			if (errno == ECHILD && !m->h.adopted && !m->child_gone && kill(m->h.pid, 0) < 0)
				record_unknown(m);
			return;
		}
		if (!info.si_pid)
			return;
		if (is_end(&info))
			note_child(m, &info);
	}
}

static enum state on_signal(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	struct signalfd_siginfo si;

	(void)index;
	(void)mask;
	while (read(m->signal_fd, &si, sizeof(si)) > 0)
		if (si.ssi_signo == SIGURG && now == S_RUN)
			health_renew(m);
	reap(m);
	return now;
}

static enum state run_after(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	if (!m->child_gone)
		return now;
	health_stop(m);
	return S_DRAIN;
}

/* The cgroup is new at every start, so any kill counts, also one before the monitor was there. */
static void judge_oom(struct monitor *m)
{
	uint64_t kills = sampler_oom_kills(&m->sampler);

	m->exit.oom_killed = kills != UINT64_MAX && kills > 0;
}

/* Whoever hears of the end may have the published ports at once. What leads to the container from them is
 * removed by the clean-up, which comes first wherever a port is given again (endpoint_elements.c). */
static void let_ports_go(struct monitor *m)
{
	if (m->h.n_held)
		close_fd_range((unsigned)m->h.held_fd, (unsigned)m->h.held_fd + m->h.n_held - 1, 0);
	m->h.n_held = 0;
}

static void record_exit(struct monitor *m)
{
	m->recorded =
	        (m->exit_fd >= 0 && exit_record_write_reserved(m->h.state_fd, m->exit_fd, &m->exit) == 0) ||
	        exit_record_write(m->h.state_fd, &m->exit) == 0;
}

static enum state drain_after(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	if (m->pump.stalled || !pump_drain(m))
		return now;
	log_finish(&m->log);
	if (m->exit.unknown)
		log_note(&m->log, "how the container ended is not known: its first monitor was killed");
	judge_oom(m);
	sample(m);
	sampler_close(&m->sampler);
	let_ports_go(m);
	record_exit(m);
	m->ended = true;
	attach_end(m);
	return S_BIRTH;
}

/* Clean-up ends by removing the directory with all that is in it. */
static bool is_cleaned(const struct monitor *m)
{
	struct exit_record r;
	struct stat st;

	if (fstat(m->h.state_fd, &st) == 0 && st.st_nlink == 0)
		return true;
	return m->recorded && exit_record_read(m->h.state_fd, &r) < 0 && errno == ENOENT;
}

static bool cleanup_spawn(struct monitor *m)
{
	if (!m->h.cleanup_argv)
		return false;
	m->cleanup_code = -1;
	m->cleanup_pid = program_spawn(m, m->h.cleanup_argv);
	if (m->cleanup_pid > 0)
		return true;
	m->cleanup_pid = 0;
	return false;
}

static enum state linger(struct monitor *m)
{
	m->deadline = m->linger;
	return S_LINGER;
}

/* When another command was quicker, and a policy starts it again, the record of the end has stayed: clean-up
 * knows what that one decided. */
static enum state birth_after(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	bool callers = m->birth_connected && !m->h.cleanup_always;

	if (callers && m->recorded)
		return now;
	m->linger = boottime_ns() + LINGER_SECONDS * SECOND_NS;
	if (callers || is_cleaned(m) || !cleanup_spawn(m))
		return linger(m);
	/* On a full disk there is no record. Who cleans up waits for it as long as we are there. */
	return m->recorded ? S_CLEAN : linger(m);
}

/* The wait that clean-up asks for, in ms; -1: the container has ended for good. */
static int backoff(const struct monitor *m)
{
	int shift = m->cleanup_code - RESTART_EXIT;
	int ms;

	if (!m->h.restart_argv || shift < 0 || shift > RESTART_SHIFT_MAX)
		return -1;
	ms = BACKOFF_MS << shift;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

static enum state clean_after(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	int ms;

	(void)index;
	(void)mask;
	if (m->cleanup_pid)
		return now;
	/* Killed half-way it has left something, a restart above all, that nobody else would do by himself.
	 */
	if (m->cleanup_code < 0 && ++m->cleanup_kills < CLEANUP_TRIES && cleanup_spawn(m))
		return now;
	ms = backoff(m);
	if (ms < 0)
		return linger(m);
	m->deadline = boottime_ns() + ms * 1000000ll;
	return S_BACKOFF;
}

void signals_heard(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGURG);
}

static void ignore_signals(void)
{
	/* Whoever stops a service, logs out or shuts down signals everything; the container's processes get
	 * theirs directly, and their supervisor has to see how they end. */
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM,
	        SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ, SIGXCPU};
	sigset_t heard;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	signals_heard(&heard);
	sigprocmask(SIG_SETMASK, &heard, NULL);
}

/* The next run is supervised by this process again, so what it starts with is a process as the first starter
 * found it: our descriptors are close-on-exec. Who has not been told of the end by now has all the time of an
 * ordinary end. When the program is not there (it may be exchanged for a newer one just now), or there is no
 * memory, it is tried again. */
static enum state backoff_after(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	int64_t at = boottime_ns();

	(void)index;
	(void)mask;
	if (at < m->deadline || (attach_owes(m) && at < m->linger))
		return now;
	program_become(m, m->h.restart_argv);
	ignore_signals();
	m->deadline = boottime_ns() + SECOND_NS;
	return now;
}

static enum state linger_after(struct monitor *m, enum state now, uint32_t index, uint32_t mask)
{
	(void)index;
	(void)mask;
	return attach_owes(m) && boottime_ns() < m->deadline ? now : S_END;
}

static const handler table[S_COUNT][E_COUNT] = {
        [S_RUN] = {on_output, on_input_room, on_signal, on_tick, on_connect, on_client, on_health, on_process,
                run_after},
        [S_DRAIN] = {on_output, on_input_room, on_signal, on_tick, on_connect, on_client, NULL, NULL,
                drain_after},
        [S_BIRTH] = {NULL, on_input_room, on_signal, on_tick, on_connect, on_client, NULL, NULL, birth_after},
        [S_CLEAN] = {NULL, on_input_room, on_signal, on_tick, on_connect, on_client, NULL, NULL, clean_after},
        [S_LINGER] = {NULL, on_input_room, on_signal, on_tick, on_connect, on_client, NULL, NULL,
                linger_after},
        [S_BACKOFF] = {NULL, on_input_room, on_signal, on_tick, on_connect, on_client, NULL, NULL,
                backoff_after},
};

/* ------------------------------------------------------------------ loop */

static void start_timer(struct monitor *m)
{
	struct itimerspec t = {
	        .it_value.tv_sec = STATS_RING_SECONDS, .it_interval.tv_sec = STATS_RING_SECONDS};

	m->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (m->timer_fd >= 0 && timerfd_settime(m->timer_fd, 0, &t, NULL) == 0)
		watch_add(m, m->timer_fd, SOURCE_TIMER, 0, EPOLLIN);
}

/* Deaf and blind it would be worse than none, which the next command sees: output that nobody reads stops the
 * container, and an adopted one's end is told by its descriptor alone. */
static bool hears_all(struct monitor *m)
{
	const struct pump *p = &m->pump;

	for (int s = 0; s < 2; s++)
		if (p->fd[s] >= 0 && !p->watched[s])
			return false;
	return (m->h.listen_fd < 0 || m->listening) &&
	       (!m->h.adopted || watch_add(m, m->h.pidfd, SOURCE_PROCESS, 0, EPOLLIN));
}

int supervise_start(struct monitor *m)
{
	sigset_t heard;

	ignore_signals();
	signals_heard(&heard);
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->signal_fd = signalfd(-1, &heard, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->epoll_fd < 0 || m->signal_fd < 0 || !watch_add(m, m->signal_fd, SOURCE_SIGNAL, 0, EPOLLIN))
		return -1;
	log_open(&m->log, m->h.container_fd, m->areas->format, m->h.log_max_size, m->h.log_max_files,
	        m->h.log);
	pump_start(m);
	attach_start(m);
	sampler_open(&m->sampler, &m->h.sources);
	stats_ring_open(&m->ring, m->h.state_fd);
	sample(m);
	start_timer(m);
	health_start(m);
	m->exit_fd = exit_record_reserve(m->h.state_fd);
	if (!hears_all(m))
		return -1;
	reap(m); /* it may have ended before SIGCHLD was blocked */
	return 0;
}

/* When there is something to do without an event, CLOCK_BOOTTIME ns; -1 never. */
static int64_t due(const struct monitor *m, enum state now)
{
	int64_t at = pump_due(m), state_at = -1;

	if (now == S_LINGER)
		state_at = m->deadline;
	else if (now == S_BACKOFF)
		state_at = attach_owes(m) && m->linger > m->deadline ? m->linger : m->deadline;
	return state_at < 0 || (at >= 0 && at < state_at) ? at : state_at;
}

/* Milliseconds to wait for the next event. */
static int patience(struct monitor *m, enum state now)
{
	int ms = m->areas_touched ? QUIET_MS : -1;
	int64_t at = due(m, now), left;

	if (m->pump.stalled)
		ms = attach_stalled(m);
	if (at < 0)
		return ms;
	left = (at - boottime_ns()) / 1000000 + 1;
	if (left < 0)
		left = 0;
	return ms < 0 || left < ms ? (int)left : ms;
}

/* The areas back to the kernel: an idle monitor is as small as one that never had anything to do. */
static void release_areas(struct monitor *m)
{
	if (m->pump.stalled || m->pump.in_len)
		return;
	madvise(m->areas, sizeof(*m->areas), MADV_DONTNEED);
	m->areas_touched = false;
}

static enum state settle(struct monitor *m, enum state state)
{
	enum state before;

	do {
		before = state;
		state = table[state][E_AFTER](m, state, 0, 0);
	} while (state != before && state != S_END);
	return state;
}

void supervise_run(struct monitor *m)
{
	struct epoll_event events[EVENTS_MAX];
	enum state state = settle(m, S_RUN);

	while (state != S_END) {
		int n = epoll_wait(m->epoll_fd, events, EVENTS_MAX, patience(m, state));

		pump_tick(m);
		if (n == 0 && m->areas_touched)
			release_areas(m);
		for (int i = 0; i < n; i++) {
			handler h = table[state][events[i].data.u64 >> 32];

			if (h)
				state = h(m, state, (uint32_t)events[i].data.u64, events[i].events);
		}
		state = settle(m, state);
	}
}
