/* The orderly end before the host's: `tare stop --shutdown`, run by the host's service manager.
 *
 * Every container is ended by a process of its own, so that all of it takes as long as the slowest one. What
 * these processes could not end is tried once more here, where there is somebody to tell why. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/engine.h"
#include "engine/restart.h"

struct ending {
	char *name;  /* NULL: nothing of it runs */
	pid_t child; /* who ends it */
};

static void endings_free(struct ending **all)
{
	for (struct ending *x = *all; x && x->child; x++)
		free(x->name);
	free(*all);
}

static int begin(const struct store *s, const char *id, struct ending *x)
{
	cleanup_container struct container c = CONTAINER_INIT;
	struct verb v;

	x->child = -1;
	if (container_open_id(s, id, &c, NULL) != 0 || !(container_is_up(&c) || container_is_restarting(&c)))
		return 0;
	x->name = strdup(c.record.name);
	verb_fill(&v, s, "shutdown", id);
	x->child = verb_child(&v);
	return x->name ? 0 : -1;
}

static void await(pid_t child)
{
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void finish(
        const struct store *s, const char *id, const struct ending *x, char ***stopped, char ***failed)
{
	struct err e = ERR_INIT;

	if (!x->name)
		return;
	/* of one that ended nothing is left to do; one with --rm is gone */
	if (container_stop(s, id, RESTART_NOTE_HOST, 0, 0, &e) == 0 || e.kind == ERR_NOT_FOUND) {
		strv_add(stopped, x->name);
		return;
	}
	err_wrap(&e, "container %s is not stopped", x->name);
	strv_add(failed, e.msg);
}

int engine_shutdown(struct tare_engine *t, char ***stopped, char ***failed, struct err *e)
{
	const struct store *s = engine_store(t);
	cleanup_strv char **ids = NULL;

	if (boot_forget(s, e) != 0 || container_ids(s, &ids, e) != 0)
		return -1;
	size_t n = strv_len(ids);
	__attribute__((cleanup(endings_free))) struct ending *all = calloc(n + 1, sizeof *all);
	int rc = all ? 0 : -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = begin(s, ids[i], &all[i]);
	for (size_t i = 0; all && i < n; i++)
		await(all[i].child);
	for (size_t i = 0; i < n && rc == 0; i++)
		finish(s, ids[i], &all[i], stopped, failed);
	return rc == 0 ? 0 : err_no_memory(e);
}
