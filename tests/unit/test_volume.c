/* Volumes: who may remove one while it is about to be used, and what a removal that was cut short leaves. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/engine.h"
#include "tests/unit/store_box.h"

static void ensure(const struct store *s, const char *name, struct volume_locks *locks)
{
	char made[VOLUME_NAME_MAX];
	bool empty = false;
	struct err e = ERR_INIT;

	if (volume_ensure(s, name, made, locks, &empty, &e) != 0)
		fail_msg("%s", e.msg);
	assert_true(empty);
}

static bool there(const struct store *s, const char *name)
{
	return faccessat(s->volumes_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A container that uses the volume, by its record. */
static void make_user(const struct store *s, const char *volume)
{
	struct container_record r = {.name = strdup("web"), .config = json_object_new_object()};
	json *mounts = json_object_new_array(), *mount = json_object_new_object();

	random_hex(r.id, TARE_ID_LEN / 2);
	json_set_str(mount, "Name", volume);
	json_object_array_add(mounts, mount);
	json_set(r.config, "Mounts", mounts);
	assert_int_equal(mkdirat(s->containers_fd, r.id, 0700), 0);
	cleanup_fd int dir = container_dir_open(s, r.id);
	assert_int_equal(container_record_write(dir, &r, false, NULL), 0);
	container_record_free(&r);
}

static void test_removal_waits_for_who_is_about_to_use_it(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_locks locks = {0};
	int status = 0;

	ensure(s, "data", &locks);
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = ERR_INIT;
		for (size_t i = 0; i < locks.n; i++)
			close(locks.fds[i]); /* the parent's still hold */
		_exit(volume_remove(s, "data", &e) == 0 ? 0 : e.kind == ERR_CONFLICT ? 1 : 2);
	}
	usleep(100000); /* a chance to go wrong */
	make_user(s, "data");
	volume_locks_close(&locks);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_true(there(s, "data/data"));
}

static void test_kept_volume_is_there(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_locks locks = {0};
	struct err e = ERR_INIT;

	assert_int_equal(volume_keep(s, "data", &locks, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	ensure(s, "data", &locks);
	assert_int_equal(volume_keep(s, "data", &locks, &e), 0);
	assert_int_equal(locks.n, 2);
	assert_int_equal(lock_try(s->volumes_fd, "data", LOCK_EXCLUSIVE), -1);
	volume_locks_close(&locks);
	assert_int_equal(volume_remove(s, "data", &e), 0);
	assert_false(there(s, "data"));
	assert_int_equal(volume_remove(s, "data", &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* What a removal left that was killed is in nobody's way, whatever it is called. */
static void test_removal_cut_short_blocks_no_other(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_locks locks = {0};
	struct err e = ERR_INIT;
	char name[121], aside[121 + 8];

	memset(name, 'a', 120);
	name[120] = '\0';
	snprintf(aside, sizeof aside, ".rm-%.100s", name);
	assert_int_equal(mkdirat(s->volumes_fd, aside, 0700), 0);
	cleanup_fd int old = openat(s->volumes_fd, aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(old, "data", 0700), 0);
	ensure(s, name, &locks);
	volume_locks_close(&locks);
	assert_int_equal(volume_remove(s, name, &e), 0);
	assert_false(there(s, name));
}

static void test_debris_is_not_what_is_under_way(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	const struct tare_volume_create how = {.name = "data"};
	struct volume_draft d;

	assert_true(volume_is_debris(".new-0123"));
	assert_true(volume_is_debris(".rm-0123"));
	assert_false(volume_is_debris("data"));
	assert_int_equal(volume_draft_begin(s, &how, &d, NULL), 0);
	assert_true(volume_is_debris(d.aside));
	assert_int_equal(volume_aside_lock(s->volumes_fd, d.aside), -1);
	assert_int_equal(flock(d.dir_fd, LOCK_UN), 0); /* as if its maker had been killed */
	cleanup_fd int lock = volume_aside_lock(s->volumes_fd, d.aside);
	assert_true(lock >= 0);
	volume_draft_close(s, &d);
}

/* A record that cannot be read only for the moment is not one that the check may set aside. */
static void test_no_descriptors_are_no_damage(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct volume_record r = {0};
	struct volume_locks locks = {0};
	struct rlimit before, none = {0};
	struct err e = ERR_INIT;

	ensure(s, "data", &locks);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int rc = volume_record_read_at(locks.fds[0], "data", &r, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(rc, -1);
	assert_int_not_equal(e.kind, ERR_CORRUPT);
	assert_int_equal(volume_record_read_at(locks.fds[0], "data", &r, &e), 0);
	volume_record_free(&r);
	volume_locks_close(&locks);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_box_setup, store_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_removal_waits_for_who_is_about_to_use_it),
	        T(test_kept_volume_is_there),
	        T(test_removal_cut_short_blocks_no_other),
	        T(test_debris_is_not_what_is_under_way),
	        T(test_no_descriptors_are_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
