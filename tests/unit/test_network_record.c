/* Records of networks: kept whole, found by name and id, and a damaged one in nobody's way. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/store/network_record.h"
#include "tests/unit/store_box.h"

static struct network_record sample(const char *name, char digit)
{
	struct network_record r = {.name = strdup(name),
	        .driver = strdup("bridge"),
	        .link = strdup("tr-0123456789ab"),
	        .created = 42,
	        .isolated = true,
	        .icc = true,
	        .masquerade = true,
	        .antispoof = true};

	memset(r.id, digit, NETWORK_ID_LEN);
	r.subnet[0] = strdup("10.1.0.0/16");
	r.gateway[0] = strdup("10.1.0.1");
	return r;
}

static void keep(const struct store *s, const char *name, char digit)
{
	struct network_record r = sample(name, digit);
	struct err e = ERR_INIT;

	if (network_record_write(s, &r, true, &e) != 0)
		fail_msg("%s", e.msg);
	network_record_free(&r);
}

/* ------------------------------------------------------------------ reading and writing */

static void test_record_comes_back_whole(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	cleanup_network_record struct network_record r = sample("web", 'a'), back = {0};

	r.internal = true;
	r.isolated = r.icc = r.masquerade = r.antispoof = false;
	r.mtu = 1400;
	r.subnet[1] = strdup("fd00:1::/64");
	r.gateway[1] = strdup("fd00:1::1");
	r.range[1] = strdup("fd00:1::/80");
	r.macvlan_mode = strdup("vepa");
	r.labels = json_object_new_object();
	json_set_str(r.labels, "who", "me");
	assert_int_equal(network_record_write(s, &r, true, NULL), 0);
	assert_int_equal(network_record_find(s, "web", &back, NULL), 0);
	assert_string_equal(back.id, r.id);
	assert_string_equal(back.name, "web");
	assert_string_equal(back.driver, "bridge");
	assert_string_equal(back.link, r.link);
	assert_int_equal(back.created, 42);
	assert_true(back.internal);
	assert_false(back.isolated || back.icc || back.masquerade || back.antispoof);
	assert_int_equal(back.mtu, 1400);
	assert_string_equal(back.subnet[0], "10.1.0.0/16");
	assert_string_equal(back.gateway[0], "10.1.0.1");
	assert_null(back.range[0]);
	assert_string_equal(back.range[1], "fd00:1::/80");
	assert_string_equal(back.macvlan_mode, "vepa");
	assert_string_equal(json_str(back.labels, "who", ""), "me");
	assert_null(back.options);
}

static void test_name_is_taken_once(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	cleanup_network_record struct network_record r = sample("web", 'b');
	struct err e = ERR_INIT;

	keep(s, "web", 'a');
	assert_int_equal(network_record_write(s, &r, true, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "tare network rm web"));
	assert_int_equal(network_record_write(s, &r, false, NULL), 0);
	assert_int_equal(network_record_remove(s, "web", NULL), 0);
	assert_int_equal(network_record_remove(s, "web", &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* ------------------------------------------------------------------ finding */

static void test_found_by_name_and_by_start_of_id(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct network_record r;
	char id[NETWORK_ID_LEN + 1];

	memset(id, 'b', NETWORK_ID_LEN);
	id[NETWORK_ID_LEN] = '\0';
	keep(s, "web", 'a');
	keep(s, "db", 'b');
	keep(s, "aaa", 'c'); /* a name goes before an id */
	static const char *const refs[][2] = {{"web", "web"}, {"aa", "web"}, {"b", "db"}, {"aaa", "aaa"}};
	for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
		assert_int_equal(network_record_find(s, refs[i][0], &r, NULL), 0);
		assert_string_equal(r.name, refs[i][1]);
		network_record_free(&r);
	}
	assert_int_equal(network_record_find(s, id, &r, NULL), 0);
	assert_string_equal(r.name, "db");
	network_record_free(&r);
}

static void test_ambiguous_and_missing_ones_say_so(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	struct network_record r;
	struct err e = ERR_INIT;

	keep(s, "backend", 'a');
	keep(s, "front", 'a');
	assert_int_equal(network_record_find(s, "aa", &r, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(network_record_find(s, "bakend", &r, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(e.msg, "did you mean backend?"));
	static const char *const missing[] = {
	        "", "zzzzzz", "../web", "web/../front", "0", ".json", "web.json"};
	for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
		assert_int_equal(network_record_find(s, missing[i], &r, &e), -1);
		assert_int_equal(e.kind, ERR_NOT_FOUND);
	}
}

static void test_damaged_record_is_in_nobodys_way(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	cleanup_network_records struct network_records all = {0};
	struct network_record r;
	struct err e = ERR_INIT;

	keep(s, "web", 'a');
	cleanup_fd int dir = openat(s->root_fd, "networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static const char *const bad[] = {"{", "{\"id\":\"12\"}", "[]", ""};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(
		        file_write_at(dir, "bad.json", bad[i], strlen(bad[i]), 0600, FILE_NO_SYNC, NULL), 0);
		assert_int_equal(network_record_list(s, &all, NULL), 0);
		assert_int_equal(all.n, 1);
		assert_string_equal(all.rows[0].name, "web");
		network_records_free(&all);
		assert_int_equal(network_record_find(s, "bad", &r, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
	}
}

/* ------------------------------------------------------------------ directories */

/* The name service is nobody and reads leases there. */
static void test_state_is_open_to_the_name_service(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	mode_t before = umask(077);
	struct stat st;
	char id[NETWORK_ID_LEN + 1];

	memset(id, 'a', NETWORK_ID_LEN);
	id[NETWORK_ID_LEN] = '\0';
	cleanup_fd int dir = network_state_dir(s, id, NULL);
	cleanup_fd int all = networks_state_dir(s, NULL);
	cleanup_fd int groups = groups_state_dir(s, NULL);
	umask(before);
	assert_int_equal(fstat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(fstat(all, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(fstat(groups, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	cleanup_fd int again = network_state_dir(s, id, NULL);
	assert_true(again >= 0);
}

static void test_lock_keeps_others_out(void **state)
{
	const struct store *s = &((struct store_box *)*state)->store;
	cleanup_fd int lock = networks_lock(s, NULL);

	assert_true(lock >= 0);
	assert_int_equal(lock_try(s->root_fd, "networks", LOCK_EXCLUSIVE), -1);
	close_fd(&lock);
	cleanup_fd int other = lock_try(s->root_fd, "networks", LOCK_EXCLUSIVE);
	assert_true(other >= 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_box_setup, store_box_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_record_comes_back_whole),
	        T(test_name_is_taken_once),
	        T(test_found_by_name_and_by_start_of_id),
	        T(test_ambiguous_and_missing_ones_say_so),
	        T(test_damaged_record_is_in_nobodys_way),
	        T(test_state_is_open_to_the_name_service),
	        T(test_lock_keeps_others_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
