/* A volume's backup as an archive: whatever byte of it changes, that is found, and the file that it belongs
 * to is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/archive/tar_header.h"
#include "engine/archive/tar_writer.h"
#include "engine/backup/tar_manifest.h"
#include "engine/backup/tar_verify.h"
#include "engine/engine.h"
#include "engine/tare.h"
#include "tests/unit/store_box.h"

struct box {
	struct store_box store;
	char root[96], state[96], file[3][96]; /* tar, tar.gz, tar.zst */
	unsigned char *bytes;                  /* of the file at hand */
	size_t len;
	int fd;
};
static const char *const endings[] = {"tar", "tar.gz", "tar.zst"};

/* ------------------------------------------------------------------ a volume and its backups */

static int data_of(const struct box *b, const char *volume)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/volumes/%s/data", b->root, volume);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void make_file(int dir, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
}

static void fill_volume(const struct box *b)
{
	cleanup_fd int data = data_of(b, "v");
	assert_int_equal(mkdirat(data, "d", 0700), 0);
	make_file(data, "d/one", "some text");
	make_file(data, "d/two\nlines", "");
	assert_int_equal(linkat(data, "d/one", data, "hard", 0), 0);
	assert_int_equal(symlinkat("d/one", data, "soft"), 0);
	cleanup_fd int holes = openat(data, "holes", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(holes, "x", 1, 200000), 1);
	assert_int_equal(ftruncate(holes, 400000), 0);
}

static int back_up(const struct box *b, const char *file)
{
	struct err e = ERR_INIT;
	struct tare_backup_result r;
	const struct tare_backup q = {.volume = "v", .file = file, .level = -1};
	int rc = tare_volume_backup(b->root, b->state, &q, NULL, &r, &e);
	if (rc < 0)
		fail_msg("%s", e.msg);
	tare_backup_result_free(&r);
	return rc;
}

static int up(void **state)
{
	char made[VOLUME_NAME_MAX];
	struct box *b = calloc(1, sizeof(*b));
	assert_non_null(b);
	b->fd = -1;
	store_box_open(&b->store);
	snprintf(b->root, sizeof(b->root), "%s/root", b->store.dir);
	snprintf(b->state, sizeof(b->state), "%s/state", b->store.dir);
	const struct tare_volume_create how = {.name = "v"};
	assert_int_equal(volume_make(&b->store.store, &how, made, NULL), 0);
	fill_volume(b);
	for (size_t i = 0; i < 3; i++) {
		snprintf(b->file[i], sizeof(b->file[i]), "%s/b.%s", b->store.dir, endings[i]);
		back_up(b, b->file[i]);
	}
	*state = b;
	return 0;
}

static int down(void **state)
{
	struct box *b = *state;
	close_fd(&b->fd);
	free(b->bytes);
	store_box_close(&b->store);
	free(b);
	return 0;
}

static void load(struct box *b, size_t which)
{
	struct stat st;
	close_fd(&b->fd);
	free(b->bytes);
	b->fd = open(b->file[which], O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(b->fd, &st), 0);
	b->len = (size_t)st.st_size;
	b->bytes = malloc(b->len);
	assert_int_equal(pread(b->fd, b->bytes, b->len, 0), b->len);
}

/* ------------------------------------------------------------------ what is said of it */

struct said {
	char text[8192];
	uint64_t n;
	int rc;
	struct err e;
};

static void hear(void *arg, const char *line)
{
	struct said *s = arg;
	size_t len = strlen(s->text);
	snprintf(s->text + len, sizeof(s->text) - len, "%s\n", line);
}

static struct said verify(const char *file)
{
	struct said s = {0};
	s.rc = tar_verify(file, NULL, hear, &s, &s.n, &s.e);
	return s;
}

static void flip(const struct box *b, size_t at, unsigned char bits)
{
	unsigned char c = b->bytes[at] ^ bits;
	assert_int_equal(pwrite(b->fd, &c, 1, (off_t)at), 1);
}

/* ------------------------------------------------------------------ plain */

struct place {
	uint64_t at;
	char name[80];
};

