/* The pretend shell of the simulated containers, so that panes with shells can be tried: a few programs,
 * lines of commands, a prompt. It runs in the caller's process and touches nothing but its descriptors. */
#ifndef TARE_ENGINE_SIMULATION_SHELL_H
#define TARE_ENGINE_SIMULATION_SHELL_H

#include "engine/detach_keys.h"
#include "engine/simulation_files.h"

/* The caller's side (simulation_terminal.c). */
struct sim_terminal {
	const struct tare_io *io; /* NULL: nobody is there, what is written is kept in `kept` */
	bool raw;
	struct detach_keys keys;
	char in[256 + DETACH_KEYS_MAX];
	size_t in_at, in_len;
	bool in_end, detached, gone; /* gone: the reader of the output */
	struct simulation *s;        /* NULL, or whose container it is: */
	const char *id;
	bool ended;     /* somebody ended it meanwhile */
	struct buf out; /* not written yet */
	struct buf kept;
	unsigned rows, cols;
};
int sim_terminal_open(struct sim_terminal *t, const struct tare_io *io, struct err *e);
void sim_terminal_close(struct sim_terminal *t);
void sim_terminal_size(struct sim_terminal *t);
/* On a terminal a newline becomes CR LF, as a kernel's would. */
void sim_put(struct sim_terminal *t, const char *text, size_t len);
void sim_say(struct sim_terminal *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_complain(struct sim_terminal *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_flush(struct sim_terminal *t);
/* The next byte, waiting `ms` (-1: for ever); SIM_KEY_NONE after that time, SIM_KEY_END at the end of the
 * input, when the caller has detached, or when nobody reads any more. */
enum { SIM_KEY_END = -1, SIM_KEY_NONE = -2 };
int sim_key(struct sim_terminal *t, int ms);

struct sim_shell {
	struct simulation *s;
	struct sim_container *c;
	struct sim_terminal *t;
	const char *const *env; /* added ones, or NULL */
	const char *user;
	char cwd[256];
	int64_t seconds; /* nobody there: how long it would have taken; INT64_MAX: for ever */
	bool leave;      /* exit was said */
	int depth;
};

/* A program; NULL when there is none of that name (a path counts by its last part). */
typedef int sim_program(struct sim_shell *sh, char *const *args);
/* simulation_screen.c */
sim_program sim_run_life, sim_run_colors;
sim_program *sim_program_named(const char *name);
void sim_program_names(struct buf *out);
/* Run a command; its exit code, 127 when there is none of that name. */
int sim_command(struct sim_shell *sh, char *const *args);
/* A line of commands: words, quotes, ; && || and variables. */
int sim_line(struct sim_shell *sh, const char *line);
/* Prompt and lines until the input ends. */
int sim_interactive(struct sim_shell *sh);

#endif
