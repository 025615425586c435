/* Leases are taken: an address is chosen, under the lock of the network's file. */
#include "net/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"

#define LOCK_FILE    "leases.lock"
#define DAMAGED_FILE "leases.damaged"
#define ID_SHOWN     12

/* ---------------------------------------------------------------- the file */

static int set_aside(struct leases *l, const struct err *why, struct err *e)
{
	if (renameat(l->dir_fd, LEASES_FILE, l->dir_fd, DAMAGED_FILE) < 0)
		return err_sys(e, "cannot set the damaged leases aside");
	log_line(LOG_LEVEL_WARN,
	        "%s; the file is kept as %s, and `tare system check --repair` looks for who has an address",
	        why->msg, DAMAGED_FILE);
	return 0;
}

int leases_lock(int dir_fd, struct leases *l, struct err *e)
{
	struct err why = ERR_INIT;

	*l = (struct leases)LEASES_INIT;
	l->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (l->dir_fd < 0)
		return err_sys(e, "cannot open the directory of leases");
	l->lock_fd = lock_take(l->dir_fd, LOCK_FILE, LOCK_EXCLUSIVE, e);
	if (l->lock_fd >= 0 && leases_read(l->dir_fd, l, &why) == 0)
		return 0;
	if (l->lock_fd >= 0 && why.kind == ERR_CORRUPT && set_aside(l, &why, &why) == 0)
		return 0;
	if (l->lock_fd >= 0 && e)
		*e = why;
	leases_close(l);
	return -1;
}

int leases_write(struct leases *l, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(LEASE_TEXT_MAX);

	if (l->lock_fd < 0)
		return err_set(e, ERR_OTHER, "cannot write leases without the lock");
	leases_print(l, &text);
	if (text.failed)
		return err_set(e, ERR_NO_SPACE, "too many leases for one network: %zu", l->n);
	return file_write_at(l->dir_fd, LEASES_FILE, text.data, text.len, 0644, FILE_NO_SYNC, e);
}

bool leases_drop(struct leases *l, const char *id)
{
	const struct lease *row = leases_find(l, id);
	size_t i = row ? (size_t)(row - l->rows) : 0;

	if (!row)
		return false;
	memmove(&l->rows[i], &l->rows[i + 1], (l->n - i - 1) * sizeof(*l->rows));
	l->n--;
	return true;
}

/* ---------------------------------------------------------------- choosing */

/* A lease that is being made. */
struct taking {
	struct leases *l;
	const char *network_id;
	const struct lease_pool *pool;
	lease_dead_fn dead;
	void *arg;
	struct lease row; /* what was wanted, filled step by step */
	uint64_t next[2]; /* what the leases go on with afterwards */
	bool wants_mac;   /* one was asked for */
	bool asked_dead;  /* all holders were asked whether they live */
};

static bool is_own(const struct taking *t, const struct lease *row)
{
	return !strcmp(row->id, t->row.id);
}

static const struct lease *holder_of_address(const struct taking *t, const struct net_address *a)
{
	const struct leases *l = t->l;

	for (size_t i = 0; i < l->n; i++)
		if ((net_address_equal(&l->rows[i].ip[0], a) || net_address_equal(&l->rows[i].ip[1], a)) &&
		        !is_own(t, &l->rows[i]))
			return &l->rows[i];
	return NULL;
}

static const struct lease *holder_of_mac(const struct taking *t, const unsigned char mac[NET_MAC_LEN])
{
	const struct leases *l = t->l;

	for (size_t i = 0; i < l->n; i++)
		if (!memcmp(l->rows[i].mac, mac, NET_MAC_LEN) && !is_own(t, &l->rows[i]))
			return &l->rows[i];
	return NULL;
}

/* Drops the holder if its container is gone. */
static bool holder_was_dead(struct taking *t, const struct lease *holder)
{
	char id[LEASE_ID_LEN + 1];

	snprintf(id, sizeof(id), "%s", holder->id);
	return t->dead && t->dead(id, t->arg) && leases_drop(t->l, id);
}

static bool drop_the_dead(struct taking *t)
{
	struct leases *l = t->l;
	size_t kept = 0, had = l->n;

	if (!t->dead || t->asked_dead)
		return false;
	t->asked_dead = true;
	for (size_t i = 0; i < had; i++)
		if (is_own(t, &l->rows[i]) || !t->dead(l->rows[i].id, t->arg))
			l->rows[kept++] = l->rows[i];
	l->n = kept;
	return kept < had;
}

static const struct net_subnet *range_of(const struct lease_pool *pool, int f)
{
	return pool->range[f].base.family && pool->range[f].prefix ? &pool->range[f] : &pool->subnet[f];
}

/* Which of the `window` offsets from `start` on, round the range, are taken: a bit each. */
static void mark_taken(const struct taking *t, int f, uint64_t start, uint64_t window, unsigned char *taken)
{
	const struct net_subnet *range = range_of(t->pool, f);
	uint64_t size = net_subnet_size(range);

	for (size_t i = 0; i < t->l->n; i++) {
		const struct lease *row = &t->l->rows[i];

		if (!net_subnet_has(range, &row->ip[f]) || is_own(t, row))
			continue;
		uint64_t at = net_subnet_offset(range, &row->ip[f]);
		at = at >= start ? at - start : size - start + at;
		if (at < window)
			taken[at / 8] |= (unsigned char)(1 << at % 8);
	}
}

/* The link address follows from the IPv4 address, or from the only one. */
static bool decides_mac(const struct taking *t, int f)
{
	return !t->wants_mac && (f == 0 || !t->pool->subnet[0].base.family);
}

