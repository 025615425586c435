/* Volumes, backups and files of the demo. Nothing is written to this machine. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/units.h"
#include "cli/demo_command.h"
#include "cli/moment.h"
#include "engine/tare.h"

#define NOT_WRITTEN "nothing was written: this is the demo"

/* ------------------------------------------------------------------ backup, restore */

static int backup(struct demo *d, struct err *e)
{
	const struct tare_backup q = {
	        .volume = d->operands[0],
	        .file = d->operands[1],
	        .to = demo_text(d, "to"),
	        .excludes = demo_list(d, "exclude"),
	        .pause = demo_flag(d, "pause"),
	        .key_file = demo_text(d, "key-file"),
	};
	__attribute__((cleanup(tare_backup_result_free))) struct tare_backup_result r = {0};
	char size[SIZE_TEXT_SIZE];
	int rc;

	if (!q.file == !q.to)
		return err_set(e, ERR_USAGE, "name a file, or a repository with --to DIR");
	if (demo_text(d, "schedule"))
		return err_set(e, ERR_UNSUPPORTED, "timers are not in the demo; leave out --demo");
	demo_begin_progress(d);
	rc = d->engine->volume_backup(d->engine, &q, &d->progress, &r, e);
	progress_end(&d->progress);
	if (rc < 0)
		return -1;
	if (d->quiet)
		puts(r.id ? r.id : q.file);
	else
		printf("%s: %" PRIu64 " files and directories, %s%s%s (%s)\n", q.volume, r.entries,
		        size_format_decimal(r.bytes, size), r.id ? ", backup " : "", r.id ? r.id : "",
		        NOT_WRITTEN);
	return 0;
}

static int restore(struct demo *d, struct err *e)
{
	const struct tare_restore q = {
	        .volume = d->operands[0],
	        .from = d->operands[1],
	        .into = demo_text(d, "into"),
	        .path = demo_text(d, "path"),
	        .dry_run = demo_flag(d, "dry-run"),
	        .force = demo_flag(d, "force"),
	        .key_file = demo_text(d, "key-file"),
	};
	__attribute__((cleanup(tare_restore_result_free))) struct tare_restore_result r = {0};
	char size[SIZE_TEXT_SIZE];
	int rc;

	demo_begin_progress(d);
	rc = d->engine->volume_restore(d->engine, &q, &d->progress, &r, e);
	progress_end(&d->progress);
	if (rc < 0)
		return -1;
	printf("%s: %s%" PRIu64 " files and directories, %s\n", r.volume, q.dry_run ? "would restore " : "",
	        r.entries, size_format_decimal(r.bytes, size));
	strv_foreach (s, r.running)
		fprintf(stderr, "tare: %s sees the old files until it is restarted: tare restart %s\n", *s,
		        *s);
	return 0;
}

/* ------------------------------------------------------------------ what there is */

static void print_backups(json *list)
{
	printf("%-16s  %-20s  %-25s  %9s  %6s  %9s\n", "ID", "VOLUME", "WHEN", "SIZE", "FILES", "NEW");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json *b = json_object_array_get_idx(list, i);
		char when[MOMENT_SIZE], size[SIZE_TEXT_SIZE], added[SIZE_TEXT_SIZE];

		printf("%-16s  %-20s  %-25s  %9s  %6" PRId64 "  %9s\n", json_str(b, "Id", ""),
		        json_str(b, "Volume", ""), moment_local(json_int(b, "Time", 0), when),
		        size_format_decimal((uint64_t)json_int(b, "Bytes", 0), size), json_int(b, "Files", 0),
		        size_format_decimal((uint64_t)json_int(b, "Added", 0), added));
	}
}

static void print_files(json *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json *f = json_object_array_get_idx(list, i);
		char size[SIZE_TEXT_SIZE], when[MOMENT_SIZE];

		printf("%-1s  %9s  %-25s  %s\n", json_str(f, "Change", " "),
		        size_format_decimal((uint64_t)json_int(f, "Size", 0), size),
		        moment_local(json_int(f, "Time", 0), when), json_str(f, "Path", ""));
	}
}

/* Those of one volume, where that is asked for. */
static json *of_volume(json *list, const char *volume)
{
	json *some = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json *row = json_object_array_get_idx(list, i);

		if (!volume || !strcmp(json_str(row, "Volume", ""), volume))
			json_object_array_add(some, json_object_get(row));
	}
	return some;
}

