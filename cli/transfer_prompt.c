/* Questions on the terminal. A signal that comes while the echo is off is seen by a descriptor, so that the
 * terminal is set right before the signal does what it does. */
#include "cli/transfer_prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

struct prompt {
	const char *question;
	bool secret;
	struct termios before;
	sigset_t caught, mask;
};

static void ask(const struct prompt *p)
{
	struct termios now = p->before;
	if (p->secret) {
		now.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
		now.c_lflag |= ECHONL;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
	}
	(void)!write(STDERR_FILENO, p->question, strlen(p->question));
}

static void restore(const struct prompt *p)
{
	if (p->secret)
		tcsetattr(STDIN_FILENO, TCSANOW, &p->before);
}

/* Let the signal do its work; who comes back was stopped and goes on. */
static void obey(const struct prompt *p, int signals)
{
	struct signalfd_siginfo info;
	sigset_t one;
	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return;
	restore(p);
	if (info.ssi_signo != SIGTSTP)
		(void)!write(STDERR_FILENO, "\n", 1);
	raise((int)info.ssi_signo);
	sigemptyset(&one);
	sigaddset(&one, (int)info.ssi_signo);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	ask(p);
}

static int read_line(const struct prompt *p, int signals, char answer[PROMPT_ANSWER_MAX], struct err *e)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait for the terminal");
		if (fds[1].revents) {
			obey(p, signals);
			continue;
		}
		if (!fds[0].revents)
			continue;
		ssize_t n = read(STDIN_FILENO, answer, PROMPT_ANSWER_MAX);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_sys(e, "cannot read from the terminal");
		if (n == 0 || answer[n - 1] != '\n' || memchr(answer, '\0', (size_t)n))
			return err_set(e, ERR_USAGE, "no line was typed");
		answer[n - 1] = '\0';
		return 0;
	}
}

int transfer_prompt(const char *question, bool secret, char answer[PROMPT_ANSWER_MAX], struct err *e)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	struct prompt p = {.question = question, .secret = secret};
	if (tcgetattr(STDIN_FILENO, &p.before) < 0)
		return err_set(e, ERR_USAGE, "standard input is no terminal");
	sigemptyset(&p.caught);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaddset(&p.caught, ends[i]);
	sigprocmask(SIG_BLOCK, &p.caught, &p.mask);
	cleanup_fd int signals = signalfd(-1, &p.caught, SFD_CLOEXEC);
	int rc = signals < 0 ? err_sys(e, "cannot wait for signals") : 0;
	if (rc == 0) {
		ask(&p);
		rc = read_line(&p, signals, answer, e);
		restore(&p);
	}
	sigprocmask(SIG_SETMASK, &p.mask, NULL);
	return rc;
}
