/* Lists: widths of columns, order, filter, marks, groups and the selection. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/fake_engine.h"
#include "tui/app_core.h"
#include "tui/config.h"
#include "tui/container_columns.h"
#include "tui/keymap.h"
#include "tui/list_view.h"
#include "tui/model_state.h"
#include "tui/views.h"

struct rig {
	struct app app;
	struct fake_engine *engine;
	struct list_view *list;
	char home[64];
};

/* Names in the order in which they are newest first. */
static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof *r);
	struct err e = ERR_INIT;

	strcpy(r->home, "/tmp/tare-list-XXXXXX");
	assert_non_null(mkdtemp(r->home));
	setenv("XDG_STATE_HOME", r->home, 1);
	setenv("XDG_CONFIG_HOME", r->home, 1);
	r->engine = fake_new();
	r->app.options.engine = &r->engine->api;
	r->app.loop = loop_new(&e);
	r->app.model = model_new(&r->engine->api, r->app.loop, &e);
	r->app.config = config_load(&e);
	r->app.keymap = keymap_new();
	return r;
}

static void rig_open(struct rig *r)
{
	assert_int_equal(model_load(r->app.model, NULL), 0);
	r->list = (struct list_view *)containers_panel_new(&r->app);
	assert_non_null(r->list);
	r->list->body = (struct rect){1, 0, 5, 40};
}

static void rig_free(struct rig *r)
{
	if (r->list)
		r->list->v.ops->free(&r->list->v);
	model_free(r->app.model);
	keymap_free(r->app.keymap);
	config_free(r->app.config);
	loop_free(r->app.loop);
	free(r->engine);
	rmdir(r->home);
	free(r);
}

static void act(struct rig *r, enum action a)
{
	assert_true(r->list->v.ops->act(&r->list->v, a) & VIEW_HANDLED);
}

/* What stands in the rows: "web api >shop web" with ">" before headings. */
static const char *shown(struct rig *r)
{
	static char text[4096];

	*text = '\0';
	list_sync(r->list);
	for (size_t i = 0; i < r->list->n_rows; i++) {
		const struct list_row *row = &r->list->rows[i];
		const struct model_container *c = row->row;

		if (i)
			strcat(text, " ");
		strcat(text, c ? "" : ">");
		strcat(text, c ? c->row.name : row->group);
	}
	return text;
}

static const char *selected(struct rig *r)
{
	struct object o;

	if (!r->list->v.ops->selected(&r->list->v, &o))
		return "-";
	return model_container(r->app.model, o.id)->row.name;
}

static void type(struct rig *r, const char *text)
{
	act(r, ACTION_FILTER);
	for (; *text; text++)
		r->list->v.ops->key(&r->list->v, (struct key){.code = (unsigned char)*text});
}

static struct key special(uint32_t code)
{
	return (struct key){.code = code};
}

/* ------------------------------------------------------------------ columns */

static void widths_fit_everywhere(void **state)
{
	struct column_choice ch;
	uint16_t needs[COLUMNS_MAX] = {0};
	int widths[COLUMNS_MAX], used;

	(void)state;
	needs[1] = 30;
	needs[2] = 20;
	columns_default(&ch, container_columns, CONTAINER_COLUMNS);
	for (int gap = 1; gap <= 2; gap++) {
		for (int room = 0; room <= 300; room++) {
			int sum = 0;

			used = columns_fit(container_columns, &ch, needs, room, gap, widths);
			for (size_t i = 0; i < ch.n; i++) {
				assert_true(widths[i] >= 0);
				if (widths[i])
					sum += widths[i] + (sum ? gap : 0);
			}
			assert_int_equal(sum, used);
			/* with so little room there are only the gaps left */
			assert_true(used <= room || room < 8);
		}
	}
	assert_int_equal(widths[1], 30); /* as much as is needed, not all there is */
	assert_int_equal(widths[2], 20);
}

