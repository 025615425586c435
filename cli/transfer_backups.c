/* volume backups: the backups in a repository, the files of one, what changed between two. */
#include "cli/transfer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/backup_options.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ backups */

static const struct field backup_fields[] = {
        {"ID", "ID", 0, false},
        {"Volume", "VOLUME", 0, false},
        {"When", "WHEN", 0, false},
        {"Size", "SIZE", 0, false},
        {"Files", "FILES", 0, false},
        {"New", "NEW", 0, false},
        {"Stored", "STORED", 0, false},
        {"Entries", "ENTRIES", 0, false},
        {"Host", "HOST", 1, false},
        {NULL, NULL, 0, false},
};

static const struct list_view backup_view = {
        .fields = backup_fields,
        .columns = "ID Volume When Size Files New",
        .id = "ID",
};

static void set_size(json *row, const char *key, int64_t bytes)
{
	char size[SIZE_TEXT_SIZE];

	json_set_str(row, key, size_format_decimal((uint64_t)bytes, size));
}

static void set_count(json *row, const char *key, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)n);
	json_set_str(row, key, text);
}

/* --format json is for programs: numbers as they are, and times that need no parsing of names of zones. */
static bool for_programs(const struct list_format *how)
{
	return how->format && strcmp(how->format, "json") == 0;
}

static json *backup_numbers(json *b)
{
	json *row = json_object_new_object();
	char moment[TIME_TEXT_SIZE];

	json_set_str(row, "ID", json_str(b, "Id", ""));
	json_set_str(row, "Volume", json_str(b, "Volume", ""));
	json_set_str(row, "When", time_format(json_int(b, "Time", 0), moment));
	json_set_int(row, "Size", json_int(b, "Bytes", 0));
	json_set_int(row, "Files", json_int(b, "Files", 0));
	json_set_int(row, "New", json_int(b, "Added", 0));
	json_set_int(row, "Stored", json_int(b, "Stored", 0));
	json_set_int(row, "Entries", json_int(b, "Entries", 0));
	json_set_str(row, "Host", json_str(b, "Host", ""));
	return row;
}

/* A table's cells are texts. */
static json *backup_row(json *b)
{
	json *row = backup_numbers(b);
	char moment[MOMENT_SIZE];

	json_set_str(row, "When", moment_local(json_int(b, "Time", 0), moment));
	set_size(row, "Size", json_int(b, "Bytes", 0));
	set_count(row, "Files", json_int(b, "Files", 0));
	set_size(row, "New", json_int(b, "Added", 0));
	set_size(row, "Stored", json_int(b, "Stored", 0));
	set_count(row, "Entries", json_int(b, "Entries", 0));
	return row;
}

/* Of one host nobody needs the name. */
static bool several_hosts(json *list)
{
	json *first = json_object_array_get_idx(list, 0);

	for (size_t i = 1; i < json_object_array_length(list); i++)
		if (strcmp(json_str(json_object_array_get_idx(list, i), "Host", ""),
		            json_str(first, "Host", "")) != 0)
			return true;
	return false;
}

/* --json gives the whole documents. */
static int list_backups(
        const struct cli *cli, const struct volume_backups_options *o, const char *dir, struct err *e)
{
	cleanup_rows struct rows rows = ROWS_INIT;
	cleanup_json json *list = NULL;
	struct list_format how = o->list;

	if (tare_backups(dir, o->volume, o->key_file, &list, e) < 0)
		return -1;
	if (cli->json && !o->list.format && !o->list.quiet)
		return document_print(list, NULL, e);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json *b = json_object_array_get_idx(list, i);
		json *row = for_programs(&how) ? backup_numbers(b) : backup_row(b);
		if (rows_add(&rows, row, NULL, TONE_PLAIN, e) < 0)
			return -1;
	}
	if (several_hosts(list))
		how.columns = "ID Volume Host When Size Files New";
	return list_print(cli, &backup_view, &how, &rows, e);
}

/* ------------------------------------------------------------------ files
 *
 * There may be millions, so they are printed as they come, in columns of a fixed width. Only a template of
 * the user's needs all of them at once. */

static const struct field file_fields[] = {
        {"Change", "CHANGE", 0, false},
        {"Mode", "MODE", 0, false},
        {"Size", "SIZE", 0, false},
        {"Modified", "MODIFIED", 1, false},
        {"Path", "PATH", 0, false},
        {NULL, NULL, 0, false},
};

static const struct list_view file_view = {
        .fields = file_fields,
        .columns = "Mode Size Modified Path",
        .id = "Path",
};

