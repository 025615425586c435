/* A store of its own in a directory that the test leaves nothing of. Included after cmocka.h. */
#ifndef TARE_TESTS_UNIT_STORE_BOX_H
#define TARE_TESTS_UNIT_STORE_BOX_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/store/store.h"

struct store_box {
	char dir[64];
	struct store store;
};

static inline void store_box_open(struct store_box *b)
{
	char root[96], run[96];

	strcpy(b->dir, "/tmp/tare-unit.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(root, sizeof root, "%s/root", b->dir);
	snprintf(run, sizeof run, "%s/state", b->dir);
	assert_int_equal(store_open(&b->store, root, run, NULL), 0);
	log_set_level(LOG_LEVEL_ERROR);
}

static inline void store_box_close(struct store_box *b)
{
	store_close(&b->store);
	remove_tree_at(AT_FDCWD, b->dir);
}

/* For tests that need no more than it. */
static inline int store_box_setup(void **state)
{
	*state = calloc(1, sizeof(struct store_box));
	assert_non_null(*state);
	store_box_open(*state);
	return 0;
}

static inline int store_box_teardown(void **state)
{
	store_box_close(*state);
	free(*state);
	return 0;
}

#endif
