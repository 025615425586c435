/* Adoption: a monitor was killed while its container runs, and the next command that does something with the
 * container, or `system check --repair`, puts another one in its place. Lists and inspections only say so.
 *
 * What comes back: the output (it has waited in its FIFOs, which the container keeps open), attaching, the
 * exit code, clean-up, health checks, restarts, samples, the sockets of published ports. What does not: an
 * input that was open has ended, and a terminal has hung up: a container with one ends with its monitor, and
 * where the hang-up did not end it (process 1 of a container minds no signal that it has not asked for), the
 * adoption does. */
#ifndef TARE_ENGINE_ADOPT_H
#define TARE_ENGINE_ADOPT_H

#include <stdbool.h>

struct container;
struct err;
struct store;

/* It is up, and its monitor is dead. */
bool adopt_is_due(const struct container *c);
/* Of a container for which it is due, under its lock. c->state is what it is then. */
int adopt(const struct store *s, struct container *c, struct err *e);
/* The same, if it is due, for whoever wants to do something with the container. When somebody else has the
 * lock, or it cannot be done (a warning says why), all goes on as it is: only attaching needs a monitor. */
void adopt_in_passing(const struct store *s, struct container *c);

#endif
