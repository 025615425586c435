/* Whom ACLs name and for which root capabilities count, translated into a user namespace and out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "engine/archive/tree_xattr_ids.h"
#include "engine/oci/id_map.h"

#define ACCESS     "system.posix_acl_access"
#define CAPABILITY "security.capability"

static const struct id_maps ids = {
        .uid = {.n = 1, .v = {{0, 1000000, 1000}}},
        .gid = {.n = 1, .v = {{0, 2000000, 1000}}},
};

/* A version, then tag, rights and id of: owner, user 33, user 5000, group, group 44, mask, others. */
static const unsigned char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\4\0\41\0\0\0\2\0\4\0\210\23\0\0"
                                   "\4\0\4\0\377\377\377\377\10\0\6\0\54\0\0\0\20\0\6\0\377\377\377\377"
                                   "\40\0\0\0\377\377\377\377";
#define ACL_SIZE (sizeof acl - 1)
static const unsigned char v2[20] = {1, 0, 0, 2, 0, 4};

static void out_and_in_again(void **state)
{
	struct tree_xattrs_outside room = {.values = BUF_INIT};
	const struct tree_xattr both[] = {
	        {CAPABILITY, v2, sizeof v2}, {ACCESS, acl, ACL_SIZE}, {"user.x", "1", 1}};
	const struct tree_entry entry = {.path = "f", .xattrs = both, .n_xattrs = 3};
	unsigned char back[100];
	struct err e = ERR_INIT;

	(void)state;
	assert_ptr_equal(tree_xattrs_out(&room, &entry, NULL, &e), &entry);
	const struct tree_entry *out = tree_xattrs_out(&room, &entry, &ids, &e);
	assert_non_null(out);
	assert_int_equal(out->n_xattrs, 3);
	assert_int_equal(out->xattrs[2].len, 1);

	assert_int_equal(out->xattrs[0].len, 24);
	assert_memory_equal(
	        out->xattrs[0].value, "\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\100\102\17\0", 24);
	memcpy(back, out->xattrs[0].value, 24);
	assert_int_equal(tree_xattr_ids_in(CAPABILITY, back, 24, &ids), sizeof v2);
	assert_memory_equal(back, v2, sizeof v2);

	/* user 5000 is nobody there */
	assert_int_equal(out->xattrs[1].len, ACL_SIZE - 8);
	memcpy(back, out->xattrs[1].value, ACL_SIZE - 8);
	assert_memory_equal(back + 16, "\141\102\17\0", 4);
	assert_memory_equal(back + 32, "\254\204\36\0", 4);
	assert_int_equal(tree_xattr_ids_in(ACCESS, back, ACL_SIZE - 8, &ids), ACL_SIZE - 8);
	assert_memory_equal(back, acl, 20);
	assert_memory_equal(back + 20, acl + 28, ACL_SIZE - 28);
	buf_free(&room.values);
}

static void strangers_and_damage(void **state)
{
	unsigned char cap[24] = {1, 0, 0, 3, 0, 4}, text[] = "\2\0\0\0\2\0";

	(void)state;
	assert_int_equal(tree_xattr_ids_in(CAPABILITY, cap, 24, &ids), -1); /* of the host's root */
	assert_int_equal(tree_xattr_ids_in(CAPABILITY, cap, 3, &ids), -1);
	memcpy(cap, v2, sizeof v2);
	assert_int_equal(tree_xattr_ids_in(CAPABILITY, cap, sizeof v2, &ids), sizeof v2);
	assert_int_equal(tree_xattr_ids_in(ACCESS, text, 6, &ids), 4);
	assert_int_equal(tree_xattr_ids_in(ACCESS, text, 2, &ids), 2);
	assert_int_equal(tree_xattr_ids_in("user.x", text, 6, &ids), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(out_and_in_again),
	        cmocka_unit_test(strangers_and_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
