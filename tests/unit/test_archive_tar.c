/* Tar archives as others write them, and as nobody should: what becomes of each kind of header. Those that
 * try to break out are in tests/e2e/archives-hostile.bats. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/unpack.h"

struct fixture {
	char path[64];
	int dir;
	struct buf tar;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->path, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close(f->dir);
	remove_tree_at(AT_FDCWD, f->path);
	buf_free(&f->tar);
	free(f);
	return 0;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* ------------------------------------------------------------------ writing */

static void seal(unsigned char *h)
{
	unsigned sum = 0;
	memset(h + TAR_AT_CHECKSUM, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += h[i];
	snprintf((char *)h + TAR_AT_CHECKSUM, 8, "%06o", sum);
}

/* A header; *h is it until the next one, to be changed and sealed again. */
static unsigned char *head(struct fixture *f, const char *name, char type, size_t size, const char *link)
{
	unsigned char *h = (unsigned char *)buf_reserve(&f->tar, TAR_BLOCK_SIZE);
	memset(h, 0, TAR_BLOCK_SIZE);
	memcpy(h + TAR_AT_NAME, name, strnlen(name, 100));
	memcpy(h + TAR_AT_LINK, link, strnlen(link, 100));
	strcpy((char *)h + TAR_AT_MODE, type == '5' ? "0000755" : "0000644");
	snprintf((char *)h + TAR_AT_SIZE, 12, "%011zo", size);
	h[TAR_AT_TYPE] = (unsigned char)type;
	memcpy(h + TAR_AT_MAGIC, "ustar\00000", 8);
	seal(h);
	f->tar.len += TAR_BLOCK_SIZE;
	return h;
}

static void body(struct fixture *f, const void *data, size_t len)
{
	buf_add(&f->tar, data, len);
	while (f->tar.len % TAR_BLOCK_SIZE)
		buf_char(&f->tar, '\0');
}

static void file(struct fixture *f, const char *name, const char *content)
{
	head(f, name, '0', strlen(content), "");
	body(f, content, strlen(content));
}

/* "LENGTH KEY=VALUE\n", whose length counts itself. */
static void record(struct buf *b, const char *key, const void *value, size_t len)
{
	size_t n = strlen(key) + len + 3, total = n + 1;
	char digits[24];
	while ((size_t)snprintf(digits, sizeof(digits), "%zu", total) + n != total)
		total = n + strlen(digits);
	buf_printf(b, "%zu %s=", total, key);
	buf_add(b, value, len);
	buf_char(b, '\n');
}

static void pax_header(struct fixture *f, const struct buf *records)
{
	head(f, "pax", 'x', records->len, "");
	body(f, records->data, records->len);
}

/* One pax record for the next entry. */
static void pax_bytes(struct fixture *f, const char *key, const void *value, size_t len)
{
	cleanup_buf struct buf b = BUF_INIT;
	record(&b, key, value, len);
	pax_header(f, &b);
}

static void pax(struct fixture *f, const char *key, const char *value)
{
	pax_bytes(f, key, value, strlen(value));
}

static void end(struct fixture *f)
{
	for (size_t i = 0; i < 2 * TAR_BLOCK_SIZE; i++)
		buf_char(&f->tar, '\0');
}

/* ------------------------------------------------------------------ reading */

static ssize_t feed(void *arg, void *data, size_t len, struct err *e)
{
	struct buf *b = arg;
	size_t n = len < b->len ? len : b->len;
	(void)e;
	memcpy(data, b->data, n);
	b->data += n;
	b->len -= n;
	return (ssize_t)n;
}

static int unpack(struct fixture *f)
{
	struct buf rest = f->tar;
	const struct inflate_options io = {.copy_fd = -1, .read = feed, .arg = &rest};
	const struct unpack_options uo = {.open_end = false};
	struct unpack_result r;
	f->e = (struct err)ERR_INIT;
	cleanup_inflate struct inflate *in = inflate_open(-1, &io, &f->e);
	assert_non_null(in);
	return unpack_layer(in, f->dir, &uo, &r, &f->e);
}

static void good(struct fixture *f)
{
	end(f);
	if (unpack(f) < 0)
		fail_msg("%s", f->e.msg);
}

static void bad(struct fixture *f, const char *why)
{
	end(f);
	assert_int_equal(unpack(f), -1);
	if (!strstr(f->e.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", f->e.msg, why);
}

static void has(struct fixture *f, const char *name, const char *content)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	if (file_read_at(f->dir, name, &b, &e) < 0)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_str(&b), content);
}

static struct stat look(struct fixture *f, const char *name)
{
	struct stat st;
	if (fstatat(f->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s is missing", name);
	return st;
}

/* ------------------------------------------------------------------ names */

static void test_foreign_names(void **state)
{
	struct fixture *f = *state;
	file(f, "latin-\xfc", "1");
	pax(f, "path", "pax-\xfc/\xf6");
	file(f, "x", "2");
	pax(f, "path", "utf-\xc3\xbc");
	file(f, "x", "3");
	file(f, "Case", "4");
	file(f, "case", "5");
	pax(f, "linkpath", "latin-\xfc");
	head(f, "hard", '1', 0, "x");
	good(f);
	has(f, "latin-\xfc", "1");
	has(f, "pax-\xfc/\xf6", "2");
	has(f, "utf-\xc3\xbc", "3");
	has(f, "Case", "4");
	has(f, "case", "5");
	has(f, "hard", "1");
}

static void test_gnu_long_names(void **state)
{
	struct fixture *f = *state;
	char name[300], target[300], got[400];
	memset(name, 'n', sizeof(name));
	memset(target, 't', sizeof(target));
	name[250] = target[299] = '\0';
	head(f, "././@LongLink", 'K', strlen(target) + 1, "");
	body(f, target, strlen(target) + 1);
	head(f, "././@LongLink", 'L', strlen(name) + 1, "");
	body(f, name, strlen(name) + 1);
	head(f, "short", '2', 0, "short");
	good(f);
	ssize_t len = readlinkat(f->dir, name, got, sizeof(got));
	assert_int_equal(len, strlen(target));
	assert_memory_equal(got, target, strlen(target));
}

static void test_chain_of_long_names(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 20; i++) {
		head(f, "././@LongLink", 'L', 2, "");
		body(f, "x", 2);
	}
	file(f, "y", "");
	bad(f, "too many extended headers");
}

/* A name that grew after the last entry's, and then an error that names it. */
static void test_damage_behind_a_long_name(void **state)
{
	struct fixture *f = *state;
	char name[3000];
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	file(f, "short", "");
	pax(f, "path", name);
	pax(f, "mtime", "never");
	file(f, "x", "");
	bad(f, "at \"nnnn");
}

static void test_links_and_directories_over_each_other(void **state)
{
	struct fixture *f = *state;
	head(f, "a", '2', 0, "/tmp");
	head(f, "a/", '5', 0, "");
	file(f, "a/inside", "1");
	head(f, "b/", '5', 0, "");
	file(f, "b/gone", "2");
	head(f, "b", '2', 0, "a");
	file(f, "b/through", "3");
	good(f);
	assert_true(S_ISDIR(look(f, "a").st_mode));
	assert_true(S_ISLNK(look(f, "b").st_mode));
	has(f, "a/inside", "1");
	has(f, "a/through", "3");
	assert_int_equal(faccessat(f->dir, "a/gone", F_OK, 0), -1);
}

/* ------------------------------------------------------------------ numbers */

static void base_256(unsigned char *field, size_t len, uint64_t value)
{
	memset(field, value >> 63 ? 0xff : 0, len);
	for (size_t i = 0; i < 8 && i < len; i++)
		field[len - 1 - i] = (unsigned char)(value >> (8 * i));
	field[0] |= 0x80;
}

static void test_large_owners_and_old_times(void **state)
{
	struct fixture *f = *state;
	need_root();
	unsigned char *h = head(f, "a", '0', 0, "");
	base_256(h + TAR_AT_UID, 8, 3000000000u);
	base_256(h + TAR_AT_GID, 8, 4294967294u);
	base_256(h + TAR_AT_MTIME, 12, (uint64_t)-86400);
	seal(h);
	pax(f, "uid", "4000000000");
	pax(f, "mtime", "-1.25");
	file(f, "b", "");
	good(f);
	struct stat a = look(f, "a"), b = look(f, "b");
	assert_int_equal(a.st_uid, 3000000000u);
	assert_int_equal(a.st_gid, 4294967294u);
	assert_int_equal(a.st_mtime, -86400);
	assert_int_equal(b.st_uid, 4000000000u);
	assert_int_equal(b.st_mtim.tv_sec, -2);
	assert_int_equal(b.st_mtim.tv_nsec, 750000000);
}

static void test_owner_that_means_nobody(void **state)
{
	struct fixture *f = *state;
	pax(f, "gid", "4294967295"); /* chown(2)'s "leave it" */
	file(f, "a", "");
	bad(f, "owner is out of range");
}

static void test_pax_size(void **state)
{
	struct fixture *f = *state;
	pax(f, "size", "5");
	head(f, "a", '0', 0, "");
	body(f, "hello", 5);
	file(f, "b", "next");
	good(f);
	has(f, "a", "hello");
	has(f, "b", "next");
}

static void test_pax_size_that_lies(void **state)
{
	static const char *const values[] = {"-1", "0x10", "9223372036854775808", "99999999999999999999", ""};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		f->tar.len = 0;
		pax(f, "size", values[i]);
		file(f, "a", "x");
		bad(f, "size is wrong");
	}
	f->tar.len = 0;
	pax(f, "size", "9223372036854775807");
	file(f, "a", "x");
	bad(f, "1 TiB");
}

/* Whatever size a header states for them, these have no data, so that all readers see the same entries. */
static void test_sizes_of_what_has_no_data(void **state)
{
	struct fixture *f = *state;
	need_root();
	file(f, "file", "content");
	pax(f, "mtime", "1");
	head(f, "hard", '1', 600, "file");
	head(f, "soft", '2', 600, "file");
	head(f, "dir/", '5', 600, "");
	head(f, "fifo", '6', 600, "");
	unsigned char *h = head(f, "null", '3', 600, "");
	strcpy((char *)h + TAR_AT_MAJOR, "0000001");
	seal(h);
	file(f, "next", "is there");
	good(f);
	has(f, "next", "is there");
	has(f, "hard", "content");
	assert_int_equal(look(f, "file").st_nlink, 2);
}

/* ------------------------------------------------------------------ attributes */

static void test_set_id_bits_and_capabilities(void **state)
{
	static const unsigned char cap[20] = {1, 0, 0, 2, 0, 0x20}; /* VFS_CAP_REVISION_2, cap_net_raw */
	struct fixture *f = *state;
	unsigned char got[32];
	need_root();
	pax_bytes(f, "SCHILY.xattr.security.capability", cap, sizeof(cap));
	unsigned char *h = head(f, "ping", '0', 0, "");
	strcpy((char *)h + TAR_AT_MODE, "0006755");
	strcpy((char *)h + TAR_AT_UID, "0001750");
	seal(h);
	h = head(f, "dir/", '5', 0, "");
	strcpy((char *)h + TAR_AT_MODE, "0003777");
	seal(h);
	good(f);
	assert_int_equal(look(f, "ping").st_mode, S_IFREG | 06755);
	assert_int_equal(look(f, "ping").st_uid, 1000);
	assert_int_equal(look(f, "dir").st_mode, S_IFDIR | 03777);
	cleanup_fd int fd = openat(f->dir, "ping", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(fd, "security.capability", got, sizeof(got)), sizeof(cap));
	assert_memory_equal(got, cap, sizeof(cap));
}

static void test_other_attributes(void **state)
{
	static const char *const dropped[] = {"security.selinux", "trusted.other", "security.ima"};
	struct fixture *f = *state;
	char got[64], key[64];
	need_root();
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		snprintf(key, sizeof(key), "SCHILY.xattr.%s", dropped[i]);
		pax(f, key, "x");
		file(f, dropped[i], "");
	}
	good(f);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		cleanup_fd int fd = openat(f->dir, dropped[i], O_RDONLY | O_CLOEXEC);
		assert_int_equal(fgetxattr(fd, dropped[i], got, sizeof(got)), -1);
	}
}

