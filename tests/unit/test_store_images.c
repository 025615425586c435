/* The image index, and the sweep: what is found under which name, and what stays as long as someone needs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/hash.h"
#include "engine/store/blob.h"
#include "engine/store/container_record.h"
#include "engine/store/image_index.h"
#include "engine/store/layer.h"
#include "engine/store/pull.h"
#include "engine/store/store.h"

struct fixture {
	char dir[64];
	struct store store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;
	char root[96], run[96];
	strcpy(f->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(root, sizeof(root), "%s/root", f->dir);
	snprintf(run, sizeof(run), "%s/state", f->dir);
	assert_int_equal(store_open(&f->store, root, run, &e), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	store_close(&f->store);
	remove_tree_at(AT_FDCWD, f->dir);
	free(f);
	return 0;
}

static void add_blob(const struct store *s, const char *text, struct digest *d)
{
	struct blob_draft draft = BLOB_DRAFT_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(hash_bytes("sha256", text, strlen(text), d, &e), 0);
	assert_int_equal(blob_draft_open(s, &draft, &e), 0);
	assert_int_equal(write_all(draft.fd, text, strlen(text)), 0);
	assert_int_equal(blob_draft_commit(s, &draft, d, &e), 0);
}

static void add_layer(const struct store *s, const struct digest *d, uint64_t size)
{
	struct layer_draft draft = LAYER_DRAFT_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(layer_draft_open(s, &draft, &e), 0);
	assert_int_equal(mkdirat(draft.fd, "bin", 0755), 0);
	assert_int_equal(layer_draft_commit(s, &draft, d, size, &e), 0);
	assert_int_equal(draft.fd, -1);
}

/* What an image is made of. */
struct made {
	struct digest layer, config, manifest;
	struct descriptor descriptor;
};

/* An image of one layer whose content and diffID are `seed`. */
static void make_image(const struct store *s, const char *seed, struct made *m)
{
	char text[DIGEST_TEXT_SIZE], config_text[DIGEST_TEXT_SIZE];
	add_blob(s, seed, &m->layer);
	digest_text(&m->layer, text);
	cleanup_free char *config =
	        str_printf("{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}", text);
	add_blob(s, config, &m->config);
	cleanup_free char *manifest =
	        str_printf("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
	                   "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER
	                   "\",\"digest\":\"%s\",\"size\":%zu}]}",
	                digest_text(&m->config, config_text), strlen(config), text, strlen(seed));
	add_blob(s, manifest, &m->manifest);
	add_layer(s, &m->layer, 1000);
	m->descriptor = (struct descriptor){.media_type = (char *)(uintptr_t)MEDIA_OCI_MANIFEST,
	        .digest = m->manifest,
	        .size = strlen(manifest)};
}

static void name_image(const struct store *s, const char *reference, const struct made *m)
{
	struct err e = ERR_INIT;
	if (image_index_add(s, reference, &m->descriptor, &e) < 0)
		fail_msg("%s", e.msg);
}

/* Does ref lead to m? */
static bool finds(const struct store *s, const char *ref, const struct made *m)
{
	cleanup_image struct image i = IMAGE_INIT;
	struct err e = ERR_INIT;
	return image_find(s, ref, &i, &e) == 0 && digest_equal(&i.config_digest, &m->config);
}

static enum err_kind find_error(const struct store *s, const char *ref)
{
	cleanup_image struct image i = IMAGE_INIT;
	struct err e = ERR_INIT;
	assert_int_equal(image_find(s, ref, &i, &e), -1);
	assert_true(e.msg[0]);
	return e.kind;
}

