/* tare-dns: names of containers for containers (net/dns.h). Started by dns_ensure(), never by hand, with its
 * control socket and the directory of networks. */
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/signal.h"
#include "net/dns/sandbox.h"
#include "net/dns/service.h"

#define CONF         "/etc/resolv.conf"
#define FILES_SPARED 512 /* descriptors that are no forwarded question's: streams, networks, zones */
#define FAILURE      125

static int number(const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	return *end || end == text || v < 0 || v > INT32_MAX ? -1 : (int)v;
}

static void reset_signals(void)
{
	signal_default_all();
	signal(SIGPIPE, SIG_IGN);
}

static int start(struct service *s)
{
	struct rlimit files;
	rlim_t most;

	for (unsigned i = 0; i < CONTROLS_MAX; i++)
		s->controls[i].fd = -1;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	most = files.rlim_max < SANDBOX_FILES ? files.rlim_max : SANDBOX_FILES;
	forward_init(s, most > FILES_SPARED ? (unsigned)most - FILES_SPARED : 0);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	/* Listening once more makes us the peer whose pid a caller sees. */
	if (s->epoll_fd < 0 || listen(s->control_fd, SOMAXCONN) < 0 ||
	        dns_sandbox_enter(s->networks_fd, CONF) < 0)
		return -1;
	return service_watch(s, s->control_fd, EPOLLIN, event_tag(EVENT_CONTROL_LISTEN, 0, 0));
}

/* tare-dns SOCKET DIRECTORY LINGER-MS */
int main(int argc, char **argv)
{
	static struct service s;
	static const char usage[] = "tare-dns: is started by tare, for the networks of its containers\n";

	if (argc == 4) {
		s.control_fd = number(argv[1]);
		s.networks_fd = number(argv[2]);
		s.linger = number(argv[3]);
	}
	if (argc != 4 || s.control_fd < 0 || s.networks_fd < 0 || s.linger < 0) {
		if (write(STDERR_FILENO, usage, sizeof usage - 1) < 0)
			return FAILURE;
		return FAILURE;
	}
	reset_signals();
	if (chdir("/") < 0 || start(&s) < 0)
		return FAILURE;
	service_run(&s);
	return 0;
}
