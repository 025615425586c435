/* Samples for a display that shows many containers: kernel files stay open between calls, so that one
 * container costs a few reads. The ring that its monitor keeps tells what was before. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/sampler.h"
#include "engine/monitor/stats_ring.h"
#include "engine/network.h"
#include "engine/runtime/cgroup.h"

#define KEPT_MAX  4096
#define SPARE_FDS 512 /* for logs, shells, and whatever else the program has open */

/* The files of one running container. */
struct kept {
	char id[TARE_ID_LEN + 1];
	struct proc_id process;
	struct sampler sampler;
	unsigned round; /* of the last call that asked for it */
	/* The host's ends of its links, whose traffic one dump tells for all containers; none: it is read
	 * where the container sees it. They change when it comes into another network. */
	unsigned links[ENDPOINTS_MAX], n_links;
	struct timespec changed; /* network.json */
};

struct sampling {
	struct kept *kept; /* sorted by id */
	size_t n, max;
	unsigned round;
	struct link_handle *net; /* NULL until it is needed */
	struct link_stats_list traffic;
	unsigned traffic_round;
};

/* ------------------------------------------------------------------ one container */

/* Figures of an interface that is the host's, or of a container that stands in the host's network, are not
 * this container's. */
static bool has_own_network(const struct container *c)
{
	const char *mode = json_str(json_get(c->record.config, "HostConfig"), "NetworkMode", "");
	char path[40];
	struct stat own, its;

	if (strncmp(mode, "container:", strlen("container:")) != 0)
		return strcmp(mode, "host") != 0;
	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)c->state.process.pid);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &its) == 0 && own.st_ino != its.st_ino;
}

static int open_sampler(const struct container *c, bool with_net, struct sampler *s, struct err *e)
{
	char path[CGROUP_PATH_MAX];
	cleanup_cgroup struct cgroup *g = NULL;
	struct sampler_sources sources;

	if (container_need_up(c, e) != 0 || cgroup_open(container_cgroup_path(c, path), &g, e) != 0)
		return -1;
	cgroup_sampler_sources(g, &sources);
	if (with_net && has_own_network(c))
		sources.pid = c->state.process.pid;
	sampler_open(s, &sources);
	/* only now is what was opened by its pid sure to be its own */
	if (proc_alive(&c->state.process))
		return 0;
	sampler_close(s);
	return container_need_up(c, e);
}

int sampler_of_container(const struct container *c, struct sampler *s, struct err *e)
{
	return open_sampler(c, true, s, e);
}

/* ------------------------------------------------------------------ traffic by one dump */

static struct timespec changed_at(const struct store *s, const char *id)
{
	char path[TARE_ID_LEN + 16];
	struct stat st;

