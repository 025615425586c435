#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/err.h"
#include "base/file.h"
#include "net/nft_batch.h"

/* A batch is committed again without what was refused; more often than that it isn't worth it. */
#define REMOVAL_ROUNDS 1000

struct nft_batch {
	char table[NFT_TABLE_MAX];
	int fd;
	bool borrowed;       /* the descriptor */
	uint32_t seq;        /* of the last message */
	size_t last;         /* where it stands */
	struct buf messages; /* the frame's head and then all that was asked for */
};

struct nft_batch *nft_batch_open_on(const char *table, int socket, struct err *e)
{
	cleanup_nft_batch struct nft_batch *b = calloc(1, sizeof *b);

	if (!b)
		return err_no_memory(e), NULL;
	b->fd = -1;
	if (strlen(table) >= sizeof b->table)
		return err_set_null(e, ERR_USAGE, "the name of the table is too long: %s", table);
	memcpy(b->table, table, strlen(table) + 1);
	b->messages.max = WIRE_SETS_MAX;
	b->borrowed = socket >= 0;
	b->fd = b->borrowed ? socket : wire_open(e);
	return b->fd < 0 ? NULL : steal_ptr(&b);
}

struct nft_batch *nft_batch_open(const char *table, struct err *e)
{
	return nft_batch_open_on(table, -1, e);
}

int nft_socket(struct err *e)
{
	return wire_open(e);
}

bool nft_is_socket(int fd)
{
	int domain, protocol;
	socklen_t len = sizeof domain;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == NETLINK_NETFILTER;
}

void nft_batch_close(struct nft_batch **b)
{
	if (!*b)
		return;
	if (!(*b)->borrowed)
		close_fd(&(*b)->fd);
	buf_free(&(*b)->messages);
	free(*b);
	*b = NULL;
}

void nft_value_add(struct nft_value *v, const void *field, size_t len)
{
	size_t padded = NLMSG_ALIGN(len);

	if (padded > sizeof v->bytes - v->len)
		abort();
	memcpy(v->bytes + v->len, field, len);
	memset(v->bytes + v->len + len, 0, padded - len);
	v->len += padded;
}

void nft_value_link(struct nft_value *v, const char *name)
{
	char field[IFNAMSIZ] = "";

	memcpy(field, name, strnlen(name, sizeof field - 1));
	nft_value_add(v, field, sizeof field);
}

void nft_value_address(struct nft_value *v, const struct net_address *a)
{
	nft_value_add(v, a->bytes, net_address_len(a));
}

void nft_value_port(struct nft_value *v, uint16_t port)
{
	unsigned char field[] = {(unsigned char)(port >> 8), (unsigned char)port};

	nft_value_add(v, field, sizeof field);
}

static size_t message_begin(struct nft_batch *b, unsigned type, unsigned flags, unsigned family)
{
	if (!b->messages.len)
		wire_end(&b->messages, wire_begin(&b->messages, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, 0));
	b->last = wire_begin(&b->messages, type, flags, family, ++b->seq);
	return b->last;
}

static void put_value(struct buf *b, unsigned type, const struct nft_value *v)
{
	size_t nest = wire_nest(b, type);

	wire_put(b, NFTA_DATA_VALUE, v->bytes, v->len);
	wire_nest_end(b, nest);
}

static void put_comment(struct buf *b, const char *owner)
{
	unsigned char field[2 + NFT_OWNER_LEN + 1] = {NFT_UDATA_COMMENT};
	size_t len = strnlen(owner, NFT_OWNER_LEN);

	field[1] = (unsigned char)(len + 1);
	memcpy(field + 2, owner, len);
	wire_put(b, NFTA_SET_ELEM_USERDATA, field, 2 + len + 1);
}

/* The head of a message up to where the element's own attributes go. */
struct open_element {
	size_t message, list, element;
};
static struct open_element element_begin(
        struct nft_batch *b, enum nft_change c, unsigned family, const char *set)
{
	struct buf *m = &b->messages;
	struct open_element o;

