/* The sweep: what no image, no container and no running pull reaches is removed.
 *
 * Order makes it safe: pulls/ is locked (store/pull.h), so that no new protection begins meanwhile and no
 * create is between finding its image and writing its record; roots are read pulls first, index second,
 * because a load that ends in between has named its image before it gives up its protection. Layers are only
 * renamed under the lock; what takes time, their removal, holds nobody up. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/oci/manifest.h"
#include "engine/store/blob.h"
#include "engine/store/container_record.h"
#include "engine/store/image_index.h"
#include "engine/store/layer.h"
#include "engine/store/partial.h"
#include "engine/store/pull.h"

#define PULL_MAX_BYTES ((size_t)32 << 20)

/* Digests in use, sorted once they are all in. */
struct digest_set {
	struct digest *list;
	size_t n, cap;
};

static int add(struct digest_set *set, const struct digest *d)
{
	if (set->n == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 64;
		struct digest *grown = realloc(set->list, cap * sizeof(*grown));
		if (!grown)
			return -1;
		set->list = grown;
		set->cap = cap;
	}
	set->list[set->n++] = *d;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct digest *x = a, *y = b;
	int alg = strcmp(x->alg, y->alg);
	return alg ? alg : strcmp(x->hex, y->hex);
}

static bool has(const struct digest_set *set, const struct digest *d)
{
	return set->n && bsearch(d, set->list, set->n, sizeof(*d), compare);
}

/* readdir on a descriptor of our own. */
static DIR *open_list(int dirfd, const char *name)
{
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (d)
		fd = -1;
	return d;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* ------------------------------------------------------------------ roots */

static int add_pull(int pulls, const char *name, struct digest_set *set, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(PULL_MAX_BYTES);
	struct digest d;
	char *save = NULL;
	/* Failure stops the sweep: better too much left than too much removed. */
	if (file_read_at(pulls, name, &b, e) < 0)
		return -1;
	for (char *line = b.len ? strtok_r(b.data, "\n", &save) : NULL; line;
	        line = strtok_r(NULL, "\n", &save))
		if (digest_read(line, &d) && add(set, &d) < 0)
			return err_no_memory(e);
	return 0;
}

/* Live pulls protect what they list; files of dead ones, and their drafts of blobs, are rubbish. */
static int add_pulls(int pulls, struct digest_set *set, struct err *e)
{
	cleanup_dir DIR *list = open_list(pulls, ".");
	if (!list)
		return err_sys(e, "cannot list pulls");
	errno = 0;
	for (struct dirent *entry; (entry = readdir(list)); errno = 0) {
		const char *name = entry->d_name;
		if (is_dots(name))
			continue;
		cleanup_fd int lock = lock_try(pulls, name, LOCK_EXCLUSIVE);
		if (lock >= 0)
			unlinkat(pulls, name, 0);
		else if (errno != EWOULDBLOCK)
			return err_sys(e, "cannot lock pulls/%s", name);
		else if (strncmp(name, "blob-", 5) != 0 && add_pull(pulls, name, set, e) < 0)
			return -1;
	}
	return errno ? err_sys(e, "cannot list pulls") : 0; /* what half a list protects is not all */
}

static int add_root(void *set, const struct digest *d)
{
	return add(set, d);
}

static int add_layers(json *record, struct digest_set *set)
{
	struct digest d;
	cleanup_strv char **layers = json_strv(record, "layers");
	strv_foreach (layer, layers)
		if (digest_read(*layer, &d) && add(set, &d) < 0)
			return -1;
	return 0;
}

/* `unsure` becomes true when a record cannot be read: that container may need any layer. */
static int add_container(const struct store *s, const char *entry, const char *id, struct digest_set *set,
        bool *unsure, struct err *e)
{
	struct err why = ERR_INIT;
	char path[CONTAINER_ASIDE_MAX + 32];

	snprintf(path, sizeof(path), "%s/container.json", entry);
	cleanup_json json *record = json_read_at(s->containers_fd, path, CONTAINER_RECORD_MAX, &why);
	if (record)
		return add_layers(record, set) < 0 ? err_no_memory(e) : 0;
	if (why.sys == ENOENT && entry == id)
		return 0; /* not there yet, or not any more */
	*unsure = true;
	log_line(LOG_LEVEL_WARN,
	        "all layers are kept, since the record of container %.12s cannot be read; remove it: tare rm "
	        "-f %.12s",
	        id, id);
	return 0;
}

static int add_containers(const struct store *s, struct digest_set *set, bool *unsure, struct err *e)
{
	char entry[CONTAINER_ASIDE_MAX];
	cleanup_strv char **ids = NULL, **aside = NULL;

	if (container_ids(s, &ids, e) < 0 || container_aside_ids(s, &aside, e) < 0)
		return -1;
	strv_foreach (id, ids)
		if (add_container(s, *id, *id, set, unsure, e) < 0)
			return -1;
	strv_foreach (id, aside)
		if (add_container(s, container_aside_entry(*id, entry), *id, set, unsure, e) < 0)
			return -1;
	return 0;
}

/* ------------------------------------------------------------------ removal */

/* The digest that ALG/NAME is the path of. */
static bool path_digest(const char *alg, const char *name, struct digest *d)
{
	char text[DIGEST_TEXT_SIZE];
	int len = snprintf(text, sizeof(text), "%s:%s", alg, name);
	return len > 0 && (size_t)len < sizeof(text) && digest_read(text, d);
}

static void sweep_blobs(
        const struct store *s, const char *alg, const struct digest_set *used, uint64_t *freed)
{
	cleanup_dir DIR *list = open_list(s->blobs_fd, alg);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		struct digest d;
		uint64_t size = 0;
		if (!path_digest(alg, entry->d_name, &d) || has(used, &d) || !blob_exists(s, &d, &size))
			continue;
		if (blob_remove(s, &d) == 0)
			*freed += size;
	}
}

