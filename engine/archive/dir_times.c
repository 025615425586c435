#include "engine/archive/dir_times.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

#define RECENT_MAX ((size_t)256 << 10)

/* A record is this and `len` bytes of path. */
struct record {
	struct timespec mtime;
	size_t len;
};

static int spill(struct dir_times *d, struct err *e)
{
	if (d->spill < 0)
		d->spill = openat(d->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (d->spill < 0 || write_all(d->spill, d->recent.data, d->recent.len) < 0)
		return err_sys(e, "cannot keep the times of its directories");
	buf_reset(&d->recent);
	return 0;
}

/* Memory exhaustion (an archive of millions of directories with long names): see RECENT_MAX.
 * tests/unit/test_archive_unpack.c */
int dir_times_add(struct dir_times *d, const char *path, struct timespec mtime, struct err *e)
{
	struct record r = {mtime, strlen(path)};
	if (d->recent.len + sizeof(r) + r.len > RECENT_MAX && spill(d, e) < 0)
		return -1;
	buf_add(&d->recent, &r, sizeof(r));
	buf_add(&d->recent, path, r.len);
	return d->recent.failed ? err_no_memory(e) : 0;
}

static void set_time(const struct dir_times *d, const char *path, struct timespec mtime)
{
	struct timespec times[2] = {mtime, mtime};
	cleanup_fd int fd = open_beneath(
	        d->root, path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd >= 0)
		futimens(fd, times);
}

/* All whole records of p; how many bytes they were. */
static size_t set_all(const struct dir_times *d, const char *p, size_t len)
{
	size_t at = 0;
	struct record r;
	char path[2 * PATH_MAX];
	while (len - at >= sizeof(r)) {
		memcpy(&r, p + at, sizeof(r));
		if (r.len >= sizeof(path) || len - at - sizeof(r) < r.len)
			break;
		memcpy(path, p + at + sizeof(r), r.len);
		path[r.len] = '\0';
		set_time(d, path, r.mtime);
		at += sizeof(r) + r.len;
	}
	return at;
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
		size_t used = set_all(d, room, (size_t)n);
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
	set_all(d, buf_str(&d->recent), d->recent.len);
	return 0;
}

void dir_times_free(struct dir_times *d)
{
	buf_free(&d->recent);
	close_fd(&d->spill);
}
