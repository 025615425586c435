/* The root of a container that does not run, as its next start would make it: the overlay, and in it its
 * volumes and binds. What only exists while it runs (tmpfs, /proc, /dev, /sys) is an empty directory here,
 * which container_tree_judge() knows. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/container_layers.h"
#include "engine/container_tree.h"
#include "engine/runtime/launch.h"
#include "engine/runtime/mounts.h"
#include "engine/runtime/user_namespace.h"

/* ------------------------------------------------------------------ the overlay */

/* On top of "/": no directory of the host is needed for it, and paths that begin at our own root go on
 * meaning what they meant. */
static int attach(int mount_fd, struct err *e)
{
	if (move_mount(mount_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
		return err_sys(e, "cannot attach a mount");
	return 0;
}

static int make_dir(int at, const char *name, struct err *e)
{
	int fd = mkdirat(at, name, 0755) != 0 ? -1 : openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "cannot make a directory on a tmpfs") : fd;
}

/* Nothing is written to what is only read: the directories that mounts need are made on a tmpfs that goes
 * with us. */
static int mount_for_reading(const struct container_tree *t, struct container_layers *l, struct err *e)
{
	/* first: with something on top of its root a process may make no user namespace */
	if (container_layers_add_upper(&t->container, l, e) != 0 ||
	        container_layers_add_lower(&t->store, &t->container, l, e) != 0)
		return -1;
	cleanup_fd int scratch = mount_new("tmpfs", "scratch", NULL, 0, MOUNT_ATTR_NOEXEC, e);
	if (scratch < 0 || attach(scratch, e) != 0)
		return -1;
	cleanup_fd int upper = make_dir(scratch, "upper", e), work = make_dir(scratch, "work", e);
	return upper < 0 || work < 0 ? -1 : container_layers_mount(l, upper, work, e);
}

/* As the container would see it, from outside. */
static int mount_for_writing(struct container_tree *t, struct container_layers *l, struct err *e)
{
	cleanup_fd int upper = container_layer_dir(&t->container, "upper", e);
	cleanup_fd int work = upper < 0 ? -1 : container_layer_dir(&t->container, "work", e);
	if (work < 0 || container_layers_add_lower(&t->store, &t->container, l, e) != 0)
		return -1;
	if (t->ids.uid.n && (t->userns = user_namespace_open(&t->ids, e)) < 0)
		return -1;
	for (size_t i = 0; i < l->n && t->userns > 0; i++)
		l->userns[i] = t->userns;
	return container_layers_mount(l, upper, work, e);
}

static int mount_root(struct container_tree *t, bool write, struct err *e)
{
	cleanup_layers struct container_layers l = {0};

	t->root = write ? mount_for_writing(t, &l, e) : mount_for_reading(t, &l, e);
	return t->root < 0 ? -1 : attach(t->root, e);
}

/* ------------------------------------------------------------------ what is mounted in it */

static bool is_beneath(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static bool is_dropped(const struct spec_mount *m)
{
	const char *d = m->destination;

	return is_beneath(d, "/dev") || is_beneath(d, "/proc") || is_beneath(d, "/sys");
}

/* The files of /etc that every container has: one that never ran has none yet. */
static bool is_lost(const struct spec_mount *m)
{
	return is_beneath(m->destination, "/etc") && !m->volume && access(m->source, F_OK) != 0;
}

static int copy_text(char **dst, const char *s)
{
	free(*dst);
	*dst = s ? strdup(s) : NULL;
	return s && !*dst ? -1 : 0;
}

/* An empty directory, for now writable: other mounts may have their places in it. */
static int make_absent(struct spec_mount *m)
{
	static const char *const options[] = {"nosuid", "nodev", "noexec", "mode=755", NULL};

	strv_free(m->options);
	m->options = strv_copy((char *const *)options);
	close_fd(&m->source_fd);
	return !m->options || copy_text(&m->type, "tmpfs") != 0 || copy_text(&m->source, "absent") != 0 ? -1
	                                                                                                : 0;
}

/* A volume's files; 1: there are none while nothing runs that has it. It is held: a restore would swap its
 * files for others, and what is copied to the old ones is lost. tests/e2e/cp.bats */
static int open_volume(struct container_tree *t, struct spec_mount *m, struct err *e)
{
	if (volume_keep(&t->store, m->volume, &t->volumes, e) != 0)
		return -1;
	cleanup_fd int data = volume_open_data(&t->store, m->volume, e);

	if (data < 0)
		return e->kind == ERR_CONFLICT ? 1 : -1;
	cleanup_fd int sub = m->subpath ? open_beneath(data, m->subpath, O_PATH | O_CLOEXEC, 0) : -1;
	if (!m->subpath || sub >= 0)
		m->source_fd = mount_copy(sub >= 0 ? sub : data, true);
	return m->source_fd < 0 ? err_sys(e, "cannot open the volume %s", m->volume) : 0;
}

static int prepare(struct container_tree *t, struct spec_mount *m, struct err *e)
{
	int absent = strcmp(m->type, "bind") != 0;

	if (!absent && m->volume)
		absent = open_volume(t, m, e);
	if (absent < 0)
		return -1;
	return absent && make_absent(m) != 0 ? err_no_memory(e) : 0;
}

static void drop(struct spec_mount *m)
{
	free(m->destination);
	free(m->type);
	free(m->source);
	free(m->volume);
	free(m->subpath);
	strv_free(m->options);
	close_fd(&m->source_fd);
}

static int add_absent(struct container_tree *t, const char *destination, dev_t dev, struct err *e)
{
	struct absent_mount *grown = realloc(t->absent, (t->n_absent + 1) * sizeof *grown);

	if (grown)
		t->absent = grown;
	if (!grown || !(grown[t->n_absent].destination = strdup(destination)))
		return err_no_memory(e);
	grown[t->n_absent++].dev = dev;
	return 0;
}

static void drop_chown(struct spec_mount *m)
{
	for (char **o = m->options; o && *o; o++)
		if (strcmp(*o, "U") == 0)
			strcpy(*o, "z"); /* which says nothing */
}

static int prepare_mounts(struct container_tree *t, struct runtime_spec *spec, struct err *e)
{
	size_t kept = 0, n = spec->n_mounts;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		struct spec_mount *m = &spec->mounts[i];
		if (t->userns > 0) /* whose ids these are is settled when it starts */
			drop_chown(m);
		bool lost = strcmp(m->type, "bind") == 0 && is_lost(m);
		if (rc == 0 && lost)
			rc = add_absent(t, m->destination, 0, e);
		if (lost || is_dropped(m)) {
			drop(m);
			continue;
		}
		if (rc == 0)
			rc = prepare(t, m, e);
		spec->mounts[kept++] = *m;
	}
	spec->n_mounts = kept;
	return rc;
}

/* Now that all have their places. */
static int close_absent(
        struct container_tree *t, struct container_root *r, const struct runtime_spec *spec, struct err *e)
{
	const struct mount_options ro = {.set = MOUNT_ATTR_RDONLY};
	struct stat st;

	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		if (strcmp(m->type, "tmpfs") != 0)
			continue;
		cleanup_fd int fd = open_in_root(t->root, m->destination, O_PATH | O_CLOEXEC, 0);
		if (fd < 0 || fstat(fd, &st) != 0)
			return err_sys(e, "cannot look at %s", m->destination);
		if (add_absent(t, m->destination, st.st_dev, e) != 0 || mount_change(r, fd, &ro, e) != 0)
			return -1;
	}
	return 0;
}

static int mount_all(struct container_tree *t, const struct runtime_spec *spec, struct err *e)
{
	struct container_root r = {.fd = t->root, .proc_fd = -1, .null_fd = -1};
	int *sources = NULL;
	bool dev_is_ours = false;

	int rc = mount_sources_open(spec, t->userns > 0 ? t->userns : -1, &sources, e);
	if (rc == 0)
		rc = mounts_make(&r, spec, sources, &dev_is_ours, e);
	if (rc == 0)
		rc = close_absent(t, &r, spec, e);
	if (rc == 0 && spec->root_readonly)
		rc = mount_change(&r, t->root, &(struct mount_options){.set = MOUNT_ATTR_RDONLY}, e);
	mount_sources_close(spec, &sources);
	close_fd(&r.proc_fd);
	return rc;
}

int container_tree_attach(struct container_tree *t, bool write, struct err *e)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	int rc = mount_root(t, write, e);

	if (rc == 0)
		rc = container_spec(&t->container, &spec, e);
	if (rc == 0)
		rc = prepare_mounts(t, &spec, e);
	if (rc == 0 && mount_all(t, &spec, e) != 0)
		rc = err_wrap(e, "container %s", t->name);
	runtime_spec_free(&spec);
	return rc;
}
