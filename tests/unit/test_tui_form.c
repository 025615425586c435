/* The run form: moving, checking, what it comes to; and that it can be used on the smallest screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tui_box.h"
#include "tui/form.h"
#include "tui/run_check.h"
#include "tui/run_form.h"

static int set_up(void **state)
{
	struct app *a = box_open(30, 100);

	*state = a;
	app_push(a, run_form_new(a, NULL));
	return box_dialog(a) ? 0 : -1;
}

static int set_up_small(void **state)
{
	struct app *a = box_open(10, 40);

	*state = a;
	app_push(a, run_form_new(a, NULL));
	return box_dialog(a) ? 0 : -1;
}

static int tear_down(void **state)
{
	box_close(*state);
	return 0;
}

static const char *an_image(struct app *a, char dst[256])
{
	const struct tare_image_list *l = model_images(a->model);

	assert_true(l->n > 0 && l->rows[0].reference);
	snprintf(dst, 256, "%s:%s", l->rows[0].repository, l->rows[0].tag);
	return dst;
}

static struct form *form(struct app *a)
{
	return (struct form *)box_dialog(a);
}

static void go_to(struct app *a, size_t field)
{
	while (form(a)->focus != field)
		box_key(a, KEYC_TAB, 0);
}

static void it_becomes_a_command(void **state)
{
	struct app *a = *state;
	const struct job *const *jobs;
	char image[256], expected[512];

	box_type(a, an_image(a, image));
	go_to(a, RUN_NAME);
	box_type(a, "web");
	go_to(a, RUN_REMOVE);
	box_key(a, ' ', 0);
	go_to(a, RUN_ENV);
	box_type(a, "A=1 'B=two words'");
	go_to(a, RUN_VOLUMES);
	box_type(a, "data:/data");
	go_to(a, RUN_MEMORY);
	box_type(a, "256m");
	go_to(a, RUN_COMMAND);
	box_type(a, "sleep 10");
	snprintf(expected, sizeof(expected),
	        "tare --demo run -d --rm --name web -e A=1 -e 'B=two words' -v data:/data -m 256m %s sleep "
	        "10",
	        image);
	assert_string_equal(form(a)->summary, expected);
	box_key(a, 's', MOD_CTRL);
	assert_int_equal(a->n_dialogs, 0);
	assert_int_equal(jobs_list(a->jobs, &jobs), 1);
	assert_string_equal(jobs[0]->command, expected);
	box_run_jobs(a);
}

static void mistakes_are_shown_and_keep_it_open(void **state)
{
	struct app *a = *state;
	char image[256];

	box_type(a, an_image(a, image));
	go_to(a, RUN_MEMORY);
	box_type(a, "lots");
	assert_true(form(a)->fields[RUN_MEMORY].error[0]);
	assert_non_null(strstr(box_text(a), "lots"));
	go_to(a, RUN_NAME);
	box_key(a, 's', MOD_CTRL);
	assert_int_equal(a->n_dialogs, 1);
	assert_int_equal(form(a)->focus, RUN_MEMORY);
	box_key(a, 'u', MOD_CTRL);
	assert_string_equal(form(a)->fields[RUN_MEMORY].error, "");
	assert_int_equal(jobs_running(a->jobs), 0);
}

static void without_an_image_it_says_so(void **state)
{
	struct app *a = *state;

	box_key(a, 's', MOD_CTRL);
	assert_int_equal(a->n_dialogs, 1);
	assert_int_equal(form(a)->focus, RUN_IMAGE);
	box_type(a, "nosuchthing");
	go_to(a, RUN_NAME);
	assert_non_null(strstr(form(a)->fields[RUN_IMAGE].error, "no such image"));
}

static void images_are_offered(void **state)
{
	struct app *a = *state;
	char image[256];
	size_t n;

	an_image(a, image);
	box_type(a, "n");
	n = strv_len(form(a)->candidates);
	assert_true(n > 0);
	strv_foreach (s, form(a)->candidates)
		assert_non_null(strchr(*s, 'n'));
	box_key(a, KEYC_DOWN, 0);
	box_key(a, KEYC_ENTER, 0);
	assert_int_equal(form(a)->focus, RUN_IMAGE);
	assert_non_null(strchr(form_text(form(a), RUN_IMAGE), ':'));
	assert_null(form(a)->candidates);
}

static void what_the_image_does_stands_in_the_fields(void **state)
{
	struct app *a = *state;
	char image[256];

	assert_string_equal(form(a)->fields[RUN_COMMAND].placeholder, "the image's");
	box_type(a, an_image(a, image));
	assert_string_not_equal(form(a)->fields[RUN_COMMAND].placeholder, "the image's");
}

static void in_a_pane_it_is_a_shell(void **state)
{
	struct app *a = *state;
	char image[256], expected[300];

	box_type(a, an_image(a, image));
	go_to(a, RUN_MODE);
	box_key(a, ' ', 0);
	box_key(a, 's', MOD_CTRL);
	snprintf(expected, sizeof(expected), "run -it %s", image);
	assert_string_equal(a->shell, expected);
	assert_int_equal(a->n_dialogs, 0);
}

static void escape_closes_the_list_then_the_form(void **state)
{
	struct app *a = *state;

	box_type(a, "n");
	assert_non_null(form(a)->candidates);
	box_key(a, KEYC_ESCAPE, 0);
	assert_int_equal(a->n_dialogs, 1);
	box_key(a, KEYC_ESCAPE, 0);
	assert_int_equal(a->n_dialogs, 0);
}

static void every_field_is_reached_on_the_smallest_screen(void **state)
{
	struct app *a = *state;

	for (size_t i = 0; i < RUN_N; i++) {
		go_to(a, i);
		box_text(a);
		assert_int_equal(form(a)->fields[i].r.h, 1);
		if (!form(a)->candidates) /* which may lie over the buttons */
			assert_non_null(strstr(buf_str(&a->text), "Cancel"));
	}
	go_to(a, RUN_N);
	assert_non_null(strstr(box_text(a), "[ Run ]"));
}

