/* Schedules of backups: units of systemd where it runs, a table of cron where it doesn't. There is no daemon
 * of ours; what the schedule starts is `tare volume backup`, as somebody would type it. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/proc.h"
#include "base/text.h"
#include "engine/backup/repository.h"
#include "engine/backup_schedule_text.h"
#include "engine/store/store.h"
#include "engine/tare.h"
#include "engine/volume.h"

#define RUNNING    "/run/systemd/system" /* sd_booted(3) */
#define OUTPUT_MAX (16 << 10)

/* One file of a schedule. */
struct target {
	const char *dir;
	char name[SCHEDULE_NAME_SIZE + 16];
	struct buf text;
};
#define TARGETS 3
struct schedule {
	const char *mark; /* the first line of all of them */
	struct target targets[TARGETS];
	char timer[SCHEDULE_NAME_SIZE + 16];
};
enum { SERVICE, TIMER, CRON };

static void schedule_free(struct schedule *s)
{
	for (int i = 0; i < TARGETS; i++)
		buf_free(&s->targets[i].text);
}
#define cleanup_schedule __attribute__((cleanup(schedule_free)))

static bool systemd_runs(void)
{
	return access(RUNNING, F_OK) == 0;
}

/* ------------------------------------------------------------------ systemctl */

static int find_program(const char *name, char *dst, size_t size)
{
	const char *path = getenv("PATH");
	cleanup_free char *dirs = str_printf("%s:/usr/bin:/bin", path ? path : "");
	char *rest = dirs;

	for (char *dir; rest && (dir = text_next_part(&rest, ":"));) {
		int n = snprintf(dst, size, "%s/%s", dir, name);

		/* A relative directory could be anyone's. */
		if (dir[0] == '/' && n > 0 && (size_t)n < size && access(dst, X_OK) == 0)
			return 0;
	}
	return -1;
}

/* 0 when it ended well, 1 when it did not, with its first line in e; -1 when it could not be run. */
static int run(char *const *argv, struct err *e)
{
	cleanup_buf struct buf output = BUF_INIT_MAX(OUTPUT_MAX);
	const struct spawn spawn = {.argv = argv, .out = &output, .out_has_errors = true, .keep_fd = -1};
	char line[256];
	int status;

	if (spawn_wait(&spawn, &status, e) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (output.len)
		output.data[strcspn(output.data, "\n")] = 0;
	text_harmless_to(line, sizeof(line), output.len ? output.data : "it does not say why");
	err_set(e, ERR_OTHER, "%s", line);
	return 1;
}

static int systemctl(const char *verb, const char *option, const char *unit, struct err *e)
{
	char program[PATH_MAX];
	char *argv[5] = {program, (char *)verb};
	int n = 2;

	if (option)
		argv[n++] = (char *)option;
	if (unit)
		argv[n++] = (char *)unit;
	if (find_program("systemctl", program, sizeof(program)) < 0)
		return err_set(e, ERR_UNSUPPORTED, "cannot find systemctl, though systemd runs");
	if (run(argv, e) == 0)
		return 0;
	return err_wrap(e, "systemctl %s%s%s", verb, unit ? " " : "", unit ? unit : "");
}

/* What our own check of the characters lets through may still be no time. */
static int check_calendar(const char *when, struct err *e)
{
	char program[PATH_MAX];
	char *argv[] = {program, (char[]){"calendar"}, (char *)when, NULL};
	struct err why = ERR_INIT;

	if (find_program("systemd-analyze", program, sizeof(program)) < 0 || run(argv, &why) <= 0)
		return 0;
	return err_set(
	        e, ERR_USAGE, "systemd does not know the time of --schedule \"%s\": %s", when, why.msg);
}

/* ------------------------------------------------------------------ files */

/* NULL in *text: there is none. A file of somebody else's, or of another store's volume of that name, is not
 * touched. */
static int check_owner(const struct target *t, const char *mark, bool *there, struct err *e)
{
	cleanup_free char *path = str_printf("%s/%s", t->dir, t->name);
	cleanup_buf struct buf old = BUF_INIT_MAX(SCHEDULE_FILE_MAX);
	struct err why = ERR_INIT;

	if (!path)
		return err_no_memory(e);
	*there = file_read_at(AT_FDCWD, path, &old, &why) == 0;
	if (!*there && why.kind == ERR_NOT_FOUND)
		return 0;
	if (!*there || strncmp(buf_str(&old), mark, strlen(mark)) != 0)
		return err_set(e, ERR_CONFLICT,
		        "%s was not written for this volume; look at it, and remove it when nobody needs it",
		        path);
	return 0;
}

static int write_target(const struct target *t, char ***wrote, struct err *e)
{
	cleanup_fd int dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, "cannot open %s", t->dir);
	if (file_write_at(dir, t->name, t->text.data, t->text.len, 0644, FILE_SYNC, e) < 0)
		return err_wrap(e, "cannot write to %s", t->dir);
	return strv_take(wrote, str_printf("%s/%s", t->dir, t->name)) < 0 ? err_no_memory(e) : 0;
}

