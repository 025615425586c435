/* Garbage collection of a registry, while it serves.
 *
 * In each repository: tags that no keep rule keeps are given up; manifests without a tag go (unless
 * keep_untagged), but not those that a kept index names or that refer to a kept manifest; then the blobs that
 * no kept manifest names. In the storage: blobs that no repository has. Nothing goes that was uploaded,
 * mounted or asked for by HEAD less than `grace` ago: a push puts its blobs first and the manifest that needs
 * them last.
 *
 * A repository's manifests don't change while it is gone through; uploads, pulls and other repositories go
 * on. Blobs are removed while nobody links any, in one go per repository. A process that dies in between
 * leaves nothing wrong: what is removed was given up already. */
#ifndef TARE_REGISTRY_GC_H
#define TARE_REGISTRY_GC_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/server/keep.h"
#include "registry/server/storage.h"

struct err;
struct gc;
struct quota;
struct server;

struct gc_options {
	int64_t grace;          /* ns */
	bool alone;             /* no server is at work: with a grace of 0 nothing is too young */
	int64_t upload_age;     /* ns; uploads that nobody went on with for so long go, too; 0: none */
	struct keep_rules keep; /* borrowed */
	bool keep_untagged;
	bool dry_run;        /* only count */
	struct quota *quota; /* to be given back what goes; or NULL */
};
struct gc_result {
	unsigned tags, manifests, blobs, uploads;
	uint64_t bytes; /* of the storage */
};
/* Repositories that cannot be read are left alone, with a warning. */
int gc_run(struct storage *s, const struct gc_options *o, struct gc_result *r, struct err *e);

/* ------------------------------------------------------------------ beside a server */

/* A thread that collects every gc_interval and reads all blobs anew every scrub_interval (0: never) of the
 * server's options. */
struct gc *gc_start(struct server *s, struct err *e);
void gc_stop(struct gc *g); /* NULL allowed */
/* Now, from any thread; waits for one that runs. A grace < 0: the server's own. */
int gc_now(struct gc *g, bool dry_run, int64_t grace, struct gc_result *r, struct err *e);

/* ------------------------------------------------------------------ for gc.c: gc_repository.c */

int gc_repository(struct repository *r, const struct gc_options *o, int64_t now, struct gc_result *result,
        struct err *e);
/* What was touched at that time or later stays. Without a grace and without others at work no clock is
 * believed: one that was set back would make files of before young. */
int64_t gc_limit(const struct gc_options *o, int64_t now);

#endif