/* Take the unused layers out of the way; `moved` collects them. */
static int move_layers(const struct store *s, const char *alg, const struct digest_set *used,
        struct digest_set *moved, uint64_t *freed)
{
	cleanup_dir DIR *list = open_list(s->layers_fd, alg);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		struct digest d;
		if (path_digest(alg, entry->d_name, &d) && !has(used, &d) && layer_hide(s, &d, freed) == 0 &&
		        add(moved, &d) < 0)
			return -1;
	}
	return 0;
}

/* Drafts of layers whose maker is gone, and layers hidden by a sweep that was. */
static void sweep_drafts(const struct store *s)
{
	cleanup_dir DIR *list = open_list(s->layers_fd, ".");
	for (struct dirent *entry; list && (entry = readdir(list));) {
		if (strncmp(entry->d_name, "tmp-", 4) != 0)
			continue;
		cleanup_fd int lock = lock_try(s->layers_fd, entry->d_name, LOCK_EXCLUSIVE);
		if (lock >= 0)
			remove_tree_at(s->layers_fd, entry->d_name);
	}
}

static void discard_layers(const struct store *s, struct digest_set *moved)
{
	for (size_t i = 0; i < moved->n; i++)
		layer_discard(s, &moved->list[i]);
	free(moved->list);
}

static int find_used(const struct store *s, int pulls, struct digest_set *used, bool *unsure, struct err *e)
{
	if (add_pulls(pulls, used, e) < 0 || image_index_roots(s, add_root, used, e) < 0 ||
	        add_containers(s, used, unsure, e) < 0)
		return -1;
	if (used->n)
		qsort(used->list, used->n, sizeof(*used->list), compare);
	return 0;
}

/* What has to be done while nobody may begin to use anything. */
static int sweep_locked(
        const struct store *s, int pulls, struct digest_set *moved, uint64_t *freed, struct err *e)
{
	struct digest_set used = {0};
	bool unsure = false;
	cleanup_fd int lock = lock_take(pulls, ".", LOCK_EXCLUSIVE, e);
	if (lock < 0)
		return -1;
	sweep_drafts(s);
	int rc = find_used(s, pulls, &used, &unsure, e);
	if (rc == 0) {
		sweep_blobs(s, "sha256", &used, freed);
		sweep_blobs(s, "sha512", &used, freed);
	}
	if (rc == 0 && !unsure &&
	        (move_layers(s, "sha256", &used, moved, freed) |
	                move_layers(s, "sha512", &used, moved, freed)))
		rc = err_no_memory(e);
	free(used.list);
	return rc;
}

int image_sweep(const struct store *s, uint64_t *freed, struct err *e)
{
	struct digest_set moved = {0};
	*freed = 0;
	cleanup_fd int pulls = pull_dir_open(s, e);
	if (pulls < 0)
		return -1;
	int rc = sweep_locked(s, pulls, &moved, freed, e);
	discard_layers(s, &moved);
	if (rc == 0)
		rc = partial_sweep(s, now_realtime() - PARTIAL_KEPT_NS, freed, e);
	return rc;
}

/* Since before a week or so. What is younger, a pull that was cut goes on with. A layer has the times of its
 * archive, so it goes by the change of its inode. */
static bool is_stale(int dir_fd, const char *name)
{
	int64_t now = now_realtime();
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISDIR(st.st_mode) ? st.st_ctim.tv_sec : st.st_mtim.tv_sec) <
	               (now - PARTIAL_KEPT_NS) / 1000000000;
}

static size_t count_unused(int dir_fd, const char *alg, const struct digest_set *used)
{
	cleanup_dir DIR *list = open_list(dir_fd, alg);
	struct digest d;
	size_t n = 0;

	for (struct dirent *entry; list && (entry = readdir(list));)
		n += path_digest(alg, entry->d_name, &d) && !has(used, &d) &&
		     is_stale(dirfd(list), entry->d_name);
	return n;
}

static size_t count_drafts(const struct store *s)
{
	cleanup_dir DIR *list = open_list(s->layers_fd, ".");
	size_t n = 0;

	for (struct dirent *entry; list && (entry = readdir(list));) {
		if (strncmp(entry->d_name, "tmp-", 4) != 0 || !is_stale(dirfd(list), entry->d_name))
			continue;
		cleanup_fd int lock = lock_try(s->layers_fd, entry->d_name, LOCK_EXCLUSIVE);
		n += lock >= 0;
	}
	return n;
}

size_t image_unreached(const struct store *s)
{
	static const char *const algs[] = {"sha256", "sha512"};
	struct digest_set used = {0};
	bool unsure = false;
	size_t n = 0;
	cleanup_fd int pulls = pull_dir_open(s, NULL);
	cleanup_fd int lock = pulls < 0 ? -1 : lock_try(pulls, ".", LOCK_EXCLUSIVE);

	if (lock >= 0 && find_used(s, pulls, &used, &unsure, NULL) == 0) {
		n = count_drafts(s);
		for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
			n += count_unused(s->blobs_fd, algs[i], &used) +
			     (unsure ? 0 : count_unused(s->layers_fd, algs[i], &used));
	}
	free(used.list);
	return n;
}