static size_t count(const struct store *s, size_t *untagged)
{
	struct image *list;
	size_t n;
	struct err e = ERR_INIT;
	*untagged = 0;
	assert_int_equal(image_list(s, &list, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		*untagged += !list[i].reference;
		assert_int_equal(list[i].size, 1000);
		image_free(&list[i]);
	}
	free(list);
	return n;
}

static bool complete(const struct store *s, const struct made *m)
{
	return blob_exists(s, &m->manifest, NULL) && blob_exists(s, &m->config, NULL) &&
	       blob_exists(s, &m->layer, NULL) && layer_exists(s, &m->layer);
}

static bool gone(const struct store *s, const struct made *m)
{
	return !blob_exists(s, &m->manifest, NULL) && !blob_exists(s, &m->config, NULL) &&
	       !blob_exists(s, &m->layer, NULL) && !layer_exists(s, &m->layer) &&
	       layer_size(s, &m->layer) == 0;
}

static uint64_t sweep(const struct store *s)
{
	uint64_t freed;
	struct err e = ERR_INIT;
	if (image_sweep(s, &freed, &e) < 0)
		fail_msg("%s", e.msg);
	return freed;
}

static void test_finding(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a, b;
	char text[DIGEST_TEXT_SIZE];
	size_t untagged;
	assert_int_equal(count(s, &untagged), 0);
	assert_int_equal(find_error(s, "busybox"), ERR_NOT_FOUND);
	make_image(s, "a", &a);
	make_image(s, "b", &b);
	name_image(s, "docker.io/library/busybox:latest", &a);
	name_image(s, "quay.io/x/y:1", &b);
	assert_true(finds(s, "busybox", &a));
	assert_true(finds(s, "docker.io/busybox:latest", &a));
	assert_true(finds(s, "quay.io/x/y:1", &b));
	assert_true(finds(s, digest_text(&a.config, text), &a));
	assert_true(finds(s, a.config.hex, &a));
	snprintf(text, sizeof(text), "%.12s", b.config.hex);
	assert_true(finds(s, text, &b));
	assert_true(finds(s, digest_text(&b.manifest, text), &b));
	cleanup_free char *by_digest = str_printf("quay.io/x/y@%s", text);
	assert_true(finds(s, by_digest, &b));
	assert_int_equal(find_error(s, "busybox:other"), ERR_NOT_FOUND);
	assert_int_equal(find_error(s, "y:1"), ERR_NOT_FOUND);
	assert_int_equal(find_error(s, "UPPER"), ERR_USAGE);
	assert_int_equal(find_error(s, "../etc"), ERR_USAGE);
}

/* Ids that begin alike: made until two do. */
static void test_ambiguous_ids(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made m[40];
	char seed[16], name[64], start[3];
	int first = -1, second = -1;
	for (int i = 0; i < 40 && first < 0; i++) {
		snprintf(seed, sizeof(seed), "seed %d", i);
		make_image(s, seed, &m[i]);
		snprintf(name, sizeof(name), "docker.io/library/i%d:latest", i);
		name_image(s, name, &m[i]);
		for (int k = 0; k < i; k++) {
			if (memcmp(m[k].config.hex, m[i].config.hex, 2) == 0) {
				first = k;
				second = i;
			}
		}
	}
	assert_true(first >= 0); /* the seeds are fixed: two of them do */
	snprintf(start, sizeof(start), "%s", m[first].config.hex);
	assert_int_equal(find_error(s, start), ERR_CONFLICT);
	name_image(s, "docker.io/library/again:latest", &m[second]);
	assert_true(finds(s, m[second].config.hex, &m[second])); /* two names are one image */
	snprintf(name, sizeof(name), "docker.io/library/%s:latest", start);
	name_image(s, name, &m[first]);
	assert_true(finds(s, start, &m[first])); /* a name wins */
}

static void test_names_move(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a, b;
	size_t untagged;
	bool deleted;
	struct err e = ERR_INIT;
	make_image(s, "a", &a);
	make_image(s, "b", &b);
	name_image(s, "docker.io/library/x:1", &a);
	name_image(s, "docker.io/library/x:1", &a);
	assert_int_equal(count(s, &untagged), 1);
	name_image(s, "docker.io/library/x:1", &b);
	assert_int_equal(count(s, &untagged), 2);
	assert_int_equal(untagged, 1); /* a lost its name and stays */
	assert_true(finds(s, "x:1", &b));
	assert_true(finds(s, a.config.hex, &a));
	name_image(s, NULL, &a);
	assert_int_equal(count(s, &untagged), 2);
	name_image(s, "docker.io/library/y:1", &a);
	assert_int_equal(count(s, &untagged), 2);
	assert_int_equal(untagged, 0);
	name_image(s, NULL, &a); /* it has a name: nothing to do */
	assert_int_equal(count(s, &untagged), 2);
	name_image(s, "docker.io/library/z:1", &a);
	assert_int_equal(image_index_remove(s, "docker.io/library/z:1", &deleted, &e), 0);
	assert_false(deleted);
	assert_int_equal(image_index_untag(s, "docker.io/library/y:1", &e), 0);
	assert_int_equal(count(s, &untagged), 2);
	assert_int_equal(untagged, 1);
	assert_int_equal(image_index_remove(s, "docker.io/library/y:1", &deleted, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	char text[DIGEST_TEXT_SIZE];
	assert_int_equal(image_index_remove(s, digest_text(&a.manifest, text), &deleted, &e), 0);
	assert_true(deleted);
	assert_int_equal(count(s, &untagged), 1);
}

/* The same answers for an index that another program has laid out in its own way, or that is full of traps
 * for who searches it as text. */
static void test_index_of_another_program(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a, b;
	struct err e = ERR_INIT;
	char x[DIGEST_TEXT_SIZE], y[DIGEST_TEXT_SIZE];
	make_image(s, "a", &a);
	make_image(s, "b", &b);
	digest_text(&a.manifest, x);
	digest_text(&b.manifest, y);
	cleanup_free char *text = str_printf(
	        "{\"schemaVersion\":2,\"manifests\":["
	        "{\"mediaType\":\"" MEDIA_OCI_MANIFEST
	        "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{\"note\":"
	        "\"\\\"" ANNOTATION_REF_NAME
	        "\\\":\\\"docker.io/library/b:1\\\"}\",\"x\":{\"" ANNOTATION_REF_NAME
	        "\":\"docker.io/library/b:1\"},\"" ANNOTATION_REF_NAME "\":\"docker.io/library/a:1\"}},\n"
	        "{ \"annotations\" : { \"" ANNOTATION_REF_NAME
	        "\" : \"docker.io/library/b:1\" },\n \"size\" : %zu,"
	        " \"digest\" : \"%s\", \"mediaType\" : \"" MEDIA_OCI_MANIFEST "\" } ] }",
	        x, (size_t)a.descriptor.size, (size_t)b.descriptor.size, y);
	assert_int_equal(
	        file_write_at(s->root_fd, "index.json", text, strlen(text), 0600, FILE_NO_SYNC, &e), 0);
	assert_true(finds(s, "a:1", &a));
	assert_true(finds(s, "b:1", &b));
	assert_int_equal(find_error(s, "c:1"), ERR_NOT_FOUND);
}

static void test_open_layers(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a;
	cleanup_image struct image i = IMAGE_INIT;
	struct err e = ERR_INIT;
	uint64_t freed = 0;
	int fd = -1;
	make_image(s, "a", &a);
	name_image(s, "docker.io/library/x:1", &a);
	assert_int_equal(image_find(s, "x:1", &i, &e), 0);
	assert_int_equal(image_open_layers(s, &i, &fd, &e), 0);
	assert_int_equal(faccessat(fd, "bin", F_OK, 0), 0);
	close_fd(&fd);
	char text[DIGEST_TEXT_SIZE];
	cleanup_fd int same = layer_open_text(s, digest_text(&a.layer, text));
	assert_true(same >= 0);
	errno = 0;
	assert_int_equal(layer_open_text(s, "sha256:../../x"), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(layer_hide(s, &a.layer, &freed), 0);
	assert_int_equal(freed, 1000);
	assert_int_equal(image_open_layers(s, &i, &fd, &e), -1);
	assert_int_equal(fd, -1);
	add_layer(s, &a.layer, 7); /* loaded again before the old one is gone */
	layer_discard(s, &a.layer);
	assert_int_equal(layer_size(s, &a.layer), 7);
	assert_int_equal(image_open_layers(s, &i, &fd, &e), 0);
	close_fd(&fd);
}

static void test_damaged_images_do_not_hide_others(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a, b;
	size_t untagged;
	make_image(s, "a", &a);
	make_image(s, "b", &b);
	name_image(s, "docker.io/library/a:1", &a);
	name_image(s, "docker.io/library/b:1", &b);
	blob_remove(s, &a.config);
	assert_int_equal(count(s, &untagged), 1);
	assert_true(finds(s, "b:1", &b));
	assert_int_equal(find_error(s, "a:1"), ERR_CORRUPT);
	sweep(s); /* what is left of it stays while its name does */
	assert_true(blob_exists(s, &a.manifest, NULL));
	assert_true(blob_exists(s, &a.layer, NULL));
	struct err e = ERR_INIT;
	assert_int_equal(file_write_at(s->root_fd, "index.json", "{", 1, 0600, FILE_NO_SYNC, &e), 0);
	assert_int_equal(find_error(s, "b:1"), ERR_CORRUPT);
	/* Nothing is swept by an index that cannot be read. */
	uint64_t freed;
	assert_int_equal(image_sweep(s, &freed, &e), -1);
	assert_true(complete(s, &b));
}

static void test_sweep_keeps_what_the_index_reaches(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a, b;
	struct digest stray;
	make_image(s, "a", &a);
	make_image(s, "b", &b);
	add_blob(s, "stray", &stray);
	name_image(s, "docker.io/library/a:1", &a);
	assert_true(sweep(s) > 1000);
	assert_true(complete(s, &a));
	assert_true(gone(s, &b));
	assert_false(blob_exists(s, &stray, NULL));
	assert_int_equal(sweep(s), 0);
}

static void test_sweep_and_pulls(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct pull live = PULL_INIT, dead = PULL_INIT;
	struct digest kept, lost;
	struct blob_draft draft = BLOB_DRAFT_INIT;
	struct layer_draft layer = LAYER_DRAFT_INIT;
	struct err e = ERR_INIT;
	add_blob(s, "kept", &kept);
	add_blob(s, "lost", &lost);
	add_layer(s, &kept, 1000);
	assert_int_equal(pull_begin(s, &live, &e), 0);
	assert_int_equal(pull_begin(s, &dead, &e), 0);
	assert_int_equal(pull_protect(s, &live, &kept, &e), 0);
	assert_int_equal(pull_protect(s, &dead, &lost, &e), 0);
	assert_int_equal(blob_draft_open(s, &draft, &e), 0);
	assert_int_equal(layer_draft_open(s, &layer, &e), 0);
	close_fd(&dead.fd); /* as if its process had died */
	sweep(s);
	assert_true(blob_exists(s, &kept, NULL));
	assert_true(layer_exists(s, &kept));
	assert_false(blob_exists(s, &lost, NULL));
	cleanup_fd int pulls = pull_dir_open(s, &e);
	assert_int_equal(faccessat(pulls, live.name, F_OK, 0), 0);
	assert_int_equal(faccessat(pulls, dead.name, F_OK, 0), -1);
	/* Drafts live as long as who makes them. */
	assert_int_equal(faccessat(pulls, draft.name, F_OK, 0), 0);
	assert_int_equal(faccessat(s->layers_fd, layer.name, F_OK, 0), 0);
	close_fd(&draft.fd);
	close_fd(&layer.fd);
	pull_end(s, &live);
	sweep(s);
	assert_int_equal(faccessat(pulls, draft.name, F_OK, 0), -1);
	assert_int_equal(faccessat(s->layers_fd, layer.name, F_OK, 0), -1);
	assert_false(blob_exists(s, &kept, NULL));
	assert_false(layer_exists(s, &kept));
}

static void write_text(int dir, const char *name, const char *text)
{
	assert_int_equal(file_write_at(dir, name, text, strlen(text), 0600, FILE_NO_SYNC, NULL), 0);
}

static int make_container(const struct store *s, char id[TARE_ID_LEN + 1])
{
	random_hex(id, TARE_ID_LEN / 2);
	assert_int_equal(mkdirat(s->containers_fd, id, 0700), 0);
	return container_dir_open(s, id);
}

static void test_sweep_and_containers(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a;
	char text[DIGEST_TEXT_SIZE], id[TARE_ID_LEN + 1], other[TARE_ID_LEN + 1];
	make_image(s, "a", &a);
	cleanup_free char *record = str_printf("{\"layers\":[\"%s\"]}", digest_text(&a.layer, text));
	cleanup_fd int dir = make_container(s, id), without_record = make_container(s, other);
	(void)without_record;
	write_text(dir, "container.json", record);
	sweep(s);
	assert_true(layer_exists(s, &a.layer));
	assert_false(blob_exists(s, &a.manifest, NULL));
	/* A record that cannot be read might name any layer. */
	struct digest stray;
	add_blob(s, "stray", &stray);
	write_text(dir, "container.json", "{");
	sweep(s);
	assert_true(layer_exists(s, &a.layer));
	assert_false(blob_exists(s, &stray, NULL));
	/* Nor does it name fewer of them when it is out of the way. */
	char aside[TARE_ID_LEN + 16];
	snprintf(aside, sizeof(aside), ".damaged-%s", id);
	assert_int_equal(container_set_aside(s, id, "damaged", NULL), 0);
	sweep(s);
	assert_true(layer_exists(s, &a.layer));
	assert_int_equal(remove_tree_at(s->containers_fd, aside), 0);
	sweep(s);
	assert_false(layer_exists(s, &a.layer));
}

/* A create that has found its image and has not written its record yet. */
static void test_sweep_waits_for_who_is_about_to_use_a_layer(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct made a;
	struct err e = ERR_INIT;
	char text[DIGEST_TEXT_SIZE], id[TARE_ID_LEN + 1];
	make_image(s, "a", &a);
	int hold = pull_hold(s, &e), status = 0;
	assert_true(hold >= 0);
	pid_t pid = fork();
	if (pid == 0) {
		uint64_t freed;
		close(hold); /* the parent's still holds */
		_exit(image_sweep(s, &freed, NULL) == 0 ? 0 : 1);
	}
	usleep(100000); /* a chance to go wrong */
	cleanup_free char *record = str_printf("{\"layers\":[\"%s\"]}", digest_text(&a.layer, text));
	cleanup_fd int dir = make_container(s, id);
	write_text(dir, "container.json", record);
	close_fd(&hold);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(layer_exists(s, &a.layer));
	assert_false(blob_exists(s, &a.manifest, NULL));
}

static void test_second_draft_of_a_layer_gives_way(void **state)
{
	const struct store *s = &((struct fixture *)*state)->store;
	struct digest d;
	cleanup_fd int first = -1;
	assert_int_equal(hash_bytes("sha512", "x", 1, &d, NULL), 0);
	add_layer(s, &d, 5);
	first = layer_open(s, &d);
	assert_true(first >= 0);
	add_layer(s, &d, 5);
	cleanup_fd int second = layer_open(s, &d);
	struct stat a, b;
	assert_int_equal(fstat(first, &a), 0);
	assert_int_equal(fstat(second, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(layer_size(s, &d), 5);
}

static void test_found_by_the_index_that_led_to_it(void **state)
{
	struct fixture *f = *state;
	const struct store *s = &f->store;
	struct made a, b;
	struct err e = ERR_INIT;
	cleanup_image struct image i = IMAGE_INIT;
	static const char index[] = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
	make_image(s, "a", &a);
	make_image(s, "b", &b);
	assert_true(digest_read(index, &a.descriptor.pulled));
	name_image(s, "localhost/a:v1", &a);
	name_image(s, "localhost/b:v1", &b);
	assert_true(finds(s, index, &a));
	assert_true(finds(s,
	        "localhost/a@sha256:2222222222222222222222222222222222222222222222222222222222222222", &a));
	assert_int_equal(image_find(s, "localhost/a:v1", &i, &e), 0);
	assert_true(digest_equal(&i.pulled, &a.descriptor.pulled));
	/* another name of it came another way; without one it still knows */
	assert_int_equal(image_index_untag(s, "localhost/a:v1", &e), 0);
	assert_true(finds(s, index, &a));
	/* the manifest's own digest counts before any index */
	b.descriptor.pulled = a.manifest;
	name_image(s, "localhost/b:v2", &b);
	char text[DIGEST_TEXT_SIZE];
	assert_true(finds(s, digest_text(&a.manifest, text), &a));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_found_by_the_index_that_led_to_it),
	        T(test_finding),
	        T(test_ambiguous_ids),
	        T(test_names_move),
	        T(test_index_of_another_program),
	        T(test_open_layers),
	        T(test_damaged_images_do_not_hide_others),
	        T(test_sweep_keeps_what_the_index_reaches),
	        T(test_sweep_and_pulls),
	        T(test_sweep_and_containers),
	        T(test_sweep_waits_for_who_is_about_to_use_a_layer),
	        T(test_second_draft_of_a_layer_gives_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
