/* Pack: a file of many blobs, and behind them a directory that says what they are.
 *
 *   "tarepack"                     8 bytes
 *   blobs                          one behind the other, without gaps
 *   directory                      48 bytes a blob: id, check, length (bit 31: compressed), plain length;
 * sealed as a whole where the repository is length of the directory, 1     two numbers of 4 bytes SHA-256 of
 * the directory and these two: the pack's name
 *
 * A pack is written under another name, synced, and gets its own by rename: what has a name is complete. */
#ifndef TARE_BACKUP_PACK_H
#define TARE_BACKUP_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/backup/blob.h"

struct err;
struct seal;

#define PACK_SIZE        ((uint64_t)64 << 20) /* one that has so much is closed */
#define PACK_SIZE_MAX    ((uint64_t)128 << 20)
#define PACK_BLOBS_MAX   ((size_t)32768)
#define PACK_FIRST       8 /* offset of the first blob */
#define PACK_PATH_SIZE   70
#define PACK_FOOTER_SIZE 40
#define PACK_ROW_SIZE    48 /* of the directory */

struct pack_name {
	unsigned char bytes[32];
};
/* "ab/abcdef…", beneath packs/; returns dst. */
char *pack_path(const struct pack_name *n, char dst[PACK_PATH_SIZE]);
/* From the 64 digits of a file's name. */
bool pack_name_parse(const char *text, struct pack_name *n);

struct pack_writer;
/* `packs` stays the caller's. */
struct pack_writer *pack_writer_new(int packs, const struct seal *s, struct err *e);
int pack_writer_add(
        struct pack_writer *w, const struct blob *b, const void *stored, uint32_t *offset, struct err *e);
bool pack_writer_is_full(const struct pack_writer *w);
/* Directory, sync, rename. *size is that of the file. The writer is to be freed all the same. */
int pack_writer_finish(struct pack_writer *w, struct pack_name *name, uint64_t *size, struct err *e);
void pack_writer_free(struct pack_writer *w); /* removes what was not finished; NULL allowed */

struct pack_directory {
	struct blob *blobs;
	size_t n;
	uint64_t size; /* of the file */
};
void pack_directory_free(struct pack_directory *d);
#define cleanup_pack_directory __attribute__((cleanup(pack_directory_free)))

/* ERR_CORRUPT for whatever is not as it was written. */
int pack_open(int packs, const struct pack_name *n, struct err *e);
int pack_read_directory(
        int fd, const struct pack_name *n, const struct seal *s, struct pack_directory *d, struct err *e);
int pack_read(int fd, uint64_t offset, void *data, size_t len, struct err *e);

#endif
