/* Points in time as Docker's lists write them. */
#ifndef TARE_CLI_MOMENT_H
#define TARE_CLI_MOMENT_H

#include <stdint.h>

#define MOMENT_SIZE 48
/* "2026-01-31 10:00:00 +0100 CET"; ns since the epoch. Returns dst. */
char *moment_local(int64_t ns, char dst[MOMENT_SIZE]);

#endif