/* Where each entry begins, by the archive's own list; the list itself is the last. */
static size_t places(const struct box *b, struct place *p, size_t max)
{
	static const char start[] = "#mtree\n";
	struct tar_manifest_line l;
	size_t n = 0;
	char *list = memmem(b->bytes, b->len, start, strlen(start));
	assert_non_null(list);
	cleanup_free char *copy = strndup(list, (size_t)((char *)b->bytes + b->len - list));
	char *rest = copy;
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (!*line)
			break;
		assert_true(tar_manifest_parse(line, &l));
		if (!l.path)
			continue;
		assert_true(n + 1 < max);
		p[n].at = l.at;
		snprintf(p[n].name, sizeof(p[n].name), "\"%.60s\"", l.path[0] ? l.path : ".");
		for (char *c = strchr(p[n].name, '\n'); c; c = NULL)
			*c = '\0'; /* as it is shown: what stands before the line's end will do */
		n++;
	}
	p[n].at = (uint64_t)((unsigned char *)list - b->bytes) - TAR_BLOCK_SIZE;
	snprintf(p[n].name, sizeof(p[n].name), "\"%s\"", TAR_MANIFEST_NAME);
	return n + 1;
}

static void test_each_byte_of_a_tar(void **state)
{
	struct box *b = *state;
	struct place p[16];
	load(b, 0);
	size_t n = places(b, p, 16), of = 0;
	assert_int_equal(n, 8);
	for (size_t at = 0; at < b->len; at++) {
		while (of + 1 < n && at >= p[of + 1].at)
			of++;
		flip(b, at, (unsigned char)(1u << at % 8));
		struct said s = verify(b->file[0]);
		const char *want = at >= b->len - 2 * TAR_BLOCK_SIZE ? "end marker" : p[of].name;
		if (s.rc != 0 || s.n != 1 || !strstr(s.text, want))
			fail_msg("byte %zu of %s: %d %s%s", at, want, s.rc, s.text, s.e.msg);
		flip(b, at, 0);
	}
	assert_int_equal(verify(b->file[0]).n, 0);
}

/* ------------------------------------------------------------------ compressed */

/* Two pieces: the files are in the first, the second is their list. */
static void each_byte(struct box *b, size_t which)
{
	load(b, which);
	const unsigned char *second = memmem(b->bytes + 60, b->len - 60, "TareFrm1", 8);
	assert_non_null(second);
	size_t head = which == 1 ? 16 : 8, list = (size_t)(second - b->bytes) - head;
	for (size_t at = 0; at < b->len; at++) {
		const char *want = at < list ? "\"" : TAR_MANIFEST_NAME;
		flip(b, at, (unsigned char)(1u << at % 8));
		struct said s = verify(b->file[which]);
		bool of_list = strstr(s.text, TAR_MANIFEST_NAME);
		if (s.rc != 0 || s.n < 1 || !strstr(s.text, want) || (at < list && of_list))
			fail_msg("byte %zu of %s: %d %s%s", at, want, s.rc, s.text, s.e.msg);
		flip(b, at, 0);
	}
	assert_int_equal(verify(b->file[which]).n, 0);
}

static void test_each_byte_of_a_gzip(void **state)
{
	each_byte(*state, 1);
}

static void test_each_byte_of_a_zstd(void **state)
{
	each_byte(*state, 2);
}

/* ------------------------------------------------------------------ lengths */

static void test_bytes_behind_the_end(void **state)
{
	struct box *b = *state;
	for (size_t i = 0; i < 3; i++)
		for (unsigned kind = 0; kind < 2; kind++) {
			char more[700];
			memset(more, kind ? 'x' : 0, sizeof(more));
			load(b, i);
			assert_int_equal(pwrite(b->fd, more, sizeof(more), (off_t)b->len), sizeof(more));
			struct said s = verify(b->file[i]);
			if (s.rc != 0 || s.n != 1 || !strstr(s.text, "behind the end"))
				fail_msg("%s: %d %s%s", endings[i], s.rc, s.text, s.e.msg);
			assert_int_equal(ftruncate(b->fd, (off_t)b->len), 0);
		}
}

