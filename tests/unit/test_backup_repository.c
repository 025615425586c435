/* Backup repository: what is backed up comes back, is stored once, and stays. For damage, crashes and
 * strangers see test_backup_trust.c. */
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/backup_box.h"

static void set_time(int dir, const char *name, time_t s, long ns)
{
	const struct timespec t[2] = {{s, ns}, {s, ns}};
	assert_int_equal(utimensat(dir, name, t, AT_SYMLINK_NOFOLLOW), 0);
}

/* Everything that a file system keeps. */
static void make_zoo(int dir)
{
	tree_box_file(dir, "plain", "some text\n");
	tree_box_file(dir, "empty", "");
	tree_box_file(dir, "new\nline\x01\xff", "odd");
	assert_int_equal(fchownat(dir, "plain", 12345, 4294967290u, 0), 0);
	assert_int_equal(fchmodat(dir, "plain", 06751, 0), 0);
	assert_int_equal(linkat(dir, "plain", dir, "plain-link", 0), 0);
	assert_int_equal(symlinkat("/nowhere/\xfe", dir, "symlink"), 0);
	assert_int_equal(fchownat(dir, "symlink", 7, 8, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0620), 0);
	assert_int_equal(mknodat(dir, "device", S_IFBLK | 0640, makedev(7, 300)), 0);
	assert_int_equal(linkat(dir, "fifo", dir, "fifo-link", 0), 0);
	assert_int_equal(mkdirat(dir, "dir", 01777), 0);
	assert_int_equal(mkdirat(dir, "dir/in", 0700), 0);
	assert_int_equal(mkdirat(dir, "dir-beside", 0500), 0);
	tree_box_file(dir, "dir/in/file", "deep");
	assert_int_equal(linkat(dir, "plain", dir, "dir/in/plain", 0), 0);
	cleanup_fd int in = openat(dir, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int file = openat(dir, "dir/in/file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(file, "trusted.tare", "a\0b", 3, 0), 0);
	assert_int_equal(fsetxattr(in, "trusted.empty", "", 0, 0), 0);
	cleanup_fd int sparse = openat(dir, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(sparse, 30 << 20), 0);
	assert_int_equal(pwrite(sparse, "here", 4, 5 << 20), 4);
	assert_int_equal(pwrite(sparse, "there", 5, 9 << 20), 5);
	backup_box_random(dir, "big", 3 << 20, 1);
	backup_box_random(dir, "middle", 100000, 2);
	for (int i = 0; i < 300; i++) {
		char name[32];
		snprintf(name, sizeof(name), "dir/in/%d", i);
		backup_box_random(dir, name, (size_t)i * 50, (unsigned)i);
	}
	set_time(dir, "symlink", 1, 999999999);
	set_time(dir, "fifo", -100, 5);
	set_time(dir, "big", 4000000000, 1);
	set_time(dir, "dir/in", 1000000000, 123456789);
	set_time(dir, "dir", 1000000001, 1);
}

static void test_round_trip(void **state)
{
	struct backup_box *b = *state;
	char id[SNAPSHOT_ID_SIZE];
	make_zoo(b->tree->tree);
	for (int sealed = 0; sealed < 2; sealed++) {
		b->sealed = sealed;
		strcat(b->dir, sealed ? "-2" : "");
		backup_box_backup(b, id);
		backup_box_same(b, id);
		assert_int_equal(backup_box_backup(b, id), 0); /* all that is new is no content */
		backup_box_same(b, "latest");
		backup_box_whole(b);
	}
	assert_string_equal(b->tree->notes, "");
}

static void test_insert(void **state)
{
	struct backup_box *b = *state;
	const size_t size = (size_t)50 << 20;
	int dir = b->tree->tree;
	backup_box_random(dir, "f", size, 1);
	assert_true(backup_box_backup(b, NULL) >= size);
	char *data = malloc(size + 1);
	data[0] = 'x';
	cleanup_fd int fd = openat(dir, "f", O_RDWR | O_CLOEXEC);
	assert_int_equal(read_full(fd, data + 1, size), size);
	assert_int_equal(pwrite(fd, data, size + 1, 0), size + 1);
	free(data);
	assert_in_range(backup_box_backup(b, NULL), 1, 5 << 20);
}

static void make_many(int dir, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%05u", i);
		backup_box_random(dir, name, 3000, i);
	}
}

/* A directory of small files is called otherwise: its bundles end where they ended before. */
static void test_moved(void **state)
{
	struct backup_box *b = *state;
	cleanup_fd int dir = open_dir_make(b->tree->tree, "m", 0755);
	backup_box_random(b->tree->tree, "a", 40000, 70000);
	make_many(dir, 2000);
	backup_box_random(b->tree->tree, "z", 5 << 20, 70001);
	assert_true(backup_box_backup(b, NULL) > 11000000);
	assert_int_equal(renameat(b->tree->tree, "m", b->tree->tree, "b"), 0);
	assert_int_equal(renameat(b->tree->tree, "z", b->tree->tree, "b/y"), 0);
	assert_int_equal(unlinkat(b->tree->tree, "a", 0), 0);
	for (unsigned i = 0; i < 2000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%05u", i);
		set_time(dir, name, 5, 5); /* all are read again */
	}
	assert_in_range(backup_box_backup(b, NULL), 1, 4000000); /* as the seed will have it */
	backup_box_same(b, "latest");
	backup_box_whole(b);
}

/* ------------------------------------------------------------------ incremental */

/* How often files in the directory are opened while it is backed up. */
static int count_opens(struct backup_box *b, uint64_t *added)
{
	char path[100], events[4096];
	int n = 0;
	cleanup_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), "%s/tree", b->tree->path);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	*added = backup_box_backup(b, NULL);
	for (ssize_t len; (len = read(watch, events, sizeof(events))) > 0;)
		for (ssize_t at = 0; at < len;) {
			const struct inotify_event *ev = (const void *)(events + at);
			n += !(ev->mask & IN_ISDIR);
			at += (ssize_t)sizeof(*ev) + ev->len;
		}
	return n;
}

