/* Zones: see zone.h. */
#include "net/dns/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define LEASES_PATH_MAX (LEASE_ID_LEN + sizeof "/leases")

struct zone_entry {
	uint32_t hash, row, next; /* next: an entry's number + 1 */
};

static void index_free(struct zone *z)
{
	free(z->entries);
	free(z->heads);
	z->entries = NULL;
	z->heads = NULL;
	z->n_entries = z->n_heads = 0;
}

void zone_close(struct zone *z)
{
	index_free(z);
	leases_close(&z->leases);
	close_fd(&z->fd);
	*z = (struct zone)ZONE_INIT;
}

/* ---------------------------------------------------------------- the index */

/* FNV-1a over the bytes in lower case. A container's names are the administrator's choice, so nobody who
 * could gain by it chooses collisions. */
static uint32_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t h = 0x811c9dc5;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20u : p[i])) * 0x01000193;
	return h;
}

static uint32_t hash_address(const struct net_address *a)
{
	return hash_bytes(a->bytes, net_address_len(a));
}

/* A row is entered once under a key, so that a hostname that is the container's name gives one address. Its
 * entries are the last ones, at the head of their chains. */
static void enter(struct zone *z, uint32_t hash, size_t row)
{
	uint32_t *head = &z->heads[hash & (z->n_heads - 1)];

	for (uint32_t at = *head; at && z->entries[at - 1].row == row; at = z->entries[at - 1].next)
		if (z->entries[at - 1].hash == hash)
			return;
	z->entries[z->n_entries] = (struct zone_entry){hash, (uint32_t)row, *head};
	*head = (uint32_t)++z->n_entries;
}

static void enter_name(struct zone *z, const char *name, size_t row)
{
	if (name)
		enter(z, hash_bytes(name, strlen(name)), row);
}

static void enter_row(struct zone *z, size_t row)
{
	const struct lease *l = &z->leases.rows[row];

	for (int i = 0; i < 2; i++)
		if (l->ip[i].family)
			enter(z, hash_address(&l->ip[i]), row);
	enter_name(z, l->id, row);
	enter(z, hash_bytes(l->id, strnlen(l->id, ZONE_SHORT_ID)), row);
	enter_name(z, l->hostname, row);
	strv_foreach (name, l->names)
		enter_name(z, *name, row);
}

static int index_make(struct zone *z)
{
	size_t most = 0, heads = 16;

	for (size_t i = 0; i < z->leases.n; i++)
		most += 5 + strv_len(z->leases.rows[i].names); /* two addresses, two ids, a hostname */
	while (heads < most)
		heads *= 2;
	z->entries = calloc(most + 1, sizeof *z->entries);
	z->heads = calloc(heads, sizeof *z->heads);
	if (!z->entries || !z->heads) {
		index_free(z);
		return -1;
	}
	z->n_heads = heads;
	for (size_t i = 0; i < z->leases.n; i++)
		enter_row(z, i);
	return 0;
}

/* ---------------------------------------------------------------- reading */

/* A file of leases is replaced as a whole: as long as the one that was read has a name, it is the one. */
static bool is_current(const struct zone *z)
{
	struct stat st;

	return z->fd >= 0 && fstat(z->fd, &st) == 0 && st.st_nlink && st.st_size == z->size &&
	       st.st_mtim.tv_sec == z->age.tv_sec && st.st_mtim.tv_nsec == z->age.tv_nsec;
}

static int read_leases(int fd, struct leases *l)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(LEASE_TEXT_MAX);

	if (read_to_buf(fd, &text) < 0)
		return -1;
	return leases_parse(buf_str(&text), text.len, l, NULL);
}

void zone_refresh(struct zone *z, int networks_fd, const char *network_id)
{
	struct zone fresh = ZONE_INIT;
	char path[LEASES_PATH_MAX];
	struct stat st;

	if (is_current(z))
		return;
	snprintf(path, sizeof path, "%.64s/leases", network_id);
	fresh.fd = openat(networks_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fresh.fd < 0) {
		if (errno == ENOENT)
			zone_close(z);
		return;
	}
	if (fstat(fresh.fd, &st) == 0 && S_ISREG(st.st_mode)) {
		fresh.age = st.st_mtim;
		fresh.size = st.st_size;
		if (read_leases(fresh.fd, &fresh.leases) == 0 && index_make(&fresh) == 0) {
			zone_close(z);
			*z = fresh;
			return;
		}
		/* Damaged: what was known stays, and this file is not read for every question. */
		close_fd(&z->fd);
		z->fd = steal_fd(&fresh.fd);
		z->age = fresh.age;
		z->size = fresh.size;
	}
	zone_close(&fresh);
}

/* ---------------------------------------------------------------- looking up */

/* The next entry of a key, behind *place (0: the first). */
static const struct lease *next_of(const struct zone *z, uint32_t hash, uint32_t *place)
{
	uint32_t at;

	if (!z->n_heads)
		return NULL;
	at = *place ? z->entries[*place - 1].next : z->heads[hash & (z->n_heads - 1)];
	for (; at; at = z->entries[at - 1].next)
		if (z->entries[at - 1].hash == hash) {
			*place = at;
			return &z->leases.rows[z->entries[at - 1].row];
		}
	return NULL;
}

const struct lease *zone_by_address(const struct zone *z, const struct net_address *a)
{
	uint32_t place = 0, hash = hash_address(a);
	const struct lease *l;

	while ((l = next_of(z, hash, &place)))
		if (net_address_equal(&l->ip[0], a) || net_address_equal(&l->ip[1], a))
			return l;
	return NULL;
}

const struct lease *zone_by_id(const struct zone *z, const char *id)
{
	uint32_t place = 0, hash = hash_bytes(id, strlen(id));
	const struct lease *l;

	while ((l = next_of(z, hash, &place)))
		if (!strcmp(l->id, id))
			return l;
	return NULL;
}

static bool is_called(const struct lease *l, const char *name)
{
	size_t len = strlen(name);

	if ((len == ZONE_SHORT_ID || len == LEASE_ID_LEN) && !strncasecmp(l->id, name, len))
		return true;
	if (l->hostname && !strcasecmp(l->hostname, name))
		return true;
	strv_foreach (s, l->names)
		if (!strcasecmp(*s, name))
			return true;
	return false;
}

const struct lease *zone_by_name(const struct zone *z, const char *name, uint32_t *place)
{
	uint32_t hash = hash_bytes(name, strlen(name));
	const struct lease *l;

	while ((l = next_of(z, hash, place)))
		if (is_called(l, name))
			return l;
	return NULL;
}
