/* One layer on its way here. Only for pull_layer*.c. All of it is the network's thread's, but what stands in
 * the feed and the jobs. */
#ifndef TARE_REGISTRY_PULL_LAYER_H
#define TARE_REGISTRY_PULL_LAYER_H

#include "engine/archive/hash.h"
#include "engine/store/layer.h"
#include "engine/store/partial.h"
#include "registry/client/pull_crew.h"
#include "registry/client/pull_feed.h"
#include "registry/client/pull_history.h"
#include "registry/client/pull_layers.h"

enum pull_phase {
	PULL_NEW,
	PULL_WAITING,  /* another pull has it */
	PULL_CHECKING, /* what is here of it is hashed */
	PULL_FETCHING,
	PULL_FETCHED, /* and is being unpacked */
	PULL_DONE,
};

struct pull_layer {
	const struct pull_layers_options *o;
	struct pull_crew *crew;
	struct pull_history *history;
	const struct descriptor *blob;
	const struct digest *diff_id;
	char label[13];
	enum pull_phase phase;
	bool repeated; /* an earlier one of the same image is the same blob */
	bool unpack;   /* there is no unpacked one, and no earlier layer of the image makes it */
	bool started;  /* unpacking */
	bool changed;  /* the store has something that it hadn't */
	bool right;    /* the digest of what came was checked */
	struct partial partial;
	int blob_fd; /* of a blob that was here already, to be unpacked */
	struct hash *hash;
	uint64_t hashed;
	struct pull_feed feed;
	struct pull_job checking, unpacking;
	struct layer_draft draft;
	uint64_t bytes;   /* of the unpacked files */
	int64_t tried_ns; /* to get the partial that another pull has */
	struct err why;   /* why it failed; empty: it didn't */
};

void pull_layer_init(struct pull_layer *l, const struct pull_layers_options *o, struct pull_crew *crew,
        struct pull_history *history, size_t at);
/* Stops what runs and leaves what came in partial/. */
void pull_layer_free(struct pull_layer *l);
/* Do what can be done without waiting. -1 with e: the pull has failed. */
int pull_layer_advance(struct pull_layer *l, struct err *e);
void pull_layer_report(struct pull_layer *l);

/* pull_unpack.c: the job that unpacks the feed into the draft. */
int pull_unpack(void *layer, struct err *e);

#endif
