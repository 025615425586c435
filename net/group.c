/* Groups: who owns which slots of a port, in a file under a lock and in the table. */
#include "net/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "net/group_shares.h"
#include "net/port.h"

#define ID_SHOWN 12

struct group {
	char name[GROUP_NAME_MAX + 1];
	int dir_fd, lock_fd;
	struct shares now;
	struct buf before; /* the file at the opening */
	bool asked_dead;   /* whether its members live: once is enough */
};

/* ---------------------------------------------------------------- shares */

static void shares_remove(struct shares *s, size_t i)
{
	memmove(&s->rows[i], &s->rows[i + 1], (s->n - i - 1) * sizeof(*s->rows));
	s->n--;
	shares_own(s);
}

static int shares_copy(struct shares *dst, const struct shares *src, struct err *e)
{
	dst->n = src->n;
	dst->rows = malloc((src->n + 1) * sizeof(*dst->rows));
	if (!dst->rows)
		return err_no_memory(e);
	if (src->n)
		memcpy(dst->rows, src->rows, src->n * sizeof(*dst->rows));
	shares_own(dst);
	return 0;
}

static bool has_slot(const struct share *s, unsigned slot)
{
	return s->slots[slot / 8] & 0x80 >> slot % 8;
}

static void set_slot(struct share *s, unsigned slot, bool has)
{
	unsigned char bit = (unsigned char)(0x80 >> slot % 8);

	s->slots[slot / 8] = (unsigned char)(has ? s->slots[slot / 8] | bit : s->slots[slot / 8] & ~bit);
}

static unsigned count_slots(const struct share *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < GROUP_SLOT_BYTES; i++)
		n += (unsigned)__builtin_popcount(s->slots[i]);
	return n;
}

static bool is_any(const struct net_address *a)
{
	static const unsigned char zero[16];

	return !memcmp(a->bytes, zero, net_address_len(a));
}

/* Would a connection to the one reach the other's rules as well? */
static bool overlap(const struct nft_port *a, const struct nft_port *b)
{
	return a->protocol == b->protocol && a->host_port == b->host_port &&
	       a->host.family == b->host.family &&
	       (is_any(&a->host) || is_any(&b->host) || net_address_equal(&a->host, &b->host));
}

/* ---------------------------------------------------------------- slots */

/* The member of a port that has the most or the fewest slots; the first of several. */
static struct share *extreme(struct shares *s, const struct nft_port *port, bool most)
{
	struct share *best = NULL;
	unsigned best_n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct share *row = &s->rows[i];

		if (!share_is_of_port(row, port))
			continue;
		unsigned n = count_slots(row);
		if (!best || (most ? n > best_n : n < best_n)) {
			best = row;
			best_n = n;
		}
	}
	return best;
}

static size_t count_members(const struct shares *s, const struct nft_port *port)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += share_is_of_port(&s->rows[i], port);
	return n;
}

static void map_owners(
        const struct shares *s, const struct nft_port *port, const struct share *owners[NFT_GROUP_SLOTS])
{
	memset(owners, 0, NFT_GROUP_SLOTS * sizeof(*owners));
	for (size_t i = 0; i < s->n; i++) {
		if (!share_is_of_port(&s->rows[i], port))
			continue;
		for (unsigned slot = 0; slot < NFT_GROUP_SLOTS; slot++)
			if (has_slot(&s->rows[i], slot))
				owners[slot] = &s->rows[i];
	}
}

/* What nobody has goes to those who have fewest. */
static void give_out(struct shares *s, const struct nft_port *port)
{
	const struct share *owners[NFT_GROUP_SLOTS];

	map_owners(s, port, owners);
	for (unsigned slot = 0; slot < NFT_GROUP_SLOTS; slot++) {
		struct share *poorest = owners[slot] ? NULL : extreme(s, port, false);

		if (poorest)
			set_slot(poorest, slot, true);
	}
}

