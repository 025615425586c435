/* Traffic of all links by one dump. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/link_message.h"

static int grow(struct link_stats_list *l, struct err *e)
{
	size_t room = l->room ? 2 * l->room : 64;
	struct link_stats *rows = reallocarray(l->rows, room, sizeof *rows);

	if (!rows)
		return err_no_memory(e);
	l->rows = rows;
	l->room = room;
	return 0;
}

static int take_stats(const struct nlmsghdr *m, void *arg, struct err *e)
{
	const struct if_stats_msg *info = nlmsg_data(m);
	struct link_stats_list *l = arg;
	struct rtnl_link_stats64 s;
	struct nlattr *a;

	if (m->nlmsg_type != RTM_NEWSTATS)
		return 0;
	a = nlmsg_find_attr((struct nlmsghdr *)m, sizeof *info, IFLA_STATS_LINK_64);
	/* Newer kernels append to it. */
	if (!a || (size_t)nla_len(a) < offsetof(struct rtnl_link_stats64, multicast))
		return 0;
	if (l->n == l->room && grow(l, e) < 0)
		return -1;
	memcpy(&s, nla_data(a), offsetof(struct rtnl_link_stats64, multicast));
	l->rows[l->n++] = (struct link_stats){
	        .index = info->ifindex,
	        .rx_bytes = s.rx_bytes,
	        .tx_bytes = s.tx_bytes,
	        .rx_packets = s.rx_packets,
	        .tx_packets = s.tx_packets,
	        .rx_dropped = s.rx_dropped,
	        .tx_dropped = s.tx_dropped,
	};
	return 0;
}

static int by_index(const void *a, const void *b)
{
	const struct link_stats *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

/* Since Linux 6.8 they come sorted; qsort(3) would allocate even so. */
static void sort(struct link_stats_list *l)
{
	for (size_t i = 1; i < l->n; i++) {
		if (l->rows[i - 1].index > l->rows[i].index) {
			qsort(l->rows, l->n, sizeof *l->rows, by_index);
			return;
		}
	}
}

int link_stats_read(struct link_handle *h, struct link_stats_list *l, struct err *e)
{
	struct if_stats_msg filter = {
	        .family = AF_UNSPEC, .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)};
	struct err mine = ERR_INIT;

	l->n = 0;
	link_begin(h, RTM_GETSTATS, NLM_F_DUMP, &filter, sizeof filter);
	link_end(h, "cannot read the traffic of links", 0);
	/* A link that came or went during the dump is no error: the next sample has it right. */
	if (link_ask(h, take_stats, l, &mine) < 0 && mine.sys != EAGAIN) {
		if (e)
			*e = mine;
		return -1;
	}
	sort(l);
	return 0;
}

void link_stats_free(struct link_stats_list *l)
{
	free(l->rows);
	*l = (struct link_stats_list){0};
}
