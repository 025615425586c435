/* The pool of ids, and that no two containers get the same of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/user_range.h"
#include "tests/unit/store_box.h"

#define CHILDREN 50

static void our_lines_are_the_pool(void **state)
{
	struct user_pool p;
	struct id_map others;

	(void)state;
	user_pool_of("ann:100000:65536\ntare:5000000:65535\ntare:6000000:200000\n", "tare:7000000:655360\n",
	        &p, &others);
	assert_int_equal(p.uid, 6000000);
	assert_int_equal(p.gid, 7000000);
	assert_int_equal(p.slots, 3);
	assert_int_equal(others.n, 0);
}

static void without_our_lines_others_are_left_alone(void **state)
{
	struct user_pool p;
	struct id_map others;

	(void)state;
	user_pool_of("ann:100000:65536\nnonsense\n:::\nbob:1073741824:65536", "tare:7000000:655360\n", &p,
	        &others);
	assert_int_equal(p.uid, 0x40000000);
	assert_int_equal(p.gid, 0x40000000);
	assert_true(p.slots > 10000);
	assert_true((uint64_t)p.uid + (uint64_t)p.slots * USER_RANGE_SIZE <= 0x70000000);
	assert_int_equal(others.n, 3);
	assert_int_equal(others.v[1].outside, 0x40000000);
}

static void make(struct store_box *b, const char *id)
{
	assert_int_equal(mkdirat(b->store.containers_fd, id, 0700), 0);
}

static uint32_t take(struct store_box *b, const char *id)
{
	struct id_maps m = {.uid.n = 0};
	struct err e = ERR_INIT;

	if (user_range_take(&b->store, id, false, USER_RANGE_SIZE, &m, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(m.uid.n, 1);
	assert_int_equal(m.uid.v[0].inside, 0);
	assert_int_equal(m.uid.v[0].size, USER_RANGE_SIZE);
	return m.uid.v[0].outside;
}

static void a_range_is_free_when_its_container_is_gone(void **state)
{
	struct store_box *b = *state;

	make(b, "a");
	make(b, "b");
	make(b, "c");
	uint32_t first = take(b, "a"), second = take(b, "b");
	assert_int_equal(second, first + USER_RANGE_SIZE);
	assert_int_equal(renameat(b->store.containers_fd, "b", b->store.containers_fd, ".damaged-b"), 0);
	assert_int_equal(remove_tree_at(b->store.containers_fd, "a"), 0);
	assert_int_equal(take(b, "c"), first); /* "b" keeps its own: its files are still there */
	make(b, "d");
	assert_int_equal(take(b, "d"), second + USER_RANGE_SIZE);
	assert_int_equal(renameat(b->store.containers_fd, ".damaged-b", b->store.containers_fd, ".rm-b"), 0);
	make(b, "e");
	assert_int_equal(take(b, "e"), second);
}

static void named_ranges_are_kept_from_the_pool(void **state)
{
	struct store_box *b = *state;
	struct id_maps m = {.uid.n = 0};
	struct err e = ERR_INIT;

	make(b, "named");
	make(b, "other");
	make(b, "a");
	uint32_t first = take(b, "other");
	assert_int_equal(remove_tree_at(b->store.containers_fd, "other"), 0);
	assert_int_equal(id_map_add(&m.uid, (struct id_range){0, 1000, 1}, &e), 0);
	/* the end of the first slot and the begin of the second; of the groups the third */
	assert_int_equal(id_map_add(&m.uid, (struct id_range){1, first + USER_RANGE_SIZE - 1, 2}, &e), 0);
	assert_int_equal(id_map_add(&m.gid, (struct id_range){0, first + 2 * USER_RANGE_SIZE, 1}, &e), 0);
	assert_int_equal(user_range_note(&b->store, "named", false, &m, &e), 0);
	assert_int_equal(take(b, "a"), first + 3 * USER_RANGE_SIZE);
}

