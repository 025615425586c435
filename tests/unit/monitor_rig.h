/* The real tare-monitor with a dummy in the container's place: what the starter does, without a container. */
#ifndef TARE_TEST_MONITOR_RIG_H
#define TARE_TEST_MONITOR_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/attach_client.h"
#include "engine/logs.h"
#include "engine/monitor/handoff.h"
#include "engine/monitor/protocol.h"

struct rig_options {
	void (*child)(void *arg); /* the "container"; its return is exit 0 */
	void *arg;
	bool tty, input, keep_stdin, no_log, birth, no_cleanup;
	uint64_t max_size;
	unsigned max_files;
	const char *container_dir; /* NULL: one of the rig's own */
	/* Shell scripts, $0 is the rig's directory; NULL: the usual one, or none. */
	const char *cleanup, *health, *restart;
	unsigned health_interval_ms, health_start_interval_ms, health_limit_ms;
	bool cleanup_always;
};

struct rig {
	char dir[64], state_dir[80], container_dir[128], marker[96];
	int state_fd, container_fd;
	int client; /* the caller's end, attached from birth, or -1 */
	pid_t monitor;
	pid_t child; /* the container, after rig_orphan() */
};

static inline void rig_monitor_path(char dst[4096])
{
	const char *given = getenv("TARE_MONITOR");
	ssize_t n;
	char *slash;

	if (given) {
		snprintf(dst, 4096, "%s", given);
		return;
	}
	n = readlink("/proc/self/exe", dst, 4000);
	assert_true(n > 0);
	dst[n] = '\0';
	for (int i = 0; i < 2; i++) {
		slash = strrchr(dst, '/');
		assert_non_null(slash);
		*slash = '\0';
	}
	strcat(dst, "/tare-monitor");
}

static inline int rig_listen(const struct rig *r)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/ctl", r->state_dir);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)
		_exit(90);
	return fd;
}

static inline void rig_fifo(const struct rig *r, const char *name, int *ours, int *theirs)
{
	if (mkfifoat(r->state_fd, name, 0600) < 0)
		_exit(91);
	*ours = openat(r->state_fd, name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	*theirs = openat(r->state_fd, name, O_RDWR | O_CLOEXEC);
	if (*ours < 0 || *theirs < 0)
		_exit(92);
}

static inline pid_t rig_child(const struct rig_options *o, const int stdio[3])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	for (int i = 0; i < 3; i++)
		dup2(stdio[i], i);
	if (o->tty)
		ioctl(0, TIOCSCTTY, 0);
	close_range(3, ~0u, 0);
	signal(SIGPIPE, SIG_DFL);
	o->child(o->arg);
	_exit(0);
}

/* Commands of a monitor, which struct monitor_handoff only points to. */
struct rig_words {
	const char *cleanup[5], *health[5], *restart[5];
};

static inline const char *const *rig_script(const char *dst[5], const char *script, const struct rig *r)
{
	dst[0] = "/bin/sh";
	dst[1] = "-c";
	dst[2] = script;
	dst[3] = r->dir;
	dst[4] = NULL;
	return script ? dst : NULL;
}

static inline struct monitor_handoff rig_handoff(
        struct rig *r, const struct rig_options *o, struct rig_words *w, const char *monitor)
{
	const char *cleanup = o->cleanup ? o->cleanup : "echo cleaned >$0/marker";

	return (struct monitor_handoff){.program = monitor,
	        .hold_fd = -1,
	        .nft_fd = -1,
	        .id = "0123456789ab",
	        .state_fd = r->state_fd,
	        .container_fd = r->container_fd,
	        .out_fd = -1,
	        .err_fd = -1,
	        .in_fd = -1,
	        .terminal_fd = -1,
	        .client_fd = -1,
	        .keep_stdin = o->keep_stdin,
	        .log = !o->no_log,
	        .log_max_size = o->max_size,
	        .log_max_files = o->max_files,
	        .health_interval_ms = o->health_interval_ms,
	        .health_start_interval_ms = o->health_start_interval_ms,
	        .health_limit_ms = o->health_limit_ms,
	        .health_argv = rig_script(w->health, o->health, r),
	        .restart_argv = rig_script(w->restart, o->restart, r),
	        .cleanup_always = o->cleanup_always,
	        .cleanup_argv = rig_script(w->cleanup, o->no_cleanup ? NULL : cleanup, r)};
}

static inline void rig_note_child(const struct rig *r, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	if (file_write_at(r->state_fd, "child", text, strlen(text), 0600, FILE_NO_SYNC, NULL) < 0)
		_exit(94);
}