	o.message = message_begin(b, c == NFT_REMOVE ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
	        c == NFT_REMOVE    ? 0
	        : c == NFT_ADD_NEW ? NLM_F_CREATE | NLM_F_EXCL
	                           : NLM_F_CREATE,
	        family);
	wire_text(m, NFTA_SET_ELEM_LIST_TABLE, b->table);
	wire_text(m, NFTA_SET_ELEM_LIST_SET, set);
	o.list = wire_nest(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	o.element = wire_nest(m, NFTA_LIST_ELEM);
	return o;
}

static void element_end(struct nft_batch *b, struct open_element o)
{
	wire_nest_end(&b->messages, o.element);
	wire_nest_end(&b->messages, o.list);
	wire_end(&b->messages, o.message);
}

void nft_element(struct nft_batch *b, enum nft_change c, unsigned family, const char *set,
        const struct nft_value *key, const struct nft_value *data, const char *owner)
{
	struct open_element o = element_begin(b, c, family, set);

	put_value(&b->messages, NFTA_SET_ELEM_KEY, key);
	if (c != NFT_REMOVE && data)
		put_value(&b->messages, NFTA_SET_ELEM_DATA, data);
	if (owner && *owner)
		put_comment(&b->messages, owner);
	element_end(b, o);
}

void nft_element_remove_key(struct nft_batch *b, unsigned family, const char *set, const struct nlattr *key,
        const struct nlattr *comment)
{
	struct open_element o = element_begin(b, NFT_REMOVE, family, set);

	wire_put(&b->messages, NFTA_SET_ELEM_KEY | NLA_F_NESTED, nla_data(key), (size_t)nla_len(key));
	wire_put(&b->messages, NFTA_SET_ELEM_USERDATA, nla_data(comment), (size_t)nla_len(comment));
	element_end(b, o);
}

void nft_table_remove(struct nft_batch *b, unsigned family)
{
	size_t message = message_begin(b, NFT_MSG_DELTABLE, 0, family);

	wire_text(&b->messages, NFTA_TABLE_NAME, b->table);
	wire_end(&b->messages, message);
}

/* ---------------------------------------------------------------- what the kernel answers */

struct answer {
	uint32_t last;     /* the message that asked for an acknowledgement */
	bool acknowledged; /* and got it */
	int code;          /* the first error's number */
	uint32_t seq;      /* the message it is about; 0: the batch as a whole */
	struct buf absent; /* uint32_t each: the messages that were about something missing */
};

static int take_answer(const struct nlmsghdr *m, void *arg)
{
	struct answer *a = arg;
	const struct nlmsgerr *error = NLMSG_DATA(m);

	if (m->nlmsg_type != NLMSG_ERROR || m->nlmsg_len < NLMSG_LENGTH(sizeof *error))
		return 0;
	if (!error->error) {
		a->acknowledged = a->acknowledged || m->nlmsg_seq == a->last;
		return 0;
	}
	if (error->error == -ENOENT && m->nlmsg_seq)
		buf_add(&a->absent, &m->nlmsg_seq, sizeof m->nlmsg_seq);
	/* What is missing is less of a reason than anything else. */
	if (!a->code || (a->code == ENOENT && error->error != -ENOENT)) {
		a->code = -error->error;
		a->seq = m->nlmsg_seq;
	}
	return 0;
}

/* Send all and read what comes of it into *a. 0, or -1 with errno when nothing could be sent. */
static int transact(struct nft_batch *b, struct answer *a)
{
	struct nlmsghdr *last;
	size_t len = b->messages.len;
	int r;

	*a = (struct answer){0};
	wire_end(&b->messages, wire_begin(&b->messages, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, b->seq + 1));
	if (b->messages.failed) {
		errno = ENOMEM;
		return -1;
	}
	last = (struct nlmsghdr *)(void *)(b->messages.data + b->last);
	last->nlmsg_flags |= NLM_F_ACK;
	a->last = last->nlmsg_seq;
	r = wire_send(b->fd, &b->messages);
	b->messages.len = len;
	if (r < 0)
		return -1;
	/* More errors than fit: those that came are enough to go on with. */
	while (wire_receive(b->fd, take_answer, a) < 0) {
		if (errno != ENOBUFS)
			return -1;
		a->code = a->code ? a->code : ENOBUFS;
	}
	if (!a->acknowledged && !a->code)
		a->code = EPROTO;
	return 0;
}

static const struct nlmsghdr *message_of(const struct nft_batch *b, uint32_t seq)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)b->messages.data;
	int left = (int)b->messages.len;

	for (; seq && nlmsg_ok(m, left); m = nlmsg_next((struct nlmsghdr *)m, &left))
		if (m->nlmsg_seq == seq)
			return m;
	return NULL;
}

static int refused(const struct nft_batch *b, const struct answer *a, struct err *e)
{
	const struct nlmsghdr *m = message_of(b, a->seq);
	const struct nfgenmsg *head = m ? NLMSG_DATA(m) : NULL;
	struct nlattr *set = NULL;
	char where[NFT_TABLE_MAX + 64];

	/* A set's name and a table's are attributes of different numbers. */
	if (m && NFNL_MSG_TYPE(m->nlmsg_type) != NFT_MSG_DELTABLE)
		set = nlmsg_find_attr((struct nlmsghdr *)m, sizeof *head, NFTA_SET_ELEM_LIST_SET);
	snprintf(where, sizeof where, "%s%stable %s %s", set ? (char *)nla_data(set) : "", set ? " of " : "",
	        head && head->nfgen_family == NFPROTO_BRIDGE ? "bridge" : "inet", b->table);
	errno = a->code;
	if (a->code == EEXIST || a->code == EBUSY) {
		err_set(e, ERR_CONFLICT, "cannot change %s: it has that element with another value", where);
		if (e)
			e->sys = EEXIST;
		return -1;
	}
	if (a->code == ENOENT)
		return err_sys(e, "cannot change %s (`tare network reload` lays the rules again)", where);
	return err_sys(e, "cannot change %s", where);
}

