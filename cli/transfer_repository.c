/* volume verify, volume forget, and volume prune of a repository. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/transfer.h"
#include "cli/transfer_backup.h"
#include "engine/tare.h"

/* ------------------------------------------------------------------ verify */

struct damages {
	const struct cli *cli;
	struct progress *progress;
	char **lines;
	uint64_t told, files;
};

/* A repository may have a lot of it, so each is told when it is met. */
static void damaged(void *arg, const char *line)
{
	struct damages *d = arg;
	cleanup_buf struct buf text = BUF_INIT;

	text_harmless(&text, line, strlen(line));
	d->told++;
	d->files += line[0] == '"'; /* which only the name of a file begins with */
	if (d->cli->json) {
		(void)strv_add(&d->lines, buf_str(&text));
		return;
	}
	progress_end(d->progress);
	printf("damaged: %s\n", buf_str(&text));
}

static int tell_verified(
        const struct cli *cli, const char *from, const struct damages *d, const struct tare_verified *v)
{
	uint64_t n = v->damaged;
	char count[BACKUP_COUNT_SIZE], size[SIZE_TEXT_SIZE];
	cleanup_buf struct buf line = BUF_INIT;

	if (cli->json) {
		cleanup_json json *doc = json_object_new_object();
		json_set_str(doc, "From", from);
		json_set_bool(doc, "Whole", n == 0);
		json_set_strv(doc, "Damaged", d->lines);
		if (v->backups) {
			json_set_int(doc, "Backups", (int64_t)v->backups);
			json_set_int(doc, "Bytes", (int64_t)v->bytes);
		}
		return transfer_print_json(doc);
	}
	backup_add_name(&line, strcmp(from, "-") == 0 ? "standard input" : from);
	/* a damaged chunk is one place, and every file that needs it is hit; that is what counts */
	if (n && d->files && d->told == n)
		n = d->files;
	if (n)
		buf_printf(&line, " is damaged in %s %s%s", backup_count_text(n, count),
		        n == d->files ? "file" : "place", n == 1 ? "" : "s");
	else
		buf_str_add(&line, " is whole");
	if (v->backups)
		buf_printf(&line, " (%s backup%s, %s)", backup_count_text(v->backups, count),
		        v->backups == 1 ? "" : "s", size_format_decimal(v->bytes, size));
	return puts(buf_str(&line)) < 0 ? -1 : 0;
}

static int verify(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct volume_verify_options *o = options;
	struct progress p = PROGRESS_NONE;
	struct damages d = {.cli = cli, .progress = &p};
	struct tare_verified v = {0};

	transfer_progress(&p, &o->progress);
	int rc = tare_backup_verify(operands[0], o->key_file, &p, damaged, &d, &v, e);
	progress_end(&p);
	if (rc == 0)
		rc = tell_verified(cli, operands[0], &d, &v);
	strv_free(d.lines);
	return rc < 0 ? -1 : v.damaged ? 1 : 0;
}

/* ------------------------------------------------------------------ forget, prune */

static int tell_forgotten(
        const struct cli *cli, const struct tare_forget *q, json *rows, uint64_t freed, struct err *e)
{
	size_t n = json_object_array_length(rows);
	char moment[MOMENT_SIZE], size[SIZE_TEXT_SIZE];

	if (cli->json) {
		cleanup_json json *doc = json_object_new_object();
		json_set(doc, "Forgotten", json_object_get(rows));
		json_set_int(doc, "SpaceReclaimed", (int64_t)freed);
		return document_print(doc, NULL, e);
	}
	for (size_t i = 0; i < n; i++) {
		json *row = json_object_array_get_idx(rows, i);
		cleanup_buf struct buf line = BUF_INIT, shown = BUF_INIT;

		/* the names are the repository's, which somebody else may have written */
		buf_printf(&line, "%s %s of %s, ", q->dry_run ? "would forget" : "forgot",
		        json_str(row, "Id", ""), json_str(row, "Volume", ""));
		buf_str_add(&line, moment_local(json_int(row, "Time", 0), moment));
		backup_add_name(&shown, buf_str(&line));
		puts(buf_str(&shown));
	}
	if (n == 0)
		puts("nothing to forget: the rules keep all backups");
	if (q->prune && !q->dry_run)
		printf("Total reclaimed space: %s\n", size_format_decimal(freed, size));
	return 0;
}

static int forget(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct volume_forget_options *o = options;
	struct progress p = PROGRESS_NONE;
	cleanup_json json *rows = NULL;
	uint64_t freed = 0;
	struct tare_forget q = {
	        .dir = operands[0],
	        .ids = operands[1] ? operands + 1 : NULL,
	        .volume = o->volume,
	        .key_file = o->key_file,
	        .prune = o->prune,
	        .dry_run = o->dry_run,
	};

	backup_keep_rules(&q, &o->keep);
	transfer_progress(&p, &o->progress);
	int rc = tare_backup_forget(&q, &p, &rows, &freed, e);
	progress_end(&p);
	return rc < 0 ? -1 : tell_forgotten(cli, &q, rows, freed, e);
}

static int prune(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct volume_prune_options *o = options;
	struct progress p = PROGRESS_NONE;
	char size[SIZE_TEXT_SIZE];
	uint64_t freed = 0;

	if (o->all || o->filters)
		return err_set(e, ERR_USAGE,
		        "--%s is about volumes, and \"%s\" is a repository; leave one out",
		        o->all ? "all" : "filter", operands[0]);
	transfer_progress(&p, &o->progress);
	int rc = tare_backup_prune(operands[0], o->key_file, o->dry_run, &p, &freed, e);
	progress_end(&p);
	if (rc < 0)
		return -1;
	if (cli->json) {
		cleanup_json json *doc = json_object_new_object();
		json_set_int(doc, "SpaceReclaimed", (int64_t)freed);
		return document_print(doc, NULL, e);
	}
	printf("%s: %s\n", o->dry_run ? "Would be reclaimed" : "Total reclaimed space",
	        size_format_decimal(freed, size));
	return 0;
}

const struct transfer_verb transfer_repository_verbs[] = {
        {"volume verify", verify, NULL},
        {"volume forget", forget, "what it said is forgotten, the other backups are whole; give it again"},
        {"volume prune", prune, "all backups are whole; give it again to free the rest"},
        {0},
};