static int backups(struct demo *d, struct err *e)
{
	const char *dir = d->operands[0], *from = d->operands[1], *to = from ? d->operands[2] : NULL;
	cleanup_json json *list = NULL, *shown = NULL;

	if (from ? d->engine->volume_backup_compare(d->engine, dir, from, to, &list, e) < 0
	         : d->engine->volume_backups(d->engine, dir, &list, e) < 0)
		return -1;
	shown = from ? json_object_get(list) : of_volume(list, demo_text(d, "volume"));
	if (d->cli->json)
		return demo_print_json(shown);
	if (from)
		print_files(shown);
	else
		print_backups(shown);
	return 0;
}

/* ------------------------------------------------------------------ verify, forget */

/* Of a whole repository all its backups. */
static int verify(struct demo *d, struct err *e)
{
	const char *from = d->operands[0];
	__attribute__((cleanup(tare_restore_result_free))) struct tare_restore_result r = {0};
	cleanup_json json *list = NULL;
	cleanup_free char *newest = NULL;
	char size[SIZE_TEXT_SIZE];
	int rc;

	if (!strchr(from, '@') && d->engine->volume_backups(d->engine, from, &list, NULL) == 0)
		newest = str_printf("%s@latest", from);
	demo_begin_progress(d);
	rc = d->engine->volume_restore(d->engine,
	        &(struct tare_restore){.volume = "demo", .from = newest ? newest : from, .dry_run = true},
	        &d->progress, &r, e);
	progress_end(&d->progress);
	if (rc < 0)
		return -1;
	if (newest)
		printf("%s: %zu backup%s whole\n", from, json_object_array_length(list),
		        json_object_array_length(list) == 1 ? " is" : "s are");
	else
		printf("%s: whole, %" PRIu64 " files and directories, %s\n", from, r.entries,
		        size_format_decimal(r.bytes, size));
	return 0;
}

static int forget(struct demo *d, struct err *e)
{
	const struct tare_forget q = {
	        .dir = d->operands[0],
	        .ids = d->operands + 1,
	        .volume = demo_text(d, "volume"),
	        .dry_run = demo_flag(d, "dry-run"),
	};
	cleanup_json json *forgotten = NULL;

	if (!*q.ids)
		return err_set(e, ERR_UNSUPPORTED, "the demo forgets backups by their ids alone");
	if (d->engine->volume_forget(d->engine, &q, &forgotten, e) < 0)
		return -1;
	for (size_t i = 0; i < json_object_array_length(forgotten); i++)
		puts(json_str(json_object_array_get_idx(forgotten, i), "Id", ""));
	return 0;
}

static int prune(struct demo *d, struct err *e)
{
	cleanup_json json *list = NULL;

	if (d->engine->volume_backups(d->engine, d->operands[0], &list, e) < 0)
		return -1;
	puts("Total reclaimed space: 0B");
	return 0;
}

/* ------------------------------------------------------------------ files in and out */

static int copy(struct demo *d, struct err *e)
{
	const struct tare_copy q = {
	        .from = d->operands[0],
	        .to = d->operands[1],
	        .volume = demo_flag(d, "volume"),
	        .archive = demo_flag(d, "archive"),
	        .follow = demo_flag(d, "follow-link"),
	};
	int rc;

	demo_begin_progress(d);
	rc = d->engine->copy(d->engine, &q, &d->progress, e);
	progress_end(&d->progress);
	if (rc < 0)
		return -1;
	if (!d->quiet)
		printf("copied %s to %s (%s)\n", q.from, q.to, NOT_WRITTEN);
	return 0;
}

static int export(struct demo *d, struct err *e)
{
	const char *file = demo_text(d, "output");
	char id[TARE_ID_LEN + 1];

	if (d->engine->resolve(d->engine, d->operands[0], id, e) < 0)
		return -1;
	if (!file)
		return err_set(e, ERR_UNSUPPORTED, "the demo has no bytes to print; name a file with -o");
	printf("exported %s to %s (%s)\n", d->operands[0], file, NOT_WRITTEN);
	return 0;
}

const struct demo_command demo_volume_commands[] = {
        {"volume backup", backup},
        {"volume restore", restore},
        {"volume backups", backups},
        {"volume verify", verify},
        {"volume forget", forget},
        {"volume prune", prune},
        {"cp", copy},
        {"export", export},
        {NULL, NULL},
};
