/* The store's directories, and the records, names and ids of containers. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/store/container_record.h"
#include "engine/store/store.h"

struct fixture {
	char dir[64], root[96], state[96];
	struct store store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct err e = ERR_INIT;

	snprintf(f->dir, sizeof f->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->root, sizeof f->root, "%s/root", f->dir);
	snprintf(f->state, sizeof f->state, "%s/state", f->dir);
	assert_int_equal(store_open(&f->store, f->root, f->state, &e), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store);
	remove_tree_at(AT_FDCWD, f->dir);
	free(f);
	return 0;
}

/* A container with a record; returns its id. */
static void make_container(const struct store *s, char id[TARE_ID_LEN + 1], char first, const char *name)
{
	struct container_record r = {.created = 7};
	struct err e = ERR_INIT;

	random_hex(id, TARE_ID_LEN / 2);
	id[0] = first;
	assert_int_equal(mkdirat(s->containers_fd, id, 0700), 0);
	snprintf(r.id, sizeof r.id, "%s", id);
	r.name = strdup(name);
	assert_int_equal(container_name_claim(s, name, id, &e), 0);
	cleanup_fd int fd = container_dir_open(s, id);
	assert_int_equal(container_record_write(fd, &r, false, &e), 0);
	container_record_free(&r);
}

static void test_newer_format_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store again;
	struct err e = ERR_INIT;

	assert_int_equal(file_write_at(f->store.root_fd, "format", "99\n", 3, 0600, FILE_NO_SYNC, &e), 0);
	assert_int_equal(store_open(&again, f->root, f->state, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "newer tare"));
	assert_int_equal(file_write_at(f->store.root_fd, "format", "x\n", 2, 0600, FILE_NO_SYNC, &e), 0);
	assert_int_equal(store_open(&again, f->root, f->state, &e), -1);
}

static void test_directory_of_others_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store again;
	struct err e = ERR_INIT;

	assert_int_equal(chmod(f->state, 0777), 0);
	assert_int_equal(store_open(&again, f->root, f->state, &e), -1);
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_int_equal(chmod(f->state, 0700), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(f->state, 12345, 0), 0);
	assert_int_equal(store_open(&again, f->root, f->state, &e), -1);
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_int_equal(chown(f->state, 0, 0), 0);
}

