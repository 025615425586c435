/* Ports of this host, held by sockets that are bound and never listen: a bind(2) of somebody else fails, and
 * a connection that reaches the socket all the same is refused by the kernel. */
#include "net/port.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#ifndef TCP_REPAIR_OFF_NO_WP
#define TCP_REPAIR_OFF_NO_WP -1
#endif

#define NO_PROTOCOL  (-2)
#define RANDOM_FIRST 32768 /* net.ipv4.ip_local_port_range */
#define RANDOM_LAST  60999

/* ---------------------------------------------------------------- protocols */

static const struct {
	const char *name;
	int number, type;
} protocols[] = {
        {"tcp", IPPROTO_TCP, SOCK_STREAM},
        {"udp", IPPROTO_UDP, SOCK_DGRAM},
        {"sctp", IPPROTO_SCTP, SOCK_STREAM},
};
#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

int port_protocol_parse(const char *text)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (!strcasecmp(text, protocols[i].name))
			return protocols[i].number;
	return -1;
}

const char *port_protocol_name(int protocol)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	return "unknown";
}

static int socket_type(int protocol)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == protocol)
			return protocols[i].type;
	return 0;
}

/* ---------------------------------------------------------------- sockets */

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t socket_address_of(const struct net_address *a, uint16_t port, union socket_address *sa)
{
	memset(sa, 0, sizeof(*sa));
	if (a->family == AF_INET) {
		sa->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&sa->v4.sin_addr, a->bytes, sizeof(sa->v4.sin_addr));
		return sizeof(sa->v4);
	}
	sa->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	memcpy(&sa->v6.sin6_addr, a->bytes, sizeof(sa->v6.sin6_addr));
	return sizeof(sa->v6);
}

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int bind_to(int fd, const struct net_address *a, uint16_t port)
{
	union socket_address sa;
	socklen_t len = socket_address_of(a, port, &sa);

	return bind(fd, &sa.any, len);
}

static uint16_t bound_port(int fd)
{
	union socket_address sa = {0};
	socklen_t len = sizeof(sa);

	if (getsockname(fd, &sa.any, &len) < 0)
		return 0;
	return ntohs(sa.any.sa_family == AF_INET ? sa.v4.sin_port : sa.v6.sin6_port);
}

/* Datagrams that come by are dropped, not kept for a reader that never comes. */
static void drop_all(int fd)
{
	struct sock_filter nothing = {.code = BPF_RET | BPF_K};
	struct sock_fprog program = {1, &nothing};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, 1);
}

/* NO_PROTOCOL, or -1 with errno. */
static int open_socket(int protocol, int family)
{
	cleanup_fd int fd = socket(family, socket_type(protocol) | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT || errno == ESOCKTNOSUPPORT
		               ? NO_PROTOCOL
		               : -1;
	if (family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0)
		return -1;
	if (protocol == IPPROTO_UDP)
		drop_all(fd);
	return steal_fd(&fd);
}

/* Older kernels remember of a port that all its sockets allowed its reuse, and then ask none of them any
 * more. One that doesn't allow it makes them ask again: of the other family, at an address that nobody has
 * (RFC 5737, RFC 6666), so that it is in nobody's way. */
static void make_kernel_ask(int family, uint16_t port)
{
	static const struct net_address nowhere[2] = {
	        {AF_INET, {192, 0, 2, 1}},
	        {AF_INET6, {0x01, [15] = 1}},
	};
	const struct net_address *a = &nowhere[family == AF_INET];
	cleanup_fd int fd = open_socket(IPPROTO_TCP, a->family);

	if (fd >= 0 && set(fd, IPPROTO_IP, IP_FREEBIND, 1) == 0)
		bind_to(fd, a, port);
}

/* What is left of a server that ended is its connections in TIME_WAIT, which keep the port from those who
 * don't say SO_REUSEADDR. Said for the bind alone: later it would let others in. A listener refuses it. */
static int bind_beside_connections(int fd, const struct net_address *host, uint16_t port)
{
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		return -1;
	int rc = bind_to(fd, host, port), saved = errno;

	set(fd, SOL_SOCKET, SO_REUSEADDR, 0);
	if (rc == 0)
		make_kernel_ask(host->family, port);
	errno = saved;
	return rc;
}

/* The server hadn't said SO_REUSEADDR either, so the kernel would keep its port for a minute. A socket under
 * repair is bound without a question, so what the kernel doesn't ask is looked at here. */
static int bind_where_nobody_is(int fd, const struct net_address *host, uint16_t port)
{
	if (!port_is_lingering(host, port) || set(fd, IPPROTO_TCP, TCP_REPAIR, 1) < 0 ||
	        bind_to(fd, host, port) < 0 || set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP) < 0) {
		errno = EADDRINUSE;
		return -1;
	}
	return 0;
}