static void test_huge_attribute(void **state)
{
	struct fixture *f = *state;
	size_t len = (size_t)100 << 10; /* XATTR_SIZE_MAX is 64 KiB */
	cleanup_free char *value = calloc(1, len);
	need_root();
	pax_bytes(f, "SCHILY.xattr.user.huge", value, len);
	file(f, "a", "");
	bad(f, "extended attribute \"user.huge\"");
}

/* Memory for it is not even asked for. */
static void test_huge_extended_header(void **state)
{
	struct fixture *f = *state;
	size_t len = (size_t)1100 << 10;
	cleanup_free char *value = malloc(len);
	memset(value, 'x', len);
	pax_bytes(f, "comment", value, len);
	file(f, "a", "");
	bad(f, "an extended header is too long");
}

/* ------------------------------------------------------------------ sparse files */

static void check_sparse(struct fixture *f, const char *name, const char *data, off_t offset, off_t size)
{
	char got[16] = "";
	struct stat st = look(f, name);
	assert_int_equal(st.st_size, size);
	cleanup_fd int fd = openat(f->dir, name, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, got, strlen(data), offset), strlen(data));
	assert_string_equal(got, data);
}

static void test_sparse_forms(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf map = BUF_INIT;
	unsigned char *h = head(f, "old", 'S', 8, "");
	memcpy(h + TAR_AT_MAGIC, "ustar  ", 8);
	strcpy((char *)h + 386, "00000001000");
	strcpy((char *)h + 398, "00000000004");
	strcpy((char *)h + 410, "00000010000");
	strcpy((char *)h + 422, "00000000004");
	strcpy((char *)h + 483, "00000020000");
	seal(h);
	body(f, "headtail", 8);
	record(&map, "GNU.sparse.size", "100000", 6);
	record(&map, "GNU.sparse.numblocks", "2", 1);
	record(&map, "GNU.sparse.offset", "9000", 4);
	record(&map, "GNU.sparse.numbytes", "4", 1);
	record(&map, "GNU.sparse.offset", "99000", 5);
	record(&map, "GNU.sparse.numbytes", "4", 1);
	pax_header(f, &map);
	head(f, "form-0.0", '0', 8, "");
	body(f, "headtail", 8);
	file(f, "next", "x");
	good(f);
	check_sparse(f, "old", "head", 01000, 020000);
	check_sparse(f, "old", "tail", 010000, 020000);
	check_sparse(f, "form-0.0", "head", 9000, 100000);
	check_sparse(f, "form-0.0", "tail", 99000, 100000);
	has(f, "next", "x");
}

