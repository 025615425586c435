/* A container's log as files, for a reader that pages in it: log.N … log.1 log, by rotation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "engine/engine.h"

#define FILES_MAX      10000 /* --log-opt max-file */
#define FILES_OPEN_MAX 256   /* of these, the newest */

struct log {
	struct tare_log api; /* first */
	int dir_fd, wd;
	char id[TARE_ID_LEN + 1];
	struct proc_id process; /* of the run under way; pid 0: none */
	ino_t inode;            /* of the file that is being written */
	off_t size;
};

static int open_number(int dir_fd, unsigned number)
{
	char name[24];

	snprintf(name, sizeof name, number ? "log.%u" : "log", number);
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close_fd(&fd);
		errno = ENOENT;
	}
	return fd;
}

static void close_files(struct tare_log *api)
{
	for (size_t i = 0; i < api->n; i++)
		close_fd(&api->files[i]);
	free(api->files);
	api->files = NULL;
	api->n = 0;
}

static bool is_among(int fd, const int *files, size_t n)
{
	struct stat a, b;

	if (fstat(fd, &a) != 0)
		return true;
	for (size_t i = n; i-- > 0;)
		if (fstat(files[i], &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
			return true;
	return false;
}

static int add_file(struct tare_log *api, int fd)
{
	if (api->n == FILES_OPEN_MAX) {
		close(api->files[0]);
		memmove(api->files, api->files + 1, --api->n * sizeof *api->files);
	}
	int *files = realloc(api->files, (api->n + 1) * sizeof *files);

	if (!files)
		return -1;
	api->files = files;
	files[api->n++] = fd;
	return 0;
}

static void remember_last(struct log *l)
{
	struct stat st;

	l->inode = 0;
	l->size = 0;
	if (l->api.n && fstat(l->api.files[l->api.n - 1], &st) == 0) {
		l->inode = st.st_ino;
		l->size = st.st_size;
	}
}

/* The files that are newer than what is open, newest first; how many, or -1 with errno. Looked for in the
 * direction in which rotation moves them, so that one that comes between is met twice rather than missed. One
 * number is always missing while it is at work, and a file that cannot be had is no end either. */
static ssize_t find_new(const struct log *l, int fresh[FILES_OPEN_MAX])
{
	ssize_t n = 0;
	unsigned missing = 0;

	for (unsigned number = 0; number < FILES_MAX && n < FILES_OPEN_MAX && missing < 3; number++) {
		int fd = open_number(l->dir_fd, number);
		if (fd < 0 && errno != ENOENT) {
			int saved = errno;
			while (n)
				close(fresh[--n]);
			errno = saved;
			return -1;
		}
		missing = fd < 0 ? missing + 1 : 0;
		if (fd < 0)
			continue;
		bool known = is_among(fd, l->api.files, l->api.n);
		if (!known && !is_among(fd, fresh, (size_t)n))
			fresh[n++] = fd;
		else
			close(fd);
		if (known)
			break;
	}
	return n;
}

/* What is there and not open yet, the newest last. What is open and was dropped by rotation stays readable
 * until there are too many. */
static int open_new(struct log *l, struct err *e)
{
	int fresh[FILES_OPEN_MAX];
	ssize_t n = find_new(l, fresh);
	bool failed = false;

	if (n < 0)
		return err_sys(e, "cannot open the log");
	while (n-- > 0) {
		failed = failed || add_file(&l->api, fresh[n]) != 0;
		if (failed)
			close(fresh[n]);
	}
	remember_last(l);
	return failed ? err_no_memory(e) : 0;
}

/* Whether something may still come: process 1 lives, or its monitor is passing on what it left. Cheap while
 * it is the run that was seen last, and when there is none. */
static bool is_under_way(struct log *l, const struct store *s)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (l->process.pid && proc_alive(&l->process))
		return true;
	l->process = (struct proc_id){0};
	if (faccessat(s->state_containers_fd, l->id, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
	        container_open_id(s, l->id, &c, NULL) != 0)
		return false;
	if (container_is_up(&c))
		l->process = c.state.process;
	return l->process.pid || container_is_ending(&c);
}

static bool has_log(const struct container *c)
{
	return json_int(json_path(c->record.config, "HostConfig.LogConfig.Tare"), "enabled", 1) != 0;
}

int engine_log_open(struct tare_engine *t, const char *ref, struct tare_log **out, struct err *e)
{
	cleanup_container struct container c = CONTAINER_INIT;

	if (container_open(engine_store(t), ref, &c, e) != 0)
		return -1;
	if (!has_log(&c))
		return err_set(e, ERR_UNSUPPORTED,
		        "container %s was started with --log-driver none: it has no log", c.record.name);
	struct log *l = calloc(1, sizeof *l);
	if (!l)
		return err_no_memory(e);
	l->api.fd = -1;
	snprintf(l->id, sizeof l->id, "%s", c.id);
	l->dir_fd = steal_fd(&c.dir_fd);
	l->wd = engine_watch_log((struct linux_engine *)t, l->dir_fd);
	if (open_new(l, e) != 0) {
		engine_log_close(t, &l->api);
		return -1;
	}
	l->api.ended = !is_under_way(l, engine_store(t));
	*out = &l->api;
	return 0;
}

/* Has the file that was written last another name now, or is there one where none was? */
static bool was_rotated(const struct log *l)
{
	struct stat st;

	return fstatat(l->dir_fd, "log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino != l->inode;
}

int engine_log_drain(struct tare_engine *t, struct tare_log *log, struct err *e)
{
	struct log *l = (struct log *)log;
	int bits = 0;
	struct stat st;
	/* asked first: what was written until the end is seen below then */
	bool ended = !is_under_way(l, engine_store(t));

	if (was_rotated(l)) {
		if (open_new(l, e) != 0)
			return -1;
		bits |= TARE_LOG_ROTATED | TARE_LOG_GREW;
	} else if (l->api.n && fstat(l->api.files[l->api.n - 1], &st) == 0 && st.st_size != l->size) {
		l->size = st.st_size;
		bits |= TARE_LOG_GREW;
	}
	if (ended && !l->api.ended)
		bits |= TARE_LOG_ENDED;
	l->api.ended = ended;
	return bits;
}

void engine_log_close(struct tare_engine *t, struct tare_log *log)
{
	struct log *l = (struct log *)log;

	if (!l)
		return;
	engine_unwatch_log((struct linux_engine *)t, l->wd);
	close_files(&l->api);
	close_fd(&l->dir_fd);
	free(l);
}
