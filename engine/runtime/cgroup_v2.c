/* The v2 driver: controllers are enabled from the root down, limits become the files of the unified tree,
 * events come by poll. Also used for the v2 tree of a hybrid host. */
#include "engine/runtime/cgroup_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"

/* A leaf for processes that join a container which made sub-cgroups with controllers of its own. */
#define LEAF_NAME "tare-exec"

static const enum cgroup_controller limit_controllers[] = {CG_CPU, CG_CPUSET, CG_MEMORY, CG_BLKIO, CG_PIDS};
#define N_LIMIT_CONTROLLERS (sizeof(limit_controllers) / sizeof(limit_controllers[0]))

unsigned cgroup_v2_controllers(const char *text)
{
	unsigned set = 0;
	while (*text) {
		size_t len = strcspn(text, " \n");
		for (size_t i = 0; i < N_LIMIT_CONTROLLERS; i++) {
			const char *name = cgroup_controller_name(limit_controllers[i], true);
			if (strlen(name) == len && !memcmp(text, name, len))
				set |= CG_BIT(limit_controllers[i]);
		}
		text += len + (text[len] != '\0');
	}
	return set;
}

static unsigned read_controllers(int fd, const char *file)
{
	char text[512];
	return file_read_small(fd, file, text, sizeof(text)) < 0 ? 0 : cgroup_v2_controllers(text);
}

/* Why a controller did not get through to the cgroup: the first obstacle on the way down. */
struct obstacle {
	int sys; /* 0: not among the directory's cgroup.controllers */
	char dir[CGROUP_DIR_MAX];
	char listed[256];
};

static void obstacle_note(struct obstacle *o, const char *dir, int fd, int sys)
{
	if (o->dir[0])
		return;
	o->sys = sys;
	snprintf(o->dir, sizeof(o->dir), "%s", dir);
	if (file_read_small(fd, "cgroup.controllers", o->listed, sizeof(o->listed)) < 0)
		o->listed[0] = '\0';
}

static int enable_names(int fd, unsigned set)
{
	char text[128] = "";
	for (size_t i = 0; i < N_LIMIT_CONTROLLERS; i++)
		if (set & CG_BIT(limit_controllers[i])) {
			size_t n = strlen(text);
			snprintf(text + n, sizeof(text) - n, "%s+%s", n ? " " : "",
			        cgroup_controller_name(limit_controllers[i], true));
		}
	return file_poke(fd, "cgroup.subtree_control", text);
}

/* Outside the real root (which has no cgroup.type) a cgroup either holds processes or hands controllers
 * down. The kernel would even let us enable cpu and pids there, at the price of making it a threaded domain
 * whose children can hold no process at all: so we look first. */
static bool holds_processes(int fd)
{
	if (faccessat(fd, "cgroup.type", F_OK, 0) < 0)
		return false;
	char text[64];
	cleanup_fd int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	return procs < 0 || read(procs, text, sizeof(text)) != 0;
}

/* Hand the controllers of `set` down from one directory to its children. One write for all; when the
 * kernel refuses that, one by one, since a single bad controller fails the whole line. */
static void enable_in(const char *dir, unsigned set, unsigned needs, struct obstacle *o)
{
	cleanup_fd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	unsigned available = read_controllers(fd, "cgroup.controllers");
	if (needs & ~available)
		obstacle_note(o, dir, fd, 0);
	set &= available & ~read_controllers(fd, "cgroup.subtree_control");
	if (!set)
		return;
	if (holds_processes(fd)) {
		if (set & needs)
			obstacle_note(o, dir, fd, EBUSY);
		return;
	}
	if (!enable_names(fd, set))
		return;
	for (size_t i = 0; i < N_LIMIT_CONTROLLERS; i++) {
		unsigned bit = CG_BIT(limit_controllers[i]);
		if ((set & bit) && enable_names(fd, bit) && (needs & bit))
			obstacle_note(o, dir, fd, errno);
	}
}

static void enable_down(const struct cgroup *g, unsigned set, unsigned needs, struct obstacle *o)
{
	char dir[CGROUP_DIR_MAX];
	cgroup_dir(g, CG_UNIFIED, dir);
	char *p = dir + strlen(dir) - strlen(g->path) - 1; /* the slash after the mount point */
	char *slash;
	do {
		*p = '\0';
		enable_in(dir, set, needs, o);
		*p = '/';
		slash = strchr(p + 1, '/');
		p = slash;
	} while (slash);
}