#define MODE_TEXT_SIZE 11
/* "drwxr-xr-x", as ls says it */
static char *mode_text(unsigned mode, char dst[MODE_TEXT_SIZE])
{
	static const char types[] = "?pc?d?b?-?l?s???"; /* by the four bits of the type */
	static const char bits[] = "rwxrwxrwx";

	dst[0] = types[(mode & S_IFMT) >> 12];
	for (int i = 0; i < 9; i++)
		dst[i + 1] = mode & (0400U >> i) ? bits[i] : '-';
	if (mode & S_ISUID)
		dst[3] = dst[3] == 'x' ? 's' : 'S';
	if (mode & S_ISGID)
		dst[6] = dst[6] == 'x' ? 's' : 'S';
	if (mode & S_ISVTX)
		dst[9] = dst[9] == 'x' ? 't' : 'T';
	dst[10] = 0;
	return dst;
}

/* What of it goes to the screen. */
struct listing {
	const struct cli *cli;
	const struct volume_backups_options *options;
	bool changes; /* of two */
	uint64_t n;
	struct rows rows; /* for a template */
};

static int add_row(struct listing *l, const struct tare_backup_file *f, struct err *e)
{
	cleanup_json json *file = tare_backup_file_json(f);
	json *row = json_object_new_object();
	char mode[MODE_TEXT_SIZE], moment[MOMENT_SIZE], time[TIME_TEXT_SIZE];
	bool numbers = for_programs(&l->options->list);

	json_set_str(row, "Change", json_str(file, "Change", ""));
	json_set_str(row, "Mode", mode_text(f->mode, mode));
	if (numbers)
		json_set_int(row, "Size", (int64_t)f->size);
	else
		set_size(row, "Size", (int64_t)f->size);
	json_set_str(row, "Modified", numbers ? time_format(f->mtime, time) : moment_local(f->mtime, moment));
	json_set_str(row, "Path", json_str(file, "Path", ""));
	return rows_add(&l->rows, row, NULL, TONE_PLAIN, e);
}

static void print_json_row(const struct listing *l, const struct tare_backup_file *f)
{
	cleanup_json json *row = tare_backup_file_json(f);
	cleanup_buf struct buf text = BUF_INIT;

	json_print(&text, row, JSON_COMPACT);
	printf("%s\n  %s", l->n ? "," : "", buf_str(&text));
}

static void print_line(const struct listing *l, const struct tare_backup_file *f)
{
	cleanup_buf struct buf path = BUF_INIT;
	char mode[MODE_TEXT_SIZE], moment[MOMENT_SIZE], size[SIZE_TEXT_SIZE];

	text_harmless(&path, f->path, strlen(f->path));
	if (l->changes)
		printf("%-9c", f->change);
	printf("%-13s%-9s%-31s%s\n", mode_text(f->mode, mode), size_format_decimal(f->size, size),
	        moment_local(f->mtime, moment), buf_str(&path));
}

static void print_path(const struct tare_backup_file *f)
{
	cleanup_buf struct buf path = BUF_INIT;

	text_harmless(&path, f->path, strlen(f->path));
	puts(buf_str(&path));
}

static bool is_array(const struct listing *l)
{
	return l->cli->json && !l->options->list.format && !l->options->list.quiet;
}

/* Only once it is known that there is a backup. */
static void print_head(const struct listing *l)
{
	if (is_array(l))
		putchar('[');
	else if (!l->options->list.format && !l->options->list.quiet)
		printf("%s%-13s%-9s%-31s%s\n", l->changes ? "CHANGE   " : "", "MODE", "SIZE", "MODIFIED",
		        "PATH");
}

static int list_file(void *arg, const struct tare_backup_file *f, struct err *e)
{
	struct listing *l = arg;
	const struct list_format *how = &l->options->list;

	if (l->n == 0)
		print_head(l);
	if (how->quiet)
		print_path(f);
	else if (how->format)
		return add_row(l, f, e);
	else if (l->cli->json)
		print_json_row(l, f);
	else
		print_line(l, f);
	l->n++;
	return ferror(stdout) ? err_set(e, ERR_OTHER, "cannot write to standard output") : 0;
}

static int list_files(
        const struct cli *cli, const struct volume_backups_options *o, char **operands, struct err *e)
{
	const char *dir = operands[0], *from = operands[1], *to = operands[2];
	struct listing l = {.cli = cli, .options = o, .changes = to != NULL};
	int rc = tare_backup_files(dir, o->volume, from, to, o->key_file, list_file, &l, e);

	if (rc == 0 && l.n == 0)
		print_head(&l);
	if (rc == 0 && is_array(&l))
		puts(l.n ? "\n]" : "]");
	if (rc == 0 && o->list.format && !o->list.quiet)
		rc = list_print(cli, &file_view, &o->list, &l.rows, e);
	rows_free(&l.rows);
	return rc;
}

static int backups(struct cli *cli, void *options, char **operands, struct err *e)
{
	return operands[1] ? list_files(cli, options, operands, e)
	                   : list_backups(cli, options, operands[0], e);
}

const struct transfer_verb transfer_backups_verbs[] = {
        {"volume backups", backups, NULL},
        {0},
};
