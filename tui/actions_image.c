/* The verbs of images. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/image_name.h"
#include "tui/request.h"

const char *image_ref(const struct tare_image *i, char *dst, size_t size)
{
	if (i->reference)
		snprintf(dst, size, "%s:%s", i->repository, i->tag);
	else
		snprintf(dst, size, "%s", i->id);
	return dst;
}

static const char *image_title(const struct tare_image *i, char *dst, size_t size)
{
	if (i->reference)
		return image_ref(i, dst, size);
	snprintf(dst, size, "%.19s", i->id); /* "sha256:" and twelve digits */
	return dst;
}

/* ------------------------------------------------------------------ tag */

static bool check_reference(struct app *a, const char *text, char *error, size_t size, void *arg)
{
	(void)a;
	(void)arg;
	return image_name_check(text, error, size);
}

static void tag_as(struct app *a, const char *text, void *arg)
{
	struct request *r;

	if (!text || !*text)
		return;
	r = request_new("tag");
	request_word(r, arg);
	request_word(r, text);
	request_title(r, "tag %s as %s", (const char *)arg, text);
	request_said(r, "%s is now also called %s", (const char *)arg, text);
	if (r)
		r->refresh = MODEL_IMAGES;
	request_start(a, r);
}

static void tag_prompt(struct app *a, const struct tare_image *i)
{
	char ref[512], label[560];
	struct view *v;

	image_ref(i, ref, sizeof(ref));
	snprintf(label, sizeof(label), "Another name for %.60s", ref);
	v = prompt_new(a, &(struct prompt_options){
	                          .label = label,
	                          .text = i->reference ? ref : "",
	                          .history = "tag",
	                          .check = check_reference,
	                          .ok = tag_as,
	                          .arg = strdup(ref),
	                          .free_arg = free,
	                  });
	if (v)
		app_push(a, v);
}

/* ------------------------------------------------------------------ remove */

static void remove_images(struct app *a)
{
	cleanup_free struct object *objects = NULL;
	cleanup_strv char **lines = NULL;
	struct request *r = request_new("rmi");
	size_t n = app_targets(a, &objects), k = 0;
	char ref[512], title[512] = "", size[SIZE_TEXT_SIZE];

	for (size_t o = 0; o < n; o++) {
		const struct tare_image *i =
		        objects[o].kind == OBJECT_IMAGE ? model_image(app_model(a), objects[o].id) : NULL;

		if (!i)
			continue;
		k++;
		request_word(r, image_ref(i, ref, sizeof(ref)));
		image_title(i, title, sizeof(title));
		strv_take(&lines, str_printf("%s  (%s%s)", title, size_format_decimal(i->size, size),
		                          i->n_containers ? ", in use" : ""));
	}
	if (!k) {
		app_toast(a, TOAST_INFO, "no image is selected; 2 shows them");
		request_free(r);
		return;
	}
	if (k > 1)
		snprintf(title, sizeof(title), "%zu images", k);
	request_title(r, "remove %s", title);
	request_said(r, "removed %s", title);
	if (r)
		r->refresh = MODEL_IMAGES;
	request_confirm(a, r, lines, "Remove", true, "Remove %s?", title);
}

bool image_action(struct app *a, enum action action)
{
	struct object o;
	const struct tare_image *i;

	if (action == ACTION_IMG_REMOVE) {
		remove_images(a);
		return true;
	}
	if (action != ACTION_IMG_TAG)
		return false;
	i = app_current(a, &o) && o.kind == OBJECT_IMAGE ? model_image(app_model(a), o.id) : NULL;
	if (i)
		tag_prompt(a, i);
	else
		app_toast(a, TOAST_INFO, "no image is selected; 2 shows them");
	return true;
}
