/* Commit: what a container has written becomes a layer above those of its image. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/container_layers.h"
#include "engine/engine.h"
#include "engine/freeze.h"
#include "engine/image_archive_layer.h"
#include "engine/oci/image_change.h"
#include "engine/oci/media_type.h"

struct commit {
	struct arrival arrival;
	const struct tare_commit *request;
	struct container container;
	struct image base; /* empty without an image: the whole root becomes one layer */
	struct image_config config;
	struct new_layer layer;
};

/* ------------------------------------------------------------------ the config */

static int replace(char **dst, const char *s, struct err *e)
{
	free(*dst);
	*dst = s ? strdup(s) : NULL;
	return s && !*dst ? err_no_memory(e) : 0;
}

static void replace_strv(char ***dst, char **v)
{
	strv_free(*dst);
	*dst = v;
}

/* The keys of an object that is used as a set. */
static int replace_keys(char ***dst, json *set, struct err *e)
{
	cleanup_strv char **keys = NULL;
	if (set) {
		json_object_object_foreach (set, key, value) {
			(void)value;
			if (strv_add(&keys, key) < 0)
				return err_no_memory(e);
		}
	}
	replace_strv(dst, steal_ptr(&keys));
	return 0;
}

/* Without the name of the machine, which every start sets anew. */
static int set_env(struct image_config *c, json *run, struct err *e)
{
	cleanup_strv char **env = json_strv(run, "Env"), **kept = NULL;
	cleanup_free char *hostname = str_printf("HOSTNAME=%s", json_str(run, "Hostname", ""));
	if (!hostname)
		return err_no_memory(e);
	strv_foreach (s, env)
		if ((strcmp(*s, hostname) != 0 || strv_has(c->env, *s)) && strv_add(&kept, *s) < 0)
			return err_no_memory(e);
	replace_strv(&c->env, steal_ptr(&kept));
	return 0;
}

/* What is the same without an image saying so is left unsaid. */
static int set_text(char **dst, json *run, const char *key, const char *usual, struct err *e)
{
	const char *value = json_str(run, key, "");
	if (!*value || (!*dst && strcmp(value, usual) == 0))
		return 0;
	return replace(dst, value, e);
}

/* Docker's rule: the image runs as the container did. */
static int take_over(struct image_config *c, json *run, struct err *e)
{
	json *labels = json_get(run, "Labels"), *health = json_get(run, "Healthcheck");
	if (set_env(c, run, e) < 0 || replace(&c->user, json_str(run, "User", ""), e) < 0 ||
	        set_text(&c->workdir, run, "WorkingDir", "/", e) < 0 ||
	        set_text(&c->stop_signal, run, "StopSignal", "SIGTERM", e) < 0 ||
	        replace_keys(&c->volumes, json_get(run, "Volumes"), e) < 0 ||
	        replace_keys(&c->exposed_ports, json_get(run, "ExposedPorts"), e) < 0)
		return -1;
	replace_strv(&c->cmd, json_strv(run, "Cmd"));
	replace_strv(&c->entrypoint, json_strv(run, "Entrypoint"));
	json_free(&c->labels);
	if (labels && json_object_object_length(labels) > 0)
		c->labels = json_object_get(labels);
	json_free(&c->healthcheck);
	if (health)
		c->healthcheck = json_object_get(health);
	return 0;
}

static int add_history(struct commit *k, struct err *e)
{
	char when[TIME_TEXT_SIZE];
	cleanup_buf struct buf command = BUF_INIT;
	const struct tare_commit *q = k->request;
	struct image_config *c = &k->config;
	json *entry = json_object_new_object();
	if (!c->history)
		c->history = json_object_new_array();
	strv_foreach (arg, k->container.record.command)
		buf_printf(&command, "%s%s", command.len ? " " : "", *arg);
	json_set_str(entry, "created", time_format(c->created, when));
	json_set_str(entry, "created_by", buf_str(&command));
	if (q->author)
		json_set_str(entry, "author", q->author);
	if (q->message)
		json_set_str(entry, "comment", q->message);
	json_object_array_add(c->history, entry);
	return command.failed ? err_no_memory(e) : 0;
}

