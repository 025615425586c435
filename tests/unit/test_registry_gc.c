/* The registry's garbage collection, keep rules and scrub, on a storage in a temporary directory. */
#include <fcntl.h>
#include <pthread.h>
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
#include "engine/archive/hash.h"
#include "engine/oci/manifest.h"
#include "registry/server/gc.h"
#include "registry/server/manifest_check.h"
#include "registry/server/scrub.h"
#include "registry/server/storage.h"

struct box {
	char path[64];
	int dir;
	struct storage *storage;
	struct repository *r;
	struct err e;
};

static void box_ok(struct box *b, int rc)
{
	if (rc < 0)
		fail_msg("%s", b->e.msg);
}

static int setup(void **state)
{
	static struct box b;

	b = (struct box){.path = "/dev/shm/tare-unit-gc.XXXXXX"};
	assert_non_null(mkdtemp(b.path));
	b.dir = open(b.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b.storage = storage_open(b.dir, false, &b.e);
	if (!b.storage)
		fail_msg("%s", b.e.msg);
	b.r = repository_get(b.storage, "team/app", true, &b.e);
	assert_non_null(b.r);
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	struct box *b = *state;

	repository_put(b->r);
	storage_close(b->storage);
	close(b->dir);
	remove_tree_at(AT_FDCWD, b->path);
	return 0;
}

static struct digest put_blob(struct box *b, const char *text)
{
	char id[UPLOAD_ID_SIZE];
	struct digest d;
	unsigned fresh;

	box_ok(b, hash_bytes("sha256", text, strlen(text), &d, &b->e));
	box_ok(b, upload_begin(b->r, NULL, "", id, &b->e));
	struct upload *u = upload_open(b->r, id, "", &b->e);
	assert_non_null(u);
	box_ok(b, upload_append(u, text, strlen(text), &b->e));
	box_ok(b, upload_commit(u, &d, &fresh, &b->e));
	upload_close(u);
	return d;
}

static struct digest put_document(struct box *b, const char *text, const char *tag)
{
	cleanup_manifest_facts struct manifest_facts facts = MANIFEST_FACTS_INIT;
	char *tags[] = {(char *)(uintptr_t)tag, NULL};
	struct digest d;
	unsigned fresh;

	box_ok(b, manifest_check(text, strlen(text), NULL, &facts, &b->e));
	box_ok(b, hash_bytes("sha256", text, strlen(text), &d, &b->e));
	box_ok(b, manifest_put(b->r, text, strlen(text), &d, &facts, tags, &fresh, &b->e));
	return d;
}

#define DESCRIBED "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}"

/* An image of one layer, whose content is `layer`; `subject`: or NULL. */
static struct digest put_image(
        struct box *b, const char *layer, const struct digest *subject, const char *tag)
{
	struct digest blob = put_blob(b, layer), config = put_blob(b, "{}");
	cleanup_buf struct buf doc = BUF_INIT;
	char text[DIGEST_TEXT_SIZE];

	buf_printf(&doc,
	        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":" DESCRIBED,
	        MEDIA_OCI_CONFIG, digest_text(&config, text), (size_t)2);
	buf_printf(&doc, ",\"layers\":[" DESCRIBED "]", MEDIA_OCI_LAYER, digest_text(&blob, text),
	        strlen(layer));
	if (subject)
		buf_printf(&doc, ",\"subject\":" DESCRIBED, MEDIA_OCI_MANIFEST, digest_text(subject, text),
		        (size_t)2);
	buf_str_add(&doc, "}");
	return put_document(b, buf_str(&doc), tag);
}

static struct gc_result collect(struct box *b, const struct gc_options *o)
{
	struct gc_result result;

	usleep(20000); /* the clock of files ticks every few milliseconds */
	box_ok(b, gc_run(b->storage, o, &result, &b->e));
	return result;
}

static bool has(struct box *b, const struct digest *d)
{
	uint64_t size;
	int fd = blob_get(b->r, d, &size);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool has_text(struct box *b, const char *text)
{
	struct digest d;

	hash_bytes("sha256", text, strlen(text), &d, NULL);
	return has(b, &d);
}

/* ------------------------------------------------------------------ gc */

static void what_a_tag_reaches_stays(void **state)
{
	struct box *b = *state;
	struct digest d = put_image(b, "layer", NULL, "v1");
	struct gc_result r = collect(b, &(struct gc_options){0});

	assert_int_equal(r.manifests + r.blobs + r.tags, 0);
	assert_true(has(b, &d) && has_text(b, "layer") && has_text(b, "{}"));
}

static void what_nothing_names_goes(void **state)
{
	struct box *b = *state;
	put_image(b, "old", NULL, "v1");
	struct digest now = put_image(b, "new", NULL, "v1"); /* the tag moves */
	put_blob(b, "orphan");
	struct gc_result r = collect(b, &(struct gc_options){.dry_run = true});

	assert_int_equal(r.manifests, 1);
	assert_true(has_text(b, "old") && has_text(b, "orphan")); /* it only counted */
	r = collect(b, &(struct gc_options){0});
	assert_int_equal(r.manifests, 1);
	assert_int_equal(r.blobs, 3); /* old, orphan, and the manifest's own */
	assert_true(!has_text(b, "old") && !has_text(b, "orphan"));
	assert_true(has(b, &now) && has_text(b, "new") && has_text(b, "{}"));
	assert_int_equal(collect(b, &(struct gc_options){0}).blobs, 0);
}

static void a_grace_protects_what_is_young(void **state)
{
	struct box *b = *state;
	put_image(b, "old", NULL, "v1");
	put_image(b, "new", NULL, "v1");
	put_blob(b, "of a push under way");
	struct gc_result r = collect(b, &(struct gc_options){.grace = INT64_C(60000000000)});

	assert_int_equal(r.manifests + r.blobs, 0);
	assert_true(has_text(b, "old") && has_text(b, "of a push under way"));
}

#define MANY  3000
#define GRACE INT64_C(400000000)
struct asked {
	struct box *box;
	struct digest digest[MANY];
	bool here[MANY];
};

static void *ask_for_all(void *arg)
{
	struct asked *a = arg;
	uint64_t size;

	for (size_t i = 0; i < MANY; i++)
		a->here[i] = blob_stat(a->box->r, &a->digest[i], &size);
	return NULL;
}

/* Blobs whose grace is over. */
static void put_old_blobs(struct asked *a)
{
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char text[DIGEST_TEXT_SIZE], path[DIGEST_TEXT_SIZE + 8];

	for (size_t i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "blob %zu", i);
		a->digest[i] = put_blob(a->box, text);
		snprintf(path, sizeof path, "blobs/%s/%s", a->digest[i].alg, a->digest[i].hex);
		assert_int_equal(utimensat(a->box->dir, path, old, 0), 0);
	}
	usleep(GRACE / 1000 + 100000);
}

static void what_was_said_to_be_here_stays(void **state)
{
	struct asked *a = calloc(1, sizeof *a);
	struct gc_result result;
	pthread_t thread;

	a->box = *state;
	for (int round = 0; round < 5; round++) {
		put_old_blobs(a);
		assert_int_equal(pthread_create(&thread, NULL, ask_for_all, a), 0);
		box_ok(a->box,
		        gc_run(a->box->storage, &(struct gc_options){.grace = GRACE}, &result, &a->box->e));
		pthread_join(thread, NULL);
		for (size_t i = 0; i < MANY; i++)
			if (a->here[i] && !has(a->box, &a->digest[i]))
				fail_msg("round %d: blob %zu was collected after it was said to be here",
				        round, i);
	}
	free(a);
}

static void untagged_ones_stay_when_told(void **state)
{
	struct box *b = *state;
	struct digest d = put_image(b, "by digest only", NULL, NULL);

	collect(b, &(struct gc_options){.keep_untagged = true});
	assert_true(has(b, &d) && has_text(b, "by digest only"));
}

static void children_of_an_index_stay(void **state)
{
	struct box *b = *state;
	struct digest child = put_image(b, "child", NULL, NULL);
	char text[DIGEST_TEXT_SIZE];
	struct stored_manifest m;
	cleanup_buf struct buf doc = BUF_INIT;

	box_ok(b, manifest_get(b->r, digest_text(&child, text), &m, &b->e));
	buf_printf(&doc,
	        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[" DESCRIBED "]}",
	        MEDIA_OCI_MANIFEST, text, (size_t)m.size);
	put_document(b, buf_str(&doc), "all");
	collect(b, &(struct gc_options){0});
	assert_true(has(b, &child) && has_text(b, "child"));
	uint64_t size;
	box_ok(b, manifest_delete(b->r, "all", &size, &b->e));
	struct gc_result r = collect(b, &(struct gc_options){0});
	assert_int_equal(r.manifests, 2);
	assert_false(has(b, &child) || has_text(b, "child"));
}

