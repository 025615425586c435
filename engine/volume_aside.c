/* What is half made or half removed lies beside what is whole, under a name of its own, and is locked by who
 * is at work on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "engine/volume.h"

#define TRIES        16 /* each time a sweep was there between the making and the lock */
#define PROJECTS_MAX 64

bool volume_is_debris(const char *entry)
{
	return strncmp(entry, ".new-", 5) == 0 || strncmp(entry, ".rm-", 4) == 0;
}

bool volume_is_old_data(const char *entry)
{
	return strncmp(entry, ".restore-", 9) == 0 || strncmp(entry, ".old-", 5) == 0;
}

bool volume_is_named(int dir_fd, int fd, const char *name)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

int volume_aside_lock(int dir_fd, const char *entry)
{
	cleanup_fd int fd = openat(dir_fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || !volume_is_named(dir_fd, fd, entry))
		return -1;
	return steal_fd(&fd);
}

int volume_aside_make(int dir_fd, const char *prefix, char aside[VOLUME_ASIDE_MAX], struct err *e)
{
	char hex[17];

	for (int tries = 0; tries < TRIES; tries++) {
		random_hex(hex, 8);
		snprintf(aside, VOLUME_ASIDE_MAX, "%s%s", prefix, hex);
		if (mkdirat(dir_fd, aside, 0700) != 0)
			return err_sys(e, "cannot make a directory beside the volume's");
		int fd = volume_aside_lock(dir_fd, aside);
		if (fd >= 0)
			return fd;
	}
	return err_set(e, ERR_OTHER, "cannot keep a directory beside the volume's: it vanishes");
}

/* The limits go last: as long as there are files, they count. */
int volume_aside_remove(const struct store *s, int dir_fd, const char *entry)
{
	uint32_t projects[PROJECTS_MAX];
	size_t n = 0;
	cleanup_fd int fd = openat(dir_fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0) {
		n = volume_quota_projects(fd, projects, PROJECTS_MAX - 1);
		projects[n] = volume_quota_project(fd); /* of old data itself */
		n += projects[n] != 0;
	}
	close_fd(&fd);
	int rc = remove_tree_at(dir_fd, entry);
	for (size_t i = 0; rc == 0 && i < n; i++)
		volume_quota_free(s, projects[i]);
	return rc;
}
