/* cp, export. */
#include "cli/transfer.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/progress.h"
#include "cli/copy_options.h"
#include "engine/tare.h"

/* Bytes of an archive would only spoil a terminal, and nobody types one. */
static int refuse_terminal(int fd, const char *instead, struct err *e)
{
	if (!isatty(fd))
		return 0;
	return err_set(e, ERR_USAGE, "\"-\" is a tar archive, and standard %s is a terminal; %s",
	        fd == STDIN_FILENO ? "input" : "output", instead);
}

static int copy(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct copy_options *o = options;
	struct progress p = PROGRESS_NONE;
	const struct tare_copy request = {
	        .from = operands[0],
	        .to = operands[1],
	        .volume = o->volume,
	        .archive = o->archive,
	        .follow = o->follow,
	};
	if (strcmp(request.from, "-") == 0 &&
	        refuse_terminal(STDIN_FILENO, "pipe one in: tar -c FILES | tare cp - CONTAINER:DIR", e) < 0)
		return -1;
	if (strcmp(request.to, "-") == 0 &&
	        refuse_terminal(STDOUT_FILENO, "pipe it on: tare cp CONTAINER:PATH - | tar -t", e) < 0)
		return -1;
	transfer_progress(&p, &o->progress);
	int rc = tare_copy(cli->root, cli->state, &request, &p, e);
	progress_end(&p);
	return rc;
}

static int export_root(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct export_options *o = options;
	struct progress p = PROGRESS_NONE;
	const char *file = o->output ? o->output : "-";
	if (strcmp(file, "-") == 0 && refuse_terminal(STDOUT_FILENO, "use -o FILE, or pipe it on", e) < 0)
		return -1;
	transfer_progress(&p, &o->progress);
	int rc = tare_export(cli->root, cli->state, operands[0], file, &p, e);
	progress_end(&p);
	return rc;
}

const struct transfer_verb transfer_copy_verbs[] = {
        {"cp", copy, "files that were copied until then are there, each of them whole"},
        {"export", export_root, NULL},
        {0},
};
