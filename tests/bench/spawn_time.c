/* spawn_time [-n RUNS] [-p PAUSE_MS] [-c AT_ONCE] [-m MOUNT_NAMESPACE] [-0] -- COMMAND…
 *
 * Times a command without a shell's noise: starts it RUNS times with its output thrown away and prints one
 * line per run: microseconds from before the start to after the end, user and system time of it and all that
 * it waited for, its exit code, and KiB of memory that the largest of its processes had. -p waits before each
 * run, as a person or a script would; -c starts that many at once and prints one line for all of them; -m
 * runs them in another process's mount namespace; -0 times a child that does nothing, which is the floor. In
 * the command, every "{}" word becomes the number of the run. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_US   1000
#define US_PER_S    1000000
#define MAX_WORDS   256
#define MAX_AT_ONCE 1000

struct job {
	char **words;
	bool nothing;
};

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / NS_PER_US;
}

static _Noreturn void child(const struct job *job, int number)
{
	char text[16], *words[MAX_WORDS + 1];
	size_t n = 0;
	if (job->nothing)
		_exit(0);
	snprintf(text, sizeof text, "%d", number);
	for (; n < MAX_WORDS && job->words[n]; n++)
		words[n] = strcmp(job->words[n], "{}") ? job->words[n] : text;
	words[n] = NULL;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(126);
	execvp(words[0], words);
	_exit(127);
}

static pid_t start(const struct job *job, int number)
{
	pid_t pid = vfork(); /* the cost of copying our own memory is not the command's */
	if (pid == 0)
		child(job, number);
	if (pid < 0) {
		perror("spawn_time: vfork");
		exit(1);
	}
	return pid;
}

static int64_t us(struct timeval t)
{
	return (int64_t)t.tv_sec * US_PER_S + t.tv_usec;
}

static void round_of(const struct job *job, int first, int at_once)
{
	pid_t pids[MAX_AT_ONCE];
	int64_t user = 0, sys = 0, begin = now_us();
	long memory = 0;
	int code = 0;
	for (int i = 0; i < at_once; i++)
		pids[i] = start(job, first + i);
	for (int i = 0; i < at_once; i++) {
		struct rusage used;
		int status;
		if (wait4(pids[i], &status, 0, &used) < 0)
			exit(1);
		user += us(used.ru_utime);
		sys += us(used.ru_stime);
		memory = used.ru_maxrss > memory ? used.ru_maxrss : memory;
		if (status)
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	printf("%lld %lld %lld %d %ld\n", (long long)(now_us() - begin), (long long)user, (long long)sys,
	        code, memory);
}

static void enter(const char *namespace)
{
	int fd = open(namespace, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS)) {
		fprintf(stderr, "spawn_time: cannot enter %s: %s\n", namespace, strerror(errno));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct job job = {0};
	int runs = 1, pause_ms = 0, at_once = 1, opt;
	while ((opt = getopt(argc, argv, "+n:p:c:m:0")) != -1) {
		switch (opt) {
		case 'n':
			runs = atoi(optarg);
			break;
		case 'p':
			pause_ms = atoi(optarg);
			break;
		case 'c':
			at_once = atoi(optarg);
			break;
		case 'm':
			enter(optarg);
			break;
		case '0':
			job.nothing = true;
			break;
		default:
			return 2;
		}
	}
	job.words = argv + optind;
	if ((!*job.words && !job.nothing) || at_once < 1 || at_once > MAX_AT_ONCE)
		return 2;
	for (int i = 0; i < runs; i++) {
		if (pause_ms)
			nanosleep(&(struct timespec){pause_ms / 1000, pause_ms % 1000 * 1000000L}, NULL);
		round_of(&job, i * at_once, at_once);
	}
	return 0;
}
