/* Backup repository, against damage, crashes, full disks, other keys and other versions. */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "engine/backup/document.h"
#include "tests/unit/backup_box.h"

/* Every file of the repository: calls each(b, path). */
static void all_files(struct backup_box *b, int dir, const char *prefix,
        void (*each)(struct backup_box *b, int dir, const char *path))
{
	struct stat st;
	cleanup_name_list struct name_list l = NAME_LIST_INIT;
	assert_int_equal(name_list_read(&l, dir, NULL), 0);
	for (size_t i = 0; i < l.n; i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s/%s", prefix, name_list_get(&l, i));
		assert_int_equal(fstatat(dir, name_list_get(&l, i), &st, AT_SYMLINK_NOFOLLOW), 0);
		if (S_ISDIR(st.st_mode)) {
			cleanup_fd int in =
			        openat(dir, name_list_get(&l, i), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			all_files(b, in, path, each);
		} else {
			each(b, dir, path);
		}
	}
}

static void each_file(struct backup_box *b, void (*each)(struct backup_box *b, int dir, const char *path))
{
	cleanup_fd int dir = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	all_files(b, dir, b->dir, each);
}

/* ------------------------------------------------------------------ flipped bytes */

static void flip(const char *path, off_t at)
{
	unsigned char c;
	cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x10;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static void flip_each(struct backup_box *b, int dir, const char *path)
{
	struct stat st;
	(void)dir;
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		flip(path, at);
		if (backup_box_verify(b) == 0)
			fail_msg("byte %d of %s may be anything", (int)at, path);
		flip(path, at);
	}
}

static void test_every_byte_counts(void **state)
{
	struct backup_box *b = *state;
	tree_box_file(
	        b->tree->tree, "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	tree_box_file(b->tree->tree, "b", "b");
	for (int sealed = 0; sealed < 2; sealed++) {
		b->sealed = sealed;
		strcat(b->dir, sealed ? "-2" : "");
		backup_box_backup(b, NULL);
		backup_box_whole(b);
		each_file(b, flip_each);
	}
}

/* The chunk that holds one file's content, and no other's. */
static off_t find_content(const char *path, const char *what, size_t len)
{
	cleanup_buf struct buf all = BUF_INIT;
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read_to_buf(fd, &all), 0);
	const char *found = memmem(all.data, all.len, what, len);
	return found ? found - all.data : -1;
}

static void flip_content(struct backup_box *b, int dir, const char *path)
{
	char block[64];
	cleanup_fd int fd = openat(b->tree->tree, "dir/bad", O_RDONLY | O_CLOEXEC);
	(void)dir;
	assert_int_equal(pread(fd, block, sizeof(block), 50000), sizeof(block));
	off_t at = strstr(path, "/packs/") ? find_content(path, block, sizeof(block)) : -1;
	if (at >= 0)
		flip(path, at + 5);
}

static void test_damage_has_names(void **state)
{
	struct backup_box *b = *state;
	struct err e = ERR_INIT;
	const struct repository_restore all = {0};
	int dir = b->tree->tree;
	assert_int_equal(mkdirat(dir, "dir", 0755), 0);
	backup_box_random(dir, "dir/bad", 100000, 1);
	backup_box_random(dir, "same", 100000, 1);
	backup_box_random(dir, "good", 100000, 2);
	backup_box_random(dir, "goes", 1 << 20, 3);
	char id[SNAPSHOT_ID_SIZE];
	backup_box_backup(b, id);
	assert_int_equal(unlinkat(dir, "goes", 0), 0);
	backup_box_backup(b, NULL);
	backup_box_backup(b, NULL);
	each_file(b, flip_content);
	assert_int_equal(backup_box_verify(b), 7);
	const char *first = strstr(b->tree->notes, "dir/bad: some of its content is damaged");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "dir/bad: some"));
	assert_non_null(strstr(b->tree->notes, "same: some of its content is damaged"));
	assert_null(strstr(b->tree->notes, "good"));
	assert_non_null(strstr(b->tree->notes, "1 of its "));
	assert_int_equal(backup_box_restore(b, "latest", &all, &e), -1);
	assert_non_null(strstr(e.msg, "\"dir/bad\""));
	assert_int_equal(e.kind, ERR_CORRUPT);
	/* prune neither trips over it nor hides it, though little of the pack is needed */
	backup_box_forget(b, id);
	backup_box_prune(b, false);
	assert_int_equal(backup_box_verify(b), 5);
}

static void remove_packs(struct backup_box *b, int dir, const char *path)
{
	(void)b;
	(void)dir;
	if (strstr(path, "/packs/"))
		assert_int_equal(unlink(path), 0);
}

