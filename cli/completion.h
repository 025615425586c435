/* Completion scripts for shells, printed from the tables. Names of containers and images are asked of `tare`
 * when they are needed. */
#ifndef TARE_CLI_COMPLETION_H
#define TARE_CLI_COMPLETION_H

struct buf;
struct program;

/* What `complete` of an option or command means to the scripts. */
enum completion_kind {
	COMPLETE_FILES,
	COMPLETE_DIRECTORIES,
	COMPLETE_NONE,
	COMPLETE_COMMANDS,
	COMPLETE_WORDS,
	COMPLETE_ASK
};
enum completion_kind completion_kind(const char *complete);
/* The command line that lists them, for COMPLETE_ASK; or the words, for COMPLETE_WORDS. */
const char *completion_source(const char *complete);

void completion_bash(const struct program *p, struct buf *out);
void completion_zsh(const struct program *p, struct buf *out);
void completion_fish(const struct program *p, struct buf *out);

#endif