	snprintf(path, sizeof path, "%s/network.json", id);
	return fstatat(s->state_containers_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtim
	                                                                            : (struct timespec){0};
}

static void find_links(const struct store *s, const struct container *c, struct kept *k)
{
	cleanup_network_state struct network_state n = {0};

	k->changed = changed_at(s, c->id);
	k->n_links = 0;
	if (network_state_read(c->state_fd, c->id, &n, NULL) != 0)
		return;
	for (size_t i = 0; i < n.n_endpoints; i++) {
		if (!n.endpoints[i].link_index || i == ENDPOINTS_MAX) { /* one that has no end on the host */
			k->n_links = 0;
			return;
		}
		k->links[k->n_links++] = n.endpoints[i].link_index;
	}
}

static bool is_as_it_was(const struct store *s, const struct kept *k)
{
	struct timespec now = changed_at(s, k->id);

	return now.tv_sec == k->changed.tv_sec && now.tv_nsec == k->changed.tv_nsec;
}

static int by_index(const void *key, const void *row)
{
	unsigned index = *(const unsigned *)key, other = ((const struct link_stats *)row)->index;

	return index < other ? -1 : index > other;
}

/* What the host's end receives, the container has sent. */
static void add_traffic(struct sampling *k, const struct kept *c, struct sample *x)
{
	if (k->traffic_round != k->round) { /* the first one of this round that asks */
		k->traffic_round = k->round;
		k->traffic.n = 0;
		if (k->net || (k->net = link_open(NULL)))
			link_stats_read(k->net, &k->traffic, NULL);
	}
	x->net_rx = x->net_tx = 0;
	for (unsigned i = 0; i < c->n_links; i++) {
		const struct link_stats *row = k->traffic.n ? bsearch(&c->links[i], k->traffic.rows,
		                                                      k->traffic.n, sizeof *row, by_index)
		                                            : NULL;
		if (!row) {
			x->net_rx = x->net_tx = UINT64_MAX;
			return;
		}
		x->net_rx += row->tx_bytes;
		x->net_tx += row->rx_bytes;
	}
}

/* ------------------------------------------------------------------ those that are kept */

static size_t position(const struct sampling *k, const char *id)
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (strcmp(k->kept[mid].id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void drop(struct sampling *k, size_t i)
{
	sampler_close(&k->kept[i].sampler);
	memmove(&k->kept[i], &k->kept[i + 1], (--k->n - i) * sizeof *k->kept);
}

/* Most of the descriptors that we may have, but some are for the rest of the program. One that is not kept
 * costs five times as much. */
static size_t how_many(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur > KEPT_MAX * SF_COUNT)
		return KEPT_MAX;
	return (r.rlim_cur > 2 * SPARE_FDS ? r.rlim_cur - SPARE_FDS : r.rlim_cur / 2) / SF_COUNT;
}

static struct sampling *sampling_of(struct linux_engine *l)
{
	if (!l->sampling && (l->sampling = calloc(1, sizeof *l->sampling)))
		l->sampling->max = how_many();
	return l->sampling;
}

/* Keep it, if there is room. */
static struct kept *keep(struct sampling *k, size_t at, const struct kept *fresh)
{
	if (k->n >= k->max)
		return NULL;
	struct kept *kept = realloc(k->kept, (k->n + 1) * sizeof *kept);
	if (!kept)
		return NULL;
	k->kept = kept;
	memmove(&kept[at + 1], &kept[at], (k->n++ - at) * sizeof *kept);
	kept[at] = *fresh;
	return &kept[at];
}

static bool open_fresh(const struct store *s, const char *id, struct kept *fresh)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open_id(s, id, &c, NULL) != 0)
		return false;
	find_links(s, &c, fresh);
	if (open_sampler(&c, !fresh->n_links, &fresh->sampler, NULL) != 0)
		return false;
	fresh->process = c.state.process;
	snprintf(fresh->id, sizeof fresh->id, "%s", id);
	return true;
}

/* False when its run is over. A process that has ended is in no network, so figures of one prove that it
 * lives (those of a link some moments too long); only without them it has to be looked for. */
static bool read_kept(struct sampling *k, struct kept *c, struct sample *x)
{
	sampler_read(&c->sampler, x);
	if (c->n_links)
		add_traffic(k, c, x);
	return x->net_rx != UINT64_MAX || proc_alive(&c->process);
}

static void sample_one(struct linux_engine *l, struct sampling *k, const char *id, struct tare_stats *out)
{
	struct kept fresh = {0};
	struct sample x;
	size_t at = position(k, id);

	*out = (struct tare_stats){0};
	if (at < k->n && strcmp(k->kept[at].id, id) == 0) {
		if (is_as_it_was(&l->store, &k->kept[at]) && read_kept(k, &k->kept[at], &x)) {
			k->kept[at].round = k->round;
			stats_from_sample(&x, out);
			return;
		}
		drop(k, at); /* its run is over, or it has other links; another may be under way */
	}
	if (!open_fresh(&l->store, id, &fresh))
		return;
	read_kept(k, &fresh, &x);
	stats_from_sample(&x, out);
	fresh.round = k->round;
	if (!keep(k, at, &fresh))
		sampler_close(&fresh.sampler);
}

int engine_sample(
        struct tare_engine *t, const char *const *ids, size_t n, struct tare_stats *out, struct err *e)
{
	struct linux_engine *l = (struct linux_engine *)t;
	struct sampling *k = sampling_of(l);

	if (!k)
		return err_no_memory(e);
	k->round++;
	for (size_t i = 0; i < n; i++)
		sample_one(l, k, ids[i], &out[i]);
	for (size_t i = k->n; i-- > 0;)
		if (k->kept[i].round != k->round) /* nobody asks for it any more */
			drop(k, i);
	return 0;
}

void sampling_free(struct sampling *k)
{
	if (!k)
		return;
	while (k->n)
		drop(k, k->n - 1);
	link_close(&k->net);
	link_stats_free(&k->traffic);
	free(k->kept);
	free(k);
}

/* ------------------------------------------------------------------ before */

ssize_t engine_history(
        struct tare_engine *t, const char *ref, struct tare_stats *out, size_t max, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	size_t want = max < STATS_RING_SLOTS ? max : STATS_RING_SLOTS;

	if (container_open(engine_store(t), ref, &c, e) != 0)
		return -1;
	if (c.state_fd < 0)
		return 0;
	struct sample *samples = calloc(want ? want : 1, sizeof *samples);
	if (!samples)
		return err_no_memory(e);
	ssize_t n = stats_ring_read(c.state_fd, samples, want);
	for (ssize_t i = 0; i < n; i++)
		stats_from_sample(&samples[i], &out[i]);
	int saved = errno;
	free(samples);
	errno = saved;
	if (n < 0 && errno != ENOENT)
		return err_sys(e, "cannot read the past of container %s", c.record.name);
	return n < 0 ? 0 : n;
}

