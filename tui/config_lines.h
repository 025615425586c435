/* The one way the dashboard reads a text file of people's: settings, key maps and themes are all lines of
 * "[section]", "key = value" and "# comment". Nothing in such a file can be fatal: a mistake becomes a
 * warning "NAME:LINE: …" and the next line is read. Every byte is foreign, so everything has a bound. */
#ifndef TARE_TUI_CONFIG_LINES_H
#define TARE_TUI_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CONFIG_FILE_MAX = 64 << 10,
	CONFIG_LINE_MAX = 512,
	CONFIG_WARNINGS_MAX = 64, /* of one file; then one line says that there were more */
};

enum config_line_kind { CONFIG_COMMENT, CONFIG_SECTION, CONFIG_PAIR };

struct config_lines {
	const char *name; /* for warnings: "midnight.theme" */
	const char *at, *end;
	char ***warnings; /* may be NULL */
	unsigned number, n_warnings;
	/* the line read last; key and value without blanks around them and without a comment after " # " */
	enum config_line_kind kind;
	char *key, *value; /* PAIR: both; SECTION: key; COMMENT: value */
	char text[CONFIG_LINE_MAX];
};

void config_lines_begin(
        struct config_lines *l, const char *text, size_t len, const char *name, char ***warnings);
/* The next line that says something; false at the end. */
bool config_lines_next(struct config_lines *l);
/* A warning about line `number` of this file. */
void config_lines_warn(struct config_lines *l, unsigned number, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* "unknown WHAT: WORD; did you mean NEAREST?" */
void config_lines_unknown(struct config_lines *l, const char *what, const char *word, const char *nearest);

/* "yes", "on", "true", "1" and their opposites. */
bool config_parse_bool(const char *text, bool *value);
/* Cut blanks off both ends, in place. */
char *config_trim(char *s);

#endif