static void test_unchanged_is_not_opened(void **state)
{
	struct backup_box *b = *state;
	char id[SNAPSHOT_ID_SIZE];
	uint64_t added;
	int dir = b->tree->tree;
	make_many(dir, 20);
	backup_box_random(dir, "big", 5 << 20, 99);
	cleanup_fd int file = openat(dir, "00003", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(file, "trusted.x", "1", 1, 0), 0);
	backup_box_backup(b, id);
	/* so shortly after they were made: the same time may stand for a later change */
	assert_true(count_opens(b, &added) >= 21);
	assert_int_equal(added, 0);
	backup_box_backup(b, id);
	backup_box_age(b, id);
	assert_int_equal(count_opens(b, &added), 0);
	backup_box_same(b, "latest");
}

/* Size and mtime are what they were: the change is known by ctime alone. */
static void test_hidden_change(void **state)
{
	struct backup_box *b = *state;
	char id[SNAPSHOT_ID_SIZE];
	int dir = b->tree->tree;
	make_many(dir, 10);
	set_time(dir, "00005", 7, 7);
	backup_box_backup(b, id);
	backup_box_age(b, id);
	backup_box_random(dir, "00005", 3000, 999);
	set_time(dir, "00005", 7, 7);
	backup_box_backup(b, id);
	backup_box_same(b, id);
	/* another file of the same looks */
	backup_box_age(b, id);
	backup_box_random(dir, "new", 3000, 1000);
	set_time(dir, "new", 7, 7);
	assert_int_equal(renameat(dir, "new", dir, "00005"), 0);
	backup_box_backup(b, id);
	backup_box_same(b, id);
}

static void remove_packs(struct backup_box *b)
{
	cleanup_repository_handle struct repository *r = backup_box_open(b, true);
	char path[PACK_PATH_SIZE];
	assert_int_equal(repository_load_index(r, NULL), 0);
	for (size_t i = 1; i < r->n; i += 2)
		assert_int_equal(unlinkat(r->packs, pack_path(&r->list[i].name, path), 0), 0);
}

