/* volume backup, now or by a schedule. */
#include "cli/transfer_backup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/transfer.h"
#include "engine/tare.h"

#define LINES_SHOWN 50

/* ------------------------------------------------------------------ words that others say, too */

char *backup_count_text(uint64_t n, char dst[BACKUP_COUNT_SIZE])
{
	char digits[BACKUP_COUNT_SIZE];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), k = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			dst[k++] = ',';
		dst[k++] = digits[i];
	}
	dst[k] = 0;
	return dst;
}

void backup_add_amount(struct buf *b, uint64_t entries, uint64_t bytes)
{
	char count[BACKUP_COUNT_SIZE], size[SIZE_TEXT_SIZE];

	buf_printf(b, "%s %s, %s", backup_count_text(entries, count),
	        entries == 1 ? "file or directory" : "files and directories",
	        size_format_decimal(bytes, size));
}

void backup_add_name(struct buf *b, const char *name)
{
	text_harmless(b, name, strlen(name));
}

/* A double by itself would show what it is made of. */
void backup_set_seconds(json *doc, double seconds)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", seconds);
	json_set(doc, "Seconds", json_object_new_double_s(seconds, text));
}

/* Names of files are in them. */
void backup_warn_each(const char *what, char *const *lines)
{
	size_t n = strv_len(lines);

	for (size_t i = 0; i < n && i < LINES_SHOWN; i++) {
		cleanup_buf struct buf line = BUF_INIT;

		backup_add_name(&line, lines[i]);
		log_line(LOG_LEVEL_WARN, "%s: %s", what, buf_str(&line));
	}
	if (n > LINES_SHOWN)
		log_line(LOG_LEVEL_WARN, "%s: %zu more", what, n - LINES_SHOWN);
}

void backup_keep_rules(struct tare_forget *q, const struct keep_options *k)
{
	q->last = (unsigned)k->last;
	q->hourly = (unsigned)k->hourly;
	q->daily = (unsigned)k->daily;
	q->weekly = (unsigned)k->weekly;
	q->monthly = (unsigned)k->monthly;
	q->yearly = (unsigned)k->yearly;
}

/* ------------------------------------------------------------------ backup */

static int parse_format(const char *text, enum tare_backup_format *format, struct err *e)
{
	static const struct {
		const char *name;
		enum tare_backup_format format;
	} names[] = {
	        {"tar", TARE_BACKUP_TAR},
	        {"tar.gz", TARE_BACKUP_GZIP},
	        {"tgz", TARE_BACKUP_GZIP},
	        {"gzip", TARE_BACKUP_GZIP},
	        {"gz", TARE_BACKUP_GZIP},
	        {"tar.zst", TARE_BACKUP_ZSTD},
	        {"tzst", TARE_BACKUP_ZSTD},
	        {"zstd", TARE_BACKUP_ZSTD},
	        {"zst", TARE_BACKUP_ZSTD},
	};

	for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i].name) != 0)
			continue;
		*format = names[i].format;
		return 0;
	}
	if (text)
		return err_set(
		        e, ERR_USAGE, "unknown --format \"%.100s\"; expected tar, tar.gz or tar.zst", text);
	*format = TARE_BACKUP_BY_NAME;
	return 0;
}

static bool has_keep(const struct keep_options *k)
{
	return k->last || k->hourly || k->daily || k->weekly || k->monthly || k->yearly;
}

static int check_where(const struct volume_backup_options *o, const char *file, struct err *e)
{
	struct stat st;

	if (o->schedule && (file || !o->to))
		return err_set(e, ERR_USAGE, "--schedule is for backups into a repository; add --to DIR%s",
		        file ? ", and name no file" : "");
	if (!file && !o->to)
		return err_set(e, ERR_USAGE,
		        "where to? name a file, - for standard output, or a repository with --to DIR");
	if (file && !o->to && stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE,
		        "\"%s\" is a directory; for a backup into the repository there: --to %s", file, file);
	if (file && o->to)
		return err_set(e, ERR_USAGE,
		        "a backup goes either to a file or --to a repository, but got \"%s\" and \"%s\"",
		        file, o->to);
	if (file && strcmp(file, "-") == 0 && isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE,
		        "an archive is nothing for a terminal; name a file, or send it to another command");
	return 0;
}

