/* The simulation's networks: those of the cast and those that users make. Nothing is behind them but their
 * records; who is in them stands with the containers (simulation_endpoint.c). */
#include "engine/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/units.h"

#define NETWORKS_MAX 4000
#define NAME_MAX_LEN 64
#define FIRST_FREE   213 /* 10.213.0.0/16 is the first that nobody of the cast has */

/* ------------------------------------------------------------------ look-up */

static struct sim_network *by_name(const struct simulation *s, const char *name)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (!s->networks[i]->removed && strcmp(s->networks[i]->name, name) == 0)
			return s->networks[i];
	return NULL;
}

static struct sim_network *by_id(const struct simulation *s, const char *id)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (!s->networks[i]->removed && strcmp(s->networks[i]->id, id) == 0)
			return s->networks[i];
	return NULL;
}

static struct sim_network *by_start(const struct simulation *s, const char *ref, bool *several)
{
	struct sim_network *found = NULL;
	size_t len = strlen(ref);

	*several = false;
	for (size_t i = 0; i < s->n_networks && len > 0; i++) {
		if (s->networks[i]->removed || strncmp(s->networks[i]->id, ref, len) != 0)
			continue;
		*several = found != NULL;
		found = s->networks[i];
	}
	return found;
}

struct sim_network *sim_find_network(struct simulation *s, const char *ref, struct err *e)
{
	struct sim_network *n;
	bool several = false;

	if (sim_refresh(s, e) < 0)
		return NULL;
	if (strcmp(ref, "bridge") == 0 || strcmp(ref, "default") == 0)
		ref = SIM_NETWORK_DEFAULT;
	n = by_name(s, ref);
	if (!n)
		n = by_start(s, ref, &several);
	if (several)
		return err_set_null(
		        e, ERR_USAGE, "\"%.64s\" is the start of several ids; give more digits", ref);
	if (!n)
		return err_set_null(
		        e, ERR_NOT_FOUND, "there is no network \"%.100s\"; see: tare network ls", ref);
	return n;
}

/* ------------------------------------------------------------------ making them */

static void network_free(struct sim_network *n)
{
	if (!n)
		return;
	free(n->name);
	free(n->driver);
	free(n->link);
	json_free(&n->labels);
	json_free(&n->options);
	free(n);
}

void sim_networks_free(struct simulation *s)
{
	for (size_t i = 0; i < s->n_networks; i++)
		network_free(s->networks[i]);
	free(s->networks);
}

/* Takes n. */
static struct sim_network *network_add(struct simulation *s, struct sim_network *n)
{
	struct sim_network **grown = NULL;

	if (n && n->name && n->driver && n->link)
		grown = realloc(s->networks, (s->n_networks + 1) * sizeof(struct sim_network *));
	if (!grown) {
		network_free(n);
		return NULL;
	}
	s->networks = grown;
	return grown[s->n_networks++] = n;
}

/* The first address is the gateway's, unless another one was asked for; members get those that follow, or
 * those of the range. */
static void set_gateways(struct sim_network *n)
{
	for (int v = 0; v < 2; v++)
		if (n->subnet[v].base.family && !n->gateway[v].family)
			net_subnet_nth(&n->subnet[v], 1, &n->gateway[v]);
	n->next = n->range[0].base.family ? net_subnet_offset(&n->subnet[0], &n->range[0].base) : 2;
}

static char *bridge_name(const char *id)
{
	return str_printf("tr-%.12s", id);
}

static json *options_of(const char *text)
{
	cleanup_strv char **words = sim_words(text);
	json *o = words ? json_object_new_object() : NULL;

	strv_foreach (w, words) {
		cleanup_free char *key = strndup(*w, strcspn(*w, "="));

		if (key)
			json_set_str(o, key, strchr(*w, '=') ? strchr(*w, '=') + 1 : "true");
	}
	return o;
}

