/* What a schedule is written as: whatever the values are, they are read back as they were, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/backup_schedule_text.h"

static struct tare_backup backup;
static struct tare_forget keep;
static struct tare_backup_schedule schedule;

static int set_up(void **state)
{
	(void)state;
	backup = (struct tare_backup){.volume = "data", .to = "/srv/backup", .level = -1};
	keep = (struct tare_forget){.daily = 7, .weekly = 5};
	schedule = (struct tare_backup_schedule){
	        .backup = &backup, .when = "daily", .program = "/usr/local/bin/tare"};
	return 0;
}

/* ------------------------------------------------------------------ systemd's reading of a command line */

/* Quotes, backslashes, %% and $$; anything else that it would act upon is a failure of the test. */
static char **read_exec(const char *s)
{
	char **argv = NULL;

	while (*s && *s != '\n') {
		struct buf word = BUF_INIT;

		assert_int_equal(*s++, '"');
		for (; *s != '"'; s++) {
			assert_true(*s && *s != '\n');
			if (*s == '\\') {
				s++;
				assert_true(*s == '"' || *s == '\\');
			} else if (*s == '%' || *s == '$') {
				assert_int_equal(s[1], s[0]);
				s++;
			}
			buf_char(&word, *s);
		}
		assert_int_equal(strv_take(&argv, buf_take(&word)), 0);
		s += s[1] == ' ' ? 2 : 1;
	}
	return argv;
}

/* The n-th line that begins so, without that; NULL when there are fewer. */
static const char *line_of(const char *text, const char *key, int n)
{
	for (const char *s = text; s; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (strncmp(s, key, strlen(key)) == 0 && n-- == 0)
			return s + strlen(key);
	}
	return NULL;
}

static unsigned count_lines(const char *text, const char *key)
{
	unsigned n = 0;

	while (line_of(text, key, (int)n))
		n++;
	return n;
}

/* ------------------------------------------------------------------ plain ones */

static void a_service(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	char *excludes[] = {(char[]){"*.tmp"}, NULL};

	(void)state;
	backup.pause = true;
	backup.excludes = excludes;
	backup.key_file = "/etc/key";
	schedule.keep = &keep;
	schedule.root = "/data/tare";
	assert_int_equal(schedule_service(&schedule, &text, &e), 0);
	assert_string_equal(buf_str(&text),
	        "# Written by tare volume backup --schedule, for the volume data of /data/tare\n"
	        "# {\"When\":\"daily\",\"Repository\":\"/srv/backup\",\"Keep\":{\"Daily\":7,\"Weekly\":5}}\n"
	        "[Unit]\n"
	        "Description=Backup of the volume data by Tare\n"
	        "After=local-fs.target\n"
	        "RequiresMountsFor=\"/data/tare\" \"/srv/backup\"\n"
	        "\n"
	        "[Service]\n"
	        "Type=oneshot\n"
	        "Nice=10\n"
	        "IOSchedulingClass=idle\n"
	        "KillMode=process\n"
	        "ExecStart=\"/usr/local/bin/tare\" \"--root=/data/tare\" \"volume\" \"backup\" \"--quiet\" "
	        "\"--pause\" \"--exclude=*.tmp\" \"--key-file=/etc/key\" \"--to=/srv/backup\" \"--\" "
	        "\"data\"\n"
	        "ExecStart=\"/usr/local/bin/tare\" \"--root=/data/tare\" \"volume\" \"forget\" \"--quiet\" "
	        "\"--prune\" \"--volume=data\" \"--keep-daily=7\" \"--keep-weekly=5\" "
	        "\"--key-file=/etc/key\" "
	        "\"--\" \"/srv/backup\"\n");
}

static void a_timer(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	(void)state;
	schedule.when = "Mon..Fri *-*-* 02:30:00 Europe/Berlin";
	assert_int_equal(schedule_timer(&schedule, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), "\nOnCalendar=Mon..Fri *-*-* 02:30:00 Europe/Berlin\n"));
	assert_non_null(strstr(buf_str(&text), "\nPersistent=true\nRandomizedDelaySec=1min\n"));
	assert_non_null(strstr(buf_str(&text), "\nWantedBy=timers.target\n"));
}

