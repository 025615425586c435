/* A copy under way; for container_copy*.c only. */
#ifndef TARE_ENGINE_CONTAINER_COPY_H
#define TARE_ENGINE_CONTAINER_COPY_H

#include "base/buf.h"
#include "engine/archive/tree_make.h"
#include "engine/container_copy_side.h"
#include "engine/container_tree.h"

struct progress;
struct tare_copy;

struct copy {
	const struct tare_copy *request;
	struct container_tree tree;
	bool into; /* the container; otherwise out of it */
	struct progress *progress;
	const char *label;      /* for progress */
	uint64_t bytes, total;  /* copied; 0: not known */
	uint64_t skipped;       /* entries that were left out, or lost something */
	dev_t plain_dev;        /* of the source: no file system of the kernel's */
	struct buf path, first; /* of the entry at hand, as the destination calls it */
	struct tree_xattr xattrs[TREE_XATTRS_MAX];
};

/* ---- container_copy_entry.c: what becomes of an entry ---- */

void copy_make_options(struct copy *c, struct tree_make_options *o);
/* By Docker's rules for owners, and ours for what must not get from a container to this host: changes
 * `entry`; false: it is left out. */
bool copy_entry_filter(struct copy *c, struct tree_entry *entry);
/* Its name, and what it is a link to, beneath `prefix` ("": as it is). */
int copy_entry_rename(struct copy *c, const char *prefix, struct tree_entry *entry, struct err *e);
/* A line for a person; the arg is a struct copy. */
void copy_skipped(void *arg, const char *path, const char *why);
/* At the end: how many there were no lines for. */
void copy_tell_more(const struct copy *c);
/* For walks over a container's tree: what the kernel makes up is left out. */
bool copy_is_kernels(struct copy *c, int tree, const char *path);
void copy_progress(struct copy *c);

/* ---- container_copy_tree.c, container_copy_stream.c ---- */

/* `source` (O_PATH) becomes `prefix` beneath `dir`; "": what is in it goes into `dir`. */
int copy_tree(struct copy *c, int source, int dir, const char *prefix, struct err *e);
/* A tar archive of it on standard output, where it is called `name` ("": what is in it). */
int copy_to_stream(struct copy *c, int source, const char *name, struct err *e);
/* The one on standard input goes into `path`, which is the directory `dir`. */
int copy_from_stream(struct copy *c, int dir, const char *path, struct err *e);

#endif
