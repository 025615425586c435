/* A simulated engine, opened twice as two processes would, on a journal of its own. */
#ifndef TARE_TESTS_SIMULATION_BOX_H
#define TARE_TESTS_SIMULATION_BOX_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/simulation.h"

struct fixture {
	char dir[64];
	struct tare_engine *a, *b;
};

static struct tare_engine *open_one(const struct fixture *f)
{
	struct err e = ERR_INIT;
	struct tare_engine *t = tare_engine_simulated(f->dir, &e);

	if (!t)
		fail_msg("%s", e.msg);
	return t;
}

/* The caller's to free. */
static inline struct tare_container look(struct tare_engine *t, const char *ref)
{
	struct tare_container c;
	struct err e = ERR_INIT;

	if (t->look(t, ref, &c, &e) < 0)
		fail_msg("%s", e.msg);
	return c;
}

/* clock: seconds at which it is held, NULL: it runs. */
static int set_up_at(void **state, const char *clock)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	unsetenv("TARE_DEMO_CONTAINERS");
	unsetenv("TARE_DEMO_LOG_RATE");
	if (clock)
		setenv("TARE_DEMO_CLOCK", clock, 1);
	else
		unsetenv("TARE_DEMO_CLOCK");
	f->a = open_one(f);
	f->b = open_one(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->a->close(f->a);
	f->b->close(f->b);
	remove_tree_at(AT_FDCWD, f->dir);
	free(f);
	unsetenv("TARE_DEMO_CLOCK");
	return 0;
}

#endif
