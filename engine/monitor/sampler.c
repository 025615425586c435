/* Reading a cgroup's usage. The monitor links this: no allocation, no stdio, one buffer on the stack. */
#include "engine/monitor/sampler.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define UNKNOWN UINT64_MAX
/* memory.stat is the longest file: 2.5 KB on Linux 6.18. io.stat of a host with more disks than fit is
 * counted as far as it was read. */
#define TEXT_MAX 6144

/* ------------------------------------------------------------------ parsing: text in, numbers out */

static uint64_t parse_number(const char *s)
{
	if (*s < '0' || *s > '9')
		return UNKNOWN;
	uint64_t v = 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (v > (UNKNOWN - 9) / 10)
			return UNKNOWN - 1;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	return v;
}

/* What follows "key " at the start of a line. */
static uint64_t parse_key(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = text; *line;) {
		if (!strncmp(line, key, len) && line[len] == ' ')
			return parse_number(line + len + 1);
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	return UNKNOWN;
}

/* The sum of all "MARKnumber" ("rbytes=" in io.stat, " Read " in blkio's files); 0 when there is none:
 * the files are empty before the first I/O. */
static uint64_t parse_sum(const char *text, const char *mark)
{
	uint64_t sum = 0;
	size_t len = strlen(mark);
	for (const char *p = text; (p = strstr(p, mark)); p += len) {
		uint64_t v = parse_number(p + len);
		sum += v == UNKNOWN ? 0 : v;
	}
	return sum;
}

/* Field `n` (from 0) of the part behind the colon of a line of /proc/PID/net/dev. */
static uint64_t net_field(const char *line, int n)
{
	while (*line == ' ')
		line++;
	for (; n > 0; n--) {
		line += strspn(line, "0123456789");
		while (*line == ' ')
			line++;
	}
	return parse_number(line);
}

/* Received and sent bytes of all interfaces but lo. */
static void parse_net(const char *text, uint64_t *rx, uint64_t *tx)
{
	*rx = *tx = 0;
	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		const char *colon = memchr(line, ':', (size_t)(end - line));
		while (*line == ' ')
			line++;
		if (colon && !(colon - line == 2 && !strncmp(line, "lo", 2))) {
			uint64_t in = net_field(colon + 1, 0), out = net_field(colon + 1, 8);
			*rx += in == UNKNOWN ? 0 : in;
			*tx += out == UNKNOWN ? 0 : out;
		}
		line = end + (*end == '\n');
	}
}

static uint64_t scaled(uint64_t v, uint64_t by)
{
	return v == UNKNOWN ? UNKNOWN : v * by;
}

/* ------------------------------------------------------------------ files */

static const char *const v2_files[SF_COUNT] = {
        [SF_CPU_STAT] = "cpu.stat",
        [SF_MEM_CURRENT] = "memory.current",
        [SF_MEM_STAT] = "memory.stat",
        [SF_MEM_LIMIT] = "memory.max",
        [SF_MEM_PEAK] = "memory.peak",
        [SF_MEM_SWAP] = "memory.swap.current",
        [SF_MEM_EVENTS] = "memory.events",
        [SF_IO] = "io.stat",
        [SF_PIDS] = "pids.current",
        [SF_PIDS_LIMIT] = "pids.max",
};

/* SF_MEM_SWAP is not there: v1's memory.stat has it, and memsw.usage counts memory too. */
static const char *const v1_files[SF_COUNT] = {
        [SF_CPU_STAT] = "cpu.stat",
        [SF_CPUACCT_USAGE] = "cpuacct.usage",
        [SF_CPUACCT_STAT] = "cpuacct.stat",
        [SF_MEM_CURRENT] = "memory.usage_in_bytes",
        [SF_MEM_STAT] = "memory.stat",
        [SF_MEM_LIMIT] = "memory.limit_in_bytes",
        [SF_MEM_PEAK] = "memory.max_usage_in_bytes",
        [SF_MEM_EVENTS] = "memory.oom_control",
        [SF_IO] = "blkio.throttle.io_service_bytes_recursive",
        [SF_PIDS] = "pids.current",
        [SF_PIDS_LIMIT] = "pids.max",
};

