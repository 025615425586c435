#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/command.h"

#define SIGNALS "HUP INT QUIT KILL TERM STOP CONT USR1 USR2 WINCH"

static const struct {
	const char *name;
	enum completion_kind kind;
	const char *source;
} kinds[] = {
        {"files", COMPLETE_FILES, NULL},
        {"directories", COMPLETE_DIRECTORIES, NULL},
        {"none", COMPLETE_NONE, NULL},
        {"commands", COMPLETE_COMMANDS, NULL},
        {"signals", COMPLETE_WORDS, SIGNALS},
        {"containers", COMPLETE_ASK, "tare ps -a --format '{{.Names}}'"},
        {"running", COMPLETE_ASK, "tare ps --format '{{.Names}}'"},
        {"stopped", COMPLETE_ASK,
                "tare ps -a --filter status=exited --filter status=created --format '{{.Names}}'"},
        {"images", COMPLETE_ASK, "tare images --filter dangling=false --format '{{.Repository}}:{{.Tag}}'"},
        {"volumes", COMPLETE_ASK, "tare volume ls -q"},
        {"networks", COMPLETE_ASK, "tare network ls --format '{{.Name}}'"},
        {"network-modes", COMPLETE_ASK,
                "printf '%s\\n' none host container:; tare network ls --format '{{.Name}}'"},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

enum completion_kind completion_kind(const char *complete)
{
	if (!complete)
		return COMPLETE_FILES;
	for (size_t i = 0; i < N_KINDS; i++)
		if (strcmp(kinds[i].name, complete) == 0)
			return kinds[i].kind;
	return COMPLETE_WORDS;
}

const char *completion_source(const char *complete)
{
	for (size_t i = 0; complete && i < N_KINDS; i++)
		if (strcmp(kinds[i].name, complete) == 0)
			return kinds[i].source;
	return complete;
}

/* ------------------------------------------------------------------ walking the tables */

/* First words: single-word spellings and families, each once, separated by spaces. */
static void first_words(const struct program *p, struct buf *out)
{
	cleanup_strv char **seen = NULL;
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	for (const struct command *c; (c = command_next(p, &it));) {
		for (unsigned n = 0; !c->hidden && command_spelling(c, n, spelling); n++) {
			spelling[strcspn(spelling, " ")] = 0;
			if (strv_has(seen, spelling) || strv_add(&seen, spelling) < 0)
				continue;
			buf_printf(out, "%s%s", out->len ? " " : "", spelling);
		}
	}
}

/* Second words of a family. */
static void second_words(const struct program *p, const char *family, struct buf *out)
{
	size_t len = strlen(family);
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	for (const struct command *c; (c = command_next(p, &it));)
		for (unsigned n = 0; !c->hidden && command_spelling(c, n, spelling); n++)
			if (strncmp(spelling, family, len) == 0 && spelling[len] == ' ')
				buf_printf(out, "%s%s", out->len ? " " : "", spelling + len + 1);
}

/* The families, each once. */
static char **families(const struct program *p)
{
	char **seen = NULL;
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	for (const struct command *c; (c = command_next(p, &it));) {
		for (unsigned n = 0; !c->hidden && command_spelling(c, n, spelling); n++) {
			char *space = strchr(spelling, ' ');

			if (!space)
				continue;
			*space = 0;
			if (!strv_has(seen, spelling) && strv_add(&seen, spelling) < 0)
				break;
		}
	}
	return seen;
}

static bool is_shown(const struct option *o)
{
	return o->name && !o->hidden;
}

/* Text inside single quotes of a shell; `bracket` also escapes what zsh's _arguments reads. */
static void quoted(struct buf *out, const char *s, const char *escape)
{
	for (; *s; s++) {
		if (*s == '\'')
			buf_str_add(out, "'\\''");
		else if (escape && strchr(escape, *s))
			buf_printf(out, "\\%c", *s);
		else
			buf_char(out, *s);
	}
}

/* ------------------------------------------------------------------ bash */

static void bash_pattern(const struct command *c, struct buf *out)
{
	char spelling[COMMAND_SPELLING_SIZE];

	for (unsigned n = 0; command_spelling(c, n, spelling); n++)
		buf_printf(out, "%s\"%s\"", n ? "|" : "", spelling);
}

static void bash_reply(const char *complete, struct buf *out)
{
	switch (completion_kind(complete)) {
	case COMPLETE_FILES:
		buf_str_add(out, "_tare_reply -f");
		break;
	case COMPLETE_DIRECTORIES:
		buf_str_add(out, "_tare_reply -d");
		break;
	case COMPLETE_NONE:
		buf_str_add(out, ":");
		break;
	case COMPLETE_COMMANDS:
		buf_str_add(out, "_tare_reply -W \"$_tare_commands\"");
		break;
	case COMPLETE_WORDS:
		buf_printf(out, "_tare_reply -W '%s'", completion_source(complete));
		break;
	case COMPLETE_ASK:
		buf_printf(out, "_tare_reply -W \"$(%s 2>/dev/null)\"", completion_source(complete));
		break;
	}
}

static void bash_options(const struct option *table, struct buf *out)
{
	for (const struct option *o = table; o && !OPTION_IS_END(o); o++) {
		if (!is_shown(o))
			continue;
		buf_printf(out, "--%s ", o->name);
		if (o->letter)
			buf_printf(out, "-%c ", o->letter);
	}
}

/* One case arm per option that takes a value. */
static void bash_values(const char *pattern, const struct option *table, struct buf *out)
{
	for (const struct option *o = table; o && !OPTION_IS_END(o); o++) {
		const struct option *target = o->name ? option_target(table, o) : NULL;

		if (!target || target->kind == OPTION_FLAG || !is_shown(o))
			continue;
		buf_printf(out, "\t%s*\" --%s\"", pattern, o->name);
		if (o->letter)
			buf_printf(out, "|%s*\" -%c\"", pattern, o->letter);
		buf_str_add(out, ") ");
		bash_reply(target->complete, out);
		buf_str_add(out, " ;;\n");
	}
}

static void bash_command(const struct command *c, struct buf *out)
{
	buf_char(out, '\t');
	bash_pattern(c, out);
	buf_str_add(out, ")\n\t\toptions='");
	bash_options(c->options, out);
	buf_printf(out, "--help'\n\t\tstop=%d\n\t\tcase $ask in\n", c->stop_at_operand);
	bash_values("", c->options, out);
	if (c->complete_rest) {
		buf_str_add(out, "\t\"operand\") if [[ $operands -gt 0 ]]; then ");
		bash_reply(c->complete_rest, out);
		buf_str_add(out, "; else ");
	} else {
		buf_str_add(out, "\t\"operand\") ");
	}
	bash_reply(c->complete ? c->complete : c->operands ? "files" : "none", out);
	buf_printf(out, "%s ;;\n\t\t*) return 1 ;;\n\t\tesac ;;\n", c->complete_rest ? "; fi" : "");
}

/* What the script does: read the words up to the cursor, find command and operands, then either complete the
 * value of the option before, or options, or operands. "ask" is " --option" or "operand". */
static const char bash_head[] =
        "# bash completion for tare\n"
        "\n"
        "# Like compgen, but a prefix up to : or = that readline keeps is taken off again.\n"
        "_tare_reply()\n"
        "{\n"
        "\tlocal keep=${cur%\"${cur##*[:=]}\"}\n"
        "\tlocal IFS=$' \\t\\n'\n"
        "\tif [[ $1 == -W ]]; then\n"
        "\t\tCOMPREPLY=($(compgen -W \"$2\" -- \"$cur\"))\n"
        "\telse\n"
        "\t\tlocal IFS=$'\\n'\n"
        "\t\tcompopt -o filenames 2>/dev/null\n"
        "\t\tCOMPREPLY=($(compgen \"$1\" -- \"$cur\"))\n"
        "\tfi\n"
        "\tCOMPREPLY=(\"${COMPREPLY[@]#\"$keep\"}\")\n"
        "\t[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace 2>/dev/null\n"
        "\treturn 0\n"
        "}\n\n";

static const char bash_tail[] =
        "_tare()\n"
        "{\n"
        "\tlocal cur options stop name='' first='' ask='' word previous='' operands=0\n"
        "\tlocal line=${COMP_LINE:0:COMP_POINT}\n"
        "\tlocal -a words\n"
        "\tread -ra words <<<\"$line\"\n"
        "\t[[ $line == *[[:space:]] ]] && words+=('')\n"
        "\tcur=${words[${#words[@]}-1]}\n"
        "\tCOMPREPLY=()\n"
        "\tfor word in \"${words[@]:1:${#words[@]}-2}\"; do\n"
        "\t\tif [[ $previous == --root || $previous == --state || $previous == --log-level ]]; then\n"
        "\t\t\tprevious=\n"
        "\t\t\tcontinue\n"
        "\t\tfi\n"
        "\t\tprevious=$word\n"
        "\t\tif [[ -z $name && $word != -* ]]; then\n"
        "\t\t\tif [[ -n $first ]]; then\n"
        "\t\t\t\tname=\"$first $word\"\n"
        "\t\t\telif [[ \" $_tare_families \" == *\" $word \"* ]]; then\n"
        "\t\t\t\tfirst=$word\n"
        "\t\t\telse\n"
        "\t\t\t\tname=$word\n"
        "\t\t\tfi\n"
        "\t\telif [[ -n $name ]]; then\n"
        "\t\t\tif [[ -n $ask ]]; then\n"
        "\t\t\t\task=\n"
        "\t\t\telif [[ $word == -* && $word != *=* ]]; then\n"
        "\t\t\t\task=\" $word\"\n"
        "\t\t\t\t_tare_command \"$name\" || ask=\n"
        "\t\t\telif [[ $word != -* ]]; then\n"
        "\t\t\t\t((operands++))\n"
        "\t\t\tfi\n"
        "\t\tfi\n"
        "\tdone\n"
        "\tCOMPREPLY=()\n"
        "\tcase $previous in\n"
        "\t--root|--state) [[ -z $ask ]] && { _tare_reply -d; return; } ;;\n"
        "\t--log-level) [[ -z $ask ]] && { _tare_reply -W 'error warn info debug'; return; } ;;\n"
        "\tesac\n"
        "\tif [[ -z $name ]]; then\n"
        "\t\tif [[ $cur == -* ]]; then\n"
        "\t\t\t_tare_reply -W \"$_tare_globals --version --help\"\n"
        "\t\telif [[ -n $first ]]; then\n"
        "\t\t\t_tare_family \"$first\"\n"
        "\t\telse\n"
        "\t\t\t_tare_reply -W \"$_tare_commands\"\n"
        "\t\tfi\n"
        "\t\treturn\n"
        "\tfi\n"
        "\tif [[ -z $ask && $cur == --*=* ]]; then\n"
        "\t\task=\" ${cur%%=*}\"\n"
        "\t\tcur=${cur#*=}\n"
        "\tfi\n"
        "\t[[ -n $ask ]] && { _tare_command \"$name\"; return; }\n"
        "\task=operand\n"
        "\tif [[ $cur == -* ]]; then\n"
        "\t\t_tare_command \"$name\"\n"
        "\t\t[[ $stop == 1 && $operands -gt 0 ]] && { _tare_reply -f; return; }\n"
        "\t\t_tare_reply -W \"$options $_tare_globals\"\n"
        "\telse\n"
        "\t\t_tare_command \"$name\"\n"
        "\t\t[[ $stop == 1 && $operands -gt 0 ]] && _tare_reply -f\n"
        "\tfi\n"
        "}\n"
        "complete -F _tare tare\n";

void completion_bash(const struct program *p, struct buf *out)
{
	cleanup_buf struct buf words = BUF_INIT;
	cleanup_strv char **names = families(p);
	struct command_iterator it = {0};

	buf_str_add(out, bash_head);
	first_words(p, &words);
	buf_printf(out, "_tare_commands='%s'\n_tare_families='", buf_str(&words));
	strv_foreach (s, names)
		buf_printf(out, "%s ", *s);
	buf_str_add(out, "'\n_tare_globals='");
	bash_options(global_options, out);
	buf_str_add(out, "'\n\n_tare_family()\n{\n\tcase $1 in\n");
	strv_foreach (s, names) {
		buf_reset(&words);
		second_words(p, *s, &words);
		buf_printf(out, "\t%s) _tare_reply -W '%s' ;;\n", *s, buf_str(&words));
	}
	buf_str_add(out, "\tesac\n}\n\n# Sets options and stop, and completes what $ask says; 1: nothing to "
	                 "complete.\n"
	                 "_tare_command()\n{\n\tcase $1 in\n");
	for (const struct command *c; (c = command_next(p, &it));)
		if (!c->hidden)
			bash_command(c, out);
	buf_str_add(out, "\tesac\n}\n\n");
	buf_str_add(out, bash_tail);
}

/* ------------------------------------------------------------------ zsh */

static void zsh_action(const char *complete, struct buf *out)
{
	switch (completion_kind(complete)) {
	case COMPLETE_FILES:
		buf_str_add(out, "_files");
		break;
	case COMPLETE_DIRECTORIES:
		buf_str_add(out, "_files -/");
		break;
	case COMPLETE_NONE:
		buf_str_add(out, " ");
		break;
	case COMPLETE_COMMANDS:
		buf_str_add(out, "_tare_commands");
		break;
	case COMPLETE_WORDS:
		buf_str_add(out, "(");
		quoted(out, completion_source(complete), ":()\\");
		buf_str_add(out, ")");
		break;
	case COMPLETE_ASK:
		/* The blank keeps _arguments from putting words of its own before ours. */
		buf_printf(out, " _tare_ask %s", complete);
		break;
	}
}

/* '*--name=[help]:VALUE:action', once per spelling. */
static void zsh_option(const struct option *table, const struct option *o, struct buf *out)
{
	const struct option *target = option_target(table, o);
	const char *help = o->alias_of ? target->help : o->help;
	char letter[2] = {o->letter, 0};

	for (int form = 0; form < (o->letter ? 2 : 1); form++) {
		bool value = target->kind != OPTION_FLAG;

		buf_printf(out, " \\\n\t\t\t'*%s%s%s[", form ? "-" : "--", form ? letter : o->name,
		        !value ? ""
		        : form ? "+"
		               : "=");
		quoted(out, help, "[]\\:");
		buf_char(out, ']');
		if (value) {
			buf_char(out, ':');
			quoted(out, target->value, ":[]\\");
			buf_char(out, ':');
			zsh_action(target->complete, out);
		}
		buf_char(out, '\'');
	}
}

static void zsh_command(const struct command *c, struct buf *out)
{
	char spelling[COMMAND_SPELLING_SIZE];

	buf_str_add(out, "\t");
	for (unsigned n = 0; command_spelling(c, n, spelling); n++)
		buf_printf(out, "%s'%s'", n ? "|" : "", spelling);
	buf_printf(out, ")\n\t\t_arguments -s%s $globals", c->stop_at_operand ? " -S -A '-*'" : "");
	for (const struct option *o = c->options; o && !OPTION_IS_END(o); o++)
		if (is_shown(o))
			zsh_option(c->options, o, out);
	if (c->stop_at_operand) {
		buf_str_add(out, " \\\n\t\t\t'1:operand:");
		zsh_action(c->complete, out);
		buf_str_add(out, "' '*::command:_normal'");
	} else if (c->operands) {
		if (c->complete_rest) {
			buf_str_add(out, " \\\n\t\t\t'1:operand:");
			zsh_action(c->complete, out);
			buf_char(out, '\'');
		}
		buf_str_add(out, " \\\n\t\t\t'*:operand:");
		zsh_action(c->complete_rest ? c->complete_rest : c->complete, out);
		buf_char(out, '\'');
	}
	buf_str_add(out, " ;;\n");
}

/* 'word:summary' for _describe, of the first words or of a family's second ones. */
static void zsh_words(const struct program *p, const char *family, struct buf *out)
{
	size_t len = family ? strlen(family) : 0;
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	for (const struct command *c; (c = command_next(p, &it));) {
		for (unsigned n = 0; !c->hidden && command_spelling(c, n, spelling); n++) {
			const char *word = spelling;

			if (family) {
				if (strncmp(spelling, family, len) != 0 || spelling[len] != ' ')
					continue;
				word += len + 1;
			} else if (strchr(spelling, ' ')) {
				continue;
			}
			buf_printf(out, "\n\t\t'%s:", word);
			quoted(out, c->summary, ":\\");
			buf_char(out, '\'');
		}
	}
}

static void zsh_globals(struct buf *out)
{
	buf_str_add(out, "\tlocal -a globals=(");
	for (const struct option *o = global_options; !OPTION_IS_END(o); o++)
		zsh_option(global_options, o, out);
	buf_str_add(out, "\n\t\t'--help[Show help]')\n");
}

void completion_zsh(const struct program *p, struct buf *out)
{
	cleanup_strv char **names = families(p);
	struct command_iterator it = {0};

	buf_str_add(out, "#compdef tare\n\n_tare_ask()\n{\n\tlocal -a names\n\tcase $1 in\n");
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == COMPLETE_ASK)
			buf_printf(out, "\t%s) names=(${(f)\"$(%s 2>/dev/null)\"}) ;;\n", kinds[i].name,
			        kinds[i].source);
	buf_str_add(out, "\tesac\n\tcompadd -a names\n}\n\n_tare_commands()\n{\n\tlocal -a commands=(");
	zsh_words(p, NULL, out);
	strv_foreach (s, names)
		buf_printf(out, "\n\t\t'%s:Commands for it'", *s);
	buf_str_add(out, "\n\t)\n\t_describe command commands\n}\n\n_tare_family()\n{\n\tlocal -a "
	                 "commands\n\tcase $1 in\n");
	strv_foreach (s, names) {
		buf_printf(out, "\t%s) commands=(", *s);
		zsh_words(p, *s, out);
		buf_str_add(out, ") ;;\n");
	}
	buf_str_add(out, "\tesac\n\t_describe command commands\n}\n\n_tare_command()\n{\n");
	zsh_globals(out);
	buf_str_add(out, "\tcase $1 in\n");
	for (const struct command *c; (c = command_next(p, &it));)
		if (!c->hidden)
			zsh_command(c, out);
	buf_str_add(out, "\tesac\n}\n\n_tare()\n{\n\tlocal curcontext=$curcontext state line name\n");
	zsh_globals(out);
	buf_str_add(out, "\t_arguments -C $globals '--version[Print the version]' '1:command:_tare_commands' "
	                 "'*::argument:->rest' && return\n"
	                 "\t[[ $state == rest ]] || return\n"
	                 "\tname=$words[1]\n"
	                 "\tcase $name in\n\t");
	strv_foreach (s, names)
		buf_printf(out, "%s%s", s == names ? "" : "|", *s);
	buf_str_add(out, ")\n"
	                 "\t\tif (( CURRENT == 2 )); then\n"
	                 "\t\t\t_tare_family $name\n"
	                 "\t\t\treturn\n"
	                 "\t\tfi\n"
	                 "\t\tname=\"$words[1] $words[2]\"\n"
	                 "\t\tshift words\n"
	                 "\t\t(( CURRENT-- )) ;;\n"
	                 "\tesac\n"
	                 "\t_tare_command $name\n}\n\n_tare \"$@\"\n");
}

