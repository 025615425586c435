#include "engine/runtime/mount_below.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "engine/runtime/mount_tree.h"

#define TABLE_MAX  (16 << 20)
#define FDINFO_MAX 4096
#define BELOW_MAX  4096

struct below {
	int ids[BELOW_MAX]; /* the first is the mount's own */
	size_t n;
	char *base; /* where it is mounted */
};

static int read_proc(int proc_fd, const char *name, struct buf *b)
{
	cleanup_fd int fd = openat(proc_fd, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : read_to_buf(fd, b);
}

static int id_of(int proc_fd, int mount_fd)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(FDINFO_MAX);
	char name[40];

	snprintf(name, sizeof name, "self/fdinfo/%d", mount_fd);
	const char *at = read_proc(proc_fd, name, &b) ? NULL : strstr(buf_str(&b), "mnt_id:");
	return at ? atoi(at + strlen("mnt_id:")) : -1;
}

/* The table writes blanks and backslashes as three octal digits. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; to++)
		if (*s == '\\' && s[1] && s[2] && s[3]) {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to = *s++;
		}
	*to = '\0';
}

static bool is_known(const struct below *l, int id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->ids[i] == id)
			return true;
	return false;
}

/* 1: a mount below; 0: none. Parents stand before their children. */
static int take_line(struct below *l, char *line, char **path)
{
	char *save = NULL, *field[5];

	for (int i = 0; i < 5; i++)
		if (!(field[i] = strtok_r(i ? NULL : line, " ", &save)))
			return 0;
	int id = atoi(field[0]);
	*path = field[4];
	unescape(*path);
	if (id == l->ids[0] && !l->base)
		return !(l->base = strcmp(*path, "/") ? *path : *path + 1);
	if (!l->base || l->n == BELOW_MAX || !is_known(l, atoi(field[1])))
		return 0;
	l->ids[l->n++] = id;
	return 1;
}

int mounts_below(
        int proc_fd, int mount_fd, int (*visit)(int fd, void *arg, struct err *e), void *arg, struct err *e)
{
	cleanup_buf struct buf table = BUF_INIT_MAX(TABLE_MAX);
	cleanup_free struct below *l = calloc(1, sizeof *l);
	char *save = NULL, *path;

	if (!l)
		return err_no_memory(e);
	l->ids[l->n++] = id_of(proc_fd, mount_fd);
	if (l->ids[0] < 0 || read_proc(proc_fd, "self/mountinfo", &table))
		return err_sys(e, "cannot read which mounts are below a mount");
	for (char *line = strtok_r((char *)(uintptr_t)buf_str(&table), "\n", &save); line;
	        line = strtok_r(NULL, "\n", &save)) {
		if (!take_line(l, line, &path))
			continue;
		cleanup_fd int fd = open_no_links(mount_fd, path + strlen(l->base) + 1, O_PATH | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "cannot open a mount below a mount");
		if (visit(fd, arg, e))
			return -1;
	}
	return l->n < BELOW_MAX ? 0 : err_set(e, ERR_OTHER, "too many mounts are below a mount");
}
