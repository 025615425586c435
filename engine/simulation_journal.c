/* The journal: what users did, one line of JSON each, appended in one write, so that several processes share
 * it without a lock. Its first line names the birth of the world. It lies in a directory that is the user's
 * alone. */
#include "engine/simulation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"

#define LINE_MAX_BYTES (64u << 10)
#define JOURNAL_MAX    (8u << 20)
#define DAY_SECONDS    86400

/* ------------------------------------------------------------------ where it is */

static char *directory(const char *state)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (state)
		return str_printf("%s/demo", state);
	if (!base || *base != '/')
		base = getenv("TMPDIR");
	if (!base || *base != '/')
		base = "/tmp";
	return str_printf("%s/tare-demo-%u", base, (unsigned)getuid());
}

/* In a directory like /tmp somebody else could have put it there first. */
static int open_directory(struct simulation *s, const char *state, struct err *e)
{
	struct stat st;
	int fd;

	s->dir = directory(state);
	if (!s->dir)
		return err_no_memory(e);
	if (state && mkdir_all(state, 0755) < 0)
		return err_sys(e, "cannot make %s for the demo", state);
	if (mkdir(s->dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make %s for the demo", s->dir);
	fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(e, "cannot open %s for the demo", s->dir);
		close_fd(&fd);
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022)) {
		close_fd(&fd);
		return err_set(e, ERR_PERMISSION,
		        "%s belongs to somebody else; remove it, or choose another place with --state DIR",
		        s->dir);
	}
	return fd;
}

static const char *journal_name(const struct simulation *s)
{
	return s->held == SIM_NEVER ? "journal" : "journal-held";
}

static bool is_stale(const struct simulation *s, int fd)
{
	struct stat st;

	return s->held == SIM_NEVER && fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > DAY_SECONDS;
}

/* ------------------------------------------------------------------ reading */

static void take_line(struct simulation *s, const char *line, size_t len)
{
	cleanup_json json *j = len ? json_parse(line, len, "journal", NULL) : NULL;

	if (!j)
		return;
	if (s->birth == SIM_NEVER)
		s->birth = json_int(j, "born", SIM_NEVER);
	if (!json_get(j, "born"))
		sim_apply(s, j);
}

int sim_refresh(struct simulation *s, struct err *e)
{
	struct stat st;
	cleanup_buf struct buf b = BUF_INIT_MAX(JOURNAL_MAX + LINE_MAX_BYTES);
	size_t from = 0;
	ssize_t n = 0;

	if (s->journal_fd < 0 || fstat(s->journal_fd, &st) < 0 || (uint64_t)st.st_size <= s->journal_read)
		return 0;
	while ((uint64_t)st.st_size > s->journal_read + b.len) {
		char *room = buf_reserve(&b, LINE_MAX_BYTES);

		n = room ? pread(s->journal_fd, room, LINE_MAX_BYTES, (off_t)(s->journal_read + b.len)) : -1;
		if (n <= 0)
			break;
		b.len += (size_t)n;
	}
	if (n < 0 || b.failed)
		return err_sys(e, "cannot read the demo's journal %s/%s", s->dir, journal_name(s));
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] != '\n')
			continue;
		take_line(s, b.data + from, i - from);
		from = i + 1;
	}
	s->journal_read += from;
	return 0;
}

/* ------------------------------------------------------------------ writing */

json *sim_action(const char *verb, const char *id)
{
	json *line = json_object_new_object();

	json_set_str(line, "do", verb);
	if (id)
		json_set_str(line, "id", id);
	return line;
}

static int append(const struct simulation *s, json *line, struct err *e)
{
	cleanup_buf struct buf b = BUF_INIT_MAX(LINE_MAX_BYTES);
	struct stat st;

	json_print(&b, line, JSON_COMPACT);
	buf_char(&b, '\n');
	if (b.failed)
		return err_set(e, ERR_USAGE, "that is more than the demo can remember");
	if (fstat(s->journal_fd, &st) == 0 && st.st_size > (off_t)JOURNAL_MAX)
		return err_set(
		        e, ERR_NO_SPACE, "the demo's journal is full; start anew with: rm -r %s", s->dir);
	if (write_all(s->journal_fd, b.data, b.len) < 0)
		return err_sys(e, "cannot write the demo's journal %s/%s", s->dir, journal_name(s));
	return 0;
}

int sim_journal_add(struct simulation *s, json *line, struct err *e)
{
	cleanup_json json *own = line;

	json_set_int(own, "at", sim_now(s));
	return append(s, own, e) < 0 ? -1 : sim_refresh(s, e);
}

static int write_birth(struct simulation *s, struct err *e)
{
	cleanup_json json *line = json_object_new_object();

	json_set_int(line, "born", s->held == SIM_NEVER ? now_realtime() : SIM_EPOCH);
	return append(s, line, e);
}

int sim_journal_open(struct simulation *s, const char *state, struct err *e)
{
	int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int dir = open_directory(s, state, e);
	struct stat st;

	if (dir < 0)
		return -1;
	s->journal_fd = openat(dir, journal_name(s), flags, 0600);
	if (s->journal_fd >= 0 && is_stale(s, s->journal_fd)) {
		unlinkat(dir, journal_name(s), 0);
		close_fd(&s->journal_fd);
		s->journal_fd = openat(dir, journal_name(s), flags, 0600);
	}
	if (s->journal_fd < 0 || fstat(s->journal_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_sys(e, "cannot open the demo's journal %s/%s", s->dir, journal_name(s));
	futimens(s->journal_fd, NULL);
	return st.st_size == 0 ? write_birth(s, e) : 0;
}
