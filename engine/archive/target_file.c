#include "engine/archive/target_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/archive/half_file.h"

static int open_stdout(struct target_file *t, const char *instead, struct err *e)
{
	if (isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "standard output is a terminal; %s", instead);
	t->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return t->fd < 0 ? err_sys(e, "cannot write to standard output") : 0;
}

/* Without a name until it is whole, where the file system can do that: an interruption leaves nothing. */
static int open_beside(struct target_file *t, struct err *e)
{
	char random[9];
	const char *slash = strrchr(t->file, '/');
	cleanup_free char *dir = slash == t->file ? strdup("/")
	                         : slash          ? strndup(t->file, (size_t)(slash - t->file))
	                                          : strdup(".");
	if (!dir)
		return err_no_memory(e);
	t->name = slash ? slash + 1 : t->file;
	if (!t->name[0])
		return err_set(e, ERR_USAGE, "%s is a directory; a file name is expected", t->file);
	t->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir_fd < 0)
		return err_sys(e, "cannot open %s", dir);
	random_hex(random, 4);
	snprintf(t->temporary, sizeof(t->temporary), ".%.200s.tare-%s", t->name, random);
	t->fd = openat(t->dir_fd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
	t->nameless = t->fd >= 0;
	if (t->fd < 0)
		half_file_begin(t->dir_fd, t->temporary);
	if (t->fd < 0)
		t->fd = openat(t->dir_fd, t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return t->fd < 0 ? err_sys(e, "cannot write in %s", dir) : 0;
}

/* Who could not read the old one cannot read the new one: a backup is everything that a container knows.
 * tests/e2e/backup.bats */
static int keep_mode(const struct target_file *t, const struct stat *old, struct err *e)
{
	if (fchown(t->fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
		return err_sys(e, "cannot keep the owner of %s", t->file);
	return fchmod(t->fd, old->st_mode & 0777) < 0 ? err_sys(e, "cannot keep the mode of %s", t->file) : 0;
}

int target_file_open(struct target_file *t, const char *file, const char *instead, struct err *e)
{
	struct stat st;
	t->file = t->name = file;
	if (strcmp(file, "-") == 0)
		return open_stdout(t, instead, e);
	bool there = stat(file, &st) == 0;
	if (there && S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is a directory; a file name is expected", file);
	if (!there)
		return open_beside(t, e);
	if (S_ISREG(st.st_mode))
		return open_beside(t, e) < 0 || keep_mode(t, &st, e) < 0 ? target_file_close(t, -1, e) : 0;
	t->fd = open(file, O_WRONLY | O_CLOEXEC);
	return t->fd < 0 ? err_sys(e, "cannot write %s", file) : 0;
}

int target_file_write(struct target_file *t, const void *data, size_t len, struct err *e)
{
	if (write_all(t->fd, data, len) < 0)
		return err_sys(
		        e, "cannot write %s", strcmp(t->file, "-") == 0 ? "to standard output" : t->file);
	t->written += len;
	return 0;
}

static int give_name(struct target_file *t)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd);
	if (fsync(t->fd) < 0)
		return -1;
	if (t->nameless && linkat(AT_FDCWD, path, t->dir_fd, t->temporary, AT_SYMLINK_FOLLOW) < 0)
		return -1;
	t->nameless = false;
	if (renameat(t->dir_fd, t->temporary, t->dir_fd, t->name) < 0)
		return -1;
	t->temporary[0] = '\0';
	return fsync(t->dir_fd) < 0 && errno != EINVAL ? -1 : 0;
}

int target_file_close(struct target_file *t, int rc, struct err *e)
{
	if (rc == 0 && t->temporary[0] && give_name(t) < 0)
		rc = err_sys(e, "cannot write %s", t->file);
	if (t->temporary[0] && t->fd >= 0 && !t->nameless)
		unlinkat(t->dir_fd, t->temporary, 0);
	half_file_end();
	close_fd(&t->fd);
	close_fd(&t->dir_fd);
	return rc;
}
