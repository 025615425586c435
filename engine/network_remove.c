/* Networks go: one that is asked for, or all that nobody uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/network.h"

#define NAMED_MAX 4 /* containers that an error names */

static int in_use(const struct network_record *r, char *const *holders, struct err *e)
{
	cleanup_buf struct buf names = BUF_INIT;
	size_t n = strv_len(holders);

	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", holders[i]);
	if (n > NAMED_MAX)
		buf_printf(&names, " and %zu more", n - NAMED_MAX);
	return err_set(e, ERR_CONFLICT,
	        "network %s is in use by %s; stop %s, or take %s out: tare network disconnect %s %s", r->name,
	        buf_str(&names), n == 1 ? "it" : "them", n == 1 ? "it" : "them", r->name, holders[0]);
}

/* A start that is under way waits for the lock of the leases, and finds the network gone. */
static int remove_locked_network(const struct store *s, const struct network_record *r, struct err *e)
{
	cleanup_leases struct leases l = LEASES_INIT;
	cleanup_fd int dir = network_state_dir(s, r->id, e);

	if (dir < 0 || leases_lock(dir, &l, e) != 0)
		return -1;
	cleanup_strv char **holders = network_holders(s, &l);
	if (holders)
		return in_use(r, holders, e);
	if (network_down(s, r, e) != 0 || network_record_remove(s, r->name, e) != 0)
		return -1;
	network_event(s, r, "destroy", NULL);
	return 0;
}

int engine_network_remove(struct tare_engine *t, const char *ref, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_network_record struct network_record r = {0};
	cleanup_fd int lock = networks_lock(s, e);

	if (lock < 0)
		return -1;
	if (strcmp(ref, "bridge") == 0 || strcmp(ref, "default") == 0)
		ref = NETWORK_DEFAULT;
	if (strcmp(ref, NETWORK_DEFAULT) != 0 && network_record_find(s, ref, &r, e) != 0)
		return -1;
	if (!r.name || network_is_default(&r))
		return err_set(e, ERR_CONFLICT,
		        "network " NETWORK_DEFAULT " is the default one and stays; containers without any "
		        "network have --network none");
	return remove_locked_network(s, &r, e);
}

int networks_prune(const struct store *s, unsigned flags, struct tare_prune_result *out, struct err *e)
{
	cleanup_network_records struct network_records all = {0};
	bool dry_run = flags & TARE_PRUNE_DRY_RUN;
	bool by_running_only = dry_run && flags & TARE_PRUNE_FOR_RUNNING_ONLY;
	cleanup_fd int lock = networks_lock(s, e);

	if (lock < 0 || network_record_list(s, &all, e) != 0)
		return -1;
	for (size_t i = 0; i < all.n; i++) {
		const struct network_record *r = &all.rows[i];
		if (network_is_default(r) || network_is_wanted(s, r, by_running_only))
			continue;
		if (!dry_run && remove_locked_network(s, r, NULL) != 0)
			continue; /* somebody is just starting in it */
		strv_add(&out->removed, r->name);
	}
	return 0;
}
