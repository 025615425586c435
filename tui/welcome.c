/* The first start: what Tare is, and the five keys that lead to all others. Any key closes it for good. */
#include <stdlib.h>

#include "tui/app.h"
#include "tui/config.h"
#include "tui/dialog_frame.h"
#include "tui/keymap.h"
#include "tui/view.h"
#include "tui/views.h"

static const struct {
	enum context context;
	enum action action;
	const char *text;
} keys[] = {
        {CONTEXT_CONTAINERS, ACTION_OPEN, "open what is selected"},
        {CONTEXT_CONTAINERS, ACTION_CTR_LOGS, "its log, as it is written"},
        {CONTEXT_CONTAINERS, ACTION_CTR_SHELL, "a shell in it, which stays"},
        {CONTEXT_CONTAINERS, ACTION_FILTER, "find by letters of a name"},
        {CONTEXT_CONTAINERS, ACTION_HELP, "all keys there are"},
};
enum { KEYS_N = sizeof keys / sizeof *keys, WIDTH = 62, KEY_COLUMN = 12, NARROW = 50 };

static struct rect place(struct view *v, int rows, int cols)
{
	(void)v;
	return dialog_place(rows, cols, KEYS_N + 8, WIDTH);
}

static void draw(struct view *v, const struct canvas *c, bool focused)
{
	struct app *a = v->app;
	struct rect in = dialog_frame(a, c, "Tare");
	struct style text = app_style(a, UI_DIALOG), key = style_over(text, app_style(a, UI_KEY)),
	             muted = style_over(text, app_style(a, UI_MUTED));
	char name[KEYMAP_TEXT_SIZE];
	int y, key_column = in.w < NARROW ? KEY_COLUMN - 4 : KEY_COLUMN;

	(void)focused;
	rect_cut_top(&in, in.h > KEYS_N + 4);
	y = in.y +
	    dialog_wrap(c, in.y, in.x + 1, in.w - 2, 2,
	            "Containers without a daemon: here is all of them, live.", text) +
	    1;
	for (size_t i = 0; i < KEYS_N && y < in.y + in.h; i++, y++) {
		keymap_key_in(app_keymap(a), keys[i].context, keys[i].action, name);
		canvas_cell_right(c, y, in.x, key_column - 2, name, key);
		canvas_cell(c, y, in.x + key_column, in.w - key_column, keys[i].text, text);
	}
	if (y + 1 < in.y + in.h)
		canvas_str(c, y + 1, in.x + 1, in.w - 1, "Any key begins.", muted);
}

static unsigned close_for_good(struct view *v)
{
	config_remember(app_config(v->app), "welcomed", "yes");
	config_save(app_config(v->app),
	        NULL); /* where that fails, it is said at the end, or by the next thing remembered */
	return VIEW_DONE | VIEW_CLOSE;
}

static unsigned act(struct view *v, enum action action)
{
	(void)action;
	return close_for_good(v);
}

static unsigned key(struct view *v, struct key k)
{
	unsigned result = close_for_good(v);

	/* what means something does it at once */
	return k.code == KEYC_ENTER || k.code == KEYC_ESCAPE || k.code == ' ' || k.code == 'q'
	               ? result
	               : result & ~(unsigned)VIEW_HANDLED;
}

static unsigned mouse(struct view *v, const struct mouse *m)
{
	return m->kind == MOUSE_PRESS ? close_for_good(v) : VIEW_HANDLED;
}

static void welcome_free(struct view *v)
{
	free(v);
}

static const struct view_ops ops = {
        .title = "Welcome",
        .context = CONTEXT_GLOBAL,
        .draw = draw,
        .act = act,
        .key = key,
        .mouse = mouse,
        .place = place,
        .free = welcome_free,
};

struct view *welcome_new(struct app *a)
{
	struct view *v = calloc(1, sizeof *v);

	if (v)
		*v = (struct view){.ops = &ops, .app = a};
	return v;
}