static void take_one_slot(struct share *from, struct share *to)
{
	for (unsigned slot = 0; slot < NFT_GROUP_SLOTS; slot++)
		if (has_slot(from, slot)) {
			set_slot(from, slot, false);
			set_slot(to, slot, true);
			return;
		}
}

/* The newcomer's even part, from those who have most. */
static void take_part(struct shares *s, struct share *newcomer)
{
	size_t members = count_members(s, &newcomer->port);

	while ((count_slots(newcomer) + 1) * members <= NFT_GROUP_SLOTS)
		take_one_slot(extreme(s, &newcomer->port, true), newcomer);
}

/* ---------------------------------------------------------------- elements */

static bool leads_alike(const struct share *a, const struct share *b)
{
	return a && b && !strcmp(a->owner, b->owner) && net_address_equal(&a->port.to, &b->port.to) &&
	       a->port.to_port == b->port.to_port;
}

/* Those slots of the row that are, or aren't, just the same with the others' `owners`. */
static void put_slots(struct nft_batch *b, enum nft_change c, const struct share *row,
        const struct share *const owners[NFT_GROUP_SLOTS], bool alike)
{
	for (unsigned slot = 0; slot < NFT_GROUP_SLOTS; slot++)
		if (has_slot(row, slot) && leads_alike(row, owners[slot]) == alike)
			nft_group_slot(b, c, &row->port, slot);
}

static void put_difference(struct nft_batch *b, enum nft_change c, const struct shares *in,
        const struct shares *other, const struct nft_port *port)
{
	const struct share *owners[NFT_GROUP_SLOTS];
	const struct nft_port *mapped = NULL; /* whose owners these are */

	for (size_t i = 0; i < in->n; i++) {
		const struct share *row = &in->rows[i];

		if (port && !share_is_of_port(row, port))
			continue;
		if (!mapped || !share_is_of_port(row, mapped))
			map_owners(other, mapped = &row->port, owners);
		put_slots(b, c, row, owners, false);
	}
}

/* Of one port, or, with NULL, of all. Removals first, since a slot has one element. */
static void put_change(struct nft_batch *b, const struct shares *before, const struct shares *after,
        const struct nft_port *port)
{
	put_difference(b, NFT_REMOVE, before, after, port);
	put_difference(b, NFT_ADD, after, before, port);
}

/* ---------------------------------------------------------------- the file */

static int check_name(const char *name, struct err *e)
{
	size_t len = strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-");

	/* A dot in front is for what isn't a group. */
	if (!len || len > GROUP_NAME_MAX || name[len] || *name == '.')
		return err_set(e, ERR_USAGE,
		        "invalid group name \"%.80s\": use at most %d letters, digits, _ . and -", name,
		        GROUP_NAME_MAX);
	return 0;
}

/* A missing file is empty. */
static int read_file(int dir_fd, const char *name, struct buf *text, struct shares *s, struct err *e)
{
	struct err why = ERR_INIT;

	if (check_name(name, e) < 0)
		return -1;
	if (file_read_at(dir_fd, name, text, &why) < 0) {
		if (errno == ENOENT)
			return 0;
		if (errno == EFBIG || errno == EISDIR || errno == EINVAL)
			why.kind = ERR_CORRUPT;
		if (e)
			*e = why;
		return -1;
	}
	if (shares_parse(text, s, e) == 0)
		return 0;
	shares_free(s);
	return err_wrap(e, "the file of group %s is damaged", name);
}

