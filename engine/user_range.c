#include "engine/user_range.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "base/rootless.h"
#include "base/text.h"
#include "engine/oci/container_id.h"
#include "engine/runtime/mount_tree.h"
#include "engine/runtime/user_namespace.h"
#include "engine/store/store.h"

/* systemd's UIDS-GIDS.md: 0x80000 to 0x6fffffff are for containers; the upper part is far from what
 * useradd(8) gives out as subordinate ids, which begins at 100000. */
#define POOL_FIRST 0x40000000u
#define POOL_SLOTS 0x2fffu
#define POOL_USER  "tare"
#define SUBID_MAX  ((size_t)1 << 20)
#define IDS_MAX    ((size_t)32 << 10)
#define POOL_LOCK  "ids.lock"

/* ------------------------------------------------------------------ the pool */

/* "name:first:count" of the next line; false at the end. */
static bool next_subid(const char **at, char name[64], unsigned *first, unsigned *count)
{
	while (**at) {
		const char *line = *at, *end = strchrnul(line, '\n');
		*at = *end ? end + 1 : end;
		if (sscanf(line, "%63[^:\n]:%u:%u", name, first, count) == 3 && *count)
			return true;
	}
	return false;
}

/* The first line of ours that has room for one container at least. */
static uint32_t own_line(const char *text, uint32_t *first)
{
	unsigned from, count;
	char name[64];

	while (next_subid(&text, name, &from, &count))
		if (strcmp(name, POOL_USER) == 0 && count >= USER_RANGE_SIZE &&
		        count - 1 <= UINT32_MAX - 1 - from) {
			*first = from;
			return count / USER_RANGE_SIZE;
		}
	return 0;
}

static void add_others(const char *text, struct id_map *others)
{
	unsigned from, count;
	char name[64];

	while (next_subid(&text, name, &from, &count) && others->n < ID_RANGES_MAX)
		others->v[others->n++] = (struct id_range){0, from, count};
}

void user_pool_of(const char *subuid, const char *subgid, struct user_pool *pool, struct id_map *others)
{
	uint32_t uids = own_line(subuid, &pool->uid), gids = own_line(subgid, &pool->gid);

	others->n = 0;
	pool->slots = uids < gids ? uids : gids;
	if (pool->slots)
		return;
	*pool = (struct user_pool){POOL_FIRST, POOL_FIRST, POOL_SLOTS};
	add_others(subuid, others);
	add_others(subgid, others);
}

static void read_pool(struct user_pool *pool, struct id_map *others)
{
	cleanup_buf struct buf subuid = BUF_INIT_MAX(SUBID_MAX), subgid = BUF_INIT_MAX(SUBID_MAX);

	/* without these files nobody has a range */
	file_read_at(AT_FDCWD, "/etc/subuid", &subuid, NULL);
	file_read_at(AT_FDCWD, "/etc/subgid", &subgid, NULL);
	user_pool_of(buf_str(&subuid), buf_str(&subgid), pool, others);
}

/* ------------------------------------------------------------------ what is taken */

struct taken {
	const struct user_pool *pool;
	unsigned char *slot; /* one bit each */
};

static void mark(struct taken *t, uint32_t pool_first, uint32_t first, uint32_t size)
{
	uint64_t pool_end = (uint64_t)pool_first + (uint64_t)t->pool->slots * USER_RANGE_SIZE;
	uint64_t from = first, end = from + size;

	if (!size || end <= pool_first || from >= pool_end)
		return;
	from = from < pool_first ? 0 : (from - pool_first) / USER_RANGE_SIZE;
	end = end > pool_end ? t->pool->slots : (end - pool_first + USER_RANGE_SIZE - 1) / USER_RANGE_SIZE;
	for (; from < end; from++)
		t->slot[from / 8] |= (unsigned char)(1 << from % 8);
}

/* Lines "u FIRST SIZE" and "g FIRST SIZE". */
static void mark_container(struct taken *t, const struct store *s, const char *entry)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(IDS_MAX);
	char path[300], kind;
	unsigned first, size;

	snprintf(path, sizeof path, "%s/ids", entry);
	if (file_read_at(s->containers_fd, path, &text, NULL) != 0)
		return;
	for (const char *line = buf_str(&text); *line; line += *line == '\n') {
		if (sscanf(line, "%c %u %u", &kind, &first, &size) == 3)
			mark(t, kind == 'u' ? t->pool->uid : t->pool->gid, first, size);
		line = strchrnul(line, '\n');
	}
}