static void narrow_lists_keep_what_counts(void **state)
{
	struct column_choice ch;
	uint16_t needs[COLUMNS_MAX] = {0};
	int widths[COLUMNS_MAX];

	(void)state;
	columns_default(&ch, container_columns, CONTAINER_COLUMNS);
	columns_fit(container_columns, &ch, needs, 30, 1, widths);
	for (size_t i = 0; i < ch.n; i++) {
		const char *id = container_columns[ch.at[i]].id;
		bool stays = !strcmp(id, "state") || !strcmp(id, "name") || !strcmp(id, "cpu") ||
		             !strcmp(id, "mem");

		assert_true((widths[i] > 0) == stays);
	}
	assert_int_equal(widths[0], 1); /* the sign alone, never half a word */
	columns_fit(container_columns, &ch, needs, 130, 2, widths);
	assert_int_equal(widths[0], 12);
}

/* A spare column is shown only where the state has its word as well. */
static void spare_columns_do_not_cost_a_word(void **state)
{
	static const struct column table[] = {
	        {.id = "state", .min = 1, .ideal = 12, .grow = 1, .flags = COLUMN_WHOLE},
	        {.id = "ports", .min = 10, .ideal = 20, .drop = 8, .grow = 2, .flags = COLUMN_SPARE},
	};
	static const struct {
		int room, state, ports;
	} of[] = {{8, 1, 0}, {11, 1, 0}, {12, 12, 0}, {13, 12, 0}, {22, 12, 0}, {23, 12, 10}, {33, 12, 20}};
	struct column_choice ch;
	uint16_t needs[COLUMNS_MAX] = {0};
	int widths[COLUMNS_MAX];

	(void)state;
	columns_default(&ch, table, 2);
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		columns_fit(table, &ch, needs, of[i].room, 1, widths);
		assert_int_equal(widths[0], of[i].state);

		assert_int_equal(widths[1], of[i].ports);
	}
}

/* The ids of what is shown, where one container publishes a port and, if told so, one has a limit. */
static const char *ids_shown(int width, int gap, bool publishes, bool limited, int *taken)
{
	static char text[256];
	struct column_choice ch;
	uint16_t needs[COLUMNS_MAX] = {0};
	int widths[COLUMNS_MAX];

	columns_default(&ch, container_columns, CONTAINER_COLUMNS);
	for (size_t i = 0; i < CONTAINER_COLUMNS; i++)
		needs[i] = !strcmp(container_columns[i].id, "ports")  ? publishes * 30
		           : !strcmp(container_columns[i].id, "mem%") ? limited * 4
		                                                      : 20;
	*taken = columns_fit_closer(container_columns, &ch, needs, width - 2, gap, widths);
	*text = '\0';
	for (size_t i = 0; i < ch.n; i++)
		if (widths[i])
			sprintf(text + strlen(text), "%s%s", *text ? "," : "",
			        container_columns[ch.at[i]].id);
	return text;
}

/* On a terminal of 80 columns, and in the list of one of 120, ports are there when one is published. */
static void ports_have_room(void **state)
{
	int gap;

	(void)state;
	for (int limited = 0; limited <= 1; limited++) {
		assert_string_equal(
		        ids_shown(80, 2, true, limited, &gap), "state,name,image,cpu,mem,graph,ports,since");
		assert_int_equal(gap, 1);
		assert_string_equal(
		        ids_shown(54, 1, true, limited, &gap), "state,name,cpu,mem,graph,ports,since");
	}
	assert_string_equal(
	        ids_shown(100, 2, true, true, &gap), "state,name,image,cpu,mem,mem%,graph,ports,since");
	assert_int_equal(gap, 2);
}

/* Columns that would be empty take no room. */
static void what_no_row_has_is_left_out(void **state)
{
	int gap;

	(void)state;
	assert_string_equal(ids_shown(80, 2, false, true, &gap), "state,name,image,cpu,mem,mem%,graph,since");
	assert_int_equal(gap, 2);
	assert_string_equal(ids_shown(300, 2, false, false, &gap), "state,name,image,cpu,mem,graph,since");
	assert_string_equal(ids_shown(54, 1, false, false, &gap), "state,name,image,cpu,mem,graph,since");
}

