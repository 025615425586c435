/* What conntrack remembers of UDP. A rule of NAT sees the first packet of a flow alone, and a client that
 * keeps its port (a log sender, a resolver, WireGuard) never begins another one: it would go on speaking to
 * the container that had the port before, or to the host, as if no port had been published. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/err.h"
#include "base/file.h"
#include "net/nft_batch.h"

#define CONNTRACK(type) (NFNL_SUBSYS_CTNETLINK << 8 | (type))
/* Which fields of a tuple a filter is about; the kernel's include/net/netfilter/nf_conntrack_tuple.h has no
 * copy for programs (5.8; what is older sends everything). */
#define FILTER_PROTO_NUM      (1 << 3)
#define FILTER_PROTO_DST_PORT (1 << 5)

struct tuple {
	struct net_address from, to;
	int protocol;
	uint16_t to_port, from_port;
};

struct search {
	const struct nft_port *ports;
	size_t n;
	unsigned char host_ports[(UINT16_MAX + 1) / 8]; /* a bit each: few of all flows are to one of them */
	enum nft_flows which;
	const struct ifaddrs *own; /* the host's addresses */
	struct buf removals;
};

static bool put_address(struct net_address *a, struct nlattr *value)
{
	if (!value || (nla_len(value) != 4 && nla_len(value) != 16))
		return false;
	a->family = nla_len(value) == 4 ? AF_INET : AF_INET6;
	memcpy(a->bytes, nla_data(value), (size_t)nla_len(value));
	return true;
}

static uint16_t port_in(struct nlattr *value)
{
	return value && nla_len(value) >= 2 ? ntohs(nla_get_u16(value)) : 0;
}