/* Also of what is set aside or half made. What is being removed is nobody's any more. */
static int mark_all(struct taken *t, const struct store *s, struct err *e)
{
	int fd = openat(s->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		close_fd(&fd);
		return err_sys(e, "cannot read %s/containers", s->root);
	}
	errno = 0;
	for (struct dirent *entry; (entry = readdir(d)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		        strncmp(entry->d_name, ".rm-", 4) != 0)
			mark_container(t, s, entry->d_name);
	/* whom half a list leaves out would share its range */
	return errno ? err_sys(e, "cannot read %s/containers", s->root) : 0;
}

static void write_ranges(struct buf *b, char kind, const struct id_map *m)
{
	for (size_t i = 0; i < m->n; i++)
		buf_printf(b, "%c %u %u\n", kind, m->v[i].outside, m->v[i].size);
}

int user_range_note(
        const struct store *s, const char *id, bool lasting, const struct id_maps *m, struct err *e)
{
	cleanup_fd int dir = openat(s->containers_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_buf struct buf text = BUF_INIT;

	write_ranges(&text, 'u', &m->uid);
	write_ranges(&text, 'g', &m->gid);
	if (dir < 0)
		return err_sys(e, "cannot open %s/containers/%.12s", s->root, id);
	return file_write_at(
	        dir, "ids", buf_str(&text), text.len, 0600, lasting ? FILE_SYNC : FILE_NO_SYNC, e);
}

/* Another store on this host has records of its own, and the same pool: each begins somewhere else, so that
 * the first thousands of its containers hardly ever meet those of another. */
static uint32_t first_slot(const struct store *s, const struct user_pool *pool)
{
	struct stat st;

	if (fstat(s->root_fd, &st) != 0)
		return 0;
	uint64_t place = ((uint64_t)st.st_dev << 40) ^ st.st_ino;
	return (uint32_t)(((place * UINT64_C(0x9e3779b97f4a7c15)) >> 32) %
	                  (pool->slots / 2 + 1)); /* Knuth's */
}

static bool is_free(const struct taken *t, uint32_t slot, uint32_t slots)
{
	for (uint32_t i = slot; i < slot + slots; i++)
		if (i >= t->pool->slots || t->slot[i / 8] >> i % 8 & 1)
			return false;
	return true;
}

/* The ranges of *named are there already: what is chosen goes around them. */
static int map_slot(const struct user_pool *p, uint32_t slot, uint32_t size, struct id_maps *m, struct err *e)
{
	cleanup_free struct id_maps *named = malloc(sizeof *named);
	uint32_t first = slot * USER_RANGE_SIZE;

	if (!named)
		return err_no_memory(e);
	*named = *m;
	return id_map_add_around(&m->uid, (struct id_range){0, p->uid + first, size}, &named->uid, e) != 0 ||
	                       id_map_add_around(&m->gid, (struct id_range){0, p->gid + first, size},
	                               &named->gid, e) != 0
	               ? -1
	               : 0;
}

static int take_slots(const struct taken *t, uint32_t from, uint32_t size, struct id_maps *m, struct err *e)
{
	uint32_t slots = (size - 1) / USER_RANGE_SIZE + 1;

	for (uint32_t n = 0; n < t->pool->slots; n++) {
		uint32_t i = (from + n) % t->pool->slots;
		if (is_free(t, i, slots))
			return map_slot(t->pool, i, size, m, e);
	}
	if (slots > 1)
		return err_set(e, ERR_CONFLICT,
		        "no %u ids in a row are free of %u; ask for fewer, or give \"tare\" more in "
		        "/etc/subuid and "
		        "/etc/subgid",
		        size, t->pool->slots * USER_RANGE_SIZE);
	return err_set(e, ERR_CONFLICT,
	        "all %u ranges of ids are taken; remove containers, or give \"tare\" more in /etc/subuid and "
	        "/etc/subgid",
	        t->pool->slots);
}

static void mark_named(struct taken *t, const struct id_maps *m)
{
	for (size_t i = 0; i < m->uid.n; i++)
		mark(t, t->pool->uid, m->uid.v[i].outside, m->uid.v[i].size);
	for (size_t i = 0; i < m->gid.n; i++)
		mark(t, t->pool->gid, m->gid.v[i].outside, m->gid.v[i].size);
}

/* Two containers with one range would be one user to the kernel: what one of them breaks out to is the other.
 * Looking and writing happen under one lock. Tests: test_user_range.c, all_at_once; userns.bats. */
int user_range_take(
        const struct store *s, const char *id, bool lasting, uint32_t size, struct id_maps *m, struct err *e)
{
	struct user_pool pool;
	struct id_map others;
	cleanup_fd int lock = lock_take(s->root_fd, POOL_LOCK, LOCK_EXCLUSIVE, e);

	if (lock < 0)
		return -1;
	read_pool(&pool, &others);
	cleanup_free unsigned char *bits = calloc(pool.slots / 8 + 1, 1);
	struct taken t = {&pool, bits};
	if (!bits)
		return err_no_memory(e);
	for (size_t i = 0; i < others.n; i++) {
		mark(&t, pool.uid, others.v[i].outside, others.v[i].size);
		mark(&t, pool.gid, others.v[i].outside, others.v[i].size);
	}
	mark_named(&t, m);
	if ((DEFENCE("one-range") && mark_all(&t, s, e) != 0) ||
	        take_slots(&t, first_slot(s, &pool), size, m, e) != 0)
		return -1;
	return user_range_note(s, id, lasting, m, e);
}

static bool overlay_maps_ids(void)
{
	struct utsname u;
	unsigned major, minor;

	if (uname(&u) != 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 19);
}

bool user_range_possible(const struct store *s)
{
	static const struct id_range some = {.outside = POOL_FIRST, .size = USER_RANGE_SIZE};
	struct id_maps m = {.uid.n = 1, .gid.n = 1};

	if (rootless() || !overlay_maps_ids())
		return false;
	m.uid.v[0] = m.gid.v[0] = some;
	cleanup_fd int userns = user_namespace_open(&m, NULL);
	if (!s)
		return userns >= 0;
	cleanup_fd int layers = userns < 0 ? -1 : mount_copy(s->layers_fd, false);
	return layers >= 0 && mount_idmap(layers, userns, false, "", NULL) == 0;
}
