/* The commands that move image archives: their rows are part of `tare`'s table (help, completion), their
 * functions live in tare-transfer. */
#ifndef TARE_CLI_ARCHIVE_OPTIONS_H
#define TARE_CLI_ARCHIVE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/progress_options.h"

/* import FILE|- [NAME[:TAG]] */
struct import_options {
	struct progress_options progress;
	char **changes; /* Dockerfile words */
	const char *message, *platform;
};

/* load [-i FILE] */
struct load_options {
	struct progress_options progress;
	const char *input; /* NULL or "-": standard input */
};

/* save [-o FILE] IMAGE... */
struct save_options {
	struct progress_options progress;
	const char *output; /* NULL or "-": standard output */
	const char *format; /* "oci-archive" (default) or "docker-archive" */
};

extern const struct command archive_commands[];

#endif
