/* The hand-over from the starter to tare-monitor, and what the monitor leaves for the engine to read.
 *
 * The starter (a child of `tare`) is the container's parent. When the command runs it replaces itself by
 * the monitor: descriptors pass by execve, everything else by a line of arguments. */
#ifndef TARE_MONITOR_HANDOFF_H
#define TARE_MONITOR_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/monitor/sampler.h"

struct err;
struct buf;

struct monitor_handoff {
	const char *program; /* path of tare-monitor */
	const char *id;
	pid_t pid; /* the container's process 1, our child */
	int pidfd;
	int state_fd;       /* /run/tare/containers/ID: exit, stats, ctl live here */
	int container_fd;   /* /var/lib/tare/containers/ID: log lives here */
	int listen_fd;      /* the bound, listening control socket (SOCK_SEQPACKET) */
	int out_fd, err_fd; /* read ends of the output FIFOs (O_RDWR|O_NONBLOCK), -1 with a terminal */
	int in_fd;          /* write end of the input pipe, or -1 */
	int terminal_fd;    /* master, or -1 */
	int client_fd;      /* one end of a socketpair: a caller that is attached from birth, or -1 */
	int hold_fd; /* nothing to the monitor: it stays open as long as the monitor lives, or -1 (launch.h)
	              */
	int nft_fd;  /* likewise: the engine takes it from here when it cleans up (network.json) */
	int held_fd; /* the first of n_held that stand beside each other and stay open likewise: the sockets
	              * of published ports; the caller has lifted close-on-exec */
	unsigned n_held;
	bool keep_stdin; /* -i without attach: input stays open until a client that sent some closes it */
	bool log;        /* write the CRI log */
	uint64_t log_max_size; /* 0 = never rotate */
	unsigned log_max_files;
	int64_t started; /* ns, realtime */
	struct sampler_sources sources;
	/* Health: health_argv is run every health_interval_ms after its last end, first
	 * health_start_interval_ms after the start, and that often until it exits with anything but
	 * HEALTH_EXIT_STARTING. One runs at a time; it enforces the probe's timeout itself, and is killed
	 * health_limit_ms after its start. Without one, or an interval, there are none. */
	uint32_t health_interval_ms, health_start_interval_ms, health_limit_ms;
	const char *const *health_argv; /* "…/tare", …, "--internal", "health", ID */
	/* Restart: when clean-up exits with RESTART_EXIT + n, the monitor waits min(100 ms << n, 60 s) and
	 * then replaces itself by restart_argv, which starts the container as its own child and becomes the
	 * monitor. It is on record as restarting meanwhile (restart.h), and whoever calls that off kills the
	 * monitor. */
	const char *const *restart_argv; /* "…/tare", …, "--internal", "restart", ID */
	/* The caller that is attached from birth leaves the clean-up to the monitor. */
	bool cleanup_always;
	/* The container is not our child: its first monitor was killed. Its end is seen by pidfd, and its
	 * exit code by PIDFD_GET_INFO (6.15); without that it is 255. */
	bool adopted;
	/* run once after the exit, unless the caller that is attached from birth did it: argv,
	 * NULL-terminated
	 * ("…/tare", "--root", …, "--internal", "cleanup", ID) */
	const char *const *cleanup_argv;
};
enum {
	HEALTH_EXIT_OK = 0,
	HEALTH_EXIT_STARTING = 3, /* within the start period, and never healthy so far */
	RESTART_EXIT = 100,       /* of clean-up; up to RESTART_EXIT + RESTART_SHIFT_MAX */
	RESTART_SHIFT_MAX = 10,
};
/* When health is checked may change while the container runs: who changes it writes the three numbers, in the
 * order above and with blanks between, to this file of the state directory (by rename), and sends SIGURG,
 * which does no harm to a starter that is no monitor yet. Zeros: no more checks. */
#define HEALTH_TIMES_FILE "health-times"
/* Never returns on success. All given descriptors must be open; close-on-exec is lifted here. */
int monitor_exec(const struct monitor_handoff *h, struct err *e);

/* One line in the file `exit`: "CODE SIGNAL OOM FINISHED_NS\n", with " 1" before its end when nobody saw the
 * end. Written by the monitor only (temporary file and rename). CODE is 128+n for signal n. */
struct exit_record {
	int code;
	int signal; /* 0 = exited by itself */
	bool oom_killed;
	int64_t finished; /* ns, realtime */
	bool unknown;     /* the code is EXIT_UNKNOWN: nobody saw it */
};
enum { EXIT_UNKNOWN = 255 };
/* 0, or -1 with errno (ENOENT: still running or monitor lost; EINVAL: not a record). */
int exit_record_read(int state_fd, struct exit_record *r);
int exit_record_write(int state_fd, const struct exit_record *r);
/* The same by way of what exit_record_reserve() has given. */
int exit_record_write_reserved(int state_fd, int fd, const struct exit_record *r);
/* Room for one and a descriptor, so that neither a full file system (the state's is memory) nor a limit takes
 * it from us; or -1. */
int exit_record_reserve(int state_fd);

#endif
