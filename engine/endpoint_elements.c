/* Elements of a container in the tables: its links, its published ports. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/endpoint.h"
#include "net/group.h"

static void member(struct nft_batch *b, enum nft_change c, const char *id, const struct endpoint *p)
{
	struct nft_member m = {
	        .link = p->link, .owner = id, .address = {p->ip[0], p->ip[1]}, .trusted = p->trusted};

	memcpy(m.mac, p->mac, sizeof m.mac);
	if (p->bridge[0])
		nft_member(b, c, &m);
}

/* ------------------------------------------------------------------ adding */

#define PAUSE_NS 2000000 /* between looks at a container that is being cleaned up, */
#define PAUSES   1000    /* and how many: 2 s */

/* Its run has ended, and what it had is not given back yet. */
static bool is_over(const struct store *s, const char *id)
{
	cleanup_container struct container c = CONTAINER_INIT;

	return container_open_id(s, id, &c, NULL) == 0 && c.has_state && !container_is_up(&c);
}

/* Open and locked until the commit, so that the table hears of changes in the order in which the file does.
 */
static struct group *open_group(const struct store *s, const struct network_state *n, struct err *e)
{
	cleanup_fd int groups = groups_state_dir(s, e);
	struct group *g = groups < 0 ? NULL : group_open(groups, n->group, e);

	if (!g)
		err_wrap(e, "group %s", n->group);
	return g;
}

static int join_group(const struct endpoint_start *x, struct group *g, struct nft_batch *b, struct err *e)
{
	for (size_t i = 0; i < x->state.n_ports; i++)
		if (group_join(g, &x->state.ports[i], endpoint_holder_is_dead, (void *)(uintptr_t)x->store, b,
		            e) != 0)
			return err_wrap(e, "group %s", x->state.group);
	return group_save(g, e);
}

static int add_once(
        const struct endpoint_start *x, size_t first, enum nft_change c, const char *table, struct err *e)
{
	const struct network_state *n = &x->state;
	cleanup_nft_batch struct nft_batch *b = nft_batch_open_on(table, x->nft_fd, e);
	cleanup_group struct group *g = NULL;

	if (!b || (!first && n->group && n->n_ports && !(g = open_group(x->store, n, e))))
		return -1;
	for (size_t i = first; i < n->n_endpoints; i++)
		member(b, c, x->c->id, &n->endpoints[i]);
	for (size_t i = 0; !first && !n->group && i < n->n_ports; i++)
		nft_port(b, c, &n->ports[i]);
	if ((!g || join_group(x, g, b, e) == 0) && nft_batch_commit(b, e) == 0)
		return 0;
	if (g)
		group_undo(g, NULL);
	return -1;
}

/* Somebody's element stands where ours is to be. A run that is over is cleaned up, by whoever is at it or by
 * us; of a container that is gone only what is there goes. */
struct clearing {
	const struct store *s;
	char owner[TARE_ID_LEN + 1]; /* the last one that was looked at, */
	int remove;                  /* and what was found */
};

static int clear_owner(const char *kind, const char owner[NFT_OWNER_LEN + 1], void *arg)
{
	struct clearing *x = arg;
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	(void)kind;
	if (strncmp(x->owner, owner, NFT_OWNER_LEN) == 0)
		return x->remove;
	snprintf(x->owner, sizeof x->owner, "%s", owner);
	x->remove = container_resolve(x->s, owner, x->owner, NULL) != 0;
	for (int i = 0; !x->remove && i < PAUSES && is_over(x->s, x->owner); i++) {
		cleanup_in_passing(x->s, x->owner);
		nanosleep(&pause, NULL);
	}
	return x->remove;
}

static int clear_over(const struct store *s, const char *table)
{
	struct clearing x = {.s = s};
	cleanup_nft_batch struct nft_batch *removal = nft_batch_open(table, NULL);

	if (!removal || nft_each_owned(table, removal, clear_owner, &x, NULL) != 0)
		return -1;
	return nft_batch_commit_removal(removal, NULL);
}

int endpoint_elements_add(const struct endpoint_start *x, size_t first, struct err *e)
{
	char table[NFT_TABLE_MAX];
	struct err why = ERR_INIT;

	network_table(x->store, table);
	/* the same of a run that is over is not ours: its clean-up would take it away */
	if (add_once(x, first, NFT_ADD_NEW, table, &why) == 0)
		return 0;
	/* the firewall was flushed, or a run that was killed left its elements: once more after that */
	if (why.sys == ENOENT ? network_reload(x->store, &why) == 0
	                      : why.kind == ERR_CONFLICT && clear_over(x->store, table) == 0) {
		why = (struct err)ERR_INIT;
		if (add_once(x, first, NFT_ADD, table, &why) == 0)
			return 0;
	}
	if (e)
		*e = why;
	return err_wrap(e, "cannot add the container to table %s", table);
}

/* ------------------------------------------------------------------ flows */

/* Flows of UDP outlive what led them, as their clients go on. Best effort: a kernel that doesn't tell of them
 * goes without. socket: -1, or one that is kept (net/nft.h). */
static void forget_flows(int socket, const struct network_state *n, enum nft_flows which)
{
	bool udp = false;

	for (size_t i = 0; i < n->n_ports; i++)
		udp |= n->ports[i].protocol == IPPROTO_UDP;
	cleanup_fd int own = udp && socket < 0 ? nft_socket(NULL) : -1;
	if (udp)
		nft_forget_flows(socket < 0 ? own : socket, n->ports, n->n_ports, which, NULL);
}

void endpoint_flows_follow(const struct network_state *n, int socket)
{
	forget_flows(socket, n, n->group ? NFT_FLOWS_TO_HOST : NFT_FLOWS_ELSEWHERE);
}

/* ------------------------------------------------------------------ removing */

/* The last one to close such a socket after a removal waits for the kernel, so the removal goes through the
 * monitor's own: that one's last descriptor is closed when the monitor ends, for which nobody waits. */
static int borrow_socket(const struct container *c, const struct network_state *n)
{
	cleanup_fd int monitor = c->has_state && n->nft_fd >= 0 ? proc_open(&c->state.monitor) : -1;
	cleanup_fd int fd = monitor < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, monitor, n->nft_fd, 0);

	return fd >= 0 && nft_is_socket(fd) ? steal_fd(&fd) : -1;
}

void endpoint_elements_remove(const struct store *s, const struct container *c, const struct network_state *n)
{
	char table[NFT_TABLE_MAX];
	cleanup_fd int socket = borrow_socket(c, n);
	cleanup_nft_batch struct nft_batch *b = nft_batch_open_on(network_table(s, table), socket, NULL);

	if (!b)
		return;
	for (size_t i = 0; i < n->n_endpoints; i++)
		member(b, NFT_REMOVE, c->id, &n->endpoints[i]);
	for (size_t i = 0; !n->group && i < n->n_ports; i++)
		nft_port(b, NFT_REMOVE, &n->ports[i]);
	cleanup_group struct group *g = n->group && n->n_ports ? open_group(s, n, NULL) : NULL;
	if (g && group_leave(g, c->id, b, NULL) == 0)
		group_save(g, NULL);
	nft_batch_commit_removal(b, NULL); /* without a table there is nothing to remove */
	forget_flows(socket, n, NFT_FLOWS_TO_IT);
}