static void test_planted_link_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store again;
	struct err e = ERR_INIT;

	assert_int_equal(unlinkat(f->store.root_fd, "volumes", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/etc", f->store.root_fd, "volumes"), 0);
	assert_int_equal(store_open(&again, f->root, f->state, &e), -1);
}

static void test_record_round_trip(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct container_record r = {.created = 1,
	                                .started = 2,
	                                .finished = 3,
	                                .exit_code = 137,
	                                .oom_killed = true},
	                        back;
	struct err e = ERR_INIT;

	random_hex(r.id, TARE_ID_LEN / 2);
	r.name = strdup("web");
	r.image = strdup("busybox");
	strv_add(&r.layers, "sha256:aa");
	strv_add(&r.command, "sh");
	strv_add(&r.command, "\"quoted\"\n");
	r.config = json_object_new_object();
	json_set_str(r.config, "k", "v");
	assert_int_equal(mkdirat(s->containers_fd, r.id, 0700), 0);
	cleanup_fd int fd = container_dir_open(s, r.id);
	assert_int_equal(container_record_write(fd, &r, true, &e), 0);
	assert_int_equal(container_record_read(s, r.id, &back, &e), 0);
	assert_string_equal(back.name, "web");
	assert_string_equal(back.command[1], "\"quoted\"\n");
	assert_string_equal(back.layers[0], "sha256:aa");
	assert_string_equal(json_str(back.config, "k", ""), "v");
	assert_int_equal(back.exit_code, 137);
	assert_true(back.oom_killed);
	assert_int_equal(back.finished, 3);
	container_record_free(&r);
	container_record_free(&back);
}

static void test_damaged_record_is_an_error(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char id[TARE_ID_LEN + 1];
	struct container_record r;
	struct err e = ERR_INIT;

	make_container(s, id, 'a', "web");
	cleanup_fd int fd = container_dir_open(s, id);
	assert_int_equal(file_write_at(fd, "container.json", "{\"name\"", 7, 0600, FILE_NO_SYNC, &e), 0);
	assert_int_equal(container_record_read(s, id, &r, &e), -1);
	assert_non_null(strstr(e.msg, "record"));
}

static void test_resolve(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char a[TARE_ID_LEN + 1], b[TARE_ID_LEN + 1], id[TARE_ID_LEN + 1], start[5] = "";
	struct err e = ERR_INIT;

	make_container(s, a, 'a', "web");
	make_container(s, b, 'b', "a"); /* a name that is also the start of an id: names win */
	assert_int_equal(container_resolve(s, "web", id, &e), 0);
	assert_string_equal(id, a);
	assert_int_equal(container_resolve(s, "a", id, &e), 0);
	assert_string_equal(id, b);
	memcpy(start, a, 4);
	assert_int_equal(container_resolve(s, start, id, &e), 0);
	assert_string_equal(id, a);
	assert_int_equal(container_resolve(s, b, id, &e), 0);
	assert_string_equal(id, b);
	static const char *const bad[] = {"", "nobody", "../web", "we", "/", "web/..", "ffffffffffffffff0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(container_resolve(s, bad[i], id, &e), -1);
		assert_int_equal(e.kind, ERR_NOT_FOUND);
	}
}

static void test_ambiguous_start_is_a_conflict(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char a[TARE_ID_LEN + 1], b[TARE_ID_LEN + 1], id[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;

	make_container(s, a, 'c', "one");
	make_container(s, b, 'c', "two");
	assert_int_equal(container_resolve(s, "c", id, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
}

static void test_name_has_one_owner(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char a[TARE_ID_LEN + 1], other[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;

	make_container(s, a, 'a', "web");
	random_hex(other, TARE_ID_LEN / 2);
	assert_int_equal(container_name_claim(s, "web", other, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "tare rm web"));
	container_name_release(s, "web", other); /* not theirs: nothing happens */
	assert_int_equal(container_name_claim(s, "web", other, &e), -1);
	container_name_release(s, "web", a);
	assert_int_equal(container_name_claim(s, "web", other, &e), 0);
}

/* A create under way: a locked directory without a record. Returns the lock. */
static int begin_container(const struct store *s, char id[TARE_ID_LEN + 1])
{
	random_hex(id, TARE_ID_LEN / 2);
	assert_int_equal(mkdirat(s->containers_fd, id, 0700), 0);
	cleanup_fd int dir = container_dir_open(s, id);
	return lock_take(dir, ".", LOCK_EXCLUSIVE, NULL);
}

static bool there(int dir_fd, const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_stale_claim_is_taken_over_by_exactly_one(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char gone[TARE_ID_LEN + 1], c;
	struct err e = ERR_INIT;
	int won = 0, go[2], result[2];

	random_hex(gone, TARE_ID_LEN / 2);
	assert_int_equal(container_name_claim(s, "web", gone, &e), 0); /* a claim without a container */
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(result), 0);
	for (int i = 0; i < 8; i++) {
		if (fork() != 0)
			continue;
		char id[TARE_ID_LEN + 1];
		close(go[1]);
		cleanup_fd int lock = begin_container(s, id);
		c = container_name_claim(s, "web", id, NULL) == 0;
		write_all(result[1], &c, 1);
		_exit((int)read(go[0], &c, 1)); /* the lock is held until all have tried */
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(read(result[0], &c, 1), 1);
		won += c;
	}
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(result[i]);
	}
	for (int i = 0; i < 8; i++)
		wait(NULL);
	assert_int_equal(won, 1);
}

static void test_claim_of_a_create_lives_as_long_as_its_lock(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char making[TARE_ID_LEN + 1], other[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;

	cleanup_fd int lock = begin_container(s, making);
	cleanup_fd int mine = begin_container(s, other);
	assert_int_equal(container_name_claim(s, "web", making, &e), 0);
	assert_int_equal(container_name_claim(s, "web", other, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_false(container_name_reap(s, "web"));
	assert_int_equal(container_debris_lock(s, making), -1);
	close_fd(&lock); /* as if it had been killed */
	assert_int_equal(container_name_claim(s, "web", other, &e), 0);
	assert_false(there(s->containers_fd, making));
	close_fd(&mine);
	assert_true(container_name_reap(s, "web"));
}

static void test_rename_cut_short_blocks_no_name(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char a[TARE_ID_LEN + 1], b[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;

	make_container(s, a, 'a', "old");
	make_container(s, b, 'b', "b");
	cleanup_fd int dir = container_dir_open(s, a);
	assert_int_equal(container_name_claim(s, "new", a, &e), 0); /* killed before the record was written */
	assert_int_equal(container_name_claim(s, "new", a, &e), 0); /* and tried again */
	cleanup_fd int lock = lock_take(dir, ".", LOCK_EXCLUSIVE, &e);
	assert_int_equal(container_name_claim(s, "new", b, &e), -1); /* a rename is under way */
	assert_int_equal(e.kind, ERR_CONFLICT);
	close_fd(&lock);
	assert_int_equal(container_name_claim(s, "new", b, &e), 0);
	assert_int_equal(container_name_claim(s, "old", b, &e), -1); /* that one is its name */
	assert_false(container_name_reap(s, "old"));
}

static void test_debris_is_what_is_no_container(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char whole[TARE_ID_LEN + 1], cut[TARE_ID_LEN + 1];

	make_container(s, whole, 'a', "web");
	cleanup_fd int held = begin_container(s, cut);
	assert_int_equal(container_debris_lock(s, whole), -1);
	assert_int_equal(container_debris_lock(s, cut), -1);
	assert_int_equal(container_debris_lock(s, "ffff"), -1);
	close_fd(&held);
	cleanup_fd int lock = container_debris_lock(s, cut);
	assert_true(lock >= 0);
	assert_int_equal(container_debris_lock(s, cut), -1);
	assert_int_equal(mkdirat(s->containers_fd, ".rm-x", 0700), 0);
	cleanup_fd int removal = container_debris_lock(s, ".rm-x");
	assert_true(removal >= 0);
	assert_int_equal(mkdirat(s->containers_fd, ".damaged-x", 0700), 0);
	assert_int_equal(container_debris_lock(s, ".damaged-x"), -1);
}

static void damage(const struct store *s, const char *id, const char *text)
{
	cleanup_fd int fd = container_dir_open(s, id);

	assert_int_equal(
	        file_write_at(fd, "container.json", text, strlen(text), 0600, FILE_NO_SYNC, NULL), 0);
}

static void test_damaged_container_is_set_aside_with_its_reason(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char id[TARE_ID_LEN + 1], path[TARE_ID_LEN + 32], text[64];
	struct err e = ERR_INIT;

	make_container(s, id, 'a', "web");
	assert_int_equal(container_name_claim(s, "web2", id, &e), 0);
	assert_int_equal(container_set_aside(s, id, "no reason", &e), -1); /* nothing is wrong with it */
	assert_int_equal(e.kind, ERR_CONFLICT);
	damage(s, id, "");
	cleanup_fd int run = container_state_dir_open(s, id, true);
	struct container_state st = {.init_fd = -1};
	snprintf(st.boot, sizeof st.boot, "%s", boot_id());
	assert_int_equal(proc_id_of(getpid(), &st.process), 0);
	assert_int_equal(container_state_write(run, &st, &e), 0);
	assert_int_equal(container_set_aside(s, id, "it is empty", &e), -1); /* it runs */
	assert_int_equal(e.kind, ERR_CONFLICT);
	st.process.start_time++;
	assert_int_equal(container_state_write(run, &st, &e), 0);
	assert_int_equal(container_set_aside(s, id, "it is empty", &e), 0);
	snprintf(path, sizeof path, ".damaged-%s/reason", id);
	assert_true(file_read_small(s->containers_fd, path, text, sizeof text) > 0);
	assert_string_equal(text, "it is empty");
	assert_false(there(s->containers_fd, id));
	assert_false(there(s->state_containers_fd, id));
	assert_false(there(s->names_fd, "web"));
	assert_false(there(s->names_fd, "web2"));
	assert_int_equal(container_set_aside(s, id, "again", &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* What is written can be read back, also after the life that follows has added to it. */
static void test_record_has_a_limit(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	char id[TARE_ID_LEN + 1];
	struct container_record r, back;
	struct err e = ERR_INIT;
	size_t size = CONTAINER_RECORD_MAX;
	cleanup_free char *big = malloc(size + 1);

	make_container(s, id, 'a', "web");
	cleanup_fd int dir = container_dir_open(s, id);
	assert_int_equal(container_record_read(s, id, &r, &e), 0);
	memset(big, 'x', size);
	big[size] = '\0';
	json_free(&r.config);
	r.config = json_object_new_object();
	json_set_str(r.config, "Env", big);
	assert_int_equal(container_record_write(dir, &r, false, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, "too large"));
	assert_int_equal(container_record_read(s, id, &back, &e), 0); /* the old one is still there */
	container_record_free(&back);
	for (; container_record_write(dir, &r, false, NULL) != 0; size -= 1024) {
		big[size] = '\0';
		json_set_str(r.config, "Env", big);
	}
	r.finished = INT64_MAX;
	r.error = strdup("why");
	assert_int_equal(container_record_write(dir, &r, false, &e), 0);
	assert_int_equal(container_record_read(s, id, &back, &e), 0);
	container_record_free(&back);
	container_record_free(&r);
}

static void test_state_round_trip(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct container_state st = {.process = {.pid = 12, .start_time = 34},
	                               .monitor = {.pid = 56, .start_time = 78},
	                               .started = 9,
	                               .paused = true},
	                       back;
	char id[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;

	random_hex(id, TARE_ID_LEN / 2);
	cleanup_fd int fd = container_state_dir_open(s, id, true);
	assert_true(fd >= 0);
	errno = 0;
	assert_int_equal(container_state_read(fd, &back), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(container_state_write(fd, &st, &e), 0);
	assert_int_equal(container_state_read(fd, &back), 0);
	assert_int_equal(back.process.pid, 12);
	assert_int_equal(back.process.start_time, 34);
	assert_int_equal(back.monitor.pid, 56);
	assert_true(back.paused);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_newer_format_is_refused),
	        T(test_directory_of_others_is_refused),
	        T(test_planted_link_is_refused),
	        T(test_record_round_trip),
	        T(test_damaged_record_is_an_error),
	        T(test_resolve),
	        T(test_ambiguous_start_is_a_conflict),
	        T(test_name_has_one_owner),
	        T(test_stale_claim_is_taken_over_by_exactly_one),
	        T(test_claim_of_a_create_lives_as_long_as_its_lock),
	        T(test_rename_cut_short_blocks_no_name),
	        T(test_debris_is_what_is_no_container),
	        T(test_damaged_container_is_set_aside_with_its_reason),
	        T(test_record_has_a_limit),
	        T(test_state_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
