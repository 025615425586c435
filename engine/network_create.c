/* What a new network is to be: its name, driver, options and addresses checked, each refusal in one line that
 * says what would be right. */
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/network.h"
#include "engine/rootless_network.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* ------------------------------------------------------------------ name and driver */

int network_name_check(const char *name, struct err *e)
{
	static const char *const reserved[] = {"none", "host", "bridge", "default", "container", "tare0"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);

	for (size_t i = 0; i < COUNT(reserved); i++)
		if (strcmp(name, reserved[i]) == 0)
			return err_set(e, ERR_USAGE,
			        "\"%s\" means something already where a network is asked for; choose another "
			        "name",
			        name);
	if (DEFENCE("network-name") && (!isalnum((unsigned char)name[0]) || strspn(name, letters) != len))
		return err_set(e, ERR_USAGE,
		        "invalid network name \"%.80s\": letters, digits, \"_\", \".\" and \"-\", the first "
		        "a "
		        "letter or a digit",
		        name);
	if (len > NETWORK_NAME_MAX)
		return err_set(e, ERR_USAGE,
		        "invalid network name \"%.20s…\": %zu letters, and the most is %d", name, len,
		        NETWORK_NAME_MAX);
	if (len == NETWORK_ID_LEN && strspn(name, "0123456789abcdef") == len)
		return err_set(
		        e, ERR_USAGE, "invalid network name \"%.12s…\": it would look like an id", name);
	return 0;
}

static int set_driver(const char *driver, struct network_record *r, struct err *e)
{
	static const char *const known[] = {"bridge", "macvlan"};

	if (!driver)
		driver = known[0];
	for (size_t i = 0; i < COUNT(known); i++)
		if (strcmp(driver, known[i]) == 0) {
			r->driver = strdup(driver);
			return r->driver ? 0 : err_no_memory(e);
		}
	return err_set(
	        e, ERR_USAGE, "unknown network driver \"%.60s\": there are bridge and macvlan", driver);
}

/* ------------------------------------------------------------------ options */

static int set_bool(const char *value, bool *out, struct err *e)
{
	static const char *const words[2][2] = {{"false", "0"}, {"true", "1"}};

	for (int v = 0; v < 2; v++)
		if (strcmp(value, words[v][0]) == 0 || strcmp(value, words[v][1]) == 0) {
			*out = v;
			return 0;
		}
	return err_set(e, ERR_USAGE, "\"%.60s\" is neither true nor false", value);
}

static int set_isolate(struct network_record *r, const char *value, struct err *e)
{
	return set_bool(value, &r->isolated, e);
}

static int set_icc(struct network_record *r, const char *value, struct err *e)
{
	return set_bool(value, &r->icc, e);
}

static int set_masquerade(struct network_record *r, const char *value, struct err *e)
{
	return set_bool(value, &r->masquerade, e);
}

static int set_antispoof(struct network_record *r, const char *value, struct err *e)
{
	return set_bool(value, &r->antispoof, e);
}

#define MTU_MIN 68 /* RFC 791 */
#define MTU_MAX 65535
#define MTU6    1280 /* RFC 8200: the least that IPv6 works over */

static int set_mtu(struct network_record *r, const char *value, struct err *e)
{
	int64_t mtu;

	if (int_parse(value, MTU_MIN, MTU_MAX, "MTU", &mtu, e) != 0)
		return -1;
	r->mtu = (unsigned)mtu;
	return 0;
}

static int set_text(char **dst, const char *value, struct err *e)
{
	free(*dst);
	*dst = strdup(value);
	return *dst ? 0 : err_no_memory(e);
}

static int set_parent(struct network_record *r, const char *value, struct err *e)
{
	if (!*value || strlen(value) >= IFNAMSIZ || if_nametoindex(value) == 0)
		return err_set(e, ERR_NOT_FOUND, "this host has no interface \"%.60s\"; see: ip link", value);
	return set_text(&r->link, value, e);
}

static int set_mode(struct network_record *r, const char *value, struct err *e)
{
	static const char *const modes[] = {"bridge", "private", "vepa", "passthru"};

	for (size_t i = 0; i < COUNT(modes); i++)
		if (strcmp(value, modes[i]) == 0)
			return set_text(&r->macvlan_mode, value, e);
	return err_set(
	        e, ERR_USAGE, "unknown mode \"%.60s\": there are bridge, private, vepa and passthru", value);
}

