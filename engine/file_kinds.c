#include "engine/file_kinds.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/buf.h"
#include "base/file.h"

#define MOUNTS_MAX   (1 << 20)  /* bytes of a mountinfo */
#define MQUEUE_MAGIC 0x19800202 /* linux/ipc/mqueue.c; in no header */

bool files_are_served(pid_t pid)
{
	char path[40];
	cleanup_buf struct buf text = BUF_INIT_MAX(MOUNTS_MAX);

	snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_to_buf(fd, &text) != 0)
		return true;
	/* the type follows " - "; blanks in what stands before it are written as \040 */
	for (const char *p = buf_str(&text); (p = strstr(p, " - "));) {
		p += strlen(" - ");
		if (strncmp(p, "fuse", 4) == 0 || strncmp(p, "autofs ", 7) == 0)
			return true;
	}
	return false;
}

bool files_are_kernels(int fd)
{
	static const unsigned long types[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
	        SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC, PSTOREFS_MAGIC,
	        EFIVARFS_MAGIC, SELINUX_MAGIC, BINFMTFS_MAGIC, NSFS_MAGIC, MQUEUE_MAGIC};
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return true;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if ((unsigned long)fs.f_type == types[i])
			return true;
	return false;
}
