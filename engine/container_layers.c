#include "engine/container_layers.h"

#include <fcntl.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/mount_tree.h"
#include "engine/runtime/user_namespace.h"
#include "engine/store/layer.h"
#include "engine/oci/id_map.h"

void container_layers_close(struct container_layers *l)
{
	while (l->n)
		close_fd(&l->fds[--l->n]);
	if (l->inverse > 0)
		close_fd(&l->inverse);
}

static int add(struct container_layers *l, int fd)
{
	if (fd < 0)
		return -1;
	l->userns[l->n] = -1;
	l->fds[l->n++] = fd;
	return 0;
}

/* A user namespace in which what the container's range has written belongs to those who are meant; -1 with e,
 * 0 when the container has no range. */
static int open_inverse(const struct container *c, struct err *e)
{
	struct id_maps m, inverse;

	if (container_id_maps(c, &m, e) < 0)
		return -1;
	if (!m.uid.n)
		return 0;
	id_map_invert(&m.uid, &inverse.uid);
	id_map_invert(&m.gid, &inverse.gid);
	return user_namespace_open(&inverse, e);
}

int container_upper(const struct container *c, struct err *e)
{
	cleanup_fd int fd = container_layer_dir(c, "upper", e);
	int inverse = fd < 0 ? -1 : open_inverse(c, e);

	if (inverse <= 0)
		return inverse < 0 ? -1 : steal_fd(&fd);
	cleanup_fd int userns = inverse, shown = mount_copy(fd, false);
	if (shown < 0)
		return err_sys(e, "container %s: cannot open its writable layer", c->record.name);
	return mount_idmap(shown, userns, false, "the writable layer", e) ? -1 : steal_fd(&shown);
}

int container_layer_dir(const struct container *c, const char *name, struct err *e)
{
	int fd = openat(c->dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "container %s: cannot open its writable layer", c->record.name) : fd;
}

int container_layers_add_upper(const struct container *c, struct container_layers *l, struct err *e)
{
	int inverse = open_inverse(c, e);

	if (inverse < 0 || add(l, container_layer_dir(c, "upper", e)) < 0)
		return -1;
	l->inverse = inverse;
	if (inverse > 0)
		l->userns[l->n - 1] = inverse;
	return 0;
}

int container_layers_add_lower(
        const struct store *s, const struct container *c, struct container_layers *l, struct err *e)
{
	const struct container_record *r = &c->record;

	if (r->rootfs) {
		if (add(l, open(r->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
			return err_sys(e, "cannot open the root file system %s", r->rootfs);
		return 0;
	}
	strv_foreach (layer, r->layers) {
		if (l->n > LAYERS_MAX)
			return err_set(e, ERR_CORRUPT, "container %s: it has too many layers", r->name);
		if (add(l, layer_open_text(s, *layer)) < 0)
			return err_sys(e, "container %s: layer %.19s of its image cannot be opened", r->name,
			        *layer);
	}
	return 0;
}

int container_layers_mount(const struct container_layers *l, int upper, int work, struct err *e)
{
	struct rootfs_overlay o = {.lower_fds = l->fds, .n_lower = l->n, .upper_fd = upper, .work_fd = work};

	for (size_t i = 0; i < l->n; i++)
		if (l->userns[i] >= 0)
			o.lower_userns = l->userns;
	return rootfs_mount_overlay(&o, e);
}

int container_lower(const struct store *s, const struct container *c, struct err *e)
{
	cleanup_layers struct container_layers l = {0};

	return container_layers_add_lower(s, c, &l, e) < 0 ? -1 : container_layers_mount(&l, -1, -1, e);
}

int container_root(const struct store *s, const struct container *c, struct err *e)
{
	cleanup_layers struct container_layers l = {0};

	if (container_layers_add_upper(c, &l, e) < 0 || container_layers_add_lower(s, c, &l, e) < 0)
		return -1;
	return container_layers_mount(&l, -1, -1, e);
}