static struct sim_network *network_of_role(const struct sim_network_role *role)
{
	struct sim_network *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	sim_hex(sim_hash(sim_hash_text(role->name), 6), n->id, TARE_ID_LEN);
	n->name = strdup(role->name);
	n->driver = strdup(role->driver);
	n->link = role->link ? strdup(role->link) : bridge_name(n->id);
	n->created = -role->created * SIM_SECOND;
	n->internal = role->internal;
	for (int v = 0; v < 2; v++)
		if (role->subnet[v])
			net_subnet_parse(role->subnet[v], &n->subnet[v], NULL);
	if (role->range)
		net_subnet_parse(role->range, &n->range[0], NULL);
	n->options = options_of(role->options);
	if (role->project) {
		n->labels = json_object_new_object();
		json_set_str(n->labels, "com.docker.compose.project", role->project);
	}
	set_gateways(n);
	return n;
}

int sim_networks_build(struct simulation *s, struct err *e)
{
	for (size_t i = 0; i < sim_n_networks; i++) {
		struct sim_network *n = network_add(s, network_of_role(&sim_network_roles[i]));

		if (!n)
			return err_no_memory(e);
		n->is_default = i == 0;
	}
	return 0;
}

/* ------------------------------------------------------------------ who is in them */

static bool is_there(const struct simulation *s, const struct sim_container *c)
{
	return sim_at(c, sim_now(s)).there;
}

/* The first container of a network from number *at on, running or not. */
static struct sim_container *next_in(const struct simulation *s, const struct sim_network *n, size_t *at)
{
	for (; *at < s->n_containers; ++*at) {
		struct sim_container *c = s->containers[*at];

		if (sim_attachment_in(c, n) && is_there(s, c)) {
			++*at;
			return c;
		}
	}
	return NULL;
}

static bool is_used(const struct simulation *s, const struct sim_network *n)
{
	size_t at = 0;

	return next_in(s, n, &at) != NULL;
}

/* ------------------------------------------------------------------ the journal */

static void tell(struct simulation *s, const struct sim_network *n, const char *action, const char *container,
        int64_t at)
{
	json *attributes = json_object_new_object();

	json_set_str(attributes, "name", n->name);
	json_set_str(attributes, "type", n->driver);
	if (container)
		json_set_str(attributes, "container", container);
	sim_event_keep(s, sim_event_new(s, "network", action, n->id, attributes, at), at);
}

static int subnet_from(json *line, const char *key, struct net_subnet *out)
{
	const char *text = json_str(line, key, NULL);

	return text ? net_subnet_parse(text, out, NULL) : 0;
}

static int address_from(json *line, const char *key, struct net_address *out)
{
	const char *text = json_str(line, key, NULL);

	return text ? net_address_parse(text, out, NULL) : 0;
}

static json *object_from(json *line, const char *key)
{
	json *o = json_get(line, key);

	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_foreach (o, name, value) {
		(void)name;
		if (!json_object_is_type(value, json_type_string))
			return NULL;
	}
	return json_object_get(o);
}

static struct sim_network *network_of_line(json *line, int64_t at)
{
	struct sim_network *n = calloc(1, sizeof(*n));
	const char *driver = json_str(line, "driver", "bridge"), *parent = json_str(line, "parent", NULL);

	if (!n)
		return NULL;
	memcpy(n->id, json_str(line, "id", ""), sizeof(n->id));
	n->name = strdup(json_str(line, "name", ""));
	n->driver = strdup(strcmp(driver, "macvlan") == 0 ? driver : "bridge");
	n->link = parent ? strdup(parent) : bridge_name(n->id);
	n->created = at;
	n->internal = json_bool(line, "internal", false);
	n->labels = object_from(line, "labels");
	n->options = object_from(line, "options");
	if (subnet_from(line, "subnet", &n->subnet[0]) < 0 ||
	        subnet_from(line, "subnet6", &n->subnet[1]) < 0 ||
	        subnet_from(line, "range", &n->range[0]) < 0 ||
	        address_from(line, "gateway", &n->gateway[0]) < 0 ||
	        address_from(line, "gateway6", &n->gateway[1]) < 0 || n->subnet[0].base.family != AF_INET) {
		network_free(n);
		return NULL;
	}
	set_gateways(n);
	return n;
}

