/* The storage: names, blobs with their links, uploads that go on, and the index of a repository. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"
#include "engine/oci/manifest.h"
#include "registry/server/manifest_check.h"
#include "registry/server/quota.h"
#include "registry/server/storage.h"

struct fixture {
	char dir[64];
	int fd;
	struct storage *s;
};

static void open_again(struct fixture *f)
{
	struct err e = ERR_INIT;
	storage_close(f->s);
	f->s = storage_open(f->fd, false, &e);
	if (!f->s)
		fail_msg("%s", e.msg);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->fd = open(f->dir, O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	open_again(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	storage_close(f->s);
	close(f->fd);
	remove_tree_at(AT_FDCWD, f->dir);
	free(f);
	return 0;
}

static struct repository *repository(struct fixture *f, const char *name)
{
	struct err e = ERR_INIT;
	struct repository *r = repository_get(f->s, name, true, &e);
	if (!r)
		fail_msg("%s", e.msg);
	return r;
}

static struct digest digest_of(const char *text)
{
	struct digest d;
	assert_int_equal(hash_bytes("sha256", text, strlen(text), &d, NULL), 0);
	return d;
}

/* Of the storage's file; 0 when there is none. */
static unsigned links(struct fixture *f, const struct digest *d)
{
	char path[256], tail[DIGEST_TEXT_SIZE];
	struct stat st;
	snprintf(path, sizeof(path), "blobs/%s", digest_path(d, tail));
	return fstatat(f->fd, path, &st, 0) == 0 ? (unsigned)st.st_nlink : 0;
}

static unsigned add_blob(struct repository *r, const char *text, struct digest *d)
{
	char id[UPLOAD_ID_SIZE];
	unsigned fresh = 0;
	struct err e = ERR_INIT;
	*d = digest_of(text);
	assert_int_equal(upload_begin(r, NULL, "", id, &e), 0);
	struct upload *u = upload_open(r, id, "", &e);
	assert_non_null(u);
	assert_int_equal(upload_append(u, text, strlen(text), &e), 0);
	if (upload_commit(u, d, &fresh, &e) < 0)
		fail_msg("%s", e.msg);
	upload_close(u);
	return fresh;
}

static bool has(struct repository *r, const struct digest *d)
{
	uint64_t size;
	return blob_stat(r, d, &size);
}

static unsigned count_files(struct fixture *f, const char *dir)
{
	char command[256];
	unsigned n = 0;
	snprintf(command, sizeof(command), "find %s/%s -type f | wc -l", f->dir, dir);
	FILE *p = popen(command, "r");
	assert_int_equal(fscanf(p, "%u", &n), 1);
	pclose(p);
	return n;
}

/* ------------------------------------------------------------------ names */

