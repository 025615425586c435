/* Taking away what nobody needs: stopped containers, unused volumes and networks, and debris. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/debris.h"
#include "engine/image.h"
#include "engine/network.h"

static uint64_t tree_bytes(int dir_fd, const char *name)
{
	uint64_t bytes = 0, entries;

	tree_size_at(dir_fd, name, &bytes, &entries);
	return bytes;
}

/* ------------------------------------------------------------------ containers and volumes */

static int prune_containers(struct tare_engine *t, bool dry_run, struct tare_prune_result *out, struct err *e)
{
	struct tare_container_list l;
	const struct tare_remove how = {.volumes = false};

	if (engine_list(t, true, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		uint64_t rw = 0, rootfs;
		if (l.rows[i].state == TARE_RUNNING || l.rows[i].state == TARE_PAUSED ||
		        l.rows[i].state == TARE_RESTARTING || l.rows[i].state == TARE_DEAD)
			continue;
		engine_container_size(t, l.rows[i].id, &rw, &rootfs, NULL);
		if (!dry_run && engine_remove(t, l.rows[i].id, &how, NULL) != 0)
			continue; /* started or removed meanwhile */
		out->bytes += rw;
		strv_add(&out->removed, dry_run ? l.rows[i].name : l.rows[i].id);
	}
	tare_container_list_free(&l);
	return 0;
}

static bool runs(const struct store *s, const char *id)
{
	cleanup_container struct container c = CONTAINER_INIT;

	return container_open_id(s, id, &c, NULL) == 0 && container_is_up(&c);
}

static bool is_volume_needed(const struct store *s, const struct tare_volume *v, bool by_running_only)
{
	strv_foreach (id, v->used_by)
		if (!by_running_only || runs(s, *id))
			return true;
	return false;
}

/* What is on a disk of ours: a bind's files stay where they are, a tmpfs has none without a container. */
static uint64_t volume_bytes(const struct store *s, const struct tare_volume *v)
{
	uint64_t bytes = 0;

	if (strcmp(v->kind, "directory") == 0)
		volume_size(s, v->name, &bytes, NULL);
	return bytes;
}

static int prune_volumes(const struct store *s, unsigned flags, struct tare_prune_result *out, struct err *e)
{
	struct tare_volume_list l;
	bool all = flags & TARE_PRUNE_ALL, dry_run = flags & TARE_PRUNE_DRY_RUN;
	bool by_running_only = dry_run && flags & TARE_PRUNE_FOR_RUNNING_ONLY;

	if (volumes_list(s, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct tare_volume *v = &l.rows[i];
		if (is_volume_needed(s, v, by_running_only) || (!all && !v->anonymous))
			continue;
		uint64_t bytes = volume_bytes(s, v);
		if (!dry_run && volume_remove(s, v->name, NULL) != 0)
			continue;
		out->bytes += bytes;
		strv_add(&out->removed, v->name);
	}
	tare_volume_list_free(&l);
	return 0;
}

/* ------------------------------------------------------------------ debris */

static void note_removed(const struct debris *d, void *arg)
{
	struct tare_prune_result *out = arg;

	if (!d->removed)
		return;
	out->bytes += d->bytes;
	strv_add(&out->removed, d->what);
}

/* Of networks too: their remains are links, rules and leases. */
static int prune_debris(const struct store *s, struct tare_prune_result *out, struct err *e)
{
	struct tare_check_result found = {0};

	debris_sweep(s, true, note_removed, out);
	int rc = network_check(s, true, &found, e);
	for (size_t i = 0; i < found.n; i++)
		if (found.rows[i].repaired)
			strv_add(&out->removed, found.rows[i].what);
	tare_check_result_free(&found);
	return rc;
}

int engine_prune(struct tare_engine *t, enum tare_prune_what what, unsigned flags,
        struct tare_prune_result *out, struct err *e)
{
	const struct store *s = engine_store(t);
	bool dry_run = flags & TARE_PRUNE_DRY_RUN;

	*out = (struct tare_prune_result){0};
	switch (what) {
	case TARE_PRUNE_CONTAINERS:
		return prune_containers(t, dry_run, out, e);
	case TARE_PRUNE_IMAGES:
		return image_prune(s, flags, &out->removed, &out->bytes, e);
	case TARE_PRUNE_CONTENT:
		if (dry_run)
			return err_set(e, ERR_UNSUPPORTED,
			        "what nothing reaches cannot be looked at without removing it");
		return image_gc(s, flags & TARE_PRUNE_ALL, &out->bytes, e);
	case TARE_PRUNE_VOLUMES:
		return prune_volumes(s, flags, out, e);
	case TARE_PRUNE_NETWORKS:
		return networks_prune(s, flags, out, e);
	case TARE_PRUNE_DEBRIS:
		if (dry_run)
			return err_set(
			        e, ERR_UNSUPPORTED, "remains cannot be looked at without removing them");
		return prune_debris(s, out, e);
	}
	return err_set(e, ERR_USAGE, "nothing to prune");
}

/* ------------------------------------------------------------------ how much there is */

int engine_container_size(
        struct tare_engine *t, const char *ref, uint64_t *rw, uint64_t *rootfs, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_image struct image image = IMAGE_INIT;

	if (container_open(s, ref, &c, e) != 0)
		return -1;
	*rw = tree_bytes(c.dir_fd, "upper");
	*rootfs = *rw;
	if (c.record.image_id && *c.record.image_id && image_find(s, c.record.image_id, &image, NULL) == 0)
		*rootfs += image_unpacked_size(s, &image);
	return 0;
}

int engine_disk_usage(struct tare_engine *t, struct tare_disk_usage *out, struct err *e)
{
	const struct store *s = engine_store(t);
	struct tare_container_list containers;
	struct tare_volume_list volumes;

	*out = (struct tare_disk_usage){0};
	if (images_usage(s, &out->images.total, &out->images.active, &out->images.size,
	            &out->images.reclaimable, e) != 0 ||
	        engine_list(t, true, &containers, e) != 0)
		return -1;
	for (size_t i = 0; i < containers.n; i++) {
		uint64_t rw = 0, rootfs;
		bool up = containers.rows[i].state == TARE_RUNNING ||
		          containers.rows[i].state == TARE_PAUSED ||
		          containers.rows[i].state == TARE_RESTARTING;
		engine_container_size(t, containers.rows[i].id, &rw, &rootfs, NULL);
		out->containers.total++;
		out->containers.active += up;
		out->containers.size += rw;
		out->containers.reclaimable += up ? 0 : rw;
	}
	tare_container_list_free(&containers);
	if (volumes_list(s, &volumes, e) != 0)
		return -1;
	for (size_t i = 0; i < volumes.n; i++) {
		uint64_t bytes = volume_bytes(s, &volumes.rows[i]);
		out->volumes.total++;
		out->volumes.active += volumes.rows[i].used_by != NULL;
		out->volumes.size += bytes;
		out->volumes.reclaimable += volumes.rows[i].used_by ? 0 : bytes;
	}
	tare_volume_list_free(&volumes);
	return 0;
}
