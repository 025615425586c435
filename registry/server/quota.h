/* Quotas: how much the storage as a whole and each repository may hold, and how much of the disk stays free.
 *
 * The counts are kept in memory; at the start the storage adds up what it finds. A byte is taken before it is
 * written and given back when its file goes, so a push is refused before the disk is full, not by its being
 * full. A blob that several repositories have counts once for the storage and once for each of them. */
#ifndef TARE_REGISTRY_QUOTA_H
#define TARE_REGISTRY_QUOTA_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct err;
struct exchange;
struct quota;

struct quota_options {
	uint64_t total, repository; /* bytes, 0: no limit */
	uint64_t min_free;          /* of the storage's file system */
};

enum quota_of { QUOTA_STORAGE = 1, QUOTA_REPOSITORY = 2, QUOTA_BOTH = 3 };

/* storage_fd is borrowed. NULL: no memory. */
struct quota *quota_new(const struct quota_options *o, int storage_fd);
void quota_free(struct quota *q);
/* Before `bytes` are written (uploads: as they come; at its begin with the Content-Length, or 0, then
 * quota_check() alone), or linked into the repository (QUOTA_REPOSITORY: a mount). -1 with ERR_NO_SPACE and
 * a message for the client, nothing taken: answer with quota_refuse(). */
int quota_take(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes, struct err *e);
/* The same question without taking. */
int quota_check(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes, struct err *e);
/* When they are gone: an upload cancelled, a blob unlinked from its repository (QUOTA_REPOSITORY), or from
 * the storage (QUOTA_STORAGE); also what was taken for an upload whose blob turned out to be there already.
 */
void quota_give(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes);
/* Count without asking: what is there at the start, what a cache keeps. */
void quota_add(struct quota *q, enum quota_of of, const char *repository, uint64_t bytes);
uint64_t quota_used(struct quota *q); /* by the storage */
uint64_t quota_used_by(struct quota *q, const char *repository);
/* 403 DENIED for a quota, 507 for a disk that is nearly full. */
enum MHD_Result quota_refuse(struct exchange *x, const struct err *e);

#endif
