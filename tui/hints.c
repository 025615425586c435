/* The hint bar. Where each hint stands is computed by one function, for drawing and for clicks. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/hints.h"
#include "tui/keymap.h"

enum { HINTS_MAX = 48, GAP = 2, CHORDS_MAX = 24 };

struct hint {
	enum action action;
	int x, w; /* of key, blank and word */
	char key[KEYMAP_TEXT_SIZE];
	const char *word;
};

static bool counts_in(enum context c, enum action a)
{
	for (; c != CONTEXT_NONE; c = context_parent(c)) {
		if (action_table[a].context == c)
			return true;
	}
	return false;
}

static bool make(struct app *a, enum context c, enum action action, struct hint *h)
{
	h->action = action;
	h->word = action_table[action].hint;
	if (!h->word || !counts_in(c, action) || !*keymap_key_in(app_keymap(a), c, action, h->key))
		return false;
	h->w = (int)(text_width(h->key) + 1 + text_width(h->word));
	return true;
}

/* The key that a shell's pane does not pass on, as people read it. */
static const char *prefix_text(struct app *a, char dst[KEY_TEXT_SIZE])
{
	const char *name = config_get(app_config(a), "prefix", "ctrl-]");
	struct key k;

	if (!key_parse(name, strlen(name), &k))
		return "^]";
	return key_format(k, dst);
}

static int shell_start(struct app *a)
{
	char prefix[KEY_TEXT_SIZE];

	return (int)text_width(prefix_text(a, prefix)) + (int)strlen(" then") + GAP;
}

/* A dialog takes the letters itself, and says what its keys are; how to get rid of it stands here. */
static size_t place_in_dialog(struct app *a, struct hint *h)
{
	*h = (struct hint){.action = ACTION_BACK, .word = "close"};
	if (!*keymap_key_in(app_keymap(a), CONTEXT_GLOBAL, ACTION_BACK, h->key))
		return 0;
	h->w = (int)(text_width(h->key) + 1 + text_width(h->word));
	return 1;
}

/* Fill hints[] for a row of `width`; how many. */
static size_t place(struct app *a, enum context c, int width, struct hint hints[HINTS_MAX])
{
	static const enum action last[] = {ACTION_COMMAND, ACTION_HELP}; /* from the right end */
	int x = c == CONTEXT_SHELL ? shell_start(a) : 0, right = width;
	size_t n = 0;

	if (c == CONTEXT_GLOBAL)
		return place_in_dialog(a, hints);
	for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
		struct hint *h = &hints[n];
		if (!make(a, c, last[i], h) || h->w > right - x)
			continue;
		h->x = right - h->w;
		right = h->x - GAP;
		n++;
	}
	for (int action = ACTION_NONE + 1; action < ACTION_N && n < HINTS_MAX; action++) {
		struct hint *h = &hints[n];
		if (action == ACTION_COMMAND || action == ACTION_HELP || !make(a, c, (enum action)action, h))
			continue;
		if (x + h->w > right)
			break; /* a shorter one further on would stand out of order */
		h->x = x;
		x += h->w + GAP;
		n++;
	}
	return n;
}

void hints_draw(const struct canvas *c, struct app *a, enum context context)
{
	struct style bar = app_style(a, UI_BAR), key = app_style(a, UI_KEY);
	struct hint hints[HINTS_MAX];
	size_t n = place(a, context, c->r.w, hints);

	canvas_clear(c, bar);
	if (context == CONTEXT_SHELL) {
		char prefix[KEY_TEXT_SIZE];
		int used = canvas_str(c, 0, 0, -1, prefix_text(a, prefix), key);
		canvas_str(c, 0, used, -1, " then", bar);
	}
	for (size_t i = 0; i < n; i++) {
		int used = canvas_str(c, 0, hints[i].x, -1, hints[i].key, key);
		canvas_str(c, 0, hints[i].x + used + 1, -1, hints[i].word, bar);
	}
}

void hints_draw_chord(const struct canvas *c, struct app *a, enum context context, struct key first)
{
	struct style bar = app_style(a, UI_BAR), key = app_style(a, UI_KEY);
	struct keymap_chord chords[CHORDS_MAX];
	size_t n = keymap_chords(app_keymap(a), context, first, chords, CHORDS_MAX);
	char text[KEY_TEXT_SIZE];
	int x;

	canvas_clear(c, bar);
	x = canvas_str(c, 0, 0, -1, key_format(first, text), key);
	x += canvas_str(c, 0, x, -1, " then", bar) + GAP;
	for (size_t i = 0; i < n; i++) {
		const char *word = action_table[chords[i].action].name;
		key_format(chords[i].second, text);
		if (x + (int)(text_width(text) + 1 + text_width(word)) > c->r.w)
			break;
		x += canvas_str(c, 0, x, -1, text, key) + 1;
		x += canvas_str(c, 0, x, -1, word, bar) + GAP;
	}
}

enum action hints_click(struct app *a, enum context context, int width, int x)
{
	struct hint hints[HINTS_MAX];
	size_t n = place(a, context, width, hints);

	for (size_t i = 0; i < n; i++) {
		if (x >= hints[i].x && x < hints[i].x + hints[i].w)
			return hints[i].action;
	}
	return ACTION_NONE;
}
