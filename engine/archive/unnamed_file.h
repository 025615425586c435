/* Unnamed file: where what would take too much memory is kept until it is asked for again. Nobody can open
 * it, and nothing of it stays. */
#ifndef TARE_ARCHIVE_UNNAMED_FILE_H
#define TARE_ARCHIVE_UNNAMED_FILE_H

struct err;

/* In `dirfd` (-1: nowhere in particular), or where that file system has no such files or no room for new
 * ones, in /var/tmp, /tmp or, at last, in memory. -1 with e. */
int unnamed_file(int dirfd, struct err *e);

#endif
