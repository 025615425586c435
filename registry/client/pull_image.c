#include "registry/client/pull_image.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/archive/hash.h"
#include "engine/store/blob.h"
#include "engine/store/image_index.h"
#include "engine/store/layer.h"
#include "engine/store/partial.h"
#include "engine/store/pull.h"
#include "registry/client/pull_layers.h"

#define NESTED_MAX 4 /* indexes within indexes; no honest one goes deeper than two */

/* ------------------------------------------------------------------ what is here */

static bool has_layers(const struct store *s, const struct image *i)
{
	uint64_t size;
	for (size_t k = 0; k < i->manifest.n_layers; k++)
		if (!blob_exists(s, &i->manifest.layers[k].digest, &size) ||
		        size != i->manifest.layers[k].size || !layer_exists(s, &i->config.diff_ids[k]))
			return false;
	return true;
}

/* One that the registry has for one platform only is taken whatever that is, but not silently. */
static void warn_of_platform(const struct pull_image *i, const struct image_config *c)
{
	char text[PLATFORM_TEXT_SIZE];
	if (platform_fits(i->platform, c))
		return;
	progress_end(i->progress);
	log_line(LOG_LEVEL_WARN, "%s is for %s/%s%s%s, not for %s", i->reference, c->os ? c->os : "unknown",
	        c->architecture ? c->architecture : "unknown", c->variant ? "/" : "",
	        c->variant ? c->variant : "", platform_text(i->platform, text));
}

bool pull_image_is_here(const struct pull_image *i, struct pulled *out, bool *named)
{
	const struct digest *target = &i->target->digest;
	char text[DIGEST_TEXT_SIZE];
	cleanup_image struct image image = IMAGE_INIT;
	/* by its name first, for that is the answer most often */
	*named = image_find(i->store, i->reference, &image, NULL) == 0 && image.reference &&
	         strcmp(image.reference, i->reference) == 0 &&
	         (digest_equal(&image.manifest_digest, target) || digest_equal(&image.pulled, target));
	if (!*named) {
		image_free(&image);
		if (image_find(i->store, digest_text(target, text), &image, NULL) < 0)
			return false;
	}
	bool is_member = !digest_equal(&image.manifest_digest, target);
	if (is_member && !digest_equal(&image.pulled, target))
		return false;
	if ((is_member && !platform_fits(i->platform, &image.config)) || !has_layers(i->store, &image))
		return false;
	warn_of_platform(i, &image.config);
	out->digest = *target;
	out->id = image.config_digest;
	return true;
}

/* ------------------------------------------------------------------ documents */

/* What a fetch gathers. */
struct fetch {
	const struct pull_image *i;
	struct pull pull;
	struct manifest manifest;
	struct image_config config;
	struct descriptor found; /* of the manifest */
	struct buf manifest_text, config_text;
	bool changed;
};

/* A document becomes a blob; its digest has been checked. */
static int keep(struct fetch *f, const struct digest *d, const struct buf *text, struct err *e)
{
	const struct store *s = f->i->store;
	struct blob_draft draft = BLOB_DRAFT_INIT;
	if (pull_protect(s, &f->pull, d, e) < 0)
		return -1;
	f->changed = true;
	if (blob_draft_open(s, &draft, e) < 0)
		return -1;
	int rc = write_all(draft.fd, text->data, text->len) < 0
	                 ? err_sys(e, "cannot write to the image store")
	                 : blob_draft_commit(s, &draft, d, e);
	blob_draft_drop(s, &draft);
	return rc;
}

/* Docker's first format: signed by nobody who matters, its layers named by no digest of their content. */
static int refuse_old(const struct descriptor *d, const struct buf *text, const char *name, struct err *e)
{
	bool old = d->media_type && strstr(d->media_type, "vnd.docker.distribution.manifest.v1");
	cleanup_json json *j = old ? NULL : json_parse(buf_str(text), text->len, "manifest", NULL);
	if (!DEFENCE("schema-one") || (!old && json_int(j, "schemaVersion", 2) != 1))
		return 0;
	return err_set(e, ERR_UNSUPPORTED,
	        "%s is in Docker's old format (schema 1), which is not safe to use; push it again with a "
	        "tool of today",
	        name);
}

