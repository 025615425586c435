#include "engine/monitor/stats_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

static off_t slot_offset(uint64_t number)
{
	return (off_t)(sizeof(struct stats_ring_header) + number % STATS_RING_SLOTS * sizeof(struct sample));
}

static bool header_read(int fd, struct stats_ring_header *h)
{
	return pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) && h->magic == STATS_RING_MAGIC &&
	       h->version == STATS_RING_VERSION && h->sample_size == sizeof(struct sample) &&
	       h->slots == STATS_RING_SLOTS;
}

static bool header_write(int fd, uint64_t count)
{
	struct stats_ring_header h = {
	        .magic = STATS_RING_MAGIC,
	        .version = STATS_RING_VERSION,
	        .sample_size = sizeof(struct sample),
	        .slots = STATS_RING_SLOTS,
	        .count = count,
	};

	return pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h);
}

void stats_ring_open(struct stats_ring *r, int state_fd)
{
	struct stats_ring_header h;

	r->count = 0;
	r->fd = openat(state_fd, STATS_RING_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->fd < 0)
		return;
	if (header_read(r->fd, &h)) {
		r->count = h.count;
		return;
	}
	if (ftruncate(r->fd, 0) < 0 ||
	        ftruncate(r->fd, slot_offset(STATS_RING_SLOTS - 1) + (off_t)sizeof(struct sample)) < 0 ||
	        !header_write(r->fd, 0)) {
		close(r->fd);
		r->fd = -1;
	}
}

void stats_ring_add(struct stats_ring *r, const struct sample *s)
{
	if (r->fd < 0 || pwrite(r->fd, s, sizeof(*s), slot_offset(r->count)) != (ssize_t)sizeof(*s))
		return;
	if (header_write(r->fd, r->count + 1))
		r->count++;
}

/* Samples [first, first + n) into out. */
static bool slots_read(int fd, uint64_t first, size_t n, struct sample *out)
{
	for (size_t done = 0; done < n;) {
		size_t run = STATS_RING_SLOTS - (size_t)((first + done) % STATS_RING_SLOTS);
		ssize_t want;

		if (run > n - done)
			run = n - done;
		want = (ssize_t)(run * sizeof(*out));
		if (pread(fd, out + done, (size_t)want, slot_offset(first + done)) != want)
			return false;
		done += run;
	}
	return true;
}

ssize_t stats_ring_read(int state_fd, struct sample *out, size_t max)
{
	struct stats_ring_header before, after;
	uint64_t first, lost;
	size_t n;
	bool ok;
	int fd = openat(state_fd, STATS_RING_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -1;
	ok = header_read(fd, &before);
	n = ok && before.count < STATS_RING_SLOTS ? (size_t)before.count : STATS_RING_SLOTS;
	if (n > max)
		n = max;
	first = ok ? before.count - n : 0;
	ok = ok && slots_read(fd, first, n, out) && header_read(fd, &after);
	close(fd);
	if (!ok) {
		errno = EINVAL;
		return -1;
	}
	/* The slot of sample `after.count` may be half written: everything up to one ring before it is void.
	 */
	lost = after.count + 1 > STATS_RING_SLOTS + first ? after.count + 1 - STATS_RING_SLOTS - first : 0;
	if (before.count == after.count && n < STATS_RING_SLOTS)
		lost = 0;
	if (lost > n)
		lost = n;
	__builtin_memmove(out, out + lost, (n - lost) * sizeof(*out));
	return (ssize_t)(n - lost);
}
