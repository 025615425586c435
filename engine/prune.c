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
#include "base/lock.h"
#include "engine/engine.h"
#include "engine/image.h"
#include "engine/runtime/cgroup.h"

void tare_prune_result_free(struct tare_prune_result *r)
{
	strv_free(r->removed);
	*r = (struct tare_prune_result){0};
}

static uint64_t tree_bytes(int dir_fd, const char *name)
{
	uint64_t bytes = 0, entries;

	tree_size_at(dir_fd, name, &bytes, &entries);
	return bytes;
}

/* ------------------------------------------------------------------ containers and volumes */

static int prune_containers(struct tare_engine *t, struct tare_prune_result *out, struct err *e)
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
		if (engine_remove(t, l.rows[i].id, &how, NULL) != 0)
			continue; /* started or removed meanwhile */
		out->bytes += rw;
		strv_add(&out->removed, l.rows[i].id);
	}
	tare_container_list_free(&l);
	return 0;
}

static int prune_volumes(const struct store *s, bool all, struct tare_prune_result *out, struct err *e)
{
	struct tare_volume_list l;

	if (volumes_list(s, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct tare_volume *v = &l.rows[i];
		if (v->used_by || (!all && !v->anonymous))
			continue;
		uint64_t bytes = tree_bytes(s->volumes_fd, v->name);
		if (volume_remove(s, v->name, NULL) != 0)
			continue;
		out->bytes += bytes;
		strv_add(&out->removed, v->name);
	}
	tare_volume_list_free(&l);
	return 0;
}

/* ------------------------------------------------------------------ debris */

typedef bool (*is_debris_fn)(const struct store *s, int dir_fd, const char *name);

static void sweep(const struct store *s, int dir_fd, const char *where, is_debris_fn is_debris,
        struct tare_prune_result *out)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		        !is_debris(s, dir_fd, entry->d_name))
			continue;
		uint64_t bytes = tree_bytes(dir_fd, entry->d_name);
		if (remove_tree_at(dir_fd, entry->d_name) != 0)
			continue;
		out->bytes += bytes;
		strv_take(&out->removed, str_printf("%s/%s", where, entry->d_name));
	}
}

/* A creation under way holds the directory's lock; one that was cut short does not. */
static bool container_debris(const struct store *s, int dir_fd, const char *name)
{
	char record[300];

	(void)s;
	snprintf(record, sizeof record, "%.255s/container.json", name);
	if (strncmp(name, ".rm-", 4) != 0 && faccessat(dir_fd, record, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return false;
	cleanup_fd int lock = lock_try(dir_fd, name, LOCK_EXCLUSIVE);
	return lock >= 0;
}

static bool has_container(const struct store *s, const char *id)
{
	return faccessat(s->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool state_debris(const struct store *s, int dir_fd, const char *name)
{
	(void)dir_fd;
	return !has_container(s, name);
}

static bool volume_debris(const struct store *s, int dir_fd, const char *name)
{
	(void)s;
	(void)dir_fd;
	return strncmp(name, ".rm-", 4) == 0;
}

static bool name_debris(const struct store *s, int dir_fd, const char *name)
{
	char id[TARE_ID_LEN + 2];
	ssize_t n = readlinkat(dir_fd, name, id, sizeof id - 1);

	if (n < 0)
		return false;
	id[n] = '\0';
	return !has_container(s, id);
}

/* Only cgroups that bear the id of a container of this store's making could be ours; those of another store
 * (another --root) have processes or a state of their own and are left alone unless they are empty. */
static void sweep_cgroups(const struct store *s, struct tare_prune_result *out)
{
	cleanup_strv char **children = cgroup_children("tare");

	strv_foreach (name, children) {
		char path[CGROUP_PATH_MAX];
		cleanup_cgroup struct cgroup *g = NULL;
		cleanup_free pid_t *pids = NULL;
		if (strlen(*name) != TARE_ID_LEN || has_container(s, *name))
			continue;
		snprintf(path, sizeof path, "tare/%s", *name);
		if (cgroup_open(path, &g, NULL) != 0 || cgroup_pids(g, &pids, NULL) != 0)
			continue;
		if (cgroup_destroy(path, NULL) == 0)
			strv_take(&out->removed, str_printf("cgroup %s", path));
	}
}

static void prune_debris(const struct store *s, struct tare_prune_result *out)
{
	sweep(s, s->containers_fd, "containers", container_debris, out);
	sweep(s, s->state_containers_fd, "state", state_debris, out);
	sweep(s, s->volumes_fd, "volumes", volume_debris, out);
	sweep(s, s->names_fd, "names", name_debris, out);
	sweep_cgroups(s, out);
}

int engine_prune(struct tare_engine *t, enum tare_prune_what what, bool all, struct tare_prune_result *out,
        struct err *e)
{
	const struct store *s = engine_store(t);

	*out = (struct tare_prune_result){0};
	switch (what) {
	case TARE_PRUNE_CONTAINERS:
		return prune_containers(t, out, e);
	case TARE_PRUNE_IMAGES:
		return image_prune(s, all, &out->removed, &out->bytes, e);
	case TARE_PRUNE_VOLUMES:
		return prune_volumes(s, all, out, e);
	case TARE_PRUNE_DEBRIS:
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
