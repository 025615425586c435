#include "cli/push_options.h"

#include "cli/registry_rows.h"

#define OPTIONS struct push_command_options
static const struct option push_options[] = {
        OPT_FLAG("all-tags", 'a', all_tags, "Push every tag that this repository has here"),
        OPT_STRING("compression", 0, compression, "KIND", "gzip zstd none",
                "For layers that are stored without one: gzip (default), zstd or none"),
        OPT_INT("compression-level", 0, level, 1, 19, "N", "1 to 3 for gzip, 1 to 19 for zstd"),
        OPT_STRING("format", 0, format, "FORMAT", "oci docker",
                "Push as an image of this format (default: as it is, byte for byte)"),
        OPT_STRING(
                "digestfile", 0, digestfile, "FILE", "files", "Write the digest of what was pushed to FILE"),
        PROGRESS_ROWS,
        REGISTRY_ROWS,
        OPTION_END,
};
#undef OPTIONS

static void push_init(void *options)
{
	struct push_command_options *o = options;

	o->progress.fd = -1;
	o->level = -1;
	o->tls_verify = true;
}

const struct command push_commands[] = {
        {
                .words = "push",
                .aliases = "image push",
                .group = GROUP_IMAGES,
                .operands = "NAME[:TAG] [DESTINATION]",
                .min_operands = 1,
                .max_operands = 2,
                .summary = "Push an image to a registry",
                .details =
                        "A name without a host goes to the registry that tare registry start runs here, when "
                        "one "
                        "runs and there is no login for docker.io; else to docker.io. What the registry has "
                        "already is not sent; a push that is cut goes on from there when it is given again.",
                .examples = "tare push localhost:5000/app:v1\n"
                            "tare push app:v1 quay.io/me/app:v1\n"
                            "tare push --all-tags localhost:5000/app",
                .complete = "images",
                .options = push_options,
                .size = sizeof(struct push_command_options),
                .init = push_init,
        },
        {0},
};
