/* Inflate: every kind comes out as it went in, both sides are hashed, and damage and bombs are seen. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"
#include "engine/archive/inflate.h"

#define SIZE ((size_t)700000) /* some windows, and no multiple of one */

static char *make_content(void)
{
	char *data = malloc(SIZE);
	uint32_t x = 1;
	for (size_t i = 0; i < SIZE; i++) {
		x = x * 1103515245 + 12345;
		data[i] = (char)(x >> 24 & 15);
	}
	return data;
}

static int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, data, len), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* One gzip member. */
static void add_gzip(struct buf *b, const void *data, size_t len)
{
	z_stream z = {0};
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	size_t bound = deflateBound(&z, len);
	z.next_in = (unsigned char *)(uintptr_t)data;
	z.avail_in = (unsigned)len;
	z.next_out = (unsigned char *)buf_reserve(b, bound);
	z.avail_out = (unsigned)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b->len += z.total_out;
	deflateEnd(&z);
}

static void add_filtered(struct buf *b, int filter, const void *data, size_t len)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0, room = len + 65536;
	char *out = buf_reserve(b, room);
	archive_write_set_format_raw(a);
	archive_write_add_filter(a, filter);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, out, room, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data, len), len);
	archive_entry_free(entry);
	archive_write_close(a);
	archive_write_free(a);
	b->len += used;
}

struct outcome {
	int rc;
	struct inflate_result r;
	struct buf out;
	struct err e;
};

static void run(const void *data, size_t len, int copy_fd, struct outcome *o)
{
	const struct inflate_options options = {.in_alg = "sha256", .out_alg = "sha512", .copy_fd = copy_fd};
	cleanup_fd int fd = memory_file(data, len);
	const void *block;
	size_t n;
	*o = (struct outcome){.rc = -1};
	o->out.max = (size_t)1 << 30;
	cleanup_inflate struct inflate *in = inflate_open(fd, &options, &o->e);
	if (!in)
		return;
	while ((o->rc = inflate_block(in, &block, &n, &o->e)) > 0)
		buf_add(&o->out, block, n);
	if (o->rc == 0)
		o->rc = inflate_finish(in, &o->r, &o->e);
}

/* Everything about a stream that must give `content`. */
static void check_good(const struct buf *packed, const char *content, enum compression kind)
{
	struct outcome o;
	struct digest in, out;
	cleanup_fd int copy = memory_file("", 0);
	run(packed->data, packed->len, copy, &o);
	if (o.rc < 0)
		fail_msg("%s: %s", compression_name(kind), o.e.msg);
	assert_int_equal(o.r.kind, kind);
	assert_int_equal(o.out.len, SIZE);
	assert_memory_equal(o.out.data, content, SIZE);
	assert_int_equal(o.r.in_bytes, packed->len);
	assert_int_equal(o.r.out_bytes, SIZE);
	hash_bytes("sha256", packed->data, packed->len, &in, NULL);
	hash_bytes("sha512", content, SIZE, &out, NULL);
	assert_true(digest_equal(&in, &o.r.in));
	assert_true(digest_equal(&out, &o.r.out));
	/* The copy is what OCI has a media type for. */
	bool plain = kind == COMPRESSION_NONE || kind == COMPRESSION_XZ || kind == COMPRESSION_BZIP2;
	assert_int_equal(o.r.copy, plain ? COMPRESSION_NONE : kind);
	struct stat st;
	assert_int_equal(fstat(copy, &st), 0);
	assert_int_equal(st.st_size, plain ? SIZE : packed->len);
	buf_free(&o.out);
}

static void check_bad(const struct buf *packed, const char *why)
{
	struct outcome o;
	run(packed->data, packed->len, -1, &o);
	if (o.rc == 0)
		fail_msg("%s: taken as whole after %zu bytes", compression_name(o.r.kind), o.out.len);
	assert_int_equal(o.e.kind, ERR_CORRUPT);
	if (!strstr(o.e.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", o.e.msg, why);
	buf_free(&o.out);
}

static void test_every_kind(void **state)
{
	static const struct {
		int filter;
		enum compression kind;
	} kinds[] = {{ARCHIVE_FILTER_ZSTD, COMPRESSION_ZSTD}, {ARCHIVE_FILTER_XZ, COMPRESSION_XZ},
	        {ARCHIVE_FILTER_BZIP2, COMPRESSION_BZIP2}};
	cleanup_free char *content = make_content();
	cleanup_buf struct buf plain = BUF_INIT, gzip = BUF_INIT;
	(void)state;
	buf_add(&plain, content, SIZE);
	check_good(&plain, content, COMPRESSION_NONE);
	add_gzip(&gzip, content, SIZE);
	check_good(&gzip, content, COMPRESSION_GZIP);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		add_filtered(&b, kinds[i].filter, content, SIZE);
		check_good(&b, content, kinds[i].kind);
		b.len /= 2;
		check_bad(&b, "stream is damaged");
	}
}

static void test_gzip_members_and_padding(void **state)
{
	cleanup_free char *content = make_content();
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	add_gzip(&b, content, 1);
	add_gzip(&b, content + 1, 0);
	add_gzip(&b, content + 1, SIZE - 1);
	check_good(&b, content, COMPRESSION_GZIP);
	for (int i = 0; i < 5000; i++)
		buf_char(&b, '\0');
	check_good(&b, content, COMPRESSION_GZIP);
	buf_char(&b, 'x');
	check_bad(&b, "garbage after its end");
}

static void test_gzip_damage(void **state)
{
	cleanup_free char *content = make_content();
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	add_gzip(&b, content, SIZE);
	b.data[b.len - 7] ^= 1; /* the CRC */
	check_bad(&b, "gzip stream is damaged");
	b.data[b.len - 7] ^= 1;
	b.data[b.len - 2] ^= 1; /* the length */
	check_bad(&b, "gzip stream is damaged");
	b.data[b.len - 2] ^= 1;
	b.len--;
	check_bad(&b, "truncated");
	b.len = 5;
	check_bad(&b, "truncated");
}

/* 1000:1 is refused soon after 64 MiB; the same content as it is, is not. */
static void test_bomb(void **state)
{
	size_t len = (size_t)96 << 20;
	char *zeros = calloc(1, len);
	cleanup_buf struct buf b = BUF_INIT_MAX((size_t)256 << 20);
	struct outcome o;
	(void)state;
	add_gzip(&b, zeros, len);
	run(b.data, b.len, -1, &o);
	assert_int_equal(o.rc, -1);
	assert_non_null(strstr(o.e.msg, "bomb"));
	assert_true(o.out.len < (size_t)66 << 20);
	buf_free(&o.out);
	run(zeros, len, -1, &o);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.r.out_bytes, len);
	buf_free(&o.out);
	free(zeros);
}

static void test_nothing_at_all(void **state)
{
	struct outcome o;
	(void)state;
	run("", 0, -1, &o);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.r.out_bytes, 0);
	assert_string_equal(o.r.in.hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_kind),
	        cmocka_unit_test(test_gzip_members_and_padding),
	        cmocka_unit_test(test_gzip_damage),
	        cmocka_unit_test(test_bomb),
	        cmocka_unit_test(test_nothing_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
