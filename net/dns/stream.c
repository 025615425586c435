/* Askers by TCP: one question at a time on a connection, the next is read when the answer has gone. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/file.h"
#include "net/dns/service.h"

#define IDLE_MS 10000

/* The whole question at the start of what was read: its length with the prefix; 0: not yet there, -1: it
 * never will be, as it is longer than a question is. */
static int question_len(const struct stream *t)
{
	size_t len = 2 + ((size_t)t->in[0] << 8 | t->in[1]);

	if (t->in_len < 2)
		return 0;
	if (len > sizeof t->in)
		return -1;
	return t->in_len >= len ? (int)len : 0;
}

/* While an answer is awaited nothing is read. A question that was read with the one before it is taken up as
 * soon as there may be an event. */
static void stream_watch(struct service *s, struct stream *t)
{
	uint32_t events = 0;

	if (t->state == STREAM_READING)
		events = question_len(t) ? EPOLLOUT : EPOLLIN;
	else if (t->state == STREAM_WRITING)
		events = EPOLLOUT;
	if (events != t->watched)
		service_rewatch(
		        s, t->fd, events, event_tag(EVENT_STREAM, t->generation, (uint32_t)(t - s->streams)));
	t->watched = events;
}

static void stream_close(struct service *s, struct stream *t)
{
	if (t->state == STREAM_WAITING)
		forward_forget_stream(s, &t->client);
	close_fd(&t->fd);
	s->sources[t->client.source].streams--;
	t->state = STREAM_FREE;
	t->generation++;
}

void stream_forget_network(struct service *s, unsigned place)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (s->streams[i].state != STREAM_FREE && s->streams[i].client.network == place)
			stream_close(s, &s->streams[i]);
}

/* A free place, or that of who has been silent for longest. */
static struct stream *stream_place(struct service *s)
{
	struct stream *oldest = NULL;

	for (unsigned i = 0; i < STREAMS_MAX; i++) {
		struct stream *t = &s->streams[i];
		if (t->state == STREAM_FREE)
			return t;
		if (t->state == STREAM_READING && (!oldest || t->until < oldest->until))
			oldest = t;
	}
	if (oldest)
		stream_close(s, oldest);
	return oldest;
}

static void stream_open(struct service *s, int *fd, const struct client *c)
{
	struct stream *t = stream_place(s);

	if (!t)
		return;
	t->generation++;
	t->client = *c;
	t->client.stream = (int)(t - s->streams);
	t->client.generation = t->generation;
	if (service_watch(
	            s, *fd, EPOLLIN, event_tag(EVENT_STREAM, t->generation, (uint32_t)(t - s->streams))) < 0)
		return;
	t->fd = steal_fd(fd);
	t->state = STREAM_READING;
	t->watched = EPOLLIN;
	t->until = s->now + IDLE_MS;
	t->in_len = t->out.len = t->out.done = 0;
	s->sources[c->source].streams++;
}

void stream_accept(struct service *s, unsigned network, int family)
{
	struct client c = {.network = network, .family = family};
	socklen_t len = sizeof c.address;
	struct net_address from;
	cleanup_fd int fd = accept4(s->networks[network].tcp[family], (struct sockaddr *)&c.address, &len,
	        SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 || !address_of(&c.address, &from) || !network_asker(s, &s->networks[network], &from))
		return;
	c.source = source_find(s, &from);
	if (c.source >= 0 && s->sources[c.source].streams < STREAMS_PER_SOURCE)
		stream_open(s, &fd, &c);
}

/* ---------------------------------------------------------------- questions */

/* The answer may come at once, or later (stream_reply). Whose lease has gone meanwhile isn't answered. */
static void ask(struct service *s, struct stream *t, size_t len)
{
	unsigned char question[PACKET_QUERY_MAX];
	const struct lease *asker = NULL;
	struct client c = t->client;
	struct net_address from;

	memcpy(question, t->in + 2, len - 2);
	t->in_len -= len;
	memmove(t->in, t->in + len, t->in_len);
	t->state = STREAM_WAITING;
	t->until = s->now + IDLE_MS;
	if (address_of(&c.address, &from))
		asker = network_asker(s, &s->networks[c.network], &from);
	if (!asker || !network_ask(s, &c, asker, question, len - 2))
		stream_close(s, t);
}

static void ask_all(struct service *s, struct stream *t)
{
	int len = 0;

	while (t->state == STREAM_READING && (len = question_len(t)) > 0)
		ask(s, t, (size_t)len);
	if (t->state == STREAM_READING && len < 0)
		stream_close(s, t);
}

static void stream_read(struct service *s, struct stream *t)
{
	ssize_t n;

	if (question_len(t)) {
		ask_all(s, t);
		return;
	}
	n = recv(t->fd, t->in + t->in_len, sizeof t->in - t->in_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		stream_close(s, t);
		return;
	}
	t->in_len += (size_t)n;
	ask_all(s, t);
}

/* ---------------------------------------------------------------- answers */

/* 0: all has gone, 1: not yet, -1: it can't. */
static int stream_flush(struct stream *t)
{
	while (t->out.done < t->out.len) {
		ssize_t n = send(t->fd, t->out.data + t->out.done, t->out.len - t->out.done,
		        MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? 1 : -1;
		if (n > 0)
			t->out.done += (size_t)n;
	}
	return 0;
}

void stream_reply(struct service *s, const struct client *c, const unsigned char *data, size_t len)
{
	struct stream *t = &s->streams[c->stream];

	if (t->state != STREAM_WAITING || t->generation != c->generation)
		return;
	t->out.data[0] = (unsigned char)(len >> 8);
	t->out.data[1] = (unsigned char)len;
	memcpy(t->out.data + 2, data, len);
	t->out.len = len + 2;
	t->out.done = 0;
	t->state = stream_flush(t) == 0 ? STREAM_READING : STREAM_WRITING;
	t->until = s->now + IDLE_MS;
	stream_watch(s, t);
}

void stream_event(struct service *s, unsigned place, uint32_t events)
{
	struct stream *t = &s->streams[place];

	if (t->state == STREAM_WRITING) {
		int left = stream_flush(t);
		if (left < 0) {
			stream_close(s, t);
			return;
		}
		if (!left) {
			t->state = STREAM_READING;
			ask_all(s, t);
		}
	} else if (events & EPOLLERR || (t->state == STREAM_WAITING && events & EPOLLHUP)) {
		stream_close(s, t);
	} else if (t->state == STREAM_READING) {
		stream_read(s, t);
	}
	if (t->state != STREAM_FREE)
		stream_watch(s, t);
}

void stream_tick(struct service *s)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (s->streams[i].state != STREAM_FREE && s->now >= s->streams[i].until)
			stream_close(s, &s->streams[i]);
}
