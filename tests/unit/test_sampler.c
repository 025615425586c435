/* Samples: the kernel's files as fixtures in a directory, because what matters is how they are read; and
 * one real cgroup. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/monitor/sampler.h"
#include "engine/runtime/cgroup.h"

#define UNKNOWN UINT64_MAX

static char dir[64];
static int dir_fd;

static void fixture(const char *name, const char *text)
{
	assert_int_equal(file_write_at(dir_fd, name, text, strlen(text), 0644, FILE_NO_SYNC, NULL), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/dev/shm/tare-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(dir_fd);
	return remove_tree_at(AT_FDCWD, dir);
}

static struct sampler_sources sources(int v2)
{
	struct sampler_sources s = {.v2 = v2};
	strcpy(s.cpu, dir);
	strcpy(s.memory, dir);
	strcpy(s.pids, dir);
	strcpy(s.blkio, dir);
	if (!v2)
		strcpy(s.cpuacct, dir);
	return s;
}

static struct sample take(const struct sampler_sources *src)
{
	struct sampler s;
	struct sample o;
	sampler_open(&s, src);
	sampler_read(&s, &o);
	sampler_close(&s);
	return o;
}

static uint64_t host_memory(void)
{
	struct sysinfo i;
	assert_int_equal(sysinfo(&i), 0);
	return (uint64_t)i.totalram * i.mem_unit;
}

static void v2_files(void **state)
{
	(void)state;
	fixture("cpu.stat",
	        "usage_usec 5123456\nuser_usec 4000000\nsystem_usec 1123456\nnice_usec 7\n"
	        "nr_periods 10\nnr_throttled 3\nthrottled_usec 2500\nnr_bursts 0\nburst_usec 0\n");
	fixture("memory.current", "10485760\n");
	fixture("memory.stat",
	        "anon 4194304\nfile 5242880\nkernel 655360\nkernel_stack 32768\nsock 0\nshmem 0\n"
	        "inactive_anon 4190208\nactive_anon 4096\ninactive_file 2097152\nactive_file 3145728\n");
	fixture("memory.max", "33554432\n");
	fixture("memory.peak", "12582912\n");
	fixture("memory.swap.current", "8192\n");
	fixture("memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 5\n");
	fixture("io.stat", "8:0 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
	                   "254:0 rbytes=800 wbytes=96 rios=1 wios=1 dbytes=50 dios=0\n7:0 \n");
	fixture("pids.current", "5\n");
	fixture("pids.max", "100\n");
	struct sampler_sources src = sources(1);
	struct sample o = take(&src);
	assert_true(o.cpu_ns == 5123456000 && o.cpu_user_ns == 4000000000 && o.cpu_system_ns == 1123456000);
	assert_int_equal(o.n_throttled, 3);
	assert_int_equal(o.throttled_ns, 2500000);
	assert_int_equal(o.memory, 10485760 - 2097152);
	assert_int_equal(o.memory_limit, 33554432);
	assert_int_equal(o.memory_anon, 4194304);
	assert_int_equal(o.memory_file, 5242880);
	assert_int_equal(o.memory_kernel, 655360);
	assert_int_equal(o.memory_swap, 8192);
	assert_int_equal(o.memory_peak, 12582912);
	assert_int_equal(o.oom_kills, 1);
	assert_int_equal(o.block_read, 1460000);
	assert_int_equal(o.block_write, 314773600);
	assert_int_equal(o.pids, 5);
	assert_int_equal(o.pids_limit, 100);
	assert_true(o.net_rx == UNKNOWN && o.net_tx == UNKNOWN); /* no process was named */
	assert_true(o.time > 0);
}

