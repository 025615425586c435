/* Words of Docker's that Tare does not have: they stay unknown, but the error says what to use instead. */
#ifndef TARE_CLI_NOT_YET_H
#define TARE_CLI_NOT_YET_H

/* What to say about a command, as it was typed ("pull", "image pull"); NULL: nothing. */
const char *not_yet_command(const char *typed);
/* The same for a flag of run and create, without its dashes ("publish", "p"). */
const char *not_yet_run_flag(const char *name);
const char *not_yet_network_flag(const char *name);

#endif
