#include "engine/store/rootless_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "base/rootless.h"
#include "engine/store/store.h"
#include "engine/store/rootless_namespace.h"

#define HOLDER             "user-namespace"
#define HOLDER_LOCK        "user-namespace.lock"
#define HOLDER_PATIENCE_MS 2000

/* ------------------------------------------------------------------ where the user's store is */

/* The class of CVE-2020-15257's planted directories, for XDG_RUNTIME_DIR: whoever sets the variable (su, a
 * service, a left over session) must not make us trust, or fill, another user's directory. Proved by
 * tests/e2e/rootless.bats. */
int runtime_dir_check(const char *path, uid_t uid, struct err *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return err_sys(e, "cannot use XDG_RUNTIME_DIR %s", path);
	if (!DEFENCE("runtime-dir"))
		return 0;
	if (!S_ISDIR(st.st_mode) || st.st_uid != uid)
		return err_set(e, ERR_PERMISSION,
		        "XDG_RUNTIME_DIR %s belongs to user %u, not to you (user %u); log in as yourself, or "
		        "set it to a directory of yours",
		        path, (unsigned)st.st_uid, (unsigned)uid);
	if (st.st_mode & 077)
		return err_set(e, ERR_PERMISSION, "XDG_RUNTIME_DIR %s is open to others; do: chmod 700 %s",
		        path, path);
	return 0;
}

static char *data_dir(struct err *e)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (data && data[0] == '/')
		path = str_printf("%s/tare", data);
	else if (home && home[0] == '/')
		path = str_printf("%s/.local/share/tare", home);
	else
		return err_set_null(e, ERR_USAGE,
		        "neither XDG_DATA_HOME nor HOME says where your containers are; set one, or give "
		        "--root DIR");
	return path ? path : (err_no_memory(e), NULL);
}

static char *runtime_dir(struct err *e)
{
	const char *given = getenv("XDG_RUNTIME_DIR");
	char usual[64];

	if (!given || given[0] != '/') {
		snprintf(usual, sizeof usual, "/run/user/%u", (unsigned)rootless_user());
		if (access(usual, F_OK) != 0)
			return err_set_null(e, ERR_USAGE,
			        "XDG_RUNTIME_DIR is not set, and there is no %s; log in anew, set it to a "
			        "directory of yours with mode 700, or give --state DIR",
			        usual);
		given = usual;
	}
	if (runtime_dir_check(given, geteuid(), e) != 0)
		return NULL;
	char *path = str_printf("%s/tare", given);
	return path ? path : (err_no_memory(e), NULL);
}

int rootless_paths(const char *root, const char *state, char **root_out, char **state_out, struct err *e)
{
	bool user = geteuid() != 0 || ((!root || !state) && rootless());

	*root_out = *state_out = NULL;
	if (root || !user)
		*root_out = strdup(root ? root : STORE_ROOT_DEFAULT);
	else if (!(*root_out = data_dir(e)))
		return -1;
	if (state || !user)
		*state_out = strdup(state ? state : STORE_STATE_DEFAULT);
	else if (!(*state_out = runtime_dir(e)))
		return -1;
	return *root_out && *state_out ? 0 : err_no_memory(e);
}

/* ------------------------------------------------------------------ who is there */

struct holder {
	struct proc_id id;
	ino_t inode; /* of the namespace: others may live there when this one is gone */
};

static int holder_read(int dir, struct holder *h)
{
	char text[192], boot[64] = "";
	long pid;
	unsigned long inode;
	unsigned long long start;

	if (file_read_small(dir, HOLDER, text, sizeof text) < 0 ||
	        sscanf(text, "%ld %llu %lu %63s", &pid, &start, &inode, boot) != 4 ||
	        strcmp(boot, boot_id()) != 0)
		return -1;
	*h = (struct holder){{(pid_t)pid, start}, (ino_t)inode};
	return 0;
}

static int holder_write(int dir, pid_t pid, int ns, struct err *e)
{
	struct proc_id id;
	struct stat st;
	char text[192];

	if (proc_id_of(pid, &id) != 0 || fstat(ns, &st) != 0)
		return err_sys(e, "cannot look at process %d", (int)pid);
	int n = snprintf(text, sizeof text, "%ld %llu %lu %s\n", (long)id.pid,
	        (unsigned long long)id.start_time, (unsigned long)st.st_ino, boot_id());
	return file_write_at(dir, HOLDER, text, (size_t)n, 0600, FILE_NO_SYNC, e);
}

