/* Fuzz target: a file of leases of any bytes. What is taken for one is printed as it was and read again as
 * the same, a row that goes through leases_add() too, and what is then handed out is nobody else's. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/lease.h"

#define TAKEN      8
#define ROWS_MOST  64
#define NETWORK_ID "5f0c0ffee0ddba11"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_texts(char *const *a, char *const *b)
{
	check(strv_len(a) == strv_len(b));
	for (size_t i = 0; a && a[i]; i++)
		check(!strcmp(a[i], b[i]));
}

static void check_same_row(const struct lease *a, const struct lease *b)
{
	check(!strcmp(a->id, b->id) && !strcmp(a->link, b->link) && !memcmp(a->mac, b->mac, NET_MAC_LEN));
	check(net_address_equal(&a->ip[0], &b->ip[0]) && net_address_equal(&a->ip[1], &b->ip[1]));
	check(!a->hostname == !b->hostname && (!a->hostname || !strcmp(a->hostname, b->hostname)));
	check_texts(a->names, b->names);
	check_texts(a->resolvers, b->resolvers);
}

/* As long as it has a name's length: foreign texts may be longer than what is taken from the engine. */
static bool may_be_added(const struct lease *row)
{
	bool may = !row->hostname || strlen(row->hostname) <= LEASE_NAME_MAX;

	strv_foreach (s, row->names)
		may &= strlen(*s) <= LEASE_NAME_MAX && strcmp(*s, "-") != 0;
	strv_foreach (s, row->resolvers)
		may &= strlen(*s) <= LEASE_NAME_MAX && strcmp(*s, "-") != 0;
	return may;
}

static void check_printing(const struct leases *l)
{
	cleanup_leases struct leases again = LEASES_INIT, built = LEASES_INIT;
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;

	leases_print(l, &first);
	check(!first.failed && leases_parse(first.data, first.len, &again, NULL) == 0);
	leases_print(&again, &second);
	check(first.len == second.len && !memcmp(first.data, second.data, first.len));
	check(l->n == again.n && l->next[0] == again.next[0] && l->next[1] == again.next[1]);
	for (size_t i = 0; i < l->n; i++) {
		check_same_row(&l->rows[i], &again.rows[i]);
		if (may_be_added(&l->rows[i])) {
			check(leases_add(&built, &l->rows[i], NULL) == 0);
			check_same_row(&l->rows[i], &built.rows[built.n - 1]);
		}
	}
}

/* Held by somebody already, in a row before the last. */
static bool is_held(const struct leases *l, const struct lease *given)
{
	for (size_t i = 0; i + 1 < l->n; i++)
		for (int f = 0; f < 2; f++)
			if (given->ip[f].family && net_address_equal(&l->rows[i].ip[f], &given->ip[f]))
				return true;
	return false;
}

static void check_taking(struct leases *l)
{
	struct lease_pool p = {0};
	struct lease want = {.id = "new-"};

	check(net_subnet_parse("10.0.0.0/28", &p.subnet[0], NULL) == 0);
	check(net_subnet_parse("fd00::/64", &p.subnet[1], NULL) == 0);
	check(net_address_parse("10.0.0.1", &p.gateway[0], NULL) == 0);
	for (int i = 0; i < TAKEN; i++) {
		const struct lease *given;

		want.id[3] = (char)('a' + i);
		if (leases_take(l, NETWORK_ID, &p, &want, NULL, NULL, &given, NULL) < 0)
			continue;
		check(given == &l->rows[l->n - 1] && leases_find(l, want.id) == given);
		check(!is_held(l, given) && net_subnet_usable(&p.subnet[0], &given->ip[0]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_leases struct leases l = LEASES_INIT;
	struct err e = ERR_INIT;

	if (leases_parse((const char *)data, size, &l, &e) < 0) {
		check(e.kind == ERR_CORRUPT && !l.n && !l.rows && *e.msg);
		return 0;
	}
	if (l.n > ROWS_MOST)
		return 0;
	check_printing(&l);
	check_taking(&l);
	check_printing(&l);
	return 0;
}
