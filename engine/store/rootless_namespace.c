#include "engine/store/rootless_namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/rootless.h"
#include "engine/store/rootless_entry.h"

#define RANGES_MAX    32                /* of one user; the kernel takes 340 lines */
#define ID_FILE_MAX   ((size_t)1 << 20) /* /etc/subuid of a host with many users */
#define SUBUID        "/etc/subuid"
#define SUBGID        "/etc/subgid"
#define HOW_TO_GET_ID "usermod --add-subuids 100000-165535 --add-subgids 100000-165535"

/* ------------------------------------------------------------------ looking */

static bool same_inode(int fd, ino_t inode)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == inode;
}

/* Made by this very user right beneath our own namespace: nobody else's can be slipped in. */
static bool is_ours(int ns)
{
	struct stat own;
	uid_t owner;

	if (stat("/proc/self/ns/user", &own) != 0 || ioctl(ns, NS_GET_OWNER_UID, &owner) != 0 ||
	        owner != geteuid())
		return false;
	cleanup_fd int parent = ioctl(ns, NS_GET_PARENT);
	return same_inode(parent, own.st_ino);
}

int user_namespace_of(pid_t pid)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && is_ours(fd) ? steal_fd(&fd) : -1;
}

int user_namespace_search(ino_t inode, pid_t *pid)
{
	cleanup_dir DIR *d = opendir("/proc");
	char path[300], want[48], link[48];

	snprintf(want, sizeof want, "user:[%lu]", (unsigned long)inode);
	for (struct dirent *de; d && (de = readdir(d));) {
		if (de->d_name[0] < '1' || de->d_name[0] > '9')
			continue;
		snprintf(path, sizeof path, "%s/ns/user", de->d_name);
		ssize_t n = readlinkat(dirfd(d), path, link, sizeof link - 1);
		link[n < 0 ? 0 : n] = '\0';
		if (strcmp(link, want) != 0)
			continue;
		*pid = (pid_t)atoi(de->d_name);
		cleanup_fd int fd = user_namespace_of(*pid);
		if (same_inode(fd, inode))
			return steal_fd(&fd);
	}
	return -1;
}

/* ------------------------------------------------------------------ the ids that a user may have */

/* "NAME:100000:65536" or "1000:100000:65536". */
static bool parse_line(const char *line, size_t len, const char *name, uid_t uid, struct id_range *r)
{
	char text[256], who[64];
	unsigned long first, count;
	int used = 0;

	if (len >= sizeof text)
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	char *colon = strchr(text, ':');
	if (!colon)
		return false;
	*colon = '\0';
	snprintf(who, sizeof who, "%u", (unsigned)uid);
	if (strcmp(text, who) != 0 && (!name || strcmp(text, name) != 0))
		return false;
	/* sscanf() takes signs, too */
	if (strspn(colon + 1, "0123456789:") != strlen(colon + 1) ||
	        sscanf(colon + 1, "%lu:%lu%n", &first, &count, &used) != 2 || colon[1 + used] || !count ||
	        first > UINT32_MAX || count > UINT32_MAX || first + count > UINT32_MAX)
		return false;
	*r = (struct id_range){(unsigned)first, (unsigned)count};
	return true;
}

size_t id_ranges_parse(const char *text, const char *name, uid_t uid, struct id_range *ranges, size_t max)
{
	size_t n = 0;

	while (*text && n < max) {
		size_t len = strcspn(text, "\n");
		if (parse_line(text, len, name, uid, &ranges[n]))
			n++;
		text += len + (text[len] == '\n');
	}
	return n;
}

static size_t read_ranges(const char *path, const char *name, struct id_range *ranges)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(ID_FILE_MAX);

	if (file_read_at(AT_FDCWD, path, &b, NULL) != 0)
		return 0;
	return id_ranges_parse(buf_str(&b), name, geteuid(), ranges, RANGES_MAX);
}

/* ------------------------------------------------------------------ writing the map */

/* CVE-2018-18955 and its kin were the kernel's; what is ours is who may map what: only newuidmap and
 * newgidmap, which hold /etc/subuid against it, and by absolute paths. */