/* ------------------------------------------------------------------ fish */

static void fish_action(const char *complete, bool operand, struct buf *out)
{
	const char *source = completion_source(complete);

	switch (completion_kind(complete)) {
	case COMPLETE_FILES:
		buf_str_add(out, operand ? " -F" : " -r -F");
		break;
	case COMPLETE_DIRECTORIES:
		buf_printf(out, "%s -a '(__fish_complete_directories)'", operand ? "" : " -x");
		break;
	case COMPLETE_NONE:
		buf_str_add(out, operand ? "" : " -x");
		break;
	case COMPLETE_COMMANDS:
		buf_printf(out, "%s -a '$__tare_commands'", operand ? "" : " -x");
		break;
	case COMPLETE_WORDS:
		buf_printf(out, "%s -a '", operand ? "" : " -x");
		quoted(out, source, "\\");
		buf_char(out, '\'');
		break;
	case COMPLETE_ASK:
		buf_printf(out, "%s -a '(__tare_ask %s)'", operand ? "" : " -x", complete);
		break;
	}
}

static void fish_text(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_printf(out, *s == '\'' || *s == '\\' ? "\\%c" : "%c", *s);
}

static void fish_option(
        const char *condition, const struct option *table, const struct option *o, struct buf *out)
{
	const struct option *target = option_target(table, o);

	buf_printf(out, "complete -c tare -n '%s' -l %s", condition, o->name);
	if (o->letter)
		buf_printf(out, " -s %c", o->letter);
	if (target->kind != OPTION_FLAG)
		fish_action(target->complete, false, out);
	buf_str_add(out, " -d '");
	fish_text(out, o->alias_of ? target->help : o->help);
	buf_str_add(out, "'\n");
}

