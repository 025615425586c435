/* The part of the v2 tree that an ordinary user was given (systemd delegates user@UID.service, an
 * administrator may chown any directory): for that user it is the whole tree. v1 hierarchies are never
 * delegated. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rootless.h"
#include "engine/runtime/cgroup_driver.h"

/* What delegation means: the directory and the files by which processes and controllers come into it. */
static bool is_given(const char *dir)
{
	char file[CGROUP_MOUNT_MAX + 32];
	struct stat st;

	if (stat(dir, &st) != 0 || st.st_uid != geteuid())
		return false;
	snprintf(file, sizeof file, "%s/cgroup.procs", dir);
	if (access(file, W_OK) != 0)
		return false;
	snprintf(file, sizeof file, "%s/cgroup.subtree_control", dir);
	return access(file, W_OK) == 0;
}

/* "0::/user.slice/…" of /proc/self/cgroup; "" when we are nowhere that can be named. */
static void own_path(char *dst, size_t size)
{
	char text[4096];

	dst[0] = '\0';
	if (file_read_small(AT_FDCWD, "/proc/self/cgroup", text, sizeof text) < 0)
		return;
	const char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return;
	line += (*line == '\n') + 3;
	size_t len = strcspn(line, "\n");
	if (len < size && !memmem(line, len, "/..", 3))
		snprintf(dst, size, "%.*s", (int)len, line);
}

/* The topmost directory that is ours on the way from the root to where we are: all commands of the user that
 * are beneath it agree on it. */
static bool find_above(const char *mount, char found[CGROUP_MOUNT_MAX])
{
	char path[CGROUP_MOUNT_MAX], dir[2 * CGROUP_MOUNT_MAX];

	own_path(path, sizeof path);
	for (char *end = path; *end; end++) {
		end += strcspn(end + 1, "/") + 1;
		int n = snprintf(dir, sizeof dir, "%s%.*s", mount, (int)(end - path), path);
		if (n >= CGROUP_MOUNT_MAX)
			return false;
		if (end - path > 1 && is_given(dir)) {
			strcpy(found, dir);
			return true;
		}
		if (!*end)
			break;
		end--;
	}
	return false;
}

/* Where systemd has it for who is logged in otherwise: to look at, and to kill in, but a process can't be
 * brought there from outside. */
static bool find_users(const char *mount, char found[CGROUP_MOUNT_MAX])
{
	unsigned uid = (unsigned)rootless_user();
	int n = snprintf(
	        found, CGROUP_MOUNT_MAX, "%s/user.slice/user-%u.slice/user@%u.service", mount, uid, uid);

	return n < CGROUP_MOUNT_MAX && is_given(found);
}

void cgroup_layout_delegate(struct cgroup_layout *l)
{
	char mount[CGROUP_MOUNT_MAX], found[CGROUP_MOUNT_MAX];
	int unified = l->of[CG_UNIFIED];

	mount[0] = '\0';
	if (unified >= 0)
		strcpy(mount, l->h[unified].mount);
	*l = (struct cgroup_layout){.mode = CGROUP_NONE, .rootless = true};
	memset(l->of, -1, sizeof l->of);
	if (!mount[0])
		return;
	bool inside = find_above(mount, found);
	if (!inside && !find_users(mount, found))
		return;
	cgroup_layout_v2(l, found);
	l->rootless = true;
	l->outside = !inside;
}