static void create(struct simulation *s, json *line, int64_t at)
{
	const char *id = json_str(line, "id", ""), *name = json_str(line, "name", "");
	struct sim_network *n;

	if (strlen(id) != TARE_ID_LEN || strspn(id, "0123456789abcdef") != TARE_ID_LEN || by_id(s, id) ||
	        tare_name_check(name, NULL) < 0 || strlen(name) > NAME_MAX_LEN || by_name(s, name) ||
	        s->n_networks >= NETWORKS_MAX)
		return;
	n = network_add(s, network_of_line(line, at));
	if (n)
		tell(s, n, "create", NULL, at);
}

static void connect_it(struct simulation *s, struct sim_network *n, json *line, int64_t at)
{
	struct sim_container *c = sim_by_id(s, json_str(line, "id", ""));

	if (!c || c->removed || sim_attachment_in(c, n) || !sim_join(s, c, n, json_get(line, "endpoint"), at))
		return;
	tell(s, n, "connect", c->id, at);
}

static void disconnect_it(struct simulation *s, struct sim_network *n, json *line, int64_t at)
{
	struct sim_container *c = sim_by_id(s, json_str(line, "id", ""));

	if (!c || c->removed || !sim_attachment_in(c, n))
		return;
	sim_leave(c, n);
	tell(s, n, "disconnect", c->id, at);
}

void sim_network_apply(struct simulation *s, const char *verb, json *line, int64_t at)
{
	struct sim_network *n = by_id(s, json_str(line, "network", ""));

	if (strcmp(verb, "network-create") == 0) {
		create(s, line, at);
	} else if (n && strcmp(verb, "network-remove") == 0 && !n->is_default && !is_used(s, n)) {
		n->removed = true;
		tell(s, n, "destroy", NULL, at);
	} else if (n && strcmp(verb, "network-connect") == 0) {
		connect_it(s, n, line, at);
	} else if (n && strcmp(verb, "network-disconnect") == 0) {
		disconnect_it(s, n, line, at);
	}
}

/* ------------------------------------------------------------------ create */

static struct sim_network *overlaps(const struct simulation *s, const struct net_subnet *subnet)
{
	for (size_t i = 0; i < s->n_networks; i++)
		for (int v = 0; v < 2; v++)
			if (!s->networks[i]->removed && s->networks[i]->subnet[v].base.family &&
			        net_subnet_overlap(&s->networks[i]->subnet[v], subnet))
				return s->networks[i];
	return NULL;
}

static int choose_subnet(
        const struct simulation *s, int v, const char *id, struct net_subnet *out, struct err *e)
{
	char text[NET_SUBNET_TEXT];

	for (unsigned i = FIRST_FREE; v == 0 && i < 256; i++) {
		snprintf(text, sizeof(text), "10.%u.0.0/16", i);
		if (net_subnet_parse(text, out, NULL) == 0 && !overlaps(s, out))
			return 0;
	}
	for (unsigned i = 0; v == 0 && i < 256; i++) {
		snprintf(text, sizeof(text), "192.168.%u.0/24", i);
		if (net_subnet_parse(text, out, NULL) == 0 && !overlaps(s, out))
			return 0;
	}
	if (v == 0)
		return err_set(e, ERR_CONFLICT, "no subnet is free; name one with: --subnet 172.30.0.0/24");
	snprintf(text, sizeof(text), "fd5a:%.4s:%.4s:%.4s::/64", id, id + 4, id + 8);
	return net_subnet_parse(text, out, e);
}

