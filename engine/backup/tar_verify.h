/* Tar verify: an archive that a backup wrote is read to its last byte, and what does not agree with its
 * manifest (tar_manifest.h) is told by the file that it belongs to. */
#ifndef TARE_BACKUP_TAR_VERIFY_H
#define TARE_BACKUP_TAR_VERIFY_H

#include <stdint.h>

struct err;
struct progress;

/* file: "-" is standard input. Calls `damaged` with a line for each thing that is wrong, at most
 * TAR_VERIFY_LINES of them; *n is how many there are. -1 with e: it could not be read, or is no archive that
 * can be verified. */
#define TAR_VERIFY_LINES 100
int tar_verify(const char *file, struct progress *p, void (*damaged)(void *arg, const char *line), void *arg,
        uint64_t *n, struct err *e);

#endif
