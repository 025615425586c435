/* Pull: an image of a registry comes into the store.
 *
 * First the registry is asked by HEAD what the name is now; when all of that is here, nothing else is asked.
 * Else the documents come, checked against their digests, then the layers (pull_layers.h), and last the index
 * names the image. Until then nothing of it can be found, and a pull that is cut at any moment leaves only
 * what the next one goes on from. Two pulls of one image share the work: one does it, the other one waits. */
#ifndef TARE_REGISTRY_PULL_H
#define TARE_REGISTRY_PULL_H

#include <stdbool.h>

#include "base/buf.h"
#include "engine/oci/digest.h"
#include "registry/client/credential.h"

struct err;
struct progress;
struct puller;

enum pull_policy {
	PULL_ALWAYS,       /* what the registry has now */
	PULL_ALWAYS_NEWER, /* the same, but what is here will do when the registry cannot be asked */
	PULL_IF_MISSING,   /* no question when the name is here */
	PULL_FROM_STORE,   /* no question at all */
};
/* "always", "newer", "missing", "never". */
int pull_policy_parse(const char *text, enum pull_policy *p, struct err *e);

struct pull_options {
	const char *root, *state; /* of the store, NULL: the defaults */
	enum pull_policy policy;
	const char *platform;                /* "OS/ARCH[/VARIANT]", NULL: this host's */
	const char *authfile, *certs_dir;    /* or NULL */
	const struct credential *credential; /* or NULL */
	bool insecure;
	struct progress *progress;
};
/* Options are borrowed. NULL with e. */
struct puller *puller_new(const struct pull_options *o, struct err *e);
void puller_free(struct puller *p);
void puller_free_ptr(struct puller **p);
#define cleanup_puller __attribute__((cleanup(puller_free_ptr)))

struct pulled {
	char *reference;      /* full: the name that it has here */
	struct digest digest; /* what the registry calls it */
	struct digest id;     /* of the config */
	bool changed;         /* the store has something that it hadn't */
};
#define PULLED_INIT                                                                                          \
	{                                                                                                    \
		0                                                                                            \
	}
void pulled_free(struct pulled *p);

/* `name` as people write it. */
int puller_pull(struct puller *p, const char *name, struct pulled *out, struct err *e);
/* The full references of all tags of a repository. */
int puller_tags(struct puller *p, const char *name, char ***out, struct err *e);

#endif
