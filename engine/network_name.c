/* What the kernel's objects of networks are called, so that two installations on one host don't meet and
 * what a crash left can be told from what is another's. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/network.h"

#define HASH_DIGITS 6

/* FNV-1a; what is hashed here is nobody's secret. */
static uint64_t hash_text(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h ^ h >> 32;
}

/* The state directory's path as the kernel has it: without links, and the same from every directory. */
static const char *state_path(const struct store *s, char dst[4096])
{
	char link[32];

	snprintf(link, sizeof link, "/proc/self/fd/%d", s->state_fd);
	ssize_t n = readlink(link, dst, 4095);
	if (n <= 0)
		return s->state;
	dst[n] = '\0';
	return dst;
}

/* 24 bits of it; 0 for the usual directory. */
static uint32_t state_hash(const struct store *s)
{
	char path[4096];
	const char *p = state_path(s, path);

	return strcmp(p, STORE_STATE_DEFAULT) == 0 ? 0 : (uint32_t)(hash_text(p) & 0xffffff) | 1;
}

uint64_t network_host_hash(const struct store *s)
{
	char path[4096], text[4096 + 64], machine[40] = "";

	file_read_small(AT_FDCWD, "/etc/machine-id", machine, sizeof machine);
	snprintf(text, sizeof text, "%s %s", machine, state_path(s, path));
	return hash_text(text);
}

const char *network_table(const struct store *s, char dst[NFT_TABLE_MAX])
{
	uint32_t h = state_hash(s);

	snprintf(dst, NFT_TABLE_MAX, h ? "tare-%06x" : "tare", h);
	return dst;
}

void network_port_name(const struct store *s, const char *id, char dst[IFNAMSIZ])
{
	char table[NFT_TABLE_MAX], random[IFNAMSIZ + 1];

	nft_port_prefix(network_table(s, table), dst);
	size_t prefix = strlen(dst), room = IFNAMSIZ - 1 - prefix;
	random_hex(random, IFNAMSIZ / 2);
	snprintf(dst + prefix, room + 1, "%.*s%s", (int)room / 2, id, random);
}

const char *network_default_bridge(const struct store *s, char dst[IFNAMSIZ])
{
	uint32_t h = state_hash(s);

	snprintf(dst, IFNAMSIZ, h ? "tare%06x" : "tare0", h);
	return dst;
}

void network_bridge_mac(const struct store *s, const char *network_id, unsigned char mac[NET_MAC_LEN])
{
	uint32_t h = state_hash(s), n = (uint32_t)hash_text(network_id);

	mac[0] = 0x02; /* locally administered */
	mac[1] = (unsigned char)(h >> 16);
	mac[2] = (unsigned char)(h >> 8);
	mac[3] = (unsigned char)h;
	mac[4] = (unsigned char)(n >> 8);
	mac[5] = (unsigned char)n;
}

static bool is_hex(const char *s, size_t digits)
{
	return strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

/* Of any state directory. */
static bool is_port(const char *link)
{
	return (strncmp(link, "tv", 2) == 0 && is_hex(link + 2, IFNAMSIZ - 1 - 2)) ||
	       (*link == 't' && is_hex(link + 1, IFNAMSIZ - 1 - 1));
}

bool network_port_is_ours(const struct store *s, const char *link)
{
	char table[NFT_TABLE_MAX], prefix[IFNAMSIZ];

	nft_port_prefix(network_table(s, table), prefix);
	return is_port(link) && strncmp(link, prefix, strlen(prefix)) == 0;
}

bool network_bridge_is_ours(const struct store *s, const char *link)
{
	unsigned char mac[NET_MAC_LEN];
	struct ifreq q = {0};
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(q.ifr_name, sizeof q.ifr_name, "%s", link);
	network_bridge_mac(s, "", mac);
	return network_made_link(link) && !is_port(link) && fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &q) == 0 &&
	       memcmp(q.ifr_hwaddr.sa_data, mac, 4) == 0;
}

bool network_made_link(const char *name)
{
	if (strncmp(name, "tr-", 3) == 0)
		return is_hex(name + 3, 12);
	return is_port(name) || strcmp(name, "tare0") == 0 ||
	       (strncmp(name, "tare", 4) == 0 && is_hex(name + 4, HASH_DIGITS));
}

const char *network_endpoint_id(
        const char *container_id, const char *network_id, char dst[NETWORK_ID_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < NETWORK_ID_LEN; i++) {
		const char *a = strchr(digits, container_id[i]), *b = strchr(digits, network_id[i]);
		dst[i] = digits[(a && b ? (a - digits) ^ (b - digits) : 0) & 15];
	}
	dst[NETWORK_ID_LEN] = '\0';
	return dst;
}
