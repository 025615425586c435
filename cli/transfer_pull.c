/* pull. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/progress.h"
#include "cli/pull_options.h"
#include "cli/transfer.h"
#include "engine/tare.h"
#include "registry/client/pull.h"

struct pull_job {
	struct cli *cli;
	const struct pull_command_options *o;
	struct puller *puller;
	struct progress *progress;
	json *list; /* with --json */
};

static int tell(const struct pull_job *j, const struct pulled *p)
{
	char digest[DIGEST_TEXT_SIZE], id[DIGEST_TEXT_SIZE];
	const char *status = p->changed ? "pulled" : "up to date";
	digest_text(&p->digest, digest);
	digest_text(&p->id, id);
	tare_image_pulled(j->cli->root, j->cli->state, p->reference);
	if (j->list) {
		json *row = json_object_new_object();
		json_set_str(row, "Reference", p->reference);
		json_set_str(row, "Digest", digest);
		json_set_str(row, "Id", id);
		json_set_str(row, "Status", status);
		json_object_array_add(j->list, row);
		return 0;
	}
	progress_end(j->progress);
	if (j->o->progress.quiet)
		return puts(p->reference) < 0 ? -1 : 0;
	return printf("%s: %s %s\n", p->reference, status, digest) < 0 || fflush(stdout) != 0 ? -1 : 0;
}

static int pull_one(const struct pull_job *j, const char *name, struct err *e)
{
	struct pulled p = PULLED_INIT;
	if (puller_pull(j->puller, name, &p, e) < 0)
		return -1;
	int rc = tell(j, &p);
	pulled_free(&p);
	return rc < 0 ? err_sys(e, "cannot write the result") : 0;
}

static int pull_tags_of(const struct pull_job *j, const char *name, struct err *e)
{
	cleanup_strv char **all = NULL;
	if (puller_tags(j->puller, name, &all, e) < 0)
		return -1;
	if (!all)
		return err_set(e, ERR_NOT_FOUND, "%s has no tags", name);
	strv_foreach (full, all)
		if (pull_one(j, *full, e) < 0)
			return -1;
	return 0;
}

/* One that fails keeps nobody from the others; the last failure is the caller's to tell. */
static int pull_names(struct pull_job *j, char **names, struct err *e)
{
	int rc = 0;

	for (; *names; names++) {
		struct err why = ERR_INIT;
		if ((j->o->all_tags ? pull_tags_of(j, *names, &why) : pull_one(j, *names, &why)) == 0)
			continue;
		progress_end(j->progress);
		if (rc < 0)
			log_line(LOG_LEVEL_ERROR, "%s", e->msg);
		*e = why;
		rc = -1;
	}
	return rc;
}

static int run_pull(struct pull_job *j, const struct pull_options *o, char **names, struct err *e)
{
	cleanup_puller struct puller *puller = puller_new(o, e);
	if (!puller)
		return -1;
	j->puller = puller;
	j->list = j->cli->json ? json_object_new_array() : NULL;
	int rc = pull_names(j, names, e);
	progress_end(j->progress);
	if (j->list && (rc == 0 || json_object_array_length(j->list)))
		rc = transfer_print_json(j->list) < 0 ? -1 : rc;
	json_free(&j->list);
	return rc;
}

static int pull_images(struct cli *cli, void *options, char **operands, struct err *e)
{
	const struct pull_command_options *c = options;
	struct progress progress = PROGRESS_NONE;
	struct credential creds = CREDENTIAL_INIT;
	struct pull_options o = {.root = cli->root,
	        .state = cli->state,
	        .platform = c->platform,
	        .authfile = c->authfile,
	        .certs_dir = c->cert_dir,
	        .insecure = !c->tls_verify,
	        .progress = &progress};
	struct pull_job j = {.cli = cli, .o = c, .progress = &progress};
	if (c->policy && pull_policy_parse(c->policy, &o.policy, e) < 0)
		return -1;
	transfer_progress(&progress, &c->progress);
	int rc = c->creds ? credential_from_text(c->creds, &creds, e) : 0;
	if (c->creds)
		o.credential = &creds;
	if (rc == 0)
		rc = run_pull(&j, &o, operands, e);
	progress_end(&progress);
	credential_free(&creds);
	return rc;
}

const struct transfer_verb transfer_pull_verbs[] = {
        {"pull", pull_images, "what came is kept: the same pull goes on from there"},
        {0},
};