static void cut_snapshots(struct backup_box *b, int dir, const char *path)
{
	(void)b;
	(void)dir;
	if (strstr(path, "/snapshots/"))
		assert_int_equal(truncate(path, 100), 0);
}

static void test_missing_parts(void **state)
{
	struct backup_box *b = *state;
	struct err e = ERR_INIT;
	struct repository_pruned p;
	const struct repository_restore all = {0};
	tree_box_file(b->tree->tree, "a", "a");
	backup_box_backup(b, NULL);
	each_file(b, remove_packs);
	assert_int_equal(backup_box_verify(b), 1);
	assert_non_null(strstr(b->tree->notes, "a chunk is missing"));
	assert_int_equal(backup_box_restore(b, "latest", &all, &e), -1);
	assert_non_null(strstr(e.msg, "missing"));
	cleanup_repository_handle struct repository *r = backup_box_open(b, true);
	assert_int_equal(repository_prune(r, false, &p, &e), -1);
	assert_non_null(strstr(e.msg, "nothing is removed"));
	repository_close(steal_ptr(&r));
	backup_box_backup(b, NULL); /* stores all again */
	backup_box_same(b, "latest");
	backup_box_whole(b);
	each_file(b, cut_snapshots);
	assert_int_equal(backup_box_verify(b), 2);
	assert_non_null(strstr(b->tree->notes, "cut off"));
	r = backup_box_open(b, true);
	assert_int_equal(repository_prune(r, false, &p, &e), -1);
	assert_non_null(strstr(e.msg, "nothing is removed"));
	cleanup_strv char **ids = repository_snapshot_ids(r, NULL);
	strv_foreach (id, ids) {
		struct snapshot s;
		assert_int_equal(repository_find(r, *id, NULL, &s, &e), -1);
		assert_int_equal(repository_forget(r, &s, &e), 0);
	}
	assert_int_equal(repository_prune(r, false, &p, &e), 0);
	assert_int_equal(p.packs, 1);
}

/* ------------------------------------------------------------------ who may */

static void must_not_open(struct backup_box *b, const char *key, enum err_kind kind)
{
	struct err e = ERR_INIT;
	const struct repository_options o = {.key_file = key, .make = true};
	cleanup_repository_handle struct repository *r = repository_open(b->dir, &o, &e);
	assert_null(r);
	assert_int_equal(e.kind, kind);
	assert_true(e.msg[0]);
}

static void look_for_secrets(struct backup_box *b, int dir, const char *path)
{
	static const char *const secrets[] = {"kitten", "secret-name", "secret-text", "user.secret"};
	(void)b;
	(void)dir;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
		if (find_content(path, secrets[i], strlen(secrets[i])) >= 0)
			fail_msg("%s tells \"%s\"", path, secrets[i]);
}

static void test_sealed(void **state)
{
	struct backup_box *b = *state;
	char other[200];
	int dir = b->tree->tree;
	b->sealed = true;
	assert_int_equal(mkdirat(dir, "secret-name", 0755), 0);
	tree_box_file(dir, "secret-name/secret-name", "secret-text");
	assert_int_equal(symlinkat("secret-text", dir, "secret-name/l"), 0);
	backup_box_backup(b, NULL);
	each_file(b, look_for_secrets);
	backup_box_same(b, "latest");
	must_not_open(b, NULL, ERR_PERMISSION);
	snprintf(other, sizeof(other), "%s/other", b->tree->path);
	must_not_open(b, other, ERR_PERMISSION); /* there is none, and none is made */
	assert_int_equal(access(other, F_OK), -1);
	backup_box_random(AT_FDCWD, other, 32, 5);
	must_not_open(b, other, ERR_PERMISSION);
	backup_box_whole(b);
	strcat(b->dir, "-2");
	b->sealed = false;
	backup_box_backup(b, NULL);
	must_not_open(b, other, ERR_USAGE);
}

