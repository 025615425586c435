/* The Networks panel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "tui/figures.h"
#include "tui/list_view.h"
#include "tui/port_text.h"
#include "tui/traffic.h"
#include "tui/views.h"

#define PORTS_MOST 20 /* numbers: more than any column has room for */
#define PORTS_SIZE (6 * PORTS_MOST)

struct network_row {
	const struct tare_network *network;
	char ports[PORTS_SIZE]; /* of its members, "8080 8443" */
	struct traffic traffic;
};

struct networks_panel {
	struct list_view l;
	struct network_row *rows;
	size_t n, cap;
};

#define ROW(row)     ((const struct network_row *)(row))
#define NETWORK(row) (ROW(row)->network)

/* ------------------------------------------------------------------ columns */

static const char *name_of(const void *row)
{
	return NETWORK(row)->name;
}

static void draw_name(const struct cell *at, const void *row)
{
	cell_name(at, name_of(row), at->base);
}

static int compare_name(const void *a, const void *b)
{
	return compare_texts(name_of(a), name_of(b));
}

static const char *driver_of(const void *row)
{
	return NETWORK(row)->driver;
}

static void draw_driver(const struct cell *at, const void *row)
{
	cell_text(at, driver_of(row), cell_style(at, UI_MUTED));
}

static int compare_driver(const void *a, const void *b)
{
	return compare_texts(driver_of(a), driver_of(b));
}

static const char *subnet_of(const void *row)
{
	return NETWORK(row)->subnet[0];
}

static void draw_subnet(const struct cell *at, const void *row)
{
	cell_text(at, subnet_of(row), at->base);
}

static int compare_subnet(const void *a, const void *b)
{
	return compare_texts(subnet_of(a), subnet_of(b));
}

static const char *subnet6_of(const void *row)
{
	return NETWORK(row)->subnet[1];
}

static void draw_subnet6(const struct cell *at, const void *row)
{
	cell_text(at, subnet6_of(row), cell_style(at, UI_MUTED));
}

static int compare_subnet6(const void *a, const void *b)
{
	return compare_texts(subnet6_of(a), subnet6_of(b));
}

static const char *gateway_of(const void *row)
{
	return NETWORK(row)->gateway[0];
}

static void draw_gateway(const struct cell *at, const void *row)
{
	cell_text(at, gateway_of(row), cell_style(at, UI_MUTED));
}

static void draw_members(const struct cell *at, const void *row)
{
	size_t n = NETWORK(row)->n_members;
	char text[FIGURE_SIZE];

	cell_right(at, figure_count(n, text), n ? at->base : cell_style(at, UI_MUTED));
}

static int compare_members(const void *a, const void *b)
{
	return compare_numbers(NETWORK(a)->n_members, NETWORK(b)->n_members);
}

static bool is_off(const struct tare_network *n, const char *option)
{
	return !strcmp(json_str(n->options, option, ""), "false");
}

/* Members can't reach each other: under our name, or Docker's. */
static bool no_icc(const struct tare_network *n)
{
	return is_off(n, "icc") || is_off(n, "com.docker.network.bridge.enable_icc");
}

/* What sets it apart from the others, in one word. */
static const char *kind_of(const void *row)
{
	const struct tare_network *n = NETWORK(row);

	return n->is_default          ? "default"
	       : n->internal          ? "internal"
	       : no_icc(n)            ? "icc off"
	       : is_off(n, "isolate") ? "open"
	                              : "";
}

static void draw_kind(const struct cell *at, const void *row)
{
	cell_text(at, kind_of(row), cell_style(at, UI_MUTED));
}

static int compare_kind(const void *a, const void *b)
{
	return strcmp(kind_of(a), kind_of(b));
}

static const char *ports_of(const void *row)
{
	return ROW(row)->ports;
}

static void draw_ports(const struct cell *at, const void *row)
{
	cell_text(at, ports_of(row), at->base);
}

static int compare_ports(const void *a, const void *b)
{
	return compare_texts(ports_of(a), ports_of(b));
}

static void draw_rx(const struct cell *at, const void *row)
{
	traffic_draw_rate(at, ROW(row)->traffic.rx);
}

static int compare_rx(const void *a, const void *b)
{
	return compare_doubles(ROW(a)->traffic.rx, ROW(b)->traffic.rx);
}

static void draw_tx(const struct cell *at, const void *row)
{
	traffic_draw_rate(at, ROW(row)->traffic.tx);
}

static int compare_tx(const void *a, const void *b)
{
	return compare_doubles(ROW(a)->traffic.tx, ROW(b)->traffic.tx);
}

