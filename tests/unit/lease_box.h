/* What the tests of leases have in common: a directory, pools, and words for taking. Included after
 * cmocka.h. */
#ifndef TARE_TESTS_UNIT_LEASE_BOX_H
#define TARE_TESTS_UNIT_LEASE_BOX_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "net/lease.h"

#define NETWORK "5f0c0ffee0ddba11"

static char path[64];
static int dir;

static inline int setup(void **state)
{
	(void)state;
	strcpy(path, "/dev/shm/tare-test-lease.XXXXXX");
	if (!mkdtemp(path))
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	log_set_level(LOG_LEVEL_ERROR);
	return dir < 0;
}

static inline int teardown(void **state)
{
	(void)state;
	close(dir);
	return remove_tree_at(AT_FDCWD, path);
}

/* ---------------------------------------------------------------- words for what the tests do */

static inline struct net_address address(const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(text, &a, NULL), 0);
	return a;
}

static inline struct lease_pool pool(
        const char *v4, const char *gateway4, const char *v6, const char *gateway6)
{
	struct lease_pool p = {0};

	if (v4) {
		assert_int_equal(net_subnet_parse(v4, &p.subnet[0], NULL), 0);
		p.gateway[0] = address(gateway4);
	}
	if (v6) {
		assert_int_equal(net_subnet_parse(v6, &p.subnet[1], NULL), 0);
		p.gateway[1] = address(gateway6);
	}
	return p;
}

static inline struct lease wish(const char *id)
{
	struct lease w = {0};

	snprintf(w.id, sizeof(w.id), "%s", id);
	return w;
}

static inline const char *text_of(const struct lease *l, int f)
{
	static char text[4][NET_ADDRESS_TEXT];
	static int turn;

	return net_address_text(&l->ip[f], text[turn++ % 4]);
}

/* Take for `id` whatever is free, and say which. */
static inline const char *take(struct leases *l, const struct lease_pool *p, const char *id)
{
	struct lease w = wish(id);
	const struct lease *given;
	struct err e = ERR_INIT;

	if (leases_take(l, NETWORK, p, &w, NULL, NULL, &given, &e) < 0)
		fail_msg("%s: %s", id, e.msg);
	assert_string_equal(given->id, id);
	return text_of(given, p->subnet[0].base.family ? 0 : 1);
}

/* Ask for one address: the error. */
static inline struct err ask(struct leases *l, const struct lease_pool *p, const char *id, const char *text)
{
	struct lease w = wish(id);
	struct err e = ERR_INIT;
	size_t had = l->n;

	w.ip[strchr(text, ':') ? 1 : 0] = address(text);
	if (leases_take(l, NETWORK, p, &w, NULL, NULL, NULL, &e) < 0)
		assert_int_equal(l->n, had);
	return e;
}

static inline void lock(struct leases *l)
{
	struct err e = ERR_INIT;

	if (leases_lock(dir, l, &e) < 0)
		fail_msg("%s", e.msg);
}

static inline void put_file(const char *name, const char *text)
{
	assert_int_equal(file_write_at(dir, name, text, strlen(text), 0644, FILE_NO_SYNC, NULL), 0);
}

#endif
