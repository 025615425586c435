/* The v1 driver, also for hybrid hosts: one hierarchy per controller (or for several), each with its own
 * files, and a cpuset that nobody may enter before it has been given CPUs and memory nodes. */
#include "engine/runtime/cgroup_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"

/* Mounted with "noprefix" (Android, and hosts that copied it) the files are "cpus" and "mems". */
static const char *const cpuset_files[2][2] = {{"cpuset.cpus", "cpus"}, {"cpuset.mems", "mems"}};
#define CPUSET_TEXT_MAX 4096

static ssize_t cpuset_read(int fd, int what, char *text, size_t size)
{
	ssize_t n = file_read_small(fd, cpuset_files[what][0], text, size);
	return n < 0 && errno == ENOENT ? file_read_small(fd, cpuset_files[what][1], text, size) : n;
}

static int cpuset_write(int fd, int what, const char *text)
{
	int rc = file_poke(fd, cpuset_files[what][0], text);
	return rc < 0 && errno == ENOENT ? file_poke(fd, cpuset_files[what][1], text) : rc;
}

/* Give the cpuset at `dir` its parent's CPUs and nodes where it has none, the parents first. The mount
 * point itself always has them; `rest` is the part of dir beneath it. */
static int cpuset_inherit(char *dir, const char *rest)
{
	char text[2][CPUSET_TEXT_MAX];
	cleanup_fd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || cpuset_read(fd, 0, text[0], sizeof(text[0])) < 0 ||
	        cpuset_read(fd, 1, text[1], sizeof(text[1])) < 0)
		return -1;
	if (text[0][0] && text[1][0])
		return 0;
	char *slash = strrchr(dir, '/');
	if (!slash || slash + 1 < rest)
		return 0;
	*slash = '\0';
	int rc = cpuset_inherit(dir, rest);
	if (!rc) {
		cleanup_fd int parent = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		for (int i = 0; i < 2 && !rc; i++)
			rc = parent < 0 || cpuset_read(parent, i, text[i], sizeof(text[i])) < 0 ||
			                     cpuset_write(fd, i, text[i]) < 0
			             ? -1
			             : 0;
	}
	*slash = '/';
	return rc;
}

/* A task may only enter a cpuset that has CPUs and nodes (else ENOSPC). Where our parent has
 * clone_children the kernel has filled them in and this is one look. */
int cgroup_v1_prepare(const struct cgroup *g, struct err *e)
{
	int fd = cgroup_fd(g, CG_CPUSET);
	if (g->layout->mode == CGROUP_V2 || fd < 0)
		return 0;
	char text[CPUSET_TEXT_MAX];
	if (cpuset_read(fd, 1, text, sizeof(text)) > 0 && cpuset_read(fd, 0, text, sizeof(text)) > 0)
		return 0;
	char dir[CGROUP_DIR_MAX];
	cgroup_dir(g, CG_CPUSET, dir);
	const char *rest = dir + strlen(dir) - strlen(g->path);
	return cpuset_inherit(dir, rest) < 0 ? err_sys(e, "cannot copy the parent's CPUs to cpuset %s", dir)
	                                     : 0;
}

/* Settings that a parent hands to the children made after it. Best effort: cpuset has its copy as a
 * fall-back, use_hierarchy is always 1 since Linux 5.11. */
void cgroup_v1_parent_made(const char *dir, unsigned controllers)
{
	cleanup_fd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (controllers & CG_BIT(CG_MEMORY))
		file_poke(fd, "memory.use_hierarchy", "1");
	if (controllers & CG_BIT(CG_CPUSET)) {
		char copy[CGROUP_DIR_MAX];
		snprintf(copy, sizeof(copy), "%s", dir);
		const struct cgroup_layout *l = cgroup_layout();
		cpuset_inherit(copy, copy + strlen(l->h[l->of[CG_CPUSET]].mount) + 1);
		file_poke(fd, "cgroup.clone_children", "1");
	}
}

