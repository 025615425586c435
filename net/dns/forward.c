/* Questions that others answer. Each has a socket of its own, whose port the kernel chooses at random, and a
 * random id: who isn't on the way has to guess both (RFC 5452), and the kernel passes nothing on that doesn't
 * come from the resolver's address.
 *
 * An attempt is a resolver and a way to it. Who asked by UDP is asked for by UDP from each resolver in turn,
 * then by TCP; who asked by TCP the other way round, since he wants what UDP has no place for. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "net/dns/service.h"

#define ATTEMPT_MS   1200
#define UNTIL_MS     4800 /* before a client's own patience (5 s) ends */
#define DNS_PORT     53
#define RECEIVE_MOST 16 /* datagrams of one event */
#define CONF         "/etc/resolv.conf"

/* ---------------------------------------------------------------- relays: TCP to a resolver */

/* -1: none is free, or the asker has his share of them, as whoever asks about names of his own, whose servers
 * are silent, could have them all. */
static int relay_take(struct service *s, int source)
{
	if (s->sources[source].relays >= RELAYS_PER_SOURCE)
		return -1;
	for (int i = 0; i < RELAYS_MAX; i++)
		if (!s->relays[i].used) {
			s->relays[i].used = true;
			s->relays[i].source = source;
			s->sources[source].relays++;
			s->relays[i].frame.len = s->relays[i].frame.done = 0;
			return i;
		}
	return -1;
}

/* The memory of a long answer goes back, so that a busy minute isn't paid for until the end. */
static void relay_drop(struct service *s, int relay)
{
	uintptr_t at = (uintptr_t)s->relays[relay].frame.data, page = 4096;
	uintptr_t first = (at + page - 1) & ~(page - 1),
	          end = (at + sizeof(struct frame) - page) & ~(page - 1);

	s->relays[relay].used = false;
	s->sources[s->relays[relay].source].relays--;
	if (s->relays[relay].frame.len > page)
		madvise((void *)first, end - first, MADV_DONTNEED);
}

/* ---------------------------------------------------------------- life of a query */

static void close_attempt(struct service *s, struct query *q)
{
	close_fd(&q->fd);
	if (q->relay >= 0)
		relay_drop(s, q->relay);
	q->relay = -1;
}

static void query_end(struct service *s, struct query *q)
{
	close_attempt(s, q);
	s->sources[q->client.source].queries--;
	s->queries_used--;
	s->queries_free[s->queries_n_free++] = (uint16_t)(q - s->queries);
	q->used = false;
	q->generation++;
}

static void query_fail(struct service *s, struct query *q)
{
	unsigned char out[PACKET_UDP_MIN];
	size_t len = answer_error(&q->question, PACKET_SERVFAIL, out, sizeof out);
	struct client c = q->client;

	query_end(s, q);
	network_reply(s, &c, out, len);
}

/* The places that were taken last come first: few that are asked at a time touch little memory. */
void forward_init(struct service *s, unsigned queries_most)
{
	s->queries_most = queries_most < QUERIES_MAX ? queries_most : QUERIES_MAX;
	for (unsigned i = 0; i < s->queries_most; i++)
		s->queries_free[i] = (uint16_t)(s->queries_most - 1 - i);
	s->queries_n_free = s->queries_most;
}

static struct query *query_place(struct service *s)
{
	unsigned place;

	if (!s->queries_n_free)
		return NULL;
	place = s->queries_free[--s->queries_n_free];
	if (s->queries_top <= place)
		s->queries_top = place + 1;
	return &s->queries[place];
}

/* ---------------------------------------------------------------- attempts */

/* Which resolver the attempt is for, and by what; false: there are no more. A single resolver is asked twice
 * by UDP, as a packet may be lost. */
static bool attempt_plan(const struct query *q, size_t *resolver, bool *by_tcp)
{
	size_t n = q->resolvers.n, udp = n == 1 ? 2 : n, tcp = n, at = q->attempt;
	bool tcp_first = q->client.stream >= 0;

	if (!n || at >= udp + tcp)
		return false;
	*by_tcp = tcp_first ? at < tcp : at >= udp;
	if (tcp_first ? !*by_tcp : *by_tcp)
		at -= tcp_first ? tcp : udp;
	*resolver = at % n;
	return true;
}

