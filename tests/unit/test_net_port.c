/* Ports that are held, in a network namespace of this program's own: what a hold keeps out, what it doesn't
 * mind, and whom it names. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "net/port.h"

#define PORT 8080

static struct net_address any4 = {.family = AF_INET}, any6 = {.family = AF_INET6};

static int setup(void **state)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	cleanup_fd int fd = -1;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(fd, SIOCSIFFLAGS, &lo);
}

static struct net_address address(const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(text, &a, NULL), 0);
	return a;
}

static int hold(int protocol, const char *host, uint16_t first, uint16_t last, uint16_t *port)
{
	struct net_address a = address(host);
	struct err e = ERR_INIT;
	int fd = port_hold(protocol, &a, first, last, false, port, &e);

	if (fd < 0)
		fail_msg("%s:%u: %s", host, first, e.msg);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	return fd;
}

/* The error of a hold that must fail. */
static const char *refusal(int protocol, const char *host, uint16_t first, uint16_t last, struct err *e)
{
	struct net_address a = address(host);
	uint16_t port;

	*e = (struct err)ERR_INIT;
	assert_int_equal(port_hold(protocol, &a, first, last, false, &port, e), -1);
	return e->msg;
}

/* ---------------------------------------------------------------- other programs */

static struct sockaddr_storage sockaddr_of(const char *host, uint16_t port)
{
	struct net_address a = address(host);
	struct sockaddr_storage sa = {.ss_family = (sa_family_t)a.family};

	if (a.family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a.bytes, 4);
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, a.bytes, 16);
	}
	return sa;
}

static int option(int fd, int opt)
{
	return opt ? setsockopt(fd, SOL_SOCKET, opt, &(int){1}, sizeof(int)) : 0;
}

/* A socket as another program binds it; -1 with errno. */
static int bound(int type, const char *host, uint16_t port, int opt)
{
	struct sockaddr_storage sa = sockaddr_of(host, port);
	cleanup_fd int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(option(fd, opt), 0);
	return bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -1 : steal_fd(&fd);
}

static int listener(const char *host, uint16_t port, int opt)
{
	cleanup_fd int fd = bound(SOCK_STREAM, host, port, opt);

	return fd < 0 || listen(fd, 8) < 0 ? -1 : steal_fd(&fd);
}

static int connected(const char *host, uint16_t port)
{
	struct sockaddr_storage sa = sockaddr_of(host, port);
	cleanup_fd int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -1 : steal_fd(&fd);
}

