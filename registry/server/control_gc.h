/* `registry gc` as a message and its answer. */
#ifndef TARE_REGISTRY_CONTROL_GC_H
#define TARE_REGISTRY_CONTROL_GC_H

#include "base/json.h"
#include "registry/server/gc.h"

struct server;

/* In the worker: {"dryRun": b, "grace": ns} (without the grace: the server's own) becomes {"tags": n, …} or
 * {"error": text}. */
json *gc_control(struct server *s, json *question);
json *gc_result_json(const struct gc_result *r, bool dry_run);

#endif