/* Whoever finds a plain tar under one of these names later cannot open it. */
static int check_name(const char *file, struct err *e)
{
	static const char *const good[] = {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"};
	static const char *const others[] = {".gz", ".zst", ".xz", ".txz", ".bz2", ".tbz", ".tbz2", ".lz",
	        ".lz4", ".lzma", ".lzo", ".br", ".z", ".zip", ".7z", ".rar", ".cpio", ".age", ".gpg"};
	size_t len = strlen(file);

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (len > strlen(good[i]) && strcmp(file + len - strlen(good[i]), good[i]) == 0)
			return 0;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (len > strlen(others[i]) && strcasecmp(file + len - strlen(others[i]), others[i]) == 0)
			return err_set(e, ERR_USAGE,
			        "%s is no name for what this makes; end it in .tar, .tar.gz or .tar.zst, or "
			        "say which with --format",
			        file);
	return 0;
}

static int check_backup(const struct volume_backup_options *o, const char *file, struct err *e)
{
	if (check_where(o, file, e) < 0 || (file && !o->format && check_name(file, e) < 0))
		return -1;
	strv_foreach (pattern, o->excludes)
		if (!**pattern)
			return err_set(e, ERR_USAGE, "--exclude is empty; name a path or a pattern");
	if (o->to && (o->format || o->level != -1))
		return err_set(e, ERR_USAGE, "--%s is for archives; a repository has a form of its own",
		        o->format ? "format" : "level");
	if (file && o->key_file)
		return err_set(
		        e, ERR_USAGE, "an archive is not encrypted; leave out --key-file, or use --to DIR");
	if (!o->schedule && has_keep(&o->keep))
		return err_set(e, ERR_USAGE,
		        "--keep-… is a rule for --schedule; to forget backups now: tare volume forget");
	return 0;
}

static json *backup_document(const struct tare_backup *q, const struct tare_backup_result *r, double seconds)
{
	json *doc = json_object_new_object();

	json_set_str(doc, "Volume", q->volume);
	json_set_str(doc, q->to ? "Repository" : "File", q->to ? q->to : q->file);
	if (r->id)
		json_set_str(doc, "Id", r->id);
	json_set_int(doc, "Entries", (int64_t)r->entries);
	json_set_int(doc, "Bytes", (int64_t)r->bytes);
	json_set_int(doc, "Written", (int64_t)r->written);
	backup_set_seconds(doc, seconds);
	json_set_strv(doc, "Skipped", r->skipped);
	return doc;
}

/* Where the archive itself goes to standard output, the words go beside it. */
static int tell_backup(const struct cli *cli, const struct tare_backup *q, const struct tare_backup_result *r,
        double seconds)
{
	bool beside = q->file && strcmp(q->file, "-") == 0;
	cleanup_buf struct buf line = BUF_INIT;
	char size[SIZE_TEXT_SIZE];

	backup_warn_each("not in the backup", r->skipped);
	if (cli->json && !beside) {
		cleanup_json json *doc = backup_document(q, r, seconds);
		return transfer_print_json(doc);
	}
	buf_printf(&line, "backed up %s: ", q->volume);
	backup_add_amount(&line, r->entries, r->bytes);
	buf_printf(&line, " in %.1f s to ", seconds);
	backup_add_name(&line, q->to ? q->to : beside || !q->file ? "standard output" : q->file);
	if (r->id)
		buf_printf(&line, " as %s", r->id);
	buf_printf(&line, " (%s%s)\n", size_format_decimal(r->written, size), r->id ? " written" : "");
	return fputs(buf_str(&line), beside ? stderr : stdout) < 0 ? -1 : 0;
}

static int back_up_now(
        struct cli *cli, const struct volume_backup_options *o, const struct tare_backup *q, struct err *e)
{
	__attribute__((cleanup(tare_backup_result_free))) struct tare_backup_result r = {0};
	struct progress p = PROGRESS_NONE;
	int64_t begin = now_boottime();
	bool had_key = !q->key_file || access(q->key_file, F_OK) == 0;

	transfer_progress(&p, &o->progress);
	int rc = tare_volume_backup(cli->root, cli->state, q, &p, &r, e);
	progress_end(&p);
	if (!had_key && access(q->key_file, F_OK) == 0)
		log_line(LOG_LEVEL_WARN,
		        "made the key %s: keep a copy of it elsewhere, since without it no backup can be "
		        "read",
		        q->key_file);
	return rc < 0 ? -1 : tell_backup(cli, q, &r, (double)(now_boottime() - begin) / 1e9);
}

/* ------------------------------------------------------------------ schedule */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As a shell finds it. */
static char *find_in_path(const char *name)
{
	const char *path = getenv("PATH");
	cleanup_free char *dirs = strdup(path ? path : "");
	char *rest = dirs;

	for (char *dir; rest && (dir = text_next_part(&rest, ":"));) {
		cleanup_free char *file = dir[0] == '/' ? str_printf("%s/%s", dir, name) : NULL;

		if (file && is_program(file))
			return steal_ptr(&file);
	}
	return NULL;
}

/* The `tare` that we were started by: beside us in a checkout; installed, it is what was typed. */
static char *own_program(const struct cli *cli, struct err *e)
{
	const char *typed = cli->argv[0] ? cli->argv[0] : "tare";
	char beside[PATH_MAX], real[PATH_MAX];
	char *found;

	if (helper_path("tare", beside, sizeof(beside), NULL) == 0 && is_program(beside))
		return strdup(beside);
	if (strchr(typed, '/'))
		found = realpath(typed, real) && is_program(real) ? strdup(real) : NULL;
	else
		found = find_in_path(typed);
	return found ? found
	             : err_set_null(e, ERR_NOT_FOUND,
	                       "cannot find the program tare for the schedule; start it by its whole path");
}

/* There is one for each volume, and its backups go to one repository. */
static void tell_replaced(json *before, json *now)
{
	const char *when = json_str(before, "When", NULL), *where = json_str(before, "Repository", "");
	const char *to = json_str(now, "Repository", "");
	cleanup_buf struct buf line = BUF_INIT;

	if (!when || (strcmp(where, to) == 0 && strcmp(when, json_str(now, "When", "")) == 0))
		return;
	buf_printf(&line, "this replaces the schedule that was there: %s, to ", when);
	backup_add_name(&line, where);
	if (strcmp(where, to) != 0)
		buf_str_add(&line, ", which gets no more backups of this volume");
	log_line(LOG_LEVEL_WARN, "%s", buf_str(&line));
}

static int tell_schedule(
        const struct cli *cli, const char *volume, const char *when, char *const *files, json *before)
{
	bool none = strcmp(when, "none") == 0;

	if (cli->json) {
		cleanup_json json *doc = json_object_new_object();
		json_set_str(doc, "Volume", volume);
		json_set_str(doc, "Schedule", when);
		json_set_strv(doc, "Files", files);
		if (before)
			json_set(doc, "Replaced", json_object_get(before));
		return transfer_print_json(doc);
	}
	if (none && strv_len(files) == 0)
		return printf("%s has no schedule\n", volume) < 0 ? -1 : 0;
	strv_foreach (file, files)
		if (printf("%s %s\n", none ? "removed" : "wrote", *file) < 0)
			return -1;
	return 0;
}

static int schedule(
        struct cli *cli, const struct volume_backup_options *o, const struct tare_backup *q, struct err *e)
{
	struct tare_forget keep = {.dir = q->to, .key_file = q->key_file, .volume = q->volume, .prune = true};
	cleanup_free char *program = own_program(cli, e);
	cleanup_strv char **wrote = NULL;
	cleanup_json json *before = NULL, *now = NULL;
	const struct tare_backup_schedule s = {
	        .backup = q,
	        .when = o->schedule,
	        .keep = has_keep(&o->keep) ? &keep : NULL,
	        .program = program,
	        .root = cli->root,
	        .state = cli->state,
	};

	backup_keep_rules(&keep, &o->keep);
	(void)tare_volume_schedule(cli->root, q->volume, &before, NULL);
	if (!program || tare_backup_schedule(&s, &wrote, e) < 0)
		return -1;
	if (before && !cli->json && tare_volume_schedule(cli->root, q->volume, &now, NULL) == 0 && now)
		tell_replaced(before, now);
	return tell_schedule(cli, q->volume, o->schedule, wrote, before);
}

static int backup(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct volume_backup_options *o = options;
	struct tare_backup q = {
	        .volume = operands[0],
	        .file = operands[1],
	        .to = o->to,
	        .level = (int)o->level,
	        .threads = (unsigned)o->threads,
	        .excludes = o->excludes,
	        .pause = o->pause,
	        .key_file = o->key_file,
	};

	if (o->schedule && strcmp(o->schedule, "none") == 0 && !operands[1])
		return schedule(cli, o, &q, e);
	if (check_backup(o, operands[1], e) < 0 || parse_format(o->format, &q.format, e) < 0)
		return -1;
	return o->schedule ? schedule(cli, o, &q, e) : back_up_now(cli, o, &q, e);
}

const struct transfer_verb transfer_backup_verbs[] = {
        {"volume backup", backup, "no backup was made"},
        {0},
};
