/* Attacks on who makes a tree: archives, repositories and containers that want something written, linked,
 * read or changed outside of the directory that they were given. Each test fails without the defence that it
 * is about. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/tree_tape.h"

static void play_well(struct tape *t)
{
	if (tape_play(t) < 0)
		fail_msg("%s", t->e.msg);
}

static void play_refused(struct tape *t, const char *words)
{
	assert_int_equal(tape_play(t), -1);
	assert_int_equal(t->e.kind, ERR_CORRUPT);
	if (!strstr(t->e.msg, words))
		fail_msg("not about \"%s\": %s", words, t->e.msg);
}

/* A new box and tape for the next row of a table. */
static void again(void **state, struct tape *t)
{
	tree_box_down(state);
	tree_box_up(state);
	tape_begin(t, state);
}

/* ------------------------------------------------------------------ names */

static void test_names_that_lead_out(void **state)
{
	static const char *const names[] = {
	        "..", "../outside/x", "a/../../outside/x", "/outside/x", "", "/", "a/..", "./../outside/x"};
	struct tape t;
	tape_begin(&t, state);
	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(*names); i++) {
		t.options.make.in_root = i % 2;
		tape_add(&t, '0', names[i / 2], "", "x");
		play_refused(&t, "hostile");
		assert_int_equal(tree_box_count(t.box->out), 0);
		again(state, &t);
	}
	char longest[300];
	memset(longest, 'n', sizeof(longest));
	longest[256] = '\0';
	tape_add(&t, '0', longest, "", "x");
	play_refused(&t, "longer than 255");
}

/* What comes from elsewhere than a tar archive is checked by tree_make itself. */
static void test_entries_that_lead_out(void **state)
{
	struct tree_box *b = *state;
	static const char *const names[] = {"..", "../outside/x", "a/../../outside/x", "/outside/x"};
	const struct tree_make_options o = {.xattrs = TREE_XATTRS_ALL};
	struct err e = ERR_INIT;
	int file = -1;
	b->make = tree_make_new(b->out, &o, &e);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct tree_entry entry = {.path = names[i], .mode = S_IFREG | 0644};
		const struct tree_entry link = {.path = "l", .mode = S_IFREG, .first = names[i]};
		assert_int_equal(tree_make_entry(b->make, &entry, &file, &e), -1);
		assert_int_equal(file, -1);
		assert_int_equal(tree_make_entry(b->make, &link, &file, &e), -1);
	}
	const struct tree_entry socket = {.path = "s", .mode = S_IFSOCK | 0644};
	const struct tree_entry nowhere = {.path = "n", .mode = S_IFLNK | 0777};
	const struct tree_entry root = {.path = "", .mode = S_IFREG | 0777};
	assert_int_equal(tree_make_entry(b->make, &socket, &file, &e), -1);
	assert_int_equal(tree_make_entry(b->make, &nowhere, &file, &e), -1);
	assert_int_equal(tree_make_entry(b->make, &root, &file, &e), -1);
	assert_non_null(strstr(e.msg, "root directory"));
	assert_int_equal(tree_box_count(b->out), 0);
}

static void test_harmless_names(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	tape_add(&t, '5', ".", "", "");
	tape_add(&t, '5', "./", "", "");
	tape_add(&t, '0', ".//a/./b//c", "", "c");
	tape_add(&t, '0', "...", "", "dots");
	tape_add(&t, '0', "..b", "", "b");
	play_well(&t);
	assert_string_equal(tape_content(t.box, "a/b/c"), "c");
	assert_string_equal(tape_content(t.box, "..."), "dots");
	assert_int_equal(tree_box_look(t.box->fd, "out").st_mode, S_IFDIR | 0777);
}

/* ------------------------------------------------------------------ links */

static void add_link_and_file(struct tape *t, const char *target)
{
	tape_add(t, '2', "a", target, "");
	tape_add(t, '0', "a/passwd", "", "root::0:0");
}

