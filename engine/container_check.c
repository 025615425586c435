/* What a crash can leave of containers whose records are whole: ends that nobody saw, pauses that are not as
 * the record has them, names that lead nowhere, specs that cannot be read. Each is mended under the
 * container's lock. */
#include "engine/container_check.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "engine/engine.h"
#include "engine/monitor/handoff.h"
#include "engine/runtime/cgroup.h"

struct look {
	const struct store *s;
	struct container *c;
	bool repair;
	struct tare_check_result *out;
};

static void tell(const struct look *l, bool repaired, const char *problem, const char *remedy)
{
	cleanup_free char *what = str_printf("container %s", l->c->record.name);

	if (what)
		tare_check_result_add(l->out, repaired, what, problem, remedy);
}

/* The monitor that lives still puts it in order itself. */
static bool ended_unseen(const struct container *c)
{
	if (container_is_up(c) || container_is_ending(c) || container_is_restarting(c))
		return false;
	if (c->state_fd < 0)
		return container_run_was_lost(c);
	return !c->has_state || !container_run_is_of_this_boot(c) || !proc_alive(&c->state.monitor);
}

/* False: the container may be gone now. */
static bool check_end(const struct look *l)
{
	struct exit_record how = {0};

	if (!ended_unseen(l->c))
		return true;
	tell(l, l->repair && cleanup_locked(l->s, l->c, &how, NULL) == 0,
	        "nobody saw the end of its last run", NULL);
	return false;
}

static void check_pause(const struct look *l)
{
	struct container *c = l->c;
	bool frozen = container_is_up(c) && container_is_frozen(c), repaired = false;

	if (!container_is_up(c) || c->state.paused == frozen)
		return;
	if (l->repair && frozen)
		repaired = container_set_paused(l->s, c, false, NULL) == 0;
	else if (l->repair) {
		c->state.paused = false;
		repaired = container_state_write(c->state_fd, &c->state, NULL) == 0;
	}
	tell(l, repaired, frozen ? "it is frozen, and was never paused" : "it runs, and is paused on record",
	        NULL);
}

static void check_name(const struct look *l)
{
	char id[TARE_ID_LEN + 1];

	if (container_resolve(l->s, l->c->record.name, id, NULL) == 0 && strcmp(id, l->c->id) == 0)
		return;
	tell(l, l->repair && container_name_claim(l->s, l->c->record.name, l->c->id, NULL) == 0,
	        "its name does not lead to it", "give it another one: tare rename");
}

static void check_spec(const struct look *l)
{
	struct runtime_spec spec = RUNTIME_SPEC_INIT;
	struct err why = ERR_INIT;

	if (container_spec(l->c, &spec, &why) != 0)
		tell(l, false, why.msg, "save what it has with tare export, and remove it");
	runtime_spec_free(&spec);
}

/* Clean-up could not remove it: descriptors were short, a hierarchy was busy. */
static void check_cgroup(const struct look *l)
{
	const struct container *c = l->c;
	char path[CGROUP_PATH_MAX];

	if (container_is_up(c) || container_is_ending(c) || container_is_restarting(c) ||
	        !cgroup_exists(container_cgroup_path(c, path)))
		return;
	tell(l, l->repair && cgroup_destroy(path, NULL) == 0, "its cgroup is left", NULL);
}

void containers_check(const struct store *s, bool repair, struct tare_check_result *out)
{
	cleanup_strv char **ids = NULL;

	if (container_ids(s, &ids, NULL) != 0)
		return;
	strv_foreach (id, ids) {
		cleanup_container struct container c = CONTAINER_INIT;
		struct look l = {.s = s, .c = &c, .repair = repair, .out = out};
		if (container_open_id(s, *id, &c, NULL) != 0 || !container_try_lock(s, &c) || !check_end(&l))
			continue;
		check_pause(&l);
		check_cgroup(&l);
		check_name(&l);
		check_spec(&l);
	}
}
