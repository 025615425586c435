/* A container's health: its configuration is Config.Healthcheck of its record, what was found is the file
 * `health` beside state.json, in the shape of Docker's State.Health. Written by `tare --internal health`
 * only, which the monitor runs. */
#ifndef TARE_ENGINE_HEALTH_H
#define TARE_ENGINE_HEALTH_H

#include <stdbool.h>

#include "base/json.h"
#include "engine/oci/health_check.h"
#include "engine/tare.h"

struct container;
struct container_record;
struct err;
struct image_config;

/* What of the image's and the flags is in force, put into the record's Config; nothing where neither asks for
 * it. `image` may be NULL. */
int health_record(const struct tare_create *q, const struct image_config *image, json *config, struct err *e);
bool health_is_on(const struct container_record *r);
/* Of a container that is up; NONE where nothing asks for it. */
enum tare_health health_status(const struct container *c);
/* Docker's State.Health, the caller's to put. */
json *health_document(const struct container *c);

#endif