/* What the packs have lost is read again, though the files are unchanged. */
static void test_lost_chunks_are_stored_again(void **state)
{
	struct backup_box *b = *state;
	char id[SNAPSHOT_ID_SIZE];
	int dir = b->tree->tree;
	for (unsigned i = 0; i < 4; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%u", i);
		backup_box_random(dir, name, 700000, i);
		make_many(dir, i * 5);
		backup_box_backup(b, id);
	}
	backup_box_age(b, id);
	remove_packs(b);
	assert_true(backup_box_verify(b) > 0);
	backup_box_backup(b, id);
	backup_box_same(b, id);
}

static bool is_cache(void *arg, const char *path)
{
	(void)arg;
	return strcmp(path, "cache") == 0;
}

static void test_excluded_and_skipped(void **state)
{
	struct backup_box *b = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct snapshot s;
	struct err e = ERR_INIT;
	int dir = b->tree->tree;
	const struct repository_backup q = {
	        .volume = VOLUME, .excluded = is_cache, .skipped = tree_box_note, .arg = b->tree};
	assert_int_equal(mkdirat(dir, "cache", 0755), 0);
	tree_box_file(dir, "cache/x", "x");
	tree_box_file(dir, "y", "y");
	cleanup_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/tree/sock", b->tree->path);
	assert_int_equal(bind(sock, (struct sockaddr *)&at, sizeof(at)), 0);
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_backup(r, dir, &q, &s, &e), 0);
	assert_int_equal(s.entries, 2);
	assert_int_equal(s.files, 1);
	assert_int_equal(s.bytes, 1);
	assert_string_equal(s.volume, VOLUME);
	assert_string_equal(b->tree->notes, "sock: it is a socket\n");
	snapshot_free(&s);
}

/* Within the tree that it stores. */
static void test_in_itself(void **state)
{
	struct backup_box *b = *state;
	tree_box_file(b->tree->tree, "a", "a");
	strcpy(b->dir, b->tree->path);
	strcat(b->dir, "/tree/repository");
	backup_box_backup(b, NULL);
	assert_string_equal(b->tree->notes, "repository: it is the repository that this is stored in\n");
	backup_box_empty_out(b);
	assert_int_equal(backup_box_restore(b, "latest", &(struct repository_restore){0}, NULL), 0);
	assert_int_equal(tree_box_count(b->tree->out), 1);
}

/* What nobody could make again is refused, not left out. */
static void test_too_deep(void **state)
{
	struct backup_box *b = *state;
	struct snapshot s;
	struct err e = ERR_INIT;
	char name[201];
	const struct repository_backup q = {.volume = VOLUME};
	cleanup_fd int dir = dup(b->tree->tree);
	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < 21; i++) {
		int in = open_dir_make(dir, name, 0755);
		close_fd(&dir);
		dir = in;
	}
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_backup(r, b->tree->tree, &q, &s, &e), -1);
	assert_non_null(strstr(e.msg, "too long"));
}

