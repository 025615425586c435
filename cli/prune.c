/* Removing many things at once: ask first, or (--dry-run) only say what would go. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/backup_options.h"
#include "cli/command.h"
#include "cli/command_tables.h"
#include "cli/image_prune.h"
#include "cli/output.h"
#include "cli/volume_prune.h"
#include "engine/tare.h"

struct prune_options {
	bool force, all, volumes, dry_run;
	char **filters;
	bool containers_went; /* before what is pruned now, or would have */
};

#define OPTIONS        struct prune_options
#define OPT_DRY_RUN    OPT_FLAG("dry-run", 0, dry_run, "Only say what would go, and how much that frees")
#define OPT_ALL_IMAGES OPT_FLAG("all", 'a', all, "All that no container uses, not only those without a name")
static const struct option debris_options[] = {
        OPT_FLAG("force", 'f', force, "Accepted for Docker's sake: nothing is asked anyway"),
        OPTION_END,
};

static const struct option container_options[] = {
        OPT_DRY_RUN,
        OPT_FLAG("force", 'f', force, "Do not ask"),
        OPTION_END,
};

static const struct option image_options[] = {
        OPT_ALL_IMAGES,
        OPT_LIST("filter", 0, filters, "KEY=VALUE", "until= label= label!= dangling=false",
                "Only some: until (24h, a date), label, label!, dangling"),
        OPT_DRY_RUN,
        OPT_FLAG("force", 'f', force, "Do not ask"),
        OPTION_END,
};

static const struct option gc_options[] = {
        OPT_FLAG("all", 'a', all, "What cut pulls left of today too; the next pull begins anew"),
        OPTION_END,
};

static const struct option system_options[] = {
        OPT_ALL_IMAGES,
        OPT_DRY_RUN,
        OPT_FLAG("force", 'f', force, "Do not ask"),
        OPT_FLAG("volumes", 0, volumes, "Anonymous volumes that no container uses too"),
        OPTION_END,
};
#undef OPTIONS

/* What went so far, over several kinds. */
struct pruned {
	uint64_t bytes;
	char **names;
};