static const struct option {
	const char *name, *dockers; /* what Docker calls it, or NULL */
	const char *driver;         /* the only one that has it, or NULL */
	int (*set)(struct network_record *r, const char *value, struct err *e);
} options[] = {
        {"isolate", NULL, "bridge", set_isolate},
        {"icc", "com.docker.network.bridge.enable_icc", "bridge", set_icc},
        {"masquerade", "com.docker.network.bridge.enable_ip_masquerade", "bridge", set_masquerade},
        {"antispoof", NULL, "bridge", set_antispoof},
        {"mtu", "com.docker.network.driver.mtu", NULL, set_mtu},
        {"parent", NULL, "macvlan", set_parent},
        {"mode", "macvlan_mode", "macvlan", set_mode},
};

static int unknown_option(const char *key, const char *driver, struct err *e)
{
	cleanup_buf struct buf known = BUF_INIT;

	for (size_t i = 0; i < COUNT(options); i++)
		if (!options[i].driver || strcmp(options[i].driver, driver) == 0)
			buf_printf(&known, "%s%s", known.len ? ", " : "", options[i].name);
	return err_set(e, ERR_USAGE, "unknown option \"%.80s\" of the driver %s; it has %s", key, driver,
	        buf_str(&known));
}

static int set_option(struct network_record *r, const char *key, const char *value, struct err *e)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		const struct option *o = &options[i];
		if (strcmp(key, o->name) != 0 && (!o->dockers || strcmp(key, o->dockers) != 0))
			continue;
		if (o->driver && strcmp(o->driver, r->driver) != 0)
			break;
		return o->set(r, value, e) == 0 ? 0 : err_wrap(e, "option %s", key);
	}
	return unknown_option(key, r->driver, e);
}

static int set_options(char *const *texts, struct network_record *r, struct err *e)
{
	strv_foreach (text, texts) {
		const char *equals = strchr(*text, '=');
		if (!equals || equals == *text)
			return err_set(e, ERR_USAGE,
			        "invalid option \"%.80s\": write KEY=VALUE, for example isolate=false",
			        *text);
		cleanup_free char *key = strndup(*text, (size_t)(equals - *text));
		if (!key)
			return err_no_memory(e);
		if (set_option(r, key, equals + 1, e) != 0)
			return -1;
		if (!r->options)
			r->options = json_object_new_object();
		json_set_str(r->options, key, equals + 1);
	}
	if (strcmp(r->driver, "macvlan") == 0 && !r->link)
		return err_set(e, ERR_USAGE,
		        "a macvlan network needs the host's interface that it is on: --opt parent=eth0");
	return 0;
}

/* ------------------------------------------------------------------ addresses */

/* Four addresses: the network's, the gateway, a container, broadcast. */
static const unsigned prefix_max[2] = {30, 126};

