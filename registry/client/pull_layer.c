#include "registry/client/pull_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/progress.h"
#include "engine/store/blob.h"

#define CHECK_BLOCK ((size_t)128 << 10)
#define RETRY_NS    INT64_C(50000000)

/* ------------------------------------------------------------------ what is here of it */

static int check_here(void *layer, struct err *e)
{
	static const size_t block = CHECK_BLOCK;
	struct pull_layer *l = layer;
	cleanup_free char *data = malloc(block);
	if (!data)
		return err_no_memory(e);
	while (l->hashed < l->partial.have) {
		uint64_t left = l->partial.have - l->hashed;
		ssize_t n = pread(l->partial.fd, data, left < block ? left : block, (off_t)l->hashed);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(e, "cannot read what an earlier pull has left");
		hash_add(l->hash, data, (size_t)n);
		l->hashed += (uint64_t)n;
	}
	return 0;
}

/* ------------------------------------------------------------------ unpacking */

static int start_unpack(struct pull_layer *l, struct err *e)
{
	if (!l->unpack || l->started)
		return 0;
	l->started = l->changed = true;
	return pull_crew_give(l->crew, &l->unpacking, e);
}

static void stop_unpack(struct pull_layer *l)
{
	pull_feed_kill(&l->feed);
	pull_crew_take_back(l->crew, &l->unpacking);
	layer_draft_drop(l->o->store, &l->draft);
	l->started = false;
}

/* ------------------------------------------------------------------ downloading */

/* The first error counts: what follows it is only its echo. */
static int fail(struct pull_layer *l, const struct err *why)
{
	if (!l->why.msg[0])
		l->why = *why;
	return -1;
}

static int write_at(int fd, const char *data, size_t len, uint64_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int take_data(void *arg, const void *data, size_t len, struct err *e)
{
	struct pull_layer *l = arg;
	if (write_at(l->partial.fd, data, len, l->hashed) < 0) {
		err_sys(e,
		        "cannot write to %s/partial; what came is kept, and the same pull goes on from there",
		        l->o->store->root);
		return fail(l, e);
	}
	hash_add(l->hash, data, len);
	l->hashed += len;
	pull_feed_arrive(&l->feed, len);
	return start_unpack(l, e);
}

/* Digest mismatch (a registry, mirror or cache that gives other bytes than the manifest names): nothing that
 * was not hashed becomes a blob, and what came is thrown away. tests/e2e/pull-hostile.bats */
static int check_digest(void *arg, struct err *e)
{
	struct pull_layer *l = arg;
	struct digest is;
	char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
	if (!l->hash || l->hashed != l->blob->size)
		return err_set(e, ERR_CORRUPT, "the registry gave %llu bytes instead of %llu",
		        (unsigned long long)l->hashed, (unsigned long long)l->blob->size);
	hash_finish(l->hash, &is);
	hash_free(l->hash);
	l->hash = NULL;
	l->right = !DEFENCE("layer-digest") || digest_equal(&is, &l->blob->digest);
	if (l->right)
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "the registry gave other bytes than the manifest says: %s instead of %s", digest_text(&is, a),
	        digest_text(&l->blob->digest, b));
}

static int renew_hash(struct pull_layer *l, struct err *e)
{
	hash_free(l->hash);
	l->hashed = 0;
	l->hash = hash_new(l->blob->digest.alg, e);
	return l->hash ? 0 : -1;
}

static int restart(void *arg, struct err *e)
{
	struct pull_layer *l = arg;
	stop_unpack(l);
	if (renew_hash(l, e) < 0 || partial_restart(l->o->store, &l->partial, e) < 0)
		return fail(l, e);
	pull_feed_reset(&l->feed, l->partial.fd, 0);
	return 0;
}

