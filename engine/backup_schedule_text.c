#include "engine/backup_schedule_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "engine/store/store.h"
#include "engine/volume.h"

#define CALENDAR_MAX  200
#define CRON_LINE_MAX 990 /* Vixie's reads 998 of a line */
#define LETTERS       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS        "0123456789"

/* ------------------------------------------------------------------ the commands */

static int add_option(char ***argv, const char *name, const char *value, struct err *e)
{
	if (!value)
		return 0;
	return strv_take(argv, str_printf("--%s=%s", name, value)) < 0 ? err_no_memory(e) : 0;
}

static int add_number(char ***argv, const char *name, unsigned value, struct err *e)
{
	if (!value)
		return 0;
	return strv_take(argv, str_printf("--%s=%u", name, value)) < 0 ? err_no_memory(e) : 0;
}

static int add_words(char ***argv, const char *const *words, struct err *e)
{
	for (; *words; words++)
		if (strv_add(argv, *words) < 0)
			return err_no_memory(e);
	return 0;
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int add_front(const struct tare_backup_schedule *s, const char *verb, char ***argv, struct err *e)
{
	if (add_words(argv, WORDS(s->program), e) < 0 || add_option(argv, "root", s->root, e) < 0 ||
	        add_option(argv, "state", s->state, e) < 0)
		return -1;
	return add_words(argv, WORDS("volume", verb, "--quiet"), e);
}

static int backup_command(const struct tare_backup_schedule *s, char ***argv, struct err *e)
{
	const struct tare_backup *b = s->backup;

	if (add_front(s, "backup", argv, e) < 0 || (b->pause && add_words(argv, WORDS("--pause"), e) < 0))
		return -1;
	strv_foreach (pattern, b->excludes)
		if (add_option(argv, "exclude", *pattern, e) < 0)
			return -1;
	if (add_number(argv, "threads", b->threads, e) < 0 ||
	        add_option(argv, "key-file", b->key_file, e) < 0 || add_option(argv, "to", b->to, e) < 0)
		return -1;
	return add_words(argv, WORDS("--", b->volume), e);
}

static int forget_command(const struct tare_backup_schedule *s, char ***argv, struct err *e)
{
	const struct tare_forget *k = s->keep;

	if (add_front(s, "forget", argv, e) < 0 || add_words(argv, WORDS("--prune"), e) < 0 ||
	        add_option(argv, "volume", s->backup->volume, e) < 0 ||
	        add_number(argv, "keep-last", k->last, e) < 0 ||
	        add_number(argv, "keep-hourly", k->hourly, e) < 0 ||
	        add_number(argv, "keep-daily", k->daily, e) < 0 ||
	        add_number(argv, "keep-weekly", k->weekly, e) < 0 ||
	        add_number(argv, "keep-monthly", k->monthly, e) < 0 ||
	        add_number(argv, "keep-yearly", k->yearly, e) < 0 ||
	        add_option(argv, "key-file", s->backup->key_file, e) < 0)
		return -1;
	return add_words(argv, WORDS("--", s->backup->to), e);
}

/* ------------------------------------------------------------------ systemd */

/* One word of a unit file, in quotes. The attack: a directory called `x" "--root=/` or `%h` or `$HOME` would
 * be other words, or what systemd puts there (systemd.syntax(7), "Quoting"; systemd.service(5), "Command
 * lines"). `command`: in ExecStart= a $ stands for a variable, elsewhere for itself. */
static void add_unit_word(struct buf *out, const char *word, bool command)
{
	buf_char(out, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			buf_char(out, '\\');
		else if (*word == '%' || (*word == '$' && command))
			buf_char(out, *word);
		buf_char(out, *word);
	}
	buf_char(out, '"');
}

static int add_exec(struct buf *out, char *const *argv, struct err *e)
{
	/* no variable is looked for in the path of a program, so that its $ could not be written */
	if (argv[0][0] != '/' || strchr(argv[0], '$'))
		return err_set(e, ERR_USAGE, "a unit cannot start \"%s\"; install tare in another directory",
		        argv[0]);
	buf_str_add(out, "ExecStart=");
	strv_foreach (word, argv) {
		if (schedule_check_value(*word, e) < 0)
			return -1;
		if (word != argv)
			buf_char(out, ' ');
		add_unit_word(out, *word, true);
	}
	buf_char(out, '\n');
	return 0;
}

static const char *root_of(const struct tare_backup_schedule *s)
{
	return s->root ? s->root : STORE_ROOT_DEFAULT;
}

/* KillMode=process: what thaws paused containers (freeze.c) must outlive the one that is stopped. */
static const char service_head[] = "[Unit]\n"
                                   "Description=Backup of the volume %s by Tare\n"
                                   "After=local-fs.target\n"
                                   "RequiresMountsFor=";
static const char service_middle[] = "\n"
                                     "[Service]\n"
                                     "Type=oneshot\n"
                                     "Nice=10\n"
                                     "IOSchedulingClass=idle\n"
                                     "KillMode=process\n";

int schedule_service(const struct tare_backup_schedule *s, struct buf *out, struct err *e)
{
	cleanup_strv char **backup = NULL, **forget = NULL;

	if (schedule_mark(s->backup->volume, root_of(s), out, e) < 0 || schedule_note(s, out, e) < 0 ||
	        schedule_check_value(s->backup->to, e) < 0 || backup_command(s, &backup, e) < 0 ||
	        (s->keep && forget_command(s, &forget, e) < 0))
		return -1;
	buf_printf(out, service_head, s->backup->volume);
	add_unit_word(out, root_of(s), false);
	buf_char(out, ' ');
	add_unit_word(out, s->backup->to, false);
	buf_printf(out, "\n%s", service_middle);
	if (add_exec(out, backup, e) < 0 || (forget && add_exec(out, forget, e) < 0))
		return -1;
	return out->failed ? err_no_memory(e) : 0;
}

static bool is_word(const char *when)
{
	return strcmp(when, "hourly") == 0 || strcmp(when, "daily") == 0 || strcmp(when, "weekly") == 0 ||
	       strcmp(when, "monthly") == 0;
}

/* Machines that back up to one place should not do it all at once; who names a time means it. */
static const char *delay_of(const char *when)
{
	return !is_word(when) ? "1min" : strcmp(when, "hourly") == 0 ? "5min" : "1h";
}

/* Characters of systemd.time(7): no newline, no %, no quotes. What they mean systemd checks. */
static int check_calendar(const char *when, struct err *e)
{
	size_t len = strlen(when);

	if (len && len <= CALENDAR_MAX && strspn(when, LETTERS DIGITS " *,.:/~+_-") == len && when[0] != ' ')
		return 0;
	return err_set(e, ERR_USAGE,
	        "cannot read --schedule \"%.100s\"; expected hourly, daily, weekly, monthly, none, or a time "
	        "as "
	        "\"Mon..Fri 02:30\" (man systemd.time)",
	        when);
}

int schedule_timer(const struct tare_backup_schedule *s, struct buf *out, struct err *e)
{
	if (check_calendar(s->when, e) < 0 || schedule_mark(s->backup->volume, root_of(s), out, e) < 0)
		return -1;
	buf_printf(out,
	        "[Unit]\n"
	        "Description=Backups of the volume %s by Tare\n"
	        "\n"
	        "[Timer]\n"
	        "OnCalendar=%s\n"
	        "Persistent=true\n"
	        "RandomizedDelaySec=%s\n"
	        "\n"
	        "[Install]\n"
	        "WantedBy=timers.target\n",
	        s->backup->volume, s->when, delay_of(s->when));
	return out->failed ? err_no_memory(e) : 0;
}

/* ------------------------------------------------------------------ cron */

/* A number that spreads volumes over the hour and the night: cron has no random delay. */
static unsigned spread(const char *volume, unsigned n)
{
	unsigned hash = 5381;

	for (; *volume; volume++)
		hash = hash * 33 + (unsigned char)*volume;
	return hash % n;
}

/* A number, or a name where the field has some (their first three letters); -1: neither. */
static int cron_value(const char **s, const char *names, int least)
{
	size_t digits = strspn(*s, DIGITS), letters = strspn(*s, LETTERS);
	int value = -1;

	if (digits && digits <= 2)
		value = (int)strtol(*s, NULL, 10);
	for (int i = 0; letters == 3 && names && names[3 * i] && value < 0; i++)
		if (strncasecmp(names + 3 * i, *s, 3) == 0)
			value = i + least;
	*s += digits ? digits : letters;
	return value;
}

/* "*", "5", "1-5", each with "/2", and several with commas between them. */
static bool cron_field(const char *s, const char *end, const char *names, int least, int most)
{
	for (;; s++) {
		const char *at = s;
		int from = least, to = most;

		if (*s == '*') {
			s++;
		} else {
			from = to = cron_value(&s, names, least);
			if (*s == '-' && s++)
				to = cron_value(&s, names, least);
			if (from < least || to > most || from > to)
				return false;
		}
		if (*s == '/' && ((*at != '*' && from == to) || (s++, cron_value(&s, NULL, 0) < 1)))
			return false;
		if (s >= end || *s != ',')
			return s == end;
	}
}

/* cron would leave out the whole table for one wrong field, and tell nobody but its log: the backups would
 * just not be there. */
static bool five_fields(const char *when)
{
	static const struct {
		int least, most;
		const char *names;
	} fields[] = {{0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL},
	        {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {0, 7, "sunmontuewedthufrisat"}};
	const char *s = when;

	for (int i = 0; i < 5; i++) {
		const char *end = s + strcspn(s, " ");

		if (!cron_field(s, end, fields[i].names, fields[i].least, fields[i].most) ||
		        *end != (i < 4 ? ' ' : '\0'))
			return false;
		s = end + 1;
	}
	return true;
}

static int add_cron_time(const struct tare_backup_schedule *s, struct buf *out, struct err *e)
{
	unsigned minute = spread(s->backup->volume, 60), hour = spread(s->backup->volume, 360) / 60;

	if (strcmp(s->when, "hourly") == 0)
		buf_printf(out, "%u * * * *", minute);
	else if (strcmp(s->when, "daily") == 0)
		buf_printf(out, "%u %u * * *", minute, hour);
	else if (strcmp(s->when, "weekly") == 0)
		buf_printf(out, "%u %u * * 0", minute, hour);
	else if (strcmp(s->when, "monthly") == 0)
		buf_printf(out, "%u %u 1 * *", minute, hour);
	else if (strlen(s->when) <= CALENDAR_MAX && five_fields(s->when))
		buf_str_add(out, s->when);
	else
		return err_set(e, ERR_USAGE,
		        "cannot read --schedule \"%.100s\"; without systemd it is hourly, daily, weekly, "
		        "monthly, none, or five fields of cron as \"30 2 * * 1-5\"",
		        s->when);
	return 0;
}

/* The attack: in a table of cron a % is the end of the command and the begin of its input, and
 * implementations do not agree on what a backslash is; so a directory with one of them is refused. All else
 * is quoted for sh. */
static int add_cron_command(struct buf *out, char *const *argv, struct err *e)
{
	strv_foreach (word, argv) {
		if (schedule_check_value(*word, e) < 0)
			return -1;
		if (strpbrk(*word, "%\\'"))
			return err_set(e, ERR_USAGE,
			        "a table of cron cannot hold \"%.200s\": it has a %%, a backslash or a quote",
			        *word);
		if (word != argv)
			buf_char(out, ' ');
		text_shell_quote(out, *word);
	}
	return 0;
}

int schedule_cron(const struct tare_backup_schedule *s, struct buf *out, struct err *e)
{
	cleanup_strv char **backup = NULL, **forget = NULL;
	cleanup_buf struct buf line = BUF_INIT;

	if (schedule_mark(s->backup->volume, root_of(s), out, e) < 0 || schedule_note(s, out, e) < 0 ||
	        add_cron_time(s, &line, e) < 0 || backup_command(s, &backup, e) < 0 ||
	        (s->keep && forget_command(s, &forget, e) < 0))
		return -1;
	buf_str_add(&line, " root ");
	if (add_cron_command(&line, backup, e) < 0)
		return -1;
	buf_str_add(&line, " >/dev/null");
	if (forget) {
		buf_str_add(&line, " && ");
		if (add_cron_command(&line, forget, e) < 0)
			return -1;
		buf_str_add(&line, " >/dev/null");
	}
	if (line.len > CRON_LINE_MAX)
		return err_set(e, ERR_USAGE,
		        "a line of cron cannot hold a command of %zu characters; use shorter paths",
		        line.len);
	buf_printf(out,
	        "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n%s\n",
	        buf_str(&line));
	return out->failed || line.failed ? err_no_memory(e) : 0;
}
