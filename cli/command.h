/* Commands: one table row per verb holds its words, other spellings, help, options and function.
 * Dispatch, help, completion and man pages are made from the rows. */
#ifndef TARE_CLI_COMMAND_H
#define TARE_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/option.h"

struct err;
struct tare_engine;
struct command;

enum command_group {
	GROUP_CONTAINERS,
	GROUP_IMAGES,
	GROUP_VOLUMES,
	GROUP_NETWORKS,
	GROUP_REGISTRY,
	GROUP_SYSTEM
};
extern const char *const command_group_titles[]; /* "Containers", …; NULL ends it */

/* What one invocation carries along. */
struct cli {
	const char *root, *state; /* NULL: the engine's defaults */
	const char *log_level;
	bool json; /* --json: data as one JSON document */
	bool demo; /* --demo: the simulated engine */
	const struct program *program;
	const struct command *command; /* the one that runs */
	struct tare_engine *engine;    /* opened by cli_engine() */
	char **argv;                   /* the whole command line */
};

/* Returns the exit code. `options` is the command's struct, `operands` a NULL-terminated vector. */
typedef int command_run(struct cli *cli, void *options, char **operands);

struct command {
	const char *words;   /* "run", "container prune" */
	const char *aliases; /* other spellings, separated by ", ": "list, container ls", or NULL */
	enum command_group group;
	const char *operands;           /* for the synopsis: "IMAGE [COMMAND [ARG...]]", or NULL for none */
	int min_operands, max_operands; /* max -1: any number */
	const char *summary;            /* one line, no full stop */
	const char *details;            /* further sentences, or NULL */
	const char *examples;           /* lines, or NULL */
	const char *complete;           /* what completes operands: see option.h; NULL: files */
	const char *complete_rest;      /* those after the first, where they are another thing; or NULL */
	const struct option *options;   /* or NULL */
	size_t size;                    /* of the options struct */
	void (*init)(void *options);    /* fills the defaults into a zeroed struct, or NULL */
	void (*fini)(void *options);    /* frees what the option rows do not, or NULL */
	bool stop_at_operand;           /* options end at the first operand */
	const char *(*flag_hint)(const char *flag); /* about a flag that it does not have, or NULL */
	bool hidden;
	command_run *run;   /* NULL: a helper program has it */
	const char *helper; /* which; NULL: tare-transfer */
};

/* A program is a set of tables, each ended by a row without words, and a way to run the rows that have no
 * function of their own: `tare` replaces itself by the helper, the helper calls its functions. */
struct program {
	const char *name;
	const struct command *const *tables; /* NULL-terminated */
	command_run *run_other;
	command_run *run_bare;     /* no words at all */
	command_run *run_internal; /* --internal WORDS, for our own processes; or NULL */
};

/* All of main(): globals, look-up, options, run. The exit code. */
int program_main(const struct program *p, int argc, char **argv);
/* Find and run the command that `words` (globals already read) begin with. */
int program_run(struct cli *cli, char **words);

extern const struct option global_options[];

/* Find the command that words[0..] name, by its words or another spelling; *used counts those taken.
 * NULL with e (ERR_USAGE, naming the nearest) when there is none. */
const struct command *command_find(const struct program *p, char **words, int *used, struct err *e);
/* Is this the first word of commands of two words, as "image" is? */
bool command_is_family(const struct program *p, const char *word);
/* The n-th spelling of a command, 0 being its words: copied to dst, or NULL behind the last. */
#define COMMAND_SPELLING_SIZE 48
const char *command_spelling(const struct command *c, unsigned n, char dst[COMMAND_SPELLING_SIZE]);
/* Walk all commands: *it starts as {0}. */
struct command_iterator {
	size_t table, row;
};
const struct command *command_next(const struct program *p, struct command_iterator *it);

/* Print the error as the one line it is and give the exit code: 125, or 126 and 127 for commands that
 * cannot be executed. */
int cli_fail(const struct cli *cli, const struct err *e);
/* Of what was done to all that ask for it: the names it was done to, and a line for each that failed. rc < 0:
 * e is told as well. The exit code. */
int cli_tell_each(const struct cli *cli, int rc, char *const *done, char *const *failed, const struct err *e);
/* The engine, opened at the first call (cli/engine.c); NULL with e. */
struct tare_engine *cli_engine(struct cli *cli, struct err *e);

#endif
