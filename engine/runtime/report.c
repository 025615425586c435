#include "engine/runtime/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/init/handoff.h"
#include "engine/oci/runtime_spec.h"

#define WORDS_MAX 4 /* of tare-init: born, ready, failed */

struct report {
	struct init_report head;
	struct err err;
};

int report_open(struct report_ends *launcher, struct report_ends *child, struct err *e)
{
	int sv[2], pipe[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return err_sys(e, "cannot make a socket pair");
	launcher->talk = sv[0];
	child->talk = sv[1];
	if (pipe2(pipe, O_CLOEXEC))
		return err_sys(e, "cannot make a pipe");
	launcher->init = pipe[0];
	child->init = pipe[1];
	return 0;
}

void report_close(struct report_ends *r)
{
	close_fd(&r->talk);
	close_fd(&r->init);
}

_Noreturn void report_die(int fd, const struct err *e)
{
	struct report r = {{INIT_SAYS_ERROR, 0, e->sys}, *e};

	(void)!send(fd, &r, sizeof r, MSG_NOSIGNAL);
	_exit(125);
}

int report_await_go(int fd, struct err *e)
{
	ssize_t n;
	char go;

	do
		n = recv(fd, &go, 1, 0);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : err_set(e, ERR_OTHER, "the launcher has gone away");
}

int report_launcher_lives(int fd, struct err *e)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0
	               ? err_set(e, ERR_OTHER, "the launcher has gone away")
	               : 0;
}

