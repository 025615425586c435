/* The engine's side of the name service: see dns.h. */
#include "net/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/units.h"
#include "net/dns_record.h"
#include "net/nft.h"

#define SOCKET_FILE   "dns"
#define LOCK_FILE     "dns.lock"
#define LINGER        "TARE_DNS_LINGER"
#define LINGER_NS     INT64_C(10000000000)
#define LINGER_NS_MAX INT64_C(86400000000000)
#define PATIENCE_S    2         /* with a process that says nothing: then it is taken for dead */
#define RECEIVE_MAX   (1 << 20) /* of questions that wait, in bytes of the kernel's memory */
#define REPLY_MAX     32
#define FD_FIRST      3 /* in the new process: the socket, then the directory */

/* ---------------------------------------------------------------- talking */

static int make_address(int networks_fd, struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/" SOCKET_FILE, networks_fd);
}

/* -1: nobody is there. */
static int call(int networks_fd)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un a;
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	make_address(networks_fd, &a);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
		return -1;
	return steal_fd(&fd);
}

static int say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* "" when nothing is said. */
static const char *hear(int fd, char reply[REPLY_MAX])
{
	ssize_t n;

	do
		n = recv(fd, reply, REPLY_MAX - 1, 0);
	while (n < 0 && errno == EINTR);
	reply[n > 0 ? n : 0] = '\0';
	return reply;
}

enum served { SERVED, WANTED, NOBODY };
/* WANTED: it waits on *fd for the network's sockets. */
static enum served ask_serve(int networks_fd, const char *id, unsigned bridge_index, int *fd)
{
	char text[128], reply[REPLY_MAX];

	snprintf(text, sizeof text, "serve %s %u", id, bridge_index);
	*fd = call(networks_fd);
	if (*fd < 0 || say(*fd, text) < 0)
		return NOBODY;
	hear(*fd, reply);
	return !strcmp(reply, "yes") ? SERVED : !strcmp(reply, "send") ? WANTED : NOBODY;
}

/* ---------------------------------------------------------------- starting */

static int listen_at(int networks_fd, struct err *e)
{
	struct sockaddr_un a;
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	make_address(networks_fd, &a);
	unlinkat(networks_fd, SOCKET_FILE, 0);
	/* The mode before the name exists: nobody connects in between. */
	if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	        listen(fd, SOMAXCONN) < 0)
		return err_sys(e, "cannot make the socket of the name service");
	return steal_fd(&fd);
}

static int64_t linger_ms(void)
{
	const char *text = getenv(LINGER);
	int64_t ns;

	if (!text || duration_parse(text, &ns, NULL) < 0 || ns < 0 || ns > LINGER_NS_MAX)
		ns = LINGER_NS;
	return ns / 1000000;
}

/* In the new process: nothing of the caller's stays open, least of all what somebody reads to its end. */
static void become(const char *program, int listen_fd, int networks_fd, char *const *argv)
{
	int null = open("/dev/null", O_RDWR), fds[2];

	fds[0] = fcntl(listen_fd, F_DUPFD, FD_FIRST + 2);
	fds[1] = fcntl(networks_fd, F_DUPFD, FD_FIRST + 2);
	if (null < 0 || fds[0] < 0 || fds[1] < 0)
		return;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (dup2(null, i) < 0)
			return;
	for (int i = 0; i < 2; i++)
		if (dup2(fds[i], FD_FIRST + i) < 0)
			return;
	close_fd_range(FD_FIRST + 2, ~0u, 0);
	execve(program, argv, NO_ENVIRONMENT);
}

