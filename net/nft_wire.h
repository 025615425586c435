/* Messages of nfnetlink to and from nf_tables: written by hand into one buffer, since a batch is many
 * messages in one sendmsg(2), and read with libnl. The kernel answers within sendmsg: whatever there is to
 * read is there when it returns, so nothing here ever waits. */
#ifndef TARE_NET_NFT_WIRE_H
#define TARE_NET_NFT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

#include "base/buf.h"

struct err;

#define WIRE_SETS_MAX ((size_t)32 << 20) /* of a batch, and of one answer */

/* Append the head of a message of nf_tables (NFT_MSG_…), of another subsystem (in the upper byte of `type`)
 * or, with NFNL_MSG_BATCH_…, one that frames a batch; the place is for wire_end(). */
size_t wire_begin(struct buf *b, unsigned type, unsigned flags, unsigned family, uint32_t seq);
void wire_end(struct buf *b, size_t message);
void wire_put(struct buf *b, unsigned type, const void *data, size_t len);
void wire_text(struct buf *b, unsigned type, const char *text);
size_t wire_nest(struct buf *b, unsigned type);
void wire_nest_end(struct buf *b, size_t nest);

/* A socket; UNSUPPORTED when the kernel has no nfnetlink. */
int wire_open(struct err *e);
/* 0 or -1 with errno. Grows the socket's buffer when the messages need it. */
int wire_send(int fd, const struct buf *b);
/* fn is called with every message that has come, until there are no more or it returns other than 0. -1 with
 * errno (ENOBUFS: there were more answers than room for them). */
typedef int (*wire_fn)(const struct nlmsghdr *message, void *arg);
int wire_receive(int fd, wire_fn fn, void *arg);

/* One request that isn't a dump: 1 when it was answered with a message (which fn, if any, gets), 0 for
 * ENOENT, -1 with errno. */
int wire_ask(int fd, struct buf *request, wire_fn fn, void *arg);
/* A dump, all of it: fn gets every object. An object that isn't there (ENOENT) has none. 0, what fn returned,
 * or -1 with errno. Objects may come twice when the ruleset changed meanwhile. */
int wire_dump(int fd, struct buf *request, wire_fn fn, void *arg);

#endif
