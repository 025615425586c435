/* Who is in a network: addresses, published ports and traffic of each container that runs in it; from here
 * one goes to a container, or takes it out. A list like those of the panels, in a pane. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/actions_state.h"
#include "tui/list_view.h"
#include "tui/port_text.h"
#include "tui/traffic.h"
#include "tui/views.h"

#define PORTS_MAX 128

struct member_row {
	const struct tare_member *member;
	struct model_container *c; /* NULL: the model has not heard of it yet */
	char *ports;               /* or NULL */
};

struct members_view {
	struct list_view l;
	struct object object; /* the network */
	struct member_row *rows;
	size_t n;
};

#define ROW(row)    ((const struct member_row *)(row))
#define MEMBER(row) (ROW(row)->member)

static const struct tare_network *network_of(struct members_view *v)
{
	return v->object.kind == OBJECT_NETWORK ? model_network(app_model(v->l.v.app), v->object.id) : NULL;
}

/* ------------------------------------------------------------------ columns */

static const char *name_of(const void *row)
{
	return ROW(row)->c ? ROW(row)->c->row.name : MEMBER(row)->name;
}

static void draw_name(const struct cell *at, const void *row)
{
	cell_name(at, name_of(row), at->base);
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static const char *ip_of(const void *row)
{
	return MEMBER(row)->ip;
}

static void draw_ip(const struct cell *at, const void *row)
{
	cell_text(at, ip_of(row), at->base);
}

static int compare_ip(const void *a, const void *b)
{
	return compare_texts(ip_of(a), ip_of(b));
}

static const char *ip6_of(const void *row)
{
	return MEMBER(row)->ip6;
}

static void draw_ip6(const struct cell *at, const void *row)
{
	cell_text(at, ip6_of(row), cell_style(at, UI_MUTED));
}

static int compare_ip6(const void *a, const void *b)
{
	return compare_texts(ip6_of(a), ip6_of(b));
}

static void draw_mac(const struct cell *at, const void *row)
{
	cell_text(at, MEMBER(row)->mac, cell_style(at, UI_MUTED));
}

static int compare_mac(const void *a, const void *b)
{
	return strcmp(MEMBER(a)->mac, MEMBER(b)->mac);
}

static const char *ports_of(const void *row)
{
	return ROW(row)->ports;
}

static void draw_ports(const struct cell *at, const void *row)
{
	char text[PORTS_MAX];

	if (!ports_of(row))
		return;
	cell_text(at,
	        strlen(ports_of(row)) <= (size_t)at->w
	                ? ports_of(row)
	                : port_short(MEMBER(row)->ports, MEMBER(row)->n_ports, text, sizeof text),
	        at->base);
}

static int compare_ports(const void *a, const void *b)
{
	return compare_texts(ports_of(a), ports_of(b));
}

static double rx_of(const void *row)
{
	return ROW(row)->c ? ROW(row)->c->rx : NAN;
}

static void draw_rx(const struct cell *at, const void *row)
{
	traffic_draw_rate(at, rx_of(row));
}

static int compare_rx(const void *a, const void *b)
{
	return compare_doubles(rx_of(a), rx_of(b));
}

static double tx_of(const void *row)
{
	return ROW(row)->c ? ROW(row)->c->tx : NAN;
}

static void draw_tx(const struct cell *at, const void *row)
{
	traffic_draw_rate(at, tx_of(row));
}

static int compare_tx(const void *a, const void *b)
{
	return compare_doubles(tx_of(a), tx_of(b));
}

static void draw_graph(const struct cell *at, const void *row)
{
	struct model *m = app_model(at->list->v.app);
	struct traffic t;

	if (!ROW(row)->c)
		return;
	model_want(m, MEMBER(row)->id);
	traffic_clear(&t);
	traffic_add(&t, m, ROW(row)->c);
	traffic_draw_graph(at, &t);
}

/* clang-format off */
#define MOVING_FIGURE (COLUMN_RIGHT | COLUMN_DESCENDING | COLUMN_MOVING)
static const struct column columns[] = {
        {"name", "CONTAINER", "Name of the container", 12, 40, 0, 0, 0, name_of, draw_name, compare_name},
        {"ip", "IPV4", "Its IPv4 address in this network", 13, 15, 1, 1, 0, ip_of, draw_ip, compare_ip},
        {"rx", "RX", "Bytes it receives, in all its networks", 7, 7, 2, 9, MOVING_FIGURE, NULL, draw_rx, compare_rx},
        {"tx", "TX", "Bytes it sends, in all its networks", 7, 7, 3, 9, MOVING_FIGURE, NULL, draw_tx, compare_tx},
        {"graph", "LAST MIN", "What it sent and received over the last minute or two", 8, 12, 5, 5, 0, NULL, draw_graph, NULL},
        {"ports", "PORTS", "Published ports; where it is narrow, the numbers on this host", 8, 40, 4, 2, 0, ports_of, draw_ports, compare_ports},
        {"ip6", "IPV6", "Its IPv6 address in this network", 12, 39, 6, 3, 0, ip6_of, draw_ip6, compare_ip6},
        {"mac", "MAC", "Its link address", 17, 17, 7, 9, 0, NULL, draw_mac, compare_mac},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void rows_free(struct members_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->rows[i].ports);
	free(v->rows);
	v->rows = NULL;
	v->n = 0;
}

static void collect(struct list_view *l)
{
	struct members_view *v = (struct members_view *)l;
	const struct tare_network *network = network_of(v);

	rows_free(v);
	if (!network || !network->n_members)
		return;
	v->rows = calloc(network->n_members, sizeof *v->rows);
	if (!v->rows)
		return;
	v->n = network->n_members;
	for (size_t i = 0; i < v->n; i++) {
		const struct tare_member *m = &network->members[i];

		v->rows[i] = (struct member_row){.member = m,
		        .c = model_container(app_model(l->v.app), m->id),
		        .ports = port_text(m->ports, m->n_ports)};
		list_add(l, &v->rows[i]);
	}
}

static const char *id_of(const void *row)
{
	return MEMBER(row)->id;
}

enum { KEY_NAME, KEY_IP, KEY_PORT };
static const char *const filter_keys[] = {"name", "ip", "port", NULL};

static bool has(const void *row, int property, const char *value)
{
	const struct tare_member *m = MEMBER(row);

	switch (property) {
	case KEY_NAME:
		return filter_contains(name_of(row), value);
	case KEY_IP:
		return filter_contains(m->ip, value) || filter_contains(m->ip6, value);
	default:
		return port_matches(m->ports, m->n_ports, ports_of(row), value);
	}
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){.texts = {name_of(row), ip_of(row), ip6_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	const struct tare_network *network = network_of((struct members_view *)l);

	for (size_t i = 0; network && i < network->n_members; i++)
		if (!strcmp(network->members[i].id, id))
			return true;
	return false;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	o->kind = OBJECT_CONTAINER;
	snprintf(o->id, sizeof o->id, "%s", id_of(row));
}

static void empty(struct list_view *l, const struct canvas *c)
{
	char key[64], second[128];

	snprintf(
	        second, sizeof second, "%s connects one that is there", list_key(l, ACTION_NET_CONNECT, key));
	list_say(l, c,
	        (const char *const[]){
	                "No container runs in it", second, "tare run --network NAME … starts one", NULL});
}

/* ------------------------------------------------------------------ the view */

static void show(struct view *view, const struct object *o)
{
	struct members_view *v = (struct members_view *)view;
	static const struct object none = {.kind = OBJECT_NONE};

	if (object_equal(o ? o : &none, &v->object))
		return;
	v->object = o ? *o : none;
	v->l.selected = v->l.top = 0;
	*v->l.key = '\0';
	marks_clear(&v->l.marks);
	line_edit_set(&v->l.line, "");
	list_filter(&v->l, "");
}

static unsigned jump(struct members_view *v)
{
	struct object o;

	if (list_selected_object(&v->l.v, &o))
		app_show(v->l.v.app, &o, NULL);
	return VIEW_DONE;
}

static unsigned disconnect(struct members_view *v)
{
	const struct tare_network *network = network_of(v);
	const struct list_row *r = list_selected(&v->l);

	if (network && r && r->row)
		network_disconnect(v->l.v.app, network->name, name_of(r->row));
	return VIEW_DONE;
}

static unsigned act(struct view *view, enum action a)
{
	struct members_view *v = (struct members_view *)view;

	switch (a) {
	case ACTION_MEMBER_JUMP:
		return jump(v);
	case ACTION_MEMBER_DISCONNECT:
		return disconnect(v);
	default:
		return list_act(view, a);
	}
}

static void members_free(struct view *view)
{
	struct members_view *v = (struct members_view *)view;

	rows_free(v);
	list_end(&v->l);
	free(v);
}

static const struct view_ops view_table = {
        .title = "Members",
        .context = CONTEXT_MEMBERS,
        LIST_VIEW_OPS,
        .act = act,
        .show = show,
        .changed = list_changed,
        .visible = list_visible,
        .free = members_free,
};

static const struct list_ops ops = {
        .name = "members",
        .kind = OBJECT_CONTAINER,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
        .sort = "name",
        .filter_keys = filter_keys,
        .rows_from = MODEL_NETWORKS | MODEL_CONTAINERS,
        .figures_from = MODEL_STATS,
        .collect = collect,
        .id = id_of,
        .compare = compare_name,
        .describe = describe,
        .exists = exists,
        .object = object,
        .empty = empty,
};

struct view *members_view_new(struct app *a)
{
	struct members_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	list_init(&v->l, a, &view_table, &ops);
	return &v->l.v;
}
