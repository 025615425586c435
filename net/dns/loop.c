/* The loop: what is ready is handed to those it is for, and now and then what has taken too long is ended. */
#include <sys/epoll.h>
#include <time.h>

#include "net/dns/service.h"

#define EVENTS_MOST 64

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

static void look_at_clock(struct service *s)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	s->now = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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

void service_run(struct service *s)
{
	struct epoll_event events[EVENTS_MOST];

	look_at_clock(s);
	s->look_at = s->now + LOOK_MS;
	while (!s->end) {
		int n = epoll_wait(s->epoll_fd, events, EVENTS_MOST, pause_ms(s));
		look_at_clock(s);
		for (int i = 0; i < n; i++)
			dispatch(s, &events[i]);
		tick(s);
	}
}
