/* Files: see file.h. Trees are in tree.c, what only Linux has in file_linux.c. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/file.h>
#include <sys/random.h>
#endif
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"

#define READ_CHUNK 65536

void close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void close_dir(DIR **d)
{
	int saved = errno;

	if (*d)
		closedir(*d);
	*d = NULL;
	errno = saved;
}

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t read_full(int fd, void *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, (char *)data + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* The buffer is full: one more byte decides between "exactly full" and "too big". */
static int expect_end(int fd, struct buf *b)
{
	char extra;
	ssize_t n = read_full(fd, &extra, 1);

	if (n <= 0)
		return (int)n;
	buf_free(b);
	b->failed = true;
	errno = EFBIG;
	return -1;
}

int read_to_buf(int fd, struct buf *b)
{
	size_t max = b->max ? b->max : BUF_DEFAULT_MAX;

	for (;;) {
		size_t want = b->len < max ? max - b->len : 0;
		char *room;
		ssize_t n;

		if (!b->failed && !want)
			return expect_end(fd, b);
		if (want > READ_CHUNK)
			want = READ_CHUNK;
		room = buf_reserve(b, want);
		if (!room) {
			errno = ENOMEM;
			return -1;
		}
		n = read(fd, room, want);
		if (n < 0 && errno == EINTR)
			continue;
		room[n > 0 ? n : 0] = '\0';
		if (n <= 0)
			return (int)n;
		b->len += (size_t)n;
	}
}

int file_read_at(int dirfd, const char *path, struct buf *b, struct err *e)
{
	cleanup_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "cannot read %s", path);
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return err_set(e, ERR_OTHER, "cannot read %s: not a regular file", path);
	}
	if (read_to_buf(fd, b) < 0)
		return err_sys(e, "cannot read %s", path);
	return 0;
}

ssize_t file_read_small(int dirfd, const char *path, char *dst, size_t size)
{
	cleanup_fd int fd = -1;
	ssize_t len;
	char extra;

	if (!size) {
		errno = EINVAL;
		return -1;
	}
	dst[0] = '\0';
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	len = read_full(fd, dst, size - 1);
	if (len < 0) {
		dst[0] = '\0';
		return -1;
	}
	/* A value cut short would be a wrong value. */
	if ((size_t)len == size - 1 && read_full(fd, &extra, 1) > 0 && extra != '\n') {
		dst[0] = '\0';
		errno = EFBIG;
		return -1;
	}
	if (len > 0 && dst[len - 1] == '\n')
		len--;
	dst[len] = '\0';
	return len;
}

static int write_and_close(int *fd, const void *data, size_t len, mode_t mode, enum file_sync sync)
{
	/* fchmod, since the umask of the caller is not part of what was asked for. */
	if (write_all(*fd, data, len) < 0 || fchmod(*fd, mode) < 0)
		return -1;
	if (sync == FILE_SYNC && fsync(*fd) < 0)
		return -1;
	/* Some file systems tell of a full disk only here. */
	return close(steal_fd(fd));
}

static int sync_dir(int dirfd)
{
	/* Opened anew, for dirfd may be O_PATH or AT_FDCWD. */
	cleanup_fd int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int file_write_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode, enum file_sync sync,
        struct err *e)
{
	char tmp[] = ".tmp-0123456789abcdef";
	cleanup_fd int fd = -1;

	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) {
		errno = EINVAL;
		return err_sys(e, "cannot write %s", name);
	}
	random_hex(tmp + strlen(".tmp-"), 8);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, "cannot write %s", name);
	flock(fd, LOCK_EX | LOCK_NB); /* a draft that nobody holds is what a crash left: engine/debris.c */
	if (write_and_close(&fd, data, len, mode, sync) < 0 || renameat(dirfd, tmp, dirfd, name) < 0) {
		err_sys(e, "cannot write %s", name);
		int saved = errno;
		unlinkat(dirfd, tmp, 0);
		errno = saved;
		return -1;
	}
	if (sync == FILE_SYNC && sync_dir(dirfd) < 0)
		return err_sys(e, "cannot write %s", name);
	return 0;
}

int file_poke(int dirfd, const char *path, const char *text)
{
	cleanup_fd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -1;
	/* One write: the kernel takes each one as a whole value. */
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n != len)
		errno = EIO;
	return n >= 0 && (size_t)n == len ? 0 : -1;
}

int mkdir_all(const char *path, mode_t mode)
{
	char work[PATH_MAX];
	struct stat st;

	if (snprintf(work, sizeof(work), "%s", path) >= (int)sizeof(work)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (size_t i = strspn(work, "/"); work[i];) {
		size_t end = i + strcspn(work + i, "/");
		char kept = work[end];

		work[end] = '\0';
		/* A read-only or foreign parent that is there is fine, whatever mkdir says of it. */
		if (mkdir(work, mode) < 0 && errno != EEXIST) {
			int saved = errno;
			if (stat(work, &st) < 0) {
				errno = saved;
				return -1;
			}
		}
		work[end] = kept;
		i = end + strspn(work + end, "/");
	}
	if (stat(path, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int open_dir_make(int dirfd, const char *name, mode_t mode)
{
	if (mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
		return -1;
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static ssize_t random_bytes(void *dst, size_t len)
{
#ifdef __linux__
	return getrandom(dst, len, 0);
#else
	cleanup_fd int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : read(fd, dst, len);
#endif
}

void random_hex(char *dst, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[64];

	while (n) {
		size_t want = n < sizeof(bytes) ? n : sizeof(bytes);
		ssize_t got = random_bytes(bytes, want);
		if (got < 0 && errno == EINTR)
			continue;
		/* A predictable name or ID would be a hole; there is no way on without entropy. */
		if (got <= 0)
			abort();
		for (ssize_t i = 0; i < got; i++) {
			*dst++ = digits[bytes[i] >> 4];
			*dst++ = digits[bytes[i] & 15];
		}
		n -= (size_t)got;
	}
	*dst = '\0';
}
