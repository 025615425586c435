/* Rules of others that drop what Tare's let through: a packet has to pass all base chains of a hook. Nothing
 * is changed there; whoever has that firewall is told the command. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "net/nft.h"
#include "net/nft_foreign.h"
#include "net/nft_wire.h"

/* linux/netfilter/nf_tables.h: NFT_TABLE_MAXNAMELEN counts the NUL. */
struct chain {
	unsigned family, hook; /* NF_INET_LOCAL_IN, NF_INET_FORWARD; or HOOK_NONE: reached by others only */
	char table[NFT_TABLE_MAXNAMELEN], name[NFT_CHAIN_MAXNAMELEN];
	bool drops;    /* policy drop, or the last rule refuses whatever comes there */
	bool mentions; /* a rule of it is about the bridge */
};
#define HOOK_NONE NF_INET_NUMHOOKS

struct firewall {
	const char *bridge, *own_table;
	struct buf chains; /* of struct chain */
};

static struct chain *chains_of(const struct firewall *w, size_t *n)
{
	*n = w->chains.len / sizeof(struct chain);
	return (struct chain *)(void *)w->chains.data;
}

static void copy_name(char *dst, size_t size, struct nlattr *a)
{
	nla_strlcpy(dst, a, size);
}

static unsigned number(struct nlattr *a)
{
	return a && nla_len(a) >= 4 ? ntohl(nla_get_u32(a)) : UINT32_MAX;
}

static unsigned hook_of(struct nlattr *attribute[NFTA_CHAIN_MAX + 1])
{
	struct nlattr *hook = attribute[NFTA_CHAIN_HOOK], *type = attribute[NFTA_CHAIN_TYPE];
	unsigned n;

	if (!hook || !type || strncmp(nla_data(type), "filter", (size_t)nla_len(type)) != 0)
		return HOOK_NONE;
	n = number(nla_find(nla_data(hook), nla_len(hook), NFTA_HOOK_HOOKNUM));
	return n == NF_INET_LOCAL_IN || n == NF_INET_FORWARD ? n : HOOK_NONE;
}

static int take_chain(const struct nlmsghdr *m, void *arg)
{
	struct firewall *w = arg;
	const struct nfgenmsg *head = NLMSG_DATA(m);
	struct nlattr *a[NFTA_CHAIN_MAX + 1];
	struct chain c = {.family = head->nfgen_family};

	if (c.family != NFPROTO_INET && c.family != NFPROTO_IPV4 && c.family != NFPROTO_IPV6)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)m, sizeof *head, a, NFTA_CHAIN_MAX, NULL) < 0 ||
	        !a[NFTA_CHAIN_TABLE] || !a[NFTA_CHAIN_NAME])
		return 0;
	copy_name(c.table, sizeof c.table, a[NFTA_CHAIN_TABLE]);
	copy_name(c.name, sizeof c.name, a[NFTA_CHAIN_NAME]);
	if (c.family == NFPROTO_INET && !strcmp(c.table, w->own_table))
		return 0;
	c.hook = hook_of(a);
	c.drops = c.hook != HOOK_NONE && number(a[NFTA_CHAIN_POLICY]) == NF_DROP;
	buf_add(&w->chains, &c, sizeof c);
	return 0;
}

static bool named(struct nlattr *name, const char *text)
{
	return name && (size_t)nla_len(name) == strlen(text) + 1 &&
	       !memcmp(nla_data(name), text, strlen(text));
}

static bool is_drop_verdict(struct nlattr *immediate)
{
	struct nlattr *data = nla_find(nla_data(immediate), nla_len(immediate), NFTA_IMMEDIATE_DATA);
	struct nlattr *verdict = data ? nla_find(nla_data(data), nla_len(data), NFTA_DATA_VERDICT) : NULL;

	return verdict && number(nla_find(nla_data(verdict), nla_len(verdict), NFTA_VERDICT_CODE)) == NF_DROP;
}

/* Does the rule refuse without asking what it is? Counting and logging don't ask. */
static bool refuses_all(struct nlattr *expressions)
{
	struct nlattr *x, *a[NFTA_EXPR_MAX + 1];
	int left;

	nla_for_each_nested(x, expressions, left)
	{
		if (nla_parse_nested(a, NFTA_EXPR_MAX, x, NULL) < 0)
			return false;
		if (named(a[NFTA_EXPR_NAME], "counter") || named(a[NFTA_EXPR_NAME], "log"))
			continue;
		if (named(a[NFTA_EXPR_NAME], "reject"))
			return true;
		if (!a[NFTA_EXPR_DATA])
			return false;
		if (named(a[NFTA_EXPR_NAME], "immediate"))
			return is_drop_verdict(a[NFTA_EXPR_DATA]);
		return named(a[NFTA_EXPR_NAME], "target") &&
		       named(nla_find(nla_data(a[NFTA_EXPR_DATA]), nla_len(a[NFTA_EXPR_DATA]),
		                     NFTA_TARGET_NAME),
		               "REJECT");
	}
	return false;
}

