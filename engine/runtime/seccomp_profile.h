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

/* Names of rules for system calls that neither the library nor we know: newer, or mistyped. They are without
 * effect. -1 when memory is short. */
int seccomp_profile_unknown_calls(json *profile, char ***names);

#endif
