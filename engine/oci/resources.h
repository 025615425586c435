/* What a container asks of the cgroup controllers: typed, already parsed, the same shape in a request,
 * in config.json (OCI runtime spec, "linux.resources") and at the cgroup drivers. */
#ifndef TARE_OCI_RESOURCES_H
#define TARE_OCI_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum io_limit_kind { IO_READ_BPS, IO_WRITE_BPS, IO_READ_IOPS, IO_WRITE_IOPS, IO_WEIGHT };

struct io_limit {
	enum io_limit_kind kind;
	unsigned major, minor; /* of the block device */
	uint64_t value;        /* bytes or operations per second, or a weight 10-1000 */
};

/* An entry of the device allow list; major/minor -1 is "any". */
struct device_rule {
	bool allow;
	char type; /* 'a', 'b' or 'c' */
	int64_t major, minor;
	char access[4]; /* some of "rwm", terminated */
};

/* A zero value is "not asked for", -1 is "unlimited" where the controller knows that. */
struct resources {
	int64_t memory;             /* bytes */
	int64_t memory_swap;        /* memory plus swap, bytes */
	int64_t memory_reservation; /* bytes */
	int64_t swappiness;         /* percent + 1, so that 0 stays "not asked" */
	bool oom_kill_disable;
	uint64_t cpu_shares;    /* 2-262144 */
	int64_t cpu_quota_us;   /* per period; --cpus and --cpu end here */
	uint64_t cpu_period_us; /* default 100000 */
	char *cpuset_cpus, *cpuset_mems;
	int64_t pids;
	uint16_t blkio_weight; /* 10-1000 */
	struct io_limit *io;
	size_t n_io;
	struct device_rule *devices; /* evaluated in order, the last match wins; default is deny */
	size_t n_devices;
};

void resources_free(struct resources *r);
/* 0, or -1 when memory is short. */
int resources_add_io(struct resources *r, struct io_limit l);
int resources_add_device(struct resources *r, struct device_rule d);
int resources_copy(struct resources *dst, const struct resources *src);
/* What `change` asks for goes over what is in `r`; a device's limit of 0 is taken away. Devices that may be
 * used stay. 0, or -1 when memory is short. */
int resources_merge(struct resources *r, const struct resources *change);

#endif
