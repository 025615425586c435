/* system check: all that a crash can have left behind, images that are not whole, and what of this host keeps
 * networks from working. */
#include "engine/debris.h"

#include <time.h>

#include "base/buf.h"
#include "engine/adopt.h"
#include "engine/container_check.h"
#include "engine/engine.h"
#include "engine/network.h"
#include "engine/store/image_index.h"
#include "engine/store/image_check.h"

static void tell_debris(const struct debris *d, void *arg)
{
	tare_check_result_add(arg, d->removed, d->what, d->problem, NULL);
}

/* What is missing cannot be mended from here. */
static void tell_damage(void *arg, const char *name, const char *problem)
{
	cleanup_free char *what = str_printf("image %s", name);

	if (what)
		tare_check_result_add(arg, false, what, problem, "pull or load it again, or remove it");
}

#define LOOK_NS 5000000 /* between looks at starts that are under way, */
#define LOOKS   200     /* and how many in all: 1 s */

/* Who holds the lock of a container that doesn't run is starting it. */
static bool is_starting(const struct store *s, const char *id)
{
	cleanup_container struct container c = CONTAINER_INIT;

	return container_open_id(s, id, &c, NULL) == 0 && !container_is_up(&c) && !container_is_ending(&c) &&
	       !container_try_lock(s, &c);
}

/* A start that was killed has the lock for some ms more: the last of its processes is still dying. What it
 * leaves would not be found. */
static void await_starts(const struct store *s)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	cleanup_strv char **ids = NULL;
	int looks = 0;

	if (container_ids(s, &ids, NULL) != 0)
		return;
	strv_foreach (id, ids)
		while (looks < LOOKS && is_starting(s, *id)) {
			nanosleep(&pause, NULL);
			looks++;
		}
}

/* Who waited to start it again was killed. */
static void check_restart(const struct store *s, bool repair, const char *id, struct tare_check_result *out)
{
	cleanup_container struct container c = CONTAINER_INIT;
	bool mended = false;

	if (container_open_id(s, id, &c, NULL) != 0 || !container_restart_was_lost(&c))
		return;
	cleanup_free char *what = str_printf("container %s", c.record.name);
	if (repair) {
		cleanup_container struct container again = CONTAINER_INIT;
		cleanup_in_passing(s, id);
		mended = container_open_id(s, id, &again, NULL) == 0 && !container_restart_was_lost(&again);
	}
	if (what)
		tare_check_result_add(out, mended, what, "nobody waits any more to start it again", NULL);
}

/* Containers that nobody looks after. */
static void check_monitors(const struct store *s, bool repair, struct tare_check_result *out)
{
	cleanup_strv char **ids = NULL;

	if (container_ids(s, &ids, NULL) != 0)
		return;
	strv_foreach (id, ids) {
		cleanup_container struct container c = CONTAINER_INIT;
		check_restart(s, repair, *id, out);
		if (container_open_id(s, *id, &c, NULL) != 0 || !adopt_is_due(&c))
			continue;
		if (repair)
			adopt_in_passing(s, &c);
		cleanup_free char *what = str_printf("container %s", c.record.name);
		if (what)
			tare_check_result_add(
			        out, repair && !adopt_is_due(&c), what, "its monitor is gone", NULL);
	}
}

/* What a power cut has emptied, and blobs and layers of no image: a load or a removal was cut short. */
static void check_content(const struct store *s, bool repair, struct tare_check_result *out)
{
	uint64_t freed;
	if (image_layout_is_damaged(s))
		tare_check_result_add(out, repair && image_layout_repair(s), "image store",
		        "its file oci-layout was cut short", NULL);
	size_t n = image_unreached(s);

	if (!n)
		return;
	cleanup_free char *what = str_printf("image store: %zu blob%s and layers", n, n > 1 ? "s" : "");
	bool repaired = repair && image_sweep(s, &freed, NULL) == 0 && image_unreached(s) == 0;
	if (what)
		tare_check_result_add(out, repaired, what, "no image needs them", NULL);
}

int engine_check(struct tare_engine *t, bool repair, struct tare_check_result *out, struct err *e)
{
	const struct store *s = engine_store(t);

	*out = (struct tare_check_result){0};
	await_starts(s);
	check_monitors(s, repair, out);
	debris_sweep(s, repair, tell_debris, out);
	containers_check(s, repair, out);
	check_content(s, repair, out);
	if (image_check(s, tell_damage, out, e) == 0 && network_check(s, repair, out, e) == 0)
		return 0;
	tare_check_result_free(out);
	return -1;
}
