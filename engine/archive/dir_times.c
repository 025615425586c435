#include "engine/archive/dir_times.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/archive/unnamed_file.h"

#define RECENT_MAX ((size_t)256 << 10)

/* A record is this, `len` bytes of path and `acl` bytes of a default ACL. */
struct record {
	struct timespec mtime;
	size_t len, acl;
};

static int spill(struct dir_times *d, struct err *e)
{
	if (d->spill < 0 && (d->spill = unnamed_file(d->root, e)) < 0)
		return -1;
	if (write_all(d->spill, d->recent.data, d->recent.len) < 0)
		return err_sys(e, "cannot keep the times of its directories");
	buf_reset(&d->recent);
	return 0;
}

/* Memory exhaustion (an archive of millions of directories with long names): see RECENT_MAX.
 * tests/unit/test_archive_unpack.c */
int dir_times_add(struct dir_times *d, const char *path, struct timespec mtime, const void *acl,
        size_t acl_len, struct err *e)
{
	struct record r = {mtime, strlen(path), acl_len};
	if (acl_len > XATTR_SIZE_MAX)
		return err_set(e, ERR_CORRUPT, "its default ACL is too long");
	if (d->recent.len + sizeof(r) + r.len + r.acl > RECENT_MAX && spill(d, e) < 0)
		return -1;
	buf_add(&d->recent, &r, sizeof(r));
	buf_add(&d->recent, path, r.len);
	buf_add(&d->recent, acl, r.acl);
	return d->recent.failed ? err_no_memory(e) : 0;
}

/* Or it is one of those few whose path is longer than any call takes; they were made from their parent. */
static bool was_replaced(void)
{
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV ||
	       errno == ENAMETOOLONG;
}

static int set_one(
        const struct dir_times *d, const char *path, const struct record *r, const void *acl, struct err *e)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct timespec times[2] = {r->mtime, r->mtime};
	const char *name = path[0] ? path : ".";
	cleanup_fd int fd =
	        d->in_root ? open_in_root(d->root, name, flags, 0) : open_beneath(d->root, name, flags, 0);
	if (fd < 0)
		return was_replaced() ? 0 : err_sys(e, "\"%.300s\": cannot open it again", path);
	if (r->acl && fsetxattr(fd, "system.posix_acl_default", acl, r->acl, 0) < 0 && errno != ENOTSUP)
		return err_sys(e, "\"%.300s\": cannot set its default ACL", path);
	return futimens(fd, times) < 0 ? err_sys(e, "\"%.300s\": cannot set its time", path) : 0;
}

/* All whole records of p; how many bytes they were. */
static ssize_t set_all(const struct dir_times *d, const char *p, size_t len, struct err *e)
{
	size_t at = 0;
	struct record r;
	char path[2 * PATH_MAX];
	while (len - at >= sizeof(r)) {
		memcpy(&r, p + at, sizeof(r));
		size_t left = len - at - sizeof(r);
		if (r.len >= sizeof(path) || r.acl > XATTR_SIZE_MAX || left < r.len + r.acl)
			break;
		memcpy(path, p + at + sizeof(r), r.len);
		path[r.len] = '\0';
		if (set_one(d, path, &r, p + at + sizeof(r) + r.len, e) < 0)
			return -1;
		at += sizeof(r) + r.len + r.acl;
	}
	return (ssize_t)at;
}

static int set_spilled(const struct dir_times *d, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT;
	char *room = buf_reserve(&b, RECENT_MAX);
	off_t at = 0;
	ssize_t n;
	if (!room)
		return err_no_memory(e);
	while ((n = pread(d->spill, room, RECENT_MAX, at)) > 0) {
		ssize_t used = set_all(d, room, (size_t)n, e);
		if (used < 0)
			return -1;
		if (used == 0)
			return err_set(e, ERR_OTHER, "cannot read back the times of its directories");
		at += (off_t)used;
	}
	return n < 0 ? err_sys(e, "cannot read back the times of its directories") : 0;
}

/* In the order of the archive, so that the last entry of a name has the last word. */
int dir_times_set(const struct dir_times *d, struct err *e)
{
	if (d->spill >= 0 && set_spilled(d, e) < 0)
		return -1;
	return set_all(d, buf_str(&d->recent), d->recent.len, e) < 0 ? -1 : 0;
}

void dir_times_free(struct dir_times *d)
{
	buf_free(&d->recent);
	close_fd(&d->spill);
}
