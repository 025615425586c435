/* Files: descriptors that close themselves, bounded reads, whole writes that never leave half a
 * file, and paths that cannot leave the directory they start from (rule R1). */
#ifndef TARE_BASE_FILE_H
#define TARE_BASE_FILE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct buf;
struct err;

void close_fd(int *fd); /* closes when >= 0, keeps errno, leaves -1 */
void close_dir(DIR **d);
/* unused: a lock that is held to the end of its scope is never named again. */
#define cleanup_fd  __attribute__((cleanup(close_fd), unused))
#define cleanup_dir __attribute__((cleanup(close_dir)))
static inline int steal_fd(int *fd)
{
	int v = *fd;
	*fd = -1;
	return v;
}

/* Write all, retrying short writes and EINTR. 0 or -1 with errno. */
int write_all(int fd, const void *data, size_t len);
/* Read until `len` or end of file; the count, or -1 with errno. */
ssize_t read_full(int fd, void *data, size_t len);
/* Append the whole of fd; fails with EFBIG past the buffer's maximum. */
int read_to_buf(int fd, struct buf *b);
/* The whole regular file `path` beneath dirfd (AT_FDCWD allowed) into b, at most b->max bytes.
 * O_NONBLOCK and a regular-file check: a fifo or device in the way is an error, never a hang. */
int file_read_at(int dirfd, const char *path, struct buf *b, struct err *e);
/* The same for a small kernel file (proc, sys, cgroup) into a fixed array, terminated, trailing newline
 * removed; the length or -1 with errno. */
ssize_t file_read_small(int dirfd, const char *path, char *dst, size_t size);

enum file_sync { FILE_NO_SYNC, FILE_SYNC };
/* Write beside (".tmp-RANDOM"), sync when asked (file and directory), rename over `name`. `name` holds no
 * slash. A reader sees the old content or the new one. The temporary file is removed on failure. */
int file_write_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode, enum file_sync sync,
        struct err *e);
/* open + write + close of an existing kernel file; 0 or -1 with errno. No temporary file, no rename. */
int file_poke(int dirfd, const char *path, const char *text);

/* openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: symlinks that lead out fail (EXDEV). */
int open_beneath(int dirfd, const char *path, int flags, mode_t mode);
/* openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: absolute links and ".." stay inside. */
int open_in_root(int rootfd, const char *path, int flags, mode_t mode);
/* The same without entering what is mounted there (EXDEV). */
int open_in_root_fs(int rootfd, const char *path, int flags);
/* Make every missing directory of `path` inside rootfd (links followed inside the root), mode 0755
 * unless given, and return an O_PATH descriptor of the last; -1 with errno. */
int mkdir_in_root(int rootfd, const char *path, mode_t mode);
/* Make all missing directories of a host path. 0 or -1 with errno. */
int mkdir_all(const char *path, mode_t mode);
/* mkdir (if missing) and open a directory beneath dirfd: O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC. -1 with errno. */
int open_dir_make(int dirfd, const char *name, mode_t mode);
/* Remove a file or a whole tree beneath dirfd without following links or crossing into another file
 * system; chmods directories it cannot read. Missing is success. 0 or -1 with errno (the first). */
int remove_tree_at(int dirfd, const char *name);
/* Bytes that the files of a tree hold (st_blocks*512; directories: none) and its entries, not following
 * links, hard links once per name. */
int tree_size_at(int dirfd, const char *name, uint64_t *bytes, uint64_t *entries);
int set_nonblock(int fd, bool on);
/* close_range(2), which not every C library has; flags 0 or CLOSE_RANGE_CLOEXEC. 0 or -1 with errno. */
int close_fd_range(unsigned first, unsigned last, unsigned flags);
/* An empty file in memory that has no name and goes with its last descriptor; close-on-exec. -1 with errno.
 */
int file_in_memory(void);
/* `n` random bytes as lower-case hex into dst (2n+1 bytes). Never fails (aborts without entropy). */
void random_hex(char *dst, size_t n);

#endif
