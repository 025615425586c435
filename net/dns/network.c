/* The networks that are served: their sockets, and who may ask there. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/file.h"
#include "net/dns/service.h"

#define BATCH   64
#define UDP_MAX (PACKET_QUERY_MAX + 1) /* one more: what is too long is known by it */

struct network *network_served(struct service *s, const char *id)
{
	for (unsigned i = 0; i < s->networks_top; i++)
		if (*id && !strcmp(s->networks[i].id, id))
			return &s->networks[i];
	return NULL;
}

struct network *network_place(struct service *s, const char *id)
{
	for (unsigned i = 0; i < NETWORKS_MAX; i++) {
		struct network *n = &s->networks[i];
		if (*n->id)
			continue;
		*n = (struct network){.udp = {-1, -1}, .tcp = {-1, -1}, .zone = ZONE_INIT};
		memcpy(n->id, id, strnlen(id, LEASE_ID_LEN));
		if (s->networks_top <= i)
			s->networks_top = i + 1;
		return n;
	}
	return NULL;
}

/* The lowest bit of a socket's place in an event is its family. */
int network_watch(struct service *s, struct network *n)
{
	uint32_t place = (uint32_t)(n - s->networks) * 2;

	for (uint32_t i = 0; i < 2; i++)
		if ((n->udp[i] >= 0 &&
		            service_watch(s, n->udp[i], EPOLLIN, event_tag(EVENT_UDP, 0, place + i)) < 0) ||
		        (n->tcp[i] >= 0 && service_watch(s, n->tcp[i], EPOLLIN,
		                                   event_tag(EVENT_TCP_LISTEN, 0, place + i)) < 0))
			return -1;
	return 0;
}

void network_close(struct service *s, struct network *n)
{
	unsigned place = (unsigned)(n - s->networks);

	stream_forget_network(s, place);
	forward_forget_network(s, place);
	for (int i = 0; i < 2; i++) {
		close_fd(&n->udp[i]);
		close_fd(&n->tcp[i]);
	}
	zone_close(&n->zone);
	*n->id = '\0';
}

bool network_any_lease(struct service *s)
{
	for (unsigned i = 0; i < s->networks_top; i++) {
		struct network *n = &s->networks[i];
		if (!*n->id)
			continue;
		zone_refresh(&n->zone, s->networks_fd, n->id);
		if (n->zone.leases.n)
			return true;
	}
	return false;
}

bool address_of(const struct sockaddr_storage *from, struct net_address *a)
{
	*a = (struct net_address){.family = from->ss_family};
	if (from->ss_family == AF_INET)
		memcpy(a->bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
	else if (from->ss_family == AF_INET6)
		memcpy(a->bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	else
		return false;
	return true;
}

/* Only who has a lease is answered: not the host's neighbours, nobody who makes up his address to have the
 * answer sent to somebody else, no other network. */
const struct lease *network_asker(struct service *s, const struct network *n, const struct net_address *a)
{
	struct network *mine = &s->networks[n - s->networks];

	if (!net_subnet_has(&n->subnet[a->family == AF_INET6], a))
		return NULL;
	zone_refresh(&mine->zone, s->networks_fd, n->id);
	return zone_by_address(&n->zone, a);
}

void network_reply(struct service *s, const struct client *c, const unsigned char *data, size_t len)
{
	if (c->stream >= 0) {
		stream_reply(s, c, data, len);
		return;
	}
	if (sendto(s->networks[c->network].udp[c->family], data, len, MSG_DONTWAIT | MSG_NOSIGNAL,
	            (const struct sockaddr *)&c->address, sizeof c->address) < 0) {
		/* as if it were lost on the way: he asks again */
	}
}

bool network_ask(struct service *s, const struct client *c, const struct lease *asker,
        const unsigned char *data, size_t len)
{
	static unsigned char out[PACKET_MAX];
	const struct network *n = &s->networks[c->network];
	struct packet_query q;
	int rcode = packet_parse(data, len, &q);
	size_t max = c->stream >= 0 ? PACKET_MAX : q.udp_size;

	if (rcode < 0)
		return false;
	if (rcode != PACKET_NOERROR) {
		network_reply(s, c, out, answer_error(&q, (enum packet_rcode)rcode, out, max));
		return true;
	}
	len = answer_find(s, n, asker, &q, out, max);
	if (!len && forward_start(s, c, asker, &q, data))
		return true;
	if (!len)
		len = answer_error(&q, PACKET_SERVFAIL, out, max);
	network_reply(s, c, out, len);
	return true;
}

static void ask_by_udp(struct service *s, unsigned place, int family, const struct sockaddr_storage *from,
        const unsigned char *data, size_t len, bool busy)
{
	struct client c = {.network = place, .family = family, .stream = -1, .source = -1, .address = *from};
	const struct lease *asker;
	struct net_address a;

	if (!address_of(from, &a))
		return;
	asker = network_asker(s, &s->networks[place], &a);
	if (!asker)
		return;
	c.source = source_find(s, &a);
	if (c.source < 0 || (busy && !source_spend(s, c.source)))
		return;
	network_ask(s, &c, asker, data, len);
}

/* A batch that is full means that more is waiting: then everybody has his share of what can be done, so that
 * the others' questions are reached behind those of one who sends without end. */
void network_receive(struct service *s, unsigned place, int family)
{
	static unsigned char data[BATCH][UDP_MAX];
	static struct sockaddr_storage from[BATCH];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];

	for (int i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){data[i], sizeof data[i]};
		m[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &from[i],
		                                .msg_namelen = sizeof from[i],
		                                .msg_iov = &v[i],
		                                .msg_iovlen = 1}};
	}
	int n = recvmmsg(s->networks[place].udp[family], m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		if (m[i].msg_len < UDP_MAX)
			ask_by_udp(s, place, family, &from[i], data[i], m[i].msg_len, n == BATCH);
}