static void test_symlink_then_file(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	add_link_and_file(&t, "../outside");
	play_refused(&t, "leads out");
	again(state, &t);
	add_link_and_file(&t, "/");
	play_refused(&t, "leads out");
	again(state, &t);
	tape_add(&t, '2', "l", "../outside", "");
	tape_add(&t, '2', "a", "l", "");
	tape_add(&t, '0', "a/deep/er", "", "x");
	play_refused(&t, "leads out");
	again(state, &t);
	tape_add(&t, '2', "a", "b", "");
	tape_add(&t, '2', "b", "a", "");
	tape_add(&t, '0', "a/x", "", "x");
	play_refused(&t, "loop");
	again(state, &t);
	add_link_and_file(&t, "/proc/self/root");
	play_refused(&t, "");
}

/* As in a chroot: "/" and ".." stop at the root. */
static void test_links_inside_the_root(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	t.options.make.in_root = true;
	mkdirat(t.box->out, "outside", 0755);
	mkdirat(t.box->out, "real", 0755);
	tape_add(&t, '2', "up", "../outside", "");
	tape_add(&t, '0', "up/one", "", "1");
	tape_add(&t, '2', "abs", "/real", "");
	tape_add(&t, '0', "abs/two", "", "2");
	tape_add(&t, '5', "abs/dir", "", "");
	tape_add(&t, '1', "abs/three", "up/one", "");
	tape_add(&t, '2', "far", "../../../../../../real/dir", "");
	tape_add(&t, '0', "far/four", "", "4");
	play_well(&t);
	assert_string_equal(tape_content(t.box, "outside/one"), "1");
	assert_string_equal(tape_content(t.box, "real/two"), "2");
	assert_string_equal(tape_content(t.box, "real/three"), "1");
	assert_string_equal(tape_content(t.box, "real/dir/four"), "4");
	assert_int_equal(tree_box_look(t.box->out, "real/dir").st_mtime, 0);
}

static void test_hard_links_to_outside(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	tape_add(&t, '1', "h", "../outside/secret", "");
	play_refused(&t, "..");
	again(state, &t);
	tape_add(&t, '2', "s", "../outside", "");
	tape_add(&t, '1', "h", "s/secret", "");
	play_refused(&t, "leads out");
	again(state, &t);
	tape_add(&t, '5', "d", "", "");
	tape_add(&t, '1', "h", "d", "");
	play_refused(&t, "cannot be linked");
	again(state, &t);
	tape_add(&t, '2', "s", "../outside/secret", "");
	tape_add(&t, '1', "h", "s", ""); /* another name of the link itself */
	play_well(&t);
	assert_true(S_ISLNK(tree_box_look(t.box->out, "h").st_mode));
}

/* An entry where a link stands: the link goes, what it led to stays. */
static void test_entries_over_links(void **state)
{
	static const char kinds[] = {'0', '5', '3', '6', '2', '1'};
	struct tape t;
	tape_begin(&t, state);
	for (size_t i = 0; i < 2 * sizeof(kinds); i++) {
		t.options.make.in_root = t.options.make.live = i % 2;
		tape_add(&t, '0', "first", "", "1");
		tape_add(&t, '2', "a", "../outside/secret", "");
		tape_add(&t, '2', "b", "../outside", "");
		tape_add(&t, kinds[i / 2], "a", kinds[i / 2] == '2' ? "x" : "first", "");
		tape_add(&t, kinds[i / 2], "b", kinds[i / 2] == '2' ? "x" : "first", "");
		play_well(&t);
		assert_int_equal(S_ISLNK(tree_box_look(t.box->out, "a").st_mode), kinds[i / 2] == '2');
		again(state, &t);
	}
}