static const char *source_dir(const struct sampler_sources *src, enum sampler_file f)
{
	switch (f) {
	case SF_CPU_STAT:
		return src->cpu;
	case SF_CPUACCT_USAGE:
	case SF_CPUACCT_STAT:
		return src->cpuacct;
	case SF_IO:
		return src->blkio;
	case SF_PIDS:
	case SF_PIDS_LIMIT:
		return src->pids;
	case SF_NET:
	case SF_COUNT:
		return "";
	default:
		return src->memory;
	}
}

static int open_in(const char *dir, const char *name)
{
	char path[SAMPLER_PATH_MAX + 64];
	size_t d = strnlen(dir, SAMPLER_PATH_MAX), n = strlen(name);
	if (!d || d + 1 + n + 1 > sizeof(path))
		return -1;
	memcpy(path, dir, d);
	path[d] = '/';
	memcpy(path + d + 1, name, n + 1);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The directory /proc/PID and not net/dev in it: an open net/dev would keep the network namespace alive,
 * and with it the veth pair, after the container's end. The directory answers ESRCH once the process is
 * gone, so a reused pid is never read. */
static int open_process(pid_t pid)
{
	char path[6 + 20 + 1] = "/proc/", digits[20];
	size_t n = 0, len = 6;
	if (pid <= 0)
		return -1;
	for (; pid; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	while (n)
		path[len++] = digits[--n];
	path[len] = '\0';
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void sampler_open(struct sampler *s, const struct sampler_sources *src)
{
	const char *const *files = src->v2 ? v2_files : v1_files;
	s->v2 = src->v2;
	for (int f = 0; f < SF_COUNT; f++)
		s->fd[f] = files[f] ? open_in(source_dir(src, (enum sampler_file)f), files[f]) : -1;
	if (s->fd[SF_IO] < 0 && !src->v2) /* before 4.10 */
		s->fd[SF_IO] = open_in(src->blkio, "blkio.throttle.io_service_bytes");
	/* A hybrid host that has the memory controller on v2: at least its end by OOM is seen. */
	if (s->fd[SF_MEM_EVENTS] < 0 && !src->v2)
		s->fd[SF_MEM_EVENTS] = open_in(src->unified, v2_files[SF_MEM_EVENTS]);
	s->fd[SF_NET] = open_process(src->pid);
}

void sampler_close(struct sampler *s)
{
	for (int f = 0; f < SF_COUNT; f++) {
		if (s->fd[f] >= 0)
			close(s->fd[f]);
		s->fd[f] = -1;
	}
}

static int read_fd(int fd, char text[TEXT_MAX])
{
	ssize_t n = fd < 0 ? -1 : pread(fd, text, TEXT_MAX - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : 0;
}

static uint64_t read_number(const struct sampler *s, enum sampler_file f, char text[TEXT_MAX])
{
	return read_fd(s->fd[f], text) < 0 ? UNKNOWN : parse_number(text);
}

/* ------------------------------------------------------------------ samples */

static void sample_cpu(const struct sampler *s, struct sample *o, char text[TEXT_MAX])
{
	if (!read_fd(s->fd[SF_CPU_STAT], text)) {
		o->n_throttled = parse_key(text, "nr_throttled");
		if (s->v2) {
			o->cpu_ns = scaled(parse_key(text, "usage_usec"), 1000);
			o->cpu_user_ns = scaled(parse_key(text, "user_usec"), 1000);
			o->cpu_system_ns = scaled(parse_key(text, "system_usec"), 1000);
			o->throttled_ns = scaled(parse_key(text, "throttled_usec"), 1000);
			return;
		}
		o->throttled_ns = parse_key(text, "throttled_time");
	}
	o->cpu_ns = read_number(s, SF_CPUACCT_USAGE, text);
	if (!read_fd(s->fd[SF_CPUACCT_STAT],
	            text)) { /* in USER_HZ, which is 100 on every architecture of ours */
		o->cpu_user_ns = scaled(parse_key(text, "user"), 10000000);
		o->cpu_system_ns = scaled(parse_key(text, "system"), 10000000);
	}
}

/* Kernel memory as one number came with 5.18; before, its parts. */
static uint64_t parse_kernel_memory(const char *text)
{
	static const char *const parts[] = {"kernel_stack", "pagetables", "percpu", "slab"};
	uint64_t v = parse_key(text, "kernel"), sum = 0;
	if (v != UNKNOWN)
		return v;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		v = parse_key(text, parts[i]);
		if (v != UNKNOWN)
			sum += v;
	}
	return parse_key(text, "anon") == UNKNOWN ? UNKNOWN : sum;
}

static void sample_memory(const struct sampler *s, struct sample *o, char text[TEXT_MAX])
{
	struct sysinfo host;
	uint64_t total = sysinfo(&host) < 0 ? UNKNOWN : (uint64_t)host.totalram * host.mem_unit;
	o->memory = read_number(s, SF_MEM_CURRENT, text);
	o->memory_peak = read_number(s, SF_MEM_PEAK, text);
	o->memory_swap = read_number(s, SF_MEM_SWAP, text);
	/* "max" is not a number, and v1's "unlimited" is more than any host has. */
	o->memory_limit = read_number(s, SF_MEM_LIMIT, text);
	if (o->memory_limit > total)
		o->memory_limit = total;
	o->oom_kills = read_fd(s->fd[SF_MEM_EVENTS], text) < 0 ? UNKNOWN : parse_key(text, "oom_kill");
	if (read_fd(s->fd[SF_MEM_STAT], text) < 0)
		return;
	o->memory_anon = parse_key(text, s->v2 ? "anon" : "total_rss");
	o->memory_file = parse_key(text, s->v2 ? "file" : "total_cache");
	if (s->v2)
		o->memory_kernel = parse_kernel_memory(text);
	else
		o->memory_swap = parse_key(text, "total_swap");
	/* Cache that the kernel would give back without a word is not the container's need (Docker's way). */
	uint64_t inactive = parse_key(text, s->v2 ? "inactive_file" : "total_inactive_file");
	if (o->memory != UNKNOWN && inactive != UNKNOWN)
		o->memory = inactive < o->memory ? o->memory - inactive : 0;
}

static void sample_rest(const struct sampler *s, struct sample *o, char text[TEXT_MAX])
{
	if (!read_fd(s->fd[SF_IO], text)) {
		o->block_read = parse_sum(text, s->v2 ? "rbytes=" : " Read ");
		o->block_write = parse_sum(text, s->v2 ? "wbytes=" : " Write ");
	}
	o->pids = read_number(s, SF_PIDS, text);
	o->pids_limit = read_number(s, SF_PIDS_LIMIT, text);
	if (o->pids_limit == UNKNOWN && s->fd[SF_PIDS_LIMIT] >= 0)
		o->pids_limit = 0; /* "max" */
	int fd = s->fd[SF_NET] < 0 ? -1 : openat(s->fd[SF_NET], "net/dev", O_RDONLY | O_CLOEXEC);
	if (!read_fd(fd, text))
		parse_net(text, &o->net_rx, &o->net_tx);
	if (fd >= 0)
		close(fd);
}

void sampler_read(struct sampler *s, struct sample *out)
{
	char text[TEXT_MAX];
	struct timespec now;
	memset(out, 0xff, sizeof(*out)); /* every figure unknown */
	clock_gettime(CLOCK_BOOTTIME, &now);
	out->time = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	sample_cpu(s, out, text);
	sample_memory(s, out, text);
	sample_rest(s, out, text);
}

uint64_t sampler_oom_kills(struct sampler *s)
{
	char text[TEXT_MAX];
	return read_fd(s->fd[SF_MEM_EVENTS], text) < 0 ? UNKNOWN : parse_key(text, "oom_kill");
}
