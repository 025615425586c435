#include "engine/archive/half_file.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
#define N_ENDS (sizeof ends / sizeof *ends)

/* A signal handler has no argument, so what it removes is the one global of this file. */
static struct {
	volatile sig_atomic_t active;
	int dir;
	char name[NAME_MAX + 1];
} half;

/* The action is reset to the default one (SA_RESETHAND): the signal kills when it is raised again. */
static void on_end(int sig)
{
	int saved = errno;

	if (half.active)
		unlinkat(half.dir, half.name, 0);
	raise(sig);
	errno = saved;
}

static void replace(void (*from)(int), void (*to)(int))
{
	struct sigaction old,
	        sa = {.sa_handler = to, .sa_flags = to == on_end ? (int)SA_RESETHAND | SA_NODEFER : 0};

	for (size_t i = 0; i < N_ENDS; i++)
		if (sigaction(ends[i], NULL, &old) == 0 && old.sa_handler == from)
			sigaction(ends[i], &sa, NULL);
}

void half_file_begin(int dir, const char *name)
{
	half_file_end();
	half.dir = dir;
	snprintf(half.name, sizeof half.name, "%s", name);
	half.active = 1;
	replace(SIG_DFL, on_end);
}

void half_file_end(void)
{
	if (!half.active)
		return;
	half.active = 0;
	replace(on_end, SIG_DFL);
}
