/* Programs of arm64 are executed by another emulator; and a spawn that fails says so, which it cannot by
 * itself where vfork is fork. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/arm64/emulated.h"

#define ARGS_MOST 1024

int __wrap_execve(const char *path, char *const argv[], char *const env[]);
int __wrap_execv(const char *path, char *const argv[]);
int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *attr, char *const argv[], char *const env[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *attr, char *const argv[], char *const env[]);

struct emulator {
	const char *path;
	char *argv[ARGS_MOST];
};

static bool is_arm64(int fd)
{
	Elf64_Ehdr h;

	return pread(fd, &h, sizeof h, 0) == sizeof h && memcmp(h.e_ident, ELFMAG, SELFMAG) == 0 &&
	       h.e_machine == EM_AARCH64;
}

/* How PATH is to be executed; false: as it is. */
static bool emulator_for(struct emulator *m, const char *path, char *const argv[])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	bool arm64 = fd >= 0 && is_arm64(fd);

	if (fd >= 0)
		close(fd);
	if (!arm64 || access(path, X_OK) < 0)
		return false;
	m->path = getenv("TARE_EMULATOR");
	if (!m->path)
		m->path = "/usr/bin/qemu-aarch64-static";
	const char *way[] = {m->path, "-0", argv[0] ? argv[0] : path, path};
	for (size_t i = 0; i < sizeof way / sizeof *way; i++)
		m->argv[n++] = (char *)(uintptr_t)way[i];
	for (size_t i = 1; argv[0] && argv[i] && n + 1 < ARGS_MOST; i++)
		m->argv[n++] = argv[i];
	m->argv[n] = NULL;
	return true;
}

static int emulator = -1;

/* From a container's root it is not to be found any more. */
__attribute__((constructor)) static void open_emulator(void)
{
	const char *path = getenv("TARE_EMULATOR");

	emulator = open(path ? path : "/usr/bin/qemu-aarch64-static", O_PATH | O_CLOEXEC);
	emulator = emulator < 0 ? -1 : fcntl(emulator, F_DUPFD_CLOEXEC, FD_HIGH);
}

static int emulate(const struct emulator *m, char *const env[])
{
	char link[32];

	__real_execve(m->path, m->argv, env);
	snprintf(link, sizeof link, "/proc/self/fd/%d", emulator);
	return __real_execve(link, m->argv, env);
}

int __wrap_execve(const char *path, char *const argv[], char *const env[])
{
	struct emulator m;

	return emulator_for(&m, path, argv) ? emulate(&m, env) : __real_execve(path, argv, env);
}

int __wrap_execv(const char *path, char *const argv[])
{
	return __wrap_execve(path, argv, environ);
}

long execveat_emulated(const long a[6])
{
	const char *path = (const char *)a[1];
	char link[32];
	struct emulator m;
	char *const *argv = (char *const *)a[2];

	snprintf(link, sizeof link, "/proc/self/fd/%d", (int)a[0]);
	if (*path || !emulator_for(&m, link, argv))
		return __real_syscall(SYS_execveat, a[0], a[1], a[2], a[3], a[4]);
	/* the emulator opens it after the exec */
	fcntl((int)a[0], F_SETFD, 0);
	return emulate(&m, (char *const *)a[3]);
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
	struct emulator m;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode) || access(path, X_OK) < 0)
		return EACCES;
	return emulator_for(&m, path, argv) ? __real_posix_spawn(pid, m.path, actions, attr, m.argv, env)
	                                    : __real_posix_spawn(pid, path, actions, attr, argv, env);
}
