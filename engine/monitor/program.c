/* Programs that the monitor runs, or becomes: they get nothing that only a supervisor should have. */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "engine/monitor/monitor.h"

#define OOM_SCORE "/proc/self/oom_score_adj"

static bool oom_score_set(const char *score)
{
	int fd = open(OOM_SCORE, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, score, strlen(score)) >= 0;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Being killed for memory would orphan the container. Where we may not, the kernel's choice stands. */
void spare_from_oom(struct monitor *m)
{
	int fd = open(OOM_SCORE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, m->oom_score, sizeof(m->oom_score) - 1);

	if (fd >= 0)
		close(fd);
	m->spared = n > 0 && oom_score_set("-999");
}

/* Whoever is born now has the score that we were born with: a container that is started again, or a health
 * check within it, must not be spared before everything else on the host. */
static void oom_score_lend(struct monitor *m, bool lend)
{
	if (m->spared)
		oom_score_set(lend ? m->oom_score : "-999");
}

pid_t program_spawn(struct monitor *m, const char *const *argv)
{
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(
	        &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	oom_score_lend(m, true);
	/* 0, 1 and 2 are /dev/null since the start; everything else is close-on-exec. */
	rc = posix_spawn(&pid, argv[0], NULL, &attr, (char *const *)(uintptr_t)argv, environ);
	oom_score_lend(m, false);
	posix_spawnattr_destroy(&attr);
	return rc ? -1 : pid;
}

void program_become(struct monitor *m, const char *const *argv)
{
	sigset_t none, heard;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL); /* what cannot be set is refused */
	sigemptyset(&none);
	signals_heard(&heard);
	sigprocmask(SIG_SETMASK, &none, NULL);
	oom_score_lend(m, true);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	oom_score_lend(m, false);
	sigprocmask(SIG_SETMASK, &heard, NULL);
}
