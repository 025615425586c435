/* Choosing a theme: each is shown as one moves over it; Esc puts the old one back, Enter remembers the new
 * one. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/dialog.h"
#include "tui/screen.h"
#include "tui/theme.h"
#include "tui/views.h"

struct choice {
	char **names; /* as theme_list() */
	char *before;
};

static void choice_free(void *arg)
{
	struct choice *c = arg;

	strv_free(c->names);
	free(c->before);
	free(c);
}

static void wear(struct app *a, const char *name)
{
	struct theme *t = theme_choose(
	        app_config(a), name, screen_depth(app_screen(a)), screen_is_ascii(app_screen(a)), NULL);

	if (t)
		app_set_theme(a, t);
}

static void moved(struct app *a, int value, void *arg)
{
	const struct choice *c = arg;

	wear(a, c->names[value]);
}

static void picked(struct app *a, int value, void *arg)
{
	const struct choice *c = arg;
	struct err e = ERR_INIT;

	wear(a, c->names[value]);
	config_remember(app_config(a), "theme", c->names[value]);
	if (config_save(app_config(a), &e))
		app_toast(a, TOAST_WARN, "%s", e.msg);
}

static void cancelled(struct app *a, void *arg)
{
	const struct choice *c = arg;

	wear(a, c->before);
}

/* Their titles stand in their files. */
static size_t fill(struct app *a, const struct choice *c, struct theme **themes, struct picker_item *items)
{
	size_t selected = 0;

	for (size_t i = 0; c->names[i]; i++) {
		themes[i] = theme_load(c->names[i], screen_depth(app_screen(a)), NULL, NULL);
		items[i] = (struct picker_item){
		        .text = themes[i] ? theme_title(themes[i]) : c->names[i],
		        .detail = c->names[i],
		        .value = (int)i,
		};
		if (strcmp(c->names[i], c->before) == 0)
			selected = i;
	}
	return selected;
}

struct view *theme_picker_new(struct app *a)
{
	struct choice *c = calloc(1, sizeof *c);
	size_t n, selected;

	if (!c)
		return NULL;
	c->names = theme_list();
	c->before = strdup(theme_name(app_theme(a)));
	n = strv_len(c->names);
	cleanup_free struct theme **themes = calloc(n + 1, sizeof *themes);
	cleanup_free struct picker_item *items = calloc(n + 1, sizeof *items);
	if (!c->before || !themes || !items || n == 0) {
		if (n == 0)
			app_toast(a, TOAST_WARN, "No theme files were found; is Tare installed as a whole?");
		choice_free(c);
		return NULL;
	}
	selected = fill(a, c, themes, items);
	struct view *v = picker_new(a, &(struct picker_options){
	                                       .title = "Theme",
	                                       .items = items,
	                                       .n = n,
	                                       .selected = selected,
	                                       .moved = moved,
	                                       .picked = picked,
	                                       .cancelled = cancelled,
	                                       .arg = c,
	                                       .free_arg = choice_free,
	                               });
	for (size_t i = 0; i < n; i++)
		theme_free(themes[i]);
	return v;
}
