#include "cli/copy_options.h"

#define OPTIONS struct copy_options
static const struct option copy_options[] = {
        OPT_FLAG("archive", 'a', archive,
                "Keep owners and set-id bits, instead of giving everything to root (in; set-id bits stay "
                "only on root's files) or to you (out)"),
        OPT_FLAG("follow-link", 'L', follow, "Copy what a symbolic link leads to that is named as source"),
        OPT_FLAG("volume", 0, volume, "The name before the colon is a volume's, not a container's"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct export_options
static const struct option export_options[] = {
        OPT_STRING("output", 'o', output, "FILE", "files", "Write FILE instead of standard output"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

static void copy_init(void *options)
{
	struct copy_options *o = options;

	o->progress.fd = -1;
}

static void export_init(void *options)
{
	struct export_options *o = options;

	o->progress.fd = -1;
}

const struct command copy_commands[] = {
        {
                .words = "cp",
                .aliases = "container cp",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER:SRC|SRC|- CONTAINER:DEST|DEST|-",
                .min_operands = 2,
                .max_operands = 2,
                .summary = "Copy files out of a container, or into one",
                .details =
                        "The container may run or not; paths in it begin at its root, and links are followed "
                        "within it. A directory is copied into a DEST that is there, and becomes a DEST that "
                        "is not; SRC/. copies what is in it. DEST's parent must be there. Links are copied "
                        "as links. \"-\" is a tar archive: on standard input, unpacked into the directory "
                        "DEST, or on standard output. A path of this host with a colon in it is written "
                        "./a:b.",
                .examples = "tare cp page.html web:/srv/\n"
                            "tare cp web:/etc/nginx ./nginx\n"
                            "tare cp web:/var/log - | tar -t\n"
                            "tar -c site | tare cp - web:/srv",
                .complete = "containers",
                .complete_rest = "files",
                .options = copy_options,
                .size = sizeof(struct copy_options),
                .init = copy_init,
        },
        {
                .words = "export",
                .aliases = "container export",
                .group = GROUP_CONTAINERS,
                .operands = "CONTAINER",
                .min_operands = 1,
                .max_operands = 1,
                .summary = "Write the root of a container as a tar archive",
                .details = "What is mounted in it (volumes, /proc, /dev) is no part of it. tare import makes "
                           "an image of such an archive.",
                .examples = "tare export -o web.tar web\n"
                            "tare export web | tare import - web:copy",
                .complete = "containers",
                .options = export_options,
                .size = sizeof(struct export_options),
                .init = export_init,
        },
        {0},
};
