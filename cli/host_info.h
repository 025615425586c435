/* What `info` prints for people: Docker's words and order. */
#ifndef TARE_CLI_HOST_INFO_H
#define TARE_CLI_HOST_INFO_H

#include "base/buf.h"
#include "base/json.h"

/* `doc` is what the engine's info() gives. */
void host_info_text(json *doc, struct buf *out);

#endif
