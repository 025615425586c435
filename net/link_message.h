/* Requests to rtnetlink, several in one sendmsg(2), and its answers. For the files net/link*.c alone.
 *
 * A request is begun, given attributes and ended; link_commit() sends all that were ended and waits for the
 * kernel, which carries each of them out whatever became of the one before. Failures of building are
 * remembered and reported by the commit. */
#ifndef TARE_NET_LINK_MESSAGE_H
#define TARE_NET_LINK_MESSAGE_H

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/link.h"

#define LINK_STEPS 8
#define LINK_OUT   4096

struct link_handle {
	struct nl_sock *sock;
	struct nl_msg *building;
	uint32_t seq; /* of the last request */
	bool failed;  /* a request did not fit */
	unsigned steps;
	struct {
		const char *what;
		int tolerated;
	} step[LINK_STEPS];
	size_t len;
	alignas(NLMSG_ALIGNTO) unsigned char out[LINK_OUT];
};

/* family is the type's own header: struct ifinfomsg, ifaddrmsg, rtmsg. */
void link_begin(struct link_handle *h, int type, int flags, const void *header, size_t len);
void link_put(struct link_handle *h, int type, const void *data, size_t len);
void link_put_text(struct link_handle *h, int type, const char *text);
void link_put_u8(struct link_handle *h, int type, uint8_t v);
void link_put_u32(struct link_handle *h, int type, uint32_t v);
void link_put_address(struct link_handle *h, int type, const struct net_address *a);
struct nlattr *link_nest(struct link_handle *h, int type);
void link_nest_end(struct link_handle *h, struct nlattr *nest);
/* what: how an error begins ("cannot …"); an answer of errno `tolerated` (0: none) is success. */
void link_end(struct link_handle *h, const char *what, int tolerated);
/* The first failure, with errno in e->sys. EEXIST is a CONFLICT, ENODEV NOT_FOUND. */
int link_commit(struct link_handle *h, struct err *e);

/* A request that gives a link an address; one that it has already is success. */
void link_add_address(struct link_handle *h, unsigned index, const struct net_address *a, unsigned prefix);

/* Wait until an IPv6 address that was added is answered for. */
void link_await_address(struct link_handle *h, const struct net_address *a);

/* Send one request that was ended and give each of its answers to fn; < 0 ends it with what fn put into e. A
 * dump that the kernel calls inconsistent is -1 with EAGAIN in e->sys. */
typedef int (*link_answer_fn)(const struct nlmsghdr *m, void *arg, struct err *e);
int link_ask(struct link_handle *h, link_answer_fn fn, void *arg, struct err *e);

/* Visit another network namespace for a moment: *home gets what link_leave() returns to. The thread is
 * nowhere else's for that time. */
int link_visit(int netns_fd, int *home, struct err *e);
void link_leave(int *home);
#define cleanup_visit __attribute__((cleanup(link_leave), unused))

/* /proc/sys/net/FAMILY/conf/LINK/NAME in the namespace that the thread is in. `optional`: a kernel without it
 * is fine. */
int link_sysctl(const char *family, const char *link, const char *name, const char *value, bool optional,
        struct err *e);

#endif
