/* Lines of the pretend shell: prompt, editing, words, lists of commands. */
#include "engine/simulation_shell.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define HISTORY        16
#define DEPTH_MAX      8
#define CTRL(c)        ((c)&31)

/* ------------------------------------------------------------------ words */

static const char *sim_variable(const struct sim_shell *sh, const char *name, size_t len)
{
	for (const char *const *v = sh->env; v && *v; v++)
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	strv_foreach (v, sh->c->env)
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	if (len == 4 && strncmp(name, "HOME", 4) == 0)
		return "/root";
	if (len == 8 && strncmp(name, "HOSTNAME", 8) == 0)
		return sh->c->name;
	return "";
}

static const char *add_variable(const struct sim_shell *sh, const char *p, int last, struct buf *word)
{
	size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	if (*p == '?') {
		buf_printf(word, "%d", last);
		return p + 1;
	}
	buf_str_add(word, len ? sim_variable(sh, p, len) : "$");
	return p + len;
}

/* One word at *p; false: there is none before the command's end. */
static bool take_word(const struct sim_shell *sh, const char **p, int last, struct buf *word)
{
	char quote = 0;
	bool any = false;

	*p += strspn(*p, " \t");
	while (**p && (quote || !strchr(" \t;&|\n", **p))) {
		char c = *(*p)++;

		any = true;
		if (quote && c == quote)
			quote = 0;
		else if (!quote && (c == '\'' || c == '"'))
			quote = c;
		else if (c == '\\' && **p && quote != '\'')
			buf_char(word, *(*p)++);
		else if (c == '$' && quote != '\'')
			*p = add_variable(sh, *p, last, word);
		else
			buf_char(word, c);
	}
	return any;
}

static int run_words(struct sim_shell *sh, const char **p, int last, bool skip)
{
	cleanup_strv char **args = NULL;

	for (;;) {
		cleanup_buf struct buf word = BUF_INIT_MAX(64 << 10);

		if (!take_word(sh, p, last, &word))
			break;
		if (strv_add(&args, buf_str(&word)) < 0)
			return 1;
	}
	return skip || !args ? last : sim_command(sh, args);
}

int sim_line(struct sim_shell *sh, const char *line)
{
	bool skip = false;
	int last = 0;

	if (sh->depth >= DEPTH_MAX)
		return 1;
	sh->depth++;
	for (const char *p = line; *p && *p != '#' && !sh->leave;) {
		last = run_words(sh, &p, last, skip);
		skip = false;
		if (strncmp(p, "&&", 2) == 0 || strncmp(p, "||", 2) == 0) {
			skip = (*p == '&') != (last == 0);
			p += 2;
		} else if (*p) {
			p++;
		}
	}
	sh->depth--;
	return last;
}

int sim_command(struct sim_shell *sh, char *const *args)
{
	sim_program *program = sim_program_named(args[0]);

	if (program)
		return program(sh, args);
	sim_complain(sh->t, "sh: %.100s: not found (this is the demo's pretend shell; see: help)\n", args[0]);
	return 127;
}

/* ------------------------------------------------------------------ editing */

struct editor {
	char line[LINE_MAX_BYTES];
	size_t len;
	char *history[HISTORY];
	size_t n_history, at; /* at: the one that is shown */
};

static void sim_prompt(struct sim_shell *sh)
{
	sim_say(sh->t, "\033[1;32m%s@%s\033[0m:\033[1;34m%s\033[0m# ", sh->user ? sh->user : "root",
	        sh->c->name, sh->cwd);
}

static void replace(struct sim_shell *sh, struct editor *ed, const char *text)
{
	snprintf(ed->line, sizeof(ed->line), "%s", text);
	ed->len = strlen(ed->line);
	sim_say(sh->t, "\r\033[K");
	sim_prompt(sh);
	sim_put(sh->t, ed->line, ed->len);
}

