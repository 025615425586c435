/* The kernel finishes a new link in workers of its own: its port begins to forward when the carrier is
 * noticed, its IPv6 address is answered for when the check for duplicates has run (that it is to be left out
 * is noticed there). What is sent before is lost, and a lost question for a neighbour is put again after a
 * whole second. */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "base/err.h"
#include "net/link_message.h"

#define OPER_UP 6 /* IF_OPER_UP of linux/if.h, which cannot stand beside net/if.h */
#define NAP_US  50
#define NAPS    1000 /* of the length that a timer's slack makes them: a tenth of a second */

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = NAP_US * 1000L}, NULL);
}

static int take_state(const struct nlmsghdr *m, void *arg, struct err *e)
{
	struct nlattr *state =
	        nlmsg_find_attr((struct nlmsghdr *)m, sizeof(struct ifinfomsg), IFLA_OPERSTATE);

	(void)e;
	*(bool *)arg = state && nla_get_u8(state) == OPER_UP;
	return 0;
}

/* Since Linux 6.8 to ask is to have it noticed. */
static void await_carrier(struct link_handle *h, unsigned index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	bool up = false;

	for (int i = 0; i < NAPS; i++) {
		link_begin(h, RTM_GETLINK, 0, &info, sizeof info);
		link_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		link_end(h, "", 0);
		/* One that has gone again, or somebody has taken down, is not waited for. */
		if (link_ask(h, take_state, &up, NULL) < 0 || up)
			return;
		nap();
	}
}

static int take_type(const struct nlmsghdr *m, void *arg, struct err *e)
{
	const struct rtmsg *r = nlmsg_data(m);

	(void)e;
	*(bool *)arg = m->nlmsg_type == RTM_NEWROUTE && r->rtm_type == RTN_LOCAL;
	return 0;
}

void link_await_address(struct link_handle *h, const struct net_address *a)
{
	struct rtmsg m = {.rtm_family = AF_INET6, .rtm_dst_len = 8 * sizeof a->bytes};
	bool local = false;

	if (a->family != AF_INET6)
		return;
	for (int i = 0; i < NAPS; i++) {
		link_begin(h, RTM_GETROUTE, 0, &m, sizeof m);
		link_put_address(h, RTA_DST, a);
		link_end(h, "", ENETUNREACH);
		if (link_ask(h, take_type, &local, NULL) < 0 || local)
			return;
		nap();
	}
}

void link_settle(struct link_handle *host, unsigned host_index, unsigned bridge, struct link_handle *inside,
        const struct net_address *address6)
{
	if (host_index) {
		await_carrier(host, host_index);
		await_carrier(host, bridge);
	}
	link_await_address(inside, address6);
}
