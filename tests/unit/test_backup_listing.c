/* Listing: entries go into the stream and come out of it, in whatever pieces it arrives; a stream that is not
 * one of ours is refused with a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/backup/listing.h"
#include "engine/backup/listing_format.h"

struct feed {
	const struct buf *from;
	size_t at, step;
};

static int feed(void *arg, const unsigned char **data, size_t *len, struct err *e)
{
	struct feed *f = arg;
	(void)e;
	if (f->at == f->from->len)
		return 0;
	*data = (const unsigned char *)f->from->data + f->at;
	*len = f->from->len - f->at < f->step ? f->from->len - f->at : f->step;
	f->at += *len;
	return 1;
}

static void test_order(void **state)
{
	static const char *const in_order[] = {
	        "", "A", "a", "a/b", "a/b/c", "a/b-c", "a-b", "a.b", "ab", "\xff"};
	const size_t n = sizeof(in_order) / sizeof(*in_order);
	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			int c = listing_path_compare(in_order[i], in_order[k]);
			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
}

static const struct tree_xattr xattrs[] = {{"user.a", "x\0y", 3}, {"user.b", "", 0}};
static const struct tree_entry entries[] = {
        {.path = "", .mode = S_IFDIR | 0755, .mtime = {-5, 999999999}, .ctime = {1, 2}, .ino = UINT64_MAX},
        {.path = "d", .mode = S_IFDIR | 01777, .xattrs = xattrs, .n_xattrs = 2},
        {.path = "d/device", .mode = S_IFCHR | 0600, .major = 4095, .minor = 1048575, .uid = 4294967294u},
        {.path = "d/file\n", .mode = S_IFREG | 06755, .size = 5000, .xattrs = xattrs, .n_xattrs = 1},
        {.path = "d/link", .mode = S_IFREG | 0644, .first = "d/file\n"},
        {.path = "e", .mode = S_IFLNK | 0777, .target = "../\xff"},
        {.path = "f", .mode = S_IFIFO | 0600},
        {.path = "g", .mode = S_IFREG | 0600, .size = 0},
};
#define ENTRIES (sizeof(entries) / sizeof(*entries))
static const struct listing_piece pieces[] = {
        {.id.bytes = {1}, .offset = 100, .len = 1000},
        {.hole = true, .len = 2000},
        {.id.bytes = {1}, .offset = 1100, .len = 500},
        {.id.bytes = {1}, .offset = 0, .len = 500},
        {.id.bytes = {2}, .offset = 0, .len = 1000},
};

static void write_all_entries(struct buf *out)
{
	struct listing_writer *w = malloc(sizeof(*w));
	listing_writer_start(w, out);
	for (size_t i = 0; i < ENTRIES; i++) {
		listing_write_entry(w, &entries[i], out);
		for (size_t k = 0; entries[i].size && k < sizeof(pieces) / sizeof(*pieces); k++)
			listing_write_piece(w, &pieces[k], out);
		if (S_ISREG(entries[i].mode) && !entries[i].first)
			listing_write_pieces_end(out);
	}
	listing_writer_end(w, out);
	free(w);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void same_entry(const struct tree_entry *a, const struct tree_entry *b)
{
	assert_string_equal(a->path, b->path);
	assert_true(a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->ino == b->ino);
	assert_true(a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec);
	assert_true(a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec);
	assert_true(a->size == b->size && a->major == b->major && a->minor == b->minor);
	assert_true(same_text(a->target, b->target) && same_text(a->first, b->first));
	assert_int_equal(a->n_xattrs, b->n_xattrs);
	for (size_t i = 0; i < a->n_xattrs; i++) {
		assert_string_equal(a->xattrs[i].name, b->xattrs[i].name);
		assert_int_equal(a->xattrs[i].len, b->xattrs[i].len);
		assert_memory_equal(a->xattrs[i].value, b->xattrs[i].value, a->xattrs[i].len);
	}
}

static void same_pieces(struct listing_reader *r)
{
	struct listing_piece p;
	uint64_t at = 0;
	for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); at += pieces[k++].len) {
		assert_int_equal(listing_piece(r, &p, NULL), 1);
		assert_true(p.at == at && p.len == pieces[k].len && p.hole == pieces[k].hole);
		if (!p.hole)
			assert_true(p.offset == pieces[k].offset && chunk_id_equal(&p.id, &pieces[k].id));
	}
	assert_int_equal(listing_piece(r, &p, NULL), 0);
}

static void test_there_and_back(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	write_all_entries(&out);
	for (size_t step = 1; step < 2000; step = step * 3 + 1)
		for (int look = 0; look < 2; look++) {
			struct feed f = {&out, 0, step};
			const struct tree_entry *entry;
			cleanup_listing_reader struct listing_reader *r = listing_reader_new(feed, &f, NULL);
			for (size_t i = 0; i < ENTRIES; i++) {
				struct err e = ERR_INIT;
				if (listing_next(r, &entry, &e) != 1)
					fail_msg("%zu: %s", i, e.msg);
				same_entry(&entries[i], entry);
				if (look && entry->size)
					same_pieces(r);
			}
			assert_int_equal(listing_next(r, &entry, NULL), 0);
			assert_int_equal(listing_next(r, &entry, NULL), 0);
		}
}

/* The result of reading all: entries, or -1. */
static int read_all(const struct buf *in, struct err *e)
{
	struct feed f = {in, 0, 1000};
	const struct tree_entry *entry;
	cleanup_listing_reader struct listing_reader *r = listing_reader_new(feed, &f, NULL);
	int n = 0, rc;
	while ((rc = listing_next(r, &entry, e)) > 0)
		n++;
	return rc < 0 ? -1 : n;
}

