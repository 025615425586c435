/* tare-dns: names of containers for containers (net/dns.h). Started by dns_ensure(), never by hand, with its
 * control socket and the directory of networks. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "net/dns/sandbox.h"
#include "net/dns/service.h"

#define CONF         "/etc/resolv.conf"
#define EVENTS_MOST  64
#define FILES_SPARED 512 /* descriptors that are no forwarded question's: streams, networks, zones */
#define FAILURE      125

int service_watch(struct service *s, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event e = {.events = events, .data.u64 = tag};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

int service_rewatch(struct service *s, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event e = {.events = events, .data.u64 = tag};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, fd, &e);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- the loop */

static void dispatch(struct service *s, const struct epoll_event *e)
{
	enum event_kind kind = (enum event_kind)(e->data.u64 >> 48);
	uint16_t generation = (uint16_t)(e->data.u64 >> 32);
	uint32_t place = (uint32_t)e->data.u64;

	switch (kind) {
	case EVENT_CONTROL_LISTEN:
		control_accept(s);
		break;
	case EVENT_CONTROL:
		if (s->controls[place].fd >= 0 && s->controls[place].generation == generation)
			control_event(s, place);
		break;
	case EVENT_UDP:
		network_receive(s, place / 2, (int)(place % 2));
		break;
	case EVENT_TCP_LISTEN:
		stream_accept(s, place / 2, (int)(place % 2));
		break;
	case EVENT_STREAM:
		if (s->streams[place].state != STREAM_FREE && s->streams[place].generation == generation)
			stream_event(s, place, e->events);
		break;
	case EVENT_QUERY:
		if (s->queries[place].used && s->queries[place].generation == generation)
			forward_event(s, place);
		break;
	}
}

static bool anybody_waits(const struct service *s)
{
	if (s->queries_used)
		return true;
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (s->streams[i].state != STREAM_FREE)
			return true;
	return false;
}

static void tick(struct service *s)
{
	if (s->now >= s->tick_at) {
		forward_tick(s);
		stream_tick(s);
		s->tick_at = s->now + TICK_MS;
	}
	if (s->now >= s->look_at) {
		if (!s->idle_at && !network_any_lease(s))
			s->idle_at = s->now;
		s->look_at = s->now + LOOK_MS;
	}
	if (s->idle_at && s->now >= s->idle_at + s->linger) {
		s->end = !network_any_lease(s);
		s->idle_at = 0;
	}
}

static int pause_ms(const struct service *s)
{
	int64_t until = s->look_at;

	if (anybody_waits(s) && s->tick_at < until)
		until = s->tick_at;
	if (s->idle_at && s->idle_at + s->linger < until)
		until = s->idle_at + s->linger;
	return until > s->now ? (int)(until - s->now) : 0;
}

static void run(struct service *s)
{
	struct epoll_event events[EVENTS_MOST];

	while (!s->end) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS_MOST, pause_ms(s));
		s->now = now_ms();
		for (int i = 0; i < n; i++)
			dispatch(s, &events[i]);
		tick(s);
	}
}

/* ---------------------------------------------------------------- start */

static int number(const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	return *end || end == text || v < 0 || v > INT32_MAX ? -1 : (int)v;
}

/* Whoever started us may have let signals be ignored or blocked. */
static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < SIGRTMIN; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int start(struct service *s)
{
	struct rlimit files;
	rlim_t most;

	for (unsigned i = 0; i < CONTROLS_MAX; i++)
		s->controls[i].fd = -1;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	most = files.rlim_max < SANDBOX_FILES ? files.rlim_max : SANDBOX_FILES;
	forward_init(s, most > FILES_SPARED ? (unsigned)most - FILES_SPARED : 0);
	s->now = now_ms();
	s->look_at = s->now + LOOK_MS;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	/* Listening once more makes us the peer whose pid a caller sees. */
	if (s->epoll_fd < 0 || listen(s->control_fd, SOMAXCONN) < 0 ||
	        sandbox_enter(s->networks_fd, CONF) < 0)
		return -1;
	return service_watch(s, s->control_fd, EPOLLIN, event_tag(EVENT_CONTROL_LISTEN, 0, 0));
}

/* tare-dns SOCKET DIRECTORY LINGER-MS */
int main(int argc, char **argv)
{
	static struct service s;
	static const char usage[] = "tare-dns: is started by tare, for the networks of its containers\n";

	if (argc == 4) {
		s.control_fd = number(argv[1]);
		s.networks_fd = number(argv[2]);
		s.linger = number(argv[3]);
	}
	if (argc != 4 || s.control_fd < 0 || s.networks_fd < 0 || s.linger < 0) {
		if (write(STDERR_FILENO, usage, sizeof usage - 1) < 0)
			return FAILURE;
		return FAILURE;
	}
	reset_signals();
	if (chdir("/") < 0 || start(&s) < 0)
		return FAILURE;
	run(&s);
	return 0;
}
