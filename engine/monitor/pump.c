/* The container's output to log and clients, and the clients' input to the container. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "engine/monitor/monitor.h"

#define PIPE_BYTES  (1 << 20)
#define READ_ROUNDS 16 /* reads per event, so that one stream does not starve the rest */
/* More than a pipe and a terminal can hold: a stranger that goes on writing does not delay the end. */
#define DRAIN_ROUNDS 64
#define RESIZE_NS    20000000 /* between two sizes: as often as a screen shows a picture */

static void nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static void watch_output(struct monitor *m, enum output_stream s, bool on)
{
	struct pump *p = &m->pump;

	if (p->fd[s] < 0 || p->watched[s] == on)
		return;
	if (on)
		p->watched[s] = watch_add(m, p->fd[s], SOURCE_OUTPUT, s, EPOLLIN);
	else
		watch_remove(m, p->fd[s]);
	p->watched[s] = on && p->watched[s];
}

void pump_start(struct monitor *m)
{
	struct pump *p = &m->pump;

	p->terminal = m->h.terminal_fd >= 0;
	p->fd[STREAM_OUT] = p->terminal ? m->h.terminal_fd : m->h.out_fd;
	p->fd[STREAM_ERR] = p->terminal ? -1 : m->h.err_fd;
	p->slave_fd = -1;
	p->in_fd = m->h.in_fd;
	if (p->terminal) {
		/* Without a slave of our own the master reports a hang-up without end whenever the container
		 * has its terminal closed for a moment. */
		p->slave_fd = ioctl(m->h.terminal_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
		p->in_fd = fcntl(m->h.terminal_fd, F_DUPFD_CLOEXEC, 0);
	}
	for (int s = STREAM_OUT; s <= STREAM_ERR; s++) {
		if (p->fd[s] < 0)
			continue;
		nonblock(p->fd[s]);
		if (!p->terminal)
			fcntl(p->fd[s], F_SETPIPE_SZ, PIPE_BYTES);
		watch_output(m, s, true);
	}
	if (p->in_fd >= 0)
		nonblock(p->in_fd);
}

static bool emit(struct monitor *m, enum output_stream s, size_t len)
{
	const char *data = m->areas->read;
	/* Clients first: for one that lags, the log's size is then the place up to which it has everything.
	 */
	bool taken = attach_output(m, s, data, len);

	log_write(&m->log, s, data, len);
	replay_add(&m->replay, s, data, len);
	return taken;
}

/* Stop reading until the clients have taken the piece [0, cut). */
static void stall(struct monitor *m, enum output_stream s, size_t cut, size_t fill)
{
	m->pump.stalled = true;
	m->pump.stall_stream = s;
	m->pump.cut = cut;
	m->pump.fill = fill;
	watch_output(m, STREAM_OUT, false);
	watch_output(m, STREAM_ERR, false);
}

/* Emit what the buffer holds: all of it when the stream pauses; up to the last newline when more is to come,
 * so that a line that two reads share stays one record. False: stalled. */
static bool emit_piece(struct monitor *m, enum output_stream s, size_t *fill, bool pause)
{
	char *data = m->areas->read, *newline;
	size_t cut = *fill;

	if (!pause) {
		newline = memrchr(data, '\n', cut);
		if (newline)
			cut = (size_t)(newline + 1 - data);
	}
	if (cut && !emit(m, s, cut)) {
		stall(m, s, cut, *fill);
		return false;
	}
	memmove(data, data + cut, *fill - cut);
	*fill -= cut;
	return true;
}

/* Read until the stream pauses. `fill` bytes are in the buffer already. False: stalled, or the rounds are
 * used up and there may be more. */
static bool pump_stream(struct monitor *m, enum output_stream s, size_t fill, int rounds)
{
	struct pump *p = &m->pump;
	bool pause = false;

	m->areas_touched = true;
	while (!pause && rounds-- > 0) {
		size_t want = MONITOR_DATA_MAX - fill;
		ssize_t n = read(p->fd[s], m->areas->read + fill, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			fill += (size_t)n;
		/* A terminal gives 4 KiB at a time: gather. A pipe that gave less than asked is empty. */
		pause = n <= 0 || (!p->terminal && (size_t)n < want);
		if (n == 0 || (n < 0 && errno != EAGAIN)) {
			watch_output(m, s, false);
			p->fd[s] = -1;
		}
		if ((pause || fill == MONITOR_DATA_MAX) && !emit_piece(m, s, &fill, pause))
			return false;
	}
	if (!pause && fill)
		emit_piece(m, s, &fill, true);
	return pause;
}

void pump_output(struct monitor *m, enum output_stream s)
{
	if (!m->pump.stalled && m->pump.fd[s] >= 0)
		pump_stream(m, s, 0, READ_ROUNDS);
}

void pump_resume(struct monitor *m)
{
	struct pump *p = &m->pump;
	size_t fill = p->fill - p->cut;

	if (!p->stalled)
		return;
	p->stalled = false;
	memmove(m->areas->read, m->areas->read + p->cut, fill);
	if (fill && !emit_piece(m, p->stall_stream, &fill, true))
		return;
	watch_output(m, STREAM_OUT, true);
	watch_output(m, STREAM_ERR, true);
}

bool pump_drain(struct monitor *m)
{
	struct pump *p = &m->pump;

	for (int s = STREAM_OUT; s <= STREAM_ERR && !p->stalled; s++) {
		if (p->fd[s] >= 0)
			pump_stream(m, s, 0, DRAIN_ROUNDS);
	}
	return !p->stalled;
}

/* ------------------------------------------------------------------ input */

void pump_input_close(struct monitor *m)
{
	struct pump *p = &m->pump;

	p->in_len = 0;
	p->in_ending = false;
	if (p->in_fd >= 0) {
		if (p->in_watched)
			watch_remove(m, p->in_fd);
		close(p->in_fd);
	}
	p->in_watched = false;
	p->in_fd = -1;
}

static void give_size(struct monitor *m);

bool pump_input(struct monitor *m, const char *data, size_t len)
{
	struct pump *p = &m->pump;

	/* what is typed comes after the size that the caller saw when it was typed */
	if (p->resizing)
		give_size(m);
	while (len && p->in_fd >= 0) {
		ssize_t n = write(p->in_fd, data, len);

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			pump_input_close(m); /* nobody reads any more: what comes is dropped */
		}
	}
	p->in_data = data;
	p->in_len = p->in_fd >= 0 ? len : 0;
	if (!p->in_len)
		return true;
	if (!p->in_watched)
		p->in_watched = watch_add(m, p->in_fd, SOURCE_INPUT, 0, EPOLLOUT);
	return false;
}

void pump_input_room(struct monitor *m)
{
	struct pump *p = &m->pump;

	if (!pump_input(m, p->in_data, p->in_len))
		return;
	if (p->in_watched)
		watch_remove(m, p->in_fd);
	p->in_watched = false;
	if (p->in_ending)
		pump_input_end(m);
	attach_input_resume(m);
}

/* The end of the input. A terminal gets its end-of-file character, as if it had been typed. */
void pump_input_end(struct monitor *m)
{
	struct termios t;

	m->pump.in_ending = m->pump.in_len > 0;
	if (m->pump.in_ending)
		return;
	if (!m->pump.terminal) {
		pump_input_close(m);
		return;
	}
	if (m->pump.in_fd >= 0 && tcgetattr(m->pump.in_fd, &t) == 0 && (t.c_lflag & ICANON)) {
		char eof = (char)t.c_cc[VEOF];

		if (write(m->pump.in_fd, &eof, 1) < 0)
			return;
	}
}

/* ------------------------------------------------------------------ size */

/* A size that is no change makes the kernel send nothing, but whoever attaches wants the screen redrawn. The
 * kernel is made to tell the terminal's group: its number, once read, may stand for others by the time that a
 * signal of ours gets there. */
static void give_size(struct monitor *m)
{
	struct winsize now, want = {.ws_row = m->pump.size.rows, .ws_col = m->pump.size.cols}, other = want;

	m->pump.resizing = false;
	m->pump.resized = boottime_ns();
	if (!m->pump.terminal || m->pump.in_fd < 0)
		return;
	if (ioctl(m->pump.in_fd, TIOCGWINSZ, &now) == 0 && now.ws_row == want.ws_row &&
	        now.ws_col == want.ws_col) {
		other.ws_row += want.ws_row == USHRT_MAX ? -1 : 1;
		ioctl(m->pump.in_fd, TIOCSWINSZ, &other);
	}
	ioctl(m->pump.in_fd, TIOCSWINSZ, &want);
}

int64_t pump_due(const struct monitor *m)
{
	return m->pump.resizing ? m->pump.resized + RESIZE_NS : -1;
}

void pump_tick(struct monitor *m)
{
	if (m->pump.resizing && boottime_ns() >= pump_due(m))
		give_size(m);
}

/* A window that is dragged has thousands of sizes, and for each the programs inside would draw their screen
 * anew: they get one at a time, and the last one always. */
void pump_resize(struct monitor *m, const struct monitor_size *size)
{
	m->pump.size = *size;
	m->pump.resizing = true;
	pump_tick(m);
}
