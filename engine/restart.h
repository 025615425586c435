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

/* Notes beside state.json about the end that is to come; they go with the state. */
#define RESTART_NOTE_STOPPED "stopped" /* the user wants it: no policy starts it again */
#define RESTART_NOTE_KEEP    "restart" /* `tare restart`: what removes itself stays this once */
#define RESTART_NOTE_AGAIN   "again"   /* whatever the policy: --health-on-failure restart */
#define RESTART_NOTE_HOST    "host"    /* the host goes down: not now, but after its boot */

/* What HostConfig.RestartPolicy says. max may be NULL. */
enum tare_restart container_restart_policy(const struct container_record *r, unsigned *max);

/* Milliseconds before the next start: 100 ms doubled `shift` times, at most a minute. */
unsigned restart_delay_ms(unsigned shift);
/* Whether a run that ended like this is followed by another one. */
bool restart_is_due(const struct container_record *r, int exit_code);
/* The same at boot, of a container that does not run. */
bool restart_at_boot(const struct container_record *r);

/* ---- restart_record.c; the container is locked ---- */

/* How often the wait is doubled after the run that has just ended: one that lasted begins anew. */
unsigned restart_shift_after_run(const struct container *c);
/* Its run is over and cleaned up, and another one is due: from here on it is restarting. */
int restart_put_off(struct container *c, unsigned shift, struct err *e);
/* Of a restarting container: what its monitor should exit with (handoff.h). */
int restart_exit_code(const struct container *c);
/* When nobody waits any more to start it again: have a new process do it. Best effort: the record stays. */
void restart_pick_up(const struct store *s, struct container *c);
/* It is not started again: kills who waits, and removes the state. */
int restart_call_off(const struct store *s, struct container *c, bool by_user, struct err *e);
/* Before a signal that is to end it: note why (RESTART_NOTE_STOPPED or _HOST), or call off. Takes and gives
 * back the lock where a policy may start it again; reads the state again then. */
int restart_suppress(const struct store *s, struct container *c, const char *note, struct err *e);

/* ---- restart_run.c ---- */

/* `tare --internal restart ID`: the process that is on record as its monitor starts it and becomes that
 * again. Returns only when there is nothing to do, or an error. */
int restart_run(const struct store *s, const char *id, struct err *e);

#endif
