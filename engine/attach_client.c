#include "engine/attach_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/log_reader.h"
#include "engine/monitor/protocol.h"
#include "engine/relay.h"

/* Blocks per turn: a container that writes without end must not make us deaf to keys and signals. */
#define ROUNDS       32
#define ASK_AGAIN_MS 200
#define SEND_MAX     (1 + RELAY_INPUT + DETACH_KEYS_MAX)

enum { P_SOCKET = RELAY_POLL, P_COUNT };

/* Where output comes from: the socket, or, after it was too slow, the log. LOG_ASKED: the log's end was
 * reached and the monitor was asked to go on directly. */
enum feed { FEED_SOCKET, FEED_LOG, FEED_LOG_ASKED, FEED_LOG_WAIT };

struct session {
	const struct attach_client *opts;
	int sock, pidfd;
	struct relay relay;
	struct relay_events ev;
	enum feed feed;
	struct log_reader log;
	bool log_open, log_done; /* read to its end */
	bool have_record;        /* in `record`, not passed on yet */
	struct log_record record;
	struct monitor_position asked; /* where MSG_LIVE_ASK was sent from */
	bool refused;
	bool welcome, exit_known;
	struct exit_record exit;
	char out[1 + SEND_MAX]; /* one message that the socket has not taken */
	size_t out_len;
	bool owes_resize, owes_end;
	char message[1 + MONITOR_DATA_MAX + 64];
	char text[RELAY_BLOCK + 64]; /* of log records, on its way out */
};

/* ------------------------------------------------------------------ to the monitor */

