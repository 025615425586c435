#include "tui/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/tare.h"
#include "tui/action.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/config.h"
#include "tui/config_table.h"
#include "tui/dialog.h"
#include "tui/model.h"
#include "tui/request.h"
#include "tui/screen.h"
#include "tui/theme.h"
#include "tui/words.h"

/* tare's commands that make sense from here, for completion and for knowing one when it stands alone. */
static const char *const tare_words[] = {"attach", "commit", "completion", "container", "cp", "create",
        "diff", "events", "exec", "export", "help", "history", "image", "images", "import", "info", "inspect",
        "kill", "load", "login", "logout", "logs", "network", "pause", "port", "ps", "prune", "pull", "push",
        "registry", "rename", "restart", "rm", "rmi", "run", "save", "search", "start", "stats", "stop",
        "system", "tag", "top", "unpause", "version", "volume", "wait"};
static const char *const own_words[] = {"help", "q", "quit", "set", "tare", "theme"};

static const struct {
	const char *name, *type;
} settings[] = {
#define X(name, type, dflt, help) {name, type},
        SETTINGS(X)
#undef X
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* ------------------------------------------------------------------ doing it */

static void set_theme(struct app *a, const char *name)
{
	struct err e = ERR_INIT;
	struct theme *t = theme_load(name, screen_depth(app_screen(a)), NULL, &e);

	if (!t) {
		app_toast(a, TOAST_ERROR, "%s; T shows all themes", e.msg);
		return;
	}
	app_set_theme(a, t);
	config_remember(app_config(a), "theme", name);
}

/* What is read only when the dashboard starts. */
static bool needs_start(const char *key)
{
	static const char *const late[] = {"keys", "color", "ascii", "mouse", "screen_reader", "prefix"};

	for (size_t i = 0; i < COUNT(late); i++)
		if (!strcmp(late[i], key))
			return true;
	return false;
}

static void set(struct app *a, char *const *words)
{
	struct err e = ERR_INIT;
	const char *key = words[0], *value = key ? words[1] : NULL;

	if (!key) {
		app_toast(a, TOAST_INFO, "write :set KEY VALUE; Tab shows the keys");
	} else if (!value) {
		app_toast(a, TOAST_INFO, "%s = %s", key, config_get(app_config(a), key, "(not set)"));
	} else if (!strcmp(key, "theme")) {
		set_theme(a, value);
	} else if (config_check(key, value, &e) < 0) {
		app_toast(a, TOAST_ERROR, "%s", e.msg);
	} else {
		config_remember(app_config(a), key, value);
		app_toast(a, TOAST_OK, "%s = %s%s", key, value,
		        needs_start(key) ? ", from the next start on" : "");
		app_redraw(a);
	}
}

static bool has_flag(char *const *words, char flag, const char *name)
{
	strv_foreach (s, words) {
		if (!strcmp(*s, "--"))
			return false;
		if (!strcmp(*s, name) || (flag && s[0][0] == '-' && s[0][1] != '-' && strchr(*s, flag)))
			return true;
	}
	return false;
}

/* What talks with a person gets a terminal of its own. */
static bool wants_terminal(char *const *words)
{
	if (!strcmp(words[0], "attach") ||
	        (!strcmp(words[0], "login") && !has_flag(words, 0, "--password-stdin")))
		return true;
	return (!strcmp(words[0], "run") || !strcmp(words[0], "exec") || !strcmp(words[0], "start")) &&
	       has_flag(words, 't', "--tty") && !has_flag(words, 'd', "--detach");
}

static void run_tare(struct app *a, char *const *words, bool shows_output)
{
	struct request *r;

	if (!*words) {
		app_toast(a, TOAST_INFO, "write a command of tare after it, as in :tare ps");
		return;
	}
	if (wants_terminal(words)) {
		app_open_shell(a, words, words[0], &(struct object){.kind = OBJECT_NONE});
		return;
	}
	r = request_new("");
	strv_foreach (s, words)
		request_word(r, *s);
	request_title(r, "%s%s%s", words[0], words[1] ? " " : "", words[1] ? words[1] : "");
	request_said(r, "done: %s%s%s", words[0], words[1] ? " " : "", words[1] ? words[1] : "");
	if (r) {
		r->shows_output = shows_output;
		r->refresh = MODEL_IMAGES | MODEL_VOLUMES;
	}
	request_start(a, r);
}

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

static void unknown(struct app *a, const char *word)
{
	const char *names[ACTION_N];
	size_t n = 0;
	const char *nearest;

	for (int i = 1; i < ACTION_N; i++)
		names[n++] = action_table[i].name;
	nearest = text_nearest(word, names, n);
	app_toast(a, TOAST_ERROR, "no such command: %.60s%s%s%s", word,
	        nearest ? "; did you mean " : "; Tab shows some", nearest ? nearest : "", nearest ? "?" : "");
}

/* Those that print something worth a look. */
static bool shows(const char *word)
{
	static const char *const quiet[] = {"start", "stop", "restart", "kill", "pause", "unpause", "rename",
	        "rm", "rmi", "tag", "pull", "push", "commit", "cp", "export"};

	return !is_one_of(word, quiet, COUNT(quiet));
}

static bool ends_with_word(const char *name, const char *word)
{
	size_t n = strlen(name), k = strlen(word);

	return n > k && name[n - k - 1] == '-' && !strcmp(name + n - k, word);
}

/* What is selected says which "prune" is meant, or "inspect": that of its own kind, which also asks first. */
static enum action find_here(struct app *a, const char *word)
{
	static const enum context contexts[] = {[OBJECT_CONTAINER] = CONTEXT_CONTAINERS,
	        [OBJECT_IMAGE] = CONTEXT_IMAGES,
	        [OBJECT_VOLUME] = CONTEXT_VOLUMES,
	        [OBJECT_NETWORK] = CONTEXT_NETWORKS};
	enum action of_that_name = action_find(word);
	enum context context = action_table[of_that_name].context;
	struct object o;

	if (!app_current(a, &o) || o.kind < OBJECT_CONTAINER || o.kind > OBJECT_NETWORK)
		return of_that_name;
	if (of_that_name != ACTION_NONE &&
	        (context == contexts[o.kind] || context < CONTEXT_CONTAINERS || context > CONTEXT_NETWORKS))
		return of_that_name;
	for (int i = 1; i < ACTION_N; i++) {
		const struct action_info *info = &action_table[i];

		if (info->context == contexts[o.kind] &&
		        ((info->hint && !strcmp(info->hint, word)) || ends_with_word(info->name, word)))
			return (enum action)i;
	}
	return of_that_name;
}

static void do_words(struct app *a, char *const *words)
{
	const char *first = words[0];
	enum action action = words[1] ? ACTION_NONE : find_here(a, first);

	if (!strcmp(first, "q") || !strcmp(first, "q!") || !strcmp(first, "qa") || !strcmp(first, "quit"))
		app_quit(a);
	else if (!strcmp(first, "h"))
		actions_later(app_actions(a), ACTION_HELP);
	else if (!strcmp(first, "set"))
		set(a, words + 1);
	else if (!strcmp(first, "theme") && words[1])
		set_theme(a, words[1]);
	else if (!strcmp(first, "theme"))
		actions_later(app_actions(a), ACTION_THEMES);
	else if (!strcmp(first, "tare"))
		run_tare(a, words + 1, true);
	else if (action != ACTION_NONE)
		actions_later(app_actions(a), action);
	else if (is_one_of(first, tare_words, COUNT(tare_words)))
		run_tare(a, words, shows(first));
	else
		unknown(a, first);
}

void command_line_run(struct app *a, const char *text)
{
	struct err e = ERR_INIT;
	cleanup_strv char **words = NULL;
	bool bang = false;

	while (*text == ' ' || *text == ':')
		text++;
	if (*text == '!') {
		bang = true;
		text++;
	}
	words = words_split(text, &e);
	if (!words && e.msg[0])
		app_toast(a, TOAST_ERROR, "%s", e.msg);
	if (!words)
		return;
	if (bang)
		run_tare(a, strcmp(words[0], "tare") ? words : words + 1, true);
	else
		do_words(a, words);
}

/* ------------------------------------------------------------------ completion */

static void offer(char ***candidates, const char *typed, const char *word)
{
	if (!strncmp(word, typed, strlen(typed)) && !strv_has(*candidates, word))
		strv_add(candidates, word);
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(char *const *)x, *(char *const *)y);
}

