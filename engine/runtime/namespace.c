#include "engine/runtime/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/sysctl.h"
#include "engine/runtime/mount_tree.h"

static const struct {
	const char *name;
	int flag;
} kinds[NS_KIND_COUNT] = {
        [NS_MOUNT] = {"mnt", CLONE_NEWNS},
        [NS_PID] = {"pid", CLONE_NEWPID},
        [NS_UTS] = {"uts", CLONE_NEWUTS},
        [NS_IPC] = {"ipc", CLONE_NEWIPC},
        [NS_NETWORK] = {"net", CLONE_NEWNET},
        [NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
        [NS_USER] = {"user", CLONE_NEWUSER},
};

int namespace_flag(enum spec_namespace_kind k)
{
	return kinds[k].flag;
}

uint64_t namespace_private_flags(const struct runtime_spec *spec)
{
	uint64_t flags = 0;

	for (int k = 0; k < NS_KIND_COUNT; k++)
		if (spec->ns[k].mode == NS_PRIVATE)
			flags |= (uint64_t)kinds[k].flag;
	if (!DEFENCE("cgroup-namespace"))
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	return flags;
}

int namespace_open_joined(const struct runtime_spec *spec, int fds[NS_KIND_COUNT], struct err *e)
{
	for (int k = 0; k < NS_KIND_COUNT; k++)
		fds[k] = -1;
	for (int k = 0; k < NS_KIND_COUNT; k++) {
		if (spec->ns[k].mode != NS_JOIN)
			continue;
		fds[k] = open(spec->ns[k].path, O_RDONLY | O_CLOEXEC);
		if (fds[k] < 0)
			return err_sys(e, "cannot join the %s namespace %s; is the other container running?",
			        kinds[k].name, spec->ns[k].path);
	}
	return 0;
}

int namespace_join(const int fds[NS_KIND_COUNT], struct err *e)
{
	for (int k = 0; k < NS_KIND_COUNT; k++)
		if (fds[k] >= 0 && setns(fds[k], kinds[k].flag))
			return err_sys(e, "cannot join the other container's %s namespace", kinds[k].name);
	return 0;
}

_Static_assert(NS_KIND_COUNT == 7, "NAMESPACES_INIT has one for each");

int namespace_enter(const int fds[NS_KIND_COUNT], struct namespaces *own, struct err *e)
{
	char path[32];

	for (int k = 0; k < NS_KIND_COUNT; k++) {
		if (fds[k] < 0 || k == NS_PID || k == NS_USER)
			continue;
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[k].name);
		own->fds[k] = open(path, O_RDONLY | O_CLOEXEC);
		if (own->fds[k] < 0 || setns(fds[k], kinds[k].flag))
			return err_sys(e, "cannot join the other container's %s namespace", kinds[k].name);
	}
	return 0;
}

void namespace_restore(struct namespaces *own)
{
	for (int k = 0; k < NS_KIND_COUNT; k++) {
		if (own->fds[k] >= 0)
			setns(own->fds[k], kinds[k].flag);
		close_fd(&own->fds[k]);
	}
}

int namespace_set_names(const struct runtime_spec *spec, struct err *e)
{
	if (spec->ns[NS_UTS].mode != NS_PRIVATE)
		return 0;
	if (spec->hostname && sethostname(spec->hostname, strlen(spec->hostname)))
		return err_sys(e, "cannot set the host name \"%.64s\"", spec->hostname);
	if (spec->domainname && setdomainname(spec->domainname, strlen(spec->domainname)))
		return err_sys(e, "cannot set the domain name \"%.64s\"", spec->domainname);
	return 0;
}

int namespace_loopback_up(const struct runtime_spec *spec, struct err *e)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (spec->ns[NS_NETWORK].mode != NS_PRIVATE)
		return 0;
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req))
		return err_sys(e, "cannot bring up the loopback interface");
	return 0;
}

/* CVE-2025-52881: the write goes to our own procfs, through no link and no mount, and stays beneath the one
 * subtree that is the namespace's. */
static int write_sysctl(int proc_fd, const struct sysctl *s, struct err *e)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	        .resolve = (DEFENCE("own-procfs") ? RESOLVE_NO_XDEV : 0) | RESOLVE_BENEATH |
	                   RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	char dir[32];

	snprintf(dir, sizeof dir, "sys/%s", s->dir);
	cleanup_fd int dir_fd = (int)syscall(SYS_openat2, proc_fd, dir, &how, sizeof how);
	how.flags = O_WRONLY | O_CLOEXEC;
	cleanup_fd int fd = dir_fd < 0 ? -1 : (int)syscall(SYS_openat2, dir_fd, s->path, &how, sizeof how);
	if (fd < 0 || write_all(fd, s->value, strlen(s->value)))
		return err_sys(e, "cannot set sysctl \"%s/%s\" to \"%.100s\"", s->dir, s->path, s->value);
	return 0;
}

int namespace_set_sysctls(struct container_root *r, const struct runtime_spec *spec, struct err *e)
{
	struct sysctl one;

	if (!spec->sysctl || !*spec->sysctl)
		return 0;
	if (container_proc(r, e))
		return -1;
	strv_foreach (s, spec->sysctl)
		if (sysctl_parse(*s, spec->ns, &one, e) || write_sysctl(r->proc_fd, &one, e))
			return -1;
	return 0;
}

void namespace_new_keyring(void)
{
	if (!DEFENCE("keyring"))
		return;
	/* Without keys in the kernel, or past the quota, there is nothing to hide or to hide it in. */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}