static inline void rig_starter(struct rig *r, const struct rig_options *o, int client_fd, const char *monitor)
{
	struct rig_words words;
	struct monitor_handoff h = rig_handoff(r, o, &words, monitor);
	int stdio[3] = {-1, -1, -1}, in[2] = {-1, -1};

	setsid();
	h.client_fd = client_fd;
	h.listen_fd = rig_listen(r);
	if (o->tty) {
		h.terminal_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		unlockpt(h.terminal_fd);
		stdio[0] = stdio[1] = stdio[2] = open(ptsname(h.terminal_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	} else {
		rig_fifo(r, "out", &h.out_fd, &stdio[1]);
		rig_fifo(r, "err", &h.err_fd, &stdio[2]);
		stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (o->input && pipe2(in, O_CLOEXEC) == 0) {
			stdio[0] = in[0];
			h.in_fd = in[1];
		}
	}
	h.pid = rig_child(o, stdio);
	h.pidfd = pidfd_open_pid(h.pid);
	rig_note_child(r, h.pid);
	monitor_exec(&h, NULL);
	_exit(93);
}

static inline void rig_start(struct rig *r, const struct rig_options *o)
{
	char monitor[4096];
	int ends[2] = {-1, -1};

	*r = (struct rig){.client = -1};
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	rig_monitor_path(monitor);
	strcpy(r->dir, "/dev/shm/tare-test.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->state_dir, sizeof(r->state_dir), "%s/state", r->dir);
	snprintf(r->container_dir, sizeof(r->container_dir), "%s/container", r->dir);
	if (o->container_dir)
		snprintf(r->container_dir, sizeof(r->container_dir), "%s", o->container_dir);
	snprintf(r->marker, sizeof(r->marker), "%s/marker", r->dir);
	assert_int_equal(mkdir(r->state_dir, 0700), 0);
	if (!o->container_dir)
		assert_int_equal(mkdir(r->container_dir, 0700), 0);
	r->state_fd = open(r->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->container_fd = open(r->container_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r->state_fd >= 0 && r->container_fd >= 0);
	if (o->birth)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	r->monitor = fork();
	assert_true(r->monitor >= 0);
	if (!r->monitor)
		rig_starter(r, o, ends[1], monitor);
	close_fd(&ends[1]);
	r->client = ends[0];
}

/* Wait for the monitor's end; it must end by itself with 0. */
static inline void rig_end(struct rig *r)
{
	int status;

	close_fd(&r->client);
	assert_int_equal(waitpid(r->monitor, &status, 0), r->monitor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline int rig_connect(const struct rig *r)
{
	/* The socket is bound by the starter, a moment after the fork. */
	for (int i = 0; i < 6000; i++) {
		int fd = attach_client_connect(r->state_fd, NULL);

		if (fd >= 0)
			return fd;
		usleep(10000);
	}
	fail_msg("the monitor does not listen");
	return -1;
}

/* The monitor itself, not only its socket, is there. */
static inline void rig_await_monitor(const struct rig *r)
{
	char hello[2] = {MONITOR_PROTOCOL, 0};
	int fd = rig_connect(r);

	assert_int_equal(send(fd, hello, 2, MSG_NOSIGNAL), 2);
	assert_int_equal(recv(fd, hello, 2, 0), 2);
	close(fd);
}

/* The monitor is killed. Its container becomes our child, so that it is ours to say when its end is taken. */
static inline void rig_orphan(struct rig *r)
{
	char text[16];
	int status;

	rig_await_monitor(r); /* the starter has become one */
	kill(r->monitor, SIGKILL);
	assert_int_equal(waitpid(r->monitor, &status, 0), r->monitor);
	assert_true(WIFSIGNALED(status));
	/* The container may still be on its way, with all that the starter had open. */
	for (int fd; (fd = attach_client_connect(r->state_fd, NULL)) >= 0; close(fd))
		usleep(1000);
	assert_true(file_read_small(r->state_fd, "child", text, sizeof(text)) > 0);
	r->child = (pid_t)atoi(text);
}

static inline void rig_heir(struct rig *r, const struct rig_options *o, const char *monitor)
{
	struct rig_words words;
	struct monitor_handoff h = rig_handoff(r, o, &words, monitor);

	setsid();
	unlinkat(r->state_fd, "ctl", 0);
	h.listen_fd = rig_listen(r);
	h.out_fd = openat(r->state_fd, "out", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	h.err_fd = openat(r->state_fd, "err", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	h.adopted = true;
	h.pid = r->child;
	h.pidfd = pidfd_open_pid(h.pid);
	monitor_exec(&h, NULL);
	_exit(93);
}

/* A second monitor in the place of the one that was killed. */
static inline void rig_adopt(struct rig *r, const struct rig_options *o)
{
	char monitor[4096];

	rig_monitor_path(monitor);
	r->monitor = fork();
	assert_true(r->monitor >= 0);
	if (!r->monitor)
		rig_heir(r, o, monitor);
}

/* Whatever the monitor has started is ours by now, and may still be at work in the directory. */
static inline void rig_remove(struct rig *r)
{
	while (wait(NULL) > 0)
		;
	close_fd(&r->state_fd);
	close_fd(&r->container_fd);
	assert_int_equal(remove_tree_at(AT_FDCWD, r->dir), 0);
}

static inline bool rig_cleanup_ran(const struct rig *r)
{
	return access(r->marker, F_OK) == 0;
}

/* A file or pipe for one stream, read back later. */
static inline int rig_file(const struct rig *r, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static inline void rig_read_file(int fd, struct buf *b)
{
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	b->max = 512u << 20;
	assert_int_equal(read_to_buf(fd, b), 0);
}

/* What `logs` makes of the container's log. */
static inline void rig_logs(const struct rig *r, struct buf *out, struct buf *err)
{
	struct tare_log_options o = {
	        .tail = -1, .out = rig_file(r, "logs.out"), .err = rig_file(r, "logs.err")};
	struct err e = ERR_INIT;

	if (logs_read(r->container_fd, -1, &o, &e) < 0)
		fail_msg("%s", e.msg);
	rig_read_file(o.out, out);
	rig_read_file(o.err, err);
	close(o.out);
	close(o.err);
}

#endif
