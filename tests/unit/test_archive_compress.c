/* Compress: what it writes is read by ourselves and by the programs that others use, in the same bytes
 * however they were given. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/compress.h"
#include "engine/archive/encoder.h"

#define SIZE ((size_t)900001)

static const struct kind {
	enum compression kind;
	int level;
	const char *reader; /* a program that gives back what was packed */
} kinds[] = {
        {COMPRESSION_NONE, COMPRESS_LEVEL_DEFAULT, "cat"},
        {COMPRESSION_GZIP, COMPRESS_LEVEL_DEFAULT, "gzip -dc"},
        {COMPRESSION_GZIP, 1, "gzip -dc"},
        {COMPRESSION_GZIP, 2, "gzip -dc"},
        {COMPRESSION_GZIP, 3, "gzip -dc"},
        {COMPRESSION_ZSTD, COMPRESS_LEVEL_DEFAULT, "zstd -dc"},
        {COMPRESSION_ZSTD, 1, "zstd -dc"},
        {COMPRESSION_ZSTD, 9, "zstd -dc"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Words and noise, so that both what can be packed and what cannot are there. */
static char *make_content(void)
{
	char *data = malloc(SIZE);
	uint32_t x = 7;
	assert_non_null(data);
	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1103515245 + 12345;
		data[i] = i / 50000 % 3 == 0 ? (char)(x >> 24) : "a line of words\n"[(i + (x >> 31)) % 16];
	}
	return data;
}

static int keep(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	buf_add(arg, data, len);
	return 0;
}

/* step 0: pieces of random sizes. */
static void pack(const struct kind *k, const char *data, size_t len, size_t step, struct buf *out)
{
	struct err e = ERR_INIT;
	uint32_t x = 3;
	cleanup_compress struct compress *c = compress_new(k->kind, k->level, keep, out, &e);
	if (!c)
		fail_msg("%s", e.msg);
	while (len > 0) {
		x = x * 1103515245 + 12345;
		size_t n = step ? step : (x >> 8) % 400000;
		n = n < len ? n : len;
		assert_int_equal(compress_add(c, data, n, &e), 0);
		data += n;
		len -= n;
	}
	assert_int_equal(compress_finish(c, &e), 0);
}

/* fd for reading what is in b. */
static int memory_file(const struct buf *b)
{
	int fd = memfd_create("test", 0); /* the reader's standard input as well */
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, b->data, b->len), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void check_ours(const struct buf *packed, enum compression kind, const char *content, size_t len)
{
	const struct inflate_options o = {.copy_fd = -1};
	struct err e = ERR_INIT;
	cleanup_buf struct buf got = BUF_INIT;
	const void *block;
	size_t n;
	int rc;
	cleanup_fd int fd = memory_file(packed);
	cleanup_inflate struct inflate *in = inflate_open(fd, &o, &e);
	assert_non_null(in);
	assert_int_equal(inflate_kind(in), kind);
	while ((rc = inflate_block(in, &block, &n, &e)) > 0)
		buf_add(&got, block, n);
	if (rc < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(got.len, len);
	assert_memory_equal(buf_str(&got), content, len);
}

static void check_theirs(const struct buf *packed, const char *reader, const char *content, size_t len)
{
	char command[64];
	cleanup_fd int fd = memory_file(packed);
	cleanup_free char *got = malloc(len + 1);
	snprintf(command, sizeof(command), "%s <&%d", reader, fd);
	FILE *p = popen(command, "r");
	assert_non_null(p);
	size_t n = fread(got, 1, len + 1, p);
	assert_int_equal(pclose(p), 0);
	assert_int_equal(n, len);
	assert_memory_equal(got, content, len);
}

static void test_round_trips(void **state)
{
	static const size_t sizes[] = {0, 1, 511, 65536, 262143, 262144, 262145, 524288, SIZE};
	cleanup_free char *content = make_content();
	(void)state;
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			cleanup_buf struct buf b = BUF_INIT;
			pack(&kinds[k], content, sizes[i], 0, &b);
			check_ours(&b, kinds[k].kind, content, sizes[i]);
			check_theirs(&b, kinds[k].reader, content, sizes[i]);
		}
}

static void test_same_bytes_however_given(void **state)
{
	cleanup_free char *content = make_content();
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		cleanup_buf struct buf whole = BUF_INIT, bytes = BUF_INIT, pieces = BUF_INIT;
		pack(&kinds[k], content, SIZE, SIZE, &whole);
		pack(&kinds[k], content, SIZE, 1, &bytes);
		pack(&kinds[k], content, SIZE, 0, &pieces);
		assert_int_equal(whole.len, bytes.len);
		assert_int_equal(whole.len, pieces.len);
		assert_memory_equal(whole.data, bytes.data, whole.len);
		assert_memory_equal(whole.data, pieces.data, whole.len);
		if (kinds[k].kind == COMPRESSION_GZIP) /* no name, no time, no system */
			assert_memory_equal(whole.data + 3, "\0\0\0\0\0", 5);
		if (kinds[k].kind == COMPRESSION_GZIP)
			assert_int_equal((unsigned char)whole.data[9], 255);
		if (kinds[k].kind != COMPRESSION_NONE)
			assert_true(whole.len < SIZE * 2 / 3);
	}
}

