/* Who has a port. /proc/net knows the sockets that listen or are connected, by inode; one that is only bound,
 * as those that hold the ports of containers, is in none of its tables: it is found by asking the sockets of
 * all processes themselves. Only for errors, since it looks at everybody's descriptors. */
#include "net/port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"

#define STATE_TIME_WAIT 0x06 /* net/tcp_states.h */
#define LINK_MAX_LEN    64
#define COMM_LEN        16

/* ---------------------------------------------------------------- /proc/net */

struct socket_row {
	struct net_address local;
	uint16_t port;
	unsigned state;
	uint64_t inode; /* 0: it has no descriptor any more */
};

static bool is_zero(const struct net_address *a)
{
	static const unsigned char zero[16];

	return !memcmp(a->bytes, zero, net_address_len(a));
}

/* An IPv4 address in a socket of IPv6 is one. */
static void unmap(struct net_address *a)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family != AF_INET6 || memcmp(a->bytes, mapped, sizeof(mapped)) != 0)
		return;
	struct net_address v4 = {.family = AF_INET};
	memcpy(v4.bytes, a->bytes + sizeof(mapped), 4);
	*a = v4;
}

/* Words of 32 bits in the order of this machine. */
static bool address_scan(const char *hex, int family, struct net_address *a)
{
	size_t len = strlen(hex);

	*a = (struct net_address){.family = family};
	if (len != 2 * net_address_len(a))
		return false;
	for (size_t i = 0; i < len / 8; i++) {
		char word[9] = {0};
		uint32_t v;

		memcpy(word, hex + 8 * i, 8);
		v = (uint32_t)strtoul(word, NULL, 16);
		memcpy(a->bytes + 4 * i, &v, sizeof(v));
	}
	unmap(a);
	return true;
}

static bool row_scan(const char *line, int family, struct socket_row *row)
{
	char hex[33];
	unsigned port;

	if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
	            hex, &port, &row->state, &row->inode) != 4)
		return false;
	row->port = (uint16_t)port;
	return address_scan(hex, family, &row->local);
}

/* Would a socket at `a` keep one away from `host`? One of IPv6 for every address serves IPv4 as well, unless
 * it says otherwise, which /proc doesn't tell. */
static bool meets(const struct net_address *a, const struct net_address *host)
{
	if (a->family == host->family)
		return is_zero(a) || is_zero(host) || net_address_equal(a, host);
	return a->family == AF_INET6 && is_zero(a);
}

typedef void (*row_fn)(const struct socket_row *row, void *arg);

/* The rows of one table that are in the way of host:port. */
static void each_row(
        int protocol, int family, const struct net_address *host, uint16_t port, row_fn fn, void *arg)
{
	char path[32], line[512];
	struct socket_row row;

	snprintf(path, sizeof(path), "/proc/self/net/%s%s", port_protocol_name(protocol),
	        family == AF_INET6 ? "6" : "");
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (row_scan(line, family, &row) && row.port == port && meets(&row.local, host))
			fn(&row, arg);
	if (f)
		fclose(f);
}

static void each_row_of_both(
        int protocol, const struct net_address *host, uint16_t port, row_fn fn, void *arg)
{
	each_row(protocol, AF_INET, host, port, fn, arg);
	each_row(protocol, AF_INET6, host, port, fn, arg);
}

/* The tables begin with who listens; a connection that outlived its listener has the port too. */
static void keep_first(const struct socket_row *row, void *arg)
{
	uint64_t *inode = arg;

	if (!*inode)
		*inode = row->inode;
}

static void count_states(const struct socket_row *row, void *arg)
{
	size_t *n = arg;

	n[row->state == STATE_TIME_WAIT]++;
}

/* ---------------------------------------------------------------- descriptors */

/* What is looked for among everybody's sockets. */
struct quest {
	uint64_t inode; /* this one, or, when 0, one that is bound so: */
	int protocol;
	const struct net_address *host;
	uint16_t port;
	dev_t net_dev; /* our network namespace */
	ino_t net_ino;
};

