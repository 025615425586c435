/* Everything that Tare has in the kernel for networks once more, after somebody flushed the firewall, removed
 * a bridge or killed the name service: from the records, the leases and the states of the containers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/network.h"
#include "net/dns.h"
#include "net/group.h"

struct reload {
	const struct store *s;
	struct link_handle *h;
	struct nft_batch *b;
	struct network_records records;
	bool *held; /* by record: somebody has a place in it */
	bool once_more;
};

static ssize_t record_of(const struct reload *x, const char *network_id)
{
	for (size_t i = 0; i < x->records.n; i++)
		if (strcmp(x->records.rows[i].id, network_id) == 0)
			return (ssize_t)i;
	return -1;
}

static bool is_bridge(const struct network_record *r)
{
	return strcmp(r->driver, "bridge") == 0;
}

/* ------------------------------------------------------------------ containers */

static int note_held(const struct container *c, const struct network_state *n, void *arg)
{
	struct reload *x = arg;

	(void)c;
	for (size_t i = 0; i < n->n_endpoints; i++) {
		ssize_t at = record_of(x, n->endpoints[i].network_id);
		if (at >= 0)
			x->held[at] = true;
	}
	return 0;
}

static void add_member(struct reload *x, const char *id, const struct endpoint *p)
{
	struct nft_member m = {.link = p->link, .owner = id, .address = {p->ip[0], p->ip[1]}};
	ssize_t at = record_of(x, p->network_id);

	if (!p->bridge[0] || at < 0)
		return;
	memcpy(m.mac, p->mac, sizeof m.mac);
	m.trusted = !x->records.rows[at].antispoof;
	nft_member(x->b, NFT_ADD, &m);
}

static int add_holder(const struct container *c, const struct network_state *n, void *arg)
{
	struct reload *x = arg;

	for (size_t i = 0; i < n->n_endpoints; i++)
		add_member(x, c->id, &n->endpoints[i]);
	for (size_t i = 0; i < n->n_ports && !n->group; i++)
		nft_port(x->b, NFT_ADD, &n->ports[i]);
	return 0;
}

/* ------------------------------------------------------------------ networks */

static int restore_groups(const struct reload *x, struct err *e)
{
	int fd = groups_state_dir(x->s, e);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -1;
	for (struct dirent *entry; (entry = readdir(d));)
		if (entry->d_name[0] != '.' && group_restore(fd, entry->d_name, x->b, e) != 0)
			return err_wrap(e, "group %s", entry->d_name);
	return 0;
}

/* Those that have a bridge or are held: the others come up with their first container. */
static int restore_network(struct reload *x, const struct network_record *r, bool held, struct err *e)
{
	struct lease_pool pool;
	unsigned index;

	if (!is_bridge(r) || (!held && !link_index(x->h, r->link)))
		return 0;
	if (network_pool(r, &pool, e) != 0 || network_forward(x->s, r, x->h, e) != 0 ||
	        network_bridge(x->s, r, &pool, x->h, &index, e) != 0 ||
	        network_rejoin(x->s, r, x->h, index, e) != 0)
		return err_wrap(e, "network %s", r->name);
	network_elements(x->b, NFT_ADD, r, &pool);
	return 0;
}

static int restore(struct reload *x, struct err *e)
{
	if (network_each_holder(x->s, note_held, x, e) != 0)
		return -1;
	for (size_t i = 0; i < x->records.n; i++)
		if (restore_network(x, &x->records.rows[i], x->held[i], e) != 0)
			return -1;
	network_guards(x->s, x->b);
	if (network_each_holder(x->s, add_holder, x, e) != 0 || restore_groups(x, e) != 0)
		return -1;
	return nft_batch_commit(x->b, e);
}

/* Sockets on a bridge that was made anew are new ones; the redirects of the others are laid again. */
static void restore_names(const struct reload *x, const char *table)
{
	struct err e = ERR_INIT;
	cleanup_fd int dir = networks_state_dir(x->s, &e);

	if (dir < 0 || (dns_pid(dir) && dns_redirect(dir, table, &e) != 0))
		log_line(LOG_LEVEL_WARN, "name service: %s", e.msg);
	for (size_t i = 0; i < x->records.n; i++)
		if (x->held[i] && is_bridge(&x->records.rows[i]) &&
		        network_dns(x->s, &x->records.rows[i], &e) != 0)
			log_line(LOG_LEVEL_WARN, "network %s has no name service: %s",
			        x->records.rows[i].name, e.msg);
}

/* A run that ended meanwhile has taken away what it knew of, before it was laid here again. */
static int find_dead(const char *kind, const char owner[NFT_OWNER_LEN + 1], void *arg)
{
	struct reload *x = arg;
	char id[TARE_ID_LEN + 1];

	if (container_resolve(x->s, owner, id, NULL) == 0 && !endpoint_holder_is_dead(id, (void *)x->s))
		return 0;
	/* its slots in a group are another's by now: the file says whose */
	x->once_more |= strncmp(kind, "group", strlen("group")) == 0;
	return 1;
}

static int remove_dead(struct reload *x, const char *table, struct err *e)
{
	cleanup_nft_batch struct nft_batch *removal = nft_batch_open(table, e);

	if (!removal || nft_each_owned(table, removal, find_dead, x, e) != 0)
		return -1;
	return nft_batch_commit_removal(removal, e);
}

static int reload_once(struct reload *x, const char *table, struct err *e)
{
	bool no_bridge = false;

	if (nft_lay(table, true, &no_bridge, e) < 0 || network_record_list(x->s, &x->records, e) != 0)
		return -1;
	cleanup_link struct link_handle *h = link_open(e);
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(table, e);
	if (!h || !b)
		return -1;
	x->h = h;
	x->b = b;
	x->held = calloc(x->records.n + 1, sizeof *x->held);
	if (!x->held)
		return err_no_memory(e);
	if (restore(x, e) != 0 || remove_dead(x, table, e) != 0)
		return -1;
	restore_names(x, table);
	return 0;
}

/* Somebody may flush the firewall, or leave a group, in the same moment. */
#define TRIES 3

int network_reload(const struct store *s, struct err *e)
{
	char table[NFT_TABLE_MAX];
	struct err why = ERR_INIT;
	int rc = -1;
	cleanup_fd int lock = networks_lock(s, e);

	if (lock < 0)
		return -1;
	network_table(s, table);
	for (int i = 0; i < TRIES; i++) {
		struct reload x = {.s = s};
		why = (struct err)ERR_INIT;
		rc = reload_once(&x, table, &why);
		free(x.held);
		network_records_free(&x.records);
		if (rc == 0 ? !x.once_more : why.sys != ENOENT)
			break;
	}
	if (rc != 0 && e)
		*e = why;
	return rc;
}

int engine_network_reload(struct tare_engine *t, char ***notes, struct err *e)
{
	const struct store *s = engine_store(t);
	char table[NFT_TABLE_MAX];
	cleanup_network_records struct network_records records = {0};

	*notes = NULL;
	if (network_reload(s, e) != 0 || network_record_list(s, &records, e) != 0)
		return -1;
	for (size_t i = 0; i < records.n; i++) {
		cleanup_strv char **advice = NULL;
		const struct network_record *r = &records.rows[i];
		if (!is_bridge(r) || r->internal || if_nametoindex(r->link) == 0 ||
		        nft_foreign_drops(network_table(s, table), r->link, &advice, NULL) != 0)
			continue;
		strv_foreach (line, advice)
			strv_add(notes, *line);
	}
	return 0;
}
