#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/err.h"
#include "base/file.h"
#include "net/nft_wire.h"

/* What one recvmsg takes: the kernel fills a dump up to 32 KiB at a time (NLMSG_GOODSIZE is less). */
#define ANSWER_SIZE 65536
/* What netlink keeps for itself of a send buffer. */
#define SEND_SPARE 4096

static void pad(struct buf *b)
{
	static const char zero[NLMSG_ALIGNTO];

	buf_add(b, zero, NLMSG_ALIGN(b->len) - b->len);
}

size_t wire_begin(struct buf *b, unsigned type, unsigned flags, unsigned family, uint32_t seq)
{
	bool frame = type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
	struct nlmsghdr head = {
	        .nlmsg_type = (uint16_t)(frame || type >> 8 ? type : NFNL_SUBSYS_NFTABLES << 8 | type),
	        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
	        .nlmsg_seq = seq,
	};
	struct nfgenmsg netfilter = {
	        .nfgen_family = (uint8_t)family,
	        .version = NFNETLINK_V0,
	        .res_id = htons(frame ? NFNL_SUBSYS_NFTABLES : 0),
	};
	size_t place = b->len;

	buf_add(b, &head, sizeof head);
	buf_add(b, &netfilter, sizeof netfilter);
	return place;
}

void wire_end(struct buf *b, size_t message)
{
	uint32_t len = (uint32_t)(b->len - message);

	if (!b->failed)
		memcpy(b->data + message + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof len);
}

void wire_put(struct buf *b, unsigned type, const void *data, size_t len)
{
	struct nlattr head = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = (uint16_t)type};

	buf_add(b, &head, sizeof head);
	buf_add(b, data, len);
	pad(b);
}

void wire_text(struct buf *b, unsigned type, const char *text)
{
	wire_put(b, type, text, strlen(text) + 1);
}

size_t wire_nest(struct buf *b, unsigned type)
{
	size_t place = b->len;

	wire_put(b, type | NLA_F_NESTED, NULL, 0);
	return place;
}

void wire_nest_end(struct buf *b, size_t nest)
{
	uint16_t len = (uint16_t)(b->len - nest);

	if (!b->failed)
		memcpy(b->data + nest + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

int wire_open(struct err *e)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int on = 1;

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT))
		return err_set(e, ERR_UNSUPPORTED, "this kernel has no nftables (CONFIG_NF_TABLES)");
	if (fd < 0)
		return err_sys(e, "cannot open a netlink socket");
	/* An error then comes without the message that it is about, so many fit into the buffer. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return steal_fd(&fd);
}

static int send_once(int fd, const struct buf *b)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;

	do
		n = sendto(fd, b->data, b->len, 0, (struct sockaddr *)&kernel, sizeof kernel);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int wire_send(int fd, const struct buf *b)
{
	int room;

	if (b->failed) {
		errno = ENOMEM;
		return -1;
	}
	if (send_once(fd, b) == 0)
		return 0;
	if (errno != EMSGSIZE)
		return -1;
	/* The kernel doubles what is asked for, which leaves room for its own. */
	room = (int)b->len + SEND_SPARE;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
		return -1;
	return send_once(fd, b);
}

int wire_receive(int fd, wire_fn fn, void *arg)
{
	char data[ANSWER_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);
		struct nlmsghdr *m = (struct nlmsghdr *)(void *)data;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		for (int left = (int)n; nlmsg_ok(m, left); m = nlmsg_next(m, &left)) {
			int r = fn(m, arg);

			if (r)
				return r;
		}
	}
}

struct question {
	wire_fn fn;
	void *arg;
	bool answered, done;
	int code; /* an error number */
};

static int take_answer(const struct nlmsghdr *m, void *arg)
{
	struct question *q = arg;
	const struct nlmsgerr *error = NLMSG_DATA(m);

	if (m->nlmsg_type == NLMSG_DONE) {
		q->done = true;
		return 0;
	}
	if (m->nlmsg_type == NLMSG_ERROR) {
		if (m->nlmsg_len < NLMSG_LENGTH(sizeof *error))
			q->code = EBADMSG;
		else
			q->code = -error->error;
		q->done = true;
		return 0;
	}
	q->answered = true;
	return q->fn ? q->fn(m, q->arg) : 0;
}

int wire_ask(int fd, struct buf *request, wire_fn fn, void *arg)
{
	struct question q = {.fn = fn, .arg = arg};
	int r;

	if (wire_send(fd, request) < 0)
		return -1;
	r = wire_receive(fd, take_answer, &q);
	if (r)
		return r;
	if (q.code && q.code != ENOENT) {
		errno = q.code;
		return -1;
	}
	return q.answered;
}

int wire_dump(int fd, struct buf *request, wire_fn fn, void *arg)
{
	struct question q = {.fn = fn, .arg = arg};
	int r;

	if (wire_send(fd, request) < 0)
		return -1;
	/* Each recv lets the kernel write the next part: the queue isn't empty before the end. */
	r = wire_receive(fd, take_answer, &q);
	if (r)
		return r;
	if (!q.done)
		q.code = EPROTO;
	if (q.code && q.code != ENOENT) {
		errno = q.code;
		return -1;
	}
	return 0;
}
