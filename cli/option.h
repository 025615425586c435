/* Options: one table per command says what may be typed, what it means and where it is kept. Parsing,
 * --help, completion and the man pages are all made from the table.
 *
 * The grammar is Docker's: --name=value, --name value, -n value, -nvalue, -n=value, -abc for flags;
 * a flag takes =true or =false; "--" ends the options. Options and operands may be mixed unless the
 * command says that its options end at the first operand (run, exec). */
#ifndef TARE_CLI_OPTION_H
#define TARE_CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_STRING,   /* const char *, borrowed from argv */
	OPTION_COPY,     /* char *, an allocated copy */
	OPTION_LIST,     /* char **, a vector that grows with each use */
	OPTION_SIZE,     /* uint64_t, "64m" */
	OPTION_INT,      /* int64_t within [min, max]; 0, 0 is any */
	OPTION_DURATION, /* int64_t, nanoseconds; a plain number is seconds */
	OPTION_CALL,     /* `parse` is called with the text */
};

struct option {
	const char *name; /* long form, without dashes */
	char letter;      /* short form, or 0 */
	enum option_kind kind;
	size_t offset;        /* of the target in the command's options struct */
	const char *value;    /* what the help calls the value: "SIZE" */
	const char *help;     /* one line, no full stop */
	const char *alias_of; /* another spelling of that option of the same table; only name, letter, help
	                         apply */
	const char *section;  /* a row with only this is a heading */
	const char *complete; /* what completes the value: a word of enum-like names below, or "a b c" */
	bool hidden;          /* works, but is not shown */
	int64_t min, max;
	/* OPTION_CALL: `options` is the command's options struct. */
	int (*parse)(void *options, const char *text, struct err *e);
};

/* The end of a table. */
#define OPTION_END                                                                                           \
	{                                                                                                    \
		0                                                                                            \
	}
#define OPTION_IS_END(o) (!(o)->name && !(o)->section)

/* Rows in one line each. OPTIONS is defined before the table as the command's struct type. */
#define OPT_FLAG(n, l, field, h)                                                                             \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_FLAG, .offset = offsetof(OPTIONS, field),         \
		.help = (h)                                                                                  \
	}
#define OPT_STRING(n, l, field, v, c, h)                                                                     \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_STRING, .offset = offsetof(OPTIONS, field),       \
		.value = (v), .complete = (c), .help = (h)                                                   \
	}
#define OPT_COPY(n, l, field, v, c, h)                                                                       \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_COPY, .offset = offsetof(OPTIONS, field),         \
		.value = (v), .complete = (c), .help = (h)                                                   \
	}
#define OPT_LIST(n, l, field, v, c, h)                                                                       \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_LIST, .offset = offsetof(OPTIONS, field),         \
		.value = (v), .complete = (c), .help = (h)                                                   \
	}
#define OPT_SIZE(n, l, field, h)                                                                             \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_SIZE, .offset = offsetof(OPTIONS, field),         \
		.value = "SIZE", .complete = "none", .help = (h)                                             \
	}
#define OPT_DURATION(n, l, field, h)                                                                         \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_DURATION, .offset = offsetof(OPTIONS, field),     \
		.value = "TIME", .complete = "none", .help = (h)                                             \
	}
#define OPT_INT(n, l, field, lo, hi, v, h)                                                                   \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_INT, .offset = offsetof(OPTIONS, field),          \
		.value = (v), .complete = "none", .min = (lo), .max = (hi), .help = (h)                      \
	}
#define OPT_CALL(n, l, fn, v, c, h)                                                                          \
	{                                                                                                    \
		.name = (n), .letter = (l), .kind = OPTION_CALL, .parse = (fn), .value = (v),                \
		.complete = (c), .help = (h)                                                                 \
	}
#define OPT_ALIAS(n, l, target)                                                                              \
	{                                                                                                    \
		.name = (n), .letter = (l), .alias_of = (target)                                             \
	}
#define OPT_SECTION(title)                                                                                   \
	{                                                                                                    \
		.section = (title)                                                                           \
	}

/* Words that `complete` understands besides lists of words: containers (all), running, stopped, images,
 * volumes, networks, network-modes, files, directories, signals, commands, none. */

/* Reading argv. `argv` starts behind the command's words. */
struct option_reader {
	const struct option *own;    /* the command's table, or NULL */
	void *options;               /* its struct */
	const struct option *global; /* understood everywhere, or NULL */
	void *global_options;
	bool stop_at_operand; /* options end at the first operand */
	const char *command;  /* for errors: "tare run" */
	/* What to say about an unknown flag (its name or letter), or NULL; itself NULL: nothing. */
	const char *(*hint)(const char *flag);
	bool help; /* out: --help was seen; parsing ended there */
};
/* Operands are collected into *operands (borrowed strings; the vector itself is allocated, the caller's to
 * free). Stops at the first error; ERR_USAGE, one line. */
int option_read(struct option_reader *r, char **argv, char ***operands, struct err *e);
/* Frees what OPTION_LIST and OPTION_COPY rows have collected. */
void option_free(const struct option *table, void *options);
/* The row with this long name, aliases followed; NULL when there is none. */
const struct option *option_find(const struct option *table, const char *name);
/* The row that `o` stands for: itself, or what it is an alias of. */
const struct option *option_target(const struct option *table, const struct option *o);

#endif
