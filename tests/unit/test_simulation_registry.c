/* The simulated engine's registries: what is pulled, pushed, found and committed there, and what a journal
 * that somebody edited may claim of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "engine/simulation.h"
#include "tests/unit/simulation_box.h"

static int set_up(void **state)
{
	return set_up_at(state, NULL);
}

/* Of the image called so; -1: there is none. */
static int layers_of(struct tare_engine *t, const char *repository, const char *tag)
{
	struct tare_image_list l;
	int n = -1;

	assert_int_equal(t->image_list(t, &l, NULL), 0);
	for (size_t i = 0; i < l.n; i++)
		if (!strcmp(l.rows[i].repository, repository) && !strcmp(l.rows[i].tag, tag))
			n = (int)l.rows[i].n_layers;
	tare_image_list_free(&l);
	return n;
}

static int pull(struct tare_engine *t, const char *ref, struct tare_moved *m, struct err *e)
{
	struct progress p = PROGRESS_NONE;
	int rc;

	progress_init(&p, -1, true);
	rc = t->image_pull(t, ref, NULL, &p, m, e);
	progress_end(&p);
	return rc;
}

static int push(struct tare_engine *t, const char *ref, const char *to, struct err *e)
{
	struct progress p = PROGRESS_NONE;
	struct tare_moved m = {0};
	int rc;

	progress_init(&p, -1, true);
	rc = t->image_push(t, ref, to, &p, &m, e);
	progress_end(&p);
	tare_moved_free(&m);
	return rc;
}

static void what_is_pulled_is_there_for_all(void **state)
{
	struct fixture *f = *state;
	struct tare_moved m = {0}, again = {0};
	struct err e = ERR_INIT;

	assert_int_equal(pull(f->a, "hello-world", &m, &e), 0);
	assert_string_equal(m.reference, "docker.io/library/hello-world:latest");
	assert_true(m.changed);
	assert_int_equal(layers_of(f->b, "hello-world", "latest"), 1);
	/* once more: nothing new */
	assert_int_equal(pull(f->b, "docker.io/library/hello-world:latest", &again, &e), 0);
	assert_false(again.changed);
	assert_string_equal(again.digest, m.digest);
	tare_moved_free(&m);
	tare_moved_free(&again);
}

static void what_nobody_offers_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct tare_moved m = {0};
	struct err e = ERR_INIT;

	assert_int_equal(pull(f->a, "no-such-thing", &m, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(pull(f->a, "Upper/Case", &m, &e), -1);
	assert_int_equal(push(f->a, "no-such-thing", NULL, &e), -1);
}

static void a_private_registry_wants_a_login(void **state)
{
	struct fixture *f = *state;
	struct tare_moved m = {0};
	struct err e = ERR_INIT;

	assert_int_equal(pull(f->a, "registry.example.com/a/b", &m, &e), -1);
	assert_int_equal(e.kind, ERR_PERMISSION);
	assert_non_null(strstr(e.msg, "tare login registry.example.com"));
	assert_int_equal(push(f->a, "busybox", "registry.example.com/a/b", &e), -1);
	assert_int_equal(f->b->login(f->b, "registry.example.com", "ada", &e), 0);
	assert_int_equal(push(f->a, "busybox", "registry.example.com/a/b", &e), 0);
}

static void a_search_finds_a_dozen(void **state)
{
	struct fixture *f = *state;
	json *found = NULL;
	struct err e = ERR_INIT;
	char **tags;

	assert_int_equal(f->a->image_search(f->a, "nginx", false, &found, &e), 0);
	assert_true(json_object_array_length(found) >= 8);
	assert_string_equal(json_str(json_object_array_get_idx(found, 0), "Name", ""), "nginx");
	json_free(&found);
	assert_int_equal(f->a->image_search(f->a, "%%", false, &found, &e), 0);
	assert_int_equal(json_object_array_length(found), 0);
	json_free(&found);
	assert_int_equal(f->a->image_search(f->a, "nginx", true, &found, &e), 0);
	tags = json_strv(found, "Tags");
	assert_true(strv_has(tags, "latest"));
	strv_free(tags);
	json_free(&found);
	assert_int_equal(f->a->image_search(f->a, "nothing-at-all", true, &found, &e), -1);
}

static void a_container_becomes_an_image_and_that_one_again(void **state)
{
	struct fixture *f = *state;
	struct progress p = PROGRESS_NONE;
	struct tare_commit q = {.container = "backup", .reference = "mine:1", .message = "as it was"};
	struct err e = ERR_INIT;
	struct tare_create create;
	char container[TARE_ID_LEN + 1];
	char *id = NULL;
	int before;

	progress_init(&p, -1, true);
	assert_int_equal(f->a->commit(f->a, &q, &p, &id, &e), 0);
	assert_int_equal(strlen(id), 7 + TARE_ID_LEN);
	free(id);
	before = layers_of(f->b, "mine", "1");
	assert_true(before >= 2);
	/* what is run from it can be committed, too; the name goes to the new one */
	tare_create_init(&create);
	create.image = strdup("mine:1");
	assert_int_equal(f->b->create(f->b, &create, container, &e), 0);
	tare_create_free(&create);
	q.container = container;
	assert_int_equal(f->b->commit(f->b, &q, &p, &id, &e), 0);
	free(id);
	assert_int_equal(layers_of(f->a, "mine", "1"), before + 1);
	progress_end(&p);
}

static void claims_that_make_no_sense_are_passed_over(void **state)
{
	static const char *const lines[] = {
	        "{\"do\":\"registry-pull\"}",
	        "{\"do\":\"registry-pull\",\"name\":\"../../etc\"}",
	        "{\"do\":\"registry-pull\",\"name\":\"no-such-thing\"}",
	        "{\"do\":\"registry-pull\",\"name\":[]}",
	        "{\"do\":\"registry-login\",\"registry\":{}}",
	        "{\"do\":\"registry-commit\"}",
	        "{\"do\":\"registry-commit\",\"imageID\":\"sha256:x\",\"newID\":\"sha256:y\"}",
	        "{\"do\":\"registry-anything\"}",
	};
	struct fixture *f = *state;
	struct tare_image_list l;
	char path[128];
	size_t before;
	FILE *journal;

	assert_int_equal(f->a->image_list(f->a, &l, NULL), 0);
	before = l.n;
	snprintf(path, sizeof(path), "%s/demo/journal", f->dir);
	journal = fopen(path, "a");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		fprintf(journal, "%s\n", lines[i]);
	/* an id that is none, of an image that is one */
	fprintf(journal, "{\"do\":\"registry-commit\",\"imageID\":\"%s\",\"newID\":\"sha256:short\"}\n",
	        l.rows[0].id);
	fprintf(journal, "{\"do\":\"registry-commit\",\"imageID\":\"%s\",\"newID\":\"%s\"}\n", l.rows[0].id,
	        l.rows[0].id);
	fclose(journal);
	tare_image_list_free(&l);
	assert_int_equal(f->b->image_list(f->b, &l, NULL), 0);
	assert_int_equal(l.n, before);
	tare_image_list_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_is_pulled_is_there_for_all, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_nobody_offers_is_not_there, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_private_registry_wants_a_login, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_search_finds_a_dozen, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                a_container_becomes_an_image_and_that_one_again, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(claims_that_make_no_sense_are_passed_over, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