/* The namespace of the one that is on record; -1 when it is gone. One that keeps others out for a moment (a
 * process that is being born does) is waited for: beside it a second namespace would be made. */
static int holder_namespace(const struct holder *h)
{
	int fd = -1;

	for (int ms = 0; fd < 0 && proc_alive(&h->id) && ms < HOLDER_PATIENCE_MS; ms++) {
		fd = user_namespace_of(h->id.pid);
		if (fd < 0)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	if (fd >= 0 && !proc_alive(&h->id))
		close_fd(&fd);
	return fd;
}

/* A namespace to join: that of the holder, else of anyone who lives in it still (monitors do), else a new
 * one. Under the lock: two that come first at the same time meet as well. */
static int find_namespace(int dir, struct user_namespace_birth *birth, struct err *e)
{
	struct holder h;
	bool known = holder_read(dir, &h) == 0;
	pid_t pid = -1;
	int fd = known ? holder_namespace(&h) : -1;

	if (fd >= 0)
		return fd;
	fd = known ? user_namespace_search(h.inode, &pid) : -1;
	if (fd < 0)
		return user_namespace_create(birth, &pid, e);
	/* it may have been at its end, but we are there now */
	if (holder_write(dir, pid, fd, NULL) != 0 && holder_write(dir, getpid(), fd, e) != 0)
		close_fd(&fd);
	return fd;
}

/* ------------------------------------------------------------------ becoming root */

/* Our program lies on a mount of the namespace that we leave. When we were the last one there (unshare -m, a
 * service with mounts of its own), its mounts would fall apart, and /proc/self/exe would no longer say where
 * we and our helpers are. So it is held, for as long as this program runs. */
static int hold_old_mounts(void)
{
	return open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
}

/* The mounts are the user's own from here on: theirs still come in, ours never go out. The working directory
 * is the same one in the new mounts. */
static int own_mounts(struct err *e)
{
	cleanup_free char *cwd = getcwd(NULL, 0);

	if (hold_old_mounts() < 0)
		return err_sys(e, "cannot open /proc/self/ns/mnt; is /proc mounted?");
	if (unshare(CLONE_NEWNS) != 0)
		return err_sys(e, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return err_sys(e, "cannot part the mounts from the host's");
	if (cwd && cwd[0] == '/' && chdir(cwd) != 0)
		log_line(LOG_LEVEL_DEBUG, "the working directory %s is out of reach", cwd);
	return 0;
}

static int enter(int dir, struct err *e)
{
	struct user_namespace_birth birth = USER_NAMESPACE_BIRTH_INIT;
	cleanup_fd int lock = lock_take(dir, HOLDER_LOCK, LOCK_EXCLUSIVE, e);
	cleanup_fd int ns = lock < 0 ? -1 : find_namespace(dir, &birth, e);
	int rc = -1;

	if (ns >= 0)
		rc = setns(ns, CLONE_NEWUSER) != 0 ? err_sys(e, "cannot enter your user namespace") : 0;
	if (rc == 0 && birth.made)
		rc = holder_write(dir, getpid(), ns, e);
	user_namespace_birth_end(&birth);
	return rc != 0 ? -1 : own_mounts(e);
}

/* One's own directory, checked before anything in it is believed. */
static int open_state_dir(const char *state, struct err *e)
{
	struct stat st;

	if (mkdir_all(state, 0700) != 0)
		return err_sys(e, "cannot make %s", state);
	cleanup_fd int fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, "cannot open %s", state);
	if (DEFENCE("runtime-dir") && (st.st_uid != geteuid() || st.st_mode & 022))
		return err_set(e, ERR_PERMISSION,
		        "%s must belong to you (user %u), and nobody else may write to it; give another "
		        "--state DIR",
		        state, (unsigned)geteuid());
	return steal_fd(&fd);
}

int rootless_enter(const char *root, const char *state, char **root_out, char **state_out, struct err *e)
{
	if (rootless_paths(root, state, root_out, state_out, e) != 0)
		return -1;
	if (geteuid() == 0)
		return 0;
	cleanup_fd int dir = open_state_dir(*state_out, e);
	return dir < 0 ? -1 : enter(dir, e);
}
