/* The model's containers: an array newest first, and a hash table by id. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/model_state.h"
#include "tui/port_text.h"

static size_t hash_id(const char *id)
{
	uint64_t h = 14695981039346656037ull; /* FNV-1a */

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211ull;
	return (size_t)(h ^ h >> 32);
}

/* The bucket that holds the id, or the empty one where it belongs. */
static size_t bucket_of(const struct model *m, const char *id)
{
	size_t i = hash_id(id) & (m->n_buckets - 1);

	while (m->buckets[i] && strcmp(m->buckets[i]->c.row.id, id) != 0)
		i = (i + 1) & (m->n_buckets - 1);
	return i;
}

struct model_entry *model_rows_find(const struct model *m, const char *id)
{
	return m->n_buckets ? m->buckets[bucket_of(m, id)] : NULL;
}

static int order(const struct tare_container *a, const struct tare_container *b)
{
	return a->created < b->created ? 1 : a->created > b->created ? -1 : strcmp(a->id, b->id);
}

/* How many rows come before this one. */
static size_t place_of(const struct model *m, const struct tare_container *row)
{
	size_t low = 0, high = m->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&m->rows[middle]->row, row) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool grow_buckets(struct model *m)
{
	size_t n = m->n_buckets ? 2 * m->n_buckets : 64;
	struct model_entry **old = m->buckets;

	if (2 * (m->n_rows + 1) <= m->n_buckets)
		return true;
	m->buckets = calloc(n, sizeof *m->buckets);
	if (!m->buckets) {
		m->buckets = old;
		return false;
	}
	m->n_buckets = n;
	for (size_t i = 0; i < m->n_rows; i++)
		m->buckets[bucket_of(m, m->rows[i]->row.id)] = entry_of(m->rows[i]);
	free(old);
	return true;
}

static bool grow_rows(struct model *m)
{
	size_t cap = m->rows_cap ? 2 * m->rows_cap : 64;
	struct model_container **grown;

	if (m->n_rows < m->rows_cap)
		return true;
	grown = realloc(m->rows, cap * sizeof *grown);
	if (!grown)
		return false;
	m->rows = grown;
	m->rows_cap = cap;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_attachments(const struct tare_container *a, const struct tare_container *b)
{
	if (a->n_attachments != b->n_attachments)
		return false;
	for (size_t i = 0; i < a->n_attachments; i++)
		if (!same_text(a->attachments[i].network, b->attachments[i].network) ||
		        !same_text(a->attachments[i].ip, b->attachments[i].ip) ||
		        !same_text(a->attachments[i].ip6, b->attachments[i].ip6))
			return false;
	return true;
}

static bool same_ports(const struct tare_container *a, const struct tare_container *b)
{
	if (a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_ports; i++)
		if (a->ports[i].host_port != b->ports[i].host_port ||
		        a->ports[i].container_port != b->ports[i].container_port ||
		        a->ports[i].protocol != b->ports[i].protocol ||
		        !same_text(a->ports[i].host_ip, b->ports[i].host_ip))
			return false;
	return true;
}

static bool same_row(const struct tare_container *a, const struct tare_container *b)
{
	return a->state == b->state && a->started == b->started && a->finished == b->finished &&
	       a->pid == b->pid && a->exit_code == b->exit_code && a->oom_killed == b->oom_killed &&
	       a->monitor_lost == b->monitor_lost && a->health == b->health && a->restart == b->restart &&
	       a->restart_max == b->restart_max && a->restart_count == b->restart_count &&
	       a->restart_due == b->restart_due && same_text(a->name, b->name) &&
	       same_text(a->image, b->image) && same_text(a->network, b->network) &&
	       same_text(a->error, b->error) && same_attachments(a, b) && same_ports(a, b);
}

static const char *project_of(json *labels)
{
	const char *name = json_str(labels, "com.docker.compose.project", "");

	if (!*name)
		name = json_str(labels, "io.tare.project", "");
	return *name ? name : NULL;
}

static struct model_entry *insert(struct model *m, struct tare_container *row)
{
	struct model_entry *entry = calloc(1, sizeof *entry);
	size_t at;

	if (!entry || !grow_rows(m) || !grow_buckets(m)) {
		free(entry);
		return NULL;
	}
	entry->c.row = *row;
	model_samples_forget(entry);
	at = place_of(m, row);
	memmove(m->rows + at + 1, m->rows + at, (m->n_rows - at) * sizeof *m->rows);
	m->rows[at] = &entry->c;
	m->buckets[bucket_of(m, row->id)] = entry;
	m->n_rows++;
	m->version++;
	m->membership_changed = true;
	return entry;
}

/* The same container with something new to say. */
static void renew(struct model_entry *entry, struct tare_container *row)
{
	struct tare_container old = entry->c.row;

	if (!container_is_up(row) || row->started != old.started)
		model_samples_forget(entry);
	entry->c.row = *row;
	/* the id is what the hash table goes by: it stays */
	memcpy(entry->c.row.id, old.id, sizeof old.id);
	tare_container_free(&old);
}

struct model_entry *model_rows_put(struct model *m, struct tare_container *row, bool *changed)
{
	struct model_entry *entry = model_rows_find(m, row->id);

	*changed = true;
	if (!entry) {
		entry = insert(m, row);
		if (!entry)
			tare_container_free(row);
	} else if (same_row(&entry->c.row, row)) {
		*changed = false;
		tare_container_free(row);
	} else {
		renew(entry, row);
	}
	memset(row, 0, sizeof *row);
	if (!entry)
		return NULL;
	if (*changed) {
		m->version++;
		entry->c.project = project_of(entry->c.row.labels);
		free(entry->c.ports);
		entry->c.ports = port_text(entry->c.row.ports, entry->c.row.n_ports);
		m->running_changed = true;
	}
	entry->generation = m->generation;
	return entry;
}

/* Close the gap that leaving opens in a run of the hash table: an entry further on moves up when its own
 * place is not between the gap and where it stands. */
static void unhash(struct model *m, const struct model_entry *entry)
{
	size_t mask = m->n_buckets - 1, gap = bucket_of(m, entry->c.row.id);

	m->buckets[gap] = NULL;
	for (size_t i = (gap + 1) & mask; m->buckets[i]; i = (i + 1) & mask) {
		size_t home = hash_id(m->buckets[i]->c.row.id) & mask;

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		m->buckets[gap] = m->buckets[i];
		m->buckets[i] = NULL;
		gap = i;
	}
}

static void entry_free(struct model_entry *entry)
{
	tare_container_free(&entry->c.row);
	free(entry->c.ports);
	history_free(entry->c.history);
	free(entry);
}

void model_rows_remove(struct model *m, struct model_entry *entry)
{
	size_t at = place_of(m, &entry->c.row);

	unhash(m, entry);
	memmove(m->rows + at, m->rows + at + 1, (m->n_rows - at - 1) * sizeof *m->rows);
	m->n_rows--;
	m->version++;
	m->membership_changed = true;
	m->running_changed = true;
	/* what was collected for sampling must not point to it any longer */
	m->n_sampled = 0;
	entry_free(entry);
}

bool model_rows_sweep(struct model *m)
{
	size_t before = m->n_rows;

	for (size_t i = m->n_rows; i-- > 0;)
		if (entry_of(m->rows[i])->generation != m->generation)
			model_rows_remove(m, entry_of(m->rows[i]));
	return m->n_rows != before;
}

void model_rows_free(struct model *m)
{
	for (size_t i = 0; i < m->n_rows; i++)
		entry_free(entry_of(m->rows[i]));
	free(m->rows);
	free(m->buckets);
}