static void a_table_of_cron(void **state)
{
	static const char *const words[] = {
	        "hourly", "daily", "weekly", "monthly", "30 2 * * 1-5", "*/5 * * jan mon"};
	struct err e = ERR_INIT;

	(void)state;
	schedule.keep = &keep;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		cleanup_buf struct buf text = BUF_INIT;
		char time[5][16];
		const char *command;
		int n = 0;

		schedule.when = words[i];
		assert_int_equal(schedule_cron(&schedule, &text, &e), 0);
		command = line_of(buf_str(&text),
		        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n", 0);
		assert_non_null(command);
		assert_int_equal(sscanf(command, "%15s %15s %15s %15s %15s root %n", time[0], time[1],
		                         time[2], time[3], time[4], &n),
		        5);
		assert_string_equal(command + n,
		        "/usr/local/bin/tare volume backup --quiet --to=/srv/backup -- data >/dev/null && "
		        "/usr/local/bin/tare volume forget --quiet --prune --volume=data --keep-daily=7 "
		        "--keep-weekly=5 -- /srv/backup >/dev/null\n");
		if (i > 3)
			assert_memory_equal(command, words[i], strlen(words[i]));
	}
}

static void names(void **state)
{
	char name[SCHEDULE_NAME_SIZE];
	struct err e = ERR_INIT;
	static const char *const bad[] = {"", "../x", "a/b", "a b", "a\nb", "-a", ".a", "a%i", "a@b", "\xff"};

	(void)state;
	assert_int_equal(schedule_unit_name("my_vol.1", name, &e), 0);
	assert_string_equal(name, "tare-backup-my_vol.1");
	assert_int_equal(schedule_cron_name("my_vol.1", name, &e), 0);
	assert_string_equal(name, "tare-backup-my_vol_2e1");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(schedule_unit_name(bad[i], name, &e), -1);
		assert_int_equal(schedule_cron_name(bad[i], name, &e), -1);
	}
}

/* ------------------------------------------------------------------ attacks */

static const char *const hostile[] = {
        "/srv/a b",
        "/srv/x\" \"--root=/",
        "/srv/x\\",
        "/srv/x\\\"",
        "/srv/%h/%%/%n",
        "/srv/$HOME/${PATH}/$$",
        "/srv/x; reboot",
        "/srv/x && reboot # ",
        "/srv/x' ; reboot '",
        "/srv/`reboot`/$(reboot)",
        "/srv/\xc3\xa4\xe2\x82\xac",
        "/srv/ ExecStart=/bin/true",
        "/srv/x \\",
        "/srv/*?[a]{b,c}~",
        "/srv/;",
        "/srv/|>/etc/passwd",
};

/* systemd reads each as the one word that it is. */
static void values_stay_words_in_a_unit(void **state)
{
	(void)state;
	schedule.keep = &keep;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		cleanup_buf struct buf text = BUF_INIT;
		cleanup_free char *to = str_printf("--to=%s", hostile[i]);
		char *excludes[] = {(char *)hostile[i], NULL};
		struct err e = ERR_INIT;

		backup.to = backup.key_file = schedule.root = schedule.state = hostile[i];
		backup.excludes = excludes;
		assert_int_equal(schedule_service(&schedule, &text, &e), 0);
		assert_int_equal(count_lines(buf_str(&text), "ExecStart="), 2);
		assert_int_equal(count_lines(buf_str(&text), "["), 2);
		cleanup_strv char **argv = read_exec(line_of(buf_str(&text), "ExecStart=", 0));
		cleanup_strv char **forget = read_exec(line_of(buf_str(&text), "ExecStart=", 1));
		assert_int_equal(strv_len(argv), 11);
		assert_string_equal(argv[1] + strlen("--root="), hostile[i]);
		assert_string_equal(argv[6] + strlen("--exclude="), hostile[i]);
		assert_string_equal(argv[8], to);
		assert_string_equal(argv[9], "--");
		assert_string_equal(forget[strv_len(forget) - 1], hostile[i]);
		assert_string_equal(forget[strv_len(forget) - 2], "--");
	}
}

/* A shell reads each as the one word that it is, cron finds no % and no backslash; else it is refused. */
static void values_stay_words_in_a_table(void **state)
{
	char dir[] = "/tmp/tare-schedule-XXXXXX";
	cleanup_free char *show = NULL;
	unsigned refused = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	show = str_printf("%s/show", dir);
	FILE *f = fopen(show, "we");
	fputs("#!/bin/sh\nfor a; do printf '%s\\n' \"$a\"; done\n", f);
	fclose(f);
	chmod(show, 0755);
	schedule.program = show;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		cleanup_buf struct buf text = BUF_INIT;
		cleanup_free char *want =
		        str_printf("volume\nbackup\n--quiet\n--to=%s\n--\ndata\n", hostile[i]);
		char got[1024] = "";
		struct err e = ERR_INIT;

		backup.to = hostile[i];
		if (schedule_cron(&schedule, &text, &e) < 0) {
			assert_non_null(strpbrk(hostile[i], "%\\'"));
			refused++;
			continue;
		}
		const char *table = strstr(buf_str(&text), "\nSHELL="); /* behind the comments */
		assert_null(strpbrk(table, "%\\"));
		char *command = strstr(table, " root ") + 6;
		*strstr(command, " >/dev/null") = 0;
		FILE *p = popen(command, "re");
		got[fread(got, 1, sizeof(got) - 1, p)] = 0;
		pclose(p);
		assert_string_equal(got, want);
	}
	assert_int_equal(refused, 5);
	unlink(show);
	rmdir(dir);
}