static void test_later_entries_win(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	for (int live = 0; live < 2; live++) {
		t.options.make.live = live;
		tape_add(&t, '0', "a", "", "file");
		tape_add(&t, '5', "a", "", "");
		tape_add(&t, '0', "a/in", "", "x");
		tape_add(&t, '2', "a", "nowhere", "");
		tape_add(&t, '0', "a", "", "last");
		tape_add(&t, '5', "d/", "", "");
		tape_add(&t, '0', "d/kept", "", "k");
		tape_add(&t, '5', "d/", "", "");
		tape_add(&t, '5', "gone/", "", "");
		tape_add(&t, '0', "gone/in", "", "g");
		tape_add(&t, '0', "gone", "", "file");
		play_well(&t);
		assert_string_equal(tape_content(t.box, "a"), "last");
		assert_string_equal(tape_content(t.box, "d/kept"), "k");
		assert_string_equal(tape_content(t.box, "gone"), "file");
		assert_int_equal(t.result.entries, 11);
		assert_int_equal(tree_box_count(t.box->out), 3);
		again(state, &t);
	}
}

/* ------------------------------------------------------------------ attributes and kinds */

static void test_overlay_attributes(void **state)
{
	static const char *const names[] = {"trusted.overlay.redirect", "trusted.overlay.opaque",
	        "user.overlay.metacopy", "trusted.overlay."};
	struct tape t;
	tape_begin(&t, state);
	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(*names); i++) {
		char key[64];
		cleanup_buf struct buf records = BUF_INIT;
		snprintf(key, sizeof(key), "SCHILY.xattr.%s", names[i / 2]);
		tar_writer_record(&records, key, "/etc", 4);
		tape_add_more(&t, i % 2 ? '5' : '0', "a", "", "", &records);
		play_refused(&t, "overlayfs");
		assert_int_equal(tree_box_count(t.box->out), 0);
		again(state, &t);
	}
}

/* ".wh." means nothing outside of an image's layer, and no entry takes another one away. */
static void test_plain_names(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	const struct tar_member device = {.type = '3', .path = "d/zero", .link = "", .mode = 0600};
	tape_add(&t, '0', "d/a", "", "stays");
	tape_add(&t, '0', "d/.wh.a", "", "plain");
	tape_add(&t, '0', "d/.wh..wh..opq", "", "plain");
	tape_add(&t, '0', "d/.wh..wh.plnk/1.2", "", "plain");
	assert_int_equal(tar_writer_begin(&t.pack.tar, &device, NULL), 0);
	assert_int_equal(tar_writer_end(&t.pack.tar, NULL), 0);
	play_well(&t);
	assert_string_equal(tape_content(t.box, "d/a"), "stays");
	assert_string_equal(tape_content(t.box, "d/.wh.a"), "plain");
	assert_string_equal(tape_content(t.box, "d/.wh..wh..opq"), "plain");
	assert_string_equal(tape_content(t.box, "d/.wh..wh.plnk/1.2"), "plain");
	assert_true(S_ISCHR(tree_box_look(t.box->out, "d/zero").st_mode));
	cleanup_fd int d = openat(t.box->out, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fgetxattr(d, "trusted.overlay.opaque", NULL, 0) < 0);
}

static void test_implied_directories_are_bounded(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	for (int any = 0; any < 2; any++) {
		char path[4000];
		for (int i = 0; i < 4; i++) {
			size_t len = (size_t)snprintf(path, sizeof(path), "%d", i);
			while (len + 8 < sizeof(path) - 600)
				len += (size_t)snprintf(path + len, sizeof(path) - len, "/d");
			strcpy(path + len, "/f");
			tape_add(&t, '0', path, "", "x");
		}
		t.options.make.any_parents = any;
		if (any)
			play_well(&t);
		else
			play_refused(&t, "more directories");
		again(state, &t);
	}
}

static void test_everything_belongs_to_one(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	t.options.make.own = true;
	t.options.make.uid = 1234;
	t.options.make.gid = 5678;
	tape_add(&t, '0', "made/for/f", "", "x");
	tape_add(&t, '5', "d", "", "");
	tape_add(&t, '2', "l", "../outside/secret", "");
	tape_add(&t, '6', "p", "", "");
	play_well(&t);
	static const char *const names[] = {"made", "made/for", "made/for/f", "d", "l", "p"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(tree_box_look(t.box->out, names[i]).st_uid, 1234);
		assert_int_equal(tree_box_look(t.box->out, names[i]).st_gid, 5678);
	}
}

