/* Fuzz target: what is said over a container's control socket, in any order and of any length: by a client to
 * the monitor, and by a monitor to the client. Each packet of the input is a length and its bytes. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/attach_client.h"
#include "engine/monitor/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As many as the socket takes. */
static void send_packets(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t len = data[0];

		data++, size--;
		len = len < size ? len : size;
		if (len > 0 && send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
		data += len;
		size -= len;
	}
}

static struct monitor *monitor_new(void)
{
	struct monitor *m = calloc(1, sizeof(*m));

	m->areas = calloc(1, sizeof(*m->areas));
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->h.listen_fd = m->h.client_fd = m->h.terminal_fd = m->h.in_fd = m->h.out_fd = m->h.err_fd = -1;
	m->pump.fd[0] = m->pump.fd[1] = m->pump.in_fd = m->pump.slave_fd = m->log.fd = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		m->clients[i].fd = m->clients[i].log_fd = -1;
	return m;
}

static void to_monitor(const uint8_t *data, size_t size)
{
	struct monitor *m = monitor_new();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		abort();
	m->clients[0].fd = ends[1];
	watch_add(m, ends[1], SOURCE_CLIENT, 0, EPOLLIN);
	send_packets(ends[0], data, size);
	close(ends[0]);
	for (int i = 0; i < 300 && m->clients[0].fd >= 0; i++)
		attach_event(m, 0, EPOLLIN | EPOLLOUT);
	close_fd(&m->clients[0].fd);
	close(m->epoll_fd);
	free(m->areas);
	free(m);
}

static void to_client(const uint8_t *data, size_t size)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC),
	               dir = open("/dev/shm", O_PATH | O_CLOEXEC);
	const struct tare_io io = {.in = -1, .out = null, .err = null};
	const struct attach_client a = {.io = &io, .container_fd = dir};
	struct exit_record how;
	enum tare_io_end end;
	struct err e = ERR_INIT;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		abort();
	send_packets(ends[0], data, size);
	shutdown(ends[0], SHUT_WR);
	if (attach_client_run(ends[1], &a, &end, &how, &e) != 0 && !*e.msg)
		abort();
	close(ends[0]);
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] & 1)
		to_monitor(data + 1, size - 1);
	else
		to_client(data + 1, size - 1);
	return 0;
}
