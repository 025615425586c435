#include "engine/store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/store/pull.h"

int blob_open(const struct store *s, const struct digest *d)
{
	char path[DIGEST_TEXT_SIZE];
	return openat(s->blobs_fd, digest_path(d, path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int blob_read(const struct store *s, const struct digest *d, struct buf *b, struct err *e)
{
	char path[DIGEST_TEXT_SIZE];
	if (file_read_at(s->blobs_fd, digest_path(d, path), b, e) == 0)
		return 0;
	if (e && e->sys == ENOENT)
		e->kind = ERR_CORRUPT;
	return err_wrap(e, "cannot read from the image store (remove the image and load it again)");
}

bool blob_exists(const struct store *s, const struct digest *d, uint64_t *size)
{
	char path[DIGEST_TEXT_SIZE];
	struct stat st;
	if (fstatat(s->blobs_fd, digest_path(d, path), &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (size)
		*size = (uint64_t)st.st_size;
	return true;
}

int blob_remove(const struct store *s, const struct digest *d)
{
	char path[DIGEST_TEXT_SIZE];
	return unlinkat(s->blobs_fd, digest_path(d, path), 0);
}

int blob_draft_open(const struct store *s, struct blob_draft *d, struct err *e)
{
	d->fd = pull_file_make(s, "blob-", d->name, sizeof(d->name), e);
	return d->fd < 0 ? -1 : 0;
}

void blob_draft_drop(const struct store *s, struct blob_draft *d)
{
	if (d->fd < 0)
		return;
	pull_file_remove(s, d->name);
	close_fd(&d->fd);
}

int blob_draft_commit(const struct store *s, struct blob_draft *d, const struct digest *digest, struct err *e)
{
	char path[DIGEST_TEXT_SIZE];
	cleanup_fd int pulls = pull_dir_open(s, e);
	if (pulls < 0)
		return -1;
	if ((mkdirat(s->blobs_fd, digest->alg, 0700) < 0 && errno != EEXIST) ||
	        renameat(pulls, d->name, s->blobs_fd, digest_path(digest, path)) < 0)
		return err_sys(e, "cannot add blob %s to the image store", digest_path(digest, path));
	close_fd(&d->fd);
	return 0;
}
