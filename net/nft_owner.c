/* Whose an element is, before it is removed. An element's key may be another's by now: who was started in the
 * meantime with the same address and port. The kernel removes by the key alone, so the comment is looked at.
 */
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "net/nft_batch.h"

#define CHUNK 16 /* questions at a time: their answers fit into the socket's buffer */

static struct nlattr *comment_of(const struct nlmsghdr *m)
{
	struct nlattr *list =
	        nlmsg_find_attr((struct nlmsghdr *)m, sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = list ? nla_data(list) : NULL;

	if (!element || !nla_ok(element, nla_len(list)))
		return NULL;
	return nla_find(nla_data(element), nla_len(element), NFTA_SET_ELEM_USERDATA);
}

struct questions {
	struct buf text;
	size_t n;
	const struct nlmsghdr *removal[CHUNK];
	struct buf *others;
};

static const struct nlmsghdr *removal_of(const struct questions *q, uint32_t seq)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->removal[i]->nlmsg_seq == seq)
			return q->removal[i];
	return NULL;
}

static bool is_same(struct nlattr *a, struct nlattr *b)
{
	return a && b && nla_len(a) == nla_len(b) && !memcmp(nla_data(a), nla_data(b), (size_t)nla_len(a));
}

/* Where the kernel says neither, the removal stays: it is what was asked for. */
static int take_answer(const struct nlmsghdr *m, void *arg)
{
	struct questions *q = arg;
	const struct nlmsgerr *error = NLMSG_DATA(m);
	const struct nlmsghdr *removal = removal_of(q, m->nlmsg_seq);
	bool absent = m->nlmsg_type == NLMSG_ERROR && m->nlmsg_len >= NLMSG_LENGTH(sizeof *error) &&
	              error->error == -ENOENT;
	bool others = m->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM) && removal &&
	              !is_same(comment_of(m), comment_of(removal));

	if (removal && (absent || others))
		buf_add(q->others, &m->nlmsg_seq, sizeof m->nlmsg_seq);
	return 0;
}

static int ask(int fd, struct questions *q)
{
	int r = q->n ? wire_send(fd, &q->text) : 0;

	if (q->n && r == 0)
		r = wire_receive(fd, take_answer, q);
	buf_reset(&q->text);
	q->n = 0;
	return r;
}

/* The same message with another number asks for the element. */
static void add_question(struct questions *q, const struct nlmsghdr *removal)
{
	struct nlmsghdr head = *removal;

	head.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM;
	head.nlmsg_flags = NLM_F_REQUEST;
	buf_add(&q->text, &head, sizeof head);
	buf_add(&q->text, removal + 1, NLMSG_ALIGN(removal->nlmsg_len) - sizeof head);
	q->removal[q->n++] = removal;
}

int nft_find_others(int fd, const struct buf *messages, struct buf *others)
{
	struct questions q = {.others = others};
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)messages->data;
	int left = (int)messages->len, r = 0;

	for (; nlmsg_ok(m, left) && r == 0; m = nlmsg_next((struct nlmsghdr *)m, &left)) {
		if (m->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM) || !comment_of(m))
			continue;
		add_question(&q, m);
		if (q.n == CHUNK)
			r = ask(fd, &q);
	}
	if (r == 0)
		r = ask(fd, &q);
	buf_free(&q.text);
	return r;
}