/* `alone`: the only port that will do, so that more may be tried for it. */
static int bind_port(int fd, int protocol, const struct net_address *host, uint16_t port, bool alone)
{
	if (bind_to(fd, host, port) == 0)
		return 0;
	if (errno != EADDRINUSE || protocol != IPPROTO_TCP || !port)
		return -1;
	if (bind_beside_connections(fd, host, port) == 0)
		return 0;
	return errno == EADDRINUSE && alone ? bind_where_nobody_is(fd, host, port) : -1;
}

/* ---------------------------------------------------------------- holding */

/* The descriptor, NO_PROTOCOL, or -1 with errno. port 0: any. */
static int hold_one(int protocol, const struct net_address *host, uint16_t port, bool shared, bool alone)
{
	cleanup_fd int fd = open_socket(protocol, host->family);

	if (fd < 0)
		return fd;
	/* A port that the kernel chooses shall be nobody's yet, so it hears of the sharing afterwards. */
	if (shared && port && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -1;
	if (bind_port(fd, protocol, host, port, alone) < 0)
		return -1;
	if (shared && !port && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
		return -1;
	return steal_fd(&fd);
}

static int report(int protocol, const struct net_address *host, uint16_t first, uint16_t last, struct err *e)
{
	char owner[PORT_OWNER_TEXT], address[NET_ADDRESS_TEXT];

	if (errno == EADDRNOTAVAIL || errno == EINVAL)
		return err_set(e, ERR_USAGE, "this host has no address %s", net_address_text(host, address));
	if (errno == EACCES)
		return err_set(e, ERR_PERMISSION,
		        "ports below net.ipv4.ip_unprivileged_port_start (1024) are root's; choose another "
		        "with -p");
	if (errno != EADDRINUSE)
		return err_sys(e, "cannot hold the port");
	if (!first)
		return err_set(e, ERR_CONFLICT, "no %s port is free", port_protocol_name(protocol));
	if (first != last)
		return err_set(e, ERR_CONFLICT, "all ports from %u to %u are in use", first, last);
	port_owner(protocol, host, first, owner);
	return err_set(e, ERR_CONFLICT, *owner ? "address in use by %s" : "address in use", owner);
}

/* For a protocol without sockets: one of those that the kernel would choose from (its own default range). */
static uint16_t random_port(void)
{
	uint16_t r = 0;

	if (getrandom(&r, sizeof r, 0) < 0)
		r = 0;
	return (uint16_t)(RANDOM_FIRST + r % (RANDOM_LAST - RANDOM_FIRST + 1));
}

int port_hold(int protocol, const struct net_address *host, uint16_t first, uint16_t last, bool shared,
        uint16_t *port, struct err *e)
{
	if (!socket_type(protocol) || !net_address_len(host) || (first && last < first))
		return err_set(
		        e, ERR_USAGE, "no such port: %s %u to %u", port_protocol_name(protocol), first, last);
	if (!first)
		last = 0;
	for (unsigned p = first; p <= last; p++) {
		int fd = hold_one(protocol, host, (uint16_t)p, shared, first == last);

		if (fd >= 0)
			*port = p ? (uint16_t)p : bound_port(fd);
		if (fd == NO_PROTOCOL)
			*port = p ? (uint16_t)p : random_port();
		if (fd >= 0 || fd == NO_PROTOCOL)
			return fd;
		if (errno != EADDRINUSE)
			break;
	}
	return report(protocol, host, first, last, e);
}
