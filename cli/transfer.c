/* tare-transfer: the commands that move images. `tare` replaces itself by this program, so that no other
 * command waits for the libraries it needs. */
#include "cli/transfer.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/archive_options.h"
#include "cli/backup_options.h"
#include "cli/commit_options.h"
#include "cli/copy_options.h"
#include "cli/login_options.h"
#include "cli/progress_options.h"
#include "cli/pull_options.h"
#include "cli/push_options.h"
#include "cli/transfer_fetch.h"
#include "cli/transfer_guard.h"
#include "engine/tare.h"

#define LARGE_WINDOW (4 << 20)

void transfer_progress(struct progress *p, const struct progress_options *o)
{
	progress_init(p, (int)o->fd, o->quiet);
}

int transfer_print_json(json *j)
{
	cleanup_buf struct buf b = BUF_INIT;
	json_print(&b, j, JSON_PRETTY);
	return puts(buf_str(&b)) < 0 ? -1 : 0;
}

int transfer_print_id(const struct cli *cli, const char *id)
{
	if (!cli->json)
		return puts(id) < 0 ? -1 : 0;
	cleanup_json json *j = json_object_new_object();
	json_set_str(j, "Id", id);
	return transfer_print_json(j);
}

static const struct transfer_verb *find_verb(const char *words)
{
	static const struct transfer_verb *const tables[] = {transfer_archive_verbs, transfer_pull_verbs,
	        transfer_push_verbs, transfer_commit_verbs, transfer_copy_verbs, transfer_login_verbs,
	        transfer_backup_verbs, transfer_restore_verbs, transfer_backups_verbs,
	        transfer_repository_verbs};
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct transfer_verb *v = tables[i]; v->words; v++)
			if (strcmp(v->words, words) == 0)
				return v;
	return NULL;
}

struct job {
	struct cli *cli;
	const struct transfer_verb *verb;
	void *options;
	char **operands;
};

static int work(void *arg)
{
	const struct job *job = arg;
	struct err e = ERR_INIT;
	int rc = job->verb->run(job->cli, job->options, job->operands, &e);
	if (rc == 0 && fflush(stdout) != 0)
		rc = err_sys(&e, "cannot write the result");
	return rc < 0 ? cli_fail(job->cli, &e) : rc;
}

static int run(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	struct job job = {cli, find_verb(cli->command->words), options, operands};
	if (!job.verb) {
		err_set(&e, ERR_USAGE, "tare-transfer has no command \"%s\"", cli->command->words);
		return cli_fail(cli, &e);
	}
	return transfer_guard(cli, work, &job, job.verb->interrupted);
}

static int run_bare(struct cli *cli, void *options, char **operands)
{
	struct err e = ERR_INIT;
	(void)options;
	(void)operands;
	err_set(&e, ERR_USAGE, "tare-transfer is a helper of tare; try: tare help");
	return cli_fail(cli, &e);
}

/* Each thread's large windows, of 8 MiB mostly, go back to the kernel once they are done with: by itself
 * malloc learns from the first one that it had better keep them, for each thread (64 MiB for a pull;
 * tests/e2e/pull.bats). */
static void keep_no_windows(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE_WINDOW);
}

int main(int argc, char **argv)
{
	static const struct command *const tables[] = {archive_commands, pull_commands, push_commands,
	        commit_commands, copy_commands, login_commands, backup_commands, repository_prune_commands,
	        NULL};
	static const struct program transfer = {.name = "tare-transfer",
	        .tables = tables,
	        .run_other = run,
	        .run_bare = run_bare,
	        .run_internal = transfer_fetch};
	keep_no_windows();
	return program_main(&transfer, argc, argv);
}
