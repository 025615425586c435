/* Limits of directories: a project of its own for each, which what is made in it inherits, and the kernel's
 * table of limits as the only register: an id without a limit and without files is free. Each store begins at
 * an id of its own, so that two on one file system do not meet. */
#include "engine/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/lock.h"
#include "engine/store/store.h"

#define PROJECTS    2 /* PRJQUOTA; glibc knows users and groups only */
#define IDS         65536
#define BLOCK       1024 /* of a limit */
#define MOUNTS_MAX  (1 << 20)
#define NEXT_QUOTA  0x800009 /* Q_GETNEXTQUOTA, since 4.6 */
#define QUOTACTL_FD 443      /* since 5.14; the same number everywhere */

/* What Q_GETNEXTQUOTA fills: dqblk and the id. */
struct next_limit {
	uint64_t bhardlimit, bsoftlimit, curspace, ihardlimit, isoftlimit, curinodes, btime, itime;
	uint32_t valid, id;
};

/* ------------------------------------------------------------------ asking the kernel */

/* The block device of a file system, as mountinfo has it: what quotactl(2) wants. */
static char *device_of(int fd)
{
	cleanup_buf struct buf text = BUF_INIT_MAX(MOUNTS_MAX);
	cleanup_fd int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct stat st;
	char number[48], source[256];

	if (mounts < 0 || fstat(fd, &st) != 0 || read_to_buf(mounts, &text) != 0)
		return NULL;
	snprintf(number, sizeof number, " %u:%u ", major(st.st_dev), minor(st.st_dev));
	const char *line = strstr(buf_str(&text), number);
	const char *after = line ? strstr(line, " - ") : NULL;
	bool found = after && sscanf(after, " - %*s %255s", source) == 1 && source[0] == '/';
	return found ? strdup(source) : NULL;
}

static int control(int fd, int command, uint32_t id, void *data)
{
	int operation = (int)QCMD((unsigned)command, PROJECTS);
	long rc = syscall(QUOTACTL_FD, fd, operation, id, data);

	if (rc == 0 || errno != ENOSYS)
		return (int)rc;
	cleanup_free char *device = device_of(fd);
	if (!device) {
		errno = ENOTSUP;
		return -1;
	}
	return quotactl(operation, device, (int)id, data);
}

static int set_limit(int fd, uint32_t id, uint64_t bytes)
{
	struct dqblk limit = {.dqb_bhardlimit = (bytes + BLOCK - 1) / BLOCK, .dqb_valid = QIF_BLIMITS};

	limit.dqb_bsoftlimit = limit.dqb_bhardlimit;
	return control(fd, Q_SETQUOTA, id, &limit);
}

/* 1: nobody has it; 0: it is taken; -1 with errno. */
static int is_free(int fd, uint32_t id)
{
	struct dqblk limit = {0};

	if (control(fd, Q_GETQUOTA, id, &limit) != 0)
		return errno == ENOENT ? 1 : -1; /* xfs has no entry for one that was never used */
	return !limit.dqb_bhardlimit && !limit.dqb_curspace && !limit.dqb_curinodes;
}

/* Above what people give by hand, below what an int holds. */
static uint32_t first_id(const struct store *s)
{
	struct stat st = {0};

	fstat(s->volumes_fd, &st);
	return 0x10000000 + (uint32_t)(st.st_ino * 2654435761u >> 16) % 0x4000 * IDS;
}

static int unsupported(const struct store *s, struct err *e)
{
	if (errno != EOPNOTSUPP && errno != ENOTTY && errno != ESRCH && errno != EINVAL && errno != ENOSYS &&
	        errno != ENOTBLK && errno != ENODEV)
		return err_sys(e, "cannot limit a directory of %s/volumes", s->root);
	return err_set(e, ERR_UNSUPPORTED,
	        "size= needs project quotas, which the file system of %s has not: ext4 has them when made "
	        "with "
	        "-O quota,project and mounted with prjquota, xfs when mounted with prjquota",
	        s->root);
}

/* ------------------------------------------------------------------ projects of directories */

static int get_attributes(int dir_fd, struct fsxattr *x)
{
	cleanup_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : ioctl(fd, FS_IOC_FSGETXATTR, x);
}

static int set_project(int dir_fd, uint32_t id)
{
	struct fsxattr x;
	cleanup_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &x) != 0)
		return -1;
	x.fsx_projid = id;
	x.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return ioctl(fd, FS_IOC_FSSETXATTR, &x);
}