/* The index that led here says how large the document is and of which type: one that is not so may be read as
 * another thing by others (type confusion, CVE-2021-41190). tests/e2e/pull-hostile.bats */
static int check_member(const struct descriptor *want, const struct descriptor *is, struct err *e)
{
	if (!DEFENCE("index-member"))
		return 0;
	if (want->size != is->size)
		return err_set(e, ERR_CORRUPT,
		        "the registry's index says %llu bytes of a manifest that has %llu",
		        (unsigned long long)want->size, (unsigned long long)is->size);
	if (media_kind(is->media_type) != MEDIA_KIND_OTHER && strcmp(want->media_type, is->media_type) != 0)
		return err_set(e, ERR_CORRUPT,
		        "the registry's index says \"%.100s\" of a manifest that is \"%.100s\"",
		        want->media_type, is->media_type);
	return 0;
}

static int descend(struct fetch *f, const struct descriptor *want, unsigned depth, struct err *e);

static int enter_index(struct fetch *f, const struct buf *text, unsigned depth, struct err *e)
{
	cleanup_oci_index struct oci_index index = OCI_INDEX_INIT;
	if (depth == NESTED_MAX)
		return err_set(e, ERR_CORRUPT, "indexes lie in indexes, more than %d deep", NESTED_MAX);
	if (oci_index_parse(buf_str(text), text->len, &index, e) < 0)
		return -1;
	const struct descriptor *member =
	        platform_choose(&index, f->i->platform, remote_name(*f->i->remote), e);
	return member ? descend(f, member, depth + 1, e) : -1;
}

/* From what the name is, through indexes, to the manifest of one platform. */
static int descend(struct fetch *f, const struct descriptor *want, unsigned depth, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	struct descriptor is = {0};
	buf_reset(&f->manifest_text);
	f->manifest_text.max = MANIFEST_MAX_BYTES;
	if (remote_manifest(*f->i->remote, digest_text(&want->digest, text), &f->manifest_text, &is, e) < 0)
		return -1;
	descriptor_free(&f->found);
	f->found = is;
	if ((depth && check_member(want, &is, e) < 0) ||
	        refuse_old(&is, &f->manifest_text, remote_name(*f->i->remote), e) < 0)
		return -1;
	/* A registry that serves all as JSON says nothing; the index that led here did. */
	const char *type =
	        media_kind(is.media_type) == MEDIA_KIND_OTHER && depth ? want->media_type : is.media_type;
	if (media_kind(type) == MEDIA_KIND_INDEX) {
		cleanup_buf struct buf index = f->manifest_text;
		f->manifest_text = (struct buf)BUF_INIT;
		return enter_index(f, &index, depth, e);
	}
	return manifest_parse(buf_str(&f->manifest_text), f->manifest_text.len, type, &f->manifest, e);
}

/* After a loss of power there may be a file of its size without its content. */
static bool has_config(const struct store *s, const struct descriptor *d, struct buf *text)
{
	struct digest is;
	return blob_exists(s, &d->digest, NULL) && blob_read(s, &d->digest, text, NULL) == 0 &&
	       text->len == d->size && hash_bytes(d->digest.alg, buf_str(text), text->len, &is, NULL) == 0 &&
	       digest_equal(&is, &d->digest);
}

static int fetch_config(struct fetch *f, struct err *e)
{
	const struct descriptor *d = &f->manifest.config;
	f->config_text.max = IMAGE_CONFIG_MAX_BYTES;
	if (d->size > IMAGE_CONFIG_MAX_BYTES)
		return err_set(e, ERR_CORRUPT, "the config of the image is too large (%llu bytes)",
		        (unsigned long long)d->size);
	/* Part of many images: one that is here needs no request. */
	if (pull_protect(f->i->store, &f->pull, &d->digest, e) < 0)
		return -1;
	bool here = has_config(f->i->store, d, &f->config_text);
	if (!here) {
		buf_reset(&f->config_text);
		if (remote_blob(*f->i->remote, d, &f->config_text, e) < 0)
			return -1;
	}
	if (image_config_parse(buf_str(&f->config_text), f->config_text.len, &f->config, e) < 0)
		return -1;
	return here ? 0 : keep(f, &d->digest, &f->config_text, e);
}

/* ------------------------------------------------------------------ the whole */

