/* What the cgroup files share: where this host's hierarchies are, the handle, and the two drivers.
 * Only engine/runtime/cgroup*.c and their tests include this. */
#ifndef TARE_RUNTIME_CGROUP_DRIVER_H
#define TARE_RUNTIME_CGROUP_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/runtime/cgroup.h"

struct err;

/* The controllers that we use. The last two are no controllers but hierarchies that a process must join
 * as well: systemd's own on v1, and the v2 tree. */
enum cgroup_controller {
	CG_CPU,
	CG_CPUACCT,
	CG_CPUSET,
	CG_MEMORY,
	CG_DEVICES,
	CG_FREEZER,
	CG_BLKIO,
	CG_PIDS,
	CG_SYSTEMD,
	CG_UNIFIED,
	CG_COUNT
};
#define CG_BIT(c) (1u << (c))
#define CG_LIMITS                                                                                            \
	(CG_BIT(CG_CPU) | CG_BIT(CG_CPUSET) | CG_BIT(CG_MEMORY) | CG_BIT(CG_BLKIO) | CG_BIT(CG_PIDS))
/* What stats are read from: enabled on v2 although no limit asks for it. */
#define CG_STATS (CG_BIT(CG_CPU) | CG_BIT(CG_MEMORY) | CG_BIT(CG_BLKIO) | CG_BIT(CG_PIDS))

#define CGROUP_MOUNT_MAX 128
#define CGROUP_PATH_MAX  120
/* A directory as text: mount point, slash, path. */
#define CGROUP_DIR_MAX (CGROUP_MOUNT_MAX + 1 + CGROUP_PATH_MAX)

struct cgroup_hierarchy {
	char mount[CGROUP_MOUNT_MAX]; /* absolute mount point */
	unsigned controllers;         /* CG_BIT set; all of them on pure v2 */
};

struct cgroup_layout {
	enum cgroup_mode mode;
	int n;
	struct cgroup_hierarchy h[CG_COUNT];
	signed char of[CG_COUNT]; /* index into h, -1 = not mounted */
	bool unknown;             /* the mount table could not be read */
	bool rootless;            /* an ordinary user's: what was delegated to it, if anything */
	bool outside;             /* and we do not live in it: nothing can be brought there */
};

struct cgroup {
	const struct cgroup_layout *layout;
	int fd[CG_COUNT]; /* O_PATH directory per hierarchy, -1 = not there */
	bool fresh;       /* made by us just now: nothing is beneath it yet */
	int leaf_fd;      /* a leaf beneath the v2 cgroup when that may hold no processes itself, or -1 */
	char path[CGROUP_PATH_MAX];
};

/* Pure: what `mountinfo` (the text of /proc/self/mountinfo) says. */
void cgroup_layout_parse(const char *mountinfo, struct cgroup_layout *l);
/* Pure: the whole tree is that directory of a v2 one. */
void cgroup_layout_v2(struct cgroup_layout *l, const char *mount);
/* Cut this host's down to what the user was given (cgroup_delegated.c); CGROUP_NONE when that is nothing. */
void cgroup_layout_delegate(struct cgroup_layout *l);
/* This host's, found out once. */
const struct cgroup_layout *cgroup_layout(void);
/* "memory", "cpu", …; "io" for CG_BLKIO on v2. */
const char *cgroup_controller_name(enum cgroup_controller c, bool v2);

static inline int cgroup_fd(const struct cgroup *g, enum cgroup_controller c)
{
	int i = g->layout->of[c];
	return i < 0 ? -1 : g->fd[i];
}
/* The directory as text, for messages and samplers. */
void cgroup_dir(const struct cgroup *g, enum cgroup_controller c, char dst[CGROUP_DIR_MAX]);
/* "tare/ID": relative, no empty, "." or ".." component, no control characters. */
bool cgroup_path_valid(const char *path);
/* Which controllers the limits in r need (devices not among them). */
unsigned cgroup_needs(const struct resources *r);

/* Write `value` to a control file; the error names file, value and directory, and says when the kernel
 * has no such file. errno survives. */
int cgroup_set(
        const struct cgroup *g, enum cgroup_controller c, const char *file, const char *value, struct err *e);
/* The same with "max" for -1. */
int cgroup_set_max(
        const struct cgroup *g, enum cgroup_controller c, const char *file, int64_t value, struct err *e);
/* A memory plus swap limit is only meaningful above a memory limit. */
int cgroup_check_swap(int64_t memory, int64_t memory_swap, struct err *e);
/* Value of "key value\n" in a flat keyed kernel file, or -1. Pure. */
int64_t cgroup_keyed(const char *text, const char *key);

/* v2: the tree at CG_UNIFIED. `needs` must be available in the end, `wants` is tolerated. */
int cgroup_v2_enable(const struct cgroup *g, unsigned needs, unsigned wants, struct err *e);
int cgroup_v2_apply(const struct cgroup *g, const struct resources *r, unsigned controllers, struct err *e);
unsigned cgroup_v2_controllers(const char *text);          /* pure: "cpu io memory" -> CG_BIT set */
uint64_t cgroup_v2_cpu_weight(uint64_t shares);            /* pure */
unsigned cgroup_v2_io_weight(unsigned blkio_weight);       /* pure */
int cgroup_v2_freeze(int fd, bool frozen, int timeout_ms); /* 0, or -1 with errno */
/* Wait for "key value" in cgroup.events. 0, or -1 with errno (ETIMEDOUT). */
int cgroup_v2_wait(int fd, const char *key, int64_t value, int timeout_ms);
int cgroup_v2_leaf(
        int fd); /* the directory that may hold a process: fd itself is never returned, -1 = fd will do */

/* v1 and hybrid. */
int cgroup_v1_prepare(const struct cgroup *g, struct err *e); /* before anything enters */
void cgroup_v1_parent_made(const char *dir, unsigned controllers);
int cgroup_v1_apply(const struct cgroup *g, const struct resources *r, unsigned controllers, struct err *e);
int cgroup_v1_freeze(int fd, bool frozen, int timeout_ms);

/* Whether every number of the list `want` ("0-2,7") is in `have`; false for anything that is no list. Pure.
 */
bool cgroup_list_within(const char *want, const char *have);
/* Refuse CPUs or nodes that the parent does not have: v2 would take the setting and ignore it. `have_file`
 * is read in the parent's directory; one that is missing decides nothing. */
int cgroup_check_list(int fd, const char *have_file, const char *want, const char *what, struct err *e);

/* rmdir of dir and all beneath it, the deepest first, nothing killed. 0 or -1 with errno (EBUSY). */
int cgroup_remove_tree(const char *dir);
/* Processes of one hierarchy, descendants too. */
int cgroup_pids_in(int fd, pid_t **pids);

#endif
