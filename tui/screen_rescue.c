/* The way back when there is no time for manners: everything here is async-signal-safe and uses only what was
 * computed beforehand. The handlers have no argument, so what they need stands in one static record. */
#ifndef _GNU_SOURCE
#define _XOPEN_SOURCE 700 /* sigaltstack */
#endif
#include "tui/screen_rescue.h"

#ifdef __GLIBC__
#include <execinfo.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tui/loop.h"
#include "tui/screen.h"

#define RESCUE_MAX  512
#define STACK_SIZE  65536
#define MAX_FRAMES  64
#define WRITE_TRIES 50

static struct {
	volatile sig_atomic_t armed;
	int fd, flags;
	struct termios termios;
	char bytes[RESCUE_MAX];
	size_t len;
	char place[64]; /* where the program is, without which the addresses of a static one say nothing */
} rescue;

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static const int endings[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

void rescue_arm(int fd, const struct termios *t, int flags, const char *bytes, size_t len)
{
	rescue.armed = 0;
	rescue.fd = fd;
	rescue.flags = flags;
	rescue.termios = *t;
	rescue.len = len < RESCUE_MAX ? len : 0;
	memcpy(rescue.bytes, bytes, rescue.len);
	rescue.armed = 1;
}

/* A terminal that takes nothing must not keep a dying program alive. */
static void write_all(int fd, const char *bytes, size_t len)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	for (int tries = 0; len > 0 && tries < WRITE_TRIES;) {
		ssize_t n = write(fd, bytes, len);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			tries++;
			nanosleep(&pause, NULL);
		} else if (errno != EINTR) {
			return;
		}
	}
}

void rescue_now(void)
{
	int saved = errno;
	sigset_t ttou, before;

	if (!rescue.armed)
		return;
	rescue.armed = 0;
	/* tcsetattr() from the background would stop us with SIGTTOU. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &before);
	write_all(rescue.fd, rescue.bytes, rescue.len);
	tcsetattr(rescue.fd, TCSANOW, &rescue.termios);
	if (rescue.flags >= 0)
		fcntl(rescue.fd, F_SETFL, rescue.flags);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
}

void screen_rescue(int sig)
{
	(void)sig;
	rescue_now();
}

static void on_crash(int sig)
{
	static const char said[] = "tare-tui: crashed; please report this with the lines below\n";
	/* Standard error may lead into the dashboard that has just died. */
	int fd = rescue.armed && !isatty(STDERR_FILENO) ? rescue.fd : STDERR_FILENO;

	rescue_now();
	write_all(fd, said, sizeof(said) - 1);
#ifdef __GLIBC__
	void *frames[MAX_FRAMES];

	write_all(fd, rescue.place, strlen(rescue.place));
	backtrace_symbols_fd(frames, backtrace(frames, MAX_FRAMES), fd);
#endif
	/* SA_RESETHAND gave the signal its default back. */
	raise(sig);
}

static void on_ending(int sig)
{
	rescue_now();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Signals that something else catches or that are ignored (nohup) stay as they are. */
static void catch_default(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags}, before;

	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(sig, &sa, NULL);
}

void rescue_handle(void)
{
	static char stack[STACK_SIZE];
	static bool at_exit;
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)}, before;

	/* A stack overflow leaves no room for a handler; a sanitizer brings its own stack. */
	if (sigaltstack(NULL, &before) == 0 && (before.ss_flags & SS_DISABLE))
		sigaltstack(&alternate, NULL);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		catch_default(crashes[i], on_crash, SA_ONSTACK | (int)SA_RESETHAND);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		catch_default(endings[i], on_ending, 0);
	loop_stuck(screen_rescue);
	if (!at_exit)
		at_exit = atexit(rescue_now) == 0;
#ifdef __GLIBC__
	void *frame;

	snprintf(rescue.place, sizeof(rescue.place), "rescue_now is at %#jx\n",
	        (uintmax_t)(uintptr_t)rescue_now);
	backtrace(&frame, 1); /* loads libgcc now: that allocates, which a crash could not */
#endif
}
