/* What every long job can be told about its progress. */
#ifndef TARE_CLI_PROGRESS_OPTIONS_H
#define TARE_CLI_PROGRESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/option.h"

struct progress_options {
	int64_t fd; /* --progress-fd, -1 */
	bool quiet;
};

/* Rows for a table of options whose struct has a member `progress`. */
#define PROGRESS_ROWS                                                                                        \
	OPT_FLAG("quiet", 'q', progress.quiet, "Show no progress, only the result"),                         \
	{                                                                                                    \
		.name = "progress-fd", .kind = OPTION_INT, .offset = offsetof(OPTIONS, progress.fd),         \
		.value = "FD", .complete = "none", .min = 0, .max = 65535, .hidden = true,                   \
		.help = "Write progress as JSON lines to FD",                                                \
	}

#endif
