/* The processes inside a cgroup and their end: who they are, freezing, killing, and taking the cgroup
 * away. Every wait has a bound, every failed freeze is thawed. */
#include "engine/runtime/cgroup_driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define FREEZE_TIMEOUT_MS  5000
#define KILL_ROUNDS        100
#define DESTROY_TIMEOUT_MS 5000
/* How deep a container may nest cgroups for us to find them: one descriptor per level. */
#define DEPTH_MAX 128

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ------------------------------------------------------------------ processes */

struct pid_list {
	pid_t *pids;
	int n, cap;
};

static int list_add(struct pid_list *l, pid_t pid)
{
	if (l->n == l->cap) {
		int cap = l->cap ? 2 * l->cap : 32;
		pid_t *p = reallocarray(l->pids, (size_t)cap, sizeof(*p));
		if (!p)
			return -1;
		l->pids = p;
		l->cap = cap;
	}
	l->pids[l->n++] = pid;
	return 0;
}

static int list_parse(struct pid_list *l, const char *text)
{
	char *end;
	for (;; text = end) {
		long v = strtol(text, &end, 10);
		if (end == text)
			return 0;
		/* 0: a process of a pid namespace that we do not see; killing 0 would be our own group. */
		if (v > 0 && list_add(l, (pid_t)v) < 0)
			return -1;
	}
}

/* An open directory stream of a subdirectory, or NULL. */
static DIR *open_sub(int fd, const char *name)
{
	cleanup_fd int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = sub < 0 ? NULL : fdopendir(sub);
	if (d)
		steal_fd(&sub);
	return d;
}

static bool is_sub(const struct dirent *de)
{
	return de->d_type == DT_DIR && strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
}

static int collect(struct pid_list *l, DIR *d, int depth)
{
	cleanup_fd int procs = openat(dirfd(d), "cgroup.procs", O_RDONLY | O_CLOEXEC);
	cleanup_buf struct buf b = BUF_INIT;
	/* A threaded v2 cgroup answers EOPNOTSUPP: its processes are listed by the domain above it. One that
	 * vanished meanwhile holds none. */
	if (procs >= 0 && !read_to_buf(procs, &b) && list_parse(l, buf_str(&b)) < 0)
		return -1;
	struct dirent *de;
	while (depth < DEPTH_MAX && (de = readdir(d))) {
		if (!is_sub(de))
			continue;
		cleanup_dir DIR *sub = open_sub(dirfd(d), de->d_name);
		if (sub && collect(l, sub, depth + 1) < 0)
			return -1;
	}
	return 0;
}

int cgroup_pids_in(int fd, pid_t **pids)
{
	*pids = NULL;
	struct pid_list l = {0};
	cleanup_dir DIR *d = open_sub(fd, ".");
	if (!d)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	if (collect(&l, d, 0) < 0) {
		free(l.pids);
		return -1;
	}
	*pids = l.pids;
	return l.n;
}

/* The hierarchy that is asked who is inside: v2 if there is one, else the freezer's, because what can be
 * frozen can be killed, else any. */
static int population_fd(const struct cgroup *g)
{
	static const enum cgroup_controller order[] = {
	        CG_UNIFIED, CG_FREEZER, CG_PIDS, CG_MEMORY, CG_CPU, CG_DEVICES, CG_SYSTEMD};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (cgroup_fd(g, order[i]) >= 0)
			return cgroup_fd(g, order[i]);
	return -1;
}

int cgroup_pids(const struct cgroup *g, pid_t **pids, struct err *e)
{
	if (population_fd(g) < 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "this container has no cgroup that would tell its processes");
	int n = cgroup_pids_in(population_fd(g), pids);
	return n < 0 ? err_sys(e, "cannot list the processes in cgroup %s", g->path) : n;
}

/* ------------------------------------------------------------------ freezing */

