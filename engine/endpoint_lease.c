/* Addresses of a container's endpoints, and the names that lead to them: its rows in the leases of its
 * networks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"

/* A host name that somebody chose freely is in the leases only when it is one. */
static const char *proper_hostname(const struct container *c)
{
	const char *name = json_str(json_get(c->record.config, "Config"), "Hostname", "");
	size_t len = strlen(name);

	return len && len <= LEASE_NAME_MAX &&
	                       strspn(name,
	                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
	                               len
	               ? name
	               : NULL;
}

static int lease_of(const struct container *c, const struct endpoint *p, struct lease *out, struct err *e)
{
	const char *hostname = proper_hostname(c);

	*out = (struct lease){.resolvers = json_strv(json_get(c->record.config, "HostConfig"), "Dns")};
	memcpy(out->id, c->id, sizeof out->id);
	memcpy(out->link, p->link, sizeof out->link);
	memcpy(out->mac, p->mac, sizeof out->mac);
	out->ip[0] = p->ip[0];
	out->ip[1] = p->ip[1];
	if ((hostname && !(out->hostname = strdup(hostname))) || strv_add(&out->names, c->record.name) != 0)
		return err_no_memory(e);
	strv_foreach (alias, p->aliases)
		if (!strv_has(out->names, *alias) && strv_add(&out->names, *alias) != 0)
			return err_no_memory(e);
	return 0;
}

static int lock_leases(const struct store *s, const char *network_id, struct leases *l, struct err *e)
{
	cleanup_fd int dir = network_state_dir(s, network_id, e);

	return dir < 0 ? -1 : leases_lock(dir, l, e);
}

/* What the endpoint has already (ip, mac) is asked for. */
static int take(const struct store *s, const struct container *c, const struct network_record *r,
        struct leases *l, struct endpoint *p, struct err *e)
{
	struct lease_pool pool;
	const struct lease *given;
	struct lease want = {0};
	int rc = -1;

	if (network_pool(r, &pool, e) != 0)
		return -1;
	if (lease_of(c, p, &want, e) == 0 && leases_take(l, r->id, &pool, &want, endpoint_holder_is_dead,
	                                             (void *)(uintptr_t)s, &given, e) == 0) {
		memcpy(p->mac, given->mac, sizeof p->mac);
		for (int f = 0; f < 2; f++) {
			p->ip[f] = given->ip[f];
			p->gateway[f] = pool.gateway[f];
			p->prefix[f] = given->ip[f].family ? pool.subnet[f].prefix : 0;
		}
		rc = 0;
	}
	lease_free(&want);
	return rc == 0 ? 0 : err_wrap(e, "network %s", r->name);
}

/* ------------------------------------------------------------------ at a start */

/* Several networks' leases are locked in the order of their ids, so that no two starts wait for each other.
 */
static int by_network_id(const void *a, const void *b, void *arg)
{
	const struct network_state *n = arg;

	return strcmp(
	        n->endpoints[*(const size_t *)a].network_id, n->endpoints[*(const size_t *)b].network_id);
}

static int take_all(struct endpoint_start *x, const size_t order[], struct leases l[], struct err *e)
{
	struct network_state *n = &x->state;

	for (size_t k = 0; k < n->n_endpoints; k++) {
		size_t i = order[k];
		const struct endpoint_request *q = &x->request.endpoints[i];
		struct endpoint *p = &n->endpoints[i];
		memcpy(p->ip, q->ip, sizeof p->ip);
		memcpy(p->mac, q->mac, sizeof p->mac);
		if (lock_leases(x->store, p->network_id, &l[i], e) != 0 ||
		        take(x->store, x->c, &x->records[i], &l[i], p, e) != 0)
			return -1;
	}
	/* on record before anybody can see it */
	if (endpoint_ports_lead_to(n, e) != 0 || network_state_write(x->c->state_fd, n, e) != 0)
		return -1;
	for (size_t i = 0; i < n->n_endpoints; i++)
		if (leases_write(&l[i], e) != 0)
			return -1;
	return 0;
}

int endpoints_lease(struct endpoint_start *x, struct err *e)
{
	struct leases l[ENDPOINTS_MAX];
	size_t order[ENDPOINTS_MAX], n = x->state.n_endpoints;

	for (size_t i = 0; i < n; i++) {
		order[i] = i;
		l[i] = (struct leases)LEASES_INIT;
	}
	qsort_r(order, n, sizeof *order, by_network_id, &x->state);
	int rc = take_all(x, order, l, e);
	for (size_t i = 0; i < n; i++)
		leases_close(&l[i]);
	return rc;
}

int endpoint_lease(struct endpoint_start *x, size_t i, struct err *e)
{
	struct endpoint *p = &x->state.endpoints[i];
	cleanup_leases struct leases l = LEASES_INIT;

	if (lock_leases(x->store, p->network_id, &l, e) != 0 ||
	        take(x->store, x->c, &x->records[i], &l, p, e) != 0 ||
	        endpoint_ports_lead_to(&x->state, e) != 0 ||
	        network_state_write(x->c->state_fd, &x->state, e) != 0)
		return -1;
	return leases_write(&l, e);
}

/* ------------------------------------------------------------------ later */

void endpoint_lease_drop(const struct store *s, const char *network_id, const char *id)
{
	cleanup_leases struct leases l = LEASES_INIT;
	struct err e = ERR_INIT;

	if (lock_leases(s, network_id, &l, &e) == 0 && leases_drop(&l, id))
		leases_write(&l, &e);
	if (e.msg[0])
		log_line(LOG_LEVEL_WARN, "cannot give the address of container %.12s back: %s", id, e.msg);
}

void endpoints_rename(const struct store *s, struct container *c)
{
	cleanup_network_state struct network_state n = {0};
	struct err e = ERR_INIT;

	if (c->state_fd < 0 || network_state_read(c->state_fd, c->id, &n, NULL) != 0)
		return;
	for (size_t i = 0; i < n.n_endpoints; i++) {
		cleanup_network_record struct network_record r = {0};
		cleanup_leases struct leases l = LEASES_INIT;
		struct endpoint *p = &n.endpoints[i];
		if (network_record_find(s, p->network_id, &r, &e) != 0 ||
		        lock_leases(s, p->network_id, &l, &e) != 0 || !leases_find(&l, c->id) ||
		        take(s, c, &r, &l, p, &e) != 0 || leases_write(&l, &e) != 0)
			log_line(LOG_LEVEL_WARN,
			        "container %s: its old name stays in network %s until it is started again: "
			        "%s",
			        c->record.name, p->network, e.msg);
	}
}