static void v2_without_limits(void **state)
{
	(void)state;
	fixture("memory.current", "1000\n");
	fixture("memory.stat",
	        "anon 500\nfile 4000\nkernel_stack 16\npagetables 4\nslab 80\ninactive_file 4000\n");
	fixture("memory.max", "max\n");
	fixture("pids.max", "max\n");
	fixture("io.stat", "");
	struct sampler_sources src = sources(1);
	struct sample o = take(&src);
	assert_int_equal(o.memory, 0); /* the two files are read one after the other: never below zero */
	assert_true(o.memory_limit == host_memory());
	assert_int_equal(o.memory_kernel, 100); /* before 5.18: the parts */
	assert_int_equal(o.pids_limit, 0);
	assert_int_equal(o.block_read, 0);
	assert_true(o.cpu_ns == UNKNOWN && o.pids == UNKNOWN && o.memory_peak == UNKNOWN &&
	            o.oom_kills == UNKNOWN);
}

static void v1_files(void **state)
{
	(void)state;
	fixture("cpu.stat", "nr_periods 40\nnr_throttled 4\nthrottled_time 77000\n");
	fixture("cpuacct.usage", "987654321\n");
	fixture("cpuacct.stat", "user 61\nsystem 37\n");
	fixture("memory.usage_in_bytes", "9000000\n");
	fixture("memory.stat",
	        "cache 1\nrss 2\nswap 3\ninactive_file 4\ntotal_cache 3000000\ntotal_rss 5000000\n"
	        "total_swap 4096\ntotal_inactive_file 1000000\n");
	fixture("memory.limit_in_bytes", "9223372036854771712\n");
	fixture("memory.max_usage_in_bytes", "9500000\n");
	fixture("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	fixture("blkio.throttle.io_service_bytes_recursive",
	        "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 8192\n8:0 Async 4096\n8:0 Discard 0\n8:0 Total "
	        "12288\n"
	        "8:16 Read 100\n8:16 Write 10\n8:16 Total 110\nTotal 12398\n");
	fixture("pids.current", "3\n");
	fixture("pids.max", "max\n");
	struct sampler_sources src = sources(0);
	struct sample o = take(&src);
	assert_int_equal(o.cpu_ns, 987654321);
	assert_int_equal(o.cpu_user_ns, 610000000);
	assert_int_equal(o.cpu_system_ns, 370000000);
	assert_int_equal(o.n_throttled, 4);
	assert_int_equal(o.throttled_ns, 77000);
	assert_int_equal(o.memory, 8000000);
	assert_int_equal(o.memory_anon, 5000000);
	assert_int_equal(o.memory_file, 3000000);
	assert_int_equal(o.memory_swap, 4096);
	assert_int_equal(o.memory_peak, 9500000);
	assert_true(o.memory_limit == host_memory());
	assert_true(o.memory_kernel == UNKNOWN);
	assert_int_equal(o.oom_kills, 2);
	assert_int_equal(o.block_read, 4196);
	assert_int_equal(o.block_write, 8202);
	assert_int_equal(o.pids, 3);
	assert_int_equal(o.pids_limit, 0);
}

static void memory_on_the_v2_side(void **state)
{
	(void)state;
	fixture("memory.events", "low 0\noom_kill 3\n");
	struct sampler_sources src = {0};
	strcpy(src.unified, dir);
	assert_int_equal(take(&src).oom_kills, 3);
}

static void nothing_there(void **state)
{
	(void)state;
	struct sampler_sources src = {0};
	struct sampler s;
	struct sample o, unknown;
	sampler_open(&s, &src);
	for (int i = 0; i < SF_COUNT; i++)
		assert_int_equal(s.fd[i], -1);
	sampler_read(&s, &o);
	memset(&unknown, 0xff, sizeof(unknown));
	unknown.time = o.time;
	unknown.memory_limit = host_memory();
	assert_memory_equal(&o, &unknown, sizeof(o));
	assert_true(sampler_oom_kills(&s) == UNKNOWN);
	sampler_close(&s);
	/* a path without a terminator in its array is not read past its end */
	memset(&src, 'a', sizeof(src));
	src.pid = 0;
	sampler_open(&s, &src);
	sampler_close(&s);
}