static int missing_controller(
        const struct cgroup *g, unsigned missing, const struct obstacle *o, struct err *e)
{
	const char *name = "?";
	for (size_t i = N_LIMIT_CONTROLLERS; i-- > 0;)
		if (missing & CG_BIT(limit_controllers[i]))
			name = cgroup_controller_name(limit_controllers[i], true);
	char dir[CGROUP_DIR_MAX];
	cgroup_dir(g, CG_UNIFIED, dir);
	if (!o->dir[0])
		return err_set(
		        e, ERR_UNSUPPORTED, "cgroup controller \"%s\" is not available in %s", name, dir);
	if (!o->sys)
		return err_set(e, ERR_UNSUPPORTED,
		        "cgroup controller \"%s\" is missing: %s/cgroup.controllers has only \"%s\"", name,
		        o->dir, o->listed);
	errno = o->sys;
	err_sys(e, "cannot enable cgroup controller \"%s\" in %s/cgroup.subtree_control%s", name, o->dir,
	        o->sys == EBUSY ? " (processes live in that very cgroup: move them into a child of it)" : "");
	if (e)
		e->kind = ERR_UNSUPPORTED;
	return -1;
}

int cgroup_v2_enable(const struct cgroup *g, unsigned needs, unsigned wants, struct err *e)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	wants |= needs;
	if (!wants)
		return 0;
	/* One look at the result suffices on every run but the first after boot (or after a service
	 * manager's reload took controllers away). */
	unsigned have = read_controllers(fd, "cgroup.controllers");
	if (!(wants & ~have))
		return 0;
	struct obstacle o = {0};
	enable_down(g, wants & ~have, needs, &o);
	have = read_controllers(fd, "cgroup.controllers");
	return needs & ~have ? missing_controller(g, needs & ~have, &o, e) : 0;
}

/* ------------------------------------------------------------------ limits */

/* Docker's shares to weights such that both defaults meet (1024 -> 100) and both ends too:
 * 10^((l^2 + 125 l) / 612 - 7/34) with l = log2(shares), rounded up (the runtime spec's newer formula).
 * Without libm, which nothing else in the program needs. */
static double log2_of(double x)
{
	double l = 0;
	for (; x >= 2; x /= 2)
		l += 1;
	for (double bit = 0.5; bit > 1e-12; bit /= 2) {
		x *= x;
		if (x >= 2) {
			x /= 2;
			l += bit;
		}
	}
	return l;
}

/* 10^y for y in [-1, 5]: whole powers by multiplication, the rest by exp's series. */
static double pow10_of(double y)
{
	const double ln10 = 2.302585092994045684;
	double r = 1;
	for (; y >= 1; y -= 1)
		r *= 10;
	double term = 1, sum = 1;
	for (int i = 1; i < 40; i++) {
		term *= y * ln10 / i;
		sum += term;
	}
	return r * sum;
}

uint64_t cgroup_v2_cpu_weight(uint64_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	double l = log2_of((double)shares);
	double w = pow10_of((l * l + 125 * l) / 612 - 7.0 / 34.0);
	/* Round up, but not because of the last bits of a result that is whole (1024 gives 100). */
	uint64_t n = (uint64_t)(w - 1e-6) + 1;
	return n > 10000 ? 10000 : n;
}

unsigned cgroup_v2_io_weight(unsigned w)
{
	return w <= 10 ? 1 : 1 + (w - 10) * 9999 / 990;
}

static int64_t read_number(int fd, const char *file)
{
	char text[32];
	return file_read_small(fd, file, text, sizeof(text)) < 0 || !strcmp(text, "max")
	               ? -1
	               : strtoll(text, NULL, 10);
}

/* v2 counts swap by itself, Docker's flag is memory plus swap. Without the flag a container with a memory
 * limit gets as much swap again, and hosts without swap accounting are not an error then. */