uint32_t volume_quota_project(int dir_fd)
{
	struct fsxattr x;

	return get_attributes(dir_fd, &x) == 0 ? x.fsx_projid : 0;
}

static uint32_t take_id(const struct store *s, int fd, uint64_t bytes, struct err *e)
{
	uint32_t first = first_id(s);

	for (uint32_t i = 0; i < IDS; i++) {
		int rc = is_free(fd, first + i);
		if (rc > 0)
			rc = set_limit(fd, first + i, bytes) == 0 ? 1 : -1;
		if (rc < 0)
			unsupported(s, e);
		if (rc != 0)
			return rc < 0 ? 0 : first + i;
	}
	err_set(e, ERR_OTHER, "there are %d volumes with a size= already", IDS);
	return 0;
}

/* The lock is held until a directory bears the id: others see it as taken, and the check as no orphan. */
int volume_quota_set(const struct store *s, int dir_fd, uint64_t bytes, struct err *e)
{
	cleanup_fd int lock = lock_take(s->volumes_fd, ".", LOCK_EXCLUSIVE, e);
	uint32_t id = lock < 0 ? 0 : take_id(s, dir_fd, bytes, e);

	if (!id)
		return -1;
	if (set_project(dir_fd, id) == 0)
		return 0;
	unsupported(s, e);
	set_limit(dir_fd, id, 0);
	return -1;
}

int volume_quota_inherit(int dir_fd, int from_fd, struct err *e)
{
	uint32_t id = volume_quota_project(from_fd);

	return id && set_project(dir_fd, id) != 0 ? err_sys(e, "cannot limit a directory beside the volume's")
	                                          : 0;
}

/* Only what is ours: a directory may bear an id that its owner gave it. */
void volume_quota_free(const struct store *s, uint32_t project)
{
	uint32_t first = first_id(s);

	if (project >= first && project < first + IDS)
		set_limit(s->volumes_fd, project, 0);
}

int64_t volume_quota_used(int dir_fd)
{
	struct dqblk limit = {0};
	uint32_t id = volume_quota_project(dir_fd);

	return id && control(dir_fd, Q_GETQUOTA, id, &limit) == 0 && limit.dqb_bhardlimit
	               ? (int64_t)limit.dqb_curspace
	               : -1;
}

/* ------------------------------------------------------------------ all of them */

size_t volume_quota_projects(int volume_fd, uint32_t *ids, size_t max)
{
	int list_fd = openat(volume_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = list_fd < 0 ? NULL : fdopendir(list_fd);
	size_t n = 0;

	if (!d)
		close_fd(&list_fd);
	for (struct dirent *entry; d && n < max && (entry = readdir(d));) {
		if (strcmp(entry->d_name, "data") != 0 && !volume_is_old_data(entry->d_name))
			continue;
		cleanup_fd int fd =
		        openat(volume_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		ids[n] = fd < 0 ? 0 : volume_quota_project(fd);
		n += ids[n] != 0;
	}
	return n;
}

static bool is_borne(const struct store *s, uint32_t id)
{
	int list_fd = openat(s->volumes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *d = list_fd < 0 ? NULL : fdopendir(list_fd);

	if (!d)
		close_fd(&list_fd);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		uint32_t ids[64];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		cleanup_fd int fd =
		        openat(s->volumes_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		size_t n = fd < 0 ? 0 : volume_quota_projects(fd, ids, 64);
		for (size_t i = 0; i < n; i++)
			if (ids[i] == id)
				return true;
	}
	return d == NULL; /* unknown is yes */
}

/* Under the lock that a new id is taken under. */
size_t volume_quota_orphans(const struct store *s, uint32_t *ids, size_t max)
{
	cleanup_fd int lock = lock_take(s->volumes_fd, ".", LOCK_EXCLUSIVE, NULL);
	uint32_t first = first_id(s), from = first;
	struct next_limit next;
	size_t n = 0;

	while (lock >= 0 && n < max && control(s->volumes_fd, NEXT_QUOTA, from, &next) == 0 &&
	        next.id >= from && next.id < first + IDS) {
		if (next.bhardlimit && !is_borne(s, next.id))
			ids[n++] = next.id;
		from = next.id + 1;
	}
	return n;
}