static int write_file(const struct group *g, const struct buf *text, struct err *e)
{
	if (text->failed)
		return err_set(e, ERR_NO_SPACE, "group %s has too many members", g->name);
	if (text->len)
		return file_write_at(g->dir_fd, g->name, text->data, text->len, 0600, FILE_NO_SYNC, e);
	if (unlinkat(g->dir_fd, g->name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove the file of group %s", g->name);
	return 0;
}

/* ---------------------------------------------------------------- opening */

static int set_aside(const struct group *g, const struct err *why, struct err *e)
{
	char aside[sizeof(".damaged-") + GROUP_NAME_MAX];

	snprintf(aside, sizeof(aside), ".damaged-%s", g->name);
	if (renameat(g->dir_fd, g->name, g->dir_fd, aside) < 0)
		return err_sys(e, "cannot set the file of group %s aside", g->name);
	log_line(LOG_LEVEL_WARN, "%s; it is kept as %s, and members share the port again once they restart",
	        why->msg, aside);
	return 0;
}

struct group *group_open(int groups_fd, const char *name, struct err *e)
{
	cleanup_group struct group *g = calloc(1, sizeof(*g));
	char lock[sizeof(".lock-") + GROUP_NAME_MAX];
	struct err why = ERR_INIT;

	if (!g)
		return err_no_memory(e), NULL;
	g->dir_fd = g->lock_fd = -1;
	g->before.max = GROUP_TEXT_MAX;
	if (check_name(name, e) < 0)
		return NULL;
	snprintf(g->name, sizeof(g->name), "%s", name);
	g->dir_fd = fcntl(groups_fd, F_DUPFD_CLOEXEC, 0);
	if (g->dir_fd < 0)
		return err_sys_null(e, "cannot open the directory of groups");
	snprintf(lock, sizeof(lock), ".lock-%s", name);
	g->lock_fd = lock_take(g->dir_fd, lock, LOCK_EXCLUSIVE, e);
	if (g->lock_fd < 0)
		return NULL;
	if (read_file(g->dir_fd, name, &g->before, &g->now, &why) < 0) {
		buf_reset(&g->before);
		if (why.kind != ERR_CORRUPT || set_aside(g, &why, &why) < 0) {
			if (e)
				*e = why;
			return NULL;
		}
	}
	return steal_ptr(&g);
}

void group_close(struct group **g)
{
	if (!*g)
		return;
	shares_free(&(*g)->now);
	buf_free(&(*g)->before);
	close_fd(&(*g)->lock_fd);
	close_fd(&(*g)->dir_fd);
	free(*g);
	*g = NULL;
}

int group_save(struct group *g, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(GROUP_TEXT_MAX);

	shares_print(&g->now, &text);
	return write_file(g, &text, e);
}

int group_undo(struct group *g, struct err *e)
{
	return write_file(g, &g->before, e);
}

/* ---------------------------------------------------------------- coming and going */

static void drop_member(struct shares *s, const char *owner)
{
	for (size_t i = s->n; i-- > 0;) {
		struct nft_port port = s->rows[i].port;

		if (strcmp(s->rows[i].owner, owner) != 0)
			continue;
		shares_remove(s, i);
		give_out(s, &port);
	}
}

/* Each member is asked about once, however many ports it has. True: somebody has gone. */
static bool drop_dead(struct group *g, const char *self, bool (*dead)(const char *id, void *arg), void *arg)
{
	struct shares *s = &g->now;
	bool gone = false;

	for (size_t i = 0; dead && !g->asked_dead && i < s->n;) {
		char owner[GROUP_OWNER_LEN + 1];
		bool asked = false;

		memcpy(owner, s->rows[i].owner, sizeof(owner));
		for (size_t k = 0; k < i; k++)
			asked |= !strcmp(s->rows[k].owner, owner);
		if (!asked && strcmp(owner, self) != 0 && dead(owner, arg)) {
			/* The rows of those who were asked before stay in their places. */
			drop_member(s, owner);
			gone = true;
			continue;
		}
		i++;
	}
	g->asked_dead |= dead != NULL;
	return gone;
}

static struct share *find_share(const struct shares *s, const struct nft_port *p)
{
	for (size_t i = 0; i < s->n; i++)
		if (share_is_of_port(&s->rows[i], p) && !strcmp(s->rows[i].owner, p->owner))
			return &s->rows[i];
	return NULL;
}

static int join_new(struct group *g, const struct nft_port *p, struct err *e)
{
	struct share *own;

	if (count_members(&g->now, p) >= GROUP_MEMBERS_MAX)
		return err_set(e, ERR_NO_SPACE, "group %s is full: a port has at most %d members", g->name,
		        GROUP_MEMBERS_MAX);
	/* All slots have an owner when the newcomer's part is taken: only so there are enough to take. */
	give_out(&g->now, p);
	own = shares_add(&g->now, p, e);
	if (!own)
		return -1;
	give_out(&g->now, p);
	take_part(&g->now, own);
	return 0;
}

int group_join(struct group *g, const struct nft_port *p, bool (*dead)(const char *id, void *arg), void *arg,
        struct nft_batch *b, struct err *e)
{
	cleanup_shares struct shares before = {0};
	struct share *own;

	if (!share_is_owner(p->owner) || !net_address_len(&p->host) || p->to.family != p->host.family)
		return err_set(e, ERR_USAGE, "container %.*s cannot join group %s with this port", ID_SHOWN,
		        p->owner, g->name);
	if (group_check(g->dir_fd, g->name, p, e) < 0)
		return err_wrap(e, "port %u/%s", p->host_port, port_protocol_name(p->protocol));
	if (shares_copy(&before, &g->now, e) < 0)
		return -1;
	bool gone = drop_dead(g, p->owner, dead, arg);
	own = find_share(&g->now, p);
	if (own) {
		own->port.to = p->to;
		own->port.to_port = p->to_port;
	} else if (join_new(g, p, e) < 0) {
		return -1;
	}
	put_change(b, &before, &g->now, gone ? NULL : p);
	/* A member that comes again, as after a crash: what stays its own, whether the table has it or not.
	 */
	if (own) {
		const struct share *owners[NFT_GROUP_SLOTS];

		map_owners(&before, p, owners);
		put_slots(b, NFT_ADD, own, owners, true);
	}
	return 0;
}

int group_leave(struct group *g, const char *owner, struct nft_batch *b, struct err *e)
{
	cleanup_shares struct shares before = {0};

	if (shares_copy(&before, &g->now, e) < 0)
		return -1;
	drop_member(&g->now, owner);
	if (b)
		put_change(b, &before, &g->now, NULL);
	return 0;
}

/* ---------------------------------------------------------------- looking */

int group_each(int groups_fd, const char *name, int (*fn)(const struct nft_port *p, void *arg), void *arg,
        struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(GROUP_TEXT_MAX);
	cleanup_shares struct shares s = {0};
	int rc = 0;

	if (read_file(groups_fd, name, &text, &s, e) < 0)
		return -1;
	for (size_t i = 0; i < s.n && rc >= 0; i++)
		rc = fn(&s.rows[i].port, arg);
	return rc < 0 ? -1 : 0;
}

int group_restore(int groups_fd, const char *name, struct nft_batch *b, struct err *e)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(GROUP_TEXT_MAX);
	cleanup_shares struct shares s = {0};
	static const struct shares nothing;

	if (read_file(groups_fd, name, &text, &s, e) < 0)
		return -1;
	put_difference(b, NFT_ADD, &s, &nothing, NULL);
	return 0;
}

static int is_in_the_way(const struct nft_port *theirs, void *ours)
{
	return overlap(theirs, ours) ? -1 : 0;
}

int group_check(int groups_fd, const char *name, const struct nft_port *p, struct err *e)
{
	cleanup_fd int fd = openat(groups_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (check_name(name, e) < 0)
		return -1;
	if (!dir)
		return err_sys(e, "cannot read the directory of groups");
	steal_fd(&fd);
	while ((d = readdir(dir))) {
		struct err why = ERR_INIT;

		/* A group that cannot be read is its members' trouble. */
		if (*d->d_name != '.' && strcmp(d->d_name, name) != 0 &&
		        group_each(groups_fd, d->d_name, is_in_the_way, (void *)(uintptr_t)p, &why) < 0 &&
		        !*why.msg)
			return err_set(e, ERR_CONFLICT,
			        "it belongs to group %s; choose another port with -p, or join with "
			        "--publish-group %s",
			        d->d_name, d->d_name);
	}
	return 0;
}
