#include "engine/container_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/file_kinds.h"

#define CHILD_STACK (64 << 10)

/* ------------------------------------------------------------------ one that runs */

const struct id_maps *container_tree_ids(const struct container_tree *t)
{
	return t->ids.uid.n ? &t->ids : NULL;
}

static int has_ended(const struct container_tree *t, struct err *e)
{
	return err_set(e, ERR_CONFLICT, "container %s has just ended; try again", t->name);
}

/* A pid is another process's as soon as the container has ended: what was opened by it is only believed when
 * the process that the pidfd means is still there afterwards. */
static int open_running(struct container_tree *t, struct err *e)
{
	char path[40];
	const struct proc_id *p = &t->container.state.process;

	if (container_id_maps(&t->container, &t->ids, e) != 0)
		return -1;
	t->pidfd = proc_open(p);
	if (t->pidfd < 0)
		return has_ended(t, e);
	snprintf(path, sizeof path, "/proc/%d/root", (int)p->pid);
	t->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	t->one_fs = files_are_served(p->pid);
	if (t->root < 0 || !proc_alive(p))
		return has_ended(t, e);
	return 0;
}

struct bare {
	int pidfd, fd, sys;
};

/* Only a member of a mount namespace may copy a mount of it. This child shares our memory and descriptors,
 * does these two calls there, and is gone. */
static int bare_child(void *arg)
{
	struct bare *b = arg;

	b->fd = setns(b->pidfd, CLONE_NEWNS) != 0
	                ? -1
	                : open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	b->sys = errno;
	return 0;
}

/* The overlay alone: a copy of its mount that has no others in it. */
static int open_running_bare(struct container_tree *t, struct err *e)
{
	struct bare b = {.fd = -1};
	char *stack = malloc(CHILD_STACK);
	pid_t pid = -1;

	if (container_id_maps(&t->container, &t->ids, e) != 0) {
		free(stack);
		return -1;
	}
	t->pidfd = b.pidfd = proc_open(&t->container.state.process);
	if (t->pidfd < 0) {
		free(stack);
		return has_ended(t, e);
	}
	if (stack)
		pid = clone(
		        bare_child, stack + CHILD_STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, &b);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(stack);
	t->root = b.fd;
	errno = b.sys;
	if (t->root >= 0)
		return 0;
	return proc_alive(&t->container.state.process)
	               ? err_sys(e, "cannot look into the mounts of container %s", t->name)
	               : has_ended(t, e);
}

/* ------------------------------------------------------------------ which */

static void let_go(struct container_tree *t)
{
	container_close(&t->container);
	store_close(&t->store);
	free_ptr(&t->name);
	t->container = (struct container)CONTAINER_INIT;
}

static int find(struct container_tree *t, const char *root, const char *state, const char *ref, struct err *e)
{
	if (store_open(&t->store, root, state, e) != 0 ||
	        container_open(&t->store, ref, &t->container, e) != 0)
		return -1;
	t->name = strdup(t->container.record.name);
	return t->name ? 0 : err_no_memory(e);
}

/* What is mounted on the host meanwhile is seen here, too, and what we mount is seen nowhere else, though a
 * bind of the container's may be shared with the host; the kernel takes it away with the process.
 * tests/e2e/cp.bats looks at the host's mounts during a copy, and after SIGKILL. */
static int take_namespace(struct err *e)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return err_sys(e, "cannot make a mount namespace");
	return 0;
}

/* Found again from within the namespace, since an overlay is made of directories of its own one only. */
/* What is made on a mount that maps ids must belong to somebody there: new files get our file system ids,
 * which become the container's root's. The capabilities, which the kernel would take away with root's, stay.
 */
static int become_owner(struct container_tree *t, struct err *e)
{
	uint32_t uid, gid;

	if (container_id_maps(&t->container, &t->ids, e) != 0)
		return -1;
	if (!t->ids.uid.n || !id_map_out(&t->ids.uid, 0, &uid) || !id_map_out(&t->ids.gid, 0, &gid))
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0)
		return err_sys(e, "cannot write for the container's users");
	setfsgid(gid);
	setfsuid(uid);
	return 0;
}

static int open_stopped(struct container_tree *t, const char *root, const char *state, const char *ref,
        bool write, struct err *e)
{
	let_go(t);
	if (take_namespace(e) != 0 || find(t, root, state, ref, e) != 0)
		return -1;
	if (write && container_lock(&t->store, &t->container, e) != 0)
		return -1;
	if (container_is_up(&t->container)) { /* somebody has just started it */
		container_unlock(&t->container);
		return open_running(t, e) != 0 || (write && become_owner(t, e) != 0) ? -1 : 0;
	}
	if (write && become_owner(t, e) != 0)
		return -1;
	return container_tree_attach(t, write, e);
}