/* Forked twice: it is nobody's child, so nobody has to wait for its end. */
static int start(int networks_fd, const char *program, dns_enter_fn enter, struct err *e)
{
	char linger[24], listen_arg[4], directory_arg[4];
	char *argv[] = {"tare-dns", listen_arg, directory_arg, linger, NULL};
	cleanup_fd int fd = listen_at(networks_fd, e);
	pid_t pid;

	if (fd < 0)
		return -1;
	if (access(program, X_OK) < 0)
		return err_sys(e, "cannot start the name service %s", program);
	snprintf(listen_arg, sizeof listen_arg, "%d", FD_FIRST);
	snprintf(directory_arg, sizeof directory_arg, "%d", FD_FIRST + 1);
	snprintf(linger, sizeof linger, "%lld", (long long)linger_ms());
	pid = fork();
	if (pid < 0)
		return err_sys(e, "cannot start the name service");
	if (!pid) {
		setsid();
		if (fork() == 0) {
			if (enter)
				enter();
			become(program, fd, networks_fd, argv);
		}
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* ---------------------------------------------------------------- sockets */

static int bind_at(int fd, const struct net_address *a, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (a->family == AF_INET) {
		memcpy(&v4.sin_addr, a->bytes, sizeof v4.sin_addr);
		return bind(fd, (struct sockaddr *)&v4, sizeof v4);
	}
	memcpy(&v6.sin6_addr, a->bytes, sizeof v6.sin6_addr);
	return bind(fd, (struct sockaddr *)&v6, sizeof v6);
}

/* Which stands at the same place in the addresses of both families. */
static uint16_t port_of(int fd)
{
	struct sockaddr_in6 a = {0};
	socklen_t len = sizeof a;

	return getsockname(fd, (struct sockaddr *)&a, &len) < 0 ? 0 : ntohs(a.sin6_port);
}

static int set_option(int fd, int level, int option, int v)
{
	return setsockopt(fd, level, option, &v, sizeof v);
}

/* A socket of the bridge alone. *port: the one it had before, so that the redirect stays right; another when
 * that is taken. The address may not be the bridge's yet: an IPv6 one is checked for a second. */
static int open_socket(const char *bridge, const struct net_address *a, int type, uint16_t *port)
{
	bool six = a->family == AF_INET6;
	cleanup_fd int fd = socket(a->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bridge, (socklen_t)strlen(bridge) + 1) < 0 ||
	        set_option(fd, SOL_SOCKET, SO_REUSEADDR, type == SOCK_STREAM) < 0 ||
	        set_option(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_FREEBIND : IP_FREEBIND, 1) < 0)
		return -1;
	if (type == SOCK_DGRAM)
		set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_MAX);
	if ((!*port || bind_at(fd, a, *port) < 0) && bind_at(fd, a, 0) < 0)
		return -1;
	if (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
		return -1;
	*port = port_of(fd);
	return steal_fd(&fd);
}

#define SOCKETS_MAX 4
struct sockets {
	int fd[SOCKETS_MAX];
	size_t n;
};

static void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		close_fd(&s->fd[i]);
}

static int open_sockets(struct dns_served *n, struct sockets *s, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		if (!n->gateway[i].family)
			continue;
		for (int tcp = 0; tcp < 2; tcp++) {
			int fd = open_socket(
			        n->bridge, &n->gateway[i], tcp ? SOCK_STREAM : SOCK_DGRAM, &n->port[i][tcp]);
			if (fd < 0)
				return err_sys(e, "cannot open the name service's socket on %s", n->bridge);
			s->fd[s->n++] = fd;
		}
	}
	return 0;
}

static int hand_over(int fd, const struct dns_served *n, const struct sockets *s)
{
	char text[2 * NET_SUBNET_TEXT + 8], reply[REPLY_MAX], a[NET_SUBNET_TEXT], b[NET_SUBNET_TEXT];
	union {
		struct cmsghdr head;
		char data[CMSG_SPACE(SOCKETS_MAX * sizeof(int))];
	} rights = {0};
	struct iovec v = {text, 0};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &rights};

	v.iov_len = (size_t)snprintf(text, sizeof text, "%s %s %d",
	        n->subnet[0].base.family ? net_subnet_text(&n->subnet[0], a) : "-",
	        n->subnet[1].base.family ? net_subnet_text(&n->subnet[1], b) : "-", n->internal);
	m.msg_controllen = CMSG_SPACE(s->n * sizeof(int));
	rights.head = (struct cmsghdr){
	        .cmsg_len = CMSG_LEN(s->n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&rights.head), s->fd, s->n * sizeof(int));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		return -1;
	return strcmp(hear(fd, reply), "yes") == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- redirects */

static void add_redirects(struct nft_batch *b, enum nft_change c, const struct dns_served *n)
{
	for (int i = 0; i < 2; i++)
		if (n->gateway[i].family && n->port[i][0])
			nft_dns(b, c,
			        &(struct nft_dns){.bridge = n->bridge,
			                .gateway = n->gateway[i],
			                .udp_port = n->port[i][0],
			                .tcp_port = n->port[i][1]});
}

static int change_redirects(
        const char *table, enum nft_change c, const struct dns_served *rows, size_t n, struct err *e)
{
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(table, e);

	if (!b)
		return -1;
	for (size_t i = 0; i < n; i++)
		add_redirects(b, c, &rows[i]);
	return c == NFT_ADD ? nft_batch_commit(b, e) : nft_batch_commit_removal(b, e);
}

/* One that is there already and leads elsewhere is from a service that has gone. */
static int redirect(const char *table, const struct dns_served *rows, size_t n, struct err *e)
{
	struct err why = ERR_INIT;

	if (change_redirects(table, NFT_ADD, rows, n, &why) == 0)
		return 0;
	if (why.kind == ERR_CONFLICT && change_redirects(table, NFT_REMOVE, rows, n, e) == 0)
		return change_redirects(table, NFT_ADD, rows, n, e);
	if (e)
		*e = why;
	return -1;
}

