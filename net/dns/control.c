/* Requests of the engine: see net/dns.h. Who can connect at all is root (the socket is 0600 in a directory of
 * root's), but nobody of them is waited for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/file.h"
#include "net/dns/service.h"

#define REQUEST_MAX 512
#define SOCKETS_MAX 4 /* udp4 tcp4 udp6 tcp6 */

static void control_close(struct service *s, struct control *c)
{
	close_fd(&c->fd);
	c->generation++;
	if (s->control_paused &&
	        service_rewatch(s, s->control_fd, EPOLLIN, event_tag(EVENT_CONTROL_LISTEN, 0, 0)) == 0)
		s->control_paused = false;
}

static void say(const struct control *c, const char *text)
{
	if (send(c->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* he has gone */
	}
}

/* ---------------------------------------------------------------- the requests */

/* False: wait for the sockets. */
static bool serve(struct service *s, struct control *c, char *arguments)
{
	char *id = strsep(&arguments, " ");
	unsigned index = arguments ? (unsigned)strtoul(arguments, NULL, 10) : 0;
	const struct network *n = network_served(s, id);

	if (!*id || strlen(id) > LEASE_ID_LEN || strchr(id, '/'))
		return true;
	s->idle_at = 0;
	if (n && n->bridge_index == index) {
		say(c, "yes");
		return true;
	}
	strcpy(c->network_id, id);
	c->bridge_index = index;
	say(c, "send");
	return false;
}

static void forget(struct service *s, const char *id)
{
	struct network *n = network_served(s, id);

	if (n)
		network_close(s, n);
	s->idle_at = s->now;
}

static bool take_subnet(char **arguments, struct net_subnet *subnet)
{
	const char *word = strsep(arguments, " ");

	return word && (!strcmp(word, "-") || net_subnet_parse(word, subnet, NULL) == 0);
}

static int socket_option(int fd, int option)
{
	int v = -1;
	socklen_t len = sizeof v;

	return getsockopt(fd, SOL_SOCKET, option, &v, &len) < 0 ? -1 : v;
}

/* Each where its kind belongs, whatever their order was; the rest is closed. */
static void sort_sockets(struct network *n, int fds[SOCKETS_MAX])
{
	for (int i = 0; i < SOCKETS_MAX; i++) {
		int six, *place;
		if (fds[i] < 0)
			continue;
		six = socket_option(fds[i], SO_DOMAIN) == AF_INET6;
		place = socket_option(fds[i], SO_TYPE) == SOCK_DGRAM ? &n->udp[six] : &n->tcp[six];
		if (*place < 0)
			*place = steal_fd(&fds[i]);
	}
}

static bool take_network(struct service *s, const struct control *c, char *arguments, int fds[SOCKETS_MAX])
{
	struct network *n = network_served(s, c->network_id);

	if (n) /* its bridge was made anew */
		network_close(s, n);
	n = network_place(s, c->network_id);
	if (!n)
		return false;
	n->bridge_index = c->bridge_index;
	sort_sockets(n, fds);
	if (take_subnet(&arguments, &n->subnet[0]) && take_subnet(&arguments, &n->subnet[1]) && arguments &&
	        network_watch(s, n) == 0) {
		n->internal = *arguments == '1';
		return true;
	}
	network_close(s, n);
	return false;
}

/* True: that was all. */
static bool answer(struct service *s, struct control *c, char *request, int fds[SOCKETS_MAX])
{
	char pid[16];

	if (*c->network_id) {
		if (take_network(s, c, request, fds))
			say(c, "yes");
		return true;
	}
	if (!strncmp(request, "serve ", 6))
		return serve(s, c, request + 6);
	if (!strncmp(request, "forget ", 7))
		forget(s, request + 7);
	else if (!strcmp(request, "idle"))
		s->idle_at = s->now;
	if (!strcmp(request, "pid")) {
		snprintf(pid, sizeof pid, "%d", (int)getpid());
		say(c, pid);
	} else {
		say(c, "yes");
	}
	return true;
}

/* ---------------------------------------------------------------- connections */

static void take_fds(struct msghdr *m, int fds[SOCKETS_MAX])
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && n <= SOCKETS_MAX)
			memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	}
}

void control_event(struct service *s, unsigned place)
{
	struct control *c = &s->controls[place];
	char request[REQUEST_MAX];
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(SOCKETS_MAX * sizeof(int))];
	} rights;
	struct iovec v = {request, sizeof request - 1};
	struct msghdr m = {
	        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
	int fds[SOCKETS_MAX] = {-1, -1, -1, -1};
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		take_fds(&m, fds);
	request[n > 0 ? n : 0] = '\0';
	if (n <= 0 || answer(s, c, request, fds))
		control_close(s, c);
	for (int i = 0; i < SOCKETS_MAX; i++)
		close_fd(&fds[i]);
}

/* The request is mostly there already. Whoever finds no place waits in the socket's queue. */
void control_accept(struct service *s)
{
	unsigned i = 0;

	while (i < CONTROLS_MAX && s->controls[i].fd >= 0)
		i++;
	if (i == CONTROLS_MAX) {
		s->control_paused =
		        service_rewatch(s, s->control_fd, 0, event_tag(EVENT_CONTROL_LISTEN, 0, 0)) == 0;
		return;
	}
	struct control *c = &s->controls[i];
	c->fd = accept4(s->control_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	*c->network_id = '\0';
	if (c->fd < 0)
		return;
	if (service_watch(s, c->fd, EPOLLIN, event_tag(EVENT_CONTROL, c->generation, i)) < 0)
		control_close(s, c);
	else
		control_event(s, i);
}
