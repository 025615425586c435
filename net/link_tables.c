/* What the kernel's tables of links, addresses and routes say. */
#include <errno.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/link_message.h"

#define LOOPBACK_INDEX 1
#define TRIES          5 /* of a dump that others' changes spoil */

/* Ask again when a table changed under the dump; `reset` forgets what the spoilt one gave. */
static int ask_again(
        struct link_handle *h, int type, link_answer_fn fn, void (*reset)(void *), void *arg, struct err *e)
{
	struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
	struct err mine = ERR_INIT;

	for (int i = 0; i < TRIES; i++) {
		reset(arg);
		link_begin(h, type, NLM_F_DUMP, &all, sizeof all);
		if (type == RTM_GETLINK)
			link_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		link_end(h, "cannot read the kernel's tables", 0);
		mine = (struct err)ERR_INIT;
		if (link_ask(h, fn, arg, &mine) == 0)
			return 0;
		if (mine.sys != EAGAIN)
			break;
	}
	if (e)
		*e = mine;
	return -1;
}

/* ---------------------------------------------------------------- subnets */

struct subnets {
	struct net_subnet *rows;
	size_t n, room, keep; /* keep: what a dump before this one gave */
	unsigned but;         /* index of the link that is left out, 0: none */
};

static void subnets_reset(void *arg)
{
	struct subnets *s = arg;

	s->n = s->keep;
}

static int subnets_add(struct subnets *s, const struct net_address *a, unsigned prefix, struct err *e)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 32;
		struct net_subnet *rows = reallocarray(s->rows, room, sizeof *rows);
		if (!rows)
			return err_no_memory(e);
		s->rows = rows;
		s->room = room;
	}
	s->rows[s->n++] = net_subnet_of(a, prefix);
	return 0;
}

static bool address_take(struct net_address *a, int family, struct nlattr *from)
{
	*a = (struct net_address){.family = family};
	if (!from || (family != AF_INET && family != AF_INET6) || (size_t)nla_len(from) != net_address_len(a))
		return false;
	memcpy(a->bytes, nla_data(from), net_address_len(a));
	return true;
}

static int take_route(const struct nlmsghdr *m, void *arg, struct err *e)
{
	const struct rtmsg *r = nlmsg_data(m);
	struct nlattr *a[RTA_MAX + 1];
	struct subnets *s = arg;
	struct net_address to;
	unsigned out;

	if (m->nlmsg_type != RTM_NEWROUTE ||
	        nlmsg_parse((struct nlmsghdr *)m, sizeof *r, a, RTA_MAX, NULL) < 0)
		return 0;
	out = a[RTA_OIF] ? nla_get_u32(a[RTA_OIF]) : 0;
	if (!r->rtm_dst_len || r->rtm_flags & RTM_F_CLONED || (s->but && out == s->but) ||
	        !address_take(&to, r->rtm_family, a[RTA_DST]))
		return 0;
	if (out == LOOPBACK_INDEX && r->rtm_dst_len == 8 * net_address_len(&to))
		return 0;
	return subnets_add(s, &to, r->rtm_dst_len, e);
}

static int take_address(const struct nlmsghdr *m, void *arg, struct err *e)
{
	const struct ifaddrmsg *i = nlmsg_data(m);
	struct nlattr *a[IFA_MAX + 1];
	struct subnets *s = arg;
	struct net_address own;

	if (m->nlmsg_type != RTM_NEWADDR ||
	        nlmsg_parse((struct nlmsghdr *)m, sizeof *i, a, IFA_MAX, NULL) < 0)
		return 0;
	if (i->ifa_index == s->but || i->ifa_index == LOOPBACK_INDEX ||
	        !address_take(&own, i->ifa_family, a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS]))
		return 0;
	return subnets_add(s, &own, i->ifa_prefixlen, e);
}