static int check_subnet(const struct simulation *s, const struct net_subnet *subnet, int v, struct err *e)
{
	const struct sim_network *other = overlaps(s, subnet);
	char text[NET_SUBNET_TEXT];

	net_subnet_text(subnet, text);
	if ((subnet->base.family == AF_INET6) != (v == 1))
		return err_set(e, ERR_USAGE, "%s is not an %s subnet", text, v ? "IPv6" : "IPv4");
	if (other)
		return err_set(e, ERR_CONFLICT, "%s overlaps with network %s; choose another --subnet", text,
		        other->name);
	return 0;
}

/* Subnet, gateway and range of one family into the journal's line. */
static int set_family(const struct simulation *s, json *line, const struct tare_network_create *q, int v,
        const char *id, struct err *e)
{
	struct net_subnet subnet, range;
	struct net_address gateway;
	char text[NET_SUBNET_TEXT];

	if (q->subnet[v]
	                ? net_subnet_parse(q->subnet[v], &subnet, e) < 0 || check_subnet(s, &subnet, v, e) < 0
	                : choose_subnet(s, v, id, &subnet, e) < 0)
		return -1;
	json_set_str(line, v ? "subnet6" : "subnet", net_subnet_text(&subnet, text));
	if (q->gateway[v]) {
		if (net_address_parse(q->gateway[v], &gateway, e) < 0)
			return -1;
		if (!net_subnet_has(&subnet, &gateway))
			return err_set(e, ERR_USAGE, "gateway %s is not in subnet %s", q->gateway[v], text);
		json_set_str(line, v ? "gateway6" : "gateway", q->gateway[v]);
	}
	if (q->range[v]) {
		if (net_subnet_parse(q->range[v], &range, e) < 0)
			return -1;
		if (!net_subnet_has(&subnet, &range.base) || range.prefix < subnet.prefix)
			return err_set(e, ERR_USAGE, "range %s is not in subnet %s", q->range[v], text);
		if (v == 0)
			json_set_str(line, "range", net_subnet_text(&range, text));
	}
	return 0;
}

static int set_options(json *line, const struct tare_network_create *q, struct err *e)
{
	json *options = json_object_new_object();
	bool macvlan = q->driver && strcmp(q->driver, "macvlan") == 0;

	json_set(line, "options", options);
	strv_foreach (o, q->options) {
		size_t len = strcspn(*o, "=");
		cleanup_free char *key = strndup(*o, len);

		if (key)
			json_set_str(options, key, (*o)[len] ? *o + len + 1 : "true");
	}
	if (macvlan && !json_get(options, "parent"))
		return err_set(e, ERR_USAGE,
		        "a macvlan network needs an interface of the host: --opt parent=enp3s0");
	if (macvlan)
		json_set_str(line, "parent", json_str(options, "parent", ""));
	return 0;
}

static int check_name(const struct simulation *s, const char *name, struct err *e)
{
	static const char *const taken[] = {"bridge", "host", "none", "default", "container"};

	if (!name || tare_name_check(name, e) < 0)
		return name ? -1 : err_set(e, ERR_USAGE, "a network needs a name");
	if (strlen(name) > NAME_MAX_LEN)
		return err_set(e, ERR_USAGE, "the name of a network has at most %d letters", NAME_MAX_LEN);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (strcmp(name, taken[i]) == 0)
			return err_set(e, ERR_USAGE, "no network can be called \"%s\"", name);
	if (by_name(s, name))
		return err_set(e, ERR_CONFLICT,
		        "there is a network %s already; choose another name or: tare network rm %s", name,
		        name);
	return 0;
}

