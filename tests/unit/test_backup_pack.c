/* Pack: what was written is read, and nothing else. */
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
#include "engine/backup/chunk_index.h"
#include "engine/backup/pack.h"
#include "engine/backup/seal.h"

struct box {
	char path[64];
	int fd;
	struct seal seal;
};

static int up(void **state)
{
	struct box *b = calloc(1, sizeof(*b));
	strcpy(b->path, "/dev/shm/tare-unit-pack.XXXXXX");
	assert_non_null(mkdtemp(b->path));
	b->fd = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = b;
	return seal_start(NULL);
}

static int down(void **state)
{
	struct box *b = *state;
	close(b->fd);
	remove_tree_at(AT_FDCWD, b->path);
	free(b);
	return 0;
}

static struct blob blob_of(unsigned char *data, size_t len, unsigned char which)
{
	struct blob b = {.stored = (uint32_t)len, .plain = (uint32_t)len, .id.bytes = {which}};
	memset(data, which, len);
	b.check = word_hash(0, data, len);
	return b;
}

static struct pack_name write_three(struct box *b)
{
	unsigned char data[300];
	uint32_t offset, want = PACK_FIRST;
	uint64_t size;
	struct pack_name name;
	struct pack_writer *w = pack_writer_new(b->fd, &b->seal, NULL);
	assert_non_null(w);
	for (unsigned char i = 1; i <= 3; i++) {
		struct blob blob = blob_of(data, i * 100u, i);
		assert_int_equal(pack_writer_add(w, &blob, data, &offset, NULL), 0);
		assert_int_equal(offset, want);
		want += blob.stored;
	}
	assert_false(pack_writer_is_full(w));
	assert_int_equal(pack_writer_finish(w, &name, &size, NULL), 0);
	pack_writer_free(w);
	return name;
}

static int read_it(struct box *b, const struct pack_name *name, struct pack_directory *d, struct err *e)
{
	cleanup_fd int fd = pack_open(b->fd, name, e);
	return fd < 0 ? -1 : pack_read_directory(fd, name, &b->seal, d, e);
}

