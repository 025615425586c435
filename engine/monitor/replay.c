#include "engine/monitor/replay.h"

#include <string.h>

static void drop_oldest(struct replay *r, size_t len)
{
	while (len && r->n_runs) {
		size_t run = r->runs[r->first_run].len, cut = run < len ? run : len;

		r->runs[r->first_run].len = (uint16_t)(run - cut);
		r->len -= cut;
		len -= cut;
		if (cut == run) {
			r->first_run = (r->first_run + 1) % REPLAY_RUNS;
			r->n_runs--;
		}
	}
}

static void run_add(struct replay *r, enum output_stream stream, size_t len)
{
	unsigned last = (r->first_run + r->n_runs - 1) % REPLAY_RUNS;

	if (r->n_runs && r->runs[last].stream == stream) {
		r->runs[last].len = (uint16_t)(r->runs[last].len + len);
		return;
	}
	if (r->n_runs == REPLAY_RUNS)
		drop_oldest(r, r->runs[r->first_run].len);
	last = (r->first_run + r->n_runs++) % REPLAY_RUNS;
	r->runs[last].stream = (uint8_t)stream;
	r->runs[last].len = (uint16_t)len;
}

void replay_add(struct replay *r, enum output_stream stream, const char *data, size_t len)
{
	size_t at, head;

	if (len > REPLAY_SIZE) {
		data += len - REPLAY_SIZE;
		len = REPLAY_SIZE;
	}
	if (!len)
		return;
	if (r->len + len > REPLAY_SIZE)
		drop_oldest(r, r->len + len - REPLAY_SIZE);
	run_add(r, stream, len);
	at = r->end % REPLAY_SIZE;
	head = len < REPLAY_SIZE - at ? len : REPLAY_SIZE - at;
	memcpy(r->ring + at, data, head);
	memcpy(r->ring, data + head, len - head);
	r->end += len;
	r->len += len;
}

void replay_walk(const struct replay *r, replay_fn fn, void *arg)
{
	uint64_t pos = r->end - r->len;

	for (unsigned i = 0; i < r->n_runs; i++) {
		unsigned run = (r->first_run + i) % REPLAY_RUNS;
		size_t left = r->runs[run].len;

		while (left) {
			size_t at = pos % REPLAY_SIZE, n = left < REPLAY_SIZE - at ? left : REPLAY_SIZE - at;

			if (!fn(arg, r->runs[run].stream, r->ring + at, n))
				return;
			pos += n;
			left -= n;
		}
	}
}