static int remove_target(const struct target *t, char ***removed, struct err *e)
{
	cleanup_free char *path = str_printf("%s/%s", t->dir, t->name);

	if (!path)
		return err_no_memory(e);
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot remove %s", path);
	return !removed ? 0 : strv_add(removed, path) < 0 ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ the request, made absolute */

/* A schedule runs somewhere else. What does not exist yet is taken beneath what does. */
static char *absolute(const char *path, struct err *e)
{
	char real[PATH_MAX];
	const char *name = strrchr(path, '/');
	cleanup_free char *above = NULL, *parent = NULL;

	if (realpath(path, real))
		return strdup(real);
	if (errno != ENOENT)
		return err_sys_null(e, "cannot find \"%s\"", path);
	if (name && !name[1]) { /* "x/" */
		parent = str_printf("%.*s", (int)(name - path), path);
		return parent ? absolute(parent, e) : NULL;
	}
	parent = name ? str_printf("%.*s", name > path ? (int)(name - path) : 1, path) : strdup(".");
	name = name ? name + 1 : path;
	if (!*name || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
		return err_set_null(e, ERR_NOT_FOUND, "there is no directory \"%s\"", path);
	above = parent ? absolute(parent, e) : NULL;
	return above ? str_printf("%s/%s", strcmp(above, "/") == 0 ? "" : above, name) : NULL;
}

/* The strings of a request whose paths are absolute. */
struct request {
	struct tare_backup backup;
	struct tare_backup_schedule schedule;
	char *to, *key_file, *program, *root, *state;
};
static void request_free(struct request *q)
{
	free(q->to);
	free(q->key_file);
	free(q->program);
	free(q->root);
	free(q->state);
}
#define cleanup_request __attribute__((cleanup(request_free)))

static int make_absolute(const char **path, char **owned, struct err *e)
{
	if (!*path)
		return 0;
	*owned = absolute(*path, e);
	*path = *owned;
	if (*owned)
		return 0;
	return e && e->msg[0] ? -1 : err_no_memory(e);
}

static int request_fill(struct request *q, const struct tare_backup_schedule *s, struct err *e)
{
	q->schedule = *s;
	q->backup = *s->backup;
	q->schedule.backup = &q->backup;
	if (make_absolute(&q->backup.to, &q->to, e) < 0 ||
	        make_absolute(&q->backup.key_file, &q->key_file, e) < 0 ||
	        make_absolute(&q->schedule.program, &q->program, e) < 0 ||
	        make_absolute(&q->schedule.root, &q->root, e) < 0)
		return -1;
	return make_absolute(&q->schedule.state, &q->state, e);
}

/* ------------------------------------------------------------------ write, remove */

static int schedule_names(struct schedule *s, const char *volume, struct err *e)
{
	char unit[SCHEDULE_NAME_SIZE], cron[SCHEDULE_NAME_SIZE];

	if (schedule_unit_name(volume, unit, e) < 0 || schedule_cron_name(volume, cron, e) < 0)
		return -1;
	s->targets[SERVICE].dir = s->targets[TIMER].dir = SCHEDULE_UNIT_DIR;
	s->targets[CRON].dir = SCHEDULE_CRON_DIR;
	snprintf(s->targets[SERVICE].name, sizeof(s->targets[SERVICE].name), "%s.service", unit);
	snprintf(s->targets[TIMER].name, sizeof(s->targets[TIMER].name), "%s.timer", unit);
	snprintf(s->targets[CRON].name, sizeof(s->targets[CRON].name), "%s", cron);
	snprintf(s->timer, sizeof(s->timer), "%s.timer", unit);
	return 0;
}

/* A typing error should show now, not at night. */
static int check_volume(const struct tare_backup_schedule *s, struct err *e)
{
	cleanup_store struct store store = {0};
	cleanup_volume_record struct volume_record record = {0};

	if (store_open(&store, s->root, s->state, e) < 0)
		return -1;
	return volume_record_read(&store, s->backup->volume, &record, e);
}

/* As good as missing: the first backup makes the repository there. */
static bool is_empty(const char *path)
{
	cleanup_dir DIR *dir = opendir(path);
	bool empty = dir;

	for (struct dirent *d; empty && (d = readdir(dir));)
		empty = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		        strcmp(d->d_name, "lost+found") == 0;
	return empty;
}

/* With another key, or to another directory, each backup would fail, and only a log would know. */
static int check_repository(const struct tare_backup *b, struct err *e)
{
	const struct repository_options o = {.key_file = b->key_file, .lock = REPOSITORY_SHARED};
	struct stat st;

	if ((stat(b->to, &st) < 0 && errno == ENOENT) || is_empty(b->to))
		return 0;
	cleanup_repository_handle struct repository *r = repository_open(b->to, &o, e);
	return r ? 0 : -1;
}

static int write_texts(struct schedule *s, const struct tare_backup_schedule *q, bool systemd, struct err *e)
{
	if (!systemd)
		return schedule_cron(q, &s->targets[CRON].text, e);
	if (schedule_service(q, &s->targets[SERVICE].text, e) < 0 ||
	        schedule_timer(q, &s->targets[TIMER].text, e) < 0)
		return -1;
	return check_calendar(q->when, e);
}

static int check_owners(const struct schedule *s, bool there[TARGETS], struct err *e)
{
	for (int i = 0; i < TARGETS; i++)
		if (check_owner(&s->targets[i], s->mark, &there[i], e) < 0)
			return -1;
	return 0;
}

static bool is_cron(const char *pid)
{
	static const char *const names[] = {"cron\n", "crond\n", "bcron-sched\n"};
	cleanup_free char *path = str_printf("/proc/%s/comm", pid);
	cleanup_buf struct buf name = BUF_INIT_MAX(64);

	if (!path || !isdigit((unsigned char)pid[0]) || file_read_at(AT_FDCWD, path, &name, NULL) < 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(buf_str(&name), names[i]) == 0)
			return true;
	return false;
}

/* The directory for its tables is often there without it. */
static void warn_without_cron(const char *table)
{
	cleanup_dir DIR *proc = opendir("/proc");
	bool runs = !proc;

	for (struct dirent *d; !runs && (d = readdir(proc));)
		runs = is_cron(d->d_name);
	if (!runs)
		log_line(LOG_LEVEL_WARN,
		        "no cron runs here: nothing starts what is in " SCHEDULE_CRON_DIR
		        "/%s until one is installed and started",
		        table);
}

/* What the other of the two would still start goes. */
static int put(const struct schedule *s, bool systemd, char ***wrote, struct err *e)
{
	if (!systemd) {
		if (access(SCHEDULE_CRON_DIR, F_OK) < 0)
			return err_set(e, ERR_UNSUPPORTED,
			        "no systemd runs here, and there is no " SCHEDULE_CRON_DIR
			        "; let your own scheduler start tare volume backup");
		if (remove_target(&s->targets[SERVICE], NULL, e) < 0 ||
		        remove_target(&s->targets[TIMER], NULL, e) < 0)
			return -1;
		if (write_target(&s->targets[CRON], wrote, e) < 0)
			return -1;
		warn_without_cron(s->targets[CRON].name);
		return 0;
	}
	if (remove_target(&s->targets[CRON], NULL, e) < 0 ||
	        write_target(&s->targets[SERVICE], wrote, e) < 0 ||
	        write_target(&s->targets[TIMER], wrote, e) < 0)
		return -1;
	if (systemctl("daemon-reload", NULL, NULL, e) < 0 || systemctl("enable", "--now", s->timer, e) < 0)
		return err_wrap(
		        e, "the schedule is written to " SCHEDULE_UNIT_DIR "/%s, but does not run", s->timer);
	return 0;
}

/* Stopped before its file goes: afterwards systemd would not know what it is. */
static int take_away(
        const struct schedule *s, const bool there[TARGETS], bool systemd, char ***removed, struct err *e)
{
	if (systemd && there[TIMER] && systemctl("disable", "--now", s->timer, e) < 0)
		return -1;
	for (int i = 0; i < TARGETS; i++)
		if (remove_target(&s->targets[i], removed, e) < 0)
			return -1;
	return systemd && (there[TIMER] || there[SERVICE]) ? systemctl("daemon-reload", NULL, NULL, e) : 0;
}

int tare_backup_schedule(const struct tare_backup_schedule *given, char ***wrote, struct err *e)
{
	cleanup_schedule struct schedule s = {0};
	cleanup_request struct request q = {0};
	cleanup_buf struct buf mark = BUF_INIT;
	bool there[TARGETS], systemd = systemd_runs();
	bool none = strcmp(given->when, "none") == 0;

	if (request_fill(&q, given, e) < 0 || schedule_names(&s, q.backup.volume, e) < 0 ||
	        schedule_mark(q.backup.volume, q.schedule.root ? q.schedule.root : STORE_ROOT_DEFAULT, &mark,
	                e) < 0)
		return -1;
	s.mark = buf_str(&mark);
	if (check_owners(&s, there, e) < 0)
		return -1;
	if (none)
		return take_away(&s, there, systemd, wrote, e);
	if (check_volume(&q.schedule, e) < 0 || check_repository(&q.backup, e) < 0 ||
	        write_texts(&s, &q.schedule, systemd, e) < 0)
		return -1;
	return put(&s, systemd, wrote, e);
}
