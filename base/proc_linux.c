/* Processes: identity that survives pid reuse, by /proc and pidfds. */
#include "base/defence.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define STAT_SIZE       2048
#define STAT_START_TIME 22 /* proc_pid_stat(5) */
#define BOOT_ID_SIZE    37

/* The start of field `n` (3 or more) of a stat line. Counted from the last ')', since the process chooses
 * the name in field 2 and may put spaces and brackets into it. */
static const char *stat_field(const char *line, int n)
{
	const char *p = strrchr(line, ')');

	for (int field = 2; p && field < n; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p;
}

int proc_id_of(pid_t pid, struct proc_id *id)
{
	char path[32], line[STAT_SIZE];
	const char *state, *start;

	if (pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read_small(AT_FDCWD, path, line, sizeof(line)) < 0) {
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	state = stat_field(line, 3);
	start = stat_field(line, STAT_START_TIME);
	if (!state || !start || *state == 'Z' || *state == 'X' || *state == 'x') {
		errno = ESRCH;
		return -1;
	}
	id->pid = pid;
	id->start_time = strtoull(start, NULL, 10);
	return 0;
}

bool proc_alive(const struct proc_id *id)
{
	struct proc_id now;

	if (proc_id_of(id->pid, &now) == 0)
		return now.start_time == id->start_time;
	/* Cannot be looked at, for want of descriptors or memory: to believe in an end that was none does
	 * more harm than to take another one for it. */
	return errno != ESRCH && (kill(id->pid, 0) == 0 || errno == EPERM);
}

int pidfd_open_pid(pid_t pid)
{
	/* A pidfd is always close-on-exec. */
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int proc_open(const struct proc_id *id)
{
	struct proc_id now;
	cleanup_fd int fd = pidfd_open_pid(id->pid);

	if (fd < 0) {
		if (errno == EINVAL)
			errno = ESRCH;
		return -1;
	}
	/* Only after the descriptor is held can the pid not change hands between check and use. */
	if (!DEFENCE("start-time"))
		return steal_fd(&fd);
	if (proc_id_of(id->pid, &now) != 0)
		return -1;
	if (now.start_time == id->start_time)
		return steal_fd(&fd);
	errno = ESRCH;
	return -1;
}

int64_t proc_age(const struct proc_id *id)
{
	int64_t tick = INT64_C(1000000000) / sysconf(_SC_CLK_TCK);

	return id->start_time ? now_boottime() - (int64_t)id->start_time * tick : 0;
}

int pidfd_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

const char *boot_id(void)
{
	/* Per thread, so that the first call needs no lock. */
	static _Thread_local char id[BOOT_ID_SIZE];

	if (!*id && file_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id, sizeof(id)) < 0)
		*id = '\0';
	return id;
}

bool boot_is_now(const char *id)
{
	const char *now = boot_id();

	return !*now || strcmp(id, now) == 0;
}

void obey_quotas(bool on)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &header, caps))
		return;
	if (on)
		caps[0].effective &= ~(1u << CAP_SYS_RESOURCE);
	else
		caps[0].effective |= caps[0].permitted & 1u << CAP_SYS_RESOURCE;
	syscall(SYS_capset, &header, caps);
}
