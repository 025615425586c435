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
#include <zstd.h>

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

/* Each stream is read in every way there is. */
static const struct way {
	const char *name;
	size_t step; /* bytes that a callback gives at once, 0: from a descriptor */
	bool aside, zlib;
} ways[] = {
        {"from a descriptor", 0, false, false},
        {"by zlib", 0, false, true},
        {"hashed aside", 0, true, false},
        {"in single bytes", 1, false, false},
        {"in single bytes by zlib", 1, true, true},
        {"in pieces", 4099, true, false},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

struct feed {
	const char *data;
	size_t left, step;
};

static ssize_t feed(void *arg, void *data, size_t len, struct err *e)
{
	struct feed *f = arg;
	size_t n = f->step < len ? f->step : len;
	(void)e;
	n = n < f->left ? n : f->left;
	memcpy(data, f->data, n);
	f->data += n;
	f->left -= n;
	return (ssize_t)n;
}

static void run_way(const void *data, size_t len, int copy_fd, const struct way *way, struct outcome *o)
{
	struct feed f = {data, len, way->step};
	const struct inflate_options options = {.in_alg = "sha256",
	        .out_alg = "sha512",
	        .copy_fd = copy_fd,
	        .read = way->step ? feed : NULL,
	        .arg = &f,
	        .hash_aside = way->aside,
	        .zlib = way->zlib};
	cleanup_fd int fd = way->step ? -1 : memory_file(data, len);
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

static void run(const void *data, size_t len, int copy_fd, struct outcome *o)
{
	run_way(data, len, copy_fd, &ways[0], o);
}

/* Everything about a stream that must give `content`. */
static void check_good_way(
        const struct buf *packed, const char *content, enum compression kind, const struct way *way)
{
	struct outcome o;
	struct digest in, out;
	cleanup_fd int copy = memory_file("", 0);
	run_way(packed->data, packed->len, copy, way, &o);
	if (o.rc < 0)
		fail_msg("%s %s: %s", compression_name(kind), way->name, o.e.msg);
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

static void check_good(const struct buf *packed, const char *content, enum compression kind)
{
	for (size_t i = 0; i < WAYS; i++)
		check_good_way(packed, content, kind, &ways[i]);
}

static void check_bad(const struct buf *packed, const char *why)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct outcome o;
		run_way(packed->data, packed->len, -1, &ways[i], &o);
		if (o.rc == 0)
			fail_msg("%s %s: taken as whole after %zu bytes", compression_name(o.r.kind),
			        ways[i].name, o.out.len);
		assert_int_equal(o.e.kind, ERR_CORRUPT);
		if (!strstr(o.e.msg, why))
			fail_msg("%s: \"%s\" does not say \"%s\"", ways[i].name, o.e.msg, why);
		buf_free(&o.out);
	}
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

/* ------------------------------------------------------------------ gzip headers */

#define SMALL "some content, some more content"

/* A member of SMALL whose header has `flags` and the bytes `more` behind its fixed part. */
static void add_member(struct buf *b, int flags, const void *more, size_t len)
{
	cleanup_buf struct buf plain = BUF_INIT;
	add_gzip(&plain, SMALL, strlen(SMALL));
	plain.data[3] = (char)flags;
	buf_add(b, plain.data, 10);
	buf_add(b, more, len);
	buf_add(b, plain.data + 10, plain.len - 10);
}

static void check_small(const struct buf *b, const char *content)
{
	for (size_t i = 0; i < WAYS; i++) {
		struct outcome o;
		run_way(b->data, b->len, -1, &ways[i], &o);
		if (o.rc < 0)
			fail_msg("%s: %s", ways[i].name, o.e.msg);
		assert_string_equal(buf_str(&o.out), content);
		buf_free(&o.out);
	}
}

static void test_gzip_headers(void **state)
{
	cleanup_buf struct buf b = BUF_INIT, extra = BUF_INIT, all = BUF_INIT;
	(void)state;
	add_member(&b, 8, "name", 5);
	add_member(&b, 16, "comment", 8);
	add_member(&b, 4, "\3\0abc", 5);
	check_small(&b, SMALL SMALL SMALL);
	buf_add(&extra, "\xff\xff", 2);
	for (int i = 0; i < 65535; i++)
		buf_char(&extra, '\x1f');
	b.len = 0;
	add_member(&b, 4, extra.data, extra.len);
	check_small(&b, SMALL);
	/* All of it, and its checksum. */
	add_member(&all, 2 | 4 | 8 | 16, "\1\0xn\0c\0", 7);
	unsigned long crc = crc32(0, (const unsigned char *)all.data, 17);
	b.len = 0;
	buf_add(&b, all.data, 17);
	buf_char(&b, (char)(crc & 0xff));
	buf_char(&b, (char)(crc >> 8 & 0xff));
	buf_add(&b, all.data + 17, all.len - 17);
	check_small(&b, SMALL);
	b.data[18] ^= 1;
	check_bad(&b, "header has a wrong checksum");
}

static void test_gzip_bad_headers(void **state)
{
	static const struct {
		size_t at;
		int value;
	} rows[] = {{1, 0x8c}, {2, 7}, {3, 0x20}, {3, 0x80}};
	char *name = malloc((size_t)1 << 20);
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		/* of a second member, since the first one's begin tells the kind */
		add_member(&b, 0, "", 0);
		size_t second = b.len;
		add_member(&b, 0, "", 0);
		b.data[second + rows[i].at] = (char)rows[i].value;
		check_bad(&b, "its header is wrong");
	}
	memset(name, 'n', (size_t)1 << 20);
	for (int flag = 8; flag <= 16; flag += 8) {
		cleanup_buf struct buf b = BUF_INIT;
		add_member(&b, flag, name, (size_t)1 << 20);
		check_bad(&b, "header is too long");
	}
	free(name);
}

/* ------------------------------------------------------------------ zstd frames */

static void add_zstd(struct buf *b, const void *data, size_t len, int window_log)
{
	size_t bound = ZSTD_compressBound(len) + 64;
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = {data, len, 0};
	ZSTD_outBuffer out = {buf_reserve(b, bound), bound, 0};
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	if (window_log)
		ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
	/* In two steps, so that the frame does not know its length and needs a window. */
	assert_false(ZSTD_isError(ZSTD_compressStream2(c, &out, &in, ZSTD_e_flush)));
	assert_int_equal(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
	b->len += out.pos;
	ZSTD_freeCCtx(c);
}

static void add_skippable(struct buf *b, int kind, unsigned len)
{
	const char h[] = {(char)(0x50 + kind), 0x2a, 0x4d, 0x18, (char)(len & 255), (char)(len >> 8 & 255),
	        (char)(len >> 16 & 255), 0};
	buf_add(b, h, sizeof(h));
	for (unsigned i = 0; i < len; i++)
		buf_char(b, 's');
}

static void test_zstd_frames(void **state)
{
	cleanup_free char *content = make_content();
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	add_skippable(&b, 0, 0);
	add_zstd(&b, content, 1, 0);
	add_skippable(&b, 15, 300000);
	add_zstd(&b, content + 1, 0, 0);
	add_zstd(&b, content + 1, SIZE - 1, 0);
	add_skippable(&b, 7, 5);
	check_good(&b, content, COMPRESSION_ZSTD);
	b.len--;
	check_bad(&b, "truncated");
	b.len++;
	buf_char(&b, 'x');
	check_bad(&b, "garbage after its end");
	b.len--;
	buf_add(&b, "\0\0\0\0\0\0\0\0", 8);
	check_bad(&b, "garbage after its end");
}

static void test_zstd_damage(void **state)
{
	cleanup_free char *content = make_content();
	cleanup_buf struct buf b = BUF_INIT;
	(void)state;
	add_zstd(&b, content, SIZE, 0);
	b.data[b.len - 1] ^= 1; /* the checksum */
	check_bad(&b, "zstd stream is damaged");
	b.data[b.len - 1] ^= 1;
	b.data[b.len / 2] ^= 1;
	check_bad(&b, "zstd stream is damaged");
}

/* A frame with a header as given and one empty block. */
static void add_frame(struct buf *b, const void *header, size_t len)
{
	buf_add(b, "\x28\xb5\x2f\xfd", 4);
	buf_add(b, header, len);
	buf_add(b, "\1\0\0", 3);
}

static void test_zstd_window_and_dictionary(void **state)
{
	static const struct {
		const char *header;
		size_t len;
		const char *why; /* NULL: taken */
	} rows[] = {
	        {"\x00\x88", 2, NULL},                              /* 128 MiB */
	        {"\x00\x89", 2, "needs a window of 144 MiB"},       /* and an eighth */
	        {"\x00\xff", 2, "more than the limit of 128 MiB"},  /* 3.75 TiB */
	        {"\xe0\0\0\0\x10\0\0\0\0", 9, "window of 256 MiB"}, /* a single segment of this length */
	        {"\xe0\0\0\0\0\0\0\1\0", 9, "needs a window"}, {"\x21\x07\x00", 3, "needs a dictionary"},
	        {"\x23\0\0\0\x80\x00", 6, "needs a dictionary"},
	        {"\x21\x00\x00", 3, NULL}, /* a field for a dictionary that says none */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_buf struct buf b = BUF_INIT;
		add_frame(&b, rows[i].header, rows[i].len);
		if (rows[i].why)
			check_bad(&b, rows[i].why);
		else
			check_small(&b, "");
	}
}

/* Who reads several streams has a lower limit, which holds for each frame. */
static void test_zstd_window_limit(void **state)
{
	static const struct {
		int first, second;
		bool refused;
	} rows[] = {{23, 20, false}, {20, 23, false}, {24, 20, true}, {20, 24, true}};
	cleanup_free char *content = make_content();
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct inflate_options o = {.copy_fd = -1, .window_max = (uint64_t)8 << 20};
		cleanup_buf struct buf b = BUF_INIT;
		struct inflate_result r;
		struct err e = ERR_INIT;
		add_zstd(&b, content, SIZE, rows[i].first);
		add_zstd(&b, content, SIZE, rows[i].second);
		cleanup_fd int fd = memory_file(b.data, b.len);
		cleanup_inflate struct inflate *in = inflate_open(fd, &o, &e);
		assert_non_null(in);
		assert_int_equal(inflate_finish(in, &r, &e), rows[i].refused ? -1 : 0);
		if (rows[i].refused)
			assert_non_null(strstr(e.msg, "more than the limit of 8 MiB"));
	}
}

/* ------------------------------------------------------------------ both */

/* No cut of a stream passes for the whole one, wherever it is. */
static void test_every_cut(void **state)
{
	struct buf packed[2] = {BUF_INIT, BUF_INIT};
	(void)state;
	add_member(&packed[0], 8, "name", 5);
	add_zstd(&packed[1], SMALL, strlen(SMALL), 0);
	for (size_t k = 0; k < 2; k++)
		for (size_t len = 4; len < packed[k].len; len++)
			for (size_t i = 0; i < WAYS; i++) {
				struct outcome o;
				run_way(packed[k].data, len, -1, &ways[i], &o);
				if (o.rc == 0)
					fail_msg("%zu bytes pass %s", len, ways[i].name);
				buf_free(&o.out);
			}
	buf_free(&packed[0]);
	buf_free(&packed[1]);
}

static ssize_t fails_later(void *arg, void *data, size_t len, struct err *e)
{
	int *calls = arg;
	(void)len;
	if (++*calls > 3)
		return err_set(e, ERR_NO_SPACE, "the line is cut");
	memcpy(data, "\x1f\x8b\x08\0", 4);
	return 2;
}

static void test_callback_fails(void **state)
{
	int calls = 0;
	const struct inflate_options o = {.copy_fd = -1, .read = fails_later, .arg = &calls};
	struct err e = ERR_INIT;
	struct inflate_result r;
	(void)state;
	cleanup_inflate struct inflate *in = inflate_open(-1, &o, &e);
	if (in)
		assert_int_equal(inflate_finish(in, &r, &e), -1);
	assert_int_equal(e.kind, ERR_NO_SPACE);
	assert_string_equal(e.msg, "the line is cut");
}

/* Who gives up in the middle does not wait for the hash. */
static void test_leaving_early(void **state)
{
	cleanup_free char *content = make_content();
	const struct inflate_options o = {.out_alg = "sha256", .copy_fd = -1, .hash_aside = true};
	(void)state;
	for (int blocks = 0; blocks < 3; blocks++) {
		cleanup_fd int fd = memory_file(content, SIZE);
		cleanup_inflate struct inflate *in = inflate_open(fd, &o, NULL);
		const void *block;
		size_t n;
		assert_non_null(in);
		for (int i = 0; i < blocks; i++)
			assert_int_equal(inflate_block(in, &block, &n, NULL), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_every_kind),
	        cmocka_unit_test(test_gzip_members_and_padding),
	        cmocka_unit_test(test_gzip_damage),
	        cmocka_unit_test(test_gzip_headers),
	        cmocka_unit_test(test_gzip_bad_headers),
	        cmocka_unit_test(test_zstd_frames),
	        cmocka_unit_test(test_zstd_damage),
	        cmocka_unit_test(test_zstd_window_and_dictionary),
	        cmocka_unit_test(test_zstd_window_limit),
	        cmocka_unit_test(test_every_cut),
	        cmocka_unit_test(test_callback_fails),
	        cmocka_unit_test(test_leaving_early),
	        cmocka_unit_test(test_bomb),
	        cmocka_unit_test(test_nothing_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
