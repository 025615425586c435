/* A store with one container of which files say all, and networks it may be in: what the tests of endpoints
 * have in common. Nothing here asks anything of the kernel but free ports. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_ENDPOINT_BOX_H
#define TARE_TESTS_UNIT_ENDPOINT_BOX_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "engine/endpoint.h"
#include "tests/unit/store_box.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define WEB  "1111111111111111111111111111111111111111111111111111111111111111"
#define LAN  "0000000000000000000000000000000000000000000000000000000000000002"

struct endpoint_box {
	struct store_box box;
	struct store *store; /* its */
	struct container c;
	struct err e;
};

/* A container with a record and a run under way, as far as files tell. */
static inline void make_container(
        struct endpoint_box *f, const char *id, const char *name, struct container *c)
{
	*c = (struct container)CONTAINER_INIT;
	snprintf(c->id, sizeof c->id, "%s", id);
	assert_int_equal(mkdirat(f->store->containers_fd, id, 0700), 0);
	c->dir_fd = container_dir_open(f->store, id);
	c->state_fd = container_state_dir_open(f->store, id, true);
	assert_true(c->dir_fd >= 0 && c->state_fd >= 0);
	snprintf(c->record.id, sizeof c->record.id, "%s", id);
	c->record.name = strdup(name);
	c->record.image = strdup("busybox");
	c->record.image_id = strdup("");
	c->record.started = c->record.created = now_realtime();
	static const char config[] = "{\"Config\":{\"Hostname\":\"box\"},\"HostConfig\":{}}";
	c->record.config = json_parse(config, strlen(config), "test", NULL);
	assert_non_null(c->record.config);
}

/* This process stands for its first one. */
static inline void run_container(struct endpoint_box *f, struct container *c)
{
	c->state = (struct container_state){.started = 1, .init_fd = -1};
	assert_int_equal(proc_id_of(getpid(), &c->state.process), 0);
	c->state.monitor = c->state.process;
	snprintf(c->state.boot, sizeof c->state.boot, "%s", boot_id());
	c->has_state = true;
	assert_int_equal(container_record_write(c->dir_fd, &c->record, false, &f->e), 0);
	assert_int_equal(container_state_write(c->state_fd, &c->state, &f->e), 0);
}

static inline int endpoint_box_setup(void **state)
{
	struct endpoint_box *f = calloc(1, sizeof *f);

	assert_non_null(f);
	store_box_open(&f->box);
	f->store = &f->box.store;
	make_container(f, ID_A, "first", &f->c);
	*state = f;
	return 0;
}

static inline int endpoint_box_teardown(void **state)
{
	struct endpoint_box *f = *state;

	container_close(&f->c);
	store_box_close(&f->box);
	free(f);
	return 0;
}

static inline struct net_address address(const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(text, &a, NULL), 0);
	return a;
}

static inline struct endpoint *add_endpoint(struct network_state *n, const char *network, const char *id,
        const char *link, const char *ip, const char *ip6)
{
	struct endpoint *p = network_state_add(n, NULL);

	p->network = strdup(network);
	p->driver = strdup(*link ? "bridge" : "macvlan");
	snprintf(p->network_id, sizeof p->network_id, "%s", id);
	snprintf(p->link, sizeof p->link, "%s", link);
	snprintf(p->bridge, sizeof p->bridge, "%s", *link ? "br0" : "");
	snprintf(p->name, sizeof p->name, "eth%zu", n->n_endpoints - 1);
	p->mac[0] = 2;
	p->prefix[0] = 16;
	if (ip)
		p->ip[0] = address(ip), p->gateway[0] = address("10.1.0.1");
	if (ip6)
		p->ip[1] = address(ip6), p->prefix[1] = 64;
	return p;
}

static inline void add_port(
        struct network_state *n, const char *host, uint16_t host_port, const char *to, uint16_t port)
{
	n->ports = realloc(n->ports, (n->n_ports + 1) * sizeof *n->ports);
	n->ports[n->n_ports++] = (struct nft_port){.owner = ID_A,
	        .protocol = IPPROTO_TCP,
	        .host = address(host),
	        .host_port = host_port,
	        .to = address(to),
	        .to_port = port};
}

#endif