void report_go(int fd)
{
	ssize_t n;

	do
		n = send(fd, "g", 1, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	/* without the word it would wait for ever, and we for it; one that died meanwhile is report_wait()'s
	 * business */
	if (n < 0)
		shutdown(fd, SHUT_WR);
}

int report_send_terminal(int fd, int master, struct err *e)
{
	struct init_report head = {INIT_SAYS_TERMINAL, 0, 0};
	struct iovec iov = {&head, sizeof head};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr m = {
	        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &master, sizeof master);
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		return err_sys(e, "cannot hand over the container's terminal");
	return 0;
}

static ssize_t receive(int fd, struct report *r, int *passed)
{
	struct iovec iov = {r, sizeof *r};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr m = {
	        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	ssize_t n;

	/* ECONNRESET comes once, before what is still to be read: the child died without taking our "go" */
	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(passed, CMSG_DATA(c), sizeof *passed);
	return n;
}

/* The kernel's errno for the command, in the words of whoever typed it. */
static int command_failed(const struct init_report *r, const struct runtime_spec *spec, struct err *e)
{
	char name[256];
	bool path;

	text_harmless_to(name, sizeof name, spec->args[0]);
	path = strchr(spec->args[0], '/') != NULL;
	if (r->stage == INIT_STAGE_FIND)
		return err_set(e, ERR_NO_COMMAND, "exec \"%s\": not found in the container's PATH", name);
	switch (r->value) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		return err_set(e, ERR_NO_COMMAND, "exec \"%s\": no such file in the container%s", name,
		        path ? ", or its interpreter or loader is missing"
		             : " (its interpreter or loader is missing)");
	case EACCES:
		return err_set(e, ERR_NOT_EXECUTABLE,
		        "exec \"%s\": permission denied; it is a directory, has no execute permission, or "
		        "lies on a "
		        "noexec mount",
		        name);
	case ENOEXEC:
		return err_set(e, ERR_NOT_EXECUTABLE,
		        "exec \"%s\": exec format error; it is no program of this machine's architecture, or "
		        "a script "
		        "without #! line",
		        name);
	case E2BIG:
		return err_set(
		        e, ERR_NOT_EXECUTABLE, "exec \"%s\": arguments and environment are too long", name);
	default:
		errno = r->value;
		err_sys(e, "exec \"%s\"", name);
		if (e)
			e->kind = ERR_NOT_EXECUTABLE;
		return -1;
	}
}

static const char *const stage_text[INIT_STAGE_COUNT] = {
        [INIT_STAGE_BLOCK] = "cannot read the hand-over block",
        [INIT_STAGE_RLIMIT] = "cannot set a resource limit",
        [INIT_STAGE_APPARMOR] = "cannot set the AppArmor profile; is it loaded?",
        [INIT_STAGE_SECCOMP] = "cannot load the seccomp filter",
        [INIT_STAGE_BOUNDING] = "cannot reduce the capability bounding set",
        [INIT_STAGE_GROUPS] = "cannot set the supplementary groups",
        [INIT_STAGE_GID] = "cannot set the group id",
        [INIT_STAGE_UID] = "cannot set the user id",
        [INIT_STAGE_CAPS] = "cannot set the capabilities",
        [INIT_STAGE_NO_NEW_PRIVS] = "cannot set no_new_privs",
        [INIT_STAGE_FORK] = "cannot fork the command from process 1",
        [INIT_STAGE_TERMINAL] = "cannot make the container's terminal the controlling one",
};

static int join_failed(int error, struct err *e)
{
	errno = error;
	if (errno == EAGAIN)
		return err_sys(e,
		        "no room for another process in the container; raise --pids-limit or --ulimit nproc "
		        "(whoever joins is two for a moment)");
	if (errno == ENOMEM || errno == EINVAL)
		return err_sys(e, "cannot join the container's pid namespace; is it still running?");
	return err_sys(e, "cannot join the container's pid namespace");
}

static int init_failed(const struct init_report *r, const struct runtime_spec *spec, struct err *e)
{
	char cwd[256];

	if (r->stage == INIT_STAGE_EXEC || r->stage == INIT_STAGE_FIND)
		return command_failed(r, spec, e);
	text_harmless_to(cwd, sizeof cwd, spec->cwd && *spec->cwd ? spec->cwd : "/");
	if (r->stage == INIT_STAGE_CWD_OUTSIDE)
		return err_set(e, ERR_OTHER, "working directory \"%s\" leads out of the container", cwd);
	if (r->stage == INIT_STAGE_JOIN)
		return join_failed(r->value, e);
	errno = r->value;
	if (r->stage == INIT_STAGE_CWD)
		err_sys(e, "cannot enter the working directory \"%s\" in the container", cwd);
	else
		err_sys(e, "tare-init: %s",
		        r->stage < INIT_STAGE_COUNT && stage_text[r->stage] ? stage_text[r->stage]
		                                                            : "failed");
	if (e)
		e->kind = ERR_OTHER;
	return -1;
}

bool report_take_error(int fd, struct err *e)
{
	cleanup_fd int terminal = -1;
	struct report r;
	ssize_t n;

	while ((n = receive(fd, &r, &terminal)) > 0) {
		close_fd(&terminal);
		if (r.head.word != INIT_SAYS_ERROR || (size_t)n != sizeof r)
			continue;
		r.err.msg[sizeof r.err.msg - 1] = 0;
		if (e)
			*e = r.err;
		return true;
	}
	return false;
}

/* Until the child is tare-init. */
static int talk(int fd, int *terminal, struct err *e)
{
	struct report r;
	ssize_t n;

	while ((n = receive(fd, &r, terminal)) > 0) {
		if ((size_t)n < sizeof r.head)
			return err_set(e, ERR_OTHER, "the container's first process spoke nonsense");
		if (r.head.word == INIT_SAYS_ERROR && (size_t)n == sizeof r) {
			r.err.msg[sizeof r.err.msg - 1] = 0;
			if (e)
				*e = r.err;
			return -1;
		}
	}
	return n < 0 ? err_sys(e, "cannot hear from the container's first process") : 0;
}

/* The one word of which another may be harmed: believed of our own children only. */
static void take_born(pid_t pid, pid_t *born)
{
	siginfo_t info;

	if (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		*born = pid;
}

int report_wait(const struct report_ends *ends, const struct runtime_spec *spec, int *terminal_fd,
        pid_t *born, struct err *e)
{
	cleanup_fd int terminal = -1;
	struct init_report r;
	bool ready = false;
	ssize_t n;

	if (talk(ends->talk, &terminal, e))
		return -1;
	for (int words = 0; (n = read_full(ends->init, &r, sizeof r)) == (ssize_t)sizeof r; words++) {
		if (words == WORDS_MAX)
			return err_set(e, ERR_OTHER, "the container's first process spoke nonsense");
		if (r.word == INIT_SAYS_BORN)
			take_born(r.value, born);
		if (r.word == INIT_SAYS_FAILED)
			return init_failed(&r, spec, e);
		ready |= r.word == INIT_SAYS_READY;
	}
	if (n < 0)
		return err_sys(e, "cannot hear from the container's first process");
	if (!ready)
		return err_set(e, ERR_OTHER, "the container's first process died while it was being set up");
	*terminal_fd = steal_fd(&terminal);
	return 0;
}
