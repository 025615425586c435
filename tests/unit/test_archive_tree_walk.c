/* Tree walk: what is given, in which order, what it costs, and what the container that owns the tree can do
 * to it meanwhile. */
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/tree_box.h"

struct trail {
	struct tree_box *box;
	char text[16384]; /* "path\n" of what was given; a hard link "path=first\n" */
	int rc;
};

static int give(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct trail *t = arg;
	size_t len = strlen(t->text);
	(void)w;
	(void)e;
	snprintf(t->text + len, sizeof(t->text) - len, "%s%s%s\n", entry->path, entry->first ? "=" : "",
	        entry->first ? entry->first : "");
	return 0;
}

static void note(void *arg, const char *path, const char *why)
{
	const struct trail *t = arg;
	tree_box_note(t->box, path, why);
}

static struct trail walk(struct tree_box *b, struct tree_walk_options o)
{
	struct trail t = {.box = b};
	struct err e = ERR_INIT;
	o.arg = &t;
	o.skipped = note;
	o.entry = o.entry ? o.entry : give;
	t.rc = tree_walk(b->tree, &o, &e);
	if (t.rc < 0 && !e.msg[0])
		fail_msg("an error without words");
	return t;
}

static void test_order(void **state)
{
	struct tree_box *b = *state;
	mkdirat(b->tree, "b", 0755);
	tree_box_file(b->tree, "b/2", "");
	tree_box_file(b->tree, "b/1", "");
	tree_box_file(b->tree, "b.c", "");
	tree_box_file(b->tree, "\xff", "");
	tree_box_file(b->tree, "Z", "");
	linkat(b->tree, "b/1", b->tree, "a", 0);
	struct trail t = walk(b, (struct tree_walk_options){0});
	assert_string_equal(t.text, "\nZ\na\nb\nb/1=a\nb/2\nb.c\n\xff\n");
}

static bool is_b(void *arg, const char *path)
{
	(void)arg;
	return strcmp(path, "b") == 0;
}

static int not_into(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	give(arg, w, entry, e);
	return strcmp(entry->path, "a") == 0 || strcmp(entry->path, "f1") == 0 ? TREE_WALK_NOT_INTO
	                                                                       : TREE_WALK_ON;
}

/* What the client left out is not what later names of it are linked to. */
static void test_left_out(void **state)
{
	struct tree_box *b = *state;
	mkdirat(b->tree, "a", 0755);
	tree_box_file(b->tree, "a/x", "");
	mkdirat(b->tree, "b", 0755);
	tree_box_file(b->tree, "b/y", "");
	tree_box_file(b->tree, "f1", "");
	linkat(b->tree, "f1", b->tree, "f2", 0);
	linkat(b->tree, "f1", b->tree, "f3", 0);
	struct trail t = walk(b, (struct tree_walk_options){.entry = not_into, .excluded = is_b});
	assert_string_equal(t.text, "\na\nf1\nf2\nf3=f2\n");
}

static void test_sockets_are_told(void **state)
{
	struct tree_box *b = *state;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/tree/s", b->path);
	cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	struct trail t = walk(b, (struct tree_walk_options){0});
	assert_string_equal(t.text, "\n");
	assert_string_equal(b->notes, "s: it is a socket\n");
}

static int keep_one(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tree_entry *kept = arg;
	(void)w;
	(void)e;
	*kept = *entry;
	kept->path = kept->path[0] ? "a name" : "";
	kept->target = entry->target ? "a target" : NULL;
	return 0;
}

