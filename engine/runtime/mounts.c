#include "engine/runtime/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/oci/runtime_spec.h"
#include "engine/runtime/cgroup.h"
#include "engine/runtime/chown_tree.h"
#include "engine/runtime/copy_up.h"
#include "engine/runtime/user.h"
#include "engine/runtime/user_namespace.h"

static int open_source(const struct spec_mount *m, struct err *e)
{
	struct mount_options o;
	char *data[MOUNT_DATA_MAX];
	int fd;

	if (mount_options_parse(m->options, &o, data, e))
		return -1;
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (o.recursive ? AT_RECURSIVE : 0);
	if (m->source_fd >= 0)
		fd = fcntl(m->source_fd, F_DUPFD_CLOEXEC, 3);
	else
		fd = open_tree(AT_FDCWD, m->source, flags);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "bind source %s does not exist; make it first", m->source);
	return fd < 0 ? err_sys(e, "cannot bind %s", m->source ? m->source : m->destination) : fd;
}

/* Files keep the ids on disk that they have inside, where that was asked for. What another container shares
 * of itself has its ids already. */
static int idmap_source(const struct spec_mount *m, int fd, int userns_fd, struct err *e)
{
	if ((m->source_fd >= 0 && !m->volume) || !strv_has(m->options, "idmap"))
		return 0;
	return mount_idmap(
	        fd, userns_fd, strv_has(m->options, "rbind"), m->volume ? m->volume : m->source, e);
}

int mount_sources_open(const struct runtime_spec *spec, int userns_fd, int **fds, struct err *e)
{
	int *v = *fds = malloc((spec->n_mounts + 1) * sizeof *v);

	if (!v)
		return err_no_memory(e);
	for (size_t i = 0; i < spec->n_mounts; i++)
		v[i] = -1;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "bind") != 0)
			continue;
		if ((v[i] = open_source(m, e)) < 0 || (userns_fd >= 0 && idmap_source(m, v[i], userns_fd, e)))
			return -1;
	}
	return 0;
}

int mounts_open_joined_proc(const struct runtime_spec *spec, int pid_ns, int *fds, struct err *e)
{
	for (size_t i = 0; pid_ns >= 0 && i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "proc") != 0)
			continue;
		fds[i] = m->source_fd >= 0 ? fcntl(m->source_fd, F_DUPFD_CLOEXEC, 3)
		                           : mount_proc_of(pid_ns, 0, e);
		if (fds[i] < 0)
			return m->source_fd >= 0 ? err_sys(e, "cannot take %s", m->destination) : -1;
	}
	return 0;
}

int mounts_make_views(const struct runtime_spec *spec, const char *type, int *fds, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		struct mount_options o;
		char *data[MOUNT_DATA_MAX];

		if (strcmp(m->type, type) != 0 || fds[i] >= 0)
			continue;
		if (mount_options_parse(m->options, &o, data, e) ||
		        (fds[i] = mount_new(m->type, m->type, o.data, o.n_data, o.set, e)) < 0)
			return err_wrap(e, "mount %s", m->destination);
	}
	return 0;
}

void mount_sources_close(const struct runtime_spec *spec, int **fds)
{
	for (size_t i = 0; *fds && i < spec->n_mounts; i++)
		close_fd(&(*fds)[i]);
	free(*fds);
	*fds = NULL;
}

/* A mount over the root itself would hide what the rest of the set-up works on. */
static int refuse_root(struct container_root *r, int target, const char *path, struct err *e)
{
	struct stat a, b;

	if (fstat(r->fd, &a) || fstat(target, &b))
		return err_sys(e, "cannot look at %s in the container", path);
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return err_set(e, ERR_USAGE, "cannot mount over \"%s\": it is the container's root", path);
	return 0;
}

bool mount_may_cover_proc(const char *destination)
{
	static const char *const fine[] = {"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg",
	        "/proc/meminfo", "/proc/slabinfo", "/proc/stat", "/proc/swaps", "/proc/uptime"};

	for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++)
		if (!strcmp(destination, fine[i]))
			return true;
	return false;
}

/* A link of the image's may lead there what was to be mounted elsewhere (CVE-2019-16884): judged is where the
 * target is, not how it is called. */
