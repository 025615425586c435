/* cp and export: the rows of tare's table; the functions are in transfer_copy.c. */
#ifndef TARE_CLI_COPY_OPTIONS_H
#define TARE_CLI_COPY_OPTIONS_H

#include "cli/command.h"
#include "cli/progress_options.h"

struct copy_options {
	bool archive, follow, volume;
	struct progress_options progress;
};

struct export_options {
	const char *output; /* NULL or "-": standard output */
	struct progress_options progress;
};

extern const struct command copy_commands[];

#endif
