/* What a crash left: half made and half removed containers and volumes, states and cgroups of containers that
 * are gone, names of none. Each is taken under the lock that whoever is at work on it would hold. */
#include "engine/debris.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/runtime/cgroup.h"
#include "engine/volume_check.h"

struct sweep {
	const struct store *s;
	bool remove;
	debris_fn fn;
	void *arg;
};

/* Takes one entry of a directory when it is debris. */
typedef void (*sweep_fn)(const struct sweep *w, const char *entry);

static void for_each(const struct sweep *w, int dir_fd, sweep_fn sweep)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			sweep(w, entry->d_name);
}

static void tell(
        const struct sweep *w, const char *where, const char *entry, const char *problem, struct debris d)
{
	cleanup_free char *what = str_printf("%s%s", where, entry);

	d.what = what;
	d.problem = problem;
	if (what)
		w->fn(&d, w->arg);
}

static void take_away(
        const struct sweep *w, int dir_fd, const char *where, const char *entry, const char *problem)
{
	struct debris d = {0};
	uint64_t entries;

	tree_size_at(dir_fd, entry, &d.bytes, &entries);
	if (w->remove)
		d.removed = remove_tree_at(dir_fd, entry) == 0;
	tell(w, where, entry, problem, d);
}

static bool has_container(const struct store *s, const char *id)
{
	return faccessat(s->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The default cgroup of a container that this store had. Which cgroups are this store's cannot be seen by
 * looking at them: an empty one without a container here may be a start of another --root. */
static void sweep_cgroup(const struct sweep *w, const char *id)
{
	char path[CGROUP_PATH_MAX];
	struct debris d = {0};
	cleanup_cgroup struct cgroup *g = NULL;

	snprintf(path, sizeof path, "tare/%s", id);
	if (cgroup_open(path, &g, NULL) != 0)
		return;
	if (w->remove)
		d.removed = cgroup_destroy(path, NULL) == 0;
	tell(w, "cgroup ", path, "its container is gone", d);
}

/* The cgroup goes first: what is left here is the proof that it is ours. */
static void sweep_container(const struct sweep *w, const char *entry)
{
	cleanup_fd int lock = container_debris_lock(w->s, entry);
	bool removal = strncmp(entry, ".rm-", 4) == 0;

	if (lock < 0)
		return;
	if (removal && container_is_id(entry + 4))
		sweep_cgroup(w, entry + 4);
	take_away(w, w->s->containers_fd, "containers/", entry,
	        removal ? "its removal was cut short" : "its creation was cut short");
}

/* A container whose record cannot be read has nothing that any command could use. */
static void sweep_damaged(const struct sweep *w, const char *entry)
{
	struct container_record r;
	struct debris d = {0};
	struct err why = ERR_INIT;

	if (!container_is_id(entry))
		return;
	if (container_record_read(w->s, entry, &r, &why) == 0) {
		container_record_free(&r);
		return;
	}
	if (why.kind != ERR_CORRUPT)
		return;
	if (w->remove && damaged_set_aside(w->s, entry, false, NULL) != 0)
		return; /* it runs, or somebody mended it */
	d.removed = w->remove;
	cleanup_free char *what = d.removed ? str_printf("%s (kept as .damaged-%s)", entry, entry) : NULL;
	tell(w, "containers/", what ? what : entry, "its record cannot be read", d);
}

/* A state that two roots share may belong to a container of the other one, unless its processes are gone. */
static bool is_in_use(const struct store *s, const char *entry)
{
	struct container_state st;
	cleanup_fd int fd = container_state_dir_open(s, entry, false);

	return fd >= 0 && container_state_read(fd, &st) == 0 && boot_is_now(st.boot) &&
	       (proc_alive(&st.process) || proc_alive(&st.monitor));
}

static void sweep_state(const struct sweep *w, const char *entry)
{
	if (has_container(w->s, entry) || is_in_use(w->s, entry))
		return;
	if (container_is_id(entry))
		sweep_cgroup(w, entry);
	take_away(w, w->s->state_containers_fd, "state/", entry, "its container is gone");
}

#define DRAFT_LEN   21 /* ".tmp-" and 16 digits: file_write_at() */
#define DRAFT_AGE_S 1  /* its writer has let go of it for a moment before it gets its name */

static void sweep_draft(const struct sweep *w, int dir_fd, const char *where, const char *entry)
{
	struct debris d = {0};
	struct stat st;
	struct timespec now;

	if (strncmp(entry, ".tmp-", 5) != 0 || strlen(entry) != DRAFT_LEN)
		return;
	cleanup_fd int lock = lock_try(dir_fd, entry, LOCK_EXCLUSIVE);
	clock_gettime(CLOCK_REALTIME, &now);
	if (lock < 0 || fstat(lock, &st) != 0 || st.st_ctim.tv_sec + DRAFT_AGE_S >= now.tv_sec)
		return;
	d.bytes = (uint64_t)st.st_size;
	d.removed = w->remove && unlinkat(dir_fd, entry, 0) == 0;
	tell(w, where, entry, "its writing was cut short", d);
}

static void sweep_drafts(const struct sweep *w, int parent_fd, const char *dir, const char *top)
{
	int fd = openat(parent_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
	cleanup_free char *where = str_printf("%s%s/", top, dir);

	for (struct dirent *entry; d && where && (entry = readdir(d));)
		sweep_draft(w, fd, where, entry->d_name);
}

static void sweep_container_drafts(const struct sweep *w, const char *entry)
{
	if (container_is_id(entry))
		sweep_drafts(w, w->s->containers_fd, entry, "containers/");
}

static void sweep_volume_drafts(const struct sweep *w, const char *entry)
{
	if (entry[0] != '.')
		sweep_drafts(w, w->s->volumes_fd, entry, "volumes/");
}

static void sweep_state_drafts(const struct sweep *w, const char *entry)
{
	sweep_drafts(w, w->s->state_containers_fd, entry, "state/containers/");
}

static void sweep_lease_drafts(const struct sweep *w, const char *entry)
{
	cleanup_free char *dir = str_printf("networks/%s", entry);

	if (dir)
		sweep_drafts(w, w->s->state_fd, dir, "state/");
}

/* Wherever a file is written by rename. */
static void sweep_all_drafts(const struct sweep *w)
{
	static const char *const root[] = {
	        ".", "networks", "seccomp", "pulls", "layers/sha256", "layers/sha512"};
	static const char *const state[] = {".", "networks", "groups", "apparmor"};
	const struct store *s = w->s;
	cleanup_fd int networks = openat(s->state_fd, "networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof root / sizeof root[0]; i++)
		sweep_drafts(w, s->root_fd, root[i], "root/");
	for (size_t i = 0; i < sizeof state / sizeof state[0]; i++)
		sweep_drafts(w, s->state_fd, state[i], "state/");
	for_each(w, s->containers_fd, sweep_container_drafts);
	for_each(w, s->volumes_fd, sweep_volume_drafts);
	for_each(w, s->state_containers_fd, sweep_state_drafts);
	if (networks >= 0)
		for_each(w, networks, sweep_lease_drafts);
}

static void sweep_name(const struct sweep *w, const char *entry)
{
	struct debris d = {.removed = w->remove};

	if (entry[0] == '.')
		return;
	if (w->remove ? container_name_reap(w->s, entry) : container_name_is_orphan(w->s, entry))
		tell(w, "names/", entry, "no container bears it", d);
}

void debris_sweep(const struct store *s, bool remove, debris_fn fn, void *arg)
{
	struct sweep w = {.s = s, .remove = remove, .fn = fn, .arg = arg};

	for_each(&w, s->containers_fd, sweep_damaged);
	for_each(&w, s->containers_fd, sweep_container);
	for_each(&w, s->state_containers_fd, sweep_state);
	for_each(&w, s->names_fd, sweep_name);
	sweep_all_drafts(&w);
	volumes_sweep(s, remove, fn, arg);
}
