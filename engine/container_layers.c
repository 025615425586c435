#include "engine/container_layers.h"

#include <fcntl.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"
#include "engine/runtime/launch.h"
#include "engine/store/layer.h"

void container_layers_close(struct container_layers *l)
{
	while (l->n)
		close_fd(&l->fds[--l->n]);
}

static int add(struct container_layers *l, int fd)
{
	if (fd >= 0)
		l->fds[l->n++] = fd;
	return fd < 0 ? -1 : 0;
}

int container_layer_dir(const struct container *c, const char *name, struct err *e)
{
	int fd = openat(c->dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "container %s: cannot open its writable layer", c->record.name) : fd;
}

int container_layers_add_upper(const struct container *c, struct container_layers *l, struct err *e)
{
	return add(l, container_layer_dir(c, "upper", e));
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

static int mount_layers(const struct container_layers *l, struct err *e)
{
	struct rootfs_overlay o = {.lower_fds = l->fds, .n_lower = l->n, .upper_fd = -1, .work_fd = -1};

	return rootfs_mount_overlay(&o, e);
}

int container_lower(const struct store *s, const struct container *c, struct err *e)
{
	cleanup_layers struct container_layers l = {0};

	return container_layers_add_lower(s, c, &l, e) < 0 ? -1 : mount_layers(&l, e);
}

int container_root(const struct store *s, const struct container *c, struct err *e)
{
	cleanup_layers struct container_layers l = {0};

	if (container_layers_add_upper(c, &l, e) < 0 || container_layers_add_lower(s, c, &l, e) < 0)
		return -1;
	return mount_layers(&l, e);
}
