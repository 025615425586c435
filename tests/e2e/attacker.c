/* attacker WORD …: an attack that a shell can't make, from inside a container. Static, so that it runs in any
 *image.
 *
 *	key NAME	reads a key of the session's keyring
 *	mount-cgroup DIR	mounts each v1 hierarchy and the v2 one there, and lists what would run a
 *program on the host
 *	traced CODE	asks to be traced by its parent, stops itself, and ends with that code when a line
 *comes in
 *	traced-program CODE	asks to be traced by its parent, and becomes a shell that ends with that code
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int key(const char *name)
{
	char text[100] = "";
	long id = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name, 0);

	if (id < 0 || syscall(SYS_keyctl, KEYCTL_READ, id, text, sizeof text - 1, 0) < 0)
		return printf("%s\n", strerrorname_np(errno)) < 0;
	return printf("read: %s\n", text) < 0;
}

static void look(const char *dir, const char *options)
{
	static const char *const doors[] = {"release_agent", "cgroup.subtree_control"};
	char path[200];
	struct stat st;

	if (mount("none", dir, *options ? "cgroup" : "cgroup2", 0, options))
		return;
	/* A v2 tree's root is known by what it lacks. */
	snprintf(path, sizeof path, "%s/%s", dir, *options ? doors[0] : "cgroup.events");
	if (*options ? !stat(path, &st) : stat(path, &st))
		printf("the host's %s\n", *options ? options : "unified tree");
	umount2(dir, MNT_DETACH);
}

static int mount_cgroup(const char *dir)
{
	static const char *const kinds[] = {"cpu", "cpuacct", "cpu,cpuacct", "cpuset", "memory", "devices",
	        "freezer", "blkio", "pids", "rdma", "net_cls", "net_prio", "net_cls,net_prio", "perf_event",
	        "hugetlb", "misc", ""};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		look(dir, kinds[i]);
	return puts("looked") < 0;
}

/* A signal that is ignored anyway stops who is traced. */
static int traced(const char *code)
{
	char line[8];

	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		return puts(strerrorname_np(errno)) < 0;
	raise(SIGURG);
	puts("goes on");
	fflush(stdout);
	return fgets(line, sizeof line, stdin) ? atoi(code) : 1;
}

/* The program that who is traced becomes is stopped by SIGTRAP, which kills who is traced by nobody. */
static int traced_program(const char *code)
{
	char command[32];

	snprintf(command, sizeof command, "exit %d", atoi(code));
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		return puts(strerrorname_np(errno)) < 0;
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "key"))
		return key(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "mount-cgroup"))
		return mount_cgroup(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "traced"))
		return traced(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "traced-program"))
		return traced_program(argv[2]);
	return 2;
}
