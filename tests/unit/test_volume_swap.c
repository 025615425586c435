/* New data in the place of the old: whole or not at all, whenever the one who does it is killed, and never
 * somewhere else. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "tests/unit/store_box.h"

static void make(const struct store *s, const char *name, char **options)
{
	char made[VOLUME_NAME_MAX];
	const struct tare_volume_create how = {.name = name, .options = options};

	assert_int_equal(volume_make(s, &how, made, NULL), 0);
}

static void put(int dir, const char *path, const char *text)
{
	cleanup_fd int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

/* What a file of volume "v" holds, "" when it is not there. */
static const char *get(const struct store *s, const char *path)
{
	static char text[64], full[128];

	snprintf(full, sizeof full, "v/data/%s", path);
	return file_read_small(s->volumes_fd, full, text, sizeof text) < 0 ? "" : text;
}

static int entries(const struct store *s, const char *dir)
{
	int fd = openat(s->volumes_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	cleanup_dir DIR *d = fdopendir(fd);

	while (readdir(d))
		n++;
	return n - 2;
}

static void fill_old(const struct store *s)
{
	make(s, "v", NULL);
	cleanup_fd int data = open_beneath(s->volumes_fd, "v/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	assert_int_equal(mkdirat(data, "a", 0755), 0);
	assert_int_equal(mkdirat(data, "a/b", 0755), 0);
	put(data, "top", "old");
	put(data, "a/b/file", "old");
	put(data, "a/other", "old");
}

static void all_is_swapped(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	cleanup_strv char **running = NULL;
	struct volume_swap w;

	fill_old(s);
	assert_int_equal(volume_swap_begin(s, "v", NULL, false, &w, NULL), 0);
	put(w.new_fd, "top", "new");
	assert_string_equal(get(s, "top"), "old");
	assert_int_equal(volume_swap_commit(s, &w, false, &running, NULL), 0);
	volume_swap_close(&w);
	assert_null(running);
	assert_string_equal(get(s, "top"), "new");
	assert_string_equal(get(s, "a/other"), "");
	assert_int_equal(entries(s, "v"), 2); /* data and volume.json */
}

static void a_part_is_swapped(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_swap w;

	fill_old(s);
	assert_int_equal(volume_swap_begin(s, "v", "/a//./b/", false, &w, NULL), 0);
	assert_string_equal(w.path, "a/b");
	assert_int_equal(mkdirat(w.new_fd, "a", 0700), 0);
	assert_int_equal(mkdirat(w.new_fd, "a/b", 0755), 0);
	put(w.new_fd, "a/b/file", "new");
	put(w.new_fd, "top", "not asked for");
	assert_int_equal(volume_swap_commit(s, &w, false, NULL, NULL), 0);
	volume_swap_close(&w);
	assert_string_equal(get(s, "a/b/file"), "new");
	assert_string_equal(get(s, "a/other"), "old");
	assert_string_equal(get(s, "top"), "old");
	assert_int_equal(entries(s, "v"), 2);
}

static void a_part_that_was_not_there_comes_with_its_directories(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_swap w;

	fill_old(s);
	assert_int_equal(volume_swap_begin(s, "v", "x/y/file", false, &w, NULL), 0);
	assert_int_equal(mkdirat(w.new_fd, "x", 0755), 0);
	assert_int_equal(mkdirat(w.new_fd, "x/y", 0755), 0);
	put(w.new_fd, "x/y/file", "new");
	assert_int_equal(volume_swap_commit(s, &w, false, NULL, NULL), 0);
	volume_swap_close(&w);
	assert_string_equal(get(s, "x/y/file"), "new");
	assert_string_equal(get(s, "top"), "old");
}

/* A container put a link where the backup has a directory: nothing is changed where it leads (attack 3). */
static void a_link_in_the_way_is_not_followed(void **state)
{
	const struct store_box *box = *state;
	const struct store *s = &box->store;
	struct err e = ERR_INIT;
	struct volume_swap w;
	char victim[96];

	fill_old(s);
	snprintf(victim, sizeof victim, "%s/victim", box->dir);
	assert_int_equal(mkdir(victim, 0755), 0);
	cleanup_fd int outside = open(victim, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(outside, "file", "safe");
	cleanup_fd int data = open_beneath(s->volumes_fd, "v/data", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	assert_int_equal(symlinkat(victim, data, "l"), 0);
	assert_int_equal(volume_swap_begin(s, "v", "l/file", false, &w, NULL), 0);
	assert_int_equal(mkdirat(w.new_fd, "l", 0755), 0);
	put(w.new_fd, "l/file", "new");
	assert_int_equal(volume_swap_commit(s, &w, false, NULL, &e), -1);
	assert_non_null(strstr(e.msg, "in the way of l/file"));
	volume_swap_close(&w);
	char text[16];
	assert_true(file_read_small(outside, "file", text, sizeof text) > 0);
	assert_string_equal(text, "safe");
	assert_int_equal(entries(s, "v"), 2);
}

static void what_cannot_be_swapped_is_told(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct err e = ERR_INIT;
	struct volume_swap w;

	make(s, "t", (char *[]){"type=tmpfs", NULL});
	make(s, "b", (char *[]){"type=none", "o=bind", "device=/srv", NULL});
	assert_int_equal(volume_swap_begin(s, "t", NULL, false, &w, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "--into NEW"));
	assert_int_equal(volume_swap_begin(s, "b", NULL, false, &w, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_int_equal(volume_swap_begin(s, "nosuch", NULL, false, &w, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	fill_old(s);
	assert_int_equal(volume_swap_begin(s, "v", "a/../../x", false, &w, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(volume_swap_begin(s, "v", "/./", false, &w, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(entries(s, "v"), 2);
}

static void an_aborted_swap_leaves_the_old(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_swap w;

	fill_old(s);
	assert_int_equal(volume_swap_begin(s, "v", NULL, false, &w, NULL), 0);
	put(w.new_fd, "top", "half");
	volume_swap_close(&w);
	assert_string_equal(get(s, "top"), "old");
	assert_int_equal(entries(s, "v"), 2);
}

/* Until `steps` of it are done: 0: begun, 1: filled, 2: exchanged. */
static void killed_after(const struct store *s, int steps)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct volume_swap w;
		if (volume_swap_begin(s, "v", NULL, false, &w, NULL) != 0)
			_exit(1);
		if (steps > 0)
			put(w.new_fd, "top", "new");
		if (steps > 1 && renameat2(w.dir_fd, w.aside, w.dir_fd, "data", RENAME_EXCHANGE) != 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void a_killed_swap_is_swept(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;

	fill_old(s);
	for (int steps = 0; steps <= 2; steps++) {
		killed_after(s, steps);
		assert_int_equal(entries(s, "v"), 3);
		volume_settle(s, "v");
		assert_int_equal(entries(s, "v"), 2);
		assert_string_equal(get(s, "top"), steps < 2 ? "old" : "new");
	}
}

static void who_is_at_work_is_not_swept(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_swap w, other;

	fill_old(s);
	assert_int_equal(volume_swap_begin(s, "v", NULL, false, &w, NULL), 0);
	put(w.new_fd, "top", "new");
	assert_int_equal(volume_swap_begin(s, "v", NULL, false, &other, NULL), 0);
	volume_swap_close(&other);
	volume_settle(s, "v");
	/* the other's hold is gone, so the exclusive lock comes at once */
	assert_int_equal(volume_swap_commit(s, &w, false, NULL, NULL), 0);
	volume_swap_close(&w);
	assert_string_equal(get(s, "top"), "new");
}

static void a_draft_is_there_whole_or_not_at_all(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	const struct tare_volume_create how = {.name = "v"};
	struct volume_draft d, second;
	struct err e = ERR_INIT;

	assert_int_equal(volume_draft_begin(s, &how, &d, NULL), 0);
	put(d.data_fd, "top", "new");
	assert_int_equal(faccessat(s->volumes_fd, "v", F_OK, 0), -1);
	assert_int_equal(volume_draft_begin(s, &how, &second, NULL), 0);
	assert_int_equal(volume_draft_publish(s, &d, NULL), 0);
	volume_draft_close(s, &d);
	assert_int_equal(volume_draft_publish(s, &second, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	volume_draft_close(s, &second);
	assert_string_equal(get(s, "top"), "new");
	assert_int_equal(entries(s, "."), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_box_setup, store_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(all_is_swapped),
	        T(a_part_is_swapped),
	        T(a_part_that_was_not_there_comes_with_its_directories),
	        T(a_link_in_the_way_is_not_followed),
	        T(what_cannot_be_swapped_is_told),
	        T(an_aborted_swap_leaves_the_old),
	        T(a_killed_swap_is_swept),
	        T(who_is_at_work_is_not_swept),
	        T(a_draft_is_there_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