/* Ranges that no host on a link may have its addresses in (RFC 6890): a packet to them never reaches it. */
static bool is_special(const struct net_subnet *s)
{
	static const char *const ranges[] = {
	        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8"};

	for (size_t i = 0; i < COUNT(ranges); i++) {
		struct net_subnet range;
		if (net_subnet_parse(ranges[i], &range, NULL) == 0 && net_subnet_overlap(&range, s))
			return true;
	}
	return false;
}

static int parse_subnet(const char *text, int f, struct net_subnet *s, struct err *e)
{
	if (net_subnet_parse(text, s, e) != 0)
		return -1;
	if ((s->base.family == AF_INET6) != (f == 1))
		return err_set(e, ERR_USAGE, "subnet %s is not an IPv%d one", text, f ? 6 : 4);
	if (s->prefix > prefix_max[f])
		return err_set(
		        e, ERR_USAGE, "subnet %s is too small: /%u is the smallest", text, prefix_max[f]);
	if (is_special(s))
		return err_set(e, ERR_USAGE,
		        "subnet %s has addresses that are not for hosts; take a private one, for example %s",
		        text, f ? "fd00:1234::/64" : "10.99.0.0/16");
	return 0;
}

static int set_gateway(const char *text, const struct net_subnet *s, char **out, struct err *e)
{
	struct net_address a;
	char subnet[NET_SUBNET_TEXT], printed[NET_ADDRESS_TEXT];

	if (net_address_parse(text, &a, e) != 0)
		return err_wrap(e, "gateway");
	if (!net_subnet_has(s, &a))
		return err_set(e, ERR_USAGE, "gateway %s is outside of the subnet %s", text,
		        net_subnet_text(s, subnet));
	if (!net_subnet_usable(s, &a))
		return err_set(e, ERR_USAGE,
		        "gateway %s is not a host's address: it is the first or the last of the subnet %s",
		        text, net_subnet_text(s, subnet));
	return set_text(out, net_address_text(&a, printed), e);
}

static int set_range(const char *text, const struct net_subnet *s, char **out, struct err *e)
{
	struct net_subnet range;
	char subnet[NET_SUBNET_TEXT];

	if (net_subnet_parse(text, &range, e) != 0)
		return err_wrap(e, "range");
	if (range.prefix < s->prefix || !net_subnet_has(s, &range.base))
		return err_set(e, ERR_USAGE, "range %s is outside of the subnet %s", text,
		        net_subnet_text(s, subnet));
	return set_text(out, net_subnet_text(&range, subnet), e);
}

/* A subnet that was asked for, or a free one. */
static int set_addresses(const struct store *s, const struct subnet_claims *claims,
        const struct tare_network_create *q, int f, struct network_record *r, struct err *e)
{
	struct net_subnet subnet;

	if (!q->subnet[f]) {
		if (subnet_choose(s, claims, f ? AF_INET6 : AF_INET, false, &subnet, e) != 0)
			return -1;
	} else if (parse_subnet(q->subnet[f], f, &subnet, e) != 0 ||
	           subnet_check(claims, &subnet, NULL, e) != 0) {
		return -1;
	}
	if (network_set_subnet(r, &subnet) != 0)
		return err_no_memory(e);
	if ((q->gateway[f] && set_gateway(q->gateway[f], &subnet, &r->gateway[f], e) != 0) ||
	        (q->range[f] && set_range(q->range[f], &subnet, &r->range[f], e) != 0))
		return -1;
	return 0;
}

/* What makes no sense together, before anything is looked up. */
static int check_families(const struct tare_network_create *q, const struct network_record *r, struct err *e)
{
	for (int f = 0; f < 2; f++)
		if (!q->subnet[f] && (q->gateway[f] || q->range[f]))
			return err_set(e, ERR_USAGE, "%s needs the subnet that it is in: --subnet",
			        q->gateway[f] ? "a gateway" : "a range");
	if (!q->ipv6 && !q->subnet[1])
		return 0;
	if (!host_has_ipv6())
		return err_set(e, ERR_UNSUPPORTED,
		        "IPv6 is turned off on this host (net.ipv6.conf.all.disable_ipv6)");
	if (r->mtu && r->mtu < MTU6)
		return err_set(e, ERR_USAGE, "option mtu: IPv6 needs at least %d", MTU6);
	return 0;
}

static int draft(
        const struct store *s, const struct tare_network_create *q, struct network_record *r, struct err *e)
{
	cleanup_subnet_claims struct subnet_claims claims = {0};

	if (set_driver(q->driver, r, e) != 0 || set_options(q->options, r, e) != 0 ||
	        check_families(q, r, e) != 0)
		return -1;
	if (subnet_claims_read(s, NULL, &claims, e) != 0)
		return -1;
	if (strcmp(r->driver, "macvlan") == 0)
		claims.n_routes = 0; /* its subnet is the one that the parent has a route to */
	if (set_addresses(s, &claims, q, 0, r, e) != 0)
		return -1;
	if ((q->ipv6 || q->subnet[1]) && set_addresses(s, &claims, q, 1, r, e) != 0)
		return -1;
	return 0;
}

int engine_network_create(struct tare_engine *t, const struct tare_network_create *q, char *id, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_network_record struct network_record r = {.created = now_realtime(),
	        .internal = q->internal,
	        .isolated = true,
	        .icc = true,
	        .masquerade = true,
	        .antispoof = true,
	        .labels = json_object_get(q->labels)};

	if (rootless_network_refuse("create a network", e) != 0 || network_name_check(q->name, e) != 0)
		return -1;
	cleanup_fd int lock = networks_lock(s, e);
	if (lock < 0 || network_name_free(s, q->name, e) != 0 || draft(s, q, &r, e) != 0)
		return -1;
	random_hex(r.id, NETWORK_ID_LEN / 2);
	r.name = strdup(q->name);
	if (!r.link)
		r.link = str_printf("tr-%.12s", r.id);
	if (!r.name || !r.link)
		return err_no_memory(e);
	if (network_record_write(s, &r, true, e) != 0)
		return -1;
	memcpy(id, r.id, sizeof r.id);
	network_event(s, &r, "create", NULL);
	return 0;
}
