/* Links: the pair that joins a container to a bridge, macvlan, and what all kinds have in common. */
#include "net/link.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/veth.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/link_message.h"

/* IN6_ADDR_GEN_MODE_NONE under a name that old headers have too. */
#define ADDR_GEN_NONE 1

unsigned link_index(struct link_handle *h, const char *name)
{
	struct ifreq r = {0};

	if (strlen(name) >= sizeof r.ifr_name)
		return 0;
	memcpy(r.ifr_name, name, strlen(name));
	/* Any socket answers this, for the namespace that it was made in. */
	return ioctl(nl_socket_get_fd(h->sock), SIOCGIFINDEX, &r) == 0 ? (unsigned)r.ifr_ifindex : 0;
}

unsigned link_mtu(struct link_handle *h, const char *name)
{
	struct ifreq r = {0};

	if (strlen(name) >= sizeof r.ifr_name)
		return 0;
	memcpy(r.ifr_name, name, strlen(name));
	return ioctl(nl_socket_get_fd(h->sock), SIOCGIFMTU, &r) == 0 ? (unsigned)r.ifr_mtu : 0;
}

int link_remove(struct link_handle *h, const char *name, struct err *e)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};

	link_begin(h, RTM_DELLINK, 0, &info, sizeof info);
	link_put_text(h, IFLA_IFNAME, name);
	link_end(h, "cannot remove it", ENODEV);
	if (link_commit(h, e) < 0)
		return err_wrap(e, "link %s", name);
	return 0;
}

/* What rtnetlink says when the kernel lacks a kind of link, so that it can be told how to get it. */
static int explain(const char *kind, const char *name, struct err *e)
{
	if (e && e->sys == EOPNOTSUPP)
		return err_set(e, ERR_UNSUPPORTED,
		        "link %s: this kernel has no links of kind %s; try: modprobe %s", name, kind, kind);
	if (e && e->sys == EEXIST)
		return err_set(e, ERR_CONFLICT, "link %s: there is a link of that name already", name);
	return err_wrap(e, "link %s", name);
}

/* ---------------------------------------------------------------- pairs */

/* One queue each way: the kernel would make one per processor, and a pair is handed from processor to
 * processor without them. */
static void put_queues(struct link_handle *h)
{
	link_put_u32(h, IFLA_NUM_TX_QUEUES, 1);
	link_put_u32(h, IFLA_NUM_RX_QUEUES, 1);
}

/* The far end must not carry IFF_UP: a pair comes up one end after the other (ENOTCONN). */
static void put_peer(struct link_handle *h, const struct link_pair *p)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct nlattr *link, *data, *peer;

	link = link_nest(h, IFLA_LINKINFO);
	link_put_text(h, IFLA_INFO_KIND, "veth");
	data = link_nest(h, IFLA_INFO_DATA);
	peer = link_nest(h, VETH_INFO_PEER);
	if (nlmsg_append(h->building, &info, sizeof info, NLMSG_ALIGNTO) < 0)
		h->failed = true;
	link_put_text(h, IFLA_IFNAME, p->name);
	link_put(h, IFLA_ADDRESS, p->mac, NET_MAC_LEN);
	if (p->mtu)
		link_put_u32(h, IFLA_MTU, p->mtu);
	put_queues(h);
	link_put_u32(h, IFLA_NET_NS_FD, (uint32_t)p->netns_fd);
	link_nest_end(h, peer);
	link_nest_end(h, data);
	link_nest_end(h, link);
}

/* Hairpin: where bridged frames pass the host's NAT (br_netfilter), what a container sends to its own
 * published port comes back out of the port that it came in by. net/table.nft lets nothing else come back. */
static void put_port(struct link_handle *h, unsigned index, bool isolated)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	struct nlattr *outer, *inner;

	link_begin(h, RTM_NEWLINK, 0, &info, sizeof info);
	outer = link_nest(h, IFLA_LINKINFO);
	link_put_text(h, IFLA_INFO_SLAVE_KIND, "bridge");
	inner = link_nest(h, IFLA_INFO_SLAVE_DATA);
	link_put_u8(h, IFLA_BRPORT_MODE, 1);
	if (isolated)
		link_put_u8(h, IFLA_BRPORT_ISOLATED, 1);
	link_nest_end(h, inner);
	link_nest_end(h, outer);
	link_end(h, "cannot set up the bridge's port", 0);
}

