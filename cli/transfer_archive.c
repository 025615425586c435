/* import, load, save. */
#include "cli/transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/archive_options.h"
#include "engine/tare.h"

static int import_image(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct import_options *o = options;
	struct progress p = PROGRESS_NONE;
	cleanup_free char *id = NULL;
	const struct tare_import request = {
	        .file = operands[0],
	        .reference = operands[1],
	        .changes = o->changes,
	        .message = o->message,
	        .platform = o->platform,
	};
	transfer_progress(&p, &o->progress);
	int rc = tare_image_import(cli->root, cli->state, &request, &p, &id, e);
	progress_end(&p);
	return rc < 0 ? -1 : transfer_print_id(cli, id);
}

static int load_images(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct load_options *o = options;
	struct progress p = PROGRESS_NONE;
	cleanup_strv char **loaded = NULL;
	const char *file = o->input ? o->input : operands[0] ? operands[0] : "-";
	transfer_progress(&p, &o->progress);
	int rc = tare_image_load(cli->root, cli->state, file, &p, &loaded, e);
	progress_end(&p);
	if (rc < 0)
		return -1;
	if (cli->json) {
		cleanup_json json *j = json_object_new_object();
		json_set_strv(j, "Loaded", loaded);
		return transfer_print_json(j);
	}
	strv_foreach (name, loaded) {
		bool id = strncmp(*name, "sha256:", 7) == 0;
		printf("Loaded image%s: %s\n", id ? " ID" : "", *name);
	}
	return 0;
}

static int save_images(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct save_options *o = options;
	struct progress p = PROGRESS_NONE;
	enum tare_save_format format = TARE_SAVE_OCI;
	if (o->format && strcmp(o->format, "docker-archive") == 0)
		format = TARE_SAVE_DOCKER;
	else if (o->format && strcmp(o->format, "oci-archive") != 0)
		return err_set(e, ERR_USAGE,
		        "unknown --format \"%.100s\"; expected oci-archive or docker-archive", o->format);
	transfer_progress(&p, &o->progress);
	int rc = tare_image_save(cli->root, cli->state, operands, o->output ? o->output : "-", format, &p, e);
	progress_end(&p);
	return rc;
}

const struct transfer_verb transfer_archive_verbs[] = {
        {"import", import_image, NULL},
        {"load", load_images, NULL},
        {"save", save_images, NULL},
        {0},
};