/* A map may not cost more memory than the file is worth. */
static void test_sparse_map_without_end(void **state)
{
	struct fixture *f = *state;
	char block[TAR_BLOCK_SIZE] = "";
	unsigned char *h = head(f, "old", 'S', 0, "");
	h[482] = 1;
	strcpy((char *)h + 483, "00000020000");
	seal(h);
	for (int i = 0; i < 21; i++) {
		strcpy(block + i * 24, "00000000000");
		strcpy(block + i * 24 + 12, "00000000000");
	}
	block[504] = 1;
	for (int i = 0; i < 5000; i++)
		buf_add(&f->tar, block, sizeof(block));
	bad(f, "too many pieces");
}

/* ------------------------------------------------------------------ many */

struct flood {
	unsigned char header[TAR_BLOCK_SIZE];
	uint64_t left;
};

static ssize_t flood(void *arg, void *data, size_t len, struct err *e)
{
	struct flood *f = arg;
	(void)e;
	size_t n = len / TAR_BLOCK_SIZE < f->left ? len / TAR_BLOCK_SIZE : (size_t)f->left;
	for (size_t i = 0; i < n; i++)
		memcpy((char *)data + i * TAR_BLOCK_SIZE, f->header, TAR_BLOCK_SIZE);
	f->left -= n;
	return (ssize_t)(n * TAR_BLOCK_SIZE);
}

