/* Who is in a network, from the rows of the containers: those are looked at one by one as events name them,
 * so that a start or an end costs no new list of networks, which asks the engine for every container. */
#include <stdlib.h>
#include <string.h>

#include "tui/model_state.h"

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

static void member_free(struct tare_member *m)
{
	free(m->id);
	free(m->name);
	free(m->ip);
	free(m->ip6);
	free(m->mac);
	for (size_t i = 0; i < m->n_ports; i++)
		free(m->ports[i].host_ip);
	free(m->ports);
}

static void members_free(struct tare_network *n)
{
	for (size_t i = 0; i < n->n_members; i++)
		member_free(&n->members[i]);
	n->n_members = 0;
}

/* An internal network lets nobody in, and a macvlan one passes the host by. */
static bool can_publish(const struct tare_network *n)
{
	return !n->internal && !strcmp(n->driver, "bridge");
}

static bool copy_ports(struct tare_member *m, const struct tare_container *c)
{
	m->ports = c->n_ports ? calloc(c->n_ports, sizeof *m->ports) : NULL;
	if (c->n_ports && !m->ports)
		return false;
	for (; m->n_ports < c->n_ports; m->n_ports++) {
		m->ports[m->n_ports] = c->ports[m->n_ports];
		m->ports[m->n_ports].host_ip =
		        c->ports[m->n_ports].host_ip ? strdup(c->ports[m->n_ports].host_ip) : NULL;
	}
	return true;
}

static void add_member(
        struct tare_network *n, const struct tare_container *c, const struct tare_attachment *at)
{
	struct tare_member *m = &n->members[n->n_members];

	*m = (struct tare_member){.id = copy(c->id),
	        .name = copy(c->name),
	        .ip = copy(at->ip),
	        .ip6 = copy(at->ip6),
	        .mac = copy(at->mac)};
	if (m->id && m->name && m->ip && m->ip6 && m->mac && (!can_publish(n) || copy_ports(m, c)))
		n->n_members++;
	else
		member_free(m);
}

static bool make_room(struct model *m, struct tare_network *n)
{
	struct tare_member *grown = realloc(n->members, (m->n_rows + 1) * sizeof *grown);

	if (grown)
		n->members = grown;
	return grown != NULL;
}

static void find_members(struct model *m, struct tare_network *n)
{
	members_free(n);
	if (!make_room(m, n))
		return;
	for (size_t i = 0; i < m->n_rows; i++) {
		const struct tare_container *c = &m->rows[i]->row;

		for (size_t k = 0; k < c->n_attachments; k++) {
			const char *name = c->attachments[k].network;

			if (!name || strcmp(name, n->name) != 0)
				continue;
			add_member(n, c, &c->attachments[k]);
			break; /* in a network it is once */
		}
	}
}

void model_members(struct model *m)
{
	for (size_t i = 0; i < m->networks.n; i++)
		find_members(m, &m->networks.rows[i]);
	m->version++;
}