static void step_history(struct sim_shell *sh, struct editor *ed, int by)
{
	if ((by < 0 && ed->at == 0) || (by > 0 && ed->at >= ed->n_history))
		return;
	ed->at += (size_t)by;
	replace(sh, ed, ed->at < ed->n_history ? ed->history[ed->at] : "");
}

/* The rest of ESC [ … or ESC O … */
static void escape(struct sim_shell *sh, struct editor *ed)
{
	int c = sim_key(sh->t, 50);

	if (c != '[' && c != 'O')
		return;
	do
		c = sim_key(sh->t, 50);
	while (c >= 0x20 && c < 0x40);
	if (c == 'A' || c == 'B')
		step_history(sh, ed, c == 'A' ? -1 : 1);
}

static void rub_out(struct sim_shell *sh, struct editor *ed)
{
	if (!ed->len)
		return;
	do
		ed->len--;
	while (ed->len && ((unsigned char)ed->line[ed->len] & 0xc0) == 0x80);
	ed->line[ed->len] = '\0';
	replace(sh, ed, ed->line);
}

static void type(struct sim_shell *sh, struct editor *ed, int c)
{
	char byte = (char)c;

	if (ed->len + 1 >= sizeof(ed->line))
		return;
	ed->line[ed->len++] = byte;
	ed->line[ed->len] = '\0';
	if (sh->t->raw)
		sim_put(sh->t, &byte, 1);
}

/* True: a line is there; false: the input has ended. */
static bool edit_line(struct sim_shell *sh, struct editor *ed)
{
	ed->len = 0;
	ed->line[0] = '\0';
	ed->at = ed->n_history;
	for (;;) {
		int c = sim_key(sh->t, -1);

		if (c < 0)
			return ed->len > 0 && !sh->t->raw && !sh->t->detached;
		if (c == CTRL('d') && sh->t->raw && ed->len == 0)
			return false;
		if (c == '\r' || c == '\n') {
			sim_say(sh->t, sh->t->raw ? "\n" : "");
			return true;
		}
		if (!sh->t->raw)
			type(sh, ed, c);
		else if (c == 27)
			escape(sh, ed);
		else if (c == 127 || c == CTRL('h'))
			rub_out(sh, ed);
		else if (c == CTRL('u'))
			replace(sh, ed, "");
		else if (c == CTRL('l')) {
			sim_say(sh->t, "\033[H\033[2J");
			replace(sh, ed, ed->line);
		} else if (c == CTRL('c')) {
			sim_say(sh->t, "^C\n");
			sim_prompt(sh);
			ed->len = 0;
			ed->line[0] = '\0';
		} else if (c >= 32)
			type(sh, ed, c);
	}
}

static void remember(struct editor *ed)
{
	char *line = ed->len ? strdup(ed->line) : NULL;

	if (!line)
		return;
	if (ed->n_history == HISTORY) {
		free(ed->history[0]);
		memmove(ed->history, ed->history + 1, (HISTORY - 1) * sizeof(*ed->history));
		ed->n_history--;
	}
	ed->history[ed->n_history++] = line;
}

int sim_interactive(struct sim_shell *sh)
{
	struct editor *ed;
	int code = 0;

	if (!sh->t->io || sh->t->io->in < 0) {
		if (!sh->t->io && sh->c->tty) /* somebody may attach to it */
			sh->seconds = INT64_MAX;
		return 0;
	}
	ed = calloc(1, sizeof(*ed));
	if (!ed)
		return 1;
	if (sh->t->raw && sh->depth == 0)
		sim_say(sh->t, "A pretend shell of the demo; type help.\n");
	for (;;) {
		if (sh->t->raw)
			sim_prompt(sh);
		if (!edit_line(sh, ed))
			break;
		remember(ed);
		code = sim_line(sh, ed->line);
		if (sh->leave || sh->t->gone)
			break;
	}
	sh->leave = false;
	if (sh->t->raw && !sh->t->detached)
		sim_say(sh->t, "\n");
	for (size_t i = 0; i < ed->n_history; i++)
		free(ed->history[i]);
	free(ed);
	return code;
}