/* Leave messages out: those for which `skip` says so. */
typedef bool (*skip_fn)(const struct nlmsghdr *m, const void *arg);
static int leave_out(struct nft_batch *b, skip_fn skip, const void *arg)
{
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)b->messages.data;
	struct buf kept = BUF_INIT_MAX(WIRE_SETS_MAX);
	int left = (int)b->messages.len;

	b->last = 0;
	for (; nlmsg_ok(m, left); m = nlmsg_next((struct nlmsghdr *)m, &left)) {
		if (m->nlmsg_seq && skip(m, arg))
			continue;
		b->last = kept.len;
		buf_add(&kept, m, NLMSG_ALIGN(m->nlmsg_len));
		/* Which of them is the last one isn't known yet. */
		if (!kept.failed)
			((struct nlmsghdr *)(void *)(kept.data + b->last))->nlmsg_flags &=
			        (uint16_t)~NLM_F_ACK;
	}
	buf_free(&b->messages);
	b->messages = kept;
	/* The frame's head alone is nothing. */
	if (!b->last)
		b->messages.len = 0;
	return kept.failed ? -1 : 0;
}

static int by_seq(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_absent(const struct nlmsghdr *m, const void *arg)
{
	const struct buf *absent = arg;

	return bsearch(&m->nlmsg_seq, absent->data, absent->len / sizeof(uint32_t), sizeof(uint32_t), by_seq);
}

static bool is_of_bridge(const struct nlmsghdr *m, const void *arg)
{
	const struct nfgenmsg *head = NLMSG_DATA(m);

	(void)arg;
	return head->nfgen_family == NFPROTO_BRIDGE;
}

static void emptied(struct nft_batch *b)
{
	buf_reset(&b->messages);
	b->seq = 0;
}

/* A kernel without the bridge family was found out when the rules were laid. */
static bool lacks_bridge(const struct nft_batch *b, const struct answer *a)
{
	const struct nlmsghdr *m = message_of(b, a->seq);

	return m && a->code == ENOENT && is_of_bridge(m, NULL) &&
	       nft_has_set(b->fd, b->table, NFPROTO_INET, NFT_NO_BRIDGE_SET) == 1;
}

int nft_batch_commit(struct nft_batch *b, struct err *e)
{
	struct answer a;
	int r = 0;

	if (b->messages.failed)
		return err_no_memory(e);
	for (bool again = true; again && b->messages.len;) {
		r = transact(b, &a);
		buf_free(&a.absent);
		if (r < 0)
			return err_sys(e, "cannot change table inet %s", b->table);
		again = a.code && lacks_bridge(b, &a);
		if (again && leave_out(b, is_of_bridge, NULL) < 0)
			return err_no_memory(e);
		if (a.code && !again)
			return refused(b, &a, e);
	}
	emptied(b);
	return 0;
}

/* Best effort: a kernel that can't be asked (before 4.15) removes what has the key. */
static int leave_out_others(struct nft_batch *b)
{
	cleanup_buf struct buf others = BUF_INIT;

	if (nft_find_others(b->fd, &b->messages, &others) < 0 || !others.len || others.failed)
		return 0;
	qsort(others.data, others.len / sizeof(uint32_t), sizeof(uint32_t), by_seq);
	return leave_out(b, is_absent, &others);
}

int nft_batch_commit_removal(struct nft_batch *b, struct err *e)
{
	if (b->messages.failed || leave_out_others(b) < 0)
		return err_no_memory(e);
	for (int round = 0; b->messages.len; round++) {
		struct answer a;
		int r = transact(b, &a);
		cleanup_buf struct buf absent = a.absent;

		if (r < 0)
			return err_sys(e, "cannot change table inet %s", b->table);
		if (!a.code)
			break;
		/* Whatever was missing is left out, and the rest is tried again. */
		if (!absent.len || absent.failed || (a.code != ENOENT && a.code != ENOBUFS) ||
		        round == REMOVAL_ROUNDS)
			return refused(b, &a, e);
		qsort(absent.data, absent.len / sizeof(uint32_t), sizeof(uint32_t), by_seq);
		if (leave_out(b, is_absent, &absent) < 0)
			return err_no_memory(e);
	}
	emptied(b);
	return 0;
}

/* ---------------------------------------------------------------- what is there */

int nft_has_table(int fd, const char *table, unsigned family)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t m = wire_begin(&b, NFT_MSG_GETTABLE, 0, family, 1);

	wire_text(&b, NFTA_TABLE_NAME, table);
	wire_end(&b, m);
	return wire_ask(fd, &b, NULL, NULL);
}

int nft_has_set(int fd, const char *table, unsigned family, const char *set)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t m = wire_begin(&b, NFT_MSG_GETSET, 0, family, 1);

	wire_text(&b, NFTA_SET_TABLE, table);
	wire_text(&b, NFTA_SET_NAME, set);
	wire_end(&b, m);
	return wire_ask(fd, &b, NULL, NULL);
}