static void draw_graph(const struct cell *at, const void *row)
{
	if (NETWORK(row)->n_members)
		traffic_draw_graph(at, &ROW(row)->traffic);
}

static const char *link_of(const void *row)
{
	return NETWORK(row)->link;
}

static void draw_link(const struct cell *at, const void *row)
{
	cell_text(at, link_of(row), cell_style(at, UI_MUTED));
}

static void draw_age(const struct cell *at, const void *row)
{
	char text[FIGURE_SIZE];

	if (NETWORK(row)->created)
		cell_right(at, figure_age(app_now(at->list->v.app) - NETWORK(row)->created, text),
		        cell_style(at, UI_MUTED));
}

static int compare_age(const void *a, const void *b)
{
	int64_t x = NETWORK(a)->created, y = NETWORK(b)->created;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void draw_id(const struct cell *at, const void *row)
{
	canvas_text(at->c, at->y, at->x, at->w, NETWORK(row)->id, 12, cell_style(at, UI_MUTED));
}

/* clang-format off */
#define FIGURE (COLUMN_RIGHT | COLUMN_DESCENDING)
#define HIDDEN COLUMN_HIDDEN
static const struct column columns[] = {
        {"name", "NETWORK", "Name", 12, 40, 0, 0, 0, name_of, draw_name, compare_name},
        {"driver", "DRIVER", "How it is made: a bridge, or a share of an interface of the host", 7, 7, 7, 9, 0, NULL, draw_driver, compare_driver},
        {"subnet", "SUBNET", "Its IPv4 addresses", 14, 18, 1, 1, 0, subnet_of, draw_subnet, compare_subnet},
        {"subnet6", "IPV6 SUBNET", "Its IPv6 addresses", 12, 24, 9, 7, HIDDEN, subnet6_of, draw_subnet6, compare_subnet6},
        {"gateway", "GATEWAY", "The host's address in it", 12, 16, 9, 7, HIDDEN, gateway_of, draw_gateway, NULL},
        {"kind", "KIND", "Default, internal (no way out), or how its members are kept apart", 8, 8, 6, 9, 0, NULL, draw_kind, compare_kind},
        {"members", "MEMBERS", "Containers that run in it", 7, 7, 2, 9, FIGURE, NULL, draw_members, compare_members},
        {"ports", "PORTS", "Ports of this host that its members publish", 8, 36, 8, 6, 0, ports_of, draw_ports, compare_ports},
        {"rx", "RX", "Bytes its members receive, in all their networks", 7, 7, 3, 9, FIGURE | COLUMN_MOVING, NULL, draw_rx, compare_rx},
        {"tx", "TX", "Bytes its members send, in all their networks", 7, 7, 4, 9, FIGURE | COLUMN_MOVING, NULL, draw_tx, compare_tx},
        {"graph", "LAST MIN", "What its members sent and received over the last minute or two", 8, 12, 5, 5, 0, NULL, draw_graph, NULL},
        {"link", "LINK", "Its interface on the host", 10, 16, 9, 7, HIDDEN, link_of, draw_link, NULL},
        {"age", "AGE", "How old it is", 4, 4, 9, 9, COLUMN_RIGHT | HIDDEN, NULL, draw_age, compare_age},
        {"id", "ID", "The first digits of its id", 12, 12, 9, 9, HIDDEN, NULL, draw_id, NULL},
};
/* clang-format on */

/* ------------------------------------------------------------------ rows */

static void sum_traffic(struct networks_panel *p)
{
	struct model *m = app_model(p->l.v.app);

	for (size_t i = 0; i < p->n; i++) {
		struct network_row *r = &p->rows[i];

		traffic_clear(&r->traffic);
		for (size_t k = 0; k < r->network->n_members; k++) {
			const struct model_container *c = model_container(m, r->network->members[k].id);

			if (c)
				traffic_add(&r->traffic, m, c);
		}
	}
}

static int by_number(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* The numbers on this host, each once; more than fit are not looked for. */
static size_t port_numbers(const struct tare_network *network, uint16_t numbers[PORTS_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < network->n_members; i++) {
		const struct tare_member *m = &network->members[i];

		for (size_t k = 0; k < m->n_ports && n < PORTS_MOST; k++) {
			size_t at = 0;

			while (at < n && numbers[at] != m->ports[k].host_port)
				at++;
			if (at == n && m->ports[k].host_port)
				numbers[n++] = m->ports[k].host_port;
		}
	}
	qsort(numbers, n, sizeof *numbers, by_number);
	return n;
}

static void list_ports(struct network_row *r)
{
	uint16_t numbers[PORTS_MOST] = {0};
	size_t n = port_numbers(r->network, numbers), at = 0;

	*r->ports = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(r->ports + at, sizeof r->ports - at, "%s%u", i ? " " : "", numbers[i]);
}

static void collect(struct list_view *l)
{
	struct networks_panel *p = (struct networks_panel *)l;
	const struct tare_network_list *networks = model_networks(app_model(l->v.app));

	if (networks->n > p->cap) {
		struct network_row *grown = realloc(p->rows, (networks->n + 16) * sizeof *grown);

		if (!grown)
			return;
		p->rows = grown;
		p->cap = networks->n + 16;
	}
	p->n = networks->n;
	for (size_t i = 0; i < networks->n; i++) {
		p->rows[i].network = &networks->rows[i];
		list_ports(&p->rows[i]);
	}
	sum_traffic(p);
	for (size_t i = 0; i < p->n; i++)
		list_add(l, &p->rows[i]);
}

static const char *id_of(const void *row)
{
	return NETWORK(row)->id;
}

enum { KEY_NAME, KEY_DRIVER, KEY_SUBNET, KEY_MEMBER, KEY_PORT, KEY_INTERNAL, KEY_USED };
static const char *const filter_keys[] = {
        "name", "driver", "subnet", "member", "port", "internal", "used", NULL};

static bool has_member(const struct tare_network *n, const char *value)
{
	for (size_t i = 0; i < n->n_members; i++)
		if (filter_contains(n->members[i].name, value))
			return true;
	return false;
}

static bool publishes(const struct network_row *r, const char *value)
{
	for (size_t i = 0; i < r->network->n_members; i++) {
		const struct tare_member *m = &r->network->members[i];

		if (m->n_ports && port_matches(m->ports, m->n_ports, r->ports, value))
			return true;
	}
	return !strcmp(value, "no") && !*r->ports;
}

static bool has(const void *row, int property, const char *value)
{
	const struct tare_network *n = NETWORK(row);

	switch (property) {
	case KEY_NAME:
		return filter_contains(n->name, value);
	case KEY_DRIVER:
		return filter_contains(n->driver, value);
	case KEY_SUBNET:
		return filter_contains(n->subnet[0], value) || filter_contains(n->subnet[1], value);
	case KEY_MEMBER:
		return has_member(n, value);
	case KEY_PORT:
		return publishes(row, value);
	case KEY_INTERNAL:
		return (*value == 'n') == !n->internal;
	default: /* "used:no", "used:yes" */
		return (*value == 'n') == !n->n_members;
	}
}

static void describe(struct list_view *l, const void *row, struct filter_row *out)
{
	(void)l;
	*out = (struct filter_row){
	        .texts = {name_of(row), driver_of(row), subnet_of(row)}, .has = has, .row = row};
}

static bool exists(struct list_view *l, const char *id)
{
	return model_network(app_model(l->v.app), id) != NULL;
}

static void object(struct list_view *l, const void *row, struct object *o)
{
	(void)l;
	o->kind = OBJECT_NETWORK;
	snprintf(o->id, sizeof o->id, "%s", id_of(row));
}

static void empty(struct list_view *l, const struct canvas *c)
{
	char key[64], third[128];

	snprintf(third, sizeof third, "%s makes one", list_key(l, ACTION_NET_CREATE, key));
	list_say(l, c,
	        (const char *const[]){"No networks yet",
	                "Here stands who can reach whom. The first container that runs brings the default "
	                "one.",
	                third, NULL});
}

/* ------------------------------------------------------------------ the view */

static bool changed(struct view *v, unsigned what)
{
	struct networks_panel *p = (struct networks_panel *)v;

	/* otherwise the rows are fetched anew before they are drawn, and this with them */
	if (what & MODEL_STATS && p->l.version == model_version(app_model(v->app)))
		sum_traffic(p);
	return list_changed(v, what);
}

static void visible(struct view *v, bool on)
{
	list_visible(v, on);
	if (on)
		list_stale((struct list_view *)v);
}

static void panel_free(struct view *v)
{
	struct networks_panel *p = (struct networks_panel *)v;

	list_end(&p->l);
	free(p->rows);
	free(p);
}

static const struct view_ops view = {
        .title = "Networks",
        .context = CONTEXT_NETWORKS,
        LIST_VIEW_OPS,
        .act = list_act,
        .changed = changed,
        .visible = visible,
        .free = panel_free,
};

static const struct list_ops ops = {
        .name = "networks",
        .kind = OBJECT_NETWORK,
        .columns = columns,
        .n_columns = sizeof columns / sizeof *columns,
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

struct view *networks_panel_new(struct app *a)
{
	struct networks_panel *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	list_init(&p->l, a, &view, &ops);
	return &p->l.v;
}