static void flush_message(struct session *s)
{
	if (s->out_len && send(s->sock, s->out, s->out_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	        (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return;
	s->out_len = 0; /* sent, or there is nobody any more: receiving tells */
}

static bool say(struct session *s, char type, const void *data, size_t len)
{
	if (s->out_len)
		return false;
	s->out[0] = type;
	memcpy(s->out + 1, data, len);
	s->out_len = 1 + len;
	flush_message(s);
	return true;
}

static void say_size(struct session *s)
{
	struct monitor_size size;

	if (!relay_size(&s->relay, &size.rows, &size.cols))
		s->owes_resize = false;
	else
		s->owes_resize = !say(s, MSG_RESIZE, &size, sizeof(size));
}

/* What waited for the socket to take the message before it. */
static void say_owed(struct session *s)
{
	if (s->owes_resize)
		say_size(s);
	if (s->owes_end)
		s->owes_end = !say(s, MSG_INPUT_EOF, "", 0);
}

static bool say_hello(struct session *s)
{
	const struct tare_io *io = s->opts->io;
	/* One who was attached from birth has missed nothing; the monitor knows. */
	uint8_t flags = !io ? 0 : io->no_replay ? HELLO_OUTPUT : HELLO_OUTPUT | HELLO_REPLAY;

	return say(s, MONITOR_PROTOCOL, &flags, 1);
}

static void caller_events(struct session *s)
{
	struct relay_events *ev = &s->ev;

	for (int i = 0; i < ev->n_signals; i++)
		if (s->pidfd >= 0)
			pidfd_signal(s->pidfd, ev->signals[i]);
	if (ev->in_len)
		say(s, MSG_INPUT, ev->in, ev->in_len);
	if (ev->in_end)
		s->owes_end = true;
	if (ev->resized)
		s->owes_resize = true;
}

/* ------------------------------------------------------------------ from the log */

static int log_start(struct session *s, const char *payload, size_t len, int fd, struct err *e)
{
	struct monitor_position at;

	if (len != sizeof(at) || fd < 0) {
		close_fd(&fd);
		return err_set(e, ERR_CORRUPT, "the container's monitor sent a message that makes no sense");
	}
	memcpy(&at, payload, sizeof(at));
	if (s->log_open)
		log_reader_close(&s->log);
	s->log_open = false;
	if (log_reader_open_at(&s->log, s->opts->container_fd, fd, at.offset, e) < 0)
		return -1;
	s->log_open = true;
	s->have_record = s->refused = false;
	s->feed = FEED_LOG;
	return 0;
}

/* The next record; one that did not fit the last time comes first. */
static int log_record(struct session *s, struct err *e)
{
	if (s->have_record)
		return 1;
	int rc = log_reader_next(&s->log, &s->record, e);

	s->have_record = rc > 0;
	return rc;
}

/* Records of one stream into s->text: the bytes, 0 at the log's end, -1. */
static ssize_t log_gather(struct session *s, int *stream, struct err *e)
{
	struct log_record *rec = &s->record;
	size_t n = 0;
	int rc;

	while ((rc = log_record(s, e)) > 0) {
		bool err = rec->stream == TARE_LOG_ERR;
		size_t len = rec->len < RELAY_BLOCK ? rec->len : RELAY_BLOCK;

		if (n && (err != *stream || n + len + 1 > sizeof(s->text)))
			break;
		*stream = err;
		memcpy(s->text + n, rec->text, len);
		n += len;
		/* A line that is not of our format may be longer: the rest of it comes next. */
		s->have_record = len < rec->len;
		rec->text += len;
		rec->len -= len;
		if (!s->have_record && !rec->partial)
			s->text[n++] = '\n';
	}
	return rc < 0 ? -1 : (ssize_t)n;
}

/* The log's end was reached. Ask to be fed directly, but not again and again from the same place. */
static void ask_live(struct session *s)
{
	struct monitor_position at = {.inode = s->log.inode, .offset = s->log.offset};

	if (s->refused && !memcmp(&at, &s->asked, sizeof(at))) {
		s->refused = false;
		s->feed = FEED_LOG_WAIT;
		return;
	}
	if (say(s, MSG_LIVE_ASK, &at, sizeof(at))) {
		s->asked = at;
		s->feed = FEED_LOG_ASKED;
	}
}

static int log_pass(struct session *s, struct err *e)
{
	int stream = 0;
	ssize_t n = 1;

	for (int i = 0; i < ROUNDS && n > 0 && !relay_pending(&s->relay); i++) {
		n = log_gather(s, &stream, e);
		if (n < 0)
			return -1;
		relay_write(&s->relay, stream, s->text, (size_t)n);
	}
	if (s->log.gap) {
		log_line(LOG_LEVEL_WARN, "some output was rotated away before it could be shown");
		s->log.gap = false;
	}
	s->log_done = n == 0;
	if (s->log_done && !s->exit_known && s->log.fd >= 0)
		ask_live(s);
	return 0;
}

/* ------------------------------------------------------------------ from the monitor */

static int on_exit_message(struct session *s, const char *payload, size_t len, struct err *e)
{
	struct monitor_end end;

	if (len != sizeof(end))
		return err_set(e, ERR_CORRUPT, "the container's monitor sent a message that makes no sense");
	memcpy(&end, payload, sizeof(end));
	s->exit = (struct exit_record){.code = end.code,
	        .signal = end.signal,
	        .oom_killed = end.oom_killed != 0,
	        .finished = end.finished};
	s->exit_known = true;
	if (s->feed != FEED_SOCKET)
		s->feed = FEED_LOG; /* to its end, which is final now */
	return 0;
}

static int on_welcome(struct session *s, size_t len, struct err *e)
{
	if (len < 2 || s->message[0] != MONITOR_PROTOCOL)
		return err_set(e, ERR_UNSUPPORTED,
		        "the container's monitor speaks another protocol (%d, not %d): it was started by "
		        "another version of tare; "
		        "restart the container",
		        s->message[0], MONITOR_PROTOCOL);
	if (s->message[1] & WELCOME_BUSY)
		return err_set(e, ERR_CONFLICT, "too many callers are attached to the container already");
	s->welcome = true;
	return 0;
}

static int on_message(struct session *s, size_t len, int fd, struct err *e)
{
	const char *payload = s->message + 1;

	if (!s->welcome)
		return on_welcome(s, len, e);
	switch (s->message[0]) {
	case MSG_OUT:
	case MSG_ERR:
		relay_write(&s->relay, s->message[0] == MSG_ERR, payload, len - 1);
		return 0;
	case MSG_LAGGED:
		return log_start(s, payload, len - 1, steal_fd(&fd), e);
	case MSG_LIVE:
		if (s->feed == FEED_LOG_ASKED)
			s->feed = (s->refused = len < 2 || !payload[0]) ? FEED_LOG : FEED_SOCKET;
		return 0;
	case MSG_EXIT:
		return on_exit_message(s, payload, len - 1, e);
	default:
		return 0; /* of a newer minor version */
	}
}

/* One message; its descriptor, if there is one, in *fd. -1 with errno. */
static ssize_t receive(struct session *s, int *fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {s->message, sizeof(s->message)};
	struct msghdr msg = {.msg_iov = &iov,
	        .msg_iovlen = 1,
	        .msg_control = control.space,
	        .msg_controllen = sizeof(control.space)};
	struct cmsghdr *h;
	ssize_t n;

	/* A peer that closes with something of ours unread leaves that error before its last messages. */
	do
		n = recvmsg(s->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == ECONNRESET);
	h = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	*fd = -1;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	        h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(h), sizeof(int));
	return n;
}

static int socket_pass(struct session *s, struct err *e)
{
	for (int i = 0; i < ROUNDS && !relay_pending(&s->relay) && !s->exit_known; i++) {
		int fd;
		ssize_t n = receive(s, &fd);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return err_set(e, ERR_OTHER,
			        "the container's monitor has gone without telling how the container ended");
		if (on_message(s, (size_t)n, fd, e) < 0)
			return -1;
		if (s->feed == FEED_LOG)
			return 0;
	}
	return 0;
}

/* ------------------------------------------------------------------ the whole */

static bool finished(const struct session *s)
{
	return s->exit_known && !relay_pending(&s->relay) && s->feed == FEED_SOCKET;
}

/* Move what can be moved without waiting. */
static int pass(struct session *s, struct err *e)
{
	say_owed(s);
	if (socket_pass(s, e) < 0)
		return -1;
	if (s->feed == FEED_LOG) {
		if (log_pass(s, e) < 0)
			return -1;
		/* Read to its end after the end was announced: that was all. */
		if (s->exit_known && s->log_done && !relay_pending(&s->relay))
			s->feed = FEED_SOCKET;
	}
	return 0;
}

static int wait_events(struct session *s, struct pollfd p[P_COUNT], struct err *e)
{
	bool listens = !relay_pending(&s->relay) && !s->exit_known;
	/* In the log there is more to read, unless its reader waits. */
	int ms = s->feed == FEED_LOG && !relay_pending(&s->relay) ? 0
	         : s->feed == FEED_LOG_WAIT                       ? ASK_AGAIN_MS
	                                                          : -1;

	relay_poll(&s->relay, !s->out_len && !s->owes_end, p);
	p[P_SOCKET] = (struct pollfd){
	        .fd = s->sock,
	        .events = (short)((listens ? POLLIN : 0) | (s->out_len ? POLLOUT : 0)),
	};
	/* A hang-up cannot be masked, and what it means is seen when the output has been taken. */
	if (!listens && !s->out_len)
		p[P_SOCKET].fd = -1;
	if (poll(p, P_COUNT, ms) < 0 && errno != EINTR)
		return err_sys(e, "cannot wait for the container's output");
	if (s->feed == FEED_LOG_WAIT)
		s->feed = FEED_LOG;
	return 0;
}

static int loop(struct session *s, enum tare_io_end *end, struct err *e)
{
	struct pollfd p[P_COUNT] = {0};

	while (pass(s, e) == 0) {
		if (finished(s)) {
			*end = TARE_IO_EXITED;
			return 0;
		}
		if (wait_events(s, p, e) < 0)
			return -1;
		relay_handle(&s->relay, p, RELAY_POLL, &s->ev);
		if (s->ev.detached) {
			*end = TARE_IO_DETACHED;
			return 0;
		}
		if (p[P_SOCKET].revents & (POLLOUT | POLLHUP | POLLERR))
			flush_message(s);
		caller_events(s);
	}
	return -1;
}

int attach_client_run(int sock, const struct attach_client *opts, enum tare_io_end *end,
        struct exit_record *exit, struct err *e)
{
	static const struct tare_io nothing = {.in = -1, .out = -1, .err = -1};
	cleanup_free struct session *s = calloc(1, sizeof(*s));
	cleanup_fd int pidfd = -1;
	int rc;

	if (!s)
		return err_no_memory(e);
	if (opts->io && opts->io->sig_proxy)
		pidfd = proc_open(&opts->process);
	s->sock = sock;
	s->opts = opts;
	s->pidfd = pidfd;
	if (relay_open(&s->relay, opts->io ? opts->io : &nothing, opts->detach_keys, opts->terminal, e) < 0)
		return -1;
	say_hello(s);
	s->owes_resize = opts->terminal;
	rc = loop(s, end, e);
	relay_close(&s->relay);
	if (s->log_open)
		log_reader_close(&s->log);
	if (rc == 0 && *end == TARE_IO_EXITED)
		*exit = s->exit;
	return rc;
}

int attach_client_connect(int state_fd, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, "cannot make a socket");
	/* By descriptor: the state directory's path may be longer than a socket's address. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/" MONITOR_SOCKET, state_fd);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(e, "cannot reach the container's monitor");
	return steal_fd(&fd);
}
