/* Unpack and pack: names, whiteouts and what later entries do to earlier ones. The crafted hostile archives
 * are in tests/e2e/archives-hostile.bats. */
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

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/layer_path.h"
#include "engine/archive/pack.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/tar_reader.h"
#include "engine/archive/unpack.h"

static void test_paths(void **state)
{
	static const struct {
		const char *text;
		int kind; /* -1: refused */
		const char *parent, *name;
	} rows[] = {
	        {"a", LAYER_PATH_PLAIN, "", "a"},
	        {"./a", LAYER_PATH_PLAIN, "", "a"},
	        {"a//b/./c/", LAYER_PATH_PLAIN, "a/b", "c"},
	        {".", LAYER_PATH_PLAIN, "", ""},
	        {"./", LAYER_PATH_PLAIN, "", ""},
	        {"...", LAYER_PATH_PLAIN, "", "..."},
	        {"a/..b/c..", LAYER_PATH_PLAIN, "a/..b", "c.."},
	        {"x.wh.y", LAYER_PATH_PLAIN, "", "x.wh.y"},
	        {"a/.wh.b", LAYER_PATH_WHITEOUT, "a", "b"},
	        {".wh.b", LAYER_PATH_WHITEOUT, "", "b"},
	        {".wh...b", LAYER_PATH_WHITEOUT, "", "..b"},
	        {"a/.wh..wh..opq", LAYER_PATH_OPAQUE, "a", ""},
	        {".wh..wh..opq", LAYER_PATH_OPAQUE, "", ""},
	        {".wh..wh.plnk", LAYER_PATH_IGNORED, "", ".wh..wh.plnk"},
	        {".wh..wh.plnk/1.2", LAYER_PATH_IGNORED, ".wh..wh.plnk", "1.2"},
	        {"", -1, NULL, NULL},
	        {"/", -1, NULL, NULL},
	        {"/a", -1, NULL, NULL},
	        {"..", -1, NULL, NULL},
	        {"a/..", -1, NULL, NULL},
	        {"../a", -1, NULL, NULL},
	        {"a/../b", -1, NULL, NULL},
	        {".wh.", -1, NULL, NULL},
	        {".wh..", -1, NULL, NULL},
	        {".wh...", -1, NULL, NULL},
	        {"a/.wh./b", -1, NULL, NULL},
	        {".wh.a/b", -1, NULL, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct layer_path p;
		struct err e = ERR_INIT;
		int kind = layer_path_parse(rows[i].text, &p, &e);
		if (kind != rows[i].kind)
			fail_msg("\"%s\" is %d", rows[i].text, kind);
		if (kind >= 0) {
			assert_string_equal(p.parent, rows[i].parent);
			assert_string_equal(p.name, rows[i].name);
		}
	}
}

static void test_path_lengths(void **state)
{
	struct layer_path p;
	char text[8192];
	(void)state;
	memset(text, 'n', sizeof(text));
	text[255] = '\0';
	assert_int_equal(layer_path_parse(text, &p, NULL), LAYER_PATH_PLAIN);
	text[255] = 'n';
	text[256] = '\0';
	assert_int_equal(layer_path_parse(text, &p, NULL), -1);
	/* 4094 bytes in one-letter directories fit; nothing overflows around the limit. */
	for (size_t len = 4080; len < 4110; len++) {
		for (size_t i = 0; i < len; i++)
			text[i] = i % 2 ? '/' : 'a';
		text[len] = '\0';
		int kind = layer_path_parse(text, &p, NULL);
		assert_int_equal(kind, len < 4094 ? LAYER_PATH_PLAIN : kind);
		assert_true(strlen(p.parent) < sizeof(p.parent));
	}
	text[4500] = '\0';
	assert_int_equal(layer_path_parse(text, &p, NULL), -1);
}

static void test_link_targets(void **state)
{
	struct layer_path p;
	(void)state;
	assert_int_equal(layer_path_parse_link("/usr//bin/x", &p, NULL), 0);
	assert_string_equal(p.parent, "usr/bin");
	assert_string_equal(p.name, "x");
	assert_int_equal(layer_path_parse_link("../x", &p, NULL), -1);
	assert_int_equal(layer_path_parse_link("", &p, NULL), -1);
	assert_int_equal(layer_path_parse_link("/", &p, NULL), -1);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *field;
		bool ok;
		int64_t value;
	} rows[] = {
	        {"00000000017\0", true, 15},
	        {"         17 \0", true, 15},
	        {"\0\0\0\0\0\0\0\0\0\0\0", true, 0},
	        {"77777777777\0", true, 077777777777},
	        {"777777777777", true, 0777777777777},
	        {"00000000018\0", false, 0},
	        {"0x1\0\0\0\0\0\0\0\0", false, 0},
	        {"\x80\0\0\0\0\0\0\0\0\0\1\2", true, 258},
	        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", true, -1},
	        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", true, -256},
	        {"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", true, INT64_MAX},
	        {"\x80\0\0\0\x80\0\0\0\0\0\0\0", false, 0},
	        {"\x80\1\0\0\0\0\0\0\0\0\0\0", false, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t v = 0;
		uint64_t u = 0;
		bool ok = tar_signed((const unsigned char *)rows[i].field, 12, &v);
		if (ok != rows[i].ok || (ok && v != rows[i].value))
			fail_msg("row %zu: %d %lld", i, ok, (long long)v);
		assert_int_equal(tar_number((const unsigned char *)rows[i].field, 12, &u), ok && v >= 0);
	}
}

/* ------------------------------------------------------------------ trees */

struct fixture {
	char path[64];
	int dir, tar;
	struct pack pack;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->path, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->tar = memfd_create("tar", MFD_CLOEXEC);
	pack_init(&f->pack, f->tar);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close(f->dir);
	close(f->tar);
	remove_tree_at(AT_FDCWD, f->path);
	pack_free(&f->pack);
	free(f);
	return 0;
}

static void file(struct fixture *f, const char *name, const char *content)
{
	assert_int_equal(pack_file(&f->pack, name, content, strlen(content), NULL), 0);
}

static void dir(struct fixture *f, const char *name)
{
	const struct tar_member m = {.type = '5', .path = name, .link = "", .mode = 0755};

	assert_int_equal(tar_writer_begin(&f->pack.tar, &m, NULL), 0);
}

static int unpack(struct fixture *f, struct unpack_result *r, struct err *e)
{
	const struct inflate_options io = {.copy_fd = -1};
	const struct unpack_options uo = {.open_end = false};
	assert_int_equal(pack_finish(&f->pack, NULL), 0);
	assert_int_equal(lseek(f->tar, 0, SEEK_SET), 0);
	cleanup_inflate struct inflate *in = inflate_open(f->tar, &io, e);
	assert_non_null(in);
	return unpack_layer(in, f->dir, &uo, r, e);
}

static bool is_whiteout(struct fixture *f, const char *name)
{
	struct stat st;
	return fstatat(f->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(0, 0);
}

static bool is_opaque(struct fixture *f, const char *name)
{
	char value[4] = "";
	cleanup_fd int fd = openat(f->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, "trusted.overlay.opaque", value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

static void test_unpack_what_pack_wrote(void **state)
{
	struct fixture *f = *state;
	struct unpack_result r;
	struct err e = ERR_INIT;
	struct stat st;
	cleanup_buf struct buf b = BUF_INIT;
	char longest[200];
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "directory/", 10);
	longest[90] = '/';
	longest[sizeof(longest) - 20] = '\0';
	dir(f, "a/");
	file(f, "a/b", "content");
	file(f, "c/d/e", "");
	file(f, longest, "long name");
	if (unpack(f, &r, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(r.bytes, strlen("content") + strlen("long name"));
	assert_int_equal(r.entries, 4);
	assert_int_equal(file_read_at(f->dir, "a/b", &b, &e), 0);
	assert_string_equal(buf_str(&b), "content");
	assert_int_equal(fstatat(f->dir, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_mtime, 0);
	assert_int_equal(fstatat(f->dir, longest, &st, 0), 0);
}

static void test_pack_is_held_to_its_word(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	assert_int_equal(pack_begin(&f->pack, "a", 5, &e), 0);
	assert_int_equal(pack_data(&f->pack, "abcdef", 6, &e), -1);
	assert_int_equal(pack_data(&f->pack, "abcd", 4, &e), 0);
	assert_int_equal(pack_end(&f->pack, &e), -1);
	assert_int_equal(pack_data(&f->pack, "e", 1, &e), 0);
	assert_int_equal(pack_end(&f->pack, &e), 0);
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip(); /* whiteouts are devices */
}

static void test_whiteouts(void **state)
{
	struct fixture *f = *state;
	struct unpack_result r;
	struct err e = ERR_INIT;
	need_root();
	file(f, ".wh.gone", "");
	dir(f, "d/");
	file(f, "d/.wh.x", "");
	file(f, "e/.wh..wh..opq", "");
	file(f, "e/new", "new");
	file(f, ".wh..wh.plnk/1.2", "aufs");
	if (unpack(f, &r, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(is_whiteout(f, "gone"));
	assert_true(is_whiteout(f, "d/x"));
	assert_true(is_opaque(f, "e"));
	assert_false(is_opaque(f, "d"));
	assert_int_equal(faccessat(f->dir, "e/new", F_OK, 0), 0);
	assert_int_equal(faccessat(f->dir, ".wh..wh.plnk", F_OK, 0), -1);
}

/* A whiteout speaks of lower layers only: what the same layer has is not removed, but has to hide them. */
static void test_whiteouts_beside_entries(void **state)
{
	struct fixture *f = *state;
	struct unpack_result r;
	struct err e = ERR_INIT;
	need_root();
	file(f, "file-first", "stays");
	file(f, ".wh.file-first", "");
	file(f, ".wh.file-last", "");
	file(f, "file-last", "stays");
	dir(f, "dir-first/");
	file(f, "dir-first/x", "stays");
	file(f, ".wh.dir-first", "");
	file(f, ".wh.dir-last", "");
	dir(f, "dir-last/");
	file(f, ".wh.parent", "");
	file(f, "parent/child", "stays");
	if (unpack(f, &r, &e) < 0)
		fail_msg("%s", e.msg);
	assert_false(is_whiteout(f, "file-first"));
	assert_false(is_whiteout(f, "file-last"));
	assert_int_equal(faccessat(f->dir, "dir-first/x", F_OK, 0), 0);
	assert_true(is_opaque(f, "dir-first"));
	assert_true(is_opaque(f, "dir-last"));
	assert_true(is_opaque(f, "parent"));
	assert_int_equal(faccessat(f->dir, "parent/child", F_OK, 0), 0);
}

static void test_implied_parents_ignore_the_umask(void **state)
{
	struct fixture *f = *state;
	struct unpack_result r;
	struct err e = ERR_INIT;
	struct stat st;
	mode_t old = umask(077);
	file(f, "a/b/c", "x");
	int rc = unpack(f, &r, &e);
	umask(old);
	assert_int_equal(rc, 0);
	assert_int_equal(fstatat(f->dir, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(fstatat(f->dir, "a/b/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void test_archive_without_end(void **state)
{
	struct fixture *f = *state;
	const struct inflate_options io = {.copy_fd = -1};
	const struct tar_entry *entry;
	struct err e = ERR_INIT;
	file(f, "a", "x");
	assert_int_equal(pack_finish(&f->pack, NULL), 0);
	assert_int_equal(ftruncate(f->tar, 1024), 0);
	for (int open_end = 0; open_end < 2; open_end++) {
		assert_int_equal(lseek(f->tar, 0, SEEK_SET), 0);
		cleanup_inflate struct inflate *in = inflate_open(f->tar, &io, &e);
		cleanup_tar_reader struct tar_reader t = TAR_READER_INIT(in);
		t.open_end = open_end;
		assert_int_equal(tar_next(&t, &entry, &e), 1);
		assert_int_equal(tar_next(&t, &entry, &e), open_end ? 0 : -1);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_paths),
	        cmocka_unit_test(test_path_lengths),
	        cmocka_unit_test(test_link_targets),
	        cmocka_unit_test(test_numbers),
	        T(test_unpack_what_pack_wrote),
	        T(test_pack_is_held_to_its_word),
	        T(test_whiteouts),
	        T(test_whiteouts_beside_entries),
	        T(test_implied_parents_ignore_the_umask),
	        T(test_archive_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
