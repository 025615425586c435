/* Restart policies: whether a container that has ended is started again, when, and by whom.
 *
 * Clean-up decides, under the container's lock, and puts it on record: state.json has `restart_due` then, and
 * stays with the monitor that waits. Whoever calls it off takes the lock, kills that monitor and removes the
 * state. A monitor that was killed while it waited has left that record: the next command that looks goes on.
 */
#ifndef TARE_ENGINE_RESTART_H
#define TARE_ENGINE_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/tare.h"

struct container;
struct container_record;
struct err;
struct exit_record;
struct store;

/* What HostConfig.RestartPolicy says. max may be NULL. */
enum tare_restart container_restart_policy(const struct container_record *r, unsigned *max);

/* Milliseconds before the next start: 100 ms doubled `shift` times, at most a minute. */
unsigned restart_delay_ms(unsigned shift);
/* Whether a run that ended like this is followed by another one. */
bool restart_is_due(const struct container_record *r, int exit_code);
/* The same at boot, of a container that does not run. */
bool restart_at_boot(const struct container_record *r);

#endif
