#include "registry/server/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

int channel_send(int fd, json *message, const int *fds, size_t n)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(CHANNEL_MESSAGE_MAX);
	char control[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))] = {0};
	struct iovec part;
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	json_print(&text, message, JSON_COMPACT);
	if (text.failed || n > CHANNEL_FDS_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	part = (struct iovec){.iov_base = text.data, .iov_len = text.len};
	if (n) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	do
		sent = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static size_t take_fds(struct msghdr *m, int fds[CHANNEL_FDS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t more = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || n + more > CHANNEL_FDS_MAX)
			continue;
		memcpy(fds + n, CMSG_DATA(c), more * sizeof(int));
		n += more;
	}
	return n;
}

json *channel_receive(int fd, int fds[CHANNEL_FDS_MAX], size_t *n)
{
	cleanup_free char *text = malloc(CHANNEL_MESSAGE_MAX);
	char control[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
	struct iovec part = {.iov_base = text, .iov_len = CHANNEL_MESSAGE_MAX};
	struct msghdr m = {
	        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t got;
	json *j = NULL;

	*n = 0;
	if (!text)
		return NULL;
	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return NULL;
	*n = take_fds(&m, fds);
	if (got > 0 && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		j = json_parse(text, (size_t)got, "message", NULL);
	while (!j && *n)
		close_fd(&fds[--*n]);
	return j;
}

json *channel_ask(const char *path, json *question, int timeout_s, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = timeout_s};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int fds[CHANNEL_FDS_MAX];
	size_t n;
	json *answer;

	if ((size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s", path) >= sizeof a.sun_path)
		return err_set_null(e, ERR_UNSUPPORTED, "the path %s is too long for a socket", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ||
	        channel_send(fd, question, NULL, 0) < 0)
		return err_sys_null(e, "cannot reach the registry through %s", path);
	answer = channel_receive(fd, fds, &n);
	while (n)
		close_fd(&fds[--n]);
	if (!answer)
		return err_set_null(e, ERR_OTHER, "the registry did not answer");
	return answer;
}
