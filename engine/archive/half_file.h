/* A file that has a name although it is not whole yet, where the file system has no files without one (an
 * overlay before 6.10, NFS): who is interrupted meanwhile takes the name away. After SIGKILL it stays. */
#ifndef TARE_ARCHIVE_HALF_FILE_H
#define TARE_ARCHIVE_HALF_FILE_H

/* Until half_file_end() SIGINT, SIGTERM and SIGHUP, if they would end us, remove `name` in `dir` first: at
 * most one file at a time. Neither has to be there yet. */
void half_file_begin(int dir, const char *name);
void half_file_end(void);

#endif
