/* A backup repository: many backups (snapshots) of many volumes in one directory, deduplicated by
 * content-defined chunks, compressed with zstd, each chunk named and checked by its digest, encrypted on
 * demand. It knows nothing of containers or volumes but their names.
 *
 *   DIR/config                the format's number, the chunker's seed, how it is encrypted; its own digest
 *   DIR/packs/HH/HEX          chunks, and at the end a directory of them with its digest (pack.h); never
 *                             changed, named by that digest
 *   DIR/snapshots/ID          one backup: JSON (sealed when encrypted), with its digest; its list of files
 *                             (listing.h) is stored in chunks like the files
 *   DIR/lock                  flock: shared by whoever reads or adds, exclusive for prune and forget
 *   …/.tmp-*                  under way; what a crash left goes with the next prune
 *
 * Safe by order, not by repair: packs are complete and synced before the snapshot that needs them gets its
 * name by rename; prune writes anew what it keeps before it unlinks. So a kill at any moment leaves every
 * older snapshot whole, and at worst bytes that the next prune frees. */
#ifndef TARE_BACKUP_REPOSITORY_H
#define TARE_BACKUP_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct progress;
struct repository;

#define SNAPSHOT_ID_SIZE 17 /* 16 hexadecimal digits */

struct snapshot {
	char id[SNAPSHOT_ID_SIZE];
	char *volume, *host;
	int64_t time;   /* ns since the epoch, when it began */
	uint64_t bytes; /* of the files, holes not counted */
	uint64_t files, entries;
	uint64_t added, stored; /* bytes that were new; of packs written for them */
};
void snapshot_free(struct snapshot *s);

struct snapshot_list {
	struct snapshot *rows;         /* oldest first */
	size_t n, n_unread;            /* how many could not be read, of whatever volume, */
	char unread[SNAPSHOT_ID_SIZE]; /* and the id of one of them */
};
void snapshot_list_free(struct snapshot_list *l);

struct repository_options {
	const char
	        *key_file; /* NULL: not encrypted. For a new repository it is made when missing, mode 0600. */
	bool make;         /* a repository is made where there is none (an empty or missing directory) */
	enum { REPOSITORY_SHARED, REPOSITORY_EXCLUSIVE } lock;
	struct progress *progress; /* may be NULL */
};

/* Waits for the lock. ERR_NOT_FOUND: there is no repository; ERR_PERMISSION: the key is wrong or missing. */
struct repository *repository_open(const char *dir, const struct repository_options *o, struct err *e);
void repository_close(struct repository *r); /* NULL allowed */
void repository_close_ptr(struct repository **r);
#define cleanup_repository_handle __attribute__((cleanup(repository_close_ptr)))

struct repository_backup {
	const char *volume; /* the newest snapshot of that name is what is compared with */
	bool (*excluded)(void *arg, const char *path); /* may be NULL */
	void (*skipped)(void *arg, const char *path, const char *why);
	void *arg;
	unsigned threads;  /* 0: as many as there are processors, at most 8 */
	const char *label; /* for progress */
	uint64_t total;    /* bytes expected, 0 unknown: for progress */
};
/* A file that has the size, mtime, ctime and inode of the last time is not read again. */
int repository_backup(struct repository *r, int dirfd, const struct repository_backup *q,
        struct snapshot *out, struct err *e);

/* volume NULL: of all. Snapshots that cannot be read are left out, counted, and reported by
 * repository_verify(). */
int repository_list(struct repository *r, const char *volume, struct snapshot_list *out, struct err *e);
/* id: the start of one, or "latest" (of `volume`, which may be NULL: of all; ERR_CORRUPT as long as there is
 * one that cannot be read). One that is there but cannot be read is an error, with its id in out->id all the
 * same: it can be forgotten. */
int repository_find(
        struct repository *r, const char *id, const char *volume, struct snapshot *out, struct err *e);

struct repository_restore {
	/* "a/b", NULL: everything. A directory becomes the root of what is made; anything else is made in it
	 * by its last name. */
	const char *subtree;
	bool in_place; /* it keeps its path instead, whatever it is; directories above it are made */
	bool dry_run;  /* read and check everything, make nothing; dirfd -1 */
	const char *label;
	/* An attribute that this file system cannot keep; may be NULL. */
	void (*dropped)(void *arg, const char *path, const char *what);
	void *arg;
};
/* Every chunk is checked by its digest as it is read; -1 names the file that cannot be had. */
int repository_restore(struct repository *r, const struct snapshot *s, int dirfd,
        const struct repository_restore *q, uint64_t *entries, uint64_t *bytes, struct err *e);

/* Reads everything again. `damaged` is called for each thing that is wrong: path NULL when it belongs to no
 * file of a snapshot. Returns the number of them, or -1 with e. */
typedef void (*repository_damaged_fn)(
        void *arg, const struct snapshot *s, const char *path, const char *what);
long repository_verify(struct repository *r, repository_damaged_fn damaged, void *arg, struct err *e);
/* The same of one snapshot: only what it needs is read, and each of its files that is hit is told. */
long repository_verify_one(struct repository *r, const struct snapshot *s, repository_damaged_fn damaged,
        void *arg, struct err *e);

/* One entry of a snapshot, or one difference of two. */
struct repository_file {
	const char *path; /* foreign bytes; the root is "." */
	unsigned mode;    /* with type */
	uint64_t size;    /* of the newer one */
	int64_t mtime;    /* ns */
	char change; /* 'A' added, 'D' removed, 'C' content or kind, 'M' attributes only; 0: no comparison */
};
typedef int (*repository_file_fn)(void *arg, const struct repository_file *f, struct err *e);
int repository_files(
        struct repository *r, const struct snapshot *s, repository_file_fn each, void *arg, struct err *e);
/* From `a` to `b`, in the order of paths; what is the same is not told, nor that only the time of a directory
 * differs (something in it was told then). */
int repository_compare(struct repository *r, const struct snapshot *a, const struct snapshot *b,
        repository_file_fn each, void *arg, struct err *e);

/* Opened with REPOSITORY_EXCLUSIVE. Of the snapshot only the id is looked at. */
int repository_forget(struct repository *r, const struct snapshot *s, struct err *e);
struct repository_pruned {
	uint64_t packs, chunks, bytes; /* removed (or, in a dry run, what would be); bytes of the disk */
};
int repository_prune(struct repository *r, bool dry_run, struct repository_pruned *out, struct err *e);

#endif