/* What ends a line is in neither, wherever it is. */
static void lines_stay_lines(void **state)
{
	static const char *const bad[] = {"/srv/a\nExecStart=/bin/true", "/srv/a\r", "/srv/\x1b[2J",
	        "/srv/\xff\xfe", "/srv/\x7f", "/srv/\n* * * * * root reboot"};
	char *excludes[] = {NULL, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad) * 5; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		const char *value = bad[i / 5];
		struct err e = ERR_INIT;

		set_up(NULL);
		backup.excludes = excludes;
		excludes[0] = i % 5 == 0 ? (char *)value : NULL;
		backup.to = i % 5 == 1 ? value : "/srv/x";
		schedule.root = i % 5 == 2 ? value : NULL;
		schedule.program = i % 5 == 3 ? value : "/usr/bin/tare";
		schedule.state = i % 5 == 4 ? value : NULL;
		assert_int_equal(schedule_service(&schedule, &text, &e), -1);
		buf_reset(&text);
		assert_int_equal(schedule_cron(&schedule, &text, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_null(strpbrk(e.msg, "\n\r\x1b"));
	}
}

static void times_are_times(void **state)
{
	static const char *const bad_calendars[] = {
	        "", " daily", "daily\nPersistent=false", "daily%n", "\"daily\"", "daily;", "$x", "dai\\ly"};
	static const char *const bad_fields[] = {"", "* * * *", "* * * * * *", "* * * * * root reboot",
	        "* * * *\n*", "*  * * * *", "% * * * *", "30 2 * * 1-5 ", "Mon..Fri 02:30", "@daily",
	        "* * * * ;", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
	        "* * * * root", "* * * foo *", "5-1 * * * *", "*/0 * * * *", "*/ * * * *", "5/2 * * * *",
	        "1, * * * *", ",1 * * * *", "1- * * * *", "** * * * *", "100 * * * *", "mon * * * *",
	        "* * * jan-foo *", "1-2-3 * * * *", "*5 * * * *"};
	static const char *const good_fields[] = {
	        "0,30 0-23/2 1-31 JAN,mar-DEC 0-7", "59 23 31 12 sun", "*/5,7 * * * mon-fri"};
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_calendars) / sizeof(*bad_calendars); i++) {
		cleanup_buf struct buf text = BUF_INIT;

		schedule.when = bad_calendars[i];
		assert_int_equal(schedule_timer(&schedule, &text, &e), -1);
	}
	for (size_t i = 0; i < sizeof(bad_fields) / sizeof(*bad_fields); i++) {
		cleanup_buf struct buf text = BUF_INIT;

		schedule.when = bad_fields[i];
		assert_int_equal(schedule_cron(&schedule, &text, &e), -1);
	}
	for (size_t i = 0; i < sizeof(good_fields) / sizeof(*good_fields); i++) {
		cleanup_buf struct buf text = BUF_INIT;

		schedule.when = good_fields[i];
		assert_int_equal(schedule_cron(&schedule, &text, &e), 0);
	}
}

/* A unit's program must not have what cannot be quoted there; a line of cron has a hard end. */
static void what_cannot_be_written(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	char longest[1200];
	struct err e = ERR_INIT;

	(void)state;
	schedule.program = "/opt/$x/tare";
	assert_int_equal(schedule_service(&schedule, &text, &e), -1);
	schedule.program = "tare";
	assert_int_equal(schedule_service(&schedule, &text, &e), -1);
	schedule.program = "/usr/bin/tare";
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	backup.to = longest;
	assert_int_equal(schedule_cron(&schedule, &text, &e), -1);
	assert_non_null(strstr(e.msg, "shorter paths"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_service, set_up),
	        cmocka_unit_test_setup(a_timer, set_up),
	        cmocka_unit_test_setup(a_table_of_cron, set_up),
	        cmocka_unit_test_setup(names, set_up),
	        cmocka_unit_test_setup(values_stay_words_in_a_unit, set_up),
	        cmocka_unit_test_setup(values_stay_words_in_a_table, set_up),
	        cmocka_unit_test_setup(lines_stay_lines, set_up),
	        cmocka_unit_test_setup(times_are_times, set_up),
	        cmocka_unit_test_setup(what_cannot_be_written, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
