#include "engine/image_archive.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/progress.h"
#include "base/units.h"
#include "engine/archive/hash.h"
#include "engine/archive/unpack.h"
#include "engine/oci/reference.h"
#include "engine/store/blob.h"
#include "engine/volume_check.h"

int arrival_begin(struct arrival *a, const char *root, const char *state, struct progress *p, struct err *e)
{
	a->progress = p;
	if (store_open(&a->store, root, state, e) < 0)
		return -1;
	if (pull_begin(&a->store, &a->pull, e) < 0) {
		store_close(&a->store);
		return -1;
	}
	return 0;
}

void arrival_end(struct arrival *a)
{
	uint64_t freed = 0;
	if (a->pull.fd < 0)
		return;
	pull_end(&a->store, &a->pull);
	if (a->changed)
		image_sweep(&a->store, &freed, NULL);
	store_close(&a->store);
}

int arrival_add_blob(struct arrival *a, struct blob_draft *d, const struct digest *digest, struct err *e)
{
	a->changed = true;
	if (pull_protect(&a->store, &a->pull, digest, e) < 0)
		return -1;
	return blob_draft_commit(&a->store, d, digest, e);
}

static int write_document(
        struct arrival *a, struct blob_draft *d, const struct buf *b, struct digest *digest, struct err *e)
{
	if (hash_bytes("sha256", buf_str(b), b->len, digest, e) < 0)
		return -1;
	if (write_all(d->fd, b->data, b->len) < 0)
		return err_sys(e, "cannot write to the image store");
	return arrival_add_blob(a, d, digest, e);
}

int arrival_add_document(
        struct arrival *a, json *document, struct digest *digest, uint64_t *size, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(IMAGE_CONFIG_MAX_BYTES);
	struct blob_draft d = BLOB_DRAFT_INIT;
	json_print(&b, document, JSON_COMPACT);
	if (b.failed)
		return err_set(e, ERR_OTHER, "the description of the image is too large");
	if (blob_draft_open(&a->store, &d, e) < 0)
		return -1;
	int rc = write_document(a, &d, &b, digest, e);
	blob_draft_drop(&a->store, &d);
	*size = b.len;
	return rc;
}

/* ------------------------------------------------------------------ layers */

/* One layer of an image under way. The draft is empty when the layer was there already. */
struct layer_job {
	struct layer_draft draft;
	uint64_t size;
};

static int check_diff_id(const struct inflate_result *r, const struct digest *want, struct err *e)
{
	char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
	if (digest_equal(&r->out, want))
		return 0;
	return err_set(e, ERR_CORRUPT,
	        "the archive is damaged: a layer should unpack to %s and unpacks to %s", digest_text(want, a),
	        digest_text(&r->out, b));
}

/* A layer that is here already is only read through, so that the archive is checked all the same. */
static int check_layer(struct inflate *in, const struct digest *diff_id, struct err *e)
{
	struct inflate_result r;
	return inflate_finish(in, &r, e) < 0 ? -1 : check_diff_id(&r, diff_id, e);
}

static int unpack_draft(struct arrival *a, struct inflate *in, const struct descriptor *d,
        const struct digest *diff_id, struct layer_job *job, struct err *e)
{
	struct inflate_result r;
	struct unpack_result u;
	char label[16];
	struct unpack_options o = {
	        .open_end = true, .progress = a->progress, .label = label, .total = d->size};
	memcpy(label, diff_id->hex, 12);
	label[12] = '\0';
	if (layer_draft_open(&a->store, &job->draft, e) < 0)
		return -1;
	a->changed = true;
	if (unpack_layer(in, job->draft.fd, &o, &u, e) < 0 || inflate_finish(in, &r, e) < 0 ||
	        check_diff_id(&r, diff_id, e) < 0)
		return -1;
	job->size = u.bytes;
	if (a->progress)
		progress_done(a->progress, label, "unpacked");
	return 0;
}

static int add_layer(struct arrival *a, const struct descriptor *d, const struct digest *diff_id,
        struct layer_job *job, struct err *e)
{
	if (pull_protect(&a->store, &a->pull, diff_id, e) < 0)
		return -1;
	bool there = layer_exists(&a->store, diff_id);
	if (there && digest_equal(diff_id, &d->digest))
		return 0; /* not compressed: the blob's own digest says it all */
	cleanup_fd int fd = blob_open(&a->store, &d->digest);
	if (fd < 0)
		return err_sys(e, "cannot open a layer");
	struct inflate_options o = {.out_alg = diff_id->alg, .copy_fd = -1};
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, e);
	if (!in)
		return -1;
	return there ? check_layer(in, diff_id, e) : unpack_draft(a, in, d, diff_id, job, e);
}

