/* pull: the rows of tare's table; the functions are in transfer_pull.c. */
#ifndef TARE_CLI_PULL_OPTIONS_H
#define TARE_CLI_PULL_OPTIONS_H

#include <stdbool.h>

#include "cli/command.h"
#include "cli/progress_options.h"

struct pull_command_options {
	struct progress_options progress;
	const char *platform, *policy, *authfile, *creds, *cert_dir;
	bool all_tags, tls_verify;
};

extern const struct command pull_commands[];

#endif
