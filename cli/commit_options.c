#include "cli/commit_options.h"

#define OPTIONS struct commit_options
static const struct option commit_options[] = {
        OPT_STRING("author", 'a', author, "TEXT", "none", "Author of the image: \"Ada <ada@example.org>\""),
        OPT_STRING("message", 'm', message, "TEXT", "none", "Comment for the history of the image"),
        OPT_LIST("change", 'c', changes, "INSTRUCTION", "none",
                "Apply a Dockerfile instruction such as CMD, ENV or USER"),
        OPT_FLAG("pause", 'p', pause,
                "Freeze a running container while its files are read (the default; --pause=false does not)"),
        OPT_STRING("format", 0, format, "FORMAT", "oci docker", "oci (default) or docker"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

static void commit_init(void *options)
{
	struct commit_options *o = options;

	o->progress.fd = -1;
	o->pause = true;
}

const struct command commit_commands[] = {
        {
                .words = "commit",
                .aliases = "container commit",
                .group = GROUP_IMAGES,
                .operands = "CONTAINER [NAME[:TAG]]",
                .min_operands = 1,
                .max_operands = 2,
                .summary = "Make an image from what a container has written",
                .details =
                        "What the container wrote becomes a layer above its image; mounted volumes are "
                        "not part of it. A container on a host directory (--rootfs) gives an image of its "
                        "whole root. The layer depends on nothing but the files; SOURCE_DATE_EPOCH in the "
                        "environment sets the image's time of creation. The id of the new image is printed.",
                .examples = "tare commit web mysite:v2\n"
                            "tare commit -m 'with tools' -c 'CMD [\"httpd\", \"-f\"]' web mysite",
                .complete = "containers",
                .complete_rest = "images",
                .options = commit_options,
                .size = sizeof(struct commit_options),
                .init = commit_init,
        },
        {0},
};