static void test_a_cut_archive(void **state)
{
	struct box *b = *state;
	for (size_t i = 0; i < 3; i++) {
		load(b, i);
		for (size_t len = b->len - 1; len > 512; len -= len > 2048 ? 1021 : 97) {
			assert_int_equal(ftruncate(b->fd, (off_t)len), 0);
			struct said s = verify(b->file[i]);
			if (s.rc == 0 && s.n == 0)
				fail_msg("%s: %zu bytes of it are thought to be whole", endings[i], len);
		}
		assert_int_equal(pwrite(b->fd, b->bytes, b->len, 0), b->len);
		assert_int_equal(verify(b->file[i]).n, 0);
	}
}

/* ------------------------------------------------------------------ restores */

static int restore(const struct box *b, const char *file, struct err *e)
{
	struct tare_restore_result r;
	const struct tare_restore q = {.volume = "v", .from = file};
	int rc = tare_volume_restore(b->root, b->state, &q, NULL, &r, e);
	tare_restore_result_free(&r);
	return rc;
}

static void test_damage_leaves_the_old_data(void **state)
{
	struct box *b = *state;
	cleanup_fd int data = data_of(b, "v");
	make_file(data, "new", "since the backup");
	for (size_t i = 0; i < 3; i++) {
		load(b, i);
		for (size_t at = 7; at < b->len; at += b->len / 5) {
			struct err e = ERR_INIT;
			flip(b, at, 4);
			if (restore(b, b->file[i], &e) == 0)
				fail_msg("%s: byte %zu is wrong, and it was restored", endings[i], at);
			if (!strstr(e.msg, " is damaged: "))
				fail_msg("%s: byte %zu: %s", endings[i], at, e.msg);
			flip(b, at, 0);
		}
		cleanup_fd int now = data_of(b, "v");
		assert_int_equal(faccessat(now, "new", F_OK, 0), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		struct err e = ERR_INIT;
		if (restore(b, b->file[i], &e) < 0)
			fail_msg("%s", e.msg);
		cleanup_fd int now = data_of(b, "v");
		assert_int_equal(faccessat(now, "new", F_OK, 0), -1);
		assert_int_equal(faccessat(now, "d/two\nlines", F_OK, 0), 0);
		assert_int_equal(faccessat(now, TAR_MANIFEST_NAME, F_OK, 0), -1);
	}
}

static int to_file(void *arg, const void *data, size_t len, struct err *e)
{
	(void)e;
	return write_all(*(int *)arg, data, len);
}

/* A list of files that would fill the disk. */
static void test_a_list_that_is_too_long(void **state)
{
	struct box *b = *state;
	struct tar_member m;
	struct err e = ERR_INIT;
	struct tar_writer *w = calloc(1, sizeof(*w));
	cleanup_fd int fd = open(b->file[0], O_WRONLY | O_TRUNC | O_CLOEXEC);
	tar_manifest_member(&m, (uint64_t)1 << 40);
	tar_writer_init(w, to_file, &fd);
	assert_int_equal(tar_writer_begin(w, &m, NULL), 0);
	assert_int_equal(tar_writer_flush(w, NULL), 0);
	tar_writer_free(w);
	free(w);
	assert_int_equal(restore(b, b->file[0], &e), -1);
	assert_non_null(strstr(e.msg, "its list of files is too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_each_byte_of_a_tar, up, down),
	        cmocka_unit_test_setup_teardown(test_each_byte_of_a_gzip, up, down),
	        cmocka_unit_test_setup_teardown(test_each_byte_of_a_zstd, up, down),
	        cmocka_unit_test_setup_teardown(test_bytes_behind_the_end, up, down),
	        cmocka_unit_test_setup_teardown(test_a_cut_archive, up, down),
	        cmocka_unit_test_setup_teardown(test_damage_leaves_the_old_data, up, down),
	        cmocka_unit_test_setup_teardown(test_a_list_that_is_too_long, up, down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