static void test_names(void **state)
{
	static const char *const good[] = {"a", "a/b", "0", "a.b", "a_b", "a__b", "a-b", "a---b",
	        "library/busybox", "a/b/c/d/e", "xn--a.b-c_d__e/f"};
	static const char *const bad[] = {"", "/", "a/", "/a", "a//b", ".", "..", "a/..", "a/../b", "A", "aB",
	        "a.", ".a", "a..b", "a._b", "a___b", "a_", "_a", "a-", "-a", "a b", "a+b", "a:b", "a\n",
	        "a\x01", "\xc3\xa4", "a\\b"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!repository_name_ok(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (repository_name_ok(bad[i]))
			fail_msg("taken: %s", bad[i]);
	assert_true(tag_ok("latest") && tag_ok("_") && tag_ok("A.b-C_9"));
	assert_false(tag_ok("") || tag_ok(".a") || tag_ok("-a") || tag_ok("a/b") || tag_ok("a b") ||
	             tag_ok("a\n"));
	assert_true(media_type_ok("a/b") && media_type_ok(MEDIA_OCI_LAYER_GZIP));
	assert_false(media_type_ok("") || media_type_ok("a") || media_type_ok("/a") || media_type_ok("a/") ||
	             media_type_ok("a/b/c") || media_type_ok("a/\"b") || media_type_ok("a/b\r\n"));
	assert_true(upload_id_ok("0123456789abcdef0123456789abcdef"));
	assert_false(upload_id_ok("0123456789abcdef0123456789abcde") ||
	             upload_id_ok("../3456789abcdef0123456789abcdef") ||
	             upload_id_ok("0123456789ABCDEF0123456789abcdef"));
}

static void test_long_names(void **state)
{
	struct fixture *f = *state;
	char name[REPOSITORY_NAME_MAX + 2];
	memset(name, 'a', sizeof(name));
	name[REPOSITORY_NAME_MAX + 1] = '\0';
	assert_false(repository_name_ok(name));
	name[REPOSITORY_NAME_MAX] = '\0';
	repository_put(repository(f, name));
	for (size_t i = 1; i < REPOSITORY_NAME_MAX - 1; i += 2)
		name[i] = '/';
	repository_put(repository(f, name));
	assert_null(repository_get(f->s, "not/there", false, NULL));
}

/* ------------------------------------------------------------------ blobs */

static void test_links(void **state)
{
	struct fixture *f = *state;
	struct repository *a = repository(f, "a"), *b = repository(f, "b/c");
	struct digest d;
	uint64_t size = 0;
	struct err e = ERR_INIT;
	assert_int_equal(add_blob(a, "one", &d), QUOTA_BOTH);
	assert_int_equal(links(f, &d), 2);
	assert_int_equal(add_blob(a, "one", &d), 0);
	assert_int_equal(add_blob(b, "one", &d), QUOTA_REPOSITORY);
	assert_int_equal(links(f, &d), 3);
	assert_int_equal(blob_delete(a, &d, &size, &e), 0);
	assert_int_equal(size, 3);
	assert_false(has(a, &d));
	assert_true(has(b, &d));
	assert_int_equal(blob_delete(a, &d, &size, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(count_files(f, "uploads"), 0);
	repository_put(a);
	repository_put(b);
}

static bool only_b(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "b") == 0;
}

static void test_mount(void **state)
{
	struct fixture *f = *state;
	struct repository *a = repository(f, "a"), *b = repository(f, "b"), *c = repository(f, "c");
	struct digest in_a, in_b;
	uint64_t fresh;
	add_blob(a, "secret", &in_a);
	add_blob(b, "shared", &in_b);
	assert_int_equal(blob_mount(c, &in_a, "a", only_b, NULL, &fresh, NULL), 0);
	assert_int_equal(blob_mount(c, &in_a, NULL, only_b, NULL, &fresh, NULL), 0);
	assert_false(has(c, &in_a));
	assert_int_equal(blob_mount(c, &in_b, NULL, only_b, NULL, &fresh, NULL), 1);
	assert_int_equal(fresh, 6);
	assert_int_equal(blob_mount(c, &in_b, "b", only_b, NULL, &fresh, NULL), 1);
	assert_int_equal(fresh, 0);
	assert_int_equal(blob_mount(c, &in_a, "b", only_b, NULL, &fresh, NULL), 0);
	assert_int_equal(blob_mount(c, &in_a, "a", NULL, NULL, &fresh, NULL), 1);
	assert_int_equal(links(f, &in_a), 3);
	repository_put(a);
	repository_put(b);
	repository_put(c);
}

/* ------------------------------------------------------------------ uploads */

static void test_upload_goes_on_after_a_restart(void **state)
{
	struct fixture *f = *state;
	char id[UPLOAD_ID_SIZE];
	unsigned fresh;
	struct err e = ERR_INIT;
	struct digest d = digest_of("hello world");
	struct repository *r = repository(f, "a");
	assert_int_equal(upload_begin(r, "sha512", "me", id, &e), 0);
	struct upload *u = upload_open(r, id, "me", &e);
	assert_int_equal(upload_append(u, "hello ", 6, &e), 0);
	upload_close(u);
	repository_put(r);
	open_again(f);
	r = repository(f, "a");
	assert_null(upload_open(r, id, "you", &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	u = upload_open(r, id, "me", &e);
	assert_non_null(u);
	assert_int_equal(upload_size(u), 6);
	assert_int_equal(upload_append(u, "world", 5, &e), 0);
	assert_int_equal(upload_commit(u, &d, &fresh, &e), 0); /* by another algorithm than was announced */
	upload_close(u);
	assert_true(has(r, &d));
	assert_null(upload_open(r, id, "me", &e));
	repository_put(r);
}

static void test_upload_is_one_request_s(void **state)
{
	struct fixture *f = *state;
	char id[UPLOAD_ID_SIZE];
	uint64_t size = 99;
	struct err e = ERR_INIT;
	struct repository *a = repository(f, "a"), *b = repository(f, "b");
	assert_int_equal(upload_begin(a, NULL, "", id, &e), 0);
	struct upload *u = upload_open(a, id, "", &e);
	assert_non_null(u);
	assert_null(upload_open(a, id, "", &e));
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_null(upload_open(b, id, "", &e));
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(upload_append(u, "0123456789", 10, &e), 0);
	assert_int_equal(upload_look(a, id, "", &size, &e), 0);
	assert_int_equal(size, 10);
	assert_int_equal(upload_truncate(u, 4, &e), 0);
	upload_close(u);
	u = upload_open(a, id, "", &e);
	assert_int_equal(upload_size(u), 4);
	assert_int_equal(upload_cancel(u, &e), 0);
	upload_close(u);
	assert_int_equal(upload_look(a, id, "", &size, &e), -1);
	assert_int_equal(count_files(f, "uploads"), 0);
	repository_put(a);
	repository_put(b);
}

static void test_wrong_digest_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char id[UPLOAD_ID_SIZE];
	unsigned fresh;
	struct err e = ERR_INIT;
	struct digest d = digest_of("other");
	struct repository *r = repository(f, "a");
	assert_int_equal(upload_begin(r, NULL, "", id, &e), 0);
	struct upload *u = upload_open(r, id, "", &e);
	assert_int_equal(upload_append(u, "data", 4, &e), 0);
	assert_int_equal(upload_commit(u, &d, &fresh, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	upload_close(u);
	assert_int_equal(count_files(f, "uploads") + count_files(f, "blobs"), 0);
	repository_put(r);
}

/* A disk that is full in the middle of a piece: what is kept is what was hashed. */
static void test_failed_write_is_taken_back(void **state)
{
	struct fixture *f = *state;
	char id[UPLOAD_ID_SIZE], piece[256] = "";
	unsigned fresh;
	struct err e = ERR_INIT;
	struct digest d = digest_of("kept");
	struct repository *r = repository(f, "a");
	assert_int_equal(upload_begin(r, NULL, "", id, &e), 0);
	struct upload *u = upload_open(r, id, "", &e);
	assert_int_equal(upload_append(u, "kept", 4, &e), 0);
	struct rlimit limit, old;
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){100, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int rc = upload_append(u, piece, sizeof(piece), &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -1);
	assert_int_equal(upload_size(u), 4);
	assert_int_equal(upload_commit(u, &d, &fresh, &e), 0);
	upload_close(u);
	assert_true(has(r, &d));
	repository_put(r);
}

static void test_purge(void **state)
{
	struct fixture *f = *state;
	char stale[UPLOAD_ID_SIZE], used[UPLOAD_ID_SIZE];
	unsigned n = 0;
	struct err e = ERR_INIT;
	struct repository *r = repository(f, "a");
	assert_int_equal(upload_begin(r, NULL, "", stale, &e), 0);
	assert_int_equal(upload_begin(r, NULL, "", used, &e), 0);
	assert_int_equal(uploads_purge(f->s, 1, NULL, &n, &e), 0);
	assert_int_equal(n, 0);
	struct upload *u = upload_open(r, used, "", &e);
	assert_int_equal(uploads_purge(f->s, INT64_MAX, NULL, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(upload_append(u, "x", 1, &e), 0);
	upload_close(u);
	assert_null(upload_open(r, stale, "", &e));
	assert_int_equal(count_files(f, "uploads"), 2);
	/* a kill between the upload and its record */
	char left[64];
	snprintf(left, sizeof(left), "uploads/%s", used);
	assert_int_equal(unlinkat(f->fd, left, 0), 0);
	assert_int_equal(uploads_purge(f->s, 1, NULL, &n, &e), 0);
	assert_int_equal(count_files(f, "uploads"), 1);
	assert_int_equal(uploads_purge(f->s, INT64_MAX, NULL, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(count_files(f, "uploads"), 0);
	repository_put(r);
}

static void test_uploads_are_bounded(void **state)
{
	struct fixture *f = *state;
	char id[UPLOAD_ID_SIZE];
	unsigned n = 0;
	struct err e = ERR_INIT;
	struct repository *r = repository(f, "a");
	for (int i = 0; i < UPLOADS_MAX; i++)
		assert_int_equal(upload_begin(r, NULL, "", id, &e), 0);
	assert_int_equal(upload_begin(r, NULL, "", id, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	open_again(f); /* those of a process before count, too, once they are known */
	r = repository(f, "a");
	struct quota *q = quota_new(&(struct quota_options){0}, f->fd);
	assert_int_equal(storage_count(f->s, q, &e), 0);
	assert_int_equal(upload_begin(r, NULL, "", id, &e), -1);
	assert_int_equal(uploads_purge(f->s, INT64_MAX, q, &n, &e), 0);
	assert_int_equal(n, UPLOADS_MAX);
	assert_int_equal(upload_begin(r, NULL, "", id, &e), 0);
	quota_free(q);
	repository_put(r);
}

/* ------------------------------------------------------------------ manifests */

static struct digest put(struct repository *r, const char *doc, const char *const *tags)
{
	struct manifest_facts facts = {.media_type = MEDIA_OCI_MANIFEST};
	char **v = NULL;
	unsigned fresh;
	struct err e = ERR_INIT;
	struct digest d = digest_of(doc);
	for (; tags && *tags; tags++)
		strv_add(&v, *tags);
	if (manifest_put(r, doc, strlen(doc), &d, &facts, v, &fresh, &e) < 0)
		fail_msg("%s", e.msg);
	strv_free(v);
	return d;
}

static bool leads_to(struct repository *r, const char *reference, const struct digest *d)
{
	struct stored_manifest m;
	return manifest_get(r, reference, &m, NULL) == 0 && digest_equal(&m.digest, d);
}

static void tags_are(struct repository *r, const char *last, size_t n, const char *want, bool want_more)
{
	cleanup_strv char **tags = NULL;
	cleanup_buf struct buf b = BUF_INIT;
	bool more = !want_more;
	assert_int_equal(tags_list(r, last, n, &tags, &more, NULL), 0);
	strv_foreach (t, tags)
		buf_printf(&b, "%s%s", b.len ? " " : "", *t);
	assert_string_equal(buf_str(&b), want);
	assert_int_equal(more, want_more);
}

static void test_tags(void **state)
{
	struct fixture *f = *state;
	uint64_t size;
	char text[DIGEST_TEXT_SIZE];
	struct err e = ERR_INIT;
	struct repository *r = repository(f, "a");
	assert_false(repository_has_index(r));
	struct digest one = put(r, "1", (const char *[]){"b", "a", "B", NULL});
	struct digest two = put(r, "22", (const char *[]){"c", "b", NULL});
	struct digest bare = put(r, "333", NULL);
	tags_are(r, NULL, 9, "B a b c", false);
	tags_are(r, NULL, 2, "B a", true);
	tags_are(r, "a", 2, "b c", false);
	tags_are(r, "aa", 1, "b", true);
	tags_are(r, "z", 1, "", false);
	tags_are(r, NULL, 0, "", true);
	assert_true(leads_to(r, "a", &one) && leads_to(r, "b", &two));
	repository_put(r);
	open_again(f); /* what is on the disk is the same */
	r = repository(f, "a");
	assert_true(repository_has_index(r));
	tags_are(r, NULL, 9, "B a b c", false);
	assert_true(leads_to(r, digest_text(&bare, text), &bare));
	assert_int_equal(manifest_delete(r, "a", &size, &e), 0);
	assert_true(leads_to(r, digest_text(&one, text), &one));
	assert_int_equal(manifest_delete(r, digest_text(&two, text), &size, &e), 0);
	assert_int_equal(size, 2);
	tags_are(r, NULL, 9, "B", false);
	assert_int_equal(manifest_delete(r, "a", &size, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(links(f, &two), 1);
	repository_put(r);
}

static int see(void *arg, const struct digest *d, const char *type, const char *tag)
{
	struct buf *b = arg;
	(void)d, (void)type;
	buf_printf(b, "[%s]", tag);
	return 0;
}

static void test_each_manifest(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf b = BUF_INIT;
	struct repository *r = repository(f, "a");
	put(r, "1", (const char *[]){"x", "y", NULL});
	put(r, "2", NULL);
	assert_int_equal(manifests_each(r, see, &b), 0);
	assert_string_equal(buf_str(&b), "[x][y][]");
	repository_put(r);
}

static void test_referrers(void **state)
{
	struct fixture *f = *state;
	uint64_t size;
	unsigned fresh;
	char text[DIGEST_TEXT_SIZE], type[] = "x/y";
	struct digest subject = digest_of("subject");
	struct repository *r = repository(f, "a");
	cleanup_buf struct buf doc = BUF_INIT;
	struct manifest_facts facts = {
	        .media_type = MEDIA_OCI_MANIFEST, .subject = subject, .artifact_type = type};
	buf_printf(&doc, "{\"subject\":{\"digest\":\"%s\"}}", digest_text(&subject, text));
	struct digest d = digest_of(buf_str(&doc));
	for (int i = 0; i < 2; i++)
		assert_int_equal(manifest_put(r, doc.data, doc.len, &d, &facts, NULL, &fresh, NULL), 0);
	cleanup_json json *all = referrers_list(r, &subject, NULL, NULL);
	assert_int_equal(json_object_array_length(json_get(all, "manifests")), 1);
	cleanup_json json *some = referrers_list(r, &subject, "x/z", NULL);
	assert_int_equal(json_object_array_length(json_get(some, "manifests")), 0);
	assert_int_equal(manifest_delete(r, digest_text(&d, text), &size, NULL), 0);
	assert_int_equal(count_files(f, "repositories/a/referrers"), 0);
	repository_put(r);
}

static void test_catalog(void **state)
{
	static const char *const names[] = {"b", "a/b", "a-b", "a", "a.b", "empty"};
	struct fixture *f = *state;
	cleanup_strv char **all = NULL, **some = NULL;
	bool more;
	for (size_t i = 0; i < 6; i++) {
		struct repository *r = repository(f, names[i]);
		if (i < 5)
			put(r, "1", NULL);
		repository_put(r);
	}
	assert_int_equal(storage_catalog(f->s, NULL, 9, NULL, NULL, &all, &more, NULL), 0);
	assert_int_equal(strv_len(all), 5);
	assert_true(!more && !strcmp(all[0], "a") && !strcmp(all[1], "a-b") && !strcmp(all[2], "a.b") &&
	            !strcmp(all[3], "a/b"));
	assert_int_equal(storage_catalog(f->s, "a-b", 1, NULL, NULL, &some, &more, NULL), 0);
	assert_true(more && strv_len(some) == 1 && !strcmp(some[0], "a.b"));
}

/* ------------------------------------------------------------------ at the same time */

struct worker {
	struct fixture *f;
	int number;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	char tag[16], doc[32];
	for (int i = 0; i < 20; i++) {
		struct repository *r = repository_get(w->f->s, "many", true, NULL);
		struct digest d;
		uint64_t size;
		snprintf(tag, sizeof(tag), "t%d", w->number);
		snprintf(doc, sizeof(doc), "%d %d", w->number, i);
		add_blob(r, "the same blob", &d);
		put(r, doc, (const char *[]){tag, NULL});
		struct digest mine = digest_of(doc);
		if (!leads_to(r, tag, &mine) || (i % 2 && manifest_delete(r, tag, &size, NULL) < 0))
			abort();
		repository_put(r);
	}
	return NULL;
}

static void test_many_at_once(void **state)
{
	pthread_t threads[8];
	struct worker w[8];
	struct digest d = digest_of("the same blob");
	for (int i = 0; i < 8; i++) {
		w[i] = (struct worker){*state, i};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	struct repository *r = repository(*state, "many");
	tags_are(r, NULL, 99, "", false);
	assert_int_equal(links(*state, &d), 2);
	assert_int_equal(count_files(*state, "uploads"), 0);
	repository_put(r);
}

/* A kill between the making of its directories. */
static void test_half_made_repository(void **state)
{
	struct fixture *f = *state;
	struct digest d;
	assert_int_equal(mkdirat(f->fd, "repositories/half", 0755), 0);
	assert_int_equal(mkdirat(f->fd, "repositories/seen", 0755), 0);
	struct repository *r = repository(f, "half");
	add_blob(r, "x", &d);
	assert_true(has(r, &d));
	repository_put(r);
	repository_put(repository_get(f->s, "seen", false, NULL));
	r = repository(f, "seen");
	add_blob(r, "y", &d);
	assert_true(has(r, &d));
	repository_put(r);
}

static void test_index_is_whole(void **state)
{
	struct repository *r = repository(*state, "a");
	struct digest child = put(r, "child", NULL), d = digest_of("index");
	struct manifest_child c = {.digest = child, .size = 5, .manifest = true};
	struct manifest_facts facts = {
	        .media_type = MEDIA_OCI_INDEX, .index = true, .whole = true, .children = &c, .n_children = 1};
	unsigned fresh = 7;
	uint64_t size;
	struct err e = ERR_INIT;
	char text[DIGEST_TEXT_SIZE];
	assert_int_equal(manifest_delete(r, digest_text(&child, text), &size, &e), 0);
	assert_int_equal(manifest_put(r, "index", 5, &d, &facts, NULL, &fresh, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(fresh, 0);
	facts.whole = false;
	assert_int_equal(manifest_put(r, "index", 5, &d, &facts, NULL, &fresh, &e), 0);
	repository_put(r);
}

static void test_one_owner(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;
	assert_null(storage_open(f->fd, false, &e));
	assert_int_equal(e.kind, ERR_CONFLICT);
	struct storage *reader = storage_open(f->fd, true, &e);
	assert_non_null(reader);
	storage_close(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_names),
	        cmocka_unit_test_setup_teardown(test_long_names, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_mount, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_upload_goes_on_after_a_restart, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_upload_is_one_request_s, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_digest_leaves_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_failed_write_is_taken_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_purge, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_tags, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_each_manifest, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_referrers, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_catalog, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_half_made_repository, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_index_is_whole, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_uploads_are_bounded, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_one_owner, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
