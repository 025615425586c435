/* The ":" line: action names, settings, themes, and any tare command. */
#ifndef TARE_TUI_COMMAND_LINE_H
#define TARE_TUI_COMMAND_LINE_H

struct app;
struct view;

struct view *command_line_new(struct app *a);
/* Do what was typed, without the ':'. */
void command_line_run(struct app *a, const char *text);
/* Candidates for the last word of `text`, appended whole. */
void command_line_complete(struct app *a, const char *text, char ***candidates);

#endif
