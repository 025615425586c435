/* From the command line to what a server is told. */
#ifndef TARE_REGISTRY_SERVER_OPTIONS_H
#define TARE_REGISTRY_SERVER_OPTIONS_H

#include "registry/server/server.h"

struct err;
struct registry_start_options;

/* Borrows all texts of `from`. -1 with e (ERR_USAGE): something is wrong, or doesn't go together. */
int server_options_read(const struct registry_start_options *from, struct server_options *o, struct err *e);
/* Lines on what is dangerous about them, on standard error. */
void server_options_warn(const struct server_options *o);

#endif
