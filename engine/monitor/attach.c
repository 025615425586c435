/* Clients of the control socket, and the caller that is attached from birth. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/defence.h"
#include "engine/monitor/monitor.h"

#define SEND_BUFFER (256 << 10)
#define READ_ROUNDS 16

enum sent { SENT, SENT_LATER, SENT_BROKEN };

static unsigned index_of(const struct monitor *m, const struct client *c)
{
	return (unsigned)(c - m->clients);
}

static void client_mask(struct monitor *m, struct client *c)
{
	bool owes = c->owes_lagged || c->owes_piece || c->owes_exit;
	uint32_t mask = (m->pump.in_len ? 0 : EPOLLIN) | (owes ? EPOLLOUT : 0);

	if (c->fd < 0 || c->hung_up || mask == c->mask)
		return;
	c->mask = mask;
	watch_change(m, c->fd, SOURCE_CLIENT, index_of(m, c), mask);
}

static bool someone_feeds(const struct monitor *m)
{
	for (const struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		if (c->fd >= 0 && c->fed_input)
			return true;
	return false;
}

static bool someone_stalls(const struct monitor *m)
{
	for (const struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		if (c->fd >= 0 && c->owes_piece)
			return true;
	return false;
}

static void client_close(struct monitor *m, struct client *c)
{
	bool fed = c->fed_input;

	if (c->fd < 0)
		return;
	if (!c->hung_up)
		watch_remove(m, c->fd);
	close(c->fd);
	if (c->log_fd >= 0)
		close(c->log_fd);
	if (c->birth)
		m->birth_connected = false;
	*c = (struct client){.fd = -1, .log_fd = -1};
	/* Who typed has gone: a reader in the container sees the end instead of waiting for ever. */
	if (fed && !m->h.keep_stdin && !m->pump.terminal && !someone_feeds(m))
		pump_input_end(m);
	if (m->pump.stalled && !someone_stalls(m))
		pump_resume(m);
}

