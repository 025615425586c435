/* Addresses, subnets and link addresses. No netlink and nothing of Linux: the name service and the simulated
 * engine are linked with it too. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/text.h"

/* ---------------------------------------------------------------- addresses */

bool net_address_equal(const struct net_address *a, const struct net_address *b)
{
	return net_address_compare(a, b) == 0;
}

int net_address_compare(const struct net_address *a, const struct net_address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, net_address_len(a));
}

/* ::ffff:192.0.2.1 is IPv4 in IPv6's clothes: no socket that serves IPv6 alone can have it, and a rule that
 * forbids the one spelling would let the other through. */
static bool is_mapped(const struct net_address *a)
{
	static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

	return a->family == AF_INET6 && memcmp(a->bytes, prefix, sizeof prefix) == 0;
}

int net_address_parse(const char *text, struct net_address *a, struct err *e)
{
	*a = (struct net_address){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	if (inet_pton(a->family, text, a->bytes) != 1) {
		a->family = 0;
		return err_set(
		        e, ERR_USAGE, "invalid address \"%.80s\": write one like 10.1.0.5 or fd00::5", text);
	}
	if (is_mapped(a)) {
		a->family = 0;
		return err_set(e, ERR_USAGE,
		        "invalid address \"%.80s\": write the IPv4 address alone, %u.%u.%u.%u", text,
		        a->bytes[12], a->bytes[13], a->bytes[14], a->bytes[15]);
	}
	return 0;
}

const char *net_address_text(const struct net_address *a, char dst[NET_ADDRESS_TEXT])
{
	*dst = 0;
	if (a->family)
		inet_ntop(a->family, a->bytes, dst, NET_ADDRESS_TEXT);
	return dst;
}

/* ---------------------------------------------------------------- subnets */

static unsigned address_bits(const struct net_address *a)
{
	return (unsigned)net_address_len(a) * 8;
}

/* The address with all bits behind the prefix zero. */
static struct net_address masked(const struct net_address *a, unsigned prefix)
{
	struct net_address m = {.family = a->family};
	size_t whole = prefix / 8;

	memcpy(m.bytes, a->bytes, whole);
	if (prefix % 8)
		m.bytes[whole] = a->bytes[whole] & (unsigned char)(0xff << (8 - prefix % 8));
	return m;
}

/* One to three digits without a needless zero; -1 for anything else. */
static int prefix_parse(const char *text)
{
	int v = 0;
	size_t n = strspn(text, "0123456789");

	if (n < 1 || n > 3 || text[n] || (n > 1 && *text == '0'))
		return -1;
	for (; *text; text++)
		v = v * 10 + (*text - '0');
	return v;
}

int net_subnet_parse(const char *text, struct net_subnet *s, struct err *e)
{
	const char *slash = strchr(text, '/');
	char address[NET_ADDRESS_TEXT], base[NET_SUBNET_TEXT];
	size_t n = slash ? (size_t)(slash - text) : 0;
	struct net_address given;
	int prefix;

	*s = (struct net_subnet){0};
	if (n == 0 || n >= sizeof address)
		return err_set(e, ERR_USAGE,
		        "invalid subnet \"%.80s\": write one like 10.1.0.0/16 or fd00:1::/64", text);
	memcpy(address, text, n);
	address[n] = 0;
	if (net_address_parse(address, &given, e) < 0)
		return err_wrap(e, "invalid subnet \"%.80s\"", text);
	prefix = prefix_parse(slash + 1);
	if (prefix < 0 || (unsigned)prefix > address_bits(&given))
		return err_set(e, ERR_USAGE,
		        "invalid subnet \"%.80s\": behind the / goes a number from 0 to %u", text,
		        address_bits(&given));
	*s = net_subnet_of(&given, (unsigned)prefix);
	if (!net_address_equal(&given, &s->base))
		return err_set(e, ERR_USAGE, "invalid subnet \"%.80s\": it begins at %s", text,
		        net_subnet_text(s, base));
	return 0;
}

struct net_subnet net_subnet_of(const struct net_address *a, unsigned prefix)
{
	unsigned most = address_bits(a);

	prefix = prefix < most ? prefix : most;
	return (struct net_subnet){masked(a, prefix), prefix};
}

const char *net_subnet_text(const struct net_subnet *s, char dst[NET_SUBNET_TEXT])
{
	char address[NET_ADDRESS_TEXT];

	*dst = 0;
	if (s->base.family)
		snprintf(
		        dst, NET_SUBNET_TEXT, "%s/%u", net_address_text(&s->base, address), s->prefix & 0xff);
	return dst;
}

bool net_subnet_has(const struct net_subnet *s, const struct net_address *a)
{
	if (!s->base.family || a->family != s->base.family)
		return false;
	struct net_address m = masked(a, s->prefix);
	return net_address_equal(&m, &s->base);
}

bool net_subnet_overlap(const struct net_subnet *a, const struct net_subnet *b)
{
	/* Two subnets either lie one in the other or don't meet. */
	return a->prefix <= b->prefix ? net_subnet_has(a, &b->base) : net_subnet_has(b, &a->base);
}

/* The last 64 bits, or all 32. */
static uint64_t low_bits(const struct net_address *a)
{
	size_t len = net_address_len(a);
	uint64_t v = 0;

	for (size_t i = len > 8 ? len - 8 : 0; i < len; i++)
		v = v << 8 | a->bytes[i];
	return v;
}

/* The largest offset. */
static uint64_t last_offset(const struct net_subnet *s)
{
	unsigned host_bits = address_bits(&s->base) - s->prefix;

	return host_bits >= 64 ? UINT64_MAX : (UINT64_C(1) << host_bits) - 1;
}

bool net_subnet_nth(const struct net_subnet *s, uint64_t n, struct net_address *a)
{
	size_t len = net_address_len(&s->base);

	if (!len || n > last_offset(s))
		return false;
	*a = s->base;
	for (size_t i = len; n; n >>= 8)
		a->bytes[--i] |= (unsigned char)n;
	return true;
}

uint64_t net_subnet_offset(const struct net_subnet *s, const struct net_address *a)
{
	return low_bits(a) & last_offset(s);
}

uint64_t net_subnet_size(const struct net_subnet *s)
{
	uint64_t last = s->base.family ? last_offset(s) : 0;

	return s->base.family && last < UINT64_MAX ? last + 1 : last;
}

bool net_subnet_usable(const struct net_subnet *s, const struct net_address *a)
{
	if (!net_subnet_has(s, a))
		return false;
	/* Links of two ends and single addresses have neither (RFC 3021, RFC 6164). */
	if (s->prefix + 1 >= address_bits(a))
		return true;
	if (net_address_equal(a, &s->base))
		return false;
	return a->family != AF_INET || net_subnet_offset(s, a) != last_offset(s);
}

/* ---------------------------------------------------------------- link addresses */

static bool mac_scan(const char *text, unsigned char mac[NET_MAC_LEN])
{
	if (strlen(text) != NET_MAC_TEXT - 1)
		return false;
	for (int i = 0; i < NET_MAC_LEN; i++, text += 3) {
		int high = hex_digit(text[0]), low = hex_digit(text[1]);
		if (high < 0 || low < 0 || text[2] != (i < NET_MAC_LEN - 1 ? ':' : 0))
			return false;
		mac[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

int net_mac_parse(const char *text, unsigned char mac[NET_MAC_LEN], struct err *e)
{
	static const unsigned char zero[NET_MAC_LEN];

	if (!mac_scan(text, mac))
		return err_set(e, ERR_USAGE,
		        "invalid MAC address \"%.80s\": write one like 02:42:ac:11:00:02", text);
	if (mac[0] & 1)
		return err_set(e, ERR_USAGE,
		        "invalid MAC address \"%s\": it is one of a group (its first byte is odd)", text);
	if (memcmp(mac, zero, sizeof zero) == 0)
		return err_set(e, ERR_USAGE, "invalid MAC address \"%s\": no interface can have it", text);
	return 0;
}

const char *net_mac_text(const unsigned char mac[NET_MAC_LEN], char dst[NET_MAC_TEXT])
{
	snprintf(dst, NET_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
	        mac[5]);
	return dst;
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

void net_mac_of(const char *network_id, const struct net_address *a, unsigned char mac[NET_MAC_LEN])
{
	size_t len = net_address_len(a), high = len > 4 ? len - 4 : 0;
	uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), network_id, strlen(network_id));

	/* The last four bytes are the address's, mixed with what is the same for all of the network (and,
	 * with IPv6, of the 2^32 addresses around it): no two of them can ever meet. */
	h = hash_bytes(h, a->bytes, high);
	h ^= h >> 32;
	mac[0] = 0x02; /* locally administered, of one interface */
	mac[1] = (unsigned char)(h >> 32);
	for (size_t i = 0; i < 4; i++)
		mac[2 + i] = (unsigned char)(h >> (8 * i)) ^ a->bytes[high + i];
}

void net_link_local(const unsigned char mac[NET_MAC_LEN], struct net_address *a)
{
	*a = (struct net_address){.family = AF_INET6,
	        .bytes = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 0x02, mac[1], mac[2], 0xff, 0xfe, mac[3],
	                mac[4], mac[5]}};
}
