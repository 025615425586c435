/* References: the names of images as people write them ("busybox", "busybox:1.36", "quay.io/a/b@sha256:…"),
 * their normal form ("docker.io/library/busybox:latest") and the familiar one ("busybox:latest").
 * The grammar is the one of github.com/distribution/reference. */
#ifndef TARE_OCI_REFERENCE_H
#define TARE_OCI_REFERENCE_H

#include "engine/oci/digest.h"

struct err;

struct reference {
	char *domain;         /* "docker.io" */
	char *path;           /* "library/busybox" */
	char *tag;            /* "latest"; NULL only when there is a digest and no tag */
	struct digest digest; /* unset unless written */
};

#define REFERENCE_INIT                                                                                       \
	{                                                                                                    \
		0                                                                                            \
	}
void reference_free(struct reference *r);
#define cleanup_reference __attribute__((cleanup(reference_free)))

/* Parse and normalise; without tag and digest the tag is "latest". The error quotes what is wrong. */
int reference_parse(const char *text, struct reference *r, struct err *e);
/* "docker.io/library/busybox:latest" (with "@sha256:…" when it has a digest), allocated; NULL without memory.
 */
char *reference_full(const struct reference *r);
/* The short spellings: repository "busybox", and name "busybox:latest". Allocated; NULL without memory. */
char *reference_familiar_repository(const struct reference *r);
char *reference_familiar(const struct reference *r);
/* The familiar spelling of a full reference; a copy of the text when it is not one. */
char *reference_shorten(const char *full);

#endif
