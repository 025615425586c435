/* A line as a shell splits it into words: blanks, both quotes, backslash. Nothing is expanded. */
#ifndef TARE_TUI_WORDS_H
#define TARE_TUI_WORDS_H

struct err;

/* The caller's to strv_free; NULL for no words, or with e for a quote that is not closed. */
char **words_split(const char *text, struct err *e);

#endif
