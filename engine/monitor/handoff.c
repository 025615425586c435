/* The hand-over as arguments: one table says how each member is written and read, so that the starter's
 * side and the monitor's side cannot drift apart. */
#include "engine/monitor/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "engine/monitor/decimal.h"
#include "engine/monitor/handoff_table.h"

#define ARG_SIZE  (SAMPLER_PATH_MAX + 32)
#define LIST_MAX  32
#define N_MEMBERS (sizeof(members) / sizeof(*members))
#define N_LISTS   (sizeof(lists) / sizeof(*lists))

enum member_type { M_FD, M_INT, M_BOOL, M_UNSIGNED, M_U64, M_PATH };

static const struct member {
	const char *name;
	enum member_type type;
	size_t offset;
} members[] = {
#define MEMBER(n, t, f)                                                                                      \
	{                                                                                                    \
		n, t, offsetof(struct monitor_handoff, f)                                                    \
	}
        MEMBER("pid", M_INT, pid),
        MEMBER("pidfd", M_FD, pidfd),
        MEMBER("state", M_FD, state_fd),
        MEMBER("container", M_FD, container_fd),
        MEMBER("listen", M_FD, listen_fd),
        MEMBER("out", M_FD, out_fd),
        MEMBER("err", M_FD, err_fd),
        MEMBER("in", M_FD, in_fd),
        MEMBER("terminal", M_FD, terminal_fd),
        MEMBER("client", M_FD, client_fd),
        MEMBER("hold", M_FD, hold_fd),
        MEMBER("nft", M_FD, nft_fd),
        MEMBER("held", M_INT, held_fd),
        MEMBER("n-held", M_UNSIGNED, n_held),
        MEMBER("keep-stdin", M_BOOL, keep_stdin),
        MEMBER("log", M_BOOL, log),
        MEMBER("log-max-size", M_U64, log_max_size),
        MEMBER("log-max-files", M_UNSIGNED, log_max_files),
        MEMBER("started", M_U64, started),
        MEMBER("v2", M_INT, sources.v2),
        MEMBER("cpu", M_PATH, sources.cpu),
        MEMBER("cpuacct", M_PATH, sources.cpuacct),
        MEMBER("memory", M_PATH, sources.memory),
        MEMBER("pids", M_PATH, sources.pids),
        MEMBER("blkio", M_PATH, sources.blkio),
        MEMBER("unified", M_PATH, sources.unified),
        MEMBER("net-pid", M_INT, sources.pid),
        MEMBER("health-interval", M_UNSIGNED, health_interval_ms),
        MEMBER("health-start-interval", M_UNSIGNED, health_start_interval_ms),
        MEMBER("health-limit", M_UNSIGNED, health_limit_ms),
        MEMBER("cleanup-always", M_BOOL, cleanup_always),
        MEMBER("adopted", M_BOOL, adopted),
#undef MEMBER
};
_Static_assert(sizeof(pid_t) == sizeof(int), "a pid travels as an int");
_Static_assert(sizeof(uint32_t) == sizeof(unsigned), "milliseconds travel as unsigned");

/* Commands come after the members, behind "--": each as NAME=WORDS and that many words. */
static const struct list {
	const char *name;
	size_t offset;
} lists[] = {
        {"cleanup", offsetof(struct monitor_handoff, cleanup_argv)},
        {"health", offsetof(struct monitor_handoff, health_argv)},
        {"restart", offsetof(struct monitor_handoff, restart_argv)},
};

typedef const char *const *words;

static words *list_at(const struct list *l, const struct monitor_handoff *h)
{
	return (words *)(uintptr_t)((const char *)h + l->offset);
}

static int64_t member_get(const struct member *m, const void *p)
{
	switch (m->type) {
	case M_FD:
	case M_INT:
		return *(const int *)p;
	case M_BOOL:
		return *(const bool *)p;
	case M_UNSIGNED:
		return *(const unsigned *)p;
	default:
		return *(const int64_t *)p;
	}
}

static void member_set(const struct member *m, void *p, int64_t v)
{
	switch (m->type) {
	case M_FD:
	case M_INT:
		*(int *)p = (int)v;
		break;
	case M_BOOL:
		*(bool *)p = v != 0;
		break;
	case M_UNSIGNED:
		*(unsigned *)p = (unsigned)v;
		break;
	default:
		*(int64_t *)p = v;
	}
}

/* A descriptor that survives execve, above the standard three (the monitor puts /dev/null there). */
static int fd_pass(int fd)
{
	if (fd < 0)
		return fd;
	if (fd <= STDERR_FILENO)
		return fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
	return fcntl(fd, F_SETFD, 0) < 0 ? -1 : fd;
}

static int member_write(const struct member *m, const void *p, char dst[ARG_SIZE], struct err *e)
{
	char *end = stpcpy(dst, m->name);
	int64_t v;

	*end++ = '=';
	if (m->type == M_PATH) {
		strcpy(end, p);
		return 0;
	}
	v = member_get(m, p);
	if (m->type == M_FD && v >= 0) {
		v = fd_pass((int)v);
		if (v < 0)
			return err_sys(e, "cannot hand descriptor '%s' to the monitor", m->name);
	}
	decimal_write(end, v);
	return 0;
}

