/* The verbs of networks: remove, connect, disconnect, reload; and the way from a container to its networks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/actions_state.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/job.h"
#include "tui/request.h"
#include "tui/text_view.h"

/* The selected one; NULL, and a toast says so. */
static const struct tare_network *current(struct app *a)
{
	struct object o;
	const struct tare_network *n =
	        app_current(a, &o) && o.kind == OBJECT_NETWORK ? model_network(app_model(a), o.id) : NULL;

	if (!n)
		app_toast(a, TOAST_INFO, "no network is selected; 4 shows them");
	return n;
}

/* Is it in this network, running or not? Its row names them all, with commas between; one that runs may be in
 * one of which its record does not know yet. */
static bool is_in(const struct model_container *c, const char *network)
{
	size_t len = strlen(network);

	for (size_t i = 0; i < c->row.n_attachments; i++)
		if (c->row.attachments[i].network && !strcmp(c->row.attachments[i].network, network))
			return true;
	for (const char *s = c->row.network ? c->row.network : ""; *s;) {
		size_t n = strcspn(s, ",");

		if (n == len && !strncmp(s, network, len))
			return true;
		s += n + (s[n] == ',');
	}
	return false;
}

static bool can_join(const struct model_container *c, const char *network)
{
	const char *mode = c->row.network ? c->row.network : "";

	return strcmp(mode, "none") != 0 && strcmp(mode, "host") != 0 &&
	       strncmp(mode, "container:", 10) != 0 && !is_in(c, network);
}

/* ------------------------------------------------------------------ remove */

static void remove_networks(struct app *a)
{
	cleanup_free struct object *objects = NULL;
	cleanup_strv char **lines = NULL;
	struct request *r = request_new("network rm");
	size_t n = app_targets(a, &objects), k = 0;
	char title[160] = "";

	for (size_t i = 0; i < n; i++) {
		const struct tare_network *net =
		        objects[i].kind == OBJECT_NETWORK ? model_network(app_model(a), objects[i].id) : NULL;

		if (!net || net->is_default)
			continue;
		k++;
		request_word(r, net->name);
		snprintf(title, sizeof title, "network %s", net->name);
		strv_take(&lines, str_printf("%s  (%s, %zu running)", net->name,
		                          net->subnet[0] ? net->subnet[0] : net->driver, net->n_members));
	}
	if (!k) {
		app_toast(a, TOAST_INFO,
		        n ? "the default network stays; it is removed with Tare" : "no network is selected");
		request_free(r);
		return;
	}
	if (k > 1)
		snprintf(title, sizeof title, "%zu networks", k);
	request_title(r, "remove %s", title);
	request_said(r, "removed %s", title);
	if (r)
		r->refresh = MODEL_NETWORKS;
	request_confirm(a, r, lines, "Remove", true, "Remove %s?", title);
}

/* ------------------------------------------------------------------ connect, disconnect */

/* What a picker was opened for, whatever is selected when something is picked. */
struct choice {
	char *network;
	char **names; /* of containers */
};

static void choice_free(void *arg)
{
	struct choice *c = arg;

	free(c->network);
	strv_free(c->names);
	free(c);
}

static void connect_it(struct app *a, int which, void *arg)
{
	const struct choice *c = arg;
	struct request *r = request_new("network connect");

	request_word(r, c->network);
	request_word(r, c->names[which]);
	request_title(r, "connect %s to %s", c->names[which], c->network);
	request_said(r, "%s is in %s now", c->names[which], c->network);
	if (r)
		r->refresh = MODEL_NETWORKS | MODEL_CONTAINERS;
	request_start(a, r);
}

void network_disconnect(struct app *a, const char *network, const char *container)
{
	struct request *r = request_new("network disconnect");

	request_word(r, network);
	request_word(r, container);
	request_title(r, "disconnect %s from %s", container, network);
	request_said(r, "%s is no longer in %s", container, network);
	if (r)
		r->refresh = MODEL_NETWORKS | MODEL_CONTAINERS;
	request_confirm(a, r, NULL, "Disconnect", true, "Disconnect %s from network %s?", container, network);
}

static void disconnect_it(struct app *a, int which, void *arg)
{
	const struct choice *c = arg;

	network_disconnect(a, c->network, c->names[which]);
}

