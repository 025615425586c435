/* Repository, inside: what its parts share. */
#ifndef TARE_BACKUP_REPOSITORY_OWN_H
#define TARE_BACKUP_REPOSITORY_OWN_H

#include <pthread.h>
#include <stdbool.h>

#include "engine/backup/chunk_index.h"
#include "engine/backup/chunker.h"
#include "engine/backup/listing.h"
#include "engine/backup/pack.h"
#include "engine/backup/repository.h"
#include "engine/backup/seal.h"
#include "engine/backup/snapshot.h"

struct repository_pack {
	struct pack_name name;
	uint64_t size;
	uint32_t chunks;
	bool broken; /* its directory cannot be read: what is in it is not in the index */
	char *why;   /* then */
};

struct repository {
	char *dir; /* for messages */
	int dirfd, packs, snapshots, lock;
	bool exclusive, indexed;
	struct seal seal;
	struct chunker chunker;
	struct progress *progress;
	pthread_mutex_t mutex; /* of the index, and of the packs while a pipeline adds some */
	struct chunk_index index;
	struct repository_pack *list;
	size_t n, cap;
};

/* config: the one that is there, or a new one. */
int repository_config_read(struct repository *r, const char *key_file, struct err *e);
int repository_config_make(struct repository *r, const char *key_file, struct err *e);

/* Read the directories of all packs, once. Broken packs are remembered, not an error. */
int repository_load_index(struct repository *r, struct err *e);
void repository_drop_index(struct repository *r);
/* Its number, or -1 with e. */
long repository_add_pack(struct repository *r, const struct pack_name *n, uint64_t size, struct err *e);
/* Whether the chunk is in a pack, and where. */
bool repository_find_chunk(struct repository *r, const struct chunk_id *id, struct chunk_row *row);
/* The ids of all that are in snapshots/, readable or not, sorted. */
char **repository_snapshot_ids(struct repository *r, struct err *e);
/* The newest that can be read, whatever else there is. */
int repository_newest(struct repository *r, const char *volume, struct snapshot *out, struct err *e);
/* Only for those that were opened for it. */
int repository_needs_exclusive(const struct repository *r, struct err *e);

/* One thread's way to chunks. */
struct chunk_reader {
	struct repository *repository;
	struct blob_coder *coder;
	int fd; /* of the pack that was read last */
	uint32_t pack;
	unsigned char *stored, *plain;
	size_t stored_size, plain_size;
	struct chunk_id id; /* of what `plain` holds */
	size_t plain_len;   /* 0: nothing */
};
int chunk_reader_start(struct chunk_reader *c, struct repository *r, struct err *e);
void chunk_reader_end(struct chunk_reader *c);
#define cleanup_chunk_reader __attribute__((cleanup(chunk_reader_end)))
/* Into `plain` (CHUNK_MAX bytes). */
int chunk_reader_get(
        struct chunk_reader *c, const struct chunk_id *id, void *plain, size_t *len, struct err *e);
/* Into a place of its own, until the next call; the same chunk again costs nothing. */
int chunk_reader_borrow(struct chunk_reader *c, const struct chunk_id *id, const unsigned char **data,
        size_t *len, struct err *e);

/* The files of a snapshot, one by one. */
struct snapshot_files {
	struct chunk_reader chunks;
	struct snapshot_record record;
	size_t next;
	struct listing_reader *reader;
};
int snapshot_files_open(struct snapshot_files *f, struct repository *r, const char *id, struct err *e);
void snapshot_files_close(struct snapshot_files *f); /* of a zeroed one: nothing */
#define cleanup_snapshot_files __attribute__((cleanup(snapshot_files_close)))

#endif
