#include "base/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/defence.h"
#include "base/file.h"
#include "base/text.h"

/* linux/proc_ns.h: the inode of the first user namespace's /proc/PID/ns/user. */
#define FIRST_USER_NAMESPACE 0xEFFFFFFDU

bool in_user_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != FIRST_USER_NAMESPACE;
}

struct first_line {
	unsigned long inside, outside, count;
	bool more;
};

static bool read_map(struct first_line *l)
{
	char text[4096];
	int used;

	if (file_read_small(AT_FDCWD, "/proc/self/uid_map", text, sizeof text) < 0 ||
	        sscanf(text, "%lu %lu %lu%n", &l->inside, &l->outside, &l->count, &used) != 3)
		return false;
	l->more = text[used + (int)strspn(text + used, " \n")] != '\0';
	return l->inside == 0;
}

bool rootless(void)
{
	struct first_line l;

	if (geteuid() != 0)
		return true;
	return in_user_namespace() && read_map(&l) && l.outside && l.count == 1;
}

uid_t rootless_user(void)
{
	struct first_line l;

	return geteuid() == 0 && read_map(&l) ? (uid_t)l.outside : geteuid();
}

bool rootless_has_ids(void)
{
	struct first_line l;

	return read_map(&l) && (l.more || l.count > 1);
}

static int find_in(const char *dir, const char *name, char *dst, size_t size)
{
	int n = snprintf(dst, size, "%s/%s", dir, name);

	return n > 0 && (size_t)n < size && access(dst, X_OK) == 0 ? 0 : -1;
}

/* Only a build for `make attacks` ever comes here. */
static int find_by_path(const char *name, char *dst, size_t size)
{
	const char *path = getenv("PATH");
	cleanup_free char *copy = strdup(path ? path : "");
	char *rest = copy;

	for (char *dir; copy && (dir = text_next_part(&rest, ":"));)
		if (find_in(dir, name, dst, size) == 0)
			return 0;
	return -1;
}

/* Attack 43: a planted newuidmap or pasta in a directory of PATH. Proved by tests/e2e/rootless.bats. */
int host_program(const char *name, char *dst, size_t size)
{
	static const char *const fixed[] = {
	        "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/wrappers/bin"};

	if (!DEFENCE("fixed-programs") && find_by_path(name, dst, size) == 0)
		return 0;
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (find_in(fixed[i], name, dst, size) == 0)
			return 0;
	errno = ENOENT;
	return -1;
}