int sim_network_create(struct tare_engine *t, const struct tare_network_create *q, char *id, struct err *e)
{
	struct simulation *s = sim_of(t);
	cleanup_json json *line = NULL;

	if (sim_refresh(s, e) < 0 || check_name(s, q->name, e) < 0)
		return -1;
	if (q->driver && strcmp(q->driver, "bridge") != 0 && strcmp(q->driver, "macvlan") != 0)
		return err_set(
		        e, ERR_UNSUPPORTED, "there is no driver \"%.40s\": bridge or macvlan", q->driver);
	sim_hex(sim_hash(sim_hash((uint64_t)now_realtime(), (uint64_t)getpid()), s->journal_read + 7), id,
	        TARE_ID_LEN);
	line = sim_action("network-create", id);
	json_set_str(line, "name", q->name);
	json_set_str(line, "driver", q->driver ? q->driver : "bridge");
	json_set_bool(line, "internal", q->internal);
	if (q->labels)
		json_set(line, "labels", json_object_get(q->labels));
	if (set_options(line, q, e) < 0 || set_family(s, line, q, 0, id, e) < 0 ||
	        ((q->ipv6 || q->subnet[1]) && set_family(s, line, q, 1, id, e) < 0) ||
	        sim_journal_add(s, steal_ptr(&line), e) < 0)
		return -1;
	return by_id(s, id) ? 0
	                    : err_set(e, ERR_CONFLICT, "the name %s was taken at the same moment", q->name);
}

/* ------------------------------------------------------------------ remove, connect, disconnect */

int sim_network_remove(struct tare_engine *t, const char *ref, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_network *n = sim_find_network(s, ref, e);
	cleanup_buf struct buf users = BUF_INIT;
	const struct sim_container *c;
	size_t at = 0;
	json *line;

	if (!n)
		return -1;
	if (n->is_default)
		return err_set(e, ERR_CONFLICT, "network %s is the default one: it stays", n->name);
	while ((c = next_in(s, n, &at)))
		buf_printf(&users, "%s%s", users.len ? ", " : "", c->name);
	if (users.len)
		return err_set(e, ERR_CONFLICT,
		        "network %s is in use by %.200s; remove them, or: tare network disconnect %s NAME",
		        n->name, buf_str(&users), n->name);
	line = sim_action("network-remove", NULL);
	json_set_str(line, "network", n->id);
	return sim_journal_add(s, line, e);
}

int sim_network_connect(struct tare_engine *t, const char *net, const char *ref,
        const struct tare_endpoint *asked, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_network *n = sim_find_network(s, net, e);
	const struct sim_container *c = n ? sim_find(s, ref, e) : NULL;
	json *line;

	if (!c)
		return -1;
	if (c->network_mode)
		return err_set(e, ERR_CONFLICT, "container %s has the network \"%s\": no other can be added",
		        c->name, c->network_mode);
	if (sim_attachment_in(c, n))
		return err_set(e, ERR_CONFLICT, "container %s is in network %s already", c->name, n->name);
	if (asked && sim_endpoint_check(s, n, asked, e) < 0)
		return -1;
	line = sim_action("network-connect", c->id);
	json_set_str(line, "network", n->id);
	if (asked)
		json_set(line, "endpoint", sim_endpoint_json(n, asked));
	return sim_journal_add(s, line, e);
}

int sim_network_disconnect(struct tare_engine *t, const char *net, const char *ref, bool force, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_network *n = sim_find_network(s, net, e);
	const struct sim_container *c = n ? sim_find(s, ref, e) : NULL;
	json *line;

	(void)force;
	if (!c)
		return -1;
	if (!sim_attachment_in(c, n))
		return err_set(e, ERR_CONFLICT, "container %s is not in network %s", c->name, n->name);
	line = sim_action("network-disconnect", c->id);
	json_set_str(line, "network", n->id);
	return sim_journal_add(s, line, e);
}

/* There are no rules that somebody could have flushed, and nothing that a crash could leave. */
int sim_network_reload(struct tare_engine *t, char ***notes, struct err *e)
{
	(void)notes;
	return sim_refresh(sim_of(t), e);
}

