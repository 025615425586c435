#ifndef TARE_BASE_RAW_TERMINAL_H
#define TARE_BASE_RAW_TERMINAL_H
/* The caller's terminal in raw mode while a program inside a container has it: every byte passes, and its
 * settings come back on every way out, a deadly signal among them. One terminal at a time in a process. */

#include <stdbool.h>

struct err;

/* fd: an open terminal. Nothing is changed when it fails. */
int raw_terminal_enter(int fd, struct err *e);

/* Raw once more, after a stop (^Z) from which the shell gave the terminal back with settings of its own. */
void raw_terminal_again(void);

/* Gives back the settings and the actions of signals from before raw_terminal_enter(); nothing when it isn't
 * raw. */
void raw_terminal_leave(void);

#endif