static void each_field_has_its_rule(void **state)
{
	static const struct {
		enum run_field field;
		const char *right, *wrong;
	} rules[] = {
	        {RUN_NAME, "web-1", "-web"},
	        {RUN_COMMAND, "sh -c 'a b'", "sh -c 'a b"},
	        {RUN_ENV, "A=1 B='x y'", "=x"},
	        {RUN_VOLUMES, "data:/data:ro", "data:data"},
	        {RUN_MEMORY, "1.5g", "1.5q"},
	        {RUN_CPUS, "0.5", "half"},
	        {RUN_PIDS, "100", "1e2"},
	        {RUN_PORTS, "8080:80, 127.0.0.1:53:53/udp", "80:99999"},
	        {RUN_NETWORK, "host", "host shop"},
	        {RUN_NETWORK, "shop, shop-data", "shop container:web"},
	        {RUN_WORKDIR, "/srv", "srv"},
	        {RUN_USER, "web:www", "web www"},
	};
	char error[FORM_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (!run_check(NULL, rules[i].field, rules[i].right, error, sizeof(error)))
			fail_msg("%s: %s", rules[i].right, error);
		if (run_check(NULL, rules[i].field, rules[i].wrong, error, sizeof(error)) || !*error)
			fail_msg("%s is taken", rules[i].wrong);
		assert_true(run_check(NULL, rules[i].field, "", error, sizeof(error)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(it_becomes_a_command, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(mistakes_are_shown_and_keep_it_open, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(without_an_image_it_says_so, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(images_are_offered, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(what_the_image_does_stands_in_the_fields, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(in_a_pane_it_is_a_shell, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(escape_closes_the_list_then_the_form, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                every_field_is_reached_on_the_smallest_screen, set_up_small, tear_down),
	        cmocka_unit_test(each_field_has_its_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
