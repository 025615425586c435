/* Backup box: a tree (tree_box.h) and a repository beside it. */
#ifndef TARE_TEST_BACKUP_BOX_H
#define TARE_TEST_BACKUP_BOX_H

#include "engine/backup/repository_own.h"
#include "tests/unit/tree_box.h"

#define VOLUME "kittens"

struct backup_box {
	struct tree_box *tree;
	char dir[96], key[96];
	bool sealed;
};

static inline int backup_box_up(void **state)
{
	struct backup_box *b = calloc(1, sizeof(*b));
	void *tree = NULL;
	tree_box_up(&tree);
	b->tree = tree;
	snprintf(b->dir, sizeof(b->dir), "%s/repository", b->tree->path);
	snprintf(b->key, sizeof(b->key), "%s/key", b->tree->path);
	*state = b;
	return 0;
}

static inline int backup_box_down(void **state)
{
	struct backup_box *b = *state;
	void *tree = b->tree;
	tree_box_down(&tree);
	free(b);
	return 0;
}

static inline struct repository *backup_box_open(const struct backup_box *b, bool exclusive)
{
	struct err e = ERR_INIT;
	const struct repository_options o = {.key_file = b->sealed ? b->key : NULL,
	        .make = true,
	        .lock = exclusive ? REPOSITORY_EXCLUSIVE : REPOSITORY_SHARED};
	struct repository *r = repository_open(b->dir, &o, &e);
	if (!r)
		fail_msg("%s", e.msg);
	return r;
}

/* Returns what was new; *id its id. */
static inline uint64_t backup_box_backup(struct backup_box *b, char id[SNAPSHOT_ID_SIZE])
{
	struct err e = ERR_INIT;
	struct snapshot s;
	const struct repository_backup q = {.volume = VOLUME, .skipped = tree_box_note, .arg = b->tree};
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	if (repository_backup(r, b->tree->tree, &q, &s, &e) < 0)
		fail_msg("%s", e.msg);
	uint64_t added = s.added;
	if (id)
		strcpy(id, s.id);
	snapshot_free(&s);
	return added;
}

/* As if the newest snapshot were of later on: what it says about files is trusted then. */
static inline void backup_box_age(struct backup_box *b, char id[SNAPSHOT_ID_SIZE])
{
	struct err e = ERR_INIT;
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	cleanup_snapshot_record struct snapshot_record record;
	if (snapshot_read(r->snapshots, &r->seal, id, &record, &e) < 0 || unlinkat(r->snapshots, id, 0) < 0)
		fail_msg("%s", e.msg);
	record.about.time += INT64_C(10000000000);
	assert_int_equal(snapshot_write(r->snapshots, &r->seal, &record, &e), 0);
	strcpy(id, record.about.id);
}

static inline int backup_box_restore(
        struct backup_box *b, const char *id, const struct repository_restore *q, struct err *e)
{
	struct snapshot s;
	uint64_t entries, bytes;
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	if (repository_find(r, id, NULL, &s, e) < 0)
		return -1;
	int rc = repository_restore(r, &s, q->dry_run ? -1 : b->tree->out, q, &entries, &bytes, e);
	snapshot_free(&s);
	return rc;
}

static inline void backup_box_empty_out(struct backup_box *b)
{
	close_fd(&b->tree->out);
	assert_int_equal(remove_tree_at(b->tree->fd, "out"), 0);
	b->tree->out = open_dir_make(b->tree->fd, "out", 0755);
}

/* What is restored is what is in the tree. */
static inline void backup_box_same(struct backup_box *b, const char *id)
{
	struct err e = ERR_INIT;
	const struct repository_restore all = {0};
	backup_box_empty_out(b);
	if (backup_box_restore(b, id, &all, &e) < 0)
		fail_msg("%s", e.msg);
	tree_box_compare(b->tree);
}

static inline void backup_box_told(void *arg, const struct snapshot *s, const char *path, const char *what)
{
	struct tree_box *t = arg;
	size_t len = strlen(t->notes);
	snprintf(t->notes + len, sizeof(t->notes) - len, "[%.4s] %.60s: %s\n", s ? s->id : "",
	        path ? path : "", what);
}

/* How much is wrong; what, is in the tree's notes. -1: it cannot even be opened. */
static inline long backup_box_verify(struct backup_box *b)
{
	struct err e = ERR_INIT;
	const struct repository_options o = {.key_file = b->sealed ? b->key : NULL};
	b->tree->notes[0] = '\0';
	cleanup_repository_handle struct repository *r = repository_open(b->dir, &o, &e);
	if (!r && !e.msg[0])
		fail_msg("an error without words");
	return r ? repository_verify(r, backup_box_told, b->tree, &e) : -1;
}

static inline void backup_box_whole(struct backup_box *b)
{
	if (backup_box_verify(b) != 0)
		fail_msg("not whole: %s", b->tree->notes);
}

static inline struct repository_pruned backup_box_prune(struct backup_box *b, bool dry_run)
{
	struct err e = ERR_INIT;
	struct repository_pruned p;
	cleanup_repository_handle struct repository *r = backup_box_open(b, true);
	if (repository_prune(r, dry_run, &p, &e) < 0)
		fail_msg("%s", e.msg);
	return p;
}

static inline void backup_box_forget(struct backup_box *b, const char *id)
{
	struct snapshot s = {0};
	strcpy(s.id, id);
	cleanup_repository_handle struct repository *r = backup_box_open(b, true);
	assert_int_equal(repository_forget(r, &s, NULL), 0);
}

static inline void backup_box_random(int dir, const char *name, size_t len, unsigned seed)
{
	cleanup_free uint64_t *data = malloc(len + 8);
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i <= len / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = x;
	}
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, data, len), 0);
}

/* Bytes of all files of the repository. */
static inline uint64_t backup_box_size(const struct backup_box *b)
{
	uint64_t bytes = 0, entries;
	assert_int_equal(tree_size_at(AT_FDCWD, b->dir, &bytes, &entries), 0);
	return bytes;
}

#endif