/* A process called `name` that does this and then waits for its end. */
static pid_t program(const char *name, int (*start)(const char *, uint16_t, int), const char *host, int opt)
{
	int ready[2];

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (start(host, PORT, opt) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int just_bound(const char *host, uint16_t port, int opt)
{
	return bound(SOCK_STREAM, host, port, opt);
}

static int datagrams(const char *host, uint16_t port, int opt)
{
	return bound(SOCK_DGRAM, host, port, opt);
}

/* A server that had a connection, closed it first, and is gone: TIME_WAIT is on its side. */
static void leave_time_wait(const char *host, uint16_t port, int opt)
{
	int server = listener(host, port, opt);
	assert_true(server >= 0);
	int client = connected(host, port), peer = accept(server, NULL, NULL);
	char c;

	assert_true(client >= 0 && peer >= 0);
	close(peer);
	assert_int_equal(read(client, &c, 1), 0);
	close(client);
	close(server);
}

/* ---------------------------------------------------------------- what a hold keeps out */

static void assert_kept(const char *host, uint16_t port)
{
	static const int options[] = {0, SO_REUSEADDR, SO_REUSEPORT};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		assert_int_equal(bound(SOCK_STREAM, host, port, options[i]), -1);
		assert_int_equal(errno, EADDRINUSE);
	}
}

static void nobody_else_gets_it(void **state)
{
	uint16_t port;
	int fd = hold(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &port);

	(void)state;
	assert_int_equal(port, PORT);
	assert_kept("0.0.0.0", PORT);
	assert_kept("127.0.0.1", PORT);
	close(fd);
	fd = listener("0.0.0.0", PORT, 0);
	assert_true(fd >= 0);
	close(fd);
}

static void a_connect_is_refused(void **state)
{
	uint16_t port;
	int fd = hold(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &port),
	    fd6 = hold(IPPROTO_TCP, "::", PORT, PORT, &port);

	(void)state;
	assert_int_equal(connected("127.0.0.1", PORT), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(connected("::1", PORT), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	close(fd6);
}

static void families_are_held_apart(void **state)
{
	uint16_t port;
	int v6 = hold(IPPROTO_TCP, "::", PORT, PORT, &port),
	    v4 = hold(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &port);

	(void)state;
	assert_kept("::", PORT);
	assert_kept("::1", PORT);
	close(v4);
	/* IPV6_V6ONLY: the other family's port is free. */
	v4 = listener("0.0.0.0", PORT, 0);
	assert_true(v4 >= 0);
	close(v4);
	close(v6);
}

static void addresses_are_held_apart(void **state)
{
	uint16_t port;
	int one = hold(IPPROTO_TCP, "127.0.0.1", PORT, PORT, &port),
	    two = hold(IPPROTO_TCP, "127.0.0.2", PORT, PORT, &port);
	struct err e;

	(void)state;
	assert_kept("127.0.0.1", PORT);
	refusal(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &e);
	assert_int_equal(e.kind, ERR_CONFLICT);
	close(one);
	close(two);
}

static void protocols_are_held_apart(void **state)
{
	uint16_t port;
	int udp = hold(IPPROTO_UDP, "0.0.0.0", PORT, PORT, &port),
	    tcp = hold(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &port);
	int udp6 = hold(IPPROTO_UDP, "::", PORT, PORT, &port);

	(void)state;
	assert_int_equal(bound(SOCK_DGRAM, "127.0.0.1", PORT, SO_REUSEADDR), -1);
	assert_int_equal(bound(SOCK_DGRAM, "127.0.0.1", PORT, SO_REUSEPORT), -1);
	assert_int_equal(bound(SOCK_DGRAM, "::1", PORT, 0), -1);
	close(udp);
	close(udp6);
	close(tcp);
}

/* What strays to a held port is not kept in kernel memory for ever. */
static void datagrams_are_dropped(void **state)
{
	uint16_t port;
	int fd = hold(IPPROTO_UDP, "127.0.0.1", PORT, PORT, &port), client = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_storage sa = sockaddr_of("127.0.0.1", PORT);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_int_equal(sendto(client, "x", 1, 0, (struct sockaddr *)&sa, sizeof(sa)), 1);
	assert_int_equal(poll(&p, 1, 50), 0);
	close(client);
	close(fd);
}

/* ---------------------------------------------------------------- which port */

static void any_port(void **state)
{
	uint16_t one, two;
	int a = hold(IPPROTO_TCP, "0.0.0.0", 0, 0, &one), b = hold(IPPROTO_TCP, "0.0.0.0", 0, 0, &two);

	(void)state;
	assert_true(one >= 1024 && two >= 1024 && one != two);
	assert_kept("0.0.0.0", one);
	close(a);
	close(b);
	a = hold(IPPROTO_UDP, "::", 0, 0, &one);
	assert_true(one >= 1024);
	close(a);
}

static void ranges(void **state)
{
	int fds[4];
	uint16_t port;
	struct err e;

	(void)state;
	fds[3] = listener("127.0.0.1", 9001, 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = hold(IPPROTO_TCP, "0.0.0.0", 9000, 9003, &port);
		assert_int_equal(port, i ? 9001 + i : 9000);
	}
	assert_string_equal(
	        refusal(IPPROTO_TCP, "0.0.0.0", 9000, 9003, &e), "all ports from 9000 to 9003 are in use");
	assert_int_equal(e.kind, ERR_CONFLICT);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	fds[0] = hold(IPPROTO_TCP, "0.0.0.0", 65535, 65535, &port);
	refusal(IPPROTO_TCP, "0.0.0.0", 65535, 65535, &e);
	close(fds[0]);
	refusal(IPPROTO_TCP, "0.0.0.0", 9003, 9000, &e);
	assert_int_equal(e.kind, ERR_USAGE);
	fds[0] = hold(IPPROTO_TCP, "0.0.0.0", 80, 80, &port);
	close(fds[0]);
}

static void an_address_of_others(void **state)
{
	struct err e;

	(void)state;
	assert_string_equal(
	        refusal(IPPROTO_TCP, "192.0.2.7", PORT, PORT, &e), "this host has no address 192.0.2.7");
	assert_string_equal(
	        refusal(IPPROTO_UDP, "2001:db8::7", PORT, PORT, &e), "this host has no address 2001:db8::7");
	assert_string_equal(
	        refusal(IPPROTO_TCP, "fe80::7", PORT, PORT, &e), "this host has no address fe80::7");
	assert_int_equal(e.kind, ERR_USAGE);
}

static void protocols(void **state)
{
	uint16_t port;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(port_protocol_parse("tcp"), IPPROTO_TCP);
	assert_int_equal(port_protocol_parse("UDP"), IPPROTO_UDP);
	assert_int_equal(port_protocol_parse("sctp"), IPPROTO_SCTP);
	assert_int_equal(port_protocol_parse("icmp"), -1);
	assert_int_equal(port_protocol_parse(""), -1);
	assert_string_equal(port_protocol_name(IPPROTO_SCTP), "sctp");
	assert_string_equal(port_protocol_name(1), "unknown");
	assert_int_equal(port_hold(IPPROTO_ICMP, &any4, 1, 1, false, &port, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	/* A kernel without it has nothing to hold. */
	int raw = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
	int fd = port_hold(IPPROTO_SCTP, &any4, PORT, PORT, false, &port, &e);
	assert_true(raw < 0 ? fd == -2 : fd >= 0);
	assert_int_equal(port, PORT);
	close_fd(&fd);
	fd = port_hold(IPPROTO_SCTP, &any4, 0, 0, false, &port, &e);
	assert_true(raw < 0 ? fd == -2 : fd >= 0);
	assert_true(port > 1023);
	close(raw);
	if (fd >= 0)
		close(fd);
}

/* ---------------------------------------------------------------- groups */

static void groups_share(void **state)
{
	static const int numbers[] = {IPPROTO_TCP, IPPROTO_UDP};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint16_t port = 0, other = 0;
		struct err e = ERR_INIT;
		int p = numbers[i], a = port_hold(p, &any4, PORT, PORT, true, &port, NULL);
		int b = port_hold(p, &any4, PORT, PORT, true, &port, NULL);

		assert_true(a >= 0 && b >= 0);
		assert_int_equal(port_hold(p, &any4, PORT, PORT, false, &port, &e), -1);
		assert_int_equal(e.kind, ERR_CONFLICT);
		assert_int_equal(
		        bound(p == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, "127.0.0.1", PORT, SO_REUSEADDR),
		        -1);
		close(a);
		close(b);
		/* A port that is chosen is nobody's at first, and then shared. */
		a = port_hold(p, &any4, 0, 0, true, &port, NULL);
		b = port_hold(p, &any4, 0, 0, true, &other, NULL);
		assert_true(a >= 0 && b >= 0 && port != other);
		close(b);
		b = port_hold(p, &any4, port, port, true, &port, NULL);
		assert_true(b >= 0);
		close(a);
		close(b);
		/* One that has it alone doesn't share. */
		a = hold(p, "0.0.0.0", PORT, PORT, &port);
		assert_int_equal(port_hold(p, &any4, PORT, PORT, true, &port, &e), -1);
		close(a);
	}
}

/* With a single port to choose from, the kernel would give it to both. */
static void groups_are_given_different_ports(void **state)
{
	static const char file[] = "/proc/sys/net/ipv4/ip_local_port_range";
	uint16_t port;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(file_poke(AT_FDCWD, file, "9000 9000"), 0);
	for (int i = 0; i < 2; i++) {
		int p = i ? IPPROTO_TCP : IPPROTO_UDP, a = port_hold(p, &any4, 0, 0, true, &port, NULL);

		assert_true(a >= 0);
		assert_int_equal(port, 9000);
		assert_int_equal(port_hold(p, &any4, 0, 0, true, &port, &e), -1);
		assert_int_equal(e.kind, ERR_CONFLICT);
		assert_non_null(strstr(e.msg, "port is free"));
		close(a);
	}
}

/* ---------------------------------------------------------------- who has it */

static void a_listener_is_named(void **state)
{
	static const char *const hosts[][2] = {{"127.0.0.1", "0.0.0.0"}, {"0.0.0.0", "127.0.0.1"},
	        {"::1", "::"}, {"::", "::1"}, {"::", "0.0.0.0"}};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		pid_t pid = program("a server", listener, hosts[i][0], SO_REUSEADDR);
		char expected[128];
		struct err e;

		snprintf(expected, sizeof(expected), "address in use by pid %d (a server)", pid);
		assert_string_equal(refusal(IPPROTO_TCP, hosts[i][1], PORT, PORT, &e), expected);
		assert_int_equal(e.kind, ERR_CONFLICT);
		end(pid);
	}
}

static void what_is_only_bound_is_named(void **state)
{
	pid_t pid = program("tare-monitor", just_bound, "0.0.0.0", 0);
	char expected[128], owner[PORT_OWNER_TEXT];
	struct err e;

	(void)state;
	snprintf(expected, sizeof(expected), "address in use by pid %d (tare-monitor)", pid);
	assert_string_equal(refusal(IPPROTO_TCP, "127.0.0.1", PORT, PORT, &e), expected);
	assert_string_equal(port_owner(IPPROTO_UDP, &any4, PORT, owner), "");
	assert_string_equal(port_owner(IPPROTO_TCP, &any6, PORT, owner), "");
	end(pid);
	pid = program("tare-monitor", datagrams, "127.0.0.1", 0);
	snprintf(expected, sizeof(expected), "address in use by pid %d (tare-monitor)", pid);
	assert_string_equal(refusal(IPPROTO_UDP, "0.0.0.0", PORT, PORT, &e), expected);
	end(pid);
}

static void names_are_made_harmless(void **state)
{
	pid_t pid = program("\x1b[31mred\n", listener, "0.0.0.0", 0);
	struct err e;

	(void)state;
	char owner[PORT_OWNER_TEXT];

	refusal(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &e);
	assert_non_null(strstr(e.msg, "[31mred"));
	port_owner(IPPROTO_TCP, &any4, PORT, owner);
	assert_null(strchr(owner, '\x1b'));
	assert_null(strchr(owner, '\n'));
	end(pid);
}

/* IPv4 in a socket of IPv6. */
static int mapped(const char *host, uint16_t port, int listens)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
	        .sin6_port = htons(port),
	        .sin6_addr.s6_addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)host;
	return bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -1 : listens ? listen(fd, 1) : 0;
}

static void mapped_addresses_are_understood(void **state)
{
	(void)state;
	for (int listens = 0; listens < 2; listens++) {
		pid_t pid = program("both", mapped, "", listens);
		char owner[PORT_OWNER_TEXT];
		struct net_address other = address("127.0.0.2");
		struct err e;

		assert_non_null(strstr(refusal(IPPROTO_TCP, "127.0.0.1", PORT, PORT, &e), "(both)"));
		assert_string_equal(port_owner(IPPROTO_TCP, &other, PORT, owner), "");
		end(pid);
	}
}

/* Bound to the same in a network of its own. */
static int elsewhere(const char *host, uint16_t port, int opt)
{
	return setup(NULL) < 0 ? -1 : bound(SOCK_STREAM, host, port, opt);
}

static void those_elsewhere_are_not_named(void **state)
{
	pid_t pid = program("elsewhere", elsewhere, "0.0.0.0", 0);
	char owner[PORT_OWNER_TEXT];

	(void)state;
	assert_string_equal(port_owner(IPPROTO_TCP, &any4, PORT, owner), "");
	end(pid);
}

/* ---------------------------------------------------------------- after a server's end */

static void check_after_end(const char *host, const char *held, int opt)
{
	char owner[PORT_OWNER_TEXT];
	struct net_address a = address(held);
	struct err e;
	uint16_t port;

	leave_time_wait(host, PORT, opt);
	/* The case is the one that is meant: who doesn't know better is refused. */
	assert_int_equal(bound(SOCK_STREAM, held, PORT, 0), -1);
	assert_true(port_is_lingering(&a, PORT));
	int fd = hold(IPPROTO_TCP, held, PORT, PORT, &port);
	assert_kept(held, PORT);
	refusal(IPPROTO_TCP, held, PORT, PORT, &e);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "test_net_port"));
	assert_int_equal(connected(host, PORT), -1);
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	assert_string_equal(port_owner(IPPROTO_TCP, &a, PORT, owner), "");
}

