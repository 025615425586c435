#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/err.h"
#include "base/file.h"
#include "net/nft_batch.h"

/* Sets and maps whose elements belong to a container. */
static const struct owned_set {
	unsigned family;
	const char *name;
} owned_sets[] = {
        {NFPROTO_INET, "self4"},
        {NFPROTO_INET, "self6"},
        {NFPROTO_INET, "publish4"},
        {NFPROTO_INET, "publish6"},
        {NFPROTO_INET, "publish4_any"},
        {NFPROTO_INET, "publish6_any"},
        {NFPROTO_INET, "group4"},
        {NFPROTO_INET, "group6"},
        {NFPROTO_INET, "group4_any"},
        {NFPROTO_INET, "group6_any"},
        {NFPROTO_BRIDGE, "trusted"},
        {NFPROTO_BRIDGE, "self"},
        {NFPROTO_BRIDGE, "members"},
        {NFPROTO_BRIDGE, "members4"},
        {NFPROTO_BRIDGE, "members6"},
        {NFPROTO_BRIDGE, "targets6"},
};

/* An element as a dump has it. */
struct element {
	struct nlattr *key, *comment;
};
typedef int (*element_fn)(const struct element *el, void *arg);

struct each_element {
	element_fn fn;
	void *arg;
};

static int take_elements(const struct nlmsghdr *m, void *arg)
{
	const struct each_element *each = arg;
	struct nlattr *list, *element, *field[NFTA_SET_ELEM_MAX + 1];
	int left;

	list = nlmsg_find_attr((struct nlmsghdr *)m, sizeof(struct nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
	if (!list)
		return 0;
	nla_for_each_nested(element, list, left)
	{
		struct element el;
		int r;

		if (nla_parse_nested(field, NFTA_SET_ELEM_MAX, element, NULL) < 0 ||
		        !field[NFTA_SET_ELEM_KEY])
			continue;
		el = (struct element){field[NFTA_SET_ELEM_KEY], field[NFTA_SET_ELEM_USERDATA]};
		r = each->fn(&el, each->arg);
		if (r)
			return r;
	}
	return 0;
}

static int each_element(
        int fd, const char *table, const struct owned_set *set, element_fn fn, void *arg, struct err *e)
{
	cleanup_buf struct buf request = BUF_INIT;
	struct each_element each = {fn, arg};
	size_t m = wire_begin(&request, NFT_MSG_GETSETELEM, NLM_F_DUMP, set->family, 1);
	int r;

	wire_text(&request, NFTA_SET_ELEM_LIST_TABLE, table);
	wire_text(&request, NFTA_SET_ELEM_LIST_SET, set->name);
	wire_end(&request, m);
	errno = 0;
	r = wire_dump(fd, &request, take_elements, &each);
	/* The caller's fn says what is wrong by itself. */
	if (r < 0 && errno)
		return err_sys(e, "cannot read %s of table %s", set->name, table);
	return r;
}

/* The comment among an element's user data: a row of (type, length, bytes). */
static bool owner_of(const struct element *el, char owner[NFT_OWNER_LEN + 1])
{
	const unsigned char *p = el->comment ? nla_data(el->comment) : NULL;
	size_t left = p ? (size_t)nla_len(el->comment) : 0;

	for (; left >= 2 && p[1] + (size_t)2 <= left; left -= p[1] + (size_t)2, p += p[1] + (size_t)2)
		if (p[0] == NFT_UDATA_COMMENT && p[1] && p[1] <= NFT_OWNER_LEN + 1 && !p[1 + p[1]]) {
			memcpy(owner, p + 2, p[1]);
			return *owner;
		}
	return false;
}

struct owned {
	const struct owned_set *set;
	struct nft_batch *removal;
	nft_owned_fn fn;
	void *arg;
};

static int take_owned(const struct element *el, void *arg)
{
	const struct owned *o = arg;
	char owner[NFT_OWNER_LEN + 1];
	int r;

	if (!owner_of(el, owner))
		return 0;
	r = o->fn(o->set->name, owner, o->arg);
	if (r > 0 && o->removal)
		nft_element_remove_key(o->removal, o->set->family, o->set->name, el->key, el->comment);
	errno = 0;
	return r < 0 ? r : 0;
}

int nft_each_owned(const char *table, struct nft_batch *removal, nft_owned_fn fn, void *arg, struct err *e)
{
	cleanup_fd int fd = wire_open(e);
	int r = fd < 0 ? -1 : 0;

	for (size_t i = 0; i < sizeof owned_sets / sizeof *owned_sets && !r; i++) {
		struct owned o = {&owned_sets[i], removal, fn, arg};

		r = each_element(fd, table, o.set, take_owned, &o, e);
	}
	return r;
}

/* ---------------------------------------------------------------- who has a port */

struct claim {
	const struct nft_port *port;
	size_t host_len; /* of the address at the front of the key */
	char *owner;
};

static int take_claim(const struct element *el, void *arg)
{
	const struct claim *c = arg;
	const struct nft_port *p = c->port;
	struct nlattr *value = nla_find(nla_data(el->key), nla_len(el->key), NFTA_DATA_VALUE);
	const unsigned char *key = value ? nla_data(value) : NULL;
	const unsigned char protocol = (unsigned char)p->protocol;
	const unsigned char port[] = {(unsigned char)(p->host_port >> 8), (unsigned char)p->host_port};
	static const unsigned char any[16];

	/* address (not with _any), protocol, port; a group's slot may follow */
	if (!key || (size_t)nla_len(value) < c->host_len + 8)
		return 0;
	if (key[c->host_len] != protocol || memcmp(key + c->host_len + 4, port, sizeof port) != 0)
		return 0;
	/* Every address takes in each one. */
	if (c->host_len && memcmp(p->host.bytes, any, c->host_len) != 0 &&
	        memcmp(p->host.bytes, key, c->host_len) != 0)
		return 0;
	errno = 0;
	return owner_of(el, c->owner) ? 1 : 0;
}

int nft_port_owner(const char *table, const struct nft_port *p, char owner[NFT_OWNER_LEN + 1], struct err *e)
{
	cleanup_fd int fd = wire_open(e);
	bool six = p->host.family == AF_INET6;
	size_t len = net_address_len(&p->host);
	const struct {
		struct owned_set set;
		size_t host_len;
	} maps[] = {
	        {{NFPROTO_INET, six ? "publish6" : "publish4"}, len},
	        {{NFPROTO_INET, six ? "publish6_any" : "publish4_any"}, 0},
	        {{NFPROTO_INET, six ? "group6" : "group4"}, len},
	        {{NFPROTO_INET, six ? "group6_any" : "group4_any"}, 0},
	};
	int r = fd < 0 ? -1 : 0;

	*owner = 0;
	for (size_t i = 0; i < sizeof maps / sizeof *maps && !r; i++) {
		struct claim c = {p, maps[i].host_len, owner};

		r = each_element(fd, table, &maps[i].set, take_claim, &c, e);
	}
	return r < 0 ? -1 : 0;
}
