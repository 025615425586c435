/* Copying: the id, the name, the line, the command that made it. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "engine/tare.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/container_command.h"

static void container_row(const struct model_container *c, struct buf *out)
{
	buf_printf(out, "%.12s\t%s\t%s\t%s", c->row.id, container_ref(c), c->row.image ? c->row.image : "",
	        tare_state_name(c->row.state));
	if (!container_is_active(c) && c->row.finished)
		buf_printf(out, "\texit code %d", c->row.exit_code);
}

/* The id of an image stands before the '@' of its object's. */
static void add_id(const struct object *o, struct buf *out)
{
	buf_add(out, o->id, o->kind == OBJECT_IMAGE ? strcspn(o->id, "@") : strlen(o->id));
}

static void add_row(struct app *a, const struct object *o, struct buf *out)
{
	const struct model_container *c =
	        o->kind == OBJECT_CONTAINER ? model_container(app_model(a), o->id) : NULL;

	if (c) {
		container_row(c, out);
		return;
	}
	buf_str_add(out, model_object_name(app_model(a), o));
	buf_char(out, '\t');
	add_id(o, out);
}

static int add_container_command(struct app *a, const struct object *o, struct buf *out, struct err *e)
{
	struct tare_engine *engine = app_engine(a);
	cleanup_json json *container = NULL, *image = NULL;

	if (engine->inspect(engine, o->id, false, &container, e) < 0)
		return -1;
	/* an image that is gone only makes the command longer */
	if (engine->image_inspect(engine, json_str(container, "Image", ""), &image, NULL) < 0)
		image = NULL;
	container_command(container, image, out);
	return 0;
}

static void add_option(struct buf *out, const char *flag, const char *value)
{
	if (!value)
		return;
	buf_printf(out, " %s ", flag);
	text_shell_quote(out, value);
}

static void add_pairs(struct buf *out, const char *flag, json *pairs)
{
	if (!json_object_is_type(pairs, json_type_object))
		return;
	json_object_object_foreach (pairs, key, value) {
		cleanup_free char *text = str_printf("%s=%s", key, json_object_get_string(value));

		add_option(out, flag, text);
	}
}

static int add_network_command(struct app *a, const struct object *o, struct buf *out, struct err *e)
{
	const struct tare_network *n = model_network(app_model(a), o->id);

	if (!n || n->is_default)
		return err_set(e, ERR_OTHER, "the default network is made by itself");
	buf_str_add(out, "tare network create");
	add_option(out, "--driver", strcmp(n->driver, "bridge") ? n->driver : NULL);
	for (int v = 0; v < 2; v++)
		add_option(out, "--subnet", n->subnet[v]);
	for (int v = 0; v < 2; v++)
		add_option(out, "--ip-range", n->range[v]);
	if (n->internal)
		buf_str_add(out, " --internal");
	if (n->ipv6)
		buf_str_add(out, " --ipv6");
	add_pairs(out, "--opt", n->options);
	add_pairs(out, "--label", n->labels);
	buf_char(out, ' ');
	text_shell_quote(out, n->name);
	return 0;
}

static int add_command(struct app *a, const struct object *o, struct buf *out, struct err *e)
{
	const char *name = model_object_name(app_model(a), o);

	switch (o->kind) {
	case OBJECT_CONTAINER:
		return add_container_command(a, o, out, e);
	case OBJECT_IMAGE:
		buf_str_add(out, "tare run --rm -it ");
		text_shell_quote(out, name);
		return 0;
	case OBJECT_VOLUME:
		buf_str_add(out, "tare run --rm -it -v ");
		text_shell_quote(out, o->id);
		buf_str_add(out, ":/data busybox");
		return 0;
	case OBJECT_NETWORK:
		return add_network_command(a, o, out, e);
	default:
		return err_set(e, ERR_OTHER, "no command makes this");
	}
}

static int add_one(struct app *a, enum action action, const struct object *o, struct buf *out, struct err *e)
{
	switch (action) {
	case ACTION_YANK_ID:
		add_id(o, out);
		return 0;
	case ACTION_YANK_NAME:
		buf_str_add(out, model_object_name(app_model(a), o));
		return 0;
	case ACTION_YANK_ROW:
		add_row(a, o, out);
		return 0;
	default:
		return add_command(a, o, out, e);
	}
}

bool copy_action(struct app *a, enum action action)
{
	cleanup_free struct object *objects = NULL;
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	size_t n;

	if (action != ACTION_YANK_ID && action != ACTION_YANK_NAME && action != ACTION_YANK_ROW &&
	        action != ACTION_YANK_COMMAND)
		return false;
	n = app_targets(a, &objects);
	for (size_t i = 0; i < n; i++) {
		if (text.len)
			buf_char(&text, '\n');
		if (add_one(a, action, &objects[i], &text, &e) < 0) {
			app_toast(a, TOAST_ERROR, "nothing is copied: %s", e.msg);
			return true;
		}
	}
	if (text.len)
		app_copy(a, buf_str(&text), text.len);
	else
		app_toast(a, TOAST_INFO, "nothing is selected to copy");
	return true;
}
