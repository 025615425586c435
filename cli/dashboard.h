/* The dashboard: a program of its own, which `tare` replaces itself by. */
#ifndef TARE_CLI_DASHBOARD_H
#define TARE_CLI_DASHBOARD_H

#include <stdbool.h>

struct cli;

/* There is a terminal on both sides. */
bool dashboard_has_terminal(void);
/* What kind it is says that a cursor can be moved on it. */
bool dashboard_can_draw(void);
/* Become the dashboard; only returns, with an exit code, when that failed. `args` are its own words, or NULL.
 */
int dashboard_become(struct cli *cli, char *const *args);

#endif