static int set_swap(const struct cgroup *g, const struct resources *r, struct err *e)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	int64_t swap = r->memory_swap;
	if (swap <= 0) {
		if (!swap && !r->memory)
			return 0;
		int64_t v = swap < 0 ? -1 : r->memory;
		bool missing = faccessat(fd, "memory.swap.max", F_OK, 0) < 0;
		return missing ? 0 : cgroup_set_max(g, CG_UNIFIED, "memory.swap.max", v, e);
	}
	int64_t memory = r->memory ? r->memory : read_number(fd, "memory.max");
	if (cgroup_check_swap(memory, swap, e) < 0)
		return -1;
	return cgroup_set_max(g, CG_UNIFIED, "memory.swap.max", swap - memory, e);
}

static int only_v1(const char *flag, const struct cgroup *g, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED,
	        "%s exists only with cgroup v1; the memory controller here is v2, in %s", flag,
	        g->layout->h[g->layout->of[CG_UNIFIED]].mount);
}

/* A limit below what is in use would make the kernel kill. memory.high reclaims without that; what cannot be
 * reclaimed is a refusal, as v1's EBUSY is. */
static int make_room(const struct cgroup *g, int64_t limit, struct err *e)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	char high[32], text[32];
	if (limit <= 0 || read_number(fd, "memory.current") <= limit ||
	        file_read_small(fd, "memory.high", high, sizeof(high)) < 0)
		return 0;
	snprintf(text, sizeof(text), "%" PRId64, limit);
	file_poke(fd, "memory.high", text);
	int64_t left = read_number(fd, "memory.current");
	file_poke(fd, "memory.high", high);
	if (left <= limit)
		return 0;
	return err_set(e, ERR_CONFLICT,
	        "cannot limit memory to %" PRId64 " bytes: the container uses %" PRId64
	        " and cannot give it back",
	        limit, left);
}

static int apply_memory(const struct cgroup *g, const struct resources *r, struct err *e)
{
	if (r->swappiness)
		return only_v1("memory swappiness", g, e);
	if (r->oom_kill_disable)
		return only_v1("switching the OOM killer off", g, e);
	if (!g->fresh && make_room(g, r->memory, e) < 0)
		return -1;
	if (r->memory && cgroup_set_max(g, CG_UNIFIED, "memory.max", r->memory, e) < 0)
		return -1;
	if (set_swap(g, r, e) < 0)
		return -1;
	/* -1 stands for "no reservation": v1's default, where the soft limit is infinite. */
	if (r->memory_reservation)
		return cgroup_set_max(g, CG_UNIFIED, "memory.low",
		        r->memory_reservation < 0 ? 0 : r->memory_reservation, e);
	return 0;
}

static int apply_cpu(const struct cgroup *g, const struct resources *r, struct err *e)
{
	char text[64];
	if (r->cpu_shares) {
		snprintf(text, sizeof(text), "%" PRIu64, cgroup_v2_cpu_weight(r->cpu_shares));
		if (cgroup_set(g, CG_UNIFIED, "cpu.weight", text, e) < 0)
			return -1;
	}
	if (!r->cpu_quota_us && !r->cpu_period_us)
		return 0;
	char quota[32] = "max";
	if (r->cpu_quota_us > 0) {
		snprintf(quota, sizeof(quota), "%" PRId64, r->cpu_quota_us);
	} else if (!r->cpu_quota_us) { /* a new period for the quota that is in force */
		if (file_read_small(cgroup_fd(g, CG_UNIFIED), "cpu.max", text, sizeof(text)) > 0)
			snprintf(quota, sizeof(quota), "%.*s", (int)strcspn(text, " "), text);
	}
	snprintf(text, sizeof(text), "%s %" PRIu64, quota, r->cpu_period_us ? r->cpu_period_us : 100000);
	return cgroup_set(g, CG_UNIFIED, "cpu.max", text, e);
}

static int apply_cpuset(const struct cgroup *g, const struct resources *r, struct err *e)
{
	int fd = cgroup_fd(g, CG_UNIFIED);
	if (r->cpuset_cpus &&
	        cgroup_check_list(fd, "../cpuset.cpus.effective", r->cpuset_cpus, "CPUs", e) < 0)
		return -1;
	if (r->cpuset_mems &&
	        cgroup_check_list(fd, "../cpuset.mems.effective", r->cpuset_mems, "memory nodes", e) < 0)
		return -1;
	if (r->cpuset_cpus && cgroup_set(g, CG_UNIFIED, "cpuset.cpus", r->cpuset_cpus, e) < 0)
		return -1;
	return r->cpuset_mems ? cgroup_set(g, CG_UNIFIED, "cpuset.mems", r->cpuset_mems, e) : 0;
}

