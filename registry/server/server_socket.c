#include "registry/server/server_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "net/address.h"
#include "net/port.h"
#include "registry/server/server_record.h"

static socklen_t make_address(const struct net_address *a, int port, struct sockaddr_storage *s)
{
	memset(s, 0, sizeof *s);
	s->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET) {
		struct sockaddr_in *four = (struct sockaddr_in *)s;

		four->sin_port = htons((uint16_t)port);
		memcpy(&four->sin_addr, a->bytes, 4);
		return sizeof *four;
	}
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)s;
	six->sin6_port = htons((uint16_t)port);
	memcpy(&six->sin6_addr, a->bytes, 16);
	return sizeof *six;
}

static int refuse(const struct net_address *a, const char *text, int port, struct err *e)
{
	char owner[PORT_OWNER_TEXT];

	if (errno != EADDRINUSE)
		return err_sys(e, "cannot listen on %s port %d", text, port);
	port_owner(IPPROTO_TCP, a, (uint16_t)port, owner);
	return err_set(e, ERR_CONFLICT,
	        "cannot listen on %s port %d: address in use%s%s; choose another port with -p", text, port,
	        *owner ? " by " : "", owner);
}

int server_listen(const char *address, int *port, struct err *e)
{
	struct net_address a;
	struct sockaddr_storage s;
	socklen_t size;
	int on = 1, off = 0;

	if (net_address_parse(address, &a, e) < 0)
		return -1;
	size = make_address(&a, *port, &s);
	cleanup_fd int fd = socket(a.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "cannot make a socket for %s", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a.family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, (struct sockaddr *)&s, size) < 0 || listen(fd, SOMAXCONN) < 0)
		return refuse(&a, address, *port, e);
	size = sizeof s;
	if (getsockname(fd, (struct sockaddr *)&s, &size) < 0)
		return err_sys(e, "cannot ask for the port");
	/* at the same place in both */
	*port = ntohs(((struct sockaddr_in *)&s)->sin_port);
	return steal_fd(&fd);
}

int server_control_listen(int dirfd, int port, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[SERVER_SOCKET_SIZE], name[32];
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(name, sizeof name, "%d.sock", port);
	unlinkat(dirfd, name, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", server_socket_path(dirfd, port, path));
	/* The mode before the name exists: nobody connects in between. */
	if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	        listen(fd, 16) < 0)
		return err_sys(e, "cannot make the registry's control socket");
	return steal_fd(&fd);
}