static int add_all(struct arrival *a, const struct manifest *m, const struct image_config *c,
        struct layer_job *jobs, struct err *e)
{
	for (size_t i = 0; i < m->n_layers; i++)
		if (add_layer(a, &m->layers[i], &c->diff_ids[i], &jobs[i], e) < 0)
			return err_wrap(e, "layer %zu of %zu", i + 1, m->n_layers);
	if (arrival_sync(a, e) < 0)
		return -1;
	for (size_t i = 0; i < m->n_layers; i++)
		if (jobs[i].draft.fd >= 0 &&
		        layer_draft_commit(&a->store, &jobs[i].draft, &c->diff_ids[i], jobs[i].size, e) < 0)
			return -1;
	return 0;
}

int arrival_add_layers(
        struct arrival *a, const struct manifest *m, const struct image_config *c, struct err *e)
{
	if (m->n_layers != c->n_diff_ids)
		return err_set(e, ERR_CORRUPT,
		        "the archive is damaged: an image has %zu layers in its manifest and %zu in its "
		        "config",
		        m->n_layers, c->n_diff_ids);
	struct layer_job *jobs = calloc(m->n_layers ? m->n_layers : 1, sizeof(*jobs));
	if (!jobs)
		return err_no_memory(e);
	for (size_t i = 0; i < m->n_layers; i++)
		jobs[i].draft = (struct layer_draft)LAYER_DRAFT_INIT;
	int rc = add_all(a, m, c, jobs, e);
	for (size_t i = 0; i < m->n_layers; i++)
		layer_draft_drop(&a->store, &jobs[i].draft);
	free(jobs);
	return rc;
}

/* ------------------------------------------------------------------ the rest */

int arrival_sync(const struct arrival *a, struct err *e)
{
	return syncfs(a->store.blobs_fd) < 0 ? err_sys(e, "cannot write to %s", a->store.root) : 0;
}

static void block_interruption(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int arrival_name(struct arrival *a, const struct index_entry *list, size_t n, struct err *e)
{
	if (arrival_sync(a, e) < 0)
		return -1;
	block_interruption();
	return image_index_add_all(&a->store, list, n, e);
}

const char *layer_media_type(enum compression c)
{
	switch (c) {
	case COMPRESSION_NONE:
		return MEDIA_OCI_LAYER;
	case COMPRESSION_GZIP:
		return MEDIA_OCI_LAYER_GZIP;
	case COMPRESSION_ZSTD:
		return MEDIA_OCI_LAYER_ZSTD;
	default:
		return NULL;
	}
}

/* Now, or what SOURCE_DATE_EPOCH asks for (reproducible-builds.org), so that the same archive gives the
 * same image. */
int64_t image_creation_time(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int64_t seconds;
	if (epoch && int_parse(epoch, 0, INT32_MAX, "SOURCE_DATE_EPOCH", &seconds, NULL) == 0)
		return seconds * 1000000000;
	return now_realtime() / 1000000000 * 1000000000;
}

int image_full_name(const char *name, char **full, struct err *e)
{
	cleanup_reference struct reference r = REFERENCE_INIT;
	*full = NULL;
	if (!name)
		return 0;
	if (reference_parse(name, &r, e) < 0)
		return -1;
	if (digest_is_set(&r.digest))
		return err_set(e, ERR_USAGE,
		        "\"%.300s\" names a digest; an image is given a name like busybox:1.36", name);
	*full = reference_full(&r);
	return *full ? 0 : err_no_memory(e);
}

int archive_open(const char *file, uint64_t *size, struct err *e)
{
	struct stat st;
	bool standard = strcmp(file, "-") == 0;
	*size = 0;
	if (strncmp(file, "http://", 7) == 0 || strncmp(file, "https://", 8) == 0)
		return err_set(e, ERR_USAGE, "URLs are not supported: download %s first", file);
	if (standard && isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE, "standard input is a terminal; name a file or redirect one");
	/* The duplicate is ours to close. */
	cleanup_fd int fd =
	        standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot open %s", file);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is a directory; an archive is expected", file);
	if (S_ISREG(st.st_mode))
		*size = (uint64_t)st.st_size;
	return steal_fd(&fd);
}

void tare_image_tidy(const char *root, const char *state)
{
	cleanup_store struct store s;
	uint64_t freed;

	if (store_open(&s, root, state, NULL) != 0)
		return;
	image_sweep(&s, &freed, NULL);
	volumes_tidy(&s, true);
}
