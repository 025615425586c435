/* What moves images: pull, push, search, login, and commit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/commit_form.h"
#include "tui/dialog.h"
#include "tui/image_name.h"
#include "tui/login_form.h"
#include "tui/request.h"
#include "tui/search_results.h"
#include "tui/words.h"

static const char *const platforms[] = {
        "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/riscv64", NULL};

static const struct tare_image *current_image(struct app *a)
{
	struct object o;

	return app_current(a, &o) && o.kind == OBJECT_IMAGE ? model_image(app_model(a), o.id) : NULL;
}

static void push_prompt(struct app *a, const struct prompt_options *o)
{
	struct view *v = prompt_new(a, o);

	if (v)
		app_push(a, v);
}

static void start(struct app *a, struct request *r, const char *said, const char *name)
{
	request_said(r, "%s %s", said, name);
	if (r)
		r->refresh = MODEL_IMAGES;
	request_start(a, r);
}

/* ------------------------------------------------------------------ pull */

void image_pull(struct app *a, const char *name, const char *platform)
{
	struct request *r = request_new("pull");

	if (platform) {
		request_word(r, "--platform");
		request_word(r, platform);
	}
	request_word(r, name);
	request_title(r, "pull %s", name);
	start(a, r, "pulled", name);
}

/* NAME[:TAG] [OS/ARCH] */
static bool check_pull(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	cleanup_strv char **words = words_split(text, NULL);

	(void)a;
	(void)arg;
	*error = '\0';
	if (!words || !*words)
		snprintf(error, size, "which image?");
	else if (strv_len(words) > 2)
		snprintf(error, size, "a name, and perhaps a platform, as in alpine:3.20 linux/arm64");
	else if (words[1] && !strchr(words[1], '/'))
		snprintf(error, size, "a platform is OS/ARCH, as in linux/arm64");
	else
		image_name_check(words[0], error, size);
	return !*error;
}

static void complete_pull(struct app *a, const char *text, char ***candidates, void *arg)
{
	const struct tare_image_list *images = model_images(app_model(a));
	const char *word = strrchr(text, ' ');

	(void)arg;
	for (size_t i = 0; word && platforms[i]; i++)
		if (!strncmp(platforms[i], word + 1, strlen(word + 1)))
			strv_add(candidates, platforms[i]);
	for (size_t i = 0; !word && i < images->n; i++) {
		const struct tare_image *row = &images->rows[i];
		cleanup_free char *name =
		        row->reference ? str_printf("%s:%s", row->repository, row->tag) : NULL;

		if (name && !strncmp(name, text, strlen(text)))
			strv_add(candidates, name);
	}
}

static void pull_typed(struct app *a, const char *text, void *arg)
{
	cleanup_strv char **words = text ? words_split(text, NULL) : NULL;

	(void)arg;
	if (words && *words)
		image_pull(a, words[0], words[1]);
}

static void pull_prompt(struct app *a)
{
	push_prompt(a, &(struct prompt_options){
	                       .label = "Pull an image: NAME[:TAG] [PLATFORM]",
	                       .history = "pull",
	                       .check = check_pull,
	                       .complete = complete_pull,
	                       .ok = pull_typed,
	               });
}

/* ------------------------------------------------------------------ push */

static bool check_destination(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	(void)a;
	(void)arg;
	if (!*text) {
		snprintf(error, size, "where to? a name with its registry, as in localhost:5000/app:1");
		return false;
	}
	return image_name_check(text, error, size);
}

/* `arg`: what the image is called here. */
static void push_typed(struct app *a, const char *text, void *arg)
{
	struct request *r;

	if (!text || !*text)
		return;
	r = request_new("push");
	request_word(r, arg);
	if (strcmp(text, arg) != 0)
		request_word(r, text);
	request_title(r, "push %s", text);
	start(a, r, "pushed", text);
}

static void push_image(struct app *a, const struct tare_image *i)
{
	char ref[512], label[560];

	image_ref(i, ref, sizeof(ref));
	snprintf(label, sizeof(label), "Push %.60s to", ref);
	push_prompt(a, &(struct prompt_options){
	                       .label = label,
	                       .text = i->reference ? ref : "",
	                       .history = "push",
	                       .check = check_destination,
	                       .ok = push_typed,
	                       .arg = strdup(ref),
	                       .free_arg = free,
	               });
}

/* ------------------------------------------------------------------ search */

static void search_typed(struct app *a, const char *text, void *arg)
{
	(void)arg;
	if (text && *text)
		search_for_images(a, text);
}

static void search_prompt(struct app *a)
{
	push_prompt(a, &(struct prompt_options){
	                       .label = "Search a registry for images",
	                       .history = "search",
	                       .ok = search_typed,
	               });
}

/* ------------------------------------------------------------------ commit */

static void commit(struct app *a)
{
	struct object o;
	const struct model_container *c =
	        app_current(a, &o) && o.kind == OBJECT_CONTAINER ? model_container(app_model(a), o.id) : NULL;
	struct view *v = c ? commit_form_new(a, c) : NULL;

	if (v)
		app_push(a, v);
	else
		app_toast(a, TOAST_INFO, "no container is selected; 1 shows them");
}

/* ------------------------------------------------------------------ all of them */

static void push_action(struct app *a)
{
	const struct tare_image *i = current_image(a);

	if (i)
		push_image(a, i);
	else
		app_toast(a, TOAST_INFO, "no image is selected; 2 shows them");
}

static void login(struct app *a)
{
	struct view *v = login_form_new(a, "", 0);

	if (v)
		app_push(a, v);
}

bool transfer_action(struct app *a, enum action action)
{
	switch (action) {
	case ACTION_IMG_PULL:
		pull_prompt(a);
		return true;
	case ACTION_IMG_PUSH:
		push_action(a);
		return true;
	case ACTION_IMG_SEARCH:
		search_prompt(a);
		return true;
	case ACTION_IMG_LOGIN:
		login(a);
		return true;
	case ACTION_CTR_COMMIT:
		commit(a);
		return true;
	default:
		return false;
	}
}
