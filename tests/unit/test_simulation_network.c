/* The simulated engine's networks: who is in them, what is done to them, and what a journal can't. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/simulation.h"
#include "tests/unit/simulation_box.h"

static int set_up(void **state)
{
	return set_up_at(state, "77");
}

static struct tare_network_list list(struct tare_engine *t)
{
	struct tare_network_list l;
	struct err e = ERR_INIT;

	if (t->network_list(t, &l, &e) < 0)
		fail_msg("%s", e.msg);
	return l;
}

static const struct tare_network *find(const struct tare_network_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->rows[i].name, name) == 0)
			return &l->rows[i];
	return NULL;
}

static const struct tare_member *member(const struct tare_network *n, const char *name)
{
	for (size_t i = 0; i < n->n_members; i++)
		if (strcmp(n->members[i].name, name) == 0)
			return &n->members[i];
	return NULL;
}

static void run_it(struct tare_engine *t, const char *name, struct tare_create *q)
{
	char id[TARE_ID_LEN + 1];
	struct err e = ERR_INIT;

	q->image = strdup("nginx:1.27");
	q->name = strdup(name);
	if (t->create(t, q, id, &e) < 0 || t->start(t, id, NULL, NULL, NULL, &e) < 0)
		fail_msg("%s", e.msg);
	tare_create_free(q);
}

static void run_plain(struct tare_engine *t, const char *name, const char *network)
{
	struct tare_create q;

	tare_create_init(&q);
	q.network = network ? strdup(network) : NULL;
	run_it(t, name, &q);
}

/* ------------------------------------------------------------------ the cast */

static void the_cast_is_in_networks(void **state)
{
	struct fixture *f = *state;
	struct tare_network_list l = list(f->a), same = list(f->b);
	const struct tare_member *m;

	assert_true(l.n >= 4);
	assert_true(l.rows[0].is_default);
	assert_string_equal(l.rows[0].name, "tare0");
	assert_true(find(&l, "shop-data")->internal);
	assert_int_equal(find(&l, "staging")->n_members, 0);
	m = member(find(&l, "shop"), "shop-web");
	assert_non_null(m);
	assert_int_equal(strncmp(m->ip, "10.210.", 7), 0);
	assert_non_null(strchr(m->ip6, ':'));
	assert_int_equal(strlen(m->mac), 17);
	assert_int_equal(m->n_ports, 4); /* two, each for both families */
	/* nobody is let in from outside */
	m = member(find(&l, "shop-data"), "shop-api");
	assert_non_null(m);
	assert_int_equal(m->n_ports, 0);
	/* a stopped one is no member */
	assert_null(member(find(&l, "shop-data"), "shop-migrate"));
	for (size_t i = 0; i < l.n; i++) {
		assert_int_equal(l.rows[i].n_members, same.rows[i].n_members);
		for (size_t k = 0; k < l.rows[i].n_members; k++)
			assert_string_equal(l.rows[i].members[k].ip, same.rows[i].members[k].ip);
	}
	tare_network_list_free(&l);
	tare_network_list_free(&same);
}

static void no_address_is_given_twice(void **state)
{
	struct fixture *f = *state;
	struct tare_network_list l;

	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%d", i);
		run_plain(f->a, name, i % 2 ? "staging" : NULL);
		if (i % 3 == 0)
			assert_int_equal(
			        f->a->remove(f->a, name, &(struct tare_remove){.force = true}, NULL), 0);
	}
	l = list(f->b);
	for (size_t i = 0; i < l.n; i++)
		for (size_t k = 0; k < l.rows[i].n_members; k++)
			for (size_t m = 0; m < k; m++)
				assert_string_not_equal(l.rows[i].members[k].ip, l.rows[i].members[m].ip);
	assert_int_equal(find(&l, "staging")->n_members, 100);
	tare_network_list_free(&l);
}

static void rows_and_documents_agree(void **state)
{
	struct fixture *f = *state;
	struct tare_container c = look(f->a, "shop-api");
	cleanup_json json *j = NULL, *n = NULL;

	assert_string_equal(c.network, "shop,shop-data");
	assert_int_equal(c.n_attachments, 2);
	assert_int_equal(f->a->inspect(f->a, "shop-api", false, &j, NULL), 0);
	assert_string_equal(json_str(json_path(j, "NetworkSettings.Networks.shop"), "IPAddress", ""),
	        c.attachments[0].ip);
	assert_string_equal(json_str(json_path(j, "HostConfig"), "NetworkMode", ""), "shop");
	assert_int_equal(f->a->network_inspect(f->a, "shop", &n, NULL), 0);
	json *in = json_get(json_get(n, "Containers"), c.id);
	assert_int_equal(
	        strncmp(json_str(in, "IPv4Address", ""), c.attachments[0].ip, strlen(c.attachments[0].ip)),
	        0);
	tare_container_free(&c);
	c = look(f->a, "odd-one");
	assert_string_equal(c.network, "none");
	assert_int_equal(c.n_attachments, 0);
	tare_container_free(&c);
}

