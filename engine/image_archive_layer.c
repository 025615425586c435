/* The stream is made once: one thread packs, compresses and hashes the blob, another one unpacks what comes
 * out of the pipe and hashes it. So what this machine runs is what the blob says, and a tree that cannot be
 * unpacked is noticed now and not by whoever pulls it. */
#include "engine/image_archive_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "engine/archive/compress.h"
#include "engine/archive/hash.h"
#include "engine/archive/unpack.h"

#define REPORTS_MAX 10
#define PIPE_SIZE   (1 << 20)

struct making {
	struct arrival *arrival;
	struct new_layer *layer;
	int pipe[2];
	struct compress *compress;
	struct hash *hash;
	/* the unpacking side */
	struct inflate_result stream;
	struct unpack_result unpacked;
	int rc;
	struct err why;
};

/* ------------------------------------------------------------------ the unpacking side */

static int unpack_stream(struct making *m, struct err *e)
{
	const struct inflate_options io = {.out_alg = "sha256", .copy_fd = -1};
	const struct unpack_options uo = {.label = "layer"};
	cleanup_inflate struct inflate *in = inflate_open(m->pipe[0], &io, e);
	if (!in || unpack_layer(in, m->layer->layer.fd, &uo, &m->unpacked, e) < 0)
		return -1;
	return inflate_finish(in, &m->stream, e);
}

static void *unpack_thread(void *arg)
{
	struct making *m = arg;
	m->rc = unpack_stream(m, &m->why);
	close_fd(&m->pipe[0]); /* the other side is not left waiting for us */
	return NULL;
}

/* ------------------------------------------------------------------ the packing side */

static int write_blob(void *arg, const void *data, size_t len, struct err *e)
{
	struct making *m = arg;
	hash_add(m->hash, data, len);
	m->layer->size += len;
	return write_all(m->layer->blob.fd, data, len) < 0 ? err_sys(e, "cannot write to the image store")
	                                                   : 0;
}

static int write_stream(void *arg, const void *data, size_t len, struct err *e)
{
	struct making *m = arg;
	if (write_all(m->pipe[1], data, len) < 0)
		return err_sys(e, "cannot unpack the layer");
	return compress_add(m->compress, data, len, e);
}

static void report_skipped(void *arg, const char *path, const char *why)
{
	struct making *m = arg;
	char shown[256];
	if (++m->layer->skipped > REPORTS_MAX)
		return;
	text_harmless_to(shown, sizeof(shown), path);
	log_line(LOG_LEVEL_WARN, "\"/%s\" is left out: %s", shown, why);
}

static void report_progress(void *arg, uint64_t bytes)
{
	const struct making *m = arg;
	if (m->arrival->progress)
		progress_step(m->arrival->progress, "layer", "packing", bytes, 0);
}

static int pack_tree(struct making *m, int dirfd, const char *const *placeholders, struct err *e)
{
	struct layer_pack_result r;
	const struct layer_pack_options o = {.write = write_stream,
	        .skipped = report_skipped,
	        .progress = report_progress,
	        .arg = m,
	        .placeholders = placeholders};
	m->hash = hash_new("sha256", e);
	m->compress =
	        m->hash ? compress_new(COMPRESSION_GZIP, COMPRESS_LEVEL_DEFAULT, write_blob, m, e) : NULL;
	if (!m->compress || layer_pack(dirfd, &o, &r, e) < 0 || compress_finish(m->compress, e) < 0)
		return -1;
	hash_finish(m->hash, &m->layer->digest);
	return 0;
}

/* A write to a pipe that the other side has closed is an error, not our end; only for this thread. */
static void block_sigpipe(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void forget_sigpipe(void)
{
	const struct timespec now = {0};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
		continue;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int run(struct making *m, int dirfd, const char *const *placeholders, struct err *e)
{
	pthread_t thread;
	if (pipe2(m->pipe, O_CLOEXEC) < 0)
		return err_sys(e, "cannot make a pipe");
	fcntl(m->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
	int failed = pthread_create(&thread, NULL, unpack_thread, m);
	if (failed) {
		errno = failed;
		return err_sys(e, "cannot start a thread");
	}
	block_sigpipe();
	int rc = pack_tree(m, dirfd, placeholders, e);
	close_fd(&m->pipe[1]);
	pthread_join(thread, NULL);
	forget_sigpipe();
	/* A broken pipe is only what the other side's failure looks like from here. */
	if (m->rc < 0 && (rc == 0 || !e || e->sys == EPIPE)) {
		if (e)
			*e = m->why;
		return -1;
	}
	return rc;
}

int new_layer_make(
        struct arrival *a, int dirfd, const char *const *placeholders, struct new_layer *l, struct err *e)
{
	struct making m = {.arrival = a, .layer = l, .pipe = {-1, -1}};
	a->changed = true;
	if (blob_draft_open(&a->store, &l->blob, e) < 0 || layer_draft_open(&a->store, &l->layer, e) < 0)
		return -1;
	int rc = run(&m, dirfd, placeholders, e);
	close_fd(&m.pipe[0]);
	close_fd(&m.pipe[1]);
	compress_free(m.compress);
	hash_free(m.hash);
	if (rc < 0)
		return -1;
	l->diff_id = m.stream.out;
	l->bytes = m.unpacked.bytes;
	if (l->skipped > REPORTS_MAX)
		log_line(LOG_LEVEL_WARN, "... and %llu more are left out",
		        (unsigned long long)(l->skipped - REPORTS_MAX));
	if (a->progress)
		progress_done(a->progress, "layer", "packed");
	return 0;
}

int new_layer_keep(struct arrival *a, struct new_layer *l, struct err *e)
{
	if (pull_protect(&a->store, &a->pull, &l->diff_id, e) < 0 || arrival_sync(a, e) < 0 ||
	        layer_draft_commit(&a->store, &l->layer, &l->diff_id, l->bytes, e) < 0)
		return -1;
	return arrival_add_blob(a, &l->blob, &l->digest, e);
}

void new_layer_drop(struct arrival *a, struct new_layer *l)
{
	blob_draft_drop(&a->store, &l->blob);
	layer_draft_drop(&a->store, &l->layer);
}
