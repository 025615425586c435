#ifndef TARE_ENGINE_EVENT_DOCUMENT_H
#define TARE_ENGINE_EVENT_DOCUMENT_H
/* One event in the shape of Docker's GET /events, as `tare events` gives it, of real and of simulated
 * objects. */

#include <stdint.h>

#include "base/json.h"

/* Takes attributes (an object of strings; NULL: none). at: nanoseconds since 1970. The caller frees it. */
json *event_document(const char *type, const char *action, const char *id, json *attributes, int64_t at);

#endif