static void sizes_and_named_ids(void **state)
{
	struct store_box *b = *state;
	struct id_maps m = {.uid.n = 0}, big = m;
	struct err e = ERR_INIT;

	make(b, "a");
	make(b, "small");
	make(b, "big");
	make(b, "next");
	uint32_t first = take(b, "a");
	/* the second slot is taken by an id that is named */
	assert_int_equal(id_map_parse(&m.uid, "5:1000:1", &e), 0);
	assert_int_equal(id_map_add(&m.uid, (struct id_range){9, first + USER_RANGE_SIZE, 1}, &e), 0);
	assert_int_equal(user_range_take(&b->store, "small", false, 10, &m, &e), 0);
	assert_int_equal(m.uid.n, 4);
	assert_int_equal(id_map_run(&m.uid), 10);
	assert_int_equal(m.uid.v[2].outside, first + 2 * USER_RANGE_SIZE);
	assert_int_equal(m.uid.v[3].inside, 6);
	assert_int_equal(m.uid.v[3].outside, first + 2 * USER_RANGE_SIZE + 6);
	assert_int_equal(m.gid.n, 1);
	assert_int_equal(user_range_take(&b->store, "big", false, USER_RANGE_SIZE + 1, &big, &e), 0);
	assert_int_equal(big.uid.v[0].outside, first + 3 * USER_RANGE_SIZE);
	assert_int_equal(take(b, "next"), first + 5 * USER_RANGE_SIZE);
	big.uid.n = big.gid.n = 0;
	assert_int_equal(user_range_take(&b->store, "next", false, UINT32_MAX - 1, &big, &e), -1);
	assert_non_null(strstr(e.msg, "ask for fewer"));
}

/* By chance two may begin at the same place, but not four. */
static void stores_begin_elsewhere(void **state)
{
	struct store_box *b = *state;
	const int roots[] = {b->store.root_fd, b->store.containers_fd, b->store.layers_fd, b->store.state_fd};
	struct store other = b->store;
	bool differ = false;
	uint32_t first = 0;

	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		struct id_maps m = {.uid.n = 0};
		struct err e = ERR_INIT;
		make(b, "a");
		other.root_fd = roots[i];
		assert_int_equal(user_range_take(&other, "a", false, USER_RANGE_SIZE, &m, &e), 0);
		differ |= i && m.uid.v[0].outside != first;
		first = m.uid.v[0].outside;
		assert_int_equal(remove_tree_at(b->store.containers_fd, "a"), 0);
	}
	assert_true(differ);
}

static void all_at_once(void **state)
{
	struct store_box *b = *state;
	uint32_t got[CHILDREN];
	int ends[2], gate[2];
	char id[8], go;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < CHILDREN; i++) {
		snprintf(id, sizeof id, "c%d", i);
		make(b, id);
		if (fork() == 0) {
			struct id_maps m = {.uid.n = 0};
			close(gate[1]);
			if (read(gate[0], &go, 1) < 0 ||
			        user_range_take(&b->store, id, false, USER_RANGE_SIZE, &m, NULL) != 0)
				_exit(1);
			_exit(write(ends[1], &m.uid.v[0].outside, 4) == 4 ? 0 : 1);
		}
	}
	close(gate[1]);
	for (int i = 0, status; i < CHILDREN; i++)
		assert_true(wait(&status) > 0 && status == 0);
	assert_int_equal(read(ends[0], got, sizeof got), sizeof got);
	for (int i = 0; i < CHILDREN; i++)
		for (int k = 0; k < i; k++)
			assert_true(got[i] > got[k] ? got[i] - got[k] >= USER_RANGE_SIZE
			                            : got[k] - got[i] >= USER_RANGE_SIZE);
	close(ends[0]);
	close(ends[1]);
	close(gate[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(our_lines_are_the_pool),
	        cmocka_unit_test(without_our_lines_others_are_left_alone),
	        cmocka_unit_test_setup_teardown(
	                a_range_is_free_when_its_container_is_gone, store_box_setup, store_box_teardown),
	        cmocka_unit_test_setup_teardown(
	                named_ranges_are_kept_from_the_pool, store_box_setup, store_box_teardown),
	        cmocka_unit_test_setup_teardown(sizes_and_named_ids, store_box_setup, store_box_teardown),
	        cmocka_unit_test_setup_teardown(stores_begin_elsewhere, store_box_setup, store_box_teardown),
	        cmocka_unit_test_setup_teardown(all_at_once, store_box_setup, store_box_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
