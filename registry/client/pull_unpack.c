/* Unpacking behind the download, on a thread of the crew. */
#include <time.h>

#include "base/defence.h"
#include "base/err.h"
#include "engine/archive/inflate.h"
#include "engine/archive/unpack.h"
#include "registry/client/pull_layer.h"

static int check_diff_id(const struct digest *is, const struct digest *want, struct err *e)
{
	if (!DEFENCE("diff-id"))
		return 0;
	char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
	if (digest_equal(is, want))
		return 0;
	return err_set(e, ERR_CORRUPT, "the image is damaged: a layer should unpack to %s and unpacks to %s",
	        digest_text(want, a), digest_text(is, b));
}

#define TURN_NS 5000000 /* between looks whether there is room */

/* Waits for room, but not for a download that was given up meanwhile: who gives it up waits for us. */
static int take_turn(struct pull_layer *l, uint64_t wanted, unsigned *taken, struct err *e)
{
	const struct timespec pause = {.tv_nsec = TURN_NS};
	while (!(*taken = pull_history_take(l->history, wanted))) {
		if (pull_feed_is_dead(&l->feed))
			return err_set(e, ERR_INTERRUPTED, "the download ended");
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int unpack(struct pull_layer *l, uint64_t history, struct err *e)
{
	const struct inflate_options o = {.out_alg = l->diff_id->alg,
	        .copy_fd = -1,
	        .read = pull_feed_read,
	        .arg = &l->feed,
	        .hash_aside = true,
	        .oci_only = true,
	        .window_max = history > PULL_HISTORY_SHARED ? PULL_HISTORY_MOST : PULL_HISTORY_SHARED};
	/* The digest tells the end as well as an end mark would. */
	const struct unpack_options u = {.open_end = true};
	struct unpack_result unpacked;
	struct inflate_result r;
	if (layer_draft_open(l->o->store, &l->draft, e) < 0)
		return -1;
	cleanup_inflate struct inflate *in = inflate_open(-1, &o, e);
	if (!in || unpack_layer(in, l->draft.fd, &u, &unpacked, e) < 0 || inflate_finish(in, &r, e) < 0 ||
	        check_diff_id(&r.out, l->diff_id, e) < 0)
		return -1;
	l->bytes = unpacked.bytes;
	return 0;
}

int pull_unpack(void *layer, struct err *e)
{
	struct pull_layer *l = layer;
	unsigned char start[PULL_HISTORY_HEADER];
	unsigned taken = 0;
	ssize_t n = pull_feed_peek(&l->feed, start, sizeof(start), e);
	if (n < 0)
		return -1;
	uint64_t history = pull_history_wanted(start, (size_t)n);
	if (history > 0 && take_turn(l, history, &taken, e) < 0)
		return -1;
	int rc = unpack(l, history, e);
	pull_history_give(l->history, taken);
	return rc;
}