static void after_a_server_that_reuses(void **state)
{
	(void)state;
	check_after_end("127.0.0.1", "0.0.0.0", SO_REUSEADDR);
	check_after_end("::1", "::", SO_REUSEADDR);
	check_after_end("127.0.0.1", "127.0.0.1", SO_REUSEADDR);
}

static void after_a_server_that_does_not(void **state)
{
	(void)state;
	check_after_end("127.0.0.1", "0.0.0.0", 0);
	check_after_end("::1", "::1", 0);
}

/* Connections that live on after their listener has gone keep nobody from the port, as with any server that
 * starts again. */
static void after_a_listener_that_left_connections(void **state)
{
	int server = listener("127.0.0.1", PORT, SO_REUSEADDR);
	int client = connected("127.0.0.1", PORT), peer = accept(server, NULL, NULL);
	uint16_t port;
	char c;

	(void)state;
	close(server);
	int fd = hold(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &port);
	assert_kept("0.0.0.0", PORT);
	assert_int_equal(write(peer, "x", 1), 1);
	assert_int_equal(read(client, &c, 1), 1);
	close(peer);
	close(client);
	close(fd);
}

/* A port on which nobody ever listened: the kernel believes that all of its sockets allow its reuse. */
static void beside_a_client(void **state)
{
	static const char *const hosts[][2] = {{"127.0.0.1", "0.0.0.0"}, {"::1", "::"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct sockaddr_storage sa = sockaddr_of(hosts[i][0], 9000);
		int server = listener(hosts[i][0], 9000, SO_REUSEADDR);
		int client = bound(SOCK_STREAM, hosts[i][0], PORT, SO_REUSEADDR);
		uint16_t port;

		assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
		int fd = hold(IPPROTO_TCP, hosts[i][1], PORT, PORT, &port);
		assert_kept(hosts[i][1], PORT);
		close(fd);
		close(client);
		close(server);
	}
}

static void a_listener_beside_old_connections(void **state)
{
	struct err e;

	(void)state;
	leave_time_wait("127.0.0.1", PORT, SO_REUSEADDR);
	pid_t pid = program("again", listener, "0.0.0.0", SO_REUSEADDR);
	assert_non_null(strstr(refusal(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &e), "(again)"));
	end(pid);
}

/* A group's second member comes while the first one holds, after a server's end. */
static void groups_share_after_a_server(void **state)
{
	uint16_t port;

	(void)state;
	for (uint16_t i = 0; i < 2; i++) {
		leave_time_wait("127.0.0.1", PORT + i, i ? SO_REUSEADDR : 0);
		int a = port_hold(IPPROTO_TCP, &any4, PORT + i, PORT + i, true, &port, NULL);
		int b = port_hold(IPPROTO_TCP, &any4, PORT + i, PORT + i, true, &port, NULL);

		assert_true(a >= 0 && b >= 0);
		assert_int_equal(bound(SOCK_STREAM, "0.0.0.0", PORT + i, SO_REUSEADDR), -1);
		assert_int_equal(port_hold(IPPROTO_TCP, &any4, PORT + i, PORT + i, false, &port, NULL), -1);
		close(a);
		close(b);
		a = hold(IPPROTO_TCP, "0.0.0.0", PORT + i, PORT + i, &port);
		assert_int_equal(port_hold(IPPROTO_TCP, &any4, PORT + i, PORT + i, true, &port, NULL), -1);
		close(a);
	}
}

static void without_ipv6(void **state)
{
	uint16_t port;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(file_poke(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"), 0);
	int fd = port_hold(IPPROTO_TCP, &any6, PORT, PORT, false, &port, &e);
	assert_true(fd >= 0);
	close(fd);
	/* The way past TIME_WAIT works without the other family. */
	leave_time_wait("127.0.0.1", PORT, SO_REUSEADDR);
	fd = hold(IPPROTO_TCP, "0.0.0.0", PORT, PORT, &port);
	assert_kept("0.0.0.0", PORT);
	close(fd);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CASE(nobody_else_gets_it),
	        CASE(a_connect_is_refused),
	        CASE(families_are_held_apart),
	        CASE(addresses_are_held_apart),
	        CASE(protocols_are_held_apart),
	        CASE(datagrams_are_dropped),
	        CASE(any_port),
	        CASE(ranges),
	        CASE(an_address_of_others),
	        CASE(protocols),
	        CASE(groups_share),
	        CASE(groups_are_given_different_ports),
	        CASE(a_listener_is_named),
	        CASE(what_is_only_bound_is_named),
	        CASE(names_are_made_harmless),
	        CASE(mapped_addresses_are_understood),
	        CASE(those_elsewhere_are_not_named),
	        CASE(after_a_server_that_reuses),
	        CASE(after_a_server_that_does_not),
	        CASE(after_a_listener_that_left_connections),
	        CASE(beside_a_client),
	        CASE(a_listener_beside_old_connections),
	        CASE(groups_share_after_a_server),
	        CASE(without_ipv6),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