int sim_check(struct tare_engine *t, bool repair, struct tare_check_result *out, struct err *e)
{
	(void)repair;
	*out = (struct tare_check_result){0};
	return sim_refresh(sim_of(t), e);
}

/* ------------------------------------------------------------------ list */

static char *subnet_copy(const struct net_subnet *subnet)
{
	char text[NET_SUBNET_TEXT];

	return subnet->base.family ? strdup(net_subnet_text(subnet, text)) : NULL;
}

static char *address_copy(const struct net_address *a)
{
	char text[NET_ADDRESS_TEXT];

	return strdup(net_address_text(a, text));
}

static int fill_member(const struct sim_network *n, const struct sim_container *c, struct tare_member *m)
{
	const struct sim_attachment *at = sim_attachment_in(c, n);
	unsigned char mac[NET_MAC_LEN];
	char text[NET_MAC_TEXT];

	net_mac_of(n->id, &at->ip[0], mac);
	*m = (struct tare_member){.id = strdup(c->id),
	        .name = strdup(c->name),
	        .ip = address_copy(&at->ip[0]),
	        .ip6 = address_copy(&at->ip[1]),
	        .mac = strdup(net_mac_text(mac, text))};
	if (!m->id || !m->name || !m->ip || !m->ip6 || !m->mac)
		return -1;
	/* an internal network lets nobody in, and a macvlan one passes the host by */
	if (n->internal || strcmp(n->driver, "bridge") != 0)
		return 0;
	return sim_ports_fill(c, &m->ports, &m->n_ports);
}

static bool runs(const struct simulation *s, const struct sim_container *c)
{
	struct sim_status st = sim_at(c, sim_now(s));

	return st.there && (st.state == TARE_RUNNING || st.state == TARE_PAUSED);
}

static int fill_members(const struct simulation *s, const struct sim_network *n, struct tare_network *row)
{
	size_t count = 0;

	for (size_t i = 0; i < s->n_containers; i++)
		count += sim_attachment_in(s->containers[i], n) != NULL;
	row->members = calloc(count + 1, sizeof(*row->members));
	if (!row->members)
		return -1;
	for (size_t i = 0; i < s->n_containers; i++)
		if (sim_attachment_in(s->containers[i], n) && runs(s, s->containers[i]) &&
		        fill_member(n, s->containers[i], &row->members[row->n_members++]) < 0)
			return -1;
	return 0;
}

static int fill(const struct simulation *s, const struct sim_network *n, struct tare_network *row)
{
	*row = (struct tare_network){.name = strdup(n->name),
	        .id = strdup(n->id),
	        .driver = strdup(n->driver),
	        .link = strdup(n->link),
	        .created = sim_wall(s, n->created),
	        .internal = n->internal,
	        .is_default = n->is_default,
	        .ipv6 = n->subnet[1].base.family != 0,
	        .labels = json_object_get(n->labels),
	        .options = json_object_get(n->options)};
	for (int v = 0; v < 2; v++) {
		row->subnet[v] = subnet_copy(&n->subnet[v]);
		row->gateway[v] = n->gateway[v].family ? address_copy(&n->gateway[v]) : NULL;
		row->range[v] = subnet_copy(&n->range[v]);
	}
	if (!row->name || !row->id || !row->driver || !row->link)
		return -1;
	return fill_members(s, n, row);
}

static int default_first(const void *a, const void *b)
{
	const struct tare_network *x = a, *y = b;

	if (x->is_default != y->is_default)
		return x->is_default ? -1 : 1;
	return strcmp(x->name, y->name);
}

int sim_network_list(struct tare_engine *t, struct tare_network_list *out, struct err *e)
{
	struct simulation *s = sim_of(t);

	*out = (struct tare_network_list){0};
	if (sim_refresh(s, e) < 0)
		return -1;
	out->rows = calloc(s->n_networks + 1, sizeof(*out->rows));
	if (!out->rows)
		return err_no_memory(e);
	for (size_t i = 0; i < s->n_networks; i++) {
		if (s->networks[i]->removed)
			continue;
		if (fill(s, s->networks[i], &out->rows[out->n++]) < 0) {
			tare_network_list_free(out);
			return err_no_memory(e);
		}
	}
	qsort(out->rows, out->n, sizeof(*out->rows), default_first);
	return 0;
}

