/* The caller's side of a container's input and output, shared by run, attach and exec: raw mode that is
 * undone on every way out, detach keys, window size, forwarded signals, and writes that never make the
 * relay deaf while the reader of our output is slow. */
#ifndef TARE_RELAY_H
#define TARE_RELAY_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "engine/detach_keys.h"
#include "engine/tare.h"
#include "engine/terminal_filter.h"

struct err;

#define RELAY_BLOCK 65536
#define RELAY_INPUT 16384

/* One output of the caller. Data is not copied: it must stay until relay_pending() says no. */
struct relay_sink {
	int fd;      /* -1: not connected, data is dropped */
	bool owned;  /* a description of our own, non-blocking: the caller's flags are not touched */
	bool broken; /* the reader has gone: data is dropped, quietly */
	const char *data;
	size_t len;
	bool to_terminal; /* and from none: what arrives is made harmless first, in `clean` */
	struct terminal_filter filter;
	struct buf clean;
};

struct relay {
	const struct tare_io *io;
	struct relay_sink sink[2]; /* standard output, standard error */
	bool in_open;
	int signal_fd;
	sigset_t old_mask;
	struct sigaction old_pipe;
	bool raw;
	struct detach_keys keys;
};

/* detach keys: io->detach_keys, or `keys` (the container's) when that is NULL. `from_terminal`: the process
 * writes to a terminal of its own, which may draw on the caller's. Nothing is changed on failure. */
int relay_open(
        struct relay *r, const struct tare_io *io, const char *keys, bool from_terminal, struct err *e);
/* Lets go what a filter held back; gives the terminal and the signals back. Safe to call twice. */
void relay_close(struct relay *r);

void relay_write(struct relay *r, int sink, const char *data, size_t len);
bool relay_pending(const struct relay *r);
/* Fill in poll entries: signals, input (when wanted), outputs that have data pending. The number. */
#define RELAY_POLL 4
int relay_poll(const struct relay *r, bool want_input, struct pollfd p[RELAY_POLL]);

/* What the caller's side has to say after poll(2). */
struct relay_events {
	bool resized, detached, in_end;
	bool child;      /* one of ours has ended or stopped */
	size_t in_len;   /* bytes in `in` */
	int signals[32]; /* to forward */
	int n_signals;
	char in[RELAY_INPUT + DETACH_KEYS_MAX];
};
void relay_handle(struct relay *r, const struct pollfd *p, int n, struct relay_events *ev);
/* Before there is a relay: what the first frame is drawn for. 0 x 0 without a terminal. */
void relay_initial_size(const struct tare_io *io, unsigned *rows, unsigned *cols);
/* The terminal's size; false when the input is no terminal. */
bool relay_size(const struct relay *r, unsigned short *rows, unsigned short *cols);

/* A child of ours and our ends of its input and output (relay_exec.c). */
struct relay_child {
	pid_t pid;
	int pidfd;
	int terminal_fd;           /* master, or -1 and then the three: */
	int in_fd, out_fd, err_fd; /* -1 = not connected; in_fd is closed here when the input ends */
};
/* Until it has ended and all it wrote is passed on (*status: as waitpid(2) gives it), or until the caller
 * detaches. */
int relay_exec(struct relay_child *c, const struct tare_io *io, const char *keys, enum tare_io_end *end,
        int *status, struct err *e);

#endif
