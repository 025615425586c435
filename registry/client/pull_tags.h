/* The tags of a repository, page by page. */
#ifndef TARE_REGISTRY_PULL_TAGS_H
#define TARE_REGISTRY_PULL_TAGS_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct http;
struct remote;

#define PULL_TAGS_MAX   20000
#define PULL_TAGS_PAGES 1000

/* A vector; NULL when there are none. */
int pull_tags(struct http *h, struct remote *r, char ***out, struct err *e);

/* For tests. One page: its tags are appended to *out. How many, or -1 with e. */
int pull_tags_read(const char *text, size_t len, char ***out, struct err *e);
/* What a Link header says comes next, as the query of the same path; false: nothing that can be used. */
#define PULL_TAGS_QUERY 1024
bool pull_tags_next(const char *link, char query[PULL_TAGS_QUERY]);

#endif
