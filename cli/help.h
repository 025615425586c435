/* Help: what the tables say, laid out for a terminal. Each returns the exit code 0. */
#ifndef TARE_CLI_HELP_H
#define TARE_CLI_HELP_H

#include <stdio.h>

struct command;
struct option;
struct program;

int help_general(const struct program *p, FILE *out);
/* The commands behind one word: "image". */
int help_family(const struct program *p, const char *word, FILE *out);
int help_command(const struct command *c, FILE *out);

/* "tare run [OPTIONS] IMAGE [COMMAND [ARG...]]" into dst. */
void help_synopsis(const struct command *c, char *dst, size_t size);
/* "-m, --memory SIZE" into dst; the long form is padded as if a letter stood before it. */
void help_option_label(const struct option *table, const struct option *o, char *dst, size_t size);
/* The help of the row; aliases say what they stand for. Into dst. */
void help_option_text(const struct option *table, const struct option *o, char *dst, size_t size);

#endif