static bool is_bound_so(int fd, const struct quest *q)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa), n = sizeof(int);
	struct net_address a = {0};
	int protocol;
	uint16_t port;

	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n) < 0 || protocol != q->protocol ||
	        getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return false;
	a.family = sa.ss_family;
	if (a.family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&sa;
		memcpy(a.bytes, &v4->sin_addr, 4);
		port = ntohs(v4->sin_port);
	} else if (a.family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&sa;
		memcpy(a.bytes, &v6->sin6_addr, 16);
		port = ntohs(v6->sin6_port);
	} else {
		return false;
	}
	unmap(&a);
	return port == q->port && meets(&a, q->host);
}

static bool asked_socket_matches(pid_t pid, int number, const struct quest *q)
{
	cleanup_fd int pidfd = pidfd_open_pid(pid);
	cleanup_fd int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

	return fd >= 0 && is_bound_so(fd, q);
}

static bool descriptor_matches(pid_t pid, int dir, const char *name, const struct quest *q)
{
	char link[LINK_MAX_LEN], wanted[LINK_MAX_LEN];
	ssize_t len = readlinkat(dir, name, link, sizeof(link) - 1);

	if (len < 0)
		return false;
	link[len] = '\0';
	if (!q->inode)
		return !strncmp(link, "socket:", 7) && asked_socket_matches(pid, atoi(name), q);
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", q->inode);
	return !strcmp(link, wanted);
}

/* A process elsewhere may be bound to the same without being in the way. */
static bool is_in_our_network(int proc, const char *pid, const struct quest *q)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%.16s/ns/net", pid);
	return !fstatat(proc, path, &st, 0) && st.st_dev == q->net_dev && st.st_ino == q->net_ino;
}

static bool process_matches(int proc, const char *pid, const struct quest *q)
{
	char path[64];
	struct dirent *d;

	if (!q->inode && !is_in_our_network(proc, pid, q))
		return false;
	snprintf(path, sizeof(path), "%.16s/fd", pid);
	cleanup_fd int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return false;
	steal_fd(&fd);
	while ((d = readdir(dir)))
		if (isdigit((unsigned char)*d->d_name) &&
		        descriptor_matches((pid_t)atoi(pid), dirfd(dir), d->d_name, q))
			return true;
	return false;
}

/* The first process, so that a server is named and not its workers; 0 when there is none. */
static pid_t find_process(struct quest *q)
{
	cleanup_dir DIR *proc = opendir("/proc");
	struct dirent *d;
	struct stat net;

	if (!proc || stat("/proc/self/ns/net", &net) < 0)
		return 0;
	q->net_dev = net.st_dev;
	q->net_ino = net.st_ino;
	while ((d = readdir(proc)))
		if (isdigit((unsigned char)*d->d_name) && process_matches(dirfd(proc), d->d_name, q))
			return (pid_t)atoi(d->d_name);
	return 0;
}

bool port_is_lingering(const struct net_address *host, uint16_t port)
{
	struct quest q = {.protocol = IPPROTO_TCP, .host = host, .port = port};
	size_t n[2] = {0, 0};

	each_row_of_both(IPPROTO_TCP, host, port, count_states, n);
	return !n[0] && n[1] && !find_process(&q);
}

const char *port_owner(int protocol, const struct net_address *host, uint16_t port, char dst[PORT_OWNER_TEXT])
{
	struct quest q = {.protocol = protocol, .host = host, .port = port};
	char path[32], comm[COMM_LEN + 1], shown[4 * COMM_LEN];
	pid_t pid;

	*dst = '\0';
	each_row_of_both(protocol, host, port, keep_first, &q.inode);
	pid = find_process(&q);
	if (!pid)
		return dst;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (file_read_small(AT_FDCWD, path, comm, sizeof(comm)) < 0)
		*comm = '\0';
	/* A process chooses its name. */
	text_harmless_to(shown, sizeof(shown), comm);
	snprintf(dst, PORT_OWNER_TEXT, *shown ? "pid %d (%s)" : "pid %d", (int)pid, shown);
	return dst;
}
