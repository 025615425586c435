/* The monitor's whole state, in one struct that lives as long as the process. Nothing is allocated after
 * the start: the areas are mapped once, and given back to the kernel while nothing happens. */
#ifndef TARE_MONITOR_MONITOR_H
#define TARE_MONITOR_MONITOR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/monitor/handoff.h"
#include "engine/monitor/log_writer.h"
#include "engine/monitor/protocol.h"
#include "engine/monitor/replay.h"
#include "engine/monitor/sampler.h"
#include "engine/monitor/stats_ring.h"

#define CLIENTS_MAX 16

/* What a descriptor in the epoll set stands for: the event's data is SOURCE << 32 | index. */
enum source {
	SOURCE_OUTPUT,
	SOURCE_INPUT,
	SOURCE_SIGNAL,
	SOURCE_TIMER,
	SOURCE_LISTEN,
	SOURCE_CLIENT,
	SOURCE_HEALTH,
	SOURCE_PROCESS
};

/* The big areas, one mapping. */
struct areas {
	char read[MONITOR_DATA_MAX];
	char format[LOG_FORMAT_AREA];
	char message[MONITOR_INPUT_MAX +
	             4096]; /* one message of a client; input stays here until it is taken */
};

struct pump {
	int fd[2]; /* the container's output; with a terminal its master is [STREAM_OUT] */
	bool watched[2];
	bool terminal;
	int slave_fd; /* held open, so that the master never hangs up while the container lives */
	int in_fd;    /* the container's input, -1 closed; the master with a terminal */
	bool in_watched;
	const char *in_data; /* input the container has not taken yet, within areas.message */
	size_t in_len;
	bool in_ending;           /* the input ends when that is taken */
	struct monitor_size size; /* that a client asked for last */
	bool resizing;            /* and that the terminal has not been given yet */
	int64_t resized;          /* when it was given one, CLOCK_BOOTTIME ns */
	/* A client without a log to fall back on could not take the piece [0, cut) of areas.read. */
	bool stalled;
	enum output_stream stall_stream;
	size_t cut, fill;
};

struct client {
	int fd;        /* -1: free */
	uint32_t mask; /* epoll's, as set */
	bool birth, greeted, output, fed_input, lagged, owes_lagged, owes_piece, owes_exit, hung_up;
	int log_fd; /* of a lagged client that has not been told yet */
	uint64_t inode, offset;
	int64_t stalled_since; /* CLOCK_BOOTTIME ns */
};

/* The health check: one timer, which is either the time of the next run or the limit of the one under way. */
struct health {
	int timer_fd; /* -1: there is none */
	pid_t pid;    /* of the run under way, 0 none */
};

struct monitor {
	struct monitor_handoff h;
	struct areas *areas;
	bool areas_touched;
	int epoll_fd, signal_fd, timer_fd;
	struct pump pump;
	struct log_writer log;
	struct replay replay;
	struct client clients[CLIENTS_MAX];
	bool listening;
	bool birth_connected; /* the caller attached from birth is still there */
	struct sampler sampler;
	struct stats_ring ring;
	bool child_gone, recorded, ended; /* reaped; `exit` was written; clients were told */
	struct exit_record exit;
	int exit_fd; /* where it goes, -1 when there was no room for it */
	pid_t cleanup_pid;
	int cleanup_code;   /* its exit code, -1 when it has none */
	int cleanup_kills;  /* how often it was killed */
	int64_t deadline;   /* of the states that wait, CLOCK_BOOTTIME ns */
	int64_t linger;     /* until when clients are told, likewise */
	bool spared;        /* from the kernel's choice for want of memory */
	char oom_score[16]; /* ours before that: what we start has it again */
	struct health health;
};

bool watch_add(struct monitor *m, int fd, enum source source, unsigned index, uint32_t mask);
bool watch_change(struct monitor *m, int fd, enum source source, unsigned index, uint32_t mask);
void watch_remove(struct monitor *m, int fd);
int64_t boottime_ns(void);

/* supervise.c */
void signals_heard(sigset_t *set);      /* blocked, and read from a descriptor */
int supervise_start(struct monitor *m); /* -1: without means to hear anything */
void supervise_run(struct monitor *m);

/* program.c: what the monitor runs. */
void spare_from_oom(struct monitor *m);
/* The child, leader of a process group of its own; -1 when it cannot be started. */
pid_t program_spawn(struct monitor *m, const char *const *argv);
/* Returns when it cannot be executed. */
void program_become(struct monitor *m, const char *const *argv);

/* health.c */
void health_start(struct monitor *m);
/* They may have changed (HEALTH_TIMES_FILE). */
void health_renew(struct monitor *m);
/* The timer has expired. */
void health_tick(struct monitor *m);
/* The run under way has ended: `code` is its exit code, or -1. */
void health_ended(struct monitor *m, int code);
/* The container has ended: no more runs. One that is under way ends by itself. */
void health_stop(struct monitor *m);

/* pump.c */
void pump_start(struct monitor *m);
void pump_output(struct monitor *m, enum output_stream stream);
/* Go on after a stall. */
void pump_resume(struct monitor *m);
/* After the end of the container: everything that is still in the pipes. False: stalled. */
bool pump_drain(struct monitor *m);
/* Input of a client, kept by reference until it is taken. False: it was not taken at once. */
bool pump_input(struct monitor *m, const char *data, size_t len);
void pump_input_room(struct monitor *m);
void pump_input_end(struct monitor *m);
void pump_input_close(struct monitor *m);
void pump_resize(struct monitor *m, const struct monitor_size *size);
/* When the terminal is to be given its size, CLOCK_BOOTTIME ns, -1 never; and do it if it is time. */
int64_t pump_due(const struct monitor *m);
void pump_tick(struct monitor *m);

/* attach.c */
void attach_start(struct monitor *m);
void attach_accept(struct monitor *m);
/* Paused while there are no descriptors left; the next tick tries again. */
void attach_listen(struct monitor *m, bool on);
void attach_event(struct monitor *m, unsigned index, uint32_t events);
/* To all clients. False: one that cannot fall back on the log could not take it. */
bool attach_output(struct monitor *m, enum output_stream stream, const char *data, size_t len);
/* Input is taken again: read on. */
void attach_input_resume(struct monitor *m);
void attach_input_pause(struct monitor *m);
/* Tell everybody how it ended. */
void attach_end(struct monitor *m);
/* A client has not been told yet. */
bool attach_owes(const struct monitor *m);
/* Give up on clients that have stalled the container for STALL_SECONDS; ms until the next is due, -1 none. */
int attach_stalled(struct monitor *m);

#endif