static void signatures_live_as_long_as_what_they_sign(void **state)
{
	struct box *b = *state;
	struct digest image = put_image(b, "image", NULL, "v1");
	struct digest signature = put_image(b, "signature", &image, NULL);
	struct digest of_signature = put_image(b, "signature of it", &signature, NULL);
	uint64_t size;

	collect(b, &(struct gc_options){0});
	assert_true(has(b, &signature) && has(b, &of_signature) && has_text(b, "signature of it"));
	box_ok(b, manifest_delete(b->r, "v1", &size, &b->e));
	assert_int_equal(collect(b, &(struct gc_options){0}).manifests, 3);
	assert_false(has(b, &image) || has(b, &signature) || has(b, &of_signature));
	json *referrers = referrers_list(b->r, &image, NULL, &b->e);
	assert_int_equal(json_object_array_length(json_get(referrers, "manifests")), 0);
	json_object_put(referrers);
}

static void write_left(struct box *b, const char *name)
{
	cleanup_buf struct buf path = BUF_INIT;

	buf_printf(&path, "repositories/team+app/%s", name);
	int fd = openat(b->dir, buf_str(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static bool is_left(struct box *b, const char *name)
{
	cleanup_buf struct buf path = BUF_INIT;

	buf_printf(&path, "repositories/team+app/%s", name);
	return faccessat(b->dir, buf_str(&path), F_OK, 0) == 0;
}

/* As a kill leaves them. */
static void halves_of_files_go(void **state)
{
	struct box *b = *state;
	static const char one[] = ".tmp-0123", two[] = "referrers/sha256/.tmp-4567";

	put_image(b, "layer", NULL, "v1");
	write_left(b, one);
	write_left(b, two);
	collect(b, &(struct gc_options){.grace = INT64_C(60000000000)});
	collect(b, &(struct gc_options){.dry_run = true});
	assert_true(is_left(b, one) && is_left(b, two));
	collect(b, &(struct gc_options){0});
	assert_false(is_left(b, one) || is_left(b, two));
	assert_true(is_left(b, "index.json") && has_text(b, "layer"));
}

static void a_blob_of_another_repository_stays(void **state)
{
	struct box *b = *state;
	struct digest d = put_blob(b, "shared");
	uint64_t fresh;
	struct box other = *b;

	put_image(b, "shared", NULL, "v1");
	other.r = repository_get(b->storage, "other", true, &b->e);
	assert_non_null(other.r);
	box_ok(b, blob_mount(other.r, &d, "team/app", NULL, NULL, &fresh, &b->e));
	struct gc_result r = collect(b, &(struct gc_options){0});
	assert_int_equal(r.blobs, 1); /* nothing in `other` names it */
	assert_int_equal(r.bytes, 0); /* but the storage needs it still */
	assert_true(has(b, &d));
	assert_false(has(&other, &d));
	repository_put(other.r);
}

static void an_unreadable_manifest_keeps_everything(void **state)
{
	struct box *b = *state;
	struct digest d = put_image(b, "layer", NULL, "v1");
	char path[256];

	put_blob(b, "orphan");
	snprintf(path, sizeof(path), "%s/blobs/sha256/%s", b->path, d.hex);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	collect(b, &(struct gc_options){0});
	assert_true(has_text(b, "layer") && has_text(b, "orphan"));
}

/* ------------------------------------------------------------------ keep rules */

static void kept(const char *rule, const char *repository, const char *want)
{
	struct keep_tag tags[] = {
	        {"v1", 10, false}, {"v2", 40, false}, {"pr-1", 20, false}, {"pr-2", 30, false}};
	char *texts[] = {(char *)(uintptr_t)rule, NULL}, got[64] = "";
	struct keep_rules rules;
	struct err e = ERR_INIT;

	if (keep_rules_parse(texts, &rules, &e) < 0)
		fail_msg("%s", e.msg);
	keep_decide(&rules, repository, tags, 4, 45);
	for (size_t i = 0; i < 4; i++)
		if (tags[i].kept)
			strcat(strcat(got, tags[i].name), " ");
	assert_string_equal(got, want);
	keep_rules_free(&rules);
}

static void rules_keep_by_pattern_number_and_age(void **state)
{
	(void)state;
	kept("other/*", "team/app", "v2 pr-2 pr-1 v1 ");
	kept("team/*:v*", "team/app", "v2 v1 ");
	kept("team/*:*,last=2", "team/app", "v2 pr-2 ");
	kept("team/*,last=1", "team/app", "v2 ");
	kept("team/*:pr-*,last=1", "team/app", "pr-2 ");
	kept("*:*,within=20ns", "team/app", "v2 pr-2 ");
}

static void wrong_rules_are_refused(void **state)
{
	static const char *const wrong[] = {
	        "", ":v*", "a:", "a,last=0", "a,last=x", "a,within=", "a,first=3", "a,last=-1"};
	struct keep_rules rules;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char *texts[] = {(char *)(uintptr_t)wrong[i], NULL};
		struct err e = ERR_INIT;
		if (keep_rules_parse(texts, &rules, &e) == 0)
			fail_msg("\"%s\" was accepted", wrong[i]);
		assert_non_null(strstr(e.msg, "--keep"));
	}
}

static void rules_take_tags_from_the_registry(void **state)
{
	struct box *b = *state;
	char *texts[] = {(char *)(uintptr_t) "team/*:v*", NULL};
	struct gc_options o = {0};
	struct stored_manifest m;

	put_image(b, "one", NULL, "v1");
	put_image(b, "two", NULL, "pr-7");
	box_ok(b, keep_rules_parse(texts, &o.keep, &b->e));
	struct gc_result r = collect(b, &o);
	assert_int_equal(r.tags, 1);
	assert_int_equal(r.manifests, 1);
	assert_int_equal(manifest_get(b->r, "v1", &m, &b->e), 0);
	assert_int_equal(manifest_get(b->r, "pr-7", &m, &b->e), -1);
	assert_false(has_text(b, "two"));
	keep_rules_free(&o.keep);
}

/* ------------------------------------------------------------------ scrub */

static void a_damaged_blob_is_set_aside(void **state)
{
	struct box *b = *state;
	struct digest d = put_blob(b, "right");
	struct scrub_result r;
	char path[256];

	box_ok(b, scrub_run(b->storage, &(struct scrub_options){0}, &r, &b->e));
	assert_int_equal(r.blobs, 1);
	assert_int_equal(r.damaged, 0);
	snprintf(path, sizeof(path), "%s/blobs/sha256/%s", b->path, d.hex);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "w", 1, 0), 1);
	close(fd);
	box_ok(b, scrub_run(b->storage, &(struct scrub_options){0}, &r, &b->e));
	assert_int_equal(r.damaged, 1);
	assert_false(has(b, &d));
	snprintf(path, sizeof(path), "%s/damaged/sha256-%s", b->path, d.hex);
	assert_int_equal(access(path, F_OK), 0);
	put_blob(b, "right"); /* the next push brings it again */
	assert_true(has(b, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_a_tag_reaches_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_nothing_names_goes, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_grace_protects_what_is_young, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_was_said_to_be_here_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(untagged_ones_stay_when_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(children_of_an_index_stay, setup, teardown),
	        cmocka_unit_test_setup_teardown(signatures_live_as_long_as_what_they_sign, setup, teardown),
	        cmocka_unit_test_setup_teardown(halves_of_files_go, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_blob_of_another_repository_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_unreadable_manifest_keeps_everything, setup, teardown),
	        cmocka_unit_test(rules_keep_by_pattern_number_and_age),
	        cmocka_unit_test(wrong_rules_are_refused),
	        cmocka_unit_test_setup_teardown(rules_take_tags_from_the_registry, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_damaged_blob_is_set_aside, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
