/* Tar check: while a backup's archive is read, its manifest is made again; at the end it has to be the one
 * that stands in the archive. */
#ifndef TARE_BACKUP_TAR_CHECK_H
#define TARE_BACKUP_TAR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/archive/hash.h"
#include "engine/archive/tar_reader.h"
#include "engine/backup/tar_manifest.h"

struct tar_check {
	struct tar_manifest own;
	bool has_manifest; /* the last entry so far is called like one */
	bool behind;       /* there are entries behind one */
	bool torn;         /* the archive's structure was damaged: some entries may not have been seen */
	bool torn_behind;  /* it was, behind the manifest */
	/* Asked about each entry of the manifest at tar_check_end(), when set: it stands from `from` to `to`,
	 * and `wrong` says whether it differs. True: that is not told. */
	bool (*placed)(void *arg, const char *path, uint64_t from, uint64_t to, bool wrong);
	void *placed_arg;
	uint64_t last_size; /* of the manifest */
	uint64_t last_at;
	int theirs; /* its content, -1: none was met */
	unsigned n_last;
	unsigned char last_header[HASH_XXH128_SIZE];
	enum compression kind; /* how the archive was compressed when it was made, after tar_check_end() */
};
#define TAR_CHECK_INIT                                                                                       \
	{                                                                                                    \
		.own = TAR_MANIFEST_INIT, .theirs = -1                                                       \
	}
int tar_check_begin(struct tar_check *c, struct err *e);
/* For inflate_options.part; arg: the check. */
void tar_check_digest(void *arg, const unsigned char *xxh128);
/* Each entry, as the reader has it just now. 1: it is the manifest, whose data belongs to tar_check_data().
 */
int tar_check_entry(
        struct tar_check *c, const struct tar_reader *t, const struct tree_entry *entry, struct err *e);
int tar_check_data(struct tar_check *c, const void *data, size_t len, struct err *e);
/* The reader said that something is damaged: what it was about to tell is forgotten. */
int tar_check_torn(struct tar_check *c, const struct tar_reader *t, struct err *e);
/* After the last entry and inflate_parts_end(). 1: both manifests are the same; 0: they are not, and
 * `damaged` (NULL allowed) is told each line, which begins with the quoted name of the file; or there is
 * none. */
int tar_check_end(
        struct tar_check *c, void (*damaged)(void *arg, const char *line), void *arg, struct err *e);
void tar_check_free(struct tar_check *c);

#endif
