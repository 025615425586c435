/* Messages between the processes of a registry, and those who ask it: a JSON document and descriptors, one
 * packet each. */
#ifndef TARE_REGISTRY_CHANNEL_H
#define TARE_REGISTRY_CHANNEL_H

#include <stddef.h>

#include "base/json.h"

struct err;

#define CHANNEL_MESSAGE_MAX ((size_t)64 << 10)
#define CHANNEL_FDS_MAX     8

/* fds are borrowed. 0 or -1 with errno. */
int channel_send(int fd, json *message, const int *fds, size_t n);
/* The document, the caller's to put, and its descriptors, the caller's to close; NULL when the other side is
 * gone or says what is none. */
json *channel_receive(int fd, int fds[CHANNEL_FDS_MAX], size_t *n);
/* {"do": word} and what its answer is; NULL with e. */
json *channel_ask(const char *path, json *question, int timeout_s, struct err *e);

#endif