/* Our end is a port and nothing more: no address of its own that a container could speak to, and no packets
 * that announce it. It is born without this, but as long as the far end is down nothing passes. */
static int pair_finish(struct link_handle *h, const struct link_pair *p, unsigned index, struct err *e)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	struct nlattr *outer, *inner;

	link_begin(h, RTM_NEWLINK, 0, &info, sizeof info);
	outer = link_nest(h, IFLA_AF_SPEC);
	inner = link_nest(h, AF_INET6);
	link_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE);
	link_nest_end(h, inner);
	link_nest_end(h, outer);
	link_end(h, "cannot keep it from taking an IPv6 address", EAFNOSUPPORT);
	put_port(h, index, p->isolated);
	if (link_commit(h, e) < 0)
		return err_wrap(e, "link %s", p->host_name);
	return 0;
}

int link_pair_create(struct link_handle *h, const struct link_pair *p, unsigned *host_index, struct err *e)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	link_begin(h, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
	link_put_text(h, IFLA_IFNAME, p->host_name);
	link_put_u32(h, IFLA_MASTER, p->bridge);
	if (p->mtu)
		link_put_u32(h, IFLA_MTU, p->mtu);
	put_queues(h);
	put_peer(h, p);
	link_end(h, "cannot make it", 0);
	if (link_commit(h, e) < 0)
		return explain("veth", p->host_name, e);
	*host_index = link_index(h, p->host_name);
	if (!*host_index)
		return err_set(e, ERR_CONFLICT, "link %s was removed as soon as it was made", p->host_name);
	return pair_finish(h, p, *host_index, e);
}

int link_port_join(
        struct link_handle *h, const char *host_name, unsigned bridge, bool isolated, struct err *e)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
	        .ifi_index = (int)link_index(h, host_name),
	        .ifi_flags = IFF_UP,
	        .ifi_change = IFF_UP};

	if (!info.ifi_index)
		return err_set(e, ERR_NOT_FOUND, "there is no link %s", host_name);
	link_begin(h, RTM_NEWLINK, 0, &info, sizeof info);
	link_put_u32(h, IFLA_MASTER, bridge);
	link_end(h, "cannot make it a port", 0);
	put_port(h, (unsigned)info.ifi_index, isolated);
	return link_commit(h, e) == 0 ? 0 : err_wrap(e, "link %s", host_name);
}

/* ---------------------------------------------------------------- macvlan */

static int macvlan_mode(const char *name, struct err *e)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = {
	        {"bridge", MACVLAN_MODE_BRIDGE},
	        {"private", MACVLAN_MODE_PRIVATE},
	        {"vepa", MACVLAN_MODE_VEPA},
	        {"passthru", MACVLAN_MODE_PASSTHRU},
	};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(name ? name : "bridge", modes[i].name) == 0)
			return modes[i].mode;
	}
	return err_set(e, ERR_USAGE,
	        "unknown macvlan mode \"%.40s\"; known are bridge, private, vepa and passthru", name);
}

int link_macvlan_create(struct link_handle *h, const struct link_macvlan *m, struct err *e)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	unsigned parent = link_index(h, m->parent);
	struct nlattr *link, *data;
	int mode = macvlan_mode(m->mode, e);

	if (mode < 0)
		return -1;
	if (!parent)
		return err_set(e, ERR_NOT_FOUND, "there is no link %s to put a macvlan on", m->parent);
	link_begin(h, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
	link_put_text(h, IFLA_IFNAME, m->name);
	link_put(h, IFLA_ADDRESS, m->mac, NET_MAC_LEN);
	link_put_u32(h, IFLA_LINK, parent);
	if (m->mtu)
		link_put_u32(h, IFLA_MTU, m->mtu);
	link_put_u32(h, IFLA_NET_NS_FD, (uint32_t)m->netns_fd);
	link = link_nest(h, IFLA_LINKINFO);
	link_put_text(h, IFLA_INFO_KIND, "macvlan");
	data = link_nest(h, IFLA_INFO_DATA);
	link_put_u32(h, IFLA_MACVLAN_MODE, (uint32_t)mode);
	link_nest_end(h, data);
	link_nest_end(h, link);
	link_end(h, "cannot make it", 0);
	if (link_commit(h, e) == 0)
		return 0;
	explain("macvlan", m->name, e);
	return err_wrap(e, "macvlan on %s", m->parent);
}
