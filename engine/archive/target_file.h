/* Target file: an archive under way, written without a name where the file system can do that, else beside
 * its place, then synced and renamed: a cut one never stands under the final name. A device or a pipe is
 * written as it is, and so is standard output ("-"). */
#ifndef TARE_ARCHIVE_TARGET_FILE_H
#define TARE_ARCHIVE_TARGET_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct target_file {
	int fd, dir_fd;
	char temporary[NAME_MAX + 1]; /* "": written in place */
	bool nameless;                /* the temporary name is yet to be given */
	const char *name;             /* within `file` */
	const char *file;             /* as it was given */
	uint64_t written;
};
#define TARGET_FILE_INIT                                                                                     \
	{                                                                                                    \
		.fd = -1, .dir_fd = -1                                                                       \
	}
/* `file` has to stay. A terminal is refused: `instead` says what to do. */
int target_file_open(struct target_file *t, const char *file, const char *instead, struct err *e);
int target_file_write(struct target_file *t, const void *data, size_t len, struct err *e);
/* rc 0: it gets its name; else nothing of it stays. Returns rc, or -1 with e. */
int target_file_close(struct target_file *t, int rc, struct err *e);

#endif
