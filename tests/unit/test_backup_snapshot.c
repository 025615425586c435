/* Snapshot: the record of a backup goes to disk and back; whatever else is there is refused. */
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

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/backup/document.h"
#include "engine/backup/seal.h"
#include "engine/backup/snapshot.h"

static char folder[] = "/dev/shm/tare-unit-snapshot.XXXXXX";
static int dir;

static void make(struct snapshot_record *r)
{
	*r = (struct snapshot_record){.n = 300,
	        .about = {.volume = strdup("v\"o\nl"),
	                .host = strdup("h"),
	                .time = 1700000000123456789,
	                .bytes = (uint64_t)1 << 60,
	                .files = 2,
	                .entries = 3,
	                .added = 4,
	                .stored = 5}};
	r->listing = calloc(r->n, sizeof(*r->listing));
	for (size_t i = 0; i < r->n; i++)
		memset(r->listing[i].bytes, (int)i, 32);
}

static void there_and_back(const struct seal *s)
{
	cleanup_snapshot_record struct snapshot_record a, b = {0};
	struct err e = ERR_INIT;
	make(&a);
	if (snapshot_write(dir, s, &a, &e) < 0 || snapshot_read(dir, s, a.about.id, &b, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(a.about.id, b.about.id);
	assert_true(snapshot_id_is(a.about.id));
	assert_string_equal(a.about.volume, b.about.volume);
	assert_string_equal(a.about.host, b.about.host);
	assert_true(a.about.time == b.about.time && a.about.bytes == b.about.bytes);
	assert_true(b.about.files == 2 && b.about.entries == 3 && b.about.added == 4 && b.about.stored == 5);
	assert_int_equal(b.n, a.n);
	assert_memory_equal(a.listing, b.listing, a.n * sizeof(*a.listing));
	/* under another's name */
	assert_int_equal(renameat(dir, a.about.id, dir, "0123456789abcdef"), 0);
	snapshot_record_free(&b);
	assert_int_equal(snapshot_read(dir, s, "0123456789abcdef", &b, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
}

static void test_there_and_back(void **state)
{
	struct seal s = {0};
	char key[100];
	const unsigned char salt[SEAL_SALT_SIZE] = {0};
	(void)state;
	there_and_back(&s);
	snprintf(key, sizeof(key), "%s/key", folder);
	assert_int_equal(seal_open(&s, key, true, salt, NULL), 0);
	there_and_back(&s);
}

static int parse(const char *text, struct err *e)
{
	cleanup_snapshot_record struct snapshot_record r = {0};
	cleanup_json json *j = json_parse(text, strlen(text), "it", e);
	return j ? snapshot_from_json(j, &r, e) : -1;
}

#define COUNTS "\"bytes\":1,\"files\":1,\"entries\":1,\"added\":1,\"stored\":1,"
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_refused(void **state)
{
	static const char *const wrong[] = {"{}", "[]", "3", "{\"version\":\"1\"}",
	        "{\"version\":1," COUNTS "\"listing\":\"\"}", "{\"version\":1," COUNTS "\"listing\":\"00\"}",
	        "{\"version\":1," COUNTS "\"listing\":7}",
	        "{\"version\":1," COUNTS "\"listing\":\"" DIGEST "0\"}",
	        "{\"version\":1," COUNTS "\"bytes\":-1,\"listing\":\"" DIGEST "\"}",
	        "{\"version\":1,\"listing\":\"" DIGEST "\"}"};
	struct err e = ERR_INIT;
	(void)state;
	assert_int_equal(parse("{\"version\":1," COUNTS "\"listing\":\"" DIGEST "\"}", &e), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(parse(wrong[i], &e), -1);
		assert_true(e.msg[0]);
	}
	assert_int_equal(parse("{\"version\":2," COUNTS "\"listing\":\"" DIGEST "\"}", &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_false(snapshot_id_is("latest"));
	assert_false(snapshot_id_is("../3456789abcdef"));
	assert_false(snapshot_id_is("0123456789ABCDEF"));
}

static void test_flips(void **state)
{
	cleanup_snapshot_record struct snapshot_record a;
	cleanup_buf struct buf text = BUF_INIT;
	const struct seal s = {0};
	(void)state;
	make(&a);
	a.n = 1;
	assert_int_equal(snapshot_write(dir, &s, &a, NULL), 0);
	assert_int_equal(file_read_at(dir, a.about.id, &text, NULL), 0);
	for (size_t i = 0; i < 8 * text.len; i++) {
		struct document_digest digest;
		cleanup_free char *copy = malloc(text.len + 1);
		memcpy(copy, text.data, text.len + 1);
		copy[i / 8] ^= (char)(1 << i % 8);
		cleanup_json json *j = document_parse(copy, text.len, &s, &digest, NULL);
		assert_null(j);
	}
}

static int up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return seal_start(NULL);
}

static int down(void **state)
{
	(void)state;
	close(dir);
	return remove_tree_at(AT_FDCWD, folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_there_and_back),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_flips),
	};
	return cmocka_run_group_tests_name("backup snapshot", tests, up, down);
}