/* ------------------------------------------------------------------ limits */

/* v1 says "no limit" as a number near 2^63; -1 for that. */
static int64_t current_memory_limit(int fd)
{
	char text[32];
	if (file_read_small(fd, "memory.limit_in_bytes", text, sizeof(text)) < 0)
		return -1;
	int64_t v = strtoll(text, NULL, 10);
	return v >= INT64_MAX / 2 ? -1 : v;
}

static int set_int(
        const struct cgroup *g, enum cgroup_controller c, const char *file, int64_t v, struct err *e)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, v);
	return cgroup_set(g, c, file, text, e);
}

static int set_limit(const struct cgroup *g, int64_t v, struct err *e)
{
	if (!v || !set_int(g, CG_MEMORY, "memory.limit_in_bytes", v, e))
		return 0;
	if (errno == EBUSY && e)
		return err_wrap(e, "the container uses more memory than that and cannot give it back");
	return -1;
}

/* memsw counts memory and swap together and may never be below the memory limit, so which of the two is
 * written first depends on the direction: the kernel says EINVAL for the wrong one. */
static int set_memory(const struct cgroup *g, const struct resources *r, struct err *e)
{
	int fd = cgroup_fd(g, CG_MEMORY);
	int64_t limit = r->memory, swap = r->memory_swap;
	if (!limit && !swap)
		return 0;
	if (swap > 0 && cgroup_check_swap(limit ? limit : current_memory_limit(fd), swap, e) < 0)
		return -1;
	if (!swap)
		swap = limit > INT64_MAX / 2 ? -1 : limit > 0 ? 2 * limit : -1;
	if (r->memory_swap <= 0 && faccessat(fd, "memory.memsw.limit_in_bytes", F_OK, 0) < 0)
		return set_limit(g, limit, e); /* no swap accounting, and nobody asked for it */
	bool limit_first = !set_limit(g, limit, NULL);
	if (!limit_first && errno != EINVAL)
		return set_limit(g, limit, e);
	if (set_int(g, CG_MEMORY, "memory.memsw.limit_in_bytes", swap, e) < 0)
		return -1;
	return limit_first ? 0 : set_limit(g, limit, e);
}

static int apply_memory(const struct cgroup *g, const struct resources *r, struct err *e)
{
	if (set_memory(g, r, e) < 0)
		return -1;
	if (r->memory_reservation &&
	        set_int(g, CG_MEMORY, "memory.soft_limit_in_bytes", r->memory_reservation, e) < 0)
		return -1;
	if (r->swappiness && set_int(g, CG_MEMORY, "memory.swappiness", r->swappiness - 1, e) < 0)
		return -1;
	return r->oom_kill_disable ? cgroup_set(g, CG_MEMORY, "memory.oom_control", "1", e) : 0;
}

/* A period that makes the old quota exceed the parent's share is refused: then the quota goes first. */
static int set_quota(const struct cgroup *g, const struct resources *r, struct err *e)
{
	char quota[32], period[32];
	snprintf(quota, sizeof(quota), "%" PRId64, r->cpu_quota_us);
	snprintf(period, sizeof(period), "%" PRIu64, r->cpu_period_us);
	bool period_left = r->cpu_period_us != 0;
	if (period_left && !file_poke(cgroup_fd(g, CG_CPU), "cpu.cfs_period_us", period))
		period_left = false;
	if (r->cpu_quota_us && cgroup_set(g, CG_CPU, "cpu.cfs_quota_us", quota, e) < 0)
		return -1;
	return period_left ? cgroup_set(g, CG_CPU, "cpu.cfs_period_us", period, e) : 0;
}

static int apply_cpu(const struct cgroup *g, const struct resources *r, struct err *e)
{
	if (r->cpu_shares && set_int(g, CG_CPU, "cpu.shares", (int64_t)r->cpu_shares, e) < 0)
		return -1;
	return r->cpu_quota_us || r->cpu_period_us ? set_quota(g, r, e) : 0;
}