/* The words of a command behind its name and their number; how many arguments that makes, -1 with e. */
static int list_write(const struct list *l, words argv, char head[ARG_SIZE], const char **dst, struct err *e)
{
	int n = 0;

	while (argv && argv[n]) {
		if (n == LIST_MAX)
			return err_set(e, ERR_OTHER, "the monitor's command for %s has more than %d words",
			        l->name, LIST_MAX);
		dst[n + 1] = argv[n];
		n++;
	}
	if (!n)
		return 0;
	char *end = stpcpy(head, l->name);
	*end++ = '=';
	decimal_write(end, n);
	dst[0] = head;
	return n + 1;
}

/* Passwords and tokens are handed over in environments, and a monitor lives long: where /proc is shared
 * (--pid host), or a dump is made, what it has is seen. It gets what the commands that it runs need to find
 * their files. Test: isolation.bats, "the environment of the caller stays outside". */
static bool is_passed_on(const char *variable)
{
	static const char *const names[] = {"PATH=", "HOME=", "LANG=", "TZ=", "TMPDIR=", "XDG_", "TARE_",
	        "DBUS_SESSION_BUS_ADDRESS=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS="};

	if (!DEFENCE("monitor-environment"))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* In place: the process becomes the monitor. */
static void leave_environment(void)
{
	char **to = environ;

	for (char **from = environ; from && *from; from++)
		if (is_passed_on(*from))
			*to++ = *from;
	if (to)
		*to = NULL;
}

int monitor_exec(const struct monitor_handoff *h, struct err *e)
{
	static const char separator[] = "--";
	char text[N_MEMBERS + N_LISTS][ARG_SIZE];
	const char *argv[N_MEMBERS + N_LISTS * (LIST_MAX + 1) + 4];
	size_t n = 0;

	argv[n++] = "tare-monitor";
	argv[n++] = h->id;
	for (size_t i = 0; i < N_MEMBERS; i++) {
		if (member_write(&members[i], (const char *)h + members[i].offset, text[i], e) < 0)
			return -1;
		argv[n++] = text[i];
	}
	argv[n++] = separator;
	for (size_t i = 0; i < N_LISTS; i++) {
		int len = list_write(&lists[i], *list_at(&lists[i], h), text[N_MEMBERS + i], argv + n, e);

		if (len < 0)
			return -1;
		n += (size_t)len;
	}
	argv[n] = NULL;
	leave_environment();
	execv(h->program, (char *const *)argv);
	return err_sys(e, "cannot execute the monitor %s", h->program);
}

static bool member_parse(struct monitor_handoff *h, const char *arg)
{
	for (size_t i = 0; i < N_MEMBERS; i++) {
		const struct member *m = &members[i];
		size_t len = strlen(m->name);
		const char *value = arg + len + 1;
		char *p = (char *)h + m->offset;
		int64_t v;

		if (strncmp(arg, m->name, len) || arg[len] != '=')
			continue;
		if (m->type == M_PATH) {
			if (strlen(value) >= SAMPLER_PATH_MAX)
				return false;
			strcpy(p, value);
			return true;
		}
		if (!decimal_read(&value, &v) || *value)
			return false;
		member_set(m, p, v);
		return true;
	}
	return false;
}

/* The command that argv[i] names; its last word is behind `next`. NULL ends the words: at the head of the
 * next command, which has been read by then, or at the end of argv. */
static bool list_parse(struct monitor_handoff *h, int argc, char **argv, int i, int *next)
{
	for (size_t k = 0; k < N_LISTS; k++) {
		size_t len = strlen(lists[k].name);
		const char *value = argv[i] + len + 1;
		int64_t n;

		if (strncmp(argv[i], lists[k].name, len) || argv[i][len] != '=')
			continue;
		if (!decimal_read(&value, &n) || *value || n < 1 || n > argc - i - 1)
			return false;
		*list_at(&lists[k], h) = (words)argv + i + 1;
		*next = i + 1 + (int)n;
		argv[i] = NULL;
		return true;
	}
	return false;
}

int monitor_handoff_parse(struct monitor_handoff *h, int argc, char **argv)
{
	int i = 2;

	if (argc < 3)
		return -1;
	for (size_t k = 0; k < N_MEMBERS; k++)
		if (members[k].type == M_FD)
			member_set(&members[k], (char *)h + members[k].offset, -1);
	h->program = argv[0];
	h->id = argv[1];
	for (; i < argc && strcmp(argv[i], "--"); i++)
		if (!member_parse(h, argv[i]))
			return -1;
	for (i++; i < argc;)
		if (!list_parse(h, argc, argv, i, &i))
			return -1;
	return 0;
}

size_t monitor_handoff_fds(const struct monitor_handoff *h, int fds[MONITOR_HANDOFF_FDS])
{
	size_t n = 0;

	for (size_t i = 0; i < N_MEMBERS; i++) {
		const struct member *m = &members[i];

		if (m->type == M_FD && member_get(m, (const char *)h + m->offset) >= 0)
			fds[n++] = (int)member_get(m, (const char *)h + m->offset);
	}
	return n;
}