static void test_endless_entries(void **state)
{
	struct fixture *f = *state;
	struct flood source = {.left = 5000002};
	const struct inflate_options io = {.copy_fd = -1, .read = flood, .arg = &source};
	const struct tar_entry *entry;
	uint64_t n = 0;
	int rc;
	memcpy(source.header, head(f, "a", '0', 0, ""), TAR_BLOCK_SIZE);
	cleanup_inflate struct inflate *in = inflate_open(-1, &io, &f->e);
	cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
	while ((rc = tar_next(&t, &entry, &f->e)) > 0)
		n++;
	assert_int_equal(rc, -1);
	assert_int_equal(n, 5000000);
	assert_non_null(strstr(f->e.msg, "5,000,000 entries"));
}

/* Few entries cannot make many directories by naming them only; a deep tree that is described can be made. */
static void test_directories_that_no_entry_describes(void **state)
{
	struct fixture *f = *state;
	char name[4096];
	f->tar.max = (size_t)64 << 20;
	for (int i = 0; i < 3; i++) {
		int at = snprintf(name, sizeof(name), "%02d", i);
		for (int k = 0; k < 1500; k++, at += 2)
			strcpy(name + at, "/d");
		strcpy(name + at, "/f");
		pax(f, "path", name);
		file(f, "x", "");
	}
	bad(f, "more directories than it describes");
	f->tar.len = 0;
	for (int k = 0, at = 0; k < 1500; k++, at += 2) {
		strcpy(name + at, "e/");
		pax(f, "path", name);
		head(f, "x", '5', 0, "");
	}
	good(f);
}

