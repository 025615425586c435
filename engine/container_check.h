/* The part of `system check` that is about containers that can be read (container_check.c). */
#ifndef TARE_ENGINE_CONTAINER_CHECK_H
#define TARE_ENGINE_CONTAINER_CHECK_H

#include <stdbool.h>

struct store;
struct tare_check_result;

/* One finding for each; what is locked is under way. */
void containers_check(const struct store *s, bool repair, struct tare_check_result *out);

#endif
