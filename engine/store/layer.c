#include "engine/store/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/store/pull.h"

#define SIZE_NAME_SIZE (DIGEST_TEXT_SIZE + 8)

int layer_open(const struct store *s, const struct digest *diff_id)
{
	char path[DIGEST_TEXT_SIZE];
	return openat(
	        s->layers_fd, digest_path(diff_id, path), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int layer_open_text(const struct store *s, const char *diff_id)
{
	struct digest d;
	if (digest_read(diff_id, &d))
		return layer_open(s, &d);
	errno = EINVAL;
	return -1;
}

bool layer_exists(const struct store *s, const struct digest *diff_id)
{
	cleanup_fd int fd = layer_open(s, diff_id);
	return fd >= 0;
}

static char *size_path(const struct digest *d, char dst[SIZE_NAME_SIZE])
{
	char path[DIGEST_TEXT_SIZE];
	snprintf(dst, SIZE_NAME_SIZE, "%s.size", digest_path(d, path));
	return dst;
}

uint64_t layer_size(const struct store *s, const struct digest *diff_id)
{
	char path[SIZE_NAME_SIZE], text[32];
	if (file_read_small(s->layers_fd, size_path(diff_id, path), text, sizeof(text)) < 0)
		return 0;
	return strtoull(text, NULL, 10);
}

static void random_name(char *name, size_t size)
{
	char random[17];
	random_hex(random, 8);
	snprintf(name, size, "tmp-%s", random);
}

#define HIDDEN_NAME_SIZE (DIGEST_TEXT_SIZE + 8)

static char *hidden_name(const struct digest *d, char dst[HIDDEN_NAME_SIZE])
{
	snprintf(dst, HIDDEN_NAME_SIZE, "tmp-%s-%s", d->alg, d->hex);
	return dst;
}

int layer_hide(const struct store *s, const struct digest *diff_id, uint64_t *freed)
{
	char path[DIGEST_TEXT_SIZE], size_name[SIZE_NAME_SIZE], name[HIDDEN_NAME_SIZE];
	if (renameat(s->layers_fd, digest_path(diff_id, path), s->layers_fd, hidden_name(diff_id, name)) < 0)
		return -1;
	*freed += layer_size(s, diff_id);
	unlinkat(s->layers_fd, size_path(diff_id, size_name), 0);
	return 0;
}

void layer_discard(const struct store *s, const struct digest *diff_id)
{
	char name[HIDDEN_NAME_SIZE];
	remove_tree_at(s->layers_fd, hidden_name(diff_id, name));
}

int layer_draft_open(const struct store *s, struct layer_draft *d, struct err *e)
{
	cleanup_fd int pulls = pull_dir_open(s, e);
	if (pulls < 0)
		return -1;
	cleanup_fd int lock = lock_take(pulls, ".", LOCK_SHARED, e);
	if (lock < 0)
		return -1;
	random_name(d->name, sizeof(d->name));
	cleanup_fd int fd = open_dir_make(s->layers_fd, d->name, 0755);
	if (fd < 0 || fchmod(fd, 0755) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "cannot make %s/layers/%s", s->root, d->name);
	d->fd = steal_fd(&fd);
	return 0;
}

void layer_draft_drop(const struct store *s, struct layer_draft *d)
{
	if (d->fd < 0)
		return;
	remove_tree_at(s->layers_fd, d->name);
	close_fd(&d->fd);
}

static int write_size(const struct store *s, const struct digest *diff_id, uint64_t size, struct err *e)
{
	char name[SIZE_NAME_SIZE], text[32];
	cleanup_fd int dir = open_dir_make(s->layers_fd, diff_id->alg, 0700);
	if (dir < 0)
		return err_sys(e, "cannot make %s/layers/%s", s->root, diff_id->alg);
	snprintf(name, sizeof(name), "%s.size", diff_id->hex);
	int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", size);
	return file_write_at(dir, name, text, (size_t)len, 0600, FILE_NO_SYNC, e);
}

int layer_draft_commit(const struct store *s, struct layer_draft *d, const struct digest *diff_id,
        uint64_t size, struct err *e)
{
	char path[DIGEST_TEXT_SIZE];
	if (write_size(s, diff_id, size, e) < 0)
		return -1;
	if (renameat2(s->layers_fd, d->name, s->layers_fd, digest_path(diff_id, path), RENAME_NOREPLACE) <
	        0) {
		if (errno != EEXIST)
			return err_sys(e, "cannot add layer %s", path);
		layer_draft_drop(s, d); /* someone else was first with the same content */
		return 0;
	}
	close_fd(&d->fd);
	return 0;
}
