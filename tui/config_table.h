/* The settings of the user's file, one row each: X("name", "what it may be", "default", "what it does").
 * Reading, checks and the example file come from these rows. */
#ifndef TARE_TUI_CONFIG_TABLE_H
#define TARE_TUI_CONFIG_TABLE_H

/* clang-format off */
#define SETTINGS(X) \
	X("theme", "text", "auto", "The theme's name; auto: tare-light on a light terminal, else tare-dark. T picks one") \
	X("keys", "default|lazydocker|k9s|htop|emacs", "default", "Whose keys; the file keys beside this one changes single ones") \
	X("color", "auto|mono|16|256|true", "auto", "How many colours the terminal has; auto obeys NO_COLOR and COLORTERM") \
	X("ascii", "yes|no", "no", "Only ASCII: no line drawing, no braille") \
	X("graph", "braille|block|ascii", "", "What graphs are made of; without it, what the theme says") \
	X("mouse", "yes|no", "yes", "Take the mouse; M gives it back to the terminal for a while") \
	X("animate", "yes|no", "yes", "Things that move by themselves: spinners, graphs that slide") \
	X("screen_reader", "yes|no", "no", "No borders, no animation, the cursor on the selected line") \
	X("bell", "yes|no", "yes", "Ring when something needs attention") \
	X("notify", "yes|no", "no", "Have the terminal notify then, where it knows how (OSC 9)") \
	X("prefix", "text", "ctrl-]", "The key that leaves a shell's pane for Tare; twice: to the shell") \
	X("scrollback", "number 0..100000", "5000", "Lines that each shell's pane keeps") \
	X("log_wrap", "yes|no", "no", "Break long lines of logs; w in the logs does so") \
	X("log_json", "yes|no", "no", "Lay out lines of JSON in logs") \
	X("log_times", "none|absolute|relative|delta", "absolute", "What stands before a line of a log") \
	X("sidebar", "number 15..85", "40", "Width of the lists in percent of the screen") \
	X("backup.repository", "text", "", "Where backups of volumes go: a directory. One that is told for a volume counts for that one") \
	X("backup.key_file", "text", "", "The key of an encrypted repository of backups") \
	X("editor", "text", "", "For files; without it VISUAL, EDITOR or vi")
/* clang-format on */

#endif