/* Grows, shrinks and changes without end while it is read: as long as it was met, and said. */
static void test_changes_while_read(void **state)
{
	struct backup_box *b = *state;
	int dir = b->tree->tree;
	const struct repository_restore all = {0};
	backup_box_random(dir, "f", 8 << 20, 1);
	pid_t pid = fork();
	if (pid == 0) {
		cleanup_fd int fd = openat(dir, "f", O_WRONLY | O_CLOEXEC);
		for (off_t i = 0;; i++)
			if (ftruncate(fd, (i % 8 + 1) << 20) < 0 || pwrite(fd, "new", 3, i % 4096 * 1000) < 0)
				_exit(1);
	}
	while (tree_box_look(dir, "f").st_size == 8 << 20)
		;
	for (int i = 0; i < 3 || (i < 300 && !b->tree->notes[0]); i++) {
		struct err e = ERR_INIT;
		backup_box_backup(b, NULL);
		backup_box_empty_out(b);
		if (backup_box_restore(b, "latest", &all, &e) < 0)
			fail_msg("%s", e.msg);
		assert_true(tree_box_look(b->tree->out, "f").st_size % (1 << 20) == 0 ||
		            tree_box_look(b->tree->out, "f").st_size < 5 << 20);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_non_null(strstr(b->tree->notes, "f: it changed while it was read\n"));
	backup_box_whole(b);
}

/* ------------------------------------------------------------------ looking and choosing */

static void test_subtree(void **state)
{
	struct backup_box *b = *state;
	int dir = b->tree->tree, out;
	struct err e = ERR_INIT;
	struct repository_restore q = {.subtree = "/dir//in/"};
	make_zoo(dir);
	assert_int_equal(linkat(dir, "plain", dir, "dir/in/plain2", 0), 0);
	tree_box_file(dir, "aa1", "1");
	tree_box_file(dir, "aa2", "22");
	assert_int_equal(linkat(dir, "aa2", dir, "dir/in/z1", 0), 0);
	assert_int_equal(linkat(dir, "aa1", dir, "dir/in/z2", 0), 0);
	backup_box_backup(b, NULL);
	if (backup_box_restore(b, "latest", &q, &e) < 0)
		fail_msg("%s", e.msg);
	out = b->tree->out;
	assert_int_equal(tree_box_look(out, "file").st_size, 4);
	assert_int_equal(tree_box_look(out, ".").st_mode & 07777, 0700);
	/* whose first name is elsewhere */
	assert_int_equal(tree_box_look(out, "plain").st_size, 10);
	assert_int_equal(tree_box_look(out, "plain").st_mode & 07777, 06751);
	assert_int_equal(tree_box_look(out, "plain").st_ino, tree_box_look(out, "plain2").st_ino);
	assert_int_equal(tree_box_look(out, "z1").st_size, 2); /* not in the order of their files */
	assert_int_equal(tree_box_look(out, "z2").st_size, 1);
	assert_int_equal(tree_box_count(out), 305);
	backup_box_empty_out(b);
	q.subtree = "dir/in/file";
	assert_int_equal(backup_box_restore(b, "latest", &q, &e), 0);
	assert_int_equal(tree_box_count(b->tree->out), 1);
	assert_int_equal(tree_box_look(b->tree->out, "file").st_size, 4);
	q.subtree = "dir/in/no";
	assert_int_equal(backup_box_restore(b, "latest", &q, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	q = (struct repository_restore){.dry_run = true};
	backup_box_empty_out(b);
	assert_int_equal(backup_box_restore(b, "latest", &q, &e), 0);
	assert_int_equal(tree_box_count(b->tree->out), 0);
}

static int note_file(void *arg, const struct repository_file *f, struct err *e)
{
	struct tree_box *t = arg;
	size_t len = strlen(t->notes);
	(void)e;
	snprintf(t->notes + len, sizeof(t->notes) - len, "%c%s\n", f->change ? f->change : ' ', f->path);
	return 0;
}

static void test_compare(void **state)
{
	struct backup_box *b = *state;
	int dir = b->tree->tree;
	struct snapshot_list l;
	struct err e = ERR_INIT;
	cleanup_fd int many = open_dir_make(dir, "many", 0755);
	make_many(many, 3);
	backup_box_random(dir, "big", 3 << 20, 4);
	backup_box_random(dir, "touched", 2 << 20, 5);
	tree_box_file(dir, "kind", "");
	tree_box_file(dir, "many-gone", "");
	backup_box_backup(b, NULL);
	set_time(dir, "touched", 5, 5);
	backup_box_random(many, "00001", 3000, 77);
	set_time(many, "00002", 5, 5); /* in another bundle now, but the same */
	cleanup_fd int big = openat(dir, "big", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(big, "x", 1, 2500000), 1);
	assert_int_equal(unlinkat(dir, "kind", 0), 0);
	assert_int_equal(mkdirat(dir, "kind", 0755), 0);
	assert_int_equal(unlinkat(dir, "many-gone", 0), 0);
	tree_box_file(many, "new", "");
	backup_box_backup(b, NULL);
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_list(r, VOLUME, &l, NULL), 0);
	assert_int_equal(l.n, 2);
	if (repository_compare(r, &l.rows[0], &l.rows[1], note_file, b->tree, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(
	        b->tree->notes, "Cbig\nCkind\nCmany/00001\nMmany/00002\nAmany/new\nDmany-gone\nMtouched\n");
	b->tree->notes[0] = '\0';
	assert_int_equal(repository_compare(r, &l.rows[1], &l.rows[1], note_file, b->tree, &e), 0);
	assert_string_equal(b->tree->notes, "");
	assert_int_equal(repository_files(r, &l.rows[0], note_file, b->tree, &e), 0);
	assert_string_equal(b->tree->notes,
	        " .\n big\n kind\n many\n many/00000\n many/00001\n many/00002\n many-gone\n touched\n");
	snapshot_list_free(&l);
}

static int note_size(void *arg, const struct repository_file *f, struct err *e)
{
	struct tree_box *t = arg;
	size_t len = strlen(t->notes);
	(void)e;
	if (!S_ISDIR(f->mode))
		snprintf(t->notes + len, sizeof(t->notes) - len, "%c%s %d\n", f->change ? f->change : ' ',
		        f->path, (int)f->size);
	return 0;
}

/* The second name of a file has its size, and changes with it. */
static void test_links(void **state)
{
	struct backup_box *b = *state;
	int dir = b->tree->tree;
	struct snapshot_list l;
	struct err e = ERR_INIT;
	tree_box_file(dir, "a", "1234567");
	tree_box_file(dir, "same", "12345");
	assert_int_equal(linkat(dir, "a", dir, "b", 0), 0);
	assert_int_equal(linkat(dir, "a", dir, "gone", 0), 0);
	assert_int_equal(linkat(dir, "same", dir, "same2", 0), 0);
	backup_box_backup(b, NULL);
	cleanup_fd int file = openat(dir, "a", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(file, "8", 1), 1);
	assert_int_equal(unlinkat(dir, "gone", 0), 0);
	assert_int_equal(fchmodat(dir, "same", 0600, 0), 0);
	assert_int_equal(linkat(dir, "a", dir, "new", 0), 0);
	backup_box_backup(b, NULL);
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_list(r, VOLUME, &l, NULL), 0);
	if (repository_compare(r, &l.rows[0], &l.rows[1], note_size, b->tree, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(b->tree->notes, "Ca 8\nCb 8\nDgone 7\nAnew 8\nMsame 5\nMsame2 5\n");
	b->tree->notes[0] = '\0';
	assert_int_equal(repository_files(r, &l.rows[0], note_size, b->tree, &e), 0);
	assert_string_equal(b->tree->notes, " a 7\n b 7\n gone 7\n same 5\n same2 5\n");
	snapshot_list_free(&l);
}

static void test_find(void **state)
{
	struct backup_box *b = *state;
	char first[SNAPSHOT_ID_SIZE], second[SNAPSHOT_ID_SIZE];
	struct snapshot s;
	struct err e = ERR_INIT;
	backup_box_backup(b, first);
	tree_box_file(b->tree->tree, "x", "x");
	backup_box_backup(b, second);
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_find(r, "latest", VOLUME, &s, &e), 0);
	assert_string_equal(s.id, second);
	snapshot_free(&s);
	first[12] = '\0';
	assert_int_equal(repository_find(r, first, NULL, &s, &e), 0);
	assert_string_equal(s.volume, VOLUME);
	snapshot_free(&s);
	assert_int_equal(repository_find(r, "latest", "puppies", &s, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(repository_find(r, "nothing", NULL, &s, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(repository_find(r, "", NULL, &s, &e), -1);
	assert_int_equal(repository_find(r, "../config", NULL, &s, &e), -1);
}

/* ------------------------------------------------------------------ forget and prune */

static void test_prune(void **state)
{
	struct backup_box *b = *state;
	char first[SNAPSHOT_ID_SIZE], second[SNAPSHOT_ID_SIZE];
	int dir = b->tree->tree;
	backup_box_random(dir, "goes", 6 << 20, 1);
	backup_box_random(dir, "stays", 3 << 20, 2);
	backup_box_backup(b, first);
	assert_int_equal(unlinkat(dir, "goes", 0), 0);
	backup_box_random(dir, "new", 1 << 20, 3);
	backup_box_backup(b, second);
	assert_int_equal(backup_box_prune(b, false).packs, 0); /* all are needed */
	backup_box_forget(b, first);
	uint64_t before = backup_box_size(b);
	struct repository_pruned would = backup_box_prune(b, true);
	assert_int_equal(backup_box_size(b), before);
	struct repository_pruned did = backup_box_prune(b, false);
	assert_int_equal(did.packs, 1);
	assert_int_equal(would.packs, 1);
	assert_int_equal(would.chunks, did.chunks);
	assert_in_range(did.bytes, 6 << 20, (6 << 20) + 100000);
	assert_true(would.bytes == did.bytes);
	assert_int_equal(backup_box_prune(b, true).bytes, 0);
	assert_in_range(before - backup_box_size(b), 6 << 20, (6 << 20) + 100000);
	backup_box_whole(b);
	backup_box_same(b, second);
	backup_box_forget(b, second);
	backup_box_prune(b, false);
	assert_true(backup_box_size(b) < 20000);
	backup_box_backup(b, second);
	backup_box_same(b, second);
}

/* A hundred small backups do not leave a hundred small packs; what a crash left goes. */
static void test_prune_tidies(void **state)
{
	struct backup_box *b = *state;
	int dir = b->tree->tree;
	for (unsigned i = 0; i < 10; i++) {
		char name[8];
		snprintf(name, sizeof(name), "%u", i);
		backup_box_random(dir, name, 5000, i);
		backup_box_backup(b, NULL);
	}
	char path[200];
	snprintf(path, sizeof(path), "%s/packs/.tmp-0123", b->dir);
	tree_box_file(AT_FDCWD, path, "rubbish");
	assert_int_equal(backup_box_prune(b, false).packs, 10);
	assert_int_equal(access(path, F_OK), -1);
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_load_index(r, NULL), 0);
	assert_int_equal(r->n, 1);
	backup_box_whole(b);
	backup_box_same(b, "latest");
}

/* Two at once store the same: one copy goes later. */
static void test_two_writers(void **state)
{
	struct backup_box *b = *state;
	pid_t pids[3];
	int status;
	backup_box_random(b->tree->tree, "big", 9 << 20, 1);
	make_many(b->tree->tree, 100);
	for (size_t i = 0; i < 3; i++)
		if ((pids[i] = fork()) == 0) {
			backup_box_backup(b, NULL);
			_exit(0);
		}
	for (size_t i = 0; i < 3; i++) {
		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	backup_box_whole(b);
	uint64_t before = backup_box_size(b);
	backup_box_prune(b, false);
	assert_true(backup_box_size(b) <= before && backup_box_size(b) < 11 << 20);
	backup_box_whole(b);
	struct snapshot_list l;
	cleanup_repository_handle struct repository *r = backup_box_open(b, false);
	assert_int_equal(repository_list(r, NULL, &l, NULL), 0);
	assert_int_equal(l.n, 3);
	for (size_t i = 0; i < 3; i++)
		backup_box_same(b, l.rows[i].id);
	snapshot_list_free(&l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, backup_box_up, backup_box_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_round_trip),
	        TEST(test_insert),
	        TEST(test_moved),
	        TEST(test_unchanged_is_not_opened),
	        TEST(test_hidden_change),
	        TEST(test_lost_chunks_are_stored_again),
	        TEST(test_excluded_and_skipped),
	        TEST(test_in_itself),
	        TEST(test_too_deep),
	        TEST(test_changes_while_read),
	        TEST(test_subtree),
	        TEST(test_compare),
	        TEST(test_links),
	        TEST(test_find),
	        TEST(test_prune),
	        TEST(test_prune_tidies),
	        TEST(test_two_writers),
	};
	return cmocka_run_group_tests_name("backup repository", tests, NULL, NULL);
}