static void pick(struct app *a, struct choice *c, const char *title, struct picker_item *items,
        void (*picked)(struct app *a, int value, void *arg))
{
	struct picker_options o = {.title = title,
	        .items = items,
	        .n = strv_len(c->names),
	        .picked = picked,
	        .arg = c,
	        .free_arg = choice_free};
	struct view *v = picker_new(a, &o);

	if (v)
		app_push(a, v);
}

static void pick_container(struct app *a, bool connects)
{
	const struct tare_network *n = current(a);
	struct model_container *const *rows;
	size_t count = model_containers(app_model(a), &rows);
	struct choice *c = n ? calloc(1, sizeof *c) : NULL;
	cleanup_free struct picker_item *items = calloc(count + 1, sizeof *items);
	char title[160];
	int k = 0;

	if (!c || !items || !(c->network = strdup(n->name))) {
		free(c);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!(connects ? can_join(rows[i], n->name) : is_in(rows[i], n->name)) ||
		        strv_add(&c->names, container_ref(rows[i])) != 0)
			continue;
		items[k] =
		        (struct picker_item){container_ref(rows[i]), tare_state_name(rows[i]->row.state), k};
		k++;
	}
	if (!k) {
		app_toast(a, TOAST_INFO,
		        connects ? "every container that can be is in %s" : "no container is in %s", n->name);
		choice_free(c);
		return;
	}
	snprintf(title, sizeof title, connects ? "Connect to %s" : "Disconnect from %s", n->name);
	pick(a, c, title, items, connects ? connect_it : disconnect_it);
}

/* ------------------------------------------------------------------ reload */

/* Chains of others that stand in the way, and what opens them: to be read, not to pass by. */
static void reloaded(struct app *a, const struct job *j, int value)
{
	cleanup_buf struct buf text = BUF_INIT;

	(void)value;
	buf_printf(&text, "%s%s", j->output ? j->output : "", j->messages ? j->messages : "");
	if (text.len)
		app_push(a, text_dialog_new(a, j->command, buf_str(&text)));
	else
		app_toast(a, TOAST_OK, "all rules of the networks are laid anew");
}

static void reload(struct app *a)
{
	struct request *r = request_new("network reload");

	request_title(r, "reload the networks");
	if (r) {
		r->done = reloaded;
		r->refresh = MODEL_NETWORKS;
	}
	request_start(a, r);
}

/* ------------------------------------------------------------------ from a container to its networks */

static void show_network(struct app *a, const struct tare_network *n)
{
	struct object o = {.kind = OBJECT_NETWORK};

	snprintf(o.id, sizeof o.id, "%s", n->id);
	app_show(a, &o, NULL);
}

static void show_picked(struct app *a, int which, void *arg)
{
	/* a copy: showing it may close this dialog, and with it the choice */
	cleanup_free char *name = strdup(((const struct choice *)arg)->names[which]);
	const struct tare_network *n = name ? model_network_called(app_model(a), name) : NULL;

	if (n)
		show_network(a, n);
}

static void go_to_networks(struct app *a)
{
	cleanup_targets struct targets t = targets_take(a);
	const struct tare_network_list *all = model_networks(app_model(a));
	struct choice *c = t.n ? calloc(1, sizeof *c) : NULL;
	cleanup_free struct picker_item *items = calloc(all->n + 1, sizeof *items);
	const struct tare_network *last = NULL;
	int k = 0;

	if (!c || !items) {
		free(c);
		return;
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct tare_network *n = &all->rows[i];

		if (!is_in(t.of[0], n->name) || strv_add(&c->names, n->name) != 0)
			continue;
		items[k] = (struct picker_item){n->name, n->subnet[0] ? n->subnet[0] : n->driver, k};
		k++;
		last = n;
	}
	if (k > 1) {
		pick(a, c, "Its networks", items, show_picked);
		return;
	}
	choice_free(c);
	if (last)
		show_network(a, last);
	else
		app_toast(a, TOAST_INFO, "%s is in no network of Tare's", container_ref(t.of[0]));
}

bool network_action(struct app *a, enum action action)
{
	switch (action) {
	case ACTION_NET_REMOVE:
		remove_networks(a);
		return true;
	case ACTION_NET_CONNECT:
	case ACTION_NET_DISCONNECT:
		pick_container(a, action == ACTION_NET_CONNECT);
		return true;
	case ACTION_NET_RELOAD:
		reload(a);
		return true;
	case ACTION_CTR_NETWORKS:
		go_to_networks(a);
		return true;
	default:
		return false;
	}
}