static void test_other_versions(void **state)
{
	struct backup_box *b = *state;
	struct document_digest digest;
	struct err e = ERR_INIT;
	const struct repository_options o = {0};
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	cleanup_json json *j = document_read(r->dirfd, "config", NULL, &digest, NULL);
	json_set_int(j, "format", 2);
	assert_int_equal(document_write(r->dirfd, "config", NULL, j, &digest, NULL), 0);
	must_not_open(b, NULL, ERR_UNSUPPORTED);
	/* what is none, and what others have put there, is left alone */
	assert_int_equal(unlinkat(r->dirfd, "config", 0), 0);
	assert_null(repository_open(b->dir, &o, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	tree_box_file(r->dirfd, "holiday.jpg", "");
	must_not_open(b, NULL, ERR_CONFLICT);
	assert_null(repository_open("/nowhere/at/all", &o, &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void test_lock(void **state)
{
	struct backup_box *b = *state;
	struct err e = ERR_INIT;
	struct repository_pruned p;
	const struct snapshot s = {.id = "0123456789abcdef"};
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_prune(r, false, &p, &e), -1);
	assert_int_equal(repository_forget(r, &s, &e), -1);
	pid_t pid = fork();
	if (pid == 0) {
		repository_close(r); /* the lock is the parent's, too */
		repository_close(backup_box_open(b, true));
		_exit(0);
	}
	struct timespec wait = {0, 20000000};
	nanosleep(&wait, NULL);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it waits for us */
	repository_close(steal_ptr(&r));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ------------------------------------------------------------------ killed, and full */

/* What was there before is whole, whenever the next one ends. */
static void test_killed(void **state)
{
	struct backup_box *b = *state;
	char id[SNAPSHOT_ID_SIZE];
	unsigned seed = 12345;
	backup_box_random(b->tree->tree, "old", 3 << 20, 1);
	backup_box_backup(b, id);
	for (unsigned i = 0; i < 12; i++) {
		backup_box_random(b->tree->tree, "new", 4 << 20, 100 + i);
		pid_t pid = fork();
		if (pid == 0) {
			backup_box_backup(b, NULL);
			backup_box_prune(b, false);
			_exit(0);
		}
		seed = seed * 1103515245 + 12345;
		const struct timespec wait = {0, (seed >> 8) % 40000000};
		nanosleep(&wait, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		backup_box_whole(b);
	}
	backup_box_prune(b, false);
	backup_box_whole(b);
	backup_box_empty_out(b);
	assert_int_equal(backup_box_restore(b, id, &(struct repository_restore){0}, NULL), 0);
	assert_int_equal(tree_box_look(b->tree->out, "old").st_size, 3 << 20);
}

static size_t rubbish;

static void count_rubbish(struct backup_box *b, int dir, const char *path)
{
	(void)b;
	(void)dir;
	rubbish += strstr(path, ".tmp-") != NULL;
}

/* In a mount namespace of its own: a disk of 4 MiB that gets full. */
static int fill_disk(struct backup_box *b)
{
	struct err e = ERR_INIT;
	struct snapshot s;
	const struct repository_backup q = {.volume = VOLUME};
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	assert_int_equal(mkdir(b->dir, 0700), 0);
	assert_int_equal(mount("tmpfs", b->dir, "tmpfs", 0, "size=4m"), 0);
	backup_box_random(b->tree->tree, "small", 1 << 20, 1);
	backup_box_backup(b, NULL);
	backup_box_random(b->tree->tree, "large", 20 << 20, 2);
	struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_backup(r, b->tree->tree, &q, &s, &e), -1);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_non_null(strstr(e.msg, "full"));
	/* the same handle does not believe in what it could not store */
	cleanup_fd int large = openat(b->tree->tree, "large", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(large, 2 << 20), 0);
	assert_int_equal(repository_backup(r, b->tree->tree, &q, &s, &e), 0);
	snapshot_free(&s);
	repository_close(r);
	each_file(b, count_rubbish);
	assert_int_equal(rubbish, 0);
	backup_box_whole(b);
	assert_int_equal(mount("tmpfs", b->dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	r = backup_box_open(b, false);
	backup_box_random(b->tree->tree, "new", 1000, 2);
	assert_int_equal(repository_backup(r, b->tree->tree, &q, &s, &e), -1);
	assert_non_null(strstr(e.msg, "Read-only file system"));
	repository_close(r);
	/* reading needs no writing */
	assert_int_equal(backup_box_restore(b, "latest", &(struct repository_restore){0}, &e), 0);
	assert_int_equal(tree_box_look(b->tree->out, "small").st_size, 1 << 20);
	backup_box_whole(b);
	return 0;
}

static void test_full_disk(void **state)
{
	struct backup_box *b = *state;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(fill_disk(b));
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, backup_box_up, backup_box_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_every_byte_counts),
	        TEST(test_damage_has_names),
	        TEST(test_missing_parts),
	        TEST(test_sealed),
	        TEST(test_other_versions),
	        TEST(test_lock),
	        TEST(test_killed),
	        TEST(test_full_disk),
	};
	return cmocka_run_group_tests_name("backup trust", tests, NULL, NULL);
}