/* 0 to go on; otherwise the exit code. */
static int confirm(const struct cli *cli, const char *what, const struct prune_options *o)
{
	struct err e = ERR_INIT;
	char answer[8] = "";

	if (o->force || o->dry_run)
		return 0;
	if (!isatty(STDIN_FILENO)) {
		err_set(&e, ERR_USAGE, "%s asks first, and nobody can answer here; add --force",
		        cli->command->words);
		return cli_fail(cli, &e);
	}
	fprintf(stderr, "WARNING! This will remove %s.\nAre you sure you want to continue? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return 1;
}

/* `title` is "Deleted …"; a dry run has deleted nothing. */
static void print_names(char *const *names, const char *title, bool dry_run)
{
	cleanup_buf struct buf text = BUF_INIT;

	strv_foreach (s, names) {
		text_harmless(&text, *s, strlen(*s));
		buf_char(&text, '\n');
	}
	printf("%s%s:\n%s\n", dry_run ? "Would delete" : "", title + (dry_run ? strlen("Deleted") : 0),
	        buf_str(&text));
}

static int prune(struct tare_engine *engine, enum tare_prune_what what, const struct prune_options *o,
        unsigned flags, struct tare_prune_result *result, struct err *e)
{
	const struct image_prune images = {o->filters, o->all, o->dry_run};
	const struct volume_prune volumes = {o->filters, o->all, o->dry_run};

	if (what == TARE_PRUNE_IMAGES && o->filters)
		return image_prune_filtered(engine, &images, result, e);
	if (what == TARE_PRUNE_VOLUMES && o->filters)
		return volume_prune_filtered(engine, &volumes, result, e);
	return engine->prune(engine, what, flags, result, e);
}

/* Prune one kind and print what went under `title` (with --json at the end). The exit code. */
static int prune_kind(struct cli *cli, enum tare_prune_what what, const struct prune_options *o,
        const char *title, struct pruned *p)
{
	struct err e = ERR_INIT;
	struct tare_engine *engine = cli_engine(cli, &e);
	unsigned flags = (o->all ? TARE_PRUNE_ALL : 0) | (o->dry_run ? TARE_PRUNE_DRY_RUN : 0) |
	                 (o->containers_went ? TARE_PRUNE_FOR_RUNNING_ONLY : 0);
	__attribute__((cleanup(tare_prune_result_free))) struct tare_prune_result result = {0};

	if (!engine || prune(engine, what, o, flags, &result, &e) < 0)
		return cli_fail(cli, &e);
	p->bytes += result.bytes;
	if (!cli->json && strv_len(result.removed))
		print_names(result.removed, title, o->dry_run);
	strv_foreach (s, result.removed) {
		if (strv_add(&p->names, *s) == 0)
			continue;
		err_set(&e, ERR_OTHER, "out of memory");
		return cli_fail(cli, &e);
	}
	return 0;
}

static int print_document(const struct cli *cli, const struct pruned *p)
{
	struct err e = ERR_INIT;
	cleanup_json json *doc = json_object_new_object();

	json_set_strv(doc, "Removed", p->names);
	json_set_int(doc, "SpaceReclaimed", (int64_t)p->bytes);
	return document_print(doc, NULL, &e) < 0 ? cli_fail(cli, &e) : 0;
}

/* The last line, or the document, when `code` is 0; gives `code` back. */
static int finish(const struct cli *cli, struct pruned *p, bool dry_run, int code)
{
	char size[SIZE_TEXT_SIZE];

	if (code == 0 && cli->json)
		code = print_document(cli, p);
	else if (code == 0)
		printf("%s: %s\n", dry_run ? "Would be reclaimed" : "Total reclaimed space",
		        size_format_decimal(p->bytes, size));
	strv_free_ptr(&p->names);
	return code;
}

/* ------------------------------------------------------------------ commands */

static int debris_run(struct cli *cli, void *options, char **operands)
{
	struct pruned pruned = {0};
	int code = prune_kind(cli, TARE_PRUNE_DEBRIS, options, "Deleted Remains", &pruned);

	(void)operands;
	return finish(cli, &pruned, false, code);
}

static int one_kind(struct cli *cli, enum tare_prune_what what, const struct prune_options *o,
        const char *warning, const char *title)
{
	struct pruned pruned = {0};
	int code = confirm(cli, warning, o);

	if (code == 0)
		code = prune_kind(cli, what, o, title, &pruned);
	return finish(cli, &pruned, o->dry_run, code);
}

static int container_run(struct cli *cli, void *options, char **operands)
{
	(void)operands;
	return one_kind(
	        cli, TARE_PRUNE_CONTAINERS, options, "all containers that do not run", "Deleted Containers");
}

static int image_run(struct cli *cli, void *options, char **operands)
{
	const struct prune_options *o = options;
	const char *what = o->all ? "all images that no container uses"
	                          : "all images without a name that no container uses";

	(void)operands;
	return one_kind(cli, TARE_PRUNE_IMAGES, o, what, "Deleted Images");
}

static int gc_run(struct cli *cli, void *options, char **operands)
{
	struct pruned pruned = {0};
	int code = prune_kind(cli, TARE_PRUNE_CONTENT, options, "Deleted", &pruned);

	(void)operands;
	return finish(cli, &pruned, false, code);
}

/* With a directory it is a backup repository that is pruned, which a helper does. */
static int volume_run(struct cli *cli, void *options, char **operands)
{
	const struct volume_prune_options *q = options;
	const struct prune_options o = {
	        .force = q->force, .all = q->all, .dry_run = q->dry_run, .filters = q->filters};
	const char *what = o.filters ? "the volumes that fit and no container uses"
	                   : o.all   ? "all volumes that no container uses"
	                             : "all volumes without a name that no container uses";

	if (operands[0])
		return cli->program->run_other(cli, options, operands);
	return one_kind(cli, TARE_PRUNE_VOLUMES, &o, what, "Deleted Volumes");
}

/* They take no space, so there is none to tell of. */
static int network_run(struct cli *cli, void *options, char **operands)
{
	const struct prune_options *o = options;
	struct pruned pruned = {0};
	int code = confirm(cli, "all networks that no container uses", o);

	(void)operands;
	if (code == 0)
		code = prune_kind(cli, TARE_PRUNE_NETWORKS, o, "Deleted Networks", &pruned);
	if (code == 0 && cli->json)
		code = print_document(cli, &pruned);
	strv_free_ptr(&pruned.names);
	return code;
}

static int system_run(struct cli *cli, void *options, char **operands)
{
	const struct prune_options *o = options;
	const struct prune_options unused = {.dry_run = o->dry_run, .containers_went = true};
	struct prune_options images = *o;
	struct pruned pruned = {0};
	int code =
	        confirm(cli, "all containers that do not run, and networks and images that nothing uses", o);

	(void)operands;
	images.containers_went = true;
	if (code == 0)
		code = prune_kind(cli, TARE_PRUNE_CONTAINERS, o, "Deleted Containers", &pruned);
	if (code == 0)
		code = prune_kind(cli, TARE_PRUNE_NETWORKS, &unused, "Deleted Networks", &pruned);
	if (code == 0 && o->volumes)
		code = prune_kind(cli, TARE_PRUNE_VOLUMES, &unused, "Deleted Volumes", &pruned);
	if (code == 0)
		code = prune_kind(cli, TARE_PRUNE_IMAGES, &images, "Deleted Images", &pruned);
	if (code == 0 && !o->dry_run)
		code = prune_kind(cli, TARE_PRUNE_DEBRIS, o, "Deleted Remains", &pruned);
	return finish(cli, &pruned, o->dry_run, code);
}

const struct command prune_commands[] = {
        {
                .words = "prune",
                .group = GROUP_SYSTEM,
                .summary = "Remove what no container owns any more",
                .details = "Directories, cgroups and processes that a crash left behind. Containers and "
                           "images stay: "
                           "see container prune, image prune, network prune and system prune.",
                .options = debris_options,
                .size = sizeof(struct prune_options),
                .run = debris_run,
        },
        {
                .words = "container prune",
                .group = GROUP_CONTAINERS,
                .summary = "Remove all containers that do not run",
                .options = container_options,
                .size = sizeof(struct prune_options),
                .run = container_run,
        },
        {
                .words = "image prune",
                .group = GROUP_IMAGES,
                .summary = "Remove images that nothing uses",
                .options = image_options,
                .size = sizeof(struct prune_options),
                .run = image_run,
        },
        {
                .words = "image gc",
                .group = GROUP_IMAGES,
                .summary = "Remove content that no image needs any more",
                .details = "Layers and blobs that no image, no container and no running pull, load or push "
                           "reaches, and what pulls that were cut a week ago or more have left. Images stay.",
                .options = gc_options,
                .size = sizeof(struct prune_options),
                .run = gc_run,
        },
        {
                .words = "volume prune",
                .group = GROUP_VOLUMES,
                .operands = "[DIR]",
                .max_operands = 1,
                .summary = "Remove volumes that no container uses, or free space in a backup repository",
                .details =
                        "Without DIR: volumes without a name that no container uses, with --all those with "
                        "a name too. With DIR: what no backup in that repository needs any more.",
                .examples =
                        "tare volume prune --filter label=stage=test --all\ntare volume prune /srv/backups",
                .complete = "directories",
                .options = volume_prune_options,
                .size = sizeof(struct volume_prune_options),
                .init = volume_prune_init,
                .run = volume_run,
        },
        {
                .words = "network prune",
                .group = GROUP_NETWORKS,
                .summary = "Remove networks that no container uses",
                .details = "Containers that do not run count too. The default network stays.",
                .options = container_options,
                .size = sizeof(struct prune_options),
                .run = network_run,
        },
        {
                .words = "system prune",
                .group = GROUP_SYSTEM,
                .summary = "Remove containers that do not run, networks and images that nothing uses, and "
                           "remains",
                .options = system_options,
                .size = sizeof(struct prune_options),
                .run = system_run,
        },
        {0},
};
