/* The files inside an image archive. The archive is read once, in whatever order it has: every file becomes
 * a blob of the store under the digest that it really has (protected by the arrival, swept afterwards when no
 * image needs it), and its name is kept here. No name of the archive ever becomes a path on this host. */
#ifndef TARE_ENGINE_IMAGE_ARCHIVE_MEMBERS_H
#define TARE_ENGINE_IMAGE_ARCHIVE_MEMBERS_H

#include "engine/image_archive.h"

#define MEMBERS_MAX 100000

struct member {
	char *name; /* "a/b", no "." or ".." */
	char *link; /* target of a link, resolved beneath the archive's root; NULL: a file */
	struct digest digest;
	uint64_t size;
};
struct members {
	struct member *list; /* sorted by name once read */
	size_t n, cap;
};
#define MEMBERS_INIT                                                                                         \
	{                                                                                                    \
		0                                                                                            \
	}
void members_free(struct members *m);
#define cleanup_members __attribute__((cleanup(members_free)))

int members_read(struct arrival *a, int fd, uint64_t total, struct members *m, struct err *e);
/* The file of that name, links followed; NULL when there is none. */
const struct member *members_find(const struct members *m, const char *name);
/* Its content, at most b->max bytes. */
int member_read(const struct arrival *a, const struct member *file, struct buf *b, struct err *e);

#endif
