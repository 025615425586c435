#include "engine/volume_check.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/engine.h"

#define ORPHANS_MAX 256

struct sweep {
	const struct store *s;
	bool remove;
	debris_fn fn;
	void *arg;
	const char *volume; /* whose old data is looked at */
};

static void tell(
        const struct sweep *w, const char *problem, struct debris d, const char *where, const char *entry)
{
	cleanup_free char *what = str_printf("volumes/%s%s", where, entry);

	d.what = what;
	d.problem = problem;
	if (what)
		w->fn(&d, w->arg);
}

static struct debris take_away(const struct sweep *w, int dir_fd, const char *entry)
{
	struct debris d = {0};
	uint64_t entries;

	tree_size_at(dir_fd, entry, &d.bytes, &entries);
	if (w->remove)
		d.removed = volume_aside_remove(w->s, dir_fd, entry) == 0;
	return d;
}

static void sweep_aside(const struct sweep *w, const char *entry)
{
	cleanup_fd int lock = volume_aside_lock(w->s->volumes_fd, entry);

	if (lock >= 0)
		tell(w, "its making or removal was cut short", take_away(w, w->s->volumes_fd, entry), "",
		        entry);
}

static bool sweep_old_data(int dir_fd, const char *entry, void *arg)
{
	const struct sweep *w = arg;
	cleanup_free char *where = str_printf("%s/", w->volume);
	struct debris d = take_away(w, dir_fd, entry);

	if (where)
		tell(w, "a restore was cut short, or its old data is no longer in use", d, where, entry);
	return false; /* done, or not to be done */
}

static void sweep_tmpfs(const struct sweep *w, const char *name)
{
	struct debris d = {0};

	if (!volume_tmpfs_is_idle(w->s, name))
		return;
	if (w->remove) {
		volume_settle(w->s, name);
		d.removed = !volume_tmpfs_is_idle(w->s, name);
	}
	tell(w, "its tmpfs is mounted, and no container that runs uses it", d, name, "/data");
}

/* The old one is kept; what the volume's options were is lost, so its data is what counts now. A volume
 * without a directory for data is none. */
static bool replace_record(const struct store *s, const char *name)
{
	cleanup_fd int fd = openat(s->volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_volume_record struct volume_record old = {0};
	struct err why = ERR_INIT;
	struct stat st = {0};
	char hex[9], kept[32];

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || !volume_is_named(s->volumes_fd, fd, name))
		return false;
	/* Looked at without the lock, it may have been another volume's that was just removed. */
	if (volume_record_read_at(fd, name, &old, &why) == 0 || why.kind != ERR_CORRUPT)
		return false;
	if (mkdirat(fd, "data", 0755) != 0 && errno != EEXIST)
		return false;
	fstat(fd, &st);
	random_hex(hex, 4);
	snprintf(kept, sizeof kept, ".damaged-%s", hex);
	if (renameat(fd, "volume.json", fd, kept) != 0 && errno != ENOENT)
		return false;
	struct volume_record r = {.name = strdup(name), .created = st.st_ctim.tv_sec * 1000000000ll};
	bool done = r.name && volume_record_write_at(fd, &r, NULL) == 0;
	volume_record_free(&r);
	return done;
}

static void sweep_record(const struct sweep *w, const char *name)
{
	cleanup_volume_record struct volume_record r = {0};
	struct err why = ERR_INIT;
	struct debris d = {0};

	if (volume_record_read(w->s, name, &r, &why) == 0 || why.kind != ERR_CORRUPT)
		return;
	d.removed = w->remove && replace_record(w->s, name);
	tell(w, "its record cannot be read", d, name,
	        d.removed ? " (kept as .damaged-…; it is a plain directory now)" : "");
}

static void sweep_entry(struct sweep *w, const char *entry)
{
	if (volume_is_debris(entry)) {
		sweep_aside(w, entry);
		return;
	}
	if (!isalnum((unsigned char)entry[0]) || volume_name_check(entry, NULL) != 0)
		return;
	w->volume = entry;
	sweep_record(w, entry);
	volume_swap_sweep(w->s, entry, sweep_old_data, w);
	sweep_tmpfs(w, entry);
}

static void sweep_quotas(const struct sweep *w)
{
	uint32_t ids[ORPHANS_MAX];
	char number[16];
	size_t n = volume_quota_orphans(w->s, ids, ORPHANS_MAX);

	for (size_t i = 0; i < n; i++) {
		struct debris d = {.removed = w->remove};
		if (w->remove)
			volume_quota_free(w->s, ids[i]);
		snprintf(number, sizeof number, "%u", ids[i]);
		tell(w, "a limit that no volume has", d, "project ", number);
	}
}

/* tests/e2e/volume-tidy.bats */
void volumes_tidy(const struct store *s, bool restores)
{
	int fd = openat(s->volumes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		close_fd(&fd);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		const char *name = entry->d_name;
		cleanup_fd int lock = volume_is_debris(name) ? volume_aside_lock(s->volumes_fd, name) : -1;
		if (lock >= 0)
			volume_aside_remove(s, s->volumes_fd, name);
		else if (restores && isalnum((unsigned char)name[0]) && volume_name_check(name, NULL) == 0)
			volume_swap_sweep(s, name, NULL, NULL);
	}
}

void volumes_sweep(const struct store *s, bool remove, debris_fn fn, void *arg)
{
	struct sweep w = {.s = s, .remove = remove, .fn = fn, .arg = arg};
	int fd = openat(s->volumes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		close_fd(&fd);
	for (struct dirent *entry; d && (entry = readdir(d));)
		sweep_entry(&w, entry->d_name);
	sweep_quotas(&w);
}
