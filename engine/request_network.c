/* What a container is to have of networks: --network and what belongs to it, and ports that are published or
 * exposed. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/tare.h"
#include "net/address.h"

#define DEFAULT_NETWORK "bridge" /* Docker's name for it */
#define DNS_LABEL_MAX   63       /* RFC 1035, 2.3.4 */
#define DNS_NAME_MAX    253

void tare_endpoint_free(struct tare_endpoint *p)
{
	free(p->network);
	free(p->ip);
	free(p->ip6);
	free(p->mac);
	strv_free(p->aliases);
	*p = (struct tare_endpoint){0};
}

static int set_text(char **field, const char *text, struct err *e)
{
	char *copy = strdup(text);

	if (!copy)
		return err_no_memory(e);
	free(*field);
	*field = copy;
	return 0;
}

/* ------------------------------------------------------------------ addresses and aliases */

int tare_endpoint_set_ip(struct tare_endpoint *p, const char *text, struct err *e)
{
	struct net_address a;
	char printed[NET_ADDRESS_TEXT];

	if (net_address_parse(text, &a, e) < 0)
		return -1;
	return set_text(a.family == AF_INET ? &p->ip : &p->ip6, net_address_text(&a, printed), e);
}

static int set_mac(struct tare_endpoint *p, const char *text, struct err *e)
{
	unsigned char mac[NET_MAC_LEN];
	char printed[NET_MAC_TEXT];

	if (net_mac_parse(text, mac, e) < 0)
		return -1;
	return set_text(&p->mac, net_mac_text(mac, printed), e);
}