static bool may_have(const struct taking *t, int f, const struct net_address *a)
{
	unsigned char mac[NET_MAC_LEN];

	if (!net_subnet_usable(&t->pool->subnet[f], a) || net_address_equal(a, &t->pool->gateway[f]))
		return false;
	/* Someone may have asked for just the link address that this one gives. */
	net_mac_of(t->network_id, a, mac);
	return !decides_mac(t, f) || !holder_of_mac(t, mac);
}

/* 1: chosen, 0: none is free, -1. */
static int choose_once(struct taking *t, int f, struct err *e)
{
	const struct net_subnet *range = range_of(t->pool, f);
	/* One of so many is free if any is: each row takes an address and may spoil another by its link
	 * address; base, broadcast and gateway are nobody's. */
	uint64_t size = net_subnet_size(range), start = t->l->next[f] % size, window = 2 * t->l->n + 4;
	cleanup_free unsigned char *taken = NULL;

	if (window > size)
		window = size;
	taken = calloc(1, window / 8 + 1);
	if (!taken)
		return err_no_memory(e);
	mark_taken(t, f, start, window, taken);
	for (uint64_t k = 0; k < window; k++) {
		uint64_t n = k < size - start ? start + k : k - (size - start);
		struct net_address a;

		if (taken[k / 8] & 1 << k % 8 || !net_subnet_nth(range, n, &a) || !may_have(t, f, &a))
			continue;
		t->row.ip[f] = a;
		t->next[f] = n + 1 < size ? n + 1 : 0;
		return 1;
	}
	return 0;
}

static int choose(struct taking *t, int f, struct err *e)
{
	char range[NET_SUBNET_TEXT];
	int rc;

	do
		rc = choose_once(t, f, e);
	while (rc == 0 && drop_the_dead(t));
	if (rc == 0)
		return err_set(e, ERR_NO_SPACE,
		        "no address is free in %s (%zu containers have one): remove some, or make a network "
		        "with a "
		        "larger --subnet or --ip-range",
		        net_subnet_text(range_of(t->pool, f), range), t->l->n);
	return rc < 0 ? -1 : 0;
}

/* By its name, which comes first among its names. */
static int refuse_taken(const char *what, const char *which, const struct lease *holder, struct err *e)
{
	if (holder->names && holder->names[0])
		return err_set(
		        e, ERR_CONFLICT, "%s %s is taken by container %s", what, which, holder->names[0]);
	return err_set(
	        e, ERR_CONFLICT, "%s %s is taken by container %.*s", what, which, ID_SHOWN, holder->id);
}

/* An address that was asked for; the range doesn't bind it, only the subnet. */
static int claim(struct taking *t, int f, struct err *e)
{
	const struct net_subnet *subnet = &t->pool->subnet[f];
	const struct net_address *a = &t->row.ip[f];
	const struct lease *holder;
	char address[NET_ADDRESS_TEXT], net[NET_SUBNET_TEXT];

	net_address_text(a, address);
	if (!subnet->base.family)
		return err_set(e, ERR_USAGE, "address %s cannot be given: the network has no IPv%c subnet",
		        address, f ? '6' : '4');
	net_subnet_text(subnet, net);
	if (!net_subnet_has(subnet, a))
		return err_set(
		        e, ERR_USAGE, "address %s is outside of the network's subnet %s", address, net);
	if (!net_subnet_usable(subnet, a))
		return err_set(e, ERR_USAGE, "address %s cannot be given: it is the first or last of %s",
		        address, net);
	if (net_address_equal(a, &t->pool->gateway[f]))
		return err_set(e, ERR_CONFLICT, "address %s is the network's gateway", address);
	holder = holder_of_address(t, a);
	if (holder && !holder_was_dead(t, holder))
		return refuse_taken("address", address, holder, e);
	return 0;
}

/* What was asked for comes first: its errors are the user's. */
static int place(struct taking *t, struct err *e)
{
	bool asked[2] = {t->row.ip[0].family != 0, t->row.ip[1].family != 0};

	for (int f = 0; f < 2; f++)
		if (asked[f] && claim(t, f, e) < 0)
			return -1;
	for (int f = 0; f < 2; f++)
		if (!asked[f] && t->pool->subnet[f].base.family && choose(t, f, e) < 0)
			return -1;
	return 0;
}

static int place_mac(struct taking *t, struct err *e)
{
	const struct lease *holder;
	char mac[NET_MAC_TEXT];

	if (!t->wants_mac)
		net_mac_of(t->network_id, &t->row.ip[t->row.ip[0].family ? 0 : 1], t->row.mac);
	holder = holder_of_mac(t, t->row.mac);
	if (!holder || holder_was_dead(t, holder))
		return 0;
	return refuse_taken("MAC address", net_mac_text(t->row.mac, mac), holder, e);
}

int leases_take(struct leases *l, const char *network_id, const struct lease_pool *pool,
        const struct lease *want, lease_dead_fn dead, void *arg, const struct lease **given, struct err *e)
{
	static const unsigned char zero[NET_MAC_LEN];
	struct taking t = {l, network_id, pool, dead, arg, *want, {l->next[0], l->next[1]},
	        memcmp(want->mac, zero, NET_MAC_LEN) != 0, false};

	if (!pool->subnet[0].base.family && !pool->subnet[1].base.family)
		return err_set(e, ERR_USAGE, "the network has no subnet to take an address from");
	if (place(&t, e) < 0 || place_mac(&t, e) < 0 || leases_add(l, &t.row, e) < 0)
		return -1;
	/* The new row is the last one: what is found before it is an older one of the same container. */
	if (leases_find(l, want->id) != &l->rows[l->n - 1])
		leases_drop(l, want->id);
	memcpy(l->next, t.next, sizeof(l->next));
	if (given)
		*given = &l->rows[l->n - 1];
	return 0;
}
