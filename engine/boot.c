/* What the restart policies ask for after a boot: `tare start --boot`, run once by the host's service
 * manager.
 *
 * STATE/booted holds the id of the boot for which that was done. A state directory that is not gone after a
 * reboot is known by it, and by the boot ids in the states themselves. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/restart.h"

#define BOOTED "booted"

static bool is_done(const struct store *s)
{
	char text[64];

	return file_read_small(s->state_fd, BOOTED, text, sizeof text) > 0 && strcmp(text, boot_id()) == 0;
}

struct made {
	char *id;
	int64_t created;
};

static int oldest_first(const void *a, const void *b)
{
	const struct made *x = a, *y = b;

	return x->created < y->created ? -1 : x->created > y->created ? 1 : strcmp(x->id, y->id);
}

/* In the order of their making: who shares another one's namespaces was made after it. */
static struct made *in_order(const struct store *s, char *const *ids, size_t n)
{
	struct made *all = calloc(n + 1, sizeof *all);

	for (size_t i = 0; all && i < n; i++) {
		struct container_record r;
		all[i].id = ids[i];
		if (container_record_read(s, ids[i], &r, NULL) != 0)
			continue; /* its start says why */
		all[i].created = r.created;
		container_record_free(&r);
	}
	if (all)
		qsort(all, n, sizeof *all, oldest_first);
	return all;
}

/* 1: it is to be started. What the last boot left of it is cleaned up before that. */
static int is_wanted(const struct store *s, const char *id, char **name, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct exit_record how;

	if (cleanup_run(s, id, &how, e) != 0)
		return -1;
	if (container_open_id(s, id, &c, e) != 0)
		return faccessat(s->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? -1 : 0; /* --rm */
	/* one that a shutdown in this boot could not end goes on as ever, with its policy */
	if (container_is_up(&c))
		unlinkat(c.state_fd, RESTART_NOTE_HOST, 0);
	*name = strdup(c.record.name);
	return *name && !container_is_up(&c) && !container_is_restarting(&c) && restart_at_boot(&c.record);
}

static void start_one(struct tare_engine *t, const char *id, char ***started, char ***failed)
{
	struct err e = ERR_INIT;
	cleanup_free char *name = NULL;
	int wanted = is_wanted(engine_store(t), id, &name, &e);

	if (wanted == 0)
		return;
	if (wanted > 0 && engine_start(t, id, NULL, NULL, NULL, &e) == 0) {
		strv_add(started, name);
		return;
	}
	if (name)
		err_wrap(&e, "container %s is not started", name);
	strv_add(failed, e.msg);
}

int boot_forget(const struct store *s, struct err *e)
{
	if (unlinkat(s->state_fd, BOOTED, 0) == 0 || errno == ENOENT)
		return 0;
	return err_sys(e, "cannot remove %s/" BOOTED, s->state);
}

int engine_boot(struct tare_engine *t, char ***started, char ***failed, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_strv char **ids = NULL;

	/* one at a time: the second one finds that it is done */
	cleanup_fd int lock = lock_take(s->state_fd, BOOTED ".lock", LOCK_EXCLUSIVE, e);
	if (lock < 0)
		return -1;
	if (is_done(s))
		return 0;
	if (container_ids(s, &ids, e) != 0)
		return -1;
	size_t n = strv_len(ids);
	cleanup_free struct made *all = in_order(s, ids, n);
	if (!all)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++)
		start_one(t, all[i].id, started, failed);
	/* last, so that one that was killed on its way is gone on with: who runs already is left alone */
	return file_write_at(s->state_fd, BOOTED, boot_id(), strlen(boot_id()), 0600, FILE_NO_SYNC, e);
}