/* The same by zlib, which is used where ISA-L is missing. */
static void test_zlib(void **state)
{
	cleanup_free char *content = make_content();
	(void)state;
	for (int level = 1; level <= 3; level++) {
		cleanup_buf struct buf b = BUF_INIT;
		struct encoder_sink *sink = malloc(sizeof(*sink));
		struct encoder *c = encoder_zlib(level, NULL);
		assert_non_null(c);
		sink->write = keep;
		sink->arg = &b;
		assert_int_equal(c->encode(c, content, SIZE / 2, false, sink, NULL), 0);
		assert_int_equal(c->encode(c, content + SIZE / 2, SIZE - SIZE / 2, true, sink, NULL), 0);
		c->free(c);
		free(sink);
		assert_memory_equal(b.data + 3, "\0\0\0\0\0", 5);
		assert_int_equal((unsigned char)b.data[9], 255);
		check_ours(&b, COMPRESSION_GZIP, content, SIZE);
		check_theirs(&b, "gzip -dc", content, SIZE);
	}
}

static int full(void *arg, const void *data, size_t len, struct err *e)
{
	(void)arg;
	(void)data;
	(void)len;
	return err_set(e, ERR_NO_SPACE, "the disk is full");
}

static void test_refusals(void **state)
{
	static const struct {
		enum compression kind;
		int level;
		const char *why;
	} rows[] = {{COMPRESSION_GZIP, 0, "from 1 to 3"}, {COMPRESSION_GZIP, 4, "from 1 to 3"},
	        {COMPRESSION_ZSTD, 0, "from 1 to 19"}, {COMPRESSION_ZSTD, 20, "from 1 to 19"},
	        {COMPRESSION_XZ, 1, "choose gzip or zstd"}};
	cleanup_free char *content = make_content();
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		assert_null(compress_new(rows[i].kind, rows[i].level, full, NULL, &e));
		if (!strstr(e.msg, rows[i].why))
			fail_msg("\"%s\" does not say \"%s\"", e.msg, rows[i].why);
	}
	for (size_t k = 0; k < KINDS; k++) {
		struct err e = ERR_INIT;
		cleanup_compress struct compress *c =
		        compress_new(kinds[k].kind, kinds[k].level, full, NULL, &e);
		int rc = compress_add(c, content, SIZE, &e);
		assert_int_equal(rc < 0 ? rc : compress_finish(c, &e), -1);
		assert_int_equal(e.kind, ERR_NO_SPACE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trips),
	        cmocka_unit_test(test_same_bytes_however_given),
	        cmocka_unit_test(test_zlib),
	        cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