/* A copy may begin at any file. */
static void test_root_that_is_no_directory(void **state)
{
	struct tree_box *b = *state;
	static const mode_t kinds[] = {S_IFREG, S_IFLNK, S_IFIFO, S_IFCHR};
	static const char *const names[] = {"f", "l", "p", "c"};
	tree_box_file(b->tree, "f", "12345");
	symlinkat("f", b->tree, "l");
	mkfifoat(b->tree, "p", 0600);
	mknodat(b->tree, "c", S_IFCHR | 0600, makedev(1, 3));
	for (size_t i = 0; i < 4; i++) {
		struct tree_entry got = {.path = NULL};
		const struct tree_walk_options o = {.entry = keep_one, .arg = &got, .one_fs = true};
		cleanup_fd int fd = openat(b->tree, names[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
		assert_int_equal(tree_walk(fd, &o, NULL), 0);
		assert_string_equal(got.path, "");
		assert_int_equal(got.mode & S_IFMT, kinds[i]);
		assert_int_equal(got.size, i == 0 ? 5 : 0);
		assert_int_equal(got.target != NULL, i == 1);
	}
}

/* ------------------------------------------------------------------ what it costs */

static int open_all(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	char byte;
	(void)arg;
	if (!S_ISREG(entry->mode))
		return 0;
	int fd = tree_walk_open(w, e);
	assert_int_equal(tree_walk_open(w, e), fd); /* once */
	return fd < 0 || read(fd, &byte, 1) < 0 ? -1 : 0;
}

static size_t opens(int watch)
{
	char events[4096];
	size_t n = 0;
	ssize_t len = read(watch, events, sizeof(events));
	for (char *p = events; len > 0 && p < events + len;) {
		const struct inotify_event *ev = (void *)p;
		n += ev->len > 0;
		p += sizeof(*ev) + ev->len;
	}
	return n;
}

/* Nothing is opened for who does not ask; fifos and devices for nobody; and reading is no use of a file. */
static void test_laziness(void **state)
{
	struct tree_box *b = *state;
	char path[80];
	tree_box_file(b->tree, "f", "x");
	mkfifoat(b->tree, "fifo", 0600);
	mknodat(b->tree, "null", S_IFCHR | 0600, makedev(1, 3));
	const struct timespec old[2] = {{1, 0}, {2, 0}};
	utimensat(b->tree, "f", old, 0);
	snprintf(path, sizeof(path), "%s/tree", b->path);
	cleanup_fd int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	walk(b, (struct tree_walk_options){0});
	assert_int_equal(opens(watch), 0);
	walk(b, (struct tree_walk_options){.entry = open_all});
	assert_int_equal(opens(watch), 1);
	assert_int_equal(tree_box_look(b->tree, "f").st_atime, 1);
}

/* A directory of many names costs their length and four bytes for each. */
static void test_many_names(void **state)
{
	struct tree_box *b = *state;
	cleanup_name_list struct name_list l = NAME_LIST_INIT;
	char name[32];
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%08x", (unsigned)i * 2654435761u);
		assert_int_equal(mknodat(b->tree, name, S_IFREG | 0644, 0), 0);
	}
	assert_int_equal(name_list_read(&l, b->tree, NULL), 0);
	assert_int_equal(l.n, 3000);
	assert_int_equal(l.text.len, 3000 * 9);
	assert_true(l.cap <= 2 * l.n && l.text.cap <= 4 * l.text.len);
	for (size_t i = 1; i < l.n; i++)
		assert_true(strcmp(name_list_get(&l, i - 1), name_list_get(&l, i)) < 0);
}

/* ------------------------------------------------------------------ a tree that changes meanwhile */

static int swap_then_open(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	const struct trail *t = arg;
	char text[8] = "";
	if (strcmp(entry->path, "f") != 0)
		return 0;
	assert_int_equal(unlinkat(t->box->tree, "f", 0), 0);
	assert_int_equal(mkfifoat(t->box->tree, "f", 0600), 0);
	int fd = tree_walk_open(w, e);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	return 0;
}

/* A fifo that takes a file's place would hang who opens it; the file itself is read. */
static void test_exchanged_for_a_fifo(void **state)
{
	struct tree_box *b = *state;
	tree_box_file(b->tree, "f", "old");
	assert_int_equal(walk(b, (struct tree_walk_options){.entry = swap_then_open}).rc, 0);
}

static int exchange_dir(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	const struct trail *t = arg;
	give(arg, w, entry, e);
	if (strcmp(entry->path, "d") == 0) {
		assert_int_equal(renameat(t->box->tree, "d", t->box->tree, "moved"), 0);
		assert_int_equal(symlinkat("../outside", t->box->tree, "d"), 0);
	}
	return 0;
}

static void test_links_are_links(void **state)
{
	struct tree_box *b = *state;
	tree_box_file(b->outside, "secret", "");
	symlinkat("../outside", b->tree, "d");
	symlinkat("../outside/secret", b->tree, "f");
	struct trail t = walk(b, (struct tree_walk_options){.entry = open_all});
	assert_int_equal(t.rc, 0);
	t = walk(b, (struct tree_walk_options){0});
	assert_string_equal(t.text, "\nd\nf\n");
}

/* A directory that becomes a link to outside is still the directory that was met. */
static void test_exchanged_for_a_link(void **state)
{
	struct tree_box *b = *state;
	tree_box_file(b->outside, "secret", "");
	mkdirat(b->tree, "d", 0755);
	tree_box_file(b->tree, "d/own", "");
	struct trail t = walk(b, (struct tree_walk_options){.entry = exchange_dir});
	assert_int_equal(t.rc, 0);
	assert_string_equal(t.text, "\nd\nd/own\n");
}

static int vanish(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	const struct trail *t = arg;
	give(arg, w, entry, e);
	return strcmp(entry->path, "d") == 0 || strcmp(entry->path, "e") == 0
	               ? remove_tree_at(t->box->tree, "d")
	               : 0;
}

static void test_vanishing(void **state)
{
	struct tree_box *b = *state;
	mkdirat(b->tree, "d", 0755);
	tree_box_file(b->tree, "d/f", "");
	tree_box_file(b->tree, "e", "");
	struct trail t = walk(b, (struct tree_walk_options){.entry = vanish});
	assert_int_equal(t.rc, 0);
	assert_string_equal(t.text, "\nd\ne\n");
}

static int remove_all(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	const struct trail *t = arg;
	(void)w;
	(void)e;
	return strcmp(entry->path, "d") == 0 ? remove_tree_at(t->box->fd, "tree") : 0;
}

/* A volume that vanishes is not the same as one that has nothing in it. */
static void test_vanishing_root(void **state)
{
	struct tree_box *b = *state;
	struct trail t = {.box = b};
	const struct tree_walk_options o = {.entry = remove_all, .arg = &t};
	struct err e = ERR_INIT;
	mkdirat(b->tree, "d", 0755);
	tree_box_file(b->tree, "e", "");
	assert_int_equal(tree_walk(b->tree, &o, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "removed while"));
	assert_int_equal(tree_walk(b->tree, &o, &e), -1);
}

#define DEEP 80
#define HELD 64 /* of them, by tree_walk: their content is met, wherever they are */

static int move_deep(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	const struct trail *t = arg;
	if (strlen(entry->path) != 2 * DEEP - 1)
		return give(arg, w, entry, e);
	assert_int_equal(renameat(t->box->tree, "d", t->box->fd, "away"), 0);
	if (tree_box_there(t->box->fd, "other"))
		assert_int_equal(renameat(t->box->fd, "other", t->box->tree, "d"), 0);
	else
		assert_int_equal(symlinkat("../away", t->box->tree, "d"), 0);
	return 0;
}

static void make_deep(int top, const char *name)
{
	cleanup_fd int dir = open_dir_make(top, name, 0755);
	for (int i = 0; i < DEEP; i++) {
		int next = open_dir_make(dir, "d", 0755);
		tree_box_file(dir, "e", "");
		close_fd(&dir);
		dir = next;
	}
}

/* Deep below, directories are given up and opened again by their path: which a link to outside or another
 * directory may have by then. */
static void test_moved_while_deep(void **state)
{
	for (int other = 0; other < 2; other++) {
		struct tree_box *b = *state;
		size_t met = 0;
		make_deep(b->fd, "tree");
		if (other) {
			make_deep(b->fd, "other");
			cleanup_fd int in = openat(b->fd, "other", O_PATH | O_CLOEXEC);
			assert_int_equal(renameat(in, "d", b->fd, "content"), 0);
			assert_int_equal(remove_tree_at(b->fd, "other"), 0);
			assert_int_equal(renameat(b->fd, "content", b->fd, "other"), 0);
		}
		struct trail t = walk(b, (struct tree_walk_options){.entry = move_deep});
		assert_int_equal(t.rc, 0);
		for (const char *p = t.text; (p = strstr(p, "e\n")); p++)
			met++;
		assert_int_equal(met, HELD);
		tree_box_down(state);
		tree_box_up(state);
	}
}

/* ------------------------------------------------------------------ mounts */

static int look_at_mounts(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct tree_entry full = *entry;
	give(arg, w, entry, e);
	if (strcmp(entry->path, "d") != 0 && strcmp(entry->path, "f") != 0 &&
	        strcmp(entry->path, "null") != 0)
		return entry->mount ? -1 : 0;
	if (!entry->mount || (entry->path[0] == 'd') != S_ISDIR(entry->mode) || entry->size ||
	        (!S_ISDIR(entry->mode) && (!S_ISREG(entry->mode) || tree_walk_open(w, e) >= 0)))
		return -1;
	return tree_walk_xattrs(w, &full, e) < 0 || full.n_xattrs ? -1 : 0;
}

/* In a process of its own, whose mounts nobody else sees. 0, or the number of what was wrong. */
static int walk_mounts(struct tree_box *b)
{
	char from[96], to[96];
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	static const char *const names[] = {"d", "f"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(from, sizeof(from), "%s/outside/%s", b->path, names[i]);
		snprintf(to, sizeof(to), "%s/tree/%s", b->path, names[i]);
		if (mount(from, to, NULL, MS_BIND, NULL) < 0) /* of the same file system */
			return 77;
	}
	snprintf(to, sizeof(to), "%s/tree/null", b->path);
	if (mount("/dev/null", to, NULL, MS_BIND, NULL) < 0)
		return 77;
	/* b->tree is in the old namespace, where nothing is mounted. */
	snprintf(to, sizeof(to), "%s/tree", b->path);
	int tree = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct trail t = {.box = b}, whole = {.box = b};
	struct tree_walk_options o = {.entry = look_at_mounts, .arg = &t, .one_fs = true};
	if (tree_walk(tree, &o, NULL) < 0)
		return 1;
	if (strcmp(t.text, "\nd\nf\ng\nnull\n") != 0)
		return 2;
	o = (struct tree_walk_options){.entry = give, .arg = &whole};
	return tree_walk(tree, &o, NULL) < 0 || strcmp(whole.text, "\nd\nd/in\nf\ng\nnull\n") != 0 ? 3 : 0;
}

static void test_mounts_are_places(void **state)
{
	struct tree_box *b = *state;
	int status;
	mkdirat(b->tree, "d", 0755);
	tree_box_file(b->tree, "f", "");
	tree_box_file(b->tree, "g", "");
	tree_box_file(b->tree, "null", "");
	mkdirat(b->outside, "d", 0700);
	tree_box_file(b->outside, "d/in", "");
	tree_box_file(b->outside, "f", "secret");
	pid_t child = fork();
	if (child == 0)
		_exit(walk_mounts(b));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ------------------------------------------------------------------ errors */

static int fail_at_b(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	(void)arg;
	(void)w;
	return entry->path[0] == 'b' ? err_set(e, ERR_NO_SPACE, "no room") : 0;
}

static void test_errors_name_the_entry(void **state)
{
	struct tree_box *b = *state;
	const struct tree_walk_options o = {.entry = fail_at_b};
	struct err e = ERR_INIT;
	tree_box_file(b->tree, "b\n\x1b[2J", "");
	assert_int_equal(tree_walk(b->tree, &o, &e), -1);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_non_null(strstr(e.msg, "no room"));
	assert_null(strpbrk(e.msg, "\n\x1b"));
}

static int xattrs_of_f(void *arg, struct tree_walk *w, const struct tree_entry *entry, struct err *e)
{
	struct trail *t = arg;
	struct tree_entry full = *entry;
	if (tree_walk_xattrs(w, &full, e) < 0)
		return -1;
	for (size_t i = 0; i < full.n_xattrs; i++) {
		size_t len = strlen(t->text);
		snprintf(t->text + len, sizeof(t->text) - len, "%s=%.*s\n", full.xattrs[i].name,
		        (int)full.xattrs[i].len, (const char *)full.xattrs[i].value);
	}
	return 0;
}

static void test_attributes(void **state)
{
	struct tree_box *b = *state;
	tree_box_file(b->tree, "f", "");
	cleanup_fd int fd = openat(b->tree, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "trusted.b", "2", 1, 0), 0);
	assert_int_equal(fsetxattr(fd, "trusted.a", "", 0, 0), 0);
	assert_int_equal(fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0), 0);
	struct trail all =
	        walk(b, (struct tree_walk_options){.entry = xattrs_of_f, .xattrs = TREE_XATTRS_ALL});
	assert_string_equal(all.text, "trusted.a=\ntrusted.b=2\n");
	assert_string_equal(b->notes, "f: its attributes for overlayfs are left out\n");
	struct trail layer = walk(b, (struct tree_walk_options){.entry = xattrs_of_f});
	assert_string_equal(layer.text, "");
}

int main(void)
{
	umask(022);
#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_box_up, tree_box_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_order),
	        TEST(test_left_out),
	        TEST(test_sockets_are_told),
	        TEST(test_root_that_is_no_directory),
	        TEST(test_laziness),
	        TEST(test_many_names),
	        TEST(test_links_are_links),
	        TEST(test_exchanged_for_a_fifo),
	        TEST(test_exchanged_for_a_link),
	        TEST(test_vanishing),
	        TEST(test_vanishing_root),
	        TEST(test_moved_while_deep),
	        TEST(test_mounts_are_places),
	        TEST(test_errors_name_the_entry),
	        TEST(test_attributes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
