/* Bridges: each network's, with the gateway's addresses. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/link_message.h"

/* What there is of it. */
struct found {
	const struct link_bridge *wanted;
	bool any, is_bridge, complete;
};

/* `want` at `index` of an array of 32-bit settings (IFLA_INET_CONF, IFLA_INET6_CONF). */
static bool setting_is(struct nlattr *array, unsigned index, uint32_t want)
{
	uint32_t v;

	if (!array || (size_t)nla_len(array) < (index + 1) * sizeof v)
		return false;
	memcpy(&v, (const char *)nla_data(array) + index * sizeof v, sizeof v);
	return v == want;
}

/* The settings that are written when it is made are still there. */
static bool settings_fit(const struct link_bridge *b, struct nlattr *spec)
{
	struct nlattr *v4 = nla_find(nla_data(spec), nla_len(spec), AF_INET);
	struct nlattr *v6 = nla_find(nla_data(spec), nla_len(spec), AF_INET6);

	if (v4)
		v4 = nla_find(nla_data(v4), nla_len(v4), IFLA_INET_CONF);
	if (!setting_is(v4, IPV4_DEVCONF_ROUTE_LOCALNET - 1, b->route_localnet))
		return false;
	/* A kernel without IPv6 has none. */
	if (v6)
		v6 = nla_find(nla_data(v6), nla_len(v6), IFLA_INET6_CONF);
	return !v6 || setting_is(v6, DEVCONF_ACCEPT_RA, 0);
}

static int look(const struct nlmsghdr *m, void *arg, struct err *e)
{
	struct nlattr *a[IFLA_MAX + 1], *kind;
	const struct ifinfomsg *info = nlmsg_data(m);
	struct found *f = arg;
	const struct link_bridge *b = f->wanted;

	(void)e;
	if (m->nlmsg_type != RTM_NEWLINK ||
	        nlmsg_parse((struct nlmsghdr *)m, sizeof *info, a, IFLA_MAX, NULL) < 0)
		return 0;
	f->any = true;
	kind = a[IFLA_LINKINFO]
	               ? nla_find(nla_data(a[IFLA_LINKINFO]), nla_len(a[IFLA_LINKINFO]), IFLA_INFO_KIND)
	               : NULL;
	f->is_bridge = kind && nla_strcmp(kind, "bridge") == 0;
	f->complete = info->ifi_flags & IFF_UP && a[IFLA_ADDRESS] &&
	              nla_len(a[IFLA_ADDRESS]) == NET_MAC_LEN &&
	              memcmp(nla_data(a[IFLA_ADDRESS]), b->mac, NET_MAC_LEN) == 0 &&
	              (!b->mtu || (a[IFLA_MTU] && nla_get_u32(a[IFLA_MTU]) == b->mtu)) && a[IFLA_AF_SPEC] &&
	              settings_fit(b, a[IFLA_AF_SPEC]);
	return 0;
}

static int find(struct link_handle *h, struct found *f, struct err *e)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};

	link_begin(h, RTM_GETLINK, 0, &info, sizeof info);
	link_put_text(h, IFLA_IFNAME, f->wanted->name);
	link_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	link_end(h, "cannot look for it", ENODEV);
	return link_ask(h, look, f, e);
}

