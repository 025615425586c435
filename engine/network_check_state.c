/* The files of networks in the state directory: leases of containers whose run is over, members of groups
 * that are gone, directories of networks that are. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"
#include "engine/network_check.h"
#include "net/dns.h"
#include "net/group.h"

static const char over[] = "its run is over";

/* ------------------------------------------------------------------ leases */

static int check_lease_file(struct network_check *x, const struct network_record *r, int dir, struct err *e)
{
	cleanup_leases struct leases l = LEASES_INIT;
	cleanup_strv char **dead = NULL;

	if (leases_lock(dir, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (endpoint_holder_is_dead(l.rows[i].id, (void *)x->s) && strv_add(&dead, l.rows[i].id) != 0)
			return err_no_memory(e);
	strv_foreach (id, dead)
		leases_drop(&l, *id);
	if (dead && x->repair && leases_write(&l, e) != 0)
		return -1;
	strv_foreach (id, dead)
		if (network_check_tell(x, x->repair, over, NULL,
		            str_printf("lease of %.12s in network %s", *id, r->name)) != 0)
			return err_no_memory(e);
	return 0;
}

/* What leases_lock() set aside; who has a place without a lease is found by check_place(). */
static int check_damaged(struct network_check *x, const struct network_record *r, int dir, struct err *e)
{
	if (faccessat(dir, LEASES_FILE ".damaged", F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	bool repaired = x->repair && unlinkat(dir, LEASES_FILE ".damaged", 0) == 0;
	return network_check_tell(x, repaired, "could not be read and was set aside", NULL,
	               str_printf("leases of network %s", r->name)) == 0
	               ? 0
	               : err_no_memory(e);
}

/* ------------------------------------------------------------------ places without a lease */

static bool has_lease(const struct store *s, const char *network_id, const char *id)
{
	cleanup_leases struct leases l = LEASES_INIT;
	cleanup_fd int dir = network_state_dir(s, network_id, NULL);

	return dir < 0 || leases_read(dir, &l, NULL) != 0 || leases_find(&l, id);
}

/* Under the container's lock, so that its state is nobody else's meanwhile. */
static bool take_lease(const struct store *s, const char *id, size_t i)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct endpoint_start x = {.store = s, .c = &c};
	bool taken = false;

	if (i >= ENDPOINTS_MAX || container_open_id(s, id, &c, NULL) != 0 || !container_try_lock(s, &c) ||
	        !container_is_up(&c))
		return false;
	if (network_state_read(c.state_fd, c.id, &x.state, NULL) == 0 && i < x.state.n_endpoints &&
	        network_record_find(s, x.state.endpoints[i].network_id, &x.records[i], NULL) == 0)
		taken = endpoint_lease(&x, i, NULL) == 0;
	network_record_free(&x.records[i]);
	network_state_free(&x.state);
	return taken;
}

static int check_place(const struct container *c, const struct network_state *n, void *arg)
{
	struct network_check *x = arg;

	for (size_t i = 0; i < n->n_endpoints && container_is_up(c); i++) {
		const struct endpoint *p = &n->endpoints[i];
		if (!network_check_record(x, p->network_id) || has_lease(x->s, p->network_id, c->id))
			continue;
		bool repaired = x->repair && take_lease(x->s, c->id, i);
		if (network_check_tell(x, repaired, "has no lease: others may get its address", NULL,
		            str_printf("container %s in network %s", c->record.name, p->network)) != 0)
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------ records and directories */

/* What is theirs is nobody's by the look of it, and stays. */
static int tell_damaged(struct network_check *x)
{
	strv_foreach (name, x->records.damaged) {
		if (network_check_tell(x, false, "cannot be read",
		            "remove the file and create the network again",
		            str_printf("%s/networks/%s.json", x->s->root, *name)) != 0)
			return -1;
	}
	return 0;
}

static int check_gone(struct network_check *x, int networks, const char *id, struct err *e)
{
	bool repaired = false;

	if (x->repair) {
		dns_forget(networks, x->table, id);
		repaired = remove_tree_at(networks, id) == 0;
	}
	return network_check_tell(x, repaired, "its network is gone", NULL,
	               str_printf("state of network %.12s", id)) == 0
	               ? 0
	               : err_no_memory(e);
}

static bool is_network_id(const char *name)
{
	return strlen(name) == NETWORK_ID_LEN && strspn(name, "0123456789abcdef") == NETWORK_ID_LEN;
}

static int check_directory(struct network_check *x, int networks, const char *id, struct err *e)
{
	const struct network_record *r = network_check_record(x, id);

	if (!r)
		return x->records.damaged ? 0 : check_gone(x, networks, id, e);
	cleanup_fd int dir = network_state_dir(x->s, id, e);
	if (dir < 0)
		return -1;
	return check_lease_file(x, r, dir, e) == 0 ? check_damaged(x, r, dir, e) : -1;
}

int network_check_states(struct network_check *x, struct err *e)
{
	cleanup_strv char **ids = NULL;
	int fd = networks_state_dir(x->s, e);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -1;
	for (struct dirent *entry; (entry = readdir(d));)
		if (is_network_id(entry->d_name) && strv_add(&ids, entry->d_name) != 0)
			return err_no_memory(e);
	strv_foreach (id, ids)
		if (check_directory(x, fd, *id, e) != 0)
			return -1;
	if (tell_damaged(x) != 0)
		return err_no_memory(e);
	return network_each_holder(x->s, check_place, x, e);
}

/* ------------------------------------------------------------------ groups */

static int note_owner(const struct nft_port *p, void *arg)
{
	char ***owners = arg;

	return strv_has(*owners, p->owner) ? 0 : strv_add(owners, p->owner);
}

/* The others take over its slots. Where the table doesn't know of them, a reload lays what the file says. */
static bool leave(struct network_check *x, int groups, const char *group, const char *owner)
{
	cleanup_nft_batch struct nft_batch *b = nft_batch_open(x->table, NULL);
	cleanup_group struct group *g = group_open(groups, group, NULL);

	if (!b || !g || group_leave(g, owner, b, NULL) != 0 || group_save(g, NULL) != 0)
		return false;
	x->reload |= nft_batch_commit(b, NULL) != 0;
	return true;
}

static int check_group(struct network_check *x, int groups, const char *group, struct err *e)
{
	cleanup_strv char **owners = NULL;

	group_each(
	        groups, group, note_owner, &owners, NULL); /* a damaged one is set aside by its next member */
	strv_foreach (owner, owners) {
		if (!container_is_id(*owner) || !endpoint_holder_is_dead(*owner, (void *)x->s))
			continue;
		bool repaired = x->repair && leave(x, groups, group, *owner);
		if (network_check_tell(x, repaired, over, NULL,
		            str_printf("member %.12s of the group %s", *owner, group)) != 0)
			return err_no_memory(e);
	}
	return 0;
}

int network_check_groups(struct network_check *x, struct err *e)
{
	cleanup_strv char **groups = NULL;
	int fd = groups_state_dir(x->s, e);
	cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -1;
	for (struct dirent *entry; (entry = readdir(d));)
		if (entry->d_name[0] != '.' && strv_add(&groups, entry->d_name) != 0)
			return err_no_memory(e);
	strv_foreach (group, groups)
		if (check_group(x, fd, *group, e) != 0)
			return -1;
	return 0;
}