/* The v2 tree's freezer also on hybrid hosts: it tells when it holds, and what it holds can be killed. */
static int freeze(const struct cgroup *g, bool frozen, int timeout_ms)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	if (fd >= 0)
		return cgroup_v2_freeze(fd, frozen, timeout_ms);
	fd = cgroup_fd(g, CG_FREEZER);
	if (fd >= 0)
		return cgroup_v1_freeze(fd, frozen, timeout_ms);
	errno = EOPNOTSUPP;
	return -1;
}

static void thaw_quietly(const struct cgroup *g)
{
	int saved = errno;
	int v2 = cgroup_fd(g, CG_UNIFIED), v1 = g->layout->mode == CGROUP_V2 ? -1 : cgroup_fd(g, CG_FREEZER);
	if (v2 >= 0)
		file_poke(v2, "cgroup.freeze", "0");
	if (v1 >= 0)
		file_poke(v1, "freezer.state", "THAWED");
	errno = saved;
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e)
{
	if (!freeze(g, frozen, FREEZE_TIMEOUT_MS))
		return 0;
	if (errno == EOPNOTSUPP && g->layout->rootless)
		return err_set(e, ERR_UNSUPPORTED,
		        "cannot pause: that needs a cgroup that is yours, and this container has none");
	if (errno == EOPNOTSUPP)
		return err_set(e, ERR_UNSUPPORTED,
		        "cannot pause: the cgroup controller \"freezer\" is missing (neither a v1 hierarchy "
		        "with it "
		        "nor a v2 tree is mounted)");
	if (frozen)
		thaw_quietly(g);
	if (errno == ETIMEDOUT)
		return err_set(e, ERR_OTHER,
		        "cannot %s cgroup %s: a process in it did not stop within %d seconds",
		        frozen ? "freeze" : "thaw", g->path, FREEZE_TIMEOUT_MS / 1000);
	return err_sys(e, "cannot %s cgroup %s", frozen ? "freeze" : "thaw", g->path);
}

bool cgroup_is_frozen(const struct cgroup *g)
{
	char text[256];
	int fd = cgroup_fd(g, CG_UNIFIED);
	if (fd >= 0)
		return file_read_small(fd, "cgroup.events", text, sizeof(text)) > 0 &&
		       cgroup_keyed(text, "frozen") == 1;
	fd = cgroup_fd(g, CG_FREEZER);
	return fd >= 0 && file_read_small(fd, "freezer.state", text, sizeof(text)) > 0 &&
	       !strcmp(text, "FROZEN");
}

/* ------------------------------------------------------------------ killing */

/* SIGKILL to everything listed in one hierarchy; how many there were, -1 on error. */
static int kill_listed(int fd)
{
	pid_t *pids;
	int n = cgroup_pids_in(fd, &pids);
	for (int i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	free(pids);
	return n;
}

/* Without cgroup.kill: frozen, nothing can fork while its siblings are being killed, and no pid of the
 * list can end and be used again. A fork bomb that will not freeze is worn down by repetition. */
static int kill_in_rounds(const struct cgroup *g, struct err *e)
{
	int fd = population_fd(g);
	for (int round = 0; round < KILL_ROUNDS; round++) {
		freeze(g, true, 200);
		int n = kill_listed(fd);
		thaw_quietly(g);
		if (n < 0)
			return err_sys(e, "cannot kill the processes in cgroup %s", g->path);
		if (!n)
			return 0;
		sleep_ms(round < 10 ? 1 : 20);
	}
	return err_set(e, ERR_OTHER, "cgroup %s still holds processes after SIGKILL", g->path);
}

int cgroup_kill(const struct cgroup *g, struct err *e)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	if (population_fd(g) < 0)
		return err_set(e, ERR_UNSUPPORTED, "there is no cgroup to kill");
	if (fd < 0 || file_poke(fd, "cgroup.kill", "1") < 0) /* older than 5.14, or a threaded cgroup */
		return kill_in_rounds(g, e);
	/* What the v1 freezer holds does not die before it is thawed. */
	if (g->layout->mode == CGROUP_HYBRID && cgroup_fd(g, CG_FREEZER) >= 0)
		file_poke(cgroup_fd(g, CG_FREEZER), "freezer.state", "THAWED");
	return 0;
}

