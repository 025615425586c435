/* The guard of a transfer: the work is done by a child, so that an interruption, or a crash in a parser of
 * foreign bytes, still has someone who tidies the store and says one clear line. */
#ifndef TARE_CLI_TRANSFER_GUARD_H
#define TARE_CLI_TRANSFER_GUARD_H

struct cli;

/* The exit code of work(arg), which runs in a child; 128 + n when it is ended by signal n. `interrupted`:
 * what to say then ("nothing was changed" when NULL). */
int transfer_guard(const struct cli *cli, int (*work)(void *arg), void *arg, const char *interrupted);

#endif
