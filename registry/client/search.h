/* Searching: by Docker Hub's search, or in a registry's list of repositories. */
#ifndef TARE_REGISTRY_SEARCH_H
#define TARE_REGISTRY_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct err;

#define SEARCH_MAX 1000 /* found ones that are kept */

struct search_request {
	const char *authfile, *cert_dir;
	bool insecure; /* --tls-verify=false */
};

/* What was found: names as pull takes them ("nginx", "quay.io/a/b"), foreign text made harmless. */
struct found_image {
	char *name, *description;
	int64_t stars;
	bool official;
};
struct found {
	struct found_image *list;
	size_t n;
};
#define FOUND_INIT                                                                                           \
	{                                                                                                    \
		0                                                                                            \
	}
void found_free(struct found *f);
#define cleanup_found __attribute__((cleanup(found_free)))

/* `term` may begin with a registry; else each of the search list is asked, and one that fails is only warned
 * of as long as another answers. About `want` results (a page more may come). */
int search_images(
        const struct search_request *q, const char *term, size_t want, struct found *f, struct err *e);
/* The tags of a repository; *name gets its full name. Both the caller's. */
int search_tags(const struct search_request *q, const char *name, char **full, char ***tags, struct err *e);

/* For tests. One page of /v1/search, or of a catalog whose names hold `term`: how many rows the page had, or
 * -1 with e. What is no name of an image is left out. `last` (may be NULL) gets the catalog's last name. */
int search_read_v1(const char *text, size_t len, const char *host, struct found *f, struct err *e);
int search_read_catalog(const char *text, size_t len, const char *host, const char *term, struct found *f,
        char last[256], struct err *e);

#endif