/* What a question to the name service can ask for: labels of letters, digits, - and _, parted by dots. */
static bool is_dns_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	if (strlen(text) > DNS_NAME_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(text, ".");

		if (!len || len > DNS_LABEL_MAX || text[0] == '-' || text[len - 1] == '-')
			return false;
		for (size_t i = 0; i < len; i++)
			if (!strchr(letters, text[i]) && text[i] != '-')
				return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

int tare_endpoint_add_alias(struct tare_endpoint *p, const char *text, struct err *e)
{
	if (!is_dns_name(text))
		return err_set(e, ERR_USAGE,
		        "invalid alias \"%.80s\": letters, digits, - and _, parts of at most %d parted by "
		        "dots, as in db or db.internal",
		        text, DNS_LABEL_MAX);
	if (strv_has(p->aliases, text))
		return 0;
	return strv_add(&p->aliases, text) < 0 ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ networks */

static bool is_default_network(const char *name)
{
	return strcmp(name, DEFAULT_NETWORK) == 0 || strcmp(name, "default") == 0;
}

static struct tare_endpoint *add_endpoint(struct tare_create *c, struct err *e)
{
	struct tare_endpoint *grown;

	if (c->n_endpoints >= TARE_ENDPOINTS_MAX)
		return err_set_null(
		        e, ERR_USAGE, "a container can be in at most %d networks", TARE_ENDPOINTS_MAX);
	grown = realloc(c->endpoints, (c->n_endpoints + 1) * sizeof *grown);
	if (!grown) {
		err_no_memory(e);
		return NULL;
	}
	c->endpoints = grown;
	c->endpoints[c->n_endpoints] = (struct tare_endpoint){0};
	return &c->endpoints[c->n_endpoints++];
}

/* The first network, which --ip and the like speak of: a nameless one until --network names it. */
static struct tare_endpoint *first_endpoint(struct tare_create *c, struct err *e)
{
	struct tare_endpoint *p;

	if (c->n_endpoints)
		return &c->endpoints[0];
	p = add_endpoint(c, e);
	if (!p)
		return NULL;
	p->unnamed = true;
	return set_text(&p->network, DEFAULT_NETWORK, e) < 0 ? NULL : p;
}

int tare_parse_ip(struct tare_create *c, const char *text, struct err *e)
{
	struct tare_endpoint *p = first_endpoint(c, e);

	return p ? tare_endpoint_set_ip(p, text, e) : -1;
}

int tare_parse_mac(struct tare_create *c, const char *text, struct err *e)
{
	struct tare_endpoint *p = first_endpoint(c, e);

	return p ? set_mac(p, text, e) : -1;
}

int tare_parse_network_alias(struct tare_create *c, const char *text, struct err *e)
{
	struct tare_endpoint *p = first_endpoint(c, e);

	return p ? tare_endpoint_add_alias(p, text, e) : -1;
}

/* none, host and container:REF are no networks, but the lack of one, the host's, and another's. */
static bool is_mode(const char *name)
{
	return strcmp(name, "none") == 0 || strcmp(name, "host") == 0 ||
	       strncmp(name, "container:", strlen("container:")) == 0;
}

static int set_mode(struct tare_create *c, const char *name, struct err *e)
{
	if (c->network && strcmp(c->network, name) != 0)
		return err_set(e, ERR_USAGE,
		        "--network %s and --network %s exclude each other; use one of them", c->network,
		        name);
	return set_text(&c->network, name, e);
}

static int check_network_name(const char *name, struct err *e)
{
	if (tare_name_check(name, NULL) < 0)
		return err_set(e, ERR_USAGE,
		        "unknown network \"%.80s\": write the name of one, or one of none host bridge "
		        "container:NAME",
		        name);
	return 0;
}

/* The place that a network of this name gets: that of an --ip which came before, or a new one. */
static struct tare_endpoint *named_endpoint(struct tare_create *c, const char *name, struct err *e)
{
	struct tare_endpoint *p;

	if (is_default_network(name))
		name = DEFAULT_NETWORK;
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (!c->endpoints[i].unnamed && strcmp(c->endpoints[i].network, name) == 0)
			return err_set_null(e, ERR_USAGE, "the network %s is given twice", name);
	p = c->n_endpoints && c->endpoints[0].unnamed ? &c->endpoints[0] : add_endpoint(c, e);
	if (!p || set_text(&p->network, name, e) < 0)
		return NULL;
	p->unnamed = false;
	return p;
}

static int network_key(struct tare_endpoint *p, const char *key, const char *value, struct err *e)
{
	static const char *const keys[] = {"name", "ip", "ip6", "mac-address", "alias"};
	const char *near;

	if (strcmp(key, "ip") == 0 || strcmp(key, "ip6") == 0)
		return tare_endpoint_set_ip(p, value, e);
	if (strcmp(key, "mac-address") == 0)
		return set_mac(p, value, e);
	if (strcmp(key, "alias") == 0)
		return tare_endpoint_add_alias(p, value, e);
	near = text_nearest(key, keys, sizeof keys / sizeof *keys);
	if (near)
		return err_set(e, ERR_USAGE, "unknown key \"%s\"; did you mean %s?", key, near);
	return err_set(e, ERR_USAGE, "unknown key \"%s\"; known are name, ip, ip6, mac-address, alias", key);
}

/* "name=web,ip=10.1.0.5,alias=db": into an endpoint of its own, so that a bad text leaves the request as it
 * was. */
static int parse_network_keys(struct tare_endpoint *p, const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	char *rest = copy;

	if (!copy)
		return err_no_memory(e);
	for (char *part; (part = text_next_part(&rest, ","));) {
		char *value = strchr(part, '=');

		if (!value || !value[1])
			return err_set(
			        e, ERR_USAGE, "\"%s\" needs a value, as in name=web,ip=10.1.0.5", part);
		*value++ = 0;
		if (strcmp(part, "name") == 0 ? set_text(&p->network, value, e) < 0
		                              : network_key(p, part, value, e) < 0)
			return -1;
	}
	if (!p->network)
		return err_set(e, ERR_USAGE, "the name is missing, as in name=web,ip=10.1.0.5");
	return 0;
}

/* Into `to` goes what `from` has, beside what an --ip before said. */
static int merge_endpoint(struct tare_endpoint *to, struct tare_endpoint *from, struct err *e)
{
	char **texts[][2] = {{&to->ip, &from->ip}, {&to->ip6, &from->ip6}, {&to->mac, &from->mac}};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i][1]) {
			free(*texts[i][0]);
			*texts[i][0] = steal_ptr(texts[i][1]);
		}
	strv_foreach (alias, from->aliases)
		if (tare_endpoint_add_alias(to, *alias, e) < 0)
			return -1;
	return 0;
}

int tare_parse_network(struct tare_create *c, const char *text, struct err *e)
{
	__attribute__((cleanup(tare_endpoint_free))) struct tare_endpoint given = {0};
	struct tare_endpoint *p;
	bool plain = !strchr(text, '=') && !strchr(text, ',');

	if (plain ? set_text(&given.network, text, e) < 0 : parse_network_keys(&given, text, e) < 0)
		return plain ? -1 : err_wrap(e, "invalid network \"%.80s\"", text);
	if (is_mode(given.network)) {
		if (given.ip || given.ip6 || given.mac || given.aliases)
			return err_set(e, ERR_USAGE,
			        "invalid network \"%.80s\": %s takes neither addresses nor aliases", text,
			        given.network);
		return set_mode(c, given.network, e);
	}
	if (check_network_name(given.network, e) < 0)
		return -1;
	p = named_endpoint(c, given.network, e);
	return p ? merge_endpoint(p, &given, e) : -1;
}

