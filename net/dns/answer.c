/* Answers from the leases: names and addresses of those who share a network with the asker. */
#include <string.h>

#include "net/dns/service.h"

#define TTL           5    /* seconds: a container that was started again is found again */
#define ADDRESSES_MAX 4096 /* of one name: what an answer by TCP can hold */

size_t answer_error(const struct packet_query *q, enum packet_rcode rcode, unsigned char *out, size_t max)
{
	struct packet_answer a;

	packet_begin(&a, q, out, max);
	return packet_end(&a, rcode);
}

struct found {
	const struct net_address *address[ADDRESSES_MAX];
	size_t n;
	bool known; /* somebody is called so, with whatever addresses */
};

static bool wants(const struct packet_query *q, int family)
{
	return q->type == PACKET_ANY || q->type == (family == AF_INET ? PACKET_A : PACKET_AAAA);
}

static void collect(struct found *f, const struct zone *z, const struct packet_query *q)
{
	const struct lease *l;
	uint32_t place = 0;

	while ((l = zone_by_name(z, q->name, &place))) {
		f->known = true;
		for (int i = 0; i < 2; i++)
			if (l->ip[i].family && wants(q, l->ip[i].family) && f->n < ADDRESSES_MAX)
				f->address[f->n++] = &l->ip[i];
	}
}

/* The networks that the asker is in, the one he asks in first: *at starts as -1. */
static const struct network *next_network(
        struct service *s, const struct network *own, const struct lease *asker, int *at)
{
	if (*at < 0) {
		*at = 0;
		return own;
	}
	while (*at < (int)s->networks_top) {
		struct network *n = &s->networks[(*at)++];
		if (!*n->id || n == own)
			continue;
		zone_refresh(&n->zone, s->networks_fd, n->id);
		if (zone_by_id(&n->zone, asker->id))
			return n;
	}
	return NULL;
}

/* Of several that are called so each comes first in turn. */
static size_t write_found(struct service *s, const struct found *f, const struct packet_query *q,
        unsigned char *out, size_t max)
{
	struct packet_answer a;
	size_t first = f->n ? s->rotation++ % f->n : 0;

	packet_begin(&a, q, out, max);
	for (size_t i = 0; i < f->n; i++)
		packet_add_address(&a, f->address[(first + i) % f->n], TTL);
	return packet_end(&a, PACKET_NOERROR);
}

static size_t write_owner(
        const struct lease *owner, const struct packet_query *q, unsigned char *out, size_t max)
{
	struct packet_answer a;

	packet_begin(&a, q, out, max);
	if (q->type == PACKET_PTR || q->type == PACKET_ANY)
		packet_add_name(&a, owner->names && *owner->names ? *owner->names : owner->id, TTL);
	return packet_end(&a, PACKET_NOERROR);
}

/* An address of a network that the asker is in belongs to a member or to nobody: what the host's resolvers
 * would say of it is about somebody else. */
static size_t find_owner(struct service *s, const struct network *own, const struct lease *asker,
        const struct packet_query *q, unsigned char *out, size_t max)
{
	const struct network *n;
	struct net_address a;
	int at = -1;

	if (!packet_reverse(q->name, &a))
		return 0;
	while ((n = next_network(s, own, asker, &at))) {
		const struct lease *owner = zone_by_address(&n->zone, &a);
		if (owner)
			return write_owner(owner, q, out, max);
		if (net_subnet_has(&n->subnet[a.family == AF_INET6], &a))
			return answer_error(q, PACKET_NXDOMAIN, out, max);
	}
	return 0;
}

/* Others are asked for a container that has a way out. */
static bool has_way_out(struct service *s, const struct network *own, const struct lease *asker)
{
	const struct network *n;
	int at = -1;

	while ((n = next_network(s, own, asker, &at)))
		if (!n->internal)
			return true;
	return false;
}

size_t answer_find(struct service *s, const struct network *own, const struct lease *asker,
        const struct packet_query *q, unsigned char *out, size_t max)
{
	static struct found f;
	const struct network *n;
	int at = -1;
	size_t len;

	/* A zone is nobody's to copy, and what is not of the internet is version.bind and the like. */
	if (q->class != PACKET_IN || q->type == PACKET_AXFR || q->type == PACKET_IXFR)
		return answer_error(q, PACKET_REFUSED, out, max);
	f.n = 0;
	f.known = false;
	if (q->printable)
		while ((n = next_network(s, own, asker, &at)))
			collect(&f, &n->zone, q);
	if (f.known)
		return write_found(s, &f, q, out, max);
	len = find_owner(s, own, asker, q, out, max);
	if (!len && !has_way_out(s, own, asker))
		return answer_error(q, PACKET_NXDOMAIN, out, max);
	return len;
}
