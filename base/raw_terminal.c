#include "base/raw_terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>

#include "base/err.h"

static const int fatal_signals[] = {
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
#define N_FATAL (sizeof(fatal_signals) / sizeof(*fatal_signals))

/* A signal handler has no argument, so what it restores is the one global of this file. */
static struct {
	volatile sig_atomic_t active;
	int fd;
	struct termios saved;
	struct sigaction old[N_FATAL];
} terminal;

static void restore(void)
{
	if (terminal.active)
		tcsetattr(terminal.fd, TCSANOW, &terminal.saved);
	terminal.active = 0;
}

/* The action is reset to the default one (SA_RESETHAND): the signal kills when it is raised again. */
static void on_fatal_signal(int sig)
{
	restore();
	raise(sig);
}

void raw_terminal_again(void)
{
	struct termios raw = terminal.saved;

	if (!terminal.active)
		return;
	raw.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	raw.c_oflag &= (tcflag_t)~OPOST;
	raw.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cflag = (raw.c_cflag & (tcflag_t) ~(CSIZE | PARENB)) | CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(terminal.fd, TCSANOW, &raw);
}

int raw_terminal_enter(int fd, struct err *e)
{
	struct sigaction sa = {.sa_handler = on_fatal_signal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	static bool at_exit;

	if (tcgetattr(fd, &terminal.saved) < 0)
		return err_sys(e, "cannot read the terminal's settings");
	terminal.fd = fd;
	terminal.active = 1;
	for (size_t i = 0; i < N_FATAL; i++)
		sigaction(fatal_signals[i], &sa, &terminal.old[i]);
	if (!at_exit)
		at_exit = atexit(restore) == 0;
	raw_terminal_again();
	return 0;
}

void raw_terminal_leave(void)
{
	if (!terminal.active)
		return;
	restore();
	for (size_t i = 0; i < N_FATAL; i++)
		sigaction(fatal_signals[i], &terminal.old[i], NULL);
}