static int take_rule(const struct nlmsghdr *m, void *arg)
{
	const struct firewall *w = arg;
	const struct nfgenmsg *head = NLMSG_DATA(m);
	struct nlattr *a[NFTA_RULE_MAX + 1];
	struct chain *c;
	size_t n;

	if (nlmsg_parse((struct nlmsghdr *)m, sizeof *head, a, NFTA_RULE_MAX, NULL) < 0 ||
	        !a[NFTA_RULE_TABLE] || !a[NFTA_RULE_CHAIN] || !a[NFTA_RULE_EXPRESSIONS])
		return 0;
	c = chains_of(w, &n);
	for (; n; n--, c++) {
		struct nlattr *x = a[NFTA_RULE_EXPRESSIONS];

		if (c->family != head->nfgen_family || !named(a[NFTA_RULE_TABLE], c->table) ||
		        !named(a[NFTA_RULE_CHAIN], c->name))
			continue;
		/* Compared names are padded or end with a NUL. */
		c->mentions = c->mentions ||
		              memmem(nla_data(x), (size_t)nla_len(x), w->bridge, strlen(w->bridge) + 1);
		/* Rules come in their order: the last one stands. A policy of drop needs none. */
		if (c->hook != HOOK_NONE && refuses_all(x))
			c->drops = true;
	}
	return 0;
}

/* Whoever has let the bridge through did it in the chain itself or in one that it calls. */
static bool lets_through(const struct firewall *w, const struct chain *base)
{
	size_t n;
	const struct chain *c = chains_of(w, &n);

	for (; n; n--, c++)
		if (c->mentions && c->family == base->family && !strcmp(c->table, base->table) &&
		        (c->hook == HOOK_NONE || c == base))
			return true;
	return false;
}

static void quoted(struct buf *b, const char *word)
{
	buf_char(b, ' ');
	text_shell_quote(b, word);
}

void nft_iptables_command(struct buf *b, const char *program, bool forward, const char *bridge)
{
	for (int out = 0; out < (forward ? 2 : 1); out++)
		buf_printf(b, "%s%s -I %s -%c %s%s -j ACCEPT", out ? " && " : "", program,
		        forward ? "FORWARD" : "INPUT", out ? 'o' : 'i', bridge,
		        forward ? "" : " -m conntrack --ctstate DNAT");
}

/* What runs between the bridge and the rest is asked for by Tare's own rules already, so both directions may
 * pass; into the host itself only questions to the name service have to (they were translated). */
static void add_command(struct buf *b, const struct chain *c, const char *family, const char *bridge)
{
	bool forward = c->hook == NF_INET_FORWARD;

	if (c->family == NFPROTO_INET && !strcmp(c->table, "firewalld")) {
		buf_printf(b,
		        "firewall-cmd --permanent --zone=trusted --add-interface=%s && firewall-cmd --reload",
		        bridge);
		return;
	}
	/* Those of iptables-nft, which couldn't read other rules. */
	if (!strcmp(c->table, "filter") && c->family != NFPROTO_INET &&
	        !strcmp(c->name, forward ? "FORWARD" : "INPUT")) {
		nft_iptables_command(
		        b, c->family == NFPROTO_IPV6 ? "ip6tables" : "iptables", forward, bridge);
		return;
	}
	for (int out = 0; out < (forward ? 2 : 1); out++) {
		buf_printf(b, "%snft insert rule %s", out ? " && " : "", family);
		quoted(b, c->table);
		quoted(b, c->name);
		buf_printf(b, " %cifname %s%s accept", out ? 'o' : 'i', bridge,
		        forward ? "" : " ct status dnat");
	}
}

static int add_advice(const struct firewall *w, const struct chain *c, char ***advice)
{
	const char *family = c->family == NFPROTO_INET ? "inet" : c->family == NFPROTO_IPV6 ? "ip6" : "ip";
	cleanup_buf struct buf line = BUF_INIT;
	cleanup_buf struct buf harmless = BUF_INIT;

	buf_printf(&line, "%s %s %s: ", family, c->table, c->name);
	add_command(&line, c, family, w->bridge);
	text_harmless(&harmless, buf_str(&line), line.len);
	return line.failed || harmless.failed || strv_add(advice, buf_str(&harmless)) < 0 ? -1 : 0;
}

static int ask_all(int fd, unsigned type, wire_fn fn, struct firewall *w)
{
	cleanup_buf struct buf request = BUF_INIT;

	wire_end(&request, wire_begin(&request, type, NLM_F_DUMP, AF_UNSPEC, 1));
	return wire_dump(fd, &request, fn, w);
}

int nft_foreign_drops(const char *table, const char *bridge, char ***advice, struct err *e)
{
	cleanup_fd int fd = wire_open(e);
	struct firewall w = {.bridge = bridge, .own_table = table};
	const struct chain *c;
	size_t n;
	int r;

	*advice = NULL;
	if (fd < 0)
		return -1;
	r = ask_all(fd, NFT_MSG_GETCHAIN, take_chain, &w);
	r = r ? r : ask_all(fd, NFT_MSG_GETRULE, take_rule, &w);
	if (r < 0)
		err_sys(e, "cannot read this host's firewall rules");
	c = chains_of(&w, &n);
	for (; n && !r; n--, c++)
		if (c->drops && !lets_through(&w, c) && add_advice(&w, c, advice) < 0)
			r = err_no_memory(e);
	buf_free(&w.chains);
	return r ? r : nft_legacy_drops(bridge, advice, e);
}