static int refuse_kernel_files(int target, const char *path, struct err *e)
{
	struct statfs fs;

	if (!DEFENCE("kernel-files"))
		return 0;
	if (fstatfs(target, &fs))
		return err_sys(e, "cannot look at %s in the container", path);
	if ((fs.f_type == PROC_SUPER_MAGIC && !mount_may_cover_proc(path)) ||
	        (fs.f_type == SYSFS_MAGIC && strncmp(path, "/sys/", 5) != 0))
		return err_set(e, ERR_USAGE,
		        "cannot mount over \"%s\": in the image that leads into the kernel's own files",
		        path);
	return 0;
}

/* After it was filled, and before it may become read-only. */
static int give_to_user(struct container_root *r, const struct runtime_spec *spec, int source, struct err *e)
{
	struct identity who = {0};

	if (user_lookup(r->fd, spec->user ? spec->user : "", spec->groups, &who, e))
		return -1;
	int rc = chown_tree(source, who.uid, who.gid, e);
	free(who.groups);
	return rc;
}

static int make_bind(struct container_root *r, const struct runtime_spec *spec, const struct spec_mount *m,
        const struct mount_options *o, int source, struct err *e)
{
	struct stat st;

	if (fstat(source, &st))
		return err_sys(e, "cannot look at the bind source");
	cleanup_fd int target = S_ISDIR(st.st_mode) ? target_directory(r->fd, m->destination, e)
	                                            : target_file(r->fd, m->destination, e);
	if (target < 0 || refuse_root(r, target, m->destination, e) ||
	        refuse_kernel_files(target, m->destination, e))
		return -1;
	if (S_ISDIR(st.st_mode) && !m->copy_up)
		copy_up_give_up(source);
	else if (S_ISDIR(st.st_mode) && copy_up(target, source, e))
		return -1;
	if (o->chown && give_to_user(r, spec, source, e))
		return -1;
	return mount_attach(r, source, target, o, e);
}

static bool is_kernel_view(const struct spec_mount *m)
{
	const char *d = m->destination;

	if (!strcmp(m->type, "proc") || !strcmp(m->type, "sysfs") || !strcmp(m->type, "cgroup"))
		return true;
	return !strncmp(d, "/dev", 4) && (!d[4] || d[4] == '/');
}

/* Where these stand decides what masking, read-only paths and labels protect; /dev is where nodes are made
 * (CVE-2019-19921, CVE-2023-27561, CVE-2026-41579). */
static int open_target(struct container_root *r, const struct spec_mount *m, struct err *e)
{
	cleanup_fd int fd = is_kernel_view(m) ? target_real_directory(r->fd, m->destination, e)
	                                      : target_directory(r->fd, m->destination, e);

	if (fd < 0 || refuse_root(r, fd, m->destination, e))
		return -1;
	if (!is_kernel_view(m) && refuse_kernel_files(fd, m->destination, e))
		return -1;
	return steal_fd(&fd);
}

/* Data options of file systems that have none of their own would be refused by the kernel; the
 * attributes apply to the mount. */
static int make_fs(struct container_root *r, const struct runtime_spec *spec, const struct spec_mount *m,
        const struct mount_options *o, int made, struct err *e)
{
	cleanup_fd int target = open_target(r, m, e);
	if (target < 0)
		return -1;
	if (!strcmp(m->type, "cgroup"))
		return cgroup_mount_view(target, !(o->set & MOUNT_ATTR_RDONLY), e);
	cleanup_fd int fd = made >= 0 ? fcntl(made, F_DUPFD_CLOEXEC, 3)
	                              : mount_new(m->type, m->source ? m->source : m->type, o->data,
	                                        o->n_data, o->set, e);
	if (fd < 0)
		return made >= 0 ? err_sys(e, "cannot take the mount") : -1;
	struct mount_options after = {.propagation = o->propagation, .recursive = o->recursive};
	if (spec->ns[NS_PID].mode == NS_JOIN && !strcmp(m->type, "proc"))
		after.set = o->set;
	return mount_attach(r, fd, target, &after, e);
}

int mounts_make(struct container_root *r, const struct runtime_spec *spec, const int *source_fds,
        bool *dev_is_ours, struct err *e)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		struct mount_options o;
		char *data[MOUNT_DATA_MAX];
		bool bind = !strcmp(m->type, "bind");

		if (mount_options_parse(m->options, &o, data, e))
			return err_wrap(e, "mount %s", m->destination);
		if (bind ? make_bind(r, spec, m, &o, source_fds[i], e)
		         : make_fs(r, spec, m, &o, source_fds[i], e))
			return err_wrap(e, "mount %s", m->destination);
		if (!strcmp(m->destination, "/dev"))
			*dev_is_ours = !bind;
	}
	return 0;
}