static int make_config(struct commit *k, struct err *e)
{
	struct image_config *c = &k->config;
	cleanup_json json *run = inspect_config(&k->container.record);
	/* The base's own parts are taken over; its image is not looked at again. */
	*c = k->base.config;
	k->base.config = (struct image_config)IMAGE_CONFIG_INIT;
	c->created = image_creation_time();
	if ((!c->os && replace(&c->os, "linux", e) < 0) ||
	        (!c->architecture && replace(&c->architecture, host_architecture(), e) < 0) ||
	        (k->request->author && replace(&c->author, k->request->author, e) < 0) || !run)
		return -1;
	if (take_over(c, run, e) < 0)
		return -1;
	strv_foreach (change, k->request->changes)
		if (image_config_change(c, *change, e) < 0)
			return -1;
	return add_history(k, e);
}

static int add_diff_id(struct image_config *c, const struct digest *diff_id, struct err *e)
{
	struct digest *grown = realloc(c->diff_ids, (c->n_diff_ids + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	c->diff_ids = grown;
	c->diff_ids[c->n_diff_ids++] = *diff_id;
	return 0;
}

/* ------------------------------------------------------------------ the manifest */

static int add_layer(
        struct manifest *m, const char *type, const struct digest *d, uint64_t size, struct err *e)
{
	struct descriptor *layer = &m->layers[m->n_layers];
	layer->media_type = strdup(type);
	layer->digest = *d;
	layer->size = size;
	if (!layer->media_type)
		return err_no_memory(e);
	m->n_layers++;
	return 0;
}

static int make_manifest(const struct commit *k, struct manifest *m, struct err *e)
{
	const struct manifest *base = &k->base.manifest;
	enum media_family family = k->request->docker ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI;
	m->media_type = strdup(media_type_in(MEDIA_OCI_MANIFEST, family));
	m->config.media_type = strdup(media_type_in(MEDIA_OCI_CONFIG, family));
	m->layers = calloc(base->n_layers + 1, sizeof(*m->layers));
	if (!m->media_type || !m->config.media_type || !m->layers)
		return err_no_memory(e);
	for (size_t i = 0; i < base->n_layers; i++)
		if (add_layer(m, media_type_in(base->layers[i].media_type, family), &base->layers[i].digest,
		            base->layers[i].size, e) < 0)
			return -1;
	return add_layer(m, media_type_in(MEDIA_OCI_LAYER_GZIP, family), &k->layer.digest, k->layer.size, e);
}

static int write_image(struct commit *k, const char *reference, char **image_id, struct err *e)
{
	struct arrival *a = &k->arrival;
	char text[DIGEST_TEXT_SIZE];
	cleanup_manifest struct manifest m = MANIFEST_INIT;
	struct index_entry entry = {.reference = reference};
	if (add_diff_id(&k->config, &k->layer.diff_id, e) < 0 || make_manifest(k, &m, e) < 0)
		return -1;
	cleanup_json json *config = image_config_to_json(&k->config);
	if (arrival_add_document(a, config, &m.config.digest, &m.config.size, e) < 0)
		return -1;
	cleanup_json json *manifest = manifest_to_json(&m);
	if (arrival_add_document(a, manifest, &entry.manifest.digest, &entry.manifest.size, e) < 0)
		return -1;
	*image_id = strdup(digest_text(&m.config.digest, text));
	if (!*image_id)
		return err_no_memory(e);
	entry.manifest.media_type = m.media_type;
	return arrival_name(a, &entry, 1, e);
}

/* ------------------------------------------------------------------ the container */

static int protect(struct arrival *a, const struct digest *d, const char *what, bool blob, struct err *e)
{
	if (pull_protect(&a->store, &a->pull, d, e) < 0)
		return -1;
	if (blob ? blob_exists(&a->store, d, NULL) : layer_exists(&a->store, d))
		return 0;
	return err_set(e, ERR_NOT_FOUND, "%s %.12s of the container's image is gone", what, d->hex);
}

/* The base stays whole until the new image is in the index, whoever removes what meanwhile. */
static int protect_base(struct commit *k, struct err *e)
{
	const struct manifest *m = &k->base.manifest;
	for (size_t i = 0; i < m->n_layers; i++)
		if (protect(&k->arrival, &m->layers[i].digest, "blob", true, e) < 0 ||
		        protect(&k->arrival, &k->base.config.diff_ids[i], "layer", false, e) < 0)
			return -1;
	return 0;
}

/* The image that the container stands on. One that is gone leaves its layers behind, which are no image: the
 * whole root is taken then, as with --rootfs. */
static void find_base(struct commit *k)
{
	const struct container_record *r = &k->container.record;
	struct err why = ERR_INIT;
	if (r->rootfs)
		return;
	if (image_find(&k->arrival.store, r->image_manifest, &k->base, &why) == 0 &&
	        k->base.manifest.n_layers == k->base.config.n_diff_ids &&
	        k->base.manifest.n_layers < MANIFEST_MAX_LAYERS && protect_base(k, &why) == 0)
		return;
	log_line(LOG_LEVEL_WARN,
	        "the image of container %s cannot be built upon (%s): its whole root becomes one layer",
	        r->name, why.msg[0] ? why.msg : "it has too many layers");
	image_free(&k->base);
	k->base = (struct image)IMAGE_INIT;
}

static int open_tree(const struct commit *k, struct err *e)
{
	const struct container *c = &k->container;
	if (!k->base.manifest.n_layers)
		return container_root(&k->arrival.store, c, e);
	return container_upper(c, e);
}

static int pack_container(struct commit *k, struct err *e)
{
	cleanup_fd int tree = open_tree(k, e);
	if (tree < 0)
		return -1;
	return new_layer_make(&k->arrival, tree, container_placeholders, &k->layer, e);
}

/* From the freeze to the thaw; the container's lock is given back before the index is locked (base/lock.h).
 */
static int read_container(struct commit *k, const struct store *s, struct err *e)
{
	const struct tare_commit *q = k->request;
	struct container *c = &k->container;
	cleanup_freeze struct freeze freeze = FREEZE_INIT;
	if (container_open(s, q->container, c, e) < 0 || container_lock(s, c, e) < 0)
		return -1;
	/* Before this process locks anything of the store's: the one that thaws holds what we hold. */
	if (!q->no_pause && freeze_begin(&freeze, s, c, e) < 0)
		return -1;
	if (arrival_begin(&k->arrival, s->root, s->state, k->arrival.progress, e) < 0)
		return -1;
	find_base(k);
	if (pack_container(k, e) < 0)
		return err_wrap(e, "cannot commit container %s", c->record.name);
	freeze_end(&freeze);
	container_unlock(c);
	return 0;
}

static int commit(
        struct commit *k, const struct store *s, const char *reference, char **image_id, struct err *e)
{
	if (read_container(k, s, e) < 0 || make_config(k, e) < 0 ||
	        new_layer_keep(&k->arrival, &k->layer, e) < 0 || write_image(k, reference, image_id, e) < 0)
		return -1;
	json *more = json_object_new_object();
	json_set_str(more, "comment", k->request->message ? k->request->message : "");
	json_set_str(more, "imageID", *image_id);
	json_set_str(more, "imageRef", reference ? reference : "");
	container_event(s, &k->container, "commit", more);
	return 0;
}

/* A change that is wrong is told before a container was frozen for it. */
static int check_changes(char *const *changes, struct err *e)
{
	cleanup_image_config struct image_config c = IMAGE_CONFIG_INIT;
	strv_foreach (change, changes)
		if (image_config_change(&c, *change, e) < 0)
			return -1;
	return 0;
}

int tare_image_commit(const char *root, const char *state, const struct tare_commit *request,
        struct progress *p, char **image_id, struct err *e)
{
	cleanup_store struct store s;
	cleanup_free char *reference = NULL;
	*image_id = NULL;
	if (image_full_name(request->reference, &reference, e) < 0 ||
	        check_changes(request->changes, e) < 0 || store_open(&s, root, state, e) < 0)
		return -1;
	struct commit k = {.arrival = ARRIVAL_INIT,
	        .request = request,
	        .container = CONTAINER_INIT,
	        .layer = NEW_LAYER_INIT};
	k.arrival.progress = p;
	int rc = commit(&k, &s, reference, image_id, e);
	if (k.arrival.pull.fd >= 0)
		new_layer_drop(&k.arrival, &k.layer);
	arrival_end(&k.arrival);
	container_close(&k.container);
	image_free(&k.base);
	image_config_free(&k.config);
	return rc;
}