/* ------------------------------------------------------------------ pressure and host */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same for "full". */
static void read_stall(const char *dir, const char *file, struct tare_stall *out)
{
	char path[SAMPLER_PATH_MAX + 32], text[512];
	unsigned long long total;

	snprintf(path, sizeof path, "%s/%s", dir, file);
	out->known = file_read_small(AT_FDCWD, path, text, sizeof text) > 0 &&
	             sscanf(text, "some avg10=%lf avg60=%lf avg300=%*f total=%llu", &out->some10,
	                     &out->some60, &total) == 3;
	if (!out->known)
		return;
	out->some_us = total;
	const char *full = strstr(text, "full ");
	if (full && sscanf(full, "full avg10=%lf avg60=%lf avg300=%*f total=%llu", &out->full10, &out->full60,
	                    &total) == 3)
		out->full_us = total;
}

static void read_memory_events(const char *dir, struct tare_pressure *p)
{
	char path[SAMPLER_PATH_MAX + 32], text[512];
	const struct {
		const char *key;
		uint64_t *value;
	} keys[] = {{"low ", &p->mem_low}, {"high ", &p->mem_high}, {"max ", &p->mem_max},
	        {"oom ", &p->mem_oom}, {"oom_kill ", &p->mem_oom_kill}};

	snprintf(path, sizeof path, "%s/memory.events", dir);
	if (file_read_small(AT_FDCWD, path, text, sizeof text) < 0)
		return;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (strncmp(line, keys[i].key, strlen(keys[i].key)) == 0)
				*keys[i].value = strtoull(line + strlen(keys[i].key), NULL, 10);
}

int engine_pressure(struct tare_engine *t, const char *ref, struct tare_pressure *p, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	struct sampler_sources s;
	char path[CGROUP_PATH_MAX];

	*p = (struct tare_pressure){.mem_low = UINT64_MAX,
	        .mem_high = UINT64_MAX,
	        .mem_max = UINT64_MAX,
	        .mem_oom = UINT64_MAX,
	        .mem_oom_kill = UINT64_MAX};
	if (!ref) {
		read_stall("/proc/pressure", "cpu", &p->cpu);
		read_stall("/proc/pressure", "memory", &p->memory);
		read_stall("/proc/pressure", "io", &p->io);
		return 0;
	}
	if (container_open(engine_store(t), ref, &c, e) != 0 || container_need_up(&c, e) != 0 ||
	        cgroup_open(container_cgroup_path(&c, path), &g, e) != 0)
		return -1;
	cgroup_sampler_sources(g, &s);
	const char *dir = s.v2 ? s.memory : s.unified;
	read_stall(dir, "cpu.pressure", &p->cpu);
	read_stall(dir, "memory.pressure", &p->memory);
	read_stall(dir, "io.pressure", &p->io);
	if (s.v2)
		read_memory_events(s.memory, p);
	return 0;
}

/* The first line of /proc/stat: all but idle and iowait, in ticks; guest time is part of user time. */
static uint64_t busy_ns(void)
{
	char text[4096];
	unsigned long long user, nice, sys, irq, softirq, steal;

	cleanup_fd int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "cpu %llu %llu %llu %*u %*u %llu %llu %llu", &user, &nice, &sys, &irq, &softirq,
	            &steal) != 6)
		return 0;
	return (user + nice + sys + irq + softirq) * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t meminfo(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 10) << 10 : 0;
}

int engine_host(struct tare_engine *t, struct tare_host *h, struct err *e)
{
	char text[4096];

	(void)t;
	*h = (struct tare_host){.time = now_boottime(), .cpu_ns = busy_ns()};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	h->cpus = cpus > 0 ? (unsigned)cpus : 1;
	if (file_read_small(AT_FDCWD, "/proc/meminfo", text, sizeof text) < 0)
		return err_sys(e, "cannot read /proc/meminfo");
	h->memory_total = meminfo(text, "MemTotal:");
	uint64_t available = meminfo(text, "MemAvailable:");
	h->memory_used = h->memory_total > available ? h->memory_total - available : 0;
	if (getloadavg(&h->load1, 1) != 1)
		h->load1 = 0;
	if (gethostname(h->hostname, sizeof h->hostname - 1) != 0)
		*h->hostname = '\0';
	return 0;
}
