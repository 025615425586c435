/* Chunker: cuts are decided by content, within their bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "engine/backup/chunk.h"
#include "engine/backup/chunker.h"

#define SIZE ((size_t)24 << 20)

static unsigned char *random_bytes(size_t len, unsigned char which)
{
	unsigned char seed[randombytes_SEEDBYTES] = {which}, *p = malloc(len);
	assert_non_null(p);
	randombytes_buf_deterministic(p, len, seed);
	return p;
}

static void start(struct chunker *c, unsigned char which)
{
	const unsigned char seed[CHUNKER_SEED_SIZE] = {which};
	chunker_init(c, seed);
}

/* Where the chunks end, from the end of the data; how many. */
static size_t cuts(const struct chunker *c, const struct chunk_sizes *s, const unsigned char *p, size_t len,
        size_t *at, size_t max)
{
	size_t n = 0;
	while (len > 0) {
		size_t cut = chunker_cut(c, s, p, len < s->max ? len : s->max);
		assert_true(cut > 0 && cut <= len && cut <= s->max);
		assert_true(cut >= s->min || cut == len);
		p += cut;
		len -= cut;
		assert_true(n < max);
		at[n++] = len;
	}
	return n;
}

static void test_a_byte_in_front_moves_few_cuts(void **state)
{
	struct chunker c;
	size_t a[400], b[400], same = 0;
	(void)state;
	start(&c, 1);
	unsigned char *p = random_bytes(SIZE + 1, 2);
	size_t n = cuts(&c, &chunk_sizes_file, p + 1, SIZE, a, 400);
	size_t m = cuts(&c, &chunk_sizes_file, p, SIZE + 1, b, 400);
	for (size_t i = 0, k = 0; i < n && k < m;) {
		same += a[i] == b[k];
		if (a[i] > b[k])
			i++;
		else
			k++;
	}
	assert_true(same + 3 >= n);
	assert_in_range(SIZE / n, 700 << 10, 1500 << 10);
	free(p);
}

static void test_lengths(void **state)
{
	struct chunker c, other;
	size_t a[1000], b[1000];
	(void)state;
	start(&c, 1);
	start(&other, 3);
	unsigned char *p = random_bytes(SIZE / 4, 4);
	size_t n = cuts(&c, &chunk_sizes_listing, p, SIZE / 4, a, 1000);
	assert_in_range(SIZE / 4 / n, 80 << 10, 250 << 10);
	size_t m = cuts(&other, &chunk_sizes_listing, p, SIZE / 4, b, 1000);
	assert_true(n != m || memcmp(a, b, n * sizeof(*a)) != 0); /* another repository, other cuts */
	memset(p, 0, SIZE / 4);
	n = cuts(&c, &chunk_sizes_file, p, SIZE / 4, a, 1000);
	assert_int_equal(n, SIZE / 4 / chunk_sizes_file.max);
	assert_int_equal(chunker_cut(&c, &chunk_sizes_file, p, 1), 1);
	assert_int_equal(chunker_cut(&c, &chunk_sizes_file, p, chunk_sizes_file.min), chunk_sizes_file.min);
	free(p);
}

/* Bundles are about as long whether their files are of 10 bytes or of 50 KiB. */
static void test_bundles(void **state)
{
	static const size_t sizes[] = {10, 1000, 50 << 10};
	struct chunker c;
	(void)state;
	start(&c, 5);
	unsigned char *p = random_bytes(SIZE, 6);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		size_t size = sizes[k], bundle = 0, n = 0, all = 0, at = 0;
		for (; at + size <= SIZE / (k ? 1 : 4); at += size) {
			bundle += CHUNKER_BUNDLED(size);
			all += CHUNKER_BUNDLED(size);
			if (!chunker_ends_bundle(&c, p + at, size, bundle))
				continue;
			assert_true(bundle >= 256 << 10);
			bundle = 0;
			n++;
		}
		assert_in_range(all / (n + 1), 500 << 10, 1700 << 10);
	}
	free(p);
}

static void test_word_hash(void **state)
{
	unsigned char data[100] = {0};
	(void)state;
	for (size_t len = 1; len <= sizeof(data); len++) {
		uint64_t right = word_hash(7, data, len);
		assert_true(right != word_hash(7, data, len - 1) && right != word_hash(8, data, len));
		for (size_t i = 0; i < len; i++)
			for (unsigned bit = 0; bit < 8; bit++) {
				data[i] ^= (unsigned char)(1 << bit);
				assert_true(word_hash(7, data, len) != right);
				data[i] ^= (unsigned char)(1 << bit);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_byte_in_front_moves_few_cuts),
	        cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_bundles),
	        cmocka_unit_test(test_word_hash),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("backup chunker", tests, NULL, NULL);
}