static int write_map_by(
        const char *program, pid_t pid, unsigned own, const struct id_range *ranges, size_t n, struct err *e)
{
	char path[256], words[3 * (RANGES_MAX + 1) + 1][16], *argv[3 * (RANGES_MAX + 1) + 3];
	cleanup_buf struct buf said = BUF_INIT_MAX(4096);
	unsigned inside = 1;
	int status, w = 0;

	if (host_program(program, path, sizeof path) != 0)
		return err_set(e, ERR_NOT_FOUND, "%s is not installed (Debian: apt install uidmap)", program);
	argv[0] = path;
	snprintf(words[w++], 16, "%d", (int)pid);
	snprintf(words[w++], 16, "0");
	snprintf(words[w++], 16, "%u", own);
	snprintf(words[w++], 16, "1");
	for (size_t i = 0; i < n; inside += ranges[i++].count) {
		snprintf(words[w++], 16, "%u", inside);
		snprintf(words[w++], 16, "%u", ranges[i].first);
		snprintf(words[w++], 16, "%u", ranges[i].count);
	}
	for (int i = 0; i < w; i++)
		argv[i + 1] = words[i];
	argv[w + 1] = NULL;
	const struct spawn s = {.argv = argv, .out = &said, .out_has_errors = true, .keep_fd = -1};
	if (spawn_wait(&s, &status, e) != 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	buf_str(&said);
	return err_set(e, ERR_PERMISSION, "%s refused: %.*s", program, (int)strcspn(buf_str(&said), "\n"),
	        buf_str(&said));
}

static int poke_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	return file_poke(AT_FDCWD, path, text);
}

/* Attack 25: who may drop a group gets past a file mode that shuts that group out; the kernel wants that
 * denied first where no privileged program writes the map. */
static int map_own_id(pid_t pid, struct err *e)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof uid, "0 %u 1", (unsigned)geteuid());
	snprintf(gid, sizeof gid, "0 %u 1", (unsigned)getegid());
	if (poke_proc(pid, "setgroups", "deny") != 0 || poke_proc(pid, "uid_map", uid) != 0 ||
	        poke_proc(pid, "gid_map", gid) != 0)
		return err_sys(e, "cannot map your user into a user namespace");
	return 0;
}

static int map_ids(pid_t pid, struct err *e)
{
	struct id_range uids[RANGES_MAX], gids[RANGES_MAX];
	struct err why = ERR_INIT;
	char text[4096];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(geteuid(), &pw, text, sizeof text, &found) != 0)
		found = NULL;
	const char *name = found ? found->pw_name : NULL;
	size_t n_uids = read_ranges(SUBUID, name, uids), n_gids = read_ranges(SUBGID, name, gids);
	if (!n_uids || !n_gids)
		err_set(&why, ERR_NOT_FOUND,
		        "no ids are set aside for you in " SUBUID " and " SUBGID
		        "; let root do: " HOW_TO_GET_ID " %s",
		        name ? name : "YOU");
	else if (write_map_by("newuidmap", pid, geteuid(), uids, n_uids, &why) == 0)
		return write_map_by("newgidmap", pid, getegid(), gids, n_gids, e);
	log_line(LOG_LEVEL_WARN, "only your own user is there inside containers: %s", why.msg);
	return map_own_id(pid, e);
}

/* ------------------------------------------------------------------ making */

static int refused(struct err *e)
{
	if (errno == ENOSPC || errno == EUSERS)
		return err_set(e, ERR_OTHER,
		        "cannot make a user namespace: the limit in /proc/sys/user/max_user_namespaces is "
		        "reached; raise it, or: sudo tare");
	if (errno == EPERM || errno == EACCES)
		return err_set(e, ERR_PERMISSION,
		        "this host lets ordinary users make no user namespaces (sysctl "
		        "kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns); "
		        "try: sudo tare");
	return err_sys(e, "cannot make a user namespace");
}

static _Noreturn void stay(int hold)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (read(hold, &c, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

void user_namespace_birth_end(struct user_namespace_birth *birth)
{
	close_fd(&birth->hold_fd);
	while (birth->pid > 0 && waitpid(birth->pid, NULL, 0) < 0 && errno == EINTR)
		;
	birth->pid = -1;
}

int user_namespace_create(struct user_namespace_birth *birth, pid_t *pid, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(e, "pipe");
	birth->hold_fd = ends[1];
	birth->pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (birth->pid == 0) {
		close(ends[1]);
		stay(ends[0]);
	}
	int saved = errno;
	close(ends[0]);
	errno = saved;
	if (birth->pid < 0)
		return refused(e);
	birth->made = true;
	*pid = birth->pid;
	if (map_ids(birth->pid, e) != 0)
		return -1;
	int fd = user_namespace_of(birth->pid);
	return fd < 0 ? err_sys(e, "cannot open your user namespace") : fd;
}