static void choices_are_written_and_read(void **state)
{
	struct column_choice ch;
	char text[256];

	(void)state;
	columns_parse(&ch, container_columns, CONTAINER_COLUMNS, "cpu, name,bogus,cpu,,pids");
	columns_print(&ch, container_columns, text, sizeof text);
	assert_string_equal(text, "cpu,name,pids");
	columns_parse(&ch, container_columns, CONTAINER_COLUMNS, "nothing known");
	columns_print(&ch, container_columns, text, sizeof text);
	assert_string_equal(text, "state,name,image,cpu,mem,mem%,graph,ports,since");
	columns_print(&ch, container_columns, text, 8);
	assert_true(strlen(text) < 8);
}

static void numbers_in_names_count(void **state)
{
	(void)state;
	assert_true(compare_texts("web-2", "web-10") < 0);
	assert_true(compare_texts("web-010", "web-9") > 0);
	assert_true(compare_texts("Web", "api") > 0);
	assert_true(compare_texts("a", "ab") < 0);
	assert_int_equal(compare_texts("same", "same"), 0);
	assert_true(compare_texts("same", "Same") != 0);
	assert_true(compare_texts(NULL, "a") < 0);
	assert_true(compare_texts("99999999999999999999999", "99999999999999999999998") > 0);
}

/* ------------------------------------------------------------------ rows */

static void what_runs_stands_first(void **state)
{
	struct rig *r = rig_new();

	(void)state;
	fake_add(r->engine, "zeta", TARE_RUNNING);
	fake_add(r->engine, "dead", TARE_EXITED);
	fake_add(r->engine, "web-10", TARE_RUNNING);
	fake_add(r->engine, "web-2", TARE_RUNNING);
	rig_open(r);
	assert_string_equal(shown(r), "web-2 web-10 zeta dead");
	act(r, ACTION_SORT_REVERSE);
	assert_string_equal(shown(r), "dead web-2 web-10 zeta");
	act(r, ACTION_SORT_NEXT); /* by name */
	assert_string_equal(shown(r), "dead web-2 web-10 zeta");
	act(r, ACTION_SORT_REVERSE);
	assert_string_equal(shown(r), "zeta web-10 web-2 dead");
	assert_string_equal(config_get(r->app.config, "containers.sort", ""), "name desc");
	rig_free(r);
}

static void the_selection_stays_on_its_object(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row;

	(void)state;
	fake_add(r->engine, "c", TARE_RUNNING);
	row = fake_add(r->engine, "b", TARE_RUNNING);
	fake_add(r->engine, "a", TARE_RUNNING);
	rig_open(r);
	act(r, ACTION_DOWN);
	assert_string_equal(selected(r), "b");
	fake_add(r->engine, "aa", TARE_RUNNING);
	assert_true(model_list_containers(r->app.model, NULL) >= 0);
	assert_string_equal(shown(r), "a aa b c");
	assert_string_equal(selected(r), "b");
	act(r, ACTION_SORT_REVERSE);
	assert_string_equal(selected(r), "b");
	/* it is gone: what stands in its place */
	row->gone = true;
	assert_true(model_list_containers(r->app.model, NULL) >= 0);
	assert_string_equal(shown(r), "a aa c");
	assert_string_equal(selected(r), "c");
	act(r, ACTION_BOTTOM);
	act(r, ACTION_DOWN);
	assert_string_equal(selected(r), "c");
	act(r, ACTION_TOP);
	act(r, ACTION_UP);
	assert_string_equal(selected(r), "a");
	rig_free(r);
}

