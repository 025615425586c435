/* Events: what happened to which object, in Docker's shape. */
#ifndef TARE_ENGINE_EVENTS_H
#define TARE_ENGINE_EVENTS_H

#include "base/json.h"
#include "engine/store/store.h"
#include "engine/tare.h"

/* Takes `attributes` (object of strings, may be NULL). Never fails the caller: an event that cannot be
 * written is lost. */
void event_emit(
        const struct store *s, const char *type, const char *action, const char *id, json *attributes);
/* Whether the log has it, not older than `since` (ns): reads all of the log. */
bool event_was_told(const struct store *s, const char *action, const char *id, int64_t since);
int events_watch(const struct store *s, const struct tare_event_options *o, tare_event_fn fn, void *arg,
        struct err *e);

#endif