/* ------------------------------------------------------------------ what is there already */

static int never(void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e)
{
	(void)arg;
	(void)data;
	(void)len;
	return err_set(e, ERR_OTHER, "the data of %s was asked for", entry->path);
}

static void test_kinds_are_kept(void **state)
{
	static const struct {
		char type;
		const char *path;
	} rows[] = {{'0', "dir"}, {'2', "dir"}, {'6', "dir"}, {'1', "dir"}, {'5', "file"}, {'5', "link"}};
	struct tape t;
	tape_begin(&t, state);
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
		t.options.make.keep_kind = true;
		t.options.make.live = i % 2;
		mkdirat(t.box->out, "dir", 0755);
		tree_box_file(t.box->out, "dir/in", "x");
		tree_box_file(t.box->out, "file", "old");
		assert_int_equal(symlinkat("../outside", t.box->out, "link"), 0);
		t.options.data = never;
		tape_add(&t, '0', "file", "", "");
		tape_add(&t, rows[i / 2].type, rows[i / 2].path, "file",
		        rows[i / 2].type == '0' ? "data" : "");
		assert_int_equal(tape_play(&t), -1);
		assert_int_equal(t.e.kind, ERR_CONFLICT);
		assert_string_equal(tape_content(t.box, "dir/in"), "x");
		assert_string_equal(tape_content(t.box, "file"), "");
		assert_int_equal(tree_box_count(t.box->out), 3);
		again(state, &t);
	}
}

/* Who has the old file open keeps it, whole, and nobody meets a half one under its name. */
static int look_meanwhile(
        void *arg, const struct tree_entry *entry, const void *data, size_t len, struct err *e)
{
	const struct tree_box *b = arg;
	(void)data;
	(void)len;
	(void)e;
	assert_string_equal(entry->path, "a");
	assert_string_equal(tape_content(b, "a"), "old");
	return 0;
}

static void test_live(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	char text[8] = "";
	tree_box_file(t.box->out, "a", "old");
	tree_box_file(t.box->out, "h", "old");
	tree_box_file(t.box->out, "l", "old");
	cleanup_fd int fd = openat(t.box->out, "a", O_RDONLY | O_CLOEXEC);
	t.options.make.live = true;
	t.options.data = look_meanwhile;
	t.options.arg = t.box;
	tape_add(&t, '0', "a", "", "new");
	tape_add(&t, '1', "h", "a", "");
	tape_add(&t, '1', "h", "a", "");
	tape_add(&t, '2', "l", "a", "");
	play_well(&t);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 3);
	assert_string_equal(text, "old");
	assert_string_equal(tape_content(t.box, "h"), "new");
	assert_int_equal(tree_box_look(t.box->out, "a").st_nlink, 2);
	assert_int_equal(tree_box_count(t.box->out), 3);
}

static void test_what_was_given_up_goes(void **state)
{
	struct tree_box *b = *state;
	const struct tree_make_options o = {.live = true};
	const struct tree_entry entry = {.path = "a", .mode = S_IFREG | 0644, .size = 5};
	struct err e = ERR_INIT;
	int file = -1;
	tree_box_file(b->out, "a", "old");
	b->make = tree_make_new(b->out, &o, &e);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tree_make_entry(b->make, &entry, &file, &e), 0);
		assert_int_equal(tree_box_count(b->out), 1); /* it has no name so far */
		close_fd(&file);
	}
	tree_make_free(b->make);
	b->make = NULL;
	assert_int_equal(tree_box_count(b->out), 1);
	assert_string_equal(tape_content(b, "a"), "old");
}

/* ------------------------------------------------------------------ a container that works against us */

struct foe {
	const struct tree_box *box;
	const char *link, *target;
	atomic_bool end;
};

/* The directory "d" and a link to outside take turns. */
static void *flip(void *arg)
{
	struct foe *f = arg;
	while (!f->end)
		renameat2(f->box->out, "d", f->box->out, "evil", RENAME_EXCHANGE);
	return NULL;
}

