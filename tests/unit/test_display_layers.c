/* What each layer of an image holds, and what later ones hide of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "engine/archive/hash.h"
#include "engine/store/blob.h"
#include "engine/store/image_index.h"
#include "engine/store/layer.h"
#include "tests/unit/display_box.h"

static void add_blob(const struct store *s, const char *text, struct digest *digest)
{
	struct blob_draft draft = BLOB_DRAFT_INIT;

	assert_int_equal(hash_bytes("sha256", text, strlen(text), digest, NULL), 0);
	assert_int_equal(blob_draft_open(s, &draft, NULL), 0);
	assert_int_equal(write_all(draft.fd, text, strlen(text)), 0);
	assert_int_equal(blob_draft_commit(s, &draft, digest, NULL), 0);
}

/* A file of 8 KiB, or with a slash at the end a directory, or after a minus a whiteout. */
static void put(int dir, const char *name)
{
	static const char zeros[8192];

	if (name[strlen(name) - 1] == '/') {
		assert_int_equal(mkdirat(dir, name, 0755), 0);
	} else if (*name == '-') {
		assert_int_equal(mknodat(dir, name + 1, S_IFCHR, makedev(0, 0)), 0);
	} else {
		cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_int_equal(write_all(fd, zeros, sizeof zeros), 0);
	}
}

static void layer(
        const struct store *s, const char *seed, const char *const *names, const char *opaque, char *text)
{
	struct layer_draft draft = LAYER_DRAFT_INIT;
	struct digest digest;

	assert_int_equal(hash_bytes("sha256", seed, strlen(seed), &digest, NULL), 0);
	assert_int_equal(layer_draft_open(s, &draft, NULL), 0);
	for (; *names; names++)
		put(draft.fd, *names);
	if (opaque) {
		cleanup_fd int fd = openat(draft.fd, opaque, O_RDONLY | O_CLOEXEC);
		assert_int_equal(fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0), 0);
	}
	assert_int_equal(layer_draft_commit(s, &draft, &digest, 1, NULL), 0);
	digest_text(&digest, text);
}

static void what_later_layers_hide_is_wasted(void **state)
{
	struct display *d = *state;
	char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE], text[DIGEST_TEXT_SIZE];
	struct digest config_digest, manifest_digest;
	struct tare_layer_list l;

	display_needs_root();
	const struct store *s = engine_store(d->engine);
	layer(s, "a",
	        (const char *const[]){
	                "kept", "replaced", "gone", "gone2/", "gone2/x", "op/", "op/x", "turned", NULL},
	        NULL, a);
	layer(s, "b",
	        (const char *const[]){
	                "replaced", "-gone", "-gone2", "op/", "op/y", "turned/", "turned/z", NULL},
	        "op", b);
	cleanup_free char *config = str_printf("{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_"
	                                       "ids\":[\"%s\",\"%s\"]},\"history\":[{"
	                                       "\"created_by\":\"one\"},{\"created_by\":\"none\",\"empty_"
	                                       "layer\":true},{\"created_by\":\"two\"}]}",
	        a, b);
	add_blob(s, config, &config_digest);
	cleanup_free char *manifest =
	        str_printf("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
	                   "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER
	                   "\",\"digest\":\"%s\",\"size\":1},{\"mediaType\":\"" MEDIA_OCI_LAYER
	                   "\",\"digest\":\"%s\",\"size\":1}]}",
	                digest_text(&config_digest, text), strlen(config), a, b);
	add_blob(s, manifest, &manifest_digest);
	struct descriptor descriptor = {.media_type = (char *)(uintptr_t)MEDIA_OCI_MANIFEST,
	        .digest = manifest_digest,
	        .size = strlen(manifest)};
	engine_ok(d, image_index_add(s, "docker.io/library/two:latest", &descriptor, &d->e));
	engine_ok(d, d->engine->image_layers(d->engine, "two", &l, &d->e));
	assert_int_equal(l.n, 3);
	assert_null(l.rows[1].diff_id);
	assert_string_equal(l.rows[2].created_by, "two");
	assert_int_equal(l.rows[0].files, 6);
	assert_int_equal(l.rows[0].size, 6 * 8192);
	assert_int_equal(l.rows[0].wasted, 5 * 8192); /* all but "kept" */
	assert_int_equal(l.rows[2].files, 3);
	assert_int_equal(l.rows[2].wasted, 0);
	tare_layer_list_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(what_later_layers_hide_is_wasted, display_teardown),
	};

	return cmocka_run_group_tests(tests, display_group_setup, display_group_teardown);
}
