/* The simulation's networks: those of the cast and those that users make. Nothing is behind them but their
 * records; who is in them stands with the containers (simulation_endpoint.c). */
#include "engine/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NETWORKS_MAX 4000

/* ------------------------------------------------------------------ look-up */

struct sim_network *sim_network_by_name(const struct simulation *s, const char *name)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (!s->networks[i]->removed && strcmp(s->networks[i]->name, name) == 0)
			return s->networks[i];
	return NULL;
}

struct sim_network *sim_network_by_id(const struct simulation *s, const char *id)
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
	n = sim_network_by_name(s, ref);
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

	if (strlen(id) != TARE_ID_LEN || strspn(id, "0123456789abcdef") != TARE_ID_LEN ||
	        sim_network_by_id(s, id) || tare_name_check(name, NULL) < 0 ||
	        strlen(name) > SIM_NETWORK_NAME_MAX || sim_network_by_name(s, name) ||
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
	struct sim_network *n = sim_network_by_id(s, json_str(line, "network", ""));

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
