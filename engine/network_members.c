/* Who is in a network: the containers whose run is under way, and those whose record asks for it. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/network.h"

/* A start that is under way has no state yet, but the container's lock. */
bool endpoint_holder_is_dead(const char *id, void *arg)
{
	const struct store *s = arg;
	cleanup_container struct container c = CONTAINER_INIT;
	struct err e = ERR_INIT;

	if (container_open_id(s, id, &c, &e) != 0)
		return e.kind == ERR_NOT_FOUND;
	if (container_is_up(&c) || container_is_ending(&c))
		return false;
	return container_try_lock(s, &c) && !container_is_up(&c) && !container_is_ending(&c);
}

/* 0, or -1 from fn; a container that goes meanwhile is passed over. */
static int call_for(const struct store *s, const char *id, network_holder_fn fn, void *arg)
{
	cleanup_container struct container c = CONTAINER_INIT;
	cleanup_network_state struct network_state n = {0};

	if (container_open_id(s, id, &c, NULL) != 0 || c.state_fd < 0 ||
	        network_state_read(c.state_fd, id, &n, NULL) != 0 || !n.n_endpoints)
		return 0;
	return endpoint_holder_is_dead(id, (void *)s) ? 0 : fn(&c, &n, arg);
}

int network_each_holder(const struct store *s, network_holder_fn fn, void *arg, struct err *e)
{
	int fd = openat(s->state_containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return err_sys(e, "cannot read %s/containers", s->state);
	for (struct dirent *entry; (entry = readdir(d));)
		if (container_is_id(entry->d_name) && call_for(s, entry->d_name, fn, arg) != 0)
			return err_no_memory(e);
	return 0;
}

/* ------------------------------------------------------------------ those who run, as lists show them */

void network_members_free(struct network_members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->rows[i].member.id);
		free(m->rows[i].member.name);
		free(m->rows[i].member.ip);
		free(m->rows[i].member.ip6);
		free(m->rows[i].member.mac);
		for (size_t p = 0; p < m->rows[i].member.n_ports; p++)
			free(m->rows[i].member.ports[p].host_ip);
		free(m->rows[i].member.ports);
	}
	free(m->rows);
	*m = (struct network_members){0};
}

/* Those that lead to this endpoint. */
static int add_ports(const struct network_state *n, const struct endpoint *p, struct tare_member *m)
{
	char text[NET_ADDRESS_TEXT];

	m->ports = calloc(n->n_ports + 1, sizeof *m->ports);
	for (size_t i = 0; m->ports && i < n->n_ports; i++) {
		const struct nft_port *from = &n->ports[i];
		if (!net_address_equal(&from->to, &p->ip[0]) && !net_address_equal(&from->to, &p->ip[1]))
			continue;
		struct tare_port *to = &m->ports[m->n_ports++];
		*to = (struct tare_port){.protocol = from->protocol,
		        .host_ip = strdup(net_address_text(&from->host, text)),
		        .host_port = from->host_port,
		        .container_port = from->to_port};
		if (!to->host_ip)
			return -1;
	}
	return m->ports ? 0 : -1;
}

static int fill_member(const struct container *c, const struct network_state *n, const struct endpoint *p,
        struct network_member *row)
{
	char ip[NET_ADDRESS_TEXT], ip6[NET_ADDRESS_TEXT], mac[NET_MAC_TEXT];
	struct tare_member *m = &row->member;

	*row = (struct network_member){.prefix = {p->prefix[0], p->prefix[1]}};
	memcpy(row->network_id, p->network_id, sizeof row->network_id);
	m->id = strdup(c->id);
	m->name = strdup(c->record.name);
	m->ip = strdup(net_address_text(&p->ip[0], ip));
	m->ip6 = strdup(net_address_text(&p->ip[1], ip6));
	m->mac = strdup(net_mac_text(p->mac, mac));
	return m->id && m->name && m->ip && m->ip6 && m->mac ? add_ports(n, p, m) : -1;
}

static int add_members(const struct container *c, const struct network_state *n, void *arg)
{
	struct network_members *out = arg;

	if (!container_is_up(c))
		return 0;
	struct network_member *rows = realloc(out->rows, (out->n + n->n_endpoints) * sizeof *rows);
	if (!rows)
		return -1;
	out->rows = rows;
	for (size_t i = 0; i < n->n_endpoints; i++)
		if (fill_member(c, n, &n->endpoints[i], &out->rows[out->n++]) != 0)
			return -1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct network_member *)a)->member.name,
	        ((const struct network_member *)b)->member.name);
}

int network_members_read(const struct store *s, struct network_members *out, struct err *e)
{
	*out = (struct network_members){0};
	if (network_each_holder(s, add_members, out, e) != 0) {
		network_members_free(out);
		return -1;
	}
	if (out->n)
		qsort(out->rows, out->n, sizeof *out->rows, by_name);
	return 0;
}

/* ------------------------------------------------------------------ those who hold or want it */

char **network_holders(const struct store *s, const struct leases *l)
{
	char **names = NULL;

	for (size_t i = 0; i < l->n; i++) {
		cleanup_container struct container c = CONTAINER_INIT;
		if (endpoint_holder_is_dead(l->rows[i].id, (void *)s))
			continue;
		if (container_open_id(s, l->rows[i].id, &c, NULL) == 0)
			strv_add(&names, c.record.name);
		else
			strv_take(&names, str_printf("%.12s", l->rows[i].id));
	}
	return names;
}

static bool asks_for(const struct container_record *c, const struct network_record *r)
{
	struct network_request q;
	bool asks = false;

	if (network_request_read(c, &q, NULL) != 0)
		return false;
	for (size_t i = 0; i < q.n_endpoints && !asks; i++)
		asks = strcmp(q.endpoints[i].network, r->name) == 0 ||
		       strcmp(q.endpoints[i].network, r->id) == 0;
	network_request_free(&q);
	return asks;
}

bool network_is_wanted(const struct store *s, const struct network_record *r, bool by_running_only)
{
	cleanup_strv char **ids = NULL;

	if (container_ids(s, &ids, NULL) != 0)
		return true;
	strv_foreach (id, ids) {
		cleanup_container struct container c = CONTAINER_INIT;
		if (container_open_id(s, *id, &c, NULL) == 0 && asks_for(&c.record, r) &&
		        (!by_running_only || container_is_up(&c)))
			return true;
	}
	return false;
}
