/* What is said over a container's control socket (state/containers/ID/ctl, SOCK_SEQPACKET, mode 0600)
 * and over the socketpair of a caller that is attached from birth.
 *
 * The first message each way is two bytes, the protocol's version and flags: enum hello_flag from the
 * client, enum welcome_flag from the monitor. A monitor that does not know the client's version answers
 * with its own and hangs up. Every later message is one byte of type and a payload; several messages never
 * share a packet. Numbers are in the host's byte order: both ends run on one host.
 *
 * A slow client never blocks the container. When its socket is full it is *lagged*: it gets one MSG_LAGGED
 * as soon as there is room (an open descriptor of the log file, and the offset up to which it has received
 * everything) and then no output; it goes on from the log. At the log's end it may ask by MSG_LIVE to be
 * fed directly again. When no log is written, the container's output waits for the client instead, for
 * STALL_SECONDS at most. Closing the socket is detaching. */
#ifndef TARE_MONITOR_PROTOCOL_H
#define TARE_MONITOR_PROTOCOL_H

#include <stdint.h>

#define MONITOR_PROTOCOL  1
#define MONITOR_SOCKET    "ctl"
#define MONITOR_DATA_MAX  65536 /* payload of MSG_OUT and MSG_ERR */
#define MONITOR_INPUT_MAX 16384 /* payload of MSG_INPUT */
#define STALL_SECONDS     10

enum hello_flag {
	HELLO_OUTPUT = 1, /* wants the container's output; without it only MSG_EXIT comes */
	HELLO_REPLAY = 2, /* the last output first */
};
enum welcome_flag {
	WELCOME_TERMINAL = 1,
	WELCOME_LOG = 2,
	WELCOME_INPUT = 4, /* the container's input is open */
	WELCOME_BUSY = 8,  /* too many clients: hangs up after this */
};

enum client_message {
	MSG_INPUT = 'i',     /* bytes for the container's input */
	MSG_INPUT_EOF = 'e', /* closes it; on a terminal: its end-of-file character */
	MSG_RESIZE = 'r',    /* struct monitor_size */
	MSG_REPLAY = 'p',    /* the last output again */
	MSG_LIVE_ASK = 'l',  /* struct monitor_position: I have read the log up to here */
};
enum monitor_message {
	MSG_OUT = 'o', /* standard output, or a terminal's */
	MSG_ERR = 'E',
	MSG_LAGGED = 'g', /* struct monitor_position, with a descriptor of the log */
	MSG_LIVE = 'L',   /* one byte: 1 = output comes directly again, 0 = read on, there is more */
	MSG_EXIT = 'x',   /* struct monitor_end; everything was sent (or is in the log) before it */
};

struct monitor_size {
	uint16_t rows, cols;
};
struct monitor_position {
	uint64_t inode, offset;
};
struct monitor_end {
	int32_t code, signal;
	int32_t oom_killed, unused;
	int64_t finished;
};

#endif
