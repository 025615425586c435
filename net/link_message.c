/* Requests to rtnetlink and its answers. libnl lays out the messages and opens the socket; sending many at
 * once and reading the answers is done here, since its callbacks allocate for each. */
#include "net/link_message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

/* The kernel fills up to this much of a dump at a time (NLMSG_GOODSIZE of netlink_dump()). */
#define ANSWER_SIZE 32768

/* ---------------------------------------------------------------- a socket */

struct link_handle *link_open(struct err *e)
{
	cleanup_link struct link_handle *h = calloc(1, sizeof *h);
	int on = 1, code;

	if (!h || !(h->sock = nl_socket_alloc()) || !(h->building = nlmsg_alloc())) {
		err_no_memory(e);
		return NULL;
	}
	code = nl_connect(h->sock, NETLINK_ROUTE);
	if (code < 0)
		return err_set_null(
		        e, ERR_UNSUPPORTED, "cannot reach the kernel's network: %s", nl_geterror(code));
	/* Without these an error has no words and carries the request with it; neither is needed. */
	setsockopt(nl_socket_get_fd(h->sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	setsockopt(nl_socket_get_fd(h->sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return steal_ptr(&h);
}

struct link_handle *link_open_at(int netns_fd, struct err *e)
{
	cleanup_visit int home = -1;

	if (link_visit(netns_fd, &home, e) < 0)
		return NULL;
	return link_open(e);
}

void link_close(struct link_handle **h)
{
	if (!*h)
		return;
	nlmsg_free((*h)->building);
	nl_socket_free((*h)->sock);
	free(*h);
	*h = NULL;
}

int link_visit(int netns_fd, int *home, struct err *e)
{
	cleanup_fd int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		return err_sys(e, "cannot open the own network namespace");
	if (setns(netns_fd, CLONE_NEWNET))
		return err_sys(e, "cannot enter the container's network namespace");
	*home = steal_fd(&own);
	return 0;
}

void link_leave(int *home)
{
	int saved = errno;

	if (*home < 0)
		return;
	/* To go on in a container's namespace would give it what is meant for the host. */
	if (setns(*home, CLONE_NEWNET))
		abort();
	close_fd(home);
	errno = saved;
}

int link_sysctl(const char *family, const char *link, const char *name, const char *value, bool optional,
        struct err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, link, name);
	if (file_poke(AT_FDCWD, path, value) < 0 && !(optional && errno == ENOENT))
		return err_sys(e, "cannot write %s to %s", value, path);
	return 0;
}

/* ---------------------------------------------------------------- building */

void link_begin(struct link_handle *h, int type, int flags, const void *header, size_t len)
{
	/* One message is used for all: empty it. */
	nlmsg_hdr(h->building)->nlmsg_len = NLMSG_HDRLEN;
	if (!nlmsg_put(h->building, NL_AUTO_PORT, ++h->seq, type, 0, NLM_F_REQUEST | flags) ||
	        nlmsg_append(h->building, (void *)header, len, NLMSG_ALIGNTO) < 0)
		h->failed = true;
}

void link_put(struct link_handle *h, int type, const void *data, size_t len)
{
	if (nla_put(h->building, type, (int)len, data) < 0)
		h->failed = true;
}

void link_put_text(struct link_handle *h, int type, const char *text)
{
	link_put(h, type, text, strlen(text) + 1);
}

void link_put_u8(struct link_handle *h, int type, uint8_t v)
{
	link_put(h, type, &v, sizeof v);
}

void link_put_u32(struct link_handle *h, int type, uint32_t v)
{
	link_put(h, type, &v, sizeof v);
}

void link_put_address(struct link_handle *h, int type, const struct net_address *a)
{
	link_put(h, type, a->bytes, net_address_len(a));
}

struct nlattr *link_nest(struct link_handle *h, int type)
{
	struct nlattr *nest = nla_nest_start(h->building, type);

	if (!nest)
		h->failed = true;
	return nest;
}

void link_nest_end(struct link_handle *h, struct nlattr *nest)
{
	if (nest)
		nla_nest_end(h->building, nest);
}

void link_end(struct link_handle *h, const char *what, int tolerated)
{
	const struct nlmsghdr *m = nlmsg_hdr(h->building);
	size_t room = NLMSG_ALIGN(m->nlmsg_len);

	if (h->steps >= LINK_STEPS || h->len + room > sizeof h->out) {
		h->failed = true;
		return;
	}
	memset(h->out + h->len, 0, room);
	memcpy(h->out + h->len, m, m->nlmsg_len);
	h->len += room;
	h->step[h->steps].what = what;
	h->step[h->steps++].tolerated = tolerated;
}

/* ---------------------------------------------------------------- sending and receiving */

static enum err_kind kind_of(int code)
{
	switch (code) {
	case EEXIST:
	case EBUSY:
		return ERR_CONFLICT;
	case ENODEV:
		return ERR_NOT_FOUND;
	case EPERM:
	case EACCES:
		return ERR_PERMISSION;
	case EOPNOTSUPP:
	case EAFNOSUPPORT:
		return ERR_UNSUPPORTED;
	default:
		return ERR_OTHER;
	}
}

/* The kernel's own words about an error (NLMSGERR_ATTR_MSG), "" when it has none. */
static const char *kernel_words(const struct nlmsghdr *m)
{
	struct nlattr *words;
	int offset = NLMSG_ALIGN((int)sizeof(struct nlmsgerr));

	/* Without NLM_F_CAPPED the request would stand before the attributes. */
	if (!(m->nlmsg_flags & NLM_F_ACK_TLVS) || !(m->nlmsg_flags & NLM_F_CAPPED))
		return "";
	words = nlmsg_find_attr((struct nlmsghdr *)m, offset, NLMSGERR_ATTR_MSG);
	if (!words || nla_len(words) < 1 || nla_get_string(words)[nla_len(words) - 1])
		return "";
	return nla_get_string(words);
}

/* Whether this answer to that step is fine. */
static int judge(struct link_handle *h, unsigned step, const struct nlmsghdr *m, struct err *e)
{
	const struct nlmsgerr *answer = nlmsg_data(m);
	const char *words = kernel_words(m);
	int code = -answer->error;

	if (code == 0 || code == h->step[step].tolerated)
		return 0;
	err_set(e, kind_of(code), "%s: %s%s%s%s", h->step[step].what, strerror(code), *words ? " (" : "",
	        words, *words ? ")" : "");
	if (e)
		e->sys = code;
	return -1;
}

/* One datagram of the kernel. Inside a container's namespace its own root may write to this socket too: what
 * does not come from the kernel is passed over. The length, or -1 with errno. */
static ssize_t receive(struct link_handle *h, void *data, size_t size)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(
		        nl_socket_get_fd(h->sock), data, size, MSG_TRUNC, (struct sockaddr *)&from, &len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n >= 0 && (len != sizeof from || from.nl_pid != 0))
			continue;
		if (n >= 0 && (size_t)n > size) {
			errno = EMSGSIZE;
			return -1;
		}
		return n;
	}
}

struct exchange {
	uint32_t first; /* sequence numbers, the last is the handle's */
	link_answer_fn fn;
	void *arg;
	bool done, failed, interrupted;
};

/* One message of an answer; failures don't end the exchange: what follows must not be taken for the next
 * one's. */
static void take(struct link_handle *h, struct exchange *x, const struct nlmsghdr *m, struct err *e)
{
	uint32_t step = m->nlmsg_seq - x->first;

	if (step > h->seq - x->first)
		return;
	x->interrupted |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (m->nlmsg_type == NLMSG_ERROR && nlmsg_datalen(m) >= (int)sizeof(struct nlmsgerr)) {
		x->done |= m->nlmsg_seq == h->seq;
		if (judge(h, step, m, x->failed ? NULL : e) < 0)
			x->failed = true;
	} else if (m->nlmsg_type == NLMSG_DONE) {
		x->done = true;
	} else if (x->fn && !x->failed && x->fn(m, x->arg, e) < 0) {
		x->failed = true;
	}
}

static int exchange(struct link_handle *h, struct exchange *x, struct err *e)
{
	alignas(NLMSG_ALIGNTO) unsigned char in[ANSWER_SIZE];

	if (nl_sendto(h->sock, h->out, h->len) < 0)
		return err_sys(e, "%s: cannot ask the kernel", h->step[0].what);
	while (!x->done) {
		ssize_t n = receive(h, in, sizeof in);
		int rest = (int)n;

		if (n < 0)
			return err_sys(e, "%s: no answer of the kernel", h->step[0].what);
		for (struct nlmsghdr *m = (struct nlmsghdr *)in; nlmsg_ok(m, rest); m = nlmsg_next(m, &rest))
			take(h, x, m, e);
	}
	return x->failed ? -1 : 0;
}

/* Send what was ended; `ack`: the last has no answer of its own. */
static int send_all(struct link_handle *h, link_answer_fn fn, void *arg, bool ack, struct err *e)
{
	struct exchange x = {.first = h->seq - h->steps + 1, .fn = fn, .arg = arg};
	struct nlmsghdr *last = NULL;
	int rest = (int)h->len, result = 0;

	for (struct nlmsghdr *m = (struct nlmsghdr *)h->out; nlmsg_ok(m, rest); m = nlmsg_next(m, &rest))
		last = m;
	if (h->failed) {
		result = err_set(e, ERR_OTHER, "a request to the kernel's network is too large");
	} else if (last) {
		/* An error is answered in any case, so one acknowledgement at the end is enough. */
		last->nlmsg_flags |= ack ? NLM_F_ACK : 0;
		result = exchange(h, &x, e);
	}
	h->failed = false;
	h->steps = 0;
	h->len = 0;
	if (result == 0 && x.interrupted) {
		err_set(e, ERR_OTHER, "the kernel's tables changed while they were read");
		if (e)
			e->sys = EAGAIN;
		return -1;
	}
	return result;
}

int link_commit(struct link_handle *h, struct err *e)
{
	return send_all(h, NULL, NULL, true, e);
}

int link_ask(struct link_handle *h, link_answer_fn fn, void *arg, struct err *e)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)h->out;

	return send_all(h, fn, arg, h->len && (m->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP, e);
}