/* ------------------------------------------------------------------ what is done */

static int make(struct tare_engine *t, const struct tare_network_create *q, struct err *e)
{
	char id[65];

	return t->network_create(t, q, id, e);
}

static void a_network_is_made_used_and_removed(void **state)
{
	struct fixture *f = *state;
	struct tare_network_create q = {.name = "front", .subnet = {"10.77.0.0/24"}, .ipv6 = true};
	struct tare_network_list l;
	struct err e = ERR_INIT;

	assert_int_equal(make(f->a, &q, &e), 0);
	assert_int_equal(make(f->b, &q, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	run_plain(f->b, "web", "front");
	l = list(f->a);
	assert_string_equal(find(&l, "front")->members[0].ip, "10.77.0.2");
	assert_true(find(&l, "front")->ipv6);
	tare_network_list_free(&l);
	e = (struct err)ERR_INIT;
	assert_int_equal(f->a->network_remove(f->a, "front", &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "web"));
	assert_int_equal(f->a->network_disconnect(f->a, "front", "web", false, NULL), 0);
	assert_int_equal(f->a->network_remove(f->a, "front", NULL), 0);
	assert_int_equal(f->b->network_inspect(f->b, "front", &(json *){NULL}, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(f->a->network_remove(f->a, "tare0", NULL), -1);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct tare_network_create wrong[] = {
	        {.name = NULL},
	        {.name = "-x"},
	        {.name = "host"},
	        {.name = "bridge"},
	        {.name = "x", .driver = "overlay"},
	        {.name = "x", .driver = "macvlan"},
	        {.name = "x", .subnet = {"10.209.4.0/24"}},
	        {.name = "x", .subnet = {"fd00::/64"}},
	        {.name = "x", .subnet = {"10.77.0.1/24"}},
	        {.name = "x", .subnet = {"10.77.0.0/24"}, .gateway = {"10.78.0.1"}},
	        {.name = "x", .subnet = {"10.77.0.0/24"}, .range = {"10.0.0.0/8"}},
	};
	struct fixture *f = *state;
	struct tare_network_list before = list(f->a), after;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct err e = ERR_INIT;

		if (make(f->a, &wrong[i], &e) == 0 || !*e.msg)
			fail_msg("number %zu is taken", i);
	}
	after = list(f->b);
	assert_int_equal(before.n, after.n);
	tare_network_list_free(&before);
	tare_network_list_free(&after);
}

static void connecting_gives_an_address_and_tells_of_it(void **state)
{
	struct fixture *f = *state;
	struct tare_endpoint asked = {.ip = (char *)"172.20.8.50", .aliases = (char *[]){(char *)"db", NULL}};
	struct tare_watch *w;
	struct tare_container c;
	struct err e = ERR_INIT;

	assert_int_equal(f->b->watch_open(f->b, &w, NULL), 0);
	assert_int_equal(f->a->network_connect(f->a, "staging", "shop-db", &asked, NULL), 0);
	assert_int_equal(f->b->watch_drain(f->b, w, NULL, NULL, NULL), TARE_CHANGED_NETWORKS);
	f->b->watch_close(f->b, w);
	c = look(f->b, "shop-db");
	assert_string_equal(c.network, "shop-data,staging");
	assert_string_equal(c.attachments[1].ip, "172.20.8.50");
	tare_container_free(&c);
	assert_int_equal(f->a->network_connect(f->a, "staging", "shop-db", NULL, &e), -1);
	assert_int_equal(f->a->network_connect(f->a, "staging", "shop-web", &asked, &e), -1);
	assert_non_null(strstr(e.msg, "taken"));
	assert_int_equal(f->a->network_connect(f->a, "staging", "odd-one", NULL, &e), -1);
	assert_int_equal(f->a->network_disconnect(f->a, "lan", "shop-db", false, &e), -1);
	asked.ip = (char *)"10.0.0.1";
	assert_int_equal(f->a->network_connect(f->a, "staging", "shop-web", &asked, &e), -1);
}

static void a_port_is_published_once(void **state)
{
	struct fixture *f = *state;
	struct tare_publish taken = {.protocol = IPPROTO_TCP, .host_port = 8080, .container_port = 80};
	struct tare_publish range = {
	        .protocol = IPPROTO_TCP, .host_port = 8080, .host_port_to = 8082, .container_port = 80};
	struct tare_create q;
	struct tare_container c;
	struct err e = ERR_INIT;
	char id[TARE_ID_LEN + 1];

	tare_create_init(&q);
	q.image = strdup("nginx:1.27");
	q.name = strdup("second");
	q.publish = malloc(sizeof(taken));
	*q.publish = taken;
	q.n_publish = 1;
	assert_int_equal(f->a->create(f->a, &q, id, &e), 0);
	assert_int_equal(f->a->start(f->a, id, NULL, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_non_null(strstr(e.msg, "shop-web"));
	assert_int_equal(f->a->stop(f->a, "shop-web", 0, 0, NULL), 0);
	assert_int_equal(f->a->start(f->a, id, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(f->a->start(f->a, "shop-web", NULL, NULL, NULL, &e), -1);
	tare_create_free(&q);
	/* of a range the first free one */
	tare_create_init(&q);
	q.publish = malloc(sizeof(range));
	*q.publish = range;
	q.n_publish = 1;
	run_it(f->a, "third", &q);
	c = look(f->b, "third");
	assert_int_equal(c.ports[0].host_port, 8081);
	assert_int_equal(c.n_ports, 2);
	tare_container_free(&c);
}

static void a_prune_takes_what_nobody_uses(void **state)
{
	struct fixture *f = *state;
	struct tare_prune_result r;
	struct tare_network_list l;

	assert_int_equal(f->a->prune(f->a, TARE_PRUNE_NETWORKS, TARE_PRUNE_DRY_RUN, &r, NULL), 0);
	assert_int_equal(strv_len(r.removed), 1);
	assert_string_equal(r.removed[0], "staging");
	tare_prune_result_free(&r);
	l = list(f->a);
	assert_non_null(find(&l, "staging"));
	tare_network_list_free(&l);
	assert_int_equal(f->a->prune(f->a, TARE_PRUNE_NETWORKS, 0, &r, NULL), 0);
	tare_prune_result_free(&r);
	l = list(f->b);
	assert_null(find(&l, "staging"));
	assert_non_null(find(&l, "tare0"));
	tare_network_list_free(&l);
}

/* ------------------------------------------------------------------ an edited journal */

static void write_journal(const struct fixture *f, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/demo/journal-held", f->dir);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void hostile_lines_are_passed_over(void **state)
{
#define ID "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
	static const char *const lines[] = {
	        "{\"do\":\"network-create\"}\n",
	        "{\"do\":\"network-create\",\"id\":" ID
	        ",\"name\":\"\\u001b[2J\",\"subnet\":\"10.99.0.0/24\"}\n",
	        "{\"do\":\"network-create\",\"id\":" ID ",\"name\":\"x\"}\n",
	        "{\"do\":\"network-create\",\"id\":" ID ",\"name\":\"x\",\"subnet\":\"fd00::/64\"}\n",
	        "{\"do\":\"network-create\",\"id\":" ID ",\"name\":\"x\",\"subnet\":[]}\n",
	        "{\"do\":\"network-create\",\"id\":" ID ",\"name\":\"tare0\",\"subnet\":\"10.99.0.0/24\"}\n",
	        "{\"do\":\"network-remove\",\"network\":\"tare0\"}\n",
	        "{\"do\":\"network-connect\",\"network\":\"x\",\"id\":7}\n",
	        "{\"do\":\"network-disconnect\"}\n",
	        "{\"do\":\"network-nothing\"}\n",
	};
	struct fixture *f = *state;
	struct tare_network_list before = list(f->a), after;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		write_journal(f, lines[i]);
	after = list(f->a);
	assert_int_equal(before.n, after.n);
	tare_network_list_free(&after);
	/* one that makes sense, with an endpoint that does not */
	write_journal(f,
	        "{\"do\":\"network-create\",\"id\":" ID ",\"name\":\"x\",\"subnet\":\"10.99.0.0/30\","
	        "\"labels\":[1],\"options\":{\"a\":{}}}\n");
	after = list(f->b);
	assert_int_equal(before.n + 1, after.n);
	tare_network_list_free(&before);
	tare_network_list_free(&after);
	/* it has room for one */
	assert_int_equal(f->a->network_connect(f->a, "x", "shop-web", NULL, NULL), 0);
	assert_int_equal(f->a->network_connect(f->a, "x", "shop-db", NULL, NULL), 0);
	after = list(f->b);
	assert_int_equal(find(&after, "x")->n_members, 1);
	tare_network_list_free(&after);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(the_cast_is_in_networks),
	        TEST(no_address_is_given_twice),
	        TEST(rows_and_documents_agree),
	        TEST(a_network_is_made_used_and_removed),
	        TEST(what_cannot_be_is_refused),
	        TEST(connecting_gives_an_address_and_tells_of_it),
	        TEST(a_port_is_published_once),
	        TEST(a_prune_takes_what_nobody_uses),
	        TEST(hostile_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
