/* push: the rows of tare's table; the functions are in transfer_push.c. */
#ifndef TARE_CLI_PUSH_OPTIONS_H
#define TARE_CLI_PUSH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/progress_options.h"

struct push_command_options {
	struct progress_options progress;
	const char *compression, *format, *digestfile, *authfile, *creds, *cert_dir;
	int64_t level; /* -1: the usual one */
	bool all_tags, tls_verify;
};

extern const struct command push_commands[];

#endif
