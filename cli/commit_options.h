/* commit: the rows of tare's table; the functions are in transfer_commit.c. */
#ifndef TARE_CLI_COMMIT_OPTIONS_H
#define TARE_CLI_COMMIT_OPTIONS_H

#include "cli/command.h"
#include "cli/progress_options.h"

struct commit_options {
	const char *author, *message, *format;
	char **changes;
	bool pause;
	struct progress_options progress;
};

extern const struct command commit_commands[];

#endif