static socklen_t resolver_address(const struct resolvers *r, size_t at, struct sockaddr_storage *to)
{
	const struct net_address *a = &r->address[at];
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof *to);
	to->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET) {
		v4->sin_port = htons(DNS_PORT);
		memcpy(&v4->sin_addr, a->bytes, 4);
		return sizeof *v4;
	}
	v6->sin6_port = htons(DNS_PORT);
	v6->sin6_scope_id = r->scope[at];
	memcpy(&v6->sin6_addr, a->bytes, 16);
	return sizeof *v6;
}

static int send_by_udp(struct query *q)
{
	q->is_sent = true;
	return send(q->fd, q->message, q->question.len, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Once the connection stands; a question is so short that it goes in one piece. */
static int send_by_tcp(struct query *q)
{
	unsigned char prefix[2] = {(unsigned char)(q->question.len >> 8), (unsigned char)q->question.len};
	struct iovec v[2] = {{prefix, 2}, {q->message, q->question.len}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

	q->is_sent = true;
	return sendmsg(q->fd, &m, MSG_NOSIGNAL) == (ssize_t)(2 + q->question.len) ? 0 : -1;
}

static int attempt_open(struct service *s, struct query *q, size_t resolver)
{
	struct sockaddr_storage to;
	socklen_t len = resolver_address(&q->resolvers, resolver, &to);
	int type = (q->by_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	uint64_t tag = event_tag(EVENT_QUERY, ++q->generation, (uint32_t)(q - s->queries));

	q->is_sent = false;
	if (q->by_tcp) {
		q->relay = relay_take(s, q->client.source);
		if (q->relay < 0)
			return -1;
	}
	q->fd = socket(to.ss_family, type, 0);
	if (q->fd < 0 || (connect(q->fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS))
		return -1;
	if (getrandom(&q->id, sizeof q->id, 0) != sizeof q->id)
		return -1;
	packet_set_id(q->message, q->id);
	if (!q->by_tcp && send_by_udp(q) < 0)
		return -1;
	return service_watch(s, q->fd, q->by_tcp ? EPOLLOUT : EPOLLIN, tag);
}

/* The next attempt that gets under way, or SERVFAIL. */
static void attempt_next(struct service *s, struct query *q)
{
	size_t resolver;

	for (close_attempt(s, q); s->now < q->until && attempt_plan(q, &resolver, &q->by_tcp);
	        close_attempt(s, q)) {
		q->attempt++;
		q->attempt_until = s->now + ATTEMPT_MS < q->until ? s->now + ATTEMPT_MS : q->until;
		if (attempt_open(s, q, resolver) == 0)
			return;
	}
	query_fail(s, q);
}

/* ---------------------------------------------------------------- what comes back */

/* Another resolver may know better than one that can't or doesn't want to; the last word counts. */
static bool is_refusal(const unsigned char *data, const struct query *q)
{
	enum packet_rcode rcode = packet_rcode(data);
	size_t resolver;
	bool by_tcp;

	return (rcode == PACKET_SERVFAIL || rcode == PACKET_REFUSED || rcode == PACKET_NOTIMP) &&
	       attempt_plan(q, &resolver, &by_tcp) && by_tcp == q->by_tcp && q->resolvers.n > 1;
}

static void take_answer(struct service *s, struct query *q, unsigned char *data, size_t len)
{
	size_t max = q->client.stream >= 0 ? PACKET_MAX : q->question.udp_size;
	struct client c = q->client;
	int relay = q->relay;

	if (is_refusal(data, q)) {
		attempt_next(s, q);
		return;
	}
	len = packet_pass_on(data, len, &q->question, max);
	/* The asker is told last, since he may ask again at once; until then the relay holds what he is told.
	 */
	q->relay = -1;
	query_end(s, q);
	network_reply(s, &c, data, len);
	if (relay >= 0)
		relay_drop(s, relay);
}

/* What isn't the answer is passed over, and the answer still awaited: a forged one must not end the wait. So
 * many at a time, as others wait, too. */
static void receive_udp(struct service *s, struct query *q)
{
	static unsigned char data[PACKET_MAX];

	for (int i = 0; i < RECEIVE_MOST; i++) {
		ssize_t n = recv(q->fd, data, sizeof data, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) { /* nobody there */
			attempt_next(s, q);
			return;
		}
		if (packet_answers(data, (size_t)n, &q->question, q->id)) {
			take_answer(s, q, data, (size_t)n);
			return;
		}
	}
}

/* 1: all is there, 0: not yet, -1: it won't come. */
static int receive_frame(int fd, struct frame *f)
{
	for (;;) {
		size_t want = f->done < 2 ? 2 : f->len;
		ssize_t n;

		if (f->done == want && want > 2)
			return 1;
		n = recv(fd, f->data + f->done, want - f->done, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		f->done += (size_t)n;
		if (f->done == 2)
			f->len = 2 + ((size_t)f->data[0] << 8 | f->data[1]);
		if (f->done == 2 && f->len < 2 + PACKET_HEADER)
			return -1;
	}
}

static void receive_tcp(struct service *s, struct query *q)
{
	struct frame *f = &s->relays[q->relay].frame;
	uint64_t tag = event_tag(EVENT_QUERY, q->generation, (uint32_t)(q - s->queries));
	int got;

	if (!q->is_sent) {
		if (send_by_tcp(q) < 0 || service_rewatch(s, q->fd, EPOLLIN, tag) < 0)
			attempt_next(s, q);
		return;
	}
	got = receive_frame(q->fd, f);
	if (got > 0 && packet_answers(f->data + 2, f->len - 2, &q->question, q->id))
		take_answer(s, q, f->data + 2, f->len - 2);
	else if (got)
		attempt_next(s, q);
}

void forward_event(struct service *s, unsigned place)
{
	struct query *q = &s->queries[place];

	if (q->by_tcp)
		receive_tcp(s, q);
	else
		receive_udp(s, q);
}

/* ---------------------------------------------------------------- from outside */

bool forward_start(struct service *s, const struct client *c, const struct lease *asker,
        const struct packet_query *question, const unsigned char *data)
{
	struct query *q;

	if (s->sources[c->source].queries >= QUERIES_PER_SOURCE || question->len > PACKET_QUERY_MAX)
		return false;
	q = query_place(s);
	if (!q)
		return false;
	q->used = true;
	q->fd = q->relay = -1;
	q->attempt = 0;
	q->until = s->now + UNTIL_MS;
	q->client = *c;
	memcpy(q->message, data, question->len);
	q->question = *question;
	q->question.question = q->message + PACKET_HEADER;
	if (asker->resolvers && *asker->resolvers)
		resolvers_parse(&q->resolvers, asker->resolvers);
	else
		q->resolvers = *host_resolvers_get(&s->host, CONF);
	s->sources[c->source].queries++;
	s->queries_used++;
	attempt_next(s, q);
	return true;
}

void forward_tick(struct service *s)
{
	for (unsigned i = 0; s->queries_used && i < s->queries_top; i++)
		if (s->queries[i].used && s->now >= s->queries[i].attempt_until)
			attempt_next(s, &s->queries[i]);
}

void forward_forget_stream(struct service *s, const struct client *c)
{
	for (unsigned i = 0; s->queries_used && i < s->queries_top; i++) {
		struct query *q = &s->queries[i];
		if (q->used && q->client.stream == c->stream)
			query_end(s, q);
	}
}

void forward_forget_network(struct service *s, unsigned place)
{
	for (unsigned i = 0; s->queries_used && i < s->queries_top; i++)
		if (s->queries[i].used && s->queries[i].client.network == place)
			query_end(s, &s->queries[i]);
}
