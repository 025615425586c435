#include "cli/archive_options.h"

#define OPTIONS struct import_options
static const struct option import_options[] = {
        OPT_LIST("change", 'c', changes, "INSTRUCTION", "none",
                "Apply a Dockerfile instruction such as CMD, ENV or USER"),
        OPT_STRING("message", 'm', message, "TEXT", "none", "Comment for the history of the image"),
        OPT_STRING("platform", 0, platform, "OS/ARCH",
                "linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/riscv64",
                "Platform of the image (default: that of this host)"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct load_options
static const struct option load_options[] = {
        OPT_STRING("input", 'i', input, "FILE", "files", "Read FILE instead of standard input"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

#define OPTIONS struct save_options
static const struct option save_options[] = {
        OPT_STRING("output", 'o', output, "FILE", "files", "Write FILE instead of standard output"),
        OPT_STRING("format", 0, format, "FORMAT", "oci-archive docker-archive",
                "oci-archive (default) or docker-archive"),
        PROGRESS_ROWS,
        OPTION_END,
};
#undef OPTIONS

static void import_init(void *options)
{
	struct import_options *o = options;

	o->progress.fd = -1;
}

static void load_init(void *options)
{
	struct load_options *o = options;

	o->progress.fd = -1;
}

static void save_init(void *options)
{
	struct save_options *o = options;

	o->progress.fd = -1;
}

const struct command archive_commands[] = {
        {
                .words = "import",
                .aliases = "image import",
                .group = GROUP_IMAGES,
                .operands = "FILE|- [NAME[:TAG]]",
                .min_operands = 1,
                .max_operands = 2,
                .summary = "Make an image from the archive of a root file system",
                .details = "The archive may be plain or compressed with gzip, zstd, xz or bzip2. "
                           "The id of the new image is printed.",
                .examples = "tare import rootfs.tar.gz alpine:3.20\n"
                            "tare import --change 'CMD [\"/bin/sh\"]' rootfs.tar mine",
                .complete = "files",
                .options = import_options,
                .size = sizeof(struct import_options),
                .init = import_init,
        },
        {
                .words = "load",
                .aliases = "image load",
                .group = GROUP_IMAGES,
                .operands = "[FILE]",
                .max_operands = 1,
                .summary = "Load images from an archive (oci-archive or docker-archive)",
                .details = "Each loaded name is printed. Nothing is kept of an archive that is damaged.",
                .examples = "tare load -i busybox.tar\n"
                            "ssh other tare save myapp | tare load",
                .complete = "files",
                .options = load_options,
                .size = sizeof(struct load_options),
                .init = load_init,
        },
        {
                .words = "save",
                .aliases = "image save",
                .group = GROUP_IMAGES,
                .operands = "IMAGE [IMAGE...]",
                .min_operands = 1,
                .max_operands = -1,
                .summary = "Save images into an archive",
                .details = "The same images always give the same bytes.",
                .examples = "tare save -o busybox.tar busybox\n"
                            "tare save --format docker-archive -o app.tar myapp:v1",
                .complete = "images",
                .options = save_options,
                .size = sizeof(struct save_options),
                .init = save_init,
        },
        {0},
};
