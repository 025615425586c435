#include "cli/pull_options.h"

#include "cli/registry_rows.h"

#define OPTIONS struct pull_command_options
static const struct option pull_options[] = {
        OPT_STRING("platform", 0, platform, "OS/ARCH[/VARIANT]",
                "linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/riscv64",
                "Platform of the image (default: that of this host)"),
        OPT_FLAG("all-tags", 'a', all_tags, "Pull every tag of the repository"),
        OPT_STRING("policy", 0, policy, "POLICY", "always missing newer never",
                "When to ask the registry: always (default), missing, newer or never"),
        PROGRESS_ROWS,
        REGISTRY_ROWS,
        OPTION_END,
};
#undef OPTIONS

static void pull_init(void *options)
{
	struct pull_command_options *o = options;

	o->progress.fd = -1;
	o->tls_verify = true;
}

const struct command pull_commands[] = {
        {
                .words = "pull",
                .aliases = "image pull",
                .group = GROUP_IMAGES,
                .operands = "NAME[:TAG|@DIGEST] [NAME...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Pull images from a registry",
                .details =
                        "A name without a host means docker.io, or what registries.conf says. A pull that is "
                        "cut goes on from where it was when it is given again.",
                .examples = "tare pull alpine\n"
                            "tare pull --platform linux/arm64 quay.io/podman/hello\n"
                            "tare pull localhost:5000/app:v1@sha256:…",
                .complete = "images",
                .options = pull_options,
                .size = sizeof(struct pull_command_options),
                .init = pull_init,
        },
        {0},
};
