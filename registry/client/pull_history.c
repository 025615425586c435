#include "registry/client/pull_history.h"

#include <string.h>

#define PLACES 3 /* decoders of 8 MiB at a time */

void pull_history_init(struct pull_history *h)
{
	*h = (struct pull_history){0};
	pthread_mutex_init(&h->lock, NULL);
}

void pull_history_free(struct pull_history *h)
{
	pthread_mutex_destroy(&h->lock);
}

/* RFC 8878, 3.1.1.1: descriptor byte, then a window byte or, for a single segment, the content's size. */
uint64_t pull_history_wanted(const unsigned char *start, size_t len)
{
	static const unsigned char sizes[] = {0, 2, 4, 8}, ids[] = {0, 1, 2, 4};
	if (len >= 4 && (start[0] & 0xf0) == 0x50 && memcmp(start + 1, "\x2a\x4d\x18", 3) == 0)
		return UINT64_MAX; /* a skippable frame: the first real one comes later */
	if (len < 6 || memcmp(start, "\x28\xb5\x2f\xfd", 4) != 0)
		return 0;
	unsigned char descriptor = start[4];
	if (!(descriptor & 0x20)) {
		uint64_t base = (uint64_t)1 << (10 + (start[5] >> 3));
		return base + base / 8 * (start[5] & 7);
	}
	size_t at = 5 + ids[descriptor & 3], n = descriptor >> 6 ? sizes[descriptor >> 6] : 1;
	uint64_t size = 0;
	if (at + n > len)
		return UINT64_MAX;
	for (size_t i = n; i-- > 0;)
		size = size << 8 | start[at + i];
	/* an empty first frame says nothing of those behind it, which may have PULL_HISTORY_SHARED each */
	return size || n == 2 ? size + (n == 2 ? 256 : 0) : 1;
}

unsigned pull_history_take(struct pull_history *h, uint64_t wanted)
{
	unsigned places = wanted > PULL_HISTORY_SHARED ? PLACES : 1;
	pthread_mutex_lock(&h->lock);
	bool room = h->taken + places <= PLACES;
	if (room)
		h->taken += places;
	pthread_mutex_unlock(&h->lock);
	return room ? places : 0;
}

void pull_history_give(struct pull_history *h, unsigned taken)
{
	pthread_mutex_lock(&h->lock);
	h->taken -= taken;
	pthread_mutex_unlock(&h->lock);
}