static void test_cut_off(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	write_all_entries(&out);
	assert_int_equal(read_all(&out, NULL), ENTRIES);
	buf_char(&out, 0);
	assert_int_equal(read_all(&out, NULL), -1);
	out.len--;
	while (out.len-- > 0) {
		struct err e = ERR_INIT;
		assert_int_equal(read_all(&out, &e), -1);
		assert_true(e.msg[0]);
	}
}

/* Two entries of these paths; the first a directory if it is told. */
static int try_paths(const char *one, bool dir, const char *two)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct listing_writer *w = malloc(sizeof(*w));
	const struct tree_entry root = {.path = "", .mode = S_IFDIR | 0755};
	struct tree_entry a = {.path = one, .mode = dir ? S_IFDIR : S_IFLNK, .target = "/etc"};
	struct tree_entry b = {.path = two, .mode = S_IFIFO};
	listing_writer_start(w, &out);
	listing_write_entry(w, &root, &out);
	listing_write_entry(w, &a, &out);
	if (two)
		listing_write_entry(w, &b, &out);
	listing_writer_end(w, &out);
	free(w);
	return read_all(&out, NULL);
}

/* Names that lead out, or through a link that the same list has made. */
static void test_hostile_paths(void **state)
{
	(void)state;
	assert_int_equal(try_paths("a", true, "a/b"), 3);
	assert_int_equal(try_paths("a", true, "b"), 3);
	assert_int_equal(try_paths("a", false, "a/b"), -1);
	assert_int_equal(try_paths("a", true, "a"), -1);
	assert_int_equal(try_paths("b", true, "a"), -1);
	assert_int_equal(try_paths("a", true, "b/c"), -1);
	assert_int_equal(try_paths("a", true, "a/b/c"), -1);
	static const char *const wrong[] = {
	        "..", ".", "../x", "/etc", "a/../b", "a//b", "a/", "a/.", "a/..", ""};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(try_paths(wrong[i], true, NULL), -1);
}

static int try_link(const char *first)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct listing_writer *w = malloc(sizeof(*w));
	const struct tree_entry root = {.path = "", .mode = S_IFDIR | 0755};
	const struct tree_entry b = {.path = "b", .mode = S_IFREG, .first = first};
	listing_writer_start(w, &out);
	listing_write_entry(w, &root, &out);
	listing_write_entry(w, &b, &out);
	listing_writer_end(w, &out);
	free(w);
	return read_all(&out, NULL);
}

static void test_hostile_links(void **state)
{
	static const char *const wrong[] = {"", "b", "c", "../a", "/a", "a/../../b", "b/c"};
	(void)state;
	assert_int_equal(try_link("a"), 2);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(try_link(wrong[i]), -1);
}

static int try_piece(uint64_t size, struct listing_piece p)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct listing_writer *w = malloc(sizeof(*w));
	const struct tree_entry root = {.path = "", .mode = S_IFDIR | 0755};
	const struct tree_entry b = {.path = "b", .mode = S_IFREG, .size = size};
	listing_writer_start(w, &out);
	listing_write_entry(w, &root, &out);
	listing_write_entry(w, &b, &out);
	listing_write_piece(w, &p, &out);
	listing_write_pieces_end(&out);
	listing_writer_end(w, &out);
	free(w);
	return read_all(&out, NULL);
}

static void test_hostile_pieces(void **state)
{
	(void)state;
	assert_int_equal(try_piece(5, (struct listing_piece){.len = 5}), 2);
	assert_int_equal(try_piece(5, (struct listing_piece){.len = 4}), -1);
	assert_int_equal(try_piece(5, (struct listing_piece){.len = 6}), -1);
	assert_int_equal(try_piece(0, (struct listing_piece){.len = 0}), -1);
	assert_int_equal(try_piece(INT64_MAX, (struct listing_piece){.hole = true, .len = INT64_MAX}), 2);
	assert_int_equal(try_piece(UINT64_MAX, (struct listing_piece){.hole = true, .len = UINT64_MAX}), -1);
	assert_int_equal(try_piece(5, (struct listing_piece){.offset = CHUNK_MAX - 4, .len = 5}), -1);
	assert_int_equal(try_piece(CHUNK_MAX + 1, (struct listing_piece){.len = CHUNK_MAX + 1}), -1);
}

/* One flipped bit never runs wild (most are found only by the digest of the chunk it stands in). */
static void test_flips(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	(void)state;
	write_all_entries(&out);
	for (size_t i = 0; i < 8 * out.len; i++) {
		struct err e = ERR_INIT;
		out.data[i / 8] ^= (char)(1 << i % 8);
		if (read_all(&out, &e) < 0)
			assert_true(e.msg[0]);
		out.data[i / 8] ^= (char)(1 << i % 8);
	}
	out.data[0] = LISTING_VERSION + 1;
	struct err e = ERR_INIT;
	assert_int_equal(read_all(&out, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_order),
	        cmocka_unit_test(test_there_and_back),
	        cmocka_unit_test(test_cut_off),
	        cmocka_unit_test(test_hostile_paths),
	        cmocka_unit_test(test_hostile_links),
	        cmocka_unit_test(test_hostile_pieces),
	        cmocka_unit_test(test_flips),
	};
	return cmocka_run_group_tests_name("backup listing", tests, NULL, NULL);
}
