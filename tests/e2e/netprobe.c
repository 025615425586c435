/* netprobe - runs inside a container, or beside one, and is a small server, a client, or a liar on the wire.
 * Static, so that it runs in any image.
 *
 * - serve NAME PORT: TCP and UDP, both families: answers "NAME CLIENT-ADDRESS"
 *
 * - hold NAME PORT: TCP: answers each line with "NAME LINE" until the client goes
 *
 * - ask HOST PORT [udp]: prints the answer; exit code 1 when none comes within WAIT seconds (2). FROM:
 * its own port
 *
 * - arp LINK ADDRESS: claims an IPv4 address by ARP, as an answer that nobody asked for
 *
 * - na LINK ADDRESS: the same by an IPv6 neighbour advertisement
 *
 * - ra LINK PREFIX: a router advertisement: default route and prefix
 *
 * - lie LINK MAC FROM TO PORT: a UDP datagram with a false source, to a neighbour's MAC
 *
 * VLAN=1 in front of the last four: tagged
 */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TEXT_MAX     512
#define WAIT_SECONDS 2 /* a lost packet is sent again after one */
#define FRAME_MAX    512

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* ------------------------------------------------------------------ servers and a client */

static int listener(int type, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int off = 0, on = 1, fd = socket(AF_INET6, type, 0);

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) ||
	        (type == SOCK_STREAM && listen(fd, 64)))
		fail("serve");
	return fd;
}

static size_t greeting(char *text, const char *name, const struct sockaddr_in6 *from)
{
	char address[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr))
		inet_ntop(AF_INET, &from->sin6_addr.s6_addr[12], address, sizeof address);
	else
		inet_ntop(AF_INET6, &from->sin6_addr, address, sizeof address);
	return (size_t)snprintf(text, TEXT_MAX, "%s %s\n", name, address);
}

static void echo_lines(int fd, const char *name)
{
	char line[TEXT_MAX / 2], text[TEXT_MAX];
	FILE *f = fdopen(fd, "r+");

	while (f && fgets(line, sizeof line, f)) {
		int n = snprintf(text, sizeof text, "%s %s", name, line);
		if (write(fd, text, (size_t)n) != n)
			break;
	}
	_exit(0);
}

static int serve(const char *name, uint16_t port, bool hold)
{
	struct pollfd p[2] = {{.fd = listener(SOCK_STREAM, port), .events = POLLIN},
	        {.fd = listener(SOCK_DGRAM, port), .events = POLLIN}};
	char text[TEXT_MAX];

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (poll(p, 2, -1) >= 0) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof from;
		if (p[0].revents) {
			int fd = accept(p[0].fd, (struct sockaddr *)&from, &len);
			if (hold && fd >= 0 && fork() == 0)
				echo_lines(fd, name);
			if (!hold && fd >= 0 && write(fd, text, greeting(text, name, &from)) < 0)
				perror("write");
			close(fd);
		}
		if (p[1].revents &&
		        recvfrom(p[1].fd, text, sizeof text, 0, (struct sockaddr *)&from, &len) >= 0)
			sendto(p[1].fd, text, greeting(text, name, &from), 0, (struct sockaddr *)&from, len);
	}
	return 1;
}

static int ask(const char *host, uint16_t port, bool udp)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is6 = inet_pton(AF_INET6, host, &six.sin6_addr) == 1;
	struct timeval wait = {.tv_sec = getenv("WAIT") ? atoi(getenv("WAIT")) : WAIT_SECONDS};
	char text[TEXT_MAX];

	if (!is6 && inet_pton(AF_INET, host, &four.sin_addr) != 1)
		return 2;
	int fd = socket(is6 ? AF_INET6 : AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (getenv("FROM")) {
		struct sockaddr_in6 own = {.sin6_family = is6 ? AF_INET6 : AF_INET,
		        .sin6_port = htons((uint16_t)atoi(getenv("FROM")))};

		if (bind(fd, (struct sockaddr *)&own, is6 ? sizeof own : sizeof four))
			fail("bind");
	}
	if (fd < 0 || connect(fd, is6 ? (void *)&six : (void *)&four, is6 ? sizeof six : sizeof four) ||
	        (udp && write(fd, "?\n", 2) != 2))
		fail("connect");
	ssize_t n = read(fd, text, sizeof text);
	if (n <= 0)
		fail("no answer");
	return write(STDOUT_FILENO, text, (size_t)n) == n ? 0 : 1;
}

/* ------------------------------------------------------------------ frames */

struct wire {
	int fd;
	struct sockaddr_ll to;
	uint8_t mac[ETH_ALEN];
};

static void wire_open(struct wire *w, const char *link)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", link);
	w->fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (w->fd < 0 || ioctl(w->fd, SIOCGIFHWADDR, &r))
		fail(link);
	memcpy(w->mac, r.ifr_hwaddr.sa_data, ETH_ALEN);
	w->to = (struct sockaddr_ll){
	        .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(link), .sll_halen = ETH_ALEN};
}

static int wire_send(
        const struct wire *w, const uint8_t *destination, uint16_t type, const void *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	size_t n = 0;
	uint16_t tag[2] = {htons(ETHERTYPE_VLAN), htons(0)};
	uint16_t kind = htons(type);

	memcpy(frame, destination, ETH_ALEN);
	memcpy(frame + ETH_ALEN, w->mac, ETH_ALEN);
	n = 2 * ETH_ALEN;
	if (getenv("VLAN")) {
		memcpy(frame + n, tag, sizeof tag);
		n += sizeof tag;
	}
	memcpy(frame + n, &kind, sizeof kind);
	n += sizeof kind;
	memcpy(frame + n, data, len);
	n += len;
	return sendto(w->fd, frame, n, 0, (const struct sockaddr *)&w->to, sizeof w->to) == (ssize_t)n ? 0
	                                                                                               : 1;
}

