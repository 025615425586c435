/* Push: an image of the store goes to a registry.
 *
 * The registry is asked first what the tag is there; the same image is done with that. Else its layers go,
 * six at a time, each unless it is there already or can be mounted from another repository of that registry;
 * the manifest comes last, so that nobody pulls half an image. The store stays as it is: layers that lie
 * there uncompressed are compressed into drafts, and the manifest that is pushed says so. */
#ifndef TARE_REGISTRY_PUSH_H
#define TARE_REGISTRY_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/oci/digest.h"
#include "registry/client/credential.h"

struct err;
struct progress;
struct pusher;

struct push_options {
	const char *root, *state;            /* of the store, NULL: the defaults */
	const char *compression;             /* for layers without one: "gzip", "zstd", "none"; NULL: gzip */
	int level;                           /* COMPRESS_LEVEL_DEFAULT */
	const char *format;                  /* "oci", "docker"; NULL: as the image is */
	const char *authfile, *certs_dir;    /* or NULL */
	const struct credential *credential; /* or NULL */
	bool insecure;
	struct progress *progress; /* or NULL */
};
/* Options are borrowed. NULL with e. */
struct pusher *pusher_new(const struct push_options *o, struct err *e);
void pusher_free(struct pusher *p);
void pusher_free_ptr(struct pusher **p);
#define cleanup_pusher __attribute__((cleanup(pusher_free_ptr)))

struct pushed {
	char *reference;      /* full: where it is now */
	struct digest digest; /* what the registry calls it */
	uint64_t size;        /* of the manifest */
	bool changed;         /* the registry did not have it */
	bool local;           /* a name without a host went to the registry that runs here */
};
#define PUSHED_INIT                                                                                          \
	{                                                                                                    \
		0                                                                                            \
	}
void pushed_free(struct pushed *p);
#define cleanup_pushed __attribute__((cleanup(pushed_free)))

/* `name`: an image of the store; `destination`: where to, NULL: as it is called. */
int pusher_push(
        struct pusher *p, const char *name, const char *destination, struct pushed *out, struct err *e);
/* All tags that the repository of `name` has in the store, as names to push: with a host when `name` has one.
 */
int pusher_tags(struct pusher *p, const char *name, char ***out, struct err *e);

#endif