/* A parent that is a link of the layer is followed, also where more of the path is missing. */
static void test_missing_parents_behind_a_link(void **state)
{
	struct fixture *f = *state;
	head(f, "usr/", '5', 0, "");
	head(f, "usr/lib/", '5', 0, "");
	head(f, "lib", '2', 0, "usr/lib");
	head(f, "usr/up", '2', 0, "../other");
	head(f, "other/", '5', 0, "");
	file(f, "lib/a/b/file", "1");
	file(f, "usr/up/c/file", "2");
	good(f);
	has(f, "usr/lib/a/b/file", "1");
	has(f, "other/c/file", "2");
	assert_true(S_ISLNK(look(f, "lib").st_mode));
}

/* Their times are set at the end, by what was said last, however many they are. */
static void test_times_of_many_directories(void **state)
{
	struct fixture *f = *state;
	char name[120], value[24];
	enum { DIRS = 2600 };
	f->tar.max = (size_t)64 << 20;
	pax(f, "mtime", "1");
	head(f, "twice/", '5', 0, "");
	for (int i = 0; i < DIRS; i++) {
		snprintf(name, sizeof(name), "%080d/", i);
		snprintf(value, sizeof(value), "%d", 1000 + i);
		pax(f, "mtime", value);
		head(f, name, '5', 0, "");
	}
	for (int i = 0; i < DIRS; i += 7) {
		snprintf(name, sizeof(name), "%080d/file", i);
		file(f, name, "x");
	}
	pax(f, "mtime", "2");
	head(f, "twice/", '5', 0, "");
	good(f);
	for (int i = 0; i < DIRS; i++) {
		snprintf(name, sizeof(name), "%080d", i);
		assert_int_equal(look(f, name).st_mtime, 1000 + i);
	}
	assert_int_equal(look(f, "twice").st_mtime, 2);
}

/* ------------------------------------------------------------------ ends */

/* What stands behind the end marker is another archive, which no reader looks at. */
static void test_concatenated_archives(void **state)
{
	struct fixture *f = *state;
	file(f, "first", "1");
	end(f);
	file(f, "second", "2");
	good(f);
	has(f, "first", "1");
	assert_int_equal(faccessat(f->dir, "second", F_OK, 0), -1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_foreign_names),
	        T(test_gnu_long_names),
	        T(test_chain_of_long_names),
	        T(test_damage_behind_a_long_name),
	        T(test_links_and_directories_over_each_other),
	        T(test_large_owners_and_old_times),
	        T(test_owner_that_means_nobody),
	        T(test_pax_size),
	        T(test_pax_size_that_lies),
	        T(test_sizes_of_what_has_no_data),
	        T(test_set_id_bits_and_capabilities),
	        T(test_other_attributes),
	        T(test_huge_attribute),
	        T(test_huge_extended_header),
	        T(test_sparse_forms),
	        T(test_sparse_map_without_end),
	        T(test_endless_entries),
	        T(test_directories_that_no_entry_describes),
	        T(test_missing_parents_behind_a_link),
	        T(test_times_of_many_directories),
	        T(test_concatenated_archives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
