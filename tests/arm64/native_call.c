/* A system call of this machine, made by a child that is a program of this machine: in our namespaces, with
 * our descriptors and rights. What comes of it is a descriptor, or nothing but success. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/arm64/emulated.h"

#define PROC_FD  "/proc/self/fd/"
#define ARG_ROOM 4200
#define FD_HERE  3 /* in the child: where the answer goes */

int __wrap_open_tree(int dir, const char *path, unsigned flags);
int __wrap_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);
int __wrap_mount_setattr(int dir, const char *path, unsigned flags, struct mount_attr *attr, size_t size);
int __wrap_fsopen(const char *name, unsigned flags);
int __wrap_fsconfig(int fs, unsigned command, const char *key, const void *value, int aux);
int __wrap_fsmount(int fs, unsigned flags, unsigned attributes);
int __wrap_fspick(int dir, const char *path, unsigned flags);

static int program = -1;

/* From a container's root it is not to be found any more. */
__attribute__((constructor)) static void open_native(void)
{
	const char *path = getenv("TARE_NATIVE");

	program = path ? open(path, O_PATH | O_CLOEXEC) : -1;
	program = program < 0 ? -1 : fcntl(program, F_DUPFD_CLOEXEC, FD_HIGH);
}

/* How the arguments are told: i number, d descriptor, s string, b bytes with their size next. */
static const struct known {
	long number;
	const char *name, *arguments;
} knowns[] = {
        {SYS_socket, "socket", "iii"},
        {SYS_open_tree, "open_tree", "dsi"},
        {SYS_move_mount, "move_mount", "dsdsi"},
        {SYS_fsopen, "fsopen", "si"},
        {SYS_fsconfig, "fsconfig", "divvi"},
        {SYS_fsmount, "fsmount", "dii"},
        {SYS_fspick, "fspick", "dsi"},
        {SYS_mount_setattr, "mount_setattr", "dsibi"},
};

static const struct known *find(long number)
{
	for (size_t i = 0; i < sizeof knowns / sizeof *knowns; i++)
		if (knowns[i].number == number)
			return &knowns[i];
	return NULL;
}

static void tell(char dst[ARG_ROOM], char kind, long value, long size)
{
	if (kind == 'd' && (int)value > 2)
		fcntl((int)value, F_SETFD, 0);
	if (kind == 's' || kind == 'v') /* v: or none */
		snprintf(dst, ARG_ROOM, value ? "s%s" : "i0", (const char *)value);
	else if (kind == 'b') {
		int n = snprintf(dst, ARG_ROOM, "b");
		for (long i = 0; i < size; i++)
			n += snprintf(
			        dst + n, ARG_ROOM - (size_t)n, "%02x", ((const unsigned char *)value)[i]);
	} else
		snprintf(dst, ARG_ROOM, "i%d", (int)value);
}

static _Noreturn void child(const struct known *k, const long a[6], int answer)
{
	static char text[6][ARG_ROOM];
	char *argv[9] = {"native", (char *)(uintptr_t)k->name};
	char number[32];
	int n = 2;

	snprintf(number, sizeof number, "%d", fcntl(answer, F_DUPFD, FD_HERE));
	setenv("TARE_ANSWER", number, 1);
	for (size_t i = 0; k->arguments[i]; i++) {
		tell(text[i], k->arguments[i], a[i], i < 5 ? a[i + 1] : 0);
		argv[n++] = text[i];
	}
	if (getenv("TARE_NATIVE"))
		__real_execve(getenv("TARE_NATIVE"), argv, environ);
	snprintf(number, sizeof number, PROC_FD "%d", program);
	__real_execve(number, argv, environ);
	_exit(127);
}

/* 0 or an error number, and a descriptor if there is one. */
static int receive(int from, int *error)
{
	struct iovec io = {error, sizeof *error};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {
	        .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	int fd = 0;

	*error = ENOSYS;
	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != sizeof *error)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

long native_call(long number, const long a[6])
{
	const struct known *k = find(number);
	int pair[2], error = EAGAIN;

	if (!k)
		return errno = ENOSYS, -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		child(k, a, pair[1]);
	close(pair[1]);
	int fd = pid < 0 ? -1 : receive(pair[0], &error);
	close(pair[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return error ? (errno = error, -1) : fd;
}

int native_socket(int domain, int type, int protocol)
{
	int fd = (int)native_call(SYS_socket, (long[6]){domain, type & ~SOCK_CLOEXEC, protocol});

	if (fd >= 0 && !(type & SOCK_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	return fd;
}

/* A netlink socket of the emulator's own would translate each message, and refuse those that it doesn't know.
 * In the place of the C library's for shared libraries too. */
int socket(int domain, int type, int protocol)
{
	return domain == AF_NETLINK ? native_socket(domain, type, protocol)
	                            : (int)__real_syscall(SYS_socket, domain, type, protocol);
}

int __wrap_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)native_call(SYS_open_tree, (long[6]){dir, (long)path, (long)flags});
}

int __wrap_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return (int)native_call(
	        SYS_move_mount, (long[6]){from, (long)from_path, to, (long)to_path, (long)flags});
}

int __wrap_mount_setattr(int dir, const char *path, unsigned flags, struct mount_attr *attr, size_t size)
{
	return (int)native_call(
	        SYS_mount_setattr, (long[6]){dir, (long)path, (long)flags, (long)attr, (long)size});
}

int __wrap_fsopen(const char *name, unsigned flags)
{
	return (int)native_call(SYS_fsopen, (long[6]){(long)name, (long)flags});
}

int __wrap_fsconfig(int fs, unsigned command, const char *key, const void *value, int aux)
{
	if (command == FSCONFIG_SET_FD)
		fcntl(aux, F_SETFD, 0);
	return (int)native_call(SYS_fsconfig, (long[6]){fs, (long)command, (long)key, (long)value, aux});
}

int __wrap_fsmount(int fs, unsigned flags, unsigned attributes)
{
	return (int)native_call(SYS_fsmount, (long[6]){fs, (long)flags, (long)attributes});
}

int __wrap_fspick(int dir, const char *path, unsigned flags)
{
	return (int)native_call(SYS_fspick, (long[6]){dir, (long)path, (long)flags});
}
