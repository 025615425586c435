#include "engine/monitor/exit_status.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/monitor/decimal.h"

/* Kernel 6.15, linux/pidfd.h: older headers have neither the number nor the member. */
#define PIDFD_INFO_WITH_EXIT (1ull << 3)
struct pidfd_info_exit {
	uint64_t mask, cgroup_id;
	uint32_t ids[11];
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info_exit) == 64, "the first version of the kernel's struct");
#define PIDFD_GET_INFO_EXIT _IOWR(0xff, 11, struct pidfd_info_exit)

#define STAT_EXIT_CODE 52 /* proc_pid_stat(5) */
#define STAT_SIZE      1024

/* From the kernel's own memory of it: there once its parent has taken it. */
static int from_pidfd(int pidfd, int *status)
{
	struct pidfd_info_exit info = {.mask = PIDFD_INFO_WITH_EXIT};

	if (ioctl(pidfd, PIDFD_GET_INFO_EXIT, &info) < 0 || !(info.mask & PIDFD_INFO_WITH_EXIT))
		return -1;
	*status = info.exit_code;
	return 0;
}

static int exit_code_field(const char *stat, int *status)
{
	const char *p = strrchr(stat, ')'); /* the second field is a name, which may hold anything */
	int64_t v;

	if (!p || p[1] != ' ' || (p[2] != 'Z' && p[2] != 'X'))
		return -1;
	for (int field = 2; field < STAT_EXIT_CODE; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -1;
		p++;
	}
	if (!decimal_read(&p, &v))
		return -1;
	*status = (int)v;
	return 0;
}

/* As long as nobody has taken it, every kernel tells. That the number was still its own while we read is
 * certain when the descriptor finds it afterwards. */
static int from_zombie(int pidfd, pid_t pid, int *status)
{
	char path[DECIMAL_SIZE + 16], stat[STAT_SIZE];
	ssize_t n;
	int fd;

	strcpy(decimal_write(stpcpy(path, "/proc/"), pid), "/stat");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	stat[n] = '\0';
	if (exit_code_field(stat, status) < 0)
		return -1;
	return (int)syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0);
}

int exit_status_of(int pidfd, pid_t pid, int *status)
{
	if (from_pidfd(pidfd, status) == 0 || from_zombie(pidfd, pid, status) == 0)
		return 0;
	return from_pidfd(pidfd, status); /* taken while we looked */
}