/* It is a blob now; whoever waits for it may go on. */
static int publish(struct pull_layer *l, struct err *e)
{
	if (partial_publish(l->o->store, &l->partial, e) < 0)
		return -1;
	partial_unlock(&l->partial);
	l->changed = true;
	l->phase = PULL_FETCHED;
	pull_feed_end(&l->feed);
	return start_unpack(l, e);
}

static void end_download(void *arg, const struct err *why)
{
	struct pull_layer *l = arg;
	struct err e = ERR_INIT;
	if (why)
		fail(l, why);
	else if (l->right ? publish(l, &e) < 0 : err_set(&e, ERR_OTHER, "a download ended unchecked") < 0)
		fail(l, &e);
}

static int start_download(struct pull_layer *l, struct err *e)
{
	const struct remote_download d = {.blob = l->blob,
	        .offset = l->hashed,
	        .data = take_data,
	        .check = check_digest,
	        .restart = restart,
	        .done = end_download,
	        .arg = l};
	l->phase = PULL_FETCHING;
	return remote_download(l->o->remote, &d, e);
}

/* Nothing is here of it. Of no bytes nothing has to come. */
static int begin_fetch(struct pull_layer *l, struct err *e)
{
	if (l->blob->size > 0)
		return start_download(l, e);
	return check_digest(l, e) < 0 ? -1 : publish(l, e);
}

/* ------------------------------------------------------------------ from phase to phase */

static bool has_blob(const struct pull_layer *l)
{
	uint64_t size = 0;
	return blob_exists(l->o->store, &l->blob->digest, &size) && size == l->blob->size;
}

static int use_blob(struct pull_layer *l, struct err *e)
{
	if (!l->unpack) {
		l->phase = PULL_DONE;
		progress_done(l->o->progress, l->label, "exists");
		return 0;
	}
	l->blob_fd = blob_open(l->o->store, &l->blob->digest);
	if (l->blob_fd < 0)
		return err_sys(e, "cannot open a layer of the image store");
	pull_feed_reset(&l->feed, l->blob_fd, l->blob->size);
	pull_feed_end(&l->feed);
	l->phase = PULL_FETCHED;
	return start_unpack(l, e);
}

/* What an earlier pull has left is hashed by the crew; what is here of it can be unpacked meanwhile. */
static int use_partial(struct pull_layer *l, struct err *e)
{
	if (l->partial.have > l->blob->size && partial_restart(l->o->store, &l->partial, e) < 0)
		return -1;
	if (renew_hash(l, e) < 0)
		return -1;
	pull_feed_reset(&l->feed, l->partial.fd, l->partial.have);
	if (l->partial.have == 0)
		return begin_fetch(l, e);
	l->phase = PULL_CHECKING;
	return pull_crew_give_first(l->crew, &l->checking, e);
}

/* A blob with a partial beside it may be unsynced, and is hashed like what is not whole (store/partial.h). */
static int begin(struct pull_layer *l, struct err *e)
{
	if (l->repeated) {
		l->phase = PULL_DONE;
		return 0;
	}
	if (has_blob(l) && !partial_exists(l->o->store, &l->blob->digest))
		return use_blob(l, e);
	int rc = partial_open(l->o->store, &l->blob->digest, false, &l->partial, e);
	if (rc < 0)
		return -1;
	l->phase = PULL_WAITING;
	if (rc == 0)
		return 0;
	if (l->partial.have == 0 && has_blob(l)) { /* whoever had it has finished and gone */
		partial_drop(l->o->store, &l->partial);
		return use_blob(l, e);
	}
	return use_partial(l, e);
}

/* Broken remains are thrown away and fetched anew. */
static int end_check(struct pull_layer *l, struct err *e)
{
	if (!pull_crew_has_ended(l->crew, &l->checking))
		return 0;
	int rc = l->checking.rc;
	pull_crew_take_back(l->crew, &l->checking);
	if (rc == 0 && l->hashed < l->blob->size)
		return start_download(l, e);
	if (rc == 0 && check_digest(l, NULL) == 0)
		return publish(l, e);
	return restart(l, e) < 0 ? -1 : begin_fetch(l, e);
}