static bool read_tuple(struct nlattr *outer, struct tuple *t)
{
	struct nlattr *part[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *proto[CTA_PROTO_MAX + 1];

	memset(t, 0, sizeof *t);
	if (!outer || nla_parse_nested(part, CTA_TUPLE_MAX, outer, NULL) < 0 || !part[CTA_TUPLE_IP] ||
	        !part[CTA_TUPLE_PROTO] || nla_parse_nested(ip, CTA_IP_MAX, part[CTA_TUPLE_IP], NULL) < 0 ||
	        nla_parse_nested(proto, CTA_PROTO_MAX, part[CTA_TUPLE_PROTO], NULL) < 0 ||
	        !proto[CTA_PROTO_NUM])
		return false;
	t->protocol = nla_get_u8(proto[CTA_PROTO_NUM]);
	t->from_port = port_in(proto[CTA_PROTO_SRC_PORT]);
	t->to_port = port_in(proto[CTA_PROTO_DST_PORT]);
	return put_address(&t->from, ip[CTA_IP_V4_SRC] ? ip[CTA_IP_V4_SRC] : ip[CTA_IP_V6_SRC]) &&
	       put_address(&t->to, ip[CTA_IP_V4_DST] ? ip[CTA_IP_V4_DST] : ip[CTA_IP_V6_DST]);
}

static bool is_own(const struct ifaddrs *own, const struct net_address *a)
{
	for (; own; own = own->ifa_next) {
		const struct sockaddr *s = own->ifa_addr;
		const void *bytes;

		if (!s || s->sa_family != a->family)
			continue;
		bytes = s->sa_family == AF_INET
		                ? (const void *)&((const struct sockaddr_in *)(const void *)s)->sin_addr
		                : &((const struct sockaddr_in6 *)(const void *)s)->sin6_addr;
		if (!memcmp(bytes, a->bytes, net_address_len(a)))
			return true;
	}
	return false;
}

/* Did it begin with a packet to the published port? What goes to that port of another host is nobody's
 * business. */
static bool is_to_port(const struct search *s, const struct nft_port *p, const struct tuple *orig)
{
	static const unsigned char any[16];

	if (orig->protocol != p->protocol || orig->to_port != p->host_port ||
	        orig->to.family != p->host.family)
		return false;
	return (!memcmp(p->host.bytes, any, net_address_len(&p->host)) ||
	               net_address_equal(&p->host, &orig->to)) &&
	       is_own(s->own, &orig->to);
}

static bool is_wanted(
        enum nft_flows which, const struct nft_port *p, const struct tuple *orig, const struct tuple *reply)
{
	bool arrives = net_address_equal(&reply->from, &p->to) && reply->from_port == p->to_port;
	bool translated = !net_address_equal(&reply->from, &orig->to) || reply->from_port != orig->to_port;

	switch (which) {
	case NFT_FLOWS_ELSEWHERE:
		return !arrives;
	case NFT_FLOWS_TO_HOST:
		return !translated;
	case NFT_FLOWS_TO_IT:
		return arrives;
	}
	return false;
}

static bool is_over(const struct search *s, const struct tuple *orig, const struct tuple *reply)
{
	if (!(s->host_ports[orig->to_port / 8] & 1 << orig->to_port % 8))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (is_to_port(s, &s->ports[i], orig) && is_wanted(s->which, &s->ports[i], orig, reply))
			return true;
	return false;
}

static int take_flow(const struct nlmsghdr *m, void *arg)
{
	struct search *s = arg;
	const struct nfgenmsg *head = NLMSG_DATA(m);
	struct nlattr *a[CTA_MAX + 1];
	static const int copied[] = {CTA_TUPLE_ORIG, CTA_ZONE, CTA_ID};
	struct tuple orig, reply;
	size_t removal;

	if (nlmsg_parse((struct nlmsghdr *)m, sizeof *head, a, CTA_MAX, NULL) < 0 ||
	        !read_tuple(a[CTA_TUPLE_ORIG], &orig) || !read_tuple(a[CTA_TUPLE_REPLY], &reply) ||
	        !is_over(s, &orig, &reply))
		return 0;
	removal = wire_begin(&s->removals, CONNTRACK(IPCTNL_MSG_CT_DELETE), 0, head->nfgen_family, 2);
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		if (a[copied[i]])
			wire_put(&s->removals, a[copied[i]]->nla_type, nla_data(a[copied[i]]),
			        (size_t)nla_len(a[copied[i]]));
	wire_end(&s->removals, removal);
	return 0;
}

/* Of UDP alone, and of one port when that is all. */
static void put_filter(struct buf *b, const struct search *s)
{
	uint8_t protocol = IPPROTO_UDP;
	uint16_t port = htons(s->ports->host_port);
	uint32_t fields = FILTER_PROTO_NUM | (s->n == 1 ? FILTER_PROTO_DST_PORT : 0), none = 0;
	size_t outer = wire_nest(b, CTA_TUPLE_ORIG), inner = wire_nest(b, CTA_TUPLE_PROTO);

	wire_put(b, CTA_PROTO_NUM, &protocol, sizeof protocol);
	wire_put(b, CTA_PROTO_DST_PORT, &port, sizeof port);
	wire_nest_end(b, inner);
	wire_nest_end(b, outer);
	outer = wire_nest(b, CTA_FILTER);
	wire_put(b, CTA_FILTER_ORIG_FLAGS, &fields, sizeof fields);
	wire_put(b, CTA_FILTER_REPLY_FLAGS, &none, sizeof none);
	wire_nest_end(b, outer);
}

/* What is gone by itself meanwhile needs no removal. */
static int take_nothing(const struct nlmsghdr *m, void *arg)
{
	(void)m;
	(void)arg;
	return 0;
}

/* Those of one family. */
static int forget(int socket, struct search *s, int family)
{
	cleanup_buf struct buf request = BUF_INIT;
	size_t m = wire_begin(&request, CONNTRACK(IPCTNL_MSG_CT_GET), NLM_F_DUMP, (unsigned)family, 1);
	int r;

	put_filter(&request, s);
	wire_end(&request, m);
	r = wire_dump(socket, &request, take_flow, s);
	if (!r && s->removals.len && wire_send(socket, &s->removals) < 0)
		r = -1;
	buf_free(&s->removals);
	return r ? r : wire_receive(socket, take_nothing, NULL);
}

int nft_forget_flows(int socket, const struct nft_port *ports, size_t n, enum nft_flows which, struct err *e)
{
	struct search s = {.ports = ports, .n = n, .which = which};
	struct ifaddrs *own = NULL;
	bool any[2] = {false, false};
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (ports[i].protocol != IPPROTO_UDP)
			continue;
		any[ports[i].host.family == AF_INET6] = true;
		s.host_ports[ports[i].host_port / 8] |= (unsigned char)(1 << ports[i].host_port % 8);
	}
	if (!any[0] && !any[1])
		return 0;
	if (getifaddrs(&own) < 0)
		return err_sys(e, "cannot read this host's addresses");
	s.own = own;
	for (int f = 0; f < 2 && !r; f++)
		r = any[f] ? forget(socket, &s, f ? AF_INET6 : AF_INET) : 0;
	freeifaddrs(own);
	return r < 0 ? err_sys(e, "cannot end the flows to the port that was published") : 0;
}
