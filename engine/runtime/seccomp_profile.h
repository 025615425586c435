/* A seccomp profile in Docker's format (https://docs.docker.com/engine/security/seccomp/) becomes a BPF
 * program. */
#ifndef TARE_RUNTIME_SECCOMP_PROFILE_H
#define TARE_RUNTIME_SECCOMP_PROFILE_H

#include <stdint.h>

#include "base/json.h"

struct err;
struct seccomp_filter;

/* Slow (several ms: libseccomp): seccomp.c keeps the result. `path` is for messages. */
int seccomp_profile_compile(
        json *profile, const char *path, uint64_t caps, struct seccomp_filter *out, struct err *e);

#endif