static const uint8_t everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t all_nodes[ETH_ALEN] = {0x33, 0x33, 0, 0, 0, 1};

static int lie_by_arp(const struct wire *w, const char *address)
{
	struct {
		struct arphdr head;
		uint8_t sender_mac[ETH_ALEN], sender[4], target_mac[ETH_ALEN], target[4];
	} __attribute__((packed)) arp = {.head = {.ar_hrd = htons(ARPHRD_ETHER),
	                                         .ar_pro = htons(ETHERTYPE_IP),
	                                         .ar_hln = ETH_ALEN,
	                                         .ar_pln = 4,
	                                         .ar_op = htons(ARPOP_REPLY)}};

	memcpy(arp.sender_mac, w->mac, ETH_ALEN);
	memcpy(arp.target_mac, everybody, ETH_ALEN);
	inet_pton(AF_INET, address, arp.sender);
	inet_pton(AF_INET, address, arp.target);
	return wire_send(w, everybody, ETHERTYPE_ARP, &arp, sizeof arp);
}

static uint16_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *p = data;
	uint32_t s = start;

	for (size_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* An ICMPv6 message to all nodes of the link, from our link-local address. */
static int send_icmp6(const struct wire *w, const void *message, size_t len)
{
	uint8_t packet[FRAME_MAX];
	struct ip6_hdr *ip = (struct ip6_hdr *)packet;

	memset(packet, 0, sizeof *ip);
	ip->ip6_flow = htonl(6U << 28);
	ip->ip6_plen = htons((uint16_t)len);
	ip->ip6_nxt = IPPROTO_ICMPV6;
	ip->ip6_hlim = 255;
	const uint8_t from[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, w->mac[0] ^ 2, w->mac[1], w->mac[2], 0xff,
	        0xfe, w->mac[3], w->mac[4], w->mac[5]};
	memcpy(&ip->ip6_src, from, sizeof from);
	inet_pton(AF_INET6, "ff02::1", &ip->ip6_dst);
	memcpy(packet + sizeof *ip, message, len);
	uint32_t pseudo = sum(&ip->ip6_src, 32, 0) + (uint32_t)len + IPPROTO_ICMPV6;
	uint16_t check = htons((uint16_t)~sum(packet + sizeof *ip, len, pseudo));
	memcpy(packet + sizeof *ip + 2, &check, sizeof check);
	return wire_send(w, all_nodes, ETHERTYPE_IPV6, packet, sizeof *ip + len);
}

static int lie_by_na(const struct wire *w, const char *address)
{
	struct {
		struct nd_neighbor_advert na;
		struct nd_opt_hdr option;
		uint8_t mac[ETH_ALEN];
	} __attribute__((packed)) m = {.na = {.nd_na_hdr = {.icmp6_type = ND_NEIGHBOR_ADVERT}},
	        .option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1}};

	m.na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
	inet_pton(AF_INET6, address, &m.na.nd_na_target);
	memcpy(m.mac, w->mac, ETH_ALEN);
	return send_icmp6(w, &m, sizeof m);
}

static int lie_by_ra(const struct wire *w, const char *prefix)
{
	struct {
		struct nd_router_advert ra;
		struct nd_opt_prefix_info prefix;
	} __attribute__((packed)) m = {.ra = {.nd_ra_hdr = {.icmp6_type = ND_ROUTER_ADVERT}},
	        .prefix = {.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
	                .nd_opt_pi_len = 4,
	                .nd_opt_pi_prefix_len = 64,
	                .nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO}};

	m.ra.nd_ra_router_lifetime = htons(1800);
	m.prefix.nd_opt_pi_valid_time = m.prefix.nd_opt_pi_preferred_time = htonl(3600);
	inet_pton(AF_INET6, prefix, &m.prefix.nd_opt_pi_prefix);
	return send_icmp6(w, &m, sizeof m);
}

static int lie_by_source(
        const struct wire *w, const char *mac, const char *from, const char *to, uint16_t port)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char text[4];
	} __attribute__((packed))
	m = {.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP}, .text = "lie\n"};
	uint8_t there[ETH_ALEN];

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &there[0], &there[1], &there[2], &there[3],
	            &there[4], &there[5]) != 6)
		return 2;
	m.ip.tot_len = htons(sizeof m);
	inet_pton(AF_INET, from, &m.ip.saddr);
	inet_pton(AF_INET, to, &m.ip.daddr);
	m.ip.check = htons((uint16_t)~sum(&m.ip, sizeof m.ip, 0));
	m.udp.source = m.udp.dest = htons(port);
	m.udp.len = htons(sizeof m.udp + sizeof m.text);
	return wire_send(w, there, ETHERTYPE_IP, &m, sizeof m);
}

static uint16_t port_of(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";
	struct wire w;

	if (!strcmp(what, "serve") || !strcmp(what, "hold"))
		return serve(argv[2], port_of(argv[3]), *what == 'h');
	if (!strcmp(what, "ask"))
		return ask(argv[2], port_of(argv[3]), argc > 4 && !strcmp(argv[4], "udp"));
	if (!*what)
		return 2;
	wire_open(&w, argv[2]);
	if (!strcmp(what, "arp"))
		return lie_by_arp(&w, argv[3]);
	if (!strcmp(what, "na"))
		return lie_by_na(&w, argv[3]);
	if (!strcmp(what, "ra"))
		return lie_by_ra(&w, argv[3]);
	if (!strcmp(what, "lie") && argc > 6)
		return lie_by_source(&w, argv[3], argv[4], argv[5], port_of(argv[6]));
	return 2;
}
