/* Control groups: one interface, two drivers (cgroup_v2.c; cgroup_v1.c also for hybrid hosts, where an
 * empty v2 tree beside the v1 hierarchies still serves kill, freeze, events and pressure). Nobody above
 * this header knows which is in use. A container's cgroup has the same relative path ("tare/ID") in
 * every hierarchy.
 *
 * Nothing here takes a kernel grace period on the way of a run: processes are born in their cgroup
 * (CLONE_INTO_CGROUP) or move themselves while single-threaded by writing 0 to `tasks` (v1); nobody ever
 * writes a foreign pid to cgroup.procs. */
#ifndef TARE_RUNTIME_CGROUP_H
#define TARE_RUNTIME_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/oci/resources.h"

struct err;
struct cgroup; /* a handle on one path in all hierarchies; holds directory descriptors */
struct sampler_sources;

enum cgroup_mode { CGROUP_NONE, CGROUP_V1, CGROUP_HYBRID, CGROUP_V2 };
/* Found out once. For an ordinary user CGROUP_NONE where nothing is delegated: a handle is then empty, limits
 * are refused, and ends are by process 1 (the kernel takes its pid namespace along). */
enum cgroup_mode cgroup_mode(void);
/* Whether containers that are started here get cgroups: not those of an ordinary user to whom none is
 * delegated. */
bool cgroup_can_limit(void);
const char *cgroup_mode_name(enum cgroup_mode m); /* "v2", "v1", "hybrid", "none" */

/* Make the cgroup (and missing parents) and set its limits. A limit that cannot be had is an error that
 * names the missing controller and where it was looked for; nothing is left behind then. An existing empty
 * cgroup of that path is reused. */
int cgroup_create(const char *path, const struct resources *r, struct cgroup **out, struct err *e);
int cgroup_open(
        const char *path, struct cgroup **out, struct err *e); /* ERR_NOT_FOUND when it is in no hierarchy */
bool cgroup_exists(const char *path);                          /* in any hierarchy */
void cgroup_close(struct cgroup **g);
#define cleanup_cgroup __attribute__((cleanup(cgroup_close)))

/* Directory descriptor for CLONE_INTO_CGROUP, or -1 when there is no v2 tree (or its type forbids it). */
int cgroup_clone_fd(const struct cgroup *g);
/* In the single-threaded child: enter what CLONE_INTO_CGROUP does not cover (v1 hierarchies; with `all`
 * also v2, for kernels or callers that cloned without it). */
int cgroup_enter_self(const struct cgroup *g, bool all, struct err *e);
/* The same for the supervisors' cgroup (path "tare/monitors"): only the hierarchies by which a service
 * manager or logout would find and kill a process (v2 and name=systemd). Best effort, never an error. */
void cgroup_enter_monitors(void);
int cgroup_monitors_clone_fd(void); /* for CLONE_INTO_CGROUP of the starter on v2, or -1 */

/* Limits of a cgroup that lives. All or nothing: when one is refused, all are as they were. Memory is never
 * set below what is in use and cannot be reclaimed (CONFLICT). */
int cgroup_update(const struct cgroup *g, const struct resources *r, struct err *e);
/* What cgroup_update() with `r` is going to change, and to take that back again, as well as it goes. */
struct cgroup_saved;
struct cgroup_saved *cgroup_save(const struct cgroup *g, const struct resources *r, struct err *e);
void cgroup_restore(const struct cgroup *g, const struct cgroup_saved *s);
void cgroup_saved_free(struct cgroup_saved **s);
#define cleanup_cgroup_saved __attribute__((cleanup(cgroup_saved_free)))
/* SIGKILL everything inside, for good (cgroup.kill, else freeze-kill-thaw until empty). */
int cgroup_kill(const struct cgroup *g, struct err *e);
int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e); /* returns when it holds */
bool cgroup_is_frozen(const struct cgroup *g);
/* Processes inside, descendants too: allocated array, count returned, -1 on error. */
int cgroup_pids(const struct cgroup *g, pid_t **pids, struct err *e);
/* OOM kills so far; -1 when unknown. */
int64_t cgroup_oom_kills(const struct cgroup *g);
/* rmdir in every hierarchy, killing what is left inside. ENOENT is success. Bounded (no endless retry);
 * never touches anything but `path` itself and what is beneath it. */
int cgroup_destroy(const char *path, struct err *e);
/* Names of the cgroups beneath `path` ("tare"), for the search of what no container owns; strv. */
char **cgroup_children(const char *path);

/* What a sampler needs: the directories that exist, "" otherwise (engine/monitor/sampler.h). */
void cgroup_sampler_sources(const struct cgroup *g, struct sampler_sources *out);

/* Inside the container's mount namespace, after pivot: mount the container's own view on `target_fd`
 * (the container's /sys/fs/cgroup, an O_PATH directory). v2: a fresh cgroup2 mount of the cgroup namespace.
 * v1: a tmpfs with one cgroup mount per hierarchy and the usual links (cpu -> cpu,cpuacct). */
int cgroup_mount_view(int target_fd, bool writable, struct err *e);

/* Device access of the container: v1 devices.deny/allow; v2 an eBPF program. Called by cgroup_create with
 * r->devices; the runtime's fixed additions (mknod of anything; null zero full random urandom tty console
 * ptmx pts) are added there (device.c). */

/* "memory", "cpu", "cpuset", "pids", "blkio"/"io", "devices", "freezer": is it there, and where. For info. */
struct cgroup_controller_state {
	const char *name;
	bool present;
	char where[128];
};
int cgroup_controllers(struct cgroup_controller_state *out, int max);

#endif
