#include "engine/runtime/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/defence.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/mount_tree.h"

/* linux/Documentation/admin-guide/devices.txt */
#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST  143

int terminal_devpts(int root_fd, struct err *e)
{
	cleanup_fd int fd = open_no_links(root_fd, "dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs))
		return err_sys(e, "cannot open /dev/pts in the container");
	if (DEFENCE("devpts") && fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(e, ERR_OTHER,
		        "no terminal to be had: /dev/pts in the container is no devpts file system");
	return steal_fd(&fd);
}

/* What a test has instead. */
static int open_by_number(int devpts_fd, int master)
{
	unsigned number;
	char name[12];

	if (ioctl(master, TIOCGPTN, &number))
		return -1;
	snprintf(name, sizeof name, "%u", number);
	return openat(devpts_fd, name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* CVE-2025-52565: /dev/pts/N may be swapped for a link before we open it, so the slave comes from the
 * master, not from a path, and must be what it claims. Test: test_runtime_enter.c,
 * a_link_in_place_of_a_terminal_is_not_opened. */
static int open_peer(int devpts_fd, int master, struct err *e)
{
	cleanup_fd int slave = DEFENCE("terminal-peer")
	                               ? ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)
	                               : open_by_number(devpts_fd, master);
	struct stat st;

	if (slave < 0 || fstat(slave, &st))
		return err_sys(e, "cannot open the other end of the container's terminal");
	if (DEFENCE("terminal-peer") && (!S_ISCHR(st.st_mode) || major(st.st_rdev) < PTS_MAJOR_FIRST ||
	                                        major(st.st_rdev) > PTS_MAJOR_LAST))
		return err_set(e, ERR_OTHER, "the container's /dev/pts gave something that is no terminal");
	return steal_fd(&slave);
}

int terminal_open(int devpts_fd, unsigned rows, unsigned cols, int *master, int *slave, struct err *e)
{
	cleanup_fd int m = open_no_links(devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct winsize ws = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
	int unlock = 0;

	if (m < 0 || ioctl(m, TIOCSPTLCK, &unlock))
		return err_sys(e, "cannot open a terminal in the container's /dev/pts");
	if (rows && cols && ioctl(m, TIOCSWINSZ, &ws))
		return err_sys(e, "cannot set the size of the container's terminal");
	if ((*slave = open_peer(devpts_fd, m, e)) < 0)
		return -1;
	*master = steal_fd(&m);
	return 0;
}

int terminal_adopt(int slave, uid_t uid, struct err *e)
{
	if (ioctl(slave, TIOCSCTTY, 0))
		return err_sys(e, "cannot make the container's terminal the controlling one");
	return terminal_connect(slave, uid, e);
}

int terminal_connect(int slave, uid_t uid, struct err *e)
{
	if (fchown(slave, uid, (gid_t)-1))
		return err_sys(e, "cannot give the container's terminal to its user");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return err_sys(e, "cannot connect the container's terminal");
	return 0;
}
