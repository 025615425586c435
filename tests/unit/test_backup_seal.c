/* Seal: what is sealed is what comes out, for the right key and the right kind only. */
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
#include <sodium.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/backup/blob.h"
#include "engine/backup/seal.h"

static char folder[] = "/dev/shm/tare-unit-seal.XXXXXX";
static const unsigned char salt[SEAL_SALT_SIZE] = {1, 2, 3};

static char *path(const char *name)
{
	static char text[128];
	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static void test_key_file(void **state)
{
	struct seal a = {0}, b = {0};
	struct stat st;
	struct err e = ERR_INIT;
	(void)state;
	assert_int_equal(seal_open(&a, path("none"), false, salt, &e), -1);
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_int_equal(seal_open(&a, path("key"), true, salt, &e), 0);
	assert_int_equal(stat(path("key"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(seal_open(&b, path("key"), true, salt, &e), 0); /* the same one again */
	assert_memory_equal(&a, &b, sizeof(a));
	const unsigned char other[SEAL_SALT_SIZE] = {9};
	assert_int_equal(seal_open(&b, path("key"), false, other, &e), 0);
	assert_memory_not_equal(a.box_key, b.box_key, 32);
	assert_memory_not_equal(a.box_key, a.id_key, 32);
	cleanup_fd int fd = open(path("short"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write_all(fd, "secret\n", 7), 0);
	assert_int_equal(seal_open(&b, path("short"), true, salt, &e), -1);
	assert_non_null(strstr(e.msg, "at least 32"));
}

static void test_boxes(void **state)
{
	struct seal s = {0}, other = {0};
	unsigned char box[200], again[200], box_copy[200];
	size_t len;
	(void)state;
	assert_int_equal(seal_open(&s, path("a"), true, salt, NULL), 0);
	assert_int_equal(seal_open(&other, path("b"), true, salt, NULL), 0);
	size_t n = seal_box(&s, SEAL_CHUNK, "content", 7, box);
	assert_int_equal(n, 7 + SEAL_OVERHEAD);
	seal_box(&s, SEAL_CHUNK, "content", 7, again);
	assert_memory_not_equal(box, again, n); /* a nonce of its own each time */
	for (size_t i = 0; i < n; i++) {
		memcpy(box_copy, box, n);
		box_copy[i] ^= 1;
		assert_int_equal(seal_unbox(&s, SEAL_CHUNK, box_copy, n, &len), -1);
	}
	memcpy(box_copy, box, n);
	assert_int_equal(seal_unbox(&s, SEAL_DOCUMENT, box_copy, n, &len), -1);
	memcpy(box_copy, box, n);
	assert_int_equal(seal_unbox(&other, SEAL_CHUNK, box_copy, n, &len), -1);
	memcpy(box_copy, box, n);
	assert_int_equal(seal_unbox(&s, SEAL_CHUNK, box_copy, n - 1, &len), -1);
	assert_int_equal(seal_unbox(&s, SEAL_CHUNK, box_copy, 10, &len), -1);
	assert_int_equal(seal_unbox(&s, SEAL_CHUNK, box, n, &len), 0);
	assert_int_equal(len, 7);
	assert_memory_equal(box + SEAL_NONCE, "content", 7);
}

static void test_ids(void **state)
{
	struct seal plain = {0}, a = {0}, b = {0};
	struct chunk_id x, y, z;
	static const unsigned char sha256[] = {0xba, 0x78, 0x16, 0xbf};
	(void)state;
	assert_int_equal(seal_open(&a, path("a"), true, salt, NULL), 0);
	assert_int_equal(seal_open(&b, path("b"), true, salt, NULL), 0);
	seal_chunk_id(&plain, "abc", 3, &x);
	assert_memory_equal(x.bytes, sha256, 4);
	seal_chunk_id(&a, "abc", 3, &y);
	seal_chunk_id(&b, "abc", 3, &z);
	assert_false(chunk_id_equal(&x, &y));
	assert_false(chunk_id_equal(&z, &y));
}

static void code(const struct seal *s, const unsigned char *data, size_t len, bool smaller)
{
	struct blob b;
	struct err e = ERR_INIT;
	const void *out;
	cleanup_blob_coder struct blob_coder *c = blob_coder_new(s, NULL);
	seal_chunk_id(s, data, len, &b.id);
	assert_int_equal(blob_encode(c, data, len, &b, &out, NULL), 0);
	assert_true(b.stored <= BLOB_STORED_MAX && b.plain == len);
	assert_int_equal(b.zstd, smaller);
	unsigned char *stored = malloc(b.stored), *plain = malloc(len);
	memcpy(stored, out, b.stored);
	assert_int_equal(blob_check(&b, stored, NULL), 0);
	assert_int_equal(blob_decode(c, &b, stored, plain, NULL), 0);
	assert_memory_equal(plain, data, len);
	/* one that says it becomes more than it may (a bomb), or less */
	for (int i = -1; i <= 1; i += 2) {
		memcpy(stored, out, b.stored);
		b.plain = (uint32_t)((int)len + i);
		unsigned char *room = malloc(b.plain + 1);
		assert_int_equal(blob_decode(c, &b, stored, room, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		free(room);
		b.plain = (uint32_t)len;
	}
	free(stored);
	free(plain);
}

static void test_blobs(void **state)
{
	struct seal plain = {0}, sealed = {0};
	unsigned char *data = calloc(1, CHUNK_MAX);
	struct blob b;
	const void *out;
	(void)state;
	assert_int_equal(seal_open(&sealed, path("a"), true, salt, NULL), 0);
	cleanup_blob_coder struct blob_coder *c = blob_coder_new(&plain, NULL);
	assert_int_equal(blob_encode(c, data, 0, &b, &out, NULL), -1);
	assert_int_equal(blob_encode(c, data, CHUNK_MAX + 1, &b, &out, NULL), -1);
	code(&plain, data, CHUNK_MAX, true);
	code(&sealed, data, CHUNK_MAX, true);
	random_hex((char *)data, 100000);
	code(&plain, data, 190000, true); /* half the bits */
	randombytes_buf(data, CHUNK_MAX);
	code(&sealed, data, CHUNK_MAX, false);
	code(&plain, data, CHUNK_MAX, false);
	code(&sealed, (const unsigned char *)"x", 1, false);
	code(&plain, (const unsigned char *)"xy", 2, false);
	free(data);
}

static int up(void **state)
{
	(void)state;
	return mkdtemp(folder) && seal_start(NULL) == 0 ? 0 : -1;
}

static int down(void **state)
{
	(void)state;
	return remove_tree_at(AT_FDCWD, folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_key_file),
	        cmocka_unit_test(test_boxes),
	        cmocka_unit_test(test_ids),
	        cmocka_unit_test(test_blobs),
	};
	return cmocka_run_group_tests_name("backup seal", tests, up, down);
}