static void offer_objects(struct app *a, const char *typed, char ***candidates)
{
	struct model_container *const *rows;
	size_t n = model_containers(app_model(a), &rows);
	const struct tare_image_list *images = model_images(app_model(a));

	for (size_t i = 0; i < n; i++)
		offer(candidates, typed, container_ref(rows[i]));
	for (size_t i = 0; images && i < images->n; i++) {
		cleanup_free char *ref =
		        images->rows[i].reference
		                ? str_printf("%s:%s", images->rows[i].repository, images->rows[i].tag)
		                : NULL;

		if (ref)
			offer(candidates, typed, ref);
	}
}

static void offer_networks(struct app *a, const char *typed, char ***candidates)
{
	const struct tare_network_list *networks = model_networks(app_model(a));

	for (size_t i = 0; i < networks->n; i++)
		offer(candidates, typed, networks->rows[i].name);
}

static void offer_volumes(struct app *a, const char *typed, char ***candidates)
{
	static const char *const verbs[] = {
	        "backup", "backups", "create", "forget", "inspect", "ls", "prune", "restore", "rm", "verify"};
	const struct tare_volume_list *volumes = model_volumes(app_model(a));

	for (size_t i = 0; i < COUNT(verbs); i++)
		offer(candidates, typed, verbs[i]);
	for (size_t i = 0; i < volumes->n; i++)
		offer(candidates, typed, volumes->rows[i].name);
}