/* Which operand it is can't be told where options have values, so a later one is offered both. */
static void fish_operands(const struct command *c, const char *spelling, struct buf *out)
{
	if (!c->operands)
		return;
	if (completion_kind(c->complete) != COMPLETE_NONE) {
		buf_printf(out, "complete -c tare -n '__tare_is %s'", spelling);
		fish_action(c->complete, true, out);
		buf_char(out, '\n');
	}
	if (c->complete_rest && completion_kind(c->complete_rest) != COMPLETE_NONE) {
		buf_printf(
		        out, "complete -c tare -n '__tare_is %s; and not __tare_at %s'", spelling, spelling);
		fish_action(c->complete_rest, true, out);
		buf_char(out, '\n');
	}
}

static void fish_spelling(const struct command *c, const char *spelling, struct buf *out)
{
	char condition[COMMAND_SPELLING_SIZE + 16];
	const char *space = strchr(spelling, ' ');

	if (space)
		buf_printf(out, "complete -c tare -n '__tare_at %.*s' -a %s -d '", (int)(space - spelling),
		        spelling, space + 1);
	else
		buf_printf(out, "complete -c tare -n '__tare_at' -a %s -d '", spelling);
	fish_text(out, c->summary);
	buf_str_add(out, "'\n");
	snprintf(condition, sizeof(condition), "__tare_is %s", spelling);
	fish_operands(c, spelling, out);
	for (const struct option *o = c->options; o && !OPTION_IS_END(o); o++)
		if (is_shown(o))
			fish_option(condition, c->options, o, out);
}