static int end_unpack(struct pull_layer *l, struct err *e)
{
	if (!l->unpack) {
		l->phase = PULL_DONE;
	} else {
		if (!pull_crew_has_ended(l->crew, &l->unpacking))
			return 0;
		if (l->unpacking.rc < 0) {
			*e = l->unpacking.why;
			return -1;
		}
		l->phase = PULL_DONE;
	}
	progress_done(l->o->progress, l->label, "done");
	partial_close(&l->partial);
	close_fd(&l->blob_fd);
	return 0;
}

/* Unpacking may fail because of bytes that the digest proves wrong a moment later. Only what no better bytes
 * could help ends the pull at once. */
static bool is_hopeless(struct pull_layer *l)
{
	return l->started && pull_crew_has_ended(l->crew, &l->unpacking) && l->unpacking.rc < 0 &&
	       l->unpacking.why.kind == ERR_NO_SPACE;
}

/* Locks can't be waited for beside the network. */
static bool is_time(struct pull_layer *l)
{
	int64_t now = now_boottime();
	if (now - l->tried_ns < RETRY_NS)
		return false;
	l->tried_ns = now;
	return true;
}

int pull_layer_advance(struct pull_layer *l, struct err *e)
{
	if (l->why.msg[0]) {
		*e = l->why;
		return -1;
	}
	switch (l->phase) {
	case PULL_NEW:
	case PULL_WAITING:
		return is_time(l) ? begin(l, e) : 0;
	case PULL_CHECKING:
		return start_unpack(l, e) < 0 ? -1 : end_check(l, e);
	case PULL_FETCHING:
		if (!is_hopeless(l))
			return 0;
		*e = l->unpacking.why;
		return -1;
	case PULL_FETCHED:
		return end_unpack(l, e);
	case PULL_DONE:
		break;
	}
	return 0;
}

void pull_layer_report(struct pull_layer *l)
{
	struct progress *p = l->o->progress;
	switch (l->phase) {
	case PULL_NEW:
	case PULL_WAITING:
		progress_step(p, l->label, "waiting", 0, l->blob->size);
		break;
	case PULL_CHECKING:
		progress_step(p, l->label, "checking", 0, l->partial.have);
		break;
	case PULL_FETCHING:
		progress_step(p, l->label, l->hashed ? "downloading" : "waiting", l->hashed, l->blob->size);
		break;
	case PULL_FETCHED:
		progress_step(p, l->label, "unpacking", pull_feed_taken(&l->feed), l->blob->size);
		break;
	case PULL_DONE:
		break;
	}
}

/* ------------------------------------------------------------------ life */

void pull_layer_init(struct pull_layer *l, const struct pull_layers_options *o, struct pull_crew *crew,
        struct pull_history *history, size_t at)
{
	*l = (struct pull_layer){.o = o,
	        .crew = crew,
	        .history = history,
	        .blob = &o->manifest->layers[at],
	        .diff_id = &o->config->diff_ids[at],
	        .partial = PARTIAL_INIT,
	        .blob_fd = -1,
	        .draft = LAYER_DRAFT_INIT,
	        .checking = {.work = check_here, .arg = l},
	        .unpacking = {.work = pull_unpack, .arg = l}};
	memcpy(l->label, l->blob->digest.hex, sizeof(l->label) - 1);
	pull_feed_init(&l->feed);
}

void pull_layer_free(struct pull_layer *l)
{
	pull_crew_take_back(l->crew, &l->checking);
	if (l->phase != PULL_DONE)
		pull_feed_kill(&l->feed);
	pull_crew_take_back(l->crew, &l->unpacking);
	layer_draft_drop(l->o->store, &l->draft);
	partial_close(&l->partial);
	close_fd(&l->blob_fd);
	hash_free(l->hash);
	pull_feed_free(&l->feed);
}