static int by_subnet(const void *a, const void *b)
{
	const struct net_subnet *x = a, *y = b;
	int order = net_address_compare(&x->base, &y->base);

	return order ? order : (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

static void sort_unique(struct subnets *s)
{
	size_t kept = 0;

	if (!s->n)
		return;
	qsort(s->rows, s->n, sizeof *s->rows, by_subnet);
	for (size_t i = 1; i < s->n; i++) {
		if (by_subnet(&s->rows[kept], &s->rows[i]) != 0)
			s->rows[++kept] = s->rows[i];
	}
	s->n = kept + 1;
}

int link_routes(struct link_handle *h, const char *but, struct net_subnet **list, size_t *n, struct err *e)
{
	struct subnets s = {.but = but ? link_index(h, but) : 0};

	*list = NULL;
	*n = 0;
	/* Addresses too: the route of one is missing while its link is down. */
	if (ask_again(h, RTM_GETROUTE, take_route, subnets_reset, &s, e) < 0) {
		free(s.rows);
		return err_wrap(e, "cannot read the host's routes");
	}
	s.keep = s.n;
	if (ask_again(h, RTM_GETADDR, take_address, subnets_reset, &s, e) < 0) {
		free(s.rows);
		return err_wrap(e, "cannot read the host's addresses");
	}
	sort_unique(&s);
	*list = s.rows;
	*n = s.n;
	return 0;
}

/* ---------------------------------------------------------------- the default route */

struct default_route {
	int family;
	unsigned out, metric; /* the one that the kernel takes: the least metric */
};

static void default_reset(void *arg)
{
	struct default_route *d = arg;

	*d = (struct default_route){0};
}

/* Of several ways the first. */
static unsigned way_out(struct nlattr **a)
{
	const struct rtnexthop *first = a[RTA_MULTIPATH] ? nla_data(a[RTA_MULTIPATH]) : NULL;

	if (a[RTA_OIF])
		return nla_get_u32(a[RTA_OIF]);
	return first && (size_t)nla_len(a[RTA_MULTIPATH]) >= sizeof *first ? (unsigned)first->rtnh_ifindex
	                                                                   : 0;
}

static int take_default(const struct nlmsghdr *m, void *arg, struct err *e)
{
	const struct rtmsg *r = nlmsg_data(m);
	struct nlattr *a[RTA_MAX + 1];
	struct default_route *d = arg;

	(void)e;
	if (m->nlmsg_type != RTM_NEWROUTE ||
	        nlmsg_parse((struct nlmsghdr *)m, sizeof *r, a, RTA_MAX, NULL) < 0)
		return 0;
	unsigned out = way_out(a), metric = a[RTA_PRIORITY] ? nla_get_u32(a[RTA_PRIORITY]) : 0;
	if (r->rtm_dst_len || r->rtm_type != RTN_UNICAST || r->rtm_table != RT_TABLE_MAIN || !out ||
	        (r->rtm_family != AF_INET && r->rtm_family != AF_INET6))
		return 0;
	if (d->out && (d->family == r->rtm_family ? d->metric <= metric : d->family == AF_INET))
		return 0;
	*d = (struct default_route){r->rtm_family, out, metric};
	return 0;
}

unsigned link_default_mtu(struct link_handle *h)
{
	struct default_route d;
	struct ifreq r = {0};

	if (ask_again(h, RTM_GETROUTE, take_default, default_reset, &d, NULL) < 0 || !d.out)
		return 0;
	r.ifr_ifindex = (int)d.out;
	return ioctl(nl_socket_get_fd(h->sock), SIOCGIFNAME, &r) == 0 ? link_mtu(h, r.ifr_name) : 0;
}

/* ---------------------------------------------------------------- names */

struct names {
	char **list;
	unsigned master; /* those of its ports alone, 0: all */
};

static void names_reset(void *arg)
{
	struct names *n = arg;

	strv_free(n->list);
	n->list = NULL;
}

static int take_name(const struct nlmsghdr *m, void *arg, struct err *e)
{
	const struct ifinfomsg *info = nlmsg_data(m);
	struct nlattr *a[IFLA_MAX + 1];
	struct names *n = arg;

	if (m->nlmsg_type != RTM_NEWLINK || info->ifi_index == LOOPBACK_INDEX ||
	        nlmsg_parse((struct nlmsghdr *)m, sizeof *info, a, IFLA_MAX, NULL) < 0)
		return 0;
	if (n->master && (!a[IFLA_MASTER] || nla_get_u32(a[IFLA_MASTER]) != n->master))
		return 0;
	if (!a[IFLA_IFNAME] || strnlen(nla_data(a[IFLA_IFNAME]), (size_t)nla_len(a[IFLA_IFNAME])) ==
	                               (size_t)nla_len(a[IFLA_IFNAME]))
		return 0;
	return strv_add(&n->list, nla_get_string(a[IFLA_IFNAME])) < 0 ? err_no_memory(e) : 0;
}

static int names_of(struct link_handle *h, unsigned master, char ***names, struct err *e)
{
	struct names n = {.master = master};

	*names = NULL;
	if (ask_again(h, RTM_GETLINK, take_name, names_reset, &n, e) != 0) {
		names_reset(&n);
		return err_wrap(e, "cannot list the links");
	}
	*names = n.list;
	return 0;
}

int link_names(struct link_handle *h, char ***names, struct err *e)
{
	return names_of(h, 0, names, e);
}

int link_ports(struct link_handle *h, unsigned bridge, char ***names, struct err *e)
{
	return names_of(h, bridge, names, e);
}