/* "8:0 100" or "100", to BFQ's own file when that scheduler is there, else to iocost's. */
static int set_io_weight(const struct cgroup *g, const char *device, unsigned weight, struct err *e)
{
	char text[64];
	snprintf(text, sizeof(text), "%s%u", device, weight);
	if (!file_poke(cgroup_fd(g, CG_UNIFIED), "io.bfq.weight", text))
		return 0;
	if (errno != ENOENT)
		return cgroup_set(g, CG_UNIFIED, "io.bfq.weight", text, e);
	snprintf(text, sizeof(text), "%s%u", device, cgroup_v2_io_weight(weight));
	return cgroup_set(g, CG_UNIFIED, "io.weight", text, e);
}

static int set_io_limit(const struct cgroup *g, const struct io_limit *l, struct err *e)
{
	static const char *const keys[] = {
	        [IO_READ_BPS] = "rbps",
	        [IO_WRITE_BPS] = "wbps",
	        [IO_READ_IOPS] = "riops",
	        [IO_WRITE_IOPS] = "wiops",
	};
	char text[96];
	if (l->kind == IO_WEIGHT) {
		snprintf(text, sizeof(text), "%u:%u ", l->major, l->minor);
		return set_io_weight(g, text, (unsigned)l->value, e);
	}
	if (l->value)
		snprintf(
		        text, sizeof(text), "%u:%u %s=%" PRIu64, l->major, l->minor, keys[l->kind], l->value);
	else /* an update takes it away */
		snprintf(text, sizeof(text), "%u:%u %s=max", l->major, l->minor, keys[l->kind]);
	return cgroup_set(g, CG_UNIFIED, "io.max", text, e);
}

static int apply_io(const struct cgroup *g, const struct resources *r, struct err *e)
{
	if (r->blkio_weight && set_io_weight(g, "", r->blkio_weight, e) < 0)
		return -1;
	for (size_t i = 0; i < r->n_io; i++)
		if (set_io_limit(g, &r->io[i], e) < 0)
			return -1;
	return 0;
}

int cgroup_v2_apply(const struct cgroup *g, const struct resources *r, unsigned controllers, struct err *e)
{
	if ((controllers & CG_BIT(CG_MEMORY)) && apply_memory(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_CPU)) && apply_cpu(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_CPUSET)) && apply_cpuset(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_BLKIO)) && apply_io(g, r, e) < 0)
		return -1;
	if ((controllers & CG_BIT(CG_PIDS)) && r->pids)
		return DEFENCE("pids-limit") ? cgroup_set_max(g, CG_UNIFIED, "pids.max", r->pids, e) : 0;
	return 0;
}

/* ------------------------------------------------------------------ events */

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int cgroup_v2_wait(int fd, const char *key, int64_t value, int timeout_ms)
{
	cleanup_fd int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (events < 0)
		return -1;
	int64_t end = now_ms() + timeout_ms;
	for (;;) {
		char text[256];
		ssize_t n = pread(events, text, sizeof(text) - 1, 0);
		if (n < 0)
			return errno == ENODEV && value == 0 ? 0 : -1; /* removed meanwhile: nothing holds */
		text[n] = '\0';
		if (cgroup_keyed(text, key) == value)
			return 0;
		int64_t left = end - now_ms();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		struct pollfd p = {.fd = events, .events = POLLPRI};
		poll(&p, 1, (int)left);
	}
}

int cgroup_v2_freeze(int fd, bool frozen, int timeout_ms)
{
	if (file_poke(fd, "cgroup.freeze", frozen ? "1" : "0") < 0)
		return -1;
	return cgroup_v2_wait(fd, "frozen", frozen, timeout_ms);
}

/* A cgroup that hands controllers to its children may not hold processes itself (outside the root). A
 * container that manages its own subtree brings that about; whoever joins it then goes to a leaf. */
int cgroup_v2_leaf(int fd)
{
	char text[256];
	if (file_read_small(fd, "cgroup.subtree_control", text, sizeof(text)) <= 0)
		return -1;
	return open_dir_make(fd, LEAF_NAME, 0755);
}