/* "n" becomes a link to what is outside whenever it can. */
static void *replace(void *arg)
{
	struct foe *f = arg;
	while (!f->end) {
		symlinkat(f->target, f->box->out, f->link);
		renameat(f->box->out, f->link, f->box->out, "n");
	}
	return NULL;
}

static void test_flipped_directory(void **state)
{
	static const mode_t kinds[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO};
	struct tape t;
	tape_begin(&t, state);
	struct tree_box *b = t.box;
	char target[80], path[32];
	pthread_t thread;
	int made = 0, file = -1;
	for (int in_root = 0; in_root < 2; in_root++) {
		const struct tree_make_options o = {
		        .xattrs = TREE_XATTRS_ALL, .in_root = in_root, .keep_kind = true, .live = true};
		struct foe f = {.box = b};
		mkdirat(b->out, "d", 0755);
		snprintf(target, sizeof(target), "%s/outside", b->path);
		symlinkat(in_root ? target : "../outside", b->out, "evil");
		b->make = tree_make_new(b->out, &o, NULL);
		pthread_create(&thread, NULL, flip, &f);
		for (int i = 0; i < 3000; i++) {
			const struct tree_entry entry = {
			        .path = path, .mode = kinds[i % 4] | 0666, .target = "x", .uid = 7, .gid = 7};
			snprintf(path, sizeof(path),
			        i % 8 == 1  ? "d"
			        : i % 8 < 4 ? "d/%d"
			                    : "d/new/%d",
			        i % 50);
			if (tree_make_entry(b->make, &entry, &file, NULL) < 0)
				continue;
			made++;
			if (file >= 0)
				tree_make_file_end(b->make, &entry, &file, NULL);
		}
		tree_make_end(b->make, NULL);
		f.end = true;
		pthread_join(thread, NULL);
		tree_make_free_ptr(&b->make);
		tape_check_outside(b);
		assert_int_equal(remove_tree_at(b->out, "d"), 0);
		assert_int_equal(remove_tree_at(b->out, "evil"), 0);
	}
	assert_true(made > 0);
	pack_free(&t.pack);
	close(t.fd);
}

/* A fifo, just made, is exchanged for a link to a file of ours before it gets its mode and owner. */
static void test_exchanged_for_a_link(void **state)
{
	struct tape t;
	tape_begin(&t, state);
	struct tree_box *b = t.box;
	const struct tree_make_options o = {.xattrs = TREE_XATTRS_ALL};
	const struct tree_entry entry = {.path = "n", .mode = S_IFIFO | 0666, .uid = 7, .gid = 7};
	struct foe f = {.box = b, .link = "l", .target = "../outside/secret"};
	pthread_t thread;
	int file = -1;
	b->make = tree_make_new(b->out, &o, NULL);
	pthread_create(&thread, NULL, replace, &f);
	for (int i = 0; i < 5000; i++)
		tree_make_entry(b->make, &entry, &file, NULL);
	f.end = true;
	pthread_join(thread, NULL);
	tape_check_outside(b);
	pack_free(&t.pack);
	close(t.fd);
}

int main(void)
{
	umask(022);
#define TEST(f) cmocka_unit_test_setup_teardown(f, tree_box_up, tree_box_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_names_that_lead_out),
	        TEST(test_entries_that_lead_out),
	        TEST(test_harmless_names),
	        TEST(test_symlink_then_file),
	        TEST(test_links_inside_the_root),
	        TEST(test_hard_links_to_outside),
	        TEST(test_entries_over_links),
	        TEST(test_later_entries_win),
	        TEST(test_overlay_attributes),
	        TEST(test_plain_names),
	        TEST(test_implied_directories_are_bounded),
	        TEST(test_everything_belongs_to_one),
	        TEST(test_kinds_are_kept),
	        TEST(test_live),
	        TEST(test_what_was_given_up_goes),
	        TEST(test_flipped_directory),
	        TEST(test_exchanged_for_a_link),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
