/* Questions on the terminal. */
#ifndef TARE_CLI_TRANSFER_PROMPT_H
#define TARE_CLI_TRANSFER_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define PROMPT_ANSWER_MAX 4096

/* Asks on standard error and reads a line of standard input, a terminal, without its newline. `secret`: what
 * is typed is not shown; the terminal is as before afterwards, also when a signal ends or stops us. */
int transfer_prompt(const char *question, bool secret, char answer[PROMPT_ANSWER_MAX], struct err *e);

#endif