/* ------------------------------------------------------------------ taking away */

/* rmdir with descendants first. Only directories are looked at: the files of a cgroup go with it. */
static int remove_cgroup(int parent, const char *name, int depth)
{
	if (!unlinkat(parent, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno != EBUSY || depth >= DEPTH_MAX)
		return -1;
	cleanup_dir DIR *d = open_sub(parent, name);
	struct dirent *de;
	bool any = false;
	while (d && (de = readdir(d)))
		if (is_sub(de)) {
			any = true;
			if (remove_cgroup(dirfd(d), de->d_name, depth + 1) < 0)
				return -1;
		}
	if (!any) {
		errno = EBUSY;
		return -1;
	}
	return !unlinkat(parent, name, AT_REMOVEDIR) || errno == ENOENT ? 0 : -1;
}

int cgroup_remove_tree(const char *dir)
{
	return remove_cgroup(AT_FDCWD, dir, 0);
}

static void dir_of(const struct cgroup_hierarchy *h, const char *path, char dst[CGROUP_DIR_MAX])
{
	snprintf(dst, CGROUP_DIR_MAX, "%.*s/%.*s", CGROUP_MOUNT_MAX - 1, h->mount, CGROUP_PATH_MAX - 1, path);
}

/* One hierarchy, after cgroup_kill: dying processes are waited for, and those that are only in this
 * hierarchy (they were moved by somebody) are killed one by one. What may be waited is shared by all. */
static int remove_patiently(const struct cgroup *g, int i, int *left_ms)
{
	char dir[CGROUP_DIR_MAX];
	dir_of(&g->layout->h[i], g->path, dir);
	for (int ms = 1; cgroup_remove_tree(dir) < 0; ms = ms < 20 ? 2 * ms : 20) {
		if (errno != EBUSY || *left_ms <= 0)
			return -1;
		kill_listed(g->fd[i]);
		sleep_ms(ms);
		*left_ms -= ms;
	}
	return 0;
}

static int destroy_busy(const char *path, struct err *e)
{
	cleanup_cgroup struct cgroup *g = NULL;
	struct err why = ERR_INIT;
	if (cgroup_open(path, &g, &why) < 0)
		return why.kind == ERR_NOT_FOUND ? 0 : err_set(e, why.kind, "%s", why.msg);
	cgroup_kill(g, NULL);
	if (cgroup_fd(g, CG_UNIFIED) >= 0)
		cgroup_v2_wait(cgroup_fd(g, CG_UNIFIED), "populated", 0, DESTROY_TIMEOUT_MS);
	int rc = 0, left_ms = DESTROY_TIMEOUT_MS;
	for (int i = g->layout->n; i-- > 0;)
		if (g->fd[i] >= 0 && remove_patiently(g, i, &left_ms) < 0)
			rc = err_sys(e, "cannot remove cgroup %s/%s", g->layout->h[i].mount, path);
	return rc;
}

int cgroup_destroy(const char *path, struct err *e)
{
	const struct cgroup_layout *l = cgroup_layout();
	bool busy = false;
	if (!cgroup_path_valid(path))
		return err_set(e, ERR_USAGE, "\"%s\" cannot be the path of a cgroup", path);
	if (l->unknown)
		return err_set(
		        e, ERR_OTHER, "cannot read which cgroups this host has (/proc/self/mountinfo)");
	for (int i = l->n; i-- > 0;) {
		char dir[CGROUP_DIR_MAX];
		dir_of(&l->h[i], path, dir);
		if (!rmdir(dir) || errno == ENOENT)
			continue;
		if (errno != EBUSY)
			return err_sys(e, "cannot remove cgroup %s", dir);
		busy = true;
	}
	return busy ? destroy_busy(path, e) : 0;
}