static void filters_as_one_types(void **state)
{
	struct rig *r = rig_new();
	size_t n, all;

	(void)state;
	fake_add(r->engine, "api", TARE_EXITED);
	fake_add(r->engine, "web-2", TARE_RUNNING);
	fake_add(r->engine, "web-1", TARE_RUNNING);
	rig_open(r);
	type(r, "web");
	assert_string_equal(shown(r), "web-1 web-2");
	panel_count(&r->list->v, &n, &all);
	assert_int_equal(n, 2);
	assert_int_equal(all, 3);
	type(r, " !2");
	assert_string_equal(shown(r), "web-1");
	r->list->v.ops->key(&r->list->v, special(KEYC_ENTER));
	assert_string_equal(shown(r), "web-1"); /* it stays */
	act(r, ACTION_BACK);
	assert_string_equal(shown(r), "web-1 web-2 api");
	assert_int_equal(r->list->v.ops->act(&r->list->v, ACTION_BACK), VIEW_IGNORED);
	type(r, "state:exited");
	assert_string_equal(shown(r), "api");
	r->list->v.ops->key(&r->list->v, special(KEYC_ESCAPE));
	assert_string_equal(shown(r), "web-1 web-2 api");
	type(r, "nothing like it");
	assert_string_equal(shown(r), "");
	assert_string_equal(selected(r), "-");
	act(r, ACTION_DOWN);
	act(r, ACTION_MARK);
	rig_free(r);
}

static void marks_survive(void **state)
{
	struct rig *r = rig_new();
	struct fake_row *row;
	struct object *marked;

	(void)state;
	fake_add(r->engine, "c", TARE_RUNNING);
	row = fake_add(r->engine, "b", TARE_RUNNING);
	fake_add(r->engine, "a", TARE_RUNNING);
	rig_open(r);
	act(r, ACTION_MARK); /* a, and on to b */
	assert_string_equal(selected(r), "b");
	act(r, ACTION_MARK);
	type(r, "c");
	assert_int_equal(panel_marked(&r->list->v, &marked), 2);
	assert_int_equal(marked[0].kind, OBJECT_CONTAINER);
	free(marked);
	act(r, ACTION_BACK);
	/* what is gone is not marked any longer */
	row->gone = true;
	assert_true(model_list_containers(r->app.model, NULL) >= 0);
	assert_int_equal(panel_marked(&r->list->v, &marked), 1);
	assert_string_equal(marked[0].id, r->engine->rows[2].id);
	free(marked);
	act(r, ACTION_MARK_INVERT);
	assert_int_equal(panel_marked(&r->list->v, &marked), 1);
	assert_string_equal(marked[0].id, r->engine->rows[0].id);
	free(marked);
	act(r, ACTION_MARK_NONE);
	assert_int_equal(panel_marked(&r->list->v, &marked), 0);
	free(marked);
	/* a range, upwards */
	for (int i = 0; i < 5; i++)
		fake_add(r->engine, (char[]){(char)('d' + i), 0}, TARE_RUNNING);
	assert_true(model_list_containers(r->app.model, NULL) >= 0);
	act(r, ACTION_BOTTOM);
	act(r, ACTION_MARK);
	act(r, ACTION_TOP);
	act(r, ACTION_MARK_RANGE);
	assert_int_equal(panel_marked(&r->list->v, &marked), 7);
	free(marked);
	act(r, ACTION_BACK);
	assert_int_equal(panel_marked(&r->list->v, &marked), 0);
	rig_free(r);
}

static void groups_fold(void **state)
{
	struct rig *r = rig_new();
	struct object o = {.kind = OBJECT_CONTAINER}, *marked;

	(void)state;
	fake_add(r->engine, "alone", TARE_RUNNING);
	strcpy(fake_add(r->engine, "web", TARE_RUNNING)->project, "shop");
	strcpy(fake_add(r->engine, "api", TARE_EXITED)->project, "shop");
	strcpy(fake_add(r->engine, "db", TARE_RUNNING)->project, "blog");
	rig_open(r);
	assert_string_equal(shown(r), "alone db web api");
	act(r, ACTION_CTR_GROUP);
	assert_string_equal(shown(r), ">blog db >shop web api alone");
	assert_string_equal(selected(r), "alone");
	act(r, ACTION_TOP);
	assert_string_equal(selected(r), "-");
	act(r, ACTION_OPEN);
	assert_string_equal(shown(r), ">blog >shop web api alone");
	act(r, ACTION_DOWN);
	act(r, ACTION_MARK); /* all of shop */
	assert_int_equal(panel_marked(&r->list->v, &marked), 2);
	free(marked);
	act(r, ACTION_UP);
	act(r, ACTION_OPEN);
	/* something in a closed group is asked for from elsewhere: the group opens */
	strcpy(o.id, r->engine->rows[3].id);
	assert_true(panel_select(&r->list->v, &o));
	assert_string_equal(selected(r), "db");
	assert_string_equal(shown(r), ">blog db >shop web api alone");
	strcpy(o.id, "nothing");
	assert_false(panel_select(&r->list->v, &o));
	rig_free(r);
}

