/* commit. */
#include "cli/transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/progress.h"
#include "cli/commit_options.h"
#include "engine/tare.h"

static int commit_container(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct commit_options *o = options;
	struct progress p = PROGRESS_NONE;
	cleanup_free char *id = NULL;
	const struct tare_commit request = {
	        .container = operands[0],
	        .reference = operands[1],
	        .author = o->author,
	        .message = o->message,
	        .changes = o->changes,
	        .no_pause = !o->pause,
	        .docker = o->format && strcmp(o->format, "docker") == 0,
	};
	if (o->format && !request.docker && strcmp(o->format, "oci") != 0)
		return err_set(
		        e, ERR_USAGE, "unknown --format \"%.100s\"; expected oci or docker", o->format);
	transfer_progress(&p, &o->progress);
	int rc = tare_image_commit(cli->root, cli->state, &request, &p, &id, e);
	progress_end(&p);
	return rc < 0 ? -1 : transfer_print_id(cli, id);
}

const struct transfer_verb transfer_commit_verbs[] = {
        {"commit", commit_container, NULL},
        {0},
};
