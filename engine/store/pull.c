#include "engine/store/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"

int pull_dir_open(const struct store *s, struct err *e)
{
	int fd = open_dir_make(s->root_fd, "pulls", 0700);
	if (fd < 0)
		err_sys(e, "cannot open %s/pulls", s->root);
	return fd;
}

int pull_hold(const struct store *s, struct err *e)
{
	cleanup_fd int fd = openat(s->root_fd, "pulls", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		fd = open_dir_make(s->root_fd, "pulls", 0700);
	while (fd >= 0 && flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot lock %s/pulls", s->root);
	return fd < 0 ? err_sys(e, "cannot open %s/pulls", s->root) : steal_fd(&fd);
}

int pull_file_make(const struct store *s, const char *prefix, char *name, size_t size, struct err *e)
{
	char random[17];
	cleanup_fd int dir = pull_dir_open(s, e);
	if (dir < 0)
		return -1;
	cleanup_fd int lock = lock_take(dir, ".", LOCK_SHARED, e);
	if (lock < 0)
		return -1;
	random_hex(random, 8);
	snprintf(name, size, "%s%s", prefix, random);
	cleanup_fd int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "cannot make %s/pulls/%s", s->root, name);
	return steal_fd(&fd);
}

void pull_file_remove(const struct store *s, const char *name)
{
	cleanup_fd int dir = pull_dir_open(s, NULL);
	if (dir >= 0)
		unlinkat(dir, name, 0);
}

int pull_begin(const struct store *s, struct pull *p, struct err *e)
{
	p->fd = pull_file_make(s, "", p->name, sizeof(p->name), e);
	return p->fd < 0 ? -1 : 0;
}

int pull_protect(const struct store *s, struct pull *p, const struct digest *d, struct err *e)
{
	char line[DIGEST_TEXT_SIZE + 1];
	cleanup_fd int dir = pull_dir_open(s, e);
	if (dir < 0)
		return -1;
	cleanup_fd int lock = lock_take(dir, ".", LOCK_SHARED, e);
	if (lock < 0)
		return -1;
	digest_text(d, line);
	size_t len = strlen(line);
	line[len] = '\n';
	if (write_all(p->fd, line, len + 1) < 0)
		return err_sys(e, "cannot write %s/pulls/%s", s->root, p->name);
	return 0;
}

void pull_end(const struct store *s, struct pull *p)
{
	if (p->fd < 0)
		return;
	pull_file_remove(s, p->name);
	close_fd(&p->fd);
}
