/* volume restore. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/moment.h"
#include "cli/transfer.h"
#include "cli/transfer_backup.h"
#include "engine/tare.h"

/* "/a//b/./" as "a/b". What leads up is refused here, whatever the engine makes of it. */
static char *path_within(const char *text, struct err *e)
{
	cleanup_buf struct buf path = BUF_INIT;
	cleanup_free char *copy = strdup(text);
	char *rest = copy;

	for (char *part; rest && (part = text_next_part(&rest, "/"));) {
		if (strcmp(part, "..") == 0)
			return err_set_null(e, ERR_USAGE,
			        "--path \"%s\": name it from the volume's root, without ..", text);
		if (*part && strcmp(part, ".") != 0)
			buf_printf(&path, "%s%s", path.len ? "/" : "", part);
	}
	if (!path.len)
		return err_set_null(e, ERR_USAGE, "--path \"%s\" is the whole volume; leave it out", text);
	return buf_take(&path);
}

static json *restore_document(
        const struct tare_restore *q, const struct tare_restore_result *r, double seconds)
{
	json *doc = json_object_new_object();

	json_set_str(doc, "Volume", r->volume);
	json_set_str(doc, "From", q->from);
	if (r->id) {
		char moment[TIME_TEXT_SIZE];
		json_set_str(doc, "Id", r->id);
		json_set_str(doc, "BackupOf", r->of);
		json_set_str(doc, "BackupTime", time_format(r->time, moment));
	}
	json_set_bool(doc, "Made", r->made);
	json_set_bool(doc, "DryRun", q->dry_run);
	json_set_bool(doc, "Verified", !r->unverified);
	json_set_int(doc, "Entries", (int64_t)r->entries);
	json_set_int(doc, "Bytes", (int64_t)r->bytes);
	backup_set_seconds(doc, seconds);
	json_set_strv(doc, "Running", r->running);
	json_set_strv(doc, "Dropped", r->dropped);
	return doc;
}

/* "restored data: … from x.tar in 0.4 s; it replaced the files that were there" */
static void add_restored(
        struct buf *line, const struct tare_restore *q, const struct tare_restore_result *r, double seconds)
{
	const char *name = r->volume ? r->volume : q->into ? q->into : q->volume;
	char moment[MOMENT_SIZE];

	buf_printf(line, "%s %s: ", q->dry_run ? "would restore" : "restored", name);
	backup_add_amount(line, r->entries, r->bytes);
	buf_str_add(line, " from ");
	backup_add_name(line, strcmp(q->from, "-") == 0 ? "standard input" : q->from);
	if (r->id)
		buf_printf(line, ", backup %s of %s,", r->id, moment_local(r->time, moment));
	buf_printf(line, " in %.1f s; ", seconds);
	if (r->made) {
		buf_printf(line, "the volume %s", q->dry_run ? "would be made" : "is new");
		return;
	}
	buf_str_add(line, q->dry_run ? "it would replace " : "it replaced ");
	if (q->path)
		backup_add_name(line, q->path);
	else
		buf_str_add(line, "all files of the volume");
}

/* By its id any backup can be had, meant or not. */
static void tell_other(const struct tare_restore *q, const struct tare_restore_result *r)
{
	cleanup_buf struct buf name = BUF_INIT;

	if (!r->of || strcmp(r->of, q->volume) == 0)
		return;
	backup_add_name(&name, r->of);
	log_line(LOG_LEVEL_WARN, "backup %s is one of the volume %s, not of %s", r->id, buf_str(&name),
	        q->volume);
}

static int tell_restore(const struct cli *cli, const struct tare_restore *q,
        const struct tare_restore_result *r, double seconds)
{
	cleanup_buf struct buf line = BUF_INIT;

	if (r->unverified)
		log_line(LOG_LEVEL_WARN,
		        "this archive was not made by tare volume backup: only its form could be checked");
	tell_other(q, r);
	backup_warn_each("this file system cannot keep", r->dropped);
	strv_foreach (name, r->running)
		log_line(LOG_LEVEL_WARN,
		        "%s runs and %s the old files until it is restarted: tare restart %s", *name,
		        q->dry_run ? "would see" : "sees", *name);
	if (cli->json) {
		cleanup_json json *doc = restore_document(q, r, seconds);
		return transfer_print_json(doc);
	}
	add_restored(&line, q, r, seconds);
	return puts(buf_str(&line)) < 0 ? -1 : 0;
}

static int restore(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct volume_restore_options *o = options;
	__attribute__((cleanup(tare_restore_result_free))) struct tare_restore_result r = {0};
	cleanup_free char *path = o->path ? path_within(o->path, e) : NULL;
	struct progress p = PROGRESS_NONE;
	int64_t begin = now_boottime();
	const struct tare_restore q = {
	        .volume = operands[0],
	        .from = operands[1],
	        .into = o->into,
	        .path = path,
	        .dry_run = o->dry_run,
	        .force = o->force,
	        .key_file = o->key_file,
	};

	if (o->path && !path)
		return -1;
	transfer_progress(&p, &o->progress);
	int rc = tare_volume_restore(cli->root, cli->state, &q, &p, &r, e);
	progress_end(&p);
	return rc < 0 ? -1 : tell_restore(cli, &q, &r, (double)(now_boottime() - begin) / 1e9);
}

const struct transfer_verb transfer_restore_verbs[] = {
        {"volume restore", restore,
                "a volume has all of its old files, or all of the new ones; one that is new is there whole, "
                "or not at all"},
        {0},
};
