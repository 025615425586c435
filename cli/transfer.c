/* tare-transfer: the commands that move image archives. `tare` replaces itself by this program, so that
 * no other command waits for the libraries it needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/archive_options.h"
#include "cli/command.h"
#include "cli/transfer_guard.h"
#include "engine/tare.h"

static void begin_progress(struct progress *p, const struct archive_progress_options *o)
{
	progress_init(p, (int)o->fd, o->quiet);
}

static int print_json(json *j)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_print(&b, j, JSON_PRETTY);
	return puts(buf_str(&b)) < 0 ? -1 : 0;
}

static int import_image(struct cli *cli, const struct import_options *o, char **operands, struct err *e)
{
	struct progress p = PROGRESS_NONE;
	cleanup_free char *id = NULL;
	const struct tare_import request = {
	        .file = operands[0],
	        .reference = operands[1],
	        .changes = o->changes,
	        .message = o->message,
	        .platform = o->platform,
	};
	begin_progress(&p, &o->progress);
	int rc = tare_image_import(cli->root, cli->state, &request, &p, &id, e);
	progress_end(&p);
	if (rc < 0)
		return -1;
	if (cli->json) {
		cleanup_json json *j = json_object_new_object();
		json_set_str(j, "Id", id);
		return print_json(j);
	}
	return puts(id) < 0 ? -1 : 0;
}

static int load_images(struct cli *cli, const struct load_options *o, char **operands, struct err *e)
{
	struct progress p = PROGRESS_NONE;
	cleanup_strv char **loaded = NULL;
	const char *file = o->input ? o->input : operands[0] ? operands[0] : "-";
	begin_progress(&p, &o->progress);
	int rc = tare_image_load(cli->root, cli->state, file, &p, &loaded, e);
	progress_end(&p);
	if (rc < 0)
		return -1;
	if (cli->json) {
		cleanup_json json *j = json_object_new_object();
		json_set_strv(j, "Loaded", loaded);
		return print_json(j);
	}
	strv_foreach (name, loaded) {
		bool id = strncmp(*name, "sha256:", 7) == 0;
		printf("Loaded image%s: %s\n", id ? " ID" : "", *name);
	}
	return 0;
}

static int save_images(struct cli *cli, const struct save_options *o, char **operands, struct err *e)
{
	struct progress p = PROGRESS_NONE;
	enum tare_save_format format = TARE_SAVE_OCI;
	if (o->format && strcmp(o->format, "docker-archive") == 0)
		format = TARE_SAVE_DOCKER;
	else if (o->format && strcmp(o->format, "oci-archive") != 0)
		return err_set(e, ERR_USAGE,
		        "unknown --format \"%.100s\"; expected oci-archive or docker-archive", o->format);
	begin_progress(&p, &o->progress);
	int rc = tare_image_save(cli->root, cli->state, operands, o->output ? o->output : "-", format, &p, e);
	progress_end(&p);
	return rc;
}

struct job {
	struct cli *cli;
	void *options;
	char **operands;
};

static int work(void *arg)
{
	const struct job *job = arg;
	struct cli *cli = job->cli;
	struct err e = ERR_INIT;
	const char *word = cli->command->words;
	int rc = -1;
	if (strcmp(word, "import") == 0)
		rc = import_image(cli, job->options, job->operands, &e);
	else if (strcmp(word, "load") == 0)
		rc = load_images(cli, job->options, job->operands, &e);
	else if (strcmp(word, "save") == 0)
		rc = save_images(cli, job->options, job->operands, &e);
	else
		err_set(&e, ERR_USAGE, "tare-transfer has no command \"%s\"", word);
	if (rc == 0 && fflush(stdout) != 0)
		rc = err_sys(&e, "cannot write the result");
	return rc < 0 ? cli_fail(cli, &e) : 0;
}

static int run(struct cli *cli, void *options, char **operands)
{
	struct job job = {cli, options, operands};
	return transfer_guard(cli, work, &job);
}

static int run_bare(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	(void)options;
	(void)operands;
	err_set(&e, ERR_USAGE, "tare-transfer is a helper of tare; try: tare help");
	return cli_fail(cli, &e);
}

int main(int argc, char **argv)
{
	static const struct command *const tables[] = {archive_commands, NULL};
	static const struct program transfer = {
	        .name = "tare-transfer", .tables = tables, .run_other = run, .run_bare = run_bare};
	return program_main(&transfer, argc, argv);
}