static int sync_store(const struct store *s, struct err *e)
{
	return syncfs(s->blobs_fd) < 0 ? err_sys(e, "cannot write to %s", s->root) : 0;
}

/* From here on an interruption comes too late. */
static void block_interruption(sigset_t *before)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, before);
}

static int add_to_index(const struct pull_image *i, struct descriptor manifest, struct err *e)
{
	if (!digest_equal(&manifest.digest, &i->target->digest))
		manifest.pulled = i->target->digest;
	return image_index_add(i->store, i->reference, &manifest, e);
}

static int make_visible(struct fetch *f, struct pull_layers *layers, struct err *e)
{
	const struct store *s = f->i->store;
	struct descriptor manifest = {.media_type = f->manifest.media_type,
	        .digest = f->found.digest,
	        .size = f->manifest_text.len};
	sigset_t before;
	if (sync_store(s, e) < 0 || pull_layers_commit(layers, e) < 0 || sync_store(s, e) < 0)
		return -1;
	block_interruption(&before);
	int rc = add_to_index(f->i, manifest, e);
	if (rc == 0)
		pull_layers_forget(layers);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int fetch_layers(struct fetch *f, struct err *e)
{
	const struct pull_layers_options o = {.store = f->i->store,
	        .pull = &f->pull,
	        .http = f->i->http,
	        .remote = *f->i->remote,
	        .manifest = &f->manifest,
	        .config = &f->config,
	        .progress = f->i->progress};
	cleanup_pull_layers struct pull_layers *layers = pull_layers_new(&o, e);
	if (!layers)
		return -1;
	f->changed = true;
	if (pull_layers_run(layers, e) == 0)
		return make_visible(f, layers, e);
	/* Downloads that are under way speak to the layers: they end first. */
	remote_free_ptr(f->i->remote);
	return -1;
}

static int fetch(struct fetch *f, struct err *e)
{
	if (descend(f, f->i->target, 0, e) < 0 || fetch_config(f, e) < 0)
		return -1;
	warn_of_platform(f->i, &f->config);
	if (keep(f, &f->found.digest, &f->manifest_text, e) < 0)
		return -1;
	return fetch_layers(f, e);
}

static void fetch_end(struct fetch *f, bool failed)
{
	uint64_t freed;
	const struct store *s = f->i->store;
	pull_end(s, &f->pull);
	if (failed && f->changed)
		image_sweep(s, &freed, NULL);
	manifest_free(&f->manifest);
	image_config_free(&f->config);
	descriptor_free(&f->found);
	buf_free(&f->manifest_text);
	buf_free(&f->config_text);
}

/* Who has the target's partial pulls it; others wait, and then find it here, or take over. */
static int take_turn(const struct pull_image *i, struct partial *turn, struct err *e)
{
	int rc = partial_open(i->store, &i->target->digest, false, turn, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	progress_step(i->progress, i->reference, "waiting", 0, 0);
	rc = partial_open(i->store, &i->target->digest, true, turn, e);
	progress_end(i->progress);
	return rc < 0 ? -1 : 0;
}

int pull_image_fetch(const struct pull_image *i, struct pulled *out, struct err *e)
{
	struct fetch f = {.i = i, .pull = PULL_INIT};
	struct partial turn = PARTIAL_INIT;
	bool named = false;
	if (take_turn(i, &turn, e) < 0)
		return -1;
	int rc = 0;
	if (pull_image_is_here(i, out, &named)) {
		rc = named ? 0 : pull_image_name(i, e);
	} else {
		rc = pull_begin(i->store, &f.pull, e);
		if (rc == 0)
			rc = fetch(&f, e);
		out->digest = i->target->digest;
		out->id = f.manifest.config.digest;
		fetch_end(&f, rc < 0);
	}
	out->changed = rc == 0;
	partial_drop(i->store, &turn);
	return rc;
}

int pull_image_name(const struct pull_image *i, struct err *e)
{
	char text[DIGEST_TEXT_SIZE];
	cleanup_image struct image image = IMAGE_INIT;
	if (image_find(i->store, digest_text(&i->target->digest, text), &image, e) < 0)
		return -1;
	struct descriptor manifest = {.media_type = image.media_type, .digest = image.manifest_digest};
	blob_exists(i->store, &manifest.digest, &manifest.size);
	return add_to_index(i, manifest, e);
}
