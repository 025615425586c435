/* Taking away what nobody needs: stopped containers, unused volumes, and debris, which is what a crash left
 * and no container owns. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/image.h"
#include "engine/runtime/cgroup.h"

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
		if (l.rows[i].state == TARE_RUNNING || l.rows[i].state == TARE_PAUSED)
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
		uint64_t bytes = tree_bytes(s->volumes_fd, v->name);
		if (!dry_run && volume_remove(s, v->name, NULL) != 0)
			continue;
		out->bytes += bytes;
		strv_add(&out->removed, v->name);
	}
	tare_volume_list_free(&l);
	return 0;
}

/* ------------------------------------------------------------------ debris */

/* Takes one entry of a directory when it is debris. */
typedef void (*sweep_fn)(const struct store *s, const char *entry, struct tare_prune_result *out);

static void for_each(const struct store *s, int dir_fd, sweep_fn sweep, struct tare_prune_result *out)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			sweep(s, entry->d_name, out);
}

static void take_away(int dir_fd, const char *where, const char *entry, struct tare_prune_result *out)
{
	uint64_t bytes = tree_bytes(dir_fd, entry);

	if (remove_tree_at(dir_fd, entry) != 0)
		return;
	out->bytes += bytes;
	strv_take(&out->removed, str_printf("%s/%s", where, entry));
}

static bool has_container(const struct store *s, const char *id)
{
	return faccessat(s->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The default cgroup of a container that this store had. Which cgroups are this store's cannot be seen by
 * looking at them: an empty one without a container here may be a start of another --root. */
static void sweep_cgroup(const char *id, struct tare_prune_result *out)
{
	char path[CGROUP_PATH_MAX];
	cleanup_cgroup struct cgroup *g = NULL;

	snprintf(path, sizeof path, "tare/%s", id);
	if (cgroup_open(path, &g, NULL) == 0 && cgroup_destroy(path, NULL) == 0)
		strv_take(&out->removed, str_printf("cgroup %s", path));
}

/* The cgroup goes first: what is left here is the proof that it is ours. */
static void sweep_container(const struct store *s, const char *entry, struct tare_prune_result *out)
{
	cleanup_fd int lock = container_debris_lock(s, entry);
	bool removal = strncmp(entry, ".rm-", 4) == 0;

	if (lock < 0)
		return;
	if (removal && container_is_id(entry + 4))
		sweep_cgroup(entry + 4, out);
	take_away(s->containers_fd, "containers", entry, out);
}

/* A container whose record cannot be read has nothing that any command could use. */
static void sweep_damaged(const struct store *s, const char *entry, struct tare_prune_result *out)
{
	struct container_record r;
	struct err why = ERR_INIT;

	if (!container_is_id(entry))
		return;
	if (container_record_read(s, entry, &r, &why) == 0) {
		container_record_free(&r);
		return;
	}
	if (why.kind == ERR_CORRUPT && damaged_set_aside(s, entry, false, NULL) == 0)
		strv_take(&out->removed, str_printf("containers/%s (kept as .damaged-%s)", entry, entry));
}

/* A state that two roots share may belong to a container of the other one, unless its processes are gone. */
static bool is_in_use(const struct store *s, const char *entry)
{
	struct container_state st;
	cleanup_fd int fd = container_state_dir_open(s, entry, false);

	return fd >= 0 && container_state_read(fd, &st) == 0 && strcmp(st.boot, boot_id()) == 0 &&
	       (proc_alive(&st.process) || proc_alive(&st.monitor));
}

static void sweep_state(const struct store *s, const char *entry, struct tare_prune_result *out)
{
	if (has_container(s, entry) || is_in_use(s, entry))
		return;
	if (container_is_id(entry))
		sweep_cgroup(entry, out);
	take_away(s->state_containers_fd, "state", entry, out);
}

static void sweep_volume(const struct store *s, const char *entry, struct tare_prune_result *out)
{
	if (volume_is_debris(entry))
		take_away(s->volumes_fd, "volumes", entry, out);
}

static void sweep_name(const struct store *s, const char *entry, struct tare_prune_result *out)
{
	if (entry[0] != '.' && container_name_reap(s, entry))
		strv_take(&out->removed, str_printf("names/%s", entry));
}

static void prune_debris(const struct store *s, struct tare_prune_result *out)
{
	for_each(s, s->containers_fd, sweep_damaged, out);
	for_each(s, s->containers_fd, sweep_container, out);
	for_each(s, s->state_containers_fd, sweep_state, out);
	for_each(s, s->names_fd, sweep_name, out);
	cleanup_fd int volumes = volumes_lock_debris(s);
	if (volumes >= 0)
		for_each(s, s->volumes_fd, sweep_volume, out);
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
	case TARE_PRUNE_VOLUMES:
		return prune_volumes(s, flags, out, e);
	case TARE_PRUNE_NETWORKS:
		return 0;
	case TARE_PRUNE_DEBRIS:
		if (dry_run)
			return err_set(
			        e, ERR_UNSUPPORTED, "remains cannot be looked at without removing them");
		prune_debris(s, out);
		return 0;
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
		bool up = containers.rows[i].state == TARE_RUNNING || containers.rows[i].state == TARE_PAUSED;
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
		uint64_t bytes = tree_bytes(s->volumes_fd, volumes.rows[i].name);
		out->volumes.total++;
		out->volumes.active += volumes.rows[i].used_by != NULL;
		out->volumes.size += bytes;
		out->volumes.reclaimable += volumes.rows[i].used_by ? 0 : bytes;
	}
	tare_volume_list_free(&volumes);
	return 0;
}
