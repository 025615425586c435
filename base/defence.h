/* A measure against an attack, which the test suite can take out to see that its test notices.
 *
 *	if (DEFENCE("tiocsti") && (rc = refuse_tiocsti(…)) != 0)
 *
 * In every ordinary build DEFENCE() is the constant 1. Only `make attacks` builds with TARE_TEST_SWITCHES,
 * and there it is 0 for the one name that the environment's TARE_WITHOUT holds. Names are those of
 * tests/attacks/attacks.tsv. */
#ifndef TARE_BASE_DEFENCE_H
#define TARE_BASE_DEFENCE_H

#ifdef TARE_TEST_SWITCHES
#include <stdbool.h>
bool defence_is_in(const char *name);
/* TARE_WITHOUT as an environment, for programs that get an empty one. */
char *const *defence_environment(void);
#define DEFENCE(name)  defence_is_in(name)
#define NO_ENVIRONMENT defence_environment()
#else
#define DEFENCE(name)  1
#define NO_ENVIRONMENT ((char *const[]){NULL})
#endif

#endif
