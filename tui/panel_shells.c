/* The Shells panel: all that are open, whether somebody looks at them or not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/dialog.h"
#include "tui/figures.h"
#include "tui/list_view.h"
#include "tui/shells.h"
#include "tui/terminal.h"
#include "tui/views.h"

#define NS_PER_SEC 1000000000

struct shells_panel {
	struct list_view l;
};

#define SHELL(row) ((const struct shell *)(row))

/* ------------------------------------------------------------------ columns */

static enum theme_element state_element(const struct shell *sh)
{
	return !sh->ended ? STATE_RUNNING : sh->exit_code ? STATE_FAILED : STATE_EXITED;
}

static void draw_state(const struct cell *at, const void *row)
{
	struct app *a = at->list->v.app;
	const struct shell *sh = row;
	enum glyph g = !sh->ended ? GLYPH_RUNNING : sh->exit_code ? GLYPH_FAILED : GLYPH_EXITED;
	char state[32];

	canvas_char(at->c, at->y, at->x, app_glyph(a, g), app_style(a, state_element(sh)));
	canvas_cell(at->c, at->y, at->x + 2, at->w - 2, shell_state(sh, state, sizeof state),
	        app_style(a, state_element(sh)));
}

static int compare_state(const void *a, const void *b)
{
	return (int)SHELL(a)->ended - (int)SHELL(b)->ended;
}

static const char *name_of(const void *row)
{
	return SHELL(row)->title;
}

static void draw_name(const struct cell *at, const void *row)
{
	cell_name(at, name_of(row), at->base);
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static const char *program_of(const void *row)
{
	return term_title(SHELL(row)->term);
}

static void draw_program(const struct cell *at, const void *row)
{
	cell_text(at, program_of(row), cell_style(at, UI_MUTED));
}

static int compare_program(const void *a, const void *b)
{
	return compare_texts(program_of(a), program_of(b));
}

static void draw_number(const struct cell *at, const void *row)
{
	cell_right(at, SHELL(row)->id, cell_style(at, UI_MUTED));
}

static int compare_number(const void *a, const void *b)
{
	return compare_numbers(SHELL(a)->number, SHELL(b)->number);
}

static void draw_age(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];
	int64_t since = app_now(at->list->v.app) - SHELL(row)->started * NS_PER_SEC;

	cell_right(at, figure_age(since, text), cell_style(at, UI_MUTED));
}

static int compare_age(const void *a, const void *b)
{
	int64_t x = SHELL(a)->started, y = SHELL(b)->started;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* clang-format off */
static const struct column columns[] = {
        {"number", "#", "Its number", 2, 2, 2, 1, COLUMN_RIGHT, NULL, draw_number, compare_number},
        {"name", "SHELL", "Where it is", 12, 30, 0, 0, 0, name_of, draw_name, compare_name},
        {"state", "STATE", "Whether it still runs", 9, 12, 1, 2, 0, NULL, draw_state, compare_state},
        {"program", "TITLE", "What the program in it calls itself", 8, 40, 3, 3, 0, program_of, draw_program, compare_program},
        {"age", "AGE", "Since when", 4, 4, 4, 9, COLUMN_RIGHT, NULL, draw_age, compare_age},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void collect(struct list_view *l)
{
	struct shells *ss = app_shells(l->v.app);

	for (size_t i = 0; i < shells_count(ss); i++)
		list_add(l, shells_get(ss, i));
}

static const char *id_of(const void *row)
{
	return SHELL(row)->id;
}

enum { KEY_NAME, KEY_STATE };
static const char *const filter_keys[] = {"name", "state", NULL};

static bool has(const void *row, int property, const char *value)
{
	char state[32];

	return filter_contains(
	        property == KEY_NAME ? name_of(row) : shell_state(row, state, sizeof state), value);
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){.texts = {name_of(row), program_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	return shells_find(app_shells(l->v.app), (unsigned)strtoul(id, NULL, 10)) != NULL;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	*o = shell_object(row);
}

/* What happened while nobody looked. */
static uint32_t sign(struct list_view *l, const void *row, struct style *s)
{
	if (SHELL(row)->rang) {
		*s = app_style(l->v.app, UI_WARN);
		return app_glyph(l->v.app, GLYPH_BELL);
	}
	if (!SHELL(row)->active)
		return 0;
	*s = app_style(l->v.app, UI_ACCENT);
	return '*';
}

static void empty(struct list_view *l, const struct canvas *c)
{
	char key[64], line[128];

	snprintf(line, sizeof line, "%s on a container opens one", list_key(l, ACTION_CTR_SHELL, key));
	list_say(l, c,
	        (const char *const[]){"No shells open",
	                "A shell stays alive while you look at something else.", line, NULL});
}

/* ------------------------------------------------------------------ actions */

/* `numbers` ends with 0. */
static void end_shells(struct app *a, void *numbers)
{
	for (unsigned *n = numbers; *n; n++) {
		struct shell *sh = shells_find(app_shells(a), *n);

		if (sh)
			shell_close(sh);
	}
}

/* Those that run end by it: that is asked first. */
static void ask_to_end(struct app *a)
{
	struct object *objects = NULL;
	size_t n = app_targets(a, &objects), known = 0, running = 0;
	cleanup_free unsigned *numbers = calloc(n + 1, sizeof *numbers);
	cleanup_strv char **lines = NULL;
	struct view *v;

	for (size_t i = 0; numbers && i < n; i++) {
		const struct shell *sh = shells_of(app_shells(a), &objects[i]);

		if (!sh)
			continue;
		numbers[known++] = sh->number;
		running += !sh->ended;
		strv_add(&lines, sh->title);
	}
	free(objects);
	if (known == 0)
		return;
	if (running == 0) {
		end_shells(a, numbers);
		return;
	}
	v = confirm_new(a, known == 1 ? "End this shell?" : "End these shells?", lines, "End", false,
	        end_shells, numbers, free);
	if (!v)
		return;
	steal_ptr(&numbers);
	app_push(a, v);
}

static unsigned act(struct view *v, enum action a)
{
	struct object o;

	switch (a) {
	case ACTION_SHELL_ENTER:
		if (!list_selected_object(v, &o))
			return VIEW_HANDLED;
		app_show(v->app, &o, "shell");
		return VIEW_DONE;
	case ACTION_SHELL_END:
		ask_to_end(v->app);
		return VIEW_DONE;
	default:
		return list_act(v, a);
	}
}

/* ------------------------------------------------------------------ the view */

static void shells_changed(void *panel)
{
	list_stale(&((struct shells_panel *)panel)->l);
}

static void panel_free(struct view *v)
{
	shells_listen(app_shells(v->app), NULL, NULL);
	list_end((struct list_view *)v);
	free(v);
}

static const struct view_ops view = {
        .title = "Shells",
        .context = CONTEXT_SHELLS,
        LIST_VIEW_OPS,
        .act = act,
        .changed = list_changed,
        .visible = list_visible,
        .free = panel_free,
};

static const struct list_ops ops = {
        .name = "shells",
        .kind = OBJECT_SHELL,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .sort = "number",
        .filter_keys = filter_keys,
        .collect = collect,
        .id = id_of,
        .compare = compare_number,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = empty,
        .sign = sign,
};

struct view *shells_panel_new(struct app *a)
{
	struct shells_panel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	list_init(&p->l, a, &view, &ops);
	shells_listen(app_shells(a), shells_changed, p);
	return &p->l.v;
}
