/* Samples of a cgroup's resource usage, v2 and v1, from kernel files whose descriptors stay open. Used by
 * the monitor (every ten seconds into the ring) and by the engine's stats. libc only, no allocation. */
#ifndef TARE_MONITOR_SAMPLER_H
#define TARE_MONITOR_SAMPLER_H

#include <stdint.h>
#include <sys/types.h>

#define SAMPLER_PATH_MAX 256

/* Absolute directories of the container's cgroup per controller; "" = not there. On pure v2 all name the
 * same directory and `v2` is set. */
struct sampler_sources {
	int v2;
	char cpu[SAMPLER_PATH_MAX];     /* v2: the cgroup; v1: cpu hierarchy (cpu.stat) */
	char cpuacct[SAMPLER_PATH_MAX]; /* v1 only */
	char memory[SAMPLER_PATH_MAX], pids[SAMPLER_PATH_MAX], blkio[SAMPLER_PATH_MAX];
	char unified[SAMPLER_PATH_MAX]; /* the v2 cgroup of a hybrid host: cgroup.events, pressure */
	pid_t pid;                      /* for /proc/PID/net/dev; 0 = no network figures */
};

/* The same fields as struct tare_stats (engine/tare.h), UINT64_MAX = unknown. A fixed layout: it is what
 * the ring file holds. */
struct sample {
	int64_t time; /* ns, CLOCK_BOOTTIME */
	uint64_t cpu_ns, cpu_user_ns, cpu_system_ns, throttled_ns, n_throttled;
	uint64_t memory, memory_limit, memory_anon, memory_file, memory_kernel, memory_swap, memory_peak;
	uint64_t oom_kills;
	uint64_t net_rx, net_tx, block_read, block_write;
	uint64_t pids, pids_limit;
};

enum sampler_file {
	SF_CPU_STAT,
	SF_CPUACCT_USAGE,
	SF_CPUACCT_STAT,
	SF_MEM_CURRENT,
	SF_MEM_STAT,
	SF_MEM_LIMIT,
	SF_MEM_PEAK,
	SF_MEM_SWAP,
	SF_MEM_EVENTS,
	SF_IO,
	SF_PIDS,
	SF_PIDS_LIMIT,
	SF_NET,
	SF_COUNT
};

struct sampler {
	int v2;
	int fd[SF_COUNT]; /* -1 = not there */
};

void sampler_open(
        struct sampler *s, const struct sampler_sources *src); /* never fails: what is missing is unknown */
void sampler_read(struct sampler *s, struct sample *out);
void sampler_close(struct sampler *s);
/* OOM kills so far (memory.events or memory.oom_control), UINT64_MAX unknown. */
uint64_t sampler_oom_kills(struct sampler *s);

#endif
