/* What a running container uses, and which processes it has. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/sampler.h"
#include "engine/runtime/cgroup.h"

static int open_running(
        struct tare_engine *t, const char *ref, struct container *c, struct cgroup **g, struct err *e)
{
	char path[CGROUP_PATH_MAX];

	if (container_open(engine_store(t), ref, c, e) != 0 || container_need_up(c, e) != 0)
		return -1;
	return cgroup_open(container_cgroup_path(c, path), g, e);
}

static uint64_t host_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void stats_from_sample(const struct sample *x, struct tare_stats *out)
{
	*out = (struct tare_stats){.time = x->time,
	        .cpu_ns = x->cpu_ns,
	        .cpu_user_ns = x->cpu_user_ns,
	        .cpu_system_ns = x->cpu_system_ns,
	        .throttled_ns = x->throttled_ns,
	        .n_throttled = x->n_throttled,
	        .memory = x->memory,
	        /* the sampler cuts it down to the host's already */
	        .memory_limit =
	                x->memory_limit && x->memory_limit != UINT64_MAX ? x->memory_limit : host_memory(),
	        .memory_anon = x->memory_anon,
	        .memory_file = x->memory_file,
	        .memory_kernel = x->memory_kernel,
	        .memory_swap = x->memory_swap,
	        .memory_peak = x->memory_peak,
	        .oom_kills = x->oom_kills,
	        .net_rx = x->net_rx,
	        .net_tx = x->net_tx,
	        .block_read = x->block_read,
	        .block_write = x->block_write,
	        .pids = x->pids,
	        .pids_limit = x->pids_limit == UINT64_MAX ? 0 : x->pids_limit};
}

int engine_stats(struct tare_engine *t, const char *ref, struct tare_stats *out, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct sampler sampler;
	struct sample x;

	if (container_open(engine_store(t), ref, &c, e) != 0 || sampler_of_container(&c, &sampler, e) != 0)
		return -1;
	sampler_read(&sampler, &x);
	sampler_close(&sampler);
	stats_from_sample(&x, out);
	return 0;
}

/* ------------------------------------------------------------------ top */

struct process {
	unsigned uid;
	int ppid, tty;
	uint64_t start_ticks, cpu_ticks, resident; /* resident: bytes */
	char comm[64];
};

/* The fields after the command's name, which may hold spaces and parentheses: the last ')' ends it. */
static bool read_stat(pid_t pid, struct process *p)
{
	char path[40], text[1024];
	unsigned long user = 0, system = 0;
	unsigned long long start = 0;
	long resident = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (file_read_small(AT_FDCWD, path, text, sizeof text) < 0)
		return false;
	char *open_paren = strchr(text, '('), *end = strrchr(text, ')');
	if (!open_paren || !end)
		return false;
	snprintf(p->comm, sizeof p->comm, "%.*s", (int)(end - open_paren - 1), open_paren + 1);
	if (sscanf(end + 1,
	            " %*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu %*u %ld",
	            &p->ppid, &p->tty, &user, &system, &start, &resident) != 6)
		return false;
	p->cpu_ticks = user + system;
	p->start_ticks = start;
	p->resident = resident > 0 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	struct stat st;
	p->uid = stat(path, &st) == 0 ? st.st_uid : 0;
	return true;
}

static char *read_command(pid_t pid, const char *comm)
{
	char path[40];
	cleanup_buf struct buf b = BUF_INIT_MAX(64 << 10);

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_to_buf(fd, &b) != 0 || b.len == 0)
		return str_printf("[%s]", comm);
	for (size_t i = 0; i + 1 < b.len; i++)
		if (b.data[i] == '\0')
			b.data[i] = ' ';
	return buf_take(&b);
}

static char *start_text(uint64_t ticks)
{
	time_t at = (time_t)((now_realtime() - now_boottime()) / 1000000000 +
	                     (int64_t)(ticks / (uint64_t)sysconf(_SC_CLK_TCK)));
	struct tm tm;

	localtime_r(&at, &tm);
	return str_printf("%02d:%02d", tm.tm_hour, tm.tm_min);
}

/* Its row, and in `usage` the figures that the row's columns round. */
static json *process_row(pid_t pid, json **usage)
{
	struct process p;

	if (!read_stat(pid, &p))
		return NULL;
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK), cpu = p.cpu_ticks / hz;
	double age = (double)now_boottime() / 1e9 - (double)p.start_ticks / (double)hz;
	cleanup_free char *command = read_command(pid, p.comm), *stime = start_text(p.start_ticks);
	json *row = json_object_new_array();
	char text[32];

	snprintf(text, sizeof text, "%u", p.uid);
	json_add_str(row, p.uid == 0 ? "root" : text);
	snprintf(text, sizeof text, "%d", (int)pid);
	json_add_str(row, text);
	snprintf(text, sizeof text, "%d", p.ppid);
	json_add_str(row, text);
	snprintf(text, sizeof text, "%d",
	        age > 0.01 ? (int)(100.0 * (double)p.cpu_ticks / (double)hz / age) : 0);
	json_add_str(row, text);
	json_add_str(row, stime ? stime : "");
	if (p.tty)
		snprintf(text, sizeof text, "pts/%d", p.tty & 0xff);
	json_add_str(row, p.tty ? text : "?");
	snprintf(text, sizeof text, "%02u:%02u:%02u", (unsigned)(cpu / 3600), (unsigned)(cpu / 60 % 60),
	        (unsigned)(cpu % 60));
	json_add_str(row, text);
	json_add_str(row, command ? command : "");
	*usage = json_object_new_array();
	json_object_array_add(*usage, json_object_new_int64((int64_t)(p.cpu_ticks * (1000000000 / hz))));
	json_object_array_add(*usage, json_object_new_int64((int64_t)p.resident));
	return row;
}

int engine_top(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	static const char *const titles[] = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	cleanup_free pid_t *pids = NULL;

	if (open_running(t, ref, &c, &g, e) != 0)
		return -1;
	int n = container_pids(&c, g, &pids, e);
	if (n < 0)
		return -1;
	json *names = json_object_new_array(), *rows = json_object_new_array();
	json *usage = json_object_new_array();
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		json_add_str(names, titles[i]);
	for (int i = 0; i < n; i++) {
		json *used, *row = process_row(pids[i], &used);
		if (row) {
			json_object_array_add(rows, row);
			json_object_array_add(usage, used);
		}
	}
	*out = json_object_new_object();
	json_set(*out, "Titles", names);
	json_set(*out, "Processes", rows);
	json_set(*out, "Usage", usage);
	return 0;
}
