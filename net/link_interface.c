/* The inside of a container: its end of a pair gets addresses and routes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/defence.h"
#include "base/err.h"
#include "net/link_message.h"

#define LOOPBACK_INDEX 1 /* of lo, in every network namespace */
#define MOST_LINKS     4096

void link_add_address(struct link_handle *h, unsigned index, const struct net_address *a, unsigned prefix)
{
	struct ifaddrmsg m = {.ifa_family = (unsigned char)a->family,
	        .ifa_prefixlen = (unsigned char)prefix,
	        .ifa_index = index,
	        .ifa_flags = a->family == AF_INET6 ? IFA_F_NODAD : 0};

	link_begin(h, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m);
	link_put_address(h, IFA_LOCAL, a);
	if (a->family == AF_INET) {
		struct net_subnet s = net_subnet_of(a, prefix);
		struct net_address last = s.base;
		for (unsigned bit = prefix; bit < 32; bit++)
			last.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
		if (prefix < 31)
			link_put_address(h, IFA_BROADCAST, &last);
	}
	link_end(h,
	        a->family == AF_INET ? "cannot give it its IPv4 address" : "cannot give it its IPv6 address",
	        EEXIST);
}

static void put_up(struct link_handle *h, unsigned index, const char *what)
{
	struct ifinfomsg info = {
	        .ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	link_begin(h, RTM_NEWLINK, 0, &info, sizeof info);
	link_end(h, what, 0);
}

static void put_default_route(
        struct link_handle *h, unsigned index, const struct net_address *gateway, unsigned metric)
{
	struct rtmsg m = {.rtm_family = (unsigned char)gateway->family,
	        .rtm_table = RT_TABLE_MAIN,
	        .rtm_protocol = RTPROT_STATIC,
	        .rtm_scope = RT_SCOPE_UNIVERSE,
	        .rtm_type = RTN_UNICAST};

	link_begin(h, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m);
	link_put_address(h, RTA_GATEWAY, gateway);
	link_put_u32(h, RTA_OIF, index);
	if (metric)
		link_put_u32(h, RTA_PRIORITY, metric);
	link_end(h,
	        gateway->family == AF_INET ? "cannot set the IPv4 default route"
	                                   : "cannot set the IPv6 default route",
	        0);
}

/* While it is down. Whoever else is in the network could make himself the container's router by one
 * advertisement (CVE-2020-13401); and without an address that was asked for there is no IPv6 at all, or
 * every container could speak to every other by its link-local one. */
static int quieten(const char *link, bool ipv6, struct err *e)
{
	if (!DEFENCE("router-advertisement"))
		return 0;
	if (link_sysctl("ipv6", link, "accept_ra", "0", !ipv6, e) < 0)
		return -1;
	return ipv6 ? 0 : link_sysctl("ipv6", link, "disable_ipv6", "1", true, e);
}

static int visit_and_quieten(int netns_fd, const char *link, bool ipv6, struct err *e)
{
	cleanup_visit int home = -1;

	if (link_visit(netns_fd, &home, e) < 0)
		return -1;
	return quieten(link, ipv6, e);
}

static int setup(struct link_handle *h, int netns_fd, const struct link_interface *i, struct err *e)
{
	unsigned index = link_index(h, i->name);

	if (!index)
		return err_set(e, ERR_NOT_FOUND, "the container has no such link");
	if (visit_and_quieten(netns_fd, i->name, i->address[1].family != 0, e) < 0)
		return -1;
	put_up(h, LOOPBACK_INDEX, "cannot bring lo up");
	put_up(h, index, "cannot bring it up");
	for (int f = 0; f < 2; f++) {
		if (i->address[f].family)
			link_add_address(h, index, &i->address[f], i->prefix[f]);
	}
	for (int f = 0; f < 2; f++) {
		if (i->gateway[f].family)
			put_default_route(h, index, &i->gateway[f], i->metric);
	}
	return link_commit(h, e);
}

int link_interface_setup(struct link_handle *h, int netns_fd, const struct link_interface *i, struct err *e)
{
	if (setup(h, netns_fd, i, e) < 0)
		return err_wrap(e, "interface %s", i->name);
	return 0;
}

int link_next_name(struct link_handle *h, char name[IFNAMSIZ], struct err *e)
{
	for (unsigned n = 0; n < MOST_LINKS; n++) {
		snprintf(name, IFNAMSIZ, "eth%u", n);
		if (!link_index(h, name))
			return 0;
	}
	return err_set(e, ERR_NO_SPACE, "the container has %d links already", MOST_LINKS);
}