static void odd_content(void **state)
{
	(void)state;
	fixture("cpu.stat",
	        "usage_usec\nuser_usec x\nsystem_usec 99999999999999999999999999\nnr_throttled 1");
	fixture("memory.stat", "anon_thp 7\nanon 5");
	fixture("io.stat", "8:0 rbytes=x wbytes= rbytes=5");
	fixture("pids.current", "");
	char *big = malloc(100000);
	memset(big, '7', 99999);
	big[99999] = '\0';
	fixture("memory.events", big);
	free(big);
	struct sampler_sources src = sources(1);
	struct sample o = take(&src);
	assert_true(o.cpu_ns == UNKNOWN && o.cpu_user_ns == UNKNOWN);
	assert_int_equal(o.n_throttled, 1);
	assert_int_equal(o.memory_anon, 5); /* not anon_thp */
	assert_int_equal(o.block_read, 5);
	assert_int_equal(o.block_write, 0);
	assert_true(o.pids == UNKNOWN && o.oom_kills == UNKNOWN);
}

/* Two interfaces' worth of traffic would need a network; lo must count as none, in a fresh namespace that
 * has nothing else. And the sampler must not keep that namespace's files open. */
static void network(void **state)
{
	(void)state;
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct sampler_sources src = {.pid = pid};
	struct sampler s;
	struct sample o;
	sampler_open(&s, &src);
	sampler_read(&s, &o);
	assert_true(o.net_rx == 0 && o.net_tx == 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	sampler_read(&s, &o);
	assert_true(o.net_rx == UNKNOWN && o.net_tx == UNKNOWN);
	sampler_close(&s);
	close(ready[0]);
	close(ready[1]);
}

static void work(void)
{
	struct timespec t;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (!t.tv_sec && t.tv_nsec < 30000000);
}

static void a_real_cgroup(void **state)
{
	(void)state;
	char path[64];
	struct err e = ERR_INIT;
	cleanup_cgroup struct cgroup *g = NULL;
	snprintf(path, sizeof(path), "tare-test-%d/sampler", getpid());
	struct resources r = {.memory = 64 << 20, .pids = 12};
	if (cgroup_create(path, &r, &g, &e) < 0)
		fail_msg("%s", e.msg);
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	struct clone_args a = {.exit_signal = SIGCHLD};
	if (cgroup_clone_fd(g) >= 0) {
		a.flags = CLONE_INTO_CGROUP;
		a.cgroup = (uint64_t)cgroup_clone_fd(g);
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (!pid) {
		if (cgroup_enter_self(g, false, NULL) < 0)
			_exit(1);
		char *p = malloc(8 << 20);
		memset(p, 1, 8 << 20);
		work();
		if (write(ready[1], p, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct sampler_sources src;
	cgroup_sampler_sources(g, &src);
	src.pid = pid;
	struct sample o = take(&src);
	assert_true(o.cpu_ns > 20000000 && o.cpu_ns < 100000000000);
	assert_true(o.memory > 8 << 20 && o.memory <= 64 << 20);
	assert_true(o.memory_anon >= 8 << 20 && o.memory_anon <= 64 << 20);
	assert_int_equal(o.memory_limit, 64 << 20);
	assert_int_equal(o.oom_kills, 0);
	assert_int_equal(o.pids, 1);
	assert_int_equal(o.pids_limit, 12);
	assert_true(o.net_rx != UNKNOWN);
	assert_int_equal(cgroup_destroy(path, &e), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	*strrchr(path, '/') = '\0';
	assert_int_equal(cgroup_destroy(path, &e), 0);
	close(ready[0]);
	close(ready[1]);
}

/* Also after a failure: nobody of ours stays behind. */
static int group_tear_down(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof(path), "tare-test-%d", getpid());
	return cgroup_destroy(path, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(v2_files),
	        T(v2_without_limits),
	        T(v1_files),
	        T(memory_on_the_v2_side),
	        T(nothing_there),
	        T(odd_content),
	        T(network),
	        T(a_real_cgroup),
	};
	return cmocka_run_group_tests_name("sampler", tests, NULL, group_tear_down);
}
