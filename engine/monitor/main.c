/* tare-monitor: supervisor of one container, resident as long as it runs. Started by monitor_exec(), never by
 * hand. It knows nothing of containers: it has a child, the ends of its pipes or terminal, a log, a socket.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/monitor/handoff_table.h"
#include "engine/monitor/monitor.h"

/* Descriptors beside each other. */
struct run {
	int first, last;
};

static int by_first(const void *a, const void *b)
{
	return ((const struct run *)a)->first - ((const struct run *)b)->first;
}

/* Keep what was handed over and nothing else: a descriptor that a caller of `tare` leaked, its standard
 * output above all, must not stay open as long as the container lives. */
static void close_strangers(const struct monitor_handoff *h)
{
	int fds[MONITOR_HANDOFF_FDS], null = open("/dev/null", O_RDWR);
	struct run runs[MONITOR_HANDOFF_FDS + 1];
	unsigned from = STDERR_FILENO + 1;
	size_t n = monitor_handoff_fds(h, fds);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null >= 0 && null != fd)
			dup2(null, fd);
		else if (null < 0)
			close(fd);
	}
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct run){fds[i], fds[i]};
	if (h->n_held)
		runs[n++] = (struct run){h->held_fd, h->held_fd + (int)h->n_held - 1};
	qsort(runs, n, sizeof(*runs), by_first);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)runs[i].first > from)
			close_fd_range(from, (unsigned)runs[i].first - 1, 0);
		for (int fd = runs[i].first; fd <= runs[i].last; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		from = (unsigned)runs[i].last + 1;
	}
	close_fd_range(from, ~0u, 0);
}

int main(int argc, char **argv)
{
	static struct monitor monitor;
	struct monitor *m = &monitor;

	if (monitor_handoff_parse(&m->h, argc, argv) < 0) {
		static const char usage[] =
		        "tare-monitor: is started by tare, with a container to look after\n";

		if (write(STDERR_FILENO, usage, sizeof(usage) - 1) < 0)
			return 125;
		return 125;
	}
	close_strangers(&m->h);
	umask(077);
	if (chdir("/") < 0)
		return 125;
	m->areas = mmap(NULL, sizeof(*m->areas), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->areas == MAP_FAILED)
		return 125;
	spare_from_oom(m);
	if (supervise_start(m) != 0)
		return 125;
	supervise_run(m);
	return 0;
}