int container_tree_open(struct container_tree *t, const char *root, const char *state, const char *ref,
        enum container_tree_use use, struct err *e)
{
	if (find(t, root, state, ref, e) != 0)
		return -1;
	bool up = container_is_up(&t->container), bare = use == CONTAINER_TREE_BARE;
	if (up && (bare ? open_running_bare(t, e) : open_running(t, e)) != 0)
		return -1;
	if (up)
		return use == CONTAINER_TREE_WRITE ? become_owner(t, e) : 0;
	if (!bare)
		return open_stopped(t, root, state, ref, use == CONTAINER_TREE_WRITE, e);
	t->root = container_root(&t->store, &t->container, e);
	return t->root < 0 ? -1 : 0;
}

int container_tree_open_volume(
        struct container_tree *t, const char *root, const char *state, const char *name, struct err *e)
{
	if (store_open(&t->store, root, state, e) != 0 || (t->hold = volume_hold(&t->store, name, e)) < 0)
		return -1;
	t->name = strdup(name);
	if (!t->name)
		return err_no_memory(e);
	t->root = volume_open_data(&t->store, name, e);
	return t->root < 0 ? -1 : 0;
}

void container_tree_close(struct container_tree *t)
{
	for (size_t i = 0; i < t->n_absent; i++)
		free(t->absent[i].destination);
	free(t->absent);
	close_fd(&t->root);
	close_fd(&t->pidfd);
	if (t->userns > 0)
		close_fd(&t->userns);
	if (t->ids.uid.n) {
		setfsuid(geteuid());
		setfsgid(getegid());
	}
	volume_locks_close(&t->volumes);
	if (t->hold >= 0) {
		close_fd(&t->hold);
		volume_settle(&t->store, t->name);
	}
	let_go(t);
	*t = (struct container_tree)CONTAINER_TREE_INIT;
}

/* ------------------------------------------------------------------ looking into it */

int container_tree_path(const struct container_tree *t, const char *path, int flags)
{
	return t->one_fs ? open_in_root_fs(t->root, path, flags) : open_in_root(t->root, path, flags, 0);
}

int container_tree_check(const struct container_tree *t, struct err *e)
{
	struct pollfd p = {.fd = t->pidfd, .events = POLLIN};

	if (t->pidfd < 0 || poll(&p, 1, 0) <= 0)
		return 0;
	return err_set(
	        e, ERR_CONFLICT, "container %s ended meanwhile; what was copied so far is not all", t->name);
}

static int refuse_read_only(const struct container_tree *t, dev_t dev, const char *path, struct err *e)
{
	struct stat root;

	if (fstat(t->root, &root) == 0 && root.st_dev == dev && t->hold < 0)
		return err_set(e, ERR_CONFLICT,
		        "the root of container %s is read-only; copy into a volume or tmpfs of it", t->name);
	return err_set(e, ERR_CONFLICT, "%s is mounted read-only in %s", path, t->name);
}

static int tell_absent(
        const struct container_tree *t, const struct absent_mount *m, const char *shown, struct err *e)
{
	return err_set(e, ERR_CONFLICT,
	        "%s: what is mounted at %s is only there while container %s runs; start it first", shown,
	        m->destination, t->name);
}

int container_tree_refuse_absent(
        const struct container_tree *t, const char *path, const char *shown, struct err *e)
{
	path += strspn(path, "/");
	for (size_t i = 0; i < t->n_absent; i++) {
		const char *d = t->absent[i].destination + 1;
		size_t len = strlen(d);
		if (strncmp(path, d, len) == 0 && (path[len] == '/' || !path[len]))
			return tell_absent(t, &t->absent[i], shown, e);
	}
	return 0;
}

int container_tree_judge(const struct container_tree *t, int fd, const char *path, bool write, struct err *e)
{
	struct stat st;
	struct statvfs fs;

	if (files_are_kernels(fd))
		return err_set(e, ERR_USAGE,
		        "%s belongs to the kernel, which makes it up as it is read; use: tare exec", path);
	if (fstat(fd, &st) != 0 || fstatvfs(fd, &fs) != 0)
		return err_sys(e, "cannot look at %s", path);
	for (size_t i = 0; i < t->n_absent; i++)
		if (t->absent[i].dev == st.st_dev)
			return tell_absent(t, &t->absent[i], path, e);
	return write && fs.f_flag & ST_RDONLY ? refuse_read_only(t, st.st_dev, path, e) : 0;
}
