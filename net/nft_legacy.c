/* The filter tables of iptables-legacy: packets pass them beside those of nftables, which doesn't list them.
 * They are read as iptables reads them, in one piece: entries one after another, each chain ending in an
 * entry that is its policy. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h> /* before the kernel's */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "net/nft_foreign.h"

/* Both families have the same questions and the same heads of the answers. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "info of both families");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries), "entries of both families");
_Static_assert(
        (int)IPT_SO_GET_INFO == (int)IP6T_SO_GET_INFO && (int)IPT_SO_GET_ENTRIES == (int)IP6T_SO_GET_ENTRIES,
        "questions of both families");

static const struct legacy {
	int family, level;
	const char *loaded, *name, *program;
	size_t match_len, entry_len, target_at, next_at; /* of an entry's fields */
} legacy[] = {
        {AF_INET, SOL_IP, "/proc/net/ip_tables_names", "ip", "iptables-legacy", sizeof(struct ipt_ip),
                sizeof(struct ipt_entry), offsetof(struct ipt_entry, target_offset),
                offsetof(struct ipt_entry, next_offset)},
        {AF_INET6, SOL_IPV6, "/proc/net/ip6_tables_names", "ip6", "ip6tables-legacy", sizeof(struct ip6t_ip6),
                sizeof(struct ip6t_entry), offsetof(struct ip6t_entry, target_offset),
                offsetof(struct ip6t_entry, next_offset)},
};

struct table {
	const struct legacy *kind;
	struct ipt_getinfo info;
	struct buf entries;
};

/* Asking for a table loads its module, and the table with it: so only where it is. */
static bool is_loaded(const struct legacy *kind)
{
	char names[256];
	char *rest = names;

	if (file_read_small(AT_FDCWD, kind->loaded, names, sizeof names) < 0)
		return false;
	for (char *name; (name = text_next_part(&rest, "\n"));)
		if (!strcmp(name, "filter"))
			return true;
	return false;
}

static int read_table(struct table *t, struct err *e)
{
	cleanup_fd int fd = socket(t->kind->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	socklen_t len = sizeof t->info;
	struct ipt_get_entries *answer;

	strcpy(t->info.name, "filter");
	if (fd < 0 || getsockopt(fd, t->kind->level, IPT_SO_GET_INFO, &t->info, &len) < 0)
		return err_sys(e, "cannot read the rules of %s", t->kind->program);
	len = (socklen_t)sizeof *answer + t->info.size;
	answer = (struct ipt_get_entries *)(void *)buf_reserve(&t->entries, len);
	if (!answer)
		return err_no_memory(e);
	/* The kernel writes names without what follows their ends. */
	memset(answer, 0, len);
	*answer = (struct ipt_get_entries){.name = "filter", .size = t->info.size};
	if (getsockopt(fd, t->kind->level, IPT_SO_GET_ENTRIES, answer, &len) < 0)
		return err_sys(e, "cannot read the rules of %s", t->kind->program);
	memmove(t->entries.data, answer->entrytable, t->info.size);
	t->entries.len = t->info.size;
	return 0;
}

static unsigned field(const struct table *t, size_t entry, size_t at)
{
	uint16_t v;

	memcpy(&v, t->entries.data + entry + at, sizeof v);
	return v;
}

/* Nothing is asked of the packet, and its way ends here. */
static bool refuses_all(const struct table *t, size_t entry)
{
	static const char zero[sizeof(struct ip6t_ip6)];
	size_t target = field(t, entry, t->kind->target_at);
	struct xt_standard_target what;

	if (target != t->kind->entry_len || memcmp(t->entries.data + entry, zero, t->kind->match_len) != 0)
		return false;
	if (entry + target + sizeof what > t->entries.len)
		return false;
	memcpy(&what, t->entries.data + entry + target, sizeof what);
	if (!strncmp(what.target.u.user.name, "REJECT", sizeof what.target.u.user.name))
		return true;
	return !what.target.u.user.name[0] && what.verdict == -NF_DROP - 1;
}

static bool mentions(const struct table *t, size_t from, size_t to, const char *bridge)
{
	return from < to && memmem(t->entries.data + from, to - from, bridge, strlen(bridge) + 1);
}

static bool drops(const struct table *t, unsigned hook, const char *bridge)
{
	size_t from = t->info.hook_entry[hook], to = t->info.underflow[hook], own_chains = 0, step;
	bool refused;

	if (!(t->info.valid_hooks & 1u << hook) || to + t->kind->entry_len > t->entries.len)
		return false;
	refused = refuses_all(t, to);
	for (size_t at = from; at < to; at += step) {
		step = field(t, at, t->kind->next_at);
		if (!step)
			return false;
		refused = refused || refuses_all(t, at);
	}
	/* The administrator's chains stand behind the last one of the kernel's. */
	for (unsigned h = 0; h < NF_INET_NUMHOOKS; h++)
		if (t->info.valid_hooks & 1u << h && t->info.underflow[h] > own_chains)
			own_chains = t->info.underflow[h];
	return refused && !mentions(t, from, to, bridge) && !mentions(t, own_chains, t->entries.len, bridge);
}

static int add_advice(const struct table *t, unsigned hook, const char *bridge, char ***advice)
{
	bool forward = hook == NF_INET_FORWARD;
	cleanup_buf struct buf line = BUF_INIT;

	buf_printf(&line, "%s filter %s (legacy): ", t->kind->name, forward ? "FORWARD" : "INPUT");
	nft_iptables_command(&line, t->kind->program, forward, bridge);
	return line.failed ? -1 : strv_add(advice, buf_str(&line));
}

int nft_legacy_drops(const char *bridge, char ***advice, struct err *e)
{
	static const unsigned hooks[] = {NF_INET_LOCAL_IN, NF_INET_FORWARD};
	int r = 0;

	for (size_t i = 0; i < sizeof legacy / sizeof *legacy && !r; i++) {
		struct table t = {.kind = &legacy[i], .entries = BUF_INIT};

		if (!is_loaded(t.kind))
			continue;
		r = read_table(&t, e);
		for (size_t h = 0; h < sizeof hooks / sizeof *hooks && !r; h++)
			if (drops(&t, hooks[h], bridge) && add_advice(&t, hooks[h], bridge, advice) < 0)
				r = err_no_memory(e);
		buf_free(&t.entries);
	}
	return r;
}