/* ------------------------------------------------------------------ inspect */

static json *ipam_of(const struct sim_network *n)
{
	json *o = json_object_new_object(), *config = json_object_new_array();
	char text[NET_SUBNET_TEXT];

	for (int v = 0; v < 2; v++) {
		json *one;

		if (!n->subnet[v].base.family)
			continue;
		one = json_object_new_object();
		json_set_str(one, "Subnet", net_subnet_text(&n->subnet[v], text));
		if (n->range[v].base.family)
			json_set_str(one, "IPRange", net_subnet_text(&n->range[v], text));
		if (n->gateway[v].family)
			json_set_str(one, "Gateway", net_address_text(&n->gateway[v], text));
		json_object_array_add(config, one);
	}
	json_set_str(o, "Driver", "default");
	json_set(o, "Options", NULL);
	json_set(o, "Config", config);
	return o;
}

static void set_with_prefix(
        json *o, const char *key, const struct net_address *a, const struct net_subnet *subnet)
{
	char text[NET_ADDRESS_TEXT];
	cleanup_free char *whole =
	        a->family ? str_printf("%s/%u", net_address_text(a, text), subnet->prefix) : NULL;

	json_set_str(o, key, whole ? whole : "");
}

static json *containers_of(const struct simulation *s, const struct sim_network *n)
{
	json *all = json_object_new_object();

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct sim_container *c = s->containers[i];
		const struct sim_attachment *at = sim_attachment_in(c, n);
		unsigned char mac[NET_MAC_LEN];
		char hex[TARE_ID_LEN + 1], text[NET_MAC_TEXT];
		json *one;

		if (!at || !runs(s, c))
			continue;
		one = json_object_new_object();
		sim_hex(sim_hash(c->seed, sim_hash_text(n->id)), hex, TARE_ID_LEN);
		net_mac_of(n->id, &at->ip[0], mac);
		json_set_str(one, "Name", c->name);
		json_set_str(one, "EndpointID", hex);
		json_set_str(one, "MacAddress", net_mac_text(mac, text));
		set_with_prefix(one, "IPv4Address", &at->ip[0], &n->subnet[0]);
		set_with_prefix(one, "IPv6Address", &at->ip[1], &n->subnet[1]);
		json_set(all, c->id, one);
	}
	return all;
}

int sim_network_inspect(struct tare_engine *t, const char *ref, json **out, struct err *e)
{
	struct simulation *s = sim_of(t);
	const struct sim_network *n = sim_find_network(s, ref, e);
	char time[TIME_TEXT_SIZE];
	json *o;

	if (!n)
		return -1;
	o = json_object_new_object();
	json_set_str(o, "Name", n->name);
	json_set_str(o, "Id", n->id);
	json_set_str(o, "Created", time_format(sim_wall(s, n->created), time));
	json_set_str(o, "Scope", "local");
	json_set_str(o, "Driver", n->driver);
	json_set_bool(o, "EnableIPv4", true);
	json_set_bool(o, "EnableIPv6", n->subnet[1].base.family != 0);
	json_set(o, "IPAM", ipam_of(n));
	json_set_bool(o, "Internal", n->internal);
	json_set_bool(o, "Attachable", false);
	json_set_bool(o, "Ingress", false);
	json_set(o, "Containers", containers_of(s, n));
	json_set(o, "Options", n->options ? json_object_get(n->options) : json_object_new_object());
	json_set(o, "Labels", n->labels ? json_object_get(n->labels) : json_object_new_object());
	json_set_str(o, "Link", n->link);
	*out = o;
	return 0;
}