/* Down, so that it does nothing before it is set up. No spanning tree: a port forwards at once. */
static void put_new(struct link_handle *h, const struct link_bridge *b)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	/* A frame to 01:80:c2:00:00:0e, which no rule of a bridge sees, would else teach it that a
	 * neighbour's link address is at the sender's port. */
	struct br_boolopt_multi options = {
	        .optval = 1 << BR_BOOLOPT_NO_LL_LEARN, .optmask = 1 << BR_BOOLOPT_NO_LL_LEARN};
	struct nlattr *link, *data;

	link_begin(h, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
	link_put_text(h, IFLA_IFNAME, b->name);
	link_put(h, IFLA_ADDRESS, b->mac, NET_MAC_LEN);
	link = link_nest(h, IFLA_LINKINFO);
	link_put_text(h, IFLA_INFO_KIND, "bridge");
	data = link_nest(h, IFLA_INFO_DATA);
	link_put_u32(h, IFLA_BR_STP_STATE, 0);
	link_put_u32(h, IFLA_BR_FORWARD_DELAY, 0);
	/* Without somebody who asks for members, snooping would after a while drop what it should pass
	 * (neighbour discovery among it). */
	link_put_u8(h, IFLA_BR_MCAST_SNOOPING, 0);
	link_put(h, IFLA_BR_MULTI_BOOLOPT, &options, sizeof options);
	link_nest_end(h, data);
	link_nest_end(h, link);
	/* Another start may make it in the same moment. */
	link_end(h, "cannot make it", EEXIST);
}

/* An MTU that a bridge is born with would be another one as soon as its last port leaves; it keeps the one
 * that it is given later. */
static void put_settings(struct link_handle *h, const struct link_bridge *b, unsigned index)
{
	struct ifinfomsg info = {
	        .ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct nlattr *spec, *family, *conf;

	link_begin(h, RTM_NEWLINK, 0, &info, sizeof info);
	link_put(h, IFLA_ADDRESS, b->mac, NET_MAC_LEN);
	if (b->mtu)
		link_put_u32(h, IFLA_MTU, b->mtu);
	spec = link_nest(h, IFLA_AF_SPEC);
	family = link_nest(h, AF_INET);
	conf = link_nest(h, IFLA_INET_CONF);
	link_put_u32(h, IPV4_DEVCONF_ROUTE_LOCALNET, b->route_localnet);
	link_nest_end(h, conf);
	link_nest_end(h, family);
	link_nest_end(h, spec);
	link_end(h, "cannot set it up", 0);
}

static int complete(struct link_handle *h, const struct link_bridge *b, unsigned index, struct err *e)
{
	/* Before it comes up. A host that listened to its own containers' router advertisements would send
	 * them its traffic (CVE-2020-13401); its addresses are nobody else's, so asking for duplicates only
	 * delays. */
	if (link_sysctl("ipv6", b->name, "accept_ra", "0", true, e) < 0 ||
	        link_sysctl("ipv6", b->name, "accept_dad", "0", true, e) < 0)
		return -1;
	put_settings(h, b, index);
	return link_commit(h, e);
}

static int ensure(struct link_handle *h, const struct link_bridge *b, unsigned *index, struct err *e)
{
	struct found f = {.wanted = b};

	if (find(h, &f, e) < 0)
		return -1;
	if (!f.any) {
		put_new(h, b);
		if (link_commit(h, e) < 0 || find(h, &f, e) < 0)
			return -1;
	}
	if (f.any && !f.is_bridge)
		return err_set(e, ERR_CONFLICT,
		        "there is a link of that name that is no bridge; remove it with: "
		        "ip link delete %s",
		        b->name);
	*index = link_index(h, b->name);
	if (!*index)
		return err_set(e, ERR_CONFLICT, "it was removed as soon as it was made");
	if (!f.complete && complete(h, b, *index, e) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		if (b->address[i].family)
			link_add_address(h, *index, &b->address[i], b->prefix[i]);
	}
	if (link_commit(h, e) < 0)
		return -1;
	if (!f.complete)
		link_await_address(h, &b->address[1]);
	return 0;
}

int link_bridge_ensure(struct link_handle *h, const struct link_bridge *b, unsigned *index, struct err *e)
{
	if (ensure(h, b, index, e) == 0)
		return 0;
	if (e && e->sys == EOPNOTSUPP)
		return err_set(e, ERR_UNSUPPORTED,
		        "bridge %s: this kernel has no bridges; try: modprobe bridge", b->name);
	return err_wrap(e, "bridge %s", b->name);
}
