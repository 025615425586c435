/* The commands of `tare`: one table per file that holds them. */
#ifndef TARE_CLI_COMMAND_TABLES_H
#define TARE_CLI_COMMAND_TABLES_H

#include "cli/command.h"

extern const struct command
        container_run_commands[]; /* container_run.c: those that connect to input and output */
extern const struct command
        container_life_commands[];           /* container_life.c: those that change a container's state */
extern const struct command wait_commands[]; /* container_wait.c */
extern const struct command container_list_commands[]; /* container_list.c: ps */
extern const struct command container_look_commands[]; /* container_look.c: logs, top */
extern const struct command event_commands[];          /* events.c */
extern const struct command diff_commands[];           /* diff.c */
extern const struct command port_commands[];           /* port.c */
extern const struct command inspect_commands[];        /* inspect.c: of containers, images, networks */
extern const struct command stats_commands[];          /* stats.c */
extern const struct command image_commands[];          /* image.c */
extern const struct command history_commands[];        /* history.c */
extern const struct command volume_commands[];         /* volume.c */
extern const struct command network_commands[];        /* network.c */
extern const struct command prune_commands[];          /* prune.c */
extern const struct command dashboard_commands[];      /* dashboard.c */
extern const struct command system_commands[];         /* system.c */
extern const struct command security_commands[];       /* security.c */
extern const struct command check_commands[];          /* check.c: system check */

/* All of them in the order of the help; NULL-terminated. */
extern const struct command *const command_tables[];

#endif