/* ------------------------------------------------------------------ ports */

/* A port or a range of them; 0, 0: none was written. */
struct range {
	uint16_t from, to;
};

static const struct {
	const char *name;
	int protocol;
} protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

const char *tare_protocol_name(int protocol)
{
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (protocols[i].protocol == protocol)
			return protocols[i].name;
	return "?";
}

static int protocol_parse(const char *text, int *protocol, struct err *e)
{
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (strcasecmp(protocols[i].name, text) == 0) {
			*protocol = protocols[i].protocol;
			return 0;
		}
	return err_set(e, ERR_USAGE, "unknown protocol \"%.20s\"; one of tcp, udp, sctp", text);
}

/* Up to five digits; the rest of the text, or NULL. */
static const char *port_number(const char *s, uint16_t *port)
{
	size_t digits = strspn(s, "0123456789");
	unsigned long v = digits && digits <= 5 ? strtoul(s, NULL, 10) : 0;

	if (v < 1 || v > UINT16_MAX)
		return NULL;
	*port = (uint16_t)v;
	return s + digits;
}

static int range_parse(const char *text, struct range *r, struct err *e)
{
	const char *rest;

	*r = (struct range){0};
	rest = port_number(text, &r->from);
	r->to = r->from;
	if (rest && *rest == '-')
		rest = port_number(rest + 1, &r->to);
	if (!rest || *rest)
		return err_set(e, ERR_USAGE,
		        "\"%.40s\" is not a port from 1 to 65535, or a range such as 8000-8010", text);
	if (r->from > r->to)
		return err_set(
		        e, ERR_USAGE, "the range \"%s\" is reversed; write %u-%u", text, r->to, r->from);
	return 0;
}

/* "80", "80/udp", "8000-8010/tcp". The text is cut at its slash. */
static int ports_parse(char *text, struct range *r, int *protocol, struct err *e)
{
	char *slash = strchr(text, '/');

	*protocol = IPPROTO_TCP;
	if (slash)
		*slash = 0;
	if (slash && protocol_parse(slash + 1, protocol, e) < 0)
		return -1;
	return range_parse(text, r, e);
}

int tare_port_parse(const char *text, uint16_t *port, int *protocol, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	struct range r;

	if (!copy)
		return err_no_memory(e);
	if (ports_parse(copy, &r, protocol, e) < 0)
		return err_wrap(e, "invalid port \"%.80s\"", text);
	if (r.from != r.to)
		return err_set(
		        e, ERR_USAGE, "invalid port \"%.80s\": one port such as 80/tcp, not a range", text);
	*port = r.from;
	return 0;
}

/* Where the host's address ends: behind the bracket of IPv6, at the first colon of two otherwise. *host: the
 * address alone or NULL; the result: what stands behind its colon. */
static char *split_host(char *text, char **host, struct err *e)
{
	char *first = strchr(text, ':'), *last = strrchr(text, ':'), *end;

	*host = NULL;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return err_set_null(
			        e, ERR_USAGE, "write [ADDRESS]:PORT:PORT, as in [2001:db8::1]:8080:80");
		*end = 0;
		*host = text + 1;
		return end + 2;
	}
	if (first == last)
		return text;
	if (strchr(first + 1, ':') != last)
		return err_set_null(
		        e, ERR_USAGE, "an IPv6 address goes in brackets, as in [2001:db8::1]:8080:80");
	*first = 0;
	*host = text;
	return first + 1;
}

/* Why nobody could come by this address; NULL: somebody can. What comes to ::1 and fe80:: the kernel does not
 * send on to a container. */
static const char *why_not_served(const struct net_address *a)
{
	const unsigned char *b = a->bytes;

	if (a->family == AF_INET)
		return b[0] >= 224 ? "it is no address of one host" : NULL;
	if (b[0] == 0xff)
		return "it is no address of one host";
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return "the kernel forwards nothing from a link-local address";
	for (size_t i = 0; i < 15; i++)
		if (b[i])
			return NULL;
	return b[15] == 1 ? "the kernel forwards nothing from ::1; use 127.0.0.1" : NULL;
}

static int set_host(struct tare_publish *p, const char *host, struct err *e)
{
	struct net_address a;
	char printed[NET_ADDRESS_TEXT];

	if (!host || !*host)
		return 0;
	if (net_address_parse(host, &a, NULL) < 0)
		return err_set(e, ERR_USAGE,
		        "\"%.80s\" is not an address of this host such as 127.0.0.1 or [2001:db8::1]; write "
		        "[ADDRESS:]PORT:PORT",
		        host);
	if (why_not_served(&a))
		return err_set(e, ERR_USAGE, "%s cannot be published: %s", host, why_not_served(&a));
	return set_text(&p->host_ip, net_address_text(&a, printed), e);
}