/* ---------------------------------------------------------------- serving */

/* A round of it: what is served is known to the record before it is real, so that a crash leaves nothing that
 * nobody knows of; "yes" is what the service says from the end on. The lock is held. */
static int serve(int networks_fd, const char *table, struct dns_record *r, struct dns_served *n,
        unsigned bridge_index, struct err *e)
{
	__attribute__((cleanup(sockets_close))) struct sockets sockets = {0};
	cleanup_fd int fd = -1;

	switch (ask_serve(networks_fd, n->id, bridge_index, &fd)) {
	case SERVED:
		return 0;
	case NOBODY:
		return err_set(e, ERR_OTHER, "the name service tare-dns has ended");
	case WANTED:
		break;
	}
	if (open_sockets(n, &sockets, e) < 0 || dns_record_write(networks_fd, r, e) < 0 ||
	        redirect(table, n, 1, e) < 0)
		return -1;
	if (hand_over(fd, n, &sockets) < 0)
		return err_set(e, ERR_OTHER, "the name service tare-dns has ended");
	return 0;
}

/* After a crash the networks that others wait in are served again too; whose bridge has gone is forgotten. */
static void serve_others(int networks_fd, const char *table, struct dns_record *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++) {
		struct dns_served *n = &r->rows[i];
		unsigned index = if_nametoindex(n->bridge);
		if (!strcmp(n->id, id))
			continue;
		if (!index)
			dns_record_remove(r, n->id), i--;
		else
			serve(networks_fd, table, r, n, index, NULL);
	}
}

static int start_and_serve(int networks_fd, const char *program, dns_enter_fn enter, const char *table,
        const struct dns_network *wanted, unsigned bridge_index, struct err *e)
{
	cleanup_dns_record struct dns_record record = {0};
	cleanup_fd int lock = lock_take(networks_fd, LOCK_FILE, LOCK_EXCLUSIVE, e), fd = -1;
	struct dns_served *n;
	enum served served;

	if (lock < 0)
		return -1;
	served = ask_serve(networks_fd, wanted->id, bridge_index, &fd);
	close_fd(&fd);
	if (served == SERVED)
		return 0;
	if (dns_record_read(networks_fd, &record, e) < 0)
		return -1;
	if (served == NOBODY) {
		if (start(networks_fd, program, enter, e) < 0)
			return -1;
		serve_others(networks_fd, table, &record, wanted->id);
	}
	n = dns_record_put(&record, wanted, e);
	return n ? serve(networks_fd, table, &record, n, bridge_index, e) : -1;
}

int dns_ensure(int networks_fd, const char *program, dns_enter_fn enter, const char *table,
        const struct dns_network *n, struct err *e)
{
	unsigned index = if_nametoindex(n->bridge);
	cleanup_fd int fd = -1;

	if (!index)
		return err_sys(e, "there is no bridge %s for the name service", n->bridge);
	if (ask_serve(networks_fd, n->id, index, &fd) == SERVED)
		return 0;
	close_fd(&fd);
	return start_and_serve(networks_fd, program, enter, table, n, index, e);
}

int dns_redirect(int networks_fd, const char *table, struct err *e)
{
	cleanup_dns_record struct dns_record record = {0};
	cleanup_fd int lock = lock_take(networks_fd, LOCK_FILE, LOCK_EXCLUSIVE, e);

	if (lock < 0 || dns_record_read(networks_fd, &record, e) < 0)
		return -1;
	return record.n ? redirect(table, record.rows, record.n, e) : 0;
}

void dns_idle(int networks_fd)
{
	cleanup_fd int fd = call(networks_fd);

	if (fd >= 0)
		say(fd, "idle");
}

void dns_forget(int networks_fd, const char *table, const char *network_id)
{
	cleanup_dns_record struct dns_record record = {0};
	cleanup_fd int lock = lock_take(networks_fd, LOCK_FILE, LOCK_EXCLUSIVE, NULL);
	cleanup_fd int fd = call(networks_fd);
	char text[128], reply[REPLY_MAX];
	const struct dns_served *n;

	snprintf(text, sizeof text, "forget %s", network_id);
	if (fd >= 0 && say(fd, text) == 0)
		hear(fd, reply);
	if (lock < 0 || dns_record_read(networks_fd, &record, NULL) < 0)
		return;
	n = dns_record_find(&record, network_id);
	if (!n)
		return;
	change_redirects(table, NFT_REMOVE, n, 1, NULL);
	dns_record_remove(&record, network_id);
	dns_record_write(networks_fd, &record, NULL);
}

int dns_pid(int networks_fd)
{
	cleanup_fd int fd = call(networks_fd);
	char reply[REPLY_MAX];

	return fd >= 0 && say(fd, "pid") == 0 ? atoi(hear(fd, reply)) : 0;
}