/* "auto|mono|16" → each of them. */
static void offer_values(const char *key, const char *typed, char ***candidates)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		if (strcmp(settings[i].name, key) != 0 || !strchr(settings[i].type, '|'))
			continue;
		for (const char *s = settings[i].type; *s; s += *s == '|') {
			size_t n = strcspn(s, "|");
			cleanup_free char *value = str_printf("%.*s", (int)n, s);

			if (value)
				offer(candidates, typed, value);
			s += n;
		}
	}
}

/* Moving about is for keys: those names work, but would only hide the others. */
static bool is_worth_offering(const struct action_info *info)
{
	return info->context != CONTEXT_LIST && info->context != CONTEXT_DETAIL &&
	       info->context != CONTEXT_SHELL;
}

static void offer_first(const char *typed, char ***candidates)
{
	for (int i = 1; i < ACTION_N; i++)
		if (is_worth_offering(&action_table[i]))
			offer(candidates, typed, action_table[i].name);
	for (size_t i = 0; i < COUNT(own_words); i++)
		offer(candidates, typed, own_words[i]);
}

/* "prune" finds "volume-prune", behind what begins so. */
static void offer_within(const char *typed, char ***candidates)
{
	for (int i = 1; i < ACTION_N; i++)
		if (strlen(typed) > 1 && is_worth_offering(&action_table[i]) &&
		        strstr(action_table[i].name, typed) && !strv_has(*candidates, action_table[i].name))
			strv_add(candidates, action_table[i].name);
}

static void offer_tare(const char *typed, char ***candidates)
{
	for (size_t i = 0; i < COUNT(tare_words); i++)
		offer(candidates, typed, tare_words[i]);
}

void command_line_complete(struct app *a, const char *text, char ***candidates)
{
	const char *typed = strrchr(text, ' ');
	cleanup_strv char **words = NULL;
	size_t n = 0;

	if (*text == '!')
		text++;
	typed = typed ? typed + 1 : text;
	words = words_split(text, NULL);
	if (!words && *typed)
		return;                         /* a quote is open */
	n = strv_len(words) - (*typed != '\0'); /* complete words before it */
	if (!words || n == 0) {
		offer_first(typed, candidates);
		offer_tare(typed, candidates);
	} else if (!strcmp(words[0], "theme")) {
		cleanup_strv char **themes = theme_list();

		strv_foreach (s, themes)
			offer(candidates, typed, *s);
	} else if (!strcmp(words[0], "set") && n == 1) {
		for (size_t i = 0; i < COUNT(settings); i++)
			offer(candidates, typed, settings[i].name);
	} else if (!strcmp(words[0], "set")) {
		offer_values(words[1], typed, candidates);
	} else if (!strcmp(words[0], "tare") && n == 1) {
		offer_tare(typed, candidates);
	} else if (!strcmp(words[n - 1], "--network")) {
		offer_networks(a, typed, candidates);
	} else {
		if (strv_has(words, "network"))
			offer_networks(a, typed, candidates);
		if (strv_has(words, "volume"))
			offer_volumes(a, typed, candidates);
		else
			offer_objects(a, typed, candidates);
	}
	if (*candidates)
		qsort(*candidates, strv_len(*candidates), sizeof(**candidates), by_name);
	if (n == 0)
		offer_within(typed, candidates);
}

/* ------------------------------------------------------------------ the line */

static void complete(struct app *a, const char *text, char ***candidates, void *arg)
{
	(void)arg;
	command_line_complete(a, text, candidates);
}

static void entered(struct app *a, const char *text, void *arg)
{
	(void)arg;
	if (text)
		command_line_run(a, text);
}

struct view *command_line_new(struct app *a)
{
	return prompt_new(a, &(struct prompt_options){
	                             .label = ":",
	                             .history = "command",
	                             .complete = complete,
	                             .ok = entered,
	                             .at_bottom = true,
	                     });
}