static void check_three(struct box *b)
{
	struct pack_directory d;
	struct err e = ERR_INIT;
	char path[PACK_PATH_SIZE];
	struct pack_name name = write_three(b), again;
	if (read_it(b, &name, &d, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(d.n, 3);
	assert_int_equal(d.blobs[2].stored, 300);
	assert_int_equal(d.blobs[1].id.bytes[0], 2);
	pack_directory_free(&d);
	assert_true(pack_name_parse(pack_path(&name, path) + 3, &again));
	assert_memory_equal(&name, &again, sizeof(name));
	assert_false(pack_name_parse(path, &again));
}

static void test_write_and_read(void **state)
{
	struct box *b = *state;
	char key[100];
	const unsigned char salt[SEAL_SALT_SIZE] = {0};
	check_three(b);
	snprintf(key, sizeof(key), "%s/key", b->path);
	assert_int_equal(seal_open(&b->seal, key, true, salt, NULL), 0);
	check_three(b);
}

/* One that was not finished leaves nothing. */
static void test_unfinished(void **state)
{
	struct box *b = *state;
	struct pack_writer *w = pack_writer_new(b->fd, &b->seal, NULL);
	unsigned char data[10];
	uint32_t offset;
	struct blob blob = blob_of(data, 10, 1);
	assert_int_equal(pack_writer_add(w, &blob, data, &offset, NULL), 0);
	pack_writer_free(w);
	assert_int_equal(rmdir(b->path), 0);
	assert_int_equal(mkdir(b->path, 0700), 0);
}

static void flip(struct box *b, const char *path, off_t at)
{
	unsigned char c;
	cleanup_fd int fd = openat(b->fd, path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x40;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

/* Each byte counts: of the head and the directory for the reader, of the blobs for their check. */
static void test_flips(void **state)
{
	struct box *b = *state;
	struct pack_directory d;
	char path[PACK_PATH_SIZE];
	struct stat st;
	struct pack_name name = write_three(b);
	pack_path(&name, path);
	assert_int_equal(fstatat(b->fd, path, &st, 0), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		struct err e = ERR_INIT;
		bool in_blob = at >= PACK_FIRST && at < PACK_FIRST + 600;
		flip(b, path, at);
		assert_int_equal(read_it(b, &name, &d, &e), in_blob ? 0 : -1);
		if (in_blob) {
			unsigned char data[300];
			size_t i = at < PACK_FIRST + 100 ? 0 : at < PACK_FIRST + 300 ? 1 : 2;
			uint64_t from = PACK_FIRST + (i == 0 ? 0 : i == 1 ? 100 : 300);
			cleanup_fd int fd = pack_open(b->fd, &name, NULL);
			assert_int_equal(pack_read(fd, from, data, d.blobs[i].stored, NULL), 0);
			assert_int_equal(blob_check(&d.blobs[i], data, NULL), -1);
		} else {
			assert_int_equal(e.kind, ERR_CORRUPT);
		}
		pack_directory_free(&d);
		flip(b, path, at);
	}
	for (off_t len = 0; len < st.st_size; len += 7) {
		cleanup_fd int fd = openat(b->fd, path, O_RDWR | O_CLOEXEC);
		assert_int_equal(ftruncate(fd, st.st_size - len - 1), 0);
		assert_int_equal(read_it(b, &name, &d, NULL), -1);
		pack_directory_free(&d);
	}
}

static void test_full(void **state)
{
	struct box *b = *state;
	struct pack_writer *w = pack_writer_new(b->fd, &b->seal, NULL);
	unsigned char data[1];
	uint32_t offset;
	struct blob blob = blob_of(data, 1, 1);
	for (size_t i = 0; i < PACK_BLOBS_MAX; i++) {
		assert_false(pack_writer_is_full(w));
		assert_int_equal(pack_writer_add(w, &blob, data, &offset, NULL), 0);
	}
	assert_true(pack_writer_is_full(w));
	pack_writer_free(w);
}

static void test_index(void **state)
{
	struct chunk_index x = {0};
	struct chunk_row *row;
	struct chunk_id id = {{0}};
	(void)state;
	assert_true(sizeof(*row) + sizeof(*x.heads) <= 44);
	assert_null(chunk_index_find(&x, &id));
	for (uint32_t i = 0; i < 100000; i++) {
		put_le32(id.bytes + 4, i);
		assert_int_equal(chunk_index_add(&x, &id, &row, NULL), 1);
		row->offset = i;
	}
	for (uint32_t i = 0; i < 100000; i++) {
		put_le32(id.bytes + 4, i);
		row = chunk_index_find(&x, &id);
		assert_non_null(row);
		assert_int_equal(row->offset, i);
	}
	assert_int_equal(chunk_index_add(&x, &id, &row, NULL), 0);
	put_le32(id.bytes + 4, 100000);
	assert_null(chunk_index_find(&x, &id));
	chunk_index_free(&x);
}

/* Somebody else's links in the place of the folders: nothing is written to where they lead. */
static void no_folder_is_a_link(void **state)
{
	struct box *b = *state;
	unsigned char data[300];
	char name[3], out[96];
	uint32_t offset;
	uint64_t size;
	struct pack_name pack;
	struct blob blob = blob_of(data, sizeof(data), 1);
	snprintf(out, sizeof(out), "%s/out", b->path);
	assert_int_equal(mkdir(out, 0700), 0);
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		assert_int_equal(symlinkat("out", b->fd, name), 0);
	}
	struct pack_writer *w = pack_writer_new(b->fd, &b->seal, NULL);
	assert_int_equal(pack_writer_add(w, &blob, data, &offset, NULL), 0);
	assert_int_equal(pack_writer_finish(w, &pack, &size, NULL), -1);
	pack_writer_free(w);
	assert_int_equal(rmdir(out), 0); /* empty */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_write_and_read, up, down),
	        cmocka_unit_test_setup_teardown(test_unfinished, up, down),
	        cmocka_unit_test_setup_teardown(test_flips, up, down),
	        cmocka_unit_test_setup_teardown(test_full, up, down),
	        cmocka_unit_test_setup_teardown(no_folder_is_a_link, up, down),
	        cmocka_unit_test(test_index),
	};
	return cmocka_run_group_tests_name("backup pack", tests, NULL, NULL);
}
