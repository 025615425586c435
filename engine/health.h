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
struct monitor_handoff;

/* What of the image's and the flags is in force, put into the record's Config; nothing where neither asks for
 * it. `image` may be NULL. */
int health_record(const struct tare_create *q, const struct image_config *image, json *config, struct err *e);
bool health_is_on(const struct container_record *r);
/* What is on record; -1: nothing that makes sense. The caller's to free. */
int health_of(const struct container_record *r, struct health_check *h);
/* Of a container that is up; NONE where nothing asks for it. */
enum tare_health health_status(const struct container *c);
/* What the monitor has to know; zeros: it need not ask. */
void health_handoff(const struct container_record *r, struct monitor_handoff *h);
/* Whether an update changes how it is asked. */
bool health_is_changed(const struct tare_update *u);
/* What an update changes of the record's Config. */
int health_change(const struct tare_update *u, json *config, struct err *e);
/* Of a container that is up and whose record is written: what was found so far is void, and its monitor asks
 * as the record says now. */
int health_renew(const struct container *c, struct err *e);
/* `tare --internal health ID`: ask once, and put down what came of it; an exit code of handoff.h, or -1. */
int health_run(struct tare_engine *t, const char *id, struct err *e);
/* `tare --internal unhealthy ID`: what --health-on-failure says. */
int health_act(struct tare_engine *t, const char *id, struct err *e);
/* Docker's State.Health, the caller's to put. */
json *health_document(const struct container *c);

#endif
