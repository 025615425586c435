/* push. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "cli/push_options.h"
#include "cli/transfer.h"
#include "engine/tare.h"
#include "registry/client/push.h"

struct push_job {
	struct cli *cli;
	const struct push_command_options *o;
	struct pusher *pusher;
	struct progress *progress;
	json *list; /* with --json */
	bool told;  /* where a name without a host goes */
};

/* After progress_end(): above it there is nothing that is redrawn. */
static void tell_local(struct push_job *j, const struct pushed *p)
{
	if (!p->local || j->told)
		return;
	j->told = true;
	fprintf(stderr,
	        "tare: a name without a host goes to the registry of this machine (%.*s), as there is no "
	        "login for "
	        "docker.io\n",
	        (int)strcspn(p->reference, "/"), p->reference);
}

static int write_digest(const struct push_job *j, const char *digest, struct err *e)
{
	if (!j->o->digestfile)
		return 0;
	cleanup_fd int fd = open(j->o->digestfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || write_all(fd, digest, strlen(digest)) < 0)
		return err_sys(e, "cannot write %s", j->o->digestfile);
	return 0;
}

static int tell(struct push_job *j, const struct pushed *p, struct err *e)
{
	char digest[DIGEST_TEXT_SIZE];
	const char *status = p->changed ? "pushed" : "up to date";
	digest_text(&p->digest, digest);
	if (write_digest(j, digest, e) < 0)
		return -1;
	if (p->changed)
		tare_image_pushed(j->cli->root, j->cli->state, p->reference);
	progress_end(j->progress);
	tell_local(j, p);
	if (j->list) {
		json *row = json_object_new_object();
		json_set_str(row, "Reference", p->reference);
		json_set_str(row, "Digest", digest);
		json_set_int(row, "Size", (int64_t)p->size);
		json_set_str(row, "Status", status);
		json_object_array_add(j->list, row);
		return 0;
	}
	int rc = j->o->progress.quiet ? puts(p->reference)
	                              : printf("%s: %s %s\n", p->reference, status, digest);
	return rc < 0 || fflush(stdout) != 0 ? err_sys(e, "cannot write the result") : 0;
}

/* As every verb that names it, this one finds the image that is shipped with Tare. */
static int push_shipped(
        const struct push_job *j, const char *name, const char *to, struct pushed *p, struct err *e)
{
	struct err why = ERR_INIT;
	if (pusher_push(j->pusher, name, to, p, &why) == 0)
		return 0;
	struct tare_engine *engine =
	        why.kind == ERR_NOT_FOUND && !p->reference ? cli_engine(j->cli, NULL) : NULL;
	cleanup_json json *image = NULL;
	if (engine && engine->image_inspect(engine, name, &image, NULL) == 0)
		return pusher_push(j->pusher, name, to, p, e);
	if (e)
		*e = why;
	return -1;
}

static int push_one(struct push_job *j, const char *name, const char *destination, struct err *e)
{
	cleanup_pushed struct pushed p = PUSHED_INIT;
	if (push_shipped(j, name, destination, &p, e) < 0)
		return -1;
	return tell(j, &p, e);
}

static int push_tags_of(struct push_job *j, const char *name, struct err *e)
{
	cleanup_strv char **all = NULL;
	if (pusher_tags(j->pusher, name, &all, e) < 0)
		return -1;
	if (!all)
		return err_set(e, ERR_NOT_FOUND, "no image here is called %s; see: tare images", name);
	strv_foreach (one, all)
		if (push_one(j, *one, NULL, e) < 0)
			return -1;
	return 0;
}

static int run_push(struct push_job *j, const struct push_options *o, char **operands, struct err *e)
{
	cleanup_pusher struct pusher *pusher = pusher_new(o, e);
	if (!pusher)
		return -1;
	j->pusher = pusher;
	j->list = j->cli->json ? json_object_new_array() : NULL;
	int rc = j->o->all_tags ? push_tags_of(j, operands[0], e) : push_one(j, operands[0], operands[1], e);
	progress_end(j->progress);
	if (rc == 0 && j->list)
		rc = transfer_print_json(j->list);
	json_free(&j->list);
	return rc;
}

static int push_image(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct push_command_options *c = options;
	struct progress progress = PROGRESS_NONE;
	struct credential creds = CREDENTIAL_INIT;
	struct push_options o = {.root = cli->root,
	        .state = cli->state,
	        .compression = c->compression,
	        .level = (int)c->level,
	        .format = c->format,
	        .authfile = c->authfile,
	        .certs_dir = c->cert_dir,
	        .insecure = !c->tls_verify,
	        .progress = &progress};
	struct push_job j = {.cli = cli, .o = c, .progress = &progress};
	if (c->all_tags && operands[1])
		return err_set(e, ERR_USAGE,
		        "--all-tags takes one name, and its tags go where it says; give that name to them "
		        "with tare tag");
	const char *last = strrchr(operands[0], '/');
	if (c->all_tags && strpbrk(last ? last : operands[0], ":@"))
		return err_set(
		        e, ERR_USAGE, "\"%.300s\" names one tag; for all of them leave it out", operands[0]);
	transfer_progress(&progress, &c->progress);
	int rc = c->creds ? credential_from_text(c->creds, &creds, e) : 0;
	if (c->creds)
		o.credential = &creds;
	if (rc == 0)
		rc = run_push(&j, &o, operands, e);
	progress_end(&progress);
	credential_free(&creds);
	return rc;
}

const struct transfer_verb transfer_push_verbs[] = {
        {"push", push_image, "what arrived is kept there: the same push sends only the rest"},
        {0},
};
