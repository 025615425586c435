/* Fetching for the registry's cache: `tare-transfer --internal fetch manifest|blob NAME REFERENCE [KNOWN]`
 * writes to standard output a line of JSON and then the content (registry/server/cache_fetch.c tells its
 * form). */
#ifndef TARE_CLI_TRANSFER_FETCH_H
#define TARE_CLI_TRANSFER_FETCH_H

#include "cli/command.h"

/* A program's run_internal. */
int transfer_fetch(struct cli *cli, void *options, char **words);

#endif
