/* Processes: identity that survives pid reuse, children, and where our own programs are. */
#ifndef TARE_BASE_PROC_H
#define TARE_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;

/* A pid is only believed together with its start time (field 22 of /proc/PID/stat, clock ticks). */
struct proc_id {
	pid_t pid;
	uint64_t start_time;
};
/* 0 or -1 with errno (ESRCH when it is gone; zombies count as gone). */
int proc_id_of(pid_t pid, struct proc_id *id);
/* True as well when it cannot be looked at and somebody has the number. */
bool proc_alive(const struct proc_id *id);
/* A pidfd of exactly that process, checked after opening; -1 with errno (ESRCH). */
int proc_open(const struct proc_id *id);
/* Nanoseconds since its start, also when it has ended, by a clock that nobody sets; 0 of one without a start
 * time. */
int64_t proc_age(const struct proc_id *id);
int pidfd_open_pid(pid_t pid);
int pidfd_signal(int pidfd, int sig);
/* Who has CAP_SYS_RESOURCE passes every limit of a file system. `on`: this thread, and those that it starts
 * then, lay it down; otherwise it takes it up again. */
void obey_quotas(bool on);
/* 36 characters of /proc/sys/kernel/random/boot_id, read once. "" when unreadable. */
const char *boot_id(void);
/* Whether that is the boot that we live in, as far as can be told. */
bool boot_is_now(const char *id);

/* The path of our helper program NAME: beside the running binary, else $(libexecdir)/tare/NAME.
 * Written to dst; -1 with e when it is in neither place. */
int helper_path(const char *name, char *dst, size_t size, struct err *e);
/* The path of `tare` itself, for who starts it again: found as a helper is, else the running binary's; ""
 * when neither can be told. */
void tare_path(char *dst, size_t size);
/* The same for data: "profiles/…", "images/…": beside the binary, else $(datadir)/tare/…. */
int data_path(const char *name, char *dst, size_t size, struct err *e);

/* Run argv (argv[0] is a path), wait, and give the wait status. stdin is /dev/null; stdout goes to `out`
 * (discarded when NULL, inherited when `inherit`), stderr is inherited. Close-on-exec is relied upon. */
struct spawn {
	char *const *argv;
	struct buf *out;
	bool inherit_out;
	bool out_has_errors; /* stderr goes where stdout goes */
	int keep_fd;         /* one extra descriptor passed under the same number, or -1 */
};
int spawn_wait(const struct spawn *s, int *status, struct err *e);

/* Signal names: "TERM", "SIGTERM", "15", "RTMIN+3" -> number; -1 when unknown. */
int signal_parse(const char *text);
const char *signal_name(int sig); /* "SIGTERM"; "SIG34" for real-time ones */

/* Nanoseconds of CLOCK_REALTIME and CLOCK_BOOTTIME. */
int64_t now_realtime(void);
int64_t now_boottime(void);

#endif