static const char fish_head[] = "# fish completion for tare\n"
                                "\n"
                                "# The words typed so far, without options of tare itself.\n"
                                "function __tare_words\n"
                                "    set -l skip 0\n"
                                "    for word in (commandline -opc)[2..-1]\n"
                                "        if test $skip = 1\n"
                                "            set skip 0\n"
                                "        else if contains -- $word --root --state --log-level\n"
                                "            set skip 1\n"
                                "        else if not string match -q -- '-*' $word\n"
                                "            echo $word\n"
                                "        end\n"
                                "    end\n"
                                "end\n"
                                "\n"
                                "# Are exactly these words typed?\n"
                                "function __tare_at\n"
                                "    set -l words (__tare_words)\n"
                                "    test \"$words\" = \"$argv\"\n"
                                "end\n"
                                "\n"
                                "# Do the words begin with these?\n"
                                "function __tare_is\n"
                                "    set -l words (__tare_words)\n"
                                "    set -l n (count $argv)\n"
                                "    test (count $words) -ge $n; and test \"$words[1..$n]\" = \"$argv\"\n"
                                "end\n"
                                "\n"
                                "function __tare_ask\n"
                                "    switch $argv[1]\n";

void completion_fish(const struct program *p, struct buf *out)
{
	cleanup_strv char **names = families(p);
	cleanup_buf struct buf words = BUF_INIT;
	char spelling[COMMAND_SPELLING_SIZE];
	struct command_iterator it = {0};

	buf_str_add(out, fish_head);
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == COMPLETE_ASK)
			buf_printf(out, "        case %s\n            %s 2>/dev/null\n", kinds[i].name,
			        kinds[i].source);
	first_words(p, &words);
	buf_printf(out, "    end\nend\n\nset -g __tare_commands %s\ncomplete -c tare -f\n", buf_str(&words));
	for (const struct option *o = global_options; !OPTION_IS_END(o); o++)
		fish_option("true", global_options, o, out);
	strv_foreach (s, names)
		buf_printf(out, "complete -c tare -n '__tare_at' -a %s -d 'Commands for it'\n", *s);
	for (const struct command *c; (c = command_next(p, &it));)
		for (unsigned n = 0; !c->hidden && command_spelling(c, n, spelling); n++)
			fish_spelling(c, spelling, out);
}