static void only_running_and_alerts(void **state)
{
	struct rig *r = rig_new();
	struct object o = {.kind = OBJECT_CONTAINER};

	(void)state;
	fake_add(r->engine, "a", TARE_RUNNING);
	fake_add(r->engine, "b", TARE_EXITED);
	rig_open(r);
	act(r, ACTION_CTR_ALL);
	assert_string_equal(shown(r), "a");
	assert_string_equal(config_get(r->app.config, "containers.all", ""), "no");
	model_container(r->app.model, r->engine->rows[1].id)->alert = true;
	strcpy(o.id, r->engine->rows[1].id);
	assert_true(panel_select(&r->list->v, &o));
	assert_string_equal(shown(r), "a b");
	assert_false(model_container(r->app.model, r->engine->rows[1].id)->alert);
	rig_free(r);
}

static void states_look_as_they_are(void **state)
{
	struct model_container c = {.row.state = TARE_EXITED};
	struct state_look look;

	(void)state;
	container_look(&c, &look);
	assert_string_equal(look.word, "exited");
	c.row.exit_code = -2147483647;
	container_look(&c, &look);
	assert_int_equal(look.glyph, GLYPH_FAILED);
	c.row.exit_code = 137;
	container_look(&c, &look);
	assert_string_equal(look.word, "exited 137");
	c.row.oom_killed = true;
	container_look(&c, &look);
	assert_string_equal(look.word, "OOM killed");
	c.row.state = TARE_RUNNING;
	c.row.health = TARE_HEALTH_UNHEALTHY;
	container_look(&c, &look);
	assert_int_equal(look.element, STATE_UNHEALTHY);
}

static void the_wheel_takes_the_selection_along(void **state)
{
	struct rig *r = rig_new();
	struct mouse m = {.kind = MOUSE_WHEEL_DOWN};

	(void)state;
	for (int i = 0; i < 20; i++)
		fake_add(r->engine, (char[]){(char)('a' + i), 0}, TARE_RUNNING);
	rig_open(r);
	list_mouse(&r->list->v, &m);
	assert_int_equal(r->list->top, 3);
	assert_string_equal(selected(r), "d");
	for (int i = 0; i < 20; i++)
		list_mouse(&r->list->v, &m);
	assert_int_equal(r->list->top, 15);
	m = (struct mouse){.kind = MOUSE_PRESS, .button = 1, .y = 3, .x = 4};
	list_mouse(&r->list->v, &m);
	assert_string_equal(selected(r), "r");
	m.y = 30;
	list_mouse(&r->list->v, &m);
	assert_string_equal(selected(r), "r");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(widths_fit_everywhere),
	        cmocka_unit_test(narrow_lists_keep_what_counts),
	        cmocka_unit_test(spare_columns_do_not_cost_a_word),
	        cmocka_unit_test(ports_have_room),
	        cmocka_unit_test(what_no_row_has_is_left_out),
	        cmocka_unit_test(choices_are_written_and_read),
	        cmocka_unit_test(numbers_in_names_count),
	        cmocka_unit_test(what_runs_stands_first),
	        cmocka_unit_test(the_selection_stays_on_its_object),
	        cmocka_unit_test(filters_as_one_types),
	        cmocka_unit_test(marks_survive),
	        cmocka_unit_test(groups_fold),
	        cmocka_unit_test(only_running_and_alerts),
	        cmocka_unit_test(states_look_as_they_are),
	        cmocka_unit_test(the_wheel_takes_the_selection_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
