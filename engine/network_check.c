/* What a crash left of networks, and what of this host keeps them from working: found, and mended when asked.
 * A start that is under way is nobody's remains: it has its container's lock, and what it is going to ask of
 * the kernel stands in its network.json before. */
#include "engine/network_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "net/dns.h"

int network_check_tell(
        struct network_check *x, bool repaired, const char *problem, const char *remedy, char *what)
{
	cleanup_free char *text = what;

	return text ? tare_check_result_add(x->out, repaired, text, problem, remedy) : -1;
}

const struct network_record *network_check_record(const struct network_check *x, const char *network_id)
{
	for (size_t i = 0; i < x->records.n; i++)
		if (strcmp(x->records.rows[i].id, network_id) == 0)
			return &x->records.rows[i];
	return NULL;
}

static int note_holder(const struct container *c, const struct network_state *n, void *arg)
{
	struct network_check *x = arg;

	for (size_t i = 0; i < n->n_endpoints; i++) {
		const struct network_record *r = network_check_record(x, n->endpoints[i].network_id);
		if (!r)
			continue;
		x->held[r - x->records.rows] = true;
		x->served[r - x->records.rows] |= container_is_up(c);
	}
	return strv_add(&x->holders, c->id);
}

/* ------------------------------------------------------------------ name service */

static int serve_again(struct network_check *x)
{
	struct err e = ERR_INIT;
	bool repaired = x->repair;

	for (size_t i = 0; i < x->records.n && repaired; i++)
		if (x->served[i] && strcmp(x->records.rows[i].driver, "bridge") == 0)
			repaired = network_dns(x->s, &x->records.rows[i], &e) == 0;
	return network_check_tell(x, repaired, "does not run, and containers ask it for names",
	        *e.msg ? e.msg : NULL, strdup("name service tare-dns"));
}

static int check_name_service(struct network_check *x, struct err *e)
{
	cleanup_fd int dir = networks_state_dir(x->s, e);
	bool asked = false;

	for (size_t i = 0; i < x->records.n; i++)
		asked |= x->served[i] && strcmp(x->records.rows[i].driver, "bridge") == 0;
	if (dir < 0)
		return -1;
	if (!asked || dns_pid(dir) != 0)
		return 0;
	return serve_again(x) == 0 ? 0 : err_no_memory(e);
}

/* ------------------------------------------------------------------ all of it */

static int begin(struct network_check *x, struct err *e)
{
	network_table(x->s, x->table);
	if (network_record_list(x->s, &x->records, e) != 0)
		return -1;
	x->held = calloc(x->records.n + 1, sizeof *x->held);
	x->served = calloc(x->records.n + 1, sizeof *x->served);
	if (!x->held || !x->served)
		return err_no_memory(e);
	if (network_each_holder(x->s, note_holder, x, e) != 0)
		return -1;
	x->h = link_open(e);
	return x->h ? 0 : -1;
}

/* States before groups before rules: who is out of the first has nothing in the next. What is missing comes
 * back by a reload, which asks for the lock by itself. */
static int check_locked(struct network_check *x, struct err *e)
{
	cleanup_fd int lock = networks_lock(x->s, e);

	if (lock < 0 || begin(x, e) != 0)
		return -1;
	return network_check_states(x, e) == 0 && network_check_groups(x, e) == 0 &&
	                       network_check_rules(x, e) == 0 && network_check_links(x, e) == 0 &&
	                       network_check_host(x, e) == 0
	               ? 0
	               : -1;
}

static int check_all(struct network_check *x, struct err *e)
{
	struct err why = ERR_INIT;

	if (check_locked(x, e) != 0)
		return -1;
	if (x->reload && x->repair && network_reload(x->s, &why) != 0)
		return err_set(e, why.kind, "cannot lay the rules of networks again: %s", why.msg);
	return check_name_service(x, e);
}

int network_check(const struct store *s, bool repair, struct tare_check_result *out, struct err *e)
{
	struct network_check x = {.s = s, .repair = repair, .out = out};
	int rc = check_all(&x, e);

	link_close(&x.h);
	strv_free(x.holders);
	free(x.held);
	free(x.served);
	network_records_free(&x.records);
	return rc == 0 ? 0 : err_wrap(e, "networks");
}