static int set_cpuset(const struct cgroup *g, int what, const char *value, struct err *e)
{
	static const char *const have[2] = {"../cpuset.effective_cpus", "../cpuset.effective_mems"};
	static const char *const names[2] = {"CPUs", "memory nodes"};
	int fd = cgroup_fd(g, CG_CPUSET);
	if (!value)
		return 0;
	if (cgroup_check_list(fd, have[what], value, names[what], e) < 0)
		return -1;
	if (!cpuset_write(fd, what, value))
		return 0;
	return cgroup_set(g, CG_CPUSET, cpuset_files[what][0], value, e);
}

/* The weight's file is the scheduler's: CFQ's name until Linux 5.0, BFQ's since. */
static int set_io_weight(const struct cgroup *g, const char *suffix, const char *text, struct err *e)
{
	char bfq[48], cfq[48];
	snprintf(bfq, sizeof(bfq), "blkio.bfq.weight%s", suffix);
	snprintf(cfq, sizeof(cfq), "blkio.weight%s", suffix);
	if (!file_poke(cgroup_fd(g, CG_BLKIO), cfq, text))
		return 0;
	return cgroup_set(g, CG_BLKIO, errno == ENOENT ? bfq : cfq, text, e);
}

static int apply_io(const struct cgroup *g, const struct resources *r, struct err *e)
{
	static const char *const files[] = {
	        [IO_READ_BPS] = "blkio.throttle.read_bps_device",
	        [IO_WRITE_BPS] = "blkio.throttle.write_bps_device",
	        [IO_READ_IOPS] = "blkio.throttle.read_iops_device",
	        [IO_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};
	char text[64];
	if (r->blkio_weight) {
		snprintf(text, sizeof(text), "%u", r->blkio_weight);
		if (set_io_weight(g, "", text, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->n_io; i++) {
		const struct io_limit *l = &r->io[i];
		snprintf(text, sizeof(text), "%u:%u %" PRIu64, l->major, l->minor, l->value);
		int rc = l->kind == IO_WEIGHT ? set_io_weight(g, "_device", text, e)
		                              : cgroup_set(g, CG_BLKIO, files[l->kind], text, e);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int cgroup_v1_apply(const struct cgroup *g, const struct resources *r, unsigned controllers, struct err *e)
{
	if ((controllers & CG_BIT(CG_MEMORY)) && apply_memory(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_CPU)) && apply_cpu(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_CPUSET)) &&
	        (set_cpuset(g, 0, r->cpuset_cpus, e) < 0 || set_cpuset(g, 1, r->cpuset_mems, e) < 0))
		return -1;
	if ((controllers & CG_BIT(CG_BLKIO)) && apply_io(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_PIDS)) && r->pids)
		return DEFENCE("pids-limit") ? cgroup_set_max(g, CG_PIDS, "pids.max", r->pids, e) : 0;
	return 0;
}

/* ------------------------------------------------------------------ freezer */

/* The v1 freezer has no event to wait for, and FREEZING can stick when a task forks or sleeps at the
 * wrong moment: thawing and freezing again gets it loose. */
int cgroup_v1_freeze(int fd, bool frozen, int timeout_ms)
{
	const char *want = frozen ? "FROZEN" : "THAWED";
	int64_t slept_us = 0;
	for (int round = 0; slept_us <= timeout_ms * INT64_C(1000); round++) {
		if (frozen && round % 50 == 49)
			file_poke(fd, "freezer.state", "THAWED");
		if ((round == 0 || round % 50 == 49) && file_poke(fd, "freezer.state", want) < 0)
			return -1;
		char state[32];
		if (file_read_small(fd, "freezer.state", state, sizeof(state)) < 0)
			return -1;
		if (!strcmp(state, want))
			return 0;
		long us = round < 10 ? 100 : 2000;
		nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
		slept_us += us;
	}
	errno = ETIMEDOUT;
	return -1;
}