static enum sent client_send(struct client *c, char type, const void *data, size_t len, int pass_fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = {{&type, 1}, {(void *)(uintptr_t)data, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (pass_fd >= 0) {
		struct cmsghdr *h;

		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &pass_fd, sizeof(int));
	}
	do
		n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return SENT;
	return errno == EAGAIN || errno == ENOBUFS || errno == EMSGSIZE ? SENT_LATER : SENT_BROKEN;
}

/* The client's socket is full: from here on it reads the log. Its place is held by a descriptor, so that
 * rotation cannot take the file away from it. */
static bool client_lag(struct monitor *m, struct client *c)
{
	struct stat st;

	/* A log that cannot be written is none to fall back on. */
	if (m->log.fd < 0 || m->log.failing || fstat(m->log.fd, &st) < 0)
		return false;
	c->log_fd = fcntl(m->log.fd, F_DUPFD_CLOEXEC, 0);
	if (c->log_fd < 0)
		return false;
	c->inode = st.st_ino;
	c->offset = m->log.size;
	c->lagged = c->owes_lagged = true;
	return true;
}

static void client_stall(struct client *c)
{
	c->owes_piece = true;
	c->stalled_since = boottime_ns();
}

/* False: the container has to wait for this client. */
static bool client_output(
        struct monitor *m, struct client *c, enum output_stream s, const char *data, size_t len)
{
	bool waits = false;

	switch (client_send(c, s == STREAM_OUT ? MSG_OUT : MSG_ERR, data, len, -1)) {
	case SENT:
		return true;
	case SENT_BROKEN:
		/* Reading tells that it is gone; closing here would disturb who walks the table. */
		c->output = false;
		return true;
	case SENT_LATER:
		waits = !client_lag(m, c);
		if (waits)
			client_stall(c);
	}
	client_mask(m, c);
	return !waits;
}

bool attach_output(struct monitor *m, enum output_stream s, const char *data, size_t len)
{
	bool taken = true;

	for (struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		if (c->fd >= 0 && c->output && !c->lagged)
			taken &= client_output(m, c, s, data, len);
	return taken;
}

static enum sent send_lagged(struct client *c)
{
	struct monitor_position at = {.inode = c->inode, .offset = c->offset};
	enum sent sent = client_send(c, MSG_LAGGED, &at, sizeof(at), c->log_fd);

	if (sent == SENT) {
		c->owes_lagged = false;
		close(c->log_fd);
		c->log_fd = -1;
	}
	return sent;
}

static enum sent send_piece(struct monitor *m, struct client *c)
{
	char type = m->pump.stall_stream == STREAM_OUT ? MSG_OUT : MSG_ERR;
	enum sent sent = client_send(c, type, m->areas->read, m->pump.cut, -1);

	if (sent == SENT)
		c->owes_piece = false;
	return sent;
}

static enum sent send_exit(struct monitor *m, struct client *c)
{
	struct monitor_end end = {
	        .code = m->exit.code,
	        .signal = m->exit.signal,
	        .oom_killed = m->exit.oom_killed,
	        .finished = m->exit.finished,
	};
	enum sent sent = client_send(c, MSG_EXIT, &end, sizeof(end), -1);

	if (sent == SENT)
		c->owes_exit = false;
	return sent;
}

/* Send what is owed, in order. */
static void client_pay(struct monitor *m, struct client *c)
{
	enum sent sent = SENT;

	if (c->owes_piece)
		sent = send_piece(m, c);
	if (sent == SENT && c->owes_lagged)
		sent = send_lagged(c);
	if (sent == SENT && c->owes_exit)
		sent = send_exit(m, c);
	if (sent == SENT_BROKEN) {
		client_close(m, c);
		return;
	}
	client_mask(m, c);
	if (m->pump.stalled && !someone_stalls(m))
		pump_resume(m);
}

static void client_exit(struct monitor *m, struct client *c)
{
	c->owes_exit = true;
	client_pay(m, c);
}

void attach_end(struct monitor *m)
{
	for (struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		if (c->fd >= 0 && (c->greeted || c->birth))
			client_exit(m, c);
}

bool attach_owes(const struct monitor *m)
{
	for (const struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		if (c->fd >= 0 && (c->owes_exit || c->owes_lagged))
			return true;
	return false;
}

int attach_stalled(struct monitor *m)
{
	int64_t now = boottime_ns(), next = -1;

	for (struct client *c = m->clients; c < m->clients + CLIENTS_MAX && m->pump.stalled; c++) {
		int64_t left = c->stalled_since + STALL_SECONDS * 1000000000ll - now;

		if (c->fd < 0 || !c->owes_piece)
			continue;
		if (left <= 0)
			client_close(m, c);
		else if (next < 0 || left < next)
			next = left;
	}
	return next < 0 ? -1 : (int)(next / 1000000) + 1;
}

/* ------------------------------------------------------------------ what clients say */

struct replay_target {
	struct monitor *m;
	struct client *c;
};

static int replay_piece(void *arg, enum output_stream s, const char *data, size_t len)
{
	struct replay_target *t = arg;

	/* A full socket ends it: the past is a courtesy, the present is not. */
	return client_send(t->c, s == STREAM_OUT ? MSG_OUT : MSG_ERR, data, len, -1) == SENT;
}

static void client_replay(struct monitor *m, struct client *c)
{
	struct replay_target t = {m, c};

	if (!c->lagged && !c->owes_piece)
		replay_walk(&m->replay, replay_piece, &t);
}

static void send_welcome(const struct monitor *m, int fd, uint8_t more)
{
	uint8_t flags = (m->pump.terminal ? WELCOME_TERMINAL : 0) | (m->log.fd >= 0 ? WELCOME_LOG : 0) |
	                (m->pump.in_fd >= 0 ? WELCOME_INPUT : 0) | more;
	uint8_t hello[2] = {MONITOR_PROTOCOL, flags};

	if (send(fd, hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

/* The first message. The caller from birth was welcomed, and has had output, before it said anything. */
static bool client_hello(struct monitor *m, struct client *c, const uint8_t *msg, size_t len)
{
	bool known = len >= 2 && msg[0] == MONITOR_PROTOCOL;

	if (c->birth) {
		c->greeted = true;
		c->output = known && (msg[1] & HELLO_OUTPUT);
		return known;
	}
	/* Whether it was heard does not matter: one who has gone already may have left input behind. */
	send_welcome(m, c->fd, 0);
	if (!known)
		return false;
	c->greeted = true;
	if (msg[1] & HELLO_REPLAY)
		client_replay(m, c);
	/* A piece that stalls the container is in the replay already. */
	c->output = msg[1] & HELLO_OUTPUT;
	if (m->ended)
		client_exit(m, c);
	return true;
}

static void client_live(struct monitor *m, struct client *c, const char *payload, size_t len)
{
	struct monitor_position at;
	struct stat st;
	char live;

	if (len != sizeof(at) || !c->lagged || c->owes_lagged)
		return;
	memcpy(&at, payload, sizeof(at));
	live = m->log.fd >= 0 && fstat(m->log.fd, &st) == 0 && at.inode == st.st_ino &&
	       at.offset == m->log.size;
	/* The client has read everything else, so there is room for one byte. */
	if (client_send(c, MSG_LIVE, &live, 1, -1) == SENT && live)
		c->lagged = false;
}

static bool client_message(struct monitor *m, struct client *c, char *msg, size_t len)
{
	struct monitor_size size;

	if (!c->greeted)
		return client_hello(m, c, (const uint8_t *)msg, len);
	switch (msg[0]) {
	case MSG_INPUT:
		c->fed_input = true;
		if (!pump_input(m, msg + 1, len - 1))
			attach_input_pause(m);
		return true;
	case MSG_INPUT_EOF:
		c->fed_input = false;
		pump_input_end(m);
		return true;
	case MSG_RESIZE:
		if (len != 1 + sizeof(size))
			return false;
		memcpy(&size, msg + 1, sizeof(size));
		pump_resize(m, &size);
		return true;
	case MSG_REPLAY:
		client_replay(m, c);
		return true;
	case MSG_LIVE_ASK:
		client_live(m, c, msg + 1, len - 1);
		return true;
	default:
		return false;
	}
}

/* Read until nothing is left, the container's input is full, or the rounds are used up. */
static void client_read(struct monitor *m, struct client *c)
{
	m->areas_touched = true;
	for (int i = 0; c->fd >= 0 && !m->pump.in_len && (c->hung_up || i < READ_ROUNDS); i++) {
		ssize_t n = recv(c->fd, m->areas->message, sizeof(m->areas->message), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || !client_message(m, c, m->areas->message, (size_t)n))
			client_close(m, c);
	}
}

void attach_event(struct monitor *m, unsigned index, uint32_t events)
{
	struct client *c = &m->clients[index];

	if (c->fd < 0)
		return;
	if (events & EPOLLOUT)
		client_pay(m, c);
	if (c->fd < 0 || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if ((events & (EPOLLHUP | EPOLLERR)) && m->pump.in_len) {
		/* It has gone, but what it typed has not been taken yet: read the rest when there is room. */
		watch_remove(m, c->fd);
		c->hung_up = true;
		c->output = false;
		return;
	}
	client_read(m, c);
}

void attach_input_pause(struct monitor *m)
{
	for (struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		client_mask(m, c);
}

void attach_input_resume(struct monitor *m)
{
	for (struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++) {
		if (c->fd >= 0 && c->hung_up)
			client_read(m, c);
		client_mask(m, c);
	}
}

/* ------------------------------------------------------------------ who comes */

static struct client *client_new(struct monitor *m, int fd)
{
	int size = SEND_BUFFER;

	for (struct client *c = m->clients; c < m->clients + CLIENTS_MAX; c++) {
		if (c->fd >= 0)
			continue;
		if (!watch_add(m, fd, SOURCE_CLIENT, index_of(m, c), EPOLLIN))
			return NULL;
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		*c = (struct client){.fd = fd, .log_fd = -1, .mask = EPOLLIN};
		client_mask(m, c);
		return c;
	}
	return NULL;
}

/* CVE-2020-15257: who may speak is decided by uid as well, not by reaching the socket alone. */
static bool peer_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (!DEFENCE("peer-uid") || peer.uid == 0 || peer.uid == geteuid());
}

void attach_listen(struct monitor *m, bool on)
{
	if (m->h.listen_fd < 0 || m->listening == on)
		return;
	if (!on)
		watch_remove(m, m->h.listen_fd);
	m->listening = on && watch_add(m, m->h.listen_fd, SOURCE_LISTEN, 0, EPOLLIN);
}

void attach_accept(struct monitor *m)
{
	int fd = accept4(m->h.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Without descriptors the caller stays in the queue; asking again at once would be a busy
		 * loop. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			attach_listen(m, false);
		return;
	}
	if (!peer_allowed(fd)) {
		close(fd);
		return;
	}
	if (!client_new(m, fd)) {
		send_welcome(m, fd, WELCOME_BUSY);
		close(fd);
	}
}

void attach_start(struct monitor *m)
{
	struct client *c;

	for (c = m->clients; c < m->clients + CLIENTS_MAX; c++)
		*c = (struct client){.fd = -1, .log_fd = -1};
	attach_listen(m, true);
	if (m->h.client_fd < 0)
		return;
	c = client_new(m, m->h.client_fd);
	if (!c)
		return;
	m->birth_connected = c->birth = c->output = true;
	/* Its input closes with it, even when it never said a word. */
	c->fed_input = true;
	send_welcome(m, c->fd, 0);
}
