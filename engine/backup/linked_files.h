/* Linked files: what the other names of files stand for. A listing says of such a name only which file it is;
 * its size and how it changed are those of that. */
#ifndef TARE_BACKUP_LINKED_FILES_H
#define TARE_BACKUP_LINKED_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/archive/tree_entry.h"

struct err;
struct repository;
struct snapshot;

struct linked_file {
	uint64_t ino, size;
	char change; /* as of repository_file, once it was met */
};

/* A million of them are 24 MB; of a tree without hard links there are none. */
struct linked_files {
	struct linked_file *rows; /* by inode */
	size_t n, cap;
};

/* Reads the whole listing once. */
int linked_files_load(struct linked_files *l, struct repository *r, const struct snapshot *s, struct err *e);
void linked_files_free(struct linked_files *l);
#define cleanup_linked_files __attribute__((cleanup(linked_files_free)))

/* The file met first notes what it is; its other names ask for that. NULL: it has no other names. */
struct linked_file *linked_files_find(const struct linked_files *l, const struct tree_entry *entry);
void linked_files_note(const struct linked_files *l, const struct tree_entry *entry, char change);

#endif