static int add_publish(struct tare_create *c, struct tare_publish p, const char *host_ip, struct err *e)
{
	struct tare_publish *grown;

	if (c->n_publish >= TARE_PORTS_MAX)
		return err_set(e, ERR_USAGE,
		        "more than %d ports; publish fewer, or use --network host or a macvlan network",
		        TARE_PORTS_MAX);
	/* Ranges come as thousands of rows: not a new place for each. */
	if ((c->n_publish & (c->n_publish - 1)) == 0) {
		grown = realloc(c->publish, (c->n_publish ? c->n_publish * 2 : 1) * sizeof *grown);
		if (!grown)
			return err_no_memory(e);
		c->publish = grown;
	}
	p.host_ip = host_ip ? strdup(host_ip) : NULL;
	if (host_ip && !p.host_ip)
		return err_no_memory(e);
	c->publish[c->n_publish++] = p;
	return 0;
}

/* One row for each port of the container; the ranges are of one length, or the host's is for one port to
 * choose from. */
static int publish_ranges(struct tare_create *c, const struct tare_publish *sample, struct range host,
        struct range inside, struct err *e)
{
	bool choose = inside.from == inside.to, any = !host.from;

	if (!choose && !any && host.to - host.from != inside.to - inside.from)
		return err_set(e, ERR_USAGE,
		        "%d ports of the host for %d of the container; write ranges of one length, as in "
		        "8000-8002:9000-9002",
		        host.to - host.from + 1, inside.to - inside.from + 1);
	for (unsigned i = 0; i <= (unsigned)(inside.to - inside.from); i++) {
		struct tare_publish p = {
		        .protocol = sample->protocol,
		        .host_port = any ? 0 : (uint16_t)(host.from + i),
		        .host_port_to = any      ? 0
		                        : choose ? host.to
		                                 : (uint16_t)(host.from + i),
		        .container_port = (uint16_t)(inside.from + i),
		};

		if (add_publish(c, p, sample->host_ip, e) < 0)
			return -1;
	}
	return 0;
}

/* The row without its ports, and the ports; `text` is taken apart. */
static int publish_parse(
        char *text, struct tare_publish *p, struct range *host, struct range *inside, struct err *e)
{
	char *address, *ports = split_host(text, &address, e), *colon;

	if (!ports)
		return -1;
	colon = strchr(ports, ':');
	if (colon)
		*colon = 0;
	if (address && !colon)
		return err_set(e, ERR_USAGE, "the port of the container is missing, as in 127.0.0.1:8080:80");
	if (colon && strcmp(ports, "0") == 0)
		*ports = 0; /* any free one, as Docker has it */
	if (set_host(p, address, e) < 0 || (colon && *ports && range_parse(ports, host, e) < 0))
		return -1;
	return ports_parse(colon ? colon + 1 : ports, inside, &p->protocol, e);
}

int tare_parse_publish(struct tare_create *c, const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text), *host_ip = NULL;
	struct tare_publish sample = {0};
	struct range host = {0}, inside = {0};
	size_t before = c->n_publish;
	int rc;

	if (!copy)
		return err_no_memory(e);
	rc = publish_parse(copy, &sample, &host, &inside, e);
	host_ip = sample.host_ip;
	if (rc == 0)
		rc = publish_ranges(c, &sample, host, inside, e);
	if (rc == 0)
		return 0;
	while (c->n_publish > before)
		free(c->publish[--c->n_publish].host_ip);
	return err_wrap(e, "invalid port \"%.80s\"", text);
}

int tare_parse_expose(struct tare_create *c, const char *text, struct err *e)
{
	cleanup_free char *copy = strdup(text);
	size_t n = strv_len(c->expose);
	struct range r;
	int protocol;

	if (!copy)
		return err_no_memory(e);
	if (ports_parse(copy, &r, &protocol, e) < 0)
		return err_wrap(e, "invalid port \"%.80s\"", text);
	if (n + r.to - r.from >= TARE_PORTS_MAX)
		return err_set(e, ERR_USAGE, "invalid port \"%.80s\": more than %d ports are exposed", text,
		        TARE_PORTS_MAX);
	for (unsigned port = r.from; port <= r.to; port++) {
		char *one = str_printf("%u/%s", port, tare_protocol_name(protocol));

		if (!one || strv_take(&c->expose, one) < 0)
			return err_no_memory(e);
	}
	return 0;
}
